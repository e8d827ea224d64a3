"""Operations: what was asked for, by whom it was called off, and which are not finished."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from relayclear.clearing.operation import Attempt, Operation, OperationState, PacketAfter, operation_state
from relayclear.errors import HeldError, RefusedError, UsageError
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.store import attempts, relay_steps
from relayclear.store.attempts import add_run as record_run
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, ranges_text, read_optional_time, read_ranges, read_time, time_text

ADD_OPERATION = """
INSERT INTO operations (id, requested_at, source_chain, source_port, source_channel, destination_chain,
  destination_port, destination_channel, sequences)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT_OPERATIONS = """
SELECT o.id, o.requested_at, o.source_chain, o.source_port, o.source_channel, o.destination_chain, o.destination_port,
  o.destination_channel, o.sequences, c.cancelled_at
FROM operations o LEFT JOIN cancellations c ON c.operation_id = o.id WHERE o.id IN (?*)"""
SELECT_PAGE = """
SELECT id FROM operations WHERE requested_at <= ? ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"""
SELECT_OF_CHAIN = """
SELECT id FROM operations WHERE source_chain = ? AND requested_at <= ?
ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"""
SELECT_OF_CHANNEL = """
SELECT id FROM operations WHERE source_chain = ? AND source_port = ? AND source_channel = ? AND requested_at <= ?
ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"""
SELECT_SLICE = """
SELECT id, requested_at FROM operations WHERE (requested_at, id) > (?, ?) ORDER BY requested_at, id LIMIT ?"""
SELECT_OF_PACKET = """
SELECT DISTINCT o.id, o.requested_at FROM packets_before p JOIN operations o ON o.id = p.operation_id
WHERE p.sequence = ? AND o.source_chain = ? AND o.source_port = ? AND o.source_channel = ?
ORDER BY o.requested_at, o.id"""
SELECT_LIKE = "SELECT id FROM operations WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"

ADD_CANCELLATION = "INSERT INTO cancellations (operation_id, cancelled_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
SELECT_CANCELLATION = "SELECT cancelled_at FROM cancellations WHERE operation_id = ?"

SELECT_OPEN = "SELECT operation_id FROM open_operations ORDER BY operation_id"
SET_OPEN = "INSERT INTO open_operations (operation_id) VALUES (?) ON CONFLICT DO NOTHING"
DROP_OPEN = "DELETE FROM open_operations WHERE operation_id = ?"

# The time of asking as text, and the id.
Mark = tuple[str, str]

# Sorts after every character an id can hold.
_LAST_CHARACTER = "\U0010ffff"
_READ_AT_ONCE = 200
_UNDER_WAY = {OperationState.QUEUED, OperationState.RUNNING, OperationState.VERIFYING}

__all__ = [
    "add",
    "add_look",
    "cancel",
    "every",
    "find",
    "finish",
    "following",
    "load",
    "mark_of",
    "newest",
    "of_packet",
    "page",
    "record_run",
    "start",
    "unfinished",
]


def add(tx: Transaction, operation: Operation) -> None:
    """See `Journal.add_operation`."""
    if operation.attempts or operation.cancelled_at:
        message = "an operation is added before its first attempt"
        raise ValueError(message)
    asked = (time_text(operation.requested_at), *operation.source, *operation.destination)
    tx.execute(ADD_OPERATION, (operation.id, *asked, ranges_text(operation.sequences)))
    tx.execute(SET_OPEN, (operation.id,))


def start(tx: Transaction, operation_id: str, attempt: Attempt) -> None:
    """See `Journal.start_attempt`."""
    number, ended = attempts.newest(tx, operation_id)
    if attempt.number != number + 1 or attempt.run or attempt.after or attempt.extra or attempt.ended_at:
        message = f"an attempt starts without a result, as number {number + 1}"
        raise ValueError(message)
    if not ended:
        raise HeldError(
            f"attempt {number} of operation {operation_id} has not ended",
            hint=f"relayclear operations show {operation_id}",
        )
    if tx.row(SELECT_CANCELLATION, (operation_id,)):
        raise RefusedError(f"operation {operation_id} was cancelled", hint=f"relayclear operations show {operation_id}")
    attempts.add(tx, operation_id, attempt)
    tx.execute(SET_OPEN, (operation_id,))


def finish(
    tx: Transaction,
    operation_id: str,
    number: int,
    after: Sequence[PacketAfter],
    extra: Iterable[PacketKey],
    at: datetime,
) -> None:
    """See `Journal.finish_attempt`."""
    attempts.add_end(tx, operation_id, number, after, extra, at)
    relay_steps.forget(tx, operation_id)
    _close_if_ended(tx, operation_id)


def add_look(tx: Transaction, operation_id: str, attempt: Attempt, after: Sequence[PacketAfter], at: datetime) -> None:
    """Write an attempt that ran nothing, begun and ended at once; of an operation that was called off too."""
    attempts.add(tx, operation_id, attempt)
    attempts.add_end(tx, operation_id, attempt.number, after, (), at)


