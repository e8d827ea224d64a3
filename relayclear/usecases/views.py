"""Rows for the faces: one packet, one path, with everything known and nothing invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from relayclear.errors import RelayclearError
from relayclear.ibc.coin import DenomPath
from relayclear.ibc.packet import Ordering, Packet, PacketKey, RelayPath, SequenceRanges, Transfer, read_transfer
from relayclear.ibc.readings import Head
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import (
    UNDELIVERED,
    Blocked,
    PacketClass,
    PacketFacts,
    PathFacts,
    Verdict,
    excluded_on,
    has_timed_out,
    over_limits,
    triage,
)
from relayclear.store.mutes import Mute
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details
from relayclear.usecases.last_good import LastGood
from relayclear.usecases.scan import PathReading, Reading

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Worst first: what loses money by waiting stands above what only looks untidy.
SEVERITY = {
    PacketClass.TIMED_OUT: 0,
    PacketClass.TIMEOUT_ON_CLOSE: 1,
    PacketClass.STUCK: 2,
    PacketClass.PENDING: 3,
    PacketClass.ACK_MISSING: 4,
    PacketClass.ASYNC_ACK: 5,
    PacketClass.IN_FLIGHT: 6,
}


@lru_cache(maxsize=1024)
def denom_names(denom: str) -> tuple[str, ...]:
    """Everything a person may call a packet's denom: the full path, its base, the voucher's hash."""
    path = DenomPath.parse(denom)
    return tuple(dict.fromkeys((denom, path.base, path.voucher)))


class Waiting(Protocol):
    """A pending packet, as far as sentences about it need it: a row of a list, or of the board."""

    @property
    def path(self) -> RelayPath:
        """Its path."""

    @property
    def sequence(self) -> int:
        """Its sequence."""

    @property
    def verdict(self) -> Verdict:
        """Its class, and what blocks it."""

    @property
    def muted(self) -> Mute | None:
        """The mute that covers it."""


@dataclass(slots=True)
class PacketView:
    """One pending packet.  Fields are None where nobody could tell, never guessed.

    `age_seconds` counts from the oldest evidence there is, and is None where that is this very look;
    `warning` is a word before clearing.
    """

    path: RelayPath
    sequence: int
    commitment: bytes
    verdict: Verdict
    first_seen: datetime | None
    age_seconds: int | None
    packet: Packet | None = None
    transfer: Transfer | None = None
    muted: Mute | None = None
    unread: RelayclearError | None = None
    warning: str | None = None

    @property
    def key(self) -> PacketKey:
        """What names the packet."""
        return PacketKey(*self.path.source, self.sequence)

    @property
    def age_is_exact(self) -> bool:
        """Whether the age counts from the sending; else it is the least that it can be."""
        return self.packet is not None and self.packet.verified and self.packet.sent_at is not None

    @property
    def filter_fields(self) -> dict[str, tuple[str, ...]]:
        """The row's texts by filter key, for `ibc.filter`."""
        return packet_fields(self.path, self.sequence, self.verdict.packet_class, self.verdict.blocked, self.transfer)


def packet_fields(
    path: RelayPath, sequence: int, packet_class: PacketClass, blocked: Blocked | None, transfer: Transfer | None
) -> dict[str, tuple[str, ...]]:
    """A packet's texts by filter key; those that nobody knows are empty."""
    wallets = (transfer.sender, transfer.receiver) if transfer else ()
    return {
        "chain": (path.source.chain,),
        "to": (path.destination.chain,),
        "channel": (path.source.channel,),
        "port": (path.source.port,),
        "sequence": (str(sequence),),
        "class": (packet_class.value,),
        "reason": (blocked.reason.value,) if blocked else (),
        "wallet": wallets,
        "sender": wallets[:1],
        "receiver": wallets[1:],
        "denom": denom_names(transfer.coin.denom) if transfer else (),
    }


