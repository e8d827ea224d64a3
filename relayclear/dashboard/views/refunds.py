"""The view of refunds: what is owed and under way, what has ended, and the books behind it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from relayclear.clearing.request import Verb, Wish
from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.folding import FoldingView, FoldPanel
from relayclear.dashboard.panel import Copyable
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found
from relayclear.dashboard.views.packet_cells import tone
from relayclear.errors import RelayclearError
from relayclear.ibc.text import clean, visible
from relayclear.money.ledger import Account
from relayclear.money.refund_state import RefundState
from relayclear.usecases.board_books import BookLine, Books, read_books
from relayclear.usecases.board_refunds import SHOWN, Ended, RefundBoard, Waiting, waits_for_yes
from relayclear.usecases.books_daily import days
from relayclear.usecases.refund_view import RefundView, refund_story
from relayclear.wording import age, coin, short
from relayclear.wording.books import book_page, books_line, kept_audit_words
from relayclear.wording.glossary import GLOSSARY
from relayclear.wording.refunding import (
    CAUSES,
    REFUNDS,
    next_command,
    owed_line,
    refund_page,
    waits_line,
)

_ID = 8
_DAYS = timedelta(days=90)


class RefundPanel(FoldPanel):
    """A table of refunds."""

    terms = ("refund",)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self.board = RefundBoard()
        self._requested: Mapping[Hashable, str] = {}
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[RefundView]]:
        return (
            Column("refund", "refund", _ID, lambda row: Cell(row.id[:_ID])),
            Column("state", "state", 14, self._state_cell, plain="what is done"),
            Column("amount", "sends", 14, lambda row: Cell(visible(coin(row.net), 60)), right=True, grows=True),
            Column("to", "to", 12, self._to_cell, plain="to whom"),
            Column("since", "since", 5, self._since_cell, right=True),
            self._reason(),
            Column("chain", "chain", 12, lambda row: Cell(visible(row.chain, 40)), drop=4, expert=True),
            Column("token", "token", 16, lambda row: Cell(short(row.token) or "-"), drop=5, expert=True),
        )

    def _reason(self) -> Column[RefundView]:
        """The column that says why."""
        raise NotImplementedError

    def key(self, row: RefundView) -> Any:
        """A refund is named by its id."""
        return row.id

    def _state_cell(self, row: RefundView) -> Cell:
        asked = self._requested.get(row.id)
        if asked:
            return Cell(f"⧗ {asked}", "warn")
        word = REFUNDS[row.state]
        if waits_for_yes(row):
            return Cell("● approve? R", "warn")
        return Cell(f"{word.glyph} {word.word}", tone(word.style))

    def _to_cell(self, row: RefundView) -> Cell:
        if row.to is None:
            return Cell("? nobody yet", "warn")
        return Cell(f"{short(visible(row.to), 12)}{' over IBC' if row.over else ''}")

    def _since_cell(self, row: RefundView) -> Cell:
        return Cell(age(max(0, int((self.host.shown_at - row.since).total_seconds()))))

    def explained(self) -> str:
        """The refund under the cursor in plain words."""
        row: RefundView | None = self.table.current
        if row is None:
            return GLOSSARY["refund"]
        return f"{CAUSES[row.cause]}; {waits_line(row)}"

    async def do_open(self) -> None:
        """Everything about the refund."""
        row: RefundView | None = self.table.current
        if row is None:
            return
        try:
            story = await self.host.reader.ask(lambda shelf: refund_story(shelf.desk, row.id), None)
        except RelayclearError as error:
            self.notify(error.message, severity="error")
            return
        await self.app.push_screen(Page(f"Refund {row.id[:_ID]}", refund_page(story)))

    def copies(self) -> Sequence[Copyable]:
        """Its id, what brings it on, where it goes, and the transaction that paid it."""
        row: RefundView | None = self.table.current
        if row is None:
            return ()
        found = [Copyable("refund", row.id)]
        command = next_command(row)
        found += [Copyable("command", command)] if command else []
        found += [Copyable("address", visible(row.to, 200))] if row.to else []
        found += [Copyable("transaction", row.tx_hash)] if row.tx_hash else []
        return found


class OwedPanel(RefundPanel):
    """What isn't back with its payer."""

    title = "Owed"
    tells = (
        "Everything that payers are owed and don't have back: first what waits for your yes (R approves it, and asks "
        "for the amount to be typed), then what is under way, then what waits for its payer or is too small to send. "
        "Enter opens a refund's story."
    )
    _waiting: Waiting | None = None

    def _reason(self) -> Column[RefundView]:
        return Column("why", "why it waits", 17, self._why_cell, grows=True)

    def _why_cell(self, row: RefundView) -> Cell:
        return Cell(clean(waits_line(row), 200), "" if waits_for_yes(row) else "dim")

    def look(self, shelf: Shelf) -> Found[Waiting]:
        """What waits and is under way, as of now: nobody keeps what was owed once."""
        if shelf.as_of is not None:
            return Found(Waiting((), 0, 0), shelf.desk.clock.now())
        return Found(self.board.waiting(shelf.desk), shelf.desk.clock.now(), stale_after=shelf.stale_after)

    def show(self, value: Waiting) -> None:
        """Show them; the border says how many there are where not all fit."""
        self._waiting = value
        shown = len(value.rows)
        self.border_subtitle = f"{shown}" if value.whole else f"{shown} of {value.undecided + value.under_way}"
        super().show(value.rows)

    def summary(self) -> str:
        """How much waits for whom."""
        return owed_line(self._waiting) if self._waiting is not None else ""

    def empty(self) -> str:
        """What was looked at, where nothing is owed."""
        if self._waiting is None:
            return ""
        return owed_line(self._waiting) or "nothing is owed back, and nothing is under way"

    def requested(self, waiting: Mapping[Hashable, str]) -> None:
        """Refunds that were just approved say so at once."""
        if waiting != self._requested:
            self._requested = waiting
            self.table.refresh()

    def wishes(self) -> Mapping[str, str | None]:
        """Approving the refund under the cursor, and why that can't be."""
        row: RefundView | None = self.table.current
        if row is None or self.untold:
            return {}
        if row.id in self._requested:
            return {"refund": f"{row.id[:_ID]} is {self._requested[row.id]} already"}
        if row.state is not RefundState.OWED or row.to is None or row.net.amount <= 0:
            return {"refund": f"{REFUNDS[row.state].word}: {waits_line(row)}"}
        return {"refund": None}

    def wish(self, name: str) -> Sequence[Wish]:
        """A yes to exactly the amount that is shown."""
        row: RefundView | None = self.table.current
        if name != "refund" or row is None:
            return ()
        return [Wish(Verb.REFUND, subject=row.id, amount=row.net)]


