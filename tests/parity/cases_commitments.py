"""Questions about packets: what was sent, received and acknowledged."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channel
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2  # noqa: F401  client states decode with it

from tests.localnet.node import ALPHA, BETA
from tests.parity import envelopes
from tests.parity.questions import CHANNEL, page_of
from tests.parity.registry import case
from tests.parity.scenes import relayed
from tests.parity.side import Side

# Packets


def _packets(side: Side, chain: str, what: str, answer: Any = None, **fields: Any) -> Any:
    end = side.scene(relayed).channel.end(chain)
    request = getattr(channel, f"Query{what}Request")(**{"port_id": end.port, "channel_id": end.channel, **fields})
    return side.query(chain, f"{CHANNEL}{what}", request, answer or getattr(channel, f"Query{what}Response"))


@case
def commitments(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitments", pagination=page_of(1000))


@case
def commitments_without_a_page(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitments")


@case
def commitments_page_by_page(side: Side) -> Any:
    first = _packets(side, ALPHA, "PacketCommitments", pagination=page_of(1))["body"]["result"]["response"]["value"]
    key = envelopes.from_base64(first["pagination"]["next_key"])
    second = _packets(side, ALPHA, "PacketCommitments", pagination=page_of(1, key))
    return {"first": first, "key": key.decode(), "second": second}


@case
def commitments_of_a_channel_nobody_opened(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitments", channel_id="channel-999", pagination=page_of(1000))


@case
def commitments_of_no_port(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitments", port_id="", pagination=page_of(1000))


@case
def commitments_before_anything_was_sent(side: Side) -> Any:
    relay = side.scene(relayed)
    end = relay.channel.alpha
    request = channel.QueryPacketCommitmentsRequest(port_id=end.port, channel_id=end.channel, pagination=page_of(1000))
    path = f"{CHANNEL}PacketCommitments"
    return side.query(ALPHA, path, request, channel.QueryPacketCommitmentsResponse, height=relay.before)


@case
def commitment_that_is_there(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitment", sequence=3)


@case
def commitment_that_is_gone(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitment", sequence=1)


@case
def commitment_that_is_gone_on_a_newer_chain(side: Side) -> Any:
    return _packets(side, BETA, "PacketCommitment", sequence=1)


@case
def commitment_of_packet_zero(side: Side) -> Any:
    return _packets(side, ALPHA, "PacketCommitment", sequence=0)


@case
def packets_that_were_not_received(side: Side) -> Any:
    return _packets(side, BETA, "UnreceivedPackets", packet_commitment_sequences=[1, 2, 3, 4])


@case
def packets_that_were_not_received_over_no_channel(side: Side) -> Any:
    return _packets(side, BETA, "UnreceivedPackets", channel_id="channel-999", packet_commitment_sequences=[1])


@case
def packet_zero_was_not_received(side: Side) -> Any:
    return _packets(side, BETA, "UnreceivedPackets", packet_commitment_sequences=[0])


@case
def none_of_no_packets_was_received(side: Side) -> Any:
    return _packets(side, BETA, "UnreceivedPackets")


@case
def acknowledgements_that_did_not_come_back(side: Side) -> Any:
    return _packets(side, ALPHA, "UnreceivedAcks", packet_ack_sequences=[1, 2, 3, 4])


@case
def acknowledgements_that_did_not_come_back_over_no_channel(side: Side) -> Any:
    return _packets(side, ALPHA, "UnreceivedAcks", channel_id="channel-999", packet_ack_sequences=[1])


@case
def acknowledgement_zero_did_not_come_back(side: Side) -> Any:
    return _packets(side, ALPHA, "UnreceivedAcks", packet_ack_sequences=[0])


@case
def acknowledgements_written(side: Side) -> Any:
    return _packets(side, BETA, "PacketAcknowledgements", pagination=page_of(1000))


@case
def acknowledgements_written_for_some(side: Side) -> Any:
    return _packets(side, BETA, "PacketAcknowledgements", packet_commitment_sequences=[2, 3])


@case
def acknowledgements_nobody_wrote(side: Side) -> Any:
    return _packets(side, BETA, "PacketAcknowledgements", channel_id="channel-999", pagination=page_of(10))


@case
def acknowledgement_that_is_there(side: Side) -> Any:
    return _packets(side, BETA, "PacketAcknowledgement", sequence=1)


@case
def acknowledgement_that_is_not_there(side: Side) -> Any:
    return _packets(side, BETA, "PacketAcknowledgement", sequence=3)


@case
def receipt_that_is_there(side: Side) -> Any:
    return _packets(side, BETA, "PacketReceipt", sequence=1)


@case
def receipt_that_is_not_there(side: Side) -> Any:
    return _packets(side, BETA, "PacketReceipt", sequence=3)


@case
def next_sequence_to_send(side: Side) -> Any:
    return _packets(side, ALPHA, "NextSequenceSend")


@case
def next_sequence_to_send_on_a_newer_chain(side: Side) -> Any:
    return _packets(side, BETA, "NextSequenceSend")


@case
def next_sequence_to_send_over_no_channel(side: Side) -> Any:
    return _packets(side, ALPHA, "NextSequenceSend", channel_id="channel-999")


@case
def next_sequence_to_receive(side: Side) -> Any:
    return _packets(side, BETA, "NextSequenceReceive")


@case
def next_sequence_to_receive_over_no_channel(side: Side) -> Any:
    return _packets(side, BETA, "NextSequenceReceive", channel_id="channel-999")
