"""`relayclear doctor --bundle`: what somebody who helps needs to know, in one file and without a secret.

Every text in it goes through one function that takes out credentials, whether they stand in a URL or alone.
"""

from __future__ import annotations

import io
import os
import platform
import sys
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from relayclear import __version__
from relayclear.cli.face import Face
from relayclear.cli.output import rfc3339
from relayclear.cli.trouble import reports_folder
from relayclear.errors import RelayclearError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relayclear.config.settings import Settings
    from relayclear.usecases.bundle import Remembered
    from relayclear.usecases.trail import TrailRow

REPORTS = 5
_FOLDER = "relayclear-support"
_WRITABLE = 2**63
_LARGEST_REPORT = 256 * 1024
_README = """\
What relayclear knows of itself here, for whoever helps.  Passwords, tokens and keys are left out; addresses,
amounts, names of channels and of files are not: look through it before you send it.
"""


def refuse_existing(file: str) -> None:
    """Raises UsageError where a file is there: before a minute is spent on what goes into it."""
    if Path(file).exists():
        raise UsageError(f"{file} is there already", hint="give another file name")


def write_bundle(face: Face, file: str, findings: Sequence[Mapping[str, Any]]) -> None:
    """Write the support file, mode 0600.  Raises UsageError where it can't be; whatever can't be read is said in it."""
    from relayclear.bootstrap.secrets_known import hider
    from relayclear.config.loading import examine

    config = Path(face.config) if face.config else None
    settings, problems = examine(config_path=config, env=face.environ, flags=face.flags)
    now = datetime.now(UTC)
    documents: dict[str, Any] = {
        "about.json": _about(now),
        "settings.json": _settings(settings, problems),
        "findings.json": findings,
        "health.json": _health(face, settings, now),
        **_memory(settings),
    }
    hide = hider(settings)
    texts = {name: orjson.dumps(hidden(value, hide), option=orjson.OPT_INDENT_2) for name, value in documents.items()}
    texts["README.txt"] = _README.encode()
    texts |= {name: "\n".join(map(hide, text.splitlines())).encode() for name, text in _reports().items()}
    _write(file, texts, now)


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """A document all of whose texts went through `hide`, names of keys too."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {hide(str(name)): hidden(inner, hide) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(inner, hide) for inner in value]
    # A whole number above 64 bits would stop the writer.
    plain = value is None or (isinstance(value, (bool, int, float)) and abs(value) < _WRITABLE)
    return value if plain else hide(str(value))


def _about(now: datetime) -> dict[str, Any]:
    return {
        "at": rfc3339(now),
        "relayclear": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
    }


def _settings(settings: Settings, problems: Sequence[RelayclearError]) -> dict[str, Any]:
    from relayclear.config.showing import entries

    rows = [{"key": row.key, "value": row.value, "origin": row.origin} for row in entries(settings)]
    return {"file": str(settings.file), "settings": rows, "problems": [error.message for error in problems]}


def _health(face: Face, settings: Settings, now: datetime) -> dict[str, Any]:
    import asyncio

    from relayclear.usecases.health import look_or_tell
    from relayclear.wording.health import document

    async def look() -> dict[str, Any]:
        """From memory alone."""
        async with face.open(settings) as desk:
            return document(look_or_tell(desk), now)

    try:
        return asyncio.run(look())
    except RelayclearError as error:
        return {"error": error.message}


def _memory(settings: Settings) -> dict[str, Any]:
    """What the database tells, or why it tells nothing; it is opened to be read, and not upgraded."""
    from relayclear.store.db import open_database
    from relayclear.usecases.bundle import remembered

    try:
        with open_database(settings.database, read_only=True) as database:
            found = remembered(database)
    except RelayclearError as error:
        return {"memory.json": {"database": str(settings.database), "error": error.message}}
    return {
        "memory.json": {"database": str(settings.database), **_shape(found)},
        "history.json": [_event(row) for row in found.events],
        "mishaps.json": [{"what": one.what, "at": rfc3339(one.at), "error": one.error} for one in found.mishaps],
    }


def _shape(found: Remembered) -> dict[str, Any]:
    return {
        "version": found.version,
        "sqlite": found.sqlite,
        "tables": [{"table": one.name, "rows": one.rows, "sql": one.sql} for one in found.tables],
        "breakers": [
            {"name": one.name, "reason": one.reason, "opened_at": rfc3339(one.opened_at), "until": rfc3339(one.until)}
            for one in found.breakers
        ],
    }


def _event(row: TrailRow) -> dict[str, Any]:
    event = row.event
    what = {"at": rfc3339(event.at), "who": event.who, "what": event.what, "token": row.token}
    return {**what, "operation": event.operation_id, "subject": event.subject, "detail": dict(event.detail)}


def _reports() -> dict[str, str]:
    """The newest reports of crashes, of this user alone: anybody may put a file into the folder for temporary ones."""
    folder = Path(reports_folder())
    try:
        ours = [path for path in folder.glob("relayclear-*.txt") if _is_ours(path)]
        newest = sorted(ours, key=lambda path: path.stat().st_mtime)[-REPORTS:]
        return {f"crashes/{path.name}": path.read_text(encoding="utf-8", errors="replace") for path in newest}
    except OSError:
        return {}


def _is_ours(path: Path) -> bool:
    found = path.lstat()
    return path.is_file() and not path.is_symlink() and found.st_uid == os.getuid() and found.st_size < _LARGEST_REPORT


def _write(file: str, texts: Mapping[str, bytes], now: datetime) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened, tarfile.open(fileobj=opened, mode="w:gz") as archive:
            for name, text in sorted(texts.items()):
                entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
                entry.size, entry.mtime, entry.mode = len(text), int(now.timestamp()), 0o600
                archive.addfile(entry, io.BytesIO(text))
    except FileExistsError as error:
        raise UsageError(f"{file} is there already", hint="give another file name") from error
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}", hint="-o FILE, in a folder of yours") from error
