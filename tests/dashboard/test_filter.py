"""The filter line: what is typed narrows at once, what can't be read says why, and nothing is hidden unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from relayclear.dashboard.filterline import FilterLine
from relayclear.dashboard.views.packets import PacketsPanel
from tests.dashboard.conftest import screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import lines, seen, toasts
from tests.fakes.rig import Rig


def shown(app: Any) -> list[int]:
    """The sequences in the list."""
    return sorted(row.sequence for row in app.query_one(PacketsPanel).table.rows)


async def typed(pilot: Any, text: str) -> None:
    """Type into what has the keys, and wait until it is shown."""
    for letter in text:
        await pilot.press("space" if letter == " " else letter)
    await pilot.app.settled()
    await pilot.pause()


@in_loop
async def test_a_filter_has_to_be_entered_before_anything_is_seen(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:timed_out")
        assert shown(pilot.app) == [2]
        assert "class:timed_out  1 of 4" in seen(pilot.app)

        await typed(pilot, " chain:beta-1")
        assert shown(pilot.app) == []
        assert "none of 4 packets fits the filter" in seen(pilot.app)


@in_loop
async def test_a_filter_that_is_half_typed_says_nothing(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:stu")
        assert "✗ no class 'stu'; did you mean stuck?" in lines(pilot.app)[-1]
        await typed(pilot, "ck")

        assert "✗" not in lines(pilot.app)[-1]
        assert shown(pilot.app) == [1]


@in_loop
async def test_a_filter_that_can_not_be_read_shows_everything(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:timed_out")
        pilot.app.query_one(FilterLine).insert_text_at_cursor(" agee:[5m")
        await typed(pilot, "")

        assert shown(pilot.app) == [2]
        assert "class:timed_out  1 of 4" in seen(pilot.app)
        assert "✗ no filter key 'agee'; did you mean age?" in lines(pilot.app)[-1]


@in_loop
async def test_a_filter_that_was_kept_is_lost_or_goes_unseen(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:timed_out")
        await pilot.press("enter")
        await pilot.pause()
        assert not pilot.app.query_one(FilterLine).display
        await pilot.press("1", "2", "j", "s")
        await pilot.app.settled()
        await pilot.pause()

        assert shown(pilot.app) == [2]
        assert "class:timed_out  1 of 4" in seen(pilot.app)
        await pilot.press("slash")
        await typed(pilot, " chain:beta-1")
        assert "class:timed_out chain:beta-1  0 of 4" in seen(pilot.app)


@pytest.mark.parametrize("keys", [("escape",), ("enter", "escape")])
@in_loop
async def test_esc_leaves_the_filter_in_force(busy: Rig, keys: tuple[str, ...]) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:timed_out")
        await pilot.press(*keys)
        await pilot.app.settled()
        await pilot.pause()

        assert len(shown(pilot.app)) == 4
        assert "class:timed_out" not in seen(pilot.app)
        # The keys go to the list again.
        await pilot.press("j")
        assert pilot.app.query_one(PacketsPanel).table.cursor == 1


@in_loop
async def test_esc_takes_filter_and_marks_at_once(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "chain:alpha-1")
        await pilot.press("enter", "space", "escape")
        await pilot.app.settled()
        table = pilot.app.query_one(PacketsPanel).table
        assert (pilot.app.query_one(PacketsPanel).filter_text, len(table.marked)) == ("", 1)
        await pilot.press("escape")
        await pilot.pause()
        assert table.marked == set()


@in_loop
async def test_letters_of_a_filter_are_taken_for_keys(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "Cqjp2?")

        assert pilot.app.query_one(PacketsPanel).filter_text == "Cqjp2?"
        assert pilot.app.view.kind == "packets"
        assert len(pilot.app.screen_stack) == 1


@in_loop
async def test_tab_leaves_an_open_filter_line_behind(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "class:timed_out")
        await pilot.press("tab")
        await pilot.pause()

        assert not pilot.app.query_one(FilterLine).display
        assert pilot.app.query_one(PacketsPanel).filter_text == "class:timed_out"


@in_loop
async def test_a_panel_without_a_filter_says_nothing(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("slash")
        await pilot.pause()

        assert any("always shows all" in said for said in toasts(pilot.app))
        assert not pilot.app.query_one(FilterLine).display
