"""The screen over a hub: 24,857 pending packets and 1,000 operations, in a rehearsal network of its own.

| figure | how it is measured |
|---|---|
| key to drawn | `j` in the middle of the list of packets, until everything that follows is drawn; median |
| refresh | all that is in sight read and drawn anew, as after a commit of the daemon; median, of each large view |
| DataTable | the same keys and rows in Textual's own table, in the same process |
| over a line | the same key in a pty behind 25 ms there and 25 ms back, until the first of it arrives; median |
| bytes | what is written for that key, and for each second in which nobody does anything |
| first frame | from the start to the first words in a pty, less a Python that imports textual; median |
| share of a core | user and system time over 60 s: a scan, heartbeats every 5 s, blocks each second |
| peak memory | the most that was resident, in MB (10^6 bytes) |
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from relayclear.store.db import open_database
from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.idle import Daemon, hub
from tests.bench.measure import BenchError, process, timed
from tests.dashboard.terminal import Terminal, at_terminal
from tests.store import many

KEY_MS, REFRESH_MS, FIRST_MS, CORE, MEMORY = 50.0, 100.0, 400.0, 1.0, 150.0
ALSO = ("operations", "sales", "refunds")
LINE_SECONDS, KEYS = 0.05, 20
IDLE_SECONDS, OPERATIONS, ROUNDS, STARTS = 60.0, 1_000, 50, 5


def dashboard(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Measure it; `rounds` keys and refreshes."""
    folder = ground.folder / "screen-hub"
    with hub(folder) as environment:
        with open_database(folder / "relayclear.db") as database:
            many.fill(database, OPERATIONS)
        with Daemon(environment) as daemon:
            daemon.await_scan(1)
            drawn = _drawn(environment, rounds or ROUNDS)
            return (*drawn, *_first_frame(environment), *_idle(environment))


def _drawn(environment: Mapping[str, str], rounds: int) -> Sequence[Figure]:
    found = json.loads(process([sys.executable, "-m", "tests.bench.screen", str(rounds), *ALSO], environment))
    ours, peer = found["ours"], found["peer"]
    if ours["rows"] < 20_000:
        raise BenchError(f"the screen showed {ours['rows']:.0f} packets")
    return (
        Figure("key to drawn", ours["key"] * 1000, "ms", KEY_MS),
        Figure("of DataTable's", ours["key"] / peer["key"], "x"),
        Figure("refresh", ours["refresh"] * 1000, "ms", REFRESH_MS),
        Figure("of DataTable's", ours["refresh"] / peer["refresh"], "x"),
        *(Figure(f"refresh of {view}", ours[f"refresh {view}"] * 1000, "ms", REFRESH_MS) for view in ALSO),
    )


def _first_frame(environment: Mapping[str, str]) -> Sequence[Figure]:
    mine, bare = [], []
    for _ in range(STARTS):
        mine.append(timed(lambda: _shown(environment)))
        bare.append(timed(lambda: process([sys.executable, "-c", "import textual.app, textual.widgets"], environment)))
    first = (statistics.median(mine) - statistics.median(bare)) * 1000
    return (Figure("first frame above textual's import", first, "ms", FIRST_MS),)


def _shown(environment: Mapping[str, str]) -> None:
    with at_terminal(["dashboard"], environment) as terminal:
        terminal.await_words("READ-ONLY")


def _idle(environment: Mapping[str, str]) -> Sequence[Figure]:
    with at_terminal(["dashboard"], environment, (120, 40)) as terminal:
        terminal.await_words("READ-ONLY", "channel-199")
        terminal.press("2")
        # Only cells that differ are drawn, and both views name the worst channel.
        terminal.await_words("seq")
        terminal.drain()
        line, size = _over_a_line(terminal)
        written, before, began = len(terminal.raw), _cpu(terminal), time.monotonic()
        while time.monotonic() - began < IDLE_SECONDS:
            # Somebody has to read what it writes.
            terminal.drain()
        lasted = time.monotonic() - began
        share = (_cpu(terminal) - before) / lasted * 100
        quiet = (len(terminal.raw) - written) / lasted
        peak = _peak_mb(terminal)
        terminal.press("q")
        terminal.end()
    return (
        Figure("key over a line of 50 ms", line * 1000, "ms", 2 * KEY_MS),
        Figure("written for it", size, "bytes"),
        Figure("written in a quiet second", quiet, "bytes"),
        Figure("share of a core", share, "%", CORE),
        Figure("peak memory", peak, "MB", MEMORY),
    )


def _over_a_line(terminal: Terminal) -> tuple[float, float]:
    """Seconds from a key to its first answer over the line, and how many bytes were written in all."""
    took, sizes = [], []
    for _ in range(KEYS):
        start, began = len(terminal.raw), time.perf_counter()
        time.sleep(LINE_SECONDS / 2)
        terminal.press("j")
        while len(terminal.raw) == start:
            terminal.piece()
        time.sleep(LINE_SECONDS / 2)
        took.append(time.perf_counter() - began)
        terminal.drain()
        sizes.append(len(terminal.raw) - start)
    return statistics.median(took), statistics.median(sizes)


def _cpu(terminal: Terminal) -> float:
    fields = _proc(terminal, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(terminal: Terminal) -> float:
    line = next(line for line in _proc(terminal, "status").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def _proc(terminal: Terminal, name: str) -> str:
    if sys.platform != "linux":
        raise BenchError("what a process costs while it runs is only read on Linux")
    return Path(f"/proc/{terminal.process.pid}/{name}").read_text(encoding="utf-8")
