"""The loop: woken by other processes' commits and by time, stopped without losing anything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

from relayclear.engine.engine import LOOK_SECONDS, POLL_SECONDS, Engine
from relayclear.engine.verdicts import Done, Verdict
from relayclear.store import tasks
from relayclear.store.db import open_database
from relayclear.store.tasks import LEASE_SECONDS, NewTask, Status, Task
from tests.engine.rig import HandClock, Rig, note


def running(engine: Engine, story: Callable[[asyncio.Event], Awaitable[None]], workers: int = 4) -> None:
    """Run the engine while the story is told; the story ends the run."""

    async def both() -> None:
        stop = asyncio.Event()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(engine.run(stop, workers))
            await story(stop)
            stop.set()

    asyncio.run(both())


async def polls(clock: HandClock, count: int) -> None:
    """Wait until the engine has looked so many times more."""
    until = clock.sleeps + count
    while clock.sleeps < until:  # noqa: ASYNC110 - the engine's own looks are what is waited for
        await asyncio.sleep(0)


def noting(rig: Rig) -> tuple[Engine, dict[str, int]]:
    """An engine that notes how often it had looked when each task began."""
    began: dict[str, int] = {}

    async def handler(task: Task) -> Verdict:
        began[task.key] = rig.clock.sleeps
        return Done(note(task.key))

    engine = rig.engine()
    engine.on("work", handler)
    return engine, began


# A connection that was not held, or not its own, would see nothing change: time stands still here.
def test_another_connection_commit_wakes_the_engine_at_its_next_look(rig: Rig) -> None:
    engine, began = noting(rig)

    async def story(_: asyncio.Event) -> None:
        with open_database(rig.path) as other:
            for number in range(20):
                await polls(rig.clock, 5)
                with other.atomic() as tx:
                    tasks.add(tx, NewTask("work", str(number)), rig.clock.now())
                added = rig.clock.sleeps
                await polls(rig.clock, 2)
                assert began[str(number)] - added <= 1

    running(engine, story)
    assert POLL_SECONDS == 0.1


def test_a_task_that_this_process_tells_of_does_not_wait_for_the_next_look(rig: Rig) -> None:
    engine, began = noting(rig)

    async def story(_: asyncio.Event) -> None:
        await polls(rig.clock, 3)
        rig.clock.standing = asyncio.Event()
        for number in range(3):
            rig.add(str(number))
            engine.wake.set()
            for _turn in range(50):
                await asyncio.sleep(0)
            assert str(number) in began
        rig.clock.standing.set()

    running(engine, story)


def test_without_news_nobody_reads_the_tasks(rig: Rig) -> None:
    engine, _ = noting(rig)
    statements: list[str] = []

    async def story(_: asyncio.Event) -> None:
        await polls(rig.clock, 3)
        rig.database._connection.set_trace_callback(statements.append)
        await polls(rig.clock, 50)
        assert statements == []
        rig.clock.step(LOOK_SECONDS)
        await polls(rig.clock, 50)
        rig.database._connection.set_trace_callback(None)
        assert 0 < len(statements) <= 3

    running(engine, story)


def test_time_alone_wakes_the_engine(rig: Rig) -> None:
    engine, began = noting(rig)
    rig.add(after=5.0)

    async def story(_: asyncio.Event) -> None:
        for _second in range(5):
            await polls(rig.clock, 3)
            assert began == {}
            rig.clock.step(1)
        await polls(rig.clock, 2)
        assert list(began) == ["a"]

    running(engine, story)


def test_the_end_of_a_lease_wakes_the_engine(rig: Rig) -> None:
    engine, began = noting(rig)
    rig.add()
    rig.vanish()

    async def story(_: asyncio.Event) -> None:
        await polls(rig.clock, 3)
        rig.clock.step(LEASE_SECONDS)
        await polls(rig.clock, 2)
        assert list(began) == ["a"]

    running(engine, story)


def test_a_clock_set_back_is_noticed_within_a_second(rig: Rig) -> None:
    engine, began = noting(rig)
    rig.add(after=1.0)

    async def story(_: asyncio.Event) -> None:
        await polls(rig.clock, 3)
        rig.clock.unix -= 3600
        rig.clock.step(LOOK_SECONDS)
        await polls(rig.clock, 2)
        rig.clock.step(LOOK_SECONDS)
        await polls(rig.clock, 2)
        assert list(began) == ["a"]

    running(engine, story)


def test_as_many_tasks_are_in_work_as_there_are_workers(rig: Rig) -> None:
    at_work: set[str] = set()
    most = 0
    release = asyncio.Event()

    async def handler(task: Task) -> Verdict:
        nonlocal most
        at_work.add(task.key)
        most = max(most, len(at_work))
        await release.wait()
        at_work.remove(task.key)
        return Done(note(task.key))

    engine = rig.engine()
    engine.on("work", handler)
    keys = [f"{number:02}" for number in range(10)]
    for key in keys:
        rig.add(key)

    async def story(_: asyncio.Event) -> None:
        await polls(rig.clock, 10)
        assert sorted(at_work) == keys[:3]
        release.set()
        await polls(rig.clock, 50)

    running(engine, story, workers=3)
    assert (most, rig.notes()) == (3, keys)


def test_a_handler_that_never_waits_does_not_keep_the_stop_from_being_seen(rig: Rig) -> None:
    engine, _ = noting(rig)
    for number in range(200):
        rig.add(str(number))

    async def story(stop: asyncio.Event) -> None:
        await polls(rig.clock, 3)
        stop.set()

    running(engine, story)
    assert 0 < len(rig.notes()) < 200


def test_a_stop_frees_what_was_in_work_at_once(rig: Rig) -> None:
    started = asyncio.Event()

    async def handler(_: Task) -> Verdict:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    engine = rig.engine()
    engine.on("work", handler)
    rig.add()

    async def story(_: asyncio.Event) -> None:
        await started.wait()

    running(engine, story)
    assert (rig.task().lease, rig.task().crashes, rig.task().tries) == (None, 0, 0)


def test_what_a_handler_still_says_at_a_stop_is_kept(rig: Rig) -> None:
    started = asyncio.Event()

    async def handler(_: Task) -> Verdict:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Done(note("marked as interrupted"))
        raise AssertionError

    engine = rig.engine()
    engine.on("work", handler)
    rig.add()

    async def story(_: asyncio.Event) -> None:
        await started.wait()

    running(engine, story)
    assert (rig.status, rig.notes()) == (Status.DONE, ["marked as interrupted"])


def test_a_database_that_is_locked_for_a_while_loses_nothing(rig: Rig) -> None:
    engine, _ = noting(rig)
    rig.add()

    async def story(_: asyncio.Event) -> None:
        with closing(sqlite3.connect(rig.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await polls(rig.clock, 5)
            assert rig.notes() == []
            other.execute("ROLLBACK")
        await polls(rig.clock, 5)
        assert rig.notes() == ["a"]

    running(engine, story)


def test_an_end_that_cannot_be_written_is_done_again_when_the_lease_is_over(rig: Rig) -> None:
    with closing(sqlite3.connect(rig.path, isolation_level=None)) as other:
        count = 0

        async def handler(_: Task) -> Verdict:
            nonlocal count
            count += 1
            if count == 1:
                other.execute("BEGIN IMMEDIATE")
            return Done(note("once"))

        engine = rig.engine()
        engine.on("work", handler)
        rig.add()

        async def story(_: asyncio.Event) -> None:
            await polls(rig.clock, 5)
            assert (count, rig.notes()) == (1, [])
            other.execute("ROLLBACK")
            rig.clock.step(LEASE_SECONDS)
            await polls(rig.clock, 5)
            assert (count, rig.notes()) == (2, ["once"])

        running(engine, story)


def test_in_memory_time_wakes_the_engine() -> None:
    with open_database(":memory:") as database:
        rig = Rig(database)
        engine, began = noting(rig)

        async def story(_: asyncio.Event) -> None:
            await polls(rig.clock, 3)
            rig.add()
            rig.clock.step(LOOK_SECONDS)
            await polls(rig.clock, 2)
            assert list(began) == ["a"]

        running(engine, story)
