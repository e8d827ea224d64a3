"""Backups put back: whole ones only, and never under somebody's feet."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from relayclear.errors import StoreError
from relayclear.store.db import MIGRATIONS, Database, RuleBrokenError, open_database
from relayclear.store.journal import Journal
from relayclear.store.restoring import restore

HOLD = """
import sys
from relayclear.store.db import open_database
with open_database(sys.argv[1]) as database:
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with open_database(tmp_path / "earlier.db") as database:
        Journal(database).remember("alpha-1", "x", "then")
        database.backup(tmp_path / "backup.db")
    return tmp_path / "backup.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with open_database(tmp_path / "relayclear.db") as database:
        Journal(database).remember("alpha-1", "x", "now")
    return tmp_path / "relayclear.db"


def says(path: Path) -> str | None:
    with open_database(path) as database:
        assert database.integrity() == []
        assert database.row("PRAGMA journal_mode") == ("wal",)
        return Journal(database).recall("alpha-1", "x")


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield
        process.stdin.close()


def refused(backup: Path, path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        restore(backup, path)
    assert caught.value.hint
    return caught.value


def test_a_backup_takes_the_place_of_the_database_and_what_was_there_is_kept(backup: Path, path: Path) -> None:
    kept = restore(backup, path)
    assert kept
    assert (says(path), says(kept)) == ("then", "now")
    assert path.stat().st_mode & 0o777 == kept.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_restored_where_no_database_is_any_more(backup: Path, tmp_path: Path) -> None:
    assert restore(backup, tmp_path / "new.db") is None
    assert says(tmp_path / "new.db") == "then"


def test_a_larger_database_leaves_nothing_behind_in_the_restored_one(backup: Path, path: Path) -> None:
    with open_database(path) as database, database.atomic() as tx:
        tx.execute_each("INSERT INTO remembered VALUES ('a', ?, ?)", [(str(n), "x" * 100) for n in range(5000)])
    restore(backup, path)
    with open_database(path) as database:
        assert database.row("SELECT count(*) FROM remembered") == (1,)


def test_a_database_that_another_process_has_open_is_left_alone(backup: Path, path: Path) -> None:
    with held_by_another_process(path):
        assert refused(backup, path).code == "store_in_use"
    assert says(path) == "now"
    restore(backup, path)
    assert says(path) == "then"


def test_a_database_that_this_process_has_open_is_left_alone(backup: Path, path: Path) -> None:
    with open_database(path) as database:
        assert refused(backup, path).code == "store_in_use"
        Journal(database).remember("alpha-1", "y", "still writable")


def test_a_damaged_database_is_put_aside_whole(backup: Path, path: Path) -> None:
    damage = b"\xff" * 8192
    with path.open("r+b") as file:
        file.write(damage)
    kept = restore(backup, path)
    assert kept
    assert kept.read_bytes().startswith(damage)
    assert says(path) == "then"


def test_a_damaged_database_is_not_taken_from_under_the_process_that_has_it_open(backup: Path, path: Path) -> None:
    with held_by_another_process(path):
        with path.open("r+b") as file:
            file.write(b"\xff" * 8192)
        assert refused(backup, path).code == "store_in_use"


def test_a_damaged_backup_is_refused_before_anything_is_touched(backup: Path, path: Path) -> None:
    with backup.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 20)
    assert refused(backup, path).code == "store_damaged"
    assert says(path) == "now"
    assert not path.with_name("relayclear.db.before-restore").exists()


@pytest.mark.parametrize("content", ["missing", "text", "foreign", "newer"])
def test_what_is_no_backup_of_ours_is_refused_by_its_name(content: str, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    if content == "text":
        other.write_text("[store]\n" * 1000)
    elif content != "missing":
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE photos (id)" if content == "foreign" else "CREATE TABLE x (y)")
            if content == "newer":
                connection.execute("CREATE TABLE schema_versions (version INTEGER PRIMARY KEY)")
                connection.execute("INSERT INTO schema_versions VALUES (9999)")
                connection.commit()
    codes = {"text": "store_not_a_database"}
    assert refused(other, path).code == codes.get(content, f"store_{content}")
    assert says(path) == "now"


def test_a_backup_of_an_older_version_is_upgraded_when_it_is_opened(path: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "0001_ground.sql").write_text((MIGRATIONS / "0001_ground.sql").read_text())
    with open_database(tmp_path / "old.db", migrations=first) as database:
        Journal(database).remember("alpha-1", "x", "long ago")
        database.backup(tmp_path / "old-backup.db")
    restore(tmp_path / "old-backup.db", path)
    assert says(path) == "long ago"
    assert path.with_name("relayclear.db.bak-v1").exists()


# What else the file guards


def test_a_fact_can_not_be_replaced_behind_the_triggers_back(database: Database) -> None:
    with database.atomic() as tx:
        tx.execute("INSERT INTO answers VALUES ('k', 'w', '1', 't')")
    with pytest.raises(RuleBrokenError, match="never deleted"), database.atomic() as tx:
        tx.execute("INSERT OR REPLACE INTO answers VALUES ('k', 'w', '2', 't')")


def test_a_slow_statement_is_logged_with_its_plan_and_without_its_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        open_database(tmp_path / "relayclear.db", slow_seconds=0) as database,
        caplog.at_level(logging.WARNING, "relayclear.store.slow"),
    ):
        Journal(database).remember("alpha-1", "x", "secret")
        caplog.clear()
        assert database.rows("SELECT value FROM remembered WHERE chain = ? AND name = ?", ("alpha-1", "x"))
        with database.atomic() as tx:
            tx.execute_each("INSERT INTO remembered VALUES ('a', ?, 'secret')", [("b",)])
    first = caplog.records[0]
    assert "SELECT value FROM remembered" in first.getMessage()
    assert "SEARCH remembered USING PRIMARY KEY" in first.getMessage()
    assert "milliseconds" in vars(first)
    assert any("INSERT INTO remembered" in record.getMessage() for record in caplog.records)
    assert "secret" not in caplog.text.replace("'secret'", "")


def test_a_fast_statement_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_database(tmp_path / "relayclear.db", slow_seconds=60) as database:
        Journal(database).remember("alpha-1", "x", "y")
    assert not caplog.records
