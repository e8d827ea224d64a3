"""Claims tasks that are due, lets their handlers work, and commits what became of them.

Any number of engines, in any number of processes, work on one database.  A task may be begun more
than once (its process was killed, or slept through its lease), but only one of them ends it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from relayclear.engine.verdicts import Again, Dead, Done, Failed, Go, Policy, Verdict, Write
from relayclear.errors import RelayclearError, StoreError
from relayclear.ibc.text import clean
from relayclear.ports import Clock
from relayclear.store import owners, tasks
from relayclear.store.db import Database, open_database
from relayclear.store.tasks import LeaseLostError, Moment, Outcome, Status, Task

Handler = Callable[[Task], Awaitable[Verdict]]

POLL_SECONDS = 0.1
# Also without news: clocks may have been set, and a database that failed may be back.
LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


@dataclass
class Engine:
    """Carries out tasks of the kinds it was given handlers for, in the loop of one thread.

    `only` is the key of the one task it takes, instead of all.  `chance` gives numbers from 0 to 1.
    Who has just added a task may set `wake`, to have it begun without the wait for the next poll.
    """

    database: Database
    clock: Clock
    only: str = ""
    chance: Callable[[], float] = random.random
    beat_seconds: float = tasks.LEASE_SECONDS / 3
    wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _handlers: dict[str, tuple[Handler, Policy]] = field(default_factory=dict, init=False)

    def on(self, kind: str, handler: Handler, policy: Policy = Policy()) -> None:  # noqa: B008 - never changed
        """Let the handler carry out tasks of this kind; an engine leaves other kinds alone."""
        self._handlers[kind] = (handler, policy)

    def commit(self, task: Task, write: Write) -> None:
        """Write in mid-step and prolong the claim; LeaseLostError (nothing is written) must end the step."""
        with self.database.atomic() as tx:
            tasks.extend(tx, task, self._moment())
            write(tx)

    def seconds_to_next(self) -> float:
        """Seconds until `step` may find something, zero or less for now; infinite when nothing waits."""
        return tasks.seconds_to_next(self.database, self._handlers, self._moment(), self.only)

    async def step(self) -> bool:
        """Carry out one step of one task, if any is due; whether there was one.  Never waits for one."""
        if self.seconds_to_next() > 0:
            return False
        with self.database.atomic() as tx:
            # The moment is read in here: the wait for the lock may have been as long as a lease.
            task = tasks.claim(tx, self._handlers, owners.new_lease(), self._moment(), self.only)
        if task is None:
            return False
        try:
            verdict = await self._judge(task)
        except asyncio.CancelledError:
            with _surviving(f"{task.key} could not be let go"):
                self._finish(task, Again(0.0, "interrupted"))
            raise
        self._finish(task, verdict)
        return True

    async def run(self, stop: asyncio.Event, workers: int = 4) -> None:
        """Carry out so many tasks at a time until `stop` is set; then handlers are cancelled, and may still answer."""
        async with asyncio.TaskGroup() as group:
            crew = [group.create_task(self._work(stop), name=f"worker {n + 1}") for n in range(workers)]
            await self._watch(stop)
            for worker in crew:
                worker.cancel()

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            found = False
            with _surviving("a step could not be written"):
                found = await self.step()
            # Handlers that never wait must not keep everybody else from running.
            await (asyncio.sleep(0) if found else self.wake.wait())
            self.wake.clear()

    async def _watch(self, stop: asyncio.Event) -> None:
        # Held as long as we run: a new connection has seen nothing change.
        with open_database(self.database.path or ":memory:") as watching:
            seen, look_at = -1, 0.0
            while not stop.is_set():
                with _surviving("tasks can't be read"):
                    version, now = watching.data_version(), self._moment().seconds
                    if version != seen or now >= look_at:
                        waiting = self.seconds_to_next()
                        seen, look_at = version, now + min(waiting, LOOK_SECONDS)
                        if waiting <= 0:
                            self.wake.set()
                await self.clock.sleep(POLL_SECONDS)

    async def _judge(self, task: Task) -> Verdict:
        handler, policy = self._handlers[task.kind]
        limit = asyncio.timeout(policy.limit_seconds)
        beats = asyncio.create_task(self._beat(task, limit), name=f"lease of {task.key}")
        try:
            async with limit:
                return await handler(task)
        except RelayclearError as error:
            return Again(policy.again_after, _said(error)) if error.retryable else Dead(_said(error))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a handler is a failed try
            hung = isinstance(error, TimeoutError) and limit.expired()
            return Failed(f"not done within {policy.limit_seconds:g} s" if hung else _said(error))
        finally:
            beats.cancel()

    async def _beat(self, task: Task, limit: asyncio.Timeout) -> None:
        # Not beyond the limit: a handler that hangs in spite of it loses its claim.
        while not limit.expired():
            await asyncio.sleep(self.beat_seconds)
            with _surviving(f"the claim on {task.key} could not be prolonged"):
                try:
                    self.commit(task, lambda _: None)
                except LeaseLostError:
                    # Somebody else may be carrying out the very same step by now: ours is cut short at once.
                    limit.reschedule(0)
                    break

    def _finish(self, task: Task, verdict: Verdict) -> None:
        try:
            with self.database.atomic() as tx:
                tasks.finish(tx, task, self._outcome(task, verdict), self.clock.now())
                if verdict.write:
                    verdict.write(tx)
        except LeaseLostError as error:
            _log.warning("nothing was written: %s", error.message)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - rows that are refused are a failed try
            self._finish(task, Failed(_said(error)))

    def _outcome(self, task: Task, verdict: Verdict) -> Outcome:
        match verdict:
            case Done(last=last):
                return Outcome(Status.DONE, task.data, last=last)
            case Again(after, why):
                return Outcome(Status.READY, task.data, after, task.tries, why)
            case Go(data, after):
                return Outcome(Status.READY, data, after)
            case Dead(why):
                return Outcome(Status.DEAD, task.data, 0.0, task.tries, why, last=True)
            case Failed(why):
                _, policy = self._handlers[task.kind]
                left = policy.backoff[task.tries :]
                status, after = (Status.READY, left[0]) if left else (Status.DEAD, 0.0)
                return Outcome(status, task.data, after * (0.9 + 0.2 * self.chance()), task.tries + 1, why)

    def _moment(self) -> Moment:
        return Moment(self.clock.now().timestamp(), *self.clock.boot())


def _said(error: Exception) -> str:
    _log.debug("a handler failed", exc_info=error)
    said = error.message if isinstance(error, RelayclearError) else f"{type(error).__name__}: {error}"
    return clean(said, 500)


@contextmanager
def _surviving(what: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        _log.warning("%s: %s", what, error.message)
