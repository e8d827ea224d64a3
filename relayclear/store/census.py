"""What is in the file, without anything that stands in it: its tables, their shape, how many rows each has."""

from __future__ import annotations

from typing import NamedTuple

from relayclear.store.db import Reads


class TableCount(NamedTuple):
    """A table: its name, the statement that made it, its rows."""

    name: str
    sql: str
    rows: int


def tables(reads: Reads) -> list[TableCount]:
    """Every table of ours by name.  Counting walks each of them once."""
    found = reads.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    return [TableCount(name, sql, _rows(reads, name)) for name, sql in sorted(found) if not name.startswith("sqlite_")]


def sqlite_version(reads: Reads) -> str:
    """The version of the SQLite that reads."""
    return str(reads.rows("SELECT sqlite_version()")[0][0])


def _rows(reads: Reads, name: str) -> int:
    # The name is the schema's own, and quoted: a table can't be a bound value.
    quoted = name.replace('"', '""')
    return int(reads.rows(f'SELECT count(*) FROM "{quoted}"')[0][0])  # noqa: S608
