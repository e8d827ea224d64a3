"""The books: double entry per chain and denom, and the two equations that always hold.

    received + our loss = held + earned + owed + in transit + refunded + fee kept + orphaned + written off
    balance = opening + received + deposits + income
              - refunds sent - in transit - fees taken - expenses - withdrawals

An entry keeps both sides of both equations equal by itself, so the books hold after every one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Account(StrEnum):
    """What an amount counts as.

    `refunds_sent` is what left this wallet; `refunded` holds what was paid by hand from elsewhere
    too.  `balance` is what the wallet should hold.
    """

    RECEIVED = "received"
    OUR_LOSS = "our_loss"
    HELD = "held"
    EARNED = "earned"
    OWED = "owed"
    IN_TRANSIT = "in_transit"
    REFUNDED = "refunded"
    FEE_KEPT = "fee_kept"
    ORPHANED = "orphaned"
    WRITTEN_OFF = "written_off"
    BALANCE = "balance"
    OPENING = "opening"
    DEPOSITS = "deposits"
    INCOME = "income"
    REFUNDS_SENT = "refunds_sent"
    FEES_TAKEN = "fees_taken"
    EXPENSES = "expenses"
    WITHDRAWALS = "withdrawals"


SOURCES = (Account.RECEIVED, Account.OUR_LOSS)
USES = (
    Account.HELD,
    Account.EARNED,
    Account.OWED,
    Account.IN_TRANSIT,
    Account.REFUNDED,
    Account.FEE_KEPT,
    Account.ORPHANED,
    Account.WRITTEN_OFF,
)
CAME = (Account.OPENING, Account.RECEIVED, Account.DEPOSITS, Account.INCOME)
LEFT = (Account.REFUNDS_SENT, Account.IN_TRANSIT, Account.FEES_TAKEN, Account.EXPENSES, Account.WITHDRAWALS)


class Kind(StrEnum):
    """What happened to an amount; the accounts that each moves stand in `RECIPES`."""

    OPENING = "opening"
    PAYMENT = "payment"
    ORPHAN = "orphan"
    ORPHAN_ASSIGNED = "orphan_assigned"
    ORPHAN_WRITTEN_OFF = "orphan_written_off"
    EARNED = "earned"
    OWED = "owed"
    HELD_AGAIN = "held_again"
    REFUND = "refund"
    REFUND_BY_HAND = "refund_by_hand"
    REFUND_OF_WITHDRAWAL = "refund_of_withdrawal"
    FEE_KEPT = "fee_kept"
    TRANSIT = "transit"
    TRANSIT_OF_WITHDRAWAL = "transit_of_withdrawal"
    TRANSIT_ARRIVED = "transit_arrived"
    TRANSIT_RETURNED = "transit_returned"
    OUR_LOSS = "our_loss"
    WRITTEN_OFF = "written_off"
    DEPOSIT = "deposit"
    INCOME = "income"
    INCOME_OUTSIDE = "income_outside"
    FEE_TAKEN = "fee_taken"
    EXPENSE = "expense"
    EXPENSE_OF_WITHDRAWAL = "expense_of_withdrawal"
    WITHDRAWAL = "withdrawal"


class Posting(NamedTuple):
    """An account and by how much it changes."""

    account: Account
    amount: int


def _recipe(*, more: Iterable[Account] = (), less: Iterable[Account] = ()) -> tuple[Posting, ...]:
    return (*(Posting(account, 1) for account in more), *(Posting(account, -1) for account in less))


# A payment comes in as held; what of it goes back moves on to owed.  A deposit or income is first seen as
# an orphan, and taken out of received when it is assigned; income outside transactions (staking, genesis)
# was never received.  What landed beyond what was owed is our loss first, then owed, then refunded.
# What left the wallet is a withdrawal until somebody says, or its memo shows, that it was something else.
RECIPES: Mapping[Kind, tuple[Posting, ...]] = {
    Kind.OPENING: _recipe(more=(Account.OPENING, Account.BALANCE)),
    Kind.PAYMENT: _recipe(more=(Account.RECEIVED, Account.HELD, Account.BALANCE)),
    Kind.ORPHAN: _recipe(more=(Account.RECEIVED, Account.ORPHANED, Account.BALANCE)),
    Kind.ORPHAN_ASSIGNED: _recipe(less=[Account.ORPHANED], more=[Account.HELD]),
    Kind.ORPHAN_WRITTEN_OFF: _recipe(less=[Account.ORPHANED], more=[Account.WRITTEN_OFF]),
    Kind.EARNED: _recipe(less=[Account.HELD], more=[Account.EARNED]),
    Kind.OWED: _recipe(less=[Account.HELD], more=[Account.OWED]),
    Kind.HELD_AGAIN: _recipe(less=[Account.OWED], more=[Account.HELD]),
    Kind.REFUND: _recipe(less=(Account.OWED, Account.BALANCE), more=(Account.REFUNDED, Account.REFUNDS_SENT)),
    Kind.REFUND_BY_HAND: _recipe(less=[Account.OWED], more=[Account.REFUNDED]),
    Kind.REFUND_OF_WITHDRAWAL: _recipe(
        less=(Account.OWED, Account.WITHDRAWALS), more=(Account.REFUNDED, Account.REFUNDS_SENT)
    ),
    Kind.FEE_KEPT: _recipe(less=[Account.OWED], more=[Account.FEE_KEPT]),
    Kind.TRANSIT: _recipe(less=(Account.OWED, Account.BALANCE), more=[Account.IN_TRANSIT]),
    Kind.TRANSIT_OF_WITHDRAWAL: _recipe(less=(Account.OWED, Account.WITHDRAWALS), more=[Account.IN_TRANSIT]),
    Kind.TRANSIT_ARRIVED: _recipe(less=[Account.IN_TRANSIT], more=(Account.REFUNDED, Account.REFUNDS_SENT)),
    Kind.TRANSIT_RETURNED: _recipe(less=[Account.IN_TRANSIT], more=(Account.OWED, Account.BALANCE)),
    Kind.OUR_LOSS: _recipe(more=(Account.OUR_LOSS, Account.OWED)),
    Kind.WRITTEN_OFF: _recipe(less=[Account.OWED], more=[Account.WRITTEN_OFF]),
    Kind.DEPOSIT: _recipe(less=(Account.RECEIVED, Account.ORPHANED), more=[Account.DEPOSITS]),
    Kind.INCOME: _recipe(less=(Account.RECEIVED, Account.ORPHANED), more=[Account.INCOME]),
    Kind.INCOME_OUTSIDE: _recipe(more=(Account.INCOME, Account.BALANCE)),
    Kind.FEE_TAKEN: _recipe(more=[Account.FEES_TAKEN], less=[Account.BALANCE]),
    Kind.EXPENSE: _recipe(more=[Account.EXPENSES], less=[Account.BALANCE]),
    Kind.EXPENSE_OF_WITHDRAWAL: _recipe(less=[Account.WITHDRAWALS], more=[Account.EXPENSES]),
    Kind.WITHDRAWAL: _recipe(more=[Account.WITHDRAWALS], less=[Account.BALANCE]),
}


class Place(NamedTuple):
    """A book: one denom on one chain.  Denoms never mix."""

    chain: str
    denom: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, and what it changed; `ref` names it: a transaction, a refund, a packet."""

    place: Place
    kind: Kind
    ref: str
    postings: tuple[Posting, ...]


