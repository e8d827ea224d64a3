"""Requests: what a person asked for at any face, as facts, and the state that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, SequenceRanges

# What nobody began by then isn't carried out any more: whoever asked has gone by what they saw.
LIFE = timedelta(minutes=10)
EXPIRED = "expired"


class Verb(StrEnum):
    """What can be asked for."""

    CLEAR = "clear"
    REFUND = "refund"
    CANCEL = "cancel"
    RESET = "reset"
    RETRY = "retry"
    MUTE = "mute"
    UNMUTE = "unmute"


class RequestState(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


OVER = frozenset({RequestState.DONE, RequestState.REFUSED, RequestState.FAILED, RequestState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, in the words of the commands.

    `subject` is the operation's id (cancel, retry; for retry also a token or a task's key), the refund's id, or the
    breaker's name.  `end` and `sequences` are the packets (clear, mute, unmute; None: the whole path, not
    for clear).  `amount` is what a refund sends, as the person typed it.  `until` ends a mute.  The last
    four are a clear's, as in `ClearRequest`.
    """

    verb: Verb
    subject: str = ""
    end: ChannelEnd | None = None
    sequences: SequenceRanges | None = None
    why: str = ""
    amount: Coin | None = None
    until: datetime | None = None
    key_name: str | None = None
    share_key: bool = False
    max_fees: tuple[Coin, ...] = ()
    close_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """Its first lasting effect is committed: from here on somebody has to see it through.

    `operation_id` is the operation that a clear made.
    """

    at: datetime
    carrier: str
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended.  `code` is a word for programs; `message` and `hint` are an error's own, else empty.

    `carrier` is the program that carried it out, or the person who withdrew it.
    """

    at: datetime
    state: RequestState
    carrier: str
    code: str
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that somebody made, and what became of it so far."""

    id: str
    wish: Wish
    who: str
    asked_at: datetime
    begun: Begun | None = None
    ended: Ended | None = None


def has_expired(request: Request, now: datetime) -> bool:
    """Whether nobody began it in time; one asked in the future was asked by a clock that nobody can trust."""
    return request.begun is None and request.ended is None and abs(now - request.asked_at) > LIFE


def request_state(request: Request, now: datetime) -> RequestState:
    """Compute the state from the facts.  The first row that fits counts.

    | ended | begun | asked | state |
    |---|---|---|---|
    | yes | - | - | what its end says |
    | no | yes | - | `running` |
    | no | no | longer than LIFE ago, or as long ahead | `refused`: it has expired |
    | no | no | lately | `requested` |
    """
    if request.ended is not None:
        return request.ended.state
    if request.begun is not None:
        return RequestState.RUNNING
    return RequestState.REFUSED if has_expired(request, now) else RequestState.REQUESTED
