"""Columns: which go first where the terminal is narrow, and cells of exactly their width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from relayclear.dashboard.columns import GAP, Cell, Column, fitted, placed


def column(name: str, width: int, drop: int = 0, *, grows: bool = False, expert: bool = False) -> Column[str]:
    return Column(name, name, width, Cell, drop=drop, grows=grows, expert=expert)


COLUMNS = (
    column("path", 20, grows=True),
    column("age", 5),
    column("sender", 10, drop=2, expert=True),
    column("amount", 10, drop=1),
    column("why", 10, drop=3),
)


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (59, ["path", "age", "sender", "amount", "why"]),
        (58, ["path", "age", "sender", "amount"]),
        (47, ["path", "age", "amount"]),
        (36, ["path", "age"]),
        (5, ["path", "age"]),
    ],
)
def test_a_narrow_terminal_drops_what_matters_most(width: int, names: list[str]) -> None:
    assert [one.column.name for one in placed(COLUMNS, width, expert=True)] == names


def test_plain_words_show_what_only_experts_need() -> None:
    assert "sender" not in [one.column.name for one in placed(COLUMNS, 200, expert=False)]


@given(st.integers(0, 300))
def test_columns_are_wider_than_the_terminal_or_leave_room(width: int) -> None:
    found = placed(COLUMNS, width, expert=True)
    taken = sum(one.width for one in found) + GAP * (len(found) - 1)

    assert taken == max(width, 20 + 5 + GAP)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), st.integers(0, 60), st.booleans())
def test_a_wide_letter_pushes_the_columns_behind_it_aside(text: str, width: int, right: bool) -> None:  # noqa: FBT001
    assert cell_len(fitted(text, width, right=right)) == width


def test_a_part_of_a_text_passes_for_the_whole() -> None:
    assert fitted("osmosis-1", 9, right=False) == "osmosis-1"
    assert fitted("osmosis-1", 8, right=False) == "osmosis…"
    # Half of a letter of two cells can't be drawn.
    assert fitted("世界世界", 4, right=False) == "世 …"
    assert fitted("7", 3, right=True) == "  7"
