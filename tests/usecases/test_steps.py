"""What Hermes says while it runs, seen from another process: shown in time, written seldom, forgotten at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.clearing.operation import Attempt, Operation
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayEvent, RelayRun
from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal
from relayclear.usecases import steps
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.steps import progress, steps_told
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.powercut import CutDatabase, Power


@pytest.fixture
def other(rig: Rig) -> Iterator[Database]:
    """Another process's connection, which only reads."""
    assert rig.journal.database.path is not None
    with open_database(rig.journal.database.path, read_only=True) as database:
        yield database


def seen(rig: Rig, other: Database) -> dict[str, dict[int, str]]:
    found = progress(replace(rig.desk, journal=Journal(other)))
    return {operation_id: dict(of) for operation_id, of in found.items()}


def test_the_steps_of_a_clear_are_seen_from_another_process_while_it_runs_and_no_longer(
    rig: Rig, other: Database
) -> None:
    rig.stuck(count=2)
    during: list[dict[str, dict[int, str]]] = []

    async def looks(relayer: FakeRelayer, job: ClearJob, heard: Progress) -> RelayRun:
        heard(RelayEvent("recv", PacketKey(*rig.source, 1)))
        during.append(seen(rig, other))
        return await hermes.does_the_job(relayer, job, heard)

    rig.relayer.scenarios = [looks]
    told: list[RelayEvent] = []

    async def work() -> Operation:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.parse("1,2")))
        return await run_clear(rig.desk, plan, Watcher(asyncio.Event(), told.append))

    operation = asyncio.run(work())
    assert during == [{operation.id: {1: "recv"}}]
    assert seen(rig, other) == {}
    # Whoever listens here hears them all, as before.
    assert [(event.step, event.key.sequence) for event in told] == [
        ("recv", 1),
        ("recv", 1),
        ("ack", 1),
        ("recv", 2),
        ("ack", 2),
    ]


def test_the_steps_of_a_paid_tokens_work_are_seen_too(rig: Rig, other: Database, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    token = counter.bought(rig.stuck())
    during: list[dict[str, dict[int, str]]] = []

    async def looks(relayer: FakeRelayer, job: ClearJob, heard: Progress) -> RelayRun:
        heard(RelayEvent("recv", PacketKey(*rig.source, 1)))
        during.append(seen(rig, other))
        return await hermes.does_the_job(relayer, job, heard)

    rig.relayer.scenarios = [looks]
    counter.work()
    assert during == [{counter.operation(token).id: {1: "recv"}}]
    assert seen(rig, other) == {}


def begun(rig: Rig) -> str:
    """An operation with an open attempt."""
    rig.journal.add_operation(Operation("op-1", rig.clock.now(), rig.source, rig.far, SequenceRanges.parse("1..50")))
    rig.journal.start_attempt("op-1", Attempt(1, rig.clock.now(), ()))
    return "op-1"


def test_a_batch_that_tells_fifty_packets_in_one_breath_is_written_twice(
    rig: Rig, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, power = begun(rig), Power()
    monkeypatch.setattr(steps, "WRITE_SECONDS", 0.0)
    desk = replace(rig.desk, journal=Journal(CutDatabase(rig.journal.database, power)))  # type: ignore[arg-type]

    async def breath() -> None:
        with steps_told(desk, name, rig.source, lambda _: None) as heard:
            for sequence in range(1, 51):
                heard(RelayEvent("recv", PacketKey(*rig.source, sequence)))
            assert seen(rig, other) == {name: {1: "recv"}}
            # The timer's turn: the rest comes without another word of Hermes.
            for _ in range(100):
                await asyncio.sleep(0)
            assert seen(rig, other)[name] == dict.fromkeys(range(1, 51), "recv")

    asyncio.run(breath())
    assert power.happened.count("after commit") == 2


def test_what_is_left_is_written_when_the_run_ends_and_packets_of_others_are_not(rig: Rig, other: Database) -> None:
    name = begun(rig)

    async def run() -> None:
        with steps_told(rig.desk, name, rig.source, lambda _: None) as heard:
            heard(RelayEvent("recv", PacketKey(*rig.source, 1)))
            heard(RelayEvent("ack", PacketKey(*rig.source, 1)))
            heard(RelayEvent("recv", PacketKey(*rig.far, 2)))
        assert seen(rig, other) == {name: {1: "ack"}}

    asyncio.run(run())


def test_a_step_that_cannot_be_written_keeps_no_run_from_going_on(rig: Rig, other: Database) -> None:
    name = begun(rig)

    async def run() -> None:
        with steps_told(rig.desk, name, rig.source, lambda _: None) as heard:
            path = rig.journal.database.path
            assert path is not None
            with open_database(path) as writer, writer.atomic():
                heard(RelayEvent("recv", PacketKey(*rig.source, 1)))
            heard(RelayEvent("recv", PacketKey(*rig.source, 2)))
        # The one that waited is written with the next.
        assert seen(rig, other) == {name: {1: "recv", 2: "recv"}}

    asyncio.run(run())


def test_a_process_that_lost_its_work_leaves_no_step_behind_after_the_end(rig: Rig, other: Database) -> None:
    name = begun(rig)

    async def run() -> None:
        with steps_told(rig.desk, name, rig.source, lambda _: None) as heard:
            rig.journal.finish_attempt(name, 1, (), (), rig.clock.now())
            heard(RelayEvent("ack", PacketKey(*rig.source, 1)))
        assert seen(rig, other) == {}

    asyncio.run(run())
