"""The big table: what an update may not do to cursor, marks and place, with as many rows as a hub has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult

from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.table import BigTable
from tests.dashboard.loop import in_loop

MANY = 23_757
drawn: list[int] = []


def _cell(row: int) -> Cell:
    drawn.append(row)
    return Cell(str(row))


class Shown(App[None]):
    """One table."""

    moved = 0

    def compose(self) -> ComposeResult:
        """The table."""
        yield BigTable((Column("n", "n", 8, _cell, right=True),), key=lambda row: row)

    @property
    def table(self) -> BigTable:
        """The table."""
        return self.query_one(BigTable)

    def on_big_table_moved(self) -> None:
        """Count."""
        self.moved += 1

    def lines(self) -> list[str]:
        """The rows as they stand on the screen."""
        return [self.table.render_line(y).text.strip() for y in range(1, self.table.size.height)]


@asynccontextmanager
async def shown(rows: Sequence[int]) -> AsyncIterator[tuple[Shown, Any]]:
    app = Shown()
    async with app.run_test(size=(40, 12)) as pilot:
        app.table.focus()
        app.table.show(rows)
        await pilot.pause()
        yield app, pilot


@in_loop
async def test_rows_that_come_above_push_the_cursor_to_another_row() -> None:
    async with shown(range(MANY)) as (app, pilot):
        app.table.go(20_000)
        app.table.toggle()
        app.table.go(20_005)
        await pilot.pause()
        before = app.lines()
        app.table.show([*range(-500, 0), *range(MANY)])
        await pilot.pause()

        assert app.table.current == 20_005
        assert app.table.marked == {20_000}
        assert app.lines() == before


@in_loop
async def test_the_row_under_the_cursor_goes_and_the_cursor_jumps_to_the_top() -> None:
    async with shown(range(MANY)) as (app, pilot):
        app.table.go(20_000)
        await pilot.pause()
        app.table.show([row for row in range(MANY) if row != 20_000])
        await pilot.pause()

        assert app.table.current == 20_001
        assert "20001" in "".join(app.lines())


@in_loop
async def test_all_rows_below_the_cursor_go_and_it_stands_on_nothing() -> None:
    async with shown(range(MANY)) as (app, pilot):
        app.table.go(MANY - 1)
        await pilot.pause()
        app.table.show(range(3))
        await pilot.pause()

        assert app.table.current == 2
        assert app.lines()[:3] == ["0", "1", "▸        2"]


@in_loop
async def test_no_rows_at_all_break_the_keys() -> None:
    async with shown(()) as (app, pilot):
        for move in (1, -1, 100, -100):
            app.table.move(move)
        app.table.toggle()
        app.table.go(-1)
        await pilot.pause()

        assert app.table.current is None
        assert app.table.chosen == []
        app.table.show(range(3))
        assert app.table.current == 0


@in_loop
async def test_a_row_that_comes_and_goes_under_the_cursor_is_acted_on_without_a_word() -> None:
    async with shown(range(5)) as (app, pilot):
        await pilot.pause()
        before = app.moved
        app.table.show(range(1, 5))
        await pilot.pause()
        assert app.moved == before + 1
        # The same row under the cursor is no news.
        app.table.show(range(1, 9))
        await pilot.pause()
        assert app.moved == before + 1


@in_loop
async def test_a_refresh_draws_rows_that_nobody_sees() -> None:
    async with shown(range(MANY)) as (app, pilot):
        app.table.go(10_000)
        await pilot.pause()
        drawn.clear()
        app.table.show(range(MANY))
        await pilot.pause()

        assert len(set(drawn)) <= app.table.size.height


@in_loop
async def test_the_cursor_leaves_the_screen() -> None:
    async with shown(range(MANY)) as (app, pilot):
        for to in (0, MANY - 1, 11, 12, 0):
            app.table.go(to)
            await pilot.pause()
            assert any(line.endswith(f" {to}") or line == str(to) for line in app.lines()), to


@in_loop
async def test_marks_of_rows_that_went_are_acted_on() -> None:
    async with shown(range(9)) as (app, _pilot):
        app.table.toggle()
        app.table.toggle()
        app.table.show(range(1, 9))

        assert app.table.chosen == [1]


@in_loop
async def test_a_click_opens_a_row_that_is_not_there() -> None:
    async with shown(range(3)) as (app, pilot):
        await pilot.click(BigTable, offset=(3, 2))
        assert app.table.current == 1
        await pilot.click(BigTable, offset=(3, 9))
        assert app.table.current == 1
        await pilot.click(BigTable, offset=(3, 0))
        assert app.table.current == 1


@pytest.mark.parametrize("arrow", ["▼", "▲"])
@in_loop
async def test_nobody_sees_what_rows_are_ordered_by(arrow: str) -> None:
    async with shown(range(3)) as (app, _pilot):
        app.table.ordered_by, app.table.turned = "n", arrow == "▲"

        assert app.table.render_line(0).text.strip() == f"n{arrow}"
