"""Channels and packets (ICS-04): what is sent, received, acknowledged and timed out, as ibc-go v8 and v10 do it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import channel_pb2
from cosmpy.protos.ibc.core.connection.v1 import connection_pb2

from relayclear.rehearsal import applications, clients
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import Event, event
from relayclear.rehearsal.failures import CHANNEL, CONNECTION, TxFailure
from relayclear.rehearsal.store import View

ORDERINGS = {1: "ORDER_UNORDERED", 2: "ORDER_ORDERED"}
STATES = {1: "STATE_INIT", 2: "STATE_TRYOPEN", 3: "STATE_OPEN", 4: "STATE_CLOSED"}
UNORDERED, ORDERED = 1, 2
OPEN, CLOSED = 3, 4
RECEIPT = b"\x01"


class NoOp(Exception):  # noqa: N818  ibc-go's word: the message was carried out before, which is no error
    """The packet message was carried out before; the transaction goes on."""


def channel_key(port: str, channel: str) -> str:
    """Where a channel end stands."""
    return f"ibc:channelEnds/ports/{port}/channels/{channel}"


def packet_key(kind: str, port: str, channel: str, sequence: int) -> str:
    """Where a packet's commitment, receipt or acknowledgement stands: `kind` is its folder."""
    return f"ibc:{kind}/ports/{port}/channels/{channel}/sequences/{sequence}"


def next_key(what: str, port: str, channel: str) -> str:
    """Where a channel's next sequence stands: `what` is Send, Recv or Ack."""
    return f"ibc:nextSequence{what}/ports/{port}/channels/{channel}"


def channel(view: View, port: str, name: str) -> Any:
    """The channel end, None when there is none."""
    raw = view.get(channel_key(port, name))
    return None if raw is None else channel_pb2.Channel.FromString(raw)


def connection(view: View, name: str) -> Any:
    """The connection end, None when there is none."""
    raw = view.get(f"ibc:connections/{name}")
    return None if raw is None else connection_pb2.ConnectionEnd.FromString(raw)


def opened(
    other: str, hop: str, *, port: str = "transfer", version: str = "ics20-1", ordering: int = UNORDERED
) -> bytes:
    """An open channel end that leads to a channel of the same port over a connection, as it is stored."""
    made = channel_pb2.Channel(state=OPEN, ordering=ordering, version=version, connection_hops=[hop])
    made.counterparty.port_id, made.counterparty.channel_id = port, other
    return bytes(made.SerializeToString())


def next_sequence(view: View, what: str, port: str, name: str) -> int:
    """A channel's next sequence; 0 when there is no such channel."""
    return int.from_bytes(view.get(next_key(what, port, name)) or b"")


def commitment_of(packet: Any) -> bytes:
    """The 32 bytes that a chain keeps of a packet it sent."""
    height, data = packet.timeout_height, sha256(packet.data).digest()
    words = (packet.timeout_timestamp, height.revision_number, height.revision_height)
    return sha256(b"".join(word.to_bytes(8) for word in words) + data).digest()


def send(ctx: Context, port: str, name: str, data: bytes, timeout_height: Any, timeout_ns: int) -> int:
    """Send a packet and return its sequence.  Raises TxFailure."""
    end = _end(ctx, port, name, name)
    if end.state != OPEN:
        raise TxFailure(CHANNEL, 5, f"channel is not OPEN (got {STATES[end.state]})")
    sequence = next_sequence(ctx.store, "Send", port, name)
    packet = channel_pb2.Packet(
        sequence=sequence,
        source_port=port,
        source_channel=name,
        destination_port=end.counterparty.port_id,
        destination_channel=end.counterparty.channel_id,
        data=data,
        timeout_timestamp=timeout_ns,
    )
    packet.timeout_height.CopyFrom(timeout_height)
    if not timeout_height.revision_height and not timeout_ns:
        why = "packet timeout height and packet timeout timestamp cannot both be 0"
        raise TxFailure(CHANNEL, 13, "constructed packet failed basic validation", why)
    client = connection(ctx.store, end.connection_hops[0]).client_id
    now = clients.status(ctx.store, client, ctx.time_ns)
    if now != clients.ACTIVE:
        raise TxFailure("client", 29, f"cannot send packet using client ({client}) with status {now}")
    latest = clients.state(ctx.store, client).latest_height
    seen = clients.consensus_time(ctx, client, latest)
    if elapsed(packet, latest.revision_number, latest.revision_height, seen):
        raise _too_late(packet, latest.revision_number, latest.revision_height, seen).wrapped("invalid packet timeout")
    ctx.store.set(next_key("Send", port, name), (sequence + 1).to_bytes(8))
    ctx.store.set(packet_key("commitments", port, name, sequence), commitment_of(packet))
    _emit(ctx, "send_packet", packet, end)
    return sequence


