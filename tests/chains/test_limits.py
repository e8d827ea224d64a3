"""What a node says is never taken in without end: bodies, messages, depth, pages, counts, heights."""

from __future__ import annotations

import asyncio
import gzip
from itertools import count

import httpx
import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channels

from relayclear.chains import accounts, commitments, jsonrpc, news, proven, topology
from relayclear.chains.blocks import blocks, moves
from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import REPLY_CAP, Hosts
from relayclear.chains.jsonrpc import BadReplyError
from relayclear.errors import NodeError, RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import ReceptionQuestion
from tests.chains.fake import NOW, FakeClock, FakeNode, endpoints, transport

END = ChannelEnd("alpha-1", "transfer", "channel-0")
_CHANNELS = "/ibc.core.channel.v1.Query/Channels"
_COMMITMENTS = "/ibc.core.channel.v1.Query/PacketCommitments"
_BALANCES = "/cosmos.bank.v1beta1.Query/AllBalances"


def chain_of(node: FakeNode) -> CometChain:
    return CometChain("alpha-1", ["http://node0"], hosts=Hosts(transport({"node0": node})), timing=FakeClock().timing())


def rising() -> bytes:
    """A page key above all that came before."""
    return next(_KEYS).to_bytes(8)


_KEYS = count(1)


def test_the_caps_are_what_the_documents_say() -> None:
    assert (REPLY_CAP, news._MOST_BYTES) == (32 * 1024**2, 64 * 1024**2)


def test_a_small_reply_that_unfolds_to_gigabytes_is_taken_in() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(bomb))

    [got] = asyncio.run(endpoints(answer).queries([jsonrpc.query("/x")]))
    assert isinstance(got, NodeError)
    assert "compresses its answers" in got.message


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_nested_a_million_deep_ends_the_process(opening: bytes) -> None:
    with pytest.raises(BadReplyError):
        jsonrpc.answers(200, opening * 1_000_000, 1)


def test_channel_pages_with_ever_higher_keys_are_walked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "MOST_PAGES", 20)
    page = channels.QueryChannelsResponse()

    def answer(_: bytes, __: int) -> bytes:
        page.pagination.next_key = rising()
        return bytes(page.SerializeToString())

    async def run() -> None:
        async for _ in chain_of(FakeNode(queries={_CHANNELS: answer})).channel_pages(None):
            pass

    with pytest.raises(NodeError, match="don't end"):
        asyncio.run(run())


