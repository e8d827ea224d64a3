"""What stands on the screen, as a person reads it."""

from __future__ import annotations

from typing import Any


def lines(app: Any) -> list[str]:
    """The lines of the terminal, from the topmost screen or dialog."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def seen(app: Any) -> str:
    """All of it."""
    return "\n".join(lines(app))


def toasts(app: Any) -> list[str]:
    """What was said in passing so far."""
    return [note.message for note in app._notifications]
