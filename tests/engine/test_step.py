"""One step at a time: what each answer leads to, who goes first, what counts as a try."""

from __future__ import annotations

import asyncio
from datetime import datetime
from math import inf
from typing import Any

import pytest

from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Again, Dead, Done, Failed, Go, Policy, Verdict
from relayclear.errors import (
    ConfigError,
    HeldError,
    IndexerError,
    NodeError,
    NotFoundError,
    RefusedError,
    RelayclearError,
    StoreError,
    UsageError,
)
from relayclear.store import tasks
from relayclear.store.db import Transaction
from relayclear.store.tasks import NewTask, Priority, Status, Task
from tests.engine.rig import Rig, Script, drain, note, step


def scripted(rig: Rig, *answers: Verdict | Exception, policy: Policy = Policy(), **settings: Any) -> Engine:  # noqa: B008
    engine = rig.engine(**settings)
    engine.on("work", Script(list(answers)), policy)
    return engine


def seen(engine: Engine, kind: str = "work") -> list[Task]:
    handler, _ = engine._handlers[kind]
    assert isinstance(handler, Script)
    return handler.seen


# What each answer leads to


def test_a_task_is_carried_out_once_and_its_rows_are_there(rig: Rig) -> None:
    engine = scripted(rig, Done(note("done")))
    rig.add(data={"amount": "12345678901234567890123"})
    assert [step(engine), step(engine)] == [True, False]
    assert seen(engine)[0].data == {"amount": "12345678901234567890123"}
    assert (rig.status, rig.notes()) == (Status.DONE, ["done"])


def test_a_task_that_is_there_is_not_added_again_whatever_became_of_it(rig: Rig) -> None:
    engine = scripted(rig, Done())
    assert rig.add(data={"first": 1})
    assert not rig.add(data={"second": 2})
    drain(engine)
    assert not rig.add()
    assert (rig.task().data, drain(engine)) == ({"first": 1}, 0)


def test_the_next_step_gets_the_data_of_the_one_before(rig: Rig) -> None:
    engine = scripted(rig, Failed("once"), Go({"step": 2}, write=note("one")), Done(note("two")))
    rig.add()
    step(engine)
    rig.clock.step(5)
    assert drain(engine) == 2
    assert [(task.data, task.tries) for task in seen(engine)] == [({}, 0), ({}, 1), ({"step": 2}, 0)]
    assert rig.notes() == ["one", "two"]


def test_not_yet_may_be_said_for_ever_and_is_no_try(rig: Rig) -> None:
    engine = scripted(rig, Again(60, "the breaker is open", note("asked")), *[Again(60, "not yet")] * 50, Done())
    rig.add()
    for _ in range(51):
        assert [step(engine), step(engine)] == [True, False]
        rig.clock.step(60)
    assert (rig.task().tries, rig.task().why, rig.status) == (0, "not yet", Status.READY)
    step(engine)
    assert (rig.status, rig.task().why, rig.notes()) == (Status.DONE, None, ["asked"])


def test_what_no_try_can_help_is_left_for_somebody_to_look_at(rig: Rig) -> None:
    engine = scripted(rig, Dead("the answer makes no sense", note("told")))
    rig.add()
    assert drain(engine) == 1
    assert (rig.status, rig.notes()) == (Status.DEAD, ["told"])
    assert [(task.key, task.why) for task in tasks.dead(rig.database, 10)] == [("a", "the answer makes no sense")]


# Failures


def waits(rig: Rig, engine: Engine, count: int) -> list[float]:
    """Seconds from each failure to the next try."""
    found = []
    for _ in range(count):
        assert step(engine)
        found.append(round(rig.task().run_at - rig.clock.unix, 3))
        rig.clock.step(max(found[-1], 0))
    return found


