"""Ends that scans couldn't read: since when, the newest words, and when the last good scan was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.packet import ChannelEnd
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.sightings import number_ends, numbers
from relayclear.store.values import optional_time_text, read_optional_time, read_time, time_text

SELECT_OUTAGES = """
SELECT e.chain, e.port, e.channel, o.since, o.read_at, o.error FROM outages o JOIN ends e ON e.id = o.end_id"""
# The first scan that failed says since when; every other one only tells newer words.
SET_OUTAGE = """
INSERT INTO outages (end_id, since, read_at, error) VALUES (?, ?, ?, ?)
ON CONFLICT (end_id) DO UPDATE SET error = excluded.error"""
ADD_PAST_OUTAGE = """
INSERT INTO past_outages (end_id, since, read_at, error, ended_at)
SELECT end_id, since, read_at, error, ? FROM outages WHERE end_id = ?"""
DROP_OUTAGE = "DELETE FROM outages WHERE end_id = ?"
SELECT_OUTAGES_AT = """
SELECT since, read_at, error FROM outages WHERE end_id = ? AND since <= ?
UNION ALL
SELECT since, read_at, error FROM past_outages WHERE end_id = ? AND ended_at > ? AND since <= ?"""
FORGET_OUTAGES = "DELETE FROM past_outages WHERE end_id = ? AND ended_at < ?"


class Outage(NamedTuple):
    """Since when an end can't be read, the last good scan before (None: there was none), and the newest words."""

    since: datetime
    read_at: datetime | None
    error: str


def open_ones(reads: Reads) -> dict[ChannelEnd, Outage]:
    """The ends that the newest scan couldn't read."""
    return {ChannelEnd(*row[:3]): _outage(row[3:]) for row in reads.rows(SELECT_OUTAGES)}


def at_time(reads: Reads, ends: Iterable[ChannelEnd], at: datetime) -> dict[ChannelEnd, Outage]:
    """Those that couldn't be read at a time; the words are the last of their outage."""
    ids, text = numbers(reads), time_text(at)
    found = {end: reads.row(SELECT_OUTAGES_AT, (ids[end], text, ids[end], text, text)) for end in ends if end in ids}
    return {end: _outage(row) for end, row in found.items() if row is not None}


def begin(tx: Transaction, at: datetime, failed: Mapping[ChannelEnd, tuple[datetime | None, str]]) -> None:
    """Keep that a scan couldn't read these ends: the last good one before, and the words."""
    ids = number_ends(tx, [*failed])
    rows = [(ids[end], time_text(at), optional_time_text(read_at), error) for end, (read_at, error) in failed.items()]
    tx.execute_each(SET_OUTAGE, rows)


def end_all(tx: Transaction, at: datetime, ends: Iterable[ChannelEnd]) -> None:
    """These ends are read again."""
    ids = numbers(tx)
    over = [ids[end] for end in ends if end in ids]
    tx.execute_each(ADD_PAST_OUTAGE, [(time_text(at), end_id) for end_id in over])
    tx.execute_each(DROP_OUTAGE, [(end_id,) for end_id in over])


def forget(tx: Transaction, before: datetime) -> None:
    """Drop what ended before a time."""
    tx.execute_each(FORGET_OUTAGES, [(end_id, time_text(before)) for end_id in numbers(tx).values()])


def _outage(row: Row) -> Outage:
    since, read_at, error = row
    return Outage(read_time(since), read_optional_time(read_at), error)
