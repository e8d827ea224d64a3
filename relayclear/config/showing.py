"""Settings as people read them: `config show`, and the example file with every key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relayclear.config.reading import joined
from relayclear.config.settings import Key, Settings, Shape, Table, keys_of, tables_of

_HEAD = """\
# The settings of relayclear.  Every key stands here with its default, so all of it may be left out.
# A flag beats an environment variable (RELAYCLEAR_SCAN_STUCK_AFTER), which beats this file;
# `relayclear config show` says where each value came from.  Relative paths count from this file.
# Tables with `#` before each line are examples: take the `#` away.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key: its full path, its value ready for JSON and without credentials, its origin."""

    key: str
    value: Any
    origin: str


def entries(settings: Settings) -> tuple[Entry, ...]:
    """Every key with its value and origin, in the order of the file."""
    return tuple(_entries(settings, settings.origins, ""))


def _entries(table: Any, origins: Mapping[str, str], path: str) -> Iterator[Entry]:
    for name, key in keys_of(type(table)).items():
        full = joined(path, name)
        yield Entry(full, key.kind.show(getattr(table, name)), origins.get(full, "default"))
    for name, inner in tables_of(type(table)).items():
        for below, value in _below(getattr(table, name), inner.shape, joined(path, name)):
            yield from _entries(value, origins, below)


def _below(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, Any]]:
    if shape is Shape.ONE:
        yield path, value
    elif shape is Shape.BY_NAME:
        yield from ((joined(path, name), inner) for name, inner in value.items())
    elif shape is Shape.ONE_OR_MANY and len(value) == 1:
        yield path, value[0]
    else:
        yield from ((f"{path}[{index}]", inner) for index, inner in enumerate(value))


def render_example() -> str:
    """The text of ``config.example.toml``: every key, its default, what it means."""
    return _HEAD + "".join(_table_text(table, name) for name, table in tables_of(Settings).items())


def _table_text(table: Table, path: str) -> str:
    mark = "#" if table.shape in {Shape.BY_NAME, Shape.LIST} else ""
    name = f"{path}.{json.dumps(table.example)}" if table.shape is Shape.BY_NAME else path
    head = f"[[{name}]]" if table.shape is Shape.LIST else f"[{name}]"
    about = (table.of.__doc__ or "").splitlines()[0]
    lines = [f"\n# {about}", mark + head]
    lines += [mark + _key_line(name, key) for name, key in keys_of(table.of).items()]
    inner = "".join(_table_text(below, f"{name}.{child}") for child, below in tables_of(table.of).items())
    return "\n".join(lines) + "\n" + inner


def _key_line(name: str, key: Key) -> str:
    value = key.example if isinstance(key.example, int) or not isinstance(key.example, (str, list)) else None
    text = str(value) if value is not None else json.dumps(key.example, ensure_ascii=False)
    return f"{name} = {text}".ljust(36) + f"  # {key.doc}"
