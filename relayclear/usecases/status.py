"""How things stood at the last look, from memory alone: no node is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.clearing.operation import Operation
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.refund_state import RefundState
from relayclear.store import dues, refunds
from relayclear.store.journal import Journal
from relayclear.usecases.last_good import known_ends


@dataclass(frozen=True, slots=True)
class Standing:
    """What one channel end had pending at its last good look."""

    end: ChannelEnd
    pending: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """What is remembered.  `looked_at` is the newest good look, None when there never was one.

    `waiting` holds ends with pending packets, the longest wait first; `failed` those whose newest
    look failed, with its words.  `owed` counts refunds that nobody has decided about, `approved` those
    that are yet to be sent.
    """

    looked_at: datetime | None
    paths: int
    waiting: tuple[Standing, ...]
    failed: tuple[tuple[ChannelEnd, str], ...]
    unfinished: tuple[Operation, ...]
    owed: int
    approved: int


def last_status(journal: Journal, at: datetime) -> Status:
    """Gather the status as of the last looks."""
    readings = journal.last_readings()
    good = [reading.at for reading in readings.values() if reading.at is not None]
    # What failed for too long is unknown, however many were pending there once.
    pending = journal.pending_at(known_ends(readings, at), at)
    waiting = [Standing(end, len(seen), min(seen.values())) for end, seen in pending.items() if seen]
    failed = [(end, reading.error) for end, reading in readings.items() if reading.error is not None]
    return Status(
        max(good, default=None),
        len(readings),
        tuple(sorted(waiting, key=lambda standing: (standing.oldest, standing.end))),
        tuple(sorted(failed)),
        tuple(journal.unfinished()),
        dues.count(journal.database),
        refunds.count(journal.database, RefundState.APPROVED),
    )
