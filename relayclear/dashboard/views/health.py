"""The view of health: what is wrong and what still works, and everything that the work leans on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.health import Ability, Finding, Health, Level
from relayclear.clearing.request import Verb, Wish
from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.folding import FoldingView
from relayclear.dashboard.live_panel import HealthRow, LivePanel
from relayclear.dashboard.panel import Copyable
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.views.packet_cells import tone
from relayclear.dashboard.views.programs import AlertsPanel, ProgramsPanel
from relayclear.ibc.text import clean
from relayclear.usecases import health
from relayclear.usecases.board_health import (
    BreakerLine,
    NodeBoard,
    NodeLine,
    read_breakers,
)
from relayclear.wording import age, counted, moment
from relayclear.wording.breaking import BREAKERS, how_long
from relayclear.wording.health import LEVELS, ability_line, sentence, step
from relayclear.wording.marks import FAILED, spark

_SPARK = 16
_BEHIND = 300


class HealthPanel(LivePanel):
    """What is wrong, the worst first, then what still works."""

    title = "Health"
    tells = (
        "What relayclear health says: what is wrong, the worst first, and below it what still works and what doesn't."
    )
    terms = ("breaker", "dead letter", "gas")
    _health: Health | None = None

    def placing(self) -> Sequence[Column[HealthRow]]:
        """How bad, what, and what helps."""
        return (
            Column("level", "level", 10, lambda row: row.cell, plain="how bad"),
            Column("what", "what", 40, lambda row: Cell(row.words), grows=True),
            Column("try", "try", 23, lambda row: Cell(row.help, "dim"), drop=1),
        )

    def key(self, row: HealthRow) -> Any:
        """A finding is named by what is wrong with what."""
        return row.name

    def rows(self, shelf: Shelf) -> Sequence[HealthRow]:
        """Findings, then works; what doesn't work before what does."""
        found, now = health.look(shelf.desk), shelf.desk.clock.now()
        self._health = found
        works = sorted(found.abilities, key=lambda one: (one.works is not False, one.works is not None))
        return (*(_finding(one, now) for one in found.findings), *map(_ability, works))

    def summary(self) -> str:
        """The level, and the worst that is wrong."""
        if self._health is None or self.untold:
            return ""
        word = LEVELS[self._health.level]
        worst = self._health.findings[0] if self._health.findings else None
        more = len(self._health.findings) - 1
        if worst is None:
            return f"{word.glyph} {word.word}: {word.meaning}"
        return f"{word.glyph} {word.word}: {sentence(worst, self.now())}" + (f", and {more} more" if more > 0 else "")

    async def do_open(self) -> None:
        """The whole sentence, and what to do."""
        row: HealthRow | None = self.table.current
        if row is not None:
            text = row.words + (f"\n\ntry: {row.help}" if row.help else "")
            await self.page("Health", text)

    def copies(self) -> Sequence[Copyable]:
        """What helps, else the words."""
        row: HealthRow | None = self.table.current
        if row is None:
            return ()
        return ([Copyable("command", row.help)] if row.help else []) + [Copyable("finding", row.words)]


def _finding(one: Finding, now: datetime) -> HealthRow:
    word = LEVELS[one.level]
    cell = Cell(f"{word.glyph} {word.word}", "bad" if one.level is Level.CRITICAL else "warn")
    return HealthRow(f"{one.trouble.value} {one.subject}", cell, sentence(one, now), step(one))


def _ability(one: Ability) -> HealthRow:
    words = ability_line(one)
    cell = {True: Cell("✓ works", "good"), False: Cell("✗ doesn't", "bad"), None: Cell("? unknown", "warn")}[one.works]
    return HealthRow(f"{one.work.value} on {one.chain}", cell, words[2:], "")


def _told(words: str | None, mark: str) -> Cell:
    return Cell(clean(words, 200), mark) if words else Cell("")


