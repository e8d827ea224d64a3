"""Files that commands write: never over one that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from relayclear.errors import UsageError

OURS_ALONE = 0o600
EVERYBODYS = 0o644


@contextmanager
def new_file(path: str, mode: int = EVERYBODYS) -> Iterator[BinaryIO]:
    """A file that wasn't there, private from its first moment where `mode` says so.  Raises UsageError."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", hint="give another file name") from error
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror}", hint="name a file in a folder of yours"
        ) from error


def write_new(path: str, text: str) -> None:
    """Write a text into a file that wasn't there.  Raises UsageError."""
    with new_file(path) as file:
        file.write(text.encode())