class EndedPanel(RefundPanel):
    """What is over."""

    title = "Ended"
    tells = "Refunds that are over, those that ended last first: paid back, waived, written off or taken back."
    kept_of_the_past = True
    _ended: Ended | None = None

    def _reason(self) -> Column[RefundView]:
        return Column("cause", "it was owed because", 17, lambda row: Cell(CAUSES[row.cause], "dim"), grows=True)

    def look(self, shelf: Shelf) -> Found[Ended]:
        """What has ended, by now or by a time: it stays as it ended."""
        return Found(self.board.ended(shelf.desk, shelf.as_of), shelf.desk.clock.now(), stale_after=shelf.stale_after)

    def show(self, value: Ended) -> None:
        """Show them."""
        self._ended = value
        self.border_subtitle = f"the newest {SHOWN}" if value.more else f"{len(value.rows)}"
        super().show(value.rows)

    def summary(self) -> str:
        """The newest one."""
        if self._ended is None or not self._ended.rows:
            return ""
        row = self._ended.rows[0]
        word = REFUNDS[row.state].word
        return f"the newest is {word}: {visible(coin(row.net), 60)} to {short(row.to or '?')}"

    def empty(self) -> str:
        """What is said where nothing ended yet."""
        return "no refund has ended yet" if self._ended is not None and not self._ended.rows else self.summary()


