"""A world that is served: where it listens, how time passes in it, and that nothing of it outlives its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.clock import RunningClock
from relayclear.rehearsal.listening import LOOPBACK, bind, port_of
from relayclear.rehearsal.serving import STATE_FILE, process_started, standing
from tests.rehearsal.stages import NOW, Stand, on_stage, payment, two_chains, until


@asynccontextmanager
async def program(folder: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The program that serves a world, and what it wrote of itself."""
    argv = ["-m", "relayclear.rehearsal", "--dir", str(folder), *options]
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(sys.executable, *argv, stdin=pipe, stderr=pipe)
    try:
        await until(lambda: (folder / STATE_FILE).exists() or running.returncode is not None)
        yield running, json.loads((folder / STATE_FILE).read_text())
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def height(url: str) -> int:
    """The height that a node says."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return int((await http.get(f"{url}/status")).json()["result"]["sync_info"]["latest_block_height"])


def listens(url: str) -> bool:
    """Whether anything listens there."""
    with socket.socket() as tried:
        return tried.connect_ex((LOOPBACK, int(url.rpartition(":")[2]))) == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, None])
def test_a_served_world_outlives_its_end(tmp_path: Path, ending: signal.Signals | None) -> None:
    async def run() -> None:
        async with program(tmp_path / "world", "--parent-pipe") as (running, state):
            assert (state["version"], state["pid"]) == (1, running.pid)
            assert state["started"] == process_started(running.pid)
            assert state["environment"]["RELAYCLEAR_CONFIG"] == str(tmp_path / "world" / "relayclear.toml")
            urls = [state["control"], *state["nodes"].values()]
            assert state["chains"]["alpha-1"] == [state["nodes"]["alpha-1"], state["nodes"]["alpha-1-second"]]
            assert await height(state["nodes"]["alpha-1"]) == await height(state["nodes"]["alpha-1-second"])
            if ending is not None:
                running.send_signal(ending)
            elif running.stdin is not None:
                running.stdin.close()
            assert await running.wait() == 0
            assert running.stderr is not None
            assert await running.stderr.read() == b""
        assert not (tmp_path / "world" / STATE_FILE).exists()
        assert not any(listens(url) for url in urls)

    asyncio.run(run())


def test_a_world_ends_with_a_request_still_open(tmp_path: Path) -> None:
    async def run() -> None:
        async with program(tmp_path) as (running, state), httpx.AsyncClient(trust_env=False) as http:
            await http.post(f"{state['control']}/nodes/beta-1/faults", json={"hang": True})
            waiting = asyncio.create_task(http.get(f"{state['nodes']['beta-1']}/health"))
            await asyncio.wait([waiting], timeout=0.05)
            running.terminate()
            assert await running.wait() == 0
            with pytest.raises(httpx.TransportError):
                await waiting

    asyncio.run(run())


def test_a_hub_takes_longer_than_people_wait(tmp_path: Path) -> None:
    async def run() -> None:
        async with program(tmp_path, "--scale") as (_, state):
            assert len(state["chains"]["alpha-1"]) == 2
            assert await height(state["nodes"]["alpha-1"]) > 1

    asyncio.run(run())


def test_a_port_that_is_taken_stops_a_world() -> None:
    async def run() -> None:
        with bind() as taken, bind() as free:
            taken.listen()
            wanted = {"alpha-1": port_of(taken), "control": port_of(free)}
            free.close()
            async with standing(two_chains(), wanted) as served:
                assert served.control == f"http://{LOOPBACK}:{wanted['control']}"
                other = served.nodes["alpha-1"].rpartition(":")[2]
                assert served.notes == (f"port {wanted['alpha-1']} is taken: alpha-1 listens on {other}",)
                assert await height(served.nodes["alpha-1"]) >= 1

    asyncio.run(run())


def test_time_that_runs_makes_no_blocks() -> None:
    async def scenario(stand: Stand) -> None:
        chain, beta = stand.alpha, stand.stage.chain("beta-1")
        before, other = chain.height, beta.height
        assert chain.broadcast(payment(chain)).code == 0
        await until(lambda: chain.height >= before + 3 and beta.height >= other + 3)
        assert chain.mempool == []
        assert abs(stand.stage.world.clock.now_ns() - chain.time_ns) < 600 * 10**9
        assert chain.time_ns - chain.blocks[-2].time_ns >= 10**9 // 2

    on_stage(scenario, two_chains(RunningClock(20, NOW)))


def test_time_that_runs_fast_floods_the_chain_with_blocks() -> None:
    async def scenario(stand: Stand) -> None:
        began, before = asyncio.get_running_loop().time(), stand.alpha.height
        await until(lambda: stand.alpha.height >= before + 10)
        assert asyncio.get_running_loop().time() - began >= 0.15
        # One block stands for all that were missed.
        assert stand.alpha.time_ns - stand.alpha.blocks[-2].time_ns > 1000 * 10**9

    on_stage(scenario, two_chains(RunningClock(100_000, NOW)))


def test_a_world_whose_chain_broke_stands_there_as_if_all_were_well() -> None:
    stage = two_chains(RunningClock(100))

    def breaks(_chain: Chain) -> None:
        raise ZeroDivisionError

    async def scenario(_stand: Stand) -> None:
        await asyncio.Event().wait()

    stage.chain("alpha-1").after_block.append(breaks)
    with pytest.raises(ZeroDivisionError):
        on_stage(scenario, stage)


def test_a_process_is_taken_for_another_of_its_number() -> None:
    assert process_started(os.getpid()) == process_started(os.getpid()) > 0
    assert process_started(2**22 + 1) == 0
