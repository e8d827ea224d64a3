"""Requests whose carriers die anywhere, race each other, lose their claim: each is carried out once at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from relayclear.clearing.breaker import endpoint_name
from relayclear.clearing.operation import OperationState, operation_state
from relayclear.engine.engine import Engine
from relayclear.errors import StoreError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.money.policy import Mode
from relayclear.store import history, tasks
from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal
from relayclear.store.tasks import LEASE_SECONDS, Moment, Status
from relayclear.usecases.alert_facts import conditions
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.requests import (
    REQUEST_TASK,
    RequestState,
    RequestView,
    Verb,
    Wish,
    ask,
    request_key,
    requests,
)
from relayclear.usecases.requests_work import Carrier, take_up_requests
from relayclear.usecases.retrying import MOST_TRIES, retry
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig, opened_rig
from tests.usecases.powercut import CutDatabase, CutWallet, Power, PowerCutError, cut
from tests.usecases.refunding import Giver
from tests.usecases.requesting import Office, worked

NAME = endpoint_name("alpha-1", "http://alpha-1:26657")


def powered(desk: Desk, power: Power) -> Desk:
    """The desk of a process whose power fails."""
    database = cast("Database", CutDatabase(desk.journal.database, power))
    return replace(desk, journal=Journal(database), breakers=Breakers(database, desk.clock))


def dies_at(office: Office, at: int, *, ports: bool) -> list[str]:
    """A process works until its power fails at the `at`-th commit, or question to a chain; what happened until then."""
    power = Power(at)
    with suppress(PowerCutError), cut(office.rig.chains if ports else {}, power):
        asyncio.run(worked(office.carrier(powered(office.desk, power))))
    return power.happened


def every_point(
    folder: Path, prepare: Callable[[Office], RequestView], *, ports: bool = False, step: int = 1
) -> Iterator[tuple[Office, RequestView, str]]:
    """The same beginning again and again, each time cut one thing later; what follows is the test's."""
    at, last = 0, False
    while not last:
        at += step
        place = folder / str(at)
        place.mkdir()
        with opened_rig(place) as rig:
            office = Office(rig)
            request = prepare(office)
            happened = dies_at(office, at, ports=ports)
            last = len(happened) < at
            yield office, request, f"{at}: {happened[-1]}"


def ended_once(office: Office, request: RequestView) -> None:
    """The request has one end, and so has the history."""
    ends = [event for event in history.page(office.database, 1000) if event.what == "request_ended"]
    assert [event.subject for event in ends] == [request.id]


# Every commit, and every third thing where questions to the chains count too.
@pytest.mark.parametrize(("ports", "step"), [(False, 1), (True, 3)])
def test_killed_anywhere_in_a_clear_hermes_runs_once_at_most_and_the_end_is_what_the_chains_say(
    tmp_path: Path,
    ports: bool,  # noqa: FBT001 - a case
    step: int,
) -> None:
    def prepare(office: Office) -> RequestView:
        office.rig.stuck(count=3)
        return office.clear("1,3")

    seen: Counter[RequestState] = Counter()
    for office, request, point in every_point(tmp_path, prepare, ports=ports, step=step):
        office.go_on(2)
        view = office.view(request)
        assert len(office.runs) <= 1, point
        assert set(office.runs) <= {"1,3"}, point
        assert 2 in office.rig.pending(), point
        assert view.state in {RequestState.DONE, RequestState.UNKNOWN, RequestState.FAILED}, (point, view)
        assert (view.state is RequestState.DONE) <= (office.rig.pending() == [2]), point
        assert len(office.rig.journal.operations(10)) == 1, point
        assert office.rig.journal.unfinished() == [], point
        assert office.rig.relayer.held == {}, point
        ended_once(office, request)
        seen[view.state] += 1
    # Killed between its intent and its run, nobody knows that nothing was sent: unknown, and never run again.
    assert seen[RequestState.DONE] > 5
    assert seen[RequestState.UNKNOWN] > 1


def test_killed_anywhere_while_hermes_does_nothing_it_is_not_run_a_second_time(tmp_path: Path) -> None:
    def prepare(office: Office) -> RequestView:
        office.rig.stuck()
        office.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
        return office.clear("1")

    for office, request, point in every_point(tmp_path, prepare):
        office.go_on(2)
        view = office.view(request)
        assert len(office.runs) <= 1, point
        assert view.state in {RequestState.FAILED, RequestState.UNKNOWN}, (point, view)
        ended_once(office, request)


Prepare = Callable[[Office], RequestView]


def a_reset(office: Office) -> RequestView:
    open_breaker(office.desk, NAME, "I know better", "ada")
    return office.ask(Wish(Verb.RESET, NAME, why="it is well"))


def a_mute(office: Office) -> RequestView:
    office.rig.stuck()
    return office.ask(Wish(Verb.MUTE, end=office.rig.source, why="known"))


def an_unmute(office: Office) -> RequestView:
    office.rig.stuck()
    office.rig.journal.mute(office.rig.source, None, "known", None, {"stuck"}, office.rig.clock.now())
    return office.ask(Wish(Verb.UNMUTE, end=office.rig.source))


