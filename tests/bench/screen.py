"""`python -m tests.bench.screen ROUNDS VIEW…`: the dashboard in this process, over the environment's database.

Prints one JSON object: seconds from a key to the drawn frame and for a refresh, ours and those of Textual's own
DataTable with the same rows; and for a refresh of each further view.  A process of its own, for what it imports
must not weigh on other benchmarks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.packets import PacketsPanel

SIZE = (120, 40)
Run = Callable[[], Awaitable[None]]


class Peer(App[None]):
    """Textual's own table with the rows as texts."""

    def compose(self) -> ComposeResult:
        """The table."""
        yield DataTable(cursor_type="row")

    def fill(self, rows: Sequence[Sequence[str]]) -> None:
        """Show rows as a refresh would without keeping what is drawn apart: clear, and add."""
        table = self.query_one(DataTable)
        table.clear()
        for row in rows:
            table.add_row(*row)


async def _times(run: Run, rounds: int) -> float:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        await run()
        took.append(time.perf_counter() - start)
    return median(took)


async def _drawn(pilot: Any, key: str) -> None:
    """One key, straight to the app, and everything that follows from it drawn."""
    app = pilot.app
    app.simulate_key(key)
    # What a key leads to is drawn when nothing waits any more in the queues of app, screen and table.
    for _ in range(3):
        done = asyncio.Event()
        app.screen.call_after_refresh(done.set)
        await done.wait()


async def ours(rounds: int, views: Sequence[str]) -> tuple[dict[str, float], list[list[str]]]:
    """Our figures, and the rows that were shown, as texts."""
    settings = load(config_path=None, env=os.environ, flags={})
    async with opened(settings, load_hermes(settings)) as desk:
        app = Dashboard(desk, Start())
        async with app.run_test(size=SIZE) as pilot:
            await app.open_view("packets")
            await app.settled()
            panel = app.query_one(PacketsPanel)
            panel.table.go(len(panel.table.rows) // 2)
            key = await _times(lambda: _drawn(pilot, "j"), rounds)

            async def refresh() -> None:
                """As after a commit that changed something: all in sight is chosen, ordered and drawn anew."""
                panel._looked = None
                for one in app.view.all_panels:
                    one.found = None
                await app._read()
                await _drawn(pilot, "f12")

            app.workers.cancel_group(app, "follow")
            took = {}
            for view in ("packets", *views):
                await app.open_view(view)
                await app.view.complete()
                await refresh()
                took[view] = await _times(refresh, rounds)
            table = panel.table
            rows = [[column.cell(row).text for column in table.columns] for row in table.rows]
            also = {f"refresh {view}": took[view] for view in views}
            return {"key": key, "refresh": took["packets"], "rows": float(len(rows)), **also}, rows


async def peer(rows: list[list[str]], rounds: int) -> dict[str, float]:
    """The same of Textual's DataTable."""
    app = Peer()
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(DataTable)
        table.add_columns(*(str(number) for number in range(len(rows[0]))))
        app.fill(rows)
        table.focus()
        await pilot.pause()
        table.move_cursor(row=len(rows) // 2)
        key = await _times(lambda: _drawn(pilot, "down"), rounds)

        async def refresh() -> None:
            """All rows anew."""
            app.fill(rows)
            await _drawn(pilot, "f12")

        return {"key": key, "refresh": await _times(refresh, max(1, rounds // 10))}


async def _both(rounds: int, views: Sequence[str]) -> dict[str, dict[str, float]]:
    mine, rows = await ours(rounds, views)
    return {"ours": mine, "peer": await peer(rows, rounds)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_both(int(sys.argv[1]), sys.argv[2:]))))
