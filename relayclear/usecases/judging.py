"""Judge the packets of scan after scan, by the rules of `packets list`, again only where the answer may be another.

A verdict follows from what both ends hold, from what is known of the packet, and from the time: its
age, and the height and time of the block that its timeout is held against.  A packet where the first
two are as they were, and no such moment has come since, is judged as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

from relayclear.errors import NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd, Ordering, Packet, PacketKey
from relayclear.ibc.readings import Head
from relayclear.ibc.triage import BlockReason, PacketClass, PathFacts, revision_of, unix_nanoseconds
from relayclear.store import judgements
from relayclear.store.judgements import Judged
from relayclear.store.mutes import Mute
from relayclear.usecases.counting import Counted, count_judged
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details
from relayclear.usecases.scan import PathReading, Reading
from relayclear.usecases.views import (
    SEVERITY,
    PacketView,
    needs_attention,
    oldest_evidence,
    path_desk,
    path_facts,
    path_packets,
    worst_first,
)

AT_ONCE = 200
"""So many packets' details are wanted after one scan."""

# Where no node had them, somebody may have brought a better one since.
_ASKED_AGAIN_SECONDS = 3600.0
_NEVER = 2**200
_YOUNG = frozenset({PacketClass.PENDING, PacketClass.IN_FLIGHT})
_MAY_TIME_OUT = frozenset({PacketClass.IN_FLIGHT, PacketClass.STUCK})


class _Until(NamedTuple):
    """The first moments at which time alone may change a verdict of a path."""

    at: datetime | None = None
    height: int = _NEVER
    nanoseconds: int = _NEVER

    def or_(self, other: _Until) -> _Until:
        """Whichever comes first."""
        at = min((one for one in (self.at, other.at) if one is not None), default=None)
        return _Until(at, min(self.height, other.height), min(self.nanoseconds, other.nanoseconds))


@dataclass(slots=True)
class _Past:
    """What a path was judged by, the verdicts, and until when they hold.

    `wanted` are the packets whose details nobody has asked for, worst first as of the last whole look; `counted` is
    None until somebody wants to know.
    """

    item: PathReading
    facts: PathFacts
    first_seen: Mapping[int, datetime]
    at: datetime
    head: Head
    until: _Until
    judged: dict[int, Judged]
    wanted: dict[int, None]
    counted: Counted | None = None

    def no_moment_came(self, at: datetime, head: Head) -> bool:
        """Whether time alone changes nothing yet."""
        # Another node may be behind the one before, and our clock may be set back.
        if at < self.at or head.at < self.head.at or head.height < self.head.height:
            return False
        young = self.until.at is None or at < self.until.at
        return young and head.height < self.until.height and unix_nanoseconds(head.at) < self.until.nanoseconds

    def moved(self, item: PathReading, first_seen: Mapping[int, datetime]) -> AbstractSet[int]:
        """The pending sequences that aren't as they were: new ones, delivered ones, with another first sighting."""
        found: set[int] = set()
        if self.item.commitments != item.commitments:
            found |= {one for one, kept in item.commitments.items() if self.item.commitments.get(one) != kept}
        for before, after in zip(_received(self.item), _received(item), strict=True):
            if before != after:
                found |= before ^ after
        if self.first_seen != first_seen:
            found |= {one for one, at in first_seen.items() if self.first_seen.get(one) != at}
        return found & item.commitments.keys() if found else found


def _received(item: PathReading) -> tuple[AbstractSet[int], AbstractSet[int]]:
    """The sequences that the far end hasn't, and those it has acknowledged."""
    if item.reception is None:
        return frozenset(), frozenset()
    return item.reception.unreceived, item.reception.acknowledgements.keys()


