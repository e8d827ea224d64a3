"""An engine with clocks that are moved by hand, and handlers that note what they were given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Verdict, Write
from relayclear.store import tasks
from relayclear.store.db import Database, Transaction
from relayclear.store.tasks import Moment, NewTask, Status, Task

HOUR = 3600.0


@dataclass
class HandClock:
    """The wall clock and the boot clock of one machine; sleeping takes no time and is counted.

    While there is an event in `standing`, who sleeps wakes when it is set.
    """

    unix: float = 1_800_000_000.0
    name: str = "boot-1"
    seconds: float = 1000.0
    sleeps: int = 0
    standing: asyncio.Event | None = None

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.fromtimestamp(self.unix, UTC)

    def boot(self) -> tuple[str, float]:
        """The boot clock."""
        return self.name, self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        del seconds
        self.sleeps += 1
        await (asyncio.sleep(0) if self.standing is None else self.standing.wait())

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self.unix += seconds
        self.seconds += seconds

    def reboot(self) -> None:
        """Start the machine anew, in no time."""
        self.name, self.seconds = self.name + "+", 5.0


@dataclass
class Script:
    """A handler that answers as it is told, one answer after the other and the last one for ever."""

    answers: list[Verdict | Exception]
    seen: list[Task] = field(default_factory=list)

    async def __call__(self, task: Task) -> Verdict:
        """Note the task, give the next answer."""
        self.seen.append(task)
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Rig:
    """One database and its clock, with as many engines as a test wants."""

    database: Database
    clock: HandClock = field(default_factory=HandClock)

    @property
    def path(self) -> Path:
        """Where the database is."""
        assert self.database.path
        return self.database.path

    def engine(self, database: Database | None = None, **settings: Any) -> Engine:
        """An engine without chance."""
        return Engine(database or self.database, self.clock, **({"chance": lambda: 0.5} | settings))

    def add(self, key: str = "a", kind: str = "work", **more: Any) -> bool:
        """Add a task."""
        with self.database.atomic() as tx:
            return tasks.add(tx, NewTask(kind, key, **more), self.clock.now())

    def every(self, seconds: float, key: str = "a", kind: str = "work", **more: Any) -> None:
        """Let a task tick."""
        with self.database.atomic() as tx:
            tasks.every(tx, seconds, NewTask(kind, key, **more), self.clock.now())

    def write(self, act: Callable[[Transaction, str, datetime], bool], key: str = "a") -> bool:
        """Do by hand, in one commit."""
        with self.database.atomic() as tx:
            return act(tx, key, self.clock.now())

    def task(self, key: str = "a") -> Task:
        """The task as it is now."""
        found = tasks.find(self.database, key)
        assert found
        return found

    @property
    def status(self) -> Status:
        """What became of the task "a"."""
        return self.task().status

    def vanish(self, kind: str = "work", lease: str = "1:gone") -> Task:
        """Claim as a process does that is killed before it ends the step."""
        with self.database.atomic() as tx:
            at = Moment(self.clock.unix, *self.clock.boot())
            claimed = tasks.claim(tx, [kind], lease, at)
        assert claimed
        return claimed

    def notes(self) -> list[str]:
        """Names of the rows that `note` wrote."""
        return [name for (name,) in self.database.rows("SELECT name FROM remembered ORDER BY name")]


def note(name: str) -> Write:
    """Writes a row that can be there only once."""
    return lambda tx: tx.execute("INSERT INTO remembered (chain, name, value) VALUES ('', ?, '')", (name,))


def step(engine: Engine) -> bool:
    """Carry out one step; a handler that is never stopped fails the test instead of hanging it."""
    return asyncio.run(asyncio.wait_for(engine.step(), 30))


def drain(engine: Engine) -> int:
    """Steps until nothing is due; how many there were."""
    for count in range(10_000):
        if not step(engine):
            return count
    raise AssertionError
