"""`relayclear demo` at a terminal: the dashboard over a network in a box, a `watch` beside it, and what happens."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any

import orjson

from relayclear.cli.output import Exit
from relayclear.errors import RelayclearError

if TYPE_CHECKING:
    from relayclear.cli.demo_world import DemoWorld

BETWEEN_SECONDS = 4.0
_END_SECONDS = 15.0
_HURRIED = {"RELAYCLEAR_SCAN_INTERVAL": "5s", "RELAYCLEAR_SCAN_STUCK_AFTER": "20s"}
# Reads a pipe that ends when whoever holds its other end does, killed or not; the daemon goes with it.
_WITH_US = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.stdin.read()
child.terminate()
try:
    child.wait(10)
except subprocess.TimeoutExpired:
    child.kill()
"""


def show(world: DemoWorld) -> Exit:
    """Show the dashboard until it is left; daemon and happenings end with it.

    Raises RelayclearError where it ends otherwise than by being left.
    """
    added = world.relayclear(
        ["wallet", "add", "--chain", "beta-1", "--mnemonic-file", str(world.folder / "payee.txt")], capture=True
    )
    if added.returncode:
        raise RelayclearError(
            f"the demo's wallet was refused: {added.stderr.decode(errors='replace').strip()}",
            hint="relayclear demo --dir DIR, in an empty folder",
        )
    with _watching(world), _happening(world):
        code = _dashboard(world)
    if code:
        raise RelayclearError(f"the dashboard ended with exit code {code}", hint=f"its report above, or {world.folder}")
    return Exit.DONE


def _settings(world: DemoWorld) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCLEAR_")}
    return {**kept, **world.environment, **_HURRIED, "TMPDIR": str(world.folder)}


def _dashboard(world: DemoWorld) -> int:
    argv = [sys.executable, "-m", "relayclear", "dashboard", "--act"]
    child = subprocess.Popen(argv, env=_settings(world))  # noqa: S603  our own program
    try:
        return child.wait()
    finally:
        if child.poll() is None:
            # It gives the terminal back before it goes.
            child.terminate()
            try:
                child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def _watching(world: DemoWorld) -> Iterator[None]:
    """A daemon on the network while the block runs."""
    argv = [sys.executable, "-c", _WITH_US, sys.executable, "-m", "relayclear", "watch", "--log-format", "json"]
    with (world.folder / "watch.log").open("wb") as log:
        # A session of its own: the terminal's signals are for the screen.
        daemon = subprocess.Popen(  # noqa: S603  our own program
            argv, env=_settings(world), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        if daemon.stdin is not None:
            daemon.stdin.close()
        daemon.wait()


@contextmanager
def _happening(world: DemoWorld) -> Iterator[None]:
    """Something happens every few seconds while the block runs."""
    ended = threading.Event()

    def go_on() -> None:
        """One thing after the other, over and over."""
        for happening in cycle(HAPPENINGS):
            if ended.wait(BETWEEN_SECONDS):
                return
            # What the network or relayclear refuses just now may be done the next time round.
            with suppress(RuntimeError, RelayclearError, LookupError, ValueError):
                happening(world)

    thread = threading.Thread(target=go_on, name="happenings")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


# What happens


def sent(world: DemoWorld) -> None:
    """Two transfers that nobody relays: one each way."""
    _send(world, "alpha-1", "alice", 86_400)
    _send(world, "beta-1", "alice", 86_400)


def soon_timed_out(world: DemoWorld) -> None:
    """A transfer whose time is over before anybody can deliver it."""
    _send(world, "alpha-1", "alice", 30)


def sold_and_paid(world: DemoWorld) -> None:
    """Somebody asks for a quote and pays it."""
    _sell(world, 1)


def paid_too_much(world: DemoWorld) -> None:
    """Somebody pays a quote twice over: what is too much goes back."""
    _sell(world, 2)


def node_hangs(world: DemoWorld) -> None:
    """A chain's first node takes questions and answers none."""
    _ask(world, "/nodes/beta-1/faults", {"hang": True})


def node_is_back(world: DemoWorld) -> None:
    """And is well again."""
    _ask(world, "/nodes/beta-1/heal", {})


HAPPENINGS: Sequence[Callable[[DemoWorld], None]] = (
    sent,
    sold_and_paid,
    soon_timed_out,
    node_hangs,
    sent,
    sent,
    node_is_back,
    paid_too_much,
)


def _send(world: DemoWorld, chain: str, who: str, seconds: int) -> None:
    from relayclear.rehearsal.visiting import transfer

    transfer(world.state["control"], chain, "channel-0", who, time.time_ns() + seconds * 10**9)


def _sell(world: DemoWorld, times: int) -> None:
    from relayclear.rehearsal.visiting import pay

    for packet in _documents(world, ["packets", "list", "--chain", "beta-1", "--class", "stuck"])["packets"]:
        words = [
            "--chain",
            packet["chain"],
            "--channel",
            packet["channel"],
            "--packet-sequences",
            str(packet["sequence"]),
        ]
        made = world.relayclear(["--json", "tokens", "create", *words], capture=True)
        if not made.returncode:
            quote = orjson.loads(made.stdout)
            due = quote["pay"]
            amount = str(times * int(due["amount"]["amount"]))
            pay(
                world.state["control"], due["chain"], "alice", due["to"], amount, due["amount"]["denom"], quote["token"]
            )
            return


def _documents(world: DemoWorld, words: Sequence[str]) -> Any:
    return orjson.loads(world.relayclear(["--json", *words], capture=True).stdout)


def _ask(world: DemoWorld, path: str, body: dict[str, Any]) -> None:
    from relayclear.rehearsal.visiting import ask

    ask(world.state["control"], path, body)
