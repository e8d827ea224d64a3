"""stdout is data, stderr is talk: writing documents, tables and errors, and the exit codes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from relayclear.errors import ConfigError, HeldError, RefusedError, RelayclearError, UnreachableError, UsageError
from relayclear.ibc import instant

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1
# C1 controls (one of them starts escape sequences), bidirectional marks, other characters of no width.
_HIDDEN = re.compile("[\x80-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_CHUNK = 1000


class Exit(IntEnum):
    """What the exit codes mean; `relayclear help exit-codes` prints these very lines."""

    DONE = 0, "done"
    FAILED = 1, "failed, or partly failed"
    USAGE = 2, "the command line or the config is wrong"
    UNREACHABLE = (
        3,
        "a chain, Hermes or the database can't be reached (also in part), or the outcome is unknown: try again",
    )
    REFUSED = 4, "refused: a limit, an open breaker, not clearable, not paid"
    HELD = 5, "somebody else holds the work"
    FOUND = 10, "looked and found something (--check, doctor with warnings, health degraded, a quote that is over)"
    INTERRUPTED = 130, "interrupted"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Exit:  # noqa: PYI034 - enum members are of the class itself
        """Give each code its sentence."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


# The first branch that fits counts, so finer ones stand first.
_EXITS: tuple[tuple[type[RelayclearError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (ConfigError, Exit.USAGE),
    (UnreachableError, Exit.UNREACHABLE),
    (RefusedError, Exit.REFUSED),
    (HeldError, Exit.HELD),
)


def exit_for(error: RelayclearError) -> Exit:
    """The exit code of an error."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.FAILED)


def worst(codes: Iterable[Exit]) -> Exit:
    """The exit code where several apply: unknown before failed before found.  None is ever left out."""
    order = (Exit.INTERRUPTED, Exit.UNREACHABLE, Exit.FAILED, Exit.USAGE, Exit.HELD, Exit.REFUSED, Exit.FOUND)
    found = set(codes)
    return next((code for code in order if code in found), Exit.DONE)


@dataclass(frozen=True, slots=True)
class Rows:
    """A list in a document, made a thousand rows at a time: rows are ten times the size of their text."""

    items: Sequence[Any]
    rows: Callable[[Sequence[Any]], list[dict[str, Any]]]

    def chunks(self) -> Iterator[bytes]:
        """The JSON text of the list, in pieces."""
        yield b"["
        for start in range(0, len(self.items), _CHUNK):
            text = _dumps(self.rows(self.items[start : start + _CHUNK]))
            yield (b"," if start else b"") + text[1:-1]
        yield b"]"


def _dumps(value: Any) -> bytes:
    """JSON whose strings hold nothing that a terminal obeys or hides: a memo is its sender's own text."""
    data = orjson.dumps(value)
    if data.isascii():
        return data
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode()


def json_line(document: Mapping[str, Any]) -> bytes:
    """One object of a stream as a line, with the version that every document has."""
    return _dumps({"schema_version": SCHEMA_VERSION, **document}) + b"\n"


def emit_json(document: Mapping[str, Any], *, stream: bool = False) -> None:
    """Write one document as a line; `stream` flushes it, so that a reader sees it at once."""
    sys.stdout.flush()
    write = sys.stdout.buffer.write
    write(b'{"schema_version":' + str(SCHEMA_VERSION).encode())
    for name, value in document.items():
        write(b"," + orjson.dumps(name) + b":")
        for chunk in value.chunks() if isinstance(value, Rows) else (_dumps(value),):
            write(chunk)
    write(b"}\n")
    if stream:
        sys.stdout.buffer.flush()


@lru_cache(maxsize=4096)
def rfc3339(at: datetime | None) -> str | None:
    """A time as programs read it; null for none."""
    return instant.rfc3339(at) if at is not None else None


def error_row(error: RelayclearError) -> dict[str, Any]:
    """An error as programs read it."""
    return {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}


def emit_error(error: RelayclearError, *, as_json: bool) -> None:
    """Say what happened, and one `try:` line, on stderr."""
    sys.stdout.flush()
    if as_json:
        sys.stderr.write(_dumps({"error": error_row(error)}).decode() + "\n")
        return
    sys.stderr.write(f"relayclear: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"  try: {error.hint}\n")


def say(text: str) -> None:
    """Talk to the person on stderr."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


def console(color: str) -> Console:
    """The console of stdout: coloured only on a terminal, unless told otherwise.

    Off a terminal nothing is cut to a width, so that a pipe loses no letter.
    """
    from rich.console import Console

    terminal = sys.stdout.isatty()
    forced = {"always": True, "never": False}.get(color)
    plain = forced is False or (forced is None and ("NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"))
    width = None if terminal or "COLUMNS" in os.environ else 400
    return Console(
        force_terminal=forced, no_color=plain, width=width, highlight=False, emoji=False, markup=False, soft_wrap=False
    )
