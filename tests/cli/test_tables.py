"""Tables: nothing is cut without a mark, columns leave in their order, pipes lose nothing."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from relayclear.cli.tables import Cell, Column, print_table

COLUMNS = (
    Column("class"),
    Column("amount", right=True, drop=1),
    Column("sender", drop=2),
    Column("why", folds=True, drop=3),
)
ROW = ("stuck", "1000000000 stake", "cosmos1sender", "nobody delivers it and nobody will")


def page(width: int, *rows: tuple[str, ...], columns: tuple[Column, ...] = COLUMNS) -> list[str]:
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    print_table(out, columns, [[Cell(text) for text in row] for row in rows])
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_a_wide_screen_shows_everything_aligned() -> None:
    assert page(120, ROW) == [
        "class            amount  sender         why",
        "stuck  1000000000 stake  cosmos1sender  nobody delivers it and nobody will",
    ]


def test_columns_leave_in_their_declared_order() -> None:
    assert [page(width, ROW)[0].split() for width in (60, 45, 38, 10)] == [
        ["class", "amount", "sender", "why"],
        ["class", "amount", "sender"],
        ["class", "amount", "sender"],
        ["class"],
    ]


def test_a_sentence_that_has_no_room_goes_under_its_row_and_what_else_left_is_said() -> None:
    assert page(45, ROW, ("stuck", "1 stake", "cosmos1other", "")) == [
        "class            amount  sender",
        "stuck  1000000000 stake  cosmos1sender",
        "  why: nobody delivers it and nobody will",
        "stuck           1 stake  cosmos1other",
    ]
    assert page(30, ROW) == [
        "class            amount",
        "stuck  1000000000 stake",
        "  why: nobody delivers it and",
        "       nobody will",
        "  no room for: sender",
    ]


def test_an_amount_is_whole_or_absent_never_cut() -> None:
    for width in range(5, 80):
        text = "\n".join(page(width, ROW))
        assert "1000000000 stake" in text or "1000" not in text


def test_what_is_cut_says_so() -> None:
    columns = (Column("chain"), Column("note", flexible=True))
    (_, line) = page(30, ("alpha-1", "x" * 100), columns=columns)
    assert line == "alpha-1  " + "x" * 20 + "…"


def test_a_sentence_loses_its_end_on_a_narrow_screen() -> None:
    columns = (Column("chain"), Column("why", folds=True), Column("n", right=True))
    assert page(35, ("alpha-1", "nobody delivers it and nobody will", "7"), columns=columns) == [
        "chain    why                      n",
        "alpha-1  nobody delivers it and   7",
        "         nobody will",
    ]


def test_a_hash_is_broken_where_nobody_can_paste_it_from() -> None:
    columns = (Column("when"), Column("about", folds=True), Column("n", right=True))
    assert page(80, ("today", f"beta-1/{'AB' * 32}", "7" * 20), columns=columns) == [
        "when   about" + " " * 67 + "n",
        "today" + " " * 55 + "7" * 20,
        f"  beta-1/{'AB' * 32}",
    ]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=200), st.integers(40, 200))
def test_what_is_folded_loses_a_letter(text: str, width: int) -> None:
    columns = (Column("chain"), Column("why", folds=True))
    said = page(width, ("alpha-1", text), columns=columns)[1:]
    assert "".join(line.removeprefix("alpha-1").strip() for line in said) == text


def test_a_screen_too_narrow_gets_long_lines_not_lost_letters() -> None:
    (_, line) = page(3, ("alpha-1/channel-0",), columns=(Column("channel"),))
    assert line == "alpha-1/channel-0"


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)] * 4), max_size=5))
def test_no_line_is_wider_than_a_screen_that_holds_the_fixed_columns(rows: list[tuple[str, ...]]) -> None:
    fixed = max([5, *(cell_len(row[0]) for row in rows)])
    assert all(cell_len(line) <= max(80, fixed) for line in page(80, *rows))
