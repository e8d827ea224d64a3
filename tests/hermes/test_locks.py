"""Locks between real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relayclear.errors import HeldError, HermesError
from relayclear.hermes.locks import holding, stands_at
from relayclear.ibc.relayer import KeyChoice, work_lock

A = KeyChoice("alpha-1", "clearing", "cosmos1a")
B = KeyChoice("beta-1", "clearing", "cosmos1b")

# Takes the locks of the keys named by its arguments, tells so, and keeps them until its input ends.
HOLDER = """
import sys
from pathlib import Path
from relayclear.errors import HeldError
from relayclear.hermes.locks import holding, stands_at
from relayclear.ibc.relayer import KeyChoice, work_lock
keys = [KeyChoice(*argument.split(",")) for argument in sys.argv[2:]]
with holding(keys, Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
# The same, but starts a child that inherits the lock, tells its pid, and dies without a word.
PARENT = """
import os, signal, subprocess, sys
from pathlib import Path
from relayclear.hermes.locks import holding, stands_at
from relayclear.ibc.relayer import KeyChoice, work_lock
key = KeyChoice(*sys.argv[2].split(","))
with holding([key], Path(sys.argv[1])) as locks:
    lock = locks[key]
    waiting = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    child = subprocess.Popen(waiting, pass_fds=[lock.descriptor], stdout=subprocess.DEVNULL)
    lock.note("clearing alpha-1/channel-0 2", child=child.pid)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def argument(key: KeyChoice) -> str:
    return f"{key.chain},{key.name},{key.address}"


@contextmanager
def process(script: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def is_free(folder: Path, key: KeyChoice) -> bool:
    try:
        with holding([key], folder):
            return True
    except HeldError:
        return False


def test_two_runs_never_share_a_key(tmp_path: Path) -> None:
    with holding([A, B], tmp_path), pytest.raises(HeldError), holding([B], tmp_path):
        pass
    assert is_free(tmp_path, B)


def test_a_key_is_known_by_its_address_whatever_it_is_called(tmp_path: Path) -> None:
    with holding([A], tmp_path):
        assert not is_free(tmp_path, KeyChoice("alpha-1", "another-name", "cosmos1a"))
        assert is_free(tmp_path, KeyChoice("alpha-1", "clearing", "cosmos1other"))
        assert is_free(tmp_path, KeyChoice("beta-1", "clearing", "cosmos1a"))


def test_a_key_without_a_known_address_is_locked_by_name(tmp_path: Path) -> None:
    unknown = KeyChoice("alpha-1", "clearing", None)
    with holding([unknown], tmp_path):
        assert not is_free(tmp_path, unknown)


def test_the_same_key_asked_for_twice_is_locked_once(tmp_path: Path) -> None:
    twin = KeyChoice("alpha-1", "twin", "cosmos1a")
    with holding([A, twin], tmp_path) as locks:
        assert locks[A] is locks[twin]


def test_what_was_taken_is_given_back_when_one_key_is_held(tmp_path: Path) -> None:
    with holding([B], tmp_path):
        with pytest.raises(HeldError), holding([A, B], tmp_path):
            pass
        assert is_free(tmp_path, A)


def test_another_process_that_holds_a_key_is_named_with_its_work(tmp_path: Path) -> None:
    with process(HOLDER, str(tmp_path), argument(B), argument(A)) as (child, said):
        assert said == "held"
        with pytest.raises(HeldError) as caught, holding([A], tmp_path):
            pass
    year = time.strftime("%Y", time.gmtime())
    assert caught.value.message.startswith(f"key 'clearing' on alpha-1 is held by process {child.pid} since {year}-")
    assert caught.value.message.endswith("(clearing packets)")
    assert caught.value.hint == "wait until it ends"
    assert is_free(tmp_path, A)


def test_a_dead_holder_never_blocks(tmp_path: Path) -> None:
    with process(HOLDER, str(tmp_path), argument(A)) as (child, _):
        assert not is_free(tmp_path, A)
        child.kill()
        child.wait()
        assert is_free(tmp_path, A)


def test_the_lock_outlives_us_as_long_as_hermes_lives(tmp_path: Path) -> None:
    with process(PARENT, str(tmp_path), argument(A)) as (parent, child):
        assert parent.wait() == -signal.SIGKILL
        with pytest.raises(HeldError) as caught, holding([A], tmp_path):
            pass
    assert f"held by process {parent.pid}" in caught.value.message
    assert "clearing alpha-1/channel-0 2" in caught.value.message
    assert child in (caught.value.hint or "")
    # Its input has ended with ours; wait for the kernel to let go of what it held.
    _wait_gone(int(child))
    assert is_free(tmp_path, A)


def test_the_lock_outlives_our_letting_go_as_long_as_hermes_lives(tmp_path: Path) -> None:
    with holding([A], tmp_path) as locks:
        waiting = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
        child = subprocess.Popen(waiting, stdin=subprocess.PIPE, pass_fds=[locks[A].descriptor])
    assert not is_free(tmp_path, A)
    child.communicate()
    assert is_free(tmp_path, A)


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        os.sched_yield()


def test_a_run_that_could_not_be_ended_keeps_its_key_for_a_while(tmp_path: Path) -> None:
    with holding([A], tmp_path) as locks:
        locks[A].note("clearing alpha-1/channel-0 2", free_at=time.time() + 600)
    with pytest.raises(HeldError, match="may still be in use by a Hermes that couldn't be ended") as caught:
        is_taken(tmp_path)
    assert (caught.value.hint or "").startswith("wait until ")


def is_taken(folder: Path) -> None:
    with holding([A], folder):
        pass


@pytest.mark.parametrize("free_at", [-1, 10**6])
def test_a_while_that_is_over_or_never_was_ours_blocks_nobody(tmp_path: Path, free_at: int) -> None:
    with holding([A], tmp_path) as locks:
        locks[A].note("clearing", free_at=time.time() + free_at)
    assert is_free(tmp_path, A)


@pytest.mark.parametrize("content", [b"", b"\xff garbage", b"[1]", b'{"free_at": "soon"}', b'{"pid":1}'])
def test_a_damaged_lock_file_is_taken_over(tmp_path: Path, content: bytes) -> None:
    with holding([A], tmp_path):
        pass
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert is_free(tmp_path, A)
    with holding([A], tmp_path):
        file.write_bytes(content)
        assert not is_free(tmp_path, A)


def test_the_note_is_valid_json_even_for_very_long_work(tmp_path: Path) -> None:
    with holding([A], tmp_path) as locks:
        locks[A].note("clearing " + "1," * 50_000)
        (file,) = tmp_path.iterdir()
        assert json.loads(file.read_bytes())["pid"] == os.getpid()


def test_a_chain_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with holding([KeyChoice("../../up", "x/../y", None)], tmp_path):
        (file,) = tmp_path.iterdir()
    assert file.parent == tmp_path


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(HermesError, match="keys can't be locked in") as caught,
        holding([A], tmp_path / "file" / "locks"),
    ):
        pass
    assert "XDG_STATE_HOME" in (caught.value.hint or "")


def test_without_a_folder_the_users_state_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with holding([A]):
        (file,) = tmp_path.rglob("*.lock")
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_lock_of_an_operation_that_is_over_leaves_no_file_behind(tmp_path: Path) -> None:
    work, key = work_lock("op-1"), KeyChoice("alpha-1", "clearing", None)
    with holding([work, key], tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
        with pytest.raises(HeldError, match="the work on op-1 is held"), holding([work], tmp_path):
            pass
        assert len(list(tmp_path.iterdir())) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["alpha-1--clearing.lock"]


def test_a_lock_whose_file_its_holder_removed_meanwhile_is_told_from_the_one_that_stands(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    with path.open("w") as removed:
        assert stands_at(removed.fileno(), path)
        path.unlink()
        assert not stands_at(removed.fileno(), path)
        path.touch()
        assert not stands_at(removed.fileno(), path)
