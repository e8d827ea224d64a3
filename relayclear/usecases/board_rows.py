"""Rows of the board: one path, one pending packet, as the daemon's last scan left them in the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from relayclear.ibc.packet import ChannelState, PacketKey, RelayPath, Transfer
from relayclear.ibc.topology import ClientHealth, ClientStatus
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass, Verdict
from relayclear.store.judgements import Run
from relayclear.store.mutes import Mute
from relayclear.usecases.views import SEVERITY, packet_fields


class PacketRow(NamedTuple):
    """One pending packet.

    `since` is from when on its age counts: exactly where `exact` (its sending, proved by the
    commitment), else when it was first seen, so that it is that old at least.  `attention`: it counts
    as stuck.
    """

    path: RelayPath
    sequence: int
    packet_class: PacketClass
    blocked: Blocked | None
    since: datetime
    exact: bool
    attention: bool
    muted: Mute | None

    @property
    def key(self) -> PacketKey:
        """What names the packet."""
        return PacketKey(*self.path.source, self.sequence)

    @property
    def verdict(self) -> Verdict:
        """Class and obstacle together."""
        return Verdict(self.packet_class, self.blocked)


class Known(NamedTuple):
    """What is kept in memory of a packet's details: its sending's block time, and what it moves."""

    sent_at: datetime | None
    transfer: Transfer | None


class Oldest(NamedTuple):
    """The packet of a path that waits longest, and since when (`exact` as of a row)."""

    since: datetime
    sequence: int
    exact: bool


class Expiry(NamedTuple):
    """The client of a path that expires first."""

    chain: str
    client: str
    status: ClientStatus
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PathRow:
    """One path and what waits on it.

    Counts are those of the last good scan, at `read_at`, also while `error` says why the path can't be
    read, since `failed_at`; they are None where it never was.  `stuck` are those that need somebody,
    muted ones apart; `classes`, `reasons` and `clearable` count every packet.  `values` are base units
    by denom as the source chain names it; `unvalued` packets move something that isn't known.
    States and clients are as last read, whatever time is looked at: only the present is kept of them.
    """

    path: RelayPath
    read_at: datetime | None
    error: str | None
    failed_at: datetime | None
    pending: int | None
    stuck: int | None
    muted: int
    classes: Mapping[PacketClass, int]
    reasons: Mapping[BlockReason, int]
    clearable: int | None
    obstacle: Blocked | None
    oldest: Oldest | None
    values: Mapping[str, int]
    unvalued: int
    source_state: ChannelState
    destination_state: ChannelState
    source_client: ClientHealth | None
    destination_client: ClientHealth | None

    @property
    def expiry(self) -> Expiry | None:
        """The client that expires first, an expired or frozen one before all; None where neither could be read."""
        path = self.path
        both = (
            (path.source.chain, path.source_client, self.source_client),
            (path.destination.chain, path.destination_client, self.destination_client),
        )
        known = [Expiry(chain, name, one.status, one.expires_at) for chain, name, one in both if one is not None]
        return min(known, key=_urgency, default=None)


def _urgency(one: Expiry) -> tuple[bool, bool, float]:
    return (
        one.status is ClientStatus.ACTIVE,
        one.expires_at is None,
        0.0 if one.expires_at is None else one.expires_at.timestamp(),
    )


class Drawing(NamedTuple):
    """The rows of one path, worst first, and a number for each by which those of several paths are merged."""

    rows: Sequence[PacketRow]
    ranks: Sequence[int]


def draw(path: RelayPath, runs: Iterable[Run], known: Mapping[int, Known], quiet: Sequence[Mute]) -> Drawing:
    """Make the rows of one path; `known` are details by sequence, `quiet` the mutes on it in force."""
    rows: list[PacketRow] = []
    ranks: list[int] = []
    for first, last, ((packet_class, blocked), told, attention, seen), _ in runs:
        if not told and not quiet:
            # Thousands at once.
            rest = (packet_class, blocked, seen, False, attention, None)
            rows += [PacketRow(path, one, *rest) for one in range(first, last + 1)]
            ranks += [rank(packet_class, seen)] * (last - first + 1)
            continue
        for one in range(first, last + 1):
            sent_at = known[one].sent_at if one in known else None
            since = seen if sent_at is None or seen < sent_at else sent_at
            muted = _mute_on(quiet, one, packet_class) if quiet else None
            rows.append(PacketRow(path, one, packet_class, blocked, since, sent_at is not None, attention, muted))
            ranks.append(rank(packet_class, since))
    return merged([Drawing(rows, ranks)])


def _mute_on(quiet: Iterable[Mute], sequence: int, packet_class: PacketClass) -> Mute | None:
    return next((mute for mute in quiet if mute.covers(sequence, packet_class.value, mute.muted_at)), None)


def rank(packet_class: PacketClass, since: datetime) -> int:
    """Where a packet stands, as `packets list` sorts: class by severity, then age.  A number: there are thousands."""
    return SEVERITY[packet_class] << 64 | int(since.timestamp() * 1_000_000)


def merged(drawings: Iterable[Drawing]) -> Drawing:
    """All rows, worst first; equal ones in the order in which they were given."""
    rows: list[PacketRow] = []
    ranks: list[int] = []
    for drawing in drawings:
        rows += drawing.rows
        ranks += drawing.ranks
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    return Drawing([rows[place] for place in order], [ranks[place] for place in order])


def worst_path_first(row: PathRow) -> tuple[Any, ...]:
    """Sort key: paths with stuck packets, the worst class and then the most first; then those that can't be read."""
    stuck = row.stuck or 0
    worst = min((SEVERITY[packet_class] for packet_class in row.classes), default=len(SEVERITY)) if stuck else 0
    return (stuck == 0, worst, -stuck, row.error is None, -(row.pending or 0), row.path.source)


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one path's packets."""

    stuck: int
    muted: int
    classes: Mapping[PacketClass, int]
    reasons: Mapping[BlockReason, int]
    clearable: int
    obstacle: Blocked | None
    oldest: Oldest | None
    values: Mapping[str, int]
    unvalued: int


