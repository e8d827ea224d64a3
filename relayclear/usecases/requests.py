"""What a person asks for at any face: kept, shown with what became of it, and withdrawn before anybody begins.

All verbs go the same way, those that only write the database too: calling off looks at the chains first and a
mute reads the packets, the asking process may look through a connection that can't write, and whoever asks why
a packet is quiet or a breaker closed finds everything in one place.  `watch` takes a request up within a tenth
of a second; where none lives, the asking process does (`hands`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from relayclear.clearing.request import (
    EXPIRED,
    LIFE,
    OVER,
    Ended,
    Request,
    RequestState,
    Verb,
    Wish,
    has_expired,
    request_state,
)
from relayclear.errors import RefusedError, UsageError
from relayclear.store import history, operations, tasks
from relayclear.store import requests as store
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.tasks import NewTask, Priority, Status, Task
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once

__all__ = [
    "EXPIRED",
    "LIFE",
    "OVER",
    "REQUEST_ACT",
    "REQUEST_TASK",
    "Request",
    "RequestState",
    "RequestView",
    "Verb",
    "Wish",
    "ask",
    "expired_end",
    "find_request",
    "request_key",
    "requests",
    "withdraw",
]

# What may take minutes; and what takes a moment, so that a run of Hermes can be called off while it runs.
REQUEST_TASK = "request"
REQUEST_ACT = "request_act"
_LONG = frozenset({Verb.CLEAR, Verb.REFUND})
WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as it is shown.

    `code` is a word for programs, None before the end: an operation's state for a clear, else what was done,
    or an error's code; `said` and `hint` are the error's words, or why a request waits.  `carrier` says who
    carried it out: ``watch 4711``, ``dashboard 4712``; for one that was withdrawn, the person.
    """

    id: str
    verb: Verb
    wish: Wish
    who: str
    asked_at: datetime
    state: RequestState
    code: str | None = None
    said: str | None = None
    hint: str | None = None
    operation_id: str | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    carrier: str | None = None


def ask(desk: Desk, wish: Wish, who: str, once: Once = ANEW) -> RequestView:
    """Keep a wish and have it carried out soon; whoever repeats one (by its key) gets the request it made.

    Raises UsageError for a wish that lacks what its verb needs, RefusedError where the key had other words.
    """
    _require_whole(wish)
    now = desk.clock.now()
    request = Request("rq-" + token_hex(5), wish, who, now)
    with desk.journal.database.atomic() as tx:
        known = once.answer(tx)
        if known is not None:
            return _view(tx, find_request(tx, known["request_id"]), now)
        store.add(tx, request)
        tasks.add(tx, _task(request), now)
        detail = {"verb": wish.verb.value, "about": about(wish), "why": wish.why}
        history.add(tx, Event(now, who, "request_asked", None, _known_operation(tx, wish), None, request.id, detail))
        once.keep(tx, {"request_id": request.id}, now)
        return _view(tx, request, now)


def requests(desk: Desk, limit: int, as_of: datetime | None = None) -> list[RequestView]:
    """The newest requests, newest first; `as_of` shows them with what was known then.

    `desk` may be one that can only read.
    """
    with desk.journal.database.snapshot() as reads:
        found = store.page(reads, limit, as_of)
        now = as_of or desk.clock.now()
        return [_view(reads, one, now, live=as_of is None) for one in found]


def find_request(reads: Reads, request_id: str) -> Request:
    """The request of an id.  Raises UsageError for an unknown one."""
    found = store.find(reads, request_id)
    if found is None:
        raise UsageError(
            f"no request {request_id[:30]!r} is known", code="no_request", hint="relayclear operations list"
        )
    return found


def withdraw(desk: Desk, request_id: str, who: str) -> RequestView:
    """Take back a request that nobody has begun.  Raises UsageError for an unknown one, RefusedError for a begun one.

    One that somebody is about to begin finds that out before its first effect.
    """
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        request = find_request(tx, request_id)
        if request.ended is not None or request.begun is not None:
            ended = f"has ended: {request.ended.state}" if request.ended else "has begun"
            operation = request.begun.operation_id if request.begun else None
            hint = (
                f"relayclear operations cancel {operation}"
                if operation and not request.ended
                else "relayclear operations list"
            )
            raise RefusedError(f"request {request.id} {ended}", hint=hint, code="begun")
        ended_by = Ended(now, RequestState.REFUSED, who, WITHDRAWN, f"withdrawn by {who}")
        write_end(tx, request, ended_by, "request_withdrawn", who)
        tasks.hasten(tx, request_key(request.id), now)
        return _view(tx, find_request(tx, request.id), now)


