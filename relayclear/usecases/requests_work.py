"""Carrying out what people asked for: each request once, whoever does it and however often they die of it.

What changes anything commits together with the request's own fact, fenced by the claim on its task: an act that
only writes the database with the request's end, a clear's operation and a refund's approval with its beginning.
So whoever comes after a crash finds either nothing done, or what has to be seen through; Hermes is never started
for a request that has begun.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from relayclear.clearing.operation import Operation, OperationState, newest_results, operation_state
from relayclear.clearing.request import Begun, Ended, Request, RequestState, Verb, has_expired
from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Again, Done, Policy, Verdict
from relayclear.errors import ConfigError, HeldError, RefusedError, RelayclearError, UsageError
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.relayer import RelayEvent
from relayclear.ibc.text import clean
from relayclear.money.refund_state import RefundState
from relayclear.store import refunds, tasks
from relayclear.store import requests as store
from relayclear.store.db import Reads, Transaction
from relayclear.store.refunds import Refund
from relayclear.store.tasks import Moment, Task
from relayclear.usecases.breakers_acts import reset_breaker
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.mute import mute_packets, unmute_packets
from relayclear.usecases.once import AnsweredError, Once
from relayclear.usecases.operations import UNDER_WAY, cancel_operation, known_operation
from relayclear.usecases.refund_acts import approve_seen, require_refund
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.refund_send import LANDED, Swept, sweep
from relayclear.usecases.requests import REQUEST_ACT, REQUEST_TASK, expired_end, write_end
from relayclear.usecases.requests_plan import plan_of_clear
from relayclear.usecases.retrying import retry, soon_then_every
from relayclear.usecases.settle import settle_all
from relayclear.usecases.sold_packets import take_back

SOON = 2.0
UNREADABLE = 10.0
# Hermes' own time limit and those of every question to a node end what hangs; a clear has up to a hundred runs.
# What goes on failing is given up after twelve minutes, longer than a request that nobody begins lives.
POLICY = Policy(soon_then_every(60.0), limit_seconds=6 * 3600.0)
ACT_POLICY = Policy(soon_then_every(60.0), limit_seconds=300.0)

_ENDS = {
    OperationState.CLEARED: RequestState.DONE,
    OperationState.NOTHING_TO_DO: RequestState.DONE,
    OperationState.PARTIAL: RequestState.FAILED,
    OperationState.FAILED: RequestState.FAILED,
    OperationState.CANCELLED: RequestState.FAILED,
    OperationState.UNKNOWN: RequestState.UNKNOWN,
}


@dataclass
class Carrier:
    """Who carries requests out, and with what.

    `engine` does what takes minutes, `acts` what takes a moment: on an engine of its own a run of Hermes is
    called off while all workers are busy.  `name` is kept with each request (``watch 4711``).  `heard` hears
    what Hermes says; `patience` is for how many seconds a refund is waited for.
    """

    desk: Desk
    engine: Engine
    acts: Engine
    name: str
    heard: Callable[[RelayEvent], None] = lambda _: None
    patience: float = 0.0
    # Two sweeps of one wallet in one program take turns: of two that meet, one would tell of trouble.
    wallets: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


@dataclass(frozen=True, slots=True)
class _Granted(Once):
    """Lets an act happen once: what `write` keeps of the request commits with it, fenced by the claim."""

    carrier: Carrier = field(kw_only=True)
    task: Task = field(kw_only=True)
    request: Request = field(kw_only=True)
    write: Callable[[Transaction, Any], None] = field(kw_only=True)

    def begin(self, reads: Reads) -> None:
        """Raises AnsweredError where the request was withdrawn, begun or ended meanwhile."""
        found = store.find(reads, self.request.id)
        if found is None or found.ended is not None or found.begun is not None:
            raise AnsweredError(self.request.id)

    def keep(self, tx: Transaction, done: Any, _: datetime) -> None:
        """Keep the request's own fact; LeaseLostError takes the act back with it."""
        clock = self.carrier.desk.clock
        tasks.extend(tx, self.task, Moment(clock.now().timestamp(), *clock.boot()))
        self.write(tx, done)


def take_up_requests(carrier: Carrier) -> None:
    """Let the carrier's engines carry out requests."""

    async def handler(task: Task) -> Verdict:
        """One step."""
        return await carry_out(carrier, task)

    carrier.engine.on(REQUEST_TASK, handler, POLICY)
    carrier.acts.on(REQUEST_ACT, handler, ACT_POLICY)


