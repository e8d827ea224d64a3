"""Breakers as people and programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from relayclear.clearing.breaker import BreakerView
from relayclear.cli.face import Face
from relayclear.cli.output import console, rfc3339
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.text import clean
from relayclear.wording import moment
from relayclear.wording.breaking import breaker_word, how_long


def print_breakers(face: Face, views: Sequence[BreakerView], now: datetime) -> None:
    """Print breakers, one a line."""
    rows = [
        [
            Cell(clean(view.name)),
            Cell(f"{word.glyph} {word.word}", word.style),
            Cell(how_long(view, now)),
            Cell(moment(view.since) if view.since else ""),
            Cell(clean(view.reason, 300)),
        ]
        for view in views
        for word in [breaker_word(view)]
    ]
    columns = (
        Column("breaker"),
        Column("state"),
        Column("for"),
        Column("since", drop=1),
        Column("reason", folds=True),
    )
    print_table(console(face.color), columns, rows)


def breaker_rows(views: Iterable[BreakerView]) -> dict[str, Any]:
    """The document of breakers; `reason` is null while closed, `until` where nobody waits for a time."""
    return {
        "breakers": [
            {
                "name": view.name,
                "state": view.state.value,
                "reason": view.reason or None,
                "since": rfc3339(view.since),
                "until": rfc3339(view.until),
                "left_over": view.left_over,
            }
            for view in views
        ]
    }
