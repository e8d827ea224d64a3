"""How many packets of a path wait, by class: summed from what the daemon judged, so that a figure and a row agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from relayclear.ibc.triage import PacketClass
from relayclear.store.judgements import Judged
from relayclear.store.mutes import Mute


@dataclass(frozen=True, slots=True)
class Counted:
    """What waits on one path.  `stuck` are those that need somebody, by class, muted ones apart.

    `oldest` is the first sighting of any that waits.
    """

    pending: int
    stuck: Mapping[PacketClass, int]
    oldest: datetime | None


NOTHING = Counted(0, {}, None)

# What a packet may be whose timeout was not read: muted as any of these, it stays quiet.
_MAY_BE = {PacketClass.PENDING: (PacketClass.PENDING, PacketClass.STUCK, PacketClass.TIMED_OUT)}


def count_judged(judged: Mapping[int, Judged], mutes: Iterable[Mute], at: datetime) -> Counted:
    """Count every pending packet of a path, by sequence; `mutes` are the path's own, `at` when the scan looked."""
    if not judged:
        return NOTHING
    loud = ((sequence, one.verdict.packet_class) for sequence, one in judged.items() if one.attention)
    if mutes := list(mutes):
        loud = ((sequence, of) for sequence, of in loud if not _is_quiet(sequence, of, mutes, at))
    stuck = Counter(packet_class for _, packet_class in loud)
    return Counted(len(judged), dict(stuck), min(one.first_seen for one in judged.values()))


def _is_quiet(sequence: int, packet_class: PacketClass, mutes: Iterable[Mute], at: datetime) -> bool:
    classes = _MAY_BE.get(packet_class, (packet_class,))
    return any(mute.covers(sequence, one.value, at) for mute in mutes for one in classes)
