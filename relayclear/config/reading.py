"""From the file's tables, the environment and the flags to settings, collecting every problem."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from relayclear.config.kinds import shown
from relayclear.config.places import Places
from relayclear.config.settings import HermesSettings, Key, Settings, Shape, Table, is_required, keys_of, tables_of
from relayclear.errors import ConfigError
from relayclear.ibc.nearest import nearest
from relayclear.ibc.text import redact

_CORRECT = "correct it; relayclear config validate looks again"
T = TypeVar("T")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Override:
    """A value that stands above the file's: what `config show` calls it, and what an error does."""

    raw: Any
    origin: str
    said_by: str


def joined(path: str, name: str) -> str:
    """The full path of a key, its name quoted (and so made harmless) where TOML would quote it."""
    quoted = name if _BARE.fullmatch(name) else json.dumps(name)
    return f"{path}.{quoted}" if path else quoted


def known_keys(table: type = Settings, path: str = "") -> Iterator[tuple[str, Key]]:
    """Every key there is by its full path; `*` stands for a name that the file chooses."""
    for name, key in keys_of(table).items():
        yield joined(path, name), key
    for name, inner in tables_of(table).items():
        below = joined(path, name)
        yield from known_keys(inner.of, f"{below}.*" if inner.shape is Shape.BY_NAME else below)


@dataclass(slots=True)
class Reader:
    """Reads one set of tables.  `problems` and `origins` fill up on the way."""

    file: Path | None
    places: Places
    overrides: dict[str, Override]
    problems: list[ConfigError] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def settings(self, document: Mapping[str, Any]) -> Settings:
        """Read the whole; what has a problem keeps its default."""
        return Settings(
            **self._values(Settings, document, ""), origins=self.origins, file=self.file, places=self.places
        )

    def _table(self, of: type[T], raw: object, path: str) -> T | None:
        if not isinstance(raw, Mapping):
            self._complain(f"{path} is {shown(raw)}; expected a table")
            return None
        values = self._values(of, raw, path)
        missing = [name for name in keys_of(of) if name not in values and is_required(of, name)]
        for name in missing:
            if name not in raw:  # one that is there and wrong was named already
                self._complain(f"{joined(path, name)} is missing; expected {keys_of(of)[name].kind.expected}")
        return None if missing else of(**values)

    def _values(self, of: type, raw: Mapping[str, Any], path: str) -> dict[str, Any]:
        keys, tables = keys_of(of), tables_of(of)
        for name in raw:
            if name not in keys and name not in tables:
                self._unknown(joined(path, name), name, [*keys, *tables])
        values: dict[str, Any] = {}
        for name, key in keys.items():
            self._key(values, name, key, raw, path)
        for name, table in tables.items():
            below = joined(path, name)
            if name == "hermes" and not path:
                values[name] = self._hermes(raw.get(name, {}))
            elif name in raw or table.shape is Shape.ONE:
                values[name] = self._tables(table, raw.get(name, {}), below)
        return {name: value for name, value in values.items() if value is not None or name in keys}

    def _key(self, values: dict[str, Any], name: str, key: Key, raw: Mapping[str, Any], path: str) -> None:
        full, here = joined(path, name), self.places.here
        override = self.overrides.get(full) or self.overrides.get(_INDEX.sub("", full))
        # What has a problem keeps its default, so that one pass finds all problems.
        values |= {} if key.default is None else {name: self._resolved(key.kind.read(key.default), here)}
        if override is not None:
            value, said_by, folder = override.raw, override.said_by, here
            self.origins[full] = override.origin
        elif name in raw:
            value, said_by, folder = raw[name], full, self._folder
            self.origins[full] = f"file {self.file}"
        else:
            return
        try:
            values[name] = self._resolved(key.kind.read(value), folder)
        except ValueError as error:
            reason = f" ({error})" if str(error) else ""
            self._complain(f"{said_by} is {shown(value)}{reason}; expected {key.kind.expected}", override)

    @property
    def _folder(self) -> Path:
        return self.file.parent if self.file else self.places.here

    def _resolved(self, value: object, folder: Path) -> object:
        return self.places.resolve(value, folder) if isinstance(value, Path) else value

    def _tables(self, table: Table, raw: object, path: str) -> Any:
        if table.shape is Shape.ONE:
            return self._table(table.of, raw, path)
        if table.shape is Shape.LIST:
            return self._list(table.of, raw, path)
        if not isinstance(raw, Mapping):
            self._complain(f"{path} is {shown(raw)}; expected tables like [{joined(path, table.example)}]")
            return None
        read = {name: self._table(table.of, inner, joined(path, name)) for name, inner in raw.items()}
        return {name: value for name, value in read.items() if value is not None}

    def _list(self, of: type[T], raw: object, path: str) -> tuple[T, ...]:
        if not isinstance(raw, list):
            self._complain(f"{path} is {shown(raw)}; expected tables under [[{path}]]")
            return ()
        read = [self._table(of, item, f"{path}[{index}]") for index, item in enumerate(raw)]
        values = tuple(value for value in read if value is not None)
        first = next(iter(keys_of(of)))  # what tells the tables of a list apart: a denom, a config file
        names = [getattr(value, first) for value in values]
        for name in sorted({str(name) for name in names if names.count(name) > 1}):
            self._complain(f"{path} names the {first} {shown(name)} twice")
        return values

    def _hermes(self, raw: object) -> tuple[HermesSettings, ...] | None:
        tables = (raw or [{}]) if isinstance(raw, list) else [raw]
        chosen = self.overrides.pop("hermes.config", None)
        if chosen is not None:
            tables = self._chosen_instances(tables, chosen)
        if len(tables) == 1:
            only = self._table(HermesSettings, tables[0], "hermes")
            return None if only is None else (only,)
        return self._list(HermesSettings, tables, "hermes") or None

    def _chosen_instances(self, tables: list[Any], chosen: Override) -> list[Any]:
        """One table per chosen config: the file's own for that config, or its only one."""
        configs = chosen.raw if isinstance(chosen.raw, (list, tuple)) else [chosen.raw]
        default = keys_of(HermesSettings)["config"].default
        written = [table for table in tables if isinstance(table, Mapping)]
        by_config = {
            self.places.resolve(Path(str(table.get("config", default))), self._folder): table for table in written
        }
        otherwise = written[0] if len(written) == 1 else {}
        for index, config in enumerate(configs):
            path = "hermes" if len(configs) == 1 else f"hermes[{index}]"
            self.overrides[f"{path}.config"] = Override(str(config), chosen.origin, chosen.said_by)
        return [
            by_config.get(self.places.resolve(Path(str(config)), self.places.here), otherwise) for config in configs
        ]

    def _unknown(self, full: str, name: str, siblings: list[str]) -> None:
        near = nearest(name, siblings, 1)
        if not near:
            every = [known for known, _ in known_keys()]
            near = [known for known in every if known.rpartition(".")[2] == name] or nearest(full, every, 1, cutoff=0.6)
        meant = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(siblings) or 'none'}"
        self._complain(f"unknown key {full}{meant}")

    def _complain(self, sentence: str, override: Override | None = None) -> None:
        where = "" if override is not None or self.file is None else f"{self.file}: "
        # Whatever stands in the wrong place may be an address, a key's name too.
        self.problems.append(ConfigError(where + redact(sentence), hint=_CORRECT))
