"""Operations as they are asked for: lists of them, one with its timeline, and calling one off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from relayclear.clearing.operation import Operation, OperationState, operation_state
from relayclear.clearing.timeline import Moment, timeline
from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.nearest import near_id
from relayclear.ibc.packet import ChannelEnd
from relayclear.store import history, operations, relay_costs, sales, tasks
from relayclear.store.db import Reads
from relayclear.store.history import Event, Search
from relayclear.store.relay_costs import RelayCost
from relayclear.usecases import recording
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.paid import paid_task
from relayclear.usecases.settle import look_again, settle_all
from relayclear.usecases.token_order import operation_of, with_standing
from relayclear.usecases.tokens_view import require_token

LOOKED_AT = 1000
"""How many of the newest operations are looked at for a state or a moment: as many as come in an eye's blink."""

_SLICE = 200
# A slip in an id is looked for among the newest alone: those are the ones that people copy.
_NEWEST_LOOKED_AT = 200
_TOLD_BY_FACTS = {"operation_added", "attempt", "attempt_judged", "operation_cancelled"}
UNDER_WAY = frozenset(
    {
        OperationState.QUEUED,
        OperationState.PREFLIGHT,
        OperationState.WAITING,
        OperationState.RUNNING,
        OperationState.VERIFYING,
    }
)


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations are wanted: sent by a chain or a channel end, in a state, of a token, asked for since."""

    source: ChannelEnd | str | None = None
    states: Collection[OperationState] = field(default_factory=frozenset)
    token: str | None = None
    since: datetime | None = None

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return self != OperationFilter()


@dataclass(frozen=True, slots=True)
class OperationList:
    """A page of operations, newest first.

    `complete` is False where older ones were not looked at, of which some may fit: `looked_at` says how far it went.
    """

    operations: tuple[Operation, ...]
    complete: bool
    looked_at: int


@dataclass(frozen=True, slots=True)
class OperationStory:
    """One operation, what happened to it by its facts, and what the history tells besides; `order_id` of its token.

    `costs` are the transactions of its runs, failed ones too, as far as they are read.
    """

    operation: Operation
    moments: tuple[Moment, ...]
    events: tuple[Event, ...]
    order_id: str | None
    costs: tuple[RelayCost, ...] = ()


async def list_operations(desk: Desk, wanted: OperationFilter, limit: int, offset: int = 0) -> OperationList:
    """A page of those that fit.  Raises UsageError for an unknown token."""
    await settle_all(desk)
    if wanted.token is not None:
        found = tuple(one for one in _of_token(desk, wanted.token) if _fits(one, wanted))
        return OperationList(found[offset : offset + limit], complete=True, looked_at=len(found))
    if not wanted.states and wanted.since is None:
        page = tuple(islice(_newest_first(desk, wanted.source, offset, limit), limit))
        return OperationList(page, complete=True, looked_at=len(page))
    if wanted.states and UNDER_WAY.issuperset(wanted.states):
        open_ones = [one for one in _under_way(desk) if _fits(one, wanted)]
        return OperationList(tuple(open_ones[offset : offset + limit]), complete=True, looked_at=len(open_ones))
    return _searched(desk, wanted, limit, offset)


def _of_token(desk: Desk, token: str) -> list[Operation]:
    with desk.journal.database.snapshot() as reads:
        sale = sales.find(reads, require_token(reads, token).order_id)
        found = operation_of(reads, sale.operation_id) if sale and sale.operation_id else None
    return [] if found is None else [found]


def _under_way(desk: Desk) -> list[Operation]:
    with desk.journal.database.snapshot() as reads:
        return open_operations(reads)


def open_operations(reads: Reads) -> list[Operation]:
    """What is not over, newest first: by its own facts, or because its token's work goes on."""
    found = {operation.id: operation for operation in operations.unfinished(reads)}
    found |= {one.id: one for one in operations.load(reads, sorted(sales.open_work(reads) - found.keys()))}
    standing = [with_standing(reads, operation) for operation in found.values()]
    return sorted(standing, key=lambda operation: (operation.requested_at, operation.id), reverse=True)


def _searched(desk: Desk, wanted: OperationFilter, limit: int, offset: int) -> OperationList:
    fitting: list[Operation] = []
    looked_at = 0
    for operation in _newest_first(desk, wanted.source):
        if len(fitting) > offset + limit or (wanted.since and operation.requested_at < wanted.since):
            return OperationList(tuple(fitting[offset : offset + limit]), complete=True, looked_at=looked_at)
        if looked_at == LOOKED_AT:
            return OperationList(tuple(fitting[offset : offset + limit]), complete=False, looked_at=looked_at)
        looked_at += 1
        if _fits(operation, wanted):
            fitting.append(operation)
    return OperationList(tuple(fitting[offset : offset + limit]), complete=True, looked_at=looked_at)