class ChainsPanel(LivePanel):
    """Chains and their endpoints."""

    title = "Chains"
    tells = (
        "Each chain with its height and how far the reading of payments is behind, and each endpoint with how long "
        f"its last answers took: {FAILED} marks a look without an answer."
    )
    terms = ("breaker",)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._board = NodeBoard()
        super().__init__(id=id)

    def placing(self) -> Sequence[Column[NodeLine]]:
        """Name, height or latency, lag, error."""
        return (
            Column("name", "chain, endpoint", 24, self._name_cell, grows=True),
            Column("height", "height", 9, self._height_cell, right=True, drop=3, plain="newest block"),
            Column("lag", "behind", 6, self._lag_cell, right=True),
            Column("answers", "answers", _SPARK, self._spark_cell, drop=2),
            Column("took", "took", 6, self._took_cell, right=True),
            Column("looked", "looked", 6, lambda row: Cell(self.old(row.looked_at), "dim"), right=True, drop=1),
            Column("error", "error", 12, lambda row: _told(row.error, "bad"), grows=True),
        )

    def key(self, row: NodeLine) -> Any:
        """A chain, or an endpoint of it."""
        return row.chain, row.endpoint

    def rows(self, shelf: Shelf) -> Sequence[NodeLine]:
        """Every chain followed by its endpoints."""
        return self._board.read(shelf.desk)

    def _name_cell(self, row: NodeLine) -> Cell:
        glyph = "?" if row.looked_at is None else "✗" if row.error else "✓"
        mark = "bad" if row.error else "dim" if row.looked_at is None else "good"
        return Cell(f"{'  ' if row.endpoint else ''}{glyph} {clean(row.endpoint or row.chain, 100)}", mark)

    def _height_cell(self, row: NodeLine) -> Cell:
        if row.endpoint:
            return Cell("")
        return Cell("?", "dim") if row.height is None else Cell(str(row.height))

    def _lag_cell(self, row: NodeLine) -> Cell:
        if row.lag is None:
            return Cell("" if row.endpoint else "-", "dim")
        return Cell(age(row.lag), "warn" if row.lag > _BEHIND else "")

    def _spark_cell(self, row: NodeLine) -> Cell:
        return Cell(spark([look.seconds for look in row.looks], _SPARK))

    def _took_cell(self, row: NodeLine) -> Cell:
        if not row.looks:
            return Cell("? " if row.endpoint else "", "dim")
        last = row.looks[-1].seconds
        return Cell("?", "dim") if last is None else Cell(f"{last * 1000:.0f}ms")

    def summary(self) -> str:
        """What can't be read."""
        rows: Sequence[NodeLine] = self.table.rows
        bad = [row for row in rows if row.error]
        chains = counted(sum(not row.endpoint for row in rows), "chain")
        if not bad:
            return f"{chains}, no error at the last looks"
        names = ", ".join(clean(row.endpoint or row.chain, 60) for row in bad[:2])
        return f"✗ {len(bad)} of {len(rows)} fail: {names}"

    async def do_open(self) -> None:
        """Everything about the endpoint."""
        row: NodeLine | None = self.table.current
        if row is None:
            return
        looks = "\n".join(
            f"  {moment(one.at)}  {'no answer' if one.seconds is None else f'{one.seconds * 1000:.1f} ms'}"
            for one in reversed(row.looks)
        )
        text = f"{clean(row.endpoint or row.chain, 200)}\nlooked at {moment(row.looked_at)}"
        text += f"\nheight    {row.height}" if row.height is not None else ""
        text += f"\npayments  read up to {age(row.lag)} ago" if row.lag is not None else ""
        text += f"\n✗ {clean(row.error, 400)}\ntry: relayclear doctor" if row.error else ""
        await self.page(row.chain, text + (f"\n\nlooks seen by this screen:\n{looks}" if looks else ""))


