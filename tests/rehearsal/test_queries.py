"""What simulated nodes answer to ABCI queries: texts and codes as two real chains gave them (ibc-go v8.8 and v10.7)."""

from __future__ import annotations

from typing import Any

import pytest
from cosmpy.protos.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from cosmpy.protos.cosmos.store.internal.kv.v1beta1 import kv_pb2
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as wire
from cosmpy.protos.ibc.core.client.v1 import query_pb2 as client_wire
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as connection_wire

from relayclear.ibc.packet import ChannelEnd, Ordering, PacketKey
from relayclear.rehearsal import relaying, staging
from relayclear.rehearsal.clients import freeze
from relayclear.rehearsal.staging import ALPHA, BETA, address
from relayclear.rehearsal.world import World
from tests.rehearsal.asking import CHANNEL, CLIENT, CONNECTION, ask, node, read

NOW = 1_800_000_000 * 10**9
ALICE = address(ALPHA, "alice")
NOBODY = "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a"


@pytest.fixture
def world() -> World:
    made = staging.founded(NOW)
    made.connect("alpha-1", "beta-1")
    return made


def pending(world: World, count: int) -> list[PacketKey]:
    end = ChannelEnd("alpha-1", "transfer", "channel-0")
    return [staging.transfer(world, end, amount=1) for _ in range(count)]


def about(kind: Any, channel: str = "channel-0", **more: Any) -> Any:
    return kind(port_id="transfer", channel_id=channel, **more)


# Packets


def test_commitments_come_in_the_order_of_text_and_in_pages_that_can_be_followed(world: World) -> None:
    pending(world, 12)
    found, key = list[int](), b""
    while True:
        asked = about(wire.QueryPacketCommitmentsRequest, pagination=PageRequest(limit=5, key=key))
        page = read(node(world), f"{CHANNEL}PacketCommitments", asked, wire.QueryPacketCommitmentsResponse)
        found += [state.sequence for state in page.commitments]
        key = page.pagination.next_key
        if not key:
            break
    assert found == [1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9]


def test_no_pagination_at_all_counts_and_key_with_offset_is_refused(world: World) -> None:
    pending(world, 3)
    path = f"{CHANNEL}PacketCommitments"
    whole = read(node(world), path, about(wire.QueryPacketCommitmentsRequest), wire.QueryPacketCommitmentsResponse)
    assert (len(whole.commitments), whole.pagination.total) == (3, 3)
    cut = about(wire.QueryPacketCommitmentsRequest, pagination=PageRequest(limit=1, offset=1, count_total=True))
    page = read(node(world), path, cut, wire.QueryPacketCommitmentsResponse)
    assert [state.sequence for state in page.commitments] == [2]
    assert (page.pagination.next_key, page.pagination.total) == (b"/3", 3)
    both = about(wire.QueryPacketCommitmentsRequest, pagination=PageRequest(limit=1, offset=1, key=b"/2"))
    refused = ask(node(world), path, both)
    assert (refused.code, refused.log) == (
        18,
        "invalid request, either offset or key is expected, got both: invalid request",
    )


def test_a_page_that_goes_backwards_begins_with_the_key_it_names(world: World) -> None:
    pending(world, 4)
    asked = about(wire.QueryPacketCommitmentsRequest, pagination=PageRequest(limit=2, key=b"/3", reverse=True))
    page = read(node(world), f"{CHANNEL}PacketCommitments", asked, wire.QueryPacketCommitmentsResponse)
    assert [state.sequence for state in page.commitments] == [3, 2]
    assert page.pagination.next_key == b"/1"


@pytest.mark.parametrize(
    "kind",
    [
        "PacketCommitments",
        "PacketAcknowledgements",
        "UnreceivedAcks",
    ],
)
def test_packets_of_an_unknown_channel_are_none_on_the_older_chain_and_refused_by_the_newer(
    world: World, kind: str
) -> None:
    asked = about(getattr(wire, f"Query{kind}Request"), "channel-99")
    older, newer = ask(node(world), CHANNEL + kind, asked), ask(node(world, "beta-1"), CHANNEL + kind, asked)
    assert older.code == 0
    said = "port ID (transfer) channel ID (channel-99): channel not found"
    assert (newer.code, newer.log) == (22, f"rpc error: code = NotFound desc = {said}: key not found")