class Judge:
    """One daemon's memory of what it judged, and of the details that no node has."""

    def __init__(self, desk: Desk) -> None:
        """Know again what the daemon before found no details of: it is asked for after all others."""
        self._desk = desk
        self._past: dict[ChannelEnd, _Past] = {}
        # Asked for in vain, and why no node has them; None where what a node has doesn't fit.
        self._unread: dict[PacketKey, RelayclearError | None] = {}
        self._again: deque[tuple[float, PacketKey]] = deque()
        with desk.journal.database.snapshot() as reads:
            for end, runs in judgements.runs_of(reads, judgements.changes(reads)).items():
                for run in runs:
                    blocked = run.judged.verdict.blocked
                    if blocked is not None and blocked.reason is BlockReason.NO_PACKET_DATA:
                        keys = [PacketKey(*end, one) for one in range(run.first, run.last + 1)]
                        self._unread.update(dict.fromkeys(keys, NotFoundError(blocked.detail)))
                        self._again.extend((0.0, key) for key in keys)

    def judge(self, reading: Reading, told: Collection[PacketKey] = ()) -> dict[ChannelEnd, dict[int, Judged]]:
        """Every pending packet of the paths where something may have changed; `told`: new details came in.

        Paths that couldn't be read, and those where nothing can have changed, are left out.
        """
        by_end: dict[ChannelEnd, set[int]] = {}
        for key in told:
            by_end.setdefault(key.end, set()).add(key.sequence)
        found: dict[ChannelEnd, dict[int, Judged]] = {}
        for end, item in reading.paths.items():
            if item.error is None and self._look(reading, item, by_end.get(end, frozenset())):
                found[end] = self._past[end].judged
        return found

    def counted(self, mutes: Collection[Mute], at: datetime) -> dict[ChannelEnd, Counted]:
        """What waits on every path that was ever read, as of its last reading; `at` is when the scan looked."""
        found: dict[ChannelEnd, Counted] = {}
        for end, past in self._past.items():
            if own := [mute for mute in mutes if mute.end == end]:
                found[end] = count_judged(past.judged, own, at)
                continue
            # Mutes come and end by themselves; all else is counted again only where a verdict changed.
            if past.counted is None:
                past.counted = count_judged(past.judged, (), at)
            found[end] = past.counted
        return found

    def forget(self) -> None:
        """What was judged couldn't be written: judge everything again, or nobody would ever write it."""
        self._past.clear()

    def _look(self, reading: Reading, item: PathReading, told: AbstractSet[int]) -> bool:
        """Judge what may have changed of a path; whether there was any."""
        end = item.path.source
        past = self._past.get(end)
        if past is not None and not item.commitments and not past.judged:
            return False
        facts = path_facts(self._desk, reading, item.path)
        first_seen, head = reading.first_seen.get(end, {}), reading.heads[item.path.destination.chain]
        if past is None or past.facts != facts or not past.no_moment_came(reading.at, head):
            self._judge(reading, item, facts)
            return True
        gone = past.judged.keys() - item.commitments.keys()
        changed = past.moved(item, first_seen) | (told & item.commitments.keys())
        if not changed and not gone:
            return False
        if item.path.ordering is Ordering.ORDERED:
            # There each packet's verdict rests on the ones before it.
            self._judge(reading, item, facts)
        else:
            self._judge_some(reading, item, past, changed)
            self._drop(end, past, gone)
            past.item, past.first_seen, past.counted = item, first_seen, None
        return True

    def _judge(self, reading: Reading, item: PathReading, facts: PathFacts) -> None:
        """Judge a whole path."""
        end = item.path.source
        if (past := self._past.get(end)) is not None:
            self._drop(end, past, past.judged.keys() - item.commitments.keys())
        views, head = self._views(reading, item), reading.heads[item.path.destination.chain]
        unknown = sorted((view for view in views if self._is_wanted(view)), key=worst_first)
        self._past[end] = _Past(
            item,
            facts,
            reading.first_seen.get(end, {}),
            reading.at,
            head,
            _until(views, head, reading.at, self._desk.stuck_after),
            {view.sequence: self._judged(view, reading.at) for view in views},
            dict.fromkeys(view.sequence for view in unknown),
        )

    def _judge_some(self, reading: Reading, item: PathReading, past: _Past, sequences: AbstractSet[int]) -> None:
        """Judge these packets of a path; what time does to the others is known already."""
        some = {sequence: item.commitments[sequence] for sequence in sequences}
        views = self._views(reading, PathReading(item.path, some, item.reception, None))
        head = reading.heads[item.path.destination.chain]
        past.until = past.until.or_(_until(views, head, reading.at, self._desk.stuck_after))
        for view in views:
            past.judged[view.sequence] = self._judged(view, reading.at)
            if self._is_wanted(view):
                past.wanted[view.sequence] = None
            else:
                past.wanted.pop(view.sequence, None)

    def _drop(self, end: ChannelEnd, past: _Past, gone: Iterable[int]) -> None:
        for sequence in list(gone):
            del past.judged[sequence]
            past.wanted.pop(sequence, None)
            self._unread.pop(PacketKey(*end, sequence), None)

    def _views(self, reading: Reading, item: PathReading) -> list[PacketView]:
        """Judge with what is remembered of the packets, and with which of them no node has."""
        end = item.path.source
        keys = {PacketKey(*end, sequence): commitment for sequence, commitment in item.commitments.items()}
        packets = self._desk.journal.packets(keys) if keys else {}
        asked = keys.keys() & self._unread.keys() if self._unread else ()
        unread = {key: why for key in asked if (why := self._unread[key]) is not None and key not in packets}
        return path_packets(path_desk(self._desk, reading, item, ()), Details(packets, unread))

    def _judged(self, view: PacketView, at: datetime) -> Judged:
        known = view.packet is not None and view.packet.verified
        attention = needs_attention(view, self._desk.stuck_after)
        return Judged(view.verdict, known, attention, at if view.first_seen is None else view.first_seen)

    def _is_wanted(self, view: PacketView) -> bool:
        return view.packet is None and view.key not in self._unread

    def wanted(self, reading: Reading) -> list[PacketKey]:
        """The packets whose details are missing, worst first; those asked for in vain last, and not too often."""
        rows = []
        for end, past in self._past.items():
            if past.wanted and end in reading.paths and reading.paths[end].error is None:
                for sequence in islice(past.wanted, AT_ONCE):
                    judged = past.judged[sequence]
                    rows.append((judged.verdict.packet_class, judged.first_seen, PacketKey(*end, sequence)))
        found = [key for *_, key in nsmallest(AT_ONCE, rows, key=lambda row: (SEVERITY[row[0]], *row[1:]))]
        return [*found, *self._due(reading, AT_ONCE - len(found))]

    def _due(self, reading: Reading, room: int) -> list[PacketKey]:
        """So many of those that were asked for in vain long enough ago, for another try."""
        now, found = self._desk.clock.boot()[1], list[PacketKey]()
        while self._again and self._again[0][0] <= now and len(found) < room:
            _, key = self._again.popleft()
            past = self._past.get(key.end)
            if key in self._unread and past is not None and key.sequence in past.judged:
                if key.end in reading.paths and reading.paths[key.end].error is None:
                    found.append(key)
                else:
                    self._again.append((now + _ASKED_AGAIN_SECONDS, key))
        return found

    def tell(self, details: Details, keys: Iterable[PacketKey]) -> None:
        """What came of asking for details.  A node that is away has said nothing: it is asked at the next scan."""
        again = self._desk.clock.boot()[1] + _ASKED_AGAIN_SECONDS
        for key in keys:
            why = details.unread.get(key)
            if _is_verified(details.packets.get(key)):
                self._unread.pop(key, None)
                continue
            if why is None or not why.retryable:
                self._unread[key] = why
            if key in self._unread:
                self._again.append((again, key))


def _is_verified(packet: Packet | None) -> bool:
    return packet is not None and packet.verified


def _until(views: Iterable[PacketView], head: Head, at: datetime, stuck_after: int) -> _Until:
    """When time alone will change one of these verdicts: an age comes, or a timeout by height or time."""
    grown = set[datetime]()
    height = nanoseconds = _NEVER
    revision = revision_of(head.chain)
    for view in views:
        packet_class = view.verdict.packet_class
        packet = view.packet if _is_verified(view.packet) else None
        if packet_class in _YOUNG:
            grown.add(oldest_evidence(view.first_seen, packet.sent_at if packet else None) or at)
        if packet_class in _MAY_TIME_OUT and packet is not None:
            if packet.timeout_height.revision == revision and packet.timeout_height.height:
                height = min(height, packet.timeout_height.height)
            nanoseconds = min(nanoseconds, packet.timeout_timestamp or _NEVER)
    old = (since + timedelta(seconds=stuck_after) for since in grown)
    return _Until(min((moment for moment in old if moment > at), default=None), height, nanoseconds)