@pytest.mark.parametrize(
    ("prepare", "what"),
    [(a_reset, "breaker_reset"), (a_mute, "muted"), (an_unmute, "unmuted")],
    ids=["reset", "mute", "unmute"],
)
def test_killed_anywhere_an_act_is_done_once(tmp_path: Path, prepare: Prepare, what: str) -> None:
    for office, request, point in every_point(tmp_path, prepare):
        office.go_on(2)
        assert office.view(request).state is RequestState.DONE, point
        done = [event for event in history.page(office.database, 1000) if event.what == what]
        assert len(done) == 1, point
        ended_once(office, request)


def test_killed_anywhere_in_a_refund_the_coins_leave_once(tmp_path: Path) -> None:
    at, last = 0, False
    while not last:
        # Every third: the way of a signed refund through all its points is another test's.
        at += 3
        place = tmp_path / str(at)
        place.mkdir()
        with opened_rig(place) as rig:
            giver = Giver(rig, place / "shop", wallet=CutWallet(), refund_rules=RefundRules(mode=Mode.APPROVE))
            giver.pay(giver.quote(rig.stuck()), 400_000)
            giver.settle()
            giver.rig.clock.step(4000)
            giver.settle()
            (owed,) = giver.owed()
            office, power = Office(rig), Power(at)
            request = ask(giver.desk, Wish(Verb.REFUND, owed.id, amount=Coin("stake", 395_000)), "ada")
            giver.wallet.power = power  # type: ignore[attr-defined]
            with suppress(PowerCutError), cut(rig.chains, power):
                asyncio.run(worked(office.carrier(powered(giver.desk, power))))
            giver.wallet.power = Power()  # type: ignore[attr-defined]
            last = len(power.happened) < at
            for _ in range(8):
                rig.clock.step(LEASE_SECONDS + 1)
                giver.read()
                asyncio.run(worked(office.carrier(giver.desk)))
            assert giver.paid_to("alice") == [395_000], power.happened[-1]
            assert office.view(request).state is RequestState.DONE, power.happened[-1]
            ended_once(office, request)


@contextmanager
def two(office: Office) -> Iterator[list[Carrier]]:
    """Two processes on the database: a `watch`, and a dashboard that has not seen it yet."""
    path = office.database.path
    assert path
    with open_database(path) as first, open_database(path) as second:
        made = []
        for name, database in (("watch 1", first), ("dashboard 2", second)):
            desk = replace(office.desk, journal=Journal(database), breakers=Breakers(database, office.rig.clock))
            made.append(office.carrier(desk, name))
        yield made


