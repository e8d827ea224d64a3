"""The database file: opening it safely, transactions, upgrades.

Only here, and in what only this module and `restoring` call (`copies`, `mishaps`, `slow`), SQLite is known.

Reads take no write lock: every `rows` sees one committed state, `snapshot` keeps that state over
several.  Writes happen in `atomic`, which waits for other writers and commits all or nothing.
A `Database` belongs to the thread that opened it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Self

from relayclear.errors import StoreError, UsageError
from relayclear.store import slow
from relayclear.store.copies import copy, copy_beside
from relayclear.store.mishaps import RuleBrokenError, speaking

__all__ = [
    "BUSY_SECONDS",
    "MIGRATIONS",
    "Database",
    "Reads",
    "Row",
    "RuleBrokenError",
    "Transaction",
    "Value",
    "open_database",
    "with_list",
]

Row = tuple[Any, ...]
Value = str | int | float | bytes | None

MIGRATIONS = Path(__file__).with_name("migrations")
# No transaction of ours lasts as long; whoever can't begin within ten seconds should have said so by then.
BUSY_SECONDS = 5.0
# STRICT tables; RETURNING is older.
_OLDEST_SQLITE = (3, 37, 0)
# The oldest build of SQLite takes 999 values in one statement, and no list here needs more.
_LIST_LENGTH = 900

_CREATE_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL
) STRICT"""
_ADD_VERSION = "INSERT INTO schema_versions (version, name, applied_at) VALUES (?, ?, ?)"
_SELECT_VERSION = "SELECT coalesce(max(version), 0) FROM schema_versions"
_SELECT_VERSIONS = "SELECT version FROM schema_versions"
_SELECT_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"


class Reads:
    """Reading, in or out of a transaction.  `?` stands for a value, `(?*)` for a list of them.

    A statement that takes longer than `slow_seconds` is logged with its plan.
    """

    __slots__ = ("_connection", "name", "slow_seconds")

    def __init__(self, connection: sqlite3.Connection, name: str, slow_seconds: float) -> None:
        self._connection = connection
        self.name = name
        self.slow_seconds = slow_seconds

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """All rows of one statement."""
        began = perf_counter()
        with speaking(self.name):
            found = self._connection.execute(sql, values).fetchall()
        if (took := perf_counter() - began) > self.slow_seconds:
            slow.tell(self._connection, sql, values, took)
        return found

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(sql, values)), None)

    def rows_in(self, sql: str, values: Sequence[Value], listed: Iterable[Value]) -> Iterator[Row]:
        """Rows of a statement ending in ``IN (?*)``-like text, however long the list is.

        `values` stand before the list.  Each slice of the list is a statement of its own: use it
        inside `snapshot` where the whole must be of one moment.
        """
        every = list(listed)
        for start in range(0, len(every), _LIST_LENGTH):
            part = every[start : start + _LIST_LENGTH]
            yield from self.rows(with_list(sql, len(part)), (*values, *part))


