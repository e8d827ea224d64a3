"""What is owed back of each payment, why, less what, and where to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.money import base32
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.payment import PaymentId
from relayclear.money.policy import NeedsApproval
from relayclear.money.settlement import AppliedPayment, Flaw, Settlement
from relayclear.money.shares import spread
from relayclear.money.state import TokenState

_ID_BYTES = 15


class Cause(StrEnum):
    """Why coins go back; the payer's causes cost the refund fee, ours don't."""

    WRONG_DENOM = "wrong_denom"
    SECOND_PAYMENT = "second_payment"
    LATE = "late"
    UNDERPAID = "underpaid"
    EXCESS = "excess"
    REVOKED = "revoked"
    OTHERS_FIRST = "others_first"
    CLEARED_BEFORE = "cleared_before"
    CANCELLED = "cancelled"
    NOT_CLEARED = "not_cleared"


PAYERS_CAUSES = frozenset({Cause.WRONG_DENOM, Cause.SECOND_PAYMENT, Cause.LATE, Cause.UNDERPAID, Cause.EXCESS})
# One cause for each way a packet isn't earned; a doer that nobody found isn't us.
CAUSES = {
    Reason.BEFORE_PAYMENT: Cause.CLEARED_BEFORE,
    Reason.OTHERS_FIRST: Cause.OTHERS_FIRST,
    Reason.EARNED_ELSEWHERE: Cause.OTHERS_FIRST,
    Reason.DOER_UNKNOWN: Cause.OTHERS_FIRST,
    Reason.TIME_UNKNOWN: Cause.CLEARED_BEFORE,
    Reason.CANCELLED: Cause.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Target:
    """How much of a payment is to go back in all, gross, by cause; the payer's causes stand first.

    It holds what is approved or gone back already.
    """

    parts: tuple[tuple[Cause, int], ...]
    approve: frozenset[NeedsApproval] = frozenset()

    @property
    def gross(self) -> int:
        """The sum of its parts."""
        return sum(amount for _, amount in self.parts)


@dataclass(frozen=True, slots=True)
class RefundDue:
    """What is still to go back of one payment, as one refund.

    `gross` leaves the books as owed, `fee` of it is kept, `net` is sent.  `to` is None where a claim
    must name the address.  `cause` is the largest of `parts`.
    """

    payment: PaymentId
    to: str | None
    parts: tuple[tuple[Cause, int], ...]
    fee: int
    approve: frozenset[NeedsApproval] = frozenset()

    @property
    def gross(self) -> int:
        """What is owed, fee included."""
        return sum(amount for _, amount in self.parts)

    @property
    def net(self) -> Coin:
        """What is sent."""
        return Coin(self.payment.denom, self.gross - self.fee)

    @property
    def cause(self) -> Cause:
        """The cause that the payer is told."""
        return max(self.parts, key=lambda part: part[1])[0]


def owed_back(
    settlement: Settlement, state: TokenState, verdicts: Mapping[PacketKey, PacketVerdict]
) -> list[RefundDue]:
    """What is owed back now, at most one refund for each payment, in the order of arrival.

    Due is the target less what is approved or gone back, never below 0; what is already gone counts
    against the payer's causes first.  The flat refund fee of the payment's denom is kept once of a
    refund, out of the payer's causes only, and never more than those.
    """
    found = targets(settlement, state, verdicts)
    dues = (_due(settlement, paid, found[paid.payment.id]) for paid in settlement.payments)
    return [due for due in dues if due is not None]


def our_loss(
    settlement: Settlement, state: TokenState, verdicts: Mapping[PacketKey, PacketVerdict]
) -> dict[PaymentId, int]:
    """Payments of which more has gone back than is to: the difference is our loss, never the payer's debt.

    While verdicts are open a unit of it may vanish again, for one lost share more can round a part
    the other way: it is booked when the last packet has its verdict.
    """
    found = targets(settlement, state, verdicts)
    losses = {paid.payment.id: paid.taken_back - found[paid.payment.id].gross for paid in settlement.payments}
    return {name: loss for name, loss in losses.items() if loss > 0}


def targets(
    settlement: Settlement, state: TokenState, verdicts: Mapping[PacketKey, PacketVerdict]
) -> dict[PaymentId, Target]:
    """How much of each payment is to go back in all.  The first row that fits counts; `-` is anything.

    | payment | token | goes back | cause |
    |---|---|---|---|
    | in another denom | - | all of it | `wrong_denom` |
    | any | revoked | all of it | `revoked` |
    | late, not counted | - | all of it | `late` |
    | counted, price not covered | expired | all of it | `underpaid`, `late` when it was |
    | counted, price not covered | not expired | nothing | |
    | after the price was covered | - | all of it | `second_payment` |
    | counted | - | what the price doesn't take, and its part of the shares not earned | `excess`, and the packets' |

    Shares not earned are spread over what the price took of each payment.  A payment of another
    denom without a price entry needs approval, as do shares whose verdict is `approve`.
    """
    lost = _not_earned(settlement, state, verdicts)
    applied = {paid.payment.id: paid.applied for paid in sorted(settlement.payments, key=lambda one: one.payment.id)}
    back = spread(sum(lost.values()), applied)
    ours = (verdicts[term.key] for term in settlement.token.quote.packets if term.key in verdicts)
    approve = frozenset(NeedsApproval(verdict.reason.value) for verdict in ours if verdict.result is Result.APPROVE)
    return {
        paid.payment.id: _target(settlement, state, paid, spread(back[paid.payment.id], lost), approve)
        for paid in settlement.payments
    }


def _not_earned(
    settlement: Settlement, state: TokenState, verdicts: Mapping[PacketKey, PacketVerdict]
) -> dict[Cause, int]:
    """The shares not earned, by cause: of a revoked token, or one without its price, the payments go back as such."""
    lost: dict[Cause, int] = {}
    if state is TokenState.REVOKED or not settlement.complete:
        return lost
    for term in settlement.token.quote.packets:
        verdict = verdicts.get(term.key)
        if verdict is not None and verdict.result in {Result.OWED_BACK, Result.APPROVE}:
            cause = CAUSES.get(verdict.reason, Cause.NOT_CLEARED)
            lost[cause] = lost.get(cause, 0) + term.share
    return lost


def _target(
    settlement: Settlement,
    state: TokenState,
    paid: AppliedPayment,
    shares: Mapping[Cause, int],
    approve: frozenset[NeedsApproval],
) -> Target:
    cause, over = _over(settlement, state, paid)
    parts = tuple(part for part in ((cause, over), *shares.items()) if part[1])
    needs = approve if any(shares.values()) else frozenset()
    if settlement.token.quote.refund_fee(paid.payment.id.denom) is None:
        needs |= {NeedsApproval.DENOM_WITHOUT_PRICE}
    return Target(parts, needs)


def _over(settlement: Settlement, state: TokenState, paid: AppliedPayment) -> tuple[Cause, int]:
    """What goes back whatever becomes of the packets, and why."""
    amount = paid.payment.amount
    if Flaw.WRONG_DENOM in paid.flaws:
        return Cause.WRONG_DENOM, amount
    if state is TokenState.REVOKED:
        return Cause.REVOKED, amount
    late = Flaw.LATE in paid.flaws
    if Flaw.UNDERPAID in paid.flaws:
        return Cause.LATE if late else Cause.UNDERPAID, amount if state is TokenState.EXPIRED else 0
    if Flaw.SECOND_PAYMENT in paid.flaws:
        return Cause.SECOND_PAYMENT, amount
    if not settlement.complete:
        return Cause.LATE, amount
    return Cause.EXCESS, paid.over


def _due(settlement: Settlement, paid: AppliedPayment, target: Target) -> RefundDue | None:
    gone, parts = paid.taken_back, []
    for cause, amount in target.parts:
        left = max(0, amount - gone)
        gone -= amount - left
        parts.append((cause, left))
    left_over = tuple(part for part in parts if part[1])
    if not left_over:
        return None
    payers = sum(amount for cause, amount in left_over if cause in PAYERS_CAUSES)
    fee = min(payers, settlement.token.quote.refund_fee(paid.payment.id.denom) or 0)
    return RefundDue(paid.payment.id, address_of(settlement, paid), left_over, fee, target.approve)


def address_of(settlement: Settlement, paid: AppliedPayment) -> str | None:
    """Where a payment goes back to, None where a claim must name it.  The first row that fits counts.

    | payment | token | goes back to |
    |---|---|---|
    | an orphan assigned by hand | - | its own sender where coins may go back there, else a claim's address |
    | any | with `refund_to` | that |
    | any | without | its own sender where coins may go back there, else a claim's address |

    An orphan never goes to `refund_to`: anybody can make a quote with an address of their own and
    have somebody else's payment assigned to it.
    """
    if paid.payment.assigned or settlement.token.refund_to is None:
        return paid.payment.may_refund_to
    return settlement.token.refund_to


class Wait(StrEnum):
    """Why a refund that is owed isn't sent."""

    DUST = "dust"
    BELOW_COST = "below_cost"
    NEEDS_CLAIM = "needs_claim"


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """What is worth sending, by chain and denom: `dust` is the most that isn't, `network_fee` what one refund costs.

    A network fee in another denom than the refund's isn't compared and has no entry.
    """

    dust: Mapping[tuple[str, str], int] = field(default_factory=dict)
    network_fee: Mapping[tuple[str, str], int] = field(default_factory=dict)


