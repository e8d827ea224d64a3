"""What a handler answers.  `write` adds rows to the commit that ends the claim; a lost one writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from relayclear.store.db import Transaction

Write = Callable[[Transaction], object]


@dataclass(frozen=True, slots=True)
class Done:
    """It is over; a task that ticks waits for its next tick, unless this was the `last`."""

    write: Write | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Not yet: the same after so many seconds.  Not a try: may be said without end."""

    after: float
    why: str
    write: Write | None = None


@dataclass(frozen=True, slots=True)
class Go:
    """A step is done, the next one has this data.  Tries are counted anew."""

    data: Mapping[str, Any]
    after: float = 0.0
    write: Write | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A try that failed; the kind's policy says when, and whether, there is another."""

    why: str
    write: Write | None = None


@dataclass(frozen=True, slots=True)
class Dead(Failed):
    """No further try can help: left for somebody to look at and to retry by hand."""


Verdict = Done | Again | Go | Failed


class Policy(NamedTuple):
    """After the n-th failed try a task waits ``backoff[n - 1]``; after one more it is dead.  None goes on for ever.

    A step may take `limit_seconds`.  After an error that is retryable by its own word, which is no try, it
    waits `again_after`; after one that isn't, it is dead.  All in seconds; waits after a try vary by a tenth.
    """

    backoff: tuple[float, ...] = (5.0, 10.0, 20.0)
    limit_seconds: float = 300.0
    again_after: float = 10.0
