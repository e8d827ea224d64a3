"""Panels of the programs behind the screen: Hermes, the daemon, the database, and the calls to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.live_panel import HealthRow, LivePanel
from relayclear.dashboard.reader import Shelf
from relayclear.ibc.text import clean
from relayclear.usecases.alerts import Shown
from relayclear.usecases.board_health import ALERTS_SHOWN, Programs, read_alerts, read_programs
from relayclear.wording import moment
from relayclear.wording.alerting import alert_sentence, delivery_line
from relayclear.wording.marks import bytes_text

_PRIORITIES = {"high": "bad", "normal": "warn"}


class ProgramsPanel(LivePanel):
    """Hermes, the daemon, the database."""

    title = "Hermes and database"
    tells = "Each Hermes with its version and when it was last started for it, the daemon, and the database's file."
    _programs: Programs | None = None

    def placing(self) -> Sequence[Column[HealthRow]]:
        """What, and how it is."""
        return (
            Column("name", "what", 22, lambda row: Cell(row.name), grows=True),
            Column("state", "state", 18, lambda row: row.cell),
            Column("words", "more", 33, lambda row: Cell(row.words, "dim"), grows=True),
        )

    def key(self, row: HealthRow) -> Any:
        """By name."""
        return row.name

    def rows(self, shelf: Shelf) -> Sequence[HealthRow]:
        """A row for each program and the file."""
        self._programs = found = read_programs(shelf.desk)
        return tuple(_programs(found))

    def summary(self) -> str:
        """Versions, and the file's size."""
        if self._programs is None or self.untold:
            return ""
        bad = [name for name, one in self._programs.hermes.items() if one is not None and one.error]
        if bad:
            return f"✗ Hermes of {clean(bad[0], 60)} can't be used"
        versions = {str(one.detail.get("version", "?")) for one in self._programs.hermes.values() if one is not None}
        size = bytes_text(self._programs.size + self._programs.log_size)
        return f"Hermes {', '.join(sorted(versions)) or 'not looked at'}, database {size}"


def _programs(found: Programs) -> list[HealthRow]:
    rows = []
    for name, one in found.hermes.items():
        if one is None:
            rows.append(HealthRow(clean(name, 100), Cell("? not looked at", "dim"), "watch looks", ""))
            continue
        state = (
            Cell("✗ fails", "bad") if one.error else Cell(f"✓ {clean(str(one.detail.get('version', '?')), 30)}", "good")
        )
        words = f"last started {moment(one.tried_at)}" + (f": {clean(one.error, 200)}" if one.error else "")
        rows.append(HealthRow(clean(name, 100), state, words, ""))
    lives = Cell("✓ runs", "good") if found.alive else Cell("✗ doesn't run", "bad")
    said = f"process {found.pid}, since {moment(found.started_at)}" if found.pid is not None else "relayclear watch"
    rows.append(HealthRow("watch", lives, said, ""))
    words = f"schema {found.schema}, log {bytes_text(found.log_size)}"
    # Only whoever opened the file with a limit logs statements; they aren't kept.
    slow = "" if found.slow_seconds == float("inf") else f", over {found.slow_seconds * 1000:.0f} ms goes to the log"
    return [*rows, HealthRow(found.path, Cell(f"✓ {bytes_text(found.size)}", "good"), words + slow, "")]


class AlertsPanel(LivePanel):
    """What people were called for."""

    title = "Notifications"
    tells = "What people were called for, the most urgent first: whether it was delivered, on which channel."

    def placing(self) -> Sequence[Column[Shown]]:
        """How urgent, when, what, delivered or not."""
        return (
            Column("priority", "priority", 8, self._priority_cell),
            Column("when", "ago", 5, lambda row: Cell(self.old(row.alert.at)), right=True),
            Column("what", "what", 36, lambda row: Cell(clean(alert_sentence(row.alert), 300)), grows=True),
            Column("told", "delivered", 23, self._told_cell, grows=True),
        )

    def key(self, row: Shown) -> Any:
        """By its id."""
        return row.alert.id

    def rows(self, shelf: Shelf) -> Sequence[Shown]:
        """The newest."""
        return read_alerts(shelf.desk)

    def _priority_cell(self, row: Shown) -> Cell:
        name = row.alert.priority.value
        return Cell(name, _PRIORITIES.get(name, "dim"))

    def _told_cell(self, row: Shown) -> Cell:
        words = clean(delivery_line(row.deliveries, row.waiting), 200)
        if row.waiting:
            return Cell(f"◷ {words}", "warn")
        failed = any(one.outcome.value == "given_up" for one in row.deliveries)
        return Cell(f"✗ {words}", "bad") if failed or not row.deliveries else Cell(f"✓ {words}", "good")

    def summary(self) -> str:
        """How many, and how many still wait."""
        rows: Sequence[Shown] = self.table.rows
        if not rows:
            return "nobody was called yet"
        high = sum(row.alert.priority.value == "high" for row in rows)
        waiting = sum(bool(row.waiting) for row in rows)
        more = " or more" if len(rows) >= ALERTS_SHOWN else ""
        return f"{len(rows)}{more}, {high} of high priority, {waiting} not delivered yet"

    async def do_open(self) -> None:
        """The whole sentence, and every try to tell it."""
        row: Shown | None = self.table.current
        if row is None:
            return
        told = [clean(alert_sentence(row.alert), 600), f"{row.alert.priority.value}, {moment(row.alert.at)}", ""]
        told += [
            f"  {moment(one.at)}  {one.channel}: {one.outcome.value.replace('_', ' ')} {clean(one.answer, 200)}"
            for one in row.deliveries
        ]
        await self.page("Notification", "\n".join(told))
