"""Channels, connections, clients and packets in the chain's own encoding (ibc-go, channel v1).  Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cosmpy.protos.cosmos.base.query.v1beta1 import pagination_pb2
from cosmpy.protos.cosmos.store.internal.kv.v1beta1 import kv_pb2
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channels
from cosmpy.protos.ibc.core.client.v1 import query_pb2 as clients
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as connections
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2

from relayclear.chains import jsonrpc
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import MAX_STORED_SEQUENCE, Reply
from relayclear.ibc.names import names_end
from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering
from relayclear.ibc.text import clean
from relayclear.ibc.topology import ChannelInfo, ClientInfo, ClientStatus, ConnectionInfo

_CHANNEL = "/ibc.core.channel.v1.Query/"
_CLIENT = "/ibc.core.client.v1.Query/"
_CONNECTION = "/ibc.core.connection.v1.Query/"
_TENDERMINT = "/ibc.lightclients.tendermint.v1."
_COMMITMENT_BYTES = 32
_KEY_BYTES = 8

_STATES: Final = {
    1: ChannelState.INIT,
    2: ChannelState.TRYOPEN,
    3: ChannelState.OPEN,
    4: ChannelState.CLOSED,
    5: ChannelState.FLUSHING,
    6: ChannelState.FLUSHCOMPLETE,
}

NEXT_CHANNEL = jsonrpc.query("store/ibc/key", b"nextChannelSequence")
ALL_COMMITMENTS = jsonrpc.query("store/ibc/subspace", b"commitments/")._replace(alone=True)
"""Every commitment of the chain in one answer; not paged, not metered, and blind to heights."""

ALL_NEXT_SENDS = jsonrpc.query("store/ibc/subspace", b"nextSequenceSend/")._replace(alone=True)
"""One row for every channel of the chain, out of the same query: what it leaves out, it hides."""


def _page(limit: int, key: bytes) -> Any:
    # A limit of 0 would mean 100 rows and a count of everything behind them.
    return pagination_pb2.PageRequest(limit=limit, key=key)


def _whole(response: Any) -> Any:
    """A response that came whole: every node puts the height behind the rows.

    Without this an answer that was cut short, or is empty, would say that nothing is pending and all is received.
    Raises ValueError.
    """
    if not response.height.revision_height:
        message = "an answer without its height: its end is missing"
        raise ValueError(message)
    return response


def ask_commitments(end: ChannelEnd, limit: int, key: bytes = b"", height: int = 0) -> Call:
    """One page of an end's commitments, from a page key on."""
    request = channels.QueryPacketCommitmentsRequest(
        port_id=end.port, channel_id=end.channel, pagination=_page(limit, key)
    )
    return jsonrpc.query(f"{_CHANNEL}PacketCommitments", request.SerializeToString(), height)


def read_commitments(reply: Reply) -> tuple[dict[int, bytes], bytes]:
    """The commitments of a page by sequence, and the next page's key (empty on the last)."""
    response = _whole(channels.QueryPacketCommitmentsResponse.FromString(reply.value))
    found = {state.sequence: state.data for state in response.commitments}
    check_commitments(found)
    return found, response.pagination.next_key


def check_commitments(found: Mapping[int, bytes]) -> None:
    """Raise ValueError for sequences that no channel can have, and commitments that are no hash."""
    if found and not 0 < min(found) <= max(found) <= MAX_STORED_SEQUENCE:
        raise ValueError(f"a packet sequence between {min(found)} and {max(found)}")
    if not set(map(len, found.values())) <= {_COMMITMENT_BYTES}:
        message = "a commitment that is not 32 bytes long"
        raise ValueError(message)


def ask_commitment(end: ChannelEnd, sequence: int) -> Call:
    """One packet's commitment; NotFoundError means that it is gone, or never was."""
    request = channels.QueryPacketCommitmentRequest(port_id=end.port, channel_id=end.channel, sequence=sequence)
    return jsonrpc.query(f"{_CHANNEL}PacketCommitment", request.SerializeToString())


