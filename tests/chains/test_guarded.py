"""Endpoints behind breakers: who is asked, who waits, what counts as a failure, and how one is let back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from relayclear.chains import jsonrpc
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.chains.wire import Reply
from relayclear.clearing.breaker import Admission, BreakerState
from relayclear.errors import NodeError
from relayclear.rehearsal.rpc import RpcError
from relayclear.store.db import open_database
from relayclear.usecases.breakers import Breakers
from tests.chains.fake import NOW, FakeClock, FakeNode

PATH = "/a.Query/B"
QUESTION = jsonrpc.query(PATH, b"?")
FIRST, SECOND = "endpoint/alpha-1/http://node0", "endpoint/alpha-1/http://node1"
Handler = Callable[[httpx.Request], Any]


class Time(FakeClock):
    """One clock for breakers and client: it passes by sleeping, and when told."""

    def now_at(self) -> Any:
        """The wall clock's time."""
        return NOW + timedelta(seconds=self.now - 1000)

    def boot(self) -> tuple[str, float]:
        """The boot clock's time."""
        return "boot-1", self.now


class Clock:
    """The same as the port has it."""

    def __init__(self, time: Time) -> None:
        """Over the one time there is."""
        self.time = time

    def now(self) -> Any:
        """The wall clock."""
        return self.time.now_at()

    def boot(self) -> tuple[str, float]:
        """The boot clock."""
        return self.time.boot()

    async def sleep(self, seconds: float) -> None:
        """Pass the time."""
        await self.time.sleep(seconds)


class Stage:
    """Nodes that can be changed, their chain, its breakers."""

    def __init__(self, folder: Path, hedge: float = 0.02) -> None:
        """Two nodes that are well."""
        self.time = Time()
        self.nodes: list[Handler] = [answering(b"1"), answering(b"2")]
        self.asked: list[int] = []
        self.database = open_database(folder / "relayclear.db")
        self.breakers = Breakers(self.database, Clock(self.time))
        self.timing = Timing(
            monotonic=lambda: self.time.now,
            wall=lambda: NOW,
            sleep=self.time.sleep,
            chance=lambda: 1.0,
            hedge=hedge,
            status=0.05,
        )

    def chain(self, count: int = 2) -> Endpoints:
        """The chain over so many of the nodes."""
        hosts = Hosts(httpx.MockTransport(self._answer))
        urls = [f"http://node{number}" for number in range(count)]
        return Endpoints("alpha-1", urls, hosts, self.timing, guard=self.breakers)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        number = int(request.url.host.removeprefix("node"))
        self.asked.append(number)
        got = self.nodes[number](request)
        return got if isinstance(got, httpx.Response) else await got

    def open(self, name: str = FIRST) -> None:
        """Have a breaker open."""
        for _ in range(5):
            self.breakers.heard(name, "it hangs")

    def state(self, name: str = FIRST) -> BreakerState:
        """How a breaker stands."""
        return self.breakers.find(name).at(self.time.now_at())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.database.close()


def answering(value: bytes = b"!", **more: Any) -> FakeNode:
    return FakeNode(queries={PATH: lambda _data, _height: value}, **more)


def refusing(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("")


def saying(status: int, text: str = "", **headers: str) -> Handler:
    return lambda _: httpx.Response(status, text=text, headers=headers)


async def frozen(_: httpx.Request) -> httpx.Response:
    """Takes the question and sits on it."""
    await asyncio.Event().wait()
    raise AssertionError


async def value(chain: Endpoints, number: int = 0) -> Any:
    [got] = await chain.ask([jsonrpc.query(PATH, b"?" * (number + 1))])
    return got.value if isinstance(got, Reply) else got


# Failover


def test_a_frozen_first_endpoint_costs_two_seconds_and_then_nothing(stage: Stage) -> None:
    stage.nodes[0] = frozen

    async def run() -> list[Any]:
        chain = stage.chain()
        # Far below the 15 s after which the frozen one alone would be given up.
        async with asyncio.timeout(5):
            got = [await value(chain, number) for number in range(3)]
        await chain.aclose()
        return got

    assert asyncio.run(run()) == [b"2"] * 3
    # Overtaken once, it comes last for a while.
    assert stage.asked == [0, 1, 1, 1]


def test_a_slow_first_answer_still_counts_where_the_second_fails(stage: Stage) -> None:
    slow = answering(b"1")

    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.06)
        return slow(request)

    stage.nodes = [late, refusing]

    async def run() -> Any:
        return await value(stage.chain())

    assert asyncio.run(run()) == b"1"
    assert set(stage.asked) == {0, 1}


