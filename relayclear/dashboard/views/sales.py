"""The view of sales: quotes and what became of them, and payments as they arrive."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.live import Told
from relayclear.dashboard.panel import Copyable
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.stacking import StackedView
from relayclear.dashboard.states import Found
from relayclear.dashboard.views.listing import FOR_EVER, Listed, ListPanel
from relayclear.dashboard.views.packets import PacketsPanel
from relayclear.errors import RelayclearError
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.ibc.text import clean, visible
from relayclear.store.cursors import Cursor
from relayclear.usecases.payments_view import Newest, PaymentView, view_payment
from relayclear.usecases.sales_view import ACTIVE, Tokens, token_story
from relayclear.usecases.shop import Operator
from relayclear.usecases.tokens_view import TokenView
from relayclear.wording import coin, counted, of_chain, short
from relayclear.wording.paying import flaws_words, next_step, payment_page, why_line, word_of
from relayclear.wording.selling import TOKENS
from relayclear.wording.tokens import left_words, token_page

LIMIT = 200
NOT_TOLD = "of the past only packets and work are told: = goes back to now"
NOT_SOLD = "nothing is sold here: no chain has a payee (relayclear config path says where)"
_TONES = {"red": "bad", "yellow": "warn", "green": "good", "cyan": ""}
_BY_STATE = {state: number for number, state in enumerate((*ACTIVE, *(one for one in TOKENS if one not in ACTIVE)))}


class _Sold(NamedTuple):
    """What a look at sales found, beside the rows: how far payments were read, and whether anything is sold."""

    listed: Listed
    readings: Sequence[Cursor]
    sells: bool
    remark: str = ""


def _found(shelf: Shelf, sold: _Sold) -> Found[_Sold]:
    """How good it is: payments are known as far as their chains were read."""
    now = shelf.desk.clock.now()
    if shelf.as_of is not None or not sold.sells:
        return Found(sold, now, stale_after=FOR_EVER)
    failed = next((one for one in sold.readings if one.error), None)
    read_at = min((one.read_at for one in sold.readings), default=None)
    error = None if failed is None else f"{failed.chain}: {of_chain(failed.chain, clean(failed.error or '', 160))}"
    return Found(sold, read_at, "payments", error, "relayclear payments gaps" if failed else None, shelf.stale_after)


class SalesPanel(ListPanel):
    """What quotes and payments have in common: they are known as far as payments were read."""

    _sold: _Sold | None = None

    def show(self, value: Any) -> None:
        """Show the rows."""
        self._sold = value
        super().show(value.listed)

    def told(self, rows: Sequence[Any]) -> str:
        """What there is, and how far payments were read."""
        sold = self._sold
        if sold is None:
            return ""
        if self.past:
            return NOT_TOLD
        if not sold.sells and not rows:
            return NOT_SOLD
        read = "; ".join(
            f"{one.chain} read through block {one.read_through}, {self.ago(one.read_at)} ago" for one in sold.readings
        )
        return f"{self.said(rows)}; {read or 'no payment was ever looked for: relayclear watch'}"

    def said(self, rows: Sequence[Any]) -> str:
        """What there is."""
        raise NotImplementedError

    def wishes(self) -> Mapping[str, str | None]:
        """Selling what is marked in the view of packets."""
        marked = self.marked
        return {"quote": None} if marked else {}

    @property
    def marked(self) -> Sequence[Any]:
        """The packets that are marked in their own view."""
        # A view that nobody has opened yet isn't there, and nothing is marked in it.
        found = self.host.base.query(PacketsPanel)
        return [row for panel in found if panel.table.marked for row in panel.chosen]

    async def do_quote(self) -> None:
        """Sell what is marked."""
        # Late: a screen that only looks does without what quotes take.
        from relayclear.dashboard.wizard import open_wizard  # noqa: PLC0415

        await open_wizard(self.host, self.marked, self._unmark)

    def _unmark(self, keys: Collection[PacketKey]) -> None:
        for panel in self.host.base.query(PacketsPanel):
            panel.sold(keys)


class QuotesPanel(SalesPanel):
    """Tokens: what is open first, the soonest to expire first of all."""

    title = "Quotes"
    tells = (
        "What was offered and what became of it: open quotes first, the soonest to expire on top, with the time that "
        "is left to pay. Enter tells everything: what the payer is told, payments with their flaws, the work, "
        "refunds. N makes a new quote for the packets that are marked in the view Packets."
    )
    terms = ("clearing token", "memo", "flaw", "refund")
    orders = ("state", "newest", "expiry", "price")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._tokens = Tokens()
        self._order, self._turned = 0, False
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[TokenView]]:
        return (
            Column("token", "token", 12, lambda row: Cell(visible(row.token.memo, 12)), plain="memo"),
            Column("state", "state", 15, _state_cell, plain="how it stands"),
            Column("left", "left", 4, self._left_cell, right=True, plain="time"),
            Column("price", "price", 16, lambda row: Cell(visible(coin(row.token.price), 40)), right=True, grows=True),
            Column("packets", "packets", 10, _packets_cell, grows=True),
            Column("flaws", "flaws", 12, _flaws_cell, drop=1, plain="what is wrong"),
            Column("channel", "channel", 20, _channel_cell, drop=3),
            Column("payee", "payee", 16, lambda row: Cell(short(visible(row.token.payee))), drop=2, plain="paid to"),
        )

    def key(self, row: TokenView) -> str:
        """Its order id names it."""
        return row.order_id

    def look(self, shelf: Shelf) -> Found[_Sold]:
        """All that are open, and the newest others; of the past nobody knows how they stood."""
        if shelf.as_of is not None:
            return _found(shelf, _Sold(Listed((), more=False, past=True), (), sells=True))
        sales = self._tokens.read(shelf.desk, LIMIT)
        rows = self._ordered(sales.tokens)
        return _found(shelf, _Sold(Listed(rows, sales.more, past=False), sales.readings, sales.sells))

    def _ordered(self, rows: Sequence[TokenView]) -> Sequence[TokenView]:
        by = self.orders[self._order]
        if by == "newest":
            found = sorted(rows, key=lambda row: row.stored.made_at, reverse=True)
        elif by == "expiry":
            found = sorted(rows, key=lambda row: row.token.expires_at)
        elif by == "price":
            found = sorted(rows, key=lambda row: (row.token.price.denom, -row.token.price.amount))
        else:
            found = sorted(rows, key=_by_state)
        return found[::-1] if self._turned else found

    def said(self, rows: Sequence[Any]) -> str:
        """How many are open, how many are worked on."""
        payable = sum(bool(left_words(row, self.now)) for row in rows)
        working = sum(row.state in ACTIVE for row in rows) - payable
        return f"{counted(payable, 'open quote') if payable else 'no open quotes'}, {working} being cleared"

    def _left_cell(self, row: TokenView) -> Cell:
        left = left_words(row, self.now)
        return Cell(left or "-", "bad" if left == "over" else "warn" if left.endswith("s") else "" if left else "dim")

    def do_sort(self) -> None:
        """Order by the next of state, newest, expiry, price."""
        self._order = (self._order + 1) % len(self.orders)
        self._say_order()

    def do_turn(self) -> None:
        """The same order, the other way round."""
        self._turned = not self._turned
        self._say_order()

    def _say_order(self) -> None:
        self.notify(f"Order: {self.orders[self._order]}{', turned round' if self._turned else ''}")
        self.host.nudge()

    def explained(self) -> str:
        """What the state of the quote under the cursor means."""
        row: TokenView | None = self.table.current
        return self.tells if row is None else f"{TOKENS[row.state].word}: {TOKENS[row.state].meaning}"

    async def do_open(self) -> None:
        """Everything about the token, live."""
        row: TokenView | None = self.table.current
        if row is not None:
            await self.open_live(f"Token {row.token.memo}", partial(_token_told, row.token.memo))

    def copies(self) -> Sequence[Copyable]:
        """What a payer needs, and the command."""
        row: TokenView | None = self.table.current
        if row is None:
            return ()
        memo = row.token.memo
        return (
            Copyable("memo", memo),
            Copyable("address", row.token.payee),
            Copyable("text for the payer", f"relayclear tokens show {memo} --for-payer"),
        )


def _by_state(row: TokenView) -> tuple[int, float]:
    """The active ones in the order in which they go on, the soonest to expire first; the others the newest first."""
    if row.state in ACTIVE:
        return _BY_STATE[row.state], row.token.expires_at.timestamp()
    return len(ACTIVE), -row.stored.made_at.timestamp()


def _state_cell(row: TokenView) -> Cell:
    word = TOKENS[row.state]
    return Cell(f"{word.glyph} {word.word}", _TONES.get(word.style, ""))


def _packets_cell(row: TokenView) -> Cell:
    sequences = SequenceRanges.of(term.key.sequence for term in row.token.quote.packets)
    return Cell(visible(f"{sequences.count}: #{sequences}", 60))


def _flaws_cell(row: TokenView) -> Cell:
    return Cell(" ".join(flaw.value for flaw in row.flaws) or "-", "warn" if row.flaws else "dim")


def _channel_cell(row: TokenView) -> Cell:
    end = row.token.quote.packets[0].key.end
    return Cell(visible(f"{end.chain} {end.channel}", 40))


def _token_told(memo: str, shelf: Shelf) -> Told:
    story = token_story(shelf.desk, memo)
    operator = shelf.desk.shop.operator if shelf.desk.shop else Operator()
    return Told(partial(token_page, story, operator), Copyable("memo", memo))


class PaymentsPanel(SalesPanel):
    """Payments as they arrive, the newest first."""

    title = "Payments"
    tells = (
        "Coins as they arrive at the payee, the newest first, with what each is for and what is wrong with it. "
        "One that belongs to no quote says why, and by which command a person says what it was for."
    )
    terms = ("payment", "orphan", "flaw", "memo")

    limit: ClassVar = LIMIT

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._newest = Newest()
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[PaymentView]]:
        return (
            Column("state", "is", 12, _is_cell, plain="what it is"),
            Column("amount", "amount", 16, _amount_cell, right=True, grows=True),
            Column("token", "token", 12, _token_cell, plain="for"),
            Column("remark", "remark", 20, _remark_cell, grows=True, plain="what to know"),
            Column("at", "ago", 4, lambda row: Cell(self.ago(row.stored.arrival.at)), right=True),
            Column("from", "from", 16, _from_cell, drop=1),
            Column("tx", "transaction", 14, _tx_cell, drop=3, expert=True),
            Column("chain", "chain", 12, lambda row: Cell(row.stored.arrival.chain), drop=2),
        )

    def key(self, row: PaymentView) -> Any:
        """The payment's own identity."""
        return row.stored.id

    def look(self, shelf: Shelf) -> Found[_Sold]:
        """The newest; of the past nobody knows which were known."""
        if shelf.as_of is not None:
            return _found(shelf, _Sold(Listed((), more=False, past=True), (), sells=True))
        page = self._newest.read(shelf.desk, self.limit)
        sells = shelf.desk.shop is not None and bool(shelf.desk.shop.payees)
        remark = f"{counted(page.orphans, 'payment')} of no token" if page.orphans else ""
        remark += f" {page.lost} of lost tokens" if page.lost else ""
        listed = Listed(page.payments, page.has_next, past=False)
        return _found(shelf, _Sold(listed, page.readings, sells, remark.strip()))

    def said(self, rows: Sequence[Any]) -> str:
        """How many, and what needs somebody."""
        remark = self._sold.remark if self._sold else ""
        return (counted(len(rows), "payment") if rows else "no payments") + (f", ! {remark}" if remark else "")

    def explained(self) -> str:
        """What the payment under the cursor is."""
        row: PaymentView | None = self.table.current
        return self.tells if row is None else f"{word_of(row).word}: {word_of(row).meaning}"

    async def do_open(self) -> None:
        """Everything about the payment, live."""
        row: PaymentView | None = self.table.current
        if row is not None:
            name = f"{row.stored.arrival.tx_hash}/{row.stored.arrival.ordinal}"
            await self.open_live(f"Payment {name[:16]}…", partial(_payment_told, row, name))

    def copies(self) -> Sequence[Copyable]:
        """Its transaction, and what a person may do about it."""
        row: PaymentView | None = self.table.current
        if row is None:
            return ()
        found = [Copyable("transaction", row.stored.arrival.tx_hash)]
        found += [Copyable("token", row.token)] if row.token else []
        step = next_step(row)
        return [*found, Copyable("command", step)] if step else found


