"""A simulated node on the network: every answer here is what a node of CometBFT 0.38.11 sent to the same bytes."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from relayclear.rehearsal.serving import standing
from tests.rehearsal.stages import NOW, Stand, call, on_stage, payment, two_chains, until

HEALTH = call("health")
OK: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {}}
NOTIFICATION = {"jsonrpc": "2.0", "method": "health"}
STRUCT = (
    r'struct { JSONRPC string "json:\"jsonrpc\""; ID interface {} "json:\"id,omitempty\""; '
    r'Method string "json:\"method\""; Params json.RawMessage "json:\"params\"" }'
)
CONVERTING = "error converting json params to arguments: "


def error(code: int, data: str = "", identity: int | None = 1) -> dict[str, Any]:
    """An error as it stands in an answer; None is no id at all."""
    words = {
        -32700: "Parse error. Invalid JSON",
        -32600: "Invalid Request",
        -32601: "Method not found",
        -32602: "Invalid params",
        -32603: "Internal error",
    }
    said: dict[str, Any] = {"code": code, "message": words[code], **({"data": data} if data else {})}
    return {"jsonrpc": "2.0", **({} if identity is None else {"id": identity}), "error": said}


def bad_json(why: str) -> dict[str, Any]:
    """The answer to what is no JSON-RPC."""
    return error(-32700, f"error unmarshaling request: {why}", None)


TOO_MANY = "batch request exceeds maximum (10) allowed number of requests"
POSTED: list[tuple[Any, int, Any]] = [
    (HEALTH, 200, OK),
    ({**HEALTH, "id": "x"}, 200, {**OK, "id": "x"}),
    ({**HEALTH, "id": 1.7}, 200, OK),
    ({"id": 1, "method": "health"}, 200, OK),
    ({"jsonrpc": "2.0", "id": 1, "method": "health", "params": None}, 200, OK),
    (NOTIFICATION, 200, None),
    ({**HEALTH, "id": None}, 200, None),
    (b"null", 200, None),
    ([], 200, None),
    ([NOTIFICATION], 200, None),
    ([HEALTH], 200, OK),
    ([HEALTH, NOTIFICATION], 200, OK),
    ([HEALTH, call("nope", 2)], 200, [OK, error(-32601, identity=2)]),
    ([HEALTH] * 10, 200, [OK] * 10),
    ([HEALTH] * 11, 200, error(-32600, TOO_MANY, None)),
    ([NOTIFICATION] * 11, 200, error(-32600, TOO_MANY, None)),
    (call("nope"), 200, error(-32601)),
    (call("subscribe", query="tm.event='Tx'"), 200, error(-32601)),
    (call("tx", hash="AQ=="), 200, error(-32603, "tx (01) not found")),
    (
        call("tx", hash=5),
        200,
        error(-32602, f"{CONVERTING}json: cannot unmarshal number into Go value of type []uint8"),
    ),
    (call("block", height=1), 200, error(-32602, f'{CONVERTING}invalid 64-bit integer encoding "1", expected string')),
    (call("abci_query", data="zz"), 200, error(-32602, f"{CONVERTING}encoding/hex: invalid byte: U+007A 'z'")),
    (
        {**HEALTH, "method": "header", "params": ["2", "3"]},
        200,
        error(-32602, f"{CONVERTING}expected 1 parameters ([height]), got 2 ([[34 50 34] [34 51 34]])"),
    ),
    (
        {**HEALTH, "params": "x", "method": "header"},
        200,
        error(
            -32602,
            f"{CONVERTING}unknown type for JSON params: json: cannot unmarshal string into Go value of type "
            "[]json.RawMessage. Expected map or array",
        ),
    ),
    (
        {"jsonrpc": "2.0", "id": 1, "method": "block"},
        500,
        error(-32603, "reflect: Call with too few input arguments", -1),
    ),
    ({**HEALTH, "id": True}, 500, bad_json("json-rpc ID (true) is of unknown type (bool)")),
    ({**HEALTH, "id": [1]}, 500, bad_json("json-rpc ID ([1]) is of unknown type ([]interface {})")),
    ({**HEALTH, "id": {"a": 1}}, 500, bad_json("json-rpc ID (map[a:1]) is of unknown type (map[string]interface {})")),
    (
        {**HEALTH, "method": 5},
        500,
        bad_json("json: cannot unmarshal number into Go struct field .method of type string"),
    ),
    ([1, 2], 500, bad_json(f"json: cannot unmarshal array into Go value of type {STRUCT}")),
    (
        [{**HEALTH, "id": {"a": 1}}, HEALTH],
        500,
        bad_json(f"json: cannot unmarshal array into Go value of type {STRUCT}"),
    ),
    (b"5", 500, bad_json(f"json: cannot unmarshal number into Go value of type {STRUCT}")),
    (b'"x"', 500, bad_json(f"json: cannot unmarshal string into Go value of type {STRUCT}")),
    (b'{"a":', 500, bad_json("unexpected end of JSON input")),
    (b'{"jsonrpc":"2.', 500, bad_json("unexpected end of JSON input")),
    (b"hello", 500, bad_json("invalid character 'h' looking for beginning of value")),
    (b'{"id":NaN}', 500, bad_json("invalid character 'N' looking for beginning of value")),
    (b'{"id":1} x', 500, bad_json("invalid character 'x' after top-level value")),
    (b"{'a':1}", 500, bad_json(r"invalid character '\'' looking for beginning of object key string")),
    (b'{"jsonrpc":"2.0" "id":1}', 500, bad_json("invalid character '\"' after object key:value pair")),
    (b"[1 2]", 500, bad_json("invalid character '2' after array element")),
    (b'{"jsonrpc" "2.0"}', 500, bad_json("invalid character '\"' after object key")),
    (b'{"jsonrpc":"2.\n0"}', 500, bad_json(r"invalid character '\n' in string literal")),
    (b"x" * 1_000_000, 500, bad_json("invalid character 'x' looking for beginning of value")),
    (b"x" * 1_000_001, 400, error(-32600, "error reading request body: http: request body too large", None)),
]
HTTP = "error converting http params to arguments: "
BY_ADDRESS: list[tuple[str, int, Any]] = [
    ("/health", 200, {**OK, "id": -1}),
    ("/subscribe?query=x", 404, error(-32601, identity=-1)),
    ("/unsubscribe_all", 404, error(-32601, identity=-1)),
    ("/tx?hash=0x0101", 500, error(-32603, "tx (0101) not found", -1)),
    ('/tx?hash="ab"', 500, error(-32603, "tx (6162) not found", -1)),
    ("/tx?hash=0x010", 500, error(-32602, f"{HTTP}encoding/hex: odd length hex string", -1)),
    ("/tx?hash=zz", 500, error(-32602, f"{HTTP}invalid character 'z' looking for beginning of value", -1)),
    ("/header?height=x", 500, error(-32602, f'{HTTP}invalid 64-bit integer encoding "x", expected string', -1)),
    ("/header?height=0x01", 500, error(-32602, f"{HTTP}got a hex string arg, but expected 'int64'", -1)),
    ("/blockchain?minHeight=-1", 500, error(-32603, "heights must be non-negative", -1)),
    ("/blockchain?minHeight=9", 500, error(-32603, "min height 9 can't be greater than max height 1", -1)),
    ("/header?height=-1", 500, error(-32603, "height must be greater than 0, but got -1", -1)),
    ("/abci_query?path=/app", 500, error(-32602, f"{HTTP}invalid character '/' looking for beginning of value", -1)),
    ('/abci_query?path="/app"&data=ab', 500, error(-32602, f"{HTTP}invalid hex string: ab", -1)),
    ('/abci_query?path="/app"&prove=0x1', 500, error(-32602, f"{HTTP}got a hex string arg, but expected 'bool'", -1)),
    ('/tx_search?query="tx.height=9"&prove=true&per_page=2&order_by="asc"', 200,
     {**OK, "id": -1, "result": {"txs": [], "total_count": "0"}}),
]  # fmt: skip


def test_a_client_meets_other_answers_than_on_a_real_node() -> None:
    async def scenario(stand: Stand) -> None:
        for body, status, expected in POSTED:
            got = await stand.post(body)
            said = got.json() if got.content else None
            assert (body[:80] if isinstance(body, bytes) else body, got.status_code, said) == (
                body[:80] if isinstance(body, bytes) else body,
                status,
                expected,
            )

    on_stage(scenario)


def test_a_person_with_a_browser_meets_other_answers_than_on_a_real_node() -> None:
    async def scenario(stand: Stand) -> None:
        for path, status, expected in BY_ADDRESS:
            got = await stand.http.get(stand.url + path)
            assert (path, got.status_code, got.json()) == (path, status, expected)
        # The first of two values counts, a text may be written in hexadecimal, a height in quotes.
        twice = await stand.http.get(stand.url + "/header?height=1&height=x")
        assert twice.json()["result"] == await stand.ask("header", height="1")
        assert (await stand.http.get(stand.url + '/header?height="1"')).json() == twice.json()
        [meta] = (await stand.ask("blockchain", minHeight="1", maxHeight="7"))["block_metas"]
        assert meta["header"] == (await stand.ask("header", height="1"))["header"]
        version = (await stand.http.get(stand.url + "/abci_query?path=0x2f6170702f76657273696f6e")).json()
        assert version["result"]["response"]["code"] == 0

    on_stage(scenario)


def test_what_is_no_method_looks_like_one() -> None:
    async def scenario(stand: Stand) -> None:
        for path in ("/nope", "/health/"):
            got = await stand.http.get(stand.url + path)
            assert (got.status_code, got.text) == (404, "404 page not found\n")
        assert (await stand.http.post(f"{stand.url}/nope", json=HEALTH)).status_code == 404
        plain = await stand.http.get(f"{stand.url}/websocket")
        assert (plain.status_code, plain.text) == (400, "Bad Request\n")
        methods = await stand.http.get(stand.url)
        assert methods.headers["content-type"].startswith("text/html")
        assert f'<a href="//{stand.url[7:]}/block?height=_">' in methods.text

    on_stage(scenario)


def test_a_header_that_clients_go_by_is_missing() -> None:
    async def scenario(stand: Stand) -> None:
        healthy = (await stand.post(HEALTH)).headers
        assert healthy["content-type"] == "application/json"
        assert "cache-control" not in healthy
        # The node's own clock: relayclear judges by it how late a block is.
        assert healthy["x-server-time"] == str(NOW // 10**9)
        assert "x-server-time" not in (await stand.post([HEALTH] * 11)).headers
        too_large = (await stand.post(b"x" * 1_000_001)).headers
        assert (too_large.get("connection"), "x-server-time" in too_large) == ("close", False)

        kept = "public, max-age=86400"
        assert (await stand.post(call("header", height="1"))).headers["cache-control"] == kept
        assert (await stand.post({**HEALTH, "method": "header", "params": ["1"]})).headers["cache-control"] == kept
        assert (await stand.post(call("tx", hash="AQ=="))).headers["cache-control"] == kept
        assert "cache-control" not in (await stand.post(call("header"))).headers
        assert "cache-control" not in (await stand.post([call("header", height="1"), HEALTH])).headers
        assert "cache-control" not in (await stand.post(call("tx", hash=5))).headers

    on_stage(scenario)


def test_other_limits_are_set_and_not_kept() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.max_batch = 3
        assert "maximum (3)" in (await stand.post([HEALTH] * 4)).json()["error"]["data"]
        stand.faults.max_batch = 0
        assert len((await stand.post([HEALTH] * 40)).json()) == 40
        stand.faults.max_body_bytes = 20
        assert (await stand.post(HEALTH)).status_code == 400

    on_stage(scenario)


def test_a_node_refuses_and_answers_all_the_same() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.post(HEALTH)
        stand.faults.refuse = True
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                await stand.post(HEALTH)
        stand.faults.refuse = False
        assert (await stand.post(HEALTH)).json() == OK

    on_stage(scenario)


def test_a_node_that_hangs_answers_or_never_comes_back() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.hang = True
        with pytest.raises(httpx.ReadTimeout):
            await stand.http.post(stand.url, json=HEALTH, timeout=0.1)
        waiting = asyncio.create_task(stand.post(HEALTH))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        stand.faults.hang = False
        assert (await waiting).json() == OK

    on_stage(scenario)


def test_a_stage_can_not_end_while_a_node_hangs() -> None:
    waiting: list[asyncio.Task[Any]] = []

    async def scenario(stand: Stand) -> None:
        stand.faults.delay_seconds = 3600
        waiting.append(asyncio.create_task(stand.post(HEALTH)))
        await asyncio.wait(waiting, timeout=0.05)
        stand.faults.hang = True
        waiting.append(asyncio.create_task(stand.post(HEALTH)))
        await asyncio.wait(waiting, timeout=0.05)

    async def run() -> None:
        stage = two_chains()
        async with httpx.AsyncClient(trust_env=False) as http:
            async with standing(stage) as served:
                await scenario(Stand(stage, served, http))
            cut = await asyncio.gather(*waiting, return_exceptions=True)
            assert [isinstance(one, httpx.TransportError) for one in cut] == [True, True]

    asyncio.run(run())


def test_a_gateway_in_front_speaks_json() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.http_status, stand.faults.retry_after_seconds = 429, 7
        busy = await stand.post(HEALTH)
        assert (busy.status_code, busy.text, busy.headers["retry-after"]) == (429, "429 Too Many Requests\n", "7")
        stand.faults.http_status, stand.faults.retry_after_seconds = 502, 0
        bad = await stand.http.get(f"{stand.url}/status")
        assert (bad.status_code, bad.text, "retry-after" in bad.headers) == (502, "502 Bad Gateway\n", False)
        stand.faults.http_status, stand.faults.html = 0, True
        page = await stand.post(HEALTH)
        assert page.status_code == 200
        assert page.text.startswith("<!DOCTYPE html>")

    on_stage(scenario)


def test_half_an_answer_can_be_read() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.truncate = True
        cut = await stand.post(HEALTH)
        assert cut.status_code == 200
        assert cut.content == json.dumps(OK, separators=(",", ":")).encode()[:18]

    on_stage(scenario)


def test_an_answer_that_is_lost_takes_the_transaction_with_it() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.lose_answers = 1
        sent = call("broadcast_tx_sync", tx=base64.b64encode(payment(stand.alpha)).decode())
        # What takes no transaction loses nothing.
        assert (await stand.ask("broadcast_tx_sync", tx="AQ=="))["code"] == 2
        with pytest.raises(httpx.TransportError):
            await stand.post(sent)
        assert len(stand.alpha.mempool) == 1
        assert stand.faults.lose_answers == 0
        again = (await stand.post(sent)).json()
        assert again["error"]["data"] == "tx already exists in cache"

    on_stage(scenario)


def test_a_mistake_of_the_simulator_is_kept_quiet(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.behind = "x"  # type: ignore[assignment]
        assert (await stand.post(call("status"))).status_code == 500

    on_stage(scenario)
    assert "a request to / ended in an error" in caplog.text


def test_a_slow_node_is_quick() -> None:
    async def scenario(stand: Stand) -> None:
        stand.faults.delay_seconds = 0.2
        began = asyncio.get_running_loop().time()
        await stand.post(HEALTH)
        assert asyncio.get_running_loop().time() - began >= 0.2

    on_stage(scenario)


def test_requests_that_nobody_waits_for_pile_up() -> None:
    async def scenario(stand: Stand) -> None:
        before = len(asyncio.all_tasks())
        stand.faults.hang = True
        with pytest.raises(httpx.ReadTimeout):
            await stand.http.post(stand.url, json=HEALTH, timeout=0.05)
        await until(lambda: len(asyncio.all_tasks()) <= before)

    on_stage(scenario)
