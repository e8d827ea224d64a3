"""Truth tables out of docstrings: the table that people read is the one that is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Row = tuple[str, ...]
Case = TypeVar("Case")


def table(rule: Callable[..., object]) -> list[Row]:
    """The rows of the table in a function's docstring, without the head, ticks taken off."""
    return _lines(rule)[2:]


def head_of(rule: Callable[..., object]) -> Row:
    """What the columns of that table are about."""
    return _lines(rule)[0]


def _lines(rule: Callable[..., object]) -> list[Row]:
    lines = [line.strip() for line in (rule.__doc__ or "").splitlines() if line.strip().startswith("|")]
    rows = [tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|")) for line in lines]
    assert len({len(row) for row in rows}) == 1, f"ragged table in {rule.__name__}"
    return rows


def by_first_row(
    rows: Sequence[Row], cases: Iterable[Case], fits: Callable[[Row, Case], bool]
) -> dict[Row, list[Case]]:
    """The cases under the first row that fits each; a case without a row is a hole in the table."""
    found: dict[Row, list[Case]] = {row: [] for row in rows}
    for case in cases:
        found[next(row for row in rows if fits(row, case))].append(case)
    return found
