"""The books for a screen: per coin what came in, what was earned and given back, and what is the operator's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from relayclear.money.ledger import Account, Book, Place
from relayclear.store import audits, cursors, ledger, relay_costs
from relayclear.store.audits import KeptAudit
from relayclear.usecases.books_daily import Withdrawable, free_of
from relayclear.usecases.books_off import adds_up
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_dues import rules_of
from relayclear.usecases.stats import Profit

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BookLine:
    """One coin on one chain, in base units, by everything that was booked.

    `balanced` says whether both equations hold in the store itself; `audit` is the last whole audit against the
    chain, None where there was none, or while the past is shown.  `profit` counts what the runs of Hermes paid as
    the cost of clearing.  `through` is the block time that the payee's payments are read through.
    """

    place: Place
    book: Book
    free: Withdrawable
    profit: Profit
    balanced: bool
    audit: KeptAudit | None
    through: datetime | None

    def total(self, account: Account) -> int:
        """What an account stands at."""
        return self.book.totals[account]


@dataclass(frozen=True, slots=True)
class Books:
    """Every book, those that don't add up first; `read_at` is when payments were last read well, None for never."""

    lines: tuple[BookLine, ...]
    read_at: datetime | None
    error: str | None


def read_books(desk: Desk, as_of: datetime | None = None) -> Books:
    """The books as of now, or as they stood at a time of the wall clock.  Raises StoreError."""
    until = desk.clock.now() if as_of is None else as_of
    with desk.journal.database.snapshot() as reads:
        read = cursors.every(reads)
        through = {one.chain: one.read_through_time for one in read} if as_of is None else {}
        found = ledger.books(reads, as_of)
        costs = {chain: relay_costs.between(reads, chain, _EVER, until) for chain in sorted(desk.chains)}
        kept = {place.chain: audits.find(reads, place.chain) for place in found} if as_of is None else {}
        reserve = rules_of(desk).reserve
        lines = [
            BookLine(
                place,
                book,
                free_of(place, book.totals, reserve),
                _profit(book.totals, costs.get(place.chain, {}).get(place.denom, 0)),
                adds_up(book),
                kept.get(place.chain),
                through.get(place.chain),
            )
            for place, book in sorted(_with_costs(found, costs).items())
            if any(book.totals.values()) or costs.get(place.chain, {}).get(place.denom)
        ]
    lines.sort(key=lambda line: line.balanced and (line.audit is None or line.audit.agrees))
    failing = next((f"{one.chain}: {one.error}" for one in read if one.error is not None), None)
    worst = min((one.read_at for one in read), default=None)
    return Books(tuple(lines), worst if as_of is None else as_of, failing if as_of is None else None)


def _with_costs(found: Mapping[Place, Book], costs: Mapping[str, Mapping[str, int]]) -> dict[Place, Book]:
    """Clearing costs coins on chains where nothing is sold, too: their books are empty."""
    paid = [Place(chain, denom) for chain, amounts in costs.items() for denom in amounts]
    return {place: Book(dict.fromkeys(Account, 0)) for place in paid} | dict(found)


def _profit(totals: Mapping[Account, int], clearing: int) -> Profit:
    return Profit(
        earned=totals[Account.EARNED],
        fee_kept=totals[Account.FEE_KEPT],
        written_off=totals[Account.WRITTEN_OFF],
        income=totals[Account.INCOME],
        clearing=clearing,
        refund_fees=totals[Account.FEES_TAKEN],
        our_loss=totals[Account.OUR_LOSS],
        expenses=totals[Account.EXPENSES],
    )