class BooksPanel(FoldPanel):
    """What came in, was earned and given back, by coin."""

    title = "Books"
    tells = (
        "Each coin on each chain, in base units, by everything that was booked: received, earned, refunded, what may "
        "be taken out, profit or loss, and what the last whole audit against the chain said. Enter opens the book day "
        "by day."
    )
    terms = ("payment", "refund", "orphan")
    kept_of_the_past = True
    _books: Books | None = None

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[BookLine]]:
        def total(account: Account) -> Any:
            """The cell of one account of a book."""
            return lambda row: Cell(str(row.total(account)), "" if row.total(account) else "dim")

        return (
            Column("chain", "chain", 10, self._chain_cell, grows=True),
            Column("denom", "coin", 8, lambda row: Cell(visible(row.place.denom, 80)), grows=True),
            Column("received", "received", 10, total(Account.RECEIVED), right=True, plain="came in", grows=True),
            Column("earned", "earned", 10, total(Account.EARNED), right=True, drop=3, grows=True),
            Column("refunded", "refunded", 10, total(Account.REFUNDED), right=True, drop=2, plain="given back"),
            Column("owed", "owed", 9, self._owed_cell, right=True, drop=4),
            Column("free", "withdrawable", 15, self._free_cell, right=True, plain="yours", grows=True),
            Column("profit", "profit/loss", 11, self._profit_cell, right=True, drop=1),
            Column("audit", "audit", 9, self._audit_cell),
            Column("off", "chain-books", 11, self._off_cell, right=True, drop=5, plain="difference"),
        )

    def key(self, row: BookLine) -> Any:
        """A book is named by chain and coin."""
        return row.place

    def look(self, shelf: Shelf) -> Found[Books]:
        """Every book, now or at a time."""
        found = read_books(shelf.desk, shelf.as_of)
        if self._books == found:
            found = self._books
        # Of the past a book is as good as ever; of now it is as good as the last reading of payments.
        good = shelf.desk.clock.now() if shelf.as_of is not None or not found.lines else found.read_at
        return Found(
            found,
            good,
            error=None if found.error is None else f"payments can't be read: {visible(found.error, 120)}",
            hint=None if found.error is None else "relayclear payments gaps",
            stale_after=shelf.stale_after,
        )

    def show(self, value: Books) -> None:
        """Show them."""
        self._books = value
        self.border_subtitle = f"{len(value.lines)}"
        super().show(value.lines)

    def summary(self) -> str:
        """Whether they add up."""
        return "" if self._books is None else books_line(self._books)

    def empty(self) -> str:
        """What is said where nothing was booked."""
        if self._books is None:
            return ""
        return books_line(self._books) or "nothing was ever booked: no payment was read"

    # Cells

    def _chain_cell(self, row: BookLine) -> Cell:
        return Cell(("" if row.balanced else "✗ ") + visible(row.place.chain, 40), "" if row.balanced else "bad")

    def _owed_cell(self, row: BookLine) -> Cell:
        amount = row.total(Account.OWED)
        return Cell(str(amount), "warn" if amount else "dim")

    def _free_cell(self, row: BookLine) -> Cell:
        return Cell(str(row.free.amount), "good" if row.free.amount else "dim")

    def _profit_cell(self, row: BookLine) -> Cell:
        result = row.profit.result
        return Cell(f"{result:+d}" if result else "0", "bad" if result < 0 else "good" if result else "dim")

    def _audit_cell(self, row: BookLine) -> Cell:
        if self.host.as_of is not None:
            return Cell("? not kept", "dim")
        if row.audit is None:
            return Cell("never", "dim")
        old = age(max(0, int((self.host.desk.clock.now() - row.audit.at).total_seconds())))
        return Cell(f"{'✓' if row.audit.agrees else '✗'} {old} ago", "good" if row.audit.agrees else "bad")

    def _off_cell(self, row: BookLine) -> Cell:
        """By how much the wallet held more than the books said, at the last audit."""
        figures = None if row.audit is None else row.audit.figures.get(row.place.denom)
        if figures is None:
            return Cell("?", "dim")
        return Cell(f"{figures.off:+d}" if figures.off else "0", "bad" if figures.off else "good")

    def explained(self) -> str:
        """The book under the cursor in a sentence."""
        row: BookLine | None = self.table.current
        if row is None:
            return self.tells
        audit = kept_audit_words(row.audit, self.host.desk.clock.now())
        return f"{row.free.amount} {visible(row.place.denom, 40)} may be taken out; the last audit: {audit}"

    async def do_open(self) -> None:
        """The book, day by day."""
        row: BookLine | None = self.table.current
        if row is None:
            return
        host, now = self.host, self.host.shown_at
        try:
            found = await host.reader.ask(lambda shelf: days(shelf.desk, *row.place, now - _DAYS), None)
        except RelayclearError as error:
            self.notify(error.message, severity="error")
            return
        shown = [day for day in found if day.day <= now.date()]
        await self.app.push_screen(Page(f"Book of {row.place.chain}", book_page(row, shown, now)))

    def copies(self) -> Sequence[Copyable]:
        """The command that looks through the book."""
        row: BookLine | None = self.table.current
        return () if row is None else (Copyable("command", f"relayclear audit --chain {row.place.chain}"),)


class RefundsView(FoldingView):
    """What is owed, what has ended, and the books."""

    kind: ClassVar[str] = "refunds"
    panels = (OwedPanel, EndedPanel, BooksPanel)
