"""The first view: is anything stuck, can gas be paid, is anybody owed; then every path, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.widget import Widget

from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.folding import FoldingView, FoldPanel
from relayclear.dashboard.lines import Line
from relayclear.dashboard.live import LivePage, Told
from relayclear.dashboard.panel import Copyable, Panel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found
from relayclear.dashboard.views.packet_cells import (
    age_text,
    blocked_text,
    counts_text,
    expiry_cell,
    path_text,
    reasons_text,
    values_text,
)
from relayclear.ibc.text import visible
from relayclear.usecases.answers import Answers, read_answers
from relayclear.usecases.board_rows import PathRow
from relayclear.wording import counted
from relayclear.wording.board import answer_lines, answers_page, path_page


class AnswersPanel(Panel):
    """Three questions, answered at a glance."""

    title = "Is all well?"
    tells = (
        "Three questions at a glance: is anything stuck, does the gas last (in days, by what the last seven days "
        "cost), does anybody wait for money; and what is left alone for now (open breakers)."
    )
    terms = ("stuck", "gas", "refund", "breaker")
    can_focus = True

    def body(self) -> ComposeResult:
        """A line for each question."""
        yield Line(classes="facts", markup=False)

    def look(self, shelf: Shelf) -> Found[Answers]:
        """Read what answers them."""
        picture = shelf.board.read(shelf.as_of)
        found = read_answers(shelf.desk, picture)
        # Why, and what to do about it, stands over the paths.
        error = f"{found.unread} of {counted(found.paths, 'path')} can't be read" if found.unread else None
        what = counted(found.paths, "path")
        return Found(found, picture.good_at, what, error, stale_after=shelf.stale_after)

    def show(self, value: Answers) -> None:
        """Show the answers."""
        self.query_one(".facts", Line).say("\n".join(answer_lines(value)))

    def on_resize(self) -> None:
        """What it takes the panels below can't have."""
        self.post_message(FoldingView.Wanted())

    async def do_open(self) -> None:
        """What each answer is made of."""
        if self.found is None:
            return
        host = self.host
        title, first = "Is all well?", self.found.value
        await host.push_screen(LivePage(title, _answers_told, host.shown_at, Told(partial(answers_page, first))))


def _answers_told(shelf: Shelf) -> Told:
    return Told(partial(answers_page, read_answers(shelf.desk, shelf.board.read(shelf.as_of))))


class Paths(NamedTuple):
    """The paths and the moment that their ages count to."""

    rows: Sequence[PathRow]
    at: datetime