def test_a_single_endpoint_is_waited_for(stage: Stage) -> None:
    slow = answering(b"1")

    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.06)
        return slow(request)

    stage.nodes[0] = late

    async def run() -> Any:
        return await value(stage.chain(1))

    assert asyncio.run(run()) == b"1"
    assert stage.asked == [0]


def test_the_newest_block_too_comes_from_whoever_answers(stage: Stage) -> None:
    stage.nodes[0] = frozen

    async def run() -> str:
        chain = stage.chain()
        async with asyncio.timeout(5):
            head = await chain.head()
        await chain.aclose()
        return head.endpoint

    assert asyncio.run(run()) == "http://node1"


def test_what_is_broadcast_goes_to_one_endpoint_as_long_as_that_may_answer(stage: Stage) -> None:
    slow = answering(b"1")

    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.06)
        return slow(request)

    stage.nodes[0] = late

    async def run() -> None:
        await stage.chain().together([QUESTION], lambda _: None, hedged=False)

    asyncio.run(run())
    assert stage.asked == [0]


# What counts


@pytest.mark.parametrize(
    "node",
    [
        refusing,
        saying(500),
        saying(502, "<html>"),
        saying(503),
        saying(429),
        saying(200, "<html>"),
        saying(200, '{"jsonrpc":"2.0","id":77,"result":{}}'),
        saying(200, '{"jsonrpc":"2.0","id":0,"resu'),
        FakeNode(catching_up=True),
        FakeNode(block_time=NOW - timedelta(minutes=6)),
    ],
)
def test_a_node_that_is_of_no_use_is_left_alone_after_five_failures(stage: Stage, node: Handler) -> None:
    stage.nodes[0] = node

    async def run() -> None:
        chain = stage.chain(1)
        for _ in range(5):
            await value(chain)
            stage.time.now += 6
        asked = len(stage.asked)
        got = await value(chain)
        assert isinstance(got, NodeError)
        assert got.code == "breaker_open"
        assert f"{FIRST} is open until" in got.message
        assert len(stage.asked) == asked

    asyncio.run(run())
    assert stage.state() is BreakerState.OPEN
    assert "failures in a row" in stage.breakers.find(FIRST).reason


def test_one_status_counts_once_however_many_asked(stage: Stage) -> None:
    stage.nodes[0] = answering(catching_up=True)

    async def run() -> None:
        chain = stage.chain(1)
        await asyncio.gather(*(value(chain, number) for number in range(9)))

    asyncio.run(run())
    assert len(stage.asked) == 1
    assert stage.state() is BreakerState.CLOSED
    assert stage.breakers.is_failing(FIRST)


def out_of_methods(_: Any) -> Any:
    raise RpcError(-32601, "Method not found")


@pytest.mark.parametrize(
    "node",
    [
        FakeNode(queries={PATH: lambda _d, _h: (38, "failed to load state at height 7")}),
        FakeNode(queries={PATH: lambda _d, _h: (6, "unknown query path")}),
        FakeNode(methods={"abci_query": out_of_methods}),
        answering(max_batch=1),
    ],
)
def test_a_node_that_says_no_is_well(stage: Stage, node: Handler) -> None:
    stage.nodes[0] = node

    async def run() -> None:
        chain = stage.chain(1)
        for _ in range(12):
            await value(chain)

    asyncio.run(run())
    assert stage.state() is BreakerState.CLOSED
    assert not stage.breakers.is_failing(FIRST)


def test_a_slow_index_is_no_failure_of_the_node(stage: Stage) -> None:
    def hangs(request: httpx.Request) -> Any:
        if b"tx_search" in request.content:
            raise httpx.ReadTimeout("")
        return answering()(request)

    stage.nodes[0] = hangs

    async def run() -> None:
        chain = stage.chain(1)
        await value(chain)
        for _ in range(9):
            await chain.ask([jsonrpc.call("tx_search", query="a")])

    asyncio.run(run())
    assert stage.state() is BreakerState.CLOSED


