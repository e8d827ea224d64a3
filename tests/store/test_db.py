"""Opening, upgrading, locking and copying the file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relayclear.errors import StoreError, UsageError
from relayclear.store import assignments
from relayclear.store.assignments import Assignment, MovementId, Word
from relayclear.store.db import MIGRATIONS, Database, RuleBrokenError, open_database
from relayclear.store.journal import Journal

ALL_VERSIONS = max(int(path.name[:4]) for path in MIGRATIONS.glob("*.sql"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(path: Path | str, *, read_only: bool = False) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_database(path, read_only=read_only, busy_seconds=0.05)
    assert caught.value.hint
    return caught.value


# Opening


def test_a_new_file_and_every_new_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "share" / "relayclear" / "relayclear.db"
    with open_database(path) as database, database.atomic() as tx:
        tx.execute("INSERT INTO ends (chain, port, channel) VALUES ('a', 'b', 'c')")
        assert mode(path) == 0o600
        assert mode(path.with_name("relayclear.db-wal")) == 0o600
    assert mode(path.parent) == mode(path.parent.parent) == 0o700


def test_a_write_survives_a_power_cut_and_readers_never_wait(database: Database) -> None:
    assert database.row("PRAGMA journal_mode") == ("wal",)
    assert database.row("PRAGMA synchronous") == (2,)
    assert database.row("PRAGMA foreign_keys") == (1,)


@pytest.mark.parametrize("where", ["sqlite:///{}", "{}"])
def test_a_url_and_a_path_name_the_same_file(where: str, tmp_path: Path) -> None:
    path = tmp_path / "with space & 100%?.db"
    with open_database(where.format(path)) as database:
        assert database.path == path
    assert path.exists()


def test_a_home_folder_may_be_written_as_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_database("~/relayclear.db") as database:
        assert database.path == tmp_path / "relayclear.db"


def test_a_database_of_a_kind_we_do_not_speak_is_named() -> None:
    assert refused("postgresql://localhost/relayclear").code == "store_url"


def test_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_database(":memory:") as database:
        Journal(database).remember("alpha-1", "x", "y")
        assert database.path is None
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_is_not_opened_as_a_database(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[store]\n" * 1000)
    assert refused(path).code == "store_not_a_database"
    assert path.read_text() == "[store]\n" * 1000


def test_a_database_of_another_program_is_left_exactly_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id)")
    before = path.read_bytes()
    assert refused(path).code == "store_foreign"
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_the_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "store_no_permission"


def test_a_file_in_the_place_of_a_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "share").write_text("")
    assert "can't be made" in refused(tmp_path / "share" / "relayclear.db").message


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    with open_database(path) as database:
        assert database.integrity() == []
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 30)
    with pytest.raises(StoreError) as caught, open_database(path) as database:
        Journal(database).operations(10)
    assert caught.value.code == "store_damaged"


def test_read_only_makes_nothing(tmp_path: Path) -> None:
    assert refused(tmp_path / "share" / "relayclear.db", read_only=True).code == "store_missing"
    assert list(tmp_path.iterdir()) == []


def test_read_only_can_look_and_not_touch(database: Database) -> None:
    assert database.path
    Journal(database).remember("alpha-1", "x", "y")
    with open_database(database.path, read_only=True) as reader:
        assert Journal(reader).recall("alpha-1", "x") == "y"
        with pytest.raises(StoreError) as caught:
            Journal(reader).remember("alpha-1", "x", "z")
    assert caught.value.code == "store_read_only"


def test_a_full_disk_is_an_error_that_loses_nothing(database: Database) -> None:
    journal = Journal(database)
    journal.remember("alpha-1", "x", "kept")
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError) as caught:
        journal.remember("alpha-1", "y", "z" * 100_000)
    assert (caught.value.code, caught.value.retryable) == ("store_full", True)
    database.rows("PRAGMA max_page_count = 100000")
    journal.remember("alpha-1", "y", "room again")
    assert journal.recall("alpha-1", "x") == "kept"


def test_a_dozen_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "relayclear.db"
    script = (
        "import sys; from relayclear.store.db import open_database; d = open_database(sys.argv[1]);"
        "t = d.atomic(); x = t.__enter__();"
        "x.execute('INSERT INTO remembered VALUES (?, ?, ?)', ('c', sys.argv[2], '')); t.__exit__(None, None, None)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, path, str(number)], stderr=subprocess.PIPE)
        for number in range(12)
    ]
    errors = [process.communicate()[1] for process in started]
    assert errors == [b""] * 12
    with open_database(path) as database:
        assert database.row("SELECT count(*) FROM remembered") == (12,)
        assert database.schema_version() == ALL_VERSIONS


# Upgrades


def with_two_migrations(tmp_path: Path, second: str) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE one (x INTEGER);")
    if second:
        (folder / "0002_second.sql").write_text(second)
    return folder


def test_an_older_file_is_upgraded_after_a_copy_beside_it(tmp_path: Path) -> None:
    path, migrations = tmp_path / "relayclear.db", with_two_migrations(tmp_path, "")
    with open_database(path, migrations=migrations) as database, database.atomic() as tx:
        tx.execute("INSERT INTO one VALUES (7)")
    (migrations / "0002_second.sql").write_text("ALTER TABLE one ADD COLUMN y INTEGER;\nUPDATE one SET y = 8;\n")
    with open_database(path, migrations=migrations) as database:
        assert database.schema_version() == 2
        assert database.rows("SELECT x, y FROM one") == [(7, 8)]
    copy = tmp_path / "relayclear.db.bak-v1"
    assert mode(copy) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT * FROM one").fetchall() == [(7,)]


def test_a_file_from_before_the_tasks_keeps_what_it_knows_and_gains_them(tmp_path: Path) -> None:
    path, first = tmp_path / "relayclear.db", tmp_path / "first"
    first.mkdir()
    (first / "0001_ground.sql").write_text((MIGRATIONS / "0001_ground.sql").read_text())
    with open_database(path, migrations=first) as database:
        Journal(database).remember("alpha-1", "x", "y")
    with open_database(path) as database:
        assert (database.schema_version(), Journal(database).recall("alpha-1", "x")) == (ALL_VERSIONS, "y")
        assert database.rows("SELECT * FROM tasks") == []
    assert (tmp_path / "relayclear.db.bak-v1").exists()
    with pytest.raises(StoreError, match=f"version {ALL_VERSIONS}; this relayclear knows up to 1"):
        open_database(path, migrations=first)


def test_an_up_to_date_file_is_not_copied_again(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    for _ in range(2):
        open_database(path).close()
    assert [file.name for file in tmp_path.iterdir()] == ["relayclear.db"]


def test_a_migration_that_fails_half_way_leaves_the_old_version(tmp_path: Path) -> None:
    path, migrations = tmp_path / "relayclear.db", with_two_migrations(tmp_path, "")
    open_database(path, migrations=migrations).close()
    (migrations / "0002_second.sql").write_text("CREATE TABLE two (x);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(sqlite3.OperationalError):
        open_database(path, migrations=migrations)
    (migrations / "0002_second.sql").unlink()
    with open_database(path, migrations=migrations) as database:
        assert database.schema_version() == 1
        assert database.rows("SELECT name FROM sqlite_schema WHERE name = 'two'") == []


def test_a_migration_cut_off_in_a_statement_is_not_applied(tmp_path: Path) -> None:
    migrations = with_two_migrations(tmp_path, "CREATE TABLE two (x);\nCREATE TABLE three (")
    with pytest.raises(ValueError, match="in the middle"):
        open_database(tmp_path / "relayclear.db", migrations=migrations)


def test_a_file_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    path, migrations = tmp_path / "relayclear.db", with_two_migrations(tmp_path, "CREATE TABLE two (x);")
    open_database(path, migrations=migrations).close()
    before = path.read_bytes()
    (migrations / "0002_second.sql").unlink()
    with pytest.raises(StoreError, match="schema version 2; this relayclear knows up to 1") as caught:
        open_database(path, migrations=migrations)
    assert caught.value.code == "store_newer"
    assert path.read_bytes() == before


def test_read_only_does_not_upgrade(tmp_path: Path) -> None:
    path, migrations = tmp_path / "relayclear.db", with_two_migrations(tmp_path, "")
    open_database(path, migrations=migrations).close()
    (migrations / "0002_second.sql").write_text("CREATE TABLE two (x);")
    with pytest.raises(StoreError) as caught:
        open_database(path, migrations=migrations, read_only=True)
    assert (caught.value.code, caught.value.hint) == ("store_older", "relayclear db upgrade")


def test_what_the_operator_said_of_movements_is_lost_when_a_fifth_word_comes(tmp_path: Path) -> None:
    path, before = tmp_path / "relayclear.db", tmp_path / "before"
    before.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if int(file.name[:4]) < 10:
            (before / file.name).write_text(file.read_text())
    one = MovementId("alpha-1", "AB" * 32, True, 0, "stake")
    said = Assignment(one, Word.DEPOSIT, "ada", "gas", datetime(2026, 1, 2, tzinfo=UTC))
    with open_database(path, migrations=before) as database:
        with database.atomic() as tx:
            assignments.add(tx, said)
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            assignments.add(tx, said._replace(movement=one._replace(ordinal=1), word=Word.WRITTEN_OFF))
    with open_database(path) as database:
        assert assignments.find(database, one) == said
        with database.atomic() as tx:
            assignments.add(tx, said._replace(movement=one._replace(ordinal=1), word=Word.WRITTEN_OFF))
        for change in ("DELETE FROM assignments", "UPDATE assignments SET why = 'x'"):
            with pytest.raises(RuleBrokenError, match="never"), database.atomic() as tx:
                tx.execute(change)
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            assignments.add(tx, said._replace(movement=one._replace(incoming=False), word=Word.WRITTEN_OFF))


def test_every_migration_says_what_may_be_forgotten() -> None:
    for path in MIGRATIONS.glob("*.sql"):
        assert "may be forgotten" in path.read_text().partition("CREATE")[0].lower(), path.name


def test_no_two_migrations_have_one_number() -> None:
    numbers = [int(path.name[:4]) for path in MIGRATIONS.glob("*.sql")]
    assert (min(numbers), len(numbers)) == (1, len({*numbers}))


def test_a_step_that_came_later_with_a_lower_number_is_still_taken(tmp_path: Path) -> None:
    path, migrations = tmp_path / "relayclear.db", with_two_migrations(tmp_path, "")
    (migrations / "0003_third.sql").write_text("CREATE TABLE three (x);")
    open_database(path, migrations=migrations).close()
    (migrations / "0002_second.sql").write_text("CREATE TABLE two (x);")
    with pytest.raises(StoreError, match="version 3 and needs 2"):
        open_database(path, migrations=migrations, read_only=True)
    with open_database(path, migrations=migrations) as database:
        assert database.rows("SELECT version FROM schema_versions ORDER BY version") == [(1,), (2,), (3,)]
    assert (tmp_path / "relayclear.db.bak-v3").exists()
    open_database(path, migrations=migrations).close()


def test_no_heavy_library_is_loaded_to_open_a_database(tmp_path: Path) -> None:
    script = (
        "import sys; from relayclear.store.db import open_database; open_database(sys.argv[1]);"
        "print(sorted({'sqlite_utils', 'click', 'httpx', 'importlib.resources', 'asyncio'} & set(sys.modules)))"
    )
    path = tmp_path / "relayclear.db"
    open_database(path).close()
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Transactions


def test_a_failure_in_the_middle_takes_everything_back(database: Database) -> None:
    def fail() -> None:
        with database.atomic() as tx:
            tx.execute("INSERT INTO remembered VALUES ('a', 'b', 'c')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert database.rows("SELECT * FROM remembered") == []


@pytest.mark.parametrize("inner", ["atomic", "snapshot"])
def test_a_transaction_inside_a_transaction_is_a_mistake_of_the_program(inner: str, database: Database) -> None:
    with database.atomic() as tx:
        with pytest.raises(RuntimeError, match="already open"), getattr(database, inner)():
            raise AssertionError
        tx.execute("INSERT INTO remembered VALUES ('a', 'b', 'c')")
    assert len(database.rows("SELECT * FROM remembered")) == 1


def test_a_write_after_its_block_is_refused_instead_of_committed_alone(database: Database) -> None:
    with database.atomic() as tx:
        pass
    for write in (tx.execute, lambda sql: tx.execute_each(sql, [()])):
        with pytest.raises(RuntimeError, match="after its atomic"):
            write("INSERT INTO remembered VALUES ('a', 'b', 'c')")
    assert database.rows("SELECT * FROM remembered") == []


def test_reading_does_not_wait_for_a_writer_and_sees_only_what_is_committed(database: Database) -> None:
    assert database.path
    with open_database(database.path, busy_seconds=0) as reader, database.atomic() as tx:
        tx.execute("INSERT INTO remembered VALUES ('a', 'b', 'c')")
        with reader.snapshot() as reads:
            assert reads.rows("SELECT * FROM remembered") == []


def test_a_snapshot_stays_the_same_while_others_write(database: Database) -> None:
    assert database.path
    with open_database(database.path) as reader:
        with reader.snapshot() as reads:
            assert reads.rows("SELECT * FROM remembered") == []
            Journal(database).remember("alpha-1", "x", "y")
            assert reads.rows("SELECT * FROM remembered") == []
        assert len(reader.rows("SELECT * FROM remembered")) == 1


def test_a_second_writer_waits_for_the_first(database: Database) -> None:
    path = database.path
    assert path
    began = threading.Event()

    def write_second() -> None:
        with open_database(path) as second:
            began.set()
            Journal(second).remember("alpha-1", "x", "second")

    with database.atomic() as tx:
        thread = threading.Thread(target=write_second)
        thread.start()
        # While the lock is held the second can't even look whether it may upgrade; it needn't.
        assert began.wait(10)
        tx.execute("INSERT INTO remembered VALUES ('alpha-1', 'x', 'first')")
    thread.join(10)
    assert Journal(database).recall("alpha-1", "x") == "second"


def test_a_database_locked_for_too_long_is_an_error_worth_trying_again(database: Database) -> None:
    assert database.path
    with (
        open_database(database.path, busy_seconds=0.01) as second,
        database.atomic(),
        pytest.raises(StoreError) as caught,
    ):
        Journal(second).remember("alpha-1", "x", "y")
    assert (caught.value.code, caught.value.retryable) == ("store_busy", True)


def test_a_broken_rule_is_named_and_the_transaction_is_gone(database: Database) -> None:
    def write_half() -> None:
        with database.atomic() as tx:
            tx.execute("INSERT INTO remembered VALUES ('a', 'b', 'c')")
            tx.execute("INSERT INTO cancellations VALUES ('no such operation', '')")

    with pytest.raises(RuleBrokenError, match="FOREIGN KEY"):
        write_half()
    assert database.rows("SELECT * FROM remembered") == []


def test_a_mistake_in_a_statement_is_not_dressed_up_as_a_broken_database(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        database.rows("SELECT nothing FROM nowhere")


def test_a_list_longer_than_a_statement_takes_is_read_in_slices(database: Database) -> None:
    with database.atomic() as tx:
        tx.execute_each("INSERT INTO remembered VALUES ('a', ?, '')", [(f"{number:05}",) for number in range(2500)])
    names = [f"{number:05}" for number in range(0, 5000, 2)]
    found = database.rows_in("SELECT name FROM remembered WHERE chain = ? AND name IN (?*)", ("a",), names)
    assert [name for (name,) in found] == names[:1250]


# Copies


def test_a_backup_is_whole_while_others_write(database: Database, tmp_path: Path) -> None:
    Journal(database).remember("alpha-1", "x", "y")
    copy = tmp_path / "copy.db"
    assert database.path
    with open_database(database.path) as writer, writer.atomic() as tx:
        tx.execute("INSERT INTO remembered VALUES ('alpha-1', 'half', 'way')")
        database.backup(copy)
    assert mode(copy) == 0o600
    with open_database(copy) as restored:
        assert restored.rows("SELECT name FROM remembered") == [("x",)]
        assert restored.integrity() == []
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_never_writes_over_a_file(database: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(UsageError) as caught:
        database.backup(tmp_path / "copy.db")
    assert caught.value.code == "store_exists"
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_a_folder_that_is_not_there_says_so(database: Database, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be written: No such file"):
        database.backup(tmp_path / "none" / "copy.db")


def test_a_row_that_points_nowhere_is_found(database: Database) -> None:
    database.rows("PRAGMA foreign_keys = OFF")
    with database.atomic() as tx:
        tx.execute("INSERT INTO open_operations VALUES ('lost')")
    assert "open_operations" in database.integrity()[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_an_error_with_a_hint(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused(tmp_path / "relayclear.db").message