class PathsPanel(FoldPanel):
    """Every path in its direction, worst first."""

    title = "Paths"
    tells = (
        "Every channel in each direction, worst first: how many packets are stuck and since when, whether they can "
        "be cleared or why not, what hangs there, and when the light client behind it expires. Enter opens a path."
    )
    terms = ("channel", "stuck", "blocked", "client", "clear")
    kept_of_the_past = True
    # They count to the scan.
    ages = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._at: datetime | None = None
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[PathRow]]:
        return (
            Column("path", "path", 28, self._path_cell, grows=True, plain="from → to"),
            Column("stuck", "stuck", 5, self._stuck_cell, right=True),
            Column("oldest", "oldest", 6, self._oldest_cell, right=True, plain="since"),
            Column("pending", "all", 5, self._pending_cell, right=True, drop=2, plain="open"),
            Column("what", "what", 22, self._what_cell, grows=True),
            Column("value", "value", 20, self._value_cell, drop=4, plain="worth"),
            Column("client", "client", 9, self._client_cell, drop=1, plain="link ends"),
            Column(
                "muted", "muted", 5, lambda row: Cell(str(row.muted or "-"), "dim"), right=True, drop=6, expert=True
            ),
            Column("clearable", "clearable", 10, self._clearable_cell, drop=3, right=True),
        )

    def key(self, row: PathRow) -> Any:
        """A path is named by its sending end."""
        return row.path.source

    def look(self, shelf: Shelf) -> Found[Paths]:
        """Every path, as the last scan left it."""
        picture = shelf.board.read(shelf.as_of)
        failed = picture.unread
        error = f"{path_text(failed[0].path)}: {visible(failed[0].error or '', 120)}" if failed else None
        return Found(
            Paths(picture.paths, picture.at),
            picture.good_at,
            counted(len(picture.paths), "path"),
            error,
            "relayclear doctor" if failed else None,
            shelf.stale_after,
        )

    def show(self, value: Paths) -> None:
        """Show them."""
        self._at = value.at
        super().show(value.rows)

    def empty(self) -> str:
        """What was looked at where nothing is stuck."""
        rows: Sequence[PathRow] = self.table.rows
        if rows and not any(row.stuck for row in rows):
            return f"no stuck packets on {counted(len(rows), 'path')}"
        return ""

    def summary(self) -> str:
        """How many packets are stuck on how many paths."""
        rows: Sequence[PathRow] = self.table.rows
        stuck = [row.stuck for row in rows if row.stuck]
        if not stuck:
            return self.empty()
        return f"✗ {counted(sum(stuck), 'packet')} stuck on {len(stuck)} of {counted(len(rows), 'path')}"

    # Cells

    def _path_cell(self, row: PathRow) -> Cell:
        return Cell(("✗ " if row.error else "") + path_text(row.path), "bad" if row.error else "")

    def _stuck_cell(self, row: PathRow) -> Cell:
        if row.stuck is None:
            return Cell("?", "dim")
        return Cell(str(row.stuck), "bad" if row.stuck else "good")

    def _oldest_cell(self, row: PathRow) -> Cell:
        if row.oldest is None or self._at is None:
            return Cell("-", "dim")
        return Cell(age_text(row.oldest.since, self._at, exact=row.oldest.exact))

    def _pending_cell(self, row: PathRow) -> Cell:
        return Cell("?" if row.pending is None else str(row.pending), "dim")

    def _what_cell(self, row: PathRow) -> Cell:
        if row.error is not None:
            return Cell(visible(row.error, 80), "bad")
        if row.obstacle is not None:
            return Cell(blocked_text(row.obstacle), "warn")
        return Cell(counts_text(row.classes) or "nothing waits", "" if row.classes else "dim")

    def _value_cell(self, row: PathRow) -> Cell:
        return Cell(values_text(row.values, row.unvalued), "")

    def _client_cell(self, row: PathRow) -> Cell:
        return Cell("?", "dim") if self._at is None else expiry_cell(row, self._at)

    def _clearable_cell(self, row: PathRow) -> Cell:
        if row.clearable is None:
            return Cell("?", "dim")
        return Cell(f"{row.clearable} of {row.pending}" if row.pending else "-", "" if row.clearable else "dim")

    # Keys

    def explained(self) -> str:
        """The path under the cursor in a sentence."""
        row: PathRow | None = self.table.current
        if row is None or not row.reasons:
            return self.tells
        return f"blocked: {reasons_text(row.reasons)}"

    async def do_open(self) -> None:
        """Everything about the path, and the way to its packets."""
        row: PathRow | None = self.table.current
        if row is not None and self._at is not None:
            await self.app.push_screen(Page(path_text(row.path), path_page(row, self._at)))

    def copies(self) -> Sequence[Copyable]:
        """The channel, and the command that lists its packets."""
        row: PathRow | None = self.table.current
        if row is None:
            return ()
        end = row.path.source
        return (
            Copyable("channel", str(end)),
            Copyable("command", f"relayclear packets list --chain {end.chain} --channel {end.channel}"),
        )


class OverviewView(FoldingView):
    """The answers, every path, and what goes on."""

    kind: ClassVar[str] = "overview"
    panels = (AnswersPanel, PathsPanel)

    async def complete(self) -> bool:
        """The panels below the paths: what they show takes as long to load as the whole first frame."""
        from relayclear.dashboard.views.glance import PANELS  # noqa: PLC0415

        if self.query(PANELS[0]):
            return False
        made = [panel(id=f"{self.kind}-{panel.__name__.lower()}") for panel in PANELS]
        await self.mount(*made)
        for panel in made:
            panel.speak(expert=panel.host.expert)
        self.share()
        return True

    def key_takers(self) -> list[Widget]:
        """The paths first; the answers last, which open into what they are made of."""
        return [*super().key_takers(), self.query_one(AnswersPanel)]
