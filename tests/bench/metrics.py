"""What being watched costs, over a hub with 24,857 pending packets, in a rehearsal network of its own.

| figure | how it is measured |
|---|---|
| notes | counting what a scan saw and noting it, over the scan's own time on the clock |
| picture of a scan | judging what a scan saw and finding nothing new, over the scan's own time on the clock |
| notes written | what writing them adds to the heartbeat that they go with, over the time between two scans |
| share of a core | user and system time of `watch --listen`, scraped every 15 s, between scans |
| peak memory | the most that was resident since the start, in MB (10^6 bytes) |
| a scrape | the time of one question to `/metrics`, at the 95th percentile |
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.store import vitals
from relayclear.usecases.desk import Desk
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import scan
from relayclear.usecases.vitals import Vitals
from relayclear.usecases.watching import beat
from tests.bench.figures import Figure, percentile
from tests.bench.ground import Ground
from tests.bench.idle import MEMORY_LIMIT, PENDING, Daemon, hub
from tests.bench.measure import BenchError

SCANS = 3
ROUNDS = 15
SHARE_LIMIT = 1.0
PICTURE_LIMIT = 5.0
SCRAPE_SECONDS = 15.0
INTERVAL = 60.0


def metrics(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Scan so many times in this process, and let a daemon that is scraped be idle for so many scans."""
    with hub(ground.folder / "hub") as environment:
        noted = asyncio.run(_noted(environment, ground.folder / "noted.db", rounds or ROUNDS))
        return (*noted, *_scraped(environment, rounds or SCANS))


async def _noted(environment: Mapping[str, str], database: Path, rounds: int) -> Sequence[Figure]:
    settings = load(config_path=None, env=environment, flags={"store.url": str(database)})
    async with opened(settings, load_hermes(settings)) as desk:
        notes, scans, kept, written = Vitals(desk), list[float](), list[float](), list[float]()
        keeper, judged = Keeper(desk), list[float]()
        # The first scan pays for topology and connections, the first notes for every path.
        first = await scan(desk)
        keeper.after_scan(first)
        notes.after_scan(first, 0.0, keeper.counted(first))
        _write(desk, notes)
        for _ in range(rounds):
            began = time.perf_counter()
            reading = await scan(desk)
            scanned = time.perf_counter()
            keeper.after_scan(reading)
            seen = time.perf_counter()
            notes.after_scan(reading, scanned - began, keeper.counted(reading))
            judged.append(seen - scanned)
            kept.append(time.perf_counter() - seen)
            scans.append(scanned - began)
            if sum(len(item.commitments) for item in reading.paths.values()) != PENDING or not reading.complete:
                raise BenchError("the scan didn't find what the hub holds")
            written.append(_write(desk, notes))
        if len(vitals.every(desk.journal.database)) < len(desk.chains):
            raise BenchError("nothing was noted")
    return (
        Figure("a scan", median(scans) * 1000, "ms"),
        Figure("notes", median(kept) * 1000, "ms"),
        Figure("notes of a scan", median(kept) / median(scans) * 100, "%", SHARE_LIMIT),
        Figure("picture", median(judged) * 1000, "ms"),
        Figure("picture of a scan", median(judged) / median(scans) * 100, "%", PICTURE_LIMIT),
        Figure("notes written, of the pause", max(0.0, median(written)) / INTERVAL * 100, "%", SHARE_LIMIT),
    )


def _write(desk: Desk, notes: Vitals) -> float:
    """Seconds that a heartbeat takes longer with notes than without."""
    now, began = desk.clock.now(), time.perf_counter()
    beat(desk, now, {})
    bare = time.perf_counter()
    beat(desk, now, {}, notes)
    return (time.perf_counter() - bare) - (bare - began)


def _scraped(environment: dict[str, str], scans: int) -> Sequence[Figure]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with Daemon(environment, "--listen", address) as daemon:
        daemon.await_scan(1)
        with _scraping(f"http://{address}/metrics") as taken:
            before, began = daemon.cpu_seconds(), time.monotonic()
            daemon.await_scan(1 + scans)
            share = (daemon.cpu_seconds() - before) / (time.monotonic() - began) * 100
        return (
            Figure("share of a core", share, "%", SHARE_LIMIT),
            Figure("peak memory", daemon.peak_mb(), "MB", MEMORY_LIMIT),
            Figure("a scrape", percentile(taken, 0.95) * 1000, "ms"),
        )


@contextmanager
def _scraping(url: str) -> Iterator[list[float]]:
    """Ask for the metrics as Prometheus does, in a thread beside; the seconds that each answer took."""
    taken, ended, errors = list[float](), threading.Event(), list[OSError]()

    def run() -> None:
        """Ask until told to stop."""
        while not ended.is_set():
            began = time.perf_counter()
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback, ours
                    answer.read()
            except OSError as error:
                errors.append(error)
                return
            taken.append(time.perf_counter() - began)
            ended.wait(SCRAPE_SECONDS)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield taken
    finally:
        ended.set()
        thread.join()
    if errors or not taken:
        raise BenchError(f"the metrics could not be read: {errors[:1]}")
