"""Statements that take too long are logged with their plan; their values never are."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

_log = logging.getLogger(__name__)
# Without a handler Python would print it to the terminal of a person who asked for something else.
_log.addHandler(logging.NullHandler())
_EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)


def tell(connection: sqlite3.Connection, sql: str, values: Sequence[Any], seconds: float) -> None:
    """Log a slow statement with the milliseconds it took and how SQLite carried it out."""
    plan = _plan(connection, sql, values)
    text = " ".join(sql.split())
    _log.warning(
        "slow statement, %d ms: %s (%s)",
        seconds * 1000,
        text,
        "; ".join(plan) or "no plan",
        extra={"milliseconds": round(seconds * 1000), "sql": text, "plan": plan},
    )


def _plan(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[str]:
    if not _EXPLAINED.match(sql):
        return []
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    except sqlite3.Error:
        return []
