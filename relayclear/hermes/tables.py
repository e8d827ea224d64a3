"""Typed reading of TOML tables: a missing or wrong value is named with its table and file, never shown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from relayclear.errors import ConfigError

_T = TypeVar("_T")

# The spellings of the Rust crate humantime, which Hermes reads durations with.
_DURATION = re.compile(r"(\d+)\s*([A-Za-z]+)")
_SECONDS: dict[str, Decimal | int] = {
    **dict.fromkeys(("nanos", "nsec", "ns"), Decimal("1e-9")),
    **dict.fromkeys(("usec", "us"), Decimal("1e-6")),
    **dict.fromkeys(("millis", "msec", "ms"), Decimal("1e-3")),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), 1),
    **dict.fromkeys(("minutes", "minute", "min", "mins", "m"), 60),
    **dict.fromkeys(("hours", "hour", "hr", "hrs", "h"), 3600),
    **dict.fromkeys(("days", "day", "d"), 86400),
    **dict.fromkeys(("weeks", "week", "w"), 604800),
    **dict.fromkeys(("months", "month", "M"), 2_630_016),
    **dict.fromkeys(("years", "year", "y"), 31_557_600),
}
# The spellings of the Rust crate byte-unit: K is a thousand, Ki 1024, letters in either case.
_SIZE = re.compile(r"(\d+(?:\.\d+)?) *(?:([kmgtp])(i?))?b?", re.IGNORECASE)


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a file, numbers with a point as exact Decimals.  Raises ConfigError for what can't be read or parsed."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no Hermes config at {path}", hint="name it with --hermes-config PATH") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is not UTF-8 (line {line})", hint="save the file as UTF-8") from None
    except OSError as error:
        hint = f"check with: ls -l {path}"
        raise ConfigError(f"the Hermes config {path} can't be read: {error.strerror}", hint=hint) from error
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="correct that line") from error


@dataclass(frozen=True)
class Table:
    """One table of a config file.  `where` names it in errors: ``chain 'osmosis-1'``."""

    values: Mapping[str, Any]
    where: str
    path: Path

    def wrong(self, *, key: str, wanted: str) -> ConfigError:
        """The error for a value that isn't what it must be."""
        hint = f"correct it in {self.path}; check with: hermes --config {self.path} config validate"
        return ConfigError(f"{key} of {self.where} must be {wanted}", hint=hint)

    def missing(self, key: str) -> ConfigError:
        """The error for a value that must be there."""
        return ConfigError(f"{self.where} has no {key}", hint=f"add it in {self.path}; Hermes needs it too")

    def text(self, key: str) -> str:
        """A text that must be there."""
        return self._needed(key, self.text_or_none(key))

    def text_or_none(self, key: str) -> str | None:
        """A text that may be absent."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key=key, wanted="a text")

    def integer(self, key: str) -> int:
        """A whole number that must be there."""
        return self._needed(key, self.integer_or_none(key))

    def integer_or_none(self, key: str) -> int | None:
        """A whole number, zero or above, that may be absent."""
        value = self.values.get(key)
        # To Python a bool is an int; to Hermes `max_gas = true` is an error.
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        raise self.wrong(key=key, wanted="a whole number, zero or above")

    def number(self, key: str, default: Decimal | None = None) -> Decimal:
        """A finite number, zero or above, exactly as written; without a default it must be there."""
        value = self.values.get(key, default)
        if value is None:
            raise self.missing(key)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.wrong(key=key, wanted="a number")
        number = Decimal(value)
        if not number.is_finite() or number < 0:
            raise self.wrong(key=key, wanted="a number, zero or above")
        return number

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false; without a default it must be there."""
        value = self.values.get(key, default)
        if value is None:
            raise self.missing(key)
        if isinstance(value, bool):
            return value
        raise self.wrong(key=key, wanted="true or false")

    def items(self, key: str) -> list[Any]:
        """A list; absent is empty."""
        value = self.values.get(key, [])
        if isinstance(value, list):
            return value
        raise self.wrong(key=key, wanted="a list")

    def table(self, key: str) -> Table:
        """A table that must be there."""
        return self._needed(key, self.table_or_none(key))

    def table_or_none(self, key: str) -> Table | None:
        """A table that may be absent."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Table(value, f"{key} of {self.where}", self.path)
        raise self.wrong(key=key, wanted="a table")

    def tables(self, key: str) -> Iterator[Mapping[str, Any]]:
        """The tables of an array of tables; absent is none."""
        for item in self.items(key):
            if not isinstance(item, dict):
                raise self.wrong(key=key, wanted="an array of tables, [[...]]")
            yield item

    def duration(self, key: str) -> timedelta | None:
        """A duration like ``14days`` or ``1h 30m``; None when absent."""
        text = self.text_or_none(key)
        if text is None:
            return None
        parts = _DURATION.findall(text)
        if not parts or _DURATION.sub("", text).strip() or any(unit not in _SECONDS for _, unit in parts):
            raise self.wrong(key=key, wanted="a duration like 10s or 14days")
        try:
            return timedelta(microseconds=int(sum(int(n) * _SECONDS[unit] for n, unit in parts) * 10**6))
        except OverflowError:
            raise self.wrong(key=key, wanted="a shorter duration") from None

    def size(self, key: str) -> int:
        """A number of bytes, written as ``32KiB``, ``2048 B`` or a bare number; it must be there."""
        value = self.values.get(key)
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            return self.integer(key)
        power = " kmgtp".index((match[2] or " ").lower())
        return int(Decimal(match[1]) * (1024 if match[3] else 1000) ** power)

    def url(self, key: str, schemes: tuple[str, ...]) -> str:
        """A URL of one of the schemes, credentials and all; Hermes takes ``tcp`` for ``http``, and so do we."""
        text = self.text(key)
        if text.startswith("tcp://"):
            text = "http" + text.removeprefix("tcp")
        try:
            parts = urlsplit(text)
            fits = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            fits = False
        if not fits:
            raise self.wrong(key=key, wanted=f"an address like {schemes[0]}://host:port")
        return text

    def _needed(self, key: str, value: _T | None) -> _T:
        if value is None:
            raise self.missing(key)
        return value
