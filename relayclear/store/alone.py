"""One process of a kind per database: a lock of the operating system on a file beside it.

The lock belongs to the open file and ends with its process, however that ends.  The file is never
removed: removing one that somebody is about to lock would let two hold "the same" lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from relayclear.errors import HeldError, StoreError
from relayclear.store.values import json_text

_NOTE_SIZE = 4096


@contextmanager
def alone(database: Path, role: str, now: datetime) -> Iterator[None]:
    """Be the only `role` ("watch") on the database, or raise HeldError at once: pid, since when.

    Locks ``DATABASE.ROLE.lock``.  Raises StoreError when that can't be made.  Children don't inherit it.
    """
    path = database.with_name(f"{database.name}.{role}.lock")
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal(database, role, _read_note(descriptor)) from None
        _write_note(descriptor, now)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "check who owns the file and its folder"
        raise StoreError(f"{path} can't be locked: {error.strerror}", hint=hint, code="store_lock") from error


def _write_note(descriptor: int, now: datetime) -> None:
    since = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    note = json_text({"pid": os.getpid(), "since": since}).encode()
    os.pwrite(descriptor, note, 0)
    os.ftruncate(descriptor, len(note))


def _read_note(descriptor: int) -> dict[str, Any]:
    # The holder may be between its lock and its note.
    try:
        note = json.loads(os.pread(descriptor, _NOTE_SIZE, 0))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _refusal(database: Path, role: str, note: dict[str, Any]) -> HeldError:
    who = f"process {note.get('pid', '?')} since {note.get('since', '?')}"
    return HeldError(f"another {role} runs on {database}: {who}", hint="stop it first, or set another [store] url")
