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


def worst_packet_first(row: PacketRow) -> tuple[int, datetime, str, str, str, int]:
    """Sort key: class by severity, then age, then name; as `packets list` sorts."""
    source = row.path.source
    return (SEVERITY[row.packet_class], row.since, source.chain, source.channel, source.port, row.sequence)


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


def tally(rows: Sequence[PacketRow], known: Mapping[int, Known]) -> Tally:
    """Count the packets of one path; `known` are their details by sequence."""
    if not rows:
        return NOTHING_WAITS
    # Thousands of packets share a handful of verdicts: those are counted, then read.
    kinds = Counter((row.packet_class, row.blocked) for row in rows)
    obstacles = Counter({blocked: count for (_, blocked), count in kinds.items() if blocked is not None})
    oldest = min(rows, key=_by_age)
    values, valued = _values(known[row.sequence].transfer for row in rows if row.sequence in known)
    return Tally(
        sum(row.attention and row.muted is None for row in rows),
        sum(row.muted is not None for row in rows),
        _summed((packet_class, count) for (packet_class, _), count in kinds.items()),
        _summed((blocked.reason, count) for (_, blocked), count in kinds.items() if blocked is not None),
        sum(count for kind, count in kinds.items() if Verdict(*kind).clearable),
        obstacles.most_common(1)[0][0] if obstacles else None,
        Oldest(oldest.since, oldest.sequence, oldest.exact),
        values,
        len(rows) - valued,
    )


def _by_age(row: PacketRow) -> tuple[datetime, int]:
    return row.since, row.sequence


_Key = TypeVar("_Key")


def _summed(counts: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    total: Counter[_Key] = Counter()
    for key, count in counts:
        total[key] += count
    return dict(total)


def _values(transfers: Iterable[Transfer | None]) -> tuple[dict[str, int], int]:
    """Base units by denom, and how many packets they are of."""
    values: Counter[str] = Counter()
    count = 0
    for transfer in transfers:
        if transfer is not None:
            values[transfer.coin.denom] += transfer.coin.amount
            count += 1
    return dict(values), count


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
