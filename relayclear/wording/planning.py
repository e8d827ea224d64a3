"""Words about what a person says yes to: the plan, its cost, and what of it nobody can take back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relayclear.clearing.request import Wish
from relayclear.ibc.text import clean, visible
from relayclear.store.refunds import Refund
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.hands import CarriedBy
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.requests import about
from relayclear.usecases.requests_plan import Cost, Lasting, Plan
from relayclear.wording import CLASSES, coin, counted, moment
from relayclear.wording.refunding import CAUSES
from relayclear.wording.requesting import VERBS

_SHOWN = 8

_LASTING = {
    Lasting.GAS: "gas that is spent is gone, also where another relayer is faster",
    Lasting.CHANNEL_CLOSES: "a timeout closes this ordered channel for ever",
    Lasting.TOKENS_TAKEN_BACK: "open tokens that hold these packets are taken back: {tokens}",
    Lasting.COINS_SENT: "coins that are sent don't come back",
    Lasting.CALLED_OFF: "what is called off does not go on again",
    Lasting.OWED_BACK: "what the payer didn't get is owed back",
}


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
