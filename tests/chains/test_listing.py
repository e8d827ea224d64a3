"""What a listing costs: at most ceil(N/10) + ceil(2M/10) + further pages + 3 requests per chain."""

from __future__ import annotations

import asyncio
from math import ceil

import pytest

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Commitments, Reception, ReceptionQuestion
from tests.chains.fake import FakeClock, transport
from tests.chains.fake_ibc import FakeIbc, commitment, ends, pending


async def _list(source: CometChain, destination: CometChain, wanted: list[ChannelEnd]) -> tuple[int, int, int]:
    """One direction of a scan: packets pending, unreceived, acknowledged."""
    _, found = await asyncio.gather(source.head(), source.commitments(wanted))
    questions = [
        ReceptionQuestion(ChannelEnd("beta-1", end.port, end.channel), tuple(got.by_sequence))
        for end, got in found.items()
        if isinstance(got, Commitments) and got.by_sequence
    ]
    _, received = await asyncio.gather(destination.head(), destination.receptions(questions))
    rows = [got for got in received.values() if isinstance(got, Reception)]
    return (
        sum(len(question.sequences) for question in questions),
        sum(len(row.unreceived) for row in rows),
        sum(len(row.acknowledgements) for row in rows),
    )


@pytest.mark.parametrize(("count", "busy"), [(1, 0), (1, 1), (10, 3), (40, 40), (200, 50), (205, 205)])
@pytest.mark.parametrize("subspace", [None, True, False])
def test_a_listing_costs_no_more_requests_than_promised(count: int, busy: int, subspace: bool | None) -> None:  # noqa: FBT001
    state = {number: pending([1, 2, 3]) for number in range(busy)}
    acks = {number: {1: commitment(1)} for number in range(busy)}
    source = FakeIbc(state).node()
    destination = FakeIbc(receipts={number: {1, 2} for number in range(busy)}, acks=acks).node(chain="beta-1")
    hosts = Hosts(transport({"a": source, "b": destination}))
    timing = FakeClock().timing()
    a = CometChain("alpha-1", ["http://a"], hosts=hosts, timing=timing, subspace_checked=subspace)
    b = CometChain("beta-1", ["http://b"], hosts=hosts, timing=timing)
    assert asyncio.run(_list(a, b, ends(count))) == (3 * busy, busy, busy)
    assert a.requests == len(source.requests) <= ceil(count / 10) + 3
    # The two questions of a channel travel in two round trips, each in batches of ten.
    assert b.requests == len(destination.requests) <= 2 * ceil(busy / 10) + 1
    per_chain = 3
    assert a.requests + b.requests <= ceil(count / 10) + ceil(2 * busy / 10) + 2 * per_chain


def test_further_pages_cost_a_request_for_every_ten_channels_that_have_them() -> None:
    node = FakeIbc({number: pending(range(1, 31)) for number in range(20)}, page_cap=10).node()
    chain = CometChain("alpha-1", ["http://a"], hosts=Hosts(transport({"a": node})), timing=FakeClock().timing())
    found = asyncio.run(chain.commitments(ends(20)))
    assert all(isinstance(got, Commitments) and len(got.by_sequence) == 30 for got in found.values())
    assert len(node.requests) == 3 + 2 + 2
