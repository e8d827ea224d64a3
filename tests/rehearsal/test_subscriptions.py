"""Subscribers of a simulated node: what a node of CometBFT 0.38.11 sent to the same requests, and when it sent it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from relayclear.rehearsal.staging import address
from relayclear.rehearsal.transactions import hash_of
from tests.rehearsal.stages import Socket, Stand, call, on_stage, payment, until

HEADERS, BLOCKS = "tm.event='NewBlockHeader'", "tm.event='NewBlock'"
OK: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {}}


def paid_to(stand: Stand, name: str) -> str:
    """The query that a payee subscribes to."""
    return f"tm.event='Tx' AND coin_received.receiver='{address(stand.alpha.spec, name)}'"


def pay(stand: Stand, to: str = "bob") -> str:
    """A payment, in a block of its own."""
    raw = payment(stand.alpha, to=to)
    assert stand.alpha.broadcast(raw).code == 0
    stand.stage.world.tick("alpha-1")
    return hash_of(raw)


def heights(stand: Stand, count: int) -> list[str]:
    """Make blocks: their heights."""
    before = stand.alpha.height
    for _ in range(count):
        stand.stage.world.tick("alpha-1")
    return [str(height) for height in range(before + 1, stand.alpha.height + 1)]


async def next_height(socket: Socket) -> str:
    """The height of the header that comes next."""
    return str((await socket.next())["result"]["data"]["value"]["header"]["height"])


def test_a_payment_is_not_seen_or_somebody_elses_is() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(paid_to(stand, "payee"), "pay")
            pay(stand, "bob")
            tx_hash = pay(stand, "payee")
            told = await socket.next()
        height = str(stand.alpha.height)
        assert (told["jsonrpc"], told["id"]) == ("2.0", "pay")
        result = told["result"]
        assert result["query"] == paid_to(stand, "payee")
        assert result["data"]["type"] == "tendermint/event/Tx"
        shown = result["data"]["value"]["TxResult"]
        assert (shown["height"], base64.b64decode(shown["tx"])) == (height, stand.alpha.blocks[-1].txs[0])
        assert [result["events"][key] for key in ("tm.event", "tx.hash", "tx.height")] == [["Tx"], [tx_hash], [height]]
        assert address(stand.alpha.spec, "payee") in result["events"]["coin_received.receiver"]

    on_stage(scenario)


def test_a_block_is_told_twice_or_never() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS)
            made = heights(stand, 3)
            assert [await next_height(socket) for _ in made] == made
            assert (await socket.ask("status", 7))["id"] == 7

    on_stage(scenario)


def test_events_of_blocks_are_shaped_otherwise_than_on_a_real_node() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS, 1)
            await socket.subscribe(BLOCKS, 2)
            await socket.subscribe("tm.event='NewBlockEvents'", 3)
            pay(stand)
            block, header, events = [(await socket.next())["result"] for _ in range(3)]
        height = str(stand.alpha.height)
        assert header["data"]["type"] == "tendermint/event/NewBlockHeader"
        assert header["data"]["value"] == await stand.ask("header", height=height)
        assert header["events"] == {"tm.event": ["NewBlockHeader"]}
        value, results = block["data"]["value"], await stand.ask("block_results", height=height)
        assert {key: value[key] for key in ("block", "block_id")} == await stand.ask("block", height=height)
        assert value["result_finalize_block"] == {
            "tx_results": results["txs_results"],
            "events": results["finalize_block_events"],
            "validator_updates": [],
            "consensus_param_updates": results["consensus_param_updates"],
            "app_hash": results["app_hash"],
        }
        assert events["data"]["value"] == {
            "height": height,
            "events": results["finalize_block_events"],
            "num_txs": "1",
        }

    on_stage(scenario)


REFUSED = [
    ("subscribe", {"query": "x ="}, "failed to parse query: offset 3: EOF"),
    ("subscribe", {"query": ""}, "failed to parse query: offset 0: EOF"),
    (
        "subscribe",
        {"query": "tm.event=NewBlock"},
        "failed to parse query: offset 9: got tag, wanted number, timestamp, datestamp or string",
    ),
    ("subscribe", {"query": f"tm.event='{'x' * 600}'"}, "maximum query length exceeded"),
    ("unsubscribe", {"query": HEADERS}, "subscription not found"),
    ("unsubscribe_all", {}, "subscription not found"),
    ("tx", {"hash": "AQ=="}, "tx (01) not found"),
    (
        "header",
        {"height": 5},
        'error converting json params to arguments: invalid 64-bit integer encoding "5", expected string',
    ),
    (
        "subscribe",
        {"query": 5},
        "error converting json params to arguments: json: cannot unmarshal number into Go value of type string",
    ),
]


@pytest.mark.parametrize(("method", "params", "why"), REFUSED)
def test_a_refusal_reads_otherwise_than_on_a_real_node(method: str, params: dict[str, Any], why: str) -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            error = {"code": -32603, "message": "Internal error", "data": why}
            assert await socket.ask(method, **params) == {"jsonrpc": "2.0", "id": 1, "error": error}

    on_stage(scenario)


def test_a_socket_answers_otherwise_than_on_a_real_node() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.send({"method": "health"})
            assert await socket.ask("health") == OK
            assert (await socket.ask("nope"))["error"] == {"code": -32601, "message": "Method not found"}
            await socket.send("hello")
            why = "error unmarshaling request: invalid character 'h' looking for beginning of value"
            assert await socket.next() == {
                "jsonrpc": "2.0",
                "error": {"code": -32700, "message": "Parse error. Invalid JSON", "data": why},
            }
            await socket.send([call("health")])
            assert "cannot unmarshal array into Go value" in (await socket.next())["error"]["data"]
            await socket.send({"jsonrpc": "2.0", "id": 1, "method": "subscribe"})
            few = "WSJSONRPC: reflect: Call with too few input arguments"
            assert await socket.next() == {
                "jsonrpc": "2.0",
                "id": -1,
                "error": {"code": -32603, "message": "Internal error", "data": few},
            }
            await socket.connection.send(b'{"id":"bin","method":"health"}')
            assert await socket.next() == {**OK, "id": "bin"}

    on_stage(scenario)


def test_one_client_subscribes_to_more_than_a_node_allows() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket, stand.socket() as another:
            for number in range(5):
                await socket.subscribe(paid_to(stand, f"x{number}"), number)
            refused = await socket.ask("subscribe", 5, query=HEADERS)
            assert refused["error"]["data"] == "max_subscriptions_per_client 5 reached"
            assert (await socket.ask("unsubscribe", query=paid_to(stand, "x0")))["result"] == {}
            again = await socket.ask("subscribe", query=paid_to(stand, "x1"))
            assert again["error"]["data"] == "already subscribed"
            # The same query, written otherwise.
            spaced = paid_to(stand, "x1").replace("=", " = ").replace(" AND", "   AND")
            assert (await socket.ask("unsubscribe", query=spaced))["result"] == {}
            await another.subscribe(paid_to(stand, "x1"))

    on_stage(scenario)


def test_who_unsubscribed_is_told_on() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS, "h")
            await socket.subscribe(BLOCKS, "b")
            assert (await socket.ask("unsubscribe_all", 2))["result"] == {}
            heights(stand, 2)
            assert (await socket.ask("health"))["id"] == 1
            await socket.subscribe(HEADERS)
            made = heights(stand, 1)
            assert await next_height(socket) == made[0]

    on_stage(scenario)


def test_a_node_that_lags_tells_of_blocks_it_does_not_have() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS)
            made = heights(stand, 1)
            stand.faults.behind = 2
            made += heights(stand, 3)
            stand.faults.behind = 0
            made += heights(stand, 1)
            assert [await next_height(socket) for _ in made] == made
            assert await socket.ask("health") == OK

    on_stage(scenario)


def test_a_hidden_payment_is_told_to_subscribers() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(paid_to(stand, "payee"))
            raw = payment(stand.alpha, to="payee")
            stand.faults.hidden_txs = [hash_of(raw)]
            pay(stand, "payee")
            shown = pay(stand, "payee")
            assert (await socket.next())["result"]["events"]["tx.hash"] == [shown]

    on_stage(scenario)


def test_a_node_that_refuses_keeps_its_subscribers() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS)
            stand.faults.refuse = True
            with pytest.raises(ConnectionClosed):
                await socket.next()
        with pytest.raises((InvalidMessage, ConnectionError)):
            async with stand.socket():
                raise AssertionError
        stand.faults.refuse = False
        async with stand.socket() as socket:
            assert await socket.ask("health") == OK

    on_stage(scenario)


def test_a_node_that_hangs_tells_its_subscribers() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            await socket.subscribe(HEADERS)
            stand.faults.hang = True
            made = heights(stand, 1)
            waiting = asyncio.create_task(socket.next())
            done, _ = await asyncio.wait([waiting], timeout=0.1)
            assert not done
            stand.faults.hang = False
            assert (await waiting)["result"]["data"]["value"]["header"]["height"] == made[0]

    on_stage(scenario)


def test_a_gateway_lets_subscribers_through() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.http_status = 503
        with pytest.raises(InvalidStatus) as refused:
            async with stand.socket():
                raise AssertionError
        assert refused.value.response.status_code == 503

    on_stage(scenario)


def test_half_an_event_can_be_read() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            stand.faults.truncate = True
            await socket.send(call("health"))
            assert await socket.connection.recv() == '{"jsonrpc":"2.0","'

    on_stage(scenario)


def test_the_answer_to_a_payment_is_not_lost_over_a_socket() -> None:
    async def scenario(stand: Stand) -> None:
        async with stand.socket() as socket:
            stand.faults.lose_answers = 1
            await socket.send(call("broadcast_tx_sync", tx=base64.b64encode(payment(stand.alpha)).decode()))
            with pytest.raises(ConnectionClosed):
                await socket.next()
        assert len(stand.alpha.mempool) == 1

    on_stage(scenario)


def test_a_subscriber_that_left_is_remembered() -> None:
    async def scenario(stand: Stand) -> None:
        before = len(asyncio.all_tasks())
        for _ in range(3):
            async with stand.socket() as socket:
                await socket.subscribe(HEADERS)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        heights(stand, 1)

    on_stage(scenario)
