"""Channels, connections and clients: all pages, resumable, and what is not there said so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channels
from cosmpy.protos.ibc.core.client.v1 import query_pb2 as clients
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as connections
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import NodeError, NotFoundError
from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering
from relayclear.ibc.topology import ChannelInfo, ChannelPage, ClientHealth, ClientInfo, ClientStatus, ConnectionInfo
from tests.chains.fake import Answer, FakeClock, FakeNode, pages, transport
from tests.chains.fake_ibc import ends

CHANNEL = "/ibc.core.channel.v1.Query/"
CLIENT = "/ibc.core.client.v1.Query/"
CONNECTION = "/ibc.core.connection.v1.Query/"
ANY_TENDERMINT = "/ibc.lightclients.tendermint.v1."


def chain_of(node: FakeNode) -> CometChain:
    return CometChain("alpha-1", ["http://a"], hosts=Hosts(transport({"a": node})), timing=FakeClock().timing())


def channels_of(count: int, cap: int = 10**9, refuse_above: int = 10**9) -> FakeNode:
    """A node with that many channels, the pages of which hold at most `cap`."""

    def answer(data: bytes, _height: int) -> Answer:
        page = channels.QueryChannelsRequest.FromString(data).pagination
        if page.limit > refuse_above:
            return 18, "limit too large: invalid request"
        numbers, key = pages(range(count), min(page.limit, cap), page.key)
        reply = channels.QueryChannelsResponse()
        for number in numbers:
            item = reply.channels.add(
                state=3, ordering=1, connection_hops=["connection-0"], version="ics20-1", port_id="transfer"
            )
            item.channel_id = f"channel-{number}"
            item.counterparty.port_id, item.counterparty.channel_id = "transfer", f"channel-{number + 5}"
        reply.pagination.next_key = key
        return bytes(reply.SerializeToString())

    return FakeNode(queries={f"{CHANNEL}Channels": answer})


async def walk(chain: CometChain, after: bytes | None = None) -> list[ChannelPage]:
    return [page async for page in chain.channel_pages(after)]


def info(number: int) -> ChannelInfo:
    end = ends(number + 1)[number]
    other = f"channel-{number + 5}"
    return ChannelInfo(end, ChannelState.OPEN, Ordering.UNORDERED, "transfer", other, "connection-0", "ics20-1")


def test_all_pages_are_walked_and_the_last_has_no_key() -> None:
    found = asyncio.run(walk(chain_of(channels_of(2500))))
    assert [len(page.channels) for page in found] == [1000, 1000, 500]
    assert [page.next_key is None for page in found] == [False, False, True]
    assert [item for page in found for item in page.channels] == [info(number) for number in range(2500)]


def test_a_walk_that_broke_is_taken_up_where_it_stopped() -> None:
    chain = chain_of(channels_of(25, cap=10))
    found = asyncio.run(walk(chain))
    rest = asyncio.run(walk(chain, found[0].next_key))
    assert rest == found[1:]


def test_a_walk_that_breaks_raises_and_is_not_a_shorter_list() -> None:
    node = channels_of(25, cap=10)
    whole = node.queries[f"{CHANNEL}Channels"]
    node.queries[f"{CHANNEL}Channels"] = lambda data, height: b"\xff\xff" if b"00020" in data else whole(data, height)

    found: list[ChannelPage] = []

    async def run() -> None:
        async for page in chain_of(node).channel_pages(None):
            found.append(page)  # noqa: PERF401 - what came before the break counts

    with pytest.raises(NodeError):
        asyncio.run(run())
    assert len(found) == 2


def test_a_walk_in_a_circle_ends() -> None:
    reply = channels.QueryChannelsResponse()
    reply.pagination.next_key = b"a"
    node = FakeNode(queries={f"{CHANNEL}Channels": lambda _d, _h: reply.SerializeToString()})
    with pytest.raises(NodeError, match="circle"):
        asyncio.run(walk(chain_of(node)))


def test_a_fork_that_caps_pages_is_asked_for_smaller_ones() -> None:
    found = asyncio.run(walk(chain_of(channels_of(250, refuse_above=100))))
    assert [len(page.channels) for page in found] == [100, 100, 50]


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, ChannelState.INIT),
        (2, ChannelState.TRYOPEN),
        (3, ChannelState.OPEN),
        (4, ChannelState.CLOSED),
        (5, ChannelState.FLUSHING),
        (6, ChannelState.FLUSHCOMPLETE),
        (0, ChannelState.UNKNOWN),
        (77, ChannelState.UNKNOWN),
    ],
)
def test_states_of_every_version_are_read(number: int, state: ChannelState) -> None:
    reply = channels.QueryChannelResponse()
    reply.channel.state = number
    reply.channel.ordering = 2
    node = FakeNode(queries={f"{CHANNEL}Channel": lambda _d, _h: reply.SerializeToString()})
    [got] = asyncio.run(chain_of(node).channels(ends(1))).values()
    assert got == ChannelInfo(ends(1)[0], state, Ordering.ORDERED, "", "", "", "")


def test_a_channel_that_does_not_exist_is_said_by_name() -> None:
    node = FakeNode(queries={f"{CHANNEL}Channel": lambda _d, _h: (22, "channel not found: key not found")})
    [got] = asyncio.run(chain_of(node).channels(ends(1))).values()
    assert isinstance(got, NotFoundError)
    assert got.message == "alpha-1/channel-0 does not exist"


def test_a_channel_that_can_not_be_read_is_not_one_that_does_not_exist() -> None:
    node = FakeNode(queries={f"{CHANNEL}Channel": lambda _d, _h: (111222, "panic")})
    [got] = asyncio.run(chain_of(node).channels(ends(1))).values()
    assert isinstance(got, NodeError)


def test_the_count_of_channels_is_read_from_the_raw_store() -> None:
    node = FakeNode(
        queries={"store/ibc/key": lambda data, _h: (2200).to_bytes(8, "big") if data == b"nextChannelSequence" else b""}
    )
    assert asyncio.run(chain_of(node).next_channel_sequence()) == 2200


def test_a_node_that_hides_its_raw_store_says_so() -> None:
    with pytest.raises(NodeError, match="unknown query path"):
        asyncio.run(chain_of(FakeNode()).next_channel_sequence())


def next_send(query: Answer, key: Answer) -> int:
    node = FakeNode(queries={f"{CHANNEL}NextSequenceSend": lambda _d, _h: query, "store/ibc/key": lambda _d, _h: key})
    return asyncio.run(chain_of(node).next_send_sequence(ends(1)[0]))


def test_the_next_sequence_is_read_by_whichever_way_the_node_has() -> None:
    reply = channels.QueryNextSequenceSendResponse(next_sequence_send=8).SerializeToString()
    raw = (8).to_bytes(8, "big")
    assert next_send(reply, raw) == 8
    assert next_send(reply, (6, "unknown query path")) == 8
    assert next_send((6, "unknown query path"), raw) == 8


def test_the_next_sequence_of_no_channel_is_an_error_never_zero() -> None:
    with pytest.raises(NotFoundError):
        next_send((22, "sequence send not found: key not found"), b"")
    with pytest.raises(NodeError):
        next_send((6, "unknown query path"), b"")


def test_connections_are_read_with_what_they_name() -> None:
    reply = connections.QueryConnectionsResponse()
    item = reply.connections.add(id="connection-7", client_id="07-tendermint-3", state=3)
    item.counterparty.connection_id, item.counterparty.client_id = "connection-1", "07-tendermint-9"
    node = FakeNode(queries={f"{CONNECTION}Connections": lambda _d, _h: reply.SerializeToString()})
    assert asyncio.run(chain_of(node).connections()) == [
        ConnectionInfo(
            "alpha-1", "connection-7", ChannelState.OPEN, "07-tendermint-3", "connection-1", "07-tendermint-9"
        )
    ]


def _client(chain: str = "beta-1", trusting: int = 1_209_600) -> Any:
    state = tendermint_pb2.ClientState(chain_id=chain)
    state.trusting_period.seconds = trusting
    return state


def test_clients_that_name_no_chain_are_left_out() -> None:
    reply = clients.QueryClientStatesResponse()
    known, other = reply.client_states.add(client_id="07-tendermint-0"), reply.client_states.add(client_id="08-wasm-1")
    known.client_state.type_url = f"{ANY_TENDERMINT}ClientState"
    known.client_state.value = _client().SerializeToString()
    other.client_state.type_url, other.client_state.value = "/ibc.lightclients.wasm.v1.ClientState", b"\xff"
    node = FakeNode(queries={f"{CLIENT}ClientStates": lambda _d, _h: reply.SerializeToString()})
    assert asyncio.run(chain_of(node).clients()) == [ClientInfo("alpha-1", "07-tendermint-0", "beta-1", 1_209_600)]


def health(status: Answer, state: Answer | None = None, newest: Answer | None = None) -> Any:
    at = tendermint_pb2.ConsensusState()
    at.timestamp.seconds, at.timestamp.nanos = 1_795_000_000, 5_000
    packed_state, packed_newest = clients.QueryClientStateResponse(), clients.QueryConsensusStateResponse()
    packed_state.client_state.type_url = f"{ANY_TENDERMINT}ClientState"
    packed_state.client_state.value = _client(trusting=60).SerializeToString()
    packed_newest.consensus_state.type_url = f"{ANY_TENDERMINT}ConsensusState"
    packed_newest.consensus_state.value = at.SerializeToString()
    queries: dict[str, Answer] = {
        "ClientStatus": status,
        "ClientState": state or packed_state.SerializeToString(),
        "ConsensusState": newest or packed_newest.SerializeToString(),
    }
    node = FakeNode(
        queries={f"{CLIENT}{name}": lambda _d, _h, answer=answer: answer for name, answer in queries.items()}  # type: ignore[misc]
    )
    [got] = asyncio.run(chain_of(node).client_health(["07-tendermint-0"])).values()
    assert len(node.requests) == 1
    return got


def status(word: str) -> bytes:
    return bytes(clients.QueryClientStatusResponse(status=word).SerializeToString())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Active", ClientStatus.ACTIVE),
        ("Expired", ClientStatus.EXPIRED),
        ("Frozen", ClientStatus.FROZEN),
        ("Unauthorized", ClientStatus.UNAUTHORIZED),
        ("Sleeping", ClientStatus.UNKNOWN),
        ("", ClientStatus.UNKNOWN),
    ],
)
def test_a_clients_health_has_its_status_and_expiry(word: str, expected: ClientStatus) -> None:
    expires = datetime.fromtimestamp(1_795_000_060, UTC) + timedelta(microseconds=5)
    assert health(status(word)) == ClientHealth(expected, expires)


def test_a_client_whose_newest_header_is_gone_has_no_known_expiry() -> None:
    gone: Answer = (22, "consensus state not found: key not found")
    assert health(status("Expired"), newest=gone) == ClientHealth(ClientStatus.EXPIRED, None)
    assert health(status("Active"), state=b"\xff\xff") == ClientHealth(ClientStatus.ACTIVE, None)


def test_a_client_of_another_kind_has_no_known_expiry() -> None:
    other = clients.QueryClientStateResponse()
    other.client_state.type_url = "/ibc.lightclients.wasm.v1.ClientState"
    assert health(status("Active"), state=other.SerializeToString()) == ClientHealth(ClientStatus.ACTIVE, None)
    newest = clients.QueryConsensusStateResponse()
    newest.consensus_state.type_url = "/ibc.lightclients.wasm.v1.ConsensusState"
    assert health(status("Active"), newest=newest.SerializeToString()) == ClientHealth(ClientStatus.ACTIVE, None)


def test_a_client_that_can_not_be_read_is_an_error_never_active() -> None:
    assert isinstance(health((22, "client not found: key not found")), NotFoundError)
    assert isinstance(health((111222, "panic")), NodeError)


def test_ends_are_those_of_the_asked_chain() -> None:
    [page] = asyncio.run(walk(chain_of(channels_of(1))))
    assert page.channels[0].end == ChannelEnd("alpha-1", "transfer", "channel-0")
