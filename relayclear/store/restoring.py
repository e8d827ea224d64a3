"""Putting a backup in the place of a database: only when it is whole, and only when nobody has the old one open."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from relayclear.errors import StoreError
from relayclear.store.copies import copy
from relayclear.store.db import open_database
from relayclear.store.mishaps import speaking

_REPLACED = "before-restore"
_DAMAGED = {"store_damaged", "store_not_a_database"}
# Where every connection holds a lock while it has the file open: SQLite's file format, "locking".
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510


def restore(backup: Path, database: Path) -> Path | None:
    """Put a backup where the database is; the copy of what was there, ``NAME.before-restore``, None for nothing.

    The backup is a file that `Database.backup` wrote, of this version or an older one, which is
    upgraded when it is next opened.  Raises StoreError, with everything left as it was: for a backup
    that is missing, damaged, newer or another program's, and for a database that somebody has open.
    """
    _require_whole(backup)
    if not database.exists():
        with closing(_connect(backup, "ro")) as source:
            copy(source, database)
        return None
    try:
        return _overwrite(backup, database)
    except StoreError as error:
        if error.code not in _DAMAGED:
            raise
    return _replace_damaged(backup, database)


def _require_whole(backup: Path) -> None:
    try:
        with open_database(backup, read_only=True) as opened:
            wrong = opened.integrity()
    except StoreError as error:
        # An older one is what an upgrade is for.
        if error.code != "store_older":
            raise
        with speaking(str(backup)), closing(_connect(backup, "ro")) as connection:
            if connection.execute("PRAGMA table_info(schema_versions)").fetchone() is None:
                raise StoreError(
                    f"the backup {backup} is empty",
                    hint="relayclear db restore with another backup",
                    code="store_empty",
                ) from error
            wrong = [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
    if wrong:
        raise StoreError(
            f"the backup {backup} is damaged: {wrong[0]}",
            hint="relayclear db restore with another backup",
            code="store_damaged",
        )


def _overwrite(backup: Path, database: Path) -> Path:
    """Write the backup into the database file as one transaction, so that whoever opens it sees one or the other."""
    with speaking(str(database)), _alone(database) as target, closing(_connect(backup, "ro")) as source:
        kept = database.with_name(f"{database.name}.{_REPLACED}")
        copy(target, kept)
        source.backup(target)
    return kept


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(_connect(database, "rw")) as connection:
        try:
            # Kept from the first access until the connection closes; refused while another is open.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _in_use(database) from error
            raise
        yield connection


def _replace_damaged(backup: Path, database: Path) -> Path:
    """Move what SQLite can't read aside, its log too, and copy the backup to its place."""
    kept = database.with_name(f"{database.name}.{_REPLACED}")
    with _locked(database):
        for ending in ("", "-wal", "-shm"):
            part = database.with_name(database.name + ending)
            if part.exists():
                part.replace(kept.with_name(kept.name + ending))
    with closing(_connect(backup, "ro")) as source:
        copy(source, database)
    return kept


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    with database.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
        except OSError as error:
            raise _in_use(database) from error
        yield


def _in_use(database: Path) -> StoreError:
    hint = "stop relayclear watch, close every dashboard, and try again"
    return StoreError(f"the database {database} is in use", hint=hint, code="store_in_use")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=0, isolation_level=None)
