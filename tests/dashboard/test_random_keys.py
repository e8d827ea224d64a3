"""A part of what `python -m tests.long keys` does for longer."""

from __future__ import annotations

import asyncio

from textual import events

from relayclear.dashboard.actions import VIEWS
from relayclear.dashboard.host import Start
from tests.dashboard.conftest import screen, watched
from tests.dashboard.keys import played
from tests.dashboard.loop import in_loop
from tests.fakes.rig import Rig


def test_any_keys_crash_an_armed_screen_or_act_without_a_yes(busy: Rig) -> None:
    in_loop(watched)(busy)

    seen = asyncio.run(played(busy, 300, seed=8))

    assert seen.views == set(VIEWS)
    assert {"Page", "Confirm", "Palette"} <= seen.screens


@in_loop
async def test_a_second_esc_or_enter_closes_what_lies_below_or_ends_the_screen(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, Start(armed=True)) as pilot:
        for keys in (("question_mark", "escape", "escape"), ("ctrl+p", "down", "enter", "enter"), ("C", "n", "n")):
            for key in ("2", *keys):
                pilot.app.simulate_key(key)
            await pilot.pause()
            await pilot.app.settled()
            assert pilot.app.broken is None, keys
            while len(pilot.app.screen_stack) > 1:
                await pilot.press("escape")


@in_loop
async def test_a_page_key_in_a_palette_that_is_not_drawn_yet_ends_the_screen(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        pilot.app.simulate_key("ctrl+p")
        pilot.app.simulate_key("pageup")
        await pilot.pause()
        assert pilot.app.broken is None


@in_loop
async def test_keys_typed_while_it_is_being_left_end_it_as_a_mistake(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        pass
    # Its screens are gone, and the terminal still hands over what was typed meanwhile.
    assert not pilot.app._screen_stack
    await pilot.app.on_event(events.Key("j", "j"))
    assert pilot.app.broken is None
