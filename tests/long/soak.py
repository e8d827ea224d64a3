"""A soak: payments, faults and kills every few seconds for an hour of the world's time, and what is left of it all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from relayclear.store import tasks
from tests.faults.faults import FAULTS, Fault
from tests.long.audit import troubles
from tests.long.stall import Stall, standing
from tests.long.trouble import Pace, Program, end_all_work, told

HOUR = 3600.0
PACE = Pace(lease=2.0, within=2.0, speed=10.0)
# Others change what is owed to whom, or never end: the table of faults has them.
_LEFT_OUT = {
    "none",
    "node: hang",
    "node: delay_seconds",
    "hermes: hang",
    "a channel is closed",
    "the chain's clock is slow",
}
_KILLS = 0.4
_GROWTH_MB = 12.0
_MB = 1024.0


@dataclass
class Soak:
    """One daemon after the other over a stall; the second half of the time belongs to one that nobody kills."""

    stall: Stall
    program: Program
    daemon: subprocess.Popen[bytes] = field(init=False)
    kills: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The first daemon."""
        self.daemon = self.program.watch()

    def go_on(self, until: Callable[[], bool], *, kills: bool) -> None:
        """Rounds of trouble until the time is over."""
        faults = [fault for fault in FAULTS if not fault.lasting and fault.name not in _LEFT_OUT]
        while not until():
            self._round(self.stall.chance.choice(faults), kills=kills)

    def _round(self, fault: Fault, *, kills: bool) -> None:
        """Somebody pays, something fails while that is worked on, and now and then the daemon dies of it."""
        self.faults[fault.name] = self.faults.get(fault.name, 0) + 1
        self.stall.somebody_pays()
        with fault.on(self.stall):
            self.program.any_moment()
            if kills and self.stall.chance.random() < _KILLS:
                self._kill()
        self.program.any_moment()
        assert self.daemon.poll() is None, f"the daemon ended with {self.daemon.returncode} under {fault.name}"
        self.memory.append(_resident(self.daemon.pid))

    def _kill(self) -> None:
        self.kills += 1
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = self.program.watch()

    def growth(self) -> float:
        """By how much the daemon's memory grew from the first quarter of these samples to the last, in MB."""
        quarter = max(1, len(self.memory) // 4)
        return max(self.memory[-quarter:]) - max(self.memory[:quarter])


def soak(folder: Path, seconds: float, seed: int, pace: Pace = PACE) -> str:
    """Go through `seconds` of the world's time.

    Returns a line about what happened; raises AssertionError with everything that did not hold.
    """
    with standing(folder, seed, pace.speed) as stall:
        program, began = Program(stall, pace), stall.now()
        try:
            running = Soak(stall, program)
            running.go_on(_over(stall, began.timestamp() + seconds / 2), kills=True)
            killed, running.memory = running.kills, []
            running.go_on(_over(stall, began.timestamp() + seconds), kills=False)
            growth, samples = running.growth(), len(running.memory)
            program.end()
            end_all_work(stall, program)
            found = [*troubles(stall), *_left_behind(stall)]
            if samples > 20 and growth > _GROWTH_MB:  # of fewer nothing can be told
                found.append(f"memory grew by {growth:.1f} MB in {samples} rounds: {running.memory}")
            if program.run("audit"):
                found.append(f"relayclear audit doesn't agree: {program.log.read_text(encoding='utf-8')[-2000:]}")
        finally:
            program.end()
        assert not found, "\n".join(found)
        rounds = sum(running.faults.values())
        return f"{told(stall)}; {rounds} faults of {len(running.faults)} kinds, {killed} kills, memory {growth:+.1f} MB"


def _over(stall: Stall, at: float) -> Callable[[], bool]:
    return lambda: stall.now().timestamp() >= at


def _left_behind(stall: Stall) -> Iterator[str]:
    """Tasks that nobody will do, and processes that nobody waits for."""
    yield from (f"a task is left: {count}" for count in tasks.counts(stall.desk.journal.database))
    # What was told to end may take a moment to be gone.
    for _ in range(50):
        if not (left := [*_programs(stall.world.folder)]):
            return
        Event().wait(0.1)
    yield f"processes are left: {left}"


def _programs(folder: Path) -> Iterator[str]:
    """Those of relayclear and Hermes that were started for a folder; not its world's own."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                words = Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(folder) in words and "--parent-pipe" not in words:
                    yield words


def _resident(pid: int) -> float:
    """A process's memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / _MB
    return 0.0