def test_what_is_asked_of_one_packet_is_told_before_and_after_it_arrived(world: World) -> None:
    [key, _] = pending(world, 2)
    alpha, beta = node(world), node(world, "beta-1")
    receipt = about(wire.QueryPacketReceiptRequest, sequence=1)
    acknowledged = about(wire.QueryPacketAcknowledgementRequest, sequence=1)
    assert not read(beta, f"{CHANNEL}PacketReceipt", receipt, wire.QueryPacketReceiptResponse).received
    missing = ask(beta, f"{CHANNEL}PacketAcknowledgement", acknowledged)
    assert missing.log == "rpc error: code = NotFound desc = packet acknowledgement hash not found: key not found"
    relaying.deliver(world, key, address(BETA, "rival"))
    assert read(beta, f"{CHANNEL}PacketReceipt", receipt, wire.QueryPacketReceiptResponse).received
    found = read(beta, f"{CHANNEL}PacketAcknowledgement", acknowledged, wire.QueryPacketAcknowledgementResponse)
    assert len(found.acknowledgement) == 32
    committed = about(wire.QueryPacketCommitmentRequest, sequence=1)
    assert ask(alpha, f"{CHANNEL}PacketCommitment", committed).code == 0
    gone = ask(alpha, f"{CHANNEL}PacketCommitment", about(wire.QueryPacketCommitmentRequest, sequence=9))
    assert gone.log == "rpc error: code = NotFound desc = packet commitment hash not found: key not found"
    zero = ask(alpha, f"{CHANNEL}PacketCommitment", about(wire.QueryPacketCommitmentRequest))
    assert zero.log == "rpc error: code = InvalidArgument desc = packet sequence cannot be 0: invalid request"


def test_unreceived_packets_and_acknowledgements_are_told_in_the_order_they_were_asked_in(world: World) -> None:
    keys = pending(world, 3)
    relaying.deliver(world, keys[1], address(BETA, "rival"))
    beta, alpha = node(world, "beta-1"), node(world)
    asked = about(wire.QueryUnreceivedPacketsRequest, packet_commitment_sequences=[3, 2, 1])
    left = read(beta, f"{CHANNEL}UnreceivedPackets", asked, wire.QueryUnreceivedPacketsResponse)
    assert [*left.sequences] == [3, 1]
    named = about(wire.QueryPacketAcknowledgementsRequest, packet_commitment_sequences=[9, 2, 2, 0])
    named.pagination.limit = 1
    found = read(beta, f"{CHANNEL}PacketAcknowledgements", named, wire.QueryPacketAcknowledgementsResponse)
    assert [state.sequence for state in found.acknowledgements] == [2, 2]
    back = about(wire.QueryUnreceivedAcksRequest, packet_ack_sequences=[2, 9])
    assert [*read(alpha, f"{CHANNEL}UnreceivedAcks", back, wire.QueryUnreceivedAcksResponse).sequences] == [2]
    zero = ask(
        beta,
        f"{CHANNEL}UnreceivedPackets",
        about(wire.QueryUnreceivedPacketsRequest, packet_commitment_sequences=[5, 0]),
    )
    assert zero.log == "rpc error: code = InvalidArgument desc = packet sequence 1 cannot be 0: invalid request"


def test_an_ordered_channel_tells_by_its_next_sequence_what_it_received(world: World) -> None:
    link = world.link("alpha-1", "beta-1")
    source, far = world.open_channel(link, ordering=Ordering.ORDERED)
    relaying.deliver(world, staging.transfer(world, source, amount=1), address(BETA, "rival"))
    beta = node(world, "beta-1")
    asked = about(wire.QueryUnreceivedPacketsRequest, far.channel, packet_commitment_sequences=[1, 2])
    left = read(beta, f"{CHANNEL}UnreceivedPackets", asked, wire.QueryUnreceivedPacketsResponse)
    assert [*left.sequences] == [2]
    request, path = about(wire.QueryNextSequenceReceiveRequest, far.channel), f"{CHANNEL}NextSequenceReceive"
    assert read(beta, path, request, wire.QueryNextSequenceReceiveResponse).next_sequence_receive == 2
    unordered = about(wire.QueryNextSequenceReceiveRequest)
    assert read(beta, path, unordered, wire.QueryNextSequenceReceiveResponse).next_sequence_receive == 0
    sent = read(
        node(world),
        f"{CHANNEL}NextSequenceSend",
        about(wire.QueryNextSequenceSendRequest, source.channel),
        wire.QueryNextSequenceSendResponse,
    )
    assert sent.next_sequence_send == 2


def test_a_pinned_height_answers_with_what_was_so_then(world: World) -> None:
    pending(world, 1)
    height = world.chains["alpha-1"].height
    pending(world, 2)
    asked, path = about(wire.QueryPacketCommitmentsRequest), f"{CHANNEL}PacketCommitments"
    then = read(node(world), path, asked, wire.QueryPacketCommitmentsResponse, height=height)
    assert ([state.sequence for state in then.commitments], then.height.revision_height) == ([1], height)
    assert ask(node(world), path, asked, height=height).height == height


