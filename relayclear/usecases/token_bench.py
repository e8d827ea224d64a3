"""What the work of paid tokens is done with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Write
from relayclear.ibc.relayer import RelayEvent
from relayclear.store.tasks import Task
from relayclear.usecases.desk import Desk

# Every commit and effect of a paid token's work: `reached` hears of each, before and after.
POINTS = ("operation", "attempt", "run", "record", "judgement", "verdicts")


@dataclass(frozen=True, slots=True)
class Bench:
    """The desk and the engine; `reached` hears ``before NAME`` and ``after NAME``, `heard` what Hermes says."""

    desk: Desk
    engine: Engine
    reached: Callable[[str], None] = lambda _: None
    heard: Callable[[RelayEvent], None] = lambda _: None

    def commit(self, task: Task, name: str, write: Write) -> None:
        """Write in mid-step, fenced by the task's lease.  Raises LeaseLostError, which must end the step."""
        self.reached(f"before {name}")
        self.engine.commit(task, write)
        self.reached(f"after {name}")