def read_commitment(reply: Reply) -> bytes:
    """The commitment.  Raises ValueError for one that is no hash."""
    found = bytes(channels.QueryPacketCommitmentResponse.FromString(reply.value).commitment)
    if len(found) != _COMMITMENT_BYTES:
        raise ValueError(f"a commitment of {len(found)} bytes")
    return found


def ask_unfinished(end: ChannelEnd, sequences: Sequence[int]) -> Call:
    """Which of the sequences still have a commitment; unlike a missing commitment, its answer has a height."""
    request = channels.QueryUnreceivedAcksRequest(
        port_id=end.port, channel_id=end.channel, packet_ack_sequences=sequences
    )
    return jsonrpc.query(f"{_CHANNEL}UnreceivedAcks", request.SerializeToString())


def ask_next_send(end: ChannelEnd) -> tuple[Call, Call]:
    """The next sequence that the end sends: the query of newer ibc-go, and the raw key that all have."""
    request = channels.QueryNextSequenceSendRequest(port_id=end.port, channel_id=end.channel)
    return (
        jsonrpc.query(f"{_CHANNEL}NextSequenceSend", request.SerializeToString()),
        jsonrpc.query("store/ibc/key", next_send_key(end)),
    )


def read_next_send(reply: Reply) -> int:
    """That sequence out of the query's answer."""
    return int(channels.QueryNextSequenceSendResponse.FromString(reply.value).next_sequence_send)


def read_next_send_key(reply: Reply) -> int:
    """That sequence out of the raw key's.  Raises ValueError where the key is not there."""
    if len(reply.value) != _KEY_BYTES:
        raise ValueError(f"a sequence of {len(reply.value)} bytes")
    return int.from_bytes(reply.value, "big")


def read_all_commitments(reply: Reply, ends: Iterable[ChannelEnd]) -> dict[ChannelEnd, dict[int, bytes]]:
    """The commitments of the asked ends out of `ALL_COMMITMENTS`; every end has an entry.

    Keys are ``commitments/ports/PORT/channels/CHANNEL/sequences/N`` in the order of their bytes, so that each end is
    one run of them, found by halving.  Raises ValueError where they are anything else.
    """
    pairs = [(pair.key, pair.value) for pair in kv_pb2.Pairs.FromString(reply.value).pairs]
    if any(not key.startswith(b"commitments/ports/") for key, _ in (pairs[:1] + pairs[-1:])):
        message = "keys that are no commitments"
        raise ValueError(message)
    # A store walks its keys in order; anything else is not what it says it is, and halving would miss rows.
    keys = [key for key, _ in pairs]
    if keys != sorted(keys):
        message = "keys out of order"
        raise ValueError(message)
    found = {}
    for end in ends:
        prefix = f"commitments/ports/{end.port}/channels/{end.channel}/sequences/".encode()
        first, last = bisect_left(keys, prefix), bisect_left(keys, prefix[:-1] + b"0")
        cut = len(prefix)
        found[end] = {int(key[cut:]): value for key, value in pairs[first:last]}
        check_commitments(found[end])
    return found


def read_all_next_sends(reply: Reply) -> frozenset[bytes]:
    """The keys in `ALL_NEXT_SENDS`."""
    return frozenset(pair.key for pair in kv_pb2.Pairs.FromString(reply.value).pairs)


def next_send_key(end: ChannelEnd) -> bytes:
    """The raw key of an end's next sequence."""
    return f"nextSequenceSend/ports/{end.port}/channels/{end.channel}".encode()


def ask_unreceived(end: ChannelEnd, sequences: Sequence[int]) -> Call:
    """Which of the sequences the end has not received."""
    request = channels.QueryUnreceivedPacketsRequest(
        port_id=end.port, channel_id=end.channel, packet_commitment_sequences=sequences
    )
    return jsonrpc.query(f"{_CHANNEL}UnreceivedPackets", request.SerializeToString())


