"""Mutes: known-dead packets and channels that nobody wants to be called for.

A mute holds the classes its packets had when it was made, and covers a packet only while it still
has that class: a muted packet that starts to time out shows up again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from relayclear.ibc.packet import MAX_SEQUENCE, ChannelEnd, SequenceRanges
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import (
    json_text,
    optional_time_text,
    ranges_text,
    read_json,
    read_optional_time,
    read_ranges,
    read_time,
    time_text,
)

ADD_MUTE = """
INSERT INTO mutes (chain, port, channel, sequences, reason, classes, muted_at, until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""
END_MUTE = "UPDATE mutes SET ended_at = ? WHERE id = ? AND ended_at IS NULL"
# Two searches, because one with OR would walk every mute there ever was.
SELECT_MUTES = """
SELECT id, chain, port, channel, sequences, reason, classes, muted_at, until FROM mutes
WHERE ended_at IS NULL AND muted_at <= ?
UNION ALL
SELECT id, chain, port, channel, sequences, reason, classes, muted_at, until FROM mutes
WHERE ended_at > ? AND muted_at <= ?"""

# Class -> the sequences that had it; None is any sequence, for a whole channel.
Classes = Mapping[str, SequenceRanges | None]

_ALL = SequenceRanges([(1, MAX_SEQUENCE)])


@dataclass(frozen=True, slots=True)
class Mute:
    """One mute in force.  `sequences` is None for the whole channel, `until` None for ever."""

    id: int
    end: ChannelEnd
    sequences: SequenceRanges | None
    reason: str
    classes: Classes
    muted_at: datetime
    until: datetime | None

    def covers(self, sequence: int, packet_class: str, at: datetime) -> bool:
        """Whether the packet is quiet now: named, inside the time, and of its class of then.

        Who muted a whole channel without naming a class muted nothing.
        """
        if at < self.muted_at or (self.until is not None and at >= self.until) or packet_class not in self.classes:
            return False
        had = self.classes[packet_class]
        return (self.sequences is None or sequence in self.sequences) and (had is None or sequence in had)


def add(tx: Transaction, mute: Mute) -> int:
    """Write a mute (its `id` is not looked at); the new id."""
    classes = {name: None if had is None else ranges_text(had) for name, had in mute.classes.items()}
    row = (
        *mute.end,
        None if mute.sequences is None else ranges_text(mute.sequences),
        mute.reason,
        json_text(classes),
        time_text(mute.muted_at),
        optional_time_text(mute.until),
    )
    return int(tx.execute(ADD_MUTE, row)[0][0])


def end(tx: Transaction, channel_end: ChannelEnd, sequences: SequenceRanges | None, at: datetime) -> int:
    """See `Journal.unmute`."""
    ended = 0
    for mute in in_force(tx, at):
        muted = mute.sequences or _ALL
        rest = SequenceRanges() if sequences is None else muted.minus(sequences)
        if mute.end != channel_end or rest == muted:
            continue
        tx.execute(END_MUTE, (time_text(at), mute.id))
        if rest:
            add(tx, replace(mute, sequences=rest, muted_at=at))
        ended += 1
    return ended


def in_force(reads: Reads, at: datetime) -> list[Mute]:
    """See `Journal.mutes`."""
    text = time_text(at)
    mutes = map(_mute, reads.rows(SELECT_MUTES, (text, text, text)))
    # Sorted here: ORDER BY over both searches makes SQLite walk the table in id order instead.
    in_time = (mute for mute in mutes if mute.until is None or at < mute.until)
    return sorted(in_time, key=lambda mute: mute.id)


def classes_of(classes: Mapping[int, str] | AbstractSet[str]) -> Classes:
    """Classes by sequence, or the classes of a whole channel, as a mute keeps them."""
    if not isinstance(classes, Mapping):
        return dict.fromkeys(sorted(classes))
    by_class: defaultdict[str, list[int]] = defaultdict(list)
    for sequence, packet_class in classes.items():
        by_class[packet_class].append(sequence)
    return {name: SequenceRanges.of(sequences) for name, sequences in sorted(by_class.items())}


def _mute(row: Row) -> Mute:
    mute_id, chain, port, channel, sequences, reason, classes, muted_at, until = row
    return Mute(
        mute_id,
        ChannelEnd(chain, port, channel),
        None if sequences is None else read_ranges(sequences),
        reason,
        {name: None if had is None else read_ranges(had) for name, had in read_json(classes).items()},
        read_time(muted_at),
        read_optional_time(until),
    )
