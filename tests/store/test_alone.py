"""One process of a kind per database."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relayclear.errors import HeldError, StoreError
from relayclear.store.alone import alone, is_held

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from relayclear.store.alone import alone
with alone(Path(sys.argv[1]), "watch", datetime(2026, 1, 1, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def take(path: Path, role: str = "watch") -> None:
    with alone(path, role, NOW):
        pass


def test_a_second_one_is_told_who_is_there_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    with alone(path, "watch", NOW), pytest.raises(HeldError) as caught:
        take(path)
    assert caught.value.message == f"another watch runs on {path}: process {os.getpid()} since 2026-01-02T12:00:00Z"
    assert caught.value.hint
    take(path)


def test_who_starts_while_somebody_looks_whether_it_runs_is_not_turned_away(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    take(path)
    looking = os.open(tmp_path / "relayclear.db.watch.lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not is_held(path, "watch"), "two who look see no daemon in each other"
    left: list[int] = []

    def looked(_seconds: float) -> None:
        left.append(looking)
        fcntl.flock(looking, fcntl.LOCK_UN)

    with alone(path, "watch", NOW, pause=looked):
        assert left == [looking]
        assert is_held(path, "watch")
    os.close(looking)


def test_who_looks_for_ever_keeps_nobody_waiting_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    take(path)
    looking = os.open(tmp_path / "relayclear.db.watch.lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    with pytest.raises(HeldError), alone(path, "watch", NOW, pause=lambda _: None):
        pass
    os.close(looking)


def test_a_look_leaves_nothing_behind_and_takes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    assert not is_held(path, "watch")
    assert list(tmp_path.iterdir()) == []
    with alone(path, "watch", NOW):
        assert is_held(path, "watch")
        assert not is_held(path, "other")
        # Looked at, it is still held.
        with pytest.raises(HeldError):
            take(path)
    assert not is_held(path, "watch")


def test_a_lock_that_cannot_be_read_is_an_error_and_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    (tmp_path / "relayclear.db.watch.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError, match="can't be looked at"):
        is_held(path, "watch")


def test_another_role_and_another_database_are_free(tmp_path: Path) -> None:
    with alone(tmp_path / "relayclear.db", "watch", NOW):
        take(tmp_path / "relayclear.db", "other")
        take(tmp_path / "second.db")


def test_who_was_killed_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        try:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(HeldError, match=re.escape(f"process {holder.pid} since 2026-01-01T00:00:00Z")):
                take(path)
        finally:
            holder.send_signal(signal.SIGKILL)
    take(path)


def test_a_child_does_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    with alone(path, "watch", NOW):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        take(path)
    finally:
        child.communicate()


@pytest.mark.parametrize("note", ["", "{", "[]", "\0"])
def test_a_note_that_says_nothing_is_shown_as_unknown(note: str, tmp_path: Path) -> None:
    path = tmp_path / "relayclear.db"
    with alone(path, "watch", NOW):
        (tmp_path / "relayclear.db.watch.lock").write_text(note)
        with pytest.raises(HeldError, match=r"process \? since \?"):
            take(path)


def test_the_lock_is_the_owners_alone_and_stays_where_it_is(tmp_path: Path) -> None:
    take(tmp_path / "relayclear.db")
    lock = tmp_path / "relayclear.db.watch.lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be locked: No such file") as caught:
        take(tmp_path / "none" / "relayclear.db")
    assert caught.value.hint


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "relayclear.db.watch.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError):
        take(tmp_path / "relayclear.db")
    assert not (tmp_path / "precious").exists()
