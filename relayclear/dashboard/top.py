"""The head of the screen: armed or not, who watches, when it last looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from relayclear.dashboard.actions import VIEWS
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Trouble
from relayclear.usecases.health_facts import lives
from relayclear.wording import coarse_age


class Top(NamedTuple):
    """Whether a daemon lives, and when it last scanned."""

    watched: bool
    scanned_at: datetime | None


def read_top(shelf: Shelf) -> Found[Top]:
    """Read it."""
    scanned_at = shelf.board.read(shelf.as_of).scanned_at
    return Found(Top(lives(shelf.desk), scanned_at), scanned_at, stale_after=timedelta(days=36500))


def top_line(found: Found[Any] | Trouble | None, now: datetime, *, armed: bool) -> str:
    """The head in one line, the most important first: it is cut at the right where the terminal is narrow."""
    mode = "ARMED, capital keys act" if armed else "READ-ONLY"
    return f"relayclear  {mode}  {watch_words(found, now)}"


def tabs(view: str) -> str:
    """The views with their keys, the open one stronger; in Textual's markup."""
    parts = []
    for number, (name, label) in enumerate(VIEWS.items(), 1):
        shown = f"[reverse] {number} {label} [/]" if name == view else f" [bold]{number}[/] {label} "
        parts.append(f"[@click=app.press('view_{name}')]{shown}[/]")
    return "".join(parts)


def watch_words(found: Found[Any] | Trouble | None, now: datetime) -> str:
    """What is said of the daemon."""
    if isinstance(found, Trouble):
        return "✗ the database can't be read"
    if found is None:
        return "…"
    top: Top = found.value
    lives = "✓ watch runs" if top.watched else "✗ watch doesn't run"
    if top.scanned_at is None:
        return f"{lives}, never scanned"
    return f"{lives}, scanned {coarse_age(max(0, int((now - top.scanned_at).total_seconds())))} ago"
