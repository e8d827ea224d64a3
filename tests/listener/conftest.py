"""A network that has seen some of everything, and a listener over it on a real port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from relayclear.ibc.packet import SequenceRanges
from relayclear.listener.serving import listening
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.scan import scan
from relayclear.usecases.vitals import Vitals
from relayclear.usecases.watching import beat, being_alone
from tests.fakes.daemon import scan_and_note
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter


def look_around(rig: Rig, notes: Vitals | None = None) -> Vitals:
    """What a daemon notes in a round."""
    notes = notes or Vitals(rig.desk)
    scan_and_note(rig.desk, notes)
    asyncio.run(notes.check_hermes())
    asyncio.run(notes.check_gas())
    beat(rig.desk, rig.clock.now(), {}, notes)
    return notes


@pytest.fixture
def watched(rig: Rig) -> Iterator[Rig]:
    """A daemon has just looked at everything."""
    with being_alone(rig.desk):
        look_around(rig)
        yield rig


@pytest.fixture
def traded(rig: Rig, tmp_path: Path) -> Iterator[Counter]:
    """A token cleared, one paid too much for, one under way, a clear by hand, something stuck; watched."""
    counter = Counter(rig, tmp_path / "shop")
    counter.bought(rig.stuck())
    counter.work()
    second = counter.quote(rig.stuck())
    counter.pay(second, second.price.amount + 77)
    counter.blocks(2)
    counter.read()
    counter.work()
    (by_hand,) = rig.stuck()
    request = ClearRequest(by_hand.end, SequenceRanges.of([by_hand.sequence]))
    plan = asyncio.run(plan_clear(rig.desk, request))
    asyncio.run(run_clear(rig.desk, plan, Watcher(asyncio.Event())))
    counter.bought(rig.stuck())
    rig.stuck(count=2)
    counter.read()
    with being_alone(rig.desk):
        asyncio.run(scan(rig.desk))
        rig.clock.step(600)
        look_around(rig)
        yield counter


@dataclass(frozen=True)
class Ears:
    """Asks a listener over HTTP."""

    desk: Desk
    token: str | None = None

    def __call__(self, path: str, method: str = "GET", **asked: object) -> httpx.Response:
        """One question."""
        return self.all([lambda client: client.request(method, path, **asked)])[0]  # type: ignore[arg-type]

    def all(self, questions: list[Callable[[httpx.AsyncClient], object]]) -> list[httpx.Response]:
        """Several, over one connection."""

        async def run() -> list[httpx.Response]:
            async with (
                listening(self.desk, "127.0.0.1:0", self.token) as port,
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
            ):
                return [await question(client) for question in questions]  # type: ignore[misc]

        return asyncio.run(run())
