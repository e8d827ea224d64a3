"""What things lean on, for a screen: chains, endpoints, breakers, Hermes, the database, the calls to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from relayclear.clearing.alerting import RANKS
from relayclear.clearing.breaker import BreakerView
from relayclear.store import breakers, cursors, history, vitals, watchers
from relayclear.store.history import Search
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.alerts import Shown, list_alerts
from relayclear.usecases.breakers_acts import views, watched
from relayclear.usecases.desk import Desk
from relayclear.usecases.health_facts import lag_of, lives

LOOKS_KEPT = 24
FAILURES_SHOWN = 24
ALERTS_SHOWN = 200
_LOOKED_BACK = timedelta(days=1)


class Look(NamedTuple):
    """One look at an endpoint: seconds of its last answer, None where it gave none."""

    at: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A chain (`endpoint` empty) or one of its endpoints, as last looked at.

    `lag` is how many seconds the reading of payments is behind, None where nothing is sold.  `looks` are the newest
    ones that this reader has seen, oldest first.
    """

    chain: str
    endpoint: str
    height: int | None
    lag: int | None
    looks: tuple[Look, ...]
    looked_at: datetime | None
    error: str | None


class NodeBoard:
    """One reader's memory of the looks at endpoints: the database keeps the newest alone."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._looks: dict[str, tuple[Look, ...]] = {}

    def read(self, desk: Desk) -> tuple[NodeLine, ...]:
        """Each chain, followed by its endpoints.  Raises StoreError."""
        now = desk.clock.now()
        with desk.journal.database.snapshot() as reads:
            found = {(one.kind, one.name): one for kind in _NODES for one in vitals.of_kind(reads, kind)}
            lags = {one.chain: lag_of(one, now) for one in cursors.every(reads)}
        lines: list[NodeLine] = []
        for chain in sorted(desk.chains):
            lines.append(_line(chain, "", found.get((Kind.CHAIN, chain)), lags.get(chain), ()))
            for url in desk.endpoints_of(chain):
                vital = found.get((Kind.ENDPOINT, f"{chain}/{url}"))
                lines.append(_line(chain, url, vital, None, self._seen(f"{chain}/{url}", vital)))
        return tuple(lines)

    def _seen(self, name: str, vital: Vital | None) -> tuple[Look, ...]:
        before = self._looks.get(name, ())
        if vital is not None and (not before or before[-1].at != vital.tried_at):
            latest = vital.detail.get("latest") if vital.error is None else None
            before = self._looks[name] = (*before, Look(vital.tried_at, latest))[-LOOKS_KEPT:]
        return before


_NODES = (Kind.CHAIN, Kind.ENDPOINT)


def _line(chain: str, url: str, vital: Vital | None, lag: int | None, looks: tuple[Look, ...]) -> NodeLine:
    if vital is None:
        return NodeLine(chain, url, None, lag, looks, None, None)
    return NodeLine(chain, url, vital.detail.get("height"), lag, looks, vital.tried_at, vital.error)


@dataclass(frozen=True, slots=True)
class BreakerLine:
    """A breaker as it stands, and when it opened within the last day, oldest first."""

    view: BreakerView
    opened: tuple[datetime, ...]


def read_breakers(desk: Desk, *, closed: bool = True) -> tuple[BreakerLine, ...]:
    """Every breaker as all processes share it, those that aren't closed first, or these alone.  Raises StoreError."""
    now = desk.clock.now()
    with desk.journal.database.snapshot() as reads:
        known = {one.name: one for one in breakers.every(reads)}
        named = {name: known.get(name) or breakers.find(reads, name) for name in [*watched(desk), *known]}
        day = now - _LOOKED_BACK
        return tuple(
            BreakerLine(view, _opened(history.page(reads, FAILURES_SHOWN, 0, Search(subject=view.name, since=day))))
            for view in views(desk, named.values(), now)
            # When it opened is asked of the history, one question each: the closed ones are spared it.
            if closed or view.is_shut
        )


def _opened(events: Sequence[history.Event]) -> tuple[datetime, ...]:
    return tuple(event.at for event in reversed(events) if event.what == "breaker_opened")


@dataclass(frozen=True, slots=True)
class Programs:
    """The Hermes instances, the daemon and the database file.

    `hermes` maps each config to its last look, None where nobody looked.  `beat_at` is the daemon's last sign of
    life, None where none is left; sizes are bytes.
    """

    hermes: Mapping[str, Vital | None]
    alive: bool
    pid: int | None
    started_at: datetime | None
    beat_at: datetime | None
    path: str
    size: int
    log_size: int
    schema: int
    slow_seconds: float


def read_programs(desk: Desk) -> Programs:
    """How the programs and the file are.  Raises StoreError."""
    database = desk.journal.database
    alive = lives(desk)
    with database.snapshot() as reads:
        found = {one.name: one for one in vitals.of_kind(reads, Kind.HERMES)}
        watcher = watchers.find(reads)
    path = database.path
    log = None if path is None else path.with_name(f"{path.name}-wal")
    return Programs(
        {one.config: found.get(one.config) for one in desk.instances},
        alive,
        watcher.pid if watcher is not None else None,
        watcher.started_at if watcher is not None else None,
        watcher.beat_at if watcher is not None else None,
        str(path or "in memory"),
        path.stat().st_size if path is not None and path.exists() else 0,
        log.stat().st_size if log is not None and log.exists() else 0,
        database.schema_version(),
        database.slow_seconds,
    )


def read_alerts(desk: Desk) -> tuple[Shown, ...]:
    """The newest alerts, the most urgent first, of one priority the newest first.  Raises StoreError."""
    with desk.journal.database.snapshot() as reads:
        found = list_alerts(reads, ALERTS_SHOWN)
    return tuple(sorted(found, key=lambda one: RANKS[one.alert.priority]))
