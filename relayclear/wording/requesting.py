"""Words about requests: how one stands, what a person says yes to, and what of it nobody can take back."""

from __future__ import annotations

from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState, Verb
from relayclear.ibc.text import clean
from relayclear.usecases.requests import RequestView, about
from relayclear.usecases.requests_plan import Cost, Lasting, Plan
from relayclear.wording import OPERATIONS, Word, coin, counted

REQUESTS = {
    RequestState.REQUESTED: Word("requested", "…", "cyan", "somebody takes it up in a moment"),
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

_LASTING = {
    Lasting.GAS: "gas that is spent is gone, also where another relayer is faster",
    Lasting.CHANNEL_CLOSES: "a timeout closes this ordered channel for ever",
    Lasting.TOKENS_TAKEN_BACK: "open tokens that hold these packets are taken back: {tokens}",
    Lasting.COINS_SENT: "coins that are sent don't come back",
    Lasting.CALLED_OFF: "what is called off does not go on again",
    Lasting.OWED_BACK: "what the payer didn't get is owed back",
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


def lasting_lines(plan: Plan) -> list[str]:
    """What of a plan nobody can take back, a sentence each."""
    return [_LASTING[word].format(tokens=", ".join(plan.taken_back)) for word in plan.lasting]


def cost_line(cost: Cost) -> str:
    """What a clear costs on a chain, and what is left: ``alpha-1: key k pays about 5 a, at most 9 a a transaction``."""
    usual = f"{cost.chain}: key {cost.key.name} pays about {coin(cost.usual)}, at most {coin(cost.worst)} a transaction"
    if cost.balance is None or cost.after is None:
        return f"{usual}; what it holds can't be read"
    return f"{usual}; of {coin(cost.balance)} about {coin(cost.after)} are left"


def size_line(plan: Plan) -> str:
    """How much it is about: ``2 packets``, or nothing where it is about no packets."""
    return counted(plan.packets, "packet") if plan.packets else ""