async def carry_out(carrier: Carrier, task: Task) -> Verdict:
    """One step of a request.

    | ended | begun | asked | what happens |
    |---|---|---|---|
    | yes | - | - | nothing |
    | no | yes | - | it is seen through: a clear is judged, a refund sent |
    | no | no | too long ago | it ends as expired |
    | no | no | lately | it is carried out; what is held or can't be reached now waits, which is no try |
    """
    request = store.find(carrier.desk.journal.database, task.data["request_id"])
    if request is None or request.ended is not None:
        return Done()
    now = carrier.desk.clock.now()
    if has_expired(request, now):
        return _done(request, expired_end(now, carrier.name, task.why))
    try:
        return await _VERBS[request.wish.verb](carrier, task, request)
    except AnsweredError:
        # Withdrawn, or done by somebody else, while it was looked at.
        return Done()
    except RelayclearError as error:
        # What it began is seen through by a step of its own, which finds out what this one left.
        return Again(0.0, error.message) if _has_begun(carrier, request) else _told(carrier, request, error)
    except Exception as error:
        if request.begun is not None or _has_begun(carrier, request):
            raise
        return _told(
            carrier,
            request,
            RelayclearError(
                f"{type(error).__name__}: {clean(str(error), 300)}", hint="relayclear doctor, then the same command"
            ),
        )


def _has_begun(carrier: Carrier, request: Request) -> bool:
    """Whether it has begun in this very step."""
    found = store.find(carrier.desk.journal.database, request.id)
    return request.begun is None and found is not None and found.begun is not None


def _told(carrier: Carrier, request: Request, error: RelayclearError) -> Verdict:
    """An error ends a request that can't be done, and delays one that can't be done now."""
    if error.retryable:
        return Again(SOON if isinstance(error, HeldError) else UNREADABLE, error.message)
    # Refused says that nothing was started: of one that has begun that isn't so.
    refused = request.begun is None and isinstance(error, RefusedError | UsageError | ConfigError)
    state = RequestState.REFUSED if refused else RequestState.FAILED
    return _done(request, _ended(carrier, state, error.code, error.message, error.hint or ""))


def _ended(carrier: Carrier, state: RequestState, code: str, message: str = "", hint: str = "") -> Ended:
    return Ended(carrier.desk.clock.now(), state, carrier.name, code, clean(message, 500), clean(hint, 300))


def _done(request: Request, ended: Ended) -> Verdict:
    return Done(lambda tx: write_end(tx, request, ended))


def _begins(carrier: Carrier, task: Task, request: Request) -> _Granted:
    """Lets an act be the request's beginning; the operation that it made is kept with it."""

    def write(tx: Transaction, done: Any) -> None:
        """In the act's own commit."""
        operation_id = done["operation_id"] if isinstance(done, Mapping) else None
        store.begin(tx, request.id, Begun(carrier.desk.clock.now(), carrier.name, operation_id))

    return _Granted(carrier=carrier, task=task, request=request, write=write)


def _ends(carrier: Carrier, task: Task, request: Request, code: str) -> _Granted:
    """Lets an act be the whole of the request: its end commits with it."""

    def write(tx: Transaction, _: Any) -> None:
        """In the act's own commit."""
        write_end(tx, request, _ended(carrier, RequestState.DONE, code))

    return _Granted(carrier=carrier, task=task, request=request, write=write)


# Acts: done in one commit


async def _cancel(carrier: Carrier, task: Task, request: Request) -> Verdict:
    wish, once = request.wish, _ends(carrier, task, request, "called_off")
    await cancel_operation(carrier.desk, wish.subject, request.who, wish.why, once)
    return _done(request, _ended(carrier, RequestState.DONE, "called_off"))


async def _reset(carrier: Carrier, task: Task, request: Request) -> Verdict:
    wish, once = request.wish, _ends(carrier, task, request, "reset")
    reset_breaker(carrier.desk, wish.subject, wish.why, request.who, once)
    return Done()


async def _retry(carrier: Carrier, task: Task, request: Request) -> Verdict:
    wish, once = request.wish, _ends(carrier, task, request, "retried")
    retry(carrier.desk, wish.subject, request.who, wish.why, once)
    return Done()


async def _mute(carrier: Carrier, task: Task, request: Request) -> Verdict:
    wish, once = request.wish, _ends(carrier, task, request, "muted")
    end = _end_of(request)
    await mute_packets(carrier.desk, end, wish.sequences, wish.why, wish.until, request.who, once)
    return Done()


async def _unmute(carrier: Carrier, task: Task, request: Request) -> Verdict:
    wish, once = request.wish, _ends(carrier, task, request, "unmuted")
    unmute_packets(carrier.desk, _end_of(request), wish.sequences, wish.why, request.who, once)
    return Done()


def _end_of(request: Request) -> ChannelEnd:
    if request.wish.end is None:
        raise UsageError(f"{request.wish.verb} needs a channel", hint="relayclear channels")
    return request.wish.end


# A clear: begun with its operation, ended by what the chains say


async def _clear(carrier: Carrier, task: Task, request: Request) -> Verdict:
    operation_id = request.begun.operation_id if request.begun else None
    if operation_id is None:
        desk = carrier.desk
        plan, held = await plan_of_clear(desk, request.wish)
        take_back(desk, held, request.who)
        watcher = Watcher(asyncio.Event(), carrier.heard, who=request.who)
        operation_id = (await run_clear(desk, plan, watcher, _begins(carrier, task, request))).id
    return await _see_through(carrier, task, request, operation_id)


