"""What an audit says: each book with both equations, and everything that doesn't agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.errors import RelayclearError
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Book, Place
from relayclear.store.stops import Stop


class Flaw(StrEnum):
    """What doesn't agree.

    | word | `what` names | `booked` | `found` |
    |---|---|---|---|
    | `unbooked` | a movement on the chain that no entry has | 0 | what it moved, below 0 outwards |
    | `not_on_chain` | an entry that no movement has | what it moved | 0 |
    | `other_figure` | a movement that is booked with another amount | as booked | on the chain |
    | `payment_missing` | a payment that the chain doesn't show any more | its amount | 0 |
    | `payment_differs` | a payment of which the chain tells otherwise | its amount | the chain's |
    | `refund_missing` | a refund that is confirmed, and doesn't stand there | what was sent | 0 |
    | `opening` | the balance where reading began | as booked | as read then |
    | `balance` | what the wallet holds | by the books | on the chain |
    | `entry` | an entry that breaks an equation by itself | left side | right side |
    | `below_zero` | an account | its total | 0 |
    | `total` | an account whose stored total isn't what its entries add up to | as stored | added up |
    | `taken_back` | a payment, and what is kept as gone back of it | as stored | by its refunds |
    """

    UNBOOKED = "unbooked"
    NOT_ON_CHAIN = "not_on_chain"
    OTHER_FIGURE = "other_figure"
    PAYMENT_MISSING = "payment_missing"
    PAYMENT_DIFFERS = "payment_differs"
    REFUND_MISSING = "refund_missing"
    OPENING = "opening"
    BALANCE = "balance"
    ENTRY = "entry"
    BELOW_ZERO = "below_zero"
    TOTAL = "total"
    TAKEN_BACK = "taken_back"


class Finding(NamedTuple):
    """One thing that doesn't agree, in base units; `what` names the transaction, account or refund."""

    flaw: Flaw
    place: Place
    what: str
    booked: int
    found: int


@dataclass(frozen=True, slots=True)
class BookAudit:
    """A book, and what the chain says that the wallet held at the height read, in base units."""

    place: Place
    book: Book
    on_chain: int

    @property
    def off(self) -> tuple[int, int]:
        """By how much the sides of the first and of the second equation differ."""
        return self.book.sources - self.book.uses, self.on_chain - self.book.should_hold


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """A chain's books against the chain.

    `through` and `at` are the height and block time that the books reach, None where reading never
    began.  `walked`: every movement from the opening height on was compared.  `error` is what kept
    the chain from being read: then nothing is agreed on.  `strange` are transactions of the wallet that
    nobody has explained: their movements are booked, and nothing is refunded; `stop` is why nothing goes
    by itself.
    """

    chain: str
    opening: int | None
    through: int | None
    at: datetime | None
    books: tuple[BookAudit, ...]
    findings: tuple[Finding, ...]
    walked: bool
    error: RelayclearError | None = None
    strange: tuple[SequenceUse, ...] = ()
    stop: Stop | None = None

    @property
    def agrees(self) -> bool:
        """Whether everything that was looked at agrees."""
        return not self.findings and self.error is None
