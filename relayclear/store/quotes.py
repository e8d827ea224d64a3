"""The file of signed quotes beside the database: what brings tokens back when the database is lost."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from relayclear.errors import StoreError
from relayclear.money.document import read_document
from relayclear.money.fees import Quote
from relayclear.store.db import Reads
from relayclear.store.values import time_text

SELECT_HIGHEST_KID = "SELECT coalesce(max(kid), 0) FROM tokens"
SELECT_FREE_SINCE = "SELECT document FROM tokens WHERE made_at >= ? AND amount = '0'"


def append(path: Path, document: str) -> None:
    """Add a signed quote as a line and wait until it is on the disk.

    The file has mode 0600.  Raises StoreError, with nothing or a broken last line left behind:
    readers skip lines that are no quote.
    """
    line = document.rstrip("\n").encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # whoever wrote last was cut short: its rest must not spoil this one
            if os.write(descriptor, line) != len(line):
                raise OSError(0, "the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(
            f"{path} can't be written: {error.strerror}",
            hint="free space on its disk, or check who owns the file; no quote was made",
            code="quotes_file",
        ) from error


def highest_kid(reads: Reads) -> int:
    """The highest key id that any token has, 0 without one: a new key must not take it again."""
    return int(reads.rows(SELECT_HIGHEST_KID)[0][0])


def waived_since(reads: Reads, at: datetime) -> list[Quote]:
    """The quotes of clearings for nothing made since a moment of the wall clock."""
    tokens = (read_document(document).token for (document,) in reads.rows(SELECT_FREE_SINCE, (time_text(at),)))
    return [token.quote for token in tokens if token.quote.waived is not None]
