"""One Hermes run per (chain, key) at a time, across processes: advisory file locks of the operating system.

Two runs with one key clash on the account sequence, and Hermes says success.  The lock belongs to
the open file, so a Hermes that inherited the descriptor holds it as long as it lives, even when we
are gone; and a holder that died, with all its children, never blocks.  Lock files of keys are never
removed; that of an operation's work is, by who holds it, so whoever locks one looks whether it still stands.

The folder is per user: a clash with another user's relayclear is not seen here.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from platformdirs import user_state_path

from relayclear.errors import HeldError, HermesError
from relayclear.ibc import instant
from relayclear.ibc.instant import rfc3339
from relayclear.ibc.relayer import WORK, KeyChoice
from relayclear.ibc.text import clean

_NOTE_SIZE = 4096
_WORK_LENGTH = 200
# A wait further off than this was never written by us: the wall clock jumped.
_LONGEST_WAIT = 3600.0


class KeyLock:
    """A lock that is held: its inheritable-on-request descriptor, and the note others read."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def note(self, what: str, *, child: int | None = None, free_at: float | None = None) -> None:
        """Tell others who holds this and why.  `free_at`: unix time before which nobody may take it."""
        since = rfc3339(datetime.now(UTC))
        what = clean(what, _WORK_LENGTH)
        fields = {"pid": os.getpid(), "child": child, "since": since, "what": what, "free_at": free_at}
        content = json.dumps(fields).encode()
        # Whoever reads in between finds a broken note, which counts as none: never one that is half another's.
        os.pwrite(self.descriptor, content, 0)
        os.ftruncate(self.descriptor, len(content))


@contextmanager
def holding(keys: Sequence[KeyChoice], folder: Path | None = None) -> Iterator[Mapping[KeyChoice, KeyLock]]:
    """Hold the locks of all keys, or none: raises HeldError naming the first holder met, without waiting.

    Keys are locked by address, or by name where the address can't be learned.  `folder` defaults
    to the user's state folder, whatever database is in use.
    """
    folder = folder or user_state_path("relayclear") / "locks"
    with ExitStack() as taken:
        # Never waiting means never a deadlock; the order only makes it predictable who is named.
        locks = {lock_id: taken.enter_context(_held(folder, key)) for lock_id, key in _by_lock(keys).items()}
        yield {key: locks[_lock_id(key)] for key in keys}


def _lock_id(key: KeyChoice) -> tuple[str, str]:
    return key.chain, key.address or key.name


def _by_lock(keys: Sequence[KeyChoice]) -> dict[tuple[str, str], KeyChoice]:
    return {_lock_id(key): key for key in sorted(keys, key=_lock_id)}


@contextmanager
def _held(folder: Path, key: KeyChoice) -> Iterator[KeyLock]:
    descriptor = _taken(folder, key)
    try:
        note = _read_note(descriptor)
        if time.time() < note.get("free_at", 0) < time.time() + _LONGEST_WAIT:
            raise _refusal(key, note)
        lock = KeyLock(descriptor)
        lock.note("clearing packets")
        try:
            yield lock
        finally:
            _drop_work(folder, key, descriptor)
    finally:
        # Closing, not unlocking: an unlock would also take it from a Hermes that still lives.
        os.close(descriptor)


def _taken(folder: Path, key: KeyChoice) -> int:
    """The descriptor of the lock's file, locked.  Raises HeldError naming who holds it."""
    while True:
        descriptor = _open(folder, key)
        try:
            # Not lockf: a lock of that kind is the process's, so no child inherits it, and closing any other
            # descriptor of the file would drop it.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its holder may have removed the file between our opening and our locking: that lock keeps nobody out.
            if stands_at(descriptor, _file(folder, key)):
                return descriptor
        except BlockingIOError:
            refusal = _refusal(key, _read_note(descriptor))
            os.close(descriptor)
            raise refusal from None
        os.close(descriptor)


def stands_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that a path leads to now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _drop_work(folder: Path, key: KeyChoice, descriptor: int) -> None:
    """Remove the lock of an operation that is over: its id never comes again, a key's does."""
    if key.chain == WORK and not _read_note(descriptor).get("free_at"):
        _file(folder, key).unlink(missing_ok=True)


def _file(folder: Path, key: KeyChoice) -> Path:
    return folder / (quote(f"{key.chain}--{_lock_id(key)[1]}", safe="")[-200:] + ".lock")


def _open(folder: Path, key: KeyChoice) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # CLOEXEC: a lock goes only to the Hermes that is handed it, not to whatever else is started meanwhile.
        return os.open(_file(folder, key), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = f"make {folder} writable, or set XDG_STATE_HOME"
        raise HermesError(f"keys can't be locked in {folder}: {error.strerror}", hint=hint) from error


def _read_note(descriptor: int) -> dict[str, Any]:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_SIZE, 0))
    except ValueError:
        return {}
    if not isinstance(note, dict):
        return {}
    free_at = note.pop("free_at", None)
    return {**note, "free_at": free_at} if isinstance(free_at, int | float) else note


def _refusal(key: KeyChoice, note: Mapping[str, Any]) -> HeldError:
    who = f"process {note.get('pid', '?')} since {note.get('since', '?')} ({note.get('what', 'unknown work')})"
    subject = f"the work on {key.name}" if key.chain == WORK else f"key {key.name!r} on {key.chain}"
    message = f"{subject} is held by {who}"
    if note.get("free_at"):
        until = instant.clock(datetime.fromtimestamp(note["free_at"], UTC))
        message = f"{subject} may still be in use by a Hermes that couldn't be ended: {who}"
        return HeldError(message, hint=f"wait until {until}")
    child = f", or its Hermes (process {note['child']})" if note.get("child") else ""
    return HeldError(message, hint=f"wait until it ends{child}")
