"""Judge the packets of scan after scan, by the rules of `packets list`, again only where the answer may be another.

A verdict follows from what both ends hold, from what is known of the packet, and from the time: its
age, and the height and time of the block that its timeout is held against.  A path where the first
two are as they were, and no such moment has come since, is judged as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any, NamedTuple

from relayclear.errors import NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey
from relayclear.ibc.readings import Head
from relayclear.ibc.triage import BlockReason, PacketClass, PathFacts, revision_of, unix_nanoseconds
from relayclear.store import judgements
from relayclear.store.judgements import Judged
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details
from relayclear.usecases.scan import PathReading, Reading
from relayclear.usecases.views import (
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


class _Asked(NamedTuple):
    """Details that were asked for in vain: why no node has them (None: they don't fit), and when to ask again."""

    why: RelayclearError | None
    again: float


class _Until(NamedTuple):
    """The first moments at which time alone changes a verdict of a path."""

    at: datetime | None
    height: int
    nanoseconds: int


@dataclass(slots=True)
class _Past:
    """What a path was judged by, and until when that holds; `wanted` are the worst whose details are missing."""

    item: PathReading
    facts: PathFacts
    first_seen: object
    at: datetime
    head: Head
    until: _Until
    wanted: list[tuple[tuple[Any, ...], PacketKey]]

    def holds(self, reading: Reading, item: PathReading, facts: PathFacts) -> bool:
        """Whether judging the path of a reading could say nothing else."""
        return (
            self.item.commitments == item.commitments
            and _same_reception(self.item, item)
            and self.facts == facts
            and self.first_seen == reading.first_seen.get(item.path.source, {})
            and self._no_moment_came(reading.at, reading.heads[item.path.destination.chain])
        )

    def _no_moment_came(self, at: datetime, head: Head) -> bool:
        # Another node may be behind the one before, and our clock may be set back.
        if at < self.at or head.at < self.head.at or head.height < self.head.height:
            return False
        young = self.until.at is None or at < self.until.at
        return young and head.height < self.until.height and unix_nanoseconds(head.at) < self.until.nanoseconds


def _same_reception(one: PathReading, other: PathReading) -> bool:
    if one.reception is None or other.reception is None:
        return one.reception is other.reception
    return (
        one.reception.unreceived == other.reception.unreceived
        and one.reception.acknowledgements.keys() == other.reception.acknowledgements.keys()
    )


class Judge:
    """One daemon's memory of what it judged, and of the details that no node has."""

    def __init__(self, desk: Desk) -> None:
        """Know again what the daemon before found no details of: it is asked for after all others."""
        self._desk = desk
        self._past: dict[ChannelEnd, _Past] = {}
        self._asked: dict[PacketKey, _Asked] = {}
        with desk.journal.database.snapshot() as reads:
            for end, runs in judgements.runs_of(reads, judgements.changes(reads)).items():
                for run in runs:
                    blocked = run.judged.verdict.blocked
                    if blocked is not None and blocked.reason is BlockReason.NO_PACKET_DATA:
                        why = _Asked(NotFoundError(blocked.detail), 0.0)
                        self._asked.update((PacketKey(*end, one), why) for one in range(run.first, run.last + 1))

    def judge(self, reading: Reading, told: Collection[ChannelEnd] = ()) -> dict[ChannelEnd, dict[int, Judged]]:
        """Every pending packet of the paths where something may have changed; `told`: new details came in.

        Paths that couldn't be read, and those where nothing can have changed, are left out.
        """
        found: dict[ChannelEnd, dict[int, Judged]] = {}
        for end, item in reading.paths.items():
            if item.error is not None:
                continue
            past, facts = self._past.get(end), path_facts(self._desk, reading, item.path)
            if end in told or past is None or not past.holds(reading, item, facts):
                found[end] = self._judge(reading, item, facts)
        return found

    def _judge(self, reading: Reading, item: PathReading, facts: PathFacts) -> dict[int, Judged]:
        end = item.path.source
        at = path_desk(self._desk, reading, item, ())
        views = path_packets(at, self._details(end, item))
        wanted = nsmallest(AT_ONCE, self._wanted(views), key=lambda one: one[0])
        until = _until(views, at.head, reading.at, self._desk.stuck_after)
        self._past[end] = _Past(item, facts, at.first_seen, reading.at, at.head, until, wanted)
        return {view.sequence: self._judged(view, reading.at) for view in views}

    def _judged(self, view: PacketView, at: datetime) -> Judged:
        known = view.packet is not None and view.packet.verified
        attention = needs_attention(view, self._desk.stuck_after)
        return Judged(view.verdict, known, attention, at if view.first_seen is None else view.first_seen)

    def _details(self, end: ChannelEnd, item: PathReading) -> Details:
        """What is remembered of a path's packets, and which of them no node has."""
        keys = {PacketKey(*end, sequence): commitment for sequence, commitment in item.commitments.items()}
        # Of those that are gone nobody asks any more.
        gone = [key for key in self._asked if key.end == end and key not in keys] if self._asked else []
        for key in gone:
            del self._asked[key]
        packets = self._desk.journal.packets(keys) if keys else {}
        asked = ((key, self._asked.get(key)) for key in keys if key not in packets) if self._asked else ()
        unread = {key: one.why for key, one in asked if one is not None and one.why is not None}
        return Details(packets, unread)

    def _wanted(self, views: Iterable[PacketView]) -> Iterable[tuple[tuple[Any, ...], PacketKey]]:
        for view in views:
            if view.packet is None:
                yield (view.key in self._asked, *worst_first(view)), view.key

    def wanted(self, reading: Reading) -> list[PacketKey]:
        """The packets whose details are missing, worst first; those asked for in vain last, and not too often."""
        now = self._desk.clock.boot()[1]
        known = [
            row
            for end, past in self._past.items()
            if end in reading.paths and reading.paths[end].error is None
            for row in past.wanted
            if (asked := self._asked.get(row[1])) is None or asked.again <= now
        ]
        return [key for _, key in nsmallest(AT_ONCE, known, key=lambda one: one[0])]

    def tell(self, details: Details, keys: Sequence[PacketKey]) -> None:
        """What came of asking for details.  A node that is away has said nothing: it is asked at the next scan."""
        again = self._desk.clock.boot()[1] + _ASKED_AGAIN_SECONDS
        for key in keys:
            why = details.unread.get(key)
            if _is_verified(details.packets.get(key)):
                self._asked.pop(key, None)
            elif why is None or not why.retryable:
                self._asked[key] = _Asked(why, again)


def _is_verified(packet: Packet | None) -> bool:
    return packet is not None and packet.verified


def _until(views: Iterable[PacketView], head: Head, at: datetime, stuck_after: int) -> _Until:
    """When time alone will change one of these verdicts: an age comes, or a timeout by height or time."""
    grown, height, nanoseconds = None, _NEVER, _NEVER
    revision = revision_of(head.chain)
    for view in views:
        packet_class = view.verdict.packet_class
        packet = view.packet if _is_verified(view.packet) else None
        if packet_class in _YOUNG:
            since = oldest_evidence(view.first_seen, packet.sent_at if packet else None) or at
            old = since + timedelta(seconds=stuck_after)
            grown = old if old > at and (grown is None or old < grown) else grown
        if packet_class in _MAY_TIME_OUT and packet is not None:
            if packet.timeout_height.revision == revision and packet.timeout_height.height:
                height = min(height, packet.timeout_height.height)
            nanoseconds = min(nanoseconds, packet.timeout_timestamp or _NEVER)
    return _Until(grown, height, nanoseconds)
