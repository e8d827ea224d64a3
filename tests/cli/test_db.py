"""`db`: copies made while others write, put back only when nobody is there, and damage told as damage."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.money.ledger import Kind, Place, book
from relayclear.store import history, ledger
from relayclear.store.alone import alone
from relayclear.store.db import MIGRATIONS, open_database
from relayclear.store.journal import Journal
from tests.cli.conftest import Cli

HOLD = """
import sys
from relayclear.store.db import open_database
with open_database(sys.argv[1]) as database:
    print("open", flush=True)
    sys.stdin.read()
"""
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's database, with something in it."""
    file = tmp_path / "mine.db"
    with open_database(file) as database:
        Journal(database).remember("alpha-1", "x", "then")
    monkeypatch.setenv("RELAYCLEAR_DB", str(file))
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ana")
    return file


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process has the database open."""
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        yield
        other.communicate()


def says(path: Path) -> str | None:
    with open_database(path) as database:
        return Journal(database).recall("alpha-1", "x")


def whats(path: Path) -> list[tuple[str, str]]:
    with open_database(path) as database:
        return [(event.who, event.what) for event in history.export(database)]


def test_a_backup_is_made_while_another_process_has_the_database(cli: Cli, path: Path, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    with held(path):
        said = cli("db", "backup", str(to))
    assert said.code == Exit.DONE
    assert "signing and memo keys of quotes" in said.text
    assert "(not there)" in said.text
    assert says(to) == "then"
    assert to.stat().st_mode & 0o777 == 0o600
    assert whats(path) == [("ana", "backed_up")]
    again = cli("db", "backup", str(to), "--json")
    assert (again.code, again.error["code"]) == (Exit.USAGE, "store_exists")
    document = cli("db", "backup", str(tmp_path / "two.db"), "--json").document
    assert document["bytes"] == (tmp_path / "two.db").stat().st_size
    assert {row["there"] for row in document["keep_beside"]} == {False}


def test_a_backup_of_nothing_makes_no_database(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "none.db"))
    said = cli("db", "backup", str(tmp_path / "copy.db"), "--json")
    assert (said.code, said.error["code"]) == (Exit.UNREACHABLE, "store_missing")
    assert [*tmp_path.glob("*.db")] == [tmp_path / "relayclear.db"]


def test_a_restore_keeps_the_old_file_and_turns_refunds_to_approval(cli: Cli, path: Path, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    cli("db", "backup", str(to))
    with open_database(path) as database:
        Journal(database).remember("alpha-1", "x", "now")
    assert cli("db", "restore", str(to), "--json").code == Exit.USAGE
    assert cli("db", "restore", str(to), typed="n\n").code == Exit.REFUSED
    assert says(path) == "now"
    said = cli("db", "restore", str(to), typed="y\n")
    assert (said.code, "refunds wait for your approval" in said.text) == (Exit.DONE, True)
    assert says(path) == "then"
    assert says(path.with_name("mine.db.before-restore")) == "now"
    assert whats(path)[-1] == ("ana", "restored")
    checked = cli("db", "check", "--json")
    assert (checked.code, checked.document["sound"]) == (Exit.DONE, True)
    assert checked.document["restored"].endswith("Z")
    assert "refunds wait for approval" in cli("db", "check").text
    document = cli("db", "restore", str(to), "--yes", "--json").document
    assert document["kept"] == str(path.with_name("mine.db.before-restore"))


def test_nothing_is_restored_under_somebodys_feet(cli: Cli, path: Path, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    cli("db", "backup", str(to))
    with open_database(path) as database:
        Journal(database).remember("alpha-1", "x", "now")
    with held(path):
        said = cli("db", "restore", str(to), "--yes", "--json")
    assert (said.code, said.error["code"]) == (Exit.HELD, "store_in_use")
    with alone(path, "watch", NOW):
        assert cli("db", "restore", str(to), "--yes").code == Exit.HELD
    assert says(path) == "now"
    assert cli("db", "restore", str(path), "--yes").code == Exit.USAGE


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be looked at" * 90])
def test_what_is_no_backup_is_not_put_back(cli: Cli, path: Path, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(content)
    assert cli("db", "restore", str(bad), "--yes").code == Exit.UNREACHABLE
    assert cli("db", "restore", str(tmp_path / "absent.db"), "--yes").code == Exit.UNREACHABLE
    assert says(path) == "then"


def test_a_fresh_machine_is_restored_to(cli: Cli, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = tmp_path / "copy.db"
    cli("db", "backup", str(to))
    fresh = tmp_path / "fresh.db"
    monkeypatch.setenv("RELAYCLEAR_DB", str(fresh))
    said = cli("db", "restore", str(to), "--yes")
    assert (said.code, "What was there" in said.text) == (Exit.DONE, False)
    assert says(fresh) == "then"
    del path


def test_a_sound_database_is_said_to_be_sound(cli: Cli, path: Path) -> None:
    with open_database(path) as database, database.atomic() as tx:
        ledger.post(tx, [book(Place("alpha-1", "stake"), Kind.PAYMENT, "one", 100)], NOW)
    said = cli("db", "check")
    assert (said.code, said.text) == (Exit.DONE, f"✓ {path}, version {_newest()}: whole, and its books add up\n")


def _newest() -> int:
    return max(int(file.name.partition("_")[0]) for file in MIGRATIONS.glob("*.sql"))


def test_books_that_were_tampered_with_are_told(cli: Cli, path: Path) -> None:
    with open_database(path) as database, database.atomic() as tx:
        ledger.post(tx, [book(Place("alpha-1", "stake"), Kind.PAYMENT, "one", 100)], NOW)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE totals SET amount = '7' WHERE account = 'held'")
        raw.commit()
    said = cli("db", "check", "--json")
    assert said.code == Exit.FAILED
    assert said.document["problems"] == [
        "the books of alpha-1 stake: held stands at 7, its entries add up to 100",
        "the books of alpha-1 stake don't balance",
    ]
    assert "try: relayclear db restore" in cli("db", "check").text


def test_damage_is_told_as_damage(cli: Cli, path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    said = cli("db", "check", "--json")
    assert (said.code, said.document["sound"]) == (Exit.FAILED, False)
    path.write_bytes(b"garbage" * 1000)
    assert cli("db", "check").code == Exit.FAILED
    path.unlink()
    assert cli("db", "check").code == Exit.UNREACHABLE


def test_an_older_database_is_upgraded_on_demand_and_kept(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, old = tmp_path / "migrations", tmp_path / "old.db"
    folder.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:2]:
        (folder / file.name).write_bytes(file.read_bytes())
    open_database(old, migrations=folder).close()
    monkeypatch.setenv("RELAYCLEAR_DB", str(old))
    assert cli("history", "list", "--json").error["code"] == "store_older"
    document = cli("db", "upgrade", "--json").document
    assert (document["version"], document["kept"]) == (_newest(), f"{old}.bak-v2")
    assert "nothing to do" in cli("db", "upgrade").text
    assert cli("db", "check").code == Exit.DONE
