"""Whose word may count on where a refund goes: the facts of `money.claims`, out of the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.errors import RefusedError
from relayclear.ibc.address import read_address
from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.money.claims import ClaimFacts, Refusal, Role, refusal
from relayclear.money.refund_state import RefundState
from relayclear.store import claims, cursors, payments, tokens
from relayclear.store.db import Reads
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_dues import OwedRefund, rules_of
from relayclear.usecases.tokens_view import payment_of

# An account with a key; contracts and interchain accounts have 32.
_KEY_BYTES = 20


@dataclass(frozen=True, slots=True)
class Moving:
    """A refund that isn't signed, whoever has decided about it: what it sends of which payment.

    `decided`: a person or the rules approved it.  `to_known`: it goes somewhere without a claim.
    `since` is when it became due, or was approved.
    """

    id: str
    stored: StoredPayment
    order_id: str
    net: Coin
    decided: bool
    to_known: bool
    since: datetime


class Claimant(NamedTuple):
    """An account whose word may count: which one it is, its address, its chain, and why it doesn't count now."""

    role: Role
    address: str
    chain: str
    why_not: Refusal | None


def moving(reads: Reads, found: OwedRefund | Refund) -> Moving:
    """A refund that may go elsewhere still.

    Raises RefusedError for one of which a transaction may land, for one that has ended, and where
    after the fee nothing is left to send.
    """
    if isinstance(found, Refund):
        if found.state is not RefundState.APPROVED:
            raise RefusedError(
                f"refund {found.id} is {found.state.value.replace('_', ' ')}: where it goes can't be changed",
                hint=f"relayclear refunds show {found.id}",
                code="not_owed",
            )
        [stored] = [one for one in payments.of_token(reads, found.order_id) if one.id == found.payment]
        return Moving(found.id, stored, found.order_id, found.net, True, True, found.since or found.made_at)
    if found.due.net.amount <= 0:
        raise RefusedError(
            f"of refund {found.id} nothing is left to send after the fee",
            code="below_cost",
            hint=f'relayclear refunds waive {found.id} --reason "…"',
        )
    [stored] = [one for one in found.view.arrivals if one.id == found.due.payment]
    known = found.due.to is not None and found.claim is None
    return Moving(found.id, stored, found.view.order_id, found.due.net, False, known, found.since)


def claimants(desk: Desk, reads: Reads, found: Moving) -> list[Claimant]:
    """The accounts that may have a word and whose signature can be checked: the paying one, the sold packets' sender.

    A payer over IBC signs with its account on its own chain.
    """
    token = tokens.load(reads, [found.order_id])[0]
    came = found.stored.arrival
    home = came.chain if came.kind is not ArrivalKind.IBC else (came.packet.chain if came.packet else "")
    named = [
        (Role.PAYER, came.sender or "", home),
        (Role.PACKET, token.wallet, token.token.quote.packets[0].key.chain),
    ]
    return [
        Claimant(role, address, chain, _why_not(desk, reads, found, role))
        for role, address, chain in named
        if chain in desk.accounts and _may_have_key(address)
    ]


def _may_have_key(address: str) -> bool:
    account = read_address(address)
    return account is not None and len(account.account) == _KEY_BYTES


def _why_not(desk: Desk, reads: Reads, found: Moving, role: Role) -> Refusal | None:
    came = found.stored.arrival
    cursor = cursors.find(reads, came.chain, found.stored.payee)
    facts = ClaimFacts(
        payment_of(found.stored),
        claimed=claims.standing(reads, found.id, found.net) is not None,
        exchange=came.sender in rules_of(desk).exchanges,
        address_known=found.to_known,
        since=found.since,
        now=cursor.read_through_time if cursor else None,
    )
    return refusal(role, facts)
