"""What the table of tasks keeps, counts and forgets; random histories of its claims."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.store import tasks
from relayclear.store.db import Database, RuleBrokenError, Transaction, open_database
from relayclear.store.tasks import (
    KEPT_SECONDS,
    LEASE_SECONDS,
    Count,
    LeaseLostError,
    Moment,
    NewTask,
    Outcome,
    Priority,
    Status,
    Task,
)

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
AT = Moment(NOW.timestamp(), "boot-1", 1000.0)


def add(database: Database, *keys: str, kind: str = "work") -> None:
    with database.atomic() as tx:
        for key in keys:
            tasks.add(tx, NewTask(kind, key), NOW)


def claim(database: Database, at: Moment = AT, lease: str = "1:a") -> Task | None:
    with database.atomic() as tx:
        return tasks.claim(tx, ["work"], lease, at)


def finish(database: Database, task: Task | None, status: Status, now: datetime = NOW) -> None:
    assert task
    with database.atomic() as tx:
        tasks.finish(tx, task, Outcome(status, task.data, why=None if status is Status.DONE else "because"), now)


def test_a_task_comes_back_as_it_was_added(database: Database) -> None:
    with database.atomic() as tx:
        tasks.add(tx, NewTask("work", "a", {"name": "käse", "amount": str(2**200)}, Priority.SOON, 5.0), NOW)
    at = NOW.timestamp()
    assert tasks.find(database, "a") == Task(
        *(1, "work", "a", {"name": "käse", "amount": str(2**200)}, Priority.SOON, Status.READY, at + 5, None, None),
        *(0, 0, None, at, None),
    )
    assert tasks.find(database, "b") is None


def test_done_tasks_are_forgotten_after_thirty_days_and_dead_ones_are_not(database: Database) -> None:
    add(database, "done", "dead", "later done")
    finish(database, claim(database), Status.DONE)
    finish(database, claim(database), Status.DEAD)
    finish(database, claim(database), Status.DONE, NOW + timedelta(seconds=1))
    with database.atomic() as tx:
        assert tasks.forget_done(tx, NOW + timedelta(seconds=KEPT_SECONDS)) == 0
        assert tasks.forget_done(tx, NOW + timedelta(seconds=KEPT_SECONDS + 0.5)) == 1
    assert tasks.find(database, "done") is None
    assert tasks.find(database, "dead")
    assert tasks.find(database, "later done")


def test_dead_tasks_are_listed_newest_first(database: Database) -> None:
    add(database, "a", "b", "c")
    for seconds in range(3):
        finish(database, claim(database), Status.DEAD, NOW + timedelta(seconds=seconds))
    assert [task.key for task in tasks.dead(database, 2)] == ["c", "b"]


def test_what_waits_is_counted_by_kind_and_state(database: Database) -> None:
    add(database, "a", "b", "c", "d", "e")
    add(database, "x", kind="other")
    finish(database, claim(database), Status.DONE)
    finish(database, claim(database), Status.DEAD)
    claim(database)
    at = NOW.timestamp()
    counted = tasks.counts(database)
    assert set(counted) == {
        Count("work", Status.DEAD, claimed=False, number=1, earliest=at),
        Count("work", Status.READY, claimed=False, number=2, earliest=at),
        Count("work", Status.READY, claimed=True, number=1, earliest=at),
        Count("other", Status.READY, claimed=False, number=1, earliest=at),
    }


@pytest.mark.parametrize("act", [tasks.retry, tasks.hasten])
def test_nothing_can_be_said_to_a_task_that_is_not_there(
    act: Callable[[Transaction, str, datetime], bool], database: Database
) -> None:
    with database.atomic() as tx:
        assert not act(tx, "a", NOW)


def test_a_claimed_task_is_not_retried_under_its_owner(database: Database) -> None:
    add(database, "a")
    claimed = claim(database)
    with database.atomic() as tx:
        assert not tasks.retry(tx, "a", NOW)
    finish(database, claimed, Status.DONE)


def test_a_lost_claim_takes_the_whole_transaction_back(database: Database) -> None:
    add(database, "a")
    zombie = claim(database)
    later = AT._replace(seconds=AT.seconds + LEASE_SECONDS)
    finish(database, claim(database, later, "2:b"), Status.DONE)
    assert zombie

    def end() -> None:
        with database.atomic() as tx:
            tx.execute("INSERT INTO remembered VALUES ('a', 'b', 'c')")
            tasks.finish(tx, zombie, Outcome(Status.DEAD, {}), NOW)

    with pytest.raises(LeaseLostError, match="the claim 1:a on a is over"):
        end()
    assert database.rows("SELECT * FROM remembered") == []
    with database.atomic() as tx, pytest.raises(LeaseLostError):
        tasks.extend(tx, zombie, AT)


@pytest.mark.parametrize(
    "wrong",
    [
        "status = 'gone'",
        "priority = 4",
        "key = ''",
        "lease = 'x'",
        "status = 'done'",
        "ended_at = 1.0",
        "lease = 'x', lease_until = 1.0, lease_boot = 'b', status = 'dead', ended_at = 1.0",
        "period = 0.0",
    ],
)
def test_the_database_refuses_a_task_that_cannot_be(wrong: str, database: Database) -> None:
    add(database, "a")
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        tx.execute(f"UPDATE tasks SET {wrong}")  # noqa: S608 - the examples above


def test_claiming_among_ten_thousand_walks_no_further_than_the_first(database: Database) -> None:
    with database.atomic() as tx:
        for number in range(10_000):
            tasks.add(tx, NewTask("work", str(number), after=0.0 if number == 9_999 else 3600.0), NOW)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    database._connection.set_progress_handler(count, 100)
    assert tasks.seconds_to_next(database, ["work"], AT) == 0
    claimed = claim(database)
    database._connection.set_progress_handler(None, 0)
    assert claimed
    assert (claimed.key, steps < 20) == ("9999", True)


# Random histories


class _Machine:
    """Owners that claim, end, freeze and die on one machine whose clocks do what they like."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.unix, self.boot, self.seconds = NOW.timestamp(), 1, 1000.0
        self.held: dict[int, Task] = {}
        self.ended: dict[str, int] = {}
        self.leases = 0

    @property
    def at(self) -> Moment:
        return Moment(self.unix, f"boot-{self.boot}", self.seconds)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix, UTC)

    def claim(self, owner: int, _: int) -> None:
        self.leases += 1
        task = claim(self.database, self.at, f"{owner}:{self.leases}")
        if task:
            self.held[owner] = task

    def finish(self, owner: int, choice: int) -> None:
        """End what the owner believes to hold; the end writes a row in the same commit."""
        task = self.held.pop(owner, None)
        if task is None:
            return
        outcome = [
            Outcome(Status.DONE, {}),
            Outcome(Status.READY, {}, 7.0, 0, "again"),
            Outcome(Status.DEAD, {}, why="dead"),
        ][choice % 3]
        with suppress(LeaseLostError), self.database.atomic() as tx:
            tasks.finish(tx, task, outcome, self.now)
            if outcome.status is Status.DONE:
                tx.execute("INSERT INTO remembered VALUES ('done', ?, '')", (task.key,))

    def die(self, owner: int, _: int) -> None:
        self.held.pop(owner, None)

    def step(self, _: int, choice: int) -> None:
        self.unix += 10.0 * choice
        self.seconds += 10.0 * choice

    def jump(self, _: int, choice: int) -> None:
        self.unix += (choice - 2) * 3600.0

    def reboot(self, _: int, __: int) -> None:
        self.held.clear()
        self.boot += 1
        self.seconds = 5.0

    def retry(self, _: int, choice: int) -> None:
        with self.database.atomic() as tx:
            tasks.retry(tx, str(choice), self.now)

    def hasten(self, _: int, choice: int) -> None:
        with self.database.atomic() as tx:
            tasks.hasten(tx, str(choice), self.now)