async def _see_through(carrier: Carrier, task: Task, request: Request, operation_id: str) -> Verdict:
    """End a request as its operation has; one whose process died is judged first, and never run again."""
    desk = carrier.desk
    operation = known_operation(desk, operation_id)
    if operation_state(operation) in UNDER_WAY:
        await settle_all(desk)
        operation = known_operation(desk, operation_id)
    state = operation_state(operation)
    if state in UNDER_WAY:
        return Again(UNREADABLE, "what it did can't be read yet, or its Hermes still lives")
    # One without an attempt was called off because of what the step before this one met.
    words = _why(operation) or ("" if operation.attempts else task.why or "")
    found = RequestState.FAILED if surplus_of(operation) and _ENDS[state] is RequestState.DONE else _ENDS[state]
    hint = "" if found is RequestState.DONE else f"relayclear operations show {operation.id}"
    return _done(request, _ended(carrier, found, state.value, words, hint))


def surplus_of(operation: Operation) -> list[PacketKey]:
    """What Hermes says that it moved besides what was asked for."""
    return [key for attempt in operation.attempts for key in attempt.extra]


def _why(operation: Operation) -> str:
    extra = [f"Hermes also touched {key}, which was not asked for" for key in surplus_of(operation)[:1]]
    reasons = [f"#{one.sequence}: {one.reason}" for one in newest_results(operation).values() if one.reason]
    more = [f"and {len(reasons) - 1} more"] if reasons[1:] else []
    return "; ".join([*extra, *reasons[:1], *more])


# A refund: begun with a person's yes, ended when it was sent


async def _refund(carrier: Carrier, task: Task, request: Request) -> Verdict:
    desk, wish = carrier.desk, request.wish
    found = require_refund(desk, wish.subject)
    if request.begun is None:
        amount = found.due.net if isinstance(found, OwedRefund) else found.net
        if amount != wish.amount:
            hint = f"relayclear refunds show {found.id}"
            raise RefusedError(f"refund {found.id} sends {amount}, not {wish.amount}", hint=hint, code="changed")
        begins = _begins(carrier, task, request)
        approve_seen(desk, found, request.who, wish.why, begins)
        if not _has_begun(carrier, request):
            # On its way already: it is only followed.
            carrier.engine.commit(task, lambda tx: begins.write(tx, None))
    return await _send(carrier, request, found.id)


async def _send(carrier: Carrier, request: Request, refund_id: str) -> Verdict:
    """Sweep its chain until it has gone; those approved before it go first, as ever."""
    database = carrier.desk.journal.database

    def now() -> Refund:
        """As it stands."""
        refund = refunds.get(database, refund_id)
        if refund is None:
            raise RelayclearError(f"refund {refund_id} is gone from the database", hint="relayclear db check")
        return refund

    chain = now().chain
    async with carrier.wallets[chain]:
        swept = await sweep(
            carrier.desk, chain, patience=carrier.patience, stopped=lambda: now().state not in _ON_ITS_WAY
        )
    state = now().state
    if state in LANDED:
        return _done(request, _ended(carrier, RequestState.DONE, state.value))
    if state not in _ON_ITS_WAY:
        hint = f"relayclear refunds show {refund_id}"
        return _done(request, _ended(carrier, RequestState.FAILED, state.value, hint=hint))
    if state is RefundState.APPROVED:
        return _not_sent(carrier, request, swept, refund_id)
    return Again(SOON, "its transaction stands in no block yet")


_ON_ITS_WAY = frozenset({RefundState.APPROVED, RefundState.SIGNED, RefundState.BROADCAST})


def _not_sent(carrier: Carrier, request: Request, swept: Swept, refund_id: str) -> Verdict:
    """It stays approved, so that a later sweep sends it; what only waits is waited for."""
    blocked, skipped = swept.blocked, swept.skipped.get(refund_id)
    if blocked is not None and blocked.code != "breaker_open" and not (blocked.error and blocked.error.retryable):
        words = f"approved, and not sent yet: {blocked.why}"
        return _done(request, _ended(carrier, RequestState.FAILED, blocked.code, words, blocked.hint))
    if skipped is not None:
        words = f"approved, and not sent yet: {skipped}"
        return _done(request, _ended(carrier, RequestState.FAILED, "skipped", words))
    return Again(UNREADABLE if blocked else SOON, blocked.why if blocked else "others go first")


_VERBS: dict[Verb, Callable[[Carrier, Task, Request], Awaitable[Verdict]]] = {
    Verb.CLEAR: _clear,
    Verb.REFUND: _refund,
    Verb.CANCEL: _cancel,
    Verb.RESET: _reset,
    Verb.RETRY: _retry,
    Verb.MUTE: _mute,
    Verb.UNMUTE: _unmute,
}
