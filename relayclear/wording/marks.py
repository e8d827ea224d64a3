"""Figures as a line of marks, which read in any colours and in none."""

from __future__ import annotations

from collections.abc import Sequence

_STEPS = "▁▂▃▄▅▆▇█"
FAILED = "✗"


def spark(values: Sequence[float | None], width: int) -> str:
    """The newest values as bars between 0 and the greatest of them; what is unknown is a cross, never a low bar."""
    shown = values[-width:] if width > 0 else []
    top = max((value for value in shown if value is not None), default=0.0)
    last = len(_STEPS) - 1
    return "".join(
        FAILED if value is None else _STEPS[min(last, round(last * value / top)) if top > 0 else 0] for value in shown
    )


def bytes_text(size: int) -> str:
    """A file's size in at most three digits and a unit."""
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.1f} {unit}" if size < 10 * least else f"{size // least} {unit}"
    return f"{size} B"