def receive(ctx: Context, msg: Any) -> None:
    """MsgRecvPacket.  Raises TxFailure, NoOp when it was received before."""
    packet = msg.packet
    inner = ctx.branch()
    try:
        _receive(inner, packet, msg.proof_height)
    except TxFailure as failed:
        raise failed.wrapped("receive packet verification failed") from failed
    ctx.keep(inner)
    application = ctx.branch()
    acknowledgement, success = applications.received(application, packet)
    if success:
        ctx.keep(application)
    else:
        ctx.emit(*(found.renamed("ibccallbackerror-") for found in application.events))
    if acknowledgement is not None:
        acknowledge_received(ctx, packet, acknowledgement)


def acknowledge_received(ctx: Context, packet: Any, acknowledgement: bytes) -> None:
    """Write the acknowledgement of a received packet."""
    port, name = packet.destination_port, packet.destination_channel
    key = packet_key("acks", port, name, packet.sequence)
    ctx.store.set(key, sha256(acknowledgement).digest())
    _emit(ctx, "write_acknowledgement", packet, channel(ctx.store, port, name), acknowledgement)


def _receive(ctx: Context, packet: Any, proof_height: Any) -> None:
    port, name = packet.destination_port, packet.destination_channel
    end = _end(ctx, port, name, name)
    if end.state != OPEN:
        old = "expected channel state to be one of [STATE_OPEN, STATE_FLUSHING, STATE_FLUSHCOMPLETE], but got "
        raise TxFailure(
            CHANNEL, 5, old + STATES[end.state] if ctx.spec.old else f"channel is not OPEN (got {STATES[end.state]})"
        )
    _same(packet.source_port, end.counterparty.port_id, "source port", "port")
    _same(packet.source_channel, end.counterparty.channel_id, "source channel", "channel")
    client = _open_connection(ctx, end)
    if elapsed(packet, ctx.spec.revision, ctx.height, ctx.time_ns):
        raise _too_late(packet, ctx.spec.revision, ctx.height, ctx.time_ns).wrapped("packet timeout elapsed")
    key = packet_key("commitments", packet.source_port, packet.source_channel, packet.sequence)
    try:
        _, theirs = clients.proven(ctx, client, proof_height)
        clients.claim(theirs, key, commitment_of(packet))
    except TxFailure as failed:
        said = "couldn't verify counterparty packet commitment"
        raise failed.wrapped(said, f"failed packet commitment verification for client ({client})") from failed
    _no_replay(ctx, packet, end)
    _emit(ctx, "recv_packet", packet, end)


def _no_replay(ctx: Context, packet: Any, end: Any) -> None:
    port, name, sequence = packet.destination_port, packet.destination_channel, packet.sequence
    if end.ordering != ORDERED:
        receipt = packet_key("receipts", port, name, sequence)
        if ctx.store.get(receipt) is not None:
            raise NoOp
        ctx.store.set(receipt, RECEIPT)
        return
    expected = next_sequence(ctx.store, "Recv", port, name)
    if sequence < expected:
        raise NoOp
    if sequence != expected:
        words = f"packet sequence ≠ next receive sequence ({sequence} ≠ {expected})"
        raise TxFailure(CHANNEL, 21, words)
    ctx.store.set(next_key("Recv", port, name), (expected + 1).to_bytes(8))


def acknowledge(ctx: Context, msg: Any) -> None:
    """MsgAcknowledgement.  Raises TxFailure, NoOp when the commitment is gone."""
    inner = ctx.branch()
    try:
        end = _acknowledge(inner, msg)
    except TxFailure as failed:
        raise failed.wrapped("acknowledge packet verification failed") from failed
    _emit(inner, "acknowledge_packet", msg.packet, end)
    applications.acknowledged(inner, msg.packet, msg.acknowledgement)
    ctx.keep(inner)


