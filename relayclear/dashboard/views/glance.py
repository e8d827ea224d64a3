"""What the overview shows below the paths: work under way, open breakers, payments as they arrive.

Each is a panel of another view with less in it.  Loaded after the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from relayclear.dashboard.folding import FOLDED, FoldPanel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Shape
from relayclear.dashboard.views.health import BreakersPanel
from relayclear.dashboard.views.operations import QueuePanel
from relayclear.dashboard.views.sales import PaymentsPanel
from relayclear.ibc.text import clean, visible
from relayclear.usecases.board_health import BreakerLine, read_breakers
from relayclear.usecases.payments_view import PaymentView
from relayclear.usecases.works import Queued
from relayclear.wording import OPERATIONS, coin
from relayclear.wording.breaking import BREAKERS, how_long
from relayclear.wording.paying import flaws_words, word_of
from relayclear.wording.working import progress_line, wait_line

_NEWEST = 20
"""Payments that are read for a glance: who wants more opens their view."""


class GlancePanel(FoldPanel):
    """A panel that takes one line as long as it has no rows; enter opens a row, without rows the view with more."""

    more_in: ClassVar[str]
    """That view."""

    async def do_open(self) -> None:
        """As in the panel that this is a glance at, where there is a row."""
        await (super().do_open() if self.table.rows else self.host.open_view(self.more_in))  # type: ignore[misc]

    def need(self) -> int:
        """Lines to show every row; a frame around nothing would take them from the paths."""
        # What keeps it from being read is said in up to three lines, and has to be seen.
        failed = self.standing(self.host.desk.clock.now()).shape is Shape.FAILED
        return super().need() if self.table.rows or failed else FOLDED


class WorkPanel(GlancePanel, QueuePanel):
    """Operations under way and waiting."""

    title = "Under way"
    more_in = "operations"
    kept_of_the_past = True

    def summary(self) -> str:
        """The first row, which is the one that waits for a person where there is one; and how many others."""
        rows: Sequence[Queued] = self.table.rows
        if not rows or self.past:
            return self.told(rows)
        row, more = rows[0], len(rows) - 1
        word = OPERATIONS[row.state]
        waits = wait_line(row, self.now)
        said = f"{word.glyph} {visible(row.id, 13)} {word.word}, {progress_line(row)}" + (f", {waits}" if waits else "")
        return said + (f"; {more} more" if more else "")


class OpenBreakersPanel(GlancePanel, BreakersPanel):
    """Breakers that aren't closed."""

    title = "Open breakers"
    more_in = "health"

    def rows(self, shelf: Shelf) -> Sequence[BreakerLine]:
        """Those alone."""
        return read_breakers(shelf.desk, closed=False)

    def summary(self) -> str:
        """The first one with its countdown, and how many others."""
        rows: Sequence[BreakerLine] = self.table.rows
        if not rows:
            return "none: everything may be called"
        view, more = rows[0].view, len(rows) - 1
        left = how_long(view, self.now())
        why = f": {clean(view.reason, 120)}" if view.reason else ""
        said = f"✗ {clean(view.name, 60)} {BREAKERS[view.state].word}" + (f", {left}" if left else "") + why
        return said + (f"; {more} more" if more else "")


class ArrivalsPanel(GlancePanel, PaymentsPanel):
    """The newest payments."""

    title = "Payments"
    more_in = "sales"
    limit = _NEWEST

    def summary(self) -> str:
        """The newest one and what is wrong with it."""
        rows: Sequence[PaymentView] = self.table.rows
        if not rows or self.past:
            return self.told(rows)
        row = rows[0]
        word, flaws = word_of(row), flaws_words(row)
        amount = visible(coin(row.stored.arrival.coin), 40)
        sign = "" if row.orphan is None else "! "
        said = f"{sign}the newest {self.ago(row.stored.arrival.at)} ago, {amount}, {word.glyph} {word.word}"
        return said + (f", ! {flaws}" if flaws else "")


PANELS = (WorkPanel, OpenBreakersPanel, ArrivalsPanel)
"""In their order: what goes on, what is left alone, what came in."""
