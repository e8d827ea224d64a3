"""A chain's channels, connections and clients as last read: a cache that a scan starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering
from relayclear.ibc.topology import ChainTopology, ChannelInfo, ClientInfo, ConnectionInfo
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import read_time, time_text

SELECT_TOPOLOGY = "SELECT read_at, channel_count, next_key FROM topologies WHERE chain = ?"
SET_CURSOR = """
INSERT INTO topologies (chain, next_key) VALUES (?, ?) ON CONFLICT (chain) DO UPDATE SET next_key = excluded.next_key"""
SET_FINISHED = """
INSERT INTO topologies (chain, read_at, channel_count) VALUES (?, ?, ?)
ON CONFLICT (chain) DO UPDATE SET read_at = excluded.read_at, channel_count = excluded.channel_count"""
DROP_ALL = tuple(
    f"DELETE FROM {table} WHERE chain = ?"  # noqa: S608 - the names stand here
    for table in ("topologies", "channels", "connections", "clients")
)

SELECT_CHANNELS = """
SELECT chain, port, channel, state, ordering, counterparty_port, counterparty_channel, connection, version
FROM channels WHERE chain = ?"""
SELECT_CHANNELS_TOWARD = """
SELECT c.chain, c.port, c.channel, c.state, c.ordering, c.counterparty_port, c.counterparty_channel, c.connection,
  c.version
FROM clients l
JOIN connections n ON n.chain = l.chain AND n.client = l.client
JOIN channels c ON c.chain = n.chain AND c.connection = n.connection
WHERE l.chain = ? AND l.follows IN (?*)"""
SET_CHANNEL = """
INSERT INTO channels
  (chain, port, channel, state, ordering, counterparty_port, counterparty_channel, connection, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, port, channel) DO UPDATE
SET state = excluded.state, ordering = excluded.ordering, counterparty_port = excluded.counterparty_port,
  counterparty_channel = excluded.counterparty_channel, connection = excluded.connection, version = excluded.version"""

SELECT_CONNECTIONS = """
SELECT chain, connection, state, client, counterparty_connection, counterparty_client
FROM connections WHERE chain = ?"""
SELECT_CONNECTIONS_TOWARD = """
SELECT n.chain, n.connection, n.state, n.client, n.counterparty_connection, n.counterparty_client
FROM clients l JOIN connections n ON n.chain = l.chain AND n.client = l.client
WHERE l.chain = ? AND l.follows IN (?*)"""
SET_CONNECTION = """
INSERT INTO connections (chain, connection, state, client, counterparty_connection, counterparty_client)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, connection) DO UPDATE
SET state = excluded.state, client = excluded.client, counterparty_connection = excluded.counterparty_connection,
  counterparty_client = excluded.counterparty_client"""

SELECT_CLIENTS = "SELECT chain, client, follows, trusting_seconds FROM clients WHERE chain = ?"
SELECT_CLIENTS_TOWARD = """
SELECT chain, client, follows, trusting_seconds FROM clients WHERE chain = ? AND follows IN (?*)"""
SET_CLIENT = """
INSERT INTO clients (chain, client, follows, trusting_seconds) VALUES (?, ?, ?, ?)
ON CONFLICT (chain, client) DO UPDATE
SET follows = excluded.follows, trusting_seconds = excluded.trusting_seconds"""


@dataclass(frozen=True, slots=True)
class StoredTopology:
    """What is cached of a chain, and how good it is.

    `channel_count` is the chain's next channel sequence when the read began to be trusted at
    `read_at`: the same number now means that no channel is new.  `complete` is False while a walk
    over its channels is broken off.
    """

    topology: ChainTopology
    read_at: datetime
    channel_count: int
    complete: bool


def load(reads: Reads, chain: str, toward: frozenset[str] | None) -> StoredTopology | None:
    """See `Journal.topology`."""
    head = reads.row(SELECT_TOPOLOGY, (chain,))
    if head is None or head[0] is None:
        return None
    channels = _rows(reads, (SELECT_CHANNELS, SELECT_CHANNELS_TOWARD), chain, toward)
    connections = _rows(reads, (SELECT_CONNECTIONS, SELECT_CONNECTIONS_TOWARD), chain, toward)
    clients = _rows(reads, (SELECT_CLIENTS, SELECT_CLIENTS_TOWARD), chain, toward)
    topology = ChainTopology(
        chain,
        {info.end: info for info in map(_channel, channels)},
        {info.connection: info for info in map(_connection, connections)},
        {info.client: info for info in (ClientInfo(*row) for row in clients)},
    )
    read_at, channel_count, next_key = head
    return StoredTopology(topology, read_time(read_at), channel_count, next_key is None)


def cursor(reads: Reads, chain: str) -> bytes | None:
    """See `Journal.topology_cursor`."""
    head = reads.row(SELECT_TOPOLOGY, (chain,))
    return head[2] if head else None


def save_page(tx: Transaction, chain: str, channels: Iterable[ChannelInfo], next_key: bytes | None) -> None:
    """See `Journal.save_channel_page`."""
    update(tx, channels)
    tx.execute(SET_CURSOR, (chain, next_key))


def update(tx: Transaction, channels: Iterable[ChannelInfo]) -> None:
    """See `Journal.update_channels`."""
    tx.execute_each(
        SET_CHANNEL,
        [
            (
                *info.end,
                info.state,
                info.ordering,
                info.counterparty_port,
                info.counterparty_channel,
                info.connection,
                info.version,
            )
            for info in channels
        ],
    )


def finish(
    tx: Transaction,
    chain: str,
    connections: Iterable[ConnectionInfo],
    clients: Iterable[ClientInfo],
    channel_count: int,
    at: datetime,
) -> None:
    """See `Journal.finish_topology`."""
    tx.execute_each(
        SET_CONNECTION,
        [
            (chain, info.connection, info.state, info.client, info.counterparty_connection, info.counterparty_client)
            for info in connections
        ],
    )
    tx.execute_each(SET_CLIENT, [(chain, info.client, info.follows, info.trusting_seconds) for info in clients])
    tx.execute(SET_FINISHED, (chain, time_text(at), channel_count))


def drop(tx: Transaction, chain: str) -> None:
    """See `Journal.drop_topology`."""
    for statement in DROP_ALL:
        tx.execute(statement, (chain,))


def _rows(reads: Reads, statements: tuple[str, str], chain: str, toward: frozenset[str] | None) -> list[Row]:
    everything, some = statements
    return reads.rows(everything, (chain,)) if toward is None else list(reads.rows_in(some, (chain,), sorted(toward)))


def _channel(row: Row) -> ChannelInfo:
    chain, port, channel, state, ordering, *rest = row
    return ChannelInfo(ChannelEnd(chain, port, channel), ChannelState(state), Ordering(ordering), *rest)


def _connection(row: Row) -> ConnectionInfo:
    chain, connection, state, *rest = row
    return ConnectionInfo(chain, connection, ChannelState(state), *rest)
