"""How many packets of a path wait, by class: counted over whole sets, for it is done after every scan.

A channel may have tens of thousands, and a look at each would cost a good part of the scan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from relayclear.ibc.packet import ChannelState, Packet
from relayclear.ibc.readings import Head
from relayclear.ibc.triage import PacketClass, has_timed_out
from relayclear.store.mutes import Mute
from relayclear.usecases.scan import PathReading
from relayclear.usecases.views import seen_for


@dataclass(frozen=True, slots=True)
class Counted:
    """What waits on one path.  `stuck` are those that need somebody, by class, muted ones apart.

    The class is what a scan and what was ever read of the packet tell.  Of one that isn't delivered and whose
    details nobody has read the timeout isn't known (`pending`): it counts by its age alone.  `oldest` is its first
    sighting.
    """

    pending: int
    stuck: Mapping[PacketClass, int]
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """When a scan looked, from when on a packet counts as old, and the mutes in force then."""

    at: datetime
    old: datetime
    mutes: Sequence[Mute] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Packets whose details somebody has read, and the destination now: what tells stuck from timed out."""

    packets: Mapping[int, Packet] = field(default_factory=dict)
    head: Head | None = None


NOTHING = Counted(0, {}, None)
NOBODY_READ = Known()


def count_path(
    item: PathReading, far_state: ChannelState, seen: Mapping[int, datetime], moment: Moment, known: Known = NOBODY_READ
) -> Counted:
    """Count a path that could be read; `seen` holds the first sighting of each packet."""
    if item.reception is None or not item.commitments:
        return NOTHING
    pending, undelivered = item.commitments.keys(), item.reception.unreceived
    received = pending - undelivered if len(undelivered) < len(pending) else frozenset[int]()
    acknowledged = received & item.reception.acknowledgements.keys()
    # Neighbours share one time, so that these are few.
    times = {*seen.values()}
    closed = far_state is ChannelState.CLOSED
    waiting: dict[PacketClass, Collection[int]] = {
        PacketClass.ACK_MISSING: acknowledged,
        PacketClass.ASYNC_ACK: received - acknowledged,
        PacketClass.TIMEOUT_ON_CLOSE: undelivered if closed else (),
        **({} if closed else _undelivered(undelivered, seen, times, moment, known)),
    }
    mutes = [mute for mute in moment.mutes if mute.end == item.path.source]
    counts = {packet_class: _loud(packet_class, of, mutes, moment) for packet_class, of in waiting.items()}
    stuck = {packet_class: count for packet_class, count in counts.items() if count}
    return Counted(len(pending), stuck, min(times, default=None))


def _undelivered(
    undelivered: Collection[int],
    seen: Mapping[int, datetime],
    times: AbstractSet[datetime],
    moment: Moment,
    known: Known,
) -> dict[PacketClass, Collection[int]]:
    """Those on their way for too long, and those past their timeout."""
    if known.head is None or not known.packets:
        return {PacketClass.PENDING: _old(undelivered, seen, times, moment)}
    read = known.packets.keys() & undelivered
    unread = [one for one in undelivered if one not in read]
    of = [*_classes(read, seen, moment, known.packets, known.head)]
    return {
        PacketClass.PENDING: _old(unread, seen, times, moment),
        PacketClass.STUCK: [sequence for one, sequence in of if one is PacketClass.STUCK],
        PacketClass.TIMED_OUT: [sequence for one, sequence in of if one is PacketClass.TIMED_OUT],
    }


def _classes(
    read: Collection[int], seen: Mapping[int, datetime], moment: Moment, packets: Mapping[int, Packet], head: Head
) -> Iterator[tuple[PacketClass, int]]:
    """The class of those whose details are known, as a list shows it; without those in flight."""
    for sequence in read:
        packet = packets[sequence]
        age = seen_for(moment.at, seen.get(sequence), packet)
        if has_timed_out(packet, head.chain, head.height, head.at):
            yield PacketClass.TIMED_OUT, sequence
        elif age is not None and age >= (moment.at - moment.old).total_seconds():
            yield PacketClass.STUCK, sequence


def _old(
    undelivered: Collection[int], seen: Mapping[int, datetime], times: AbstractSet[datetime], moment: Moment
) -> Collection[int]:
    """Those seen for long enough.  A whole channel is mostly all old, which a few comparisons tell."""
    # What is seen for the first time has no age.
    old = {at for at in times if at <= moment.old and at < moment.at}
    if len(old) == len(times):
        return undelivered
    return [sequence for sequence in undelivered if seen.get(sequence) in old] if old else ()


# What a packet may be whose timeout was not read: muted as any of these, it stays quiet.
_MAY_BE = {PacketClass.PENDING: (PacketClass.PENDING, PacketClass.STUCK, PacketClass.TIMED_OUT)}


def _loud(packet_class: PacketClass, of: Collection[int], mutes: Sequence[Mute], moment: Moment) -> int:
    if not mutes:
        return len(of)
    classes = _MAY_BE.get(packet_class, (packet_class,))

    def quiet(sequence: int) -> bool:
        """Whether a mute covers the packet."""
        return any(mute.covers(sequence, one.value, moment.at) for mute in mutes for one in classes)

    return sum(not quiet(sequence) for sequence in of)
