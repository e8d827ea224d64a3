"""Claims: where a payer says that a refund should go, the text that says so, and whose word counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relayclear.ibc.coin import Coin
from relayclear.money.payment import Payment

NOTICE = timedelta(days=7)
"""So long the paying account alone may speak, before the packets' account is heard."""


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """What a payer signs: one refund of one amount, to one address, once.

    `coin` is what is sent, the refund fee taken off.  `chain` is where it is paid; on `to_chain`
    stands `to`.  `instance` names this database, `nonce` this text: no other is ever the same.
    """

    refund: str
    coin: Coin
    chain: str
    to_chain: str
    to: str
    instance: str
    nonce: str


def claim_text(terms: ClaimTerms) -> str:
    """The text to be signed, one field a line, no line at its end; the same bytes for the same terms.

    Raises ValueError for a field that is empty or could be read as a line of its own.
    """
    fields = {
        "refund": terms.refund,
        "amount": str(terms.coin.amount),
        "denom": terms.coin.denom,
        "paid on chain": terms.chain,
        "to chain": terms.to_chain,
        "to address": terms.to,
        "instance": terms.instance,
        "nonce": terms.nonce,
    }
    if not all(value and value.isascii() and value.isprintable() for value in fields.values()):
        raise ValueError("a field of a claim is one printable line")
    return "\n".join(["relayclear refund claim", *(f"{name}: {value}" for name, value in fields.items())])


class Role(StrEnum):
    """Whose account signs: the one that paid, or the one that sent the sold packets."""

    PAYER = "payer"
    PACKET = "packet"


class Refusal(StrEnum):
    """Why an account's word on where a refund goes doesn't count."""

    CLAIMED = "claimed"
    PAYER_CAN_SIGN = "payer_can_sign"
    ASSIGNED = "assigned"
    ADDRESS_KNOWN = "address_known"
    TOO_EARLY = "too_early"


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What decides who may claim.

    `claimed`: a valid claim of this refund and amount stands.  `exchange`: the operator knows the
    paying account as one that holds many people's coins.  `address_known`: the refund goes somewhere
    without a claim.  `since` is when it became due, `now` the paying chain's newest block time that
    was read, None before any.
    """

    payment: Payment
    claimed: bool
    exchange: bool
    address_known: bool
    since: datetime
    now: datetime | None


def refusal(role: Role, facts: ClaimFacts) -> Refusal | None:
    """Why an account may not claim, None where it may.  The first row that fits counts; `-` is anything.

    | account | claimed before | payer can sign | assigned by hand | address known | 7 days | |
    |---|---|---|---|---|---|---|
    | either | yes | - | - | - | - | no, `claimed`: the first one stands |
    | paying | no | - | - | - | - | yes |
    | packets' | no | yes | - | - | - | no, `payer_can_sign` |
    | packets' | no | no | yes | - | - | no, `assigned` |
    | packets' | no | no | no | yes | - | no, `address_known` |
    | packets' | no | no | no | no | not over | no, `too_early` |
    | packets' | no | no | no | no | over | yes, and a person has to approve it |

    An orphan that was assigned never goes to whoever holds the token: anybody can make a quote for a
    packet of their own and have somebody else's payment assigned to it.
    """
    against = {
        Refusal.CLAIMED: facts.claimed,
        Refusal.PAYER_CAN_SIGN: payer_can_sign(facts.payment, exchange=facts.exchange),
        Refusal.ASSIGNED: facts.payment.assigned,
        Refusal.ADDRESS_KNOWN: facts.address_known,
        Refusal.TOO_EARLY: facts.now is None or facts.now - facts.since < NOTICE,
    }
    heard = {Refusal.CLAIMED} if role is Role.PAYER else set(Refusal)
    return next((why for why, there in against.items() if there and why in heard), None)


def payer_can_sign(payment: Payment, *, exchange: bool) -> bool:
    """Whether whoever paid holds the key of the paying account, by how the coins came.

    | arrival | exchange | |
    |---|---|---|
    | coins may go back to its sender unasked (`Payment.may_refund_to`) | no | yes |
    | the same | yes | no: the key is the exchange's, not its customer's |
    | `contract`, `module`, `interchain_account`, several inputs, `unknown` | - | no |
    | `ibc` | - | no: its chain may be one whose signatures nobody here can check |
    """
    return payment.may_refund_to is not None and not exchange