class BreakersPanel(LivePanel):
    """What nobody calls for a while."""

    title = "Breakers"
    tells = (
        "What keeps a failing node, Hermes path or wallet from being called: why, since when, and the countdown to "
        "the call that finds out whether it is well. The strip holds a cross for each opening in the last 24 hours. "
        "B closes one now."
    )
    terms = ("breaker",)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._requested: Mapping[Hashable, str] = {}
        super().__init__(id=id)

    def placing(self) -> Sequence[Column[BreakerLine]]:
        """State and countdown first."""
        return (
            Column("name", "breaker", 22, lambda row: Cell(clean(row.view.name, 200)), grows=True),
            Column("state", "state", 11, self._state_cell),
            Column("probe", "probe in", 9, self._left_cell, right=True, plain="tried in"),
            Column("since", "since", 5, self._since_cell, right=True, drop=3),
            Column("why", "why", 14, lambda row: _told(row.view.reason, "warn"), grows=True, drop=1),
            Column("strip", "24 h", 8, self._strip_cell, drop=2, plain="last day"),
        )

    def key(self, row: BreakerLine) -> Any:
        """By name."""
        return row.view.name

    def rows(self, shelf: Shelf) -> Sequence[BreakerLine]:
        """Every one, those that aren't closed first."""
        return read_breakers(shelf.desk)

    def _state_cell(self, row: BreakerLine) -> Cell:
        asked = self._requested.get(row.view.name)
        word = BREAKERS[row.view.state]
        return Cell(f"⧗ {asked}", "warn") if asked else Cell(f"{word.glyph} {word.word}", tone(word.style))

    def _left_cell(self, row: BreakerLine) -> Cell:
        words = how_long(row.view, self.now()).removesuffix(" more")
        return Cell(words, "warn") if words else Cell("-", "dim")

    def _since_cell(self, row: BreakerLine) -> Cell:
        return Cell("-" if row.view.since is None else self.old(row.view.since), "dim")

    def _strip_cell(self, row: BreakerLine) -> Cell:
        return Cell(FAILED * len(row.opened) or "·", "bad" if row.opened else "dim")

    def summary(self) -> str:
        """Those that aren't closed, by name."""
        rows: Sequence[BreakerLine] = self.table.rows
        bad = [row for row in rows if row.view.state is not BreakerState.CLOSED]
        if not bad:
            return f"all {len(rows)} closed" if rows else "nothing has a breaker yet"
        return f"✗ {len(bad)} of {len(rows)} not closed: {', '.join(clean(row.view.name, 60) for row in bad[:2])}"

    def requested(self, waiting: Mapping[Hashable, str]) -> None:
        """A breaker that is being reset says so at once."""
        if waiting != self._requested:
            self._requested = waiting
            self.table.refresh()

    def wishes(self) -> Mapping[str, str | None]:
        """Resetting the one under the cursor."""
        row: BreakerLine | None = self.table.current
        if row is None or self.untold:
            return {}
        if row.view.name in self._requested:
            return {"reset": f"{row.view.name} is {self._requested[row.view.name]} already"}
        return {"reset": f"{row.view.name} is closed" if row.view.state is BreakerState.CLOSED else None}

    def wish(self, name: str) -> Sequence[Wish]:
        """Close it now."""
        row: BreakerLine | None = self.table.current
        if name != "reset" or row is None:
            return ()
        return [Wish(Verb.RESET, subject=row.view.name, why="at the dashboard")]

    async def do_open(self) -> None:
        """Why, since when, and when it opened lately."""
        row: BreakerLine | None = self.table.current
        if row is None:
            return
        word = BREAKERS[row.view.state]
        told = [f"{word.glyph} {clean(row.view.name, 200)}: {word.word}", word.meaning]
        told += [f"why    {clean(row.view.reason, 400)}"] if row.view.reason else []
        told += [f"since  {moment(row.view.since)}"] if row.view.since else []
        told += [f"until  {moment(row.view.until)}"] if row.view.until else []
        told += ["", "opened in the last 24 hours:", *(f"  {moment(at)}" for at in reversed(row.opened))]
        await self.page("Breaker", "\n".join(told))

    def copies(self) -> Sequence[Copyable]:
        """Its name, and the command that resets it."""
        row: BreakerLine | None = self.table.current
        if row is None:
            return ()
        name = clean(row.view.name)
        return (Copyable("breaker", name), Copyable("command", f'relayclear breakers reset {name} --reason "…"'))


class HealthView(FoldingView):
    """What is wrong, and what everything leans on."""

    kind: ClassVar[str] = "health"
    panels = (HealthPanel, ChainsPanel, BreakersPanel, ProgramsPanel, AlertsPanel)
