"""A screen over a database that the rehearsal's fakes filled, as `watch` would have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.host import Start
from relayclear.ibc.coin import Coin
from relayclear.watch import Rhythm, Watch
from tests.fakes.rig import Rig
from tests.fakes.world import FakeClock, address


class Patient(FakeClock):
    """Whoever waits gives way to others, and no time passes: what works in the background doesn't outrun the screen."""

    async def sleep(self, seconds: float) -> None:
        """Give way."""
        self.slept.append(seconds)
        await asyncio.sleep(0.01)


class Silent:
    """A log that nobody reads."""

    def _nothing(self, event: str, **fields: Any) -> None:
        """Forget it."""

    info = warning = error = _nothing


LOOKING = Start()


@pytest.fixture
def busy(rig: Rig) -> Rig:
    """One packet of each kind: 1 and 5 stuck, 2 timed out, 3 delivered without its acknowledgement, 4 in flight."""
    world, end = rig.world, rig.source
    world.send(end, sender=address("payer", "alpha-1"), receiver=address("payee", "beta-1"))
    world.send(end, timeout_seconds=60, coin=Coin("transfer/channel-7/uatom", 10**30))
    world.deliver(world.send(end))
    rig.clock.step(3600)
    world.send(end)
    rig.clock.step(30)
    return rig


async def watched(rig: Rig) -> None:
    """One whole round of `watch`, as it would have been made a moment ago."""
    await Watch(rig.desk, Rhythm(), Silent(), asyncio.Event()).once()


@asynccontextmanager
async def screen(rig: Rig, start: Start = LOOKING, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Any]:
    """The screen, driven by a pilot, once its first round of reading is shown."""
    app = Dashboard(rig.desk, start)
    async with app.run_test(size=size) as pilot:
        await app.settled()
        await pilot.pause()
        yield pilot
