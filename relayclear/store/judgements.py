"""What scans made of pending packets: intervals, not a row per scan.

Neighbouring sequences of one judgement that began with one scan share a row.  A scan that finds
nothing else than the one before therefore writes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass, Verdict
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.sightings import number_ends, numbers
from relayclear.store.values import read_time, time_text

SELECT_JUDGED = """
SELECT end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention, first_seen, since
FROM judgements WHERE end_id = ? ORDER BY first_sequence"""
OPEN_JUDGEMENT = """
INSERT INTO judgements (end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention,
  first_seen, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
DROP_JUDGEMENT = "DELETE FROM judgements WHERE end_id = ? AND first_sequence = ?"
ADD_PAST = """
INSERT INTO past_judgements (end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention,
  first_seen, since, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_JUDGED_AT = """
SELECT end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention, first_seen, since
FROM judgements WHERE end_id = ? AND since <= ?
UNION ALL
SELECT end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention, first_seen, since
FROM past_judgements WHERE end_id = ? AND ended_at > ? AND since <= ?"""
SELECT_OF_PACKET = """
SELECT packet_class, reason, detail, known, attention, first_seen, since, NULL AS ended_at
FROM judgements WHERE end_id = ? AND first_sequence <= ? AND last_sequence >= ?
UNION ALL
SELECT packet_class, reason, detail, known, attention, first_seen, since, ended_at
FROM past_judgements WHERE end_id = ? AND first_sequence <= ? AND last_sequence >= ?"""
SELECT_BETWEEN = """
SELECT end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention, first_seen, since,
  NULL AS ended_at
FROM judgements WHERE end_id = ? AND since <= ?
UNION ALL
SELECT end_id, first_sequence, last_sequence, packet_class, reason, detail, known, attention, first_seen, since,
  ended_at
FROM past_judgements WHERE end_id = ? AND ended_at > ? AND since <= ?"""

SET_CHANGES = """
INSERT INTO picture_changes (end_id, changes) VALUES (?, 1)
ON CONFLICT (end_id) DO UPDATE SET changes = changes + 1"""
SELECT_CHANGES = "SELECT e.chain, e.port, e.channel, p.changes FROM picture_changes p JOIN ends e ON e.id = p.end_id"

ADD_MOMENT = "INSERT INTO picture_moments (at) VALUES (?) ON CONFLICT DO NOTHING"
SELECT_MOMENT_BEFORE = "SELECT max(at) FROM picture_moments WHERE at < ?"
SELECT_MOMENT_AFTER = "SELECT min(at) FROM picture_moments WHERE at > ?"
SELECT_MOMENT_UNTIL = "SELECT max(at) FROM picture_moments WHERE at <= ?"

FORGET_PAST = "DELETE FROM past_judgements WHERE end_id = ? AND ended_at < ?"
FORGET_MOMENTS = "DELETE FROM picture_moments WHERE at < ?"


class Judged(NamedTuple):
    """What a scan made of one packet.

    `known`: its details are read and fit the commitment; `attention`: it needs somebody.
    """

    verdict: Verdict
    known: bool
    attention: bool
    first_seen: datetime


class Run(NamedTuple):
    """Neighbouring sequences of one judgement, and since which scan it holds."""

    first: int
    last: int
    judged: Judged
    since: datetime


class Span(NamedTuple):
    """One judgement of one packet, from a scan on until another one; `ended_at` is None while it holds."""

    judged: Judged
    since: datetime
    ended_at: datetime | None


def record(tx: Transaction, at: datetime, found: Mapping[ChannelEnd, Mapping[int, Judged]]) -> bool:
    """Keep what a scan made of every pending packet of some ends; whether that is anything new.

    What the same scan said before is replaced without a trace: nobody was to see it.
    """
    ids = number_ends(tx, [*found])
    changed = [ids[end] for end, judged in found.items() if _update(tx, ids[end], judged, at)]
    tx.execute_each(SET_CHANGES, [(end_id,) for end_id in changed])
    if changed:
        note_moment(tx, at)
    return bool(changed)


def _update(tx: Transaction, end_id: int, judged: Mapping[int, Judged], at: datetime) -> bool:
    before = _runs(tx.rows(SELECT_JUDGED, (end_id,)))
    old = {sequence: run for run in before for sequence in range(run.first, run.last + 1)}
    after = [*_grouped(_with_starts(judged, old, at))]
    if after == before:
        return False
    kept = {run.first: run for run in after}
    stay = {run.first for run in before if kept.get(run.first) == run}
    tx.execute_each(DROP_JUDGEMENT, [(end_id, run.first) for run in before if run.first not in stay])
    tx.execute_each(OPEN_JUDGEMENT, [_row(end_id, run) for run in after if run.first not in stay])
    ended = sorted(
        (sequence, run.judged, run.since)
        for sequence, run in old.items()
        if judged.get(sequence) != run.judged and run.since != at
    )
    tx.execute_each(ADD_PAST, [(*_row(end_id, run), time_text(at)) for run in _grouped(ended)])
    return True


def _with_starts(
    judged: Mapping[int, Judged], old: Mapping[int, Run], at: datetime
) -> Iterator[tuple[int, Judged, datetime]]:
    for sequence in sorted(judged):
        now, run = judged[sequence], old.get(sequence)
        yield (sequence, now, run.since if run is not None and run.judged == now else at)


def _grouped(rows: Iterable[tuple[int, Judged, datetime]]) -> Iterator[Run]:
    """Neighbours of one judgement and one beginning as one run; the rows stand in the order of sequences."""
    first = last = 0
    shared: tuple[Judged, datetime] | None = None
    for sequence, judged, since in rows:
        if shared is not None and sequence == last + 1 and (judged, since) == shared:
            last = sequence
            continue
        if shared is not None:
            yield Run(first, last, *shared)
        first, last, shared = sequence, sequence, (judged, since)
    if shared is not None:
        yield Run(first, last, *shared)


def runs_of(reads: Reads, ends: Iterable[ChannelEnd]) -> dict[ChannelEnd, list[Run]]:
    """What holds now, by end and in the order of sequences."""
    ids = numbers(reads)
    return {end: _runs(reads.rows(SELECT_JUDGED, (ids.get(end),))) for end in ends}


def runs_at(reads: Reads, ends: Iterable[ChannelEnd], at: datetime) -> dict[ChannelEnd, list[Run]]:
    """What held at a time, by end and in the order of sequences."""
    ids, text = numbers(reads), time_text(at)
    found = {}
    for end in ends:
        rows = reads.rows(SELECT_JUDGED_AT, (ids.get(end), text, ids.get(end), text, text))
        found[end] = sorted(_runs(rows), key=lambda run: run.first)
    return found


def of_packet(reads: Reads, key: PacketKey) -> list[Span]:
    """Every judgement of one packet, oldest first."""
    end_id = numbers(reads).get(key.end)
    rows = reads.rows(SELECT_OF_PACKET, (end_id, key.sequence, key.sequence) * 2) if end_id is not None else []
    spans = [Span(_judged(row[:6]), read_time(row[6]), None if row[7] is None else read_time(row[7])) for row in rows]
    return sorted(spans, key=lambda span: span.since)


def between(reads: Reads, since: datetime, until: datetime) -> Iterator[tuple[ChannelEnd, Run, datetime | None]]:
    """What held at any moment of a part of the past, by end, and when it ended (None: it hasn't)."""
    begin, last = time_text(since), time_text(until)
    for end, end_id in numbers(reads).items():
        for row in reads.rows(SELECT_BETWEEN, (end_id, last, end_id, begin, last)):
            yield end, _runs([row])[0], None if row[10] is None else read_time(row[10])


def changes(reads: Reads) -> dict[ChannelEnd, int]:
    """How often the judgements of each end have changed: the same number is the same judgements."""
    return {ChannelEnd(*end): count for *end, count in reads.rows(SELECT_CHANGES)}


def note_moment(tx: Transaction, at: datetime) -> None:
    """The scan of that time found something else than the one before."""
    tx.execute(ADD_MOMENT, (time_text(at),))


def moment_before(reads: Reads, at: datetime) -> datetime | None:
    """The newest scan before a time that found something else, None before the first."""
    return _moment(reads.rows(SELECT_MOMENT_BEFORE, (time_text(at),)))


def moment_after(reads: Reads, at: datetime) -> datetime | None:
    """The first such scan after a time, None after the last."""
    return _moment(reads.rows(SELECT_MOMENT_AFTER, (time_text(at),)))


def moment_until(reads: Reads, at: datetime) -> datetime | None:
    """The newest such scan at or before a time, None before the first."""
    return _moment(reads.rows(SELECT_MOMENT_UNTIL, (time_text(at),)))


def _moment(rows: list[Row]) -> datetime | None:
    return None if rows[0][0] is None else read_time(rows[0][0])


def close_all(tx: Transaction, chain: str, at: datetime) -> None:
    """End every judgement of packets that a chain sent."""
    record(tx, at, {end: {} for end in numbers(tx) if end.chain == chain})


def forget(tx: Transaction, before: datetime) -> None:
    """Drop what ended before a time."""
    text = time_text(before)
    tx.execute_each(FORGET_PAST, [(end_id, text) for end_id in numbers(tx).values()])
    tx.execute(FORGET_MOMENTS, (text,))


def _runs(rows: Iterable[Row]) -> list[Run]:
    return [Run(row[1], row[2], _judged(row[3:9]), read_time(row[9])) for row in rows]


def _judged(row: Row) -> Judged:
    packet_class, reason, detail, known, attention, first_seen = row
    blocked = None if reason is None else Blocked(BlockReason(reason), detail)
    return Judged(Verdict(PacketClass(packet_class), blocked), bool(known), bool(attention), read_time(first_seen))


def _row(end_id: int, run: Run) -> tuple[int | str | None, ...]:
    (packet_class, blocked), known, attention, first_seen = run.judged
    reason, detail = (None, None) if blocked is None else (blocked.reason.value, blocked.detail)
    told = (packet_class.value, reason, detail, int(known), int(attention), time_text(first_seen))
    return (end_id, run.first, run.last, *told, time_text(run.since))
