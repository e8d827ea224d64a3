"""Log lines and the last line, as the real program writes them (`cli/components.rs`, `cli/conclude.rs`).

With `--json` both go to standard output, one JSON object a line; without it the log goes to standard error.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

LEVELS = ("trace", "debug", "info", "warn", "error")
_BILLION = 10**9


def compact(value: Any) -> str:
    """JSON as Rust writes a value: keys in order of the alphabet, no spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


class Output:
    """Where a run talks.  `level` is the lowest that is logged; RUST_LOG replaces what the config says."""

    def __init__(
        self,
        *,
        as_json: bool,
        level: str = "info",
        out: TextIO | None = None,
        err: TextIO | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.as_json = as_json
        self._level = LEVELS.index(_from_environment() or level)
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._now_ns = now_ns
        self._spans: list[tuple[str, Mapping[str, str]]] = []

    @contextmanager
    def span(self, name: str, fields: Mapping[str, str] | None = None) -> Iterator[None]:
        """Mark every line of a block with where it comes from; `fields` stand in the order of the text."""
        self._spans.append((name, fields or {}))
        try:
            yield
        finally:
            self._spans.pop()

    def debug(self, message: str) -> None:
        """Log a detail."""
        self._log("debug", message, {})

    def info(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        """Log what goes well."""
        self._log("info", message, fields or {})

    def warn(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        """Log what may be wrong."""
        self._log("warn", message, fields or {})

    def error(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        """Log what went wrong; it doesn't make the run fail."""
        self._log("error", message, fields or {})

    def succeed(self, result: Any, text: str | None = None) -> int:
        """Print the last line and return the exit code; `text` stands for the result where JSON isn't wanted."""
        shown = json.dumps(result, indent=4) if text is None else text
        return self._end("success", "SUCCESS", result, shown, 0)

    def fail(self, why: object) -> int:
        """Print the last line of a run that failed and return the exit code."""
        return self._end("error", "ERROR", str(why), str(why), 1)

    def _end(self, status: str, word: str, result: Any, text: str, code: int) -> int:
        line = compact({"result": result, "status": status}) if self.as_json else f"{word} {text}"
        print(line, file=self._out, flush=True)
        return code

    def _log(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        if LEVELS.index(level) < self._level:
            return
        stamp = _stamp(self._now_ns())
        if self.as_json:
            print(_json_line(stamp, level, message, fields, self._spans), file=self._out, flush=True)
            return
        where = ":".join(_text_span(name, inside) for name, inside in self._spans)
        words = " ".join([message, *(f"{key}={value}" for key, value in fields.items())])
        line = f"{stamp} {level.upper():>5} ThreadId(01) {where + ': ' if where else ''}{words}"
        print(line, file=self._err, flush=True)


def _json_line(
    stamp: str,
    level: str,
    message: str,
    fields: Mapping[str, str],
    spans: list[tuple[str, Mapping[str, str]]],
) -> str:
    record: dict[str, Any] = {"timestamp": stamp, "level": level.upper(), "fields": {"message": message, **fields}}
    if spans:
        shown = [{**dict(sorted(inside.items())), "name": name} for name, inside in spans]
        record |= {"span": shown[-1], "spans": shown}
    record["threadId"] = "ThreadId(1)"
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def _text_span(name: str, fields: Mapping[str, str]) -> str:
    inside = " ".join(f"{key}={value}" for key, value in fields.items())
    return f"{name}{{{inside}}}" if inside else name


def _stamp(now_ns: int) -> str:
    seconds, rest = divmod(now_ns, _BILLION)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def _from_environment() -> str | None:
    """The most talkative level that RUST_LOG names; the real filter also tells modules apart."""
    named = re.findall("|".join(LEVELS), os.environ.get("RUST_LOG", "").lower())
    return min(named, key=LEVELS.index) if named else None
