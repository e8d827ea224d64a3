"""The journal: facts in, facts out, one commit for each method that writes.

Work that must commit together with more (a task, a payment) calls the functions of the subject's
module inside its own `Database.atomic`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from relayclear.clearing.operation import Attempt, Operation, PacketAfter
from relayclear.errors import HeightError
from relayclear.ibc.coin import DenomPath
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, SequenceRanges
from relayclear.ibc.relayer import RelayRun
from relayclear.ibc.topology import ChannelInfo, ClientInfo, ConnectionInfo
from relayclear.store import judgements, mutes, operations, packets, sightings, topology
from relayclear.store.db import Database
from relayclear.store.mutes import Mute
from relayclear.store.sightings import LastReading
from relayclear.store.topology import StoredTopology


class Journal:
    """Everything this program remembers, over one open database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Topology

    def topology(self, chain: str, toward: frozenset[str] | None = None) -> StoredTopology | None:
        """What is cached of a chain; None before its first read was finished.

        `toward` leaves only channels, connections and clients that claim to follow one of these
        chains: a hub has thousands of others.  A channel that is missing then may still exist.
        """
        with self.database.snapshot() as reads:
            return topology.load(reads, chain, toward)

    def topology_cursor(self, chain: str) -> bytes | None:
        """The page key where a broken walk over the chain's channels goes on; None: from the start."""
        return topology.cursor(self.database, chain)

    def save_channel_page(self, chain: str, channels: Iterable[ChannelInfo], next_key: bytes | None) -> None:
        """Keep one page of a walk and where the next one begins (None: it was the last)."""
        with self.database.atomic() as tx:
            topology.save_page(tx, chain, channels, next_key)

    def finish_topology(
        self,
        chain: str,
        connections: Iterable[ConnectionInfo],
        clients: Iterable[ClientInfo],
        channel_count: int,
        at: datetime,
    ) -> None:
        """Keep the rest of a read and make it count; it is incomplete while a cursor is left."""
        with self.database.atomic() as tx:
            topology.finish(tx, chain, connections, clients, channel_count, at)

    def drop_topology(self, chain: str) -> None:
        """Forget the chain's topology, cursor included."""
        with self.database.atomic() as tx:
            topology.drop(tx, chain)

    def update_channels(self, channels: Iterable[ChannelInfo]) -> None:
        """Keep the fresh state of single channels."""
        with self.database.atomic() as tx:
            topology.update(tx, channels)

    # Sightings

    def record_scan(
        self,
        at: datetime,
        readings: Mapping[ChannelEnd, tuple[int, Collection[int]]],
        failures: Mapping[ChannelEnd, str],
    ) -> dict[ChannelEnd, dict[int, datetime] | HeightError]:
        """Keep what a scan saw: per end the height and all pending sequences, or what went wrong.

        Answers per end of `readings` when each pending packet was first seen.  An end read at a
        lower height than before gets a HeightError and counts as failed: a node that fell back
        doesn't know what has gone since.  A failed end's sightings stay as they are.
        """
        with self.database.atomic() as tx:
            return sightings.record_scan(tx, at, readings, failures)

    def predate(self, end: ChannelEnd, sequences: AbstractSet[int], at: datetime) -> None:
        """Pending packets were proved to be at least this old: their sightings begin there."""
        with self.database.atomic() as tx:
            sightings.predate(tx, end, sequences, at)

    def last_readings(self) -> dict[ChannelEnd, LastReading]:
        """The last good reading of every end that was ever looked at, and what went wrong since."""
        return sightings.last_readings(self.database)

    def first_seen(self, keys: Iterable[PacketKey]) -> dict[PacketKey, datetime]:
        """When each packet that is pending now was first seen; the others are left out."""
        with self.database.snapshot() as reads:
            return sightings.first_seen(reads, keys)

    def pending_at(self, ends: Iterable[ChannelEnd], at: datetime) -> dict[ChannelEnd, dict[int, datetime]]:
        """What was known to be pending at a time, with its first sighting.  Never-read ends are left out."""
        with self.database.snapshot() as reads:
            return sightings.pending_at(reads, ends, at)

    def restart_chain(self, chain: str, at: datetime) -> None:
        """The chain began anew under its old name: end its sightings, forget heights and caches.

        Without this every reading of the new chain would be refused as a node that fell back.
        """
        with self.database.atomic() as tx:
            sightings.close_all(tx, chain, at)
            judgements.close_all(tx, chain, at)
            topology.drop(tx, chain)
            packets.forget(tx, chain)

    # Packets, denoms, small facts

    def save_packets(self, found: Iterable[Packet]) -> None:
        """Keep packet details for good.  Raises ValueError for one that isn't `verified`."""
        with self.database.atomic() as tx:
            packets.save(tx, found)

    def packets(self, wanted: Mapping[PacketKey, bytes]) -> dict[PacketKey, Packet]:
        """Details of the packets whose commitment is the given one; unknown ones are left out."""
        with self.database.snapshot() as reads:
            return packets.load(reads, wanted)

    def save_denom(self, chain: str, denom: str, path: DenomPath) -> None:
        """Keep the checked trace behind a denom; the first one stays."""
        with self.database.atomic() as tx:
            packets.save_denom(tx, chain, denom, path)

    def denom(self, chain: str, denom: str) -> DenomPath | None:
        """The trace behind a denom, None when it was never kept."""
        return packets.denom(self.database, chain, denom)

    def remember(self, chain: str, name: str, value: str) -> None:
        """Keep a small fact about a chain, instead of the one of that name before."""
        with self.database.atomic() as tx:
            packets.remember(tx, chain, name, value)

    def recall(self, chain: str, name: str) -> str | None:
        """The small fact of that name, None when there is none."""
        return packets.recall(self.database, chain, name)

    # Operations

    def add_operation(self, operation: Operation) -> None:
        """Keep a request.  Raises RuleBrokenError when its id is taken."""
        with self.database.atomic() as tx:
            operations.add(tx, operation)

    def start_attempt(self, operation_id: str, attempt: Attempt) -> None:
        """Commit the intent, before the relayer starts.

        Raises HeldError while another attempt hasn't ended, RefusedError after a cancellation,
        ValueError when its number isn't the next or it already has a result.
        """
        with self.database.atomic() as tx:
            operations.start(tx, operation_id, attempt)

    def record_run(self, operation_id: str, number: int, run: RelayRun) -> None:
        """Keep what the relayer did in an attempt; once."""
        with self.database.atomic() as tx:
            operations.record_run(tx, operation_id, number, run)

    def finish_attempt(
        self,
        operation_id: str,
        number: int,
        after: Sequence[PacketAfter],
        extra: Iterable[PacketKey],
        at: datetime,
    ) -> None:
        """Keep the judgement of an attempt and end it; once."""
        with self.database.atomic() as tx:
            operations.finish(tx, operation_id, number, after, extra, at)

    def cancel(self, operation_id: str, at: datetime) -> None:
        """Call an operation off: no attempt starts any more.  A second time changes nothing."""
        with self.database.atomic() as tx:
            operations.cancel(tx, operation_id, at)

    def operation(self, start_of_id: str) -> Operation | None:
        """The operation of this id, or the only one whose id starts so.  Raises UsageError for several."""
        with self.database.snapshot() as reads:
            return operations.find(reads, start_of_id)

    def operations(
        self,
        limit: int,
        offset: int = 0,
        *,
        source: ChannelEnd | str | None = None,
        as_of: datetime | None = None,
    ) -> list[Operation]:
        """A page of operations, newest first: all, or those of a sending chain or channel end.

        `as_of` shows them with what was known then.
        """
        with self.database.snapshot() as reads:
            return operations.page(reads, limit, offset, source=source, as_of=as_of)

    def operations_of(self, key: PacketKey) -> list[Operation]:
        """Every operation that held the packet, oldest first."""
        with self.database.snapshot() as reads:
            return operations.of_packet(reads, key)

    def unfinished(self) -> list[Operation]:
        """Operations that are queued, running or being verified, oldest first."""
        with self.database.snapshot() as reads:
            return operations.unfinished(reads)

    # Mutes

    def mute(
        self,
        end: ChannelEnd,
        sequences: SequenceRanges | None,
        reason: str,
        until: datetime | None,
        classes: Mapping[int, str] | AbstractSet[str],
        at: datetime,
    ) -> int:
        """Mute sequences (None: the whole channel) while they have the given classes; the mute's id.

        `classes` is the class of each sequence now, or the set of classes for a whole channel.
        """
        mute = Mute(0, end, sequences, reason, mutes.classes_of(classes), at, until)
        with self.database.atomic() as tx:
            return mutes.add(tx, mute)

    def unmute(self, end: ChannelEnd, sequences: SequenceRanges | None, at: datetime) -> int:
        """End the mutes on these sequences (None: on the whole channel); how many it met.

        What a met mute names beyond them stays muted, as a mute of its own.
        """
        with self.database.atomic() as tx:
            return mutes.end(tx, end, sequences, at)

    def mutes(self, at: datetime) -> list[Mute]:
        """The mutes in force at a time, oldest first."""
        return mutes.in_force(self.database, at)
