"""Where the programs, the templates and the networks started by hand live."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(__file__).resolve().parent


def cache() -> Path:
    """The folder for everything that is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "relayclear" / "localnet"


def programs() -> Path:
    """The folder of the built programs."""
    return cache() / "bin"


def program(name: str) -> Path:
    """The path of `simd`, `simd10` or `hermes`."""
    return programs() / name


def templates() -> Path:
    """The folder of the finished homes that networks are copied from."""
    return cache() / "templates"


def default_directory() -> Path:
    """Where `up` puts its network when it isn't told."""
    return cache() / "run"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock among all processes of this user; the system drops it when the holder dies."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