def write_end(tx: Transaction, request: Request, ended: Ended, what: str = "request_ended", who: str = "") -> None:
    """Keep how a request ended, in the commit of what ended it; one that has ended already stays as it is."""
    known = store.find(tx, request.id)
    if known is None or known.ended is not None:
        return
    store.end(tx, request.id, ended)
    operation_id = (known.begun.operation_id if known.begun else None) or _known_operation(tx, request.wish)
    told = {"verb": request.wish.verb.value, "state": ended.state.value, "code": ended.code, "why": ended.message}
    history.add(tx, Event(ended.at, who or ended.carrier, what, None, operation_id, None, request.id, told))


def expired_end(now: datetime, carrier: str, why: str | None) -> Ended:
    """The end of a request that nobody began in time, and why nobody did where that is known."""
    minutes = int(LIFE.total_seconds() // 60)
    words = f"nobody carried it out within {minutes} minutes" + (f": {why}" if why else "")
    return Ended(now, RequestState.REFUSED, carrier, EXPIRED, words, "ask again, once somebody can do it")


def request_key(request_id: str) -> str:
    """The key of a request's task."""
    return f"{REQUEST_TASK}/{request_id}"


def about(wish: Wish) -> str:
    """What a wish is about, in the words of the commands: an id, a breaker's name, or packets."""
    if wish.end is None:
        return wish.subject
    return str(wish.end) if wish.sequences is None else f"{wish.end}/{wish.sequences}"


def _task(request: Request) -> NewTask:
    kind = REQUEST_TASK if request.wish.verb in _LONG else REQUEST_ACT
    # A person waits for it.
    return NewTask(kind, request_key(request.id), {"request_id": request.id}, Priority.URGENT)


def _operation(wish: Wish) -> str | None:
    """The operation that a wish names, as it names it: a task's key is none."""
    named = wish.verb in {Verb.CANCEL, Verb.RETRY} and "/" not in wish.subject
    return wish.subject if named else None


def _known_operation(reads: Reads, wish: Wish) -> str | None:
    """The operation that a wish is about: the history names none that isn't there."""
    named = _operation(wish)
    with suppress(UsageError):
        found = operations.find(reads, named) if named else None
        return None if found is None else found.id
    return None


_NEEDS: dict[Verb, tuple[Callable[[Wish], object], str]] = {
    Verb.CLEAR: (lambda wish: wish.end and wish.sequences, "exact packets of one channel"),
    Verb.REFUND: (lambda wish: wish.subject and wish.amount, "a refund and the amount that it sends"),
    Verb.CANCEL: (lambda wish: wish.subject, "an operation"),
    Verb.RESET: (lambda wish: wish.subject and wish.why.strip(), "a breaker and why"),
    Verb.RETRY: (lambda wish: wish.subject, "an operation, or a task that was given up"),
    Verb.MUTE: (lambda wish: wish.end, "a channel, or packets of one"),
    Verb.UNMUTE: (lambda wish: wish.end, "a channel, or packets of one"),
}


def _require_whole(wish: Wish) -> None:
    has, needed = _NEEDS[wish.verb]
    if not has(wish):
        raise UsageError(f"{wish.verb} needs {needed}", hint=f"ask again, and name {needed}")


def _given_up(request: Request, task: Task, now: datetime) -> Ended:
    """How one stands that nobody takes up again by itself: it failed too often, or five processes died of it.

    No fact says so, for a person may have it tried again.  Of one that has begun nobody knows what it did.
    """
    at = now if task.ended_at is None else datetime.fromtimestamp(task.ended_at, UTC)
    state = RequestState.FAILED if request.begun is None else RequestState.UNKNOWN
    return Ended(at, state, "", "given_up", task.why or "given up", f"relayclear operations retry {task.key}")


def _view(reads: Reads, request: Request, now: datetime, *, live: bool = True) -> RequestView:
    begun, ended, state = request.begun, request.ended, request_state(request, now)
    task = tasks.find(reads, request_key(request.id)) if live and request.ended is None else None
    if has_expired(request, now):
        # Why nobody began it is known to the task, before anybody has written the end.
        ended = expired_end(request.asked_at + LIFE, "", task.why if task else None)
    elif task is not None and task.status is Status.DEAD:
        ended = _given_up(request, task, now)
    waits = task.why if task is not None and ended is None else None
    return RequestView(
        id=request.id,
        verb=request.wish.verb,
        wish=request.wish,
        who=request.who,
        asked_at=request.asked_at,
        state=ended.state if ended else state,
        code=ended.code if ended else None,
        said=ended.message or None if ended else waits,
        hint=ended.hint or None if ended else None,
        operation_id=(begun.operation_id if begun else None) or _operation(request.wish),
        begun_at=begun.at if begun else None,
        ended_at=ended.at if ended else None,
        carrier=(ended.carrier if ended else "") or (begun.carrier if begun else None),
    )
