"""What stands in a rehearsal chain, in the types of the ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import channel_pb2
from cosmpy.protos.ibc.core.connection.v1 import connection_pb2

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Height, Ordering, Packet, PacketKey
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.topology import ChannelInfo, ClientHealth, ClientInfo, ClientStatus, ConnectionInfo
from relayclear.rehearsal import channels, clients, messages, relaying
from relayclear.rehearsal.chain import Block, Chain
from relayclear.rehearsal.store import View
from relayclear.rehearsal.transactions import Tx, decode, hash_of
from tests.fakes.world import STATES, time_of

EVENTS = {RelayStep.RECV: "recv_packet", RelayStep.ACK: "acknowledge_packet", RelayStep.TIMEOUT: "timeout_packet"}
_STATES = {number: state for state, number in STATES.items()}


def channel_infos(view: View, chain: str) -> list[ChannelInfo]:
    """Every channel end, in the order of the store."""
    found = []
    for key, raw in view.scan("ibc:channelEnds/"):
        _, _, port, _, channel = key.split("/")
        found.append(_channel_info(ChannelEnd(chain, port, channel), channel_pb2.Channel.FromString(raw)))
    return found


def channel_info(view: View, end: ChannelEnd) -> ChannelInfo | None:
    """One channel end, None where there is none."""
    found = channels.channel(view, end.port, end.channel)
    return None if found is None else _channel_info(end, found)


def _channel_info(end: ChannelEnd, found: Any) -> ChannelInfo:
    ordering = Ordering.ORDERED if found.ordering == channels.ORDERED else Ordering.UNORDERED
    far = found.counterparty
    hop = found.connection_hops[0]
    return ChannelInfo(end, _STATES[found.state], ordering, far.port_id, far.channel_id, hop, found.version)


def connection_infos(view: View, chain: str) -> list[ConnectionInfo]:
    """Every connection end."""
    found = []
    for key, raw in view.scan("ibc:connections/"):
        end = connection_pb2.ConnectionEnd.FromString(raw)
        far = end.counterparty
        name, state = key.rpartition("/")[2], _STATES[end.state]
        found.append(ConnectionInfo(chain, name, state, end.client_id, far.connection_id, far.client_id))
    return found


def client_infos(view: View, chain: str) -> list[ClientInfo]:
    """Every light client."""
    names = [key.split("/")[1] for key, _ in view.scan("ibc:clients/") if key.endswith("/clientState")]
    states = {name: clients.state(view, name) for name in names}
    return [
        ClientInfo(chain, name, found.chain_id, found.trusting_period.ToSeconds()) for name, found in states.items()
    ]


def client_health(view: View, client: str, now_ns: int) -> ClientHealth:
    """A client's status at a moment, and its end."""
    status = ClientStatus(clients.status(view, client, now_ns).lower())
    found = clients.state(view, client)
    height = found.latest_height
    since = clients.consensus(view, client, height.revision_number, height.revision_height).timestamp
    expires = time_of(since.ToNanoseconds()) + timedelta(seconds=found.trusting_period.ToSeconds())
    return ClientHealth(status, expires)


def commitments(view: View, end: ChannelEnd) -> dict[int, bytes]:
    """What a channel end has sent and not seen finished."""
    folder = channels.packet_key("commitments", end.port, end.channel, 0).removesuffix("0")
    return dict(sorted((int(key.removeprefix(folder)), value) for key, value in view.scan(folder)))


def was_received(view: View, end: ChannelEnd, sequence: int, *, ordered: bool) -> bool:
    """Whether a channel end received a packet."""
    if ordered:
        return channels.next_sequence(view, "Recv", end.port, end.channel) > sequence
    return view.get(channels.packet_key("receipts", end.port, end.channel, sequence)) is not None


def acknowledgements(view: View, end: ChannelEnd, sequences: tuple[int, ...]) -> dict[int, bytes]:
    """The hashes of what a channel end wrote for packets it received."""
    found = {one: view.get(channels.packet_key("acks", end.port, end.channel, one)) for one in sequences}
    return {sequence: value for sequence, value in found.items() if value is not None}


def sent_packet(chain: Chain, end: ChannelEnd, far_chain: str, sequence: int) -> Packet | None:
    """The packet that last had a sequence, as its send event tells it; None where it was never sent."""
    told = _told(chain, "send_packet", PacketKey(*end, sequence))
    block, place, found = max(told, key=lambda row: row[0].height, default=(None, None, {}))
    if block is None:
        return None
    made = relaying.read_packet(found)
    height = Height(made.timeout_height.revision_number, made.timeout_height.revision_height)
    return Packet(
        PacketKey(*end, sequence),
        ChannelEnd(far_chain, made.destination_port, made.destination_channel),
        made.data,
        height,
        made.timeout_timestamp,
        None if place is None else hash_of(block.txs[place]),
        block.height,
        time_of(block.time_ns),
    )


def relay_txs(chain: Chain, key: PacketKey, step: RelayStep, destination: ChannelEnd | None) -> list[RelayTx]:
    """The transactions on a chain that did one step of a packet."""
    return [
        _relay_tx(chain, step, block, place, found)
        for block, place, found in _told(chain, EVENTS[step], key)
        if destination is None or destination[1:] == (found["packet_dst_port"], found["packet_dst_channel"])
        if place is not None
    ]


def _relay_tx(chain: Chain, step: RelayStep, block: Block, place: int, found: dict[str, str]) -> RelayTx:
    tx, result, ack = decode(block.txs[place]), block.results[place], None
    if step is RelayStep.RECV:
        end = found["packet_dst_port"], found["packet_dst_channel"]
        with suppress(LookupError):
            ack = relaying.acknowledgement_of(chain, *end, int(found["packet_sequence"]))
    fee = tuple(Coin(coin.denom, int(coin.amount)) for coin in tx.auth.fee.amount)
    at = time_of(block.time_ns)
    return RelayTx(chain.spec.chain_id, step, tx.hash, block.height, at, _mover(tx, found), fee, result.gas_used, ack)


def _mover(tx: Tx, found: dict[str, str]) -> str:
    """Who signed the message, in a transaction of many, that moved a packet."""
    told = (found["packet_src_port"], found["packet_src_channel"], found["packet_sequence"])
    for one in tx.body.messages:
        url, message = messages.unpack(one)
        packet = message.packet if messages.KINDS[url].packet else None
        if packet and told == (packet.source_port, packet.source_channel, str(packet.sequence)):
            return str(message.signer)
    raise LookupError(f"{tx.hash} moved no such packet")


def _told(chain: Chain, kind: str, key: PacketKey) -> Iterator[tuple[Block, int | None, dict[str, str]]]:
    for block, place, found in relaying.told(chain, kind, key.sequence):
        if (found["packet_src_port"], found["packet_src_channel"]) == (key.port, key.channel):
            yield block, place, found
