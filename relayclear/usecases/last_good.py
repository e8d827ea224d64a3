"""What was known of a path before it couldn't be read any more: shown with its age, and for two hours only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from relayclear.ibc.packet import ChannelEnd
from relayclear.store.journal import Journal
from relayclear.store.sightings import LastReading

KNOWN_FOR = timedelta(hours=2)
"""After this what was read says nothing of now: packets come and go within minutes."""


class LastGood(NamedTuple):
    """The last look at a path that succeeded, and how many packets were pending then."""

    at: datetime
    pending: int


def last_good(journal: Journal, ends: Iterable[ChannelEnd], now: datetime) -> dict[ChannelEnd, LastGood]:
    """The last good look at each of these ends; left out where there is none, or none of the last two hours."""
    readings = journal.last_readings()
    looked = {end: readings[end].at for end in ends if end in readings and is_known(readings[end], now)}
    pending = journal.pending_at(looked, now)
    return {end: LastGood(at, len(pending.get(end, ()))) for end, at in looked.items() if at is not None}


def is_known(reading: LastReading, now: datetime) -> bool:
    """Whether a reading still says something of now."""
    return reading.at is not None and now - reading.at <= KNOWN_FOR


def known_ends(readings: Mapping[ChannelEnd, LastReading], now: datetime) -> list[ChannelEnd]:
    """Ends whose newest look succeeded, whenever that was, and those that failed since then but lately enough."""
    return [end for end, reading in readings.items() if reading.error is None or is_known(reading, now)]
