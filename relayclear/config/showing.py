"""Settings as people read them: `config show`, and the example file with every key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relayclear.config.reading import joined
from relayclear.config.settings import Key, Settings, Shape, Table, keys_of, tables_of

_EXAMPLE = "# The settings of relayclear.  Every key stands here with its default, so all of it may be left out.\n"
_CHOSEN = "# The settings of relayclear, by `relayclear init`: what was chosen, and every other key with its default.\n"
_HEAD = """\
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
    return render({})


def render(chosen: Mapping[str, Any]) -> str:
    """The example's text with these values in it, nested as the file nests them, written as TOML has them.

    What is chosen stands switched on in its place; all else keeps its default and its comment.
    """
    tables = tables_of(Settings).items()
    head = (_CHOSEN if chosen else _EXAMPLE) + _HEAD
    return head + "".join(_tables_text(table, name, chosen.get(name)) for name, table in tables)


def _tables_text(table: Table, path: str, chosen: Any) -> str:
    """One table, or each of the several that are chosen."""
    if not chosen:
        return _table_text(table, path, None)
    if table.shape is Shape.BY_NAME:
        named = ((f"{path}.{json.dumps(name)}", values) for name, values in chosen.items())
        return "".join(_table_text(table, full, values) for full, values in named)
    listed = chosen if isinstance(chosen, list) else [chosen]
    many = table.shape is Shape.LIST or len(listed) > 1
    return "".join(_table_text(table, path, values, many=many) for values in listed)


def _table_text(table: Table, path: str, chosen: Mapping[str, Any] | None, *, many: bool = False) -> str:
    """A table with its comment; None: nothing in it is chosen, so that a table with a name is an example."""
    mark = "#" if chosen is None and table.shape in {Shape.BY_NAME, Shape.LIST} else ""
    name = f"{path}.{json.dumps(table.example)}" if chosen is None and table.shape is Shape.BY_NAME else path
    head = f"[[{name}]]" if many or table.shape is Shape.LIST else f"[{name}]"
    about, values = (table.of.__doc__ or "").splitlines()[0], chosen or {}
    lines = [f"\n# {about}", mark + head]
    lines += [mark + _key_line(one, key, values.get(one, key.example)) for one, key in keys_of(table.of).items()]
    below = tables_of(table.of).items()
    inner = "".join(_tables_text(one, f"{name}.{child}", values.get(child)) for child, one in below)
    return "\n".join(lines) + "\n" + inner


def _key_line(name: str, key: Key, value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, list, bool)) else str(value)
    return f"{name} = {text}".ljust(36) + f"  # {key.doc}"
