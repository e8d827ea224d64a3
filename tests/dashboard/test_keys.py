"""What the keys that look do: order, marks, pause, the past, help, palette, words and colours."""

from __future__ import annotations

from typing import Any

from relayclear.dashboard.host import Start
from relayclear.dashboard.palette import Possible
from relayclear.dashboard.views.packets import PacketsPanel
from tests.dashboard.conftest import screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import seen, toasts
from tests.fakes.rig import Rig


async def pressed(pilot: Any, *keys: str) -> str:
    """The screen after these keys."""
    await pilot.press(*keys)
    await pilot.app.settled()
    await pilot.pause()
    return seen(pilot.app)


def order(app: Any) -> list[int]:
    return [row.sequence for row in app.query_one(PacketsPanel).table.rows]


@in_loop
async def test_the_order_can_not_be_chosen_or_is_not_shown(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pressed(pilot, "2")
        worst = order(pilot.app)
        shown = await pressed(pilot, "s")
        assert "age▼" in shown
        by_age = order(pilot.app)
        assert by_age[-1] == 4
        assert "age▲" in await pressed(pilot, "o")
        assert order(pilot.app)[0] == 4
        await pressed(pilot, *("s" * 6))
        assert order(pilot.app) == worst


@in_loop
async def test_a_screen_held_still_moves_or_loses_what_came_meanwhile(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        assert "PAUSED" in await pressed(pilot, "2", "p")
        busy.world.send(busy.source)
        busy.clock.step(10)
        await watched(busy)
        await pilot.app.settled()
        assert order(pilot.app) == [2, 1, 3, 4]

        shown = await pressed(pilot, "p")
        assert "PAUSED" not in shown
        assert len(order(pilot.app)) == 5


@in_loop
async def test_the_past_passes_for_now(busy: Rig) -> None:
    await watched(busy)
    busy.clock.step(60)
    busy.world.send(busy.source)
    busy.clock.step(5)
    await watched(busy)
    busy.clock.step(5)
    async with screen(busy, Start(armed=True)) as pilot:
        await pressed(pilot, "2")
        assert len(order(pilot.app)) == 5
        for _ in range(3):
            shown = await pressed(pilot, "left_square_bracket")
            if len(order(pilot.app)) == 4:
                break
        assert len(order(pilot.app)) == 4
        assert "THE PAST" in shown
        assert "acting is off" in shown
        await pressed(pilot, "C")
        assert any("the past can't be changed" in said for said in toasts(pilot.app))

        assert "THE PAST" not in await pressed(pilot, "equals_sign")
        assert len(order(pilot.app)) == 5


@in_loop
async def test_the_palette_offers_what_can_not_be_done(busy: Rig) -> None:
    await watched(busy)

    async def offered(pilot: Any) -> list[str]:
        """The palette's lines, before anything is typed."""
        return [hit.text or "" async for hit in Possible(pilot.app.screen).discover()]

    async with screen(busy) as pilot:
        await pressed(pilot, "2")
        looking = await offered(pilot)
        assert any(line.startswith("looks: sort") for line in looking)
        assert not any(line.startswith(("spends:", "acts:", "pays:")) for line in looking)
    async with screen(busy, Start(armed=True)) as pilot:
        await pressed(pilot, "2")
        assert "spends: clear  (C)" in await offered(pilot)
        await pressed(pilot, "left_square_bracket")


@in_loop
async def test_help_glossary_and_copy_show_nothing_or_stay(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        shown = await pressed(pilot, "2", "question_mark")
        assert "Help: Packets" in shown
        assert "start it with relayclear dashboard --act" in shown.replace("\n", " ")
        assert "Glossary" in await pressed(pilot, "escape", "f1")
        shown = await pressed(pilot, "escape", "y")
        assert "relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 2" in shown
        assert "alpha-1/channel-0/2" in shown
        await pressed(pilot, "escape")
        assert len(pilot.app.screen_stack) == 1


@in_loop
async def test_plain_words_and_other_colours_can_not_be_had(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        shown = await pressed(pilot, "2", "f2")
        assert "what is wrong" in shown
        assert "receiver" not in shown.splitlines()[4]
        assert "timed_out: " in shown
        assert "what is wrong" not in await pressed(pilot, "f2")
        await pressed(pilot, "t")
        assert pilot.app.theme == "relayclear-light"


@in_loop
async def test_every_heartbeat_draws_all_packets_anew(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pressed(pilot, "2")
        panel = pilot.app.query_one(PacketsPanel)
        before = panel.found.value
        busy.clock.step(5)
        await pilot.app.settled()
        assert panel.found.value is before
        busy.world.send(busy.source)
        busy.clock.step(5)
        await watched(busy)
        await pilot.app.settled()
        assert len(panel.found.value.rows) == 5


@in_loop
async def test_an_operators_own_key_does_nothing_or_the_old_one_still_works(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, Start(keys={"pause": "K", "sort": ""})) as pilot:
        await pressed(pilot, "2", "p", "s")
        assert not pilot.app.paused
        assert order(pilot.app) == [2, 1, 3, 4]
        await pressed(pilot, "K")
        assert pilot.app.paused
