"""What a chain says of its channels, connections and clients, and which of it adds up to a path.

A client's chain id is whatever its creator wrote, so one end's word is never enough: a path counts
only when both ends' channel, connection and client name each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering, RelayPath


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One channel end as its own chain stores it."""

    end: ChannelEnd
    state: ChannelState
    ordering: Ordering
    counterparty_port: str
    counterparty_channel: str
    connection: str
    version: str


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One page of a chain's channels; `next_key` is None on the last one."""

    channels: tuple[ChannelInfo, ...]
    next_key: bytes | None


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One connection end as its own chain stores it."""

    chain: str
    connection: str
    state: ChannelState
    client: str
    counterparty_connection: str
    counterparty_client: str


class ClientStatus(StrEnum):
    """ibc-go's own words for a client's status, lower case."""

    ACTIVE = "active"
    EXPIRED = "expired"
    FROZEN = "frozen"
    UNKNOWN = "unknown"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """A light client: the chain it claims to follow, and its trusting period in seconds."""

    chain: str
    client: str
    follows: str
    trusting_seconds: int | None


@dataclass(frozen=True, slots=True)
class ClientHealth:
    """A client's status now, and when it expires unless somebody updates it."""

    status: ClientStatus
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChainTopology:
    """Everything one chain says about its ends."""

    chain: str
    channels: Mapping[ChannelEnd, ChannelInfo]
    connections: Mapping[str, ConnectionInfo]
    clients: Mapping[str, ClientInfo]

    def follows(self, info: ChannelInfo) -> str | None:
        """The chain id that the channel's client claims to follow; None where a link is missing."""
        connection = self.connections.get(info.connection)
        client = self.clients.get(connection.client) if connection else None
        return client.follows if client else None


@dataclass(frozen=True, slots=True)
class BrokenPath:
    """A channel that claims to lead to a configured chain, and why it doesn't count."""

    end: ChannelEnd
    claims: str
    why: str


def join_paths(chains: Mapping[str, ChainTopology]) -> tuple[list[RelayPath], list[BrokenPath]]:
    """Find every path that both ends agree on, each direction once, and those that don't agree.

    Channels towards chains that are not among the given ones are left out without a word: the
    operator doesn't relay them.  Handshakes that never finished (init, tryopen) are left out too.
    """
    paths: list[RelayPath] = []
    broken: list[BrokenPath] = []
    for topology in chains.values():
        for info in topology.channels.values():
            claims = topology.follows(info)
            if claims is None or claims not in chains or info.state in {ChannelState.INIT, ChannelState.TRYOPEN}:
                continue
            joined = _join(info, topology, chains[claims])
            if isinstance(joined, RelayPath):
                paths.append(joined)
            else:
                broken.append(BrokenPath(info.end, claims, joined))
    return sorted(paths, key=lambda path: path.source), sorted(broken, key=lambda path: path.end)


def _join(info: ChannelInfo, here: ChainTopology, there: ChainTopology) -> RelayPath | str:
    other_end = ChannelEnd(there.chain, info.counterparty_port, info.counterparty_channel)
    other = there.channels.get(other_end)
    if other is None:
        return f"{other_end} does not exist, or leads to a chain that is not configured"
    if (other.counterparty_port, other.counterparty_channel) != (info.end.port, info.end.channel):
        return f"{other_end} names {other.counterparty_port}/{other.counterparty_channel} as its other end"
    near, far = here.connections[info.connection], there.connections.get(other.connection)
    if far is None:
        return f"{other_end} stands on an unknown connection"
    if (near.counterparty_connection, near.counterparty_client) != (far.connection, far.client) or (
        far.counterparty_connection,
        far.counterparty_client,
    ) != (near.connection, near.client):
        return f"connections {near.connection} and {far.connection} do not name each other"
    if there.follows(other) != here.chain:
        return f"the client behind {other_end} follows {there.follows(other)}"
    return RelayPath(
        info.end, other_end, info.ordering, info.version, near.connection, far.connection, near.client, far.client
    )
