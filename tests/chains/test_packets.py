"""Packets and relays out of an index that may be off, short, slow or wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Ordering, Packet, PacketKey, RelayPath
from relayclear.ibc.readings import RelayQuestion, RelayStep, RelayTx
from relayclear.rehearsal.rpc import RpcError
from tests.chains.fake import FakeClock, FakeNode, transport
from tests.chains.test_wire_events import IBC, KEY, THERE, event, message, packed, packet_event

PATH = RelayPath(
    KEY.end, THERE, Ordering.UNORDERED, "ics20-1", "connection-0", "connection-0", "07-tendermint-0", "07-tendermint-0"
)
TIME = "2026-11-22T11:{:02}:00.5Z"


def at(height: int) -> datetime:
    return datetime.fromisoformat(TIME.format(height))


def tx(height: int, *events: Any, code: int | None = 0, raw: str = "", **more: Any) -> dict[str, Any]:
    result = {"code": code, "gas_used": "1234", "events": list(events)} | more
    return {"hash": f"ab{height:04}", "height": str(height), "index": 0, "tx_result": result, "tx": raw}


class FakeIndex:
    """An index over transactions and blocks; a search finds what has an event with the wanted attributes."""

    def __init__(self, txs: Sequence[dict[str, Any]] = (), blocks: dict[int, list[Any]] | None = None) -> None:
        self.txs = txs
        self.blocks = blocks or {}
        self.searches: list[str] = []
        self.pruned_below = 0

    def node(self, **more: Any) -> FakeNode:
        """A node with this index."""
        methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "tx_search": self.tx_search,
            "block_search": self.block_search,
            "block_results": lambda params: {"finalize_block_events": self.blocks[int(params["height"])]},
            "blockchain": self.blockchain,
        }
        return FakeNode(methods=methods, **more)

    def tx_search(self, params: dict[str, Any]) -> Any:
        """Answer `tx_search`, by pages."""
        self.searches.append(params["query"])
        found = [item for item in self.txs if _matches(params["query"], item["tx_result"]["events"])]
        size, page = int(params["per_page"]), int(params["page"])
        assert size <= 100
        return {"txs": found[(page - 1) * size : page * size], "total_count": str(len(found))}

    def block_search(self, params: dict[str, Any]) -> Any:
        """Answer `block_search`."""
        heights = [height for height, events in self.blocks.items() if _matches(params["query"], events)]
        return {
            "blocks": [{"block": {"header": {"height": str(height)}}} for height in heights],
            "total_count": str(len(heights)),
        }

    def blockchain(self, params: dict[str, Any]) -> Any:
        """Answer `blockchain`: headers."""
        low, high = int(params["minHeight"]), int(params["maxHeight"])
        if low < self.pruned_below:
            raise RpcError.internal(f"min height {self.pruned_below} can't be greater than max height {high}")
        return {"block_metas": [{"header": {"height": str(low), "time": TIME.format(low)}}]}


def _matches(query: str, events: Sequence[Any]) -> bool:
    conditions = re.findall(r"(\w+)\.(\w+)='([^']*)'", query)
    return all(
        any(
            item.get("type") == kind and {"key": key, "value": value, "index": True} in item.get("attributes", ())
            for item in events
        )
        for kind, key, value in conditions
    )


def chain_of(*nodes: Any, chain: str = "alpha-1") -> CometChain:
    named = {f"node{number}": node for number, node in enumerate(nodes)}
    return CometChain(
        chain, [f"http://{name}" for name in named], hosts=Hosts(transport(named)), timing=FakeClock().timing()
    )


def sent(index: FakeIndex, *sequences: int) -> dict[int, Any]:
    return asyncio.run(chain_of(index.node()).sent_packets(PATH, sequences))


def send_event(sequence: int = 7, **more: str) -> dict[str, Any]:
    return packet_event("send_packet", packet_sequence=str(sequence), **more)  # type: ignore[arg-type]


def test_a_packet_is_told_with_its_transaction_height_and_time() -> None:
    got = sent(FakeIndex([tx(12, send_event())]), 7)[7]
    assert isinstance(got, Packet)
    assert (got.key, got.destination) == (KEY, THERE)
    assert (got.send_tx, got.sent_height, got.sent_at, got.verified) == ("AB0012", 12, at(12), False)


def test_many_packets_share_requests_and_headers_are_read_once() -> None:
    index = FakeIndex([tx(12, *(send_event(number) for number in range(1, 26)))])
    node = index.node()
    got = asyncio.run(chain_of(node).sent_packets(PATH, range(1, 26)))
    assert {number: packet.key.sequence for number, packet in got.items() if isinstance(packet, Packet)} == {
        number: number for number in range(1, 26)
    }
    # The status and 25 searches, then one header.
    assert [len(calls) for calls in node.requests] == [10, 10, 6, 1]


def test_the_search_has_one_condition_until_it_finds_too_much() -> None:
    strangers = [tx(height % 50, send_event(packet_src_channel="channel-5")) for height in range(31)]
    index = FakeIndex([*strangers, tx(12, send_event())])
    assert isinstance(sent(index, 7)[7], Packet)
    assert index.searches == [
        "send_packet.packet_sequence='7'",
        "send_packet.packet_sequence='7' AND send_packet.packet_src_channel='channel-0'",
    ]


def test_all_pages_of_a_narrow_search_are_read() -> None:
    # The same channel id on another port fills the first two pages.
    strangers = [tx(height % 50, send_event(packet_src_port="wasm.x")) for height in range(205)]
    assert isinstance(sent(FakeIndex([*strangers, tx(12, send_event())]), 7)[7], Packet)


def test_a_failed_transaction_sent_nothing() -> None:
    got = sent(FakeIndex([tx(11, send_event(), code=5), tx(12, send_event(), code=None)]), 7)[7]
    assert isinstance(got, Packet)
    assert got.sent_height == 12


def test_a_packet_that_a_block_sent_is_found_there() -> None:
    got = sent(FakeIndex(blocks={20: [send_event()]}), 7)[7]
    assert isinstance(got, Packet)
    assert (got.send_tx, got.sent_height, got.sent_at) == (None, 20, at(20))


def test_what_no_index_has_is_not_found_and_spoils_no_other() -> None:
    got = sent(FakeIndex([tx(12, send_event())]), 7, 8)
    assert isinstance(got[7], Packet)
    assert isinstance(got[8], NotFoundError)
    assert got[8].message == "the index has no transaction that sent alpha-1/channel-0/8"


def test_a_send_event_that_can_not_be_read_is_an_error_of_that_packet() -> None:
    got = sent(FakeIndex([tx(12, send_event(packet_data_hex="zz"))]), 7)[7]
    assert isinstance(got, NodeError)
    got = sent(FakeIndex(blocks={20: [send_event(packet_data_hex="zz")]}), 7)[7]
    assert isinstance(got, NodeError)


def test_a_packet_whose_block_is_pruned_keeps_its_time_open() -> None:
    index = FakeIndex([tx(12, send_event())])
    index.pruned_below = 30
    got = sent(index, 7)[7]
    assert isinstance(got, Packet)
    assert (got.sent_height, got.sent_at) == (12, None)


def off(_: Any) -> Any:
    raise RpcError.internal("transaction indexing is disabled")


def test_an_index_that_is_off_says_so_for_every_packet() -> None:
    node = FakeNode(methods={"tx_search": off, "block_search": off})
    got = asyncio.run(chain_of(node).sent_packets(PATH, [7, 8]))
    assert all(isinstance(error, IndexerError) for error in got.values())
    assert len(got) == 2


def test_a_second_endpoint_with_an_index_tells() -> None:
    node = FakeNode(methods={"tx_search": off, "block_search": off})
    got = asyncio.run(chain_of(node, FakeIndex([tx(12, send_event())]).node()).sent_packets(PATH, [7]))
    assert isinstance(got[7], Packet)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"txs": [{}], "total_count": "1"},
        {"txs": 7, "total_count": "1"},
        {"txs": [{"hash": "a", "height": "x", "tx_result": {}}]},
        {"txs": [None]},
    ],
)
def test_a_search_result_without_sense_is_an_error_never_not_found(answer: Any) -> None:
    node = FakeNode(methods={"tx_search": lambda _: answer, "block_search": lambda _: answer})
    got = asyncio.run(chain_of(node).sent_packets(PATH, [7]))[7]
    assert isinstance(got, NodeError)


def relay_index(*txs: dict[str, Any]) -> CometChain:
    return chain_of(FakeIndex(txs).node(chain="beta-1"), chain="beta-1")


FEE = event("tx", fee="455ubeta", fee_payer="granter")


def recv(height: int, signer: str = "us", code: int = 0, **more: str) -> dict[str, Any]:
    events = [
        FEE,
        packet_event("recv_packet", **more),  # type: ignore[arg-type]
        packet_event("write_acknowledgement", packet_ack_hex=b"ok".hex(), **more),  # type: ignore[arg-type]
    ]
    raw = packed((f"{IBC}MsgRecvPacket", message(channel_tx.MsgRecvPacket, signer)))
    return tx(height, *events, code=code, raw=raw)


def test_who_relayed_and_what_it_cost_is_told() -> None:
    question = RelayQuestion(KEY.end, RelayStep.RECV, (7,), THERE)
    assert asyncio.run(relay_index(recv(14)).relay_txs([question])) == {
        KEY: [
            RelayTx(
                chain="beta-1",
                step=RelayStep.RECV,
                hash="AB0014",
                height=14,
                at=at(14),
                relayer="us",
                fee=(Coin("ubeta", 455),),
                gas_used=1234,
                ack=b"ok",
            )
        ]
    }


def test_a_failed_relay_did_nothing_and_two_relays_stand_in_order() -> None:
    question = RelayQuestion(KEY.end, RelayStep.RECV, (7,), THERE)
    found = asyncio.run(relay_index(recv(13, code=11), recv(14), recv(15, "rival")).relay_txs([question]))
    assert [(row.height, row.relayer) for row in found[KEY]] == [(14, "us"), (15, "rival")]


def test_a_relay_from_another_chains_channel_of_the_same_id_is_not_ours() -> None:
    chain = relay_index(recv(14, packet_dst_channel="channel-1"))
    question = RelayQuestion(KEY.end, RelayStep.RECV, (7,), THERE)
    assert asyncio.run(chain.relay_txs([question])) == {KEY: []}


def test_what_is_not_in_the_index_is_an_empty_list() -> None:
    question = RelayQuestion(KEY.end, RelayStep.ACK, (7, 8))
    found = asyncio.run(relay_index(recv(14)).relay_txs([question]))
    assert found == {KEY: [], PacketKey("alpha-1", "transfer", "channel-0", 8): []}
    assert asyncio.run(relay_index().relay_txs([])) == {}


def test_relays_raise_only_when_nothing_could_be_searched() -> None:
    question = RelayQuestion(KEY.end, RelayStep.RECV, (7, 8), THERE)
    with pytest.raises(IndexerError):
        asyncio.run(chain_of(FakeNode(methods={"tx_search": off})).relay_txs([question]))
    index = FakeIndex([recv(14)])

    def half(params: dict[str, Any]) -> Any:
        return off(params) if "'8'" in params["query"] else index.tx_search(params)

    node = index.node(chain="beta-1")
    node.methods["tx_search"] = half
    found = asyncio.run(chain_of(node, chain="beta-1").relay_txs([question]))
    assert [len(rows) for rows in found.values()] == [1, 0]


def test_a_block_time_is_read_and_a_missing_block_is_said() -> None:
    index = FakeIndex()
    chain = chain_of(index.node())
    assert asyncio.run(chain.block_time(33)) == at(33)
    index.pruned_below = 40
    with pytest.raises(HeightError):
        asyncio.run(chain.block_time(34))


@pytest.mark.parametrize(
    "answer", [None, {}, {"block_metas": [{}]}, {"block_metas": [{"header": {"height": "5", "time": "noon"}}]}]
)
def test_headers_without_sense_are_an_error(answer: Any) -> None:
    with pytest.raises(NodeError):
        asyncio.run(chain_of(FakeNode(methods={"blockchain": lambda _: answer})).block_time(5))


@pytest.mark.parametrize("answer", [{"block_metas": []}, {"block_metas": None}])
def test_no_header_is_a_missing_block(answer: Any) -> None:
    with pytest.raises(HeightError):
        asyncio.run(chain_of(FakeNode(methods={"blockchain": lambda _: answer})).block_time(5))


def test_the_header_of_another_block_is_not_taken() -> None:
    other = {"block_metas": [{"header": {"height": "6", "time": TIME.format(6)}}]}
    with pytest.raises(HeightError):
        asyncio.run(chain_of(FakeNode(methods={"blockchain": lambda _: other})).block_time(5))


def test_the_sending_end_is_the_paths_own() -> None:
    assert PATH.source == ChannelEnd("alpha-1", "transfer", "channel-0")
