"""Aligned text for people: columns that drop in a declared order when the screen is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  `drop` is the order in which columns leave a narrow screen; 0 stays for ever.

    `flexible` ones are cut when nothing is left to drop.
    """

    title: str
    drop: int = 0
    right: bool = False
    flexible: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style of rich's, empty for none."""

    text: str
    style: str = ""


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows under titles, fitting the console's width; what is cut ends in an ellipsis.

    Rich's own table crops at the screen's edge without a mark, which makes 1000000 of 1000000000.
    """
    from rich.text import Text

    widths = _widths(columns, rows, console.width)
    titles = [Cell(column.title, "dim") for column in columns]
    lines = [_line(columns, row, widths) for row in (titles, *rows)]
    console.print(Text("\n").join(lines), soft_wrap=True)


def _line(columns: Sequence[Column], row: Sequence[Cell], widths: Mapping[int, int]) -> Text:
    from rich.text import Text

    cells = []
    for index, width in widths.items():
        text = Text(row[index].text, style=row[index].style)
        text.truncate(width, overflow="ellipsis")
        text.align("right" if columns[index].right else "left", width)
        cells.append(text)
    line = Text("  ").join(cells)
    line.rstrip()
    return line


def _width(index: int, column: Column, rows: Sequence[Sequence[Cell]]) -> int:
    from rich.cells import cell_len

    return max([cell_len(column.title), *(cell_len(row[index].text) for row in rows)])


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> dict[int, int]:
    """The columns that stay, with their widths.  On a screen too narrow for all that, lines are wider than it."""
    widths = {index: _width(index, column, rows) for index, column in enumerate(columns)}
    # A flexible column may shrink to 20 cells before another column has to leave.
    while _over(columns, widths, width, 20) > 0:
        droppable = [index for index in widths if columns[index].drop]
        if not droppable:
            break
        del widths[max(droppable, key=lambda index: columns[index].drop)]
    for floor in (20, 6):
        while sum(widths.values()) + 2 * (len(widths) - 1) > width:
            wide = [index for index in widths if columns[index].flexible and widths[index] > floor]
            if not wide:
                break
            widths[max(wide, key=lambda index: widths[index])] -= 1
    return widths


def _over(columns: Sequence[Column], widths: Mapping[int, int], width: int, floor: int) -> int:
    least = (min(floor, wanted) if columns[index].flexible else wanted for index, wanted in widths.items())
    return sum(least) + 2 * (len(widths) - 1) - width
