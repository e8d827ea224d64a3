"""The three questions of whoever looks at the screen: is anything stuck, does gas last, is anybody owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from relayclear.clearing.breaker import BreakerState
from relayclear.money.ledger import Account, Place
from relayclear.money.refund_state import RefundState
from relayclear.store import breakers, dues, ledger, refunds
from relayclear.usecases.board import Picture
from relayclear.usecases.board_gas import GasLine, gas_lines
from relayclear.usecases.board_rows import Oldest
from relayclear.usecases.desk import Desk


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers them, as of `at`.

    `stuck` and `clearable` count what could be read; `unread` paths couldn't.  `owed` refunds wait for a
    decision, `approved` ones for their sending, `due` is what payers are owed in all, by chain and coin, before fees
    that are kept; `open_breakers` are names.  These are of now, None while the past is shown.
    """

    at: datetime
    paths: int
    stuck: int
    clearable: int
    unread: int
    oldest: Oldest | None
    gas: Sequence[GasLine]
    owed: int | None
    approved: int | None
    due: Mapping[Place, int] | None
    open_breakers: Sequence[str] | None


def read_answers(desk: Desk, picture: Picture) -> Answers:
    """Answer from the database alone.  Raises StoreError."""
    waiting = [row.oldest for row in picture.paths if row.oldest is not None and row.stuck]
    with desk.journal.database.snapshot() as reads:
        live = picture.as_of is None
        owed = dues.count(reads) if live else None
        approved = refunds.count(reads, RefundState.APPROVED) if live else None
        # Running totals: no entry of the books is read for them.
        books = ledger.books(reads) if live else {}
        due = {place: book.totals[Account.OWED] for place, book in books.items() if book.totals[Account.OWED]}
        now = desk.clock.now()
        open_ones = [one.name for one in breakers.every(reads) if live and one.at(now) is not BreakerState.CLOSED]
    return Answers(
        at=picture.at,
        paths=len(picture.paths),
        stuck=sum(row.stuck or 0 for row in picture.paths),
        clearable=sum(row.clearable or 0 for row in picture.paths if row.stuck),
        unread=sum(row.error is not None for row in picture.paths),
        oldest=min(waiting, default=None),
        gas=gas_lines(desk, picture.as_of),
        owed=owed,
        approved=approved,
        due=due if live else None,
        open_breakers=open_ones if live else None,
    )
