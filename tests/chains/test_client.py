"""One node: questions of a tick travel together, and every bad answer ends as an error, never as a value."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from relayclear.chains import jsonrpc
from relayclear.chains.client import BODY, Node
from relayclear.chains.hosts import CONNECTIONS, REPLY_CAP, Host, Hosts
from relayclear.chains.jsonrpc import Call, Refusal
from relayclear.errors import NodeError
from tests.chains.fake import FakeClock, FakeNode

URL = "http://user:hunter2@node:26657/k3yk3yk3yk3yk3yk3yk3y?token=hunter3"
Handler = Callable[[httpx.Request], httpx.Response]


def echo() -> FakeNode:
    return FakeNode(methods={"echo": lambda params: params["n"]})


def calls(count: int) -> list[Call]:
    return [jsonrpc.call("echo", n=number) for number in range(count)]


def node_of(handler: Handler, clock: FakeClock | None = None, *, deadline: float = 15.0, budget: float = 1000) -> Node:
    return Node(
        URL, Hosts(httpx.MockTransport(handler)).of(URL), (clock or FakeClock()).timing(deadline), rpc_budget=budget
    )


def ask(handler: Handler, count: int, clock: FakeClock | None = None) -> list[Any]:
    return asyncio.run(node_of(handler, clock).answers(calls(count)))


def scripted(*replies: httpx.Response | Exception, then: Handler) -> tuple[Handler, list[int]]:
    """These replies first, then a working node; and the number of calls of each request seen."""
    queue = list(replies)
    seen: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        document = json.loads(request.content)
        seen.append(len(document) if isinstance(document, list) else 1)
        if not queue:
            return then(request)
        reply = queue.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return handle, seen


def texts(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def is_node_error(values: Sequence[Any], words: str) -> bool:
    return bool(values) and all(isinstance(value, NodeError) and words in value.message for value in values)


def test_questions_of_one_tick_travel_in_batches_of_ten() -> None:
    node = echo()
    assert ask(node, 25) == texts(25)
    assert [len(request) for request in node.requests] == [10, 10, 5]


def test_questions_of_tasks_started_by_tasks_still_travel_together() -> None:
    node = echo()

    async def run() -> list[Any]:
        client = node_of(node)

        async def one(call: Call) -> Any:
            return (await client.answers([call]))[0]

        async def five(part: Sequence[Call]) -> list[Any]:
            return await asyncio.gather(*map(one, part))

        questions = calls(10)
        parts = await asyncio.gather(five(questions[:5]), five(questions[5:]), one(questions[9]))
        return [*parts[0], *parts[1]]

    assert asyncio.run(run()) == texts(10)
    assert len(node.requests) == 1


def test_the_same_question_under_way_is_asked_once() -> None:
    node = echo()

    async def run() -> list[Any]:
        client = node_of(node)
        return list(await asyncio.gather(*(client.answers(calls(3)) for _ in range(5))))

    assert asyncio.run(run()) == [texts(3)] * 5
    assert [len(request) for request in node.requests] == [3]


def test_an_asker_who_leaves_takes_nobodys_answer_along() -> None:
    node = echo()

    async def run() -> list[Any]:
        client = node_of(node)
        leaver = asyncio.create_task(client.answers(calls(3)))
        stayer = asyncio.create_task(client.answers(calls(3)))
        await asyncio.sleep(0)
        leaver.cancel()
        return await stayer

    assert asyncio.run(run()) == texts(3)


def test_a_long_question_never_makes_a_body_the_node_refuses() -> None:
    node = FakeNode(methods={"echo": lambda params: len(params["n"])})
    big = [jsonrpc.call("echo", n=str(number) * 200_000) for number in range(1, 9)]
    assert asyncio.run(node_of(node).answers(big)) == [200_000] * 8
    assert all(len(json.dumps(request)) < BODY * 1.01 for request in node.requests)


def test_what_wants_to_stand_alone_does() -> None:
    node = echo()
    asked = [item._replace(alone=number == 1) for number, item in enumerate(calls(4))]
    assert asyncio.run(node_of(node).answers(asked)) == texts(4)
    assert [len(request) for request in node.requests] == [1, 1, 2]


def test_at_most_four_requests_are_under_way_at_a_host() -> None:
    under_way, most = 0, 0

    async def run() -> list[Any]:
        node = echo()

        async def slow(request: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return node(request)

        hosts = Hosts(httpx.MockTransport(slow))
        # Two endpoints of one host share its connections.
        urls = ["http://node/a", "http://other@node/b"]
        clients = [Node(url, hosts.of(url), FakeClock().timing(), rpc_budget=1000) for url in urls]
        return list(await asyncio.gather(*(client.answers(calls(100)) for client in clients)))

    assert asyncio.run(run()) == [texts(100)] * 2
    assert most == CONNECTIONS


def test_a_node_with_a_smaller_limit_is_asked_in_its_own_size_from_then_on() -> None:
    node = echo()
    node.max_batch = 3

    async def run() -> None:
        client = node_of(node)
        assert await client.answers(calls(10)) == texts(10)
        node.requests.clear()
        assert await client.answers(calls(9)) == texts(9)

    asyncio.run(run())
    assert [len(request) for request in node.requests] == [3, 3, 3]


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415])
def test_a_gateway_without_batches_is_asked_singly_from_then_on(status: int) -> None:
    node = echo()
    seen: list[int] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        document = json.loads(request.content)
        seen.append(len(document) if isinstance(document, list) else 1)
        return httpx.Response(status) if isinstance(document, list) else node(request)

    async def run() -> None:
        client = node_of(gateway)
        assert await client.answers(calls(4)) == texts(4)
        assert await client.answers(calls(3)) == texts(3)

    asyncio.run(run())
    assert seen == [4, 1, 1, 1, 1, 1, 1, 1]


def test_a_gateway_that_was_only_away_for_a_moment_gets_batches_again() -> None:
    away = [httpx.Response(404)] * 2
    handler, seen = scripted(*away, then=echo())

    async def run() -> None:
        client = node_of(handler, clock := FakeClock())
        assert is_node_error(await client.answers(calls(4)), "404")
        clock.now += 1
        assert await client.answers(calls(4)) == texts(4)

    asyncio.run(run())
    assert seen == [4, 1, 4]


def test_answers_left_out_are_asked_for_singly() -> None:
    partial = httpx.Response(200, json=[{"id": 2, "result": "2"}, {"id": 0, "result": "0"}])
    handler, seen = scripted(partial, then=echo())
    assert ask(handler, 4) == texts(4)
    assert seen == [4, 1, 1]


def test_a_batch_answered_for_its_first_call_only_loses_no_other() -> None:
    handler, seen = scripted(httpx.Response(200, json={"id": 0, "result": "0"}), then=echo())
    assert ask(handler, 3) == texts(3)
    assert seen == [3, 1, 1]


@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(502, text="<html>bad gateway"),
        httpx.Response(503, text="no"),
        httpx.Response(429, text="no"),
        httpx.Response(200, text='[{"jsonrpc":"2.0","id":0,"res'),
        httpx.Response(200, text=""),
        httpx.ConnectError("Connection refused"),
        httpx.ConnectTimeout("slow"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.ReadError("reset"),
    ],
)
def test_a_passing_trouble_is_tried_twice_more_with_growing_pauses(bad: httpx.Response | Exception) -> None:
    clock = FakeClock()
    handler, seen = scripted(bad, bad, then=echo())
    assert ask(handler, 3, clock) == texts(3)
    assert seen == [3, 3, 3]
    assert [seconds for seconds in clock.slept if seconds] == [0.2, 0.4]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (httpx.Response(502, text="<html>bad gateway"), "answers HTTP 502"),
        (httpx.Response(200, text="<html>welcome"), "web page"),
        (httpx.Response(200, text='{"jsonrpc"'), "cut off"),
        (httpx.Response(429, text=""), "fewer requests"),
        (httpx.ConnectError("[Errno 111] http://user:hunter2@node refused"), "refuses the connection"),
        (httpx.ConnectTimeout(""), "could not be reached in time"),
        (httpx.ReadTimeout(""), "did not answer"),
        (httpx.RemoteProtocolError("half"), "broke the line"),
        (httpx.UnsupportedProtocol("tcp://hunter2"), "no address"),
        (httpx.InvalidURL("hunter2"), "no address"),
    ],
)
def test_a_lasting_trouble_is_an_error_that_names_the_endpoint_and_no_secret(
    bad: httpx.Response | Exception, words: str
) -> None:
    handler, _ = scripted(*[bad] * 99, then=echo())
    values = ask(handler, 1)
    assert is_node_error(values, words)
    assert "node:26657" in values[0].message
    assert "Error" not in values[0].message
    assert "hunter" not in values[0].message
    assert "k3yk3y" not in values[0].message


def test_a_web_page_for_everything_is_an_error_for_every_question() -> None:
    handler, seen = scripted(*[httpx.Response(200, text="<html>")] * 99, then=echo())
    assert is_node_error(ask(handler, 3), "web page")
    assert seen == [3, 1, 1, 1]


def test_a_node_that_hangs_is_not_waited_for_twice() -> None:
    handler, seen = scripted(*[httpx.ReadTimeout("")] * 99, then=echo())
    assert is_node_error(ask(handler, 10), "did not answer")
    assert len(seen) == 1


def test_one_whole_call_ends_at_its_deadline() -> None:
    async def run() -> list[Any]:
        forever = asyncio.Event()

        async def hang(_: httpx.Request) -> httpx.Response:
            await forever.wait()
            raise AssertionError

        client = Node(URL, Hosts(httpx.MockTransport(hang)).of(URL), FakeClock().timing(deadline=0.01), rpc_budget=1000)
        return await client.answers(calls(3))

    assert is_node_error(asyncio.run(run()), "did not answer within 0.01 s")


def test_a_dead_node_costs_one_wait_not_one_for_every_request_behind() -> None:
    handler, seen = scripted(*[httpx.ConnectError("")] * 999, then=echo())
    assert is_node_error(ask(handler, 500), "refuses")
    # The four that were under way tried three times each; forty-six were never sent.
    assert len(seen) <= 3 * CONNECTIONS


def test_a_slow_search_says_nothing_about_the_rest_of_the_node() -> None:
    def node(request: httpx.Request) -> httpx.Response:
        if b"tx_search" in request.content:
            raise httpx.ReadTimeout("")
        return echo()(request)

    async def run() -> None:
        client = node_of(node)
        assert is_node_error(await client.answers([jsonrpc.call("tx_search")]), "did not answer")
        assert client.failed_at is None
        assert await client.answers(calls(2)) == texts(2)

    asyncio.run(run())


def test_a_retry_after_is_waited_for_by_everybody() -> None:
    clock = FakeClock()
    handler, _ = scripted(httpx.Response(429, headers={"Retry-After": "7"}), then=echo())
    assert ask(handler, 30, clock) == texts(30)
    assert max(clock.slept) == 7


def test_a_retry_after_beyond_the_deadline_gives_up_at_once_and_is_still_kept() -> None:
    clock = FakeClock()
    handler, seen = scripted(httpx.Response(503, headers={"Retry-After": "120"}), then=echo())

    async def run() -> None:
        client = node_of(handler, clock)
        assert is_node_error(await client.answers(calls(1)), "503")
        clock.now += 60
        assert is_node_error(await client.answers(calls(1)), "left alone for 60 s")
        clock.now += 60
        assert await client.answers(calls(1)) == texts(1)

    asyncio.run(run())
    assert len(seen) == 2


def test_an_endless_retry_after_is_cut() -> None:
    clock = FakeClock()
    handler, _ = scripted(httpx.Response(503, headers={"Retry-After": "99999999"}), then=echo())

    async def run() -> list[Any]:
        client = node_of(handler, clock)
        await client.answers(calls(1))
        clock.now += 301
        return await client.answers(calls(1))

    assert asyncio.run(run()) == texts(1)


def test_the_budget_holds_requests_back() -> None:
    clock = FakeClock()

    async def run() -> None:
        client = node_of(echo(), clock, budget=1)
        await client.answers(calls(150))

    asyncio.run(run())
    assert clock.now - 1000 == pytest.approx(5)


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 1024 * 1024


class _Endless(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.given = 0
        self.closed = False

    async def __aiter__(self) -> Any:
        for part in endless():
            self.given += len(part)
            yield part

    async def aclose(self) -> None:
        self.closed = True


def test_an_endless_answer_is_given_up_and_drowns_no_other() -> None:
    node = echo()
    streams: list[_Endless] = []

    def flood(request: httpx.Request) -> httpx.Response:
        if b'"n":"1"' in request.content:
            streams.append(_Endless())
            return httpx.Response(200, stream=streams[-1])
        return node(request)

    async def run() -> None:
        client = node_of(flood)
        assert await client.answers(calls(3)) == ["0", Refusal(0, "the answer is larger than can be taken in"), "2"]
        assert client.failed_at is None

    asyncio.run(run())
    assert all(stream.closed and stream.given <= REPLY_CAP + 1024 * 1024 for stream in streams)


def test_a_refused_call_is_a_value_of_its_own() -> None:
    values = asyncio.run(node_of(echo()).answers([jsonrpc.call("nonsense"), *calls(1)]))
    assert values == [Refusal(-32601, "Method not found: nonsense"), "0"]


def test_closing_leaves_nobody_waiting() -> None:
    async def run() -> list[Any]:
        forever = asyncio.Event()

        async def hang(_: httpx.Request) -> httpx.Response:
            await forever.wait()
            raise AssertionError

        client = Node(URL, Hosts(httpx.MockTransport(hang)).of(URL), FakeClock().timing(), rpc_budget=1000)
        waiting = asyncio.create_task(client.answers(calls(60)))
        for _ in range(5):
            await asyncio.sleep(0)
        await client.aclose()
        return await waiting

    assert is_node_error(asyncio.run(run()), "dropped")


def test_requests_are_counted_and_the_servers_clock_is_kept() -> None:
    node = echo()

    def timed(request: httpx.Request) -> httpx.Response:
        reply = node(request)
        reply.headers["X-Server-Time"] = "1795348800"
        return reply

    async def run() -> Node:
        client = node_of(timed)
        await client.answers(calls(21))
        return client

    client = asyncio.run(run())
    assert client.requests == 3
    assert client.server_time == "1795348800"


def test_hosts_are_told_apart_by_scheme_and_port_only() -> None:
    async def run() -> None:
        hosts = Hosts()
        assert hosts.of("http://a:1/x?y") is hosts.of("http://u:p@a:1/z")
        assert len({id(hosts.of(url)) for url in ("http://a:1", "http://a:2", "https://a:1", "https://b:1")}) == 4
        assert isinstance(hosts.of("https://a:1"), Host)
        await hosts.aclose()

    asyncio.run(run())


async def _serve(replies: Sequence[bytes], ready: asyncio.Future[int]) -> None:
    """A server on the loopback that answers request by request with raw bytes, on one connection each."""
    waiting = list(replies)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(length)
        writer.write(waiting.pop(0))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        ready.set_result(server.sockets[0].getsockname()[1])
        await server.serve_forever()


def over_sockets(*replies: bytes) -> list[Any]:
    """One question over a real connection to a server that answers its tries with these bytes."""

    async def run() -> list[Any]:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(_serve(replies, ready))
        url = f"http://127.0.0.1:{await ready}"
        hosts = Hosts()
        try:
            return await Node(url, hosts.of(url), FakeClock().timing(), rpc_budget=1000).answers(calls(1))
        finally:
            await hosts.aclose()
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)

    return asyncio.run(run())


GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{"jsonrpc":"2.0","id":0,"result":1}'


def test_a_line_that_breaks_in_the_middle_of_an_answer_is_asked_again() -> None:
    half = GOOD[:-10]
    assert over_sockets(half, b"", GOOD) == [1]
    assert is_node_error(over_sockets(half, half, half), "broke the line")


def test_a_server_that_speaks_something_else_is_an_error() -> None:
    assert is_node_error(over_sockets(*[b"SSH-2.0-OpenSSH_9.2\r\n"] * 3), "broke the line")


def test_a_refused_connection_is_an_error() -> None:
    async def run() -> list[Any]:
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        url = f"http://127.0.0.1:{port}"
        hosts = Hosts()
        values = await Node(url, hosts.of(url), FakeClock().timing(), rpc_budget=1000).answers(calls(1))
        await hosts.aclose()
        return values

    assert is_node_error(asyncio.run(run()), "refuses the connection")


async def hang(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


def hurried(handler: Any) -> Node:
    timing = dataclasses.replace(FakeClock().timing(deadline=0.01), status=0.01)
    return Node(URL, Hosts(httpx.MockTransport(handler)).of(URL), timing, rpc_budget=1000)


def test_a_hung_node_looks_well_by_its_count_of_failures() -> None:
    async def run() -> Node:
        client = hurried(hang)
        assert is_node_error(await client.answers(calls(1)), "did not answer within 0.01 s")
        assert client.failures == 1
        with pytest.raises(NodeError, match="did not answer within"):
            await client.status()
        return client

    client = asyncio.run(run())
    assert (client.requests, client.failures) == (2, 2)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (lambda _: httpx.Response(503, headers={"Retry-After": "120"}), "HTTP 503"),
        (lambda _: httpx.Response(200, stream=_Endless()), "answers with something that is no status"),
        (lambda _: httpx.Response(200, text="<html>"), "web page"),
        (scripted(*[httpx.ConnectError("")] * 9, then=echo())[0], "refuses the connection"),
    ],
)
def test_a_probe_that_fails_counts_and_takes_time_like_any_request(handler: Handler, words: str) -> None:
    clock = FakeClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 2
        return handler(request)

    client = node_of(slow, clock)
    with pytest.raises(NodeError, match=words):
        asyncio.run(client.status())
    assert (client.requests, client.failures, client.seconds) == (1, 1, 2)
    assert client.failure is not None


def test_a_probe_that_is_asked_for_rest_leaves_the_node_alone() -> None:
    client = node_of(lambda _: httpx.Response(429, headers={"Retry-After": "120"}))

    async def run() -> list[Any]:
        with pytest.raises(NodeError):
            await client.status()
        client.failed_at = None
        return await client.answers(calls(1))

    assert is_node_error(asyncio.run(run()), "asks to be left alone for 120 s")
    assert client.requests == 1
