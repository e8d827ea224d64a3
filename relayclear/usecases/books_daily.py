"""The books day by day, and what of a wallet is the operator's to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from relayclear.errors import RelayclearError
from relayclear.money.ledger import Account, Place
from relayclear.store import cursors, ledger
from relayclear.store.db import Reads
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import read_payments
from relayclear.usecases.refund_dues import rules_of
from relayclear.usecases.selling import require_shop

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Day(NamedTuple):
    """One day of a book, in UTC by the wall clock of the booking.

    `opening` and `closing` are what the wallet held by the books; `moved` by how much each account
    changed, those that didn't left out.
    """

    place: Place
    day: date
    opening: int
    moved: Mapping[Account, int]
    closing: int


def days(desk: Desk, chain: str = "", denom: str = "", since: datetime | None = None) -> list[Day]:
    """Every day on which something was booked, by chain, denom and day, from the day of `since` on."""
    if chain:
        desk.chain(chain)
    start = _EVER if since is None else _midnight(since)
    with desk.journal.database.snapshot() as reads:
        places = [place for place in ledger.books(reads) if chain in {"", place.chain} and denom in {"", place.denom}]
        return [day for place in places for day in _days(reads, place, start)]


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(reads: Reads, place: Place, start: datetime) -> list[Day]:
    by_day: dict[date, dict[Account, int]] = {}
    for account in Account:
        for at, amount in ledger.moved(reads, place, account, start):
            totals = by_day.setdefault(at.date(), {})
            totals[account] = totals.get(account, 0) + amount
    opening = ledger.book(reads, place, start - timedelta(microseconds=1)).totals[Account.BALANCE]
    found = []
    for day, moved in sorted(by_day.items()):
        closing = opening + moved.get(Account.BALANCE, 0)
        changed = {account: moved[account] for account in Account if moved.get(account)}
        found.append(Day(place, day, opening, changed, closing))
        opening = closing
    return found


class Withdrawable(NamedTuple):
    """What may be taken out of a wallet in one denom, and why not more.

    All in base units, at the height that the payments are read through.
    """

    place: Place
    balance: int
    held: int
    owed: int
    orphaned: int
    reserve: int

    @property
    def amount(self) -> int:
        """What is the operator's own beyond what stays for gas; never below 0."""
        return max(0, self.balance - self.held - self.owed - self.orphaned - self.reserve)


@dataclass(frozen=True, slots=True)
class WalletLine:
    """A payee's wallet: through which block it is read (None: never), its rows by denom, and what kept it from more."""

    chain: str
    address: str
    through: int | None
    rows: tuple[Withdrawable, ...]
    error: RelayclearError | None


async def withdrawable(desk: Desk, chain: str = "") -> list[WalletLine]:
    """Read the payments up to now, and say what of each wallet may be taken out.

    Raises ConfigError where nothing is sold, UsageError for a chain without a payee.  What can't be
    read now stands at what was read last, with its error.
    """
    shop = require_shop(desk)
    found = []
    for name in [chain] if chain else sorted(shop.payees):
        reading = await read_payments(desk, name)
        cursor = cursors.find(desk.journal.database, name, reading.payee)
        rows = _rows(desk, name) if cursor is not None else ()
        found.append(WalletLine(name, reading.payee, reading.through, rows, reading.error))
    return found


def _rows(desk: Desk, chain: str) -> tuple[Withdrawable, ...]:
    reserve = rules_of(desk).reserve
    with desk.journal.database.snapshot() as reads:
        books = {place: book.totals for place, book in ledger.books(reads).items() if place.chain == chain}
    rows = (free_of(place, totals, reserve) for place, totals in sorted(books.items()))
    return tuple(row for row in rows if row.balance or row.held or row.owed or row.orphaned)


def free_of(place: Place, totals: Mapping[Account, int], reserve: Mapping[str, int]) -> Withdrawable:
    """What of a book is the operator's own, with so much of each denom kept for gas."""
    return Withdrawable(
        place,
        totals[Account.BALANCE],
        totals[Account.HELD],
        totals[Account.OWED],
        totals[Account.ORPHANED],
        reserve.get(place.denom, 0),
    )