class Transaction(Reads):
    """Writing; what `atomic` gives, and good only as long as that block lasts."""

    __slots__ = ()

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; what its RETURNING gives.  Raises RuleBrokenError, StoreError."""
        self._require_open()
        return self.rows(sql, values)

    def execute_each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        self._require_open()
        began = perf_counter()
        with speaking(self.name):
            self._connection.executemany(sql, rows)
        if (took := perf_counter() - began) > self.slow_seconds:
            slow.tell(self._connection, sql, (), took)

    def _require_open(self) -> None:
        # Without this a write after the block would commit at once, alone.
        if not self._connection.in_transaction:
            message = "a transaction is used after its atomic() block"
            raise RuntimeError(message)


class Database(Reads):
    """An open database of ours, at the newest schema version.  `path` is None in memory."""

    __slots__ = ("path", "read_only")

    def __init__(
        self, connection: sqlite3.Connection, path: Path | None, slow_seconds: float, *, read_only: bool
    ) -> None:
        super().__init__(connection, _name(path), slow_seconds)
        self.path = path
        self.read_only = read_only

    @contextmanager
    def atomic(self) -> Iterator[Transaction]:
        """Write all or nothing.  Waits for other writers up to the busy time, then StoreError.

        Never nested, never held across a network call: both are mistakes of the program.
        """
        # The write lock at once: a transaction that reads first and wants it later can only be thrown away.
        with self._between("BEGIN IMMEDIATE"):
            yield Transaction(self._connection, self.name, self.slow_seconds)

    @contextmanager
    def snapshot(self) -> Iterator[Reads]:
        """Read several statements of one moment, without keeping writers out."""
        with self._between("BEGIN"):
            yield self

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        if self._connection.in_transaction:
            message = "a transaction is already open on this database"
            raise RuntimeError(message)
        self.rows(begin)
        try:
            yield
            # In here: a commit that fails, on a full disk, may leave the transaction open.
            self.rows("COMMIT")
        except BaseException:
            # A full disk may already have rolled back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def schema_version(self) -> int:
        """The version of the newest migration in the file."""
        return _version(self)

    def data_version(self) -> int:
        """Changes when another connection has committed; costs no lock and no read.

        Each connection counts by itself: compare numbers of one that is held open.
        """
        return int(self.rows("PRAGMA data_version")[0][0])

    def integrity(self) -> list[str]:
        """What is wrong inside the file, in SQLite's words; empty when all is well."""
        found = [str(line) for (line,) in self.rows("PRAGMA integrity_check") if line != "ok"]
        strays = self.rows("PRAGMA foreign_key_check")
        return found + [f"row {row[1]} of {row[0]} points to a missing row of {row[2]}" for row in strays]

    def backup(self, to: Path) -> None:
        """Write a whole copy, also while others write.  Raises UsageError when `to` exists."""
        if to.exists():
            raise UsageError(f"{to} is there already", hint="give another file name", code="store_exists")
        copy(self._connection, to)

    def close(self) -> None:
        """Close the file; idle time of the last one to close is when the log is folded in."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def with_list(sql: str, length: int) -> str:
    """The statement with as many places as the list has values."""
    return sql.replace("(?*)", f"({','.join('?' * length)})")


def open_database(
    where: str | Path,
    *,
    read_only: bool = False,
    busy_seconds: float = BUSY_SECONDS,
    slow_seconds: float = inf,
    migrations: Path = MIGRATIONS,
) -> Database:
    """Open, make or upgrade the database.

    `where` is a path, ``sqlite:///PATH`` or ``:memory:``.  A new file gets mode 0600 in folders of
    mode 0700; an older one is upgraded after a copy beside it, ``NAME.bak-vN``.  `read_only` makes
    and upgrades nothing.  Raises StoreError, each with a hint.
    """
    path = _path_of(where)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        message = f"this Python brings SQLite {sqlite3.sqlite_version}, older than 3.37"
        raise StoreError(message, hint="use a newer Python or system SQLite", code="store_sqlite_too_old")
    _make_file(path, read_only=read_only)
    with speaking(_name(path)):
        connection = _connect(path, busy_seconds, read_only=read_only)
        database = Database(connection, path, slow_seconds, read_only=read_only)
        try:
            _adopt(database, _steps(migrations))
        except BaseException:
            database.close()
            raise
    return database


def _path_of(where: str | Path) -> Path | None:
    text = str(where)
    if text in {":memory:", "sqlite://", "sqlite:///:memory:"}:
        return None
    scheme, found, rest = text.partition("://")
    if found and scheme != "sqlite":
        message = f"{scheme} databases are not supported"
        raise StoreError(message, hint="use a file path or sqlite:///PATH", code="store_url")
    return Path(rest.removeprefix("/") if found else text).expanduser().absolute()


def _name(path: Path | None) -> str:
    return str(path) if path else "in memory"


def _make_file(path: Path | None, *, read_only: bool) -> None:
    # SQLite gives the log beside the file the file's own mode, so 0600 covers both.
    if path is None:
        return
    try:
        if path.exists():
            return
        if read_only:
            message = f"there is no database at {path} yet"
            raise StoreError(message, hint="relayclear packets list makes it", code="store_missing")
        _make_folders(path.parent)
        # Not exclusively: of two processes that start together both may make it, and one then upgrades it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        message = f"the database {path} can't be made: {error.strerror}"
        raise StoreError(
            message, hint="check who owns its folder, or set [store] url", code="store_unusable"
        ) from error


def _make_folders(folder: Path) -> None:
    # Path.mkdir gives its mode to the last folder only.
    if not folder.exists():
        _make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _connect(path: Path | None, busy_seconds: float, *, read_only: bool) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}" if path else ":memory:"
    # Without the transactions that Python would begin by itself: each of ours begins in `_between`.
    connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # Less would lose the last commits in a power cut: an attempt, or what somebody was told to pay.
        connection.execute("PRAGMA synchronous = FULL")
        # Without it INSERT OR REPLACE would delete facts past the triggers that refuse it.
        connection.execute("PRAGMA recursive_triggers = ON")
    except BaseException:
        connection.close()
        raise
    return connection


class _Step(NamedTuple):
    version: int
    path: Path


def _steps(migrations: Path) -> list[_Step]:
    return sorted(_Step(int(path.name.partition("_")[0]), path) for path in migrations.glob("[0-9]*_*.sql"))


def _version(reads: Reads) -> int:
    """The file's version; 0 is an empty file.  Raises StoreError when it is somebody else's."""
    tables = {name for (name,) in reads.rows(_SELECT_TABLES)}
    if "schema_versions" in tables:
        return int(reads.rows(_SELECT_VERSION)[0][0])
    if tables:
        message = f"the database {reads.name} belongs to another program"
        raise StoreError(message, hint="point [store] url or RELAYCLEAR_DB at another file", code="store_foreign")
    return 0


def _versions(reads: Reads, version: int) -> set[int]:
    """The versions of all steps that the file went through; `version` is the newest, 0 for an empty file."""
    return {int(row[0]) for row in reads.rows(_SELECT_VERSIONS)} if version else set()


def _adopt(database: Database, steps: Sequence[_Step]) -> None:
    newest, version = steps[-1].version, _version(database)
    if version > newest:
        message = f"the database {database.name} has schema version {version}; this relayclear knows up to {newest}"
        raise StoreError(message, hint="install the newer relayclear that wrote it", code="store_newer")
    # By what was applied, not by the newest of it: a step that came later may have a lower number.
    missing = [step for step in steps if step.version not in _versions(database, version)]
    if database.read_only:
        if missing:
            message = f"the database {database.name} has schema version {version} and needs {missing[-1].version}"
            raise StoreError(message, hint="relayclear db upgrade", code="store_older")
        return
    # Only now: a stranger's file is left exactly as it was found.
    _use_log(database)
    for step in missing:
        _apply(database, step, backup=step is missing[0])


def _use_log(database: Database) -> None:
    if database.path and database.rows("PRAGMA journal_mode = WAL") != [("wal",)]:
        message = f"the database {database.name} stands on a file system without shared memory"
        raise StoreError(message, hint="put it on a local disk with [store] url", code="store_unusable")


def _apply(database: Database, step: _Step, *, backup: bool) -> None:
    with database.atomic() as tx:
        # Another process may have upgraded while this one waited for the lock.
        version = _version(tx)
        if step.version in _versions(tx, version):
            return
        if backup and version and database.path:
            # A second connection sees the committed state, which is the old one: nothing is changed yet.
            copy_beside(database.path, f"bak-v{version}")
        tx.execute(_CREATE_VERSIONS)
        for statement in _statements(step.path.read_text(encoding="utf-8")):
            tx.execute(statement)
        tx.execute(_ADD_VERSION, (step.version, step.path.stem, datetime.now(UTC).isoformat()))


def _statements(script: str) -> Iterator[str]:
    # sqlite3.executescript would commit first; the transaction must stay ours.
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        message = f"a migration ends in the middle of a statement: {pending[:60]!r}"
        raise ValueError(message)
