"""What the payments of a token amount to: what counts, since when it is paid, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relayclear.ibc.coin import Coin
from relayclear.money.payment import Payment, PaymentId
from relayclear.money.token import ClearingToken


class Flaw(StrEnum):
    """What is wrong with a payment, or with all of a token's; several at once."""

    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    LATE = "late"
    WRONG_DENOM = "wrong_denom"
    SECOND_PAYMENT = "second_payment"


@dataclass(frozen=True, slots=True)
class Allocation:
    """How payments cover the price: how much of each, and which one completed it.

    `applied` names every payment that was counted, also with 0.  `credited_at` is the block time of
    the payment `credited`, and of the issue for a price of 0; both None while the price isn't covered.
    """

    applied: Mapping[PaymentId, int]
    credited: PaymentId | None
    credited_at: datetime | None


@dataclass(frozen=True, slots=True)
class AppliedPayment:
    """A payment, how much of it the price takes, how much is approved or gone back already, its flaws."""

    payment: Payment
    applied: int
    taken_back: int
    flaws: frozenset[Flaw]

    @property
    def over(self) -> int:
        """What the price doesn't take, gone back or not."""
        return self.payment.amount - self.applied


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a token's payments amount to; payments in the order of their arrival."""

    token: ClearingToken
    payments: tuple[AppliedPayment, ...]
    allocation: Allocation

    @property
    def flaws(self) -> frozenset[Flaw]:
        """What is wrong with any of the payments."""
        return frozenset(flaw for paid in self.payments for flaw in paid.flaws)

    @property
    def complete(self) -> bool:
        """Whether the price is covered."""
        return self.allocation.credited_at is not None

    @property
    def credited_at(self) -> datetime | None:
        """When the price was covered, by the paying chain's block time."""
        return self.allocation.credited_at

    @property
    def deadline(self) -> datetime | None:
        """Until when, inclusive, the work may be done: None while unpaid."""
        at = self.allocation.credited_at
        return None if at is None else at + timedelta(seconds=self.token.deadline)

    @property
    def paid(self) -> Coin:
        """All that came in the token's denom, gone back or not."""
        return self._coin(sum(paid.payment.amount for paid in self._in_denom()))

    @property
    def applied(self) -> Coin:
        """What the price takes."""
        return self._coin(sum(paid.applied for paid in self.payments))

    @property
    def missing(self) -> Coin:
        """What the price still lacks."""
        return self._coin(0 if self.complete else self.token.price.amount - self.applied.amount)

    @property
    def excess(self) -> Coin:
        """What came above a covered price, second payments included, gone back or not."""
        return self._coin(sum(paid.over for paid in self._in_denom()) if self.complete else 0)

    def _in_denom(self) -> Iterable[AppliedPayment]:
        return (paid for paid in self.payments if paid.payment.id.denom == self.token.price.denom)

    def _coin(self, amount: int) -> Coin:
        return Coin(self.token.price.denom, amount)


def settle(
    token: ClearingToken,
    payments: Iterable[Payment],
    taken_back: Mapping[PaymentId, int],
    as_of: datetime,
    *,
    honours_late: bool = False,
    frozen: Allocation | None = None,
) -> Settlement:
    """Settle a token by the payments up to block time `as_of`; their order doesn't matter.

    A payment counts with its amount less `taken_back`: everything approved or sent back of it, fee
    included.  `honours_late`: the packets are still stuck and no other token on them is open or
    paid, so that payments inside the grace count.  `frozen` is the allocation from the moment the
    operation started (or, without one, of the first verdict): it stays, whatever is found or sent
    back later.  One that honoured a late payment is frozen at once: it can't be computed again when
    the packets are no longer stuck.

    | denom | price covered before | block time | price covered in the end | counts | flaws |
    |---|---|---|---|---|---|
    | another | - | in time | - | no | `wrong_denom` |
    | another | - | late | - | no | `wrong_denom`, `late` |
    | the token's | yes | in time | yes | no | `second_payment` |
    | the token's | yes | late | yes | no | `second_payment`, `late` |
    | the token's | no | in time | yes | yes | |
    | the token's | no | in time | no | yes | `underpaid` |
    | the token's | no | late, honoured | yes | yes | `late` |
    | the token's | no | late, honoured | no | yes | `late`, `underpaid` |
    | the token's | no | late, not honoured | no | no | `late` |

    In time is up to and including `expires_at`; late payments are honoured up to and including the
    end of the grace.  The payment that covers the price and is more than it still lacked is
    `overpaid` too.  Raises ValueError for a payment on another chain (an orphan, sent back there),
    for two payments of one identity, and for more taken back than came.
    """
    ordered = _in_order(token, payments, taken_back, as_of)
    allocation = frozen or _allocate(token, ordered, taken_back, honours_late=honours_late)
    applied = tuple(_applied(token, payment, taken_back.get(payment.id, 0), allocation) for payment in ordered)
    return Settlement(token, applied, allocation)


def _in_order(
    token: ClearingToken, payments: Iterable[Payment], taken_back: Mapping[PaymentId, int], as_of: datetime
) -> list[Payment]:
    """The payments up to `as_of`, each once, by height; equals by identity, the same on every machine."""
    found: dict[PaymentId, Payment] = {}
    for payment in payments:
        if payment.id.chain != token.quote.chain or found.setdefault(payment.id, payment) != payment:
            raise ValueError(f"{payment.id} is another chain's, or two payments")
        if not 0 <= taken_back.get(payment.id, 0) <= payment.amount:
            raise ValueError(f"more of {payment.id} was taken back than came")
    return sorted((payment for payment in found.values() if payment.at <= as_of), key=lambda one: (one.height, one.id))


def _allocate(
    token: ClearingToken, ordered: Iterable[Payment], taken_back: Mapping[PaymentId, int], *, honours_late: bool
) -> Allocation:
    missing = token.price.amount
    if missing == 0:
        return Allocation({}, None, token.issued_at)
    counts_until = token.grace_ends_at if honours_late else token.expires_at
    applied: dict[PaymentId, int] = {}
    for payment in ordered:
        if payment.id.denom == token.price.denom and payment.at <= counts_until:
            applied[payment.id] = min(missing, payment.amount - taken_back.get(payment.id, 0))
            missing -= applied[payment.id]
            if missing == 0:
                return Allocation(applied, payment.id, payment.at)
    return Allocation(applied, None, None)


def _applied(token: ClearingToken, payment: Payment, taken_back: int, allocation: Allocation) -> AppliedPayment:
    applied = allocation.applied.get(payment.id, 0)
    complete, counted = allocation.credited_at is not None, payment.id in allocation.applied
    in_denom = payment.id.denom == token.price.denom
    flaws = {
        Flaw.WRONG_DENOM: not in_denom,
        Flaw.LATE: payment.at > token.expires_at,
        Flaw.SECOND_PAYMENT: in_denom and complete and not counted,
        Flaw.UNDERPAID: counted and not complete,
        Flaw.OVERPAID: payment.id == allocation.credited and payment.amount > applied,
    }
    return AppliedPayment(payment, applied, taken_back, frozenset(flaw for flaw, there in flaws.items() if there))
