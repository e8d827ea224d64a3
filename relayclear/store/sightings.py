"""When packets were seen pending: intervals, not a row per look.

Neighbouring sequences first seen by the same look share a row.  A look that finds nothing new
therefore writes nothing but the note of having looked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from relayclear.errors import HeightError
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import read_optional_time, read_time, time_text

SELECT_ENDS = "SELECT chain, port, channel, id FROM ends"
ADD_END = "INSERT INTO ends (chain, port, channel) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

SELECT_READINGS = """
SELECT e.chain, e.port, e.channel, r.read_at, r.height, r.failed_at, r.error
FROM readings r JOIN ends e ON e.id = r.end_id"""
SET_READING = """
INSERT INTO readings (end_id, read_at, height) VALUES (?, ?, ?)
ON CONFLICT (end_id) DO UPDATE
SET read_at = excluded.read_at, height = excluded.height, failed_at = NULL, error = NULL"""
SET_FAILURE = """
INSERT INTO readings (end_id, failed_at, error) VALUES (?, ?, ?)
ON CONFLICT (end_id) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error"""
DROP_READINGS = "DELETE FROM readings WHERE end_id IN (SELECT id FROM ends WHERE chain = ?)"

SELECT_PENDING = """
SELECT end_id, first_sequence, last_sequence, first_seen, first_height
FROM sightings WHERE end_id IN (?*) ORDER BY end_id, first_sequence"""
OPEN_SIGHTING = """
INSERT INTO sightings (end_id, first_sequence, last_sequence, first_seen, first_height) VALUES (?, ?, ?, ?, ?)"""
DROP_SIGHTING = "DELETE FROM sightings WHERE end_id = ? AND first_sequence = ?"
ADD_PAST = """
INSERT INTO past_sightings (end_id, first_sequence, last_sequence, first_seen, first_height, last_seen, gone_at)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
SELECT_PENDING_AT = """
SELECT end_id, first_sequence, last_sequence, first_seen, first_height
FROM sightings WHERE end_id = ? AND first_seen <= ?
UNION ALL
SELECT end_id, first_sequence, last_sequence, first_seen, first_height
FROM past_sightings WHERE end_id = ? AND gone_at > ? AND first_seen <= ?"""

SELECT_OLD = """
SELECT end_id, first_sequence, last_sequence, first_seen FROM sightings WHERE first_seen <= ? AND end_id IN (?*)"""


@dataclass(frozen=True, slots=True)
class LastReading:
    """The last good reading of an end, and what went wrong since; None where there is none.

    `error` is None when the newest reading was a good one.
    """

    at: datetime | None
    height: int | None
    failed_at: datetime | None
    error: str | None


_NEVER = LastReading(None, None, None, None)
Seen = dict[int, datetime]


class _Run(NamedTuple):
    """A row of `sightings`."""

    end_id: int
    first: int
    last: int
    seen: str
    height: int


def record_scan(
    tx: Transaction,
    at: datetime,
    readings: Mapping[ChannelEnd, tuple[int, Collection[int]]],
    failures: Mapping[ChannelEnd, str],
) -> dict[ChannelEnd, Seen | HeightError]:
    """See `Journal.record_scan`."""
    ids, known, now = number_ends(tx, [*readings, *failures]), last_readings(tx), time_text(at)
    runs = _pending(tx, [ids[end] for end in readings])
    answer: dict[ChannelEnd, Seen | HeightError] = {}
    for end, (height, sequences) in readings.items():
        last = known.get(end, _NEVER)
        if height < (last.height or 0):
            answer[end] = HeightError(f"{end} was read at height {height}, the time before at {last.height}")
        else:
            look = _Look(ids[end], now, height, time_text(last.at or at))
            answer[end] = _update(tx, look, runs.get(ids[end], []), sequences)
    fallen = {end: value.message for end, value in answer.items() if isinstance(value, HeightError)}
    good = [(ids[end], now, height) for end, (height, _) in readings.items() if end not in fallen]
    tx.execute_each(SET_READING, good)
    tx.execute_each(SET_FAILURE, [(ids[end], now, error) for end, error in {**failures, **fallen}.items()])
    return answer


class _Look(NamedTuple):
    """One good reading of one end: when, at which height, and when the one before it was."""

    end_id: int
    at: str
    height: int
    before: str


def _update(tx: Transaction, look: _Look, runs: list[_Run], sequences: Collection[int]) -> Seen:
    seen = _expand(runs)
    now = sequences if isinstance(sequences, AbstractSet) else frozenset(sequences)
    if seen.keys() == now:
        return seen
    gone, new = seen.keys() - now, now - seen.keys()
    if gone:
        _close(tx, look, runs, gone)
    opened = SequenceRanges.of(new).ranges
    tx.execute_each(OPEN_SIGHTING, [(look.end_id, first, last, look.at, look.height) for first, last in opened])
    at = read_time(look.at)
    return {sequence: seen.get(sequence, at) for sequence in now}


