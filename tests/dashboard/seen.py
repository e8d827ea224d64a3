"""What stands on the screen, as a person reads it."""

from __future__ import annotations

from typing import Any

from relayclear.dashboard.lines import Line


def lines(app: Any) -> list[str]:
    """The lines of the terminal, from the topmost screen or dialog."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def seen(app: Any) -> str:
    """All of it."""
    return "\n".join(lines(app))


def toasts(app: Any) -> list[str]:
    """What was said in passing so far."""
    return [note.message for note in app._notifications]


def first_line(pilot: Any, panel: type[Any]) -> str:
    """The line that sums a panel up."""
    found: Line = pilot.app.view.query_one(panel).query_one(".standing", Line)
    return found.said


def cells(pilot: Any, panel: type[Any], column: str) -> list[str]:
    """What a column says, row by row."""
    table = pilot.app.view.query_one(panel).table
    found = next(one for one in table.columns if one.name == column)
    return [found.cell(row).text for row in table.rows]