def _newest_first(
    desk: Desk, source: ChannelEnd | str | None, offset: int = 0, size: int = _SLICE
) -> Iterator[Operation]:
    while page := desk.journal.operations(size, offset, source=source):
        with desk.journal.database.snapshot() as reads:
            standing = [with_standing(reads, operation) for operation in page]
        yield from standing
        offset += len(page)


def _fits(operation: Operation, wanted: OperationFilter) -> bool:
    if wanted.since is not None and operation.requested_at < wanted.since:
        return False
    if wanted.states and operation_state(operation) not in wanted.states:
        return False
    if isinstance(wanted.source, ChannelEnd):
        return operation.source == wanted.source
    return wanted.source in {None, operation.source.chain}


async def operation_story(desk: Desk, start_of_id: str) -> OperationStory:
    """One operation and all that happened, after one more look where its outcome was unknown.

    Raises UsageError for an unknown operation.
    """
    await settle_all(desk)
    await look_again(desk, known_operation(desk, start_of_id))
    return stored_story(desk, start_of_id)


def stored_story(desk: Desk, start_of_id: str, as_of: datetime | None = None) -> OperationStory:
    """As `operation_story`, out of the database alone: what a dead process left half-way stays as it is.

    `as_of` tells what was known then.
    """
    operation = known_operation(desk, start_of_id)
    if as_of is not None:
        operation = replace(operations.as_it_was(operation, as_of), task=None)
    with desk.journal.database.snapshot() as reads:
        order_id = sales.of_operation(reads, operation.id)
        costs = tuple(relay_costs.of_operation(reads, operation.id))
        events = list(history.export(reads, Search(operation_id=operation.id, until=as_of)))
        if order_id is not None:
            of_token = history.export(reads, Search(order_id=order_id, until=as_of))
            events += [event for event in of_token if event.operation_id != operation.id]
    told = [event for event in events if event.what not in _TOLD_BY_FACTS]
    told.sort(key=lambda event: event.at)
    known = tuple(one for one in costs if as_of is None or one.at <= as_of)
    return OperationStory(operation, tuple(timeline(operation)), tuple(told), order_id, known)


def unknown_operation(reads: Reads, start_of_id: str) -> UsageError:
    """The error for an id that no operation has, with the newest one that is a slip away from it."""
    meant = near_id(start_of_id, operations.newest(reads, _NEWEST_LOOKED_AT))
    return UsageError(f"no operation {start_of_id[:40]!r}{meant}", hint="relayclear operations list")


def known_operation(desk: Desk, start_of_id: str) -> Operation:
    """The operation of an id, or of the start of one.  Raises UsageError for none, and for several."""
    with desk.journal.database.snapshot() as reads:
        operation = operation_of(reads, start_of_id)
    if operation is None:
        raise unknown_operation(desk.journal.database, start_of_id)
    return operation


def token_of(desk: Desk, operation: Operation) -> str | None:
    """The order id of the token whose work an operation is, None for a request of the operator's own."""
    return sales.of_operation(desk.journal.database, operation.id)


async def cancel_operation(desk: Desk, start_of_id: str, who: str, why: str, once: Once = ANEW) -> Operation:
    """Call an operation off: nothing more is started, what runs is ended by its own process and judged.

    The work of a token ends at its task's next step, and what was not earned is owed back.  Raises RefusedError
    for one that has ended, UsageError for an unknown one.
    """
    once.begin(desk.journal.database)
    await settle_all(desk)
    operation = known_operation(desk, start_of_id)
    state = operation_state(operation)
    if state not in UNDER_WAY or operation.cancelled_at is not None:
        ended = "is called off already" if operation.cancelled_at else f"has ended: {state}"
        hint = f"relayclear operations show {operation.id}"
        raise RefusedError(f"operation {operation.id} {ended}", hint=hint, code="ended")
    order_id = token_of(desk, operation)
    if order_id is None:
        recording.call_off(desk, operation, who, why, once)
    else:
        _call_off_work(desk, operation, order_id, who, why, once)
    return known_operation(desk, operation.id)


def _call_off_work(desk: Desk, operation: Operation, order_id: str, who: str, why: str, once: Once) -> None:
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        sales.ask(tx, order_id, "cancel", who, why, now)
        history.add(tx, Event(now, who, "cancel_asked", order_id, operation.id, detail={"why": why}))
        key = paid_task(order_id).key
        # One that was given up, or that backs off, has to look once more too.
        if not tasks.hasten(tx, key, now):
            tasks.retry(tx, key, now)
        once.keep(tx, operation_of(tx, operation.id), now)
