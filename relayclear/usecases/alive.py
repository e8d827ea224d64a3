"""Whether a daemon lives: asked by every face, so it loads nothing of what a daemon does."""

from __future__ import annotations

from pathlib import Path

from relayclear.errors import StoreError
from relayclear.store.alone import is_held
from relayclear.store.watchers import WATCH
from relayclear.usecases.desk import Desk


def watch_lives(desk: Desk) -> bool:
    """Whether a daemon holds the database now; to look keeps none from starting.  Raises StoreError."""
    return is_held(database_file(desk), WATCH)


def database_file(desk: Desk) -> Path:
    """The file that a daemon holds.  Raises StoreError for a database in memory."""
    if desk.journal.database.path is None:
        raise StoreError(
            "a database in memory can't be watched", code="store_url", hint="use a file path or sqlite:///PATH"
        )
    return desk.journal.database.path
