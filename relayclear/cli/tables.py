"""Aligned text for people: columns that leave a narrow screen in a declared order, and what left is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relayclear.cli.lines import filled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


_UNDER = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  `drop` is the order in which columns leave a narrow screen, the highest first; 0 stays for ever.

    A column that `folds` holds what a person looks for in a sentence: it goes on in the next line, and never leaves
    for good, but goes under the row.  So does a hash or an address in it that is wider than the column.  The others
    are named under the table once they left.  What doesn't fit when nothing is left to drop is cut where a column is
    `flexible`.
    """

    title: str
    drop: int = 0
    right: bool = False
    flexible: bool = False
    folds: bool = False

    @property
    def shrinks(self) -> bool:
        """Whether it can be narrower than what stands in it."""
        return self.flexible or self.folds


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style of rich's, empty for none."""

    text: str
    style: str = ""


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows under titles, fitting the console's width; what is cut ends in an ellipsis, what is folded doesn't.

    Which columns there was no room for is said: who doesn't see a column doesn't know that there is one.
    Rich's own table crops at the screen's edge without a mark, which makes 1000000 of 1000000000.
    """
    from rich.text import Text

    widths = _widths(columns, rows, console.width)
    # What stands under its row is titled there.
    titles = [Cell(column.title if index in widths else "", "dim") for index, column in enumerate(columns)]
    lines = [line for row in (titles, *rows) for line in _lines(console, columns, row, widths)]
    left = [column.title for index, column in enumerate(columns) if index not in widths and not column.folds]
    if left:
        lines.append(Text(filled(f"no room for: {', '.join(left)}", _UNDER, console.width), style="dim"))
    console.print(Text("\n").join(lines), soft_wrap=True)


def _lines(
    console: Console, columns: Sequence[Column], row: Sequence[Cell], widths: Mapping[int, int]
) -> Iterator[Text]:
    """A row, in as many lines as its longest folded cell takes, and what can't be folded whole under it."""
    from rich.text import Text

    # What no line of the screen holds can't be kept whole: it is a stranger's, and folded like the rest.
    most = console.width - len(_UNDER)
    whole = {
        index for index, width in widths.items() if columns[index].folds and width < _longest_word(row[index]) <= most
    }
    cells = {
        index: [Text()] if index in whole else _cell(console, columns[index], row[index], width)
        for index, width in widths.items()
    }
    for number in range(max(map(len, cells.values()), default=0)):
        shown = []
        for index, parts in cells.items():
            text = parts[number] if number < len(parts) else Text()
            text.align("right" if columns[index].right else "left", widths[index])
            shown.append(text)
        line = Text("  ").join(shown)
        line.rstrip()
        yield line
    for index, column in enumerate(columns):
        if index in whole:
            yield Text(filled(row[index].text, _UNDER, console.width), style=row[index].style)
        elif column.folds and index not in widths and row[index].text:
            yield from _under(console, f"{_UNDER}{column.title}: ", row[index])


def _under(console: Console, lead: str, cell: Cell) -> Iterator[Text]:
    """A cell that has no column, in lines under its row."""
    from rich.text import Text

    lines = Text(cell.text, style=cell.style).wrap(console, max(console.width - len(lead), 1), overflow="fold")
    for number, line in enumerate(lines):
        line.rstrip()
        yield Text(lead if number == 0 else " " * len(lead), style=cell.style) + line


def _longest_word(cell: Cell) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cell.text.split()), default=0)


def _cell(console: Console, column: Column, cell: Cell, width: int) -> list[Text]:
    """The lines of one cell."""
    from rich.text import Text

    text = Text(cell.text, style=cell.style)
    if column.folds and text.cell_len > width:
        return list(text.wrap(console, width, overflow="fold"))
    text.truncate(width, overflow="ellipsis")
    return [text]


def _width(index: int, column: Column, rows: Sequence[Sequence[Cell]]) -> int:
    from rich.cells import cell_len

    return max([cell_len(column.title), *(cell_len(row[index].text) for row in rows)])


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> dict[int, int]:
    """The columns that stay, with their widths.  On a screen too narrow for all that, lines are wider than it."""
    widths = {index: _width(index, column, rows) for index, column in enumerate(columns)}
    # A column that shrinks may do so down to 20 cells before another column has to leave.
    while _over(columns, widths, width, 20) > 0:
        droppable = [index for index in widths if columns[index].drop]
        if not droppable:
            break
        del widths[max(droppable, key=lambda index: columns[index].drop)]
    for floor in (20, 6):
        while sum(widths.values()) + 2 * (len(widths) - 1) > width:
            wide = [index for index in widths if columns[index].shrinks and widths[index] > floor]
            if not wide:
                break
            widths[max(wide, key=lambda index: widths[index])] -= 1
    return widths


def _over(columns: Sequence[Column], widths: Mapping[int, int], width: int, floor: int) -> int:
    least = (min(floor, wanted) if columns[index].shrinks else wanted for index, wanted in widths.items())
    return sum(least) + 2 * (len(widths) - 1) - width
