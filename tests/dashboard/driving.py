"""Ways about the screen that several tests go."""

from __future__ import annotations

from typing import Any

from relayclear.ibc.packet import PacketKey
from tests.fakes import relayer as hermes
from tests.usecases.counter import Counter


async def tab_to(pilot: Any, panel: type[Any]) -> None:
    """Tab until a panel has the keys; it is no more than a round away."""
    for _ in range(6):
        if isinstance(pilot.app.panel, panel):
            break
        await pilot.press("tab")
        await pilot.pause()
    assert isinstance(pilot.app.panel, panel)


async def opened(pilot: Any, view: str) -> None:
    """Open a view by its number, and have it read."""
    await pilot.press(view)
    await pilot.app.settled()
    await pilot.pause()


def wait_for_a_retry(counter: Counter) -> None:
    """A paid packet that Hermes doesn't move."""
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    counter.bought([PacketKey(*counter.rig.source, 1)])
    counter.work()
