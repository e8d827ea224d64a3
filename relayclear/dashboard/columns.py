"""Columns of a table: what each shows of a row, and which go first where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size

R = TypeVar("R")
GAP = 1


class Cell(NamedTuple):
    """One cell: its text, cleaned already, and what it means: ``good``, ``warn``, ``bad``, ``dim`` or nothing."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column.  `drop`: the higher, the earlier it goes where width lacks; 0 never goes.

    `grows` takes what width is left; `plain` is its heading in plain words; `expert` hides it there.
    `order` gives what to sort by, None where sorting makes no sense.
    """

    name: str
    heading: str
    width: int
    cell: Callable[[R], Cell]
    drop: int = 0
    grows: bool = False
    right: bool = False
    plain: str = ""
    expert: bool = False
    order: Callable[[R], Any] | None = None
    tells: str = ""


class Placed(NamedTuple):
    """A column in its place: how wide it is drawn."""

    column: Column[Any]
    width: int


def placed(columns: Sequence[Column[Any]], width: int, *, expert: bool) -> list[Placed]:
    """The columns that fit into so many cells, in their order; those of the highest `drop` go first."""
    kept = [column for column in columns if expert or not column.expert]
    while _needed(kept) > width and any(column.drop for column in kept):
        kept.remove(max(kept, key=lambda column: column.drop))
    left = max(0, width - _needed(kept))
    growing = [column for column in kept if column.grows]
    more = {column.name: left // len(growing) for column in growing}
    for column in growing[: left % len(growing) if growing else 0]:
        more[column.name] += 1
    return [Placed(column, column.width + more.get(column.name, 0)) for column in kept]


def _needed(columns: Sequence[Column[Any]]) -> int:
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)


def fitted(text: str, width: int, *, right: bool) -> str:
    """A text in exactly so many cells; what is cut ends in an ellipsis, so that nobody takes a part for the whole."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, max(0, width - 1)) + "…", width) if width else ""
    return " " * (width - length) + text if right else text + " " * (width - length)
