"""What is owed back and not decided yet: its id, what it waits for, who must say yes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from relayclear.errors import ConfigError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.claims import Role
from relayclear.money.payment import PaymentId
from relayclear.money.policy import Asked, Gate, NeedsApproval, gates
from relayclear.money.refund_state import DEAD, RefundState
from relayclear.money.refunds import RefundDue, RefundPolicy, Wait, refund_id, waiting
from relayclear.store import claims, cursors, dues, refunds, stops, tokens
from relayclear.store.claims import Claim
from relayclear.store.db import Reads
from relayclear.store.dues import Due
from relayclear.store.refunds import Refund
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.tokens_view import TokenView, read_view, revoked_keys

# A bank send takes 70,000 to 110,000 on the chains measured; only what is worth sending hangs on it.
USUAL_GAS = 110_000
WRITE_OFF_AFTER = timedelta(days=90)
_A_DAY = timedelta(hours=24)
_ALL = 1_000_000
_STATES = {
    None: RefundState.OWED,
    Wait.DUST: RefundState.DUST,
    Wait.BELOW_COST: RefundState.BELOW_COST,
    Wait.NEEDS_CLAIM: RefundState.NEEDS_CLAIM,
}


@dataclass(frozen=True, slots=True)
class OwedRefund:
    """A refund that nobody has decided about: the `number`-th of its payment.

    `wait` is why it isn't sent at all, `gates` why it waits for a person, as far as the store tells:
    whether two endpoints said what makes it due is asked only before one goes by itself.  `claim` is
    the one that counts: then `due.to` is its address, on another chain where it says so.
    """

    id: str
    number: int
    due: RefundDue
    view: TokenView
    since: datetime
    wait: Wait | None
    gates: tuple[Gate | NeedsApproval, ...]
    failed_before: bool
    claim: Claim | None = None

    @property
    def over(self) -> ChannelEnd | None:
        """Our end of the channel that it goes over, None on the same chain."""
        return self.claim.text.over if self.claim is not None else None

    @property
    def state(self) -> RefundState:
        """Where it stands."""
        return _STATES[self.wait]

    @property
    def chain(self) -> str:
        """The chain that it is to be paid on."""
        return self.due.payment.chain


def rules_of(desk: Desk) -> RefundRules:
    """The operator's rules; the careful ones where nothing is sold."""
    return desk.shop.refunds if desk.shop is not None else RefundRules()


def list_owed(desk: Desk, reads: Reads, *, chain: str = "", order_id: str = "", most: int = _ALL) -> list[OwedRefund]:
    """Everything that is owed and not decided, oldest first: dust is judged over all of an address.

    With `order_id` only a token's, and with `most` only of the oldest so many payments: then `wait` knows only of
    those.
    """
    revoked = revoked_keys(desk)
    views: dict[str, TokenView] = {}
    listed: list[_Listed] = []
    for due in dues.of_token(reads, order_id) if order_id else dues.page(reads, most):
        if chain and due.payment.chain != chain:
            continue
        view = views.get(due.order_id)
        if view is None:
            [stored] = tokens.load(reads, [due.order_id])
            view = views[due.order_id] = read_view(reads, stored, revoked)
        listed += [_listed(desk, reads, due, owed, view) for owed in view.owed if owed.payment == due.payment]
    waits = waiting([one.owed for one in listed], policy_of(desk, {one.due.payment.chain for one in listed}))
    return [_owed(desk, reads, one, wait) for one, (_, wait) in zip(listed, waits, strict=True)]


def owed_again(desk: Desk, reads: Reads, found: OwedRefund) -> OwedRefund | None:
    """The same refund as it stands now, None where it isn't owed any more."""
    owed = list_owed(desk, reads, chain=found.chain, order_id=found.view.order_id)
    return next((one for one in owed if one.id == found.id), None)


class _Listed(NamedTuple):
    """What is owed of a payment, with the address that a claim names, and the refunds of it that went before."""

    due: Due
    owed: RefundDue
    view: TokenView
    before: list[Refund]
    claim: Claim | None


