"""The board: what a daemon's scans left in the database, for readers that ask no node, now and at times past.

Every function here is plain and synchronous, and touches only the desk's journal, clock and static
facts, so that a thread with a read-only connection of its own can call it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, RelayPath, Transfer, read_transfer
from relayclear.store import judgements, mutes, outages, packets, vitals
from relayclear.store.db import Reads
from relayclear.store.judgements import Run
from relayclear.store.mutes import Mute
from relayclear.store.outages import Outage
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.board_rows import (
    Drawing,
    Known,
    PacketRow,
    PathRow,
    Seen,
    Tally,
    draw,
    merged,
    rank,
    tally,
    worst_path_first,
)
from relayclear.usecases.desk import Desk
from relayclear.usecases.path_kept import PathFacts
from relayclear.usecases.views import SEVERITY

# Pictures of the past that stay in memory: who steps to and fro sees the same few.
_PAST_KEPT = 8
_DETAILS_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Picture:
    """How everything stood, worst first.

    `at` is when it was read, or the time looked at, `as_of`.  `scanned_at` is the newest scan, None
    before the first one; of the past, the newest one that found something new.
    """

    at: datetime
    scanned_at: datetime | None
    paths: tuple[PathRow, ...]
    rows: Sequence[PacketRow]
    as_of: datetime | None = None

    @property
    def unread(self) -> list[PathRow]:
        """The paths that the newest scan couldn't read; their rows are those of their last good reading."""
        return [row for row in self.paths if row.error is not None]

    @property
    def good_at(self) -> datetime | None:
        """When all of it was last true: a scan that couldn't read a path says nothing of it."""
        return min((row.read_at for row in self.unread if row.read_at is not None), default=self.scanned_at)


class Column(StrEnum):
    """What packets may be ordered by; `worst` is class by severity, then age."""

    WORST = "worst"
    CHAIN = "chain"
    TO = "to"
    CHANNEL = "channel"
    PORT = "port"
    SEQUENCE = "sequence"
    CLASS = "class"
    REASON = "reason"
    AGE = "age"
    DENOM = "denom"
    AMOUNT = "amount"
    SENDER = "sender"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Order:
    """By what, and whether turned round; the oldest, and the greatest amount of a denom, stand first by themselves.

    What isn't known stands last either way.
    """

    column: Column = Column.WORST
    reverse: bool = False


