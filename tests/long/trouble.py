"""Daemons that are killed and frozen at any moment while payments keep coming, and what is left of it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import NamedTuple

from relayclear.store import tasks
from relayclear.store.tasks import Status
from relayclear.usecases.paid import paid_task
from relayclear.usecases.retrying import retry
from relayclear.usecases.tokens_view import view_token
from tests.localnet.rpc import wait_for
from tests.long.audit import is_given_back, troubles, unfinished
from tests.long.stall import CHAIN, Ordered, Stall, standing

_REPOSITORY = Path(__file__).resolve().parents[2]


class Pace(NamedTuple):
    """Seconds that leases last, and within which trouble comes; how many times as fast as ours the world's time runs.

    From a payment to the end of its work takes a few seconds: what happens in this time hits every part of it.
    """

    lease: float = 30.0
    within: float = 6.0
    speed: float = 4.0


PATIENT = Pace()


@dataclass
class Program:
    """relayclear in processes of its own over a stall."""

    stall: Stall
    pace: Pace
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What all of them said."""
        return self.stall.world.folder / "watch.log"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start it; `end` ends whatever still runs."""
        argv = [sys.executable, "-m", "tests.long.hurried", str(self.pace.lease), *words]
        with self.log.open("ab") as log:
            made = subprocess.Popen(
                argv,
                env={**os.environ, **self.stall.world.environment, "PYTHONPATH": str(_REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.running.append(made)
        return made

    def run(self, *words: str) -> int:
        """Run it to its end; the exit code."""
        return self.start(*words).wait(120)

    def any_moment(self) -> None:
        """Let time pass, `within` seconds at most."""
        _wait(self.stall.chance.uniform(0.0, self.pace.within))

    def wait_for(self, words: str) -> None:
        """Until one of them has said so."""
        wait_for(lambda: words in self.log.read_text(encoding="utf-8") or None, words, timeout=60, every=0.05)

    def watch(self) -> subprocess.Popen[bytes]:
        """Start the daemon."""
        return self.start("watch", "--log-format", "json")

    def sweep(self) -> subprocess.Popen[bytes]:
        """Start to give back by hand."""
        return self.start("refunds", "sweep", "--chain", CHAIN)

    def end(self) -> None:
        """Stop all of them in good order; those that don't are killed."""
        for one in self.running:
            if one.poll() is None:
                one.send_signal(signal.SIGCONT)
                one.terminate()
        for one in self.running:
            try:
                one.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


Deed = Callable[[Stall, Program], None]
"""One trouble over a stall; it leaves nothing of its own running that `Program.end` doesn't end."""


def kills(folder: Path, count: int, seed: int) -> str:
    """Kill so many times, each time at a random moment: the daemon, and now and then a sweep that gives back by hand.

    Payments come in before, meanwhile and after.

    Returns and raises as `goes_through` does.
    """
    return goes_through([(kill_daemon, kill_daemon, kill_sweep)[turn % 3] for turn in range(count)], folder, seed)


def freezes(folder: Path, count: int, seed: int) -> str:
    """Freeze a process for longer than its lease, so many times.

    That is the daemon, a clear that a daemon takes over, and a sweep that keeps the wallet to itself.

    Returns and raises as `goes_through` does.
    """
    deeds = (freeze_daemon, freeze_clear, freeze_sweep)
    return goes_through([deeds[turn % len(deeds)] for turn in range(count)], folder, seed)


def goes_through(deeds: Iterable[Deed], folder: Path, seed: int, pace: Pace = PATIENT) -> str:
    """Go through all this trouble over one stall, let a last daemon end all work, and hold the books to the truth.

    Returns a line about what happened; raises AssertionError with everything that did not hold.
    """
    with standing(folder, seed, pace.speed) as stall:
        program = Program(stall, pace)
        try:
            for deed in deeds:
                deed(stall, program)
            end_all_work(stall, program)
            found = troubles(stall)
            if program.run("audit") != 0:
                found.append(f"relayclear audit doesn't agree: {program.log.read_text(encoding='utf-8')[-2000:]}")
        finally:
            program.end()
        assert not found, "\n".join(found)
        return told(stall)


