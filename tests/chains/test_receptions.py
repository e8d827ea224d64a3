"""What the other side received: exact for every list, never a walk through old acknowledgements."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import NodeError, NotFoundError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Reception, ReceptionQuestion
from tests.chains.fake import FakeClock, FakeNode, transport
from tests.chains.fake_ibc import FakeIbc, commitment, ends


def chain_of(node: FakeNode) -> CometChain:
    hosts = Hosts(transport({"node": node}))
    return CometChain("beta-1", ["http://node"], hosts=hosts, timing=FakeClock().timing(), rpc_budget=1e6)


def read(node: FakeNode, *questions: ReceptionQuestion) -> dict[ChannelEnd, Any]:
    return asyncio.run(chain_of(node).receptions(questions))


def end(number: int = 0) -> ChannelEnd:
    return ends(number + 1, "beta-1")[number]


def test_received_unreceived_and_acknowledged_are_told_apart() -> None:
    ibc = FakeIbc(receipts={0: {1, 2, 9}}, acks={0: {1: commitment(1), 9: commitment(9)}})
    node = ibc.node(chain="beta-1", height=55)
    assert read(node, ReceptionQuestion(end(), (1, 2, 3))) == {end(): Reception(55, frozenset({3}), {1: commitment(1)})}


def test_acknowledgements_are_asked_only_for_what_was_received() -> None:
    ibc = FakeIbc(receipts={0: {1}, 1: set()})
    node = ibc.node(chain="beta-1")
    read(node, ReceptionQuestion(end(0), (1, 2)), ReceptionQuestion(end(1), (3, 4)))
    assert len(node.asked("PacketAcknowledgements")) == 1
    assert [len(calls) for calls in node.requests] == [3, 1]


def test_where_nothing_was_received_one_round_trip_is_all() -> None:
    node = FakeIbc(receipts={0: set()}).node(chain="beta-1")
    assert read(node, ReceptionQuestion(end(), (1, 2))) == {end(): Reception(100, frozenset({1, 2}), {})}
    assert len(node.requests) == 1


def test_a_question_about_nothing_is_answered_without_asking() -> None:
    node = FakeIbc().node(chain="beta-1")
    assert read(node, ReceptionQuestion(end(), ())) == {end(): Reception(0, frozenset(), {})}
    assert read(node) == {}
    assert node.asked("UnreceivedPackets") + node.asked("PacketAcknowledgements") == []


def test_an_ordered_channel_is_asked_for_its_next_sequence() -> None:
    ibc = FakeIbc(next_receive={0: 4}, acks={0: {2: commitment(2)}})
    node = ibc.node(chain="beta-1")
    got = read(node, ReceptionQuestion(end(), (2, 3, 4, 5), ordered=True))
    assert got == {end(): Reception(100, frozenset({4, 5}), {2: commitment(2)})}
    assert node.asked("UnreceivedPackets") == []


def test_ordered_and_unordered_channels_share_their_requests() -> None:
    node = FakeIbc(next_receive={0: 1}, receipts={1: set()}).node(chain="beta-1")
    read(node, ReceptionQuestion(end(0), (1,), ordered=True), ReceptionQuestion(end(1), (1,)))
    assert len(node.requests) == 1


def test_very_long_lists_are_cut_into_bodies_the_node_takes() -> None:
    sequences = tuple(range(2**40, 2**40 + 150_000))
    ibc = FakeIbc(receipts={0: set(sequences[::2])}, acks={0: {sequences[0]: commitment(0)}})
    node = ibc.node(chain="beta-1")
    got = read(node, ReceptionQuestion(end(), sequences))[end()]
    assert got == Reception(100, frozenset(sequences[1::2]), {sequences[0]: commitment(0)})
    assert len(node.asked("UnreceivedPackets")) == 8


def test_a_node_that_limits_gas_is_asked_in_smaller_pieces_and_remembered() -> None:
    sequences = tuple(range(1, 2001))
    ibc = FakeIbc(receipts={0: set(range(1, 1001))}, acks={0: {7: commitment(7)}}, gas=250)
    node = ibc.node(chain="beta-1")
    chain = chain_of(node)
    expected = {end(): Reception(100, frozenset(range(1001, 2001)), {7: commitment(7)})}
    question = ReceptionQuestion(end(), sequences)
    assert asyncio.run(chain.receptions([question])) == expected
    node.requests.clear()
    assert asyncio.run(chain.receptions([question])) == expected
    # 2,000 sequences in pieces of 125, and 1,000 received ones: no piece is declined any more.
    assert len(node.asked("UnreceivedPackets")) == 16
    assert len(node.asked("PacketAcknowledgements")) == 8


def test_a_gas_limit_below_the_smallest_piece_is_an_error() -> None:
    node = FakeIbc(receipts={0: set()}, gas=10).node(chain="beta-1")
    assert isinstance(read(node, ReceptionQuestion(end(), tuple(range(1, 301))))[end()], NodeError)


def test_a_channel_that_does_not_exist_spoils_itself_alone() -> None:
    node = FakeIbc(receipts={1: set()}).node(chain="beta-1")
    got = read(node, ReceptionQuestion(end(0), (1,)), ReceptionQuestion(end(1), (1,)))
    assert isinstance(got[end(0)], NotFoundError)
    assert got[end(1)] == Reception(100, frozenset({1}), {})


@pytest.mark.parametrize("path", ["UnreceivedPackets", "PacketAcknowledgements"])
def test_an_answer_that_makes_no_sense_is_an_error_never_received(path: str) -> None:
    node = FakeIbc(receipts={0: {1}}).node(chain="beta-1")
    node.queries[f"/ibc.core.channel.v1.Query/{path}"] = lambda _d, _h: b"\xff\xff"
    assert isinstance(read(node, ReceptionQuestion(end(), (1, 2)))[end()], NodeError)


@pytest.mark.parametrize("path", ["UnreceivedPackets", "PacketAcknowledgements", "NextSequenceReceive"])
def test_a_declined_question_is_an_error_never_received(path: str) -> None:
    node = FakeIbc(receipts={0: {1}}, next_receive={0: 5}).node(chain="beta-1")
    node.queries[f"/ibc.core.channel.v1.Query/{path}"] = lambda _d, _h: (111222, "panic")
    ordered = path == "NextSequenceReceive"
    assert isinstance(read(node, ReceptionQuestion(end(), (1, 2), ordered))[end()], NodeError)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=60),
    st.sets(st.integers(0, 59)),
    st.sets(st.integers(0, 59)),
    st.integers(25, 60),
)
def test_every_split_of_every_list_gives_the_same_answer(
    asked: list[int], have: set[int], written: set[int], gas: int
) -> None:
    receipts = {asked[index] for index in have if index < len(asked)}
    acks = {asked[index]: commitment(index) for index in written if index < len(asked) and index in have}
    node = FakeIbc(receipts={0: receipts}, acks={0: acks}, gas=gas).node(chain="beta-1")
    expected = Reception(100 if asked else 0, frozenset(asked) - receipts, acks)
    assert read(node, ReceptionQuestion(end(), tuple(asked))) == {end(): expected}
