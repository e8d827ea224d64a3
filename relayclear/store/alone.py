"""One process of a kind per database: a lock of the operating system on a file beside it.

The lock belongs to the open file and ends with its process, however that ends.  The file is never
removed: removing one that somebody is about to lock would let two hold "the same" lock.

Who only looks whether it is held shares it for that moment.  Who comes to take it meanwhile waits that moment out,
so that a look never turns anybody away.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from relayclear.errors import HeldError, StoreError
from relayclear.ibc.instant import rfc3339
from relayclear.store.values import json_text

_NOTE_SIZE = 4096
_HINT = "check who owns the file and its folder"
# A look takes microseconds; one that takes longer than all of these together was stopped in the middle.
_LOOKS = 1000
_LOOK_SECONDS = 0.001


@contextmanager
def alone(database: Path, role: str, now: datetime, pause: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Be the only `role` ("watch") on the database, or raise HeldError at once: pid, since when.

    Locks ``DATABASE.ROLE.lock``.  Raises StoreError when that can't be made.  Children don't inherit it.
    `pause` waits so many seconds for somebody who looks.
    """
    descriptor = _open(_file(database, role))
    try:
        if not _taken(descriptor, pause):
            raise _refusal(database, role, _read_note(descriptor))
        _write_note(descriptor, now)
        yield
    finally:
        os.close(descriptor)


def is_held(database: Path, role: str) -> bool:
    """Whether somebody is the `role` on the database now.  Raises StoreError where that can't be seen."""
    path = _file(database, role)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{path} can't be looked at: {error.strerror}", hint=_HINT, code="store_lock") from error
    try:
        return not _shared(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, pause: Callable[[float], object]) -> bool:
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not _shared(descriptor):
                return False
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            pause(_LOOK_SECONDS)
        else:
            return True
    return False


def _shared(descriptor: int) -> bool:
    """Take a share of the lock, which is to be given back at once; False where one holds it alone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(database: Path, role: str) -> Path:
    return database.with_name(f"{database.name}.{role}.lock")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path} can't be locked: {error.strerror}", hint=_HINT, code="store_lock") from error


def _write_note(descriptor: int, now: datetime) -> None:
    note = json_text({"pid": os.getpid(), "since": rfc3339(now)}).encode()
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