def test_a_failed_task_is_tried_after_5_10_and_20_seconds_and_then_never(rig: Rig) -> None:
    engine = scripted(rig, ValueError("no such thing"))
    rig.add()
    assert waits(rig, engine, 3) == [5, 10, 20]
    assert step(engine)
    rig.clock.step(86400 * 365)
    assert not step(engine)
    assert (rig.status, rig.task().tries, rig.task().why) == (Status.DEAD, 4, "ValueError: no such thing")


def test_what_fails_without_end_is_left_to_a_person_in_the_end(rig: Rig) -> None:
    engine = scripted(rig, ValueError("a bug of ours"), policy=Policy((5, 10, 20, 300, 300)))
    rig.add()
    assert waits(rig, engine, 5) == [5, 10, 20, 300, 300]
    assert step(engine)
    assert (rig.status, rig.task().tries, rig.task().why) == (Status.DEAD, 6, "ValueError: a bug of ours")
    assert rig.write(tasks.retry)
    assert waits(rig, engine, 1) == [5], "a person who says retry gets all tries anew"


def test_what_failed_more_often_than_is_allowed_now_is_not_tried_for_ever(rig: Rig) -> None:
    rig.add()
    assert waits(rig, scripted(rig, Failed("no"), policy=Policy((5, 10, 20, *[300] * 9))), 8)[-1] == 300
    assert step(scripted(rig, Failed("no"), policy=Policy((5, 10, 20, 300, 300))))
    assert (rig.status, rig.task().tries) == (Status.DEAD, 9)


@pytest.mark.parametrize(("chance", "first"), [(0.0, 4.5), (1.0, 5.5)])
def test_what_failed_together_does_not_come_back_together(chance: float, first: float, rig: Rig) -> None:
    engine = scripted(rig, Failed("no"), chance=lambda: chance)
    rig.add()
    assert waits(rig, engine, 1) == [first]


@pytest.mark.parametrize("error", [NodeError("can't reach it"), HeldError("held by 7"), StoreError("locked")])
def test_what_may_be_better_later_is_no_try(error: Exception, rig: Rig) -> None:
    engine = scripted(rig, error, policy=Policy(again_after=7))
    rig.add()
    assert waits(rig, engine, 9) == [7] * 9
    assert (rig.task().tries, rig.task().why) == (0, str(error))


@pytest.mark.parametrize("kind", [RelayclearError, UsageError, ConfigError, NotFoundError, RefusedError, IndexerError])
def test_what_no_wait_can_help_is_not_tried_for_ever_but_left_to_a_person(
    kind: type[RelayclearError], rig: Rig
) -> None:
    engine = scripted(rig, kind("it can't be"), Done(), policy=Policy((300,)))
    rig.add()
    assert drain(engine) == 1
    assert (rig.status, rig.task().why, engine.seconds_to_next()) == (Status.DEAD, "it can't be", inf)
    assert rig.write(tasks.retry)
    assert (drain(engine), rig.status) == (1, Status.DONE)


def test_no_credentials_and_no_escapes_are_kept_of_an_error(rig: Rig) -> None:
    engine = scripted(rig, OSError("https://me:hunter2@node.example/\x1b[2J" + "x" * 5000))
    rig.add()
    step(engine)
    why = rig.task().why or ""
    assert "hunter2" not in why
    assert why.startswith("OSError: https://***@node.example/")
    assert why.isprintable()
    assert len(why) <= 500


def test_a_handler_that_hangs_is_stopped_and_that_is_a_try(rig: Rig) -> None:
    async def hang(_: Task) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError

    engine = rig.engine()
    engine.on("work", hang, Policy(limit_seconds=0))
    rig.add()
    assert step(engine)
    assert (rig.task().tries, rig.task().why) == (1, "not done within 0 s")


def test_a_time_limit_inside_a_handler_is_not_taken_for_the_engines(rig: Rig) -> None:
    engine = scripted(rig, TimeoutError("the inner one"))
    rig.add()
    step(engine)
    assert rig.task().why == "TimeoutError: the inner one"


