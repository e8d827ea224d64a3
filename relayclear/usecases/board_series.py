"""Series for charts: stuck packets over time, payments and success by day, the busiest channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.ledger import Account
from relayclear.store import cursors, history, judgements, ledger, mutes, operations, payments, vitals
from relayclear.store.db import Reads
from relayclear.store.history import Search
from relayclear.store.judgements import Run
from relayclear.store.mutes import Mute
from relayclear.store.vitals import Kind
from relayclear.store.watchers import WATCH
from relayclear.usecases.desk import Desk
from relayclear.usecases.stats import TRIED, Channel, Denom, gather
from relayclear.usecases.token_order import with_standing
from relayclear.usecases.watching import AWAY

_READ_AT_ONCE = 200
_STALE = timedelta(minutes=3)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From when to when something holds."""

    since: datetime
    until: datetime


class Point(NamedTuple):
    """How many packets needed somebody at a time, muted ones apart; None where nobody had looked."""

    at: datetime
    stuck: int | None


def stuck_over_time(
    desk: Desk, since: datetime, until: datetime, buckets: int, stale_after: timedelta = _STALE
) -> list[Point]:
    """So many points, evenly spread, the last one at `until`.

    Unknown are those before the first scan, those between two scans that were too far apart, and those that the
    last scan is too old for.
    """
    width = (until - since) / buckets
    times = [until - width * (buckets - number) for number in range(1, buckets + 1)]
    with desk.journal.database.snapshot() as reads:
        spans = [
            (end, run, ended) for end, run, ended in judgements.between(reads, since, until) if run.judged.attention
        ]
        holes = _holes(reads, since, until, stale_after)
        return [
            Point(at, None if any(hole.since < at < hole.until for hole in holes) else _stuck_at(reads, spans, at))
            for at in times
        ]


def _holes(reads: Reads, since: datetime, until: datetime, stale_after: timedelta) -> list[Span]:
    """The times without scans: a judgement that stood when they began says nothing of them."""
    # A daemon tells of its absence when it comes back, so that one that reaches into the chart may end after it.
    told = [one for one in history.export(reads, Search(subject=WATCH, since=since)) if one.what == AWAY]
    holes = [Span(datetime.fromisoformat(one.detail["since"]), one.at) for one in told]
    scans = [one.tried_at for one in vitals.of_kind(reads, Kind.SCAN)]
    if scans and until - max(scans) > stale_after:
        holes.append(Span(max(scans), until + stale_after))
    return holes


def _stuck_at(reads: Reads, spans: Sequence[tuple[ChannelEnd, Run, datetime | None]], at: datetime) -> int | None:
    if judgements.moment_until(reads, at) is None:
        return None
    quiet = mutes.in_force(reads, at)
    holding = ((end, run) for end, run, ended in spans if run.since <= at and (ended is None or ended > at))
    return sum(_loud(run, [mute for mute in quiet if mute.end == end], at) for end, run in holding)


def _loud(run: Run, quiet: Sequence[Mute], at: datetime) -> int:
    if not quiet:
        return run.last - run.first + 1
    packet_class = run.judged.verdict.packet_class.value
    sequences = range(run.first, run.last + 1)
    return sum(not any(mute.covers(one, packet_class, at) for mute in quiet) for one in sequences)


@dataclass(slots=True)
class PaidDay:
    """What was paid on one day, in UTC by block time."""

    count: int = 0
    amounts: Counter[Denom] = field(default_factory=Counter)


def payments_by_day(desk: Desk, since: datetime, until: datetime) -> dict[date, PaidDay]:
    """By day, oldest first; days without a payment are left out."""
    found: dict[date, PaidDay] = {}
    for chain, denom, amount, at in payments.between(desk.journal.database, since, until):
        day = found.setdefault(at.date(), PaidDay())
        day.count += 1
        day.amounts[Denom(chain, denom)] += amount
    return found


class TriedDay(NamedTuple):
    """Of the operations asked for on one day, how many could succeed and have ended, and how many cleared all."""

    tried: int
    cleared: int


def success_by_day(desk: Desk, since: datetime, until: datetime) -> dict[date, TriedDay]:
    """By day, in UTC, oldest first, as it was known at `until`; days on which none ended are left out."""
    found: dict[date, TriedDay] = {}
    with desk.journal.database.snapshot() as reads:
        for day, state in _ended(reads, since, until):
            before = found.get(day, TriedDay(0, 0))
            found[day] = TriedDay(before.tried + 1, before.cleared + (state is OperationState.CLEARED))
    return dict(sorted(found.items()))


def _ended(reads: Reads, since: datetime, until: datetime) -> Iterator[tuple[date, OperationState]]:
    offset = 0
    while page := operations.page(reads, _READ_AT_ONCE, offset, as_of=until):
        for operation in page:
            if operation.requested_at < since:
                return
            state = operation_state(with_standing(reads, operation))
            if state in TRIED:
                yield operation.requested_at.date(), state
        offset += len(page)


def busiest_channels(desk: Desk, since: datetime | None, limit: int = 10) -> list[tuple[ChannelEnd, Channel]]:
    """The channels on which most packets were worked for, and what was done there."""
    channels: Mapping[ChannelEnd, Channel] = gather(desk, since, None).channels
    return sorted(channels.items(), key=lambda item: (-item[1].packets, item[0]))[:limit]


def payments_known(desk: Desk) -> Span | None:
    """The time of which every payment is known: from the first booking to what is read through; None for none."""
    with desk.journal.database.snapshot() as reads:
        read = [one.read_through_time for one in cursors.every(reads)]
        begun = [
            moved.at
            for place in ledger.books(reads)
            for moved in islice(ledger.moved(reads, place, Account.OPENING, _EVER), 1)
        ]
    return Span(min(begun), min(read)) if begun and read else None
