"""What is done to operations by hand, with its entry in the history in the same commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.store import history, operations
from relayclear.store.db import Transaction
from relayclear.store.history import Event
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once

RULES = "rules"
"""Who did what no person asked for."""


def add_operation(desk: Desk, operation: Operation, who: str, once: Once = ANEW) -> None:
    """Keep a request and who made it; raises AnsweredError where the same wish made one before."""
    detail = {"channel": str(operation.source), "packets": str(operation.sequences)}
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        operations.add(tx, operation)
        _tell(tx, operation.id, who, "operation_added", operation.requested_at, detail)
        once.keep(tx, {"operation_id": operation.id}, operation.requested_at)


def start_attempt(desk: Desk, operation: Operation, attempt: Attempt, who: str) -> None:
    """Commit the intent of an attempt; raises as `Journal.start_attempt` does."""
    packets = str(SequenceRanges.of(packet.sequence for packet in attempt.before))
    detail = {"attempt": attempt.number, "packets": packets, "channel": str(operation.source)}
    with desk.journal.database.atomic() as tx:
        operations.start(tx, operation.id, attempt)
        _tell(tx, operation.id, who, "attempt", attempt.started_at, detail)


def finish_attempt(
    desk: Desk, operation_id: str, number: int, after: Sequence[PacketAfter], extra: Iterable[PacketKey]
) -> None:
    """Keep the judgement of an attempt, now."""
    now = desk.clock.now()
    fates = {str(packet.sequence): packet.fate.value for packet in after}
    with desk.journal.database.atomic() as tx:
        operations.finish(tx, operation_id, number, after, extra, now)
        _tell(tx, operation_id, RULES, "attempt_judged", now, {"attempt": number, "fates": fates})


def add_look(desk: Desk, operation: Operation, before: tuple[PacketBefore, ...], after: Sequence[PacketAfter]) -> None:
    """Keep what was found out without a run: an attempt too, so that the operation and its proof tell of it."""
    now = desk.clock.now()
    attempt = Attempt(len(operation.attempts) + 1, now, before)
    fates = {str(packet.sequence): packet.fate.value for packet in after}
    with desk.journal.database.atomic() as tx:
        operations.add_look(tx, operation.id, attempt, after, now)
        _tell(tx, operation.id, RULES, "attempt_judged", now, {"attempt": attempt.number, "fates": fates})


def call_off(desk: Desk, operation: Operation, who: str, why: str, once: Once = ANEW) -> bool:
    """Call an operation off now; False where somebody did before: the first time stands."""
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        stored = operations.find(tx, operation.id)
        if stored is None or stored.cancelled_at is not None:
            return False
        operations.cancel(tx, operation.id, now)
        _tell(tx, operation.id, who, "operation_cancelled", now, {"why": why})
        once.keep(tx, operations.find(tx, operation.id), now)
    return True


def _tell(tx: Transaction, operation_id: str, who: str, what: str, at: datetime, detail: dict[str, Any]) -> None:
    history.add(tx, Event(at, who, what, operation_id=operation_id, detail=detail))
