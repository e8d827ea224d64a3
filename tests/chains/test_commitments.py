"""What is pending: by pages of whatever size the node takes, or in one answer where that proved to agree with them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from cosmpy.protos.cosmos.store.internal.kv.v1beta1 import kv_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import REPLY_CAP, Hosts
from relayclear.chains.wire_channels import next_send_key
from relayclear.errors import HeightError, NodeError, NotFoundError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Commitments
from tests.chains.fake import FakeClock, FakeNode, transport
from tests.chains.fake_ibc import COMMITMENTS, SUBSPACE, FakeIbc, commitment, ends, pending, whole


def chain_of(node: Any, **more: Any) -> CometChain:
    clock = FakeClock()
    return CometChain("alpha-1", ["http://node"], hosts=Hosts(transport({"node": node})), timing=clock.timing(), **more)


def read(chain: CometChain, wanted: list[ChannelEnd]) -> dict[ChannelEnd, Any]:
    found = asyncio.run(chain.commitments(wanted))
    return {end: dict(got.by_sequence) if isinstance(got, Commitments) else got for end, got in found.items()}


def test_every_end_has_an_answer_the_empty_ones_too() -> None:
    ibc = FakeIbc({1: pending([1, 2, 30])})
    assert read(chain_of(ibc.node()), ends(3)) == {ends(3)[0]: {}, ends(3)[1]: pending([1, 2, 30]), ends(3)[2]: {}}


def test_the_height_is_the_one_the_chain_answered_at() -> None:
    found = asyncio.run(chain_of(FakeIbc({0: pending([1])}).node(height=512)).commitments(ends(1)))
    assert found[ends(1)[0]] == Commitments(512, pending([1]))


def test_the_first_page_is_asked_large_and_shorter_ones_are_followed_pinned_to_its_height() -> None:
    ibc = FakeIbc({0: pending(range(1, 26)), 1: pending([7])}, page_cap=10)
    node = ibc.node()
    assert read(chain_of(node), ends(2)) == {ends(2)[0]: pending(range(1, 26)), ends(2)[1]: pending([7])}
    assert [params["height"] for params in node.asked("PacketCommitments")] == ["0", "0", "100", "100"]


def test_a_pin_that_a_load_balancer_cannot_hold_is_let_go() -> None:
    ibc = FakeIbc({0: pending(range(1, 26))}, page_cap=10, refused_heights=lambda height: height > 0)
    assert read(chain_of(ibc.node()), ends(1)) == {ends(1)[0]: pending(range(1, 26))}


@pytest.mark.parametrize(("limit", "asked"), [(30_000, 1), (5_000, 2), (999, 3), (100, 3)])
def test_a_node_that_refuses_large_pages_is_asked_for_smaller_ones_and_remembered(limit: int, asked: int) -> None:
    ibc = FakeIbc({0: pending(range(1, 51))}, page_refusal=limit)
    node = ibc.node()
    chain = chain_of(node)
    for _ in range(2):
        assert read(chain, ends(1)) == {ends(1)[0]: pending(range(1, 51))}
    assert len(node.asked("PacketCommitments")) == asked + 1


def test_a_gas_limit_means_smaller_pages() -> None:
    ibc = FakeIbc({0: pending(range(1, 251))}, gas=100)
    node = ibc.node()
    assert read(chain_of(node), ends(1)) == {ends(1)[0]: pending(range(1, 251))}
    assert len(node.asked("PacketCommitments")) == 2 + 3


def test_a_gas_limit_below_the_smallest_page_is_a_failed_path_never_an_empty_one() -> None:
    got = read(chain_of(FakeIbc({0: pending([1])}, gas=50).node()), ends(1))[ends(1)[0]]
    assert isinstance(got, NodeError)
    assert "ValuePerByte" in got.message


def test_pages_that_run_in_a_circle_end() -> None:
    from cosmpy.protos.ibc.core.channel.v1 import query_pb2  # noqa: PLC0415

    reply = query_pb2.QueryPacketCommitmentsResponse()
    reply.pagination.next_key, reply.height.revision_height = b"5", 1
    node = FakeNode(queries={COMMITMENTS: lambda _d, _h: reply.SerializeToString()})
    got = read(chain_of(node), ends(1))[ends(1)[0]]
    assert isinstance(got, NodeError)
    assert "circle" in got.message


@pytest.mark.parametrize(
    "bad",
    [{2**63: commitment(1)}, {2**64 - 1: commitment(1), 1: commitment(1)}, {0: commitment(1)}, {1: b"short"}],
)
def test_what_no_chain_can_have_spoils_that_channel_alone(bad: dict[int, bytes]) -> None:
    got = read(chain_of(FakeIbc({0: bad, 1: pending([3])}).node()), ends(2))
    assert isinstance(got[ends(2)[0]], NodeError)
    assert got[ends(2)[1]] == pending([3])


def test_an_answer_that_is_no_protobuf_spoils_that_channel_alone() -> None:
    node = FakeIbc({1: pending([3])}).node()
    honest = node.queries[COMMITMENTS]
    node.queries[COMMITMENTS] = lambda data, height: b"\xff\xff" if b"channel-0" in data else honest(data, height)
    got = read(chain_of(node), ends(2))
    assert isinstance(got[ends(2)[0]], NodeError)
    assert got[ends(2)[1]] == pending([3])


def test_a_dead_node_is_an_error_on_every_end() -> None:
    def dead(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("")

    assert all(isinstance(got, NodeError) for got in read(chain_of(dead), ends(5)).values())


def test_an_older_height_is_asked_as_such_and_a_pruned_one_is_said() -> None:
    ibc = FakeIbc({0: pending(range(1, 21))}, page_cap=8, refused_heights=lambda height: 0 < height < 50)
    node = ibc.node()
    chain = chain_of(node)
    assert asyncio.run(chain.commitments_at(ends(1), 60)) == {ends(1)[0]: Commitments(60, pending(range(1, 21)))}
    assert {params["height"] for params in node.asked("PacketCommitments")} == {"60"}
    assert isinstance(asyncio.run(chain.commitments_at(ends(1), 49))[ends(1)[0]], HeightError)


def test_a_channel_that_was_not_there_yet_had_nothing_pending_then() -> None:
    node = FakeIbc().node()
    node.queries[COMMITMENTS] = lambda _d, _h: (22, "channel not found")
    chain = chain_of(node)
    assert asyncio.run(chain.commitments_at(ends(1), 9)) == {ends(1)[0]: Commitments(9, {})}
    assert isinstance(read(chain, ends(1))[ends(1)[0]], NotFoundError)


def test_the_one_answer_query_is_not_touched_for_few_channels() -> None:
    node = FakeIbc({0: pending([1])}).node()
    read(chain_of(node), ends(50))
    read(chain_of(node, subspace_checked=True), ends(50))
    assert node.asked(SUBSPACE) == []


def test_the_first_scan_of_many_channels_reads_pages_and_checks_the_one_answer_query_by_the_way() -> None:
    state = {3: pending([1, 2]), 7: pending(range(1, 40)), 71: pending([9])}
    node, verdicts = FakeIbc(state).node(), list[bool]()
    chain = chain_of(node, on_subspace=verdicts.append)
    wanted = ends(60)
    expected = {end: state.get(number, {}) for number, end in enumerate(wanted)}
    assert read(chain, wanted) == expected
    assert (verdicts, chain.subspace_checked) == ([True], True)
    before = len(node.requests)
    assert read(chain, wanted) == expected
    assert len(node.requests) == before + 1
    assert verdicts == [True]


@pytest.mark.parametrize(("named", "verdict"), [(60, True), (59, False), (0, False)])
def test_with_nothing_pending_the_one_answer_query_must_name_every_channel(named: int, verdict: bool) -> None:  # noqa: FBT001
    rows = [kv_pb2.Pair(key=next_send_key(end), value=bytes(8)) for end in ends(60)[:named]]
    node = FakeIbc(subspace=lambda _: kv_pb2.Pairs(pairs=rows).SerializeToString()).node()
    verdicts = list[bool]()
    chain = chain_of(node, on_subspace=verdicts.append)
    read(chain, ends(60))
    assert (verdicts, chain.subspace_checked) == ([verdict], verdict)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        whole({0: pending([1, 2])}),
        whole({0: pending([1, 2, 3, 4])}),
        whole({0: {1: commitment(1), 2: commitment(2), 3: commitment(99)}}),
        b"\xff\xff\xff",
        (6, "unknown request"),
        (111222, "panic"),
    ],
)
def test_a_one_answer_query_that_disagrees_is_never_used(answer: Any) -> None:
    node, verdicts = FakeIbc({0: pending([1, 2, 3])}, subspace=lambda _: answer).node(), list[bool]()
    chain = chain_of(node, on_subspace=verdicts.append)
    for _ in range(2):
        assert read(chain, ends(60))[ends(1)[0]] == pending([1, 2, 3])
    assert (verdicts, chain.subspace_checked) == ([False], False)
    assert len(node.asked(SUBSPACE)) == 1


def test_packets_sent_and_finished_during_the_check_do_not_spoil_it() -> None:
    ibc = FakeIbc({0: pending([1, 2, 3])})

    def busy(_: bytes) -> bytes:
        ibc.replace(0, pending([2, 3, 4]))
        return whole(ibc.pending)

    ibc.subspace = busy
    verdicts = list[bool]()
    read(chain_of(ibc.node(), on_subspace=verdicts.append), ends(60))
    assert verdicts == [True]


def test_a_node_that_was_away_during_the_check_settles_nothing() -> None:
    node, verdicts = FakeIbc({0: pending([1])}).node(), list[bool]()

    def away(request: httpx.Request) -> httpx.Response:
        if b"subspace" in request.content:
            raise httpx.ReadTimeout("")
        return node(request)

    chain = chain_of(away, on_subspace=verdicts.append)
    assert read(chain, ends(60))[ends(1)[0]] == pending([1])
    assert (verdicts, chain.subspace_checked) == ([], None)


def test_a_one_answer_query_over_the_cap_is_given_up_for_good_and_the_node_is_not() -> None:
    node, verdicts = FakeIbc({0: pending([1])}).node(), list[bool]()

    def flood(request: httpx.Request) -> httpx.Response:
        if b"subspace" in request.content:
            return httpx.Response(200, content=bytes(REPLY_CAP + 1))
        return node(request)

    chain = chain_of(flood, subspace_checked=True, on_subspace=verdicts.append)
    for _ in range(2):
        assert read(chain, ends(60))[ends(1)[0]] == pending([1])
    assert (verdicts, chain.subspace_checked) == ([False], False)


@pytest.mark.parametrize("answer", [b"\xff\xff", (6, "unknown request"), (38, "failed to load state at height 1")])
def test_a_one_answer_query_that_stops_working_falls_back_to_pages_at_once(answer: Any) -> None:
    node = FakeIbc({0: pending([1])}, subspace=lambda _: answer).node()
    assert read(chain_of(node, subspace_checked=True), ends(60))[ends(1)[0]] == pending([1])


def test_a_channel_whose_number_starts_another_is_not_mistaken_for_it() -> None:
    state = {1: pending([1]), 10: pending([2]), 19: pending([3]), 190: pending([4])}
    node = FakeIbc(state).node()
    got = read(chain_of(node, subspace_checked=True), ends(60))
    assert {number: got[end] for number, end in enumerate(ends(60)) if got[end]} == {
        1: pending([1]),
        10: pending([2]),
        19: pending([3]),
    }


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(0, 60), st.sets(st.integers(1, 2**63 - 1), max_size=30), max_size=12),
    st.integers(1, 40),
)
def test_pages_and_the_one_answer_agree_on_every_state(state: dict[int, set[int]], cap: int) -> None:
    ibc = FakeIbc({channel: pending(sorted(numbers)) for channel, numbers in state.items()}, page_cap=cap)
    paged = read(chain_of(ibc.node(), subspace_checked=False), ends(61))
    assert paged == read(chain_of(ibc.node(), subspace_checked=True), ends(61))
    assert paged == {end: ibc.pending.get(number, {}) for number, end in enumerate(ends(61))}


def test_single_commitments_are_read_and_the_gone_ones_left_out() -> None:
    node = FakeIbc({0: pending([1, 2, 5])}).node(height=77)
    got = asyncio.run(chain_of(node).committed(ends(1)[0], [5, 3, 1, 1]))
    assert got == Commitments(77, pending([1, 5]))
    assert [len(calls) for calls in node.requests] == [5]


def test_very_many_single_commitments_are_read_as_a_page() -> None:
    node = FakeIbc({0: pending(range(1, 301))}).node()
    wanted = range(100, 400)
    got = asyncio.run(chain_of(node).committed(ends(1)[0], wanted))
    assert got == Commitments(100, pending(range(100, 301)))
    assert len(node.requests) == 1


def test_a_single_commitment_that_can_not_be_read_is_no_missing_one() -> None:
    node = FakeIbc({0: pending([1])}).node()
    node.queries["/ibc.core.channel.v1.Query/PacketCommitment"] = lambda _d, _h: (111222, "panic")
    with pytest.raises(NodeError, match="panic"):
        asyncio.run(chain_of(node).committed(ends(1)[0], [1]))