def _acknowledge(ctx: Context, msg: Any) -> Any:
    packet = msg.packet
    port, name, sequence = packet.source_port, packet.source_channel, packet.sequence
    end = _source_end(ctx, packet)
    if end.state != OPEN:
        words = f"packets cannot be acknowledged on channel with state ({STATES[end.state]})"
        raise TxFailure(CHANNEL, 5, words)
    client = _open_connection(ctx, end)
    _committed(ctx, packet)
    key = packet_key("acks", packet.destination_port, packet.destination_channel, sequence)
    try:
        _, theirs = clients.proven(ctx, client, msg.proof_height)
        clients.claim(theirs, key, sha256(msg.acknowledgement).digest())
    except TxFailure as failed:
        raise failed.wrapped(f"failed packet acknowledgement verification for client ({client})") from failed
    if end.ordering == ORDERED:
        expected = next_sequence(ctx.store, "Ack", port, name)
        if sequence != expected:
            raise TxFailure(CHANNEL, 21, f"packet sequence ≠ next ack sequence ({sequence} ≠ {expected})")
        ctx.store.set(next_key("Ack", port, name), (expected + 1).to_bytes(8))
    ctx.store.set(packet_key("commitments", port, name, sequence), None)
    return end


def time_out(ctx: Context, msg: Any, *, closed: bool) -> None:
    """MsgTimeout, or MsgTimeoutOnClose (`closed`).  Raises TxFailure, NoOp when the commitment is gone."""
    packet, inner = msg.packet, ctx.branch()
    try:
        _time_out(inner, msg, closed=closed)
    except TxFailure as failed:
        raise failed.wrapped(
            "timeout on close packet verification failed" if closed else "timeout packet verification failed"
        ) from failed
    end = channel(inner.store, packet.source_port, packet.source_channel)
    inner.store.set(packet_key("commitments", packet.source_port, packet.source_channel, packet.sequence), None)
    if end.ordering == ORDERED:
        close(inner, packet.source_port, packet.source_channel)
    _emit(inner, "timeout_packet", packet, end)
    applications.timed_out(inner, packet)
    ctx.keep(inner)


def _time_out(ctx: Context, msg: Any, *, closed: bool) -> None:
    packet = msg.packet
    end = _source_end(ctx, packet)
    client = connection(ctx.store, end.connection_hops[0]).client_id
    height = msg.proof_height
    if not closed:
        seen = clients.consensus_time(ctx, client, height)
        if not elapsed(packet, height.revision_number, height.revision_height, seen):
            raise _too_early(packet, height, seen).wrapped("packet timeout not reached")
    _committed(ctx, packet)
    _, theirs = clients.proven(ctx, client, height)
    if closed:
        other = channel(theirs, packet.destination_port, packet.destination_channel)
        if other is None or other.state != CLOSED:
            said = f"failed channel state verification for client ({client})"
            raise TxFailure("commitment", 2, said, "failed to verify membership proof at index 0")
    if end.ordering == ORDERED:
        if msg.next_sequence_recv > packet.sequence:
            words = f"next sequence receive > packet sequence ({msg.next_sequence_recv} > {packet.sequence})"
            raise TxFailure(CHANNEL, 19, f"packet already received, {words}")
        claimed, key = msg.next_sequence_recv.to_bytes(8), next_key("Recv", *_far(packet))
        said = f"failed next sequence receive verification for client ({client})"
    else:
        claimed, key = None, packet_key("receipts", *_far(packet), packet.sequence)
        said = f"failed packet receipt absence verification for client ({client})"
    try:
        clients.claim(theirs, key, claimed)
    except TxFailure as failed:
        raise failed.wrapped(said) from failed


def close(ctx: Context, port: str, name: str) -> None:
    """Close a channel end, as a timeout on an ordered channel does."""
    end = channel(ctx.store, port, name)
    end.state = CLOSED
    ctx.store.set(channel_key(port, name), end.SerializeToString())
    made = event(
        "channel_close",
        port_id=port,
        channel_id=name,
        counterparty_port_id=end.counterparty.port_id,
        counterparty_channel_id=end.counterparty.channel_id,
        connection_id=end.connection_hops[0],
        packet_channel_ordering=ORDERINGS[end.ordering],
    )
    ctx.emit(made, _MODULE)


def _far(packet: Any) -> tuple[str, str]:
    return packet.destination_port, packet.destination_channel


def _end(ctx: Context, port: str, name: str, said: str) -> Any:
    found = channel(ctx.store, port, name)
    if found is None:
        raise TxFailure(CHANNEL, 3, said)
    return found


