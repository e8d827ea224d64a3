"""What was learned for good: packet details, denom traces, and small facts about chains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from relayclear.ibc.coin import DenomPath
from relayclear.ibc.packet import ChannelEnd, Height, Packet, PacketKey
from relayclear.store.db import Reads, Row, Transaction, Value
from relayclear.store.sightings import number_ends, numbers
from relayclear.store.values import json_text, optional_time_text, read_json, read_optional_time

ADD_PACKET = """
INSERT INTO packets (end_id, sequence, commitment, destination_chain, destination_port, destination_channel, data,
  timeout_revision, timeout_height, timeout_timestamp, send_tx, sent_height, sent_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
SELECT_PACKETS = """
SELECT sequence, commitment, destination_chain, destination_port, destination_channel, data,
  timeout_revision, timeout_height, timeout_timestamp, send_tx, sent_height, sent_at
FROM packets WHERE end_id = ? AND sequence IN (?*)"""
SELECT_SENT = """
SELECT sequence, sent_at, data FROM packets WHERE end_id = ? AND sequence IN (?*)"""
# From the first to the last that is pending: what nobody has read costs nothing, however much is pending.
ADD_DENOM = "INSERT INTO denoms (chain, denom, hops, base) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
SELECT_DENOM = "SELECT hops, base FROM denoms WHERE chain = ? AND denom = ?"

SET_REMEMBERED = """
INSERT INTO remembered (chain, name, value) VALUES (?, ?, ?)
ON CONFLICT (chain, name) DO UPDATE SET value = excluded.value"""
SELECT_REMEMBERED = "SELECT value FROM remembered WHERE chain = ? AND name = ?"
DROP_REMEMBERED = "DELETE FROM remembered WHERE chain = ?"


def save(tx: Transaction, packets: Iterable[Packet]) -> None:
    """See `Journal.save_packets`."""
    every = list(packets)
    if doubtful := [packet.key for packet in every if not packet.verified]:
        message = f"{doubtful[0]} was not checked against its commitment"
        raise ValueError(message)
    ids = number_ends(tx, {packet.key.end for packet in every})
    tx.execute_each(ADD_PACKET, [_packet_row(ids[packet.key.end], packet) for packet in every])


def load(reads: Reads, wanted: Mapping[PacketKey, bytes]) -> dict[PacketKey, Packet]:
    """See `Journal.packets`."""
    ids = numbers(reads)
    by_end: defaultdict[ChannelEnd, list[int]] = defaultdict(list)
    for key in wanted:
        by_end[key.end].append(key.sequence)
    return {
        packet.key: packet
        for end, sequences in by_end.items()
        if end in ids
        for row in reads.rows_in(SELECT_PACKETS, (ids[end],), sequences)
        for packet in [_packet(end, row)]
        if wanted[packet.key] == row[1]
    }


def sent(reads: Reads, end: ChannelEnd, sequences: Iterable[int]) -> dict[int, tuple[datetime | None, bytes]]:
    """When packets of an end were sent, and what they say; those nobody has details of are left out.

    Of a chain begun anew there may be two of a sequence: the newer one is meant.
    """
    end_id = numbers(reads).get(end)
    found: dict[int, tuple[datetime | None, bytes]] = {}
    for sequence, sent_at, data in reads.rows_in(SELECT_SENT, (end_id,), sequences) if end_id is not None else ():
        at = read_optional_time(sent_at)
        if sequence not in found or _later(at, found[sequence][0]):
            found[sequence] = (at, data)
    return found


def newest(reads: Reads, keys: Iterable[PacketKey]) -> dict[PacketKey, Packet]:
    """Details of packets, of a sequence that a chain used twice the newer one's; unknown ones are left out."""
    ids, found = numbers(reads), dict[PacketKey, Packet]()
    by_end: defaultdict[ChannelEnd, list[int]] = defaultdict(list)
    for key in keys:
        by_end[key.end].append(key.sequence)
    for end, sequences in by_end.items():
        for row in reads.rows_in(SELECT_PACKETS, (ids[end],), sequences) if end in ids else ():
            packet = _packet(end, row)
            before = found.get(packet.key)
            if before is None or _later(packet.sent_at, before.sent_at):
                found[packet.key] = packet
    return found


def _later(one: datetime | None, other: datetime | None) -> bool:
    return other is None or (one is not None and one > other)


def save_denom(tx: Transaction, chain: str, denom: str, path: DenomPath) -> None:
    """See `Journal.save_denom`."""
    tx.execute(ADD_DENOM, (chain, denom, json_text(path.hops), path.base))


def denom(reads: Reads, chain: str, name: str) -> DenomPath | None:
    """See `Journal.denom`."""
    row = reads.row(SELECT_DENOM, (chain, name))
    return DenomPath(tuple((port, channel) for port, channel in read_json(row[0])), row[1]) if row else None


def remember(tx: Transaction, chain: str, name: str, value: str) -> None:
    """See `Journal.remember`."""
    tx.execute(SET_REMEMBERED, (chain, name, value))


def recall(reads: Reads, chain: str, name: str) -> str | None:
    """See `Journal.recall`."""
    row = reads.row(SELECT_REMEMBERED, (chain, name))
    return row[0] if row else None


def forget(tx: Transaction, chain: str) -> None:
    """Drop everything remembered of a chain by name."""
    tx.execute(DROP_REMEMBERED, (chain,))


def _packet_row(end_id: int, packet: Packet) -> tuple[Value, ...]:
    return (
        end_id,
        packet.key.sequence,
        packet.commitment(),
        *packet.destination,
        packet.data,
        str(packet.timeout_height.revision),
        str(packet.timeout_height.height),
        str(packet.timeout_timestamp),
        packet.send_tx,
        packet.sent_height,
        optional_time_text(packet.sent_at),
    )


def _packet(end: ChannelEnd, row: Row) -> Packet:
    sequence, _, chain, port, channel, data, revision, height, timestamp, send_tx, sent_height, sent_at = row
    return Packet(
        PacketKey(*end, sequence),
        ChannelEnd(chain, port, channel),
        data,
        Height(int(revision), int(height)),
        int(timestamp),
        send_tx,
        sent_height,
        read_optional_time(sent_at),
        verified=True,
    )
