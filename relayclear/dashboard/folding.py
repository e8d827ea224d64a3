"""Views of several panels that share a small terminal: the one with the keys has room, others fold to a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from textual.message import Message
from textual.widget import Widget

from relayclear.dashboard.panel import TablePanel
from relayclear.dashboard.states import Shape, Standing, glyph
from relayclear.dashboard.view import View

FRAME = 4
"""Lines of a panel beside its rows: the border, the line that says how good it is, the headings."""

FOLDED = 1
"""Lines of a panel that shows its title and the most important alone."""

_LEAST_ROWS = 2
_UNTOLD = "of the past this isn't kept: = goes back to now"


def shares(needs: Sequence[int], open_one: int, height: int) -> list[int]:
    """Lines for each panel, `height` in all: the open one first gets what it needs, then others unfold in their order.

    One that can't have its least is folded to a line; what is left over is the open one's.
    """
    least = [min(need, FRAME + _LEAST_ROWS) for need in needs]
    found = [FOLDED] * len(needs)
    found[open_one] = max(FOLDED, min(needs[open_one], height - (len(needs) - 1) * FOLDED))
    for wanted in (least, needs):
        for number in range(len(needs)):
            left = height - sum(found)
            # Half unfolded it would show a frame and no rows.
            if found[number] < wanted[number] and (found[number] > FOLDED or least[number] - FOLDED <= left):
                found[number] = min(wanted[number], found[number] + left)
    found[open_one] += max(0, height - sum(found))
    return found


def _marked(words: str) -> str:
    """Well read, which says nothing of what was read: words with a sign of their own keep it."""
    return words if words[:1] in set("✓✗!?") else f"{glyph(Shape.FRESH)} {words}"


class FoldPanel(TablePanel):
    """A table that can be folded to one line: its title and the most important of what it shows."""

    kept_of_the_past = False
    """Whether it can be shown as it was at a time."""

    ages = True
    """Whether its rows tell of the time that goes by."""

    untold = False
    folded = False

    def summary(self) -> str:
        """What the folded line says; empty for how good it is."""
        return ""

    def need(self) -> int:
        """Lines to show every row."""
        return FRAME + max(1, len(self.table.rows))

    def wanted(self) -> int:
        """Lines that it is worth while another panel has the keys: that it was read and is empty, a line says too."""
        return FOLDED if self.found is not None and not self.speaks else self.need()

    def take(self, answer: Any, now: datetime) -> None:
        """Show the answer, and say so where the past isn't kept."""
        self.untold = self.host.as_of is not None and not self.kept_of_the_past
        before = self.need(), self.wanted()
        super().take(answer, now)
        if (self.need(), self.wanted()) != before:
            self.post_message(FoldingView.Wanted())

    def tell(self, now: datetime) -> None:
        """Ages and countdowns go on while nothing is written."""
        super().tell(now)
        if self.ages and self.table.rows and not self.folded:
            self.table.tick()

    def standing(self, now: datetime) -> Standing:
        """Its state; what isn't kept of the past is neither stale nor failed."""
        how = super().standing(now)
        return Standing(Shape.FRESH, _UNTOLD) if self.untold and self.trouble is None else how

    def line(self, how: Standing) -> str:
        """How good it is; folded, the title and the most important before that."""
        if self.untold and how.words == _UNTOLD:
            text = f"? {_UNTOLD}"
        elif self.folded and how.shape is Shape.FRESH and self.summary():
            text = _marked(self.summary())
        else:
            text = super().line(how)
        return f"{self.title}: {text}" if self.folded else text

    def _fresh(self, how: Standing) -> str:
        return _marked(self.empty() or how.words)

    def fold(self, lines: int, now: datetime) -> None:
        """Have so many lines; one is folded."""
        self.styles.height = lines
        was, self.folded = self.folded, lines == FOLDED
        if was != self.folded:
            self.set_class(self.folded, "-folded")
            self.tell(now)


class FoldingView(View):
    """Panels that share the height; tab opens the next one."""

    class Wanted(Message):
        """A panel wants more or fewer lines."""

    open_one = 0

    @property
    def room(self) -> int:
        """Lines that its folding panels share: all, less what panels of their own height take."""
        fixed = [panel for panel in self.all_panels if not isinstance(panel, FoldPanel)]
        return self.size.height - sum(panel.outer_size.height for panel in fixed)

    @property
    def folding(self) -> list[FoldPanel]:
        """Its panels."""
        return list(self.query(FoldPanel))

    def key_takers(self) -> list[Widget]:
        """A folded panel takes the keys too, and opens by it."""
        return [panel.table for panel in self.folding]

    def on_descendant_focus(self) -> None:
        """The panel with the keys opens."""
        panels = self.folding
        inside = [number for number, panel in enumerate(panels) if panel.table.has_focus]
        self.open_one = inside[0] if inside else self.open_one
        self.share()

    def on_resize(self) -> None:
        """Another height is shared otherwise."""
        self.share()

    def on_folding_view_wanted(self) -> None:
        """Rows came or went."""
        self.share()

    def share(self) -> None:
        """Give each panel its lines."""
        panels, height = self.folding, self.room
        if not panels or height <= 0:
            return
        now = panels[0].host.desk.clock.now()
        needs = [one.need() if number == self.open_one else one.wanted() for number, one in enumerate(panels)]
        for panel, lines in zip(panels, shares(needs, self.open_one, height), strict=True):
            panel.fold(lines, now)
