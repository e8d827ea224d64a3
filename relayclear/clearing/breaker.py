"""One breaker a dependency: it opens where a node, a Hermes path or the wallet fails too often, and heals by a probe.

| what is seen | while | what happens |
|---|---|---|
| five failures in a row | closed | it opens |
| half of at least five calls within 30 s failed | closed | it opens |
| any outcome of a call admitted before it opened | open | nothing |
| its time is over | open | half-open: one caller may probe, all others are turned away |
| the probe succeeded | half-open | it closes |
| the probe failed | half-open | it opens once more |
| nothing came of the probe within its time | half-open | another one may probe |
| a person opened it | closed, half-open | open until then, or until somebody resets it |

Counts (`Tally`) live in the memory of whoever calls, by any clock that only runs forward; the breaker itself
is shared, and stands on the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from relayclear.ibc import instant
from relayclear.ibc.packet import ChannelEnd

WINDOW: Final = 30
LEAST_CALLS: Final = 5
IN_A_ROW: Final = 5
OPEN_FOR: Final = timedelta(seconds=60)
# As long as any read may take: whoever probes for longer was killed.
PROBE_TIME: Final = timedelta(seconds=15)
# A run of Hermes probes its path, with its own five minutes and the reading before and after it.
LONG_PROBE: Final = timedelta(minutes=15)
RULES: Final = "rules"
PROBE_EVERY: Final = 5.0
"""Seconds between two questions to a dependency that has just failed and that nobody else asks."""


class BreakerState(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Admission(StrEnum):
    """Who may call: all, one that probes, or nobody."""

    ALL = "all"
    ONE = "one"
    NONE = "none"


class BreakerView(NamedTuple):
    """A breaker as it stands at a time.

    `since` is None for one that never opened, `until` for one that lets somebody through and for one that only a
    person ends; `reason` is empty for a closed one.  One that is `left_over` stands before something that no config
    names any more: nobody asks it, so it never closes by itself, and nothing waits for it.
    """

    name: str
    state: BreakerState
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    left_over: bool = False

    @property
    def is_shut(self) -> bool:
        """Whether something that is worked with isn't called as always."""
        return self.state is not BreakerState.CLOSED and not self.left_over

    @property
    def words(self) -> str:
        """Why nobody may call, and until when; for one that lets nobody through."""
        until = f"until {instant.plain(self.until)}" if self.until else "until somebody resets it"
        return f"{self.name} is open {until}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one dependency.

    `opened_at` is None while it is closed, `until` while it is closed or waits for a person; `closed_at` is None
    where it never was open.  `probe_until`: somebody probes, and until then nobody else may.  `who` opened it: a
    person, or ``rules``.
    """

    name: str
    reason: str = ""
    opened_at: datetime | None = None
    until: datetime | None = None
    closed_at: datetime | None = None
    probe_until: datetime | None = None
    who: str = ""

    def at(self, now: datetime) -> BreakerState:
        """The state at a time of the wall clock; a clock that was set back before the opening ends it."""
        if self.opened_at is None:
            return BreakerState.CLOSED
        if self.until is None or self.opened_at <= now < self.until:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    def admits(self, now: datetime) -> Admission:
        """Who may call now."""
        match self.at(now):
            case BreakerState.CLOSED:
                return Admission.ALL
            case BreakerState.OPEN:
                return Admission.NONE
        # One that ends further ahead than any lasts was claimed before the clock was set back.
        probed = self.probe_until is not None and now < self.probe_until <= now + LONG_PROBE
        return Admission.NONE if probed else Admission.ONE

    def since(self, now: datetime) -> datetime | None:
        """When the state of now began; None for one that never was open."""
        match self.at(now):
            case BreakerState.CLOSED:
                return self.closed_at
            case BreakerState.OPEN:
                return self.opened_at
        return min(self.until or now, now)

    def lasts(self, now: datetime) -> datetime | None:
        """Until when nobody is let through; None where somebody is, or where only a person ends it."""
        if self.admits(now) is not Admission.NONE:
            return None
        return self.until if self.at(now) is BreakerState.OPEN else self.probe_until

    def view(self, now: datetime) -> BreakerView:
        """How it stands then."""
        return BreakerView(self.name, self.at(now), self.reason, self.since(now), self.lasts(now))


def opened(breaker: Breaker, reason: str, now: datetime) -> Breaker:
    """The breaker open for its usual time from now on; one whose probe failed has been open since it first was."""
    since = now if breaker.opened_at is None else min(breaker.opened_at, now)
    return held_open(breaker, reason, since, now + OPEN_FOR, RULES)


def held_open(breaker: Breaker, reason: str, since: datetime, until: datetime | None, who: str) -> Breaker:
    """The breaker open from `since` on until then; None: until somebody resets it."""
    return Breaker(breaker.name, reason, since, until, breaker.closed_at, None, who)


def closed(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker closed from now on."""
    return Breaker(breaker.name, closed_at=now)


def probing(breaker: Breaker, now: datetime, lasts: timedelta = PROBE_TIME) -> Breaker:
    """The breaker while one caller probes, which takes at most so long."""
    return replace(breaker, probe_until=now + lasts)


def unprobed(breaker: Breaker) -> Breaker:
    """The breaker after a probe that was cut off: another one may come at once."""
    return replace(breaker, probe_until=None)


class Second(NamedTuple):
    """The calls of one second."""

    at: int
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The outcomes of one dependency's calls: second by second for the window, and failures in a row up to now."""

    seconds: tuple[Second, ...] = ()
    in_a_row: int = 0
    last: str = ""

    def add(self, at: float, failure: str | None) -> Tally:
        """One more outcome at `at` seconds: None for a success, else what went wrong."""
        second = int(at)
        failed = failure is not None
        # Kept by the second, so that a thousand calls cost no more than thirty.
        if self.seconds and self.seconds[-1].at == second:
            _, calls, failures = self.seconds[-1]
            kept = (*self.seconds[:-1], Second(second, calls + 1, failures + failed))
        else:
            kept = (*(one for one in self.seconds if second - WINDOW < one.at < second), Second(second, 1, int(failed)))
        return Tally(kept, self.in_a_row + 1 if failed else 0, failure or self.last)

    @property
    def verdict(self) -> str | None:
        """Why the breaker has to open now, after the newest outcome; None where it hasn't to."""
        if not self.in_a_row:
            return None
        if self.in_a_row >= IN_A_ROW:
            return f"{self.last} ({self.in_a_row} failures in a row)"
        calls, failures = sum(one.calls for one in self.seconds), sum(one.failures for one in self.seconds)
        if calls >= LEAST_CALLS and 2 * failures >= calls:
            return f"{self.last} ({failures} of {calls} calls failed within {WINDOW} s)"
        return None


NOTHING: Final = Tally()


def endpoint_name(chain: str, url: str) -> str:
    """The breaker of a chain's endpoint, by its address without credentials."""
    return f"endpoint/{chain}/{url}"


def path_name(end: ChannelEnd) -> str:
    """The breaker of Hermes' work on the packets that an end sends."""
    return f"hermes/{end}"


def wallet_name(chain: str) -> str:
    """The breaker of sending refunds on a chain."""
    return f"wallet/{chain}"


def is_path(name: str) -> bool:
    """Whether it is of Hermes' work on a path."""
    return name.startswith("hermes/")


def is_wallet(name: str) -> bool:
    """Whether it is of a wallet."""
    return name.startswith("wallet/")


def chain_of(name: str) -> str:
    """The chain that a breaker's dependency is of."""
    return name.split("/", 2)[1]
