"""Sentences about what a person asks for: the plan to say yes to, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relayclear.clearing.request import RequestState, Verb, Wish
from relayclear.ibc.text import clean, visible
from relayclear.store.refunds import Refund
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.hands import CarriedBy
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.requests import RequestView, about
from relayclear.usecases.requests_plan import Cost, Lasting, Plan
from relayclear.wording import CLASSES, Word, coin, counted, moment, short
from relayclear.wording.refunding import CAUSES

VERBS = {
    Verb.CLEAR: "clear",
    Verb.REFUND: "refund",
    Verb.CANCEL: "call off",
    Verb.RESET: "reset the breaker",
    Verb.RETRY: "try again",
    Verb.MUTE: "mute",
    Verb.UNMUTE: "show again",
}

REQUESTS = {
    RequestState.REQUESTED: Word("requested", "⧗", "yellow", "watch takes it up in a moment"),
    RequestState.RUNNING: Word("running", "…", "cyan", "somebody carries it out"),
    RequestState.DONE: Word("done", "✓", "green", "it was carried out"),
    RequestState.REFUSED: Word("refused", "✗", "red", "nothing was started"),
    RequestState.FAILED: Word("failed", "✗", "red", "it was tried, and came to nothing"),
    RequestState.UNKNOWN: Word("unknown", "?", "yellow", "the outcome can't be told now"),
}

LASTING = {
    Lasting.GAS: "the gas is spent, whatever becomes of the packets",
    Lasting.CHANNEL_CLOSES: "a timeout on an ordered channel CLOSES it for good",
    Lasting.TOKENS_TAKEN_BACK: "open quotes that hold these packets are taken back",
    Lasting.COINS_SENT: "coins that were sent don't come back",
    Lasting.CALLED_OFF: "an operation that was called off isn't taken up again",
    Lasting.OWED_BACK: "what its token was paid for and isn't cleared is owed back",
}

_SHOWN = 8


def plan_lines(plan: Plan) -> list[str]:
    """What would be done, from which key, for how much, and what nobody can take back."""
    lines = [_subject(plan), *(_clear_lines(plan.clear) if plan.clear else ())]
    lines += _refund_lines(plan.refund) if plan.refund is not None else []
    lines += [line for cost in plan.costs for line in _cost_lines(cost)]
    lines += [f"takes back the open quote {memo}" for memo in plan.taken_back]
    if plan.lasting:
        lines += ["", "can't be undone:", *(f"  {LASTING[word]}" for word in plan.lasting)]
    return lines


def _subject(plan: Plan) -> str:
    wish = plan.wish
    if plan.amount is not None:
        return f"{VERBS[wish.verb]} {visible(wish.subject, 80)}: sends {visible(coin(plan.amount), 80)}"
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
        amount = f"  {visible(coin(view.transfer.coin), 40)}" if view.transfer else ""
        yield f"  #{view.sequence} {CLASSES[view.verdict.packet_class].word}{amount}"
    if len(chosen) > _SHOWN:
        yield f"  … and {len(chosen) - _SHOWN} more"
    if plan.gone:
        yield f"  no longer pending: {', '.join(f'#{sequence}' for sequence in plan.gone[:20])}"
    yield from (f"  left out: #{left.sequence}, {clean(left.why, 160)}" for left in plan.left_out[:_SHOWN])
    yield from (f"  ! {clean(warning, 300)}" for warning in plan.warnings)
    if not plan.run:
        yield "  nothing would be run"


def _cost_lines(cost: Cost) -> Iterator[str]:
    payer = f" ({short(cost.payer)})" if cost.payer else ""
    yield f"{cost.chain}: key {cost.key.name}{payer}"
    yield f"  usually {coin(cost.usual)}, one transaction at most {coin(cost.worst)}"
    if cost.balance is not None and cost.after is not None:
        yield f"  holds {coin(cost.balance)}, then some {coin(cost.after)}"
    else:
        yield "  what it holds can't be read now"


def asked_line(wishes: Iterable[Wish], carrier: CarriedBy) -> str:
    """What was asked for, and who carries it out."""
    said = ", ".join(f"{VERBS[wish.verb]} {visible(about(wish), 120)}" for wish in wishes)
    by = "watch carries it out" if carrier is CarriedBy.WATCH else "no watch lives: this screen carries it out itself"
    return f"requested: {said}; {by}"


def request_line(view: RequestView) -> str:
    """A request and what became of it, in a line."""
    word = REQUESTS[view.state]
    line = f"{word.glyph} {VERBS[view.verb]} {visible(about(view.wish), 120)}: {word.word}"
    if view.said:
        line += f", {clean(view.said, 300)}"
    if view.hint:
        line += f"; try: {clean(view.hint, 200)}"
    return line
