"""Killed anywhere, locked out, raced, with a wrong clock: nothing lost, counted twice, or cleared without payment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.engine.engine import Engine
from relayclear.errors import StoreError
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.store import tasks
from relayclear.store.db import RuleBrokenError, open_database
from relayclear.store.journal import Journal
from relayclear.store.tasks import LEASE_SECONDS, Moment, Status
from relayclear.usecases.alert_facts import conditions
from relayclear.usecases.paid import PAID_TASK
from relayclear.usecases.retrying import MOST_TRIES, retry
from relayclear.usecases.token_bench import POINTS, Bench
from relayclear.usecases.token_work import take_up
from tests.fakes import relayer as hermes
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter

EVERYWHERE = [f"{side} {point}" for point in POINTS for side in ("before", "after")]


class KilledError(BaseException):
    """What ends a process at once, as far as its rows are concerned: nothing more is written."""


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    return Counter(rig, tmp_path / "shop")


def at(point: str, happens: Callable[[], None]) -> Callable[[str], None]:
    """Let it happen the first time that a point is reached."""
    left = [point]

    def fault(reached: str) -> None:
        if reached in left:
            left.remove(reached)
            happens()

    return fault


def dies() -> None:
    raise KilledError


def breaks() -> None:
    raise ZeroDivisionError("a fault of ours")


def cleared_once(counter: Counter, token: ClearingToken) -> None:
    """The one paid packet is cleared and earned, the payment counted once, the books balance."""
    price = token.price.amount
    assert counter.view(token).state is TokenState.CLEARED
    assert counter.rig.pending() == [1, 3]
    assert {str(job.sequences) for job in counter.rig.relayer.jobs} == {"2"}
    assert counter.verdicts(token) == {2: ("earned", "cleared_by_us")}
    assert counter.books() == {"received": price, "held": 0, "earned": price, "owed": 0}
    assert operation_state(counter.operation(token)) in {OperationState.CLEARED, OperationState.NOTHING_TO_DO}
    assert counter.rig.relayer.held == {}


def go_on(counter: Counter) -> None:
    """The next process, after the lease of the last one."""
    for _ in range(6):
        counter.rig.clock.step(LEASE_SECONDS + 1)
        counter.read()
        counter.work()


@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_the_work_is_done_once(counter: Counter, point: str) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    counter.fault = at(point, dies)
    with pytest.raises(KilledError):
        counter.work()
    assert counter.reached[-1] == point
    go_on(counter)
    cleared_once(counter, token)


@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_while_hermes_does_nothing_all_goes_back(counter: Counter, point: str) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    counter.fault = at(point, dies)
    for _ in range(80):
        with suppress(KilledError):
            counter.work()
        counter.rig.clock.step(LEASE_SECONDS + 1)
        counter.read()
    price = token.price.amount
    assert point in counter.reached
    assert counter.verdicts(token) == {2: ("owed_back", "not_cleared")}
    assert counter.books() == {"received": price, "held": 0, "earned": 0, "owed": price}
    assert counter.rig.pending() == [1, 2, 3]


def test_five_processes_in_a_row_that_die_leave_it_to_a_person_and_the_money_where_it_is(counter: Counter) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])

    def always(reached: str) -> None:
        if reached == "before attempt":
            raise KilledError

    counter.fault = always
    for _ in range(6):
        with suppress(KilledError):
            counter.work()
        counter.rig.clock.step(LEASE_SECONDS + 1)
    assert counter.task(token).status.value == "dead"
    assert counter.books()["held"] == token.price.amount
    counter.fault = lambda _: None
    counter.retry(token)
    counter.work()
    cleared_once(counter, token)


def test_a_fault_of_our_own_is_hidden_by_tries_without_end_while_the_payer_waits(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought([counter.rig.stuck(count=3)[1]])

    def always(reached: str) -> None:
        if reached.startswith("before"):
            breaks()

    counter.fault = always
    counter.work_until(2 * 3600)
    given_up = counter.task(token)
    assert (given_up.status, given_up.tries) == (Status.DEAD, MOST_TRIES)
    assert given_up.why == "ZeroDivisionError: a fault of ours"
    assert counter.books()["held"] == token.price.amount, "a fault of ours decides about nobody's money"
    with counter.rig.journal.database.snapshot() as reads:
        called_for = {one.kind for one in conditions(reads, counter.rig.clock.now(), lambda *_: ())}
    assert "work_given_up" in called_for
    counter.fault = lambda _: None
    retry(counter.rig.desk, given_up.key, "ada", "mended")
    counter.work_until(60)
    assert counter.verdicts(token) == {2: ("owed_back", "not_cleared")}


def refuses() -> None:
    raise RuleBrokenError("the packet is earned already")


@pytest.mark.parametrize("point", EVERYWHERE)
def test_a_row_that_is_refused_because_somebody_was_faster_is_no_end_of_the_work(counter: Counter, point: str) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    counter.fault = at(point, refuses)
    go_on(counter)
    cleared_once(counter, token)


def test_a_rule_that_goes_on_refusing_leaves_the_work_to_a_person_and_the_money_where_it_is(counter: Counter) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    counter.fault = lambda reached: refuses() if reached == "before attempt" else None
    go_on(counter)
    assert (counter.task(token).status, counter.task(token).why) == (Status.DEAD, "the packet is earned already")
    assert counter.books()["held"] == token.price.amount
    counter.fault = lambda _: None
    counter.retry(token)
    counter.work()
    cleared_once(counter, token)


@pytest.mark.parametrize("point", EVERYWHERE)
def test_a_database_that_is_locked_at_any_point_delays_the_work(counter: Counter, point: str) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    path = counter.rig.journal.database.path
    assert path
    with open_database(path) as other:
        held = other.atomic()
        counter.fault = at(point, lambda: _enter(held))
        with suppress(StoreError):
            counter.work()
        assert point in counter.reached
        held.__exit__(None, None, None)
    go_on(counter)
    cleared_once(counter, token)


def _enter(held: object) -> None:
    with suppress(StoreError):
        held.__enter__()  # type: ignore[attr-defined]


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("point", ["after operation", "after run", "after judgement"])
def test_a_wall_clock_that_jumps_changes_no_verdict(counter: Counter, point: str, hours: int) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    counter.fault = at(point, lambda: counter.rig.clock.skew(3600 * hours))
    counter.work()
    go_on(counter)
    cleared_once(counter, token)


def test_two_processes_that_work_at_once_run_hermes_once(counter: Counter) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    path = counter.rig.journal.database.path
    assert path

    async def race(engines: list[Engine]) -> None:
        for _ in range(20):
            await asyncio.gather(*(engine.step() for engine in engines))

    with open_database(path) as second, open_database(path) as third:
        engines = []
        for database in (second, third):
            engine = Engine(database, counter.rig.clock)
            counter.rig.journal = Journal(database)
            take_up(Bench(counter.rig.desk, engine))
            engines.append(engine)
        asyncio.run(race(engines))
        counter.rig.journal = Journal(second)
        cleared_once(counter, token)
        assert len(counter.rig.relayer.jobs) == 1


def test_a_process_that_slept_through_its_lease_writes_nothing(counter: Counter) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])

    def sleeps() -> None:
        counter.rig.clock.step(LEASE_SECONDS + 5)
        with counter.rig.journal.database.atomic() as tx:
            at_now = Moment(counter.rig.clock.now().timestamp(), *counter.rig.clock.boot())
            assert tasks.claim(tx, [PAID_TASK], "1:another", at_now)

    counter.fault = at("before attempt", sleeps)
    counter.work()
    assert counter.rig.relayer.jobs == []
    assert counter.operation(token).attempts == ()
    go_on(counter)
    cleared_once(counter, token)


@pytest.mark.parametrize("point", EVERYWHERE)
def test_a_disk_that_is_full_at_any_point_delays_the_work(counter: Counter, point: str) -> None:
    token = counter.bought([counter.rig.stuck(count=3)[1]])
    database = counter.rig.journal.database

    def fills() -> None:
        (pages,) = database.rows("PRAGMA page_count")[0]
        database.rows(f"PRAGMA max_page_count = {pages}")

    counter.fault = at(point, fills)
    with suppress(StoreError):
        counter.work()
    assert point in counter.reached
    database.rows("PRAGMA max_page_count = 1000000")
    go_on(counter)
    cleared_once(counter, token)
