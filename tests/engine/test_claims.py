"""Several engines on one file: nothing is done twice, what a dead process left is taken over."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Again, Dead, Done, Failed, Go, Policy, Verdict
from relayclear.errors import RelayclearError
from relayclear.store import tasks
from relayclear.store.db import Database, open_database
from relayclear.store.tasks import LEASE_SECONDS, LeaseLostError, NewTask, Status, Task
from tests.engine.rig import HOUR, Rig, Script, drain, note, step


@pytest.fixture
def second(rig: Rig) -> Iterator[Database]:
    with open_database(rig.path, busy_seconds=0.05) as database:
        yield database


@pytest.fixture(scope="module")
def ended() -> str:
    """The lease of a process of this boot that has ended."""
    script = "from relayclear.store.owners import new_lease; print(new_lease())"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def engine(rig: Rig, database: Database | None = None, *answers: Verdict, **settings: Any) -> Engine:
    made = rig.engine(database, **settings)
    made.on("work", Script(list(answers) or [Done()]))
    return made


async def reached(true: Callable[[], bool]) -> None:
    """Let others go on until it is true."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError


def lease_until(rig: Rig) -> float:
    """When the claim on the task "a" ends, on the boot clock."""
    return float(rig.database.rows("SELECT lease_until FROM tasks WHERE key = 'a'")[0][0])


def test_two_engines_never_do_a_thing_twice(rig: Rig, second: Database) -> None:
    done: list[str] = []

    async def handler(task: Task) -> Verdict:
        done.append(task.key)
        await asyncio.sleep(0)
        return Done(note(task.key))

    async def both() -> None:
        engines = [rig.engine(rig.database), rig.engine(second)]
        for made in engines:
            made.on("work", handler)
        while any(await asyncio.gather(*(made.step() for made in engines * 3))):
            pass

    keys = [f"{number:03}" for number in range(100)]
    for key in keys:
        rig.add(key)
    asyncio.run(both())
    assert (sorted(done), rig.notes()) == (keys, keys)


def test_a_task_in_work_is_nobody_elses(rig: Rig, second: Database) -> None:
    other = engine(rig, second)
    others: list[bool] = []

    async def handler(_: Task) -> Verdict:
        others.append(await other.step())
        return Done()

    mine = rig.engine()
    mine.on("work", handler)
    rig.add()
    assert (step(mine), others) == (True, [False])


# Whose process is gone


def test_what_a_killed_process_left_is_taken_over_when_its_lease_is_over(rig: Rig) -> None:
    rig.add()
    rig.vanish()
    other = engine(rig)
    rig.clock.step(LEASE_SECONDS - 1)
    assert (other.seconds_to_next(), step(other)) == (1, False)
    rig.clock.step(1)
    assert step(other)
    assert (rig.status, rig.task().crashes) == (Status.DONE, 0)


def test_a_claim_of_a_process_that_is_known_to_be_gone_is_taken_over_at_once(rig: Rig, ended: str) -> None:
    rig.add()
    rig.vanish(lease=ended)
    heir = engine(rig, None, Go({"step": 2}, 60))
    assert heir.seconds_to_next() == 0
    assert step(heir)
    assert (rig.status, rig.task().data, rig.task().crashes) == (Status.READY, {"step": 2}, 0)


def test_it_counts_as_a_crash_like_a_lease_that_ran_out(rig: Rig, ended: str) -> None:
    rig.add()
    for crashes in range(5):
        assert rig.vanish(lease=ended).crashes == crashes
    assert not step(engine(rig))
    assert (rig.status, rig.task().crashes, rig.task().why) == (Status.DEAD, 5, f"process {ended} vanished with it")


@pytest.mark.parametrize(("claimed_in", "now_in"), [("", ""), ("", "boot-1"), ("boot-1", "")])
def test_where_boots_have_no_name_nobody_is_known_to_be_gone(
    claimed_in: str, now_in: str, rig: Rig, ended: str
) -> None:
    rig.clock.name = claimed_in
    rig.add()
    rig.vanish(lease=ended)
    rig.clock.name = now_in
    # Another boot's name ends every claim anyhow.
    assert step(engine(rig)) == (claimed_in != now_in)


def test_a_zombie_whose_claim_was_ended_for_gone_changes_nothing(rig: Rig, second: Database, ended: str) -> None:
    other = engine(rig, second, Done(note("heir")))

    async def freeze(task: Task) -> Verdict:
        rig.database.rows("UPDATE tasks SET lease = ? WHERE id = ?", (ended, task.id))
        assert await other.step()
        return Done(note("zombie"))

    zombie = rig.engine()
    zombie.on("work", freeze)
    rig.add()
    assert step(zombie)
    assert rig.notes() == ["heir"]