def test_rows_that_the_database_refuses_take_the_end_of_the_step_back(rig: Rig) -> None:
    def half(tx: Transaction) -> None:
        note("half")(tx)
        note("half")(tx)

    engine = scripted(rig, Done(half))
    rig.add()
    assert step(engine)
    assert (rig.status, rig.task().tries, rig.notes()) == (Status.READY, 1, [])
    assert "UNIQUE" in (rig.task().why or "")


def test_data_that_is_no_json_is_a_failed_try_and_no_crash(rig: Rig) -> None:
    engine = scripted(rig, Go({"at": datetime.max}))  # noqa: DTZ901
    rig.add()
    assert step(engine)
    assert (rig.task().tries, rig.task().data) == (1, {})


def test_a_step_that_is_interrupted_is_free_at_once_and_was_no_try(rig: Rig) -> None:
    async def interrupt() -> None:
        started = asyncio.Event()

        async def handler(_: Task) -> Verdict:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        engine = rig.engine()
        engine.on("work", handler)
        stepping = asyncio.create_task(engine.step())
        await started.wait()
        stepping.cancel()
        await asyncio.wait([stepping])
        assert stepping.cancelled()

    rig.add()
    asyncio.run(interrupt())
    assert (rig.task().lease, rig.task().tries, rig.task().crashes, rig.task().why) == (None, 0, 0, "interrupted")
    assert step(scripted(rig, Done()))


# Who goes first


