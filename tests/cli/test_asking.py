"""Ctrl-C at a question, typed on a real terminal: it leaves at the first press, and nothing is done."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.demo_world import DemoWorld, running
from relayclear.rehearsal.visiting import pay

CLEAR = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")
PROMPT = b"[y/N]: "
PATIENCE = 20.0


@dataclass(frozen=True)
class Network:
    """A demo's network, and commands on it."""

    world: DemoWorld

    def document(self, *argv: str) -> Any:
        """What a command answers with --json."""
        return json.loads(self.world.relayclear(["--json", *argv], capture=True).stdout)

    def typed(self, argv: list[str], key: bytes) -> tuple[int, str]:
        """Run a command on a terminal of its own, press a key at its first question: the exit code, what was shown."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(  # noqa: S606  our own program
                sys.executable, [sys.executable, "-m", "relayclear", *argv], {**os.environ, **self.world.environment}
            )
        shown, silent = b"", False
        # Linux tells the end of a terminal as an error.
        with suppress(OSError):
            while PROMPT not in shown and (more := os.read(terminal, 4096)):
                shown += more
            # A signal between the question and the read would wait for the read's end: no person is as quick.
            while _state(child) != "S":
                os.sched_yield()
            os.write(terminal, key)
            while not (silent := not select.select([terminal], [], [], PATIENCE)[0]):
                shown += os.read(terminal, 4096)
        if silent:
            os.kill(child, signal.SIGKILL)
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), shown.decode()


def _state(process: int) -> str:
    stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0]


def _backed_up(network: Network) -> list[str]:
    file = str(network.world.folder / "backup.db")
    network.document("db", "backup", file)
    return ["db", "restore", file]


def _cleared_before(network: Network) -> list[str]:
    done = network.document(*CLEAR, "3", "--yes")
    return ["operations", "cancel", done["operation"]]


def _sold(network: Network) -> list[str]:
    sale = ("tokens", "create", "--chain", "beta-1", "--channel", "channel-0", "--packet-sequences", "1")
    token = network.document(*sale)
    due = token["pay"]
    coin = due["amount"]
    pay(network.world.state["control"], due["chain"], "alice", due["to"], coin["amount"], coin["denom"], token["memo"])
    return ["clear", "--token", token["memo"], "--wait"]


QUESTIONS: dict[str, Callable[[Network], list[str]]] = {
    "clear": lambda _: [*CLEAR, "2"],
    "clear --filter": lambda _: ["clear", "--filter", "class:stuck"],
    "clear --token": _sold,
    "operations cancel": _cleared_before,
    "keys revoke": lambda _: ["keys", "revoke", "1", "--reason", "leaked"],
    "db restore": _backed_up,
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder: Path = tmp_path_factory.mktemp("asking") / "demo"
    with running(folder, scale=False) as world:
        yield Network(world)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_first_ctrl_c_at_a_question_leaves_and_nothing_is_started(network: Network, question: str) -> None:
    argv = QUESTIONS[question](network)
    before = network.document("operations", "list")
    code, shown = network.typed(argv, b"\x03")
    assert (code, shown.splitlines()[-1]) == (130, "interrupted"), shown
    assert network.document("operations", "list") == before