def test_a_task_that_kills_its_worker_is_parked_after_the_fifth(rig: Rig) -> None:
    rig.add()
    for crashes in range(5):
        assert rig.vanish().crashes == crashes
        rig.clock.step(LEASE_SECONDS)
    assert not step(engine(rig))
    assert (rig.status, rig.task().crashes, rig.task().why) == (Status.DEAD, 5, "process 1:gone vanished with it")
    assert [task.key for task in tasks.dead(rig.database, 9)] == ["a"]
    assert rig.write(tasks.retry)
    assert step(engine(rig))


def test_crashes_count_in_a_row_only(rig: Rig) -> None:
    rig.add()
    for _ in range(9):
        rig.vanish()
        rig.clock.step(LEASE_SECONDS)
        assert step(engine(rig, None, Again(0, "not yet")))
    assert (rig.status, rig.task().crashes) == (Status.READY, 0)


def test_a_restart_of_the_machine_ends_every_lease_at_once(rig: Rig) -> None:
    rig.add()
    rig.vanish()
    rig.clock.reboot()
    assert step(engine(rig))


def test_it_does_so_too_when_the_new_boot_is_as_old_as_the_last_one_was(rig: Rig) -> None:
    rig.add()
    rig.vanish()
    rig.clock.name = "boot-2"
    assert step(engine(rig))


def test_it_does_so_too_where_boots_have_no_name(rig: Rig) -> None:
    rig.clock.name, rig.clock.seconds = "", 86400.0 * 30
    rig.add()
    rig.vanish()
    rig.clock.name, rig.clock.seconds = "", 5.0
    assert step(engine(rig))


def test_the_end_of_a_dead_process_lease_is_a_time_to_wake_up(rig: Rig) -> None:
    rig.add("a")
    rig.add("b", after=600.0)
    rig.vanish()
    assert engine(rig).seconds_to_next() == LEASE_SECONDS


# Who was away for too long


@pytest.mark.parametrize(
    "late",
    [
        Done(note("zombie")),
        Again(1, "zombie", note("zombie")),
        Go({"zombie": True}, 1, note("zombie")),
        Failed("zombie", note("zombie")),
        Dead("zombie", note("zombie")),
    ],
)
@pytest.mark.parametrize("heir", [Done(note("heir")), Go({"step": 2}, 60, note("heir"))])
def test_a_zombie_changes_nothing(late: Verdict, heir: Verdict, rig: Rig, second: Database) -> None:
    other = engine(rig, second, heir)

    async def freeze(_: Task) -> Verdict:
        rig.clock.step(LEASE_SECONDS)
        assert await other.step()
        return late

    zombie = rig.engine()
    zombie.on("work", freeze)
    rig.add()
    zombie_stepped = step(zombie)
    after = rig.task()
    assert (zombie_stepped, rig.notes(), after.why) == (True, ["heir"], None)
    assert after.data == ({} if isinstance(heir, Done) else {"step": 2})


def test_a_zombie_does_not_end_a_claim_that_is_in_work_elsewhere(rig: Rig) -> None:
    async def freeze(_: Task) -> Verdict:
        rig.clock.step(LEASE_SECONDS)
        rig.vanish()
        return Done(note("zombie"))

    zombie = rig.engine()
    zombie.on("work", freeze)
    rig.add()
    assert step(zombie)
    assert (rig.task().lease, rig.status, rig.notes()) == ("1:gone", Status.READY, [])


def test_whose_lease_ran_out_and_was_wanted_by_nobody_has_lost_nothing(rig: Rig) -> None:
    async def freeze(_: Task) -> Verdict:
        rig.clock.step(LEASE_SECONDS * 9)
        return Done(note("slow"))

    slow = rig.engine()
    slow.on("work", freeze)
    rig.add()
    assert step(slow)
    assert (rig.status, rig.notes()) == (Status.DONE, ["slow"])


def test_an_intent_is_committed_in_mid_step_and_not_by_a_zombie(rig: Rig, second: Database) -> None:
    other = engine(rig, second)
    mine = rig.engine()
    lost: list[RelayclearError] = []

    async def handler(task: Task) -> Verdict:
        mine.commit(task, note("intent"))
        assert rig.notes() == ["intent"]
        rig.clock.step(LEASE_SECONDS)
        assert await other.step()
        try:
            mine.commit(task, note("zombie"))
        except LeaseLostError as error:
            lost.append(error)
            raise
        raise AssertionError

    mine.on("work", handler)
    rig.add()
    assert step(mine)
    assert (len(lost), rig.notes(), rig.status) == (1, ["intent"], Status.DONE)


