"""Tasks: work that outlives its process, who has claimed it and until when.

A claim is a lease on the boot clock; one whose process is known to be gone ends before its time.
Every write that ends or prolongs one names the lease, so an owner that was away for too long
changes nothing: LeaseLostError.  What must be written together with the end of a claim goes into
the same transaction, after `finish`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from math import inf
from typing import Any, NamedTuple

from relayclear.errors import RelayclearError
from relayclear.store import owners
from relayclear.store.db import Reads, Row, Transaction, Value, with_list
from relayclear.store.values import json_text, read_json

LEASE_SECONDS = 30.0
MOST_CRASHES = 5
KEPT_SECONDS = 30 * 86400.0
# What the lowest priority is worth in waiting: nothing that is due ranks later than this from now.
_WIDEST = 180.0

_COLUMNS = """id, kind, key, data, priority, status, run_at, period, lease, tries, crashes, why, created_at, ended_at"""

ADD_TASK = """
INSERT INTO tasks (kind, key, data, priority, status, run_at, planned_at, created_at)
VALUES (?, ?, ?, ?, 'ready', ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id"""
# One that ended comes back; one that waits for longer than the new period does not.
SET_TICKS = """
INSERT INTO tasks (kind, key, data, priority, status, run_at, planned_at, created_at, period)
VALUES (?, ?, ?, ?, 'ready', ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET data = excluded.data, priority = excluded.priority, period = excluded.period,
  status = CASE WHEN tasks.status = 'done' THEN 'ready' ELSE tasks.status END,
  ended_at = CASE WHEN tasks.status = 'done' THEN NULL ELSE tasks.ended_at END,
  planned_at = excluded.planned_at,
  run_at = CASE WHEN tasks.status = 'done' THEN excluded.run_at
    WHEN tasks.run_at > excluded.run_at + excluded.period THEN excluded.run_at + excluded.period
    ELSE tasks.run_at END"""

# The clock went back: what is planned keeps its wait, and not an hour more.
PLAN_ANEW = """
UPDATE tasks SET run_at = run_at - planned_at + ?, planned_at = ?
WHERE status = 'ready' AND lease IS NULL AND planned_at > ?"""
_WITHOUT_ITS_OWNER = """lease = NULL, lease_until = NULL, lease_boot = NULL, crashes = crashes + 1,
  status = CASE WHEN crashes + 1 >= ? THEN 'dead' ELSE 'ready' END,
  ended_at = CASE WHEN crashes + 1 >= ? THEN ? END,
  why = 'process ' || lease || ' vanished with it'"""
# A lease never ends later than LEASE_SECONDS from now; twice that is from another boot, even where
# the system has no name for its boots.
END_LAPSED = f"""
UPDATE tasks SET {_WITHOUT_ITS_OWNER}
WHERE lease IS NOT NULL AND (lease_boot <> ? OR lease_until <= ? OR lease_until > ?)"""  # noqa: S608 - a text of ours
END_GONE = f"UPDATE tasks SET {_WITHOUT_ITS_OWNER} WHERE lease = ? AND lease_boot = ?"  # noqa: S608 - a text of ours
# The outer condition is for databases that don't keep other writers out: of two, one finds nothing.
CLAIM = f"""
UPDATE tasks SET lease = ?, lease_until = ?, lease_boot = ?, hastened = 0
WHERE status = 'ready' AND lease IS NULL AND id = (
  SELECT id FROM tasks
  WHERE status = 'ready' AND lease IS NULL AND rank <= ? AND run_at <= ? AND (? = '' OR key = ?) AND kind IN (?*)
  ORDER BY rank, id LIMIT 1)
RETURNING {_COLUMNS}"""  # noqa: S608 - columns of ours
EXTEND = "UPDATE tasks SET lease_until = ? WHERE id = ? AND lease = ? RETURNING id"
# Asked for again while it was being carried out: it runs again at once, whatever its owner says.
FINISH = """
UPDATE tasks SET lease = NULL, lease_until = NULL, lease_boot = NULL, crashes = 0, planned_at = ?, status = ?,
  run_at = CASE WHEN hastened = 1 THEN ? ELSE ? END, data = ?, tries = ?, why = ?, ended_at = ?
WHERE id = ? AND lease = ? RETURNING id"""

SELECT_NEXT = """
SELECT run_at FROM tasks WHERE status = 'ready' AND lease IS NULL AND (? = '' OR key = ?) AND kind IN (?*)
ORDER BY run_at LIMIT 1"""
SELECT_PLANNED_AHEAD = """
SELECT 1 FROM tasks WHERE status = 'ready' AND lease IS NULL AND planned_at > ? LIMIT 1"""
SELECT_CLAIMED = "SELECT lease, lease_boot, lease_until FROM tasks WHERE lease IS NOT NULL"

RETRY = """
UPDATE tasks SET status = 'ready', run_at = ?, planned_at = ?, tries = 0, crashes = 0, why = NULL, ended_at = NULL
WHERE key = ? AND status IN ('ready', 'dead') AND lease IS NULL RETURNING id"""
HASTEN = """
UPDATE tasks SET hastened = 1, planned_at = CASE WHEN lease IS NULL THEN ? ELSE planned_at END,
  run_at = CASE WHEN lease IS NULL AND run_at > ? THEN ? ELSE run_at END
WHERE key = ? AND status = 'ready' AND tries = 0 RETURNING id"""
REVIVE = """
UPDATE tasks SET status = 'ready', run_at = ?, planned_at = ?, tries = 0, crashes = 0, why = NULL, ended_at = NULL
WHERE key = ? AND status = 'done' RETURNING id"""
FORGET_DONE = "DELETE FROM tasks WHERE status = 'done' AND ended_at < ? RETURNING id"

SELECT_TASK = f"SELECT {_COLUMNS} FROM tasks WHERE key = ?"  # noqa: S608 - columns of ours
SELECT_DEAD = f"""
SELECT {_COLUMNS} FROM tasks WHERE status = 'dead' ORDER BY ended_at DESC LIMIT ?"""  # noqa: S608 - columns of ours
SELECT_COUNTS = """
SELECT kind, 'ready', 0, count(*), min(run_at) FROM tasks WHERE status = 'ready' AND lease IS NULL GROUP BY kind
UNION ALL
SELECT kind, 'ready', 1, count(*), min(run_at) FROM tasks WHERE lease IS NOT NULL GROUP BY kind
UNION ALL
SELECT kind, 'dead', 0, count(*), min(run_at) FROM tasks WHERE status = 'dead' GROUP BY kind"""


class LeaseLostError(RelayclearError):
    """Somebody else has taken over the task, or it is over: its former owner may change nothing."""

    code = "lease_lost"
    usual = "relayclear operations list tells who has it now"


class Priority(IntEnum):
    """Who goes first among tasks that are due; a step is worth a minute of waiting."""

    URGENT = 0
    SOON = 1
    NORMAL = 2
    IDLE = 3


class Status(StrEnum):
    """Ready to run (now, later, or claimed), done, or dead: waiting for somebody to look at it."""

    READY = "ready"
    DONE = "done"
    DEAD = "dead"


class Moment(NamedTuple):
    """Now, by both clocks: unix seconds, and seconds since this boot of the machine."""

    unix: float
    boot: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be added.  `key` is unique among all tasks, `after` in seconds from now."""

    kind: str
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was read.  `run_at`, `created_at`, `ended_at` in unix seconds; `lease` of `owners`.

    `tries` failed since it last moved on; `why` says why it waits, failed last or is dead;
    `period` is the seconds from tick to tick, None for what happens once.
    """

    id: int
    kind: str
    key: str
    data: Mapping[str, Any]
    priority: Priority
    status: Status
    run_at: float
    period: float | None
    lease: str | None
    tries: int
    crashes: int
    why: str | None
    created_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim ends: ready again `after` seconds from now, or done, or dead.

    A task that ticks is over only with its `last` outcome; until then it waits for the next tick.
    """

    status: Status
    data: Mapping[str, Any]
    after: float = 0.0
    tries: int = 0
    why: str | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many tasks of a kind are ready (claimed or not) or dead, and the earliest time to run."""

    kind: str
    status: Status
    claimed: bool
    number: int
    earliest: float


def add(tx: Transaction, task: NewTask, now: datetime) -> bool:
    """Add a task; False when its key is there already, in whatever state: nothing is changed then."""
    row = (task.kind, task.key, json_text(task.data), task.priority)
    at = now.timestamp()
    return bool(tx.execute(ADD_TASK, (*row, at + task.after, at, at)))


def every(tx: Transaction, seconds: float, task: NewTask, now: datetime) -> None:
    """Let a task tick: first `after` its own wait, then every `seconds`, missed ticks dropped.

    However many processes say so, there is one task of its key.  Data, priority and period of one
    that is there are replaced; its next tick stays, unless it is further off than the period.  One
    that is dead stays dead until it is retried.
    """
    row = (task.kind, task.key, json_text(task.data), task.priority)
    at = now.timestamp()
    tx.execute(SET_TICKS, (*row, at + task.after, at, at, seconds))


def claim(tx: Transaction, kinds: Collection[str], lease: str, at: Moment, only: str = "") -> Task | None:
    """Take what is due and ranks first, of these kinds (and this key), until `at` + LEASE_SECONDS.

    `at` must have been read inside the transaction: the wait for it may have been long.  Claims
    whose owner vanished are freed first; a task that lost its fifth owner in a row is dead.
    """
    crashed = (MOST_CRASHES, MOST_CRASHES, at.unix)
    tx.execute(END_LAPSED, (*crashed, at.boot, at.seconds, at.seconds + 2 * LEASE_SECONDS))
    for held, boot, _ in tx.rows(SELECT_CLAIMED):
        if _is_left(held, boot, at):
            tx.execute(END_GONE, (*crashed, held, boot))
    tx.execute(PLAN_ANEW, (at.unix, at.unix, at.unix))
    mine = (lease, at.seconds + LEASE_SECONDS, at.boot)
    due: tuple[Value, ...] = (at.unix + _WIDEST, at.unix, only, only, *kinds)
    found = tx.execute(with_list(CLAIM, len(kinds)), (*mine, *due)) if kinds else []
    return next(map(_task, found), None)


def extend(tx: Transaction, task: Task, at: Moment) -> None:
    """Keep a claim for another LEASE_SECONDS.  Raises LeaseLostError."""
    _fence(task, tx.execute(EXTEND, (at.seconds + LEASE_SECONDS, task.id, task.lease)))


def finish(tx: Transaction, task: Task, outcome: Outcome, now: datetime) -> None:
    """End a claim.  Raises LeaseLostError, which must take the whole transaction back."""
    at, status, after = now.timestamp(), outcome.status, outcome.after
    if status is not Status.READY and task.period is not None and not outcome.last:
        # On the old beat: ticks that were missed meanwhile are dropped, not made up for.
        status, after = Status.READY, task.period - (at - task.run_at) % task.period
    ended_at = None if status is Status.READY else at
    planned = (at, status, at, at + after)
    values = (json_text(outcome.data), outcome.tries, outcome.why, ended_at, task.id, task.lease)
    _fence(task, tx.execute(FINISH, (*planned, *values)))


def _fence(task: Task, hit: list[Row]) -> None:
    if not hit:
        raise LeaseLostError(f"the claim {task.lease} on {task.key} is over")


def seconds_to_next(reads: Reads, kinds: Collection[str], at: Moment, only: str = "") -> float:
    """Seconds until something can be claimed, zero or less for at once; infinite when nothing waits.

    Claims whose owner vanished count: now where that is known, else when the lease is over.
    """
    if not kinds:
        return inf
    if reads.row(SELECT_PLANNED_AHEAD, (at.unix,)):
        return 0.0
    ready = [run_at - at.unix for (run_at,) in reads.rows(with_list(SELECT_NEXT, len(kinds)), (only, only, *kinds))]
    claimed = [_lapses(row, at) for row in reads.rows(SELECT_CLAIMED)]
    return min(ready + claimed, default=inf)


def _lapses(row: Row, at: Moment) -> float:
    lease, boot, until = row
    # Judged as END_LAPSED judges: else an engine would wake for a task that it can't claim, again and again.
    left: float = until - at.seconds
    return 0.0 if boot != at.boot or left > 2 * LEASE_SECONDS or _is_left(lease, boot, at) else left


def _is_left(lease: str, boot: str, at: Moment) -> bool:
    """Whether nobody holds a claim any more though its time isn't over; only ever known within one named boot."""
    return bool(boot) and boot == at.boot and owners.is_gone(lease)


def retry(tx: Transaction, key: str, now: datetime) -> bool:
    """Make a dead or waiting task due at once, with fresh counters; False when it is done or claimed."""
    at = now.timestamp()
    return bool(tx.execute(RETRY, (at, at, key)))


def hasten(tx: Transaction, key: str, now: datetime) -> bool:
    """Say there is news for a waiting task: due at once, or once more when it is being carried out.

    Changes nothing and is False for one that failed and backs off, is over, or isn't there.
    """
    at = now.timestamp()
    return bool(tx.execute(HASTEN, (at, at, at, key)))


def revive(tx: Transaction, key: str, now: datetime) -> bool:
    """Make a task that is done due once more, for there is news; False where it isn't done."""
    at = now.timestamp()
    return bool(tx.execute(REVIVE, (at, at, key)))


def forget_done(tx: Transaction, now: datetime) -> int:
    """Delete tasks that have been done for KEPT_SECONDS; how many."""
    return len(tx.execute(FORGET_DONE, (now.timestamp() - KEPT_SECONDS,)))


def find(reads: Reads, key: str) -> Task | None:
    """The task of that key."""
    return next(map(_task, reads.rows(SELECT_TASK, (key,))), None)


def dead(reads: Reads, limit: int) -> list[Task]:
    """Tasks that wait for somebody to look at them, newest first."""
    return [_task(row) for row in reads.rows(SELECT_DEAD, (limit,))]


def counts(reads: Reads) -> list[Count]:
    """How many tasks are not done, by kind and state."""
    return [_count(row) for row in reads.rows(SELECT_COUNTS)]


def _count(row: Row) -> Count:
    kind, status, claimed, number, earliest = row
    return Count(kind, Status(status), bool(claimed), number, earliest)


def _task(row: Iterable[Any]) -> Task:
    task_id, kind, key, data, priority, status, *rest = row
    return Task(task_id, kind, key, read_json(data), Priority(priority), Status(status), *rest)
