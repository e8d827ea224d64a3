"""Pictures over time, drawn in characters: they read in any colours and in none.

Loaded when somebody opens them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, ClassVar, NamedTuple, cast

import plotext
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker

from relayclear.dashboard.host import Host
from relayclear.dashboard.lines import Line
from relayclear.dashboard.reader import Shelf
from relayclear.errors import RelayclearError
from relayclear.usecases.board_series import (
    PaidDay,
    Point,
    Span,
    TriedDay,
    busiest_channels,
    payments_by_day,
    payments_known,
    stuck_over_time,
    success_by_day,
)
from relayclear.wording import counted

DAYS = 30
RANGES = (timedelta(hours=24), timedelta(days=7))
_POINTS = 140
_TICKS = 6
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 6


class Size(NamedTuple):
    """Cells to draw in."""

    width: int
    height: int


class Charts(ModalScreen[None]):
    """One chart at a time: v goes to the next, w to another span of time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", show=False),
        Binding("v,right", "turn(1)", "next chart", show=False),
        Binding("left", "turn(-1)", "chart before", show=False),
        Binding("w", "span", "other span", show=False),
        Binding("r", "again", "read again", show=False),
    ]
    DEFAULT_CSS = """
    Charts > VerticalScroll { border: round $primary; background: $background; padding: 0 1; height: 1fr; }
    Charts .pagekeys { dock: bottom; height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.chart, self.range = 0, 0
        self.text = ""
        self._drawing: Callable[[Size], str] | None = None

    def compose(self) -> ComposeResult:
        """The picture, and the keys."""
        with VerticalScroll(can_focus=False):
            yield Static("reading the database …", id="picture", markup=False)
        yield Line(classes="pagekeys")

    def on_mount(self) -> None:
        """Draw the first one."""
        self.action_again()

    def on_resize(self) -> None:
        """Another size is drawn anew, out of what was read."""
        self._draw()

    def action_leave(self) -> None:
        """Back to the screen below."""
        self.dismiss(None)

    def action_turn(self, by: int) -> None:
        """The next chart."""
        self.chart = (self.chart + by) % len(CHARTS)
        self.action_again()

    def action_span(self) -> None:
        """The other span of time."""
        self.range = (self.range + 1) % len(RANGES)
        self.action_again()

    def action_again(self) -> None:
        """Read and draw."""
        _: Worker[None] = self.run_worker(self._read, exclusive=True, group="chart")

    async def _read(self) -> None:
        host = cast("Host", self.app)
        title, read = CHARTS[self.chart]
        self.query_one(VerticalScroll).border_title = title
        spans = "" if self.chart else "   w 24 hours or 7 days"
        self.query_one(".pagekeys", Line).say(f"v next chart{spans}   r read again   esc back")
        try:
            self._drawing = await host.reader.ask(lambda shelf: read(shelf, RANGES[self.range]), host.as_of)
        except RelayclearError as error:
            words = f"✗ {error.message}" + (f"\ntry: {error.hint}" if error.hint else "")
            self._drawing = lambda _: words
        self._draw()

    def _draw(self) -> None:
        if self._drawing is None:
            return
        inside = self.query_one(VerticalScroll).size
        size = Size(max(_LEAST_WIDTH, inside.width - 2), max(_LEAST_HEIGHT, inside.height - 1))
        self.text = self._drawing(size)
        self.query_one("#picture", Static).update(self.text)


# Reading, in the reader's thread; drawing, in the app's


def _stuck(shelf: Shelf, span: timedelta) -> Callable[[Size], str]:
    until = shelf.as_of or shelf.desk.clock.now()
    points = stuck_over_time(shelf.desk, until - span, until, _POINTS, shelf.stale_after)
    return lambda size: stuck_picture(points, size)


def _days(shelf: Shelf, span: timedelta) -> Callable[[Size], str]:
    del span
    until = shelf.as_of or shelf.desk.clock.now()
    since = (until - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    paid, known = payments_by_day(shelf.desk, since, until), payments_known(shelf.desk)
    tried = success_by_day(shelf.desk, since, until)
    listed = [since.date() + timedelta(days=number) for number in range(DAYS)]
    return lambda size: days_picture(listed, paid_counts(listed, paid, known), tried, size)


def _busiest(shelf: Shelf, span: timedelta) -> Callable[[Size], str]:
    until = shelf.as_of or shelf.desk.clock.now()
    del span
    rows = [(str(end), found.packets) for end, found in busiest_channels(shelf.desk, until - timedelta(days=DAYS), 12)]
    return lambda size: busiest_picture(rows, size)


CHARTS: Sequence[tuple[str, Callable[[Shelf, timedelta], Callable[[Size], str]]]] = (
    ("Stuck packets over time", _stuck),
    (f"Payments and success by day, {DAYS} days", _days),
    (f"Busiest channels, {DAYS} days", _busiest),
)


def paid_counts(days: Sequence[date], paid: dict[date, PaidDay], known: Span | None) -> list[int | None]:
    """Payments of each day; None for a day of which not every payment is known."""
    if known is None:
        return [None] * len(days)
    first, last = known.since.date(), known.until.date()
    return [(paid[day].count if day in paid else 0) if first <= day <= last else None for day in days]


def stuck_picture(points: Sequence[Point], size: Size) -> str:
    """How many packets were stuck; where nobody had looked the line has a gap."""
    known = [point.stuck for point in points if point.stuck is not None]
    if not known:
        return "nothing is known of that time: nobody had scanned yet\ntry: relayclear watch"
    _begin(Size(size.width, size.height - 2))
    for run in _runs([point.stuck for point in points]):
        plotext.plot([number for number, _ in run], [value for _, value in run], marker="braille")
    plotext.xlim(0, len(points) - 1)
    _scale(max(known))
    places = [round(number * (len(points) - 1) / (_TICKS - 1)) for number in range(_TICKS)]
    long = points[-1].at - points[0].at > timedelta(days=2)
    plotext.xticks(places, [points[place].at.strftime("%d %b" if long else "%H:%M") for place in places])
    gap = "" if len(known) == len(points) else ", a gap where nobody had looked"
    last = "now" if points[-1].stuck is not None else "last known"
    return f"{_drawn()}\n{last} {known[-1]}, the highest drawn {max(known)}, in UTC{gap}"


def days_picture(days: Sequence[date], paid: Sequence[int | None], tried: dict[date, TriedDay], size: Size) -> str:
    """Payments above, success below; days of which nothing is known stay empty and are said."""
    half = Size(size.width, max(_LEAST_HEIGHT, (size.height - 3) // 2))
    rates = [100 * tried[day].cleared / tried[day].tried if day in tried else None for day in days]
    unknown = sum(count is None for count in paid)
    told = f"payments: {sum(count or 0 for count in paid)}" + (
        f", {counted(unknown, 'day')} unknown" if unknown else ""
    )
    ended = sum(one.tried for one in tried.values())
    cleared = sum(one.cleared for one in tried.values())
    rate = f"{100 * cleared // ended} % of {counted(ended, 'clear')}" if ended else "no clear has ended"
    return "\n".join(
        (
            told,
            _bars(days, paid, half, None),
            f"success in %: {rate}; a day without one stays empty",
            _bars(days, rates, half, 100),
        )
    )


def busiest_picture(rows: Sequence[tuple[str, int]], size: Size) -> str:
    """The channels that most packets were worked for on, as bars."""
    if not rows:
        return "no packet was worked for in that time"
    wide = min(max(len(name) for name, _ in rows), size.width // 2)
    top = max(count for _, count in rows) or 1
    room = size.width - wide - len(str(top)) - 3
    lines = [f"{name[:wide]:<{wide}} {'█' * max(1, round(room * count / top))} {count}" for name, count in rows]
    return "\n".join([*lines, "", "packets worked for, by the end that sent them"])


def _runs(values: Iterable[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The stretches of known values, each with their places: a line is never drawn across what is unknown."""
    for known, run in groupby(enumerate(values), key=lambda item: item[1] is not None):
        if known:
            yield [(number, value) for number, value in run if value is not None]


def _bars(days: Sequence[date], values: Sequence[float | None], size: Size, top: int | None) -> str:
    known = [(number, value) for number, value in enumerate(values) if value is not None]
    if not known:
        return "nothing is known of these days"
    _begin(size)
    plotext.bar([number for number, _ in known], [value for _, value in known], marker="hd", width=0.7)
    plotext.xlim(-0.5, len(days) - 0.5)
    _scale(top or max(value for _, value in known))
    places = range(0, len(days), max(1, len(days) // _TICKS))
    plotext.xticks([*places], [days[place].strftime("%d %b") for place in places])
    return _drawn()


def _begin(size: Size) -> None:
    plotext.clear_figure()
    plotext.theme("clear")
    # Without it the library would ask the terminal, and cut what is larger than it thinks that to be.
    plotext.limit_size(False, False)
    plotext.plot_size(*size)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)


def _scale(top: float) -> None:
    """Whole figures on the left, from 0 up: half a packet is never stuck."""
    high = max(1, round(top))
    plotext.ylim(0, high)
    plotext.yticks(sorted({0, high // 2, high}))


def _drawn() -> str:
    text: Any = plotext.uncolorize(plotext.build())
    return "\n".join(line.rstrip() for line in str(text).splitlines())
