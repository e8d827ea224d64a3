"""Leaving the screen while it carries something out itself, because no watch lives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.ibc.relayer import ClearJob, RelayRun
from tests.dashboard.conftest import Patient, screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import toasts
from tests.fakes.relayer import FakeRelayer, Progress, does_the_job
from tests.fakes.rig import Rig

ARMED = Start(armed=True)


@pytest.fixture
def busy(busy: Rig) -> Rig:
    busy.clock = Patient(busy.world)
    return busy


class Gate:
    """A Hermes that does its job once the gate is opened."""

    def __init__(self) -> None:
        """It is closed, and nobody stands before it."""
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        """Wait for the gate, then do the job."""
        self.reached.set()
        await self.opened.wait()
        return await does_the_job(relayer, job, progress)


async def begun(pilot: Any, rig: Rig, gate: Gate) -> None:
    """Ask for a clear, and wait until its Hermes stands before the gate."""
    rig.relayer.scenarios = [gate]
    await pilot.press("2", "C")
    async with asyncio.timeout(20):
        while not (isinstance(pilot.app.screen, Confirm) and not pilot.app.screen.query_one("#yes").disabled):
            await pilot.pause(0.02)
        await pilot.press("y")
        await gate.reached.wait()


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
@in_loop
async def test_what_the_screen_carries_out_itself_ends_before_the_screen_does(busy: Rig, key: str) -> None:
    await watched(busy)
    gate = Gate()
    async with screen(busy, ARMED) as pilot:
        await begun(pilot, busy, gate)
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.is_running
        assert any("q again cuts it short" in said for said in toasts(pilot.app))
        gate.opened.set()
        async with asyncio.timeout(20):
            while pilot.app._exit is False:
                await pilot.pause(0.05)
    [operation] = busy.journal.operations(10)
    assert operation_state(operation) is OperationState.CLEARED


@in_loop
async def test_pressed_again_it_leaves_at_once_and_the_next_one_judges_what_was_done(busy: Rig) -> None:
    await watched(busy)
    gate = Gate()
    async with screen(busy, ARMED) as pilot:
        await begun(pilot, busy, gate)
        await pilot.press("q", "q")
    [operation] = busy.journal.operations(10)
    assert operation_state(operation) in {OperationState.RUNNING, OperationState.UNKNOWN, OperationState.FAILED}
    # Whoever works next finds the request begun: it is judged, and no second Hermes is started.
    await watched(busy)
    [operation] = busy.journal.operations(10)
    assert len(busy.relayer.jobs) == 1
    assert operation_state(operation) not in {OperationState.RUNNING, OperationState.CLEARED}
