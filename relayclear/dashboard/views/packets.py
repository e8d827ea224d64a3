"""The view of packets: every pending one, quick with tens of thousands, opened into its story."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from relayclear.clearing.request import Verb, Wish
from relayclear.dashboard.acts import CLEARED
from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.panel import Copyable, TablePanel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found
from relayclear.dashboard.view import View
from relayclear.dashboard.views.packet_cells import age_text, blocked_text, class_cell, path_text
from relayclear.errors import RelayclearError
from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges, Transfer
from relayclear.ibc.text import visible
from relayclear.usecases.board import WORST_FIRST, Order, Picture
from relayclear.usecases.board import Column as By
from relayclear.usecases.board_rows import Known, PacketRow
from relayclear.usecases.board_story import packet_story
from relayclear.wording import clear_command, coin, counted, short, why
from relayclear.wording.board import story_text
from relayclear.wording.glossary import GLOSSARY

_ORDERS = (By.WORST, By.AGE, By.CLASS, By.CHANNEL, By.AMOUNT, By.SENDER, By.RECEIVER)
_HEADINGS = {
    By.AGE: "age",
    By.CLASS: "class",
    By.CHANNEL: "path",
    By.AMOUNT: "amount",
    By.SENDER: "sender",
    By.RECEIVER: "receiver",
}


class Packets(NamedTuple):
    """What the list shows: the rows that fit, of all, and what is known of them."""

    rows: Sequence[PacketRow]
    every: Sequence[PacketRow]
    known: Callable[[PacketKey], Known | None]
    at: datetime

    @property
    def of(self) -> int:
        """How many there are."""
        return len(self.every)


class PacketsPanel(TablePanel):
    """Every pending packet, worst first."""

    title = "Packets"
    tells = (
        "Every packet that was sent and whose journey isn't over, worst first. Enter opens its story from send to "
        "fate, with the command that would clear it. / takes the grammar of packets list --filter: "
        "chain:osmosis-1 age:>30m class:stuck !wallet:…"
    )
    terms = ("packet", "sequence", "stuck", "timed_out", "ack_missing", "blocked", "clear")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._filter_text = ""
        self._filter = Filter()
        self._order = WORST_FIRST
        self._packets: Packets | None = None
        self._requested: Mapping[Hashable, str] = {}
        # Belongs to the reader's thread.
        self._looked: tuple[Picture, tuple[Filter, Order], Packets] | None = None
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[PacketRow]]:
        return (
            Column("path", "path", 26, self._path_cell, grows=True, plain="from → to"),
            Column("sequence", "seq", 6, lambda row: Cell(str(row.sequence)), right=True, plain="number"),
            Column("class", "class", 14, self._class_cell, plain="what is wrong"),
            Column("age", "age", 5, self._age_cell, right=True, plain="since"),
            Column("amount", "amount", 18, self._amount_cell, drop=2, right=True),
            Column("sender", "sender", 16, lambda row: self._wallet(row, "sender"), drop=4, expert=True),
            Column("receiver", "receiver", 16, lambda row: self._wallet(row, "receiver"), drop=3, expert=True),
            Column("why", "why", 18, self._why_cell, drop=1, grows=True),
        )

    # Reading

    def look(self, shelf: Shelf) -> Found[Packets]:
        """The rows that fit the filter, in the chosen order."""
        picture = shelf.board.read(shelf.as_of)
        found = self._chosen(shelf, picture)
        failed = next(iter(picture.unread), None)
        return Found(
            found,
            picture.good_at,
            counted(len(picture.paths), "path"),
            None if failed is None else f"{path_text(failed.path)}: {visible(failed.error or '', 120)}",
            None if failed is None else "relayclear doctor",
            shelf.stale_after,
        )

    def _chosen(self, shelf: Shelf, picture: Picture) -> Packets:
        """What was shown before, where nothing of it can be another: most commits are a daemon's heartbeat."""
        by = (self._filter, self._order)
        before = self._looked
        aging = any(term.key == "age" for term in self._filter.terms) or self._order.column is By.AGE
        if before is not None and before[0] is picture and before[1] == by and not aging:
            return before[2]
        rows = shelf.board.chosen(*by)
        packets = Packets(rows, picture.rows, shelf.board.known(), picture.at)
        self._looked = (picture, by, packets)
        return packets

    def show(self, value: Packets) -> None:
        """Show them."""
        self._packets = value
        if self.table.marked:
            # What is gone can't be chosen any more, and would keep the row under the cursor from being.
            self.table.forget_marks(row.key for row in value.every)
        self.border_subtitle = self._chip(value)
        super().show(value.rows)

    def _chip(self, value: Packets) -> str:
        """The filter stays in sight, with how much of all it lets through."""
        return f"{self._filter_text}  {len(value.rows)} of {value.of}" if self._filter_text else f"{value.of}"

    def empty(self) -> str:
        """What was looked at, where nothing is pending."""
        if self._packets is None or self._packets.rows:
            return ""
        if self._packets.of:
            return f"none of {counted(self._packets.of, 'packet')} fits the filter"
        return f"no pending packets on {self.found.what if self.found else 'any path'}"

    # Cells

    def _known(self, row: PacketRow) -> Known | None:
        return None if self._packets is None else self._packets.known(row.key)

    def _transfer(self, row: PacketRow) -> Transfer | None:
        known = self._known(row)
        return None if known is None else known.transfer

    def _path_cell(self, row: PacketRow) -> Cell:
        return Cell(path_text(row.path))

    def _class_cell(self, row: PacketRow) -> Cell:
        asked = self._requested.get(row.key)
        if asked == CLEARED:
            return Cell(f"✓ {asked}", "good")
        return Cell(f"⧗ {asked}", "warn") if asked else class_cell(row.packet_class)

    def _age_cell(self, row: PacketRow) -> Cell:
        at = self._packets.at if self._packets else row.since
        return Cell(age_text(row.since, at, exact=row.exact))

    def _amount_cell(self, row: PacketRow) -> Cell:
        transfer = self._transfer(row)
        return Cell(visible(coin(transfer.coin), 40)) if transfer else Cell("?", "dim")

    def _wallet(self, row: PacketRow, which: str) -> Cell:
        transfer = self._transfer(row)
        return Cell(short(visible(getattr(transfer, which)))) if transfer else Cell("?", "dim")

    def _why_cell(self, row: PacketRow) -> Cell:
        if self._requested.get(row.key) == CLEARED:
            return Cell("done: the next scan leaves it out", "dim")
        blocked = row.blocked is not None
        return Cell(("✗ " if blocked else "") + visible(why(row), 200), "warn" if blocked else "dim")

    def explained(self) -> str:
        """The class of the row under the cursor in plain words."""
        row = self.table.current
        return self.tells if row is None else f"{row.packet_class.value}: {GLOSSARY.get(row.packet_class.value, '')}"

    # Keys

    @property
    def filter_text(self) -> str:
        """The filter as typed."""
        return self._filter_text

    def narrow(self, text: str) -> None:
        """Show only what fits.  Raises ValueError for a filter that can't be read; the one before stays then."""
        self._filter = Filter.parse(text)
        self._filter_text = text.strip()

    def do_sort(self) -> None:
        """Order by the next column; after the last one the worst first again."""
        at = _ORDERS.index(self._order.column)
        self._order = Order(_ORDERS[(at + 1) % len(_ORDERS)])
        self._say_order()

    def do_turn(self) -> None:
        """The same order, the other way round."""
        self._order = Order(self._order.column, not self._order.reverse)
        self._say_order()

    def _say_order(self) -> None:
        column, reverse = self._order.column, self._order.reverse
        self.table.ordered_by, self.table.turned = _HEADINGS.get(column, ""), reverse
        words = "worst first" if column is By.WORST else column.value
        self.notify(f"Order: {words}{', turned round' if reverse else ''}")
        self.host.nudge()

    def do_mark(self) -> None:
        """Mark the row, or take its mark away."""
        self.table.toggle()

    async def do_open(self) -> None:
        """The packet's story."""
        row = self.table.current
        if row is not None:
            await open_story(self, row.key)

    # What the cursor offers

    def requested(self, waiting: Mapping[Hashable, str]) -> None:
        """Rows for which something was asked say so at once."""
        if waiting != self._requested:
            self._requested = waiting
            self.table.refresh()

    def wishes(self) -> Mapping[str, str | None]:
        """Clearing, selling and muting what is marked."""
        rows = self.table.chosen
        if not rows:
            return {}
        waiting = next((row for row in rows if row.key in self._requested), None)
        busy = None if waiting is None else f"{waiting.key} is {self._requested[waiting.key]} already"
        return {"clear": busy or _unclearable(rows), "quote": busy or _unclearable(rows), "mute": busy}

    def wish(self, name: str) -> Sequence[Wish]:
        """A wish for each channel end that has chosen packets; selling is the wizard's."""
        rows = self.table.chosen
        if name == "mute":
            return [_mute(row) for row in rows]
        if name != "clear":
            return ()
        by_end: dict[ChannelEnd, list[int]] = {}
        for row in rows:
            by_end.setdefault(row.path.source, []).append(row.sequence)
        return [Wish(Verb.CLEAR, end=end, sequences=SequenceRanges.of(found)) for end, found in by_end.items()]

    async def do_quote(self) -> None:
        """Sell what is marked, else what is under the cursor, step by step."""
        # Late: a screen that only looks does without what quotes take.
        from relayclear.dashboard.wizard import open_wizard  # noqa: PLC0415

        await open_wizard(self.host, self.chosen, self.sold)

    def sold(self, keys: Collection[PacketKey]) -> None:
        """A quote was made for these: their marks have done their duty, those of other channels stay."""
        self.table.forget_marks(key for key in self.table.marked if key not in keys)

    @property
    def chosen(self) -> Sequence[PacketRow]:
        """The marked rows, else the one under the cursor."""
        return self.table.chosen

    def copies(self) -> Sequence[Copyable]:
        """Its name, the command that clears it, and who waits for it."""
        row = self.table.current
        if row is None:
            return ()
        found = [Copyable("packet", str(row.key))]
        transfer = self._transfer(row)
        if transfer is not None:
            found += [Copyable("sender", visible(transfer.sender)), Copyable("receiver", visible(transfer.receiver))]
        return [*found, Copyable("command", clear_command(row.path.source, row.sequence))]


async def open_story(panel: TablePanel, key: PacketKey) -> None:
    """Open a packet's story, as the database tells it."""
    host = panel.host
    try:
        story = await host.reader.ask(lambda shelf: packet_story(shelf.desk, key, shelf.as_of), host.as_of)
    except RelayclearError as error:
        panel.notify(error.message, severity="error")
        return
    await host.push_screen(Page(f"Packet {key}", story_text(story)))


def _unclearable(rows: Sequence[PacketRow]) -> str | None:
    blocked = next((row for row in rows if row.blocked is not None), None)
    if blocked is not None and blocked.blocked is not None and len(rows) == 1:
        return blocked_text(blocked.blocked)
    return None


def _mute(row: PacketRow) -> Wish:
    verb = Verb.MUTE if row.muted is None else Verb.UNMUTE
    return Wish(verb, end=row.path.source, sequences=SequenceRanges.of([row.sequence]), why="at the dashboard")


class PacketsView(View):
    """All pending packets."""

    kind: ClassVar[str] = "packets"
    panels = (PacketsPanel,)
