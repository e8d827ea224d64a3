"""News of a node over a real line: whatever breaks is told, and nothing of it is believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from relayclear.chains.chain import CometChain
from relayclear.chains.client import Node
from relayclear.chains.hosts import Hosts
from relayclear.chains.news import news, websocket_url
from relayclear.chains.pace import Timing
from relayclear.errors import NodeError
from relayclear.rehearsal.listening import LOOPBACK, bind, port_of
from relayclear.rehearsal.staging import address
from tests.chains.rehearsed import Stage
from tests.fakes.chain import FakeChain
from tests.rehearsal.stages import PATIENCE, Stand, on_stage, payment, until

KEY_IN_PATH = "http://user:secret@127.0.0.1:1/0123456789abcdefghijk/?key=secret"


def line(*urls: str, chain: str = "alpha-1", quiet: float = PATIENCE) -> AsyncGenerator[int, None]:
    """The news of the first of these that can be reached."""
    hosts = Hosts()
    nodes = [Node(url, hosts.of(url), Timing(), 20) for url in urls]
    return news(nodes, chain, "payee", quiet)


async def next_of(told: AsyncIterator[int]) -> int:
    async with asyncio.timeout(PATIENCE):
        return await anext(told)


async def failure(told: AsyncGenerator[int, None]) -> str:
    """What the news end with."""
    try:
        async with asyncio.timeout(PATIENCE), aclosing(told) as heights:
            async for _ in heights:
                pass
    except NodeError as failed:
        return failed.message
    raise AssertionError("the news ended without an error")


@dataclass
class Listener:
    """An adapter on a stage, and what it was told so far."""

    heights: list[int]
    task: asyncio.Task[None]


@asynccontextmanager
async def listening_to(stand: Stand) -> AsyncIterator[Listener]:
    hosts = Hosts()
    adapter = CometChain("alpha-1", [stand.url], hosts=hosts)
    heights: list[int] = []

    async def listen() -> None:
        async with aclosing(adapter.news(address(stand.alpha.spec, "bob"))) as told:
            async for height in told:
                heights.append(height)  # noqa: PERF401 - a comprehension would keep them until the end

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(PATIENCE):
            # The subscription to payments may come after the first block: pay until one is told of.
            while not any(heights.count(height) > 1 for height in heights):
                stand.alpha.broadcast(payment(stand.alpha))
                stand.stage.world.tick("alpha-1")
                await asyncio.sleep(0.01)
        yield Listener(heights, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await adapter.aclose()
        await hosts.aclose()


def test_a_payment_in_a_block_is_told_of_late() -> None:
    async def scenario(stand: Stand) -> None:
        async with listening_to(stand) as listener:
            quiet = stand.alpha.height + 1
            stand.stage.world.tick("alpha-1")
            assert stand.alpha.broadcast(payment(stand.alpha)).code == 0
            stand.stage.world.tick("alpha-1")
            # The header, and the transaction.
            await until(lambda: listener.heights.count(quiet + 1) == 2)
            assert listener.heights.count(quiet) == 1

    on_stage(scenario)


def test_a_node_that_goes_away_leaves_its_subscriber_waiting() -> None:
    async def scenario(stand: Stand) -> None:
        async with listening_to(stand) as listener:
            stand.faults.refuse = True
            hosts = Hosts()
            adapter = CometChain("alpha-1", [stand.url], hosts=hosts)
            assert "takes no subscriber" in await failure(adapter.news("payee"))
            await hosts.aclose()
            await until(listener.task.done)
            assert isinstance(listener.task.exception(), NodeError)

    on_stage(scenario)


def speaking(answer: Callable[[ServerConnection], Awaitable[None]], check: Callable[[str], Awaitable[None]]) -> None:
    """A server that does as it is told to a subscriber, and a check that gets its address."""

    async def run() -> None:
        bound = bind()
        async with serve(answer, sock=bound):
            await check(f"http://{LOOPBACK}:{port_of(bound)}/prefix/")

    asyncio.run(run())


def header(height: Any, chain: str = "alpha-1") -> str:
    value = {"header": {"chain_id": chain, "height": height}}
    return json.dumps({"id": 0, "result": {"data": {"type": "tendermint/event/NewBlockHeader", "value": value}}})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("rubbish", "makes no sense"),
        ("[]", "makes no sense"),
        ('{"result": 3}', "makes no sense"),
        ('{"result": {"data": {}}}', "makes no sense"),
        ('{"result": {"data": {"value": {"header": {"chain_id": "alpha-1", "height": "x"}}}}}', "makes no sense"),
        (header("7", "beta-1\x1b[2J"), "tells of chain 'beta-1', not 'alpha-1'"),
        ('{"error": {"data": "max_subscriptions_per_client 5 reached"}}', "max_subscriptions_per_client 5"),
        ('{"error": {"data": "subscription was canceled (reason: client is slow)"}}', "client is slow"),
    ],
)
def test_a_node_that_talks_nonsense_is_listened_to(message: str, words: str) -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.send(message)
        await connection.wait_closed()

    async def check(url: str) -> None:
        assert words in await failure(line(url))

    speaking(answer, check)


def test_a_line_that_breaks_ends_without_a_word() -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"id": 0, "result": {}}')
        await connection.send(header("7"))
        await connection.close()

    async def check(url: str) -> None:
        told = line(url)
        assert await next_of(told) == 7
        assert "broke the line" in await failure(told)

    speaking(answer, check)


def test_a_node_that_falls_silent_is_waited_for_for_ever() -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def check(url: str) -> None:
        assert "told nothing for 0.05 s" in await failure(line(url, quiet=0.05))

    speaking(answer, check)


def test_a_large_event_breaks_the_line() -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.send(header("7").replace("{", '{"filler": "' + "x" * 5_000_000 + '", ', 1))
        await connection.wait_closed()

    async def check(url: str) -> None:
        async with aclosing(line(url)) as told:
            assert await next_of(told) == 7

    speaking(answer, check)


def test_a_dead_endpoint_keeps_the_next_ones_news_from_us_and_shows_its_key() -> None:
    asked: list[str] = []

    async def answer(connection: ServerConnection) -> None:
        asked.append(connection.request.path if connection.request else "")
        queries = [json.loads(await connection.recv())["params"]["query"] for _ in range(2)]
        assert queries == ["tm.event='NewBlockHeader'", "tm.event='Tx' AND coin_received.receiver='payee'"]
        await connection.send(header("7"))
        await connection.wait_closed()

    async def check(url: str) -> None:
        async with aclosing(line(KEY_IN_PATH, "ftp://nowhere", url)) as told:
            assert await next_of(told) == 7
        assert asked == ["/prefix/websocket"]
        message = await failure(line(KEY_IN_PATH, "ftp://nowhere"))
        assert "takes no subscriber" in message
        assert "secret" not in message
        assert "0123456789abcdefghijk" not in message

    speaking(answer, check)


def test_a_chain_without_endpoints_has_no_news() -> None:
    async def run() -> None:
        assert "no RPC endpoint" in await failure(CometChain("alpha-1", [], hosts=Hosts()).news("payee"))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a:26657", "ws://a:26657/websocket"),
        ("http://a:26657/", "ws://a:26657/websocket"),
        ("https://user:pw@a/rpc/?key=1", "wss://user:pw@a/rpc/websocket?key=1"),
        ("http://[::1]:26657", "ws://[::1]:26657/websocket"),
    ],
)
def test_a_gateways_path_or_key_is_lost_on_the_way_to_its_news(url: str, expected: str) -> None:
    assert websocket_url(url) == expected


def test_the_fake_tells_other_news_than_a_node() -> None:
    stage = Stage()
    fake = FakeChain(stage.world, "alpha-1")

    async def run() -> None:
        async with aclosing(fake.news("payee")) as told:
            waiting = asyncio.ensure_future(anext(told))
            await asyncio.sleep(0)
            stage.world.tick("alpha-1")
            assert await waiting == stage.height("alpha-1")
            fake.down = NodeError("gone")
            stage.world.tick("alpha-1")
            with pytest.raises(NodeError):
                await anext(told)

    asyncio.run(run())
    assert stage.world.chains["alpha-1"].after_block == []