def read_unreceived(reply: Reply) -> list[int]:
    """The sequences not received."""
    return list(_whole(channels.QueryUnreceivedPacketsResponse.FromString(reply.value)).sequences)


def ask_next_receive(end: ChannelEnd) -> Call:
    """The next sequence that an ordered channel's end takes: receipts exist on unordered ones only."""
    request = channels.QueryNextSequenceReceiveRequest(port_id=end.port, channel_id=end.channel)
    return jsonrpc.query(f"{_CHANNEL}NextSequenceReceive", request.SerializeToString())


def read_next_receive(reply: Reply) -> int:
    """That sequence; the first one is 1.  Raises ValueError for none, which is an answer that was cut short."""
    following = int(channels.QueryNextSequenceReceiveResponse.FromString(reply.value).next_sequence_receive)
    if not following:
        message = "no next sequence: the answer's end is missing"
        raise ValueError(message)
    return following


def ask_acknowledgements(end: ChannelEnd, sequences: Sequence[int]) -> Call:
    """The acknowledgement hashes written for the sequences.  Raises ValueError for none: that would ask for all."""
    if not sequences:
        message = "acknowledgements of no sequences would be those of all"
        raise ValueError(message)
    request = channels.QueryPacketAcknowledgementsRequest(
        port_id=end.port, channel_id=end.channel, packet_commitment_sequences=sequences
    )
    return jsonrpc.query(f"{_CHANNEL}PacketAcknowledgements", request.SerializeToString())


def read_acknowledgements(reply: Reply) -> dict[int, bytes]:
    """Acknowledgement hashes by sequence."""
    response = _whole(channels.QueryPacketAcknowledgementsResponse.FromString(reply.value))
    return {state.sequence: state.data for state in response.acknowledgements}


def ask_channels(limit: int, key: bytes = b"") -> Call:
    """One page of all channels."""
    request = channels.QueryChannelsRequest(pagination=_page(limit, key))
    return jsonrpc.query(f"{_CHANNEL}Channels", request.SerializeToString())


def read_channels(chain: str, reply: Reply) -> tuple[list[ChannelInfo], bytes]:
    """The channels of a page, and the next page's key (empty on the last).

    Raises ValueError for an end whose name a relayer program could take for an option: no chain has one.
    What an end says of its other end may be anything, because anybody can begin a handshake; it only counts where
    the other chain has an end of that name.
    """
    response = channels.QueryChannelsResponse.FromString(reply.value)
    for item in response.channels:
        if not (names_end(item.port_id) and names_end(item.channel_id)):
            raise ValueError(f"a channel end named {clean(f'{item.port_id}/{item.channel_id}', 80)!r}")
    infos = [_channel(ChannelEnd(chain, item.port_id, item.channel_id), item) for item in response.channels]
    return infos, response.pagination.next_key


def ask_channel(end: ChannelEnd) -> Call:
    """One channel end."""
    request = channels.QueryChannelRequest(port_id=end.port, channel_id=end.channel)
    return jsonrpc.query(f"{_CHANNEL}Channel", request.SerializeToString())


def read_channel(end: ChannelEnd, reply: Reply) -> ChannelInfo:
    """The channel end."""
    return _channel(end, channels.QueryChannelResponse.FromString(reply.value).channel)


def _channel(end: ChannelEnd, item: Any) -> ChannelInfo:
    return ChannelInfo(
        end=end,
        state=_STATES.get(item.state, ChannelState.UNKNOWN),
        # 1 is unordered; 0 stands on no channel that exists.
        ordering=Ordering.ORDERED if item.ordering == 2 else Ordering.UNORDERED,
        counterparty_port=item.counterparty.port_id,
        counterparty_channel=item.counterparty.channel_id,
        # The protocol allows several hops, ibc-go exactly one.
        connection=item.connection_hops[0] if item.connection_hops else "",
        version=item.version,
    )


def ask_connections(limit: int, key: bytes = b"") -> Call:
    """One page of all connections."""
    request = connections.QueryConnectionsRequest(pagination=_page(limit, key))
    return jsonrpc.query(f"{_CONNECTION}Connections", request.SerializeToString())


