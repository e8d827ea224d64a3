"""A rehearsal chain's IBC state behind a FakeNode: commitments, receipts, acknowledgements; paged and metered."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import query_pb2

from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import channels, queries
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.spec import ChainSpec
from tests.chains.fake import Answer, FakeNode

_QUERY = "/ibc.core.channel.v1.Query/"
COMMITMENTS, SUBSPACE = f"{_QUERY}PacketCommitments", "store/ibc/subspace"
_UNRECEIVED, _ACKNOWLEDGEMENTS = f"{_QUERY}UnreceivedPackets", f"{_QUERY}PacketAcknowledgements"
_PLAIN = [f"{_QUERY}PacketCommitment", f"{_QUERY}UnreceivedAcks", f"{_QUERY}NextSequenceReceive"]
_OUT_OF_GAS = (111222, "{ReadFlat}: panic")


def commitment(sequence: int) -> bytes:
    """Any 32 bytes that belong to the sequence."""
    return sha256(b"packet %d" % sequence).digest()


def ends(count: int, chain: str = "alpha-1") -> list[ChannelEnd]:
    """The transfer channels 0 to `count` - 1 of a chain."""
    return [ChannelEnd(chain, "transfer", f"channel-{number}") for number in range(count)]


@dataclass
class FakeIbc:
    """What stands in the store, by channel number of port `transfer`; channels in `next_receive` are ordered.

    The chain is an ibc-go v8 one, which answers about packets of channels that aren't there.
    `page_cap` shortens pages, `page_refusal` declines limits above it, `gas` declines to look at more things at once.
    """

    pending: dict[int, dict[int, bytes]] = field(default_factory=dict)
    receipts: dict[int, set[int]] = field(default_factory=dict)
    acks: dict[int, dict[int, bytes]] = field(default_factory=dict)
    next_receive: dict[int, int] = field(default_factory=dict)
    page_cap: int = 2**63
    page_refusal: int = 2**63
    gas: int = 2**63
    refused_heights: Callable[[int], bool] = lambda _height: False
    subspace: Callable[[bytes], Answer] | None = None

    def __post_init__(self) -> None:
        """All of it stands there from the first block on."""
        self.chain = Chain(ChainSpec("alpha-1", "stake"), {})
        self.chain.make_block(0)
        self.chain.store.fill(self._rows(), 1)

    def node(self, **more: Any) -> FakeNode:
        """A node with this state, the chain of which has blocks up to the node's height."""
        node = FakeNode(queries={path: partial(self.ask, path) for path in _PLAIN}, **more)
        node.queries |= {
            COMMITMENTS: self._commitments,
            _UNRECEIVED: self._unreceived,
            _ACKNOWLEDGEMENTS: self._acknowledgements,
            SUBSPACE: self._whole,
        }
        while self.chain.height < node.height:
            self.chain.make_block(0)
        return node

    def ask(self, path: str, data: bytes, height: int = 0) -> dict[str, Any]:
        """What the rehearsal's chain answers; a refused height is one that its node has pruned."""
        newest = self.chain.height
        faults = NodeFaults(pruned_below=newest + 1 if self.refused_heights(height) else 0)
        return queries.answer(self.chain, faults, "", queries.Query(path, data, height), newest)

    def replace(self, number: int, found: dict[int, bytes]) -> None:
        """Let this be what is pending on a channel from now on."""
        writes = _packets("commitments", number, {**dict.fromkeys(self.pending[number]), **found})
        self.pending[number] = found
        self.chain.store.apply(writes, self.chain.height)

    def _rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        for number in {*self.pending, *self.receipts, *self.acks, *self.next_receive}:
            kind = channels.ORDERED if number in self.next_receive else channels.UNORDERED
            end = channels.opened(f"channel-{number}", "connection-0", ordering=kind)
            rows[channels.channel_key("transfer", f"channel-{number}")] = end
            rows |= _packets("commitments", number, self.pending.get(number, {}))
            rows |= _packets("receipts", number, dict.fromkeys(self.receipts.get(number, ()), channels.RECEIPT))
            rows |= _packets("acks", number, self.acks.get(number, {}))
        for number, following in self.next_receive.items():
            rows[channels.next_key("Recv", "transfer", f"channel-{number}")] = following.to_bytes(8)
        return rows

    def _commitments(self, data: bytes, height: int) -> Answer:
        request = query_pb2.QueryPacketCommitmentsRequest.FromString(data)
        page = request.pagination
        assert page.limit > 0, "no limit means a count of everything"
        if page.limit > self.page_refusal:
            return 18, f"page limit {page.limit} exceeds maximum {self.page_refusal}: invalid request"
        if page.limit > self.gas:
            return 111222, "{ValuePerByte}: panic"
        page.limit = min(page.limit, self.page_cap)
        return self.ask(COMMITMENTS, request.SerializeToString(), height)

    def _unreceived(self, data: bytes, height: int) -> Answer:
        asked = query_pb2.QueryUnreceivedPacketsRequest.FromString(data).packet_commitment_sequences
        return _OUT_OF_GAS if len(asked) > self.gas else self.ask(_UNRECEIVED, data, height)

    def _acknowledgements(self, data: bytes, height: int) -> Answer:
        asked = query_pb2.QueryPacketAcknowledgementsRequest.FromString(data).packet_commitment_sequences
        assert asked, "a walk through every acknowledgement ever written"
        return _OUT_OF_GAS if len(asked) > self.gas else self.ask(_ACKNOWLEDGEMENTS, data, height)

    def _whole(self, data: bytes, height: int) -> Answer:
        assert data in {b"commitments/", b"nextSequenceSend/"}
        return self.subspace(data) if self.subspace else self.ask(SUBSPACE, data, height)


def _packets(folder: str, number: int, found: Mapping[int, bytes | None]) -> dict[str, bytes | None]:
    stem = channels.packet_key(folder, "transfer", f"channel-{number}", 0)[:-1]
    return {f"{stem}{sequence}": value for sequence, value in found.items()}


def whole(pending: dict[int, dict[int, bytes]]) -> bytes:
    """What `store/ibc/subspace` answers about these commitments."""
    return base64.b64decode(FakeIbc(pending).ask(SUBSPACE, b"commitments/")["value"])


def pending(sequences: Sequence[int]) -> dict[int, bytes]:
    """Commitments of these sequences."""
    return {number: commitment(number) for number in sequences}
