"""What time it is in a world: the machine's time, a faster one, or one that is stepped by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

BILLION = 10**9


class Clock(Protocol):
    """The world's time."""

    def now_ns(self) -> int:
        """Unix nanoseconds."""


@dataclass
class SteppedClock:
    """Time that stands still until somebody steps it."""

    at_ns: int

    def now_ns(self) -> int:
        """Where it was left."""
        return self.at_ns

    def step(self, seconds: float) -> None:
        """Move it on."""
        self.at_ns += round(seconds * BILLION)


@dataclass
class RunningClock:
    """Time that runs by itself, `speed` times as fast as the machine's, from when it was made."""

    speed: float = 1.0
    started_ns: int = field(default_factory=time.time_ns)
    _began_ns: int = field(default_factory=time.monotonic_ns)

    def now_ns(self) -> int:
        """The time it started from, and what has passed since."""
        return self.started_ns + round((time.monotonic_ns() - self._began_ns) * self.speed)
