"""A daemon while nodes and Hermes are away: what waits, what goes on, and how it heals without anybody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.breaker import Admission, BreakerState, endpoint_name, path_name
from relayclear.errors import NodeError, RefusedError
from relayclear.money.state import TokenState
from relayclear.store import history
from tests.fakes import relayer as hermes
from tests.fakes.chain import FakeChain
from tests.fakes.rig import Rig, opened_rig
from tests.test_watch import Lines, SharedClock, daemon, until
from tests.usecases.counter import Counter

BETA = endpoint_name("beta-1", "http://beta-1:26657")


class Tended(FakeChain):
    """A chain whose one endpoint has a breaker, as the adapter has it: looked at whenever anybody looks after it."""

    rig: Rig

    async def probe(self) -> None:
        """Ask the node, where anybody may."""
        name = endpoint_name(self.id, self.endpoint)
        if self.rig.breakers.enter(name):
            self.rig.breakers.heard(name, self.down.message if self.down else None)


@pytest.fixture
def counter(tmp_path: Path) -> Any:
    with opened_rig(tmp_path) as rig:
        rig.clock = SharedClock(rig.world)
        for name in rig.chains:
            tended = Tended(rig.world, name)
            tended.rig = rig
            rig.chains[name] = tended
        yield Counter(rig, tmp_path / "shop")


def state(counter: Counter, name: str = BETA) -> BreakerState:
    return counter.rig.breakers.find(name).at(counter.rig.clock.now())


def told(counter: Counter) -> list[str]:
    found = history.page(counter.rig.journal.database, 50, search=history.Search(subject=BETA))
    return [event.what for event in reversed(found)]


def test_a_node_that_freezes_stops_quotes_and_delays_work_which_is_done_when_it_is_back(counter: Counter) -> None:
    rig = counter.rig
    others = rig.stuck(count=2)
    waiting = counter.quote(rig.stuck())
    log = Lines()
    watch = daemon(counter, log)
    rig.beta.down = NodeError("beta-1: it hangs")
    counter.pay(waiting)
    begun = rig.clock.now()
    asyncio.run(until(watch, lambda: told(counter) == ["breaker_opened"]))
    opened_at = rig.breakers.find(BETA).opened_at
    assert opened_at is not None
    assert (opened_at - begun).total_seconds() < 60
    # Stopping took a while on this clock: by now a probe may be due.
    asyncio.run(rig.beta.probe())
    with pytest.raises(RefusedError, match=f"nothing is sold now: {BETA} is open until"):
        counter.quote(others)
    asyncio.run(until(daemon(counter, log), lambda: log.events().count("scanned") > 8))
    assert counter.view(waiting).state in {TokenState.PAID, TokenState.CLEARING}
    assert rig.relayer.jobs == []
    assert counter.task(waiting).tries == 0
    rig.beta.down = None
    asyncio.run(until(daemon(counter, log), lambda: counter.view(waiting).state is TokenState.CLEARED))
    assert state(counter) is BreakerState.CLOSED
    assert told(counter) == ["breaker_opened", "breaker_closed"]
    # Whatever happens is told to whoever reads the log.
    assert {"breaker_opened", "breaker_closed"} <= {*log.events()}
    assert counter.quote(others)


def test_the_other_chain_is_read_and_paid_for_all_the_while(counter: Counter) -> None:
    rig = counter.rig
    token = counter.quote(rig.stuck())
    rig.beta.down = NodeError("beta-1: it hangs")
    counter.pay(token)
    log = Lines()
    asyncio.run(until(daemon(counter, log), lambda: counter.view(token).state is not TokenState.OPEN))
    assert [fields["chain"] for _, event, fields in log.told if event == "chain not read"][:1] == ["beta-1"]


def test_a_hermes_that_went_away_is_tried_again_without_work_for_it(counter: Counter) -> None:
    rig = counter.rig
    name = path_name(rig.source)
    for _ in range(5):
        rig.breakers.heard(name, "there is no program 'hermes'")
    rig.relayer.scenarios = [hermes.does_the_job]
    asyncio.run(until(daemon(counter, Lines()), lambda: rig.breakers.admits(name) is Admission.ALL))
    assert rig.relayer.jobs == []
