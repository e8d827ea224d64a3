"""Words about requests: how one stands, what a person says yes to, and what of it nobody can take back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState, Verb, Wish
from relayclear.ibc.text import clean, visible
from relayclear.store.refunds import Refund
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.hands import CarriedBy
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.requests import RequestView, about
from relayclear.usecases.requests_plan import Cost, Lasting, Plan
from relayclear.wording import CLASSES, OPERATIONS, Word, coin, counted, moment
from relayclear.wording.refunding import CAUSES

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


def plan_lines(plan: Plan) -> list[str]:
    """What a person says yes to: what would be done, from which key, for how much, what nobody can take back."""
    lines = [_subject(plan), *(_clear_lines(plan.clear) if plan.clear else ())]
    lines += _refund_lines(plan.refund) if plan.refund is not None else []
    lines += [cost_line(cost) for cost in plan.costs]
    if plan.lasting:
        lines += ["", "can't be undone:", *(f"  {line}" for line in lasting_lines(plan))]
    return lines


def _subject(plan: Plan) -> str:
    wish = plan.wish
    if plan.amount is not None:
        return f"{VERBS[wish.verb]} {visible(wish.subject, 80)}: {visible(coin(plan.amount), 80)}"
    if plan.breaker is not None:
        why = f" ({clean(plan.breaker.reason, 120)})" if plan.breaker.reason else ""
        return f"{VERBS[wish.verb]} {clean(plan.breaker.name, 200)}{why}"
    count = f", {counted(plan.packets, 'packet')}" if plan.packets else ""
    return f"{VERBS[wish.verb]} {visible(about(wish), 200)}{count}"


def _refund_lines(refund: OwedRefund | Refund) -> list[str]:
    owed = isinstance(refund, OwedRefund)
    to, cause = (refund.due.to, refund.due.cause) if isinstance(refund, OwedRefund) else (refund.to, refund.cause)
    over = f", over {refund.over}" if refund.over is not None else ""
    return [
        f"  to      {visible(to or 'nobody yet', 120)} on {refund.chain}{over}",
        f"  because {CAUSES[cause]}",
        f"  {'owed' if owed else 'approved'} since {moment(refund.since)}",
    ]


def _clear_lines(plan: ClearPlan) -> Iterator[str]:
    yield f"{plan.path.source} → {plan.path.destination}"
    chosen = [view for view in plan.views if view.sequence in plan.run]
    for view in chosen[:_SHOWN]:
        amount = f"  {visible(coin(view.transfer.coin), 60)}" if view.transfer else ""
        yield f"  #{view.sequence} {CLASSES[view.verdict.packet_class].word}{amount}"
    if len(chosen) > _SHOWN:
        yield f"  … and {len(chosen) - _SHOWN} more"
    if plan.gone:
        yield f"  no longer pending: {', '.join(f'#{sequence}' for sequence in plan.gone[:20])}"
    yield from (f"  left out: #{left.sequence}, {clean(left.why, 160)}" for left in plan.left_out[:_SHOWN])
    yield from (f"  ! {clean(warning, 300)}" for warning in plan.warnings)
    if not plan.run:
        yield "  nothing would be run"


def asked_line(wishes: Iterable[Wish], carrier: CarriedBy) -> str:
    """What was asked for, and who carries it out."""
    said = ", ".join(f"{VERBS[wish.verb]} {visible(about(wish), 120)}" for wish in wishes)
    by = "watch carries it out" if carrier is CarriedBy.WATCH else "no watch lives: this screen carries it out itself"
    return f"requested: {said}; {by}"


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
