"""Carry out one paid token from a terminal or a script: here, or by the daemon where one lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Verdict
from relayclear.errors import RefusedError, RelayclearError, UnreachableError
from relayclear.ibc.relayer import RelayEvent
from relayclear.money.state import TokenState
from relayclear.store import history, sales, tasks
from relayclear.store.history import Event
from relayclear.store.tasks import Status, Task
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.paid import PAID_TASK, paid_task
from relayclear.usecases.pausing import pause
from relayclear.usecases.payments import read_payments
from relayclear.usecases.token_attempt import plan_work
from relayclear.usecases.token_bench import Bench
from relayclear.usecases.token_order import PAUSES, operation_of, read_order, tries
from relayclear.usecases.token_work import POLICY, work
from relayclear.usecases.tokens_view import TokenView, view_token
from relayclear.usecases.watching import seller_alive

LOOK_SECONDS = 0.5
READ_SECONDS = 2.0
# Whatever waits for longer than the longest pause between two tries isn't waited for at a terminal.
_LONG = 1.5 * PAUSES[-1]
_WAITS = {TokenState.OPEN, TokenState.PARTLY_PAID}
_OVER = {TokenState.CLEARED, TokenState.PARTLY_CLEARED, TokenState.NOT_CLEARED}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands.

    `attempt` of `of` runs were begun; the next comes in `next_in` seconds (None: now), because of
    `why`; `ends` is the deadline by the paying chain's time, None before it is known.  Before the work
    begins, `state` is None, `why` what is waited for, and payments are read through block `read`.
    """

    state: OperationState | None
    attempt: int
    of: int
    next_in: float | None
    why: str | None
    ends: datetime | None
    read: int | None = None


