"""Queries about channels and packets (`ibc.core.channel.v1.Query`), as ibc-go v8.8 and v10.7 answer them.

v10 refuses packet queries on a channel that isn't there (code 22), where v8 answers with nothing.
"""

from __future__ import annotations

from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import channel_pb2
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as wire

from relayclear.rehearsal import channels, clients
from relayclear.rehearsal.questions import Answerer, Question, check_identifier, decoded, filtered, page, refused

_SERVICE = "/ibc.core.channel.v1.Query/"


def _end(question: Question, asked: Any) -> Any:
    found = channels.channel(question.view, asked.port_id, asked.channel_id)
    if found is None:
        raise refused(22, f"port-id: {asked.port_id}, channel-id {asked.channel_id}: channel not found")
    return found


def _checked(kind: Any, raw: bytes) -> Any:
    asked = decoded(kind, raw)
    check_identifier(asked.port_id, 2, 128)
    check_identifier(asked.channel_id, 8)
    return asked


def _known(question: Question, kind: Any, raw: bytes, *, sequence: bool = False) -> Any:
    """A request about packets of a channel, which must be there on newer chains."""
    asked = _checked(kind, raw)
    if sequence and not asked.sequence:
        raise refused(18, "packet sequence cannot be 0")
    if not question.spec.old and question.view.get(channels.channel_key(asked.port_id, asked.channel_id)) is None:
        raise refused(22, f"port ID ({asked.port_id}) channel ID ({asked.channel_id}): channel not found")
    return asked


def _channel(question: Question, raw: bytes) -> Any:
    found = _end(question, _checked(wire.QueryChannelRequest, raw))
    return wire.QueryChannelResponse(channel=found, proof_height=question.proof_height())


def _identified(key: str, raw: bytes) -> Any:
    _, _, port, _, name = key.split("/")
    made = channel_pb2.IdentifiedChannel.FromString(raw)
    made.port_id, made.channel_id = port, name
    return made


def _channels(question: Question, raw: bytes) -> Any:
    asked = decoded(wire.QueryChannelsRequest, raw)
    found = page(question.view, "ibc:channelEnds", asked.pagination)
    rows = [_identified(key, value) for key, value in found.rows]
    return wire.QueryChannelsResponse(channels=rows, pagination=found.response, height=question.proof_height())


def _connection_channels(question: Question, raw: bytes) -> Any:
    asked = decoded(wire.QueryConnectionChannelsRequest, raw)
    check_identifier(asked.connection, 10)

    def over(_key: str, value: bytes) -> bool:
        """Whether a stored channel goes over the asked connection."""
        return bool(channel_pb2.Channel.FromString(value).connection_hops[0] == asked.connection)

    found = filtered(question.view, "ibc:channelEnds", asked.pagination, over)
    rows = [_identified(key, value) for key, value in found.rows]
    height = question.proof_height()
    return wire.QueryConnectionChannelsResponse(channels=rows, pagination=found.response, height=height)


def _client_state(question: Question, raw: bytes) -> Any:
    asked = _checked(wire.QueryChannelClientStateRequest, raw)
    end = channels.channel(question.view, asked.port_id, asked.channel_id)
    if end is None:
        raise refused(22, f"port-id: {asked.port_id}, channel-id: {asked.channel_id}: channel not found")
    hop = end.connection_hops[0]
    connection = channels.connection(question.view, hop)
    if connection is None:
        raise refused(22, f"connection-id: {hop}: connection not found")
    state = question.view.get(clients.state_key(connection.client_id))
    if state is None:
        raise refused(22, f"client-id: {connection.client_id}: light client not found")
    identified = clients.identified(connection.client_id, state)
    return wire.QueryChannelClientStateResponse(
        identified_client_state=identified, proof_height=question.proof_height()
    )


def _commitment(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryPacketCommitmentRequest, raw, sequence=True)
    found = question.view.get(channels.packet_key("commitments", asked.port_id, asked.channel_id, asked.sequence))
    if found is None:
        raise refused(22, "packet commitment hash not found")
    return wire.QueryPacketCommitmentResponse(commitment=found, proof_height=question.proof_height())


def _receipt(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryPacketReceiptRequest, raw, sequence=True)
    found = question.view.get(channels.packet_key("receipts", asked.port_id, asked.channel_id, asked.sequence))
    return wire.QueryPacketReceiptResponse(received=found is not None, proof_height=question.proof_height())


def _acknowledgement(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryPacketAcknowledgementRequest, raw, sequence=True)
    found = question.view.get(channels.packet_key("acks", asked.port_id, asked.channel_id, asked.sequence))
    if found is None:
        raise refused(22, "packet acknowledgement hash not found")
    return wire.QueryPacketAcknowledgementResponse(acknowledgement=found, proof_height=question.proof_height())


