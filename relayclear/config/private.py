"""Files for nobody's eyes but ours: a folder of mode 0700, files of mode 0600, anything wider is refused.

They are written beside and moved into place, so that a crash leaves the old one or the new one,
and under a lock of the folder, so that no two processes change them at once.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from relayclear.errors import ConfigError

_OTHERS = 0o077


@contextmanager
def alone(folder: Path, why: str) -> Iterator[None]:
    """Let no other process change the folder's files meanwhile; makes it where it is missing.

    `why` says what whoever reads the files could do.  Raises ConfigError for a folder that others
    may look into, or that can't be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_open(folder, "700", why)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def put(path: Path, text: str) -> None:
    """Write a file of ASCII so that it is there as a whole or not at all.  Raises ConfigError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(beside, text)
        beside.replace(path)
        _settle(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unusable(path, error) from error


def drop(path: Path) -> None:
    """Take a file away for good.  Raises ConfigError."""
    try:
        path.unlink()
        _settle(path.parent)
    except OSError as error:
        raise unusable(path, error) from error


def read(path: Path, largest: int, why: str, hint: str = "", *, trusted: bool = False) -> bytes:
    """At most one byte more than the largest size of a file.

    Raises ConfigError for one that others may read, or that can't be; `hint` says what to do then.
    `trusted`: it lies in systemd's folder of credentials, which guards itself, whatever the modes in it.
    """
    try:
        with path.open("rb") as file:
            if not trusted:
                _refuse_open(os.fstat(file.fileno()).st_mode, path, "600", why)
            return file.read(largest + 1)
    except OSError as error:
        raise unusable(path, error, hint) from error


def refuse_open(path: Path, mode: str, why: str) -> None:
    """Raises ConfigError where others may read or enter; OSError where nobody can tell."""
    _refuse_open(path.stat().st_mode, path, mode, why)


def unusable(path: Path, error: OSError, hint: str = "") -> ConfigError:
    """Why a file or folder can't be used."""
    hint = hint or "check who owns it and its folder, or set [keys] dir"
    return ConfigError(f"{path} can't be used: {error.strerror}", hint=hint, code="keys_unusable")


def _refuse_open(found: int, path: Path, mode: str, why: str) -> None:
    if found & _OTHERS:
        raise ConfigError(
            f"others may read {path}: {why}", hint=f"chmod {mode} {shlex.quote(str(path))}", code="keys_open"
        )


def _write(path: Path, text: str) -> None:
    # Exclusive and private from the first moment: a mode set afterwards comes too late.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
