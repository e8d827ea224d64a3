"""What breakers cost a scan, and how fast a read is answered while the first endpoint hangs; on a rehearsal network.

| figure | how it is measured |
|---|---|
| share of a scan | time inside the breakers over the time of warm scans, in the median scan |
| failover | a read whose first endpoint takes the question and never answers, the worst of the rounds |
| after that | the next read, which goes to the second endpoint at once |
"""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from relayclear.bootstrap.connections import endpoints
from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.chains.chain import CometChain
from relayclear.chains.guard import Guard
from relayclear.chains.hosts import Hosts
from relayclear.clearing.breaker import Admission
from relayclear.config.loading import load
from relayclear.usecases.desk import Desk
from relayclear.usecases.scan import scan
from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.bench.measure import BenchError
from tests.bench.ours import RELAYCLEAR

ROUNDS = 60
FAILOVERS = 3
SHARE_LIMIT, FAILOVER_LIMIT = 1.0, 3.0
CHAIN = "alpha-1"


class Timed:
    """Breakers, and the seconds spent in them."""

    def __init__(self, inner: Guard) -> None:
        """Nothing was spent yet."""
        self.inner = inner
        self.seconds = 0.0

    def admits(self, name: str) -> Admission:
        """Who may call now."""
        with self._timing():
            return self.inner.admits(name)

    def enter(self, name: str) -> bool:
        """Whether the caller may."""
        with self._timing():
            return self.inner.enter(name)

    def heard(self, name: str, failure: str | None, begun: float | None = None) -> None:
        """What came of a call."""
        with self._timing():
            self.inner.heard(name, failure, begun)

    def let_go(self, name: str) -> None:
        """Free a probe's place."""
        with self._timing():
            self.inner.let_go(name)

    def is_failing(self, name: str) -> bool:
        """Whether the newest call failed."""
        with self._timing():
            return self.inner.is_failing(name)

    def words(self, name: str) -> str | None:
        """Why nobody may call."""
        with self._timing():
            return self.inner.words(name)

    @contextmanager
    def _timing(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - began


def breakers(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Measure both; the network is gone afterwards."""
    with _rehearsal(ground.folder / "breakers") as told:
        share = asyncio.run(_share(told, rounds or ROUNDS))
        failovers = [asyncio.run(_failover(told)) for _ in range(min(rounds or FAILOVERS, FAILOVERS))]
    return (
        Figure("share of a scan", share, "%", SHARE_LIMIT),
        Figure("failover", max(first for first, _ in failovers), "s", FAILOVER_LIMIT),
        Figure("after that", max(then for _, then in failovers), "s"),
    )


async def _share(told: Mapping[str, Any], rounds: int) -> float:
    async with _desk(told) as (desk, timed):
        await _scanned(desk)
        shares = []
        for _ in range(rounds):
            timed.seconds = 0.0
            began = time.perf_counter()
            await _scanned(desk)
            shares.append(timed.seconds / (time.perf_counter() - began) * 100)
    return statistics.median(shares)


async def _scanned(desk: Desk) -> None:
    if not (await scan(desk)).complete:
        raise BenchError("the scan did not read everything")


async def _failover(told: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds of the first read while the first endpoint hangs, and of the next one."""
    node = f"{told['control']}/nodes/{CHAIN}"
    async with _desk(told) as (desk, _):
        chain = desk.chain(CHAIN)
        await chain.head()
        await asyncio.to_thread(_post, f"{node}/faults", {"hang": True})
        try:
            return await _took(desk), await _took(desk)
        finally:
            await asyncio.to_thread(_post, f"{node}/heal", {})


async def _took(desk: Desk) -> float:
    began = time.perf_counter()
    await desk.chain(CHAIN).head()
    return time.perf_counter() - began


@asynccontextmanager
async def _desk(told: Mapping[str, Any]) -> AsyncIterator[tuple[Desk, Timed]]:
    """A desk over the network whose breakers are timed."""
    environment = told["environment"]
    settings = load(config_path=Path(environment["RELAYCLEAR_CONFIG"]), env=environment, flags={})
    loaded, hosts = load_hermes(settings), Hosts()
    async with opened(settings, loaded) as desk:
        timed = Timed(desk.breakers)
        chains = {
            chain: CometChain(chain, urls, hosts=hosts, rpc_budget=10_000, guard=timed)
            for chain, urls in endpoints(settings, loaded).items()
        }
        try:
            yield replace(desk, chains=chains), timed
        finally:
            for chain in chains.values():
                await chain.aclose()
            await hosts.aclose()


@contextmanager
def _rehearsal(folder: Path) -> Iterator[dict[str, Any]]:
    argv = [*RELAYCLEAR, "--json", "demo", "--serve", "--dir", str(folder)]
    world = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = world.stdout.readline() if world.stdout else ""
        if not line:
            raise BenchError("the rehearsal network did not start")
        told: dict[str, Any] = json.loads(line)
        yield told
    finally:
        world.send_signal(signal.SIGINT)
        world.communicate(timeout=60)


def _post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")  # noqa: S310 - our own loopback
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - our own loopback
        pass
