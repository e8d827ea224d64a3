"""What a support file tells of the memory: its shape, what happened lately, what went wrong; no payload of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.clearing.breaker import Breaker
from relayclear.store import breakers, census, tasks, vitals
from relayclear.store.census import TableCount
from relayclear.store.db import Database
from relayclear.usecases.trail import TrailQuestion, TrailRow, trail_page

EVENTS = 500
DEAD = 100


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that failed: what it was, when it was last tried, the words of whoever met it."""

    what: str
    at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory's version and tables, its newest events first, what fails now, every breaker."""

    version: int
    sqlite: str
    tables: tuple[TableCount, ...]
    events: tuple[TrailRow, ...]
    mishaps: tuple[Mishap, ...]
    breakers: tuple[Breaker, ...]


def remembered(database: Database) -> Remembered:
    """Read it, of one moment.  Raises StoreError."""
    with database.snapshot() as reads:
        failing = [one for one in vitals.every(reads) if one.error is not None]
        given_up = tasks.dead(reads, DEAD)
        return Remembered(
            version=database.schema_version(),
            sqlite=census.sqlite_version(reads),
            tables=tuple(census.tables(reads)),
            events=tuple(trail_page(reads, TrailQuestion(), EVENTS)),
            mishaps=(
                *(Mishap(f"{one.kind.value} {one.name}", one.tried_at, one.error or "") for one in failing),
                *(Mishap(f"task {one.kind}", None, one.why or "") for one in given_up),
            ),
            breakers=tuple(breakers.every(reads)),
        )
