"""How often work is tried by itself, and how a person has it tried again: at once, and when it was given up."""

from __future__ import annotations

from dataclasses import dataclass

from relayclear.clearing.operation import Operation
from relayclear.errors import RefusedError
from relayclear.store import history, sales, tasks, tokens
from relayclear.store.db import Reads
from relayclear.store.history import Event
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.operations import unknown_operation
from relayclear.usecases.paid import PAID_TASK, paid_task
from relayclear.usecases.token_order import operation_of

# A node that is away is no try; what fails otherwise, again and again, is a fault that only a person can find:
# the task is given up, which alerts, `health` and the dashboard tell, until somebody says retry.
SOON_AGAIN = (5.0, 10.0, 20.0)
MOST_TRIES = 15


@dataclass(frozen=True, slots=True)
class Retried:
    """The task that is due now, and the operation of the paid token that it works for, once there is one."""

    key: str
    operation: Operation | None


def soon_then_every(seconds: float) -> tuple[float, ...]:
    """The waits of work that people wait for: soon at first, then every so many seconds, MOST_TRIES tries in all."""
    return (*SOON_AGAIN, *[seconds] * (MOST_TRIES - 1 - len(SOON_AGAIN)))


def retry(desk: Desk, subject: str, who: str, why: str, once: Once = ANEW) -> Retried:
    """Try it again at once, with fresh counters: whoever works next does it.

    `subject` is a task's key as alerts and the list of dead letters name it, a clearing token, or an operation.
    Raises RefusedError for an operator's own clear, and for work that is over, under way now or not there.
    """
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        key = _key(tx, subject)
        task = tasks.find(tx, key)
        if task is None or not tasks.retry(tx, key, now):
            raise RefusedError(
                f"{subject[:100]} is over, under way now, or not begun",
                hint="relayclear operations list --state waiting",
                code="ended",
            )
        order_id = task.data["order_id"] if task.kind == PAID_TASK else None
        operation_id = None
        if order_id is not None:
            # The worker counts its tries from here: what a person says is worth trying gets all of them anew.
            sales.ask(tx, order_id, "retry", who, why, now)
            sale = sales.find(tx, order_id)
            operation_id = sale.operation_id if sale else None
        history.add(tx, Event(now, who, "retry_asked", order_id, operation_id, subject=key, detail={"why": why}))
        done = Retried(key, operation_of(tx, operation_id) if operation_id else None)
        once.keep(tx, done, now)
        return done


def _key(reads: Reads, subject: str) -> str:
    """The key of the task that is meant.  Raises UsageError where none can be."""
    if tasks.find(reads, subject) is not None:
        return subject
    stored = tokens.find(reads, subject)
    if stored is not None:
        return paid_task(stored.order_id).key
    operation = operation_of(reads, subject)
    if operation is None:
        raise unknown_operation(reads, subject)
    order_id = sales.of_operation(reads, operation.id)
    if order_id is None:
        raise RefusedError(
            f"operation {operation.id} is no token's: it is not tried again by itself",
            hint=f"relayclear clear --chain {operation.source.chain} --channel {operation.source.channel} …",
            code="no_token",
        )
    return paid_task(order_id).key
