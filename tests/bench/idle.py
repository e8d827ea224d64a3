"""The daemon with nothing to do, over a hub with 24,857 pending packets, in a rehearsal network of its own.

| figure | how it is measured |
|---|---|
| share of a core | user and system time from one scan to the last, over the time between |
| peak memory | the most that was resident since the start, first scan included, in MB (10^6 bytes) |
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.measure import BenchError
from tests.bench.ours import RELAYCLEAR
from tests.localnet.rpc import wait_for

SCANS = 3
CORE_LIMIT, MEMORY_LIMIT = 2.0, 120.0
PENDING = 24_857


def idle(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Let the daemon be idle for so many scans, a minute each."""
    scans = rounds or SCANS
    with hub(ground.folder / "hub") as environment, Daemon(environment) as daemon:
        daemon.await_scan(1)
        before, began = daemon.cpu_seconds(), time.monotonic()
        daemon.await_scan(1 + scans)
        share = (daemon.cpu_seconds() - before) / (time.monotonic() - began) * 100
        return (
            Figure("share of a core", share, "%", CORE_LIMIT),
            Figure("peak memory", daemon.peak_mb(), "MB", MEMORY_LIMIT),
        )


@contextmanager
def hub(folder: Path) -> Iterator[dict[str, str]]:
    """A hub in a box; the environment that points at it."""
    argv = [*RELAYCLEAR, "--json", "demo", "--serve", "--scale", "--dir", str(folder)]
    world = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = world.stdout.readline() if world.stdout else ""
        if not line:
            raise BenchError("the hub did not start")
        told: dict[str, Any] = json.loads(line)
        yield {**os.environ, **told["environment"]}
    finally:
        world.send_signal(signal.SIGINT)
        world.communicate(timeout=60)


class Daemon:
    """`relayclear watch` with its log."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        """Start it, with a scan every 60 s, as the config has it unless told otherwise."""
        argv = [*RELAYCLEAR, "watch", "--log-format", "json", *words]
        self._process = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True)
        self._scans: list[dict[str, Any]] = []
        self._last = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        """It runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it in good order."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def await_scan(self, number: int) -> None:
        """Wait for so many scans since the start.  Raises BenchError when it ends or doesn't read everything."""

        def there() -> bool | None:
            if self._process.poll() is not None:
                raise BenchError(f"watch ended: {self._last}")
            return len(self._scans) >= number or None

        wait_for(there, f"scan {number}", timeout=90 * number)
        if self._scans[-1]["pending"] != PENDING or self._scans[-1]["failed_paths"]:
            raise BenchError(f"the scan found {self._scans[-1]['pending']} packets, not {PENDING}")

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """The most memory that was resident so far."""
        line = next(line for line in self._proc("status").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6

    def _proc(self, name: str) -> str:
        if sys.platform != "linux":
            raise BenchError("what a process costs while it runs is only read on Linux")
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._last = line.strip()
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "scanned":
                self._scans.append(event)
