"""Writing relayclear's own config: read back before it is written, and never over one without a copy of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from relayclear.config.loading import examine
from relayclear.config.places import Places
from relayclear.config.settings import Settings
from relayclear.config.showing import entries, render
from relayclear.errors import ConfigError, UsageError


def config_text(chosen: Mapping[str, Any], places: Places) -> str:
    """The whole file with what is chosen.  Raises ConfigError where a chosen value can't be, as a reader would."""
    text = render(chosen)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(text, encoding="utf-8")
        _, problems = examine(config_path=file, env={}, flags={}, places=places)
    for problem in problems:
        raise ConfigError(problem.message.removeprefix(f"{file}: "), hint=problem.hint, code=problem.code)
    return text


def dropped(before: Settings, text: str, places: Places) -> tuple[str, ...]:
    """The keys that an older file set, and that this text sets to something else: whoever replaces it should know."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(text, encoding="utf-8")
        after, _ = examine(config_path=file, env={}, flags={}, places=places)
    now = {entry.key: entry.value for entry in entries(after)}
    set_there = (entry for entry in entries(before) if entry.origin == f"file {before.file}")
    return tuple(entry.key for entry in set_there if now.get(entry.key) != entry.value)


def write_config(path: Path, text: str, *, replace: bool) -> Path | None:
    """Write the file, mode 0600, a folder that is missing 0700; where the older one is kept, None if there was none.

    Raises UsageError where one is there and `replace` is not said, ConfigError where it can't be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Private from the first moment, whole or not at all, and exclusive: a link never takes another's place.
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        try:
            if not replace:
                _put_new(beside, path)
                return None
            kept = _kept(path)
            beside.replace(path)
            return kept
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}", hint="--config FILE") from error


def refuse_existing(path: Path) -> None:
    """Raises UsageError for a config that is there already, also for a link that leads nowhere."""
    if path.exists() or path.is_symlink():
        raise _there(path)


def _put_new(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)
    except FileExistsError as error:
        raise _there(path) from error


def _there(path: Path) -> UsageError:
    return UsageError(
        f"{path} is there already, and nothing was changed",
        hint="relayclear config show; or --force, which keeps a copy beside it",
        code="config_exists",
    )


def _kept(path: Path) -> Path | None:
    """The older file under the first free name beside it: the very file, so that not a byte of it is lost."""
    number = 1
    while path.exists():
        copy = path.with_name(f"{path.name}.old-{number}")
        with suppress(FileExistsError):
            copy.hardlink_to(path.resolve())
            return copy
        number += 1
    return None