def timeout_at(packet: Packet | None) -> datetime | None:
    """The timeout by time, None where there is none or it isn't known."""
    if packet is None or packet.timeout_timestamp == 0:
        return None
    try:
        return EPOCH + timedelta(microseconds=packet.timeout_timestamp // 1000)
    except OverflowError:
        return None  # a sender may ask for a time beyond the calendar: as good as none


@dataclass(slots=True)
class PathView:
    """One path: how many packets are pending and stuck, or the error that hides them.

    `last_good` is what was known of one that can't be read now; None where nothing is, or that is too old.
    """

    path: RelayPath
    error: RelayclearError | None
    pending: int | None
    stuck: int | None
    muted: int
    oldest_sequence: int | None
    oldest_seen: datetime | None
    last_good: LastGood | None = None


def path_facts(desk: Desk, reading: Reading, path: RelayPath) -> PathFacts:
    """What holds for every packet of the path now."""
    near = reading.clients.get((path.source.chain, path.source_client))
    far = reading.clients.get((path.destination.chain, path.destination_client))
    return PathFacts(
        ordering=path.ordering,
        source_state=reading.network.state(path.source),
        destination_state=reading.network.state(path.destination),
        connections_open=reading.network.connections_open(path),
        source_client=path.source_client,
        source_client_status=near.status if near else None,
        destination_client=path.destination_client,
        destination_client_status=far.status if far else None,
        source_channel=path.source.channel,
        rules=desk.rules_for(path),
    )


@dataclass(frozen=True, slots=True)
class PathDesk:
    """What judging the packets of one path needs, gathered once."""

    item: PathReading
    facts: PathFacts
    excluded: SequenceRanges
    first_seen: Mapping[int, datetime]
    ahead: tuple[int, int] | None
    head: Head
    at: datetime
    stuck_after: int
    mutes: Sequence[Mute]
    shared: dict[PacketFacts, Verdict]


def path_desk(desk: Desk, reading: Reading, item: PathReading, mutes: Sequence[Mute]) -> PathDesk:
    """Gather what `packet_view` needs for the packets of one path that could be read."""
    path, facts = item.path, path_facts(desk, reading, item.path)
    return PathDesk(
        item=item,
        facts=facts,
        excluded=excluded_on(facts.rules, path.source.channel),
        first_seen=reading.first_seen.get(path.source, {}),
        ahead=_ahead(item) if path.ordering is Ordering.ORDERED else None,
        head=reading.heads[path.destination.chain],
        at=reading.at,
        stuck_after=desk.stuck_after,
        mutes=[mute for mute in mutes if mute.end == path.source],
        shared={},
    )


def path_packets(at: PathDesk, details: Details) -> list[PacketView]:
    """Every pending packet of one path, judged with what is known of it.

    There are thousands of packets and a handful of kinds: where nothing but receipt, acknowledgement
    and sighting tells packets apart, one of each kind is judged.
    """
    item, source = at.item, at.item.path.source
    alike = at.ahead is None and not at.excluded.ranges and not at.mutes
    if alike and not details.packets and not details.unread:
        return _alike(at, item.commitments)
    views: list[PacketView] = []
    plain: list[int] = []
    for sequence in item.commitments:
        key = PacketKey(*source, sequence)
        packet, unread = details.packets.get(key), details.unread.get(key)
        if alike and packet is None and unread is None:
            plain.append(sequence)
        else:
            views.append(packet_view(at, sequence, packet, unread))
    return views + _alike(at, plain)


def _alike(at: PathDesk, sequences: Iterable[int]) -> list[PacketView]:
    item, first_seen = at.item, at.first_seen
    unseen = item.reception.unreceived if item.reception else frozenset()
    acks = item.reception.acknowledgements if item.reception else {}
    kinds: dict[tuple[bool, bool, datetime | None], PacketView] = {}
    views: list[PacketView] = []
    for sequence in sequences:
        seen = first_seen.get(sequence)
        kind = (sequence in unseen, sequence in acks, seen)
        like = kinds.get(kind)
        if like is None:
            like = kinds[kind] = packet_view(at, sequence, None, None)
        views.append(PacketView(item.path, sequence, item.commitments[sequence], like.verdict, seen, like.age_seconds))
    return views


def packet_view(at: PathDesk, sequence: int, packet: Packet | None, unread: RelayclearError | None) -> PacketView:
    """One packet's row: class, obstacle, age, mute."""
    item = at.item
    path = item.path
    seen = at.first_seen.get(sequence)
    transfer = read_transfer(path.source.port, path.version, packet.data) if packet else None
    # What doesn't fit the commitment is shown as unverified, and decides nothing.
    believed = packet if packet is not None and packet.verified else None
    age = seen_for(at.at, seen, believed)
    judged = PacketFacts(
        item.received(sequence),
        item.acknowledged(sequence),
        has_timed_out(believed, at.head.chain, at.head.height, at.head.at) if believed else None,
        None if age is None else age >= at.stuck_after,
        bool(at.excluded.ranges) and sequence in at.excluded,
        over_limits(at.facts.rules, transfer) if believed else None,
        _behind(at, sequence),
        unread is not None,
    )
    # Thousands of packets share a handful of verdicts.
    verdict = at.shared.get(judged) or at.shared.setdefault(judged, triage(at.facts, judged))
    view = PacketView(path, sequence, item.commitments[sequence], verdict, seen, age, packet, transfer, None, unread)
    if at.mutes:
        covering = (mute for mute in at.mutes if mute.covers(sequence, verdict.packet_class.value, at.at))
        view.muted = next(covering, None)
    return view


def _ahead(item: PathReading) -> tuple[int, int] | None:
    """Of an ordered channel: the first to be delivered, and the first to be acknowledged."""
    if not item.commitments or item.reception is None:
        return None
    first = min(item.commitments)
    return min(item.reception.unreceived, default=first), first


def _behind(at: PathDesk, sequence: int) -> int | None:
    if at.ahead is None:
        return None
    first = at.ahead[1 if at.item.received(sequence) else 0]
    return first if sequence > first else None


def seen_for(at: datetime, seen: datetime | None, packet: Packet | None) -> int | None:
    """The age of a packet in seconds by the oldest evidence there is, None for none."""
    # What is seen for the first time may have waited for months.
    known = seen if seen != at or (packet and packet.sent_at) else None
    oldest = oldest_evidence(known, packet.sent_at if packet else None)
    # A block's clock may run ahead of ours: an age is never below zero.
    return None if oldest is None else max(0, int((at - oldest).total_seconds()))


def oldest_evidence(seen: datetime | None, sent: datetime | None) -> datetime | None:
    """From when on a packet's age counts: its sending where that is proved, else when it was first seen."""
    return min((moment for moment in (seen, sent) if moment is not None), default=None)


def needs_attention(view: PacketView, stuck_after: int) -> bool:
    """Whether the packet counts as stuck: any class that won't end by itself, or a long wait.

    A packet whose details are unread is either stuck or timed out once it is old enough.
    """
    packet_class = view.verdict.packet_class
    if packet_class is PacketClass.PENDING:
        return view.age_seconds is not None and view.age_seconds >= stuck_after
    return packet_class is not PacketClass.IN_FLIGHT


def half_dead(facts: PathFacts, packet_class: PacketClass) -> str | None:
    """A word of warning where delivery works but the acknowledgement can't come back."""
    status = facts.source_client_status
    if packet_class not in UNDELIVERED or status is None or status is ClientStatus.ACTIVE:
        return None
    return (
        f"{facts.source_client} on the source chain is {status}: the coins would arrive, but the acknowledgement"
        " can't come back, and had it been an error the sender's coins would stay locked"
    )


def path_view(item: PathReading, packets: Sequence[PacketView], stuck_after: int) -> PathView:
    """Count one path.  A path that can't be read has no counts: unknown is not zero."""
    if item.error is not None:
        return PathView(item.path, item.error, None, None, 0, None, None)
    waiting = [view for view in packets if view.muted is None and needs_attention(view, stuck_after)]
    seen = [view.first_seen for view in packets if view.first_seen is not None]
    return PathView(
        item.path,
        None,
        len(packets),
        len(waiting),
        sum(view.muted is not None for view in packets),
        min((view.sequence for view in packets), default=None),
        min(seen, default=None),
    )


def worst_first(view: PacketView) -> tuple[int, int, str, str, int]:
    """Sort key: class by severity, then age, then name."""
    end = view.path.source
    return (SEVERITY[view.verdict.packet_class], -(view.age_seconds or 0), end.chain, end.channel, view.sequence)