def read_connections(chain: str, reply: Reply) -> tuple[list[ConnectionInfo], bytes]:
    """The connections of a page, and the next page's key (empty on the last)."""
    response = connections.QueryConnectionsResponse.FromString(reply.value)
    infos = [
        ConnectionInfo(
            chain=chain,
            connection=item.id,
            state=_STATES.get(item.state, ChannelState.UNKNOWN),
            client=item.client_id,
            counterparty_connection=item.counterparty.connection_id,
            counterparty_client=item.counterparty.client_id,
        )
        for item in response.connections
    ]
    return infos, response.pagination.next_key


def ask_clients(limit: int, key: bytes = b"") -> Call:
    """One page of all clients."""
    request = clients.QueryClientStatesRequest(pagination=_page(limit, key))
    return jsonrpc.query(f"{_CLIENT}ClientStates", request.SerializeToString())


def read_clients(chain: str, reply: Reply) -> tuple[list[ClientInfo], bytes]:
    """The Tendermint clients of a page (other kinds don't name a chain), and the next page's key."""
    response = clients.QueryClientStatesResponse.FromString(reply.value)
    infos = []
    for item in response.client_states:
        state = _client_state(item.client_state)
        if state is not None:
            infos.append(ClientInfo(chain, item.client_id, state.chain_id, state.trusting_period.seconds))
    return infos, response.pagination.next_key


def ask_channel_client(end: ChannelEnd) -> Call:
    """The client behind a channel end."""
    request = channels.QueryChannelClientStateRequest(port_id=end.port, channel_id=end.channel)
    return jsonrpc.query(f"{_CHANNEL}ChannelClientState", request.SerializeToString())


def read_channel_client(reply: Reply) -> str:
    """The chain that it says it follows, empty for a kind of client that names none."""
    response = channels.QueryChannelClientStateResponse.FromString(reply.value)
    state = _client_state(response.identified_client_state.client_state)
    return "" if state is None else str(state.chain_id)


def _client_state(packed: Any) -> Any | None:
    if packed.type_url != f"{_TENDERMINT}ClientState":
        return None
    return tendermint_pb2.ClientState.FromString(packed.value)


def ask_health(client: str) -> tuple[Call, Call, Call]:
    """A client's status, its state, and its newest consensus state."""
    status = clients.QueryClientStatusRequest(client_id=client).SerializeToString()
    state = clients.QueryClientStateRequest(client_id=client).SerializeToString()
    newest = clients.QueryConsensusStateRequest(client_id=client, latest_height=True).SerializeToString()
    return (
        jsonrpc.query(f"{_CLIENT}ClientStatus", status),
        jsonrpc.query(f"{_CLIENT}ClientState", state),
        jsonrpc.query(f"{_CLIENT}ConsensusState", newest),
    )


def read_status(reply: Reply) -> ClientStatus:
    """The status of a client; a word that ibc-go doesn't know yet counts as unknown."""
    word = clients.QueryClientStatusResponse.FromString(reply.value).status.lower()
    return ClientStatus(word) if word in set(ClientStatus) else ClientStatus.UNKNOWN


def read_trusting(reply: Reply) -> timedelta | None:
    """How long after its newest header a Tendermint client expires; None for other kinds."""
    state = _client_state(clients.QueryClientStateResponse.FromString(reply.value).client_state)
    return timedelta(seconds=state.trusting_period.seconds) if state is not None else None


def read_consensus_time(reply: Reply) -> datetime | None:
    """The time of a consensus state's header; None for other kinds than Tendermint's."""
    packed = clients.QueryConsensusStateResponse.FromString(reply.value).consensus_state
    if packed.type_url != f"{_TENDERMINT}ConsensusState":
        return None
    stamp = tendermint_pb2.ConsensusState.FromString(packed.value).timestamp
    return datetime.fromtimestamp(stamp.seconds, UTC) + timedelta(microseconds=stamp.nanos // 1000)
