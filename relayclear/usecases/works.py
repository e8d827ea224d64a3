"""Work as somebody watches it: what is under way or waits, what ended, and tasks that were given up.

Nothing is written and no node is asked, so a desk that can only read will do: what a process left half-way
when it died is settled by whoever works next, and shown as it stands until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from relayclear.clearing.operation import (
    Attempt,
    Operation,
    OperationState,
    is_done,
    newest_results,
    operation_state,
)
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.store import history, operations, relay_costs, relay_steps, sales, tasks, tokens
from relayclear.store.db import Reads
from relayclear.store.history import Search
from relayclear.store.tasks import Priority, Status, Task
from relayclear.store.tokens import StoredToken
from relayclear.usecases.desk import Desk
from relayclear.usecases.operations import UNDER_WAY, open_operations
from relayclear.usecases.paid import PAID_TASK, paid_task
from relayclear.usecases.relay_costs import Amounts, totals


@dataclass(frozen=True, slots=True)
class Asked:
    """By whom an operation was asked for: a person (`who`), or for a paid token (its memo)."""

    who: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """An operation that isn't over, or the work of a paid token that has none yet (`operation` is None).

    `id` is the operation's, else the token's order id.  It waits for `until` because of `why`, both None where it
    waits for nothing; `given_up`: it waits for a person.  `steps` are what Hermes claims of a run under way.
    `task_key` names what would be tried again, None for a person's own request, which no task carries.
    """

    id: str
    end: ChannelEnd
    sequences: SequenceRanges
    state: OperationState
    asked: Asked
    since: datetime
    operation: Operation | None = None
    priority: Priority | None = None
    task_key: str | None = None
    until: datetime | None = None
    why: str | None = None
    given_up: bool = False
    steps: Mapping[int, str] = field(default_factory=dict)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What was tried so far."""
        return self.operation.attempts if self.operation else ()

    @property
    def done(self) -> int:
        """With how many of its packets nothing is left to do, by what the chains said last."""
        results = newest_results(self.operation) if self.operation else {}
        return sum(map(is_done, results.values()))


@dataclass(frozen=True, slots=True)
class Ended:
    """An operation that is over, since when, who asked for it, and what its transactions cost so far as is known."""

    operation: Operation
    state: OperationState
    at: datetime
    asked: Asked
    costs: Amounts

    @property
    def id(self) -> str:
        """The operation's."""
        return self.operation.id


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that was given up: it waits for a person.  `token` is the memo of the one that it works for."""

    key: str
    kind: str
    why: str
    since: datetime
    tries: int
    token: str | None


class Works:
    """One reader's memory: operations that ended are read once, and again when the history tells of them."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._desk: Desk | None = None
        self._seen = 0
        self._ended: dict[str, Operation] = {}
        self._asked: dict[str, Asked] = {}

    def queue(self, desk: Desk, limit: int, as_of: datetime | None = None) -> list[Queued]:
        """What isn't over, the oldest first, given up first of all.

        Of the past (`as_of`) among the newest `limit` that were asked for by then, without what their tasks said.
        """
        with desk.journal.database.snapshot() as reads:
            if as_of is not None:
                found = operations.page(reads, limit, as_of=as_of)
                return [self._past(reads, one) for one in reversed(found) if operation_state(one) in UNDER_WAY]
            steps = relay_steps.every(reads)
            rows = [self._queued(reads, one, steps.get(one.id, {})) for one in open_operations(reads)]
            rows += _not_begun(reads, limit)
        return sorted(rows, key=lambda row: (not row.given_up, row.since, row.id))

    def ended(self, desk: Desk, limit: int, as_of: datetime | None = None) -> list[Ended]:
        """Of the newest `limit` operations those that are over, the last to end first."""
        with desk.journal.database.snapshot() as reads:
            found = self._newest(desk, reads, limit) if as_of is None else operations.page(reads, limit, as_of=as_of)
            states = {one.id: operation_state(one) for one in found}
            over = [one for one in found if states[one.id] not in UNDER_WAY]
            costs = relay_costs.of_operations(reads, [one.id for one in over], as_of)
            rows = [
                Ended(one, states[one.id], _ended_at(one), self._asked_by(reads, one.id), totals(costs.get(one.id, ())))
                for one in over
            ]
        return sorted(rows, key=lambda row: (row.at, row.id), reverse=True)

    def _queued(self, reads: Reads, operation: Operation, steps: Mapping[int, str]) -> Queued:
        order_id = sales.of_operation(reads, operation.id)
        key = None if order_id is None else paid_task(order_id).key
        task = None if key is None else tasks.find(reads, key)
        standing = operation.task
        waits = standing is not None and not standing.claimed and not standing.given_up
        return Queued(
            operation.id,
            operation.source,
            operation.sequences,
            operation_state(operation),
            self._asked_by(reads, operation.id),
            operation.requested_at,
            operation,
            task.priority if task else None,
            key,
            standing.until if standing and waits else None,
            standing.why if standing else None,
            given_up=standing.given_up if standing else False,
            steps=steps,
        )

    def _past(self, reads: Reads, one: Operation) -> Queued:
        asked, state = self._asked_by(reads, one.id), operation_state(one)
        return Queued(one.id, one.source, one.sequences, state, asked, one.requested_at, one)

    def _newest(self, desk: Desk, reads: Reads, limit: int) -> list[Operation]:
        """The newest operations; only what may have changed is read again."""
        self._forget_touched(desk, reads)
        ids = operations.newest(reads, limit)
        current = {one.id for one in open_operations(reads)}
        unknown = [one for one in ids if one not in self._ended and one not in current]
        self._ended |= {one.id: one for one in operations.load(reads, unknown)}
        return [self._ended[one] for one in ids if one not in current]

    def _forget_touched(self, desk: Desk, reads: Reads) -> None:
        if desk is not self._desk:
            # Another connection may be to another file.
            self._desk, self._seen, self._ended, self._asked = desk, history.last(reads), {}, {}
            return
        self._seen, touched = history.touched(reads, self._seen)
        for one in touched:
            self._ended.pop(one, None)

    def _asked_by(self, reads: Reads, operation_id: str) -> Asked:
        if operation_id not in self._asked:
            self._asked[operation_id] = _asked_by(reads, operation_id)
        return self._asked[operation_id]


