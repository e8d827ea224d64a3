"""What happened to an operation, in the order of time: computed from its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relayclear.clearing.operation import Attempt, Operation
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.readings import RelayTx


class Happened(StrEnum):
    """The kinds of things that happen to an operation."""

    ASKED = "asked"
    PLANNED = "planned"
    RAN = "ran"
    MOVED = "moved"
    JUDGED = "judged"
    CANCELLED = "cancelled"


_ORDER = list(Happened)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened.

    `at` is ours, but a block's time for a transaction that moved packets; None where the block's time could not be
    read.  `attempt` is its number, None for what stands outside of all; `sequences` are those that it is about.
    """

    at: datetime | None
    what: Happened
    sequences: SequenceRanges
    attempt: int | None = None
    tx: RelayTx | None = None


def timeline(operation: Operation) -> list[Moment]:
    """Everything that happened, oldest first; transactions of unknown time stand with their attempt.

    A block's time lags behind ours by a block or more: what stands above the height that an attempt read
    before it began happened after that.
    """
    found = [Moment(operation.requested_at, Happened.ASKED, operation.sequences)]
    for attempt in operation.attempts:
        found += _of_attempt(attempt)
    if operation.cancelled_at is not None:
        found.append(Moment(operation.cancelled_at, Happened.CANCELLED, operation.sequences))
    numbered: list[tuple[datetime, int, Moment]] = []
    last = operation.requested_at
    begun = {attempt.number: attempt for attempt in operation.attempts}
    for moment in found:
        last = _not_before(moment, begun.get(moment.attempt or 0)) or last
        numbered.append((last, _ORDER.index(moment.what), moment))
    return [moment for *_, moment in sorted(numbered, key=lambda row: row[:2])]


def _not_before(moment: Moment, attempt: Attempt | None) -> datetime | None:
    if moment.at is None or moment.tx is None or attempt is None:
        return moment.at
    read = [before.heights.get(moment.tx.chain) for before in attempt.before if before.sequence in moment.sequences]
    followed = any(height is not None and height < moment.tx.height for height in read)
    return max(moment.at, attempt.started_at) if followed else moment.at


def _of_attempt(attempt: Attempt) -> list[Moment]:
    chosen = SequenceRanges.of(packet.sequence for packet in attempt.before)
    found = [Moment(attempt.started_at, Happened.PLANNED, chosen, attempt.number)]
    if attempt.run is not None:
        over = attempt.started_at + timedelta(seconds=attempt.run.seconds)
        found.append(Moment(over, Happened.RAN, chosen, attempt.number))
    moved: dict[tuple[str, str, str], list[tuple[int, RelayTx]]] = {}
    for packet in attempt.after:
        for tx in packet.txs:
            moved.setdefault((tx.chain, tx.hash, tx.step), []).append((packet.sequence, tx))
    for rows in moved.values():
        sequences = SequenceRanges.of(sequence for sequence, _ in rows)
        found.append(Moment(rows[0][1].at, Happened.MOVED, sequences, attempt.number, rows[0][1]))
    if attempt.ended_at is not None:
        found.append(Moment(attempt.ended_at, Happened.JUDGED, chosen, attempt.number))
    return found


def dated(moments: Sequence[Moment], first: datetime) -> list[tuple[datetime, Moment]]:
    """Moments with a time to merge them with others by, which never undoes their order; `first` where none has one.

    A block's clock lags behind ours: sorted by its time alone, what moved a packet would stand before what caused it.
    """
    found, last = [], min((one.at for one in moments if one.at), default=first)
    for one in moments:
        last = max(last, one.at or last)
        found.append((last, one))
    return found
