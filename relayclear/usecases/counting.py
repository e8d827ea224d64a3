"""How many packets of a path wait, by class: counted over whole sets, for it is done after every scan.

A channel may have tens of thousands, and a look at each would cost a good part of the scan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from relayclear.ibc.packet import ChannelState
from relayclear.ibc.triage import PacketClass
from relayclear.store.mutes import Mute
from relayclear.usecases.scan import PathReading


@dataclass(frozen=True, slots=True)
class Counted:
    """What waits on one path.  `stuck` are those that need somebody, by class, muted ones apart.

    The class is what a scan knows: of a packet that isn't delivered it has not read the timeout
    (`pending`), so it counts as stuck by its age alone.  `oldest` is its first sighting.
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


NOTHING = Counted(0, {}, None)


def count_path(item: PathReading, far_state: ChannelState, seen: Mapping[int, datetime], moment: Moment) -> Counted:
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
        PacketClass.PENDING: () if closed else _old(undelivered, seen, times, moment),
    }
    mutes = [mute for mute in moment.mutes if mute.end == item.path.source]
    counts = {packet_class: _loud(packet_class, of, mutes, moment) for packet_class, of in waiting.items()}
    stuck = {packet_class: count for packet_class, count in counts.items() if count}
    return Counted(len(pending), stuck, min(times, default=None))


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