def book(place: Place, kind: Kind, ref: str, amount: int) -> Entry:
    """The entry for an amount above 0, by its recipe.  Raises ValueError for any other amount."""
    if amount <= 0:
        raise ValueError("an entry moves an amount above zero")
    return Entry(place, kind, ref, tuple(Posting(account, sign * amount) for account, sign in RECIPES[kind]))


@dataclass(frozen=True, slots=True)
class Book:
    """The totals of one chain and denom, every account in it."""

    totals: Mapping[Account, int]

    @property
    def sources(self) -> int:
        """The left side of the first equation."""
        return sum(self.totals[account] for account in SOURCES)

    @property
    def uses(self) -> int:
        """The right side of the first equation."""
        return sum(self.totals[account] for account in USES)

    @property
    def should_hold(self) -> int:
        """The right side of the second equation: what the wallet holds if the books are right."""
        return sum(self.totals[account] for account in CAME) - sum(self.totals[account] for account in LEFT)


def books(entries: Iterable[Entry]) -> dict[Place, Book]:
    """Add entries up."""
    found: dict[Place, dict[Account, int]] = {}
    for entry in entries:
        totals = found.setdefault(entry.place, dict.fromkeys(Account, 0))
        for account, amount in entry.postings:
            totals[account] += amount
    return {place: Book(totals) for place, totals in found.items()}


class Equation(StrEnum):
    """Which rule is broken."""

    SOURCES_AND_USES = "sources_and_uses"
    WALLET = "wallet"
    NEVER_NEGATIVE = "never_negative"
    CHAIN = "chain"


class Difference(NamedTuple):
    """Two figures that should be equal.

    `ref` is the entry's for a broken entry, the account's word for one below zero (then `left` is 0),
    and empty where the `left` is what the chain says the wallet holds.
    """

    place: Place
    equation: Equation
    ref: str
    left: int
    right: int


def check(entries: Iterable[Entry], balances: Mapping[Place, int] | None = None) -> list[Difference]:
    """Everything that doesn't add up: empty for good books.

    Each entry must keep both equations by itself; no account may end below zero; and each of
    `balances`, read from the chain at the height that the entries reach with nothing in flight,
    must be what the books say.  A book without entries says 0.
    """
    listed = list(entries)
    found = books(listed)
    differences = [difference for entry in listed for difference in _entry_differences(entry)]
    for place, kept in found.items():
        below = (account for account, total in kept.totals.items() if total < 0)
        differences += (
            Difference(place, Equation.NEVER_NEGATIVE, account.value, 0, kept.totals[account]) for account in below
        )
    for place, balance in (balances or {}).items():
        should = found[place].should_hold if place in found else 0
        if balance != should:
            differences.append(Difference(place, Equation.CHAIN, "", balance, should))
    return differences


def _entry_differences(entry: Entry) -> Iterable[Difference]:
    alone = books([entry])[entry.place]
    sides = {
        Equation.SOURCES_AND_USES: (alone.sources, alone.uses),
        Equation.WALLET: (alone.totals[Account.BALANCE], alone.should_hold),
    }
    return (
        Difference(entry.place, equation, entry.ref, left, right)
        for equation, (left, right) in sides.items()
        if left != right
    )