def dead_letters(desk: Desk, limit: int) -> list[DeadLetter]:
    """Tasks that were given up, newest first."""
    with desk.journal.database.snapshot() as reads:
        return [_letter(reads, task) for task in tasks.dead(reads, limit)]


def _letter(reads: Reads, task: Task) -> DeadLetter:
    stored = tokens.get(reads, str(task.data.get("order_id", ""))) if task.kind == PAID_TASK else None
    since = datetime.fromtimestamp(task.ended_at or task.created_at, UTC)
    memo = stored.token.memo if stored else None
    return DeadLetter(task.key, task.kind, task.why or "", since, max(task.tries, task.crashes), memo)


def _asked_by(reads: Reads, operation_id: str) -> Asked:
    order_id = sales.of_operation(reads, operation_id)
    stored = tokens.get(reads, order_id) if order_id else None
    if stored is not None:
        return Asked("", stored.token.memo)
    events = history.export(reads, Search(operation_id=operation_id))
    return Asked(next((event.who for event in events if event.what == "operation_added"), ""))


def _not_begun(reads: Reads, limit: int) -> list[Queued]:
    """The work of paid tokens that have no operation yet."""
    found = tokens.page(reads, limit, states=("paid",))
    tried = [(stored, tasks.find(reads, paid_task(stored.order_id).key)) for stored in found]
    return [_of_task(stored, task) for stored, task in tried if task is not None and _waits(reads, stored, task)]


def _waits(reads: Reads, stored: StoredToken, task: Task) -> bool:
    sale = sales.find(reads, stored.order_id)
    return task.status is not Status.DONE and (sale is None or sale.operation_id is None)


def _of_task(stored: StoredToken, task: Task) -> Queued:
    terms = stored.token.quote.packets
    given_up, claimed = task.status is Status.DEAD, task.lease is not None
    state = OperationState.PREFLIGHT if claimed else OperationState.WAITING if task.why else OperationState.QUEUED
    return Queued(
        stored.order_id,
        terms[0].key.end,
        SequenceRanges.of(term.key.sequence for term in terms),
        state,
        Asked("", stored.token.memo),
        datetime.fromtimestamp(task.created_at, UTC),
        priority=task.priority,
        task_key=task.key,
        until=None if claimed or given_up else datetime.fromtimestamp(task.run_at, UTC),
        why=task.why,
        given_up=given_up,
    )


def _ended_at(operation: Operation) -> datetime:
    """When it was over: its last attempt was judged, or it was called off."""
    known = [attempt.ended_at for attempt in operation.attempts if attempt.ended_at is not None]
    known += [operation.cancelled_at] if operation.cancelled_at is not None else []
    return max(known, default=operation.requested_at)