@pytest.mark.parametrize("rows", [0, 3])
def test_commitment_pages_with_ever_higher_keys_are_walked_for_ever(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(commitments, "MOST_COMMITMENTS", 30)
    numbers = count(1)

    def answer(_: bytes, __: int) -> bytes:
        page = channels.QueryPacketCommitmentsResponse()
        for _row in range(rows):
            page.commitments.add(sequence=next(numbers), data=b"x" * 32)
        page.height.revision_height = 1
        page.pagination.next_key = rising()
        return bytes(page.SerializeToString())

    got = asyncio.run(chain_of(FakeNode(queries={_COMMITMENTS: answer})).commitments([END]))[END]
    assert isinstance(got, NodeError)
    assert "don't end" in got.message


@pytest.mark.parametrize("rows", [0, 3])
def test_balances_with_ever_higher_keys_are_walked_for_ever(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(accounts, "MOST_DENOMS", 30)
    numbers = count(1)

    def answer(_: bytes, __: int) -> bytes:
        page = bank.QueryAllBalancesResponse()
        for _row in range(rows):
            page.balances.add(denom=f"u{next(numbers)}", amount="1")
        page.pagination.next_key = rising()
        return bytes(page.SerializeToString())

    async def run() -> None:
        await accounts.balances(endpoints(FakeNode(queries={_BALANCES: answer})), "cosmos1x")

    with pytest.raises(NodeError, match="don't end"):
        asyncio.run(run())


def searchable(total: int) -> FakeNode:
    """A node whose every search counts so many results, and whose every block is there."""
    meta = {"header": {"height": "7", "time": NOW.isoformat()}, "num_txs": "0"}
    found = {"total_count": str(total), "txs": [], "blocks": []}
    return FakeNode(
        methods={
            "blockchain": lambda _: {"block_metas": [meta]},
            "tx_search": lambda _: found,
            "block_search": lambda _: found,
        }
    )


def test_a_search_that_counts_a_trillion_fills_the_memory_with_its_pages() -> None:
    async def run() -> None:
        await proven.search(endpoints(searchable(10**12)), [proven.transactions("a='b'")], 7, 7)

    with pytest.raises(NodeError, match="counts more than"):
        asyncio.run(run())


def test_a_node_that_claims_a_height_of_a_quintillion_fills_the_memory_with_blocks_to_read() -> None:
    node = FakeNode()

    async def run() -> None:
        async for _ in blocks(endpoints(node), moves("cosmos1x"), 1, 10**18):
            pass

    with pytest.raises(RelayclearError):
        asyncio.run(run())
    assert len(node.requests) < 10


@pytest.mark.parametrize("height", ["9" * 30, "9" * 5000, str(2**63), "-5", "1e3"])
def test_a_height_that_no_chain_can_have_is_kept_and_breaks_the_database(height: str) -> None:
    node = FakeNode()

    def status(_: dict[str, object]) -> dict[str, object]:
        told = node.status()
        return {**told, "sync_info": {**told["sync_info"], "latest_block_height": height}}

    node.methods["status"] = status
    with pytest.raises(NodeError, match="makes no sense"):
        asyncio.run(endpoints(node).head())


@pytest.mark.parametrize("name", ["--config", "-x", "a/b", "", "a b", "ü", "x\n", "x" * 129])
@pytest.mark.parametrize("field", ["port_id", "channel_id"])
def test_a_channel_named_like_an_option_reaches_hermes_argument_list(name: str, field: str) -> None:
    page = channels.QueryChannelsResponse()
    row = page.channels.add(port_id="transfer", channel_id="channel-0")
    setattr(row, field, name)
    node = FakeNode(queries={_CHANNELS: lambda _d, _h: bytes(page.SerializeToString())})

    async def run() -> None:
        async for _ in chain_of(node).channel_pages(None):
            pass

    with pytest.raises(NodeError, match="a channel end named"):
        asyncio.run(run())


def test_a_handshake_that_anybody_can_begin_takes_a_whole_chain_away() -> None:
    page = channels.QueryChannelsResponse()
    row = page.channels.add(port_id="transfer", channel_id="channel-0", state=1)
    row.counterparty.port_id = "--config"
    node = FakeNode(queries={_CHANNELS: lambda _d, _h: bytes(page.SerializeToString())})

    async def run() -> list[ChannelEnd]:
        return [info.end async for found in chain_of(node).channel_pages(None) for info in found.channels]

    assert asyncio.run(run()) == [END]


@pytest.mark.parametrize("path", [_COMMITMENTS, f"{_COMMITMENTS.rpartition('/')[0]}/UnreceivedPackets"])
@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_an_answer_that_was_cut_short_says_that_nothing_is_pending_or_all_is_received(path: str, left: int) -> None:
    page = channels.QueryPacketCommitmentsResponse()
    page.commitments.add(sequence=7, data=b"x" * 32)
    unreceived = channels.QueryUnreceivedPacketsResponse(sequences=[7])
    for whole in (page, unreceived):
        whole.height.revision_height = 100
    made = page if path == _COMMITMENTS else unreceived
    node = FakeNode(queries={path: lambda _d, _h: bytes(made.SerializeToString())[:left]})
    chain = chain_of(node)
    if path == _COMMITMENTS:
        got: object = asyncio.run(chain.commitments([END]))[END]
    else:
        got = asyncio.run(chain.receptions([ReceptionQuestion(END, (7,), ordered=False)]))[END]
    assert isinstance(got, NodeError)
