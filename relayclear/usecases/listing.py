"""Lists of packets: scan, filter, fetch the details that the list needs, page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.triage import PacketClass
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details, fetch_details
from relayclear.usecases.last_good import last_good
from relayclear.usecases.scan import Reading, Scope, scan
from relayclear.usecases.topology import Progress
from relayclear.usecases.views import (
    PacketView,
    PathDesk,
    PathView,
    half_dead,
    needs_attention,
    path_desk,
    path_packets,
    path_view,
    worst_first,
)


class DetailsMode(StrEnum):
    """How many packets get their details fetched."""

    ALL = "all"
    SHOWN = "shown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What to list.  `attention` leaves out what is in flight; `limit` None is everything."""

    scope: Scope = field(default_factory=Scope)
    filter: Filter = field(default_factory=Filter)
    details: DetailsMode = DetailsMode.SHOWN
    attention: bool = True
    only_muted: bool = False
    limit: int | None = None
    offset: int = 0


@dataclass(slots=True)
class Listing:
    """One page of packets, every path looked at, and how many rows there are in all.

    `needy` counts the rows, on the page or not, that need attention; `unclassed` those of which
    nobody can tell yet, as their details were not read.
    """

    reading: Reading
    packets: list[PacketView]
    paths: list[PathView]
    total: int
    limit: int | None
    offset: int
    needy: int
    unclassed: int

    @property
    def has_next(self) -> bool:
        """Whether rows follow the page."""
        return self.offset + len(self.packets) < self.total

    @property
    def stuck(self) -> int:
        """Packets that need somebody, over all paths that could be read, muted ones apart."""
        return sum(path.stuck or 0 for path in self.paths)


async def list_packets(desk: Desk, request: ListRequest, progress: Progress = lambda _: None) -> Listing:
    """Scan and list.  Paths that can't be read are in `paths` with their error."""
    for term in request.filter.terms:
        # A mistyped chain would fit nothing, which reads like good news.
        if term.key in {"chain", "to"} and "*" not in term.value:
            desk.chain(term.value)
    reading = await scan(desk, request.scope, progress)
    board = _Board(desk, reading)
    rows = [view for views in board.views.values() for view in views if _fits_cheaply(request, view)]
    if request.details is DetailsMode.ALL or request.filter.needs_details:
        rows = await board.detailed(rows)
    if request.details is DetailsMode.SHOWN and not request.filter.needs_details:
        page, rest = await _fill_page(board, rows, request)
        rows = [*page, *rest]
        page = _page(page, request)
    else:
        rows = sorted((view for view in rows if _fits(request, view)), key=worst_first)
        page = _page(rows, request)
    doubtful = [view for view in rows if not needs_attention(view, desk.stuck_after)]
    unclassed = sum(view.verdict.packet_class is PacketClass.PENDING for view in doubtful)
    needy = len(rows) - len(doubtful)
    return Listing(reading, page, board.path_views(), len(rows), request.limit, request.offset, needy, unclassed)


class _Board:
    """The packets of one reading by path, judged again as their details come in."""

    def __init__(self, desk: Desk, reading: Reading) -> None:
        """Judge everything with what is known without details."""
        self.desk, self.reading, self.details = desk, reading, Details()
        self.mutes = desk.journal.mutes(reading.at)
        self.desks: dict[ChannelEnd, PathDesk] = {}
        self.views: dict[ChannelEnd, list[PacketView]] = {}
        self._judge([end for end, item in reading.paths.items() if item.error is None])

    def _judge(self, ends: Sequence[ChannelEnd]) -> None:
        for end in ends:
            self.desks[end] = path_desk(self.desk, self.reading, self.reading.paths[end], self.mutes)
            self.views[end] = path_packets(self.desks[end], self.details)

    async def detailed(self, rows: Sequence[PacketView]) -> list[PacketView]:
        """Fetch the details of these rows and give them back judged with them."""
        await fetch_details(self.desk, self.reading, [view.key for view in rows], self.details)
        wanted = {(view.path.source, view.sequence) for view in rows}
        self._judge(sorted({view.path.source for view in rows}))
        found = [view for end in self.views for view in self.views[end] if (end, view.sequence) in wanted]
        for view in found:
            view.warning = half_dead(self.desks[view.path.source].facts, view.verdict.packet_class)
        return found

    def path_views(self) -> list[PathView]:
        """Every path looked at, in the order of the scan."""
        paths = self.reading.paths
        views = [path_view(item, self.views.get(end, ()), self.desk.stuck_after) for end, item in paths.items()]
        failed = [end for end, item in paths.items() if item.error is not None]
        known = last_good(self.desk.journal, failed, self.reading.at) if failed else {}
        for end, view in zip(paths, views, strict=True):
            view.last_good = known.get(end)
        return views


_CHEAP = frozenset({"chain", "channel", "port", "sequence", "to"})


def _fits_cheaply(request: ListRequest, view: PacketView) -> bool:
    """Terms that details can't change: chain, channel, port, sequence; and mutes by path."""
    cheap = Filter(
        tuple(term for term in request.filter.terms if term.key in {"chain", "to", "channel", "port", "sequence"})
    )
    return not cheap.terms or cheap.matches(view)


def _fits(request: ListRequest, view: PacketView) -> bool:
    if (view.muted is not None) is not request.only_muted:
        return False
    if request.attention and view.verdict.packet_class is PacketClass.IN_FLIGHT:
        return False
    return request.filter.matches(view)


def _page(rows: list[PacketView], request: ListRequest) -> list[PacketView]:
    return rows[request.offset :] if request.limit is None else rows[request.offset : request.offset + request.limit]


async def _fill_page(
    board: _Board, rows: list[PacketView], request: ListRequest
) -> tuple[list[PacketView], list[PacketView]]:
    """Fetch details from the worst on until the page is full; the rows after it stay as they are.

    A packet may turn out to be in flight once its timeout is known, so a page can need a second
    helping.
    """
    rows.sort(key=worst_first)
    needed = len(rows) if request.limit is None else request.offset + request.limit
    kept: list[PacketView] = []
    done = 0
    while len(kept) < needed and done < len(rows):
        part = rows[done : done + max(needed - len(kept), 10)]
        done += len(part)
        kept += [view for view in await board.detailed(part) if _fits(request, view)]
    kept.sort(key=worst_first)
    return kept, [view for view in rows[done:] if _fits(request, view)]