NOTHING_WAITS = Tally(0, 0, {}, {}, 0, None, None, {}, 0)


def tally(rows: Sequence[PacketRow], runs: Sequence[Run], known: Mapping[int, Known]) -> Tally:
    """Count the packets of one path; `known` are their details by sequence."""
    if not rows:
        return NOTHING_WAITS
    # Thousands of packets stand in a handful of runs.
    kinds = _summed((run.judged.verdict, run.last - run.first + 1) for run in runs)
    blocked = _summed((one.blocked, count) for one, count in kinds.items() if one.blocked is not None)
    muted = [row for row in rows if row.muted is not None]
    needy = sum(run.last - run.first + 1 for run in runs if run.judged.attention)
    oldest = min(rows, key=_since)
    values, valued = _values(known.values())
    return Tally(
        needy - sum(row.attention for row in muted),
        len(muted),
        _summed((one.packet_class, count) for one, count in kinds.items()),
        _summed((one.reason, count) for one, count in blocked.items()),
        sum(count for one, count in kinds.items() if one.clearable),
        max(blocked, key=lambda one: (blocked[one], one), default=None),
        Oldest(oldest.since, oldest.sequence, oldest.exact),
        values,
        len(rows) - valued,
    )


def _since(row: PacketRow) -> datetime:
    return row.since


_Key = TypeVar("_Key")


def _summed(counts: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    total: Counter[_Key] = Counter()
    for key, count in counts:
        total[key] += count
    return dict(total)


def _values(known: Iterable[Known]) -> tuple[dict[str, int], int]:
    """Base units by denom, and how many packets they are of."""
    values: dict[str, int] = {}
    count = 0
    for one in known:
        if one.transfer is not None:
            denom, amount = one.transfer.coin.denom, one.transfer.coin.amount
            values[denom] = values.get(denom, 0) + amount
            count += 1
    return values, count


class Seen(NamedTuple):
    """A row as filters and orders look at it: with its details, at a time."""

    row: PacketRow
    known: Known | None
    at: datetime

    @property
    def age_seconds(self) -> int:
        """How old the packet is, at least."""
        # A block's clock may run ahead of ours: an age is never below zero.
        return max(0, int((self.at - self.row.since).total_seconds()))

    @property
    def filter_fields(self) -> dict[str, tuple[str, ...]]:
        """The row's texts by filter key, the same as of `packets list`."""
        row = self.row
        return packet_fields(row.path, row.sequence, row.packet_class, row.blocked, self.known and self.known.transfer)
