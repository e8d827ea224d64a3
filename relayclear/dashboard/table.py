"""A table that draws only the rows in sight: it stays quick with tens of thousands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from relayclear.dashboard.columns import GAP, Cell, Column, Placed, fitted, placed

_MARK_WIDTH = 2
_MARKED, _HERE, _NEW = "●", "▸", "+"


class BigTable(ScrollView):
    """Rows by key: an update keeps the cursor, the marks and the place on the screen.

    The rows are whatever sequence the view hands out; nothing of them is copied, and a cell is made when
    it is drawn.
    """

    can_focus = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "big-table--heading",
        "big-table--cursor",
        "big-table--marked",
        "big-table--good",
        "big-table--warn",
        "big-table--bad",
        "big-table--dim",
    }
    DEFAULT_CSS = """
    BigTable { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    BigTable > .big-table--heading { text-style: bold underline; }
    BigTable > .big-table--cursor { text-style: reverse; }
    BigTable > .big-table--marked { text-style: bold; }
    BigTable > .big-table--good { color: $success; }
    BigTable > .big-table--warn { color: $warning; }
    BigTable > .big-table--bad { color: $error; text-style: bold; }
    BigTable > .big-table--dim { text-style: dim; }
    """
    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, table: BigTable) -> None:
            self.table = table
            super().__init__()

    class Opened(Message):
        """A row is to be opened."""

        def __init__(self, table: BigTable) -> None:
            self.table = table
            super().__init__()

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        key: Callable[[Any], Hashable],
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own word
    ) -> None:
        super().__init__(name=name, id=id)
        self.columns = columns
        self.key = key
        self.rows: Sequence[Any] = ()
        self.marked: set[Hashable] = set()
        self.fresh: set[Hashable] = set()
        self.ordered_by = ""
        self.turned = False
        self.expert = True
        self._placed: list[Placed] = []
        # By line of the screen, so that it never grows beyond what is in sight.
        self._drawn: dict[int, tuple[int, tuple[Cell, ...]]] = {}

    # Rows

    def show(self, rows: Sequence[Any]) -> None:
        """Show these rows instead, with the cursor on the row it was on, at the same height on the screen."""
        before = self.current
        offset = self.cursor - self.scroll_offset.y
        was = None if before is None else self.key(before)
        self.rows = rows
        at = self._place_of(was, self.cursor)
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        moved = at != self.cursor
        self.set_reactive(BigTable.cursor, at)
        if moved:
            self.scroll_to(y=max(0, at - offset), animate=False, force=True, immediate=True)
        self.refresh()
        after = self.current
        if (None if after is None else self.key(after)) != was:
            self.post_message(self.Moved(self))

    def _place_of(self, key: Hashable, near: int) -> int:
        """Where a row stands now; where it is gone, the place it had, within the rows."""
        if not self.rows:
            return 0
        if key is not None:
            if near < len(self.rows) and self.key(self.rows[near]) == key:
                return near
            for index, row in enumerate(self.rows):
                if self.key(row) == key:
                    return index
        return min(near, len(self.rows) - 1)

    @property
    def current(self) -> Any:
        """The row under the cursor, None where there are none."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def chosen(self) -> list[Any]:
        """The marked rows, else the one under the cursor."""
        if self.marked:
            return [row for row in self.rows if self.key(row) in self.marked]
        return [] if self.current is None else [self.current]

    # What keys do

    def move(self, by: int) -> None:
        """Move the cursor so many rows."""
        self.go(self.cursor + by)

    def go(self, to: int) -> None:
        """Put the cursor on a row, in sight."""
        self.cursor = max(0, min(to, len(self.rows) - 1))

    def page(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - 1)

    def toggle(self) -> None:
        """Mark the row under the cursor or take its mark away, and go on to the next."""
        if self.current is not None:
            self.marked ^= {self.key(self.current)}
            self.refresh()
            self.move(1)
            self.post_message(self.Moved(self))

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self.refresh()
        self.post_message(self.Moved(self))

    def forget_marks(self, known: Iterable[Hashable]) -> None:
        """Keep only the marks of these rows."""
        kept = self.marked & set(known)
        if kept != self.marked:
            self.marked = kept
            self.refresh()
            self.post_message(self.Moved(self))

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw the two rows, and keep the cursor in sight."""
        self._redraw(before)
        self._redraw(after)
        top, height = self.scroll_offset.y, self.page()
        if after < top:
            self.scroll_to(y=after, animate=False, force=True, immediate=True)
        elif after >= top + height:
            self.scroll_to(y=after - height + 1, animate=False, force=True, immediate=True)
        self.post_message(self.Moved(self))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on the row; two open it."""
        row = event.y - 1 + self.scroll_offset.y
        if event.y >= 1 and row < len(self.rows):
            self.go(row)
            if event.chain > 1:
                self.post_message(self.Opened(self))

    # Drawing

    def tick(self) -> None:
        """Draw again those rows in sight whose words changed by themselves, as an age does: mostly none."""
        top = self.scroll_offset.y
        for index in range(top, min(len(self.rows), top + self.page())):
            if self._drawn.get(index - top) != (index, self._cells(self.rows[index])):
                self._redraw(index)

    def _cells(self, row: Any) -> tuple[Cell, ...]:
        return tuple(column.cell(row) for column, _ in self._placed)

    def on_resize(self) -> None:
        """The columns that fit may be others now."""
        self.place()

    def place(self) -> None:
        """Choose the columns that fit."""
        self._placed = placed(self.columns, max(0, self.size.width - _MARK_WIDTH - 1), expert=self.expert)
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self.refresh()

    @property
    def shown_columns(self) -> list[str]:
        """The names of the columns that fit now."""
        return [one.column.name for one in self._placed]

    def _redraw(self, row: int) -> None:
        y = row - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the headings, or a row."""
        width = self.size.width
        if y == 0:
            return self._heading(width)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        return self._row(index, width)

    def _heading(self, width: int) -> Strip:
        style = self.rich_style + self.get_component_rich_style("big-table--heading", partial=True)
        words = []
        for column, size in self._placed:
            text = column.plain if not self.expert and column.plain else column.heading
            arrow = ("▲" if self.turned else "▼") if column.name == self.ordered_by else ""
            words.append(fitted(f"{text}{arrow}", size, right=column.right))
        return Strip([Segment(" " * _MARK_WIDTH + (" " * GAP).join(words), style)]).adjust_cell_length(width, style)

    def _row(self, index: int, width: int) -> Strip:
        row = self.rows[index]
        key, here = self.key(row), index == self.cursor
        base = self.rich_style
        marked = key in self.marked
        if marked:
            base += self.get_component_rich_style("big-table--marked", partial=True)
        if here and self.has_focus:
            base += self.get_component_rich_style("big-table--cursor", partial=True)
        sign = _MARKED if marked else _HERE if here else _NEW if key in self.fresh else " "
        segments = [Segment(sign.ljust(_MARK_WIDTH), base)]
        cells = self._cells(row)
        self._drawn[index - self.scroll_offset.y] = (index, cells)
        for number, ((column, size), cell) in enumerate(zip(self._placed, cells, strict=True)):
            text = fitted(cell.text, size, right=column.right)
            # Reversed, a tone would be a patch of colour: the glyphs and words say it too.
            segments.append(Segment(text, base if here and self.has_focus else self._toned(base, cell.tone)))
            if number + 1 < len(self._placed):
                segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(width, base)

    def _toned(self, base: Style, tone: str) -> Style:
        return base + self.get_component_rich_style(f"big-table--{tone}", partial=True) if tone else base

    def on_focus(self) -> None:
        """The cursor is drawn stronger where keys go."""
        self._redraw(self.cursor)

    def on_blur(self) -> None:
        """And weaker where they don't."""
        self._redraw(self.cursor)
