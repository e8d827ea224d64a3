"""Several endpoints: the first that proves to be the right chain, synced and alive answers; none is believed before."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relayclear.chains import jsonrpc
from relayclear.chains.client import STATUS
from relayclear.chains.endpoints import CHECK_SECONDS, Endpoints
from relayclear.chains.hosts import Hosts
from relayclear.chains.wire import DeclinedError, Reply
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError
from relayclear.rehearsal.rpc import RpcError
from tests.chains.fake import NOW, FakeClock, FakeNode, endpoints

PATH = "/a.Query/B"
QUESTION = jsonrpc.query(PATH, b"?")


def answering(value: bytes = b"!", **more: Any) -> FakeNode:
    return FakeNode(queries={PATH: lambda _data, _height: value}, **more)


def dead(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("")


def ask(chain: Endpoints) -> Any:
    return asyncio.run(chain.ask([QUESTION]))[0]


def test_the_check_of_the_chain_costs_no_request_of_its_own() -> None:
    node = answering()
    chain = endpoints(node)
    assert ask(chain) == Reply(b"!", 100)
    assert [[call["method"] for call in calls] for calls in node.requests] == [["status", "abci_query"]]


def test_a_checked_endpoint_is_checked_again_after_a_while() -> None:
    node, clock = answering(), FakeClock()
    chain = endpoints(node, clock=clock)

    async def run() -> None:
        for _ in range(3):
            await chain.ask([QUESTION])
        clock.now += CHECK_SECONDS + 1
        await chain.ask([QUESTION])

    asyncio.run(run())
    assert [len(calls) for calls in node.requests] == [2, 1, 1, 2]


def test_a_node_of_another_chain_is_refused_by_name_for_good() -> None:
    node, clock = answering(chain="beta-1\x1b[2J"), FakeClock()
    chain = endpoints(node, clock=clock)

    async def run() -> None:
        for _ in range(2):
            [got] = await chain.ask([QUESTION])
            assert isinstance(got, NodeError)
            assert "is chain 'beta-1', not 'alpha-1'" in got.message
            clock.now += 10_000

    asyncio.run(run())
    assert len(node.requests) == 1


def test_no_answer_of_a_node_of_another_chain_is_believed_when_a_right_one_is_there() -> None:
    assert ask(endpoints(answering(b"lie", chain="beta-1"), answering(b"truth"))) == Reply(b"truth", 100)


@pytest.mark.parametrize(
    "unfit",
    [
        FakeNode(catching_up=True),
        FakeNode(block_time=NOW - timedelta(minutes=6)),
        FakeNode(height=50),
        FakeNode(methods={"status": lambda _: {"node_info": {}}}),
        FakeNode(methods={"status": lambda _: None}),
        FakeNode(methods={"status": lambda _: {"node_info": {"network": "alpha-1"}, "sync_info": "?"}}),
        dead,
        lambda _: httpx.Response(502),
        lambda _: httpx.Response(200, text="<html>"),
    ],
)
def test_the_next_endpoint_answers_where_the_first_is_unfit(unfit: Any) -> None:
    assert ask(endpoints(unfit, answering(), seen_height=90)) == Reply(b"!", 100)


@pytest.mark.parametrize(
    ("unfit", "words"),
    [
        (answering(catching_up=True), "still syncing (height 100)"),
        (answering(block_time=NOW - timedelta(minutes=6)), "has no block since 2026-11-22 11:54Z"),
        (answering(height=50), "went back to height 50; 90 was read before"),
        (FakeNode(methods={"status": lambda _: {}}), "status that makes no sense"),
        (dead, "refuses the connection"),
    ],
)
def test_without_a_fit_endpoint_the_reason_is_told(unfit: Any, words: str) -> None:
    chain = endpoints(unfit, seen_height=90)
    got = ask(chain)
    assert isinstance(got, NodeError)
    assert got.message.startswith("alpha-1: http://node0 ")
    assert words in got.message
    with pytest.raises(NodeError, match=words[:12]):
        asyncio.run(chain.head())


def test_every_endpoints_reason_is_told() -> None:
    got = ask(endpoints(dead, answering(chain="beta-1"), answering(catching_up=True)))
    assert isinstance(got, NodeError)
    for words in ("node0 refuses", "node1 is chain 'beta-1'", "node2 is still syncing"):
        assert words in got.message


def test_a_chain_without_endpoints_says_so() -> None:
    got = ask(endpoints())
    assert isinstance(got, NodeError)
    assert "no RPC endpoint" in got.message


def test_a_wrong_clock_of_ours_makes_no_node_stale() -> None:
    node = answering(block_time=NOW - timedelta(hours=3))

    def with_clock(request: httpx.Request) -> httpx.Response:
        reply = node(request)
        reply.headers["X-Server-Time"] = str(int((NOW - timedelta(hours=3)).timestamp()) + 1)
        return reply

    chain = endpoints(with_clock)
    assert ask(chain) == Reply(b"!", 100)
    head = asyncio.run(chain.head())
    assert head.node_time == NOW - timedelta(hours=3) + timedelta(seconds=1)


def test_the_head_is_read_anew_each_time() -> None:
    node = answering()
    chain = endpoints(node)

    async def run() -> list[int]:
        heights = []
        for height in (100, 101, 105):
            node.height = height
            heights.append((await chain.head()).height)
        return heights

    assert asyncio.run(run()) == [100, 101, 105]
    head = asyncio.run(chain.head())
    assert (head.chain, head.tx_index, head.comet_version, head.endpoint) == (
        "alpha-1",
        True,
        "0.38.11",
        "http://node0",
    )
    assert head.at.microsecond == 123456


def test_a_head_and_questions_of_the_same_tick_share_one_status() -> None:
    node = answering()
    chain = endpoints(node)

    async def run() -> None:
        await asyncio.gather(chain.head(), chain.ask([QUESTION]), chain.head())

    asyncio.run(run())
    assert [len(calls) for calls in node.requests] == [2]


def test_a_load_balancers_slower_node_is_given_a_moment() -> None:
    node = answering()
    chain = endpoints(node)
    behind = iter([100, 97, 99, 101])

    def status(_: Any) -> Any:
        node.height = next(behind)
        return FakeNode(height=node.height).status()

    node.methods["status"] = status

    async def run() -> list[int]:
        return [(await chain.head()).height, (await chain.head()).height]

    assert asyncio.run(run()) == [100, 101]


def test_a_height_gone_back_is_an_error_even_by_one_when_it_stays() -> None:
    node, clock = answering(), FakeClock()
    chain = endpoints(node, clock=clock)

    async def run() -> None:
        await chain.head()
        node.height = 99
        with pytest.raises(NodeError, match="went back to height 99; 100 was read before"):
            await chain.head()

    asyncio.run(run())
    assert len([seconds for seconds in clock.slept if seconds]) == 3


def test_an_answer_from_below_what_was_read_before_is_asked_again_and_never_believed() -> None:
    node = answering()
    chain = endpoints(node)
    fresh = FakeNode.query

    async def run(heights: list[int]) -> Any:
        queue = iter(heights)

        def at_height(params: dict[str, Any]) -> Any:
            return fresh(node, params) | {"height": str(next(queue))}

        node.methods["abci_query"] = lambda params: {"response": at_height(params)}
        return (await chain.ask([QUESTION]))[0]

    assert asyncio.run(run([105])) == Reply(b"!", 105)
    assert asyncio.run(run([102, 105])) == Reply(b"!", 105)
    got = asyncio.run(run([102, 103, 104, 104]))
    assert isinstance(got, NodeError)
    assert "below 105" in got.message


def test_an_older_height_that_was_asked_for_is_no_step_back() -> None:
    node = answering()
    chain = endpoints(node)

    async def run() -> Any:
        await chain.ask([QUESTION])
        return (await chain.ask([jsonrpc.query(PATH, b"?", 7)]))[0]

    assert asyncio.run(run()) == Reply(b"!", 7)


def test_a_dead_endpoint_is_not_tried_again_for_a_while() -> None:
    clock, tries = FakeClock(), 0

    def dying(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ConnectError("")

    chain = endpoints(dying, clock=clock)

    async def run() -> None:
        for _ in range(3):
            await chain.ask([QUESTION])
        assert tries == 3
        clock.now += 6
        await chain.ask([QUESTION])
        assert tries == 6

    asyncio.run(run())


def test_an_endpoint_that_failed_lately_comes_last() -> None:
    clock = FakeClock()
    first, second = answering(b"1"), answering(b"2")
    broken = True

    def failing(request: httpx.Request) -> httpx.Response:
        return dead(request) if broken else first(request)

    chain = endpoints(failing, second, clock=clock)

    async def run() -> list[bytes]:
        nonlocal broken
        got = []
        for wait in (0, 10, 61):
            clock.now += wait
            [answer] = await chain.ask([QUESTION])
            got.append(answer.value)
            broken = False
        return got

    assert asyncio.run(run()) == [b"2", b"2", b"1"]


def test_a_pruned_height_is_asked_of_the_next_endpoint() -> None:
    pruned = FakeNode(queries={PATH: lambda _d, _h: (38, "failed to load state at height 7; no (latest height: 100)")})
    assert ask(endpoints(pruned, answering())) == Reply(b"!", 100)
    assert isinstance(ask(endpoints(pruned)), HeightError)
    assert isinstance(ask(endpoints(pruned, dead)), HeightError)


def test_an_index_that_is_off_passes_the_question_on() -> None:
    def refuse(_: Any) -> Any:
        raise RpcError.internal("transaction indexing is disabled")

    search = jsonrpc.call("tx_search", query="a")
    off, on = FakeNode(methods={"tx_search": refuse}), FakeNode(methods={"tx_search": lambda _: {"txs": []}})
    assert asyncio.run(endpoints(off, on).ask([search])) == [{"txs": []}]
    [got] = asyncio.run(endpoints(off).ask([search]))
    assert isinstance(got, IndexerError)


def test_what_the_chain_declines_is_not_asked_around() -> None:
    says_no, other = FakeNode(queries={PATH: lambda _d, _h: (18, "no")}), answering()
    assert isinstance(ask(endpoints(says_no, other)), DeclinedError)
    gone = FakeNode(queries={PATH: lambda _d, _h: (22, "not there: key not found")})
    assert isinstance(ask(endpoints(gone, other)), NotFoundError)
    assert other.requests == []


def test_only_what_was_not_answered_is_asked_elsewhere() -> None:
    def half(_data: bytes, height: int) -> Any:
        return (38, "failed to load state at height 7") if height else b"1"

    first, second = FakeNode(queries={PATH: half}), answering(b"2")
    got = asyncio.run(endpoints(first, second).ask([QUESTION, jsonrpc.query(PATH, b"?", 7)]))
    assert got == [Reply(b"1", 100), Reply(b"2", 7)]
    assert len(second.asked(PATH)) == 1


def test_the_same_endpoint_named_twice_is_one() -> None:
    node = answering()
    chain = Endpoints("alpha-1", ["http://a", "http://a"], Hosts(httpx.MockTransport(node)), FakeClock().timing())
    assert ask(chain) == Reply(b"!", 100)
    assert chain.requests == 1


def test_a_status_alone_is_what_a_head_costs() -> None:
    node = answering()
    asyncio.run(endpoints(node).head())
    assert [[call["method"] for call in calls] for calls in node.requests] == [[STATUS.method]]


def test_what_was_asked_of_each_endpoint_and_how_it_went_is_counted() -> None:
    good, spare = answering(), answering()
    chain = endpoints(dead, good, spare)
    assert [(use.requests, use.failures, use.fit, use.error) for use in chain.uses] == [(0, 0, None, None)] * 3
    assert ask(chain) == Reply(b"!", 100)
    first, second, third = chain.uses
    assert (first.fit, second.fit, third.fit) == (False, True, None)
    assert first.requests == first.failures > 0
    assert (second.requests, second.failures, second.error) == (1, 0, None)
    assert "refuses the connection" in (first.error or "")
    assert (first.latest, second.latest) == (None, 0.0)
    assert third.requests == 0


def test_a_node_of_another_chain_is_never_called_fit() -> None:
    chain = endpoints(answering(chain="beta-1"))
    ask(chain)
    (use,) = chain.uses
    assert use.fit is False
    assert "is chain 'beta-1'" in (use.error or "")