def test_whoever_stops_waiting_has_not_seen_a_failure(stage: Stage) -> None:
    stage.nodes[0] = frozen

    async def run() -> None:
        chain = stage.chain(1)
        for _ in range(9):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(value(chain), 0.001)
        await chain.aclose()

    asyncio.run(run())
    assert not stage.breakers.is_failing(FIRST)


# How it opens and closes


def test_an_open_endpoint_is_not_asked_while_another_is_there(stage: Stage) -> None:
    stage.open()

    async def run() -> Any:
        return await value(stage.chain())

    assert asyncio.run(run()) == b"2"
    assert stage.asked == [1]


def test_after_its_minute_one_status_lets_everybody_back(stage: Stage) -> None:
    stage.open()
    stage.time.now += 61

    async def run() -> list[Any]:
        chain = stage.chain(1)
        return await asyncio.gather(*(value(chain) for _ in range(3)))

    assert asyncio.run(run()) == [b"1"] * 3
    node = stage.nodes[0]
    assert isinstance(node, FakeNode)
    assert [[call["method"] for call in calls] for calls in node.requests] == [["status"], ["abci_query"]]
    assert stage.breakers.admits(FIRST) is Admission.ALL


def test_a_probe_that_finds_it_useless_turns_everybody_away_for_another_minute(stage: Stage) -> None:
    stage.open()
    stage.time.now += 61
    stage.nodes[0] = answering(catching_up=True)

    async def run() -> list[Any]:
        chain = stage.chain(1)
        return await asyncio.gather(*(value(chain) for _ in range(3)))

    assert all(isinstance(got, NodeError) for got in asyncio.run(run()))
    assert len(stage.asked) == 1
    assert stage.state() is BreakerState.OPEN
    assert stage.breakers.find(FIRST).reason == "is still syncing (height 100)"


def test_an_idle_endpoint_that_dies_is_known_to_be_down_within_a_minute_and_heals_by_itself(stage: Stage) -> None:
    async def run() -> list[tuple[float, BreakerState]]:
        chain = stage.chain(1)
        seen: list[tuple[float, BreakerState]] = []
        begun = stage.time.now
        await value(chain)
        for second in range(0, 240, 5):
            stage.nodes[0] = refusing if 5 <= second < 130 else answering(b"1")
            await chain.probe()
            if not seen or seen[-1][1] is not stage.state():
                seen.append((stage.time.now - begun, stage.state()))
            stage.time.now += 5
        return seen

    seen = asyncio.run(run())
    states = [state for _, state in seen]
    assert states[:2] == [BreakerState.CLOSED, BreakerState.OPEN]
    assert seen[1][0] <= 60
    assert states[-1] is BreakerState.CLOSED
    assert seen[-1][0] <= 200


def test_a_healthy_endpoint_that_is_asked_anyway_is_not_probed(stage: Stage) -> None:
    async def run() -> None:
        chain = stage.chain(1)
        for _ in range(6):
            await value(chain)
            await chain.probe()
            stage.time.now += 5

    asyncio.run(run())
    assert len(stage.asked) == 6


def test_an_endpoint_of_another_chain_is_never_let_back(stage: Stage) -> None:
    stage.nodes[0] = answering(chain="beta-1")

    async def run() -> None:
        chain = stage.chain(1)
        await value(chain)
        for _ in range(9):
            stage.time.now += 60
            await chain.probe()

    asyncio.run(run())
    assert len(stage.asked) == 1


@pytest.mark.parametrize("node", [saying(200, "[]"), saying(200, '{"id":0,"result":null}'), saying(503), frozen])
def test_a_probe_is_never_taken_in_by_rubbish(stage: Stage, node: Handler) -> None:
    stage.open()
    stage.time.now += 61
    stage.nodes[0] = node

    async def run() -> Any:
        return await value(stage.chain(1))

    assert isinstance(asyncio.run(run()), NodeError)
    assert stage.state() is BreakerState.OPEN