def test_two_carriers_at_once_carry_out_each_request_once(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck(count=6)
    asked = [office.clear(str(sequence)) for sequence in (1, 3, 5)]
    asked.append(office.ask(Wish(Verb.MUTE, end=rig.source, why="known")))

    async def race(carriers: list[Carrier]) -> None:
        for _ in range(40):
            await asyncio.gather(*(engine.step() for one in carriers for engine in (one.acts, one.engine)))
            rig.clock.step(3)

    with two(office) as carriers:
        asyncio.run(race(carriers))
        assert [office.view(one).state for one in asked] == [RequestState.DONE] * 4
    assert sorted(office.runs) == ["1", "3", "5"]
    assert rig.pending() == [2, 4, 6]
    assert len([event for event in history.page(office.database, 1000) if event.what == "muted"]) == 1


def test_one_whose_claim_was_lost_before_it_began_starts_nothing(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")
    seen: list[str] = []

    def sleeps(_: str) -> None:
        """The machine was suspended in the middle of planning, and somebody else has claimed the task."""
        rig.beta.heard = None
        rig.clock.step(LEASE_SECONDS + 5)
        with rig.journal.database.atomic() as tx:
            at_now = Moment(rig.clock.now().timestamp(), *rig.clock.boot())
            seen.append(tasks.claim(tx, [REQUEST_TASK], "1:another", at_now).key)  # type: ignore[union-attr]

    rig.beta.heard = sleeps
    office.work()
    assert seen
    assert (office.runs, rig.journal.operations(10)) == ([], [])
    assert office.view(request).state is RequestState.REQUESTED
    office.go_on(2)
    assert office.view(request).state is RequestState.DONE


def test_one_whose_claim_was_lost_while_hermes_ran_writes_no_end_over_anothers(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")

    async def meanwhile(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        rig.clock.step(LEASE_SECONDS + 5)
        other = office.carrier(name="watch 2")
        assert await other.engine.step()
        # It knows from the locks that the first one's Hermes lives, and leaves all to it.
        assert office.view(request).state is RequestState.RUNNING
        return await hermes.does_the_job(relayer, job, progress)

    rig.relayer.scenarios = [meanwhile]
    office.work()
    assert operation_state(office.operation(request)) is OperationState.CLEARED
    office.go_on(1)
    assert (office.view(request).state, office.view(request).carrier) == (RequestState.DONE, "watch 1")
    assert len(office.runs) == 1
    ended_once(office, request)


def test_a_process_that_is_stopped_in_the_middle_of_a_run_leaves_it_to_be_judged_by_the_next(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    rig.relayer.scenarios = [hermes.hangs_until_stopped, hermes.does_the_job]
    request = office.clear("1")

    async def stopped() -> None:
        carrier = office.carrier()
        working = asyncio.create_task(carrier.engine.step())
        await rig.relayer.hanging.wait()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working

    asyncio.run(stopped())
    assert office.view(request).state is RequestState.RUNNING
    office.go_on(1)
    assert (office.view(request).state, len(office.runs)) == (RequestState.UNKNOWN, 1)


def test_a_request_whose_chains_cannot_be_read_after_a_crash_is_judged_when_they_can(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")

    class KilledError(BaseException):
        """The process is gone."""

    async def killed(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        await hermes.does_the_job(relayer, job, progress)
        raise KilledError

    rig.relayer.scenarios = [killed]
    with suppress(KilledError):
        office.work()
    rig.beta.down = StoreError("beta-1: nobody answers")
    # Longer than a request lives: one that has begun is seen through all the same.
    for _ in range(30):
        office.go_on(1)
    assert office.view(request).state is RequestState.RUNNING
    rig.beta.down = None
    office.go_on(1)
    assert (office.view(request).state, office.view(request).code) == (RequestState.DONE, "cleared")
    assert len(office.runs) == 1


def test_five_processes_that_die_of_a_request_leave_it_failed_with_the_reason(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")
    for _ in range(6):
        power = Power(3)
        with suppress(PowerCutError), cut(rig.chains, power):
            asyncio.run(office.carrier(powered(office.desk, power)).engine.step())
        rig.clock.step(LEASE_SECONDS + 1)
    view = office.view(request)
    assert (view.state, view.code) == (RequestState.FAILED, "given_up")
    assert "vanished with it" in (view.said or "")
    assert office.runs == []


def test_an_engine_that_was_given_no_requests_leaves_them_alone(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")
    idle = Engine(office.database, rig.clock)
    idle.on("paid", cast("Any", None))
    assert not asyncio.run(idle.step())
    assert office.view(request).state is RequestState.REQUESTED
    take_up_requests(Carrier(office.desk, idle, idle, "watch 1"))
    assert asyncio.run(idle.step())
    assert office.view(request).state is RequestState.DONE
    assert [one.id for one in requests(office.desk, 5)] == [request.id]
    assert str(SequenceRanges.of([1])) == office.runs[0]


def test_a_mistake_of_ours_in_the_middle_of_a_run_is_judged_by_the_next_try_and_runs_nothing(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    rig.relayer.scenarios = [hermes.crashes, hermes.does_the_job]
    request = office.clear("1")
    office.work()
    view = office.view(request)
    assert (view.state, view.said) == (RequestState.RUNNING, "ZeroDivisionError: a mistake of ours")
    office.go_on(1)
    assert (office.view(request).state, len(office.runs)) == (RequestState.UNKNOWN, 1)


def breaks(_: str) -> None:
    raise ZeroDivisionError("a fault of ours")


def test_a_fault_of_our_own_is_hidden_by_tries_without_end_while_a_person_waits(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    request = office.clear("1")
    rig.relayer.scenarios = [hermes.crashes]
    office.work()
    rig.beta.heard = breaks
    for _ in range(60):
        rig.clock.step(30)
        office.work()
    given_up = tasks.find(office.database, request_key(request.id))
    assert given_up is not None
    assert (given_up.status, given_up.tries) == (Status.DEAD, MOST_TRIES)
    view = office.view(request)
    # It has begun: nobody may say that nothing was done.
    assert (view.state, view.code, view.said) == (
        RequestState.UNKNOWN,
        "given_up",
        "ZeroDivisionError: a fault of ours",
    )
    assert view.hint == f"relayclear operations retry {given_up.key}"
    assert view.ended_at is not None
    assert view.ended_at < rig.clock.now(), "it ended when it was given up, not whenever somebody looks"
    with office.database.snapshot() as reads:
        called_for = [(one.kind, one.subject) for one in conditions(reads, rig.clock.now(), lambda *_: ())]
    assert called_for == [("work_given_up", given_up.key)]
    rig.beta.heard = None
    retry(office.desk, given_up.key, "ada", "mended")
    assert office.view(request).state is RequestState.RUNNING
    office.work()
    assert (office.view(request).code, len(office.runs)) == ("unknown", 1)
    ended_once(office, request)


def test_an_act_that_our_own_fault_ends_is_no_begun_one_and_waits_for_nobody(rig: Rig) -> None:
    office = Office(rig)
    rig.stuck()
    rig.alpha.heard = breaks
    request = office.ask(Wish(Verb.MUTE, end=rig.source, why="known"))
    office.work()
    assert (office.view(request).state, office.view(request).said) == (
        RequestState.FAILED,
        "ZeroDivisionError: a fault of ours",
    )
