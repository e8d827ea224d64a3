"""How fast and how patiently a node is asked: the clock, the budget of requests, the waits between tries."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_TRIES = 3


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks and waits of a client, so that tests neither wait nor depend on the hour.

    `monotonic` in seconds, `wall` in UTC, `deadline` in seconds for one request with all its tries; a read that has
    no answer after `hedge` seconds of the loop's own clock is asked of another endpoint too.  A status asked alone may
    take `status`: it is a few fields out of memory, and a node that needs longer is of no use now.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = _wall
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    deadline: float = 15.0
    hedge: float = 2.0
    status: float = 3.0

    def pause(self, tries: int) -> float:
        """Seconds before the next try after `tries` failed ones: 0.2 to 2, doubling, half of it by chance."""
        return min(2.0, 0.2 * (1 << tries)) * (1 + self.chance()) / 2


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, in seconds or as a date; None when there is none or it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


class Budget:
    """At most `rate` requests a second over time, with a burst of ten seconds' worth saved up.

    The burst is what keeps one listing fast; a loop of listings comes down to the rate.
    """

    def __init__(self, rate: float, timing: Timing) -> None:
        """Start with a full burst."""
        self._rate = rate
        self._burst = 10 * rate
        self._timing = timing
        self._tokens = self._burst
        self._at = timing.monotonic()

    async def take(self) -> None:
        """Take one request's worth, waiting for it in the order of asking."""
        now = self._timing.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        # Debt is kept, so that whoever comes next waits behind this one.
        if self._tokens < 0:
            await self._timing.sleep(-self._tokens / self._rate)
