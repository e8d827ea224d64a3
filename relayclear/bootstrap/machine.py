"""What doctor looks at on the machine itself: the room on a disk, the systemd unit that is installed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from relayclear.usecases.doctor_facts import UnitFacts

UNIT = "relayclear.service"
_SYSTEM = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_PREFIXES = "@-:+!|"


def free_beside(file: Path) -> int | None:
    """The bytes that are left on the disk of a file, None where nobody can tell."""
    try:
        return shutil.disk_usage(file.absolute().parent).free
    except OSError:
        return None


def unit_folders(home: Path) -> tuple[Path, ...]:
    """Where systemd looks, first the administrator's, then the user's own."""
    return (*map(Path, _SYSTEM), home / ".config" / "systemd" / "user")


def read_unit(folders: Iterable[Path], argv0: str = sys.argv[0]) -> UnitFacts | None:
    """The first unit that is installed, with its drop-ins as systemd reads them; None for none."""
    for folder in folders:
        file = folder / UNIT
        lines = list(_lines(file))
        if lines:
            return _facts(file, lines, argv0)
    return None


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Every ``Name=value`` of a unit and of what is dropped in beside it."""
    folder = file.with_name(f"{file.name}.d")
    try:
        files = [file, *sorted(folder.glob("*.conf"))] if file.is_file() else []
        texts = [one.read_text(encoding="utf-8", errors="replace") for one in files]
    except OSError:
        return
    for text in texts:
        for line in text.replace("\\\n", " ").splitlines():
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith(("#", ";")):
                yield name.strip(), value.strip()


def _facts(file: Path, lines: list[tuple[str, str]], argv0: str) -> UnitFacts:
    variables = dict(_variables(value for name, value in lines if name == "Environment"))
    starts = [value for name, value in lines if name == "ExecStart" and value]
    program = (_words(starts[-1]) or [""])[0].lstrip(_PREFIXES) if starts else ""
    credentials = [value.partition(":")[2] for name, value in lines if name == "LoadCredential"]
    return UnitFacts(
        path=str(file),
        program=_real(program),
        there=bool(program) and Path(program).is_file(),
        ours=_ours(argv0),
        config=variables.get("RELAYCLEAR_CONFIG", ""),
        database=variables.get("RELAYCLEAR_DB", ""),
        missing=tuple(path for path in credentials if path.startswith("/") and _is_missing(Path(path))),
    )


def _variables(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        for word in _words(value):
            name, equals, text = word.partition("=")
            if equals:
                yield name, text


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def own_program(argv0: str = sys.argv[0]) -> list[str]:
    """The words that start the program that runs, from anywhere."""
    found = _ours(argv0)
    # Not resolved: a virtual environment's interpreter is a link, and knows its packages by where the link stands.
    return [found] if found is not None else [sys.executable, "-m", "relayclear"]


def _ours(argv0: str) -> str | None:
    """The file of the program that runs; None where it was started as a module, or by something else."""
    path = Path(argv0)
    return _real(argv0) if path.name == "relayclear" and path.is_file() else None


def _real(program: str) -> str:
    return os.path.realpath(program) if program else ""


def _is_missing(path: Path) -> bool:
    """Whether a file surely isn't there: one in a folder that we may not enter can't be told."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