def _source_end(ctx: Context, packet: Any) -> Any:
    port, name = packet.source_port, packet.source_channel
    end = _end(ctx, port, name, f"port ID ({port}) channel ID ({name})")
    _same(packet.destination_port, end.counterparty.port_id, "destination port", "port")
    _same(packet.destination_channel, end.counterparty.channel_id, "destination channel", "channel")
    return end


def _same(said: str, stored: str, what: str, kind: str) -> None:
    if said != stored:
        words = f"packet {what} doesn't match the counterparty's {kind} ({said} ≠ {stored})"
        raise TxFailure(CHANNEL, 13, words)


def _open_connection(ctx: Context, end: Any) -> str:
    found = connection(ctx.store, end.connection_hops[0])
    if found is None:
        raise TxFailure(CONNECTION, 3, end.connection_hops[0])
    if found.state != OPEN:
        raise TxFailure(CONNECTION, 6, f"connection state is not OPEN (got {STATES[found.state]})")
    return str(found.client_id)


def _committed(ctx: Context, packet: Any) -> None:
    stored = ctx.store.get(packet_key("commitments", packet.source_port, packet.source_channel, packet.sequence))
    if stored is None:
        raise NoOp
    if stored != commitment_of(packet):
        raise TxFailure(CHANNEL, 13, "packet commitment bytes are not equal")


def elapsed(packet: Any, revision: int, height: int, time_ns: int) -> bool:
    """Whether a packet's timeout is reached at a height and time of the chain it goes to."""
    limit = packet.timeout_height
    by_height = limit.revision_height and (revision, height) >= (limit.revision_number, limit.revision_height)
    return bool(by_height or (packet.timeout_timestamp and time_ns >= packet.timeout_timestamp))


def _too_late(packet: Any, revision: int, height: int, time_ns: int) -> TxFailure:
    limit = packet.timeout_height
    if limit.revision_height and (revision, height) >= (limit.revision_number, limit.revision_height):
        shown = f"{limit.revision_number}-{limit.revision_height}"
        return TxFailure(CHANNEL, 40, f"current height: {revision}-{height}, timeout height {shown}")
    words = f"current timestamp: {time_ns}, timeout timestamp {packet.timeout_timestamp}"
    return TxFailure(CHANNEL, 40, words)


def _too_early(packet: Any, height: Any, time_ns: int) -> TxFailure:
    limit = packet.timeout_height
    if limit.revision_height:
        shown = f"{limit.revision_number}-{limit.revision_height}"
        now = f"{height.revision_number}-{height.revision_height}"
        return TxFailure(CHANNEL, 39, f"current height: {now}, timeout height {shown}")
    words = f"current timestamp: {time_ns}, timeout timestamp {packet.timeout_timestamp}"
    return TxFailure(CHANNEL, 39, words)


_MODULE = event("message", module="ibc_channel")
_WITH_DATA = ("send_packet", "recv_packet", "write_acknowledgement")


def _emit(ctx: Context, kind: str, packet: Any, end: Any, acknowledgement: bytes = b"") -> None:
    ctx.emit(Event(kind, tuple(_attributes(ctx, kind, packet, end, acknowledgement))), _MODULE)


def _attributes(ctx: Context, kind: str, packet: Any, end: Any, acknowledgement: bytes) -> list[tuple[str, str]]:
    height, rows = packet.timeout_height, list[tuple[str, str]]()
    if kind in _WITH_DATA:
        if ctx.spec.old:
            rows.append(("packet_data", packet.data.decode(errors="replace")))
        rows.append(("packet_data_hex", packet.data.hex()))
    rows += [
        ("packet_timeout_height", f"{height.revision_number}-{height.revision_height}"),
        ("packet_timeout_timestamp", str(packet.timeout_timestamp)),
        ("packet_sequence", str(packet.sequence)),
        ("packet_src_port", packet.source_port),
        ("packet_src_channel", packet.source_channel),
        ("packet_dst_port", packet.destination_port),
        ("packet_dst_channel", packet.destination_channel),
    ]
    if kind == "write_acknowledgement":
        if ctx.spec.old:
            rows.append(("packet_ack", acknowledgement.decode(errors="replace")))
        rows.append(("packet_ack_hex", acknowledgement.hex()))
    hop, ordering = end.connection_hops[0], ("packet_channel_ordering", ORDERINGS[end.ordering])
    if kind == "timeout_packet":
        return [*rows, ("connection_id", hop), ordering]
    return [*rows, ordering, ("packet_connection", hop), ("connection_id", hop)]
