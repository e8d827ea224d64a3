"""What carrying out a wish would do, so that a person can say yes to it: nothing is begun, run or sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil

from relayclear.clearing.breaker import BreakerView
from relayclear.clearing.operation import Operation, operation_state
from relayclear.clearing.request import Verb, Wish
from relayclear.errors import RefusedError, RelayclearError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.relayer import GasTerms, KeyChoice
from relayclear.money.fees import GasEstimate
from relayclear.store import mutes, tasks
from relayclear.store.refunds import Refund
from relayclear.store.tasks import Status, Task
from relayclear.usecases.breakers_acts import list_breakers
from relayclear.usecases.clear_plan import ClearPlan, ClearRequest, may_close_channel, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.operations import UNDER_WAY, known_operation, token_of
from relayclear.usecases.quote_price import estimates
from relayclear.usecases.refund_acts import refuse_unsendable, require_refund
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.scan import Scope, scan
from relayclear.usecases.shop import SellRules
from relayclear.usecases.sold_packets import Holder, holders, paid_for


class Lasting(StrEnum):
    """What of it nobody can take back."""

    GAS = "gas"
    CHANNEL_CLOSES = "channel_closes"
    TOKENS_TAKEN_BACK = "tokens_taken_back"
    COINS_SENT = "coins_sent"
    CALLED_OFF = "called_off"
    OWED_BACK = "owed_back"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a clear costs on one chain, and who pays it.

    `usual` is what its messages burn as a rule, `worst` the most that one transaction may cost, of which a run
    makes several.  `payer` holds `balance` now, and `after` in the usual case; None where the key's address or
    the balance can't be read.
    """

    chain: str
    key: KeyChoice
    payer: str | None
    usual: Coin
    worst: Coin
    balance: Coin | None
    after: Coin | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A wish and what it would do; of the rest only what its verb is about is there.

    `clear` is what ``--dry-run`` shows, `packets` how many packets it is about, `taken_back` the memos of open
    tokens that hold some of them.  `refund` is as a person has to see it, `amount` what they have to type.
    """

    wish: Wish
    packets: int = 0
    clear: ClearPlan | None = None
    costs: tuple[Cost, ...] = ()
    taken_back: tuple[str, ...] = ()
    refund: OwedRefund | Refund | None = None
    amount: Coin | None = None
    operation: Operation | None = None
    task: Task | None = None
    breaker: BreakerView | None = None
    lasting: tuple[Lasting, ...] = ()


async def plan(desk: Desk, wish: Wish) -> Plan:
    """What carrying it out would do now; a clear and a mute read the chains.

    Raises what carrying it out would: UsageError for what isn't known, RefusedError for what may not be
    done, UnreachableError where a chain can't be read.
    """
    if wish.verb is Verb.CLEAR:
        return await _clear(desk, wish)
    if wish.verb is Verb.MUTE:
        return await _mute(desk, wish)
    return _BY_THE_STORE[wish.verb](desk, wish)


def clear_request(wish: Wish) -> ClearRequest:
    """A wish to clear as the planning takes it.  Raises RefusedError for one without packets."""
    if wish.end is None or not wish.sequences:
        raise RefusedError("a clear needs exact packets of one channel", hint="relayclear packets list names them")
    terms = (wish.key_name, wish.share_key, wish.max_fees, wish.close_channel)
    return ClearRequest(wish.end, wish.sequences, *terms)


async def plan_of_clear(desk: Desk, wish: Wish) -> tuple[ClearPlan, list[Holder]]:
    """The plan of a clear, and the open tokens that hold its packets.

    Raises as `plan_clear` does, and RefusedError for packets of a paid token: they are that one's work.
    """
    request = clear_request(wish)
    held = holders(desk, (PacketKey(*request.source, sequence) for sequence in request.sequences))
    paid = paid_for(request.sequences, held)
    if paid is not None:
        raise RefusedError(
            f"these packets are paid for by token {paid.memo}: clearing them is its own work",
            hint=f"relayclear clear --token {paid.memo}",
            code="in_paid_token",
        )
    return await plan_clear(desk, request), held


async def _clear(desk: Desk, wish: Wish) -> Plan:
    found, held = await plan_of_clear(desk, wish)
    costs = await _costs(desk, found) if found.run else ()
    words = ((Lasting.GAS, found.run), (Lasting.CHANNEL_CLOSES, may_close_channel(found)))
    lasting = [word for word, holds in (*words, (Lasting.TOKENS_TAKEN_BACK, held)) if holds]
    memos = tuple(holder.memo for holder in held)
    return Plan(wish, len(found.run), found, costs, memos, lasting=tuple(lasting))


async def _costs(desk: Desk, found: ClearPlan) -> tuple[Cost, ...]:
    """On each chain where a transaction may be made."""
    rules = desk.shop.rules if desk.shop is not None else SellRules()
    runs = replace(found, views=tuple(view for view in found.views if view.sequence in found.run))
    keys = {key.chain: key for key in found.keys}
    return tuple(
        await asyncio.gather(*(_cost(desk, found, keys[one.chain], one) for one in estimates(desk, rules, runs)))
    )


async def _cost(desk: Desk, found: ClearPlan, key: KeyChoice, estimate: GasEstimate) -> Cost:
    terms = next(terms for terms in found.gas if terms.chain == key.chain)
    caps = [cap.fee.amount for cap in found.caps if cap.chain == key.chain]
    worst = Coin(terms.denom, min([terms.worst_fee.amount, *caps]))
    usual = Coin(terms.denom, ceil(estimate.units * Fraction(estimate.price)))
    payer = terms.fee_granter or key.address
    balance = None if payer is None else await _balance(desk, terms, payer)
    after = None if balance is None else Coin(terms.denom, max(0, balance.amount - usual.amount))
    return Cost(key.chain, key, payer, usual, worst, balance, after)


async def _balance(desk: Desk, terms: GasTerms, payer: str) -> Coin | None:
    try:
        return await desk.chains[terms.chain].balance(payer, terms.denom)
    except RelayclearError:
        return None


def _refund(desk: Desk, wish: Wish) -> Plan:
    found = require_refund(desk, wish.subject)
    if isinstance(found, OwedRefund):
        refuse_unsendable(found)
    amount = found.due.net if isinstance(found, OwedRefund) else found.net
    return Plan(wish, refund=found, amount=amount, lasting=(Lasting.COINS_SENT,))


def _cancel(desk: Desk, wish: Wish) -> Plan:
    found = known_operation(desk, wish.subject)
    if operation_state(found) not in UNDER_WAY or found.cancelled_at is not None:
        raise RefusedError(
            f"operation {found.id} has ended", hint=f"relayclear operations show {found.id}", code="ended"
        )
    owed = (Lasting.OWED_BACK,) if token_of(desk, found) is not None else ()
    return Plan(wish, found.sequences.count, operation=found, lasting=(Lasting.CALLED_OFF, *owed))


def _reset(desk: Desk, wish: Wish) -> Plan:
    known = {one.name: one for one in list_breakers(desk)}
    if wish.subject not in known:
        words = f"there is no breaker {wish.subject[:200]!r}{did_you_mean(wish.subject, known, most=0)}"
        raise UsageError(words, hint="relayclear breakers list")
    return Plan(wish, breaker=known[wish.subject])


def _retry(desk: Desk, wish: Wish) -> Plan:
    task = tasks.find(desk.journal.database, wish.subject)
    if task is not None:
        if task.status is Status.DONE:
            raise RefusedError(f"task {task.key} is over", code="ended", hint="relayclear operations list")
        return Plan(wish, task=task)
    found = known_operation(desk, wish.subject)
    if token_of(desk, found) is None:
        raise RefusedError(
            f"operation {found.id} is no token's: it is not tried again by itself",
            code="no_token",
            hint=f"relayclear clear --chain {found.source.chain} --channel {found.source.channel} …",
        )
    return Plan(wish, found.sequences.count, operation=found)


async def _mute(desk: Desk, wish: Wish) -> Plan:
    end = wish.end
    if end is None:
        raise RefusedError("a mute needs a channel", hint="relayclear packets mute alpha-1/channel-0")
    reading = await scan(desk, Scope(end.chain, end.channel, end.port))
    pending = reading.readable(end).commitments
    chosen = [one for one in pending if wish.sequences is None or one in wish.sequences]
    if wish.sequences is not None and not chosen:
        raise RefusedError(
            f"none of {wish.sequences} is pending on {end}",
            code="not_pending",
            hint=f"relayclear packets list --chain {end.chain} --channel {end.channel} --all",
        )
    return Plan(wish, len(chosen))


def _unmute(desk: Desk, wish: Wish) -> Plan:
    database = desk.journal.database
    met = [one for one in mutes.in_force(database, desk.clock.now()) if one.end == wish.end]
    if not met:
        raise RefusedError(
            f"nothing is muted on {wish.end}",
            code="not_muted",
            hint="relayclear packets list --all shows what is muted",
        )
    return Plan(wish, wish.sequences.count if wish.sequences is not None else 0)


_BY_THE_STORE: dict[Verb, Callable[[Desk, Wish], Plan]] = {
    Verb.REFUND: _refund,
    Verb.CANCEL: _cancel,
    Verb.RESET: _reset,
    Verb.RETRY: _retry,
    Verb.UNMUTE: _unmute,
}
