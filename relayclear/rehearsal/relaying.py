"""What a relayer does to a packet, as transactions of an account of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import channel_pb2
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx
from cosmpy.protos.ibc.core.client.v1 import tx_pb2 as client_tx
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2
from google.protobuf import any_pb2

from relayclear.ibc.packet import PacketKey
from relayclear.rehearsal import channels, clients
from relayclear.rehearsal.chain import Block, Chain, TxResult
from relayclear.rehearsal.transactions import wrap
from relayclear.rehearsal.world import World

Packet = Any


def told(chain: Chain, kind: str, sequence: int) -> Iterator[tuple[Block, int | None, dict[str, str]]]:
    """Where a chain told of packets of a sequence, whatever their channels; `kind` is the event's type.

    Yields the block, the place of the transaction in it (None: the block itself did it), the event's attributes.
    """
    attribute = (f"{kind}.packet_sequence", str(sequence))
    places: list[tuple[int, int | None]] = [*chain.index.get(attribute, ())]
    places += [(height, None) for height in chain.block_index.get(attribute, ())]
    for height, place in places:
        block = chain.blocks[height - 1]
        for event in block.events if place is None else block.results[place].events:
            found = dict(event.attributes)
            if event.type == kind and found["packet_sequence"] == str(sequence):
                yield block, place, found


def packet_of(world: World, key: PacketKey) -> Packet:
    """The packet as its send event tells it.  Raises LookupError when it was never sent."""
    for _, _, found in told(world.chains[key.chain], "send_packet", key.sequence):
        if (found["packet_src_port"], found["packet_src_channel"]) == (key.port, key.channel):
            return read_packet(found)
    raise LookupError(f"{key} was never sent")


def read_packet(attributes: dict[str, str]) -> Packet:
    """A packet out of the attributes of one of its events that carries the data."""
    made = channel_pb2.Packet(
        sequence=int(attributes["packet_sequence"]),
        source_port=attributes["packet_src_port"],
        source_channel=attributes["packet_src_channel"],
        destination_port=attributes["packet_dst_port"],
        destination_channel=attributes["packet_dst_channel"],
        data=bytes.fromhex(attributes["packet_data_hex"]),
        timeout_timestamp=int(attributes["packet_timeout_timestamp"]),
    )
    revision, _, height = attributes["packet_timeout_height"].partition("-")
    made.timeout_height.revision_number, made.timeout_height.revision_height = int(revision), int(height)
    return made


def update_client(client: str, seen_chain: str, height: int, time_ns: int, signer: str) -> Any:
    """A MsgUpdateClient that tells a client of another chain's block."""
    header = tendermint_pb2.Header()
    header.signed_header.header.chain_id = seen_chain
    header.signed_header.header.height = height
    header.signed_header.header.time.FromNanoseconds(time_ns)
    made = client_tx.MsgUpdateClient(client_id=client, signer=signer)
    made.client_message.CopyFrom(any_pb2.Any(type_url=clients.HEADER_URL, value=header.SerializeToString()))
    return wrap("/ibc.core.client.v1.MsgUpdateClient", made)


def deliver(world: World, key: PacketKey, signer: str) -> TxResult:
    """MsgRecvPacket on the destination."""
    there = world.other_end(key.end)
    msg = channel_tx.MsgRecvPacket(packet=packet_of(world, key), signer=signer, proof_commitment=b"\x01")
    return _submit(world, there.chain, key.chain, world.client_of(there), msg, signer)


def acknowledge(world: World, key: PacketKey, signer: str) -> TxResult:
    """MsgAcknowledgement on the source, with what the destination wrote."""
    there = world.other_end(key.end)
    written = acknowledgement_of(world.chains[there.chain], there.port, there.channel, key.sequence)
    msg = channel_tx.MsgAcknowledgement(
        packet=packet_of(world, key), acknowledgement=written, signer=signer, proof_acked=b"\x01"
    )
    return _submit(world, key.chain, there.chain, world.client_of(key.end), msg, signer)


def time_out(world: World, key: PacketKey, signer: str) -> TxResult:
    """MsgTimeout on the source, or MsgTimeoutOnClose where the other end is closed."""
    there = world.other_end(key.end)
    store = world.chains[there.chain].store
    closed = channels.channel(store, there.port, there.channel).state == channels.CLOSED
    fields = {
        "packet": packet_of(world, key),
        "next_sequence_recv": channels.next_sequence(store, "Recv", there.port, there.channel),
        "signer": signer,
        "proof_unreceived": b"\x01",
    }
    kind = channel_tx.MsgTimeoutOnClose if closed else channel_tx.MsgTimeout
    return _submit(world, key.chain, there.chain, world.client_of(key.end), kind(**fields), signer)


def relay(world: World, key: PacketKey, near: str, far: str) -> list[str]:
    """Do whatever a packet waits for; the names of the steps done: recv, ack, timeout."""
    source, there = world.chains[key.chain], world.other_end(key.end)
    far_chain = world.chains[there.chain]
    done: list[str] = []
    if source.store.get(channels.packet_key("commitments", key.port, key.channel, key.sequence)) is None:
        return done
    steps: list[tuple[str, Callable[[World, PacketKey, str], TxResult], str]] = []
    if not was_received(far_chain, there.port, there.channel, key.sequence):
        packet, end = packet_of(world, key), channels.channel(far_chain.store, there.port, there.channel)
        now = far_chain.spec.revision, far_chain.height, far_chain.time_ns
        if end.state == channels.CLOSED or channels.elapsed(packet, *now):
            steps = [("timeout", time_out, near)]
        else:
            steps = [("recv", deliver, far)]
    for name, step, signer in [*steps, ("ack", acknowledge, near)]:
        if name == "ack" and (done == ["timeout"] or not _written(far_chain, there.port, there.channel, key.sequence)):
            break
        if step(world, key, signer).code:
            break
        done.append(name)
    return done


def was_received(chain: Chain, port: str, channel: str, sequence: int) -> bool:
    """Whether a chain has received a packet on one of its channels."""
    end = channels.channel(chain.store, port, channel)
    if end.ordering == channels.ORDERED:
        return channels.next_sequence(chain.store, "Recv", port, channel) > sequence
    return chain.store.get(channels.packet_key("receipts", port, channel, sequence)) is not None


def acknowledgement_of(chain: Chain, port: str, channel: str, sequence: int) -> bytes:
    """The acknowledgement that a chain wrote, from its event.  Raises LookupError."""
    for _, _, found in told(chain, "write_acknowledgement", sequence):
        if (found["packet_dst_port"], found["packet_dst_channel"]) == (port, channel):
            return bytes.fromhex(found["packet_ack_hex"])
    raise LookupError(f"{chain.spec.chain_id} wrote no acknowledgement for {port}/{channel}/{sequence}")


def _written(chain: Chain, port: str, channel: str, sequence: int) -> bool:
    return chain.store.get(channels.packet_key("acks", port, channel, sequence)) is not None


def _submit(world: World, at: str, seen: str, client: str, msg: Any, signer: str) -> TxResult:
    """Tell a client of the other chain's newest block, and send the message with it."""
    world.tick(seen)
    other = world.chains[seen]
    msg.proof_height.revision_number, msg.proof_height.revision_height = other.spec.revision, other.height
    update = update_client(client, seen, other.height, other.time_ns, signer)
    return world.act(at, signer, update, wrap(f"/{msg.DESCRIPTOR.full_name}", msg))
