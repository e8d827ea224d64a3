"""Alerts: what there was to tell, the outbox of what waits to be told, and the log of every try.

An alert is written in the commit that moves the mark over the facts which raised it, with its rows
in the outbox: a crash loses none.  Between a delivery and its row here a crash may come: then it is
told again, under the same id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.clearing.alerting import RANKS, Alert, Priority, Standing
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import (
    json_text,
    optional_time_text,
    read_json,
    read_optional_time,
    read_time,
    time_text,
)

SELECT_MARK = "SELECT number FROM alert_marks WHERE name = 'history'"
MOVE_MARK = "UPDATE alert_marks SET number = ? WHERE name = 'history' AND number < ?"

ADD_ALERT = """
INSERT INTO alerts (id, at, priority, kind, order_id, operation_id, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING RETURNING number"""
SELECT_PAGE = """
SELECT number, id, at, priority, kind, order_id, operation_id, subject, detail FROM alerts
WHERE number > 0 ORDER BY number DESC LIMIT ? OFFSET ?"""

ADD_WAITING = "INSERT INTO alert_outbox (channel, rank, next_at, number) VALUES (?, ?, ?, ?)"
SELECT_DUE = """
SELECT a.number, a.id, a.at, a.priority, a.kind, a.order_id, a.operation_id, a.subject, a.detail, o.failures
FROM alert_outbox o JOIN alerts a ON a.number = o.number
WHERE o.channel = ? AND o.rank = ? AND o.next_at <= ? ORDER BY o.next_at, o.number LIMIT ?"""
SELECT_WAITING = "SELECT number, channel, next_at, failures FROM alert_outbox WHERE number IN (?*)"
WAIT = "UPDATE alert_outbox SET next_at = ?, failures = ? WHERE channel = ? AND number = ?"
HASTEN = "UPDATE alert_outbox SET next_at = ? WHERE channel = ? AND rank = ? AND next_at > ?"
DROP_WAITING = "DELETE FROM alert_outbox WHERE channel = ? AND number = ?"

ADD_DELIVERY = "INSERT INTO alert_deliveries (number, channel, try, outcome, answer, at) VALUES (?, ?, ?, ?, ?, ?)"
SELECT_DELIVERIES = """
SELECT number, channel, try, outcome, answer, at FROM alert_deliveries WHERE number IN (?*) ORDER BY number, id"""

SELECT_CONDITIONS = "SELECT key, kind, since, gone_at, subject, order_id FROM alert_conditions"
PUT_CONDITION = """
INSERT INTO alert_conditions (key, kind, since, gone_at, subject, order_id) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET gone_at = excluded.gone_at"""
DROP_CONDITION = "DELETE FROM alert_conditions WHERE key = ?"

SELECT_OLD = """
SELECT number FROM alerts a WHERE at < ?
  AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.number = a.number) ORDER BY at, number LIMIT ?"""
FORGET_DELIVERIES = "DELETE FROM alert_deliveries WHERE number = ?"
FORGET_ALERT = "DELETE FROM alerts WHERE number = ?"


class Outcome(StrEnum):
    """How a try ended: given up is a failure after which there is no further one."""

    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class Kept(NamedTuple):
    """An alert and its number here."""

    number: int
    alert: Alert


class Waiting(NamedTuple):
    """An alert that is due on a channel, and how often telling it there has failed."""

    number: int
    alert: Alert
    failures: int


class Delivery(NamedTuple):
    """One try: `attempt` counts from 1, `answer` is what came back."""

    number: int
    channel: str
    attempt: int
    outcome: Outcome
    answer: str
    at: datetime


class Told(NamedTuple):
    """An alert, its tries, and by channel when the next try is due (unix seconds)."""

    alert: Alert
    deliveries: tuple[Delivery, ...]
    waiting: dict[str, float]


def mark(reads: Reads) -> int:
    """The number of the last event of the history that was looked at."""
    return int(reads.rows(SELECT_MARK)[0][0])


def move_mark(tx: Transaction, number: int) -> None:
    """Everything up to this number was looked at; it never goes back."""
    tx.execute(MOVE_MARK, (number, number))


def add(tx: Transaction, alert: Alert, channels: Collection[str], at: datetime) -> bool:
    """Keep an alert and let it wait on these channels; False where it is known: then nothing is told again."""
    about = (alert.order_id, alert.operation_id, alert.subject, json_text(dict(alert.detail)))
    found = tx.execute(ADD_ALERT, (alert.id, time_text(alert.at), alert.priority.value, alert.kind, *about))
    if not found:
        return False
    rank, now = RANKS[alert.priority], at.timestamp()
    tx.execute_each(ADD_WAITING, [(channel, rank, now, found[0][0]) for channel in channels])
    return True


def due(reads: Reads, channel: str, ranks: Iterable[int], now: datetime, most: int) -> list[Waiting]:
    """What is to be told on a channel now, most urgent first, at most so many."""
    found: list[Waiting] = []
    for rank in ranks:
        # One search each: all in one would have to be sorted before it is cut.
        rows = reads.rows(SELECT_DUE, (channel, rank, now.timestamp(), most - len(found)))
        found += [Waiting(row[0], _alert(row[:9]), row[9]) for row in rows]
    return found


def tried(tx: Transaction, delivery: Delivery, next_at: float | None) -> None:
    """Keep how a try ended; with `next_at` (unix seconds) it is due again then, else it waits no longer."""
    tx.execute(ADD_DELIVERY, (*delivery[:5], time_text(delivery.at)))
    if next_at is None:
        tx.execute(DROP_WAITING, (delivery.channel, delivery.number))
    else:
        tx.execute(WAIT, (next_at, delivery.attempt, delivery.channel, delivery.number))


def hasten(tx: Transaction, channel: str, now: datetime, longest: float) -> None:
    """Let nothing wait longer than the longest pause: the wall clock may have been put back."""
    at = now.timestamp()
    for rank in RANKS.values():
        tx.execute(HASTEN, (at, channel, rank, at + longest))


def page(reads: Reads, limit: int, offset: int = 0) -> list[Told]:
    """A page of alerts, newest first, with their tries.  Use it inside `snapshot`."""
    rows = reads.rows(SELECT_PAGE, (limit, offset))
    numbers = [row[0] for row in rows]
    deliveries: defaultdict[int, list[Delivery]] = defaultdict(list)
    waiting: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for row in reads.rows_in(SELECT_DELIVERIES, (), numbers):
        deliveries[row[0]].append(_delivery(row))
    for number, channel, next_at, _ in reads.rows_in(SELECT_WAITING, (), numbers):
        waiting[number][channel] = next_at
    return [Told(_alert(row), tuple(deliveries[row[0]]), dict(sorted(waiting[row[0]].items()))) for row in rows]


def conditions(reads: Reads) -> list[Standing]:
    """The conditions that were told and aren't over."""
    return [
        Standing(key, kind, read_time(since), read_optional_time(gone_at), subject, order_id)
        for key, kind, since, gone_at, subject, order_id in reads.rows(SELECT_CONDITIONS)
    ]


def keep_conditions(tx: Transaction, before: Sequence[Standing], now: Sequence[Standing]) -> None:
    """Write what changed between two lists of what stands."""
    staying = {one.key for one in now}
    tx.execute_each(DROP_CONDITION, [(one.key,) for one in before if one.key not in staying])
    rows = [one for one in now if one not in before]
    tx.execute_each(
        PUT_CONDITION,
        [
            (one.key, one.kind, time_text(one.since), optional_time_text(one.gone_at), one.subject, one.order_id)
            for one in rows
        ],
    )


def forget(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget what is older and waits nowhere, at most so many; how many it were."""
    numbers = tx.rows(SELECT_OLD, (time_text(before), limit))
    tx.execute_each(FORGET_DELIVERIES, numbers)
    tx.execute_each(FORGET_ALERT, numbers)
    return len(numbers)


def _delivery(row: Row) -> Delivery:
    number, channel, attempt, outcome, answer, at = row
    return Delivery(number, channel, attempt, Outcome(outcome), answer, read_time(at))


def _alert(row: Row) -> Alert:
    _, name, at, priority, kind, order_id, operation_id, subject, detail = row
    return Alert(name, read_time(at), Priority(priority), kind, order_id, operation_id, subject, read_json(detail))
