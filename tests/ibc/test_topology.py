"""Which channels add up to a path, also when the other end lies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering, RelayPath
from relayclear.ibc.topology import (
    BrokenPath,
    ChainTopology,
    ChannelInfo,
    ClientInfo,
    ConnectionInfo,
    join_paths,
)

A0, B7 = ChannelEnd("alpha-1", "transfer", "channel-0"), ChannelEnd("beta-1", "transfer", "channel-7")


def channel(end: ChannelEnd, other: str, connection: str) -> ChannelInfo:
    return ChannelInfo(end, ChannelState.OPEN, Ordering.UNORDERED, "transfer", other, connection, "ics20-1")


def one_channel(info: ChannelInfo, connection: ConnectionInfo, client: ClientInfo) -> ChainTopology:
    named = {connection.connection: connection}
    return ChainTopology(info.end.chain, {info.end: info}, named, {client.client: client})


ALPHA = one_channel(
    channel(A0, "channel-7", "connection-1"),
    ConnectionInfo("alpha-1", "connection-1", ChannelState.OPEN, "client-1", "connection-2", "client-2"),
    ClientInfo("alpha-1", "client-1", "beta-1", None),
)
BETA = one_channel(
    channel(B7, "channel-0", "connection-2"),
    ConnectionInfo("beta-1", "connection-2", ChannelState.OPEN, "client-2", "connection-1", "client-1"),
    ClientInfo("beta-1", "client-2", "alpha-1", None),
)
PATH = RelayPath(A0, B7, Ordering.UNORDERED, "ics20-1", "connection-1", "connection-2", "client-1", "client-2")


def join(*chains: ChainTopology) -> tuple[list[RelayPath], list[BrokenPath]]:
    return join_paths({chain.chain: chain for chain in chains})


def with_channel(chain: ChainTopology, **changed: object) -> ChainTopology:
    (info,) = chain.channels.values()
    return replace(chain, channels={info.end: replace(info, **changed)})  # type: ignore[arg-type]


def with_connection(chain: ChainTopology, **changed: object) -> ChainTopology:
    (info,) = chain.connections.values()
    return replace(chain, connections={info.connection: replace(info, **changed)})  # type: ignore[arg-type]


def test_two_ends_that_name_each_other_are_two_paths() -> None:
    paths, broken = join(ALPHA, BETA)
    assert paths == [PATH, PATH.reversed()]
    assert broken == []


def test_channels_towards_chains_that_nobody_configured_are_left_out_without_a_word() -> None:
    assert join(ALPHA) == ([], [])


@pytest.mark.parametrize("state", [ChannelState.INIT, ChannelState.TRYOPEN])
def test_a_handshake_that_never_finished_is_left_out(state: ChannelState) -> None:
    assert join(with_channel(ALPHA, state=state), with_channel(BETA, state=state)) == ([], [])


@pytest.mark.parametrize("state", [ChannelState.CLOSED, ChannelState.FLUSHING, ChannelState.UNKNOWN])
def test_a_closed_channel_still_is_a_path_because_packets_may_stand_on_it(state: ChannelState) -> None:
    assert len(join(with_channel(ALPHA, state=state), BETA)[0]) == 2


@pytest.mark.parametrize(
    "alpha", [replace(ALPHA, connections={}), replace(ALPHA, clients={})], ids=["connection", "client"]
)
def test_a_channel_whose_client_is_not_known_claims_nothing(alpha: ChainTopology) -> None:
    assert alpha.follows(alpha.channels[A0]) is None
    paths, broken = join(alpha, BETA)
    assert paths == []
    assert [path.end for path in broken] == [B7]


LIES = {
    "beta-1/channel-7 does not exist, or leads to a chain that is not configured": replace(BETA, channels={}),
    "beta-1/channel-7 names transfer/channel-5 as its other end": with_channel(BETA, counterparty_channel="channel-5"),
    "beta-1/channel-7 names icahost/channel-0 as its other end": with_channel(BETA, counterparty_port="icahost"),
    "beta-1/channel-7 stands on an unknown connection": with_channel(BETA, connection="connection-9"),
    "connections connection-1 and connection-2 do not name each other": with_connection(
        BETA, counterparty_connection="connection-5"
    ),
    "the client behind beta-1/channel-7 follows gamma-1": replace(
        BETA, clients={"client-2": ClientInfo("beta-1", "client-2", "gamma-1", None)}
    ),
    "the client behind beta-1/channel-7 follows None": replace(BETA, clients={}),
}


@pytest.mark.parametrize("why", LIES)
def test_a_counterparty_that_lies_makes_no_path_and_the_reason_is_told(why: str) -> None:
    paths, broken = join(ALPHA, LIES[why])
    assert paths == []
    assert BrokenPath(A0, "beta-1", why) in broken


@pytest.mark.parametrize(
    "changed",
    [{"counterparty_client": "client-9"}, {"client": "client-9"}, {"counterparty_connection": "connection-9"}],
)
@pytest.mark.parametrize("liar", ["alpha", "beta"])
def test_connections_must_name_each_others_clients_too(changed: dict[str, str], liar: str) -> None:
    alpha = with_connection(ALPHA, **changed) if liar == "alpha" else ALPHA
    beta = with_connection(BETA, **changed) if liar == "beta" else BETA
    assert join(alpha, beta)[0] == []


# Anybody may open a client that claims any chain, and a chain may answer anything.

_few = [ChannelEnd("", "transfer", f"channel-{number}").channel for number in range(3)]
_connections = [f"connection-{number}" for number in range(3)]
_clients = [f"client-{number}" for number in range(2)]


@st.composite
def any_chain(draw: st.DrawFn, name: str) -> ChainTopology:
    """A chain that says whatever it likes, out of few enough names to hit others by chance."""
    channels = {
        end: ChannelInfo(
            end,
            draw(st.sampled_from([ChannelState.OPEN, ChannelState.OPEN, ChannelState.CLOSED, ChannelState.INIT])),
            Ordering.UNORDERED,
            "transfer",
            draw(st.sampled_from(_few)),
            draw(st.sampled_from(_connections)),
            "ics20-1",
        )
        for end in (ChannelEnd(name, "transfer", channel) for channel in draw(st.sets(st.sampled_from(_few))))
    }
    connections = {
        connection: ConnectionInfo(
            name,
            connection,
            ChannelState.OPEN,
            draw(st.sampled_from(_clients)),
            draw(st.sampled_from(_connections)),
            draw(st.sampled_from(_clients)),
        )
        for connection in _connections[:2]
    }
    followed = st.sampled_from(["alpha-1", "beta-1", "gamma-1"])
    clients = {client: ClientInfo(name, client, draw(followed), None) for client in _clients}
    return ChainTopology(name, channels, connections, clients)


@given(any_chain("alpha-1"), any_chain("beta-1"))
def test_whatever_chains_say_a_path_is_only_what_both_of_them_say(alpha: ChainTopology, beta: ChainTopology) -> None:
    chains = {"alpha-1": alpha, "beta-1": beta}
    paths, broken = join_paths(chains)
    for path in paths:
        near, far = chains[path.source.chain], chains[path.destination.chain]
        here, there = near.channels[path.source], far.channels[path.destination]
        assert (here.counterparty_port, here.counterparty_channel) == path.destination[1:]
        assert (there.counterparty_port, there.counterparty_channel) == path.source[1:]
        ours, theirs = near.connections[path.source_connection], far.connections[path.destination_connection]
        assert (here.connection, there.connection) == (ours.connection, theirs.connection)
        assert (ours.client, theirs.client) == (path.source_client, path.destination_client)
        assert (ours.counterparty_connection, ours.counterparty_client) == (theirs.connection, theirs.client)
        assert (theirs.counterparty_connection, theirs.counterparty_client) == (ours.connection, ours.client)
        assert near.clients[path.source_client].follows == path.destination.chain
        assert far.clients[path.destination_client].follows == path.source.chain
    # An end is a path or broken, never both, never twice.
    ends = [path.source for path in paths] + [path.end for path in broken]
    assert len(ends) == len(set(ends))


@given(any_chain("gamma-1"))
def test_a_lying_third_chain_takes_nothing_from_two_honest_ones(liar: ChainTopology) -> None:
    paths, _ = join(ALPHA, BETA, liar)
    assert [path for path in paths if "gamma-1" not in (path.source.chain, path.destination.chain)] == [
        PATH,
        PATH.reversed(),
    ]
