"""The breakers of one process: it counts for itself, and shares with all others what opened and closed.

Whoever calls a dependency asks `enter` first, and says with `heard` what came of it: None for an answer, else what
went wrong.  After `enter` said yes to a probe, `let_go` frees its place where nothing came of it; it is safe to call
always.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from relayclear.clearing import breaker as rules
from relayclear.clearing.breaker import (
    NOTHING,
    PROBE_TIME,
    RULES,
    Admission,
    Breaker,
    BreakerState,
    BreakerView,
    Tally,
)
from relayclear.errors import StoreError
from relayclear.ibc.instant import rfc3339
from relayclear.ibc.text import clean
from relayclear.store import breakers, history
from relayclear.store.db import Database, Transaction
from relayclear.store.history import Event
from relayclear.usecases.once import ANEW, Once

if TYPE_CHECKING:
    from relayclear.ports import Clock

# Another process's word is heard so late at most; asking costs a lookup each time.
HEARD_WITHIN = 0.2
FORGOTTEN_AFTER = timedelta(days=1)
_LONGEST_WORDS = 300
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

Decision = Callable[[Breaker], Breaker | None]


class Breakers:
    """All breakers as this process knows them.  Lives in one thread, with the connection that it shares."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Know nothing yet; the database is read when it is first asked for."""
        self._database = database
        self._clock = clock
        self._shared: dict[str, Breaker] = {}
        self._tallies: dict[str, Tally] = {}
        # Outcomes of calls that began before this moment of the boot clock say nothing of the breaker as it is now.
        self._anew: dict[str, float] = {}
        self._probing: set[str] = set()
        # What could not be written: it holds here all the same, until it can.
        self._unshared: set[str] = set()
        self._version, self._look_at = -1, 0.0

    def find(self, name: str) -> Breaker:
        """A breaker as all processes know it; closed where it never opened."""
        self._look()
        return self._shared.get(name) or Breaker(name)

    def every(self) -> list[Breaker]:
        """All that were open lately, by name."""
        self._look()
        return [self._shared[name] for name in sorted(self._shared)]

    def admits(self, name: str) -> Admission:
        """Who may call now."""
        self._look()
        found = self._shared.get(name)
        # Asked before every request: what is well is told without reading a clock.
        return Admission.ALL if found is None or found.opened_at is None else found.admits(self._clock.now())

    def enter(self, name: str, lasts: timedelta = PROBE_TIME) -> bool:
        """Whether the caller may call now: always while it is closed, as the one probe of all processes half-open.

        A probe that takes longer than `lasts` counts as cut off.
        """
        admission = self.admits(name)
        if admission is not Admission.ONE:
            return admission is Admission.ALL
        now = self._clock.now()

        def claim(found: Breaker) -> Breaker | None:
            """Take the one place, unless somebody was faster."""
            return rules.probing(found, now, lasts) if found.admits(now) is Admission.ONE else None

        if self._changed(name, claim):
            self._probing.add(name)
        return name in self._probing or self.admits(name) is Admission.ALL

    def heard(self, name: str, failure: str | None, begun: float | None = None) -> None:
        """What came of a call that began at `begun` seconds of the boot clock, None: just now."""
        seconds = self._clock.boot()[1]
        if (seconds if begun is None else begun) < self._anew.get(name, -1.0):
            return
        words = None if failure is None else clean(failure, _LONGEST_WORDS)
        if name in self._probing:
            self._probed(name, words)
        elif (found := self._shared.get(name)) is None or found.opened_at is None:
            tally = self._tallies[name] = self._tallies.get(name, NOTHING).add(seconds, words)
            if (verdict := tally.verdict) is not None:
                self._open(name, verdict)

    def let_go(self, name: str) -> None:
        """Free the place of a probe that nothing came of."""
        if name in self._probing:
            self._probing.discard(name)
            self._changed(name, lambda found: rules.unprobed(found) if found.probe_until else None)

    def is_failing(self, name: str) -> bool:
        """Whether its newest call failed, or it waits for a probe: worth asking, so that it is soon judged."""
        return bool(self._tallies.get(name, NOTHING).in_a_row) or self.admits(name) is Admission.ONE

    def words(self, name: str) -> str | None:
        """Why nobody may call, and until when; None while somebody may."""
        found = self.shut(name)
        return None if found is None else found.words

    def shut(self, name: str) -> BreakerView | None:
        """How it stands while nobody may call; None while somebody may."""
        found, now = self.find(name), self._clock.now()
        return found.view(now) if found.admits(now) is Admission.NONE else None

    def change(self, name: str, decide: Decision, who: str, what: str, why: str, once: Once = ANEW) -> Breaker:
        """A person's word: decide on the breaker as it is, with an entry in the history.

        Raises StoreError, and AnsweredError where the same wish was granted before.
        """
        with self._database.atomic() as tx:
            once.begin(tx)
            new = decide(breakers.find(tx, name))
            if new is not None:
                self._write(tx, new)
                detail = {"why": why, "until": _text(new.until)}
                history.add(tx, Event(self._clock.now(), who, what, subject=name, detail=detail))
            once.keep(tx, name, self._clock.now())
        if new is not None:
            self._take(new)
        return self.find(name)

    def _open(self, name: str, why: str) -> None:
        now = self._clock.now()

        def trip(found: Breaker) -> Breaker | None:
            """Open it, unless another process did."""
            return rules.opened(found, why, now) if found.at(now) is BreakerState.CLOSED else None

        self._changed(name, trip, "breaker_opened", why)

    def _probed(self, name: str, failure: str | None) -> None:
        self._probing.discard(name)
        now = self._clock.now()

        def judge(found: Breaker) -> Breaker | None:
            """Close it or not, unless a person has said something meanwhile."""
            if found.probe_until is None:
                return None
            return rules.closed(found, now) if failure is None else rules.opened(found, failure, now)

        # That it stays open is no news: an outage of a day would fill the history.
        self._changed(name, judge, "breaker_closed" if failure is None else "", failure or "")

    def _changed(self, name: str, decide: Decision, what: str = "", why: str = "") -> bool:
        """Decide on the breaker as all processes know it, and tell them; whether anything changed."""
        try:
            with self._database.atomic() as tx:
                found = self._shared[name] if name in self._unshared else breakers.find(tx, name)
                new = decide(found)
                if new is not None or name in self._unshared:
                    self._write(tx, new or found)
                if new is not None and what:
                    detail = {"why": why, "until": _text(new.until)}
                    history.add(tx, Event(self._clock.now(), RULES, what, subject=name, detail=detail))
        except StoreError as error:
            # A full disk must not have us call what is down: here, it holds all the same.
            _log.warning("a breaker's change is not shared: %s", error.message)
            found = self._shared.get(name) or Breaker(name)
            new = decide(found)
            self._unshared.add(name)
        else:
            self._unshared.discard(name)
        self._take(found if new is None else new)
        return new is not None

    def _write(self, tx: Transaction, new: Breaker) -> None:
        breakers.put(tx, new)
        breakers.forget_closed(tx, self._clock.now() - FORGOTTEN_AFTER)

    def _take(self, new: Breaker) -> None:
        """Know how a breaker stands now; what was counted before is void where that is new."""
        if self._shared.get(new.name, Breaker(new.name)) != new:
            self._shared[new.name] = new
            self._tallies.pop(new.name, None)
            self._anew[new.name] = self._clock.boot()[1]

    def _look(self) -> None:
        """Hear what other processes have changed; a database that can't be read has changed nothing."""
        seconds = self._clock.boot()[1]
        if seconds < self._look_at:
            return
        self._look_at = seconds + HEARD_WITHIN
        try:
            version = self._database.data_version()
            if version == self._version:
                return
            found = {one.name: one for one in breakers.every(self._database)}
        except StoreError:
            return
        self._version = version
        for name in self._shared.keys() - found.keys() - self._unshared:
            self._take(Breaker(name))
            del self._shared[name]
        for one in found.values():
            self._unshared.discard(one.name)
            self._take(one)


def _text(at: datetime | None) -> str:
    return "" if at is None else rfc3339(at)
