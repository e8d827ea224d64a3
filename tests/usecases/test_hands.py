"""Without a `watch` the asking process carries requests out itself, and steps aside as soon as one lives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relayclear.ibc.coin import Coin
from relayclear.money.policy import Mode
from relayclear.store import watchers
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.store.watchers import Watcher
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk
from relayclear.usecases.hands import CarriedBy, Hands
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.refund_send import holding_wallet
from relayclear.usecases.requests import RequestState, RequestView, Verb, Wish, ask
from relayclear.usecases.watching import being_alone
from relayclear.watch import Rhythm, Watch
from tests.fakes.rig import Rig, opened_rig
from tests.test_watch import Lines, SharedClock
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import TTL, Giver
from tests.usecases.requesting import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened_rig(tmp_path) as rig:
        rig.clock = SharedClock(rig.world)
        yield Office(rig)


def heartbeat(office: Office, pid: int = 1) -> None:
    with office.database.atomic() as tx:
        watchers.beat(tx, Watcher(pid, office.rig.clock.now(), office.rig.clock.now(), {}))


@contextmanager
def another_desk(office: Office) -> Iterator[Desk]:
    """The desk of another process."""
    assert office.database.path is not None
    with open_database(office.database.path) as database:
        breakers = Breakers(database, office.rig.clock)
        yield replace(office.desk, journal=Journal(database), breakers=breakers)


async def turns(office: Office, done: Any, most: int = 100_000) -> None:
    """Let time go by until something holds."""
    clock = office.rig.clock
    assert isinstance(clock, SharedClock)
    for turn in range(most):
        await asyncio.sleep(0)
        if done():
            return
        if turn % 25 == 0:
            clock.on()
    raise AssertionError("it never came to that")


async def ended(office: Office, running: asyncio.Task[Any]) -> None:
    await turns(office, running.done)
    await running


def is_over(office: Office, *asked: RequestView) -> bool:
    return all(office.view(one).ended_at is not None for one in asked)


def test_where_no_watch_lives_the_asking_process_carries_out_what_it_is_asked(office: Office) -> None:
    office.rig.stuck(count=2)
    request = office.clear("2")

    async def work() -> None:
        stop = asyncio.Event()
        hands = Hands(office.desk, "dashboard")
        running = asyncio.create_task(hands.run(stop))
        await turns(office, lambda: is_over(office, request))
        stop.set()
        await ended(office, running)
        assert hands.busy == 0

    asyncio.run(work())
    view = office.view(request)
    assert (view.state, office.runs, office.rig.pending()) == (RequestState.DONE, ["2"], [1])
    assert (view.carrier or "").startswith("dashboard ")


def test_a_program_that_means_to_end_lets_a_run_of_hermes_end_and_begins_nothing_more(office: Office) -> None:
    office.rig.stuck(count=2)
    first = office.clear("1")

    async def work() -> None:
        stop = asyncio.Event()
        hands = Hands(office.desk, "dashboard")
        running = asyncio.create_task(hands.run(stop))
        await turns(office, lambda: len(office.runs) == 1)
        assert hands.busy == 1
        hands.begin_no_more()
        second = office.clear("2")
        await turns(office, lambda: hands.busy == 0)
        assert (office.view(first).state, office.view(second).state) == (RequestState.DONE, RequestState.REQUESTED)
        later = office.rig.clock.boot()[1] + 20
        await turns(office, lambda: office.rig.clock.boot()[1] > later)
        assert office.runs == ["1"]
        stop.set()
        await ended(office, running)

    asyncio.run(work())


def test_while_a_watch_lives_the_asking_process_begins_nothing_and_goes_on_when_it_has_gone(office: Office) -> None:
    office.rig.stuck()

    async def work() -> None:
        stop = asyncio.Event()
        with being_alone(office.desk):
            heartbeat(office)
            hands = Hands(office.desk, "dashboard")
            assert hands.carrier() is CarriedBy.WATCH
            running = asyncio.create_task(hands.run(stop))
            request = office.clear("1")
            begun = office.rig.clock.boot()[1]
            await turns(office, lambda: office.rig.clock.boot()[1] > begun + 60)
            assert office.runs == []
        # It was killed: its heartbeat stays, its lock doesn't.
        await turns(office, lambda: is_over(office, request))
        assert office.view(request).state is RequestState.DONE
        stop.set()
        await ended(office, running)

    asyncio.run(work())


def test_a_watch_that_starts_while_the_dashboard_works_takes_over_and_nothing_is_done_twice(office: Office) -> None:
    office.rig.stuck(count=8)
    asked = [office.clear(str(sequence)) for sequence in (1, 3)]

    async def work() -> None:
        stop = asyncio.Event()
        with another_desk(office) as here, another_desk(office) as there:
            running = asyncio.create_task(Hands(here, "dashboard").run(stop))
            await turns(office, lambda: len(office.runs) == 1)
            # In the middle of its run: the watch begins, and more is asked for.
            watch = Watch(there, Rhythm(), Lines(), asyncio.Event())
            with being_alone(there):
                watching = asyncio.create_task(watch.run())
                asked.extend(office.clear(str(sequence)) for sequence in (5, 7))
                await turns(office, lambda: is_over(office, *asked))
                later = office.clear("8")
                await turns(office, lambda: is_over(office, later))
                assert (office.view(later).carrier or "").startswith("watch ")
                watch.stop.set()
                await ended(office, watching)
            stop.set()
            await ended(office, running)

    asyncio.run(work())
    assert [office.view(one).state for one in asked] == [RequestState.DONE] * 4
    assert sorted(office.runs) == ["1", "3", "5", "7", "8"]
    assert office.rig.pending() == [2, 4, 6]


@pytest.mark.parametrize("once", [True, False])
def test_a_monitor_that_spends_nothing_by_itself_carries_out_a_persons_order(rig: Rig, once: bool) -> None:  # noqa: FBT001 - a case
    rig.clock = SharedClock(rig.world)
    office = Office(rig)
    rig.stuck(count=4)
    request = office.clear("2,3")
    watch = Watch(office.desk, Rhythm(), Lines(), asyncio.Event())
    assert watch.role.mode.value == "monitor"

    async def work() -> None:
        running = asyncio.create_task(watch.once() if once else watch.run())
        await turns(office, lambda: is_over(office, request))
        watch.stop.set()
        await ended(office, running)

    asyncio.run(work())
    assert (office.view(request).state, office.runs, rig.pending()) == (RequestState.DONE, ["2..3"], [1, 4])
    assert (office.view(request).carrier or "").startswith("watch ")


def test_a_refund_that_a_person_asks_for_is_sent_once_by_a_seller_and_its_own_sweep_tells_of_no_trouble(
    office: Office, tmp_path: Path
) -> None:
    giver = Giver(office.rig, tmp_path / "shop", refund_rules=RefundRules(mode=Mode.APPROVE, check_seconds=3))
    giver.pay(giver.quote(office.rig.stuck()), 400_000)
    giver.settle()
    office.rig.clock.step(TTL + 60)
    giver.settle()
    (owed,) = giver.owed()
    log = Lines()
    watch = Watch(giver.desk, Rhythm(), log, asyncio.Event())
    assert watch.role.mode.value == "seller"
    request = ask(giver.desk, Wish(Verb.REFUND, owed.id, amount=Coin("stake", 395_000)), "ada")

    async def work() -> None:
        running = asyncio.create_task(watch.run())
        await turns(office, lambda: is_over(office, request))
        watch.stop.set()
        await ended(office, running)

    asyncio.run(work())
    assert (office.view(request).state, office.view(request).code) == (RequestState.DONE, "confirmed")
    assert giver.paid_to("alice") == [395_000]
    assert log.events("error") == []
    giver.check_books()


def test_two_sweeps_of_one_wallet_in_one_program_take_turns_instead_of_telling_of_trouble(
    office: Office, tmp_path: Path
) -> None:
    giver = Giver(office.rig, tmp_path / "shop", refund_rules=RefundRules(mode=Mode.APPROVE))
    giver.pay(giver.quote(office.rig.stuck()), 400_000)
    giver.settle()
    office.rig.clock.step(TTL + 60)
    giver.settle()
    (owed,) = giver.owed()
    log = Lines()
    watch = Watch(giver.desk, Rhythm(), log, asyncio.Event())
    ask(giver.desk, Wish(Verb.REFUND, owed.id, amount=Coin("stake", 395_000)), "ada")

    async def work() -> None:
        async with watch.requests.wallets[ALPHA]:
            with holding_wallet(giver.desk, ALPHA):
                own, asked = (
                    asyncio.create_task(watch._refund_once(ALPHA, 0.0)),
                    asyncio.create_task(watch.engine.step()),
                )
                for _ in range(200):
                    await asyncio.sleep(0)
                assert not own.done()
                assert not asked.done()
        await own
        await asked

    asyncio.run(work())
    assert log.events("error") == []
    assert watch.troubles == {}


class Lost:
    """A database of which nobody can tell whether a daemon holds it."""

    path = None


def test_a_database_that_cannot_be_read_for_a_moment_leaves_the_hands_as_they_were(office: Office) -> None:
    hands = Hands(office.desk, "dashboard")
    hands._rest()
    assert not hands._engine.resting
    broken = Journal(Lost())  # type: ignore[arg-type]
    with being_alone(office.desk):
        heartbeat(office)
        hands._desk = replace(office.desk, journal=broken)
        hands._rest()
        assert not hands._engine.resting
        hands._desk = office.desk
        hands._rest()
        assert hands._engine.resting