def test_a_commit_in_mid_step_prolongs_the_claim(rig: Rig, second: Database) -> None:
    other = engine(rig, second)
    mine = rig.engine()

    async def handler(task: Task) -> Verdict:
        for number in range(5):
            rig.clock.step(LEASE_SECONDS - 1)
            mine.commit(task, note(str(number)))
            assert not await other.step()
        return Done()

    mine.on("work", handler)
    rig.add()
    assert step(mine)
    assert rig.status is Status.DONE


def test_a_long_step_keeps_its_claim_by_beats(rig: Rig, second: Database) -> None:
    other = engine(rig, second)
    mine = rig.engine(beat_seconds=0.0)

    async def handler(_: Task) -> Verdict:
        for _beat in range(5):
            rig.clock.step(LEASE_SECONDS - 1)
            await reached(lambda: lease_until(rig) == rig.clock.seconds + LEASE_SECONDS)
            assert not await other.step()
        return Done()

    mine.on("work", handler)
    rig.add()
    assert step(mine)
    assert rig.status is Status.DONE


def test_a_zombie_is_stopped_by_its_next_beat(rig: Rig, second: Database) -> None:
    other = engine(rig, second)
    stopped: list[str] = []

    async def freeze(task: Task) -> Verdict:
        rig.clock.step(LEASE_SECONDS)
        assert await other.step()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(task.key)
        raise AssertionError

    zombie = rig.engine(beat_seconds=0.0)
    zombie.on("work", freeze)
    rig.add()
    assert step(zombie)
    assert (stopped, rig.status) == (["a"], Status.DONE)


def test_a_handler_that_ignores_its_limit_loses_its_claim(rig: Rig, second: Database) -> None:
    other = engine(rig, second)

    async def stubborn(_: Task) -> Verdict:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            rig.clock.step(LEASE_SECONDS)
            for _turn in range(9):  # of the loop, in each of which a beat could come
                await asyncio.sleep(0)
            assert await other.step()
        return Done(note("zombie"))

    zombie = rig.engine(beat_seconds=0.0)
    zombie.on("work", stubborn, Policy(limit_seconds=0))
    rig.add()
    assert step(zombie)
    assert (rig.status, rig.notes()) == (Status.DONE, [])


# Clocks


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_takes_no_claim_away(jump: float, rig: Rig, second: Database) -> None:
    other = engine(rig, second)

    async def handler(_: Task) -> Verdict:
        rig.clock.unix += jump
        assert not await other.step()
        return Done(note("once"))

    mine = rig.engine()
    mine.on("work", handler)
    rig.add()
    assert step(mine)
    assert (rig.status, rig.notes(), step(other)) == (Status.DONE, ["once"], False)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_neither_keeps_nor_frees_what_a_dead_process_held(jump: float, rig: Rig) -> None:
    rig.add()
    rig.vanish()
    rig.clock.unix += jump
    rig.clock.step(LEASE_SECONDS - 1)
    assert not step(engine(rig))
    rig.clock.step(1)
    assert step(engine(rig))


def test_a_clock_set_back_an_hour_delays_nothing_by_an_hour(rig: Rig) -> None:
    rig.add("due")
    rig.add("later", after=20.0)
    rig.every(60, "tick")
    ran = engine(rig)
    rig.clock.step(10)
    rig.clock.unix -= HOUR
    assert drain(ran) == 2
    assert ran.seconds_to_next() == 20
    rig.clock.step(20)
    assert drain(ran) == 1
    assert ran.seconds_to_next() == 40


def test_a_clock_set_forward_an_hour_brings_one_tick_and_not_sixty(rig: Rig) -> None:
    ran = engine(rig)
    rig.every(60)
    drain(ran)
    rig.clock.unix += HOUR
    assert drain(ran) == 1
    assert ran.seconds_to_next() == 60


# Ticks


def test_ticks_of_many_processes_are_one_each(rig: Rig, second: Database) -> None:
    engines = [engine(rig, database) for database in (rig.database, second, rig.database)]
    ticks = 0
    for _ in range(10):
        for made in engines:
            rig.every(60)
            ticks += drain(made)
        rig.clock.step(60)
    assert ticks == 10


# The database's own rules


def test_is_it_new_is_told_by_what_comes_back_and_not_by_a_row_count(rig: Rig) -> None:
    with rig.database.atomic() as tx:
        now = rig.clock.now()
        assert [tasks.add(tx, NewTask("work", "a"), now) for _ in range(3)] == [True, False, False]


def test_looking_for_work_does_not_wait_for_a_writer(rig: Rig, second: Database) -> None:
    waiting = engine(rig, second)
    rig.add(after=60.0)
    with rig.database.atomic():
        assert waiting.seconds_to_next() == 60
        assert not step(waiting)
        assert tasks.counts(second)