def test_a_hub_lists_its_longest_channel_in_one_page() -> None:
    hub = node(staging.scale(NOW).world)
    asked = about(wire.QueryPacketCommitmentsRequest, "channel-199", pagination=PageRequest(limit=30_000))
    found = ask(hub, f"{CHANNEL}PacketCommitments", asked)
    states = wire.QueryPacketCommitmentsResponse.FromString(found.value or b"").commitments
    assert len(states) == 23_757


# Channels, connections, clients


def test_a_name_that_can_be_none_is_refused_before_anything_is_looked_up(world: World) -> None:
    def said(port: str, channel: str) -> str:
        request = wire.QueryChannelRequest(port_id=port, channel_id=channel)
        return ask(node(world), f"{CHANNEL}Channel", request).log.removeprefix(
            "rpc error: code = InvalidArgument desc = "
        )

    end = ": invalid identifier: invalid request"
    assert said("", "channel-0") == f"identifier cannot be blank{end}"
    assert said("t", "channel-0") == f"identifier t has invalid length: 1, must be between 2-128 characters{end}"
    assert said("a/b", "channel-0") == f"identifier a/b cannot contain separator '/'{end}"
    assert said("a b", "channel-0").startswith("identifier a b must contain only alphanumeric or the following")
    assert said("transfer", "c") == f"identifier c has invalid length: 1, must be between 8-64 characters{end}"


def test_a_channel_leads_to_its_connection_and_its_client(world: World) -> None:
    alpha = node(world)
    found = read(alpha, f"{CHANNEL}Channel", about(wire.QueryChannelRequest), wire.QueryChannelResponse)
    hop = found.channel.connection_hops[0]
    request = connection_wire.QueryConnectionRequest(connection_id=hop)
    connection = read(alpha, f"{CONNECTION}Connection", request, connection_wire.QueryConnectionResponse).connection
    behind = read(
        alpha,
        f"{CHANNEL}ChannelClientState",
        about(wire.QueryChannelClientStateRequest),
        wire.QueryChannelClientStateResponse,
    )
    assert behind.identified_client_state.client_id == connection.client_id
    state = client_wire.QueryClientStateRequest(client_id=connection.client_id)
    alone = read(alpha, f"{CLIENT}ClientState", state, client_wire.QueryClientStateResponse)
    assert alone.client_state == behind.identified_client_state.client_state
    missing = ask(alpha, f"{CHANNEL}Channel", about(wire.QueryChannelRequest, "channel-99"))
    said = "port-id: transfer, channel-id channel-99: channel not found"
    assert (missing.code, missing.log) == (22, f"rpc error: code = NotFound desc = {said}: key not found")


def test_a_filtered_list_has_one_row_more_than_its_limit_as_ibc_go_makes_it(world: World) -> None:
    link = world.link("alpha-1", "beta-1")
    for _ in range(3):
        world.open_channel(link)
    asked = wire.QueryConnectionChannelsRequest(connection=link.connections[0], pagination=PageRequest(limit=1))
    path, kind = f"{CHANNEL}ConnectionChannels", wire.QueryConnectionChannelsResponse
    found = read(node(world), path, asked, kind)
    assert [row.channel_id for row in found.channels] == ["channel-1", "channel-2"]
    assert found.pagination.next_key == b"/ports/transfer/channels/channel-2"
    asked.pagination.key = found.pagination.next_key
    assert [row.channel_id for row in read(node(world), path, asked, kind).channels] == ["channel-2"]
    every = read(node(world), f"{CHANNEL}Channels", wire.QueryChannelsRequest(), wire.QueryChannelsResponse)
    assert (every.channels[0].channel_id, every.pagination.total) == ("channel-0", 4)


def test_the_chains_own_connection_and_client_stand_in_the_lists(world: World) -> None:
    def clients_of(chain: str) -> list[str]:
        request = client_wire.QueryClientStatesRequest()
        found = read(node(world, chain), f"{CLIENT}ClientStates", request, client_wire.QueryClientStatesResponse)
        return [state.client_id for state in found.client_states]

    assert (clients_of("alpha-1"), clients_of("beta-1")) == (["07-tendermint-0", "09-localhost"], ["07-tendermint-0"])
    request = connection_wire.QueryConnectionsRequest(pagination=PageRequest(limit=1))
    found = read(node(world), f"{CONNECTION}Connections", request, connection_wire.QueryConnectionsResponse)
    assert [row.id for row in found.connections] == ["connection-0"]
    assert found.pagination.next_key == b"/connection-localhost"


def test_a_clients_status_is_told_as_each_generation_tells_it(world: World) -> None:
    def status(chain: str, client: str) -> Any:
        return ask(node(world, chain), f"{CLIENT}ClientStatus", client_wire.QueryClientStatusRequest(client_id=client))

    world.chains["alpha-1"].edit(lambda ctx: freeze(ctx, "07-tendermint-0"))
    assert status("alpha-1", "07-tendermint-0").value == b"\n\x06Frozen"
    assert status("beta-1", "07-tendermint-9").value == b"\n\x07Unknown"
    assert status("alpha-1", "09-localhost").value == b"\n\x06Active"
    missing = status("alpha-1", "07-tendermint-9")
    assert (missing.code, missing.log) == (
        22,
        "rpc error: code = NotFound desc = 07-tendermint-9: light client not found: key not found",
    )
    assert "between 9-64" in status("alpha-1", "x").log
    assert "between 4-64" in status("beta-1", "x").log