WORST_FIRST = Order()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One path as it was last drawn, and what by: the same again needs no drawing."""

    vital: Vital
    changes: int
    mutes: tuple[Mute, ...]
    facts: PathFacts
    drawing: Drawing
    known: Mapping[int, Known]
    counts: Tally


@dataclass(slots=True)
class _Marks:
    """What stands in few rows, and says what else is new."""

    changes: Mapping[ChannelEnd, int]
    paths: Mapping[ChannelEnd, Vital]
    outages: Mapping[ChannelEnd, Outage]
    scanned_at: datetime | None
    mutes: Sequence[Mute]


@dataclass(slots=True)
class _Memory:
    """What a board read live: at which version of the data, until when mutes hold, and by what marks."""

    picture: Picture
    version: int
    marks: _Marks
    until: datetime | None
    drawn: dict[ChannelEnd, _Drawn] = field(default_factory=dict)


class Board:
    """One reader's memory over its desk; not for several threads."""

    def __init__(self, desk: Desk) -> None:
        """Nothing is read yet."""
        self._desk = desk
        self._database = desk.journal.database
        self._live: _Memory | None = None
        self._past: dict[datetime, _Memory] = {}
        self._shown: _Memory | None = None
        self._details: dict[PacketKey, tuple[Packet, Transfer | None]] = {}

    def read(self, as_of: datetime | None = None) -> Picture:
        """How everything stands, or stood at a time; the same object as before where nothing is new.

        Raises StoreError.
        """
        self._shown = self._read_live() if as_of is None else self._read_past(as_of)
        return self._shown.picture

    def _read_live(self) -> _Memory:
        now, version, before = self._desk.clock.now(), self._database.data_version(), self._live
        fresh = before is not None and (before.until is None or now < before.until)
        if before is not None and fresh and before.version == version:
            return before
        with self._database.snapshot() as reads:
            marks = _marks(reads, now)
            if before is not None and fresh and before.marks == marks:
                before.version = version
                return before
            drawn = self._draw(reads, marks, before, judgements.runs_of)
        picture = _picture(marks, drawn, now, None)
        self._live = _Memory(picture, version, marks, _first_end(marks.mutes), drawn)
        return self._live

    def _read_past(self, at: datetime) -> _Memory:
        # Only what scans may still add to has to be read again: the past stays as it was.
        version, before = self._database.data_version(), self._past.get(at)
        if before is not None and (before.version == version or before.until is not None):
            return before
        with self._database.snapshot() as reads:
            marks = _marks_at(reads, at)
            over = judgements.moment_after(reads, at)
            drawn = self._draw(reads, marks, None, lambda of, ends: judgements.runs_at(of, ends, at))
        memory = _Memory(_picture(marks, drawn, at, at), version, marks, over, drawn)
        self._past = {**dict(list(self._past.items())[-_PAST_KEPT + 1 :]), at: memory}
        return memory

    def _draw(
        self,
        reads: Reads,
        marks: _Marks,
        before: _Memory | None,
        runs_of: Callable[[Reads, Iterable[ChannelEnd]], dict[ChannelEnd, list[Run]]],
    ) -> dict[ChannelEnd, _Drawn]:
        """Every path, those drawn before taken over where they are as they were."""
        quiet: dict[ChannelEnd, tuple[Mute, ...]] = {}
        for mute in marks.mutes:
            quiet[mute.end] = (*quiet.get(mute.end, ()), mute)
        drawn: dict[ChannelEnd, _Drawn] = {}
        had = before.drawn if before is not None else {}
        for end, vital in marks.paths.items():
            old = had.get(end)
            same = old is not None and (old.vital, old.changes, old.mutes)
            if old is not None and same == (vital, marks.changes.get(end, 0), quiet.get(end, ())):
                drawn[end] = old
        for end, runs in runs_of(reads, [end for end in marks.paths if end not in drawn]).items():
            facts, loud = PathFacts(marks.paths[end]), quiet.get(end, ())
            known = self._known(reads, facts.path, runs)
            drawing = draw(facts.path, runs, known, loud)
            by = (marks.paths[end], marks.changes.get(end, 0), loud)
            drawn[end] = _Drawn(*by, facts, drawing, known, tally(drawing.rows, runs, known))
        return drawn

    def _known(self, reads: Reads, path: RelayPath, runs: Sequence[Run]) -> dict[int, Known]:
        """The details of those packets that the scans knew them of; what was read live before is taken over."""
        wanted = [one for run in runs if run.judged.known for one in range(run.first, run.last + 1)]
        old = self._live.drawn.get(path.source) if self._live is not None else None
        had = old.known if old is not None else {}
        missing = [sequence for sequence in wanted if sequence not in had]
        known = {sequence: had[sequence] for sequence in wanted if sequence in had}
        for sequence, (sent_at, data) in packets.sent(reads, path.source, missing).items():
            known[sequence] = Known(sent_at, read_transfer(path.source.port, path.version, data))
        return known

    def known(self) -> Callable[[PacketKey], Known | None]:
        """What is known of packets of the picture last read; the answerer may be called from another thread."""
        of = {} if self._shown is None else {end: one.known for end, one in self._shown.drawn.items()}
        return lambda key: of.get(key.end, {}).get(key.sequence)

    def details(self, keys: Collection[PacketKey]) -> dict[PacketKey, tuple[Packet, Transfer | None]]:
        """What is known of packets beyond their commitment; those nobody knows more of are left out."""
        missing = [key for key in keys if key not in self._details]
        if missing:
            with self._database.snapshot() as reads:
                found = packets.newest(reads, [key for key in missing if self._believed(key)])
            if len(self._details) > _DETAILS_KEPT:
                self._details = {key: self._details[key] for key in keys if key in self._details}
            for key, packet in found.items():
                self._details[key] = (packet, read_transfer(key.port, self._version_of(key.end), packet.data))
        return {key: self._details[key] for key in keys if key in self._details}

    def _believed(self, key: PacketKey) -> bool:
        """Not of a pending packet whose details no scan has read: a chain begun anew uses its sequence again."""
        drawn = self._shown.drawn.get(key.end) if self._shown is not None else None
        return (
            drawn is None
            or key.sequence in drawn.known
            or all(row.sequence != key.sequence for row in drawn.drawing.rows)
        )

    def _version_of(self, end: ChannelEnd) -> str:
        drawn = self._shown.drawn.get(end) if self._shown is not None else None
        return "" if drawn is None else drawn.facts.path.version

    def chosen(self, wanted: Filter, order: Order = WORST_FIRST) -> list[PacketRow]:
        """The packets of the picture last read that fit a filter, muted ones too, in an order."""
        shown = self._shown or self._read_live()
        at = self._desk.clock.now() if shown.picture.as_of is None else shown.picture.at
        rows = shown.picture.rows

        def seen(row: PacketRow) -> Seen:
            """The row with its details."""
            return Seen(row, shown.drawn[row.path.source].known.get(row.sequence), at)

        fitting = [row for row in rows if wanted.matches(seen(row))] if wanted.terms else list(rows)
        if order.column is Column.WORST:
            return fitting[::-1] if order.reverse else fitting
        show = _SHOWN[order.column]
        return _ordered([(show(seen(row)), row) for row in fitting], reverse=order.reverse)


