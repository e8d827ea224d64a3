"""Words about requests: how one stands, what a person says yes to, and what of it nobody can take back."""

from __future__ import annotations

from collections.abc import Iterator

from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState, Verb
from relayclear.ibc.text import clean, visible
from relayclear.usecases.requests import RequestView, about
from relayclear.wording import OPERATIONS, Word, coin, moment

_SHOWN = 8

REQUESTS = {
    RequestState.REQUESTED: Word("requested", "⧗", "cyan", "somebody takes it up in a moment"),
    RequestState.RUNNING: Word("running", "…", "cyan", "it is carried out"),
    RequestState.DONE: Word("done", "✓", "green", "it was carried out"),
    RequestState.REFUSED: Word("refused", "✗", "yellow", "nothing was started"),
    RequestState.FAILED: Word("failed", "✗", "red", "it was tried and did not succeed"),
    RequestState.UNKNOWN: Word("unknown", "?", "yellow", "the outcome can't be told now; look again"),
}

VERBS = {
    Verb.CLEAR: "clear",
    Verb.REFUND: "send refund",
    Verb.CANCEL: "call off",
    Verb.RESET: "reset breaker",
    Verb.RETRY: "try again",
    Verb.MUTE: "mute",
    Verb.UNMUTE: "unmute",
}

_DONE = {
    "called_off": "called off: nothing more is started",
    "reset": "it is called again, and opens again if it fails",
    "retried": "it is tried again as soon as somebody works",
    "muted": "muted",
    "unmuted": "no longer muted",
    "confirmed": "the refund has arrived",
    "in_transit": "the refund is on its way over IBC",
    "paid_by_hand": "the refund was paid by hand",
}


def request_line(view: RequestView) -> str:
    """A request in one line: ``clear alpha-1/channel-0/1,3: done, every packet is done``."""
    what = f"{VERBS[view.verb]} {about(view.wish)}"
    return clean(f"{what}: {REQUESTS[view.state].word}, {outcome(view)}", 500)


def outcome(view: RequestView) -> str:
    """What came of it, why it waits, or what happens next, without a full stop."""
    if view.said:
        return f"it waits: {view.said}" if view.ended_at is None else view.said
    if view.code in set(OperationState):
        return OPERATIONS[OperationState(view.code)].meaning
    return _DONE.get(view.code or "", "") or REQUESTS[view.state].meaning


def request_page(view: RequestView) -> str:
    """Everything about a request."""
    return "\n".join(_page_lines(view))


def _page_lines(view: RequestView) -> Iterator[str]:
    word = REQUESTS[view.state]
    yield f"{word.glyph} {word.word}: {word.meaning}"
    yield f"wanted   {VERBS[view.verb]} {visible(about(view.wish), 400)}"
    if view.wish.amount is not None:
        yield f"amount   {visible(coin(view.wish.amount), 200)}"
    if view.wish.why:
        yield f"why      {visible(view.wish.why, 400)}"
    yield f"asked    {moment(view.asked_at)} by {visible(view.who, 80)}"
    if view.begun_at is not None:
        yield f"begun    {moment(view.begun_at)}"
    if view.ended_at is not None:
        yield f"ended    {moment(view.ended_at)}"
    if view.carrier:
        yield f"by       {visible(view.carrier, 80)}"
    if view.said:
        yield f"said     {clean(view.said, 1000)}"
    if view.hint:
        yield f"try      {clean(view.hint, 400)}"
    if view.operation_id:
        yield ""
        yield f"relayclear operations show {view.operation_id}"
