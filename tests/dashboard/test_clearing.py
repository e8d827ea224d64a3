"""From C to the recorded result: nothing is asked without a yes, and what was asked is told to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from relayclear.clearing.breaker import path_name
from relayclear.clearing.request import RequestState
from relayclear.dashboard.acts import Asked
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.dashboard.states import Found, Trouble
from relayclear.dashboard.views.packets import PacketsPanel
from relayclear.errors import NodeError
from relayclear.ibc.packet import PacketKey
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.requests import requests
from relayclear.usecases.watching import being_alone
from tests.dashboard.conftest import Patient, screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import cells, seen, toasts
from tests.fakes.rig import Rig

ARMED = Start(armed=True, who="ada")


@pytest.fixture
def busy(busy: Rig) -> Rig:
    busy.clock = Patient(busy.world)
    return busy


async def until(pilot: Any, holds: Callable[[], bool], *, step: float = 0) -> None:
    """Wait, round after round, until something holds; so many seconds of the world pass with each."""
    last = time.monotonic() + 30
    while time.monotonic() < last:
        await pilot.app.settled()
        await pilot.pause()
        if holds():
            return
        pilot.app.desk.clock.step(step)
    raise AssertionError(seen(pilot.app))


async def asked(pilot: Any) -> None:
    """Press C, and wait for the plan."""
    await pilot.press("C")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "reading the chains" not in seen(pilot.app))


def states(rig: Rig) -> list[RequestState]:
    return [view.state for view in requests(rig.desk, 10)]


@in_loop
async def test_two_marked_packets_are_cleared_without_their_plan_or_told_badly(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED, (120, 40)) as pilot:
        await pilot.press("2", "space", "space")
        table = pilot.app.query_one(PacketsPanel).table
        chosen = sorted(row.sequence for row in table.chosen)
        await asked(pilot)
        assert pilot.app.focused.id == "no"
        assert "clear: is this right?" in seen(pilot.app)
        assert all(f"#{sequence} " in seen(pilot.app) for sequence in chosen)
        assert states(busy) == []

        await pilot.press("y")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1 and states(busy) != [])
        assert table.marked == set()
        await until(pilot, lambda: states(busy) == [RequestState.DONE])
        # No watch lives here: this very process did it, and said so.
        assert any("here" in said or "this screen" in said for said in toasts(pilot.app)), toasts(pilot.app)
        assert busy.relayer.jobs
        assert not set(chosen) & set(busy.pending())


@in_loop
async def test_a_mark_on_a_packet_that_is_gone_keeps_the_one_under_the_cursor_from_being_cleared(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2")
        await pilot.app.settled()
        table = pilot.app.query_one(PacketsPanel).table
        table.go([row.sequence for row in table.rows].index(1))
        await pilot.press("space")
        busy.world.relay(PacketKey(*busy.source, 1))
        await watched(busy)
        await until(pilot, lambda: 1 not in [row.sequence for row in table.rows])

        assert table.marked == set()
        assert pilot.app.context().wishes["clear"] is None


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
@in_loop
async def test_what_is_no_yes_counts_as_one(busy: Rig, key: str) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2")
        await asked(pilot)
        await pilot.press(key)
        await pilot.app.settled()
        await pilot.pause()

        assert len(pilot.app.screen_stack) == 1
        assert states(busy) == []
        assert busy.relayer.jobs == []


@in_loop
async def test_a_yes_before_the_plan_is_read_asks_for_what_nobody_saw(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        dialog = Confirm("clear: is this right?", "clear")
        said: list[bool | None] = []
        await pilot.app.push_screen(dialog, said.append)
        await pilot.press("y")
        await pilot.pause()
        assert said == []
        dialog.plan(["✗ it can't be cleared"], possible=False)
        await pilot.press("y")
        await pilot.pause()
        assert said == []
        dialog.plan(["clear 1"], possible=True)
        await pilot.press("y")
        await pilot.pause()
        assert said == [True]


@in_loop
async def test_a_row_that_was_asked_for_looks_like_any_other(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED, (120, 40)) as pilot:
        await pilot.press("2")
        panel = pilot.app.query_one(PacketsPanel)
        row = panel.table.current
        panel.requested({row.key: "requested"})
        await pilot.pause()

        assert "⧗ requested" in seen(pilot.app)
        await pilot.press("C")
        await pilot.pause()
        assert any("is requested already" in said for said in toasts(pilot.app))
        assert len(pilot.app.screen_stack) == 1


@in_loop
async def test_hermes_is_started_against_a_breaker_that_opened_since_the_plan(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED, (120, 40)) as pilot:
        await pilot.press("2")
        await asked(pilot)
        open_breaker(busy.desk, path_name(busy.source), "the key is being moved", "ada")
        await pilot.press("y")
        await until(pilot, lambda: states(busy) == [RequestState.REFUSED], step=60)
        await until(pilot, lambda: any("the key is being moved" in said for said in toasts(pilot.app)))

        # Nothing was run, and the row is what it was before.
        assert busy.relayer.jobs == []
        assert "⧗" not in seen(pilot.app)


@in_loop
async def test_a_key_that_somebody_else_holds_leaves_the_row_waiting_for_ever(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED, (120, 40)) as pilot:
        await pilot.press("2")
        await asked(pilot)
        for chain in busy.chains:
            busy.relayer.held[chain, "clearing"] = "another relayclear"
        await pilot.press("y")
        await until(pilot, lambda: states(busy) == [RequestState.REFUSED], step=60)

        assert busy.relayer.jobs == []
        await until(pilot, lambda: "⧗" not in seen(pilot.app))
        assert any("another relayclear" in said for said in toasts(pilot.app)), toasts(pilot.app)


@in_loop
async def test_a_screen_that_only_looks_acts_or_does_not_say_how_to_arm_it(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        assert "READ-ONLY" in seen(pilot.app)
        await pilot.press("2", "C")
        await pilot.pause()

        assert any("relayclear dashboard --act" in said for said in toasts(pilot.app))
        assert len(pilot.app.screen_stack) == 1
        assert states(busy) == []


@in_loop
async def test_the_past_is_acted_on(busy: Rig) -> None:
    await watched(busy)
    busy.clock.step(60)
    busy.world.send(busy.source)
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2", "left_square_bracket")
        await until(pilot, lambda: pilot.app.as_of is not None)
        assert "THE PAST" in seen(pilot.app)
        await pilot.press("C")
        await pilot.pause()

        assert any("the past can't be changed" in said for said in toasts(pilot.app))
        assert states(busy) == []


@in_loop
async def test_what_was_asked_for_here_is_not_carried_out_or_told_where_a_watch_lives(busy: Rig) -> None:
    await watched(busy)
    with being_alone(busy.desk):
        async with screen(busy, ARMED) as pilot:
            await pilot.press("2")
            await asked(pilot)
            await pilot.press("y")
            await until(pilot, lambda: states(busy) != [])
            assert any("watch" in said for said in toasts(pilot.app)), toasts(pilot.app)
            # The screen leaves it to the watch: nothing is begun before that looks.
            await pilot.app.settled(3)
            assert states(busy) == [RequestState.REQUESTED]
            assert busy.relayer.jobs == []

            await watched(busy)
            await until(pilot, lambda: any("done" in said or "cleared" in said for said in toasts(pilot.app)))
    [view] = requests(busy.desk, 9)
    assert view.state is RequestState.DONE
    assert (view.carrier or "").startswith("watch ")
    assert len(busy.relayer.jobs) == 1


@in_loop
async def test_a_cleared_packet_looks_stuck_until_the_next_scan(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2")
        first = pilot.app.panel.table.current.key
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: states(busy) == [RequestState.DONE], step=1)
        await pilot.app.settled()
        assert first in [row.key for row in pilot.app.panel.table.rows]
        assert cells(pilot, PacketsPanel, "class")[0] == "✓ cleared"
        assert "already" in (pilot.app.panel.wishes()["clear"] or "")
        await watched(busy)
        await pilot.app.settled()
        assert first not in [row.key for row in pilot.app.panel.table.rows]
        assert "✓ cleared" not in cells(pilot, PacketsPanel, "class")


@in_loop
async def test_a_node_that_answers_at_the_second_look_has_its_plan_refused(busy: Rig) -> None:
    await watched(busy)
    shown: list[str] = []

    class Mends(Patient):
        """Whoever waits for it finds the node well."""

        async def sleep(self, seconds: float) -> None:
            """Mend it."""
            shown.append(str(pilot.app.screen.query_one("#plan").render()))
            busy.alpha.down = None
            await super().sleep(seconds)

    busy.clock = Mends(busy.world)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2")
        busy.alpha.down = NodeError("behind by a block")
        await asked(pilot)
        await until(pilot, lambda: not pilot.app.screen.query_one("#yes").disabled)
        assert "reading the chains again" in shown[0]
        assert "behind by a block" not in seen(pilot.app)


@in_loop
async def test_a_node_that_stays_away_is_asked_for_ever(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2")
        busy.alpha.down = NodeError("refused")
        await pilot.press("C")
        await until(pilot, lambda: "✗" in seen(pilot.app) and "again" not in seen(pilot.app))
        assert "refused" in seen(pilot.app)
        assert pilot.app.screen.query_one("#yes").disabled


@pytest.mark.parametrize(("typed", "kept"), [("known: chain halts", "known: chain halts"), ("", "at the dashboard")])
@in_loop
async def test_a_mute_keeps_another_reason_than_was_typed(busy: Rig, typed: str, kept: str) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.press("2", "M")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "reading the" not in seen(pilot.app))
        assert pilot.app.focused.id == "no"
        if typed:
            pilot.app.screen.query_one("#reason").focus()
            await pilot.pause()
            # Letters that mean something elsewhere are letters here.
            for letter in typed:
                await pilot.press({" ": "space", ":": "colon"}.get(letter, letter))
            assert states(busy) == []
            await pilot.press("enter")
        else:
            await pilot.press("y")
        await until(pilot, lambda: states(busy) == [RequestState.DONE])
    [view] = requests(busy.desk, 9)
    assert view.wish.why == kept
    assert [mute.reason for mute in busy.journal.mutes(busy.clock.now())] == [kept]


@in_loop
async def test_what_was_cleared_long_ago_is_called_cleared_just_now_where_the_scan_cannot_be_read(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, ARMED) as pilot:
        await pilot.app.settled()
        acts = pilot.app.acts
        before, scanned_at = acts._seen, acts._scanned_at
        assert scanned_at == pilot.app.top.value.scanned_at
        acts.take(Found(Asked([], {"op-1": {1: "recv"}}), None), Trouble("the database is locked", "again"))
        assert (acts._seen is before, acts._steps, acts._scanned_at) == (True, {}, scanned_at)