def waiting(dues: Iterable[RefundDue], policy: RefundPolicy) -> list[tuple[RefundDue, Wait | None]]:
    """Each refund with why it waits, None for one that may go.  The first row that fits counts.

    | all owed to the address in the denom | the refund | waits as |
    |---|---|---|
    | dust or less | - | `dust` |
    | more | nothing left after the fee, or less than its network fee | `below_cost` |
    | more | without an address | `needs_claim` |
    | more | - | - |

    Dust is judged over everything owed to an address, so `dues` are those of all tokens.  Refunds
    without an address are judged each by itself.
    """
    listed = list(dues)
    sums: dict[tuple[str, str, str | PaymentId], int] = {}
    for due in listed:
        sums[_group(due)] = sums.get(_group(due), 0) + due.net.amount
    return [(due, _wait(due, sums[_group(due)], policy)) for due in listed]


def _group(due: RefundDue) -> tuple[str, str, str | PaymentId]:
    return due.payment.chain, due.payment.denom, due.to or due.payment


def _wait(due: RefundDue, together: int, policy: RefundPolicy) -> Wait | None:
    place = (due.payment.chain, due.payment.denom)
    if together <= policy.dust.get(place, 0):
        return Wait.DUST
    if due.net.amount < max(1, policy.network_fee.get(place, 0)):
        return Wait.BELOW_COST
    return Wait.NEEDS_CLAIM if due.to is None else None


def refund_id(payment: PaymentId, number: int) -> str:
    """Name a payment's refund number `number`, in 24 letters: the same after any rebuild, whatever its cause."""
    what = "\0".join(["relayclear/refund/1", *map(str, payment), str(number)])
    return base32.encode(sha256(what.encode()).digest()[:_ID_BYTES])


def refund_memo(refund: str, cause: Cause) -> str:
    """The memo of a refund: often the only message that the payer ever gets.  At most 50 bytes."""
    return f"rc1r:{refund} {cause.value.replace('_', ' ')}"