def kill_daemon(stall: Stall, program: Program) -> None:
    """Killed, it leaves its Hermes behind; now and then somebody pays while no daemon lives."""
    daemon = program.watch()
    stall.somebody_pays()
    program.any_moment()
    daemon.kill()
    daemon.wait()
    if stall.chance.random() < 0.3:
        stall.somebody_pays()


def kill_sweep(stall: Stall, program: Program) -> None:
    """Killed between reading, signing, keeping and sending; the next one sees through what it left."""
    stall.somebody_pays()
    sweep = program.sweep()
    program.any_moment()
    sweep.kill()
    sweep.wait()


def freeze_daemon(stall: Stall, program: Program) -> None:
    """Its own workers find the leases lapsed when it wakes up, with their steps still under way."""
    daemon = program.watch()
    stall.somebody_pays()
    order = stall.sell()
    program.any_moment()
    daemon.send_signal(signal.SIGSTOP)
    # Nothing is sold now: who is frozen in mid-commit keeps the database to itself.
    stall.pay(order, order.price)
    _wait(1.3 * program.pace.lease)
    daemon.send_signal(signal.SIGCONT)
    program.any_moment()
    program.end()


def freeze_clear(stall: Stall, program: Program) -> None:
    """A daemon takes over what a frozen clear from a terminal holds; the clear wakes up and goes on."""
    order, another = stall.sell(), stall.sell()
    stall.pay(order, order.price)
    clear = program.start("clear", "--token", order.memo, "--wait", "--yes")
    program.any_moment()
    clear.send_signal(signal.SIGSTOP)
    program.watch()
    stall.pay(another, another.price)
    _wait(1.3 * program.pace.lease)
    program.any_moment()
    clear.send_signal(signal.SIGCONT)
    program.any_moment()
    program.end()


def freeze_sweep(stall: Stall, program: Program) -> None:
    """It keeps the wallet to itself, or even the database: others say so, and go on once it has thawed or ended."""
    stall.somebody_pays()
    order = stall.sell()
    frozen = program.sweep()
    program.any_moment()
    frozen.send_signal(signal.SIGSTOP)
    program.watch()
    stall.pay(order, 2 * order.price)
    others = program.sweep().wait(120)
    _wait(1.3 * program.pace.lease)
    frozen.send_signal(signal.SIGCONT)
    assert others in {0, 3, 4, 5}, f"a sweep beside a frozen one ended with {others}"
    program.any_moment()
    program.end()


def end_all_work(stall: Stall, program: Program) -> None:
    """Let a last daemon see everything through; it has stopped then."""
    program.watch()
    last = stall.sell()
    stall.pay(last, last.price)
    patience = 300 + 5 * program.pace.lease
    wait_for(lambda: _all_over(stall), "all paid work to end", timeout=patience, every=0.2)
    wait_for(lambda: is_given_back(stall) or None, "all that is due to be given back", timeout=patience, every=0.2)
    program.end()


def _all_over(stall: Stall) -> bool | None:
    left = unfinished(stall)
    for order in left:
        _retry_if_parked(stall, order)
    return None if left else True


def _retry_if_parked(stall: Stall, order: Ordered) -> None:
    """Work whose process died five times in a row waits for an operator; here is one."""
    found = tasks.find(stall.desk.journal.database, paid_task(order.order_id).key)
    view = view_token(stall.desk, order.order_id)
    if found is not None and found.status is Status.DEAD and view.operation is not None:
        retry(stall.desk, view.operation.id, "the stall", "its processes were killed")


def _wait(seconds: float) -> None:
    Event().wait(seconds)


def told(stall: Stall) -> str:
    """What happened, in a line."""
    covered = sum(order.is_covered for order in stall.orders)
    returned = sum(1 for order in stall.orders for _ in order.due())
    return (
        f"{len(stall.payments)} payments, {covered} of {len(stall.orders)} tokens paid for and cleared,"
        f" {returned} refunds; no payment lost, none counted twice, nothing cleared that was not paid for,"
        " nothing given back twice"
    )