def _marks(reads: Reads, now: datetime) -> _Marks:
    changes = judgements.changes(reads)
    scans = [one.tried_at for one in vitals.of_kind(reads, Kind.SCAN)]
    # The heartbeat writes of a scan a little later than the scan itself.
    moment = judgements.moment_until(reads, now)
    scanned_at = max((at for at in (*scans, moment) if at is not None), default=None)
    return _Marks(changes, _paths(reads), outages.open_ones(reads), scanned_at, mutes.in_force(reads, now))


def _marks_at(reads: Reads, at: datetime) -> _Marks:
    paths = {end: vital for end, vital in _paths(reads).items() if _was_known(vital, at)}
    scanned_at = judgements.moment_until(reads, at)
    return _Marks({}, paths, outages.at_time(reads, paths, at), scanned_at, mutes.in_force(reads, at))


def _was_known(vital: Vital, at: datetime) -> bool:
    since = PathFacts(vital).since
    return since is not None and since <= at


def _paths(reads: Reads) -> dict[ChannelEnd, Vital]:
    return {ChannelEnd(*one.name.split("/")): one for one in vitals.of_kind(reads, Kind.PATH)}


def _first_end(found: Iterable[Mute]) -> datetime | None:
    """When the first of these mutes ends by itself, which no commit tells."""
    return min((mute.until for mute in found if mute.until is not None), default=None)


def _picture(marks: _Marks, drawn: Mapping[ChannelEnd, _Drawn], at: datetime, as_of: datetime | None) -> Picture:
    paths = sorted((_path_row(marks, one) for one in drawn.values()), key=worst_path_first)
    # Of packets that are equally bad and old those of the first path by name stand first.
    rows = merged(drawn[end].drawing for end in sorted(drawn)).rows
    return Picture(at, marks.scanned_at, tuple(paths), rows, as_of)


def _path_row(marks: _Marks, drawn: _Drawn) -> PathRow:
    facts, counts = drawn.facts, drawn.counts
    outage = marks.outages.get(facts.path.source)
    judged = facts.since is not None
    return PathRow(
        path=facts.path,
        read_at=marks.scanned_at if outage is None else outage.read_at,
        error=None if outage is None else outage.error,
        failed_at=None if outage is None else outage.since,
        pending=len(drawn.drawing.rows) if judged else None,
        stuck=counts.stuck if judged else None,
        muted=counts.muted,
        classes=counts.classes,
        reasons=counts.reasons,
        clearable=counts.clearable if judged else None,
        obstacle=counts.obstacle,
        oldest=counts.oldest,
        values=counts.values,
        unvalued=counts.unvalued,
        source_state=facts.source_state,
        destination_state=facts.destination_state,
        source_client=facts.source_client,
        destination_client=facts.destination_client,
    )


# What a column shows of a row, None where it isn't known; the first in order stands first.
_SHOWN: Mapping[Column, Callable[[Seen], Any]] = {
    Column.WORST: lambda one: rank(one.row.packet_class, one.row.since),
    Column.CHAIN: lambda one: one.row.path.source,
    Column.TO: lambda one: one.row.path.destination,
    Column.CHANNEL: lambda one: _natural(one.row.path.source.channel),
    Column.PORT: lambda one: one.row.path.source.port,
    Column.SEQUENCE: lambda one: one.row.sequence,
    Column.CLASS: lambda one: SEVERITY[one.row.packet_class],
    Column.REASON: lambda one: one.row.blocked and one.row.blocked.reason.value,
    Column.AGE: lambda one: one.row.since,
    Column.DENOM: lambda one: _of_transfer(one, lambda transfer: transfer.coin.denom),
    Column.AMOUNT: lambda one: _of_transfer(one, lambda transfer: (transfer.coin.denom, -transfer.coin.amount)),
    Column.SENDER: lambda one: _of_transfer(one, lambda transfer: transfer.sender),
    Column.RECEIVER: lambda one: _of_transfer(one, lambda transfer: transfer.receiver),
}


def _of_transfer(one: Seen, part: Callable[[Transfer], Any]) -> Any:
    return None if one.known is None or one.known.transfer is None else part(one.known.transfer)


def _natural(channel: str) -> tuple[str, int]:
    """`channel-9` before `channel-10`."""
    name, _, number = channel.rpartition("-")
    return (name, int(number)) if number.isdecimal() else (channel, -1)


def _ordered(shown: Sequence[tuple[Any, PacketRow]], *, reverse: bool) -> list[PacketRow]:
    """In the order of what is shown; equal ones keep the order of the worst first, and unknown ones stand last."""
    known = sorted((one for one in shown if one[0] is not None), key=itemgetter(0), reverse=reverse)
    return [row for _, row in known] + [row for key, row in shown if key is None]