def _states(question: Question, folder: str, asked: Any, into: Any) -> Any:
    """A page of what stands in a packet folder, put into a repeated PacketState; the PageResponse."""
    prefix = f"ibc:{folder}/ports/{asked.port_id}/channels/{asked.channel_id}/sequences"
    found = page(question.view, prefix, asked.pagination)
    add = into.add
    for key, value in found.rows:
        add(port_id=asked.port_id, channel_id=asked.channel_id, sequence=int(key[1:]), data=value)
    return found.response


def _commitments(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryPacketCommitmentsRequest, raw)
    made = wire.QueryPacketCommitmentsResponse(height=question.proof_height())
    made.pagination.CopyFrom(_states(question, "commitments", asked, made.commitments))
    return made


def _acknowledgements(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryPacketAcknowledgementsRequest, raw)
    made = wire.QueryPacketAcknowledgementsResponse(height=question.proof_height())
    sequences = asked.packet_commitment_sequences
    if not sequences:
        made.pagination.CopyFrom(_states(question, "acks", asked, made.acknowledgements))
        return made
    # Named sequences are looked up one by one, in their order and whatever the limit.
    get, port, name = question.view.get, asked.port_id, asked.channel_id
    stem = channels.packet_key("acks", port, name, 0)[:-1]
    for sequence in sequences:
        found = get(f"{stem}{sequence}")
        if found is not None:
            made.acknowledgements.add(port_id=port, channel_id=name, sequence=sequence, data=found)
    return made


def _no_zero(sequences: Any) -> None:
    if 0 in sequences:
        raise refused(18, f"packet sequence {[*sequences].index(0)} cannot be 0")


def _unreceived_packets(question: Question, raw: bytes) -> Any:
    asked = _checked(wire.QueryUnreceivedPacketsRequest, raw)
    end, sequences = _end(question, asked), asked.packet_commitment_sequences
    _no_zero(sequences)
    if end.ordering == channels.ORDERED:
        following = channels.next_sequence(question.view, "Recv", asked.port_id, asked.channel_id)
        left = [sequence for sequence in sequences if sequence >= following]
    else:
        get, stem = question.view.get, channels.packet_key("receipts", asked.port_id, asked.channel_id, 0)[:-1]
        left = [sequence for sequence in sequences if get(f"{stem}{sequence}") is None]
    return wire.QueryUnreceivedPacketsResponse(sequences=left, height=question.proof_height())


def _unreceived_acks(question: Question, raw: bytes) -> Any:
    asked = _known(question, wire.QueryUnreceivedAcksRequest, raw)
    sequences = asked.packet_ack_sequences
    _no_zero(sequences)
    get, stem = question.view.get, channels.packet_key("commitments", asked.port_id, asked.channel_id, 0)[:-1]
    left = [sequence for sequence in sequences if get(f"{stem}{sequence}") is not None]
    return wire.QueryUnreceivedAcksResponse(sequences=left, height=question.proof_height())


def _next_receive(question: Question, raw: bytes) -> Any:
    asked = _checked(wire.QueryNextSequenceReceiveRequest, raw)
    ordered = _end(question, asked).ordering == channels.ORDERED
    # Unordered channels keep one too, and the query doesn't tell it.
    following = channels.next_sequence(question.view, "Recv", asked.port_id, asked.channel_id) if ordered else 0
    return wire.QueryNextSequenceReceiveResponse(next_sequence_receive=following, proof_height=question.proof_height())


def _next_send(question: Question, raw: bytes) -> Any:
    asked = _checked(wire.QueryNextSequenceSendRequest, raw)
    following = channels.next_sequence(question.view, "Send", asked.port_id, asked.channel_id)
    if not following:
        raise refused(22, f"port-id: {asked.port_id}, channel-id {asked.channel_id}: sequence send not found")
    return wire.QueryNextSequenceSendResponse(next_sequence_send=following, proof_height=question.proof_height())


ROUTES: dict[str, Answerer] = {
    f"{_SERVICE}Channel": _channel,
    f"{_SERVICE}Channels": _channels,
    f"{_SERVICE}ConnectionChannels": _connection_channels,
    f"{_SERVICE}ChannelClientState": _client_state,
    f"{_SERVICE}PacketCommitment": _commitment,
    f"{_SERVICE}PacketCommitments": _commitments,
    f"{_SERVICE}PacketReceipt": _receipt,
    f"{_SERVICE}PacketAcknowledgement": _acknowledgement,
    f"{_SERVICE}PacketAcknowledgements": _acknowledgements,
    f"{_SERVICE}UnreceivedPackets": _unreceived_packets,
    f"{_SERVICE}UnreceivedAcks": _unreceived_acks,
    f"{_SERVICE}NextSequenceReceive": _next_receive,
    f"{_SERVICE}NextSequenceSend": _next_send,
}
"""Answers by path."""