def _listed(desk: Desk, reads: Reads, due: Due, owed: RefundDue, view: TokenView) -> _Listed:
    before = refunds.of_payment(reads, due.payment)
    claim = claims.standing(reads, refund_id(due.payment, next_number(before)), owed.net)
    if claim is not None:
        owed = replace(owed, to=claim.text.terms.to)
    elif owed.to in rules_of(desk).exchanges:
        owed = replace(owed, to=None)
    return _Listed(due, owed, view, before, claim)


def next_number(before: Iterable[Refund]) -> int:
    """The number of a payment's next refund: above all others, of which a restored backup may know the later alone."""
    return max((one.number for one in before), default=0) + 1


def _owed(desk: Desk, reads: Reads, listed: _Listed, wait: Wait | None) -> OwedRefund:
    due, owed, view, before, claim = listed
    failed = any(one.state in DEAD for one in before)
    number = next_number(before)
    found = OwedRefund(refund_id(due.payment, number), number, owed, view, due.since, wait, (), failed, claim)
    return replace(found, gates=gates_of(desk, reads, found))


def gates_of(
    desk: Desk, reads: Reads, found: OwedRefund, ahead: Iterable[OwedRefund] = ()
) -> tuple[Gate | NeedsApproval, ...]:
    """Why a refund waits for a person, if those `ahead` of it had gone by themselves just now."""
    for_another = found.claim is not None and found.claim.role is not Role.PAYER
    asked = _asked(reads, found.due, failed_before=found.failed_before, for_another=for_another)
    rules = rules_of(desk)
    like = [one.due for one in ahead if (one.chain, one.due.net.denom) == (found.chain, found.due.net.denom)]
    today = asked.gone_today + sum(due.net.amount for due in like)
    payer = asked.gone_to_payer + sum(due.net.amount for due in like if due.to == found.due.to)
    return gates(replace(asked, gone_today=today, gone_to_payer=payer), rules.mode, rules.caps)


def _asked(reads: Reads, owed: RefundDue, *, failed_before: bool, for_another: bool) -> Asked:
    chain, denom = owed.payment.chain, owed.payment.denom
    through = max((one.read_through_time for one in cursors.every(reads) if one.chain == chain), default=None)
    gone: Mapping[str, int] = {}
    if through is not None:
        gone = refunds.gone_by_themselves(reads, chain, denom, through - _A_DAY)
    return Asked(
        owed.net,
        sum(gone.values()),
        gone.get(owed.to or "", 0),
        owed.approve,
        stopped=stops.standing(reads, chain) is not None,
        failed_before=failed_before,
        for_another=for_another,
    )


def policy_of(desk: Desk, chains: Iterable[str]) -> RefundPolicy:
    """What is worth sending on some chains: the dust of their price lists, and about what a transaction costs."""
    dust: dict[tuple[str, str], int] = {}
    costs: dict[tuple[str, str], int] = {}
    for chain in chains:
        prices = desk.shop.prices.get(chain) if desk.shop is not None else None
        dust |= {(chain, entry.denom): entry.dust for entry in (prices.schedules if prices else ())}
        fee = usual_fee(desk, chain)
        if fee is not None:
            costs[chain, fee.denom] = fee.amount
    return RefundPolicy(dust, costs)


def usual_fee(desk: Desk, chain: str) -> Coin | None:
    """About what one refund costs us on a chain; None where no Hermes config tells a gas price."""
    try:
        return fee_for(desk, chain, USUAL_GAS)
    except RelayclearError:
        return None


def fee_for(desk: Desk, chain: str, gas: int) -> Coin:
    """The fee for so much gas at the price in Hermes' config, rounded up.  Raises ConfigError without one."""
    relayer = next((one.relayer for one in desk.instances if chain in one.chains), None)
    if relayer is None:
        raise ConfigError(f"no Hermes config tells the gas price of {chain}", hint="relayclear doctor")
    terms = relayer.gas(chain)
    # Exact: amounts pass what a float holds.
    amount = -(-gas * terms.price.as_integer_ratio()[0] // terms.price.as_integer_ratio()[1])
    return Coin(terms.denom, amount)


def payment_text(payment: PaymentId) -> str:
    """How a payment is named to a person: ``HASH/ordinal``."""
    return f"{payment.tx}/{payment.k}"
