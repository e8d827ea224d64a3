"""The heartbeat of `watch`: which process it is, since when, what it does now.  Coordination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relayclear.store.db import Reads, Transaction
from relayclear.store.values import json_text, read_json, read_time, time_text

BEAT = """
INSERT INTO watchers (role, pid, started_at, beat_at, doing) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (role) DO UPDATE SET pid = excluded.pid, started_at = excluded.started_at, beat_at = excluded.beat_at,
  doing = excluded.doing"""
SELECT_WATCHER = "SELECT pid, started_at, beat_at, doing FROM watchers WHERE role = ?"
DROP_WATCHER = "DELETE FROM watchers WHERE role = ? AND pid = ?"

WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Watcher:
    """A process that watches; `doing` is JSON.  Whether it still lives, the lock of `alone` says."""

    pid: int
    started_at: datetime
    beat_at: datetime
    doing: Mapping[str, Any]


def beat(tx: Transaction, watcher: Watcher, role: str = WATCH) -> None:
    """Write the heartbeat; the role has one row, the newest process's."""
    times = (time_text(watcher.started_at), time_text(watcher.beat_at))
    tx.execute(BEAT, (role, watcher.pid, *times, json_text(dict(watcher.doing))))


def find(reads: Reads, role: str = WATCH) -> Watcher | None:
    """The last heartbeat, None where none was ever written or its process left."""
    row = reads.row(SELECT_WATCHER, (role,))
    return None if row is None else Watcher(row[0], read_time(row[1]), read_time(row[2]), read_json(row[3]))


def leave(tx: Transaction, pid: int, role: str = WATCH) -> None:
    """A process ends as it should: its row goes, another's stays."""
    tx.execute(DROP_WATCHER, (role, pid))