ACTS = (
    "claim",
    "claim",
    "claim",
    "finish",
    "finish",
    "finish",
    "die",
    "step",
    "step",
    "jump",
    "reboot",
    "retry",
    "hasten",
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 4)), max_size=80))
def test_whatever_happens_each_task_is_ended_once_and_none_is_lost(history: list[tuple[str, int, int]]) -> None:
    with open_database(":memory:") as database:
        machine = _Machine(database)
        keys = [str(number) for number in range(5)]
        add(database, *keys)
        for act, owner, choice in history:
            getattr(machine, act)(owner, choice)
            # Of one task there is one owner whose end would count.
            claimed = database.rows("SELECT lease FROM tasks WHERE lease IS NOT NULL")
            assert len({lease for (lease,) in claimed}) == len(claimed)
        # The clock may have been set back by an hour for each step of it: a wait is never longer than it was.
        machine.held.clear()
        for key in keys:
            machine.retry(0, int(key))
        for _ in range(60):
            machine.step(0, 1)
            machine.claim(0, 0)
            machine.finish(0, 0)
            machine.retry(0, 0)
        done = sorted(name for (name,) in database.rows("SELECT name FROM remembered"))
        dead = sorted(task.key for task in tasks.dead(database, 99))
        assert sorted(done + dead) == keys
        assert len(set(done)) == len(done)
