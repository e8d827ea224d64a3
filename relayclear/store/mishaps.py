"""SQLite's errors in words, each with what to try."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from relayclear.errors import RelayclearError, StoreError


class RuleBrokenError(RelayclearError):
    """The database refused a write that would break one of its rules: the last guard held."""

    code = "rule_broken"
    usual = "relayclear audit; nothing was written"


class _Mishap(NamedTuple):
    code: str
    what: str
    hint: str


_MISHAPS = {
    sqlite3.SQLITE_BUSY: _Mishap(
        "store_busy", "is locked by another process", "the same command again, when that has finished"
    ),
    sqlite3.SQLITE_READONLY: _Mishap(
        "store_read_only", "can't be written", "check who owns the file and its folder, or set [store] url"
    ),
    sqlite3.SQLITE_PERM: _Mishap("store_no_permission", "can't be accessed", "check who owns the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: _Mishap(
        "store_no_permission", "can't be opened", "check the file and who owns it and its folder"
    ),
    sqlite3.SQLITE_FULL: _Mishap("store_full", "has no room to grow", "free space on its disk; nothing was lost"),
    sqlite3.SQLITE_IOERR: _Mishap(
        "store_io", "can't be read or written: the disk reports an error", "check the disk and its free space"
    ),
    sqlite3.SQLITE_CORRUPT: _Mishap(
        "store_damaged", "is damaged", "relayclear db check; then relayclear db restore with a backup"
    ),
    sqlite3.SQLITE_NOTADB: _Mishap(
        "store_not_a_database", "is not a database", "point [store] url or RELAYCLEAR_DB at another file"
    ),
}


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Turn SQLite's errors into ours; misuse of this module stays what it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
            raise RuleBrokenError(f"the database refused to write: {error}") from error
        mishap = None if code is None else _MISHAPS.get(code & 0xFF)
        if mishap is None:
            raise
        raise StoreError(f"the database {name} {mishap.what} ({error})", hint=mishap.hint, code=mishap.code) from error
