"""A clearing token: all the terms of one sale, bound to a memo, valid until a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relayclear.ibc.coin import Coin
from relayclear.money.fees import Quote
from relayclear.money.memo import MemoKey, MemoPlace, MemoRef, make_ref


@dataclass(frozen=True, slots=True)
class SaleRules:
    """The operator's rules that a token freezes; times in seconds of the paying chain.

    `late_grace` runs from the expiry, `deadline` from the payment that completed the price.
    Raises ValueError for a token that would never be valid.
    """

    instance_id: str
    token_ttl: int
    late_grace: int
    deadline: int

    def __post_init__(self) -> None:
        """Refuse times that run backwards."""
        if self.token_ttl <= 0 or min(self.late_grace, self.deadline) < 0:
            raise ValueError("a token lives for some time, and grace and deadline lie after it")


@dataclass(frozen=True, slots=True)
class ClearingToken:
    """What was sold: the quote, who is paid, until when, and where coins go that come back.

    `refund_to` is an address on the paying chain; without one each payment goes back to its own
    sender.  Times are whole seconds in UTC, so that a boundary reads exactly as it is judged.
    Raises ValueError for an exchange's payer without `refund_to`, whose coins would have no way
    back, and for a time without a zone.
    """

    quote: Quote
    payee: str
    ref: MemoRef
    issued_at: datetime
    expires_at: datetime
    late_grace: int
    deadline: int
    instance_id: str
    refund_to: str | None = None
    from_exchange: bool = False

    def __post_init__(self) -> None:
        """Hold the terms together."""
        if self.from_exchange and self.refund_to is None:
            raise ValueError("an exchange can't take coins back: a token paid from one needs refund_to")
        if self.issued_at.tzinfo is None or self.expires_at.tzinfo is None:
            raise ValueError("a token's times are in UTC")

    @property
    def place(self) -> MemoPlace:
        """Where it may be paid: what its memo is bound to."""
        return MemoPlace(self.quote.chain, self.payee, self.quote.denom)

    @property
    def price(self) -> Coin:
        """What is to be paid."""
        return self.quote.price

    @property
    def memo(self) -> str:
        """The text that the payer puts into the memo field; the token is shown by the same one."""
        return self.ref.text

    @property
    def grace_ends_at(self) -> datetime:
        """Until when, inclusive, a late payment may still be honoured."""
        return self.expires_at + timedelta(seconds=self.late_grace)


def issue(
    quote: Quote,
    payee: str,
    key: MemoKey,
    order_id: bytes,
    at: datetime,
    rules: SaleRules,
    *,
    refund_to: str | None = None,
    from_exchange: bool = False,
) -> ClearingToken:
    """Make the token of a quote.

    `order_id` is 8 random bytes: a restored backup must not issue an old memo for another packet.
    `at` is the paying chain's block time; fractions of a second are dropped.  Raises ValueError as
    `ClearingToken` and `make_ref` do.
    """
    issued_at = at.replace(microsecond=0)
    expires_at = issued_at + timedelta(seconds=rules.token_ttl)
    ref = make_ref(key, order_id, MemoPlace(quote.chain, payee, quote.denom))
    return ClearingToken(
        quote,
        payee,
        ref,
        issued_at,
        expires_at,
        rules.late_grace,
        rules.deadline,
        rules.instance_id,
        refund_to,
        from_exchange,
    )


def utc(at: datetime) -> str:
    """Write a time as documents do: RFC 3339 in UTC, with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
