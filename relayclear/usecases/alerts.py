"""Calling a person: gather what there is to tell, tell it in batches, keep every try.

Gathering commits alerts together with the mark over what raised them; telling keeps the try after it.
So a crash loses no alert, and one that is told twice has the same id both times.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from relayclear.clearing.alerting import (
    LOOKED_BACK,
    RANKS,
    RETRIES,
    Alert,
    Changes,
    Load,
    Priority,
    Standing,
    conditions_changed,
    pace,
    retry_after,
)
from relayclear.errors import AlertError
from relayclear.ibc.instant import rfc3339
from relayclear.ibc.text import clean
from relayclear.ports import Caller
from relayclear.store import alerts, tokens
from relayclear.store.alerts import Delivery, Outcome, Waiting
from relayclear.store.db import Reads
from relayclear.store.identity import instance_id
from relayclear.usecases.alert_facts import AT_ONCE, Stuck, conditions, new_facts
from relayclear.usecases.desk import Desk
from relayclear.usecases.pausing import pause

GATHER_SECONDS = 0.5
URGENT_SECONDS = 0.1
CONDITION_SECONDS = 5.0
# Whoever stops waits so long for a call that is under way; it is made again under the same ids.
STOP_SECONDS = 2.0
KEPT_DAYS = 90
_FORGET_SECONDS = 3600.0
_FORGOTTEN_AT_ONCE = 1000
_MOST_URGENT = 200
_HIGH = (RANKS[Priority.HIGH],)
_OTHERS = (RANKS[Priority.NORMAL], RANKS[Priority.LOW])
_TEXT_LIMIT = 300
_LISTED = 50
_DEPTH = 4


class Called(NamedTuple):
    """How a call ended: the channel, how many alerts it told, what came back, how many are given up with it."""

    channel: str
    alerts: int
    error: AlertError | None
    given_up: int


@dataclass
class Calling:
    """Alerts of one desk over some channels.

    `least` is the least urgent priority that is told, `says` makes the sentence of an alert, `heard`
    hears how every call ended.
    """

    desk: Desk
    callers: Sequence[Caller]
    least: Priority
    says: Callable[[Alert], str]
    heard: Callable[[Called], None] = lambda _: None
    _stuck: Stuck = field(init=False)
    _instance: str = field(default="", init=False)
    _arrived: int = field(default=0, init=False)
    _condition_at: float = field(default=0.0, init=False)
    _forget_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Nothing was looked at yet."""
        self._stuck = Stuck(self.desk.stuck_after)

    async def run(self, stop: asyncio.Event) -> None:
        """Gather and tell until stopped."""
        self._after_a_start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._gather_on(stop), name="alerts gathered")
                for caller in self.callers:
                    # Apart, so that what is urgent waits for no batch of what isn't.
                    group.create_task(self._tell_urgent(caller, stop), name=f"urgent alerts by {caller.name}")
                    group.create_task(self._tell_others(caller, stop), name=f"alerts by {caller.name}")
        except ExceptionGroup as several:
            # Whoever keeps the task going tells why it failed, and a group has no sentence of its own.
            raise several.exceptions[0] from several

    async def once(self) -> None:
        """Gather everything there is, and try each alert that is due once."""
        self._after_a_start()
        while self.gather() >= AT_ONCE:
            pass
        for caller in self.callers:
            begun = self.desk.clock.now()
            while waiting := self._due(caller, [*RANKS.values()], _MOST_URGENT, begun):
                await self._call(caller, waiting)

    # Gathering

    def gather(self) -> int:
        """Keep what is new as alerts, in one commit; how many events of the history were looked at."""
        database, now = self.desk.journal.database, self.desk.clock.now()
        with database.snapshot() as reads:
            mark = alerts.mark(reads)
            facts = new_facts(reads, mark, now)
            before, changes = self._conditions(reads, now)
        if facts.looked_at == mark and changes.standing == before:
            return 0
        wanted = [one for one in (*facts.alerts, *changes.alerts) if one.priority.reaches(self.least)]
        channels = [caller.name for caller in self.callers]
        with database.atomic() as tx:
            added = [alerts.add(tx, one, channels, now) for one in wanted]
            alerts.keep_conditions(tx, before, changes.standing)
            alerts.move_mark(tx, facts.looked_at)
        self._arrived += sum(added)
        return facts.looked_at - mark

    def _conditions(self, reads: Reads, now: datetime) -> tuple[tuple[Standing, ...], Changes]:
        """What stood, and what changed of it; looked at every few seconds only."""
        before, moment = tuple(alerts.conditions(reads)), self.desk.clock.boot()[1]
        if moment < self._condition_at:
            return before, Changes((), before)
        self._condition_at = moment + CONDITION_SECONDS
        changes = conditions_changed(before, conditions(reads, now, self._stuck), now)
        same = {one.key: one for one in changes.standing} == {one.key: one for one in before}
        return before, Changes(changes.alerts, before) if same else changes

    async def _gather_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            looked_at = self.gather()
            self._forget()
            await pause(self.desk.clock, 0.0 if looked_at >= AT_ONCE else GATHER_SECONDS, stop)

    def _after_a_start(self) -> None:
        now = self.desk.clock.now()
        with self.desk.journal.database.atomic() as tx:
            self._instance = instance_id(tx)
            for caller in self.callers:
                alerts.hasten(tx, caller.name, now, RETRIES[-1])

    def _forget(self) -> None:
        moment = self.desk.clock.boot()[1]
        if moment < self._forget_at:
            return
        self._forget_at = moment + _FORGET_SECONDS
        with self.desk.journal.database.atomic() as tx:
            alerts.forget(tx, self.desk.clock.now() - timedelta(days=KEPT_DAYS), _FORGOTTEN_AT_ONCE)

    # Telling

    async def _tell_urgent(self, caller: Caller, stop: asyncio.Event) -> None:
        while not stop.is_set():
            waiting = self._due(caller, _HIGH, _MOST_URGENT, self.desk.clock.now())
            if waiting:
                await self._unless_stopped(caller, waiting, stop)
            else:
                await pause(self.desk.clock, URGENT_SECONDS, stop)

    async def _tell_others(self, caller: Caller, stop: asyncio.Event) -> None:
        loads: deque[Load] = deque(maxlen=LOOKED_BACK)
        while not stop.is_set():
            now = pace(loads)
            began, known = self.desk.clock.boot()[1], self._arrived
            waiting = self._due(caller, _OTHERS, now.most, self.desk.clock.now())
            if waiting:
                await self._unless_stopped(caller, waiting, stop)
            await pause(self.desk.clock, now.seconds, stop)
            loads.append(Load(self.desk.clock.boot()[1] - began, self._arrived - known))

    def _due(self, caller: Caller, ranks: Sequence[int], most: int, at: datetime) -> list[Waiting]:
        return alerts.due(self.desk.journal.database, caller.name, ranks, at, most)

    async def _unless_stopped(self, caller: Caller, waiting: Sequence[Waiting], stop: asyncio.Event) -> None:
        """Make a call; one that hangs doesn't keep the daemon from stopping."""
        call = asyncio.ensure_future(self._call(caller, waiting))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({call, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                await asyncio.wait({call}, timeout=STOP_SECONDS)
        finally:
            stopped.cancel()
            if not call.done():
                call.cancel()
        if call.done():
            call.result()

    async def _call(self, caller: Caller, waiting: Sequence[Waiting]) -> None:
        now = self.desk.clock.now()
        body, error, answer = self._document(waiting, now), None, ""
        try:
            answer = clean(await caller.call(body, now), _TEXT_LIMIT)
        except AlertError as trouble:
            error, answer = trouble, clean(trouble.message, _TEXT_LIMIT)
        ended = self.desk.clock.now()
        tries = [self._judged(one, caller.name, error, answer, ended) for one in waiting]
        with self.desk.journal.database.atomic() as tx:
            for delivery, next_at in tries:
                alerts.tried(tx, delivery, next_at)
        given_up = sum(delivery.outcome is Outcome.GIVEN_UP for delivery, _ in tries)
        self.heard(Called(caller.name, len(waiting), error, given_up))

    def _judged(
        self, one: Waiting, channel: str, error: AlertError | None, answer: str, at: datetime
    ) -> tuple[Delivery, float | None]:
        """How a try ended, and when (unix seconds) the next one is due."""
        attempt = one.failures + 1
        if error is None:
            return Delivery(one.number, channel, attempt, Outcome.SENT, answer, at), None
        pause_seconds = retry_after(attempt)
        if pause_seconds is None:
            return Delivery(one.number, channel, attempt, Outcome.GIVEN_UP, answer, at), None
        return Delivery(one.number, channel, attempt, Outcome.FAILED, answer, at), at.timestamp() + pause_seconds

    def _document(self, waiting: Sequence[Waiting], at: datetime) -> bytes:
        memos = _memos(self.desk.journal.database, [one.alert for one in waiting])
        told = [(one.alert, memos.get(one.alert.order_id or "")) for one in waiting]
        return document(self._instance, told, self.says, at)


def document(
    instance: str, told: Sequence[tuple[Alert, str | None]], says: Callable[[Alert], str], at: datetime
) -> bytes:
    """The JSON that is handed over, in ASCII: alerts, each with the memo of its token where it has one."""
    rows = [alert_row(alert, memo, says) for alert, memo in told]
    batch = sha256("\0".join(alert.id for alert, _ in told).encode()).hexdigest()[:16]
    head = {
        "schema_version": 1,
        "instance": instance,
        "batch": batch,
        "sent_at": rfc3339(at),
    }
    return json.dumps({**head, "alerts": rows}, separators=(",", ":")).encode("ascii")


def alert_row(alert: Alert, memo: str | None, says: Callable[[Alert], str]) -> dict[str, Any]:
    """An alert as programs read it: every text of it is made harmless and cut."""
    return {
        "id": alert.id,
        "at": rfc3339(alert.at),
        "priority": alert.priority.value,
        "kind": clean(alert.kind, _TEXT_LIMIT),
        "text": clean(says(alert), _TEXT_LIMIT),
        "token": memo,
        "operation": alert.operation_id,
        "subject": harmless(alert.subject),
        "detail": harmless(alert.detail),
    }


def harmless(value: Any, depth: int = _DEPTH) -> Any:
    """A value of JSON whose texts hold nothing that a terminal obeys, no credentials, and no endless lines."""
    if isinstance(value, str):
        return clean(value, _TEXT_LIMIT)
    if isinstance(value, Mapping) and depth:
        items = [(clean(str(name), _TEXT_LIMIT), harmless(item, depth - 1)) for name, item in value.items()]
        return dict(items[:_LISTED])
    if isinstance(value, list | tuple) and depth:
        return [harmless(item, depth - 1) for item in value[:_LISTED]]
    return value if value is None or isinstance(value, bool | int | float) else clean(str(value), _TEXT_LIMIT)


def _memos(reads: Reads, found: Sequence[Alert]) -> dict[str, str]:
    wanted = sorted({alert.order_id for alert in found if alert.order_id})
    return {stored.order_id: stored.token.memo for stored in tokens.load(reads, wanted)}


class Shown(NamedTuple):
    """An alert as a list shows it: its token's memo, its tries, and the channels where it still waits."""

    alert: Alert
    token: str | None
    deliveries: tuple[Delivery, ...]
    waiting: Mapping[str, float]


def list_alerts(reads: Reads, limit: int, offset: int = 0) -> list[Shown]:
    """A page of alerts with their deliveries, newest first.  Use it inside `snapshot`."""
    page = alerts.page(reads, limit, offset)
    memos = _memos(reads, [told.alert for told in page])
    return [Shown(told.alert, memos.get(told.alert.order_id or ""), told.deliveries, told.waiting) for told in page]


async def call_for_test(callers: Sequence[Caller], says: Callable[[Alert], str], at: datetime) -> list[Called]:
    """Tell every channel a test alert; nothing of it is kept."""
    alert = Alert(f"al-test-{int(at.timestamp())}", at, Priority.HIGH, "test")
    body = document("test", [(alert, None)], says, at)
    return [await _tested(caller, body, at) for caller in callers]


async def _tested(caller: Caller, body: bytes, at: datetime) -> Called:
    try:
        await caller.call(body, at)
    except AlertError as error:
        return Called(caller.name, 0, error, 0)
    return Called(caller.name, 1, None, 0)