def _close(tx: Transaction, look: _Look, runs: Iterable[_Run], gone: AbstractSet[int]) -> None:
    """Move what is gone into the past; a run that lost its middle leaves two."""
    dropped: list[Row] = []
    kept: list[Row] = []
    past: list[Row] = []
    for run in runs:
        lost = [sequence for sequence in range(run.first, run.last + 1) if sequence in gone]
        if not lost:
            continue
        left = [sequence for sequence in range(run.first, run.last + 1) if sequence not in gone]
        dropped.append((run.end_id, run.first))
        kept += [(run.end_id, *part, run.seen, run.height) for part in SequenceRanges.of(left).ranges]
        past += [
            (run.end_id, *part, run.seen, run.height, look.before, look.at) for part in SequenceRanges.of(lost).ranges
        ]
    tx.execute_each(DROP_SIGHTING, dropped)
    tx.execute_each(OPEN_SIGHTING, kept)
    tx.execute_each(ADD_PAST, past)


def predate(tx: Transaction, end: ChannelEnd, sequences: AbstractSet[int], at: datetime) -> None:
    """See `Journal.predate`."""
    end_id = number_ends(tx, [end])[end]
    earlier = time_text(at)
    for run in _pending(tx, [end_id]).get(end_id, []):
        older = [sequence for sequence in range(run.first, run.last + 1) if sequence in sequences]
        if not older or run.seen <= earlier:
            continue
        rest = SequenceRanges([(run.first, run.last)]).minus(SequenceRanges.of(older))
        tx.execute(DROP_SIGHTING, (end_id, run.first))
        tx.execute_each(
            OPEN_SIGHTING,
            [(end_id, *part, earlier, run.height) for part in SequenceRanges.of(older).ranges]
            + [(end_id, *part, run.seen, run.height) for part in rest.ranges],
        )


def last_readings(reads: Reads) -> dict[ChannelEnd, LastReading]:
    """See `Journal.last_readings`."""
    return {
        ChannelEnd(chain, port, channel): LastReading(
            read_optional_time(at), height, read_optional_time(failed_at), error
        )
        for chain, port, channel, at, height, failed_at, error in reads.rows(SELECT_READINGS)
    }


def first_seen(reads: Reads, keys: Iterable[PacketKey]) -> dict[PacketKey, datetime]:
    """See `Journal.first_seen`."""
    wanted = list(keys)
    ids = numbers(reads)
    pending = _pending(reads, {ids[end] for end in {key.end for key in wanted} if end in ids})
    seen = {end_id: _expand(runs) for end_id, runs in pending.items()}
    found = ((key, seen.get(ids.get(key.end, 0), {}).get(key.sequence)) for key in wanted)
    return {key: at for key, at in found if at is not None}


def pending_at(reads: Reads, ends: Iterable[ChannelEnd], at: datetime) -> dict[ChannelEnd, Seen]:
    """See `Journal.pending_at`."""
    ids, text = numbers(reads), time_text(at)
    return {
        end: _expand(_Run(*row) for row in reads.rows(SELECT_PENDING_AT, (ids[end], text, ids[end], text, text)))
        for end in ends
        if end in ids
    }


def close_all(tx: Transaction, chain: str, at: datetime) -> None:
    """End every open sighting of a chain and forget its heights."""
    known = last_readings(tx)
    of_chain = {end_id: end for end, end_id in numbers(tx).items() if end.chain == chain}
    for end_id, runs in _pending(tx, of_chain).items():
        last = known[of_chain[end_id]].at if of_chain[end_id] in known else None
        _close(tx, _Look(end_id, time_text(at), 0, time_text(last or at)), runs, _expand(runs).keys())
    tx.execute(DROP_READINGS, (chain,))


def _pending(reads: Reads, ids: Iterable[int]) -> dict[int, list[_Run]]:
    rows = map(_Run._make, reads.rows_in(SELECT_PENDING, (), ids))
    return {end_id: list(runs) for end_id, runs in groupby(rows, key=itemgetter(0))}


def _expand(runs: Iterable[_Run]) -> Seen:
    seen: Seen = {}
    for _, first, last, at, _ in runs:
        if first == last:
            seen[first] = read_time(at)
        else:
            # fromkeys walks the range in C: a run may hold tens of thousands.
            seen.update(dict.fromkeys(range(first, last + 1), read_time(at)))
    return seen


def numbers(reads: Reads) -> dict[ChannelEnd, int]:
    """The number of every end that was ever looked at."""
    return {ChannelEnd(chain, port, channel): end_id for chain, port, channel, end_id in reads.rows(SELECT_ENDS)}


def number_ends(tx: Transaction, ends: Collection[ChannelEnd]) -> dict[ChannelEnd, int]:
    """The number of every end, the given ones numbered now where they are new."""
    ids = numbers(tx)
    missing = [end for end in ends if end not in ids]
    if not missing:
        return ids
    tx.execute_each(ADD_END, missing)
    return numbers(tx)


class Old(NamedTuple):
    """What has been pending on an end for long: the sequences, and since when the oldest was seen."""

    sequences: SequenceRanges
    since: datetime


def old(reads: Reads, seen_before: datetime) -> dict[ChannelEnd, Old]:
    """What was pending at the last good reading and seen before a time, by end; ends without any are left out."""
    ends = {number: ChannelEnd(*end) for *end, number in reads.rows(SELECT_ENDS)}
    found: dict[ChannelEnd, list[tuple[int, int, str]]] = {}
    for number, first, last, since in reads.rows_in(SELECT_OLD, (time_text(seen_before),), ends):
        found.setdefault(ends[number], []).append((first, last, since))
    return {
        end: Old(SequenceRanges([row[:2] for row in rows]), read_time(min(row[2] for row in rows)))
        for end, rows in found.items()
    }