def _payment_told(row: PaymentView, name: str, shelf: Shelf) -> Told:
    found = [one for one in view_payment(shelf.desk, name) if one.stored.id == row.stored.id]
    if not found:
        raise RelayclearError("this payment isn't in the database any more", hint="relayclear payments list")
    text = payment_page(found[0])
    return Told(lambda _: text, Copyable("transaction", row.stored.arrival.tx_hash))


def _is_cell(row: PaymentView) -> Cell:
    word = word_of(row)
    return Cell(f"{word.glyph} {word.word}", _TONES.get(word.style, ""))


def _amount_cell(row: PaymentView) -> Cell:
    return Cell(visible(coin(row.stored.arrival.coin), 40))


def _token_cell(row: PaymentView) -> Cell:
    if row.token is not None:
        return Cell(visible(row.token, 12))
    return Cell(visible(row.stored.arrival.memo, 40) or "-", "dim")


def _remark_cell(row: PaymentView) -> Cell:
    flaws, step = flaws_words(row), next_step(row)
    if row.token is not None:
        return Cell(flaws or "as quoted", "warn" if flaws else "dim")
    # What is cut off where there is little room is the command, which the opened row tells whole.
    command = f": {' '.join(step.split()[1:3])}" if step else ""
    return Cell(f"{visible(why_line(row), 120)}{command}", "warn")


def _from_cell(row: PaymentView) -> Cell:
    return Cell(short(visible(row.stored.arrival.sender or "not told", 90)))


def _tx_cell(row: PaymentView) -> Cell:
    return Cell(f"{row.stored.arrival.tx_hash[:10]}/{row.stored.arrival.ordinal}")


class SalesView(StackedView):
    """Quotes and payments."""

    kind: ClassVar[str] = "sales"
    panels = (QuotesPanel, PaymentsPanel)