def test_what_a_client_knows_of_a_height_is_there_or_not(world: World) -> None:
    def known(**asked: Any) -> Any:
        request = client_wire.QueryConsensusStateRequest(client_id="07-tendermint-0", **asked)
        return ask(node(world), f"{CLIENT}ConsensusState", request)

    assert known(latest_height=True).code == 0
    assert known().log.endswith("consensus state height cannot be 0: invalid request")
    said = "client-id: 07-tendermint-0, height: 1-77: consensus state not found"
    assert (
        known(revision_number=1, revision_height=77).log == f"rpc error: code = NotFound desc = {said}: key not found"
    )


# The raw store, routing, heights


def test_the_raw_store_tells_bytes_under_the_real_keys(world: World) -> None:
    pending(world, 2)
    alpha = node(world)
    assert ask(alpha, "store/ibc/key", b"nextChannelSequence").value == bytes(7) + b"\x01"
    assert ask(alpha, "/store/ibc/key", b"nothing").value is None
    pairs = kv_pb2.Pairs.FromString(ask(alpha, "store/ibc/subspace", b"commitments/", height=999).value or b"")
    folder = "commitments/ports/transfer/channels/channel-0/sequences"
    assert [pair.key.decode() for pair in pairs.pairs] == [f"{folder}/1", f"{folder}/2"]
    assert ask(alpha, "store/ibc", b"a").log == "unexpected query path: : unknown request"
    assert ask(alpha, "store/ibc/nope", b"a").log == "unexpected query path: /nope: unknown request"
    future = ask(alpha, "store/ibc/key", b"nextChannelSequence", height=999)
    assert (future.code, future.log, future.height) == (0, "version does not exist", 999)


@pytest.mark.parametrize(
    ("path", "codespace", "code", "said"),
    [
        ("", "sdk", 6, "no query path provided: unknown request"),
        ("/x", "sdk", 6, "unknown query path: unknown request"),
        (f"{CHANNEL}Nope", "sdk", 6, "unknown query path: unknown request"),
        ("p2p", "sdk", 6, "path should be p2p filter <addr|id> <parameter>: unknown request"),
        ("app/nope", "sdk", 6, "unknown query: [app nope]: unknown request"),
        ("store", "store", 4, "no such store: : unknown request"),
        ("store/ibc/nope", "store", 3, "query cannot be zero length: tx parse error"),
        ("store/nope/key", "store", 4, "no such store: nope: unknown request"),
        ("store/ibc/key", "store", 3, "query cannot be zero length: tx parse error"),
        ("/cosmos.tx.v1beta1.Service/BroadcastTx", "sdk", 18, "can't route a broadcast tx message: invalid request"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_in_the_chains_words(
    world: World, path: str, codespace: str, code: int, said: str
) -> None:
    found = ask(node(world), path)
    assert (found.codespace, found.code, found.log, found.height) == (codespace, code, said, 0)


def test_a_height_that_is_not_there_is_refused_as_each_generation_does(world: World) -> None:
    world.step(20)
    path, request = f"{CHANNEL}Channels", wire.QueryChannelsRequest()
    future = ask(node(world), path, request, height=999)
    assert (future.code, future.log) == (
        26,
        "cannot query with height in the future; please provide a valid height: invalid height",
    )
    assert ask(node(world), path, request, height=-1).code == 18
    older = ask(node(world, pruned_below=10), path, request, height=5)
    newer = ask(node(world, "beta-1", pruned_below=10), path, request, height=5)
    assert older.log.startswith(
        "failed to load state at height 5; version mismatch on immutable IAVL tree; version does"
    )
    assert (older.code, newer.code) == (18, 38)
    assert ask(node(world, pruned_below=10), path, request, height=10).code == 0
    raw = ask(node(world, pruned_below=10), "store/ibc/key", b"nextChannelSequence", height=5)
    assert (raw.code, raw.log) == (0, "version does not exist")


def test_a_node_that_lags_does_not_know_what_the_others_know(world: World) -> None:
    pending(world, 1)
    late = node(world, behind=1)
    asked, path = about(wire.QueryPacketCommitmentsRequest), f"{CHANNEL}PacketCommitments"
    assert len(read(late, path, asked, wire.QueryPacketCommitmentsResponse).commitments) == 0
    assert ask(late, path, asked, height=world.chains["alpha-1"].height).code == 26