def cancel(tx: Transaction, operation_id: str, at: datetime) -> None:
    """See `Journal.cancel`."""
    tx.execute(ADD_CANCELLATION, (operation_id, time_text(at)))
    _close_if_ended(tx, operation_id)


def _close_if_ended(tx: Transaction, operation_id: str) -> None:
    # An attempt may be one bite of several: the state's own table says whether more is to come.
    if operation_state(load(tx, [operation_id])[0]) not in _UNDER_WAY:
        tx.execute(DROP_OPEN, (operation_id,))


def find(reads: Reads, start_of_id: str) -> Operation | None:
    """See `Journal.operation`."""
    found = [row[0] for row in reads.rows(SELECT_LIKE, (start_of_id, start_of_id + _LAST_CHARACTER))]
    if not found or not start_of_id:
        return None
    if len(found) > 1 and found[0] != start_of_id:
        hint = f"write more of it: {found[0]}, {found[1]}"
        raise UsageError(f"several operations start with {start_of_id}", hint=hint)
    return load(reads, found[:1])[0]


def page(
    reads: Reads,
    limit: int,
    offset: int = 0,
    *,
    source: ChannelEnd | str | None = None,
    as_of: datetime | None = None,
) -> list[Operation]:
    """See `Journal.operations`."""
    where = (time_text(as_of) if as_of else FOR_EVER, limit, offset)
    if isinstance(source, ChannelEnd):
        rows = reads.rows(SELECT_OF_CHANNEL, (*source, *where))
    elif source:
        rows = reads.rows(SELECT_OF_CHAIN, (source, *where))
    else:
        rows = reads.rows(SELECT_PAGE, where)
    found = load(reads, [row[0] for row in rows])
    return [as_it_was(operation, as_of) for operation in found] if as_of else found


def newest(reads: Reads, limit: int) -> list[str]:
    """The ids of the newest operations, newest first."""
    return [row[0] for row in reads.rows(SELECT_PAGE, (FOR_EVER, limit, 0))]


def every(reads: Reads, since: datetime | None = None) -> Iterator[Operation]:
    """All operations asked for since a time, oldest first, read in slices: use it inside `snapshot`."""
    mark = ("" if since is None else time_text(since), "")
    while found := following(reads, mark):
        yield from found
        mark = mark_of(found[-1])


def following(reads: Reads, mark: Mark) -> list[Operation]:
    """The next operations after one's mark, in the order of asking; empty after the last."""
    return load(reads, [row[0] for row in reads.rows(SELECT_SLICE, (*mark, _READ_AT_ONCE))])


def mark_of(operation: Operation) -> Mark:
    """Where an operation stands in the order of asking."""
    return time_text(operation.requested_at), operation.id


def of_packet(reads: Reads, key: PacketKey) -> list[Operation]:
    """See `Journal.operations_of`."""
    return load(reads, [row[0] for row in reads.rows(SELECT_OF_PACKET, (key.sequence, *key.end))])


def unfinished(reads: Reads) -> list[Operation]:
    """See `Journal.unfinished`."""
    found = load(reads, [row[0] for row in reads.rows(SELECT_OPEN)])
    return sorted(found, key=lambda operation: (operation.requested_at, operation.id))


def as_it_was(operation: Operation, at: datetime) -> Operation:
    """Without what became known later: a run when it was over, a judgement when its attempt ended."""
    cancelled_at = operation.cancelled_at
    return replace(
        operation,
        attempts=tuple(_attempt_at(attempt, at) for attempt in operation.attempts if attempt.started_at <= at),
        cancelled_at=cancelled_at if cancelled_at and cancelled_at <= at else None,
    )


def _attempt_at(attempt: Attempt, at: datetime) -> Attempt:
    if attempt.ended_at is not None and attempt.ended_at <= at:
        return attempt
    run = attempt.run
    over = run is not None and attempt.started_at + timedelta(seconds=run.seconds) <= at
    return replace(attempt, run=run if over else None, after=(), extra=(), ended_at=None)


def load(reads: Reads, ids: Sequence[str]) -> list[Operation]:
    """The operations of these ids, in their order."""
    tried = attempts.load(reads, ids)
    found = {row[0]: _operation(row, tried.get(row[0], ())) for row in reads.rows_in(SELECT_OPERATIONS, (), ids)}
    return [found[operation_id] for operation_id in ids]


def _operation(row: Row, tried: tuple[Attempt, ...]) -> Operation:
    operation_id, requested_at, *ends, sequences, cancelled_at = row
    return Operation(
        operation_id,
        read_time(requested_at),
        ChannelEnd(*ends[:3]),
        ChannelEnd(*ends[3:]),
        read_ranges(sequences),
        tried,
        read_optional_time(cancelled_at),
    )
