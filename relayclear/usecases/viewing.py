"""Looking from a thread of its own: a second connection to the database, which can't write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from relayclear.errors import StoreError
from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal
from relayclear.usecases.desk import Desk

T = TypeVar("T")
# Readers wait for no writer.  What keeps them out is rare and long, and the screen has to say so soon.
_BUSY_SECONDS = 0.2


class _File(NamedTuple):
    """Which file a path names now: another one may have been put in its place."""

    device: int
    inode: int


class Viewing:
    """A desk over a connection that only reads.  Belongs to the thread that calls it.

    The connection is opened late, and anew after anything went wrong with it: a screen that stays open
    for weeks sees its database locked, vanish, be restored from a backup, or be upgraded by a newer program.
    """

    def __init__(self, desk: Desk) -> None:
        """Look at the database of a desk.  Raises StoreError for one in memory, which no second one can see."""
        path = desk.journal.database.path
        if path is None:
            raise StoreError(
                "a database in memory can't be looked at from a second connection",
                code="store_url",
                hint="use a file path or sqlite:///PATH",
            )
        self._desk, self._path = desk, path
        self._open: tuple[Database, Desk, tuple[_File, int]] | None = None
        self._opened = 0

    @property
    def times_opened(self) -> int:
        """Counts the connections: what was remembered of an earlier one may be of another file."""
        return self._opened

    def look(self, work: Callable[[Desk], T]) -> T:
        """Do what only reads.  Raises StoreError, after which the next look opens the database anew."""
        try:
            return work(self._ready())
        except StoreError:
            self.close()
            raise

    def version(self) -> tuple[int, int]:
        """Differs from before where something may have been written since.  Raises StoreError."""
        return self.look(lambda desk: (self._opened, desk.journal.database.data_version()))

    def close(self) -> None:
        """Let the connection go."""
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _ready(self) -> Desk:
        # An open connection would go on reading a file that was deleted or replaced, and show the past as now.
        # One that a newer program has upgraded meanwhile is opened anew too, and refused then: its rules are others.
        if self._open is not None and self._open[2] != (_file(self._path), self._open[0].schema_version()):
            self.close()
        if self._open is None:
            file = _file(self._path)
            database = open_database(str(self._path), read_only=True, busy_seconds=_BUSY_SECONDS)
            self._open = (database, replace(self._desk, journal=Journal(database)), (file, database.schema_version()))
            self._opened += 1
        return self._open[1]


def _file(path: Path) -> _File:
    try:
        found = path.stat()
    except OSError as error:
        raise StoreError(
            f"the database {path} can't be read: {error.strerror}", hint="relayclear db restore, or relayclear watch"
        ) from error
    return _File(found.st_dev, found.st_ino)
