"""Breakers that were open lately, as all processes share them.  Coordination: the history keeps what opened when."""

from __future__ import annotations

from datetime import datetime

from relayclear.clearing.breaker import Breaker
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import optional_time_text, read_optional_time, time_text

PUT_BREAKER = """
INSERT INTO breakers (name, reason, opened_at, until, closed_at, probe_until, who) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET reason = excluded.reason, opened_at = excluded.opened_at, until = excluded.until,
  closed_at = excluded.closed_at, probe_until = excluded.probe_until, who = excluded.who"""
SELECT_BREAKERS = "SELECT name, reason, opened_at, until, closed_at, probe_until, who FROM breakers"
SELECT_BREAKER = f"{SELECT_BREAKERS} WHERE name = ?"
FORGET_CLOSED = "DELETE FROM breakers WHERE (opened_at IS NULL AND closed_at < ?) OR until < ?"


def every(reads: Reads) -> list[Breaker]:
    """All that were open lately, by name."""
    return sorted(map(_breaker, reads.rows(SELECT_BREAKERS)), key=lambda one: one.name)


def find(reads: Reads, name: str) -> Breaker:
    """The breaker of a name; a closed one where it never was open."""
    row = reads.row(SELECT_BREAKER, (name,))
    return Breaker(name) if row is None else _breaker(row)


def put(tx: Transaction, breaker: Breaker) -> None:
    """Write how a breaker stands now."""
    times = (breaker.opened_at, breaker.until, breaker.closed_at, breaker.probe_until)
    tx.execute(PUT_BREAKER, (breaker.name, breaker.reason, *map(optional_time_text, times), breaker.who))


def forget_closed(tx: Transaction, before: datetime) -> None:
    """Forget those that closed before that, and those whose time was over before that and that nobody probes."""
    tx.execute(FORGET_CLOSED, (time_text(before), time_text(before)))


def _breaker(row: Row) -> Breaker:
    name, reason, opened_at, until, closed_at, probe_until, who = row
    opened, lasts, closed, probed = map(read_optional_time, (opened_at, until, closed_at, probe_until))
    return Breaker(name, reason, opened, lasts, closed, probed, who)
