"""One packet from its sending to its fate, out of the database alone; and the moments worth stepping to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relayclear.clearing.operation import Operation, PacketAfter, newest_results
from relayclear.clearing.timeline import Moment, timeline
from relayclear.ibc.packet import Packet, PacketKey, RelayPath, Transfer, read_transfer
from relayclear.ibc.triage import Verdict
from relayclear.store import judgements, mutes, operations, packets, sales, tokens, vitals
from relayclear.store.db import Reads
from relayclear.store.judgements import Run, Span
from relayclear.store.mutes import Mute
from relayclear.store.sales import StoredVerdict
from relayclear.store.tokens import StoredToken
from relayclear.store.vitals import Kind
from relayclear.usecases.board_rows import Known, PacketRow, draw
from relayclear.usecases.desk import Desk
from relayclear.usecases.path_kept import PathFacts
from relayclear.usecases.token_order import with_standing


@dataclass(frozen=True, slots=True)
class Change:
    """From a scan on the packet had this verdict."""

    at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Work:
    """An operation that held the packet, and what happened to it, oldest first."""

    operation: Operation
    moments: Sequence[Moment]


@dataclass(frozen=True, slots=True)
class Sale:
    """A token that was made for the packet, and what the packet's share came to, None before it is judged."""

    token: StoredToken
    verdict: StoredVerdict | None


@dataclass(frozen=True, slots=True)
class PacketStory:
    """Everything that is remembered of one packet.

    `path` is None for an end that no scan has judged.  `packet` fits the commitment (`verified`) or
    is None; `first_seen` is the first scan that found it pending, `gone_at` the one that found it gone
    (None: pending, or never seen).  `fate` is the newest judgement of our own work on it.  `row` is
    its row of the board, None where it isn't pending.
    """

    key: PacketKey
    path: RelayPath | None
    packet: Packet | None
    transfer: Transfer | None
    first_seen: datetime | None
    gone_at: datetime | None
    changes: tuple[Change, ...]
    row: PacketRow | None
    works: tuple[Work, ...]
    fate: PacketAfter | None
    sales: tuple[Sale, ...]


def packet_story(desk: Desk, key: PacketKey, as_of: datetime | None = None) -> PacketStory:
    """Tell it, as it was known at a time.  Of a packet nobody has heard of every part is empty."""
    at = desk.clock.now() if as_of is None else as_of
    with desk.journal.database.snapshot() as reads:
        path = _path(reads, key)
        spans = [span for span in judgements.of_packet(reads, key) if span.since <= at]
        holds = spans[-1] if spans and (spans[-1].ended_at is None or spans[-1].ended_at > at) else None
        # A chain begun anew uses sequences again: only what a scan has read details of is told of a pending one.
        told = {} if holds is not None and not holds.judged.known else packets.newest(reads, [key])
        packet = told.get(key)
        works = _works(reads, key, at)
        return PacketStory(
            key=key,
            path=path,
            packet=packet,
            transfer=read_transfer(key.port, path.version if path else "", packet.data) if packet else None,
            first_seen=min((span.judged.first_seen for span in spans), default=None),
            gone_at=spans[-1].ended_at if spans and holds is None else None,
            changes=_changes(spans),
            row=_row(path, key, holds, packet, _mutes_on(reads, key, at)) if holds and path else None,
            works=works,
            fate=_fate(works, key.sequence),
            sales=_sales(reads, key, at),
        )


def _path(reads: Reads, key: PacketKey) -> RelayPath | None:
    name = "/".join(key.end)
    return next((PathFacts(one).path for one in vitals.of_kind(reads, Kind.PATH) if one.name == name), None)


def _changes(spans: Sequence[Span]) -> tuple[Change, ...]:
    """Where the verdict became another; that its details came in, or that it grew old, is none."""
    found: list[Change] = []
    for before, span in zip([None, *spans], spans, strict=False):
        follows = before is not None and before.ended_at == span.since
        if before is None or not follows or before.judged.verdict != span.judged.verdict:
            found.append(Change(span.since, span.judged.verdict))
    return tuple(found)


def _mutes_on(reads: Reads, key: PacketKey, at: datetime) -> list[Mute]:
    return [one for one in mutes.in_force(reads, at) if one.end == key.end]


def _row(path: RelayPath, key: PacketKey, span: Span, packet: Packet | None, quiet: Sequence[Mute]) -> PacketRow:
    known = {} if packet is None else {key.sequence: Known(packet.sent_at, None)}
    return draw(path, [Run(key.sequence, key.sequence, span.judged, span.since)], known, quiet).rows[0]


def _works(reads: Reads, key: PacketKey, at: datetime) -> tuple[Work, ...]:
    found = [operations.as_it_was(one, at) for one in operations.of_packet(reads, key) if one.requested_at <= at]
    return tuple(Work(one, timeline(one)) for one in (with_standing(reads, one) for one in found))


def _fate(works: Sequence[Work], sequence: int) -> PacketAfter | None:
    results = [newest_results(work.operation).get(sequence) for work in works]
    return next((result for result in reversed(results) if result is not None), None)


def _sales(reads: Reads, key: PacketKey, at: datetime) -> tuple[Sale, ...]:
    found = []
    for stored in tokens.of_packet(reads, key):
        if stored.made_at <= at:
            verdict = sales.verdicts(reads, stored.order_id).get(key)
            found.append(Sale(stored, verdict if verdict is not None and verdict.judged_at <= at else None))
    return tuple(found)
