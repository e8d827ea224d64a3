"""A real `relayclear watch` on a rehearsal network: processes, signals, and what its log says."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relayclear.cli.demo_world import DemoWorld, running

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@dataclass
class Daemon:
    """A watch that runs; its log goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def events(self) -> list[str]:
        """The words of its log."""
        return [line.get("event", "") for line in self.lines()]

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until something holds."""
        wait_for(done, lambda: self.process.poll() is not None, self.log)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit code, and how many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE), time.monotonic() - begun


def _take_terminal() -> None:
    """In the child: what its standard input is becomes the terminal whose end it hears of."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def wait_for(done: Callable[[], bool], over: Callable[[], bool], log: Path) -> None:
    """Wait for another process; fail with its log where it ends first, or is too slow."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert not over(), log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.05)


@dataclass
class Network:
    """A rehearsal network, and relayclear as a person runs it there."""

    world: DemoWorld
    folder: Path
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a process on it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELAYCLEAR_", "XDG_"))}
        here = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT)}
        return {**kept, **self.world.environment, **here}

    @property
    def config(self) -> Path:
        """Relayclear's own config there."""
        return Path(self.world.environment["RELAYCLEAR_CONFIG"])

    @property
    def database(self) -> Path:
        """Its database."""
        return Path(self.world.environment["RELAYCLEAR_DB"])

    def run(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        """One command to its end."""
        command = [sys.executable, "-m", "relayclear", *argv]
        return subprocess.run(command, env=self.environ, capture_output=True, check=False, timeout=PATIENCE)

    def watch(self, terminal: int | None = None, **environ: str) -> Daemon:
        """Start a daemon; with a terminal it is one that a person typed there."""
        log = self.folder / f"watch-{len(self.daemons)}.log"
        command = [sys.executable, "-m", "relayclear", "watch", "--log-format", "json"]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                env={**self.environ, **environ},
                stderr=file,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                start_new_session=True,
                preexec_fn=None if terminal is None else _take_terminal,  # noqa: PLW1509 - a single ioctl
            )
        self.daemons.append(Daemon(process, log))
        return self.daemons[-1]

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the control port."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.world.state['control']}/{path}", data)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            return json.load(answer)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Serve a network out of a folder; whatever runs on it ends with it."""
    # Under nohup, as a gate may run, children would never hear of SIGHUP.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with running(folder / "demo", scale=False) as world:
        made = Network(world, folder)
        try:
            yield made
        finally:
            for daemon in made.daemons:
                daemon.process.kill()
                daemon.process.wait()
    signal.signal(signal.SIGHUP, before)
