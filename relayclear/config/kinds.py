"""Kinds of values: what a key accepts in the file and in the environment, and how it is shown.

A kind reads what TOML gives (text, int, Decimal, list, table) into the value that the program
uses, and raises ValueError, with a sentence only where `expected` would not say what is wrong.
"""
# ruff: noqa: TRY004 - a TOML value of the wrong type is a wrong value, not a programmer's slip

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from relayclear.config.finding import database_path
from relayclear.ibc.coin import Coin
from relayclear.ibc.duration import parse_duration
from relayclear.ibc.text import redact

T = TypeVar("T")
_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{1,127}")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What a key takes: words for people, reading, showing, and how a variable's text is typed.

    `from_text` turns the text of a flag or an environment variable into what TOML would give;
    None where only the file can say it.  Paths come out as written: the reader resolves them.
    """

    expected: str
    read: Callable[[Any], T]
    show: Callable[[T], Any]
    from_text: Callable[[str], Any] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A node's RPC address.  `trusted`: the operator's own, whose word alone is enough."""

    url: str
    trusted: bool = False

    def __repr__(self) -> str:
        """Leave credentials out: a repr ends up in tracebacks and logs."""
        return f"Endpoint({redact(self.url)!r}, trusted={self.trusted})"


def shown(value: object) -> str:
    """A raw value for an error message: short, in ASCII, without a URL's credentials."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        text = json.dumps(_without_credentials(value))
        return text if len(text) <= 60 else text[:57] + '…"'  # noqa: PLR2004 - enough to recognise it
    return str(value).lower() if isinstance(value, bool) else str(value)[:60]


def _without_credentials(text: str) -> str:
    """An address as it may be shown; one whose scheme was forgotten is the more likely to be shown."""
    return redact(text) if "://" in text or "@" not in text else redact(f"x://{text}").removeprefix("x://")


def duration_text(seconds: int) -> str:
    """Seconds as ``1h30m``, the way `parse_duration` reads them."""
    parts, rest = "", seconds
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


def _same(value: T) -> T:
    return value


def _text_or_none(value: object) -> Any:
    return "" if value is None else str(value)


def _read_text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError
    return raw


def _is_integer(raw: object) -> bool:
    # True and False are ints to Python.
    return isinstance(raw, int) and not isinstance(raw, bool)


def _seconds(raw: object) -> int | None:
    if isinstance(raw, int) and _is_integer(raw):
        return raw
    if not isinstance(raw, str):
        return None
    if raw.isascii() and raw.isdigit():
        return int(raw)
    try:
        return parse_duration(raw)
    except ValueError:
        return None


def _read_duration(raw: object) -> int:
    seconds = _seconds(raw)
    if seconds is None or seconds < 0:
        raise ValueError
    return seconds


def _read_period(raw: object) -> int:
    seconds = _read_duration(raw)
    if seconds == 0:
        raise ValueError
    return seconds


def _read_path(raw: object) -> Path:
    text = _read_text(raw)
    if not text or "\0" in text:
        raise ValueError
    return Path(text)


def _read_optional_path(raw: object) -> Path | None:
    return None if raw == "" else _read_path(raw)


def _read_database(raw: object) -> Path | None:
    return database_path(_read_text(raw))


def _read_amount(raw: object) -> int:
    # TOML's integers end at 2**63; amounts of 18-decimal coins don't, so digits in quotes count too.
    if isinstance(raw, str) and raw.isascii() and raw.isdigit():
        return int(raw)
    if not isinstance(raw, int) or not _is_integer(raw) or raw < 0:
        raise ValueError
    return raw


def _read_ratio(raw: object) -> Decimal:
    if not isinstance(raw, Decimal) and not _is_integer(raw):
        raise ValueError
    value = Decimal(str(raw))
    if not value.is_finite() or value < 1:
        raise ValueError
    return value


def _read_denom(raw: object) -> str:
    if not _DENOM.fullmatch(_read_text(raw)):
        raise ValueError
    return _read_text(raw)


def _read_coins(raw: object) -> tuple[Coin, ...]:
    if not isinstance(raw, list):
        raise ValueError
    coins = tuple(Coin.parse(_read_text(item)) for item in raw)
    if len({coin.denom for coin in coins}) != len(coins):
        message = "a denom stands there twice"
        raise ValueError(message)
    return coins


def _read_texts(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, str) and item for item in raw):
        raise ValueError
    return tuple(raw)


def _read_command(raw: object) -> tuple[str, ...]:
    words = _read_texts(raw)
    if not words:
        raise ValueError
    return words


def _read_url(raw: object) -> str:
    text = _read_text(raw)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError
    _ = parts.port  # raises ValueError for one that is no number
    return text


def _read_endpoint(raw: object) -> Endpoint:
    if not isinstance(raw, Mapping):
        return Endpoint(_read_url(raw))
    unknown = sorted(set(raw) - {"url", "trusted"})
    if unknown:
        raise ValueError(f"a table there has the unknown key {json.dumps(unknown[0])}")
    if not isinstance(raw.get("trusted", False), bool):
        message = "trusted is true or false, without quotes"
        raise ValueError(message)
    return Endpoint(_read_url(raw.get("url")), raw.get("trusted", False))


def _read_endpoints(raw: object) -> tuple[Endpoint, ...]:
    if not isinstance(raw, list):
        raise ValueError
    return tuple(_read_endpoint(item) for item in raw)


def _show_endpoints(endpoints: tuple[Endpoint, ...]) -> list[Any]:
    return [
        {"url": redact(endpoint.url), "trusted": True} if endpoint.trusted else redact(endpoint.url)
        for endpoint in endpoints
    ]


def _read_listen(raw: object) -> str:
    text = _read_text(raw)
    host, _, port = text.rpartition(":")
    if text and not (host and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ValueError
    return text


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() else text


def _decimal(text: str) -> Any:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def whole(least: int, most: int | None = None) -> Kind[int]:
    """A whole number within bounds, both inclusive."""

    def read(raw: object) -> int:
        """The number.  Raises ValueError for anything else, `true` too."""
        if not isinstance(raw, int) or not _is_integer(raw) or raw < least or (most is not None and raw > most):
            raise ValueError
        return raw

    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    return Kind(f"a whole number {limits}", read, _same, _number)


def one_of(*words: str) -> Kind[str]:
    """One of a few words."""

    def read(raw: object) -> str:
        """The word.  Raises ValueError for any other."""
        if raw not in words:
            raise ValueError
        return str(raw)

    return Kind("one of " + ", ".join(f'"{word}"' for word in words), read, _same, _same)


TEXT: Kind[str] = Kind("a text in quotes", _read_text, _same, _same)
NAME: Kind[str] = Kind("a denom in quotes", _read_denom, _same, _same)
TEXTS: Kind[tuple[str, ...]] = Kind("a list of texts", _read_texts, list)
COMMAND: Kind[tuple[str, ...]] = Kind('a list of words like ["hermes"]', _read_command, list)
_DURATIONS = 'a duration like "60s", "5m", "1h30m", "2d" or a number of seconds'
DURATION: Kind[int] = Kind(_DURATIONS, _read_duration, duration_text, _same)
PERIOD: Kind[int] = Kind(_DURATIONS + ", at least 1", _read_period, duration_text, _same)
PATH: Kind[Path] = Kind("a path in quotes", _read_path, str, _same)
OPTIONAL_PATH: Kind[Path | None] = Kind("a path in quotes", _read_optional_path, _text_or_none, _same)
DATABASE: Kind[Path | None] = Kind('a path or "sqlite:///" followed by a path', _read_database, _text_or_none, _same)
AMOUNT: Kind[int] = Kind("a whole number of base units, in quotes when it is huge", _read_amount, str, _number)
RATIO: Kind[Decimal] = Kind("a number of at least 1", _read_ratio, str, _decimal)
COINS: Kind[tuple[Coin, ...]] = Kind(
    'a list of coins like ["1000000uosmo"]', _read_coins, lambda coins: [str(coin) for coin in coins]
)
URL: Kind[str] = Kind('an http or https URL, or ""', lambda raw: raw if raw == "" else _read_url(raw), redact, _same)
ENDPOINTS: Kind[tuple[Endpoint, ...]] = Kind(
    'a list of http or https URLs or { url = "…", trusted = true }', _read_endpoints, _show_endpoints
)
LISTEN: Kind[str] = Kind('an address like "127.0.0.1:9464", or ""', _read_listen, _same, _same)
