"""One panel: what it shows, how good that is, and what keys do in it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from relayclear.clearing.request import Wish
from relayclear.dashboard.columns import Column
from relayclear.dashboard.host import Host
from relayclear.dashboard.lines import Line
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Shape, Standing, Trouble, glyph, standing
from relayclear.dashboard.table import BigTable


class Copyable(NamedTuple):
    """Something of a row that is worth copying: what it is, and the text itself."""

    what: str
    text: str


class Panel(Vertical):
    """A titled part of a view.  `look` runs in the reader's thread and touches no widget; `show` runs in the app's.

    The last good rows stay while newer ones can't be read, dimmed, with a line that says why.
    """

    title: ClassVar[str]
    tells: ClassVar[str]
    """A sentence for the help: what this panel shows."""
    terms: ClassVar[Sequence[str]] = ()
    """Words of the glossary that its help explains."""

    found: Found[Any] | None = None
    trouble: Trouble | None = None

    class Changed(Message):
        """The panel shows something else now, or its cursor moved."""

    def compose(self) -> ComposeResult:
        """The line that says how good it is, and the body."""
        yield Line(classes="standing")
        yield from self.body()

    def body(self) -> ComposeResult:
        """The widgets below the line."""
        raise NotImplementedError

    def look(self, shelf: Shelf) -> Found[Any]:
        """Read what the panel shows."""
        raise NotImplementedError

    def show(self, value: Any) -> None:
        """Show what was read."""
        raise NotImplementedError

    def empty(self) -> str:
        """What is said where there is nothing to show: what was looked at."""
        return ""

    def on_mount(self) -> None:
        """The title stands in the border, and below it at once that nothing is read yet."""
        self.border_title = self.title
        self.tell(self.host.desk.clock.now())

    def take(self, answer: Found[Any] | Trouble, now: datetime) -> None:
        """Take an answer of the reader: a good one is shown, a bad one said."""
        if isinstance(answer, Trouble):
            self.trouble = answer
        else:
            self.trouble = None
            if self.found is None or self.found.value is not answer.value:
                self.found = answer
                self.show(answer.value)
            self.found = answer
        self.tell(now)

    def tell(self, now: datetime) -> None:
        """Say how good it is as of now."""
        how = self.standing(now)
        self.query_one(".standing", Line).say(self.line(how))
        for shape in Shape:
            self.set_class(shape is how.shape, f"-{shape.name.lower()}")

    def line(self, how: Standing) -> str:
        """The line above the body."""
        if how.shape is Shape.FRESH:
            return self._fresh(how)
        return f"{glyph(how.shape)} {how.shape.value}: {how.words}" + (f"  try: {how.hint}" if how.hint else "")

    def _fresh(self, how: Standing) -> str:
        return f"{glyph(how.shape)} {self.empty() or how.words}"

    def standing(self, now: datetime) -> Standing:
        """Its state as of now."""
        return standing(self.found, self.trouble, now)

    @property
    def speaks(self) -> bool:
        """Whether it has anything to tell: a panel that hasn't may be left out where there is little room."""
        return self.trouble is not None or (self.found is not None and self.found.error is not None)

    def explained(self) -> str:
        """In plain words, what the row under the cursor means."""
        return self.tells

    def speak(self, *, expert: bool) -> None:
        """In field terms, or in plain words."""

    @property
    def filter_text(self) -> str | None:
        """The filter as typed; None for a panel that shows all it has, always."""
        return None

    def narrow(self, text: str) -> None:
        """Show only what fits.  Raises ValueError for a filter that can't be read; the one before stays then."""

    @property
    def host(self) -> Host:
        """The screen."""
        return cast("Host", self.app)

    def step_back(self) -> bool:
        """Drop the filter where there is one; whether there was anything to go back from."""
        if not self.filter_text:
            return False
        self.narrow("")
        return True

    # What the cursor offers

    def wishes(self) -> Mapping[str, str | None]:
        """The acts that the cursor or the marks offer, each with why it can't be done now (None: it can)."""
        return {}

    def wish(self, name: str) -> Sequence[Wish]:  # noqa: ARG002 - most panels offer nothing
        """What an acting key would ask for now; empty where there is nothing."""
        return ()

    def asked(self) -> None:
        """It was asked for: marks have done their duty."""

    def requested(self, waiting: Mapping[Hashable, str]) -> None:
        """What of the rows was asked for and isn't over, with how far it is."""

    def copies(self) -> Sequence[Copyable]:
        """What of the row may be copied, the likeliest first."""
        return ()


class TablePanel(Panel):
    """A panel whose body is a table."""

    columns: ClassVar[Sequence[Column[Any]]]

    def body(self) -> ComposeResult:
        """The table."""
        yield BigTable(self.columns, self.key)

    def key(self, row: Any) -> Any:
        """What names a row through updates."""
        return row.key

    @property
    def table(self) -> BigTable:
        """The table."""
        return self.query_one(BigTable)

    @property
    def speaks(self) -> bool:
        """Rows, or what keeps them from being read."""
        return bool(self.table.rows) or super().speaks

    def show(self, value: Any) -> None:
        """Show the rows."""
        self.table.show(value)
        self.post_message(self.Changed())

    def on_big_table_moved(self) -> None:
        """Other acts may be possible now."""
        self.post_message(self.Changed())

    def asked(self) -> None:
        """The marks have done their duty."""
        self.table.unmark()

    def step_back(self) -> bool:
        """The filter goes first, then the marks."""
        if super().step_back():
            return True
        marked = bool(self.table.marked)
        if marked:
            self.table.unmark()
        return marked

    def speak(self, *, expert: bool) -> None:
        """Other headings, fewer columns."""
        self.table.expert = expert
        self.table.place()

    def do_down(self) -> None:
        """The next row."""
        self.table.move(1)

    def do_up(self) -> None:
        """The row before."""
        self.table.move(-1)

    def do_page_down(self) -> None:
        """As many rows on as are in sight."""
        self.table.move(self.table.page())

    def do_page_up(self) -> None:
        """As many rows back as are in sight."""
        self.table.move(-self.table.page())

    def do_top(self) -> None:
        """The first row."""
        self.table.go(0)

    def do_bottom(self) -> None:
        """The last row."""
        self.table.go(len(self.table.rows) - 1)
