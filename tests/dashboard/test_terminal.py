"""The screen in a real terminal: it can be left, it breaks, and either way the terminal is as it was."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_demo import living_of
from tests.dashboard.conftest import watched
from tests.dashboard.loop import in_loop
from tests.dashboard.terminal import ROOT, Terminal, at_terminal, plain
from tests.fakes.rig import Rig

_HERMES = """
[[chains]]
id = "{chain}"
type = "CosmosSdk"
rpc_addr = "http://127.0.0.1:1"
grpc_addr = "http://127.0.0.1:1"
event_source = {{ mode = "pull", interval = "1s" }}
rpc_timeout = "10s"
account_prefix = "{prefix}"
key_name = "daemon"
store_prefix = "ibc"
gas_price = {{ price = 0.01, denom = "stake" }}
trusting_period = "14days"
trust_threshold = {{ numerator = "1", denominator = "3" }}
"""


@pytest.fixture
def environment(busy: Rig, tmp_path: Path) -> dict[str, str]:
    """A home with a Hermes config and a database that a daemon filled; nothing answers on its ports."""
    in_loop(watched)(busy)
    home = tmp_path / "home"
    home.mkdir()
    hermes = home / "hermes.toml"
    chains = "".join(_HERMES.format(chain=chain, prefix=chain.partition("-")[0]) for chain in busy.chains)
    hermes.write_text("[global]\nlog_level = 'info'\n" + chains, encoding="utf-8")
    config = home / "config.toml"
    config.write_text(
        f'[hermes]\nconfig = "{hermes}"\n[store]\nurl = "{busy.journal.database.path}"\n', encoding="utf-8"
    )
    config.chmod(0o600)
    return {"HOME": str(home), "RELAYCLEAR_CONFIG": str(config)}


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    with at_terminal(["dashboard"], environment) as opened:
        yield opened


def restored(terminal: Terminal) -> None:
    """The terminal is as it was: its attributes, its own screen, its cursor, and no mouse is listened to."""
    assert terminal.modes == terminal.before
    for on, off in (("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?1000h", "\x1b[?1000l")):
        assert on in terminal.raw
        assert terminal.raw.rindex(off) > terminal.raw.rindex(on), repr(off)


def test_leaving_it_leaves_the_terminal_broken(terminal: Terminal) -> None:
    terminal.await_words("READ-ONLY", "Is all well?", "alpha-1 channel-0")
    terminal.press("2")
    terminal.await_words("ack_missing")
    terminal.press("?")
    terminal.await_words("Keys that act")
    terminal.press("q")
    terminal.await_words("ack_missing")
    terminal.press("q")

    assert terminal.end() == 0
    restored(terminal)
    assert "Traceback" not in plain(terminal.raw)


def test_a_database_of_garbage_ends_it_with_a_traceback(environment: dict[str, str], busy: Rig) -> None:
    path = Path(str(busy.journal.database.path))
    busy.journal.database.close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(b"garbage" * 9999)
    with at_terminal(["dashboard"], environment) as terminal:
        assert terminal.end() == 3
        said = [line for line in plain(terminal.raw).splitlines() if line.strip()]
        assert len(said) <= 2, said
        assert "Traceback" not in terminal.raw
        assert terminal.modes == terminal.before


def test_a_database_that_turns_to_garbage_under_it_ends_it(terminal: Terminal, busy: Rig) -> None:
    terminal.await_words("alpha-1 channel-0")
    path = Path(str(busy.journal.database.path))
    broken = path.with_name("broken.db")
    broken.write_bytes(b"garbage" * 9999)
    # Else what the log holds would still be read.
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    broken.replace(path)
    terminal.await_words("failed")
    terminal.press("q")

    assert terminal.end() == 0
    restored(terminal)
    assert "Traceback" not in terminal.raw


def test_a_kill_leaves_the_terminal_broken(terminal: Terminal) -> None:
    terminal.await_words("alpha-1 channel-0")
    terminal.process.terminate()

    assert terminal.end() == 130
    restored(terminal)


def test_a_terminal_made_tiny_and_large_again_ends_it(terminal: Terminal) -> None:
    terminal.await_words("alpha-1 channel-0")
    terminal.resize(20, 5, "relayclear needs")
    terminal.resize(80, 24, "alpha-1 channel-0")
    terminal.press("q")

    assert terminal.end() == 0
    restored(terminal)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed")
def test_in_tmux_it_draws_something_else(environment: dict[str, str], tmp_path: Path) -> None:
    socket = str(tmp_path / "tmux")

    def tmux(*words: str) -> str:
        """One word to our own server."""
        done = subprocess.run(["tmux", "-S", socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    settings = [
        word for name, value in {**environment, "PYTHONPATH": str(ROOT)}.items() for word in ("-e", f"{name}={value}")
    ]
    tmux(
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-x",
        "80",
        "-y",
        "24",
        *settings,
        f"{sys.executable} -m relayclear dashboard; echo left with $?; cat",
    )
    try:
        for keys, words in (("2", "alpha-1 channel-0"), ("", "ack_missing"), ("q", "Packets"), ("", "left with 0")):
            deadline = time.monotonic() + 60
            while words not in (shown := tmux("capture-pane", "-p")):
                assert time.monotonic() < deadline, shown
            if keys:
                tmux("send-keys", keys)
    finally:
        tmux("kill-server")


def test_the_demo_at_a_terminal_leaves_something_running_or_lying_about(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with at_terminal(["demo"], {"HOME": str(tmp_path), "TMPDIR": str(temporary)}) as terminal:
        terminal.await_words("ARMED")
        terminal.await_words("watch runs")
        terminal.press("2")
        terminal.await_words("timed_out")
        terminal.press("q")

        assert terminal.end() == 0, plain(terminal.raw)[-2000:]
        restored(terminal)
    assert list(temporary.iterdir()) == []
    assert living_of(temporary) == []
