"""Whole copies of a database file, made while others read and write it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from relayclear.errors import StoreError
from relayclear.store.mishaps import speaking


def copy(source: sqlite3.Connection, to: Path) -> None:
    """Copy into a file of another name first, so that `to` is whole or absent.  Raises StoreError."""
    part = to.with_name(f"{to.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with speaking(str(to)), closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        part.replace(to)
    except OSError as error:
        message = f"the copy {to} can't be written: {error.strerror}"
        raise StoreError(message, hint="check the folder and its free space", code="store_copy") from error
    finally:
        part.unlink(missing_ok=True)


def copy_beside(path: Path, ending: str) -> Path:
    """Copy the committed state of a database to ``NAME.ENDING`` beside it, over an older one; the copy's path."""
    to = path.with_name(f"{path.name}.{ending}")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source:
        copy(source, to)
    return to