@dataclass(frozen=True, slots=True)
class Watching:
    """How the face says stop, and what it wants to hear."""

    stop: asyncio.Event
    progress: Callable[[Progress], None] = lambda _: None
    heard: Callable[[RelayEvent], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far it came.  `trouble` is what could not be reached; then, and where work is left, it stays queued."""

    view: TokenView
    trouble: RelayclearError | None = None

    @property
    def is_over(self) -> bool:
        """Whether every packet has its final word."""
        return self.view.state in _OVER


def require_paid(view: TokenView) -> None:
    """Raises RefusedError for a token that isn't paid, with what is missing, or that was taken back."""
    memo = view.token.memo
    if view.state in {TokenState.REVOKED, TokenState.EXPIRED}:
        hint = f"relayclear tokens show {memo}"
        raise RefusedError(f"{memo} is {view.state.value}", hint=hint, code=view.state.value)
    if view.state in _WAITS:
        missing = view.settlement.missing
        read = f"as of block height {view.scanned_height}" if view.was_looked_for else "as far as payments are read"
        raise RefusedError(
            f"{memo} is not paid {read}: {missing} of {view.token.price} are missing",
            hint=f"relayclear tokens show {memo} --for-payer, or add --wait",
            code="not_paid",
        )


async def wait_for_payment(desk: Desk, text: str, watching: Watching) -> TokenView:
    """Wait until the token is paid; payments are read here where no daemon does it.

    Returns early when told to stop.  Raises RefusedError once it has expired or was revoked.
    """
    view = view_token(desk, text)
    while view.state in _WAITS and not watching.stop.is_set():
        trouble, seconds = None, LOOK_SECONDS
        if not seller_alive(desk):
            trouble, seconds = (await read_payments(desk, view.token.quote.chain)).error, READ_SECONDS
            view = view_token(desk, text)
        if view.state in _WAITS:
            watching.progress(_awaited(view, trouble, seconds))
            await pause(desk.clock, seconds, watching.stop)
            view = view_token(desk, text)
    return view


def _awaited(view: TokenView, trouble: RelayclearError | None, seconds: float) -> Progress:
    token = view.token
    what = f"{view.settlement.missing} to {token.payee}, memo {token.memo}"
    why = trouble.message if trouble is not None else what
    return Progress(None, 0, 0, seconds, why, token.expires_at, view.scanned_height)


async def plan_token(desk: Desk, view: TokenView) -> ClearPlan | None:
    """What a run would do now; None where there is nothing left to run.  Raises as planning does."""
    order = read_order(desk, view.order_id)
    if order is None or not order.undecided:
        return None
    try:
        return await plan_work(desk, order, [term.key.sequence for term in order.undecided])
    except RefusedError as error:
        if error.code != "not_clearable":
            raise
        return None


async def clear_token(desk: Desk, text: str, who: str, watching: Watching, once: Once = ANEW) -> Outcome:
    """Ask for a paid token's work and see it through three tries, or as far as nodes can be reached.

    Where a daemon lives it does the work, and this follows it until the work is over.  Raises
    RefusedError for a token that isn't paid, AnsweredError where the same wish was made before.
    """
    view = view_token(desk, text)
    if view.state in _OVER:
        once.close(desk.journal.database, _asked(view), desk.clock.now())
        return Outcome(view)
    require_paid(view)
    _ask(desk, view, who, once)
    if seller_alive(desk):
        return await _follow(desk, view, watching)
    return await _work_here(desk, view, watching)


def _asked(view: TokenView) -> dict[str, str]:
    """What a wish for a token's work is answered with: whatever becomes of it, the token tells."""
    return {"order_id": view.order_id}


def _ask(desk: Desk, view: TokenView, who: str, once: Once) -> None:
    """Keep the request and make the work due: whoever carries it out, and whenever."""
    now, task = desk.clock.now(), paid_task(view.order_id)
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        sales.ask(tx, view.order_id, "clear", who, "", now)
        operation_id = view.operation.id if view.operation else None
        history.add(tx, Event(now, who, "clear_asked", view.order_id, operation_id))
        if not tasks.add(tx, task, now):
            tasks.retry(tx, task.key, now)
        once.keep(tx, _asked(view), now)


async def _follow(desk: Desk, view: TokenView, watching: Watching) -> Outcome:
    while view.state not in _OVER and not watching.stop.is_set() and seller_alive(desk):
        watching.progress(_progress(desk, view))
        await pause(desk.clock, LOOK_SECONDS, watching.stop)
        view = view_token(desk, view.order_id)
    return Outcome(view)


async def _work_here(desk: Desk, view: TokenView, watching: Watching) -> Outcome:
    task = paid_task(view.order_id)
    engine = Engine(desk.journal.database, desk.clock, only=task.key)
    bench = Bench(desk, engine, heard=watching.heard)
    troubles: list[RelayclearError] = []

    async def handler(claimed: Task) -> Verdict:
        """One step, keeping its trouble for the person who waits."""
        troubles.clear()
        try:
            return await work(bench, claimed)
        except RelayclearError as error:
            troubles.append(error)
            raise

    engine.on(PAID_TASK, handler, POLICY)
    begun = tries(view.operation)
    while not watching.stop.is_set():
        stepping = asyncio.ensure_future(engine.step())
        await _until_done(stepping, watching.stop)
        view = view_token(desk, view.order_id)
        if view.state in _OVER or troubles or _is_left(desk, view, begun):
            break
        watching.progress(_progress(desk, view))
        await pause(desk.clock, max(0.0, min(engine.seconds_to_next(), 30.0)), watching.stop)
    unreachable = next((error for error in troubles if isinstance(error, UnreachableError)), None)
    return Outcome(view, unreachable or next(iter(troubles), None))


async def _until_done(stepping: asyncio.Future[bool], stop: asyncio.Event) -> None:
    """Let the step end; told to stop meanwhile, it is cancelled, which ends Hermes first and keeps what it did."""
    stopped = asyncio.ensure_future(stop.wait())
    try:
        both: set[asyncio.Future[Any]] = {stepping, stopped}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not stepping.done():
            stepping.cancel()
        try:
            await stepping
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
    finally:
        stopped.cancel()


def _is_left(desk: Desk, view: TokenView, begun: int) -> bool:
    """Whether the work goes on without us: after three tries, or when nobody can take it further now."""
    task = tasks.find(desk.journal.database, paid_task(view.order_id).key)
    if task is None or task.status is not Status.READY:
        return True
    wait = task.run_at - desk.clock.now().timestamp()
    return wait > _LONG or (wait > 0 and tries(view.operation) - begun >= len(PAUSES))


def _progress(desk: Desk, view: TokenView) -> Progress:
    with desk.journal.database.snapshot() as reads:
        operation = operation_of(reads, view.operation.id) if view.operation else None
    standing = operation.task if operation else None
    left = (standing.until - desk.clock.now()).total_seconds() if standing and not standing.claimed else None
    ends = view.sale.start.deadline if view.sale and view.sale.start else view.settlement.deadline
    return Progress(
        operation_state(operation) if operation else None,
        tries(operation),
        len(PAUSES),
        left if left is not None and left > 0 else None,
        standing.why if standing else None,
        ends,
    )
