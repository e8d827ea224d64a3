"""Values out of the tables of a TOML file, refused in the words of Hermes' own reader (serde)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "w": 604800.0,
    "week": 604800.0,
}


class ConfigError(Exception):
    """A config that can't be read; the text is the reason."""


class Table:
    """A table of the file; `where` is its key, for what is said of it; `around` stands before every complaint."""

    def __init__(self, values: Any, where: str, known: Sequence[str] | None = None, around: str = "") -> None:
        """Raises ConfigError for a key that isn't among the known ones; None takes all."""
        if not isinstance(values, dict):
            raise ConfigError(f"parse error: {around}invalid type: {_kind(values)}, expected a map for key `{where}`")
        self.values: Mapping[str, Any] = values
        self._where, self._around = where, around
        for key in values if known is not None else ():
            if key not in (known or ()):
                expected = ", ".join(f"`{one}`" for one in known or ())
                raise self.wrong(f"unknown field `{key}`, expected one of {expected}")

    def wrong(self, why: str) -> ConfigError:
        """A complaint about this table."""
        where = f" for key `{self._where}`" if self._where else ""
        return ConfigError(f"parse error: {self._around}{why}{where}")

    def text(self, key: str, default: str | None = None) -> str:
        """A string.  Raises ConfigError when it is missing and has no default."""
        return str(self._of(key, (str,), "a string", default))

    def text_or_none(self, key: str) -> str | None:
        """A string that may be missing."""
        return self.text(key) if key in self.values else None

    def flag(self, key: str, default: bool | None = None) -> bool:  # noqa: FBT001  as the others
        """A boolean."""
        return bool(self._of(key, (bool,), "a boolean", default))

    def whole(self, key: str, default: int | None = None) -> int:
        """An integer that isn't negative."""
        found = self._of(key, (int,), "u64", default)
        if found < 0:
            raise self.wrong(f"invalid value: integer `{found}`, expected u64")
        return int(found)

    def whole_or_none(self, key: str) -> int | None:
        """The same, which may be missing."""
        return self.whole(key) if key in self.values else None

    def number(self, key: str, default: float | None = None) -> float:
        """A number, as the machine keeps it."""
        return float(self._of(key, (int, float), "f64", default))

    def seconds(self, key: str, default: float) -> float:
        """A duration such as `500ms` or `14days`."""
        if key not in self.values:
            return default
        parts = re.findall(r"([0-9]+)\s*([a-z]+)", self.text(key))
        # `days` and `mins` are the plurals of units.
        factors = [_UNITS.get(unit) or _UNITS.get(unit.rstrip("s")) for _, unit in parts]
        if not parts or None in factors:
            raise self.wrong(f'invalid value: string "{self.text(key)}", expected a duration')
        return sum(int(number) * (factor or 0.0) for (number, _), factor in zip(parts, factors, strict=True))

    def size(self, key: str, default: int) -> int:
        """A number of bytes, such as `32KiB`."""
        if isinstance(self.values.get(key), int):
            return self.whole(key)
        if key not in self.values:
            return default
        text = self.text(key).strip()
        found = re.fullmatch(r"([0-9]+)\s*([KMGTP]?)(i?)B?", text)
        if found is None:
            bad = next((sign for sign in text if not sign.isdigit()), "")
            expected = "'B', 'K', 'M', 'G', 'T', 'P' or no character is expected."
            raise self.wrong(f"The character '{bad}' is incorrect. {expected}")
        number, unit, binary = found.groups()
        power = "BKMGTP".index(unit or "B")
        return int(number) * int((1024 if binary else 1000) ** power)

    def table(self, key: str, known: Sequence[str] | None = None) -> Table:
        """A table inside, which must be there."""
        if key not in self.values:
            raise self.wrong(f"missing field `{key}`")
        inner = f"{self._where}.{key}" if self._where and not self._around else self._where or key
        return Table(self.values[key], inner, known, self._around)

    def table_or_none(self, key: str, known: Sequence[str] | None = None) -> Table | None:
        """A table inside that may be missing."""
        return self.table(key, known) if key in self.values else None

    def _of(self, key: str, kinds: tuple[type, ...], expected: str, default: Any) -> Any:
        if key not in self.values:
            if default is None:
                raise self.wrong(f"missing field `{key}`")
            return default
        found = self.values[key]
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            raise self.wrong(f"invalid type: {_kind(found)}, expected {expected}")
        return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, str):
        return f'string "{value}"'
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    return "sequence" if isinstance(value, list) else "map"
