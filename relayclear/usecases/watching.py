"""What a daemon does beside reading and working: who it is, its heartbeat, work that nobody took up, what is left."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from relayclear.ibc.instant import rfc3339
from relayclear.store import cursors, history, sales, tasks, tokens, watchers
from relayclear.store.alone import alone
from relayclear.store.history import Event, Search
from relayclear.store.tasks import Status
from relayclear.store.vitals import Kind, of_kind
from relayclear.store.watchers import WATCH, Watcher
from relayclear.usecases.alive import database_file, watch_lives
from relayclear.usecases.desk import Desk
from relayclear.usecases.paid import paid_task
from relayclear.usecases.selling import refuse_shared_accounts
from relayclear.usecases.vitals import Vitals

BEAT_SECONDS = 5.0
AWAY = "watch_was_away"
"""The word of the history for a time without scans."""


class Mode(StrEnum):
    """A seller clears what is paid for; a monitor looks, and spends nothing unless a person asks for it."""

    SELLER = "seller"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Role:
    """What a daemon would be with this config, and why it only looks where it does."""

    mode: Mode
    why: str = ""


def role_of(desk: Desk) -> Role:
    """What a daemon may do.  Raises ConfigError for a seller whose accounts aren't apart (`money.md` 1)."""
    if desk.shop is None or not desk.shop.payees:
        return Role(Mode.MONITOR, "no chain has a payee")
    if not desk.clearing_keys:
        return Role(Mode.MONITOR, "no chain has a clearing key")
    for chain in sorted(desk.shop.payees):
        if chain in desk.chains:
            refuse_shared_accounts(desk, desk.shop, frozenset({chain}), chain)
    for chain in sorted(desk.clearing_keys.keys() - desk.shop.payees.keys()):
        refuse_shared_accounts(desk, desk.shop, frozenset({chain}), chain)
    return Role(Mode.SELLER)


@contextmanager
def being_alone(desk: Desk) -> Iterator[None]:
    """Be the only daemon on the database.  Raises HeldError naming the other one."""
    with alone(database_file(desk), WATCH, desk.clock.now()):
        yield


def seller_alive(desk: Desk) -> bool:
    """Whether a daemon that works for paid tokens lives now.  Raises StoreError."""
    found = watchers.find(desk.journal.database)
    return watch_lives(desk) and found is not None and found.doing.get("mode") == Mode.SELLER


def note_restart(desk: Desk, now: datetime) -> None:
    """Tell the history where the watcher before this one ended without a word: killed, or its machine was.

    Call it before the first heartbeat, while being alone.
    """
    database = desk.journal.database
    last = watchers.find(database)
    if last is not None and last.pid != os.getpid():
        detail = {"pid": last.pid, "started_at": rfc3339(last.started_at), "last_beat": rfc3339(last.beat_at)}
        with database.atomic() as tx:
            history.add(tx, Event(now, "watch", "watch_restarted", detail=detail))


def note_absence(desk: Desk, now: datetime, longest: timedelta) -> None:
    """Tell the history since when nobody scanned, where that is longer than scans ever are apart.

    Call it before the first scan.  Of the time between nobody knows anything: a chart has a hole there.
    """
    database = desk.journal.database
    scanned_at = max((one.tried_at for one in of_kind(database, Kind.SCAN)), default=None)
    if scanned_at is not None and now - scanned_at > longest:
        with database.atomic() as tx:
            history.add(tx, Event(now, WATCH, AWAY, subject=WATCH, detail={"since": rfc3339(scanned_at)}))


def beat(desk: Desk, started_at: datetime, doing: Mapping[str, Any], vitals: Vitals | None = None) -> None:
    """Write the heartbeat, and with it what was noted of the things around."""
    with desk.journal.database.atomic() as tx:
        watchers.beat(tx, Watcher(os.getpid(), started_at, desk.clock.now(), doing))
        if vitals is not None:
            vitals.write(tx)
    if vitals is not None:
        vitals.written()


def leave(desk: Desk) -> None:
    """End the heartbeat: this process goes in good order."""
    with desk.journal.database.atomic() as tx:
        watchers.leave(tx, os.getpid())


def take_up_forgotten(desk: Desk) -> list[str]:
    """See to it that every paid token has a task that lives; order ids of those that hadn't.

    A token that costs nothing is paid without a payment; a task may have been lost with a database, or
    have died with its fifth process: past the deadline it is taken up once more, to be judged.
    """
    found = []
    now, database = desk.clock.now(), desk.journal.database
    page = tokens.page(database, 1000, states=("paid", "clearing"))
    through = {cursor.chain: cursor.read_through_time for cursor in cursors.every(database)}
    with database.atomic() as tx:
        for stored in page:
            task = paid_task(stored.order_id)
            known, sale = tasks.find(tx, task.key), sales.find(tx, stored.order_id)
            if tasks.add(tx, task, now):
                found.append(stored.order_id)
            elif known is not None and known.status is Status.DEAD and sale is not None and sale.start is not None:
                passed = through.get(sale.chain)
                if passed is not None and passed > sale.start.deadline and tasks.retry(tx, task.key, now):
                    found.append(stored.order_id)
    return found


@dataclass(frozen=True, slots=True)
class Left:
    """What isn't finished: paid tokens whose work goes on, those due at once, those that wait for a person."""

    open_sales: int
    waiting: int
    dead: int


def left_to_do(desk: Desk) -> Left:
    """What a daemon leaves behind when it stops."""
    database = desk.journal.database
    counted = tasks.counts(database)
    ready = sum(count.number for count in counted if count.status is Status.READY)
    dead = sum(count.number for count in counted if count.status is Status.DEAD)
    return Left(len(sales.open_sales(database)), ready, dead)


def told_since(desk: Desk, after: list[Event], since: datetime) -> list[Event]:
    """What has happened since a time by the history, oldest first, without the events told already at its very end."""
    with desk.journal.database.snapshot() as reads:
        found = list(history.export(reads, Search(since=after[-1].at if after else since)))
    return [event for event in found if event not in after]
