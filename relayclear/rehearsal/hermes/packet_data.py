"""What was in packets, out of a node's index of transactions and of blocks (`rly/chain/cosmos/query/tx.rs`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.links import Link
from relayclear.rehearsal.relaying import read_packet

_FOUND_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class PacketEvent:
    """A packet as its event tells it; with the acknowledgement when the event is of one."""

    packet: Any
    acknowledgement: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The kind of event, and the channel ends that it must name."""

    kind: str
    source: tuple[str, str]
    destination: tuple[str, str]

    def query(self, sequence: int) -> str:
        """The search for the event of one sequence, in the words of Hermes."""
        (port, channel), (far_port, far_channel) = self.source, self.destination
        conditions = {
            "src_channel": channel,
            "src_port": port,
            "dst_channel": far_channel,
            "dst_port": far_port,
            "sequence": str(sequence),
        }
        return " AND ".join(f"{self.kind}.packet_{key} = '{value}'" for key, value in conditions.items())

    def among(self, events: Iterable[Mapping[str, Any]], sequences: Sequence[int]) -> Iterator[PacketEvent]:
        """The wanted packets among the events of a transaction."""
        for event in events:
            if event["type"] != self.kind:
                continue
            attributes = {row["key"]: row["value"] for row in event["attributes"]}
            packet = read_packet(attributes)
            ends = ((packet.source_port, packet.source_channel), (packet.destination_port, packet.destination_channel))
            if ends == (self.source, self.destination) and packet.sequence in sequences:
                written = attributes.get("packet_ack_hex")
                yield PacketEvent(packet, None if written is None else bytes.fromhex(written))


SENT, WRITTEN = "send_packet", "write_acknowledgement"
"""The kinds of event that hold what a packet holds."""


def search(link: Link, kind: str, sequences: Sequence[int], height: int, data_height: int | None) -> list[PacketEvent]:
    """The events of a kind on a link's source: from one block, or from its node's indexes up to a height.

    `WRITTEN` events are of packets that came the other way.  Raises Failure when a search fails,
    which is also what a node without an index makes of it.
    """
    here, there = (link.source.port, link.source.channel), (link.destination.port, link.destination.channel)
    wanted = _Wanted(kind, here, there) if kind == SENT else _Wanted(kind, there, here)
    chain = link.source.chain
    if data_height is not None:
        return [*wanted.among(_events_of(chain, data_height), sequences)]
    found = [event for sequence in sequences for event in _from_txs(chain, wanted, sequence, height)]
    known = {event.packet.sequence for event in found}
    for sequence in sequences:
        if sequence not in known:
            found += _from_blocks(chain, wanted, sequence, height)
    return sorted(found, key=lambda event: int(event.packet.sequence))


def _from_txs(chain: Chain, wanted: _Wanted, sequence: int, height: int) -> list[PacketEvent]:
    told = chain.rpc("tx_search", **_search(wanted.query(sequence)), prove=False)
    for tx in told["txs"]:
        if int(tx["height"]) <= height:
            for event in wanted.among(tx["tx_result"]["events"], [sequence]):
                return [event]
    return []


def _from_blocks(chain: Chain, wanted: _Wanted, sequence: int, height: int) -> list[PacketEvent]:
    told = chain.rpc("block_search", **_search(wanted.query(sequence)))
    for row in told["blocks"]:
        at = int(row["block"]["header"]["height"])
        if at <= height:
            for event in wanted.among(_events_of(chain, at), [sequence]):
                return [event]
    return []


def _search(query: str) -> dict[str, str]:
    return {"query": query, "page": "1", "per_page": str(_FOUND_AT_MOST), "order_by": "desc"}


def _events_of(chain: Chain, height: int) -> list[Mapping[str, Any]]:
    told = chain.rpc("block_results", height=str(height))
    found = [*(told.get("finalize_block_events") or [])]
    for result in told.get("txs_results") or []:
        found += result.get("events") or []
    return found