def test_a_delayed_task_is_not_early(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.add(after=10.0)
    rig.clock.step(9.999)
    assert (round(engine.seconds_to_next(), 3), step(engine)) == (0.001, False)
    rig.clock.step(0.001)
    assert step(engine)


def test_a_delayed_urgent_task_is_not_early_for_the_sake_of_its_rank(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.add("urgent", priority=Priority.URGENT, after=10.0)
    rig.add("idle", priority=Priority.IDLE)
    assert drain(engine) == 1
    assert [task.key for task in seen(engine)] == ["idle"]


def test_more_urgent_tasks_go_first_and_equals_in_their_order(rig: Rig) -> None:
    for number, priority in enumerate([*Priority, *Priority]):
        rig.add(f"{priority.name} {number}", priority=priority)
    engine = scripted(rig, Done())
    drain(engine)
    assert [task.key for task in seen(engine)] == [
        *("URGENT 0", "URGENT 4", "SOON 1", "SOON 5", "NORMAL 2", "NORMAL 6", "IDLE 3", "IDLE 7")
    ]


def test_under_a_flood_of_urgent_work_the_idle_waits_three_minutes_and_not_for_ever(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.add("idle", priority=Priority.IDLE)
    began = rig.clock.unix
    for number in range(1000):
        rig.add(f"urgent {number}", priority=Priority.URGENT)
        rig.clock.step(1)
        step(engine)
        if seen(engine)[-1].key == "idle":
            break
    assert 175 < rig.clock.unix - began < 185


def test_what_others_are_for_is_left_to_them(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.add("strange", kind="other")
    assert (step(engine), engine.seconds_to_next()) == (False, float("inf"))
    assert rig.task("strange").status is Status.READY


def test_an_engine_for_one_task_takes_no_other(rig: Rig) -> None:
    engine = scripted(rig, Again(5, "not yet"), Done(), only="mine")
    rig.add("first", priority=Priority.URGENT)
    rig.add("mine", priority=Priority.IDLE)
    assert drain(engine) == 1
    assert engine.seconds_to_next() == 5
    rig.clock.step(5)
    assert drain(engine) == 1
    assert [task.key for task in seen(engine)] == ["mine", "mine"]
    assert rig.task("first").status is Status.READY


# By hand


def test_a_dead_task_is_tried_anew_when_somebody_says_so(rig: Rig) -> None:
    engine = scripted(rig, *[Failed("no")] * 4, Done())
    rig.add()
    waits(rig, engine, 4)
    assert rig.status is Status.DEAD
    assert rig.write(tasks.retry)
    assert (rig.status, rig.task().tries, rig.task().why) == (Status.READY, 0, None)
    assert step(engine)
    assert not rig.write(tasks.retry)
    assert (rig.status, drain(engine)) == (Status.DONE, 0)


def test_a_task_that_backs_off_is_tried_at_once_when_somebody_says_so(rig: Rig) -> None:
    engine = scripted(rig, Failed("no"))
    rig.add()
    step(engine)
    assert not rig.write(tasks.hasten), "news don't shorten a back-off"
    assert not step(engine)
    assert rig.write(tasks.retry)
    assert step(engine)


def test_news_make_a_waiting_task_due(rig: Rig) -> None:
    engine = scripted(rig, Again(3600, "nothing new"))
    rig.add()
    step(engine)
    assert rig.write(tasks.hasten)
    assert drain(engine) == 1


def test_news_do_not_send_a_due_task_to_the_end_of_the_queue(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.add("a")
    rig.clock.step(1)
    rig.add("b")
    rig.write(tasks.hasten)
    drain(engine)
    assert [task.key for task in seen(engine)] == ["a", "b"]


def test_news_that_come_during_a_step_are_not_missed(rig: Rig) -> None:
    news = [True, False]

    async def handler(_: Task) -> Verdict:
        if news.pop(0):
            rig.write(tasks.hasten)
        return Again(3600, "nothing new")

    engine = rig.engine()
    engine.on("work", handler)
    rig.add()
    assert drain(engine) == 2
    assert rig.task().run_at == rig.clock.unix + 3600


def test_a_task_may_add_another_in_the_commit_that_ends_it(rig: Rig) -> None:
    engine = scripted(rig, Done(lambda tx: tasks.add(tx, NewTask("work", "b"), rig.clock.now())), Done())
    rig.add()
    assert drain(engine) == 2
    assert rig.task("b").status is Status.DONE


# Ticks


def test_a_tick_comes_at_once_and_then_on_its_beat_however_long_it_takes(rig: Rig) -> None:
    starts = []

    async def slow(_: Task) -> Verdict:
        starts.append(rig.clock.unix - began)
        rig.clock.step(25)
        return Done()

    engine, began = rig.engine(), rig.clock.unix
    engine.on("work", slow)
    rig.every(60)
    while rig.clock.unix < began + 300:
        if not step(engine):
            rig.clock.step(engine.seconds_to_next())
    assert starts == pytest.approx([0, 60, 120, 180, 240], abs=0.01)


def test_missed_ticks_are_not_made_up_for(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.every(60)
    drain(engine)
    rig.clock.step(86400 + 30)
    assert drain(engine) == 1
    assert rig.task().run_at == rig.clock.unix + 30


def test_a_restart_neither_doubles_a_tick_nor_brings_it_forward(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.every(60)
    drain(engine)
    rig.clock.step(20)
    rig.every(60)
    assert (drain(engine), engine.seconds_to_next()) == (0, 40)


def test_a_shorter_beat_does_not_wait_for_the_end_of_the_longer_one(rig: Rig) -> None:
    engine = scripted(rig, Done())
    rig.every(86400)
    drain(engine)
    rig.every(60)
    assert engine.seconds_to_next() == 60


def test_a_tick_outlives_failures_and_a_process_that_knows_nothing_of_its_beat(rig: Rig) -> None:
    engine = scripted(rig, *[Failed("no")] * 5, Done())
    rig.every(60)
    assert waits(rig, engine, 3) == [5, 10, 20]
    assert waits(rig, engine, 2) == [60, 60]
    assert rig.task().tries == 5
    drain(engine)
    assert (rig.status, rig.task().tries, engine.seconds_to_next()) == (Status.READY, 0, 60)


def test_a_tick_can_end_and_begin_again(rig: Rig) -> None:
    engine = scripted(rig, Done(last=True), Done())
    rig.every(60)
    assert (drain(engine), rig.status) == (1, Status.DONE)
    rig.clock.step(600)
    assert drain(engine) == 0
    rig.every(60)
    assert (drain(engine), rig.status) == (1, Status.READY)
