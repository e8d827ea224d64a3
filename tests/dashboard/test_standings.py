"""Overview and packets in each of the five states, over real databases: what can't be known is never shown as well."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.breaker import endpoint_name
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.host import Start
from relayclear.dashboard.states import Shape
from relayclear.dashboard.views.overview import PathsPanel
from relayclear.dashboard.views.packets import PacketsPanel
from relayclear.errors import NodeError
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.watch import Rhythm, Watch
from tests.dashboard.conftest import Silent, screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import lines, seen
from tests.fakes.rig import Rig

VIEWS = [("1", PathsPanel), ("2", PacketsPanel)]


def path_of(rig: Rig) -> Path:
    """The database file."""
    path = rig.journal.database.path
    assert path is not None
    return Path(path)


def shape(app: Any, panel: type[Any]) -> Shape:
    """The state a panel is in."""
    found: Shape = app.query_one(panel).standing(app.desk.clock.now()).shape
    return found


async def settled(pilot: Any) -> None:
    """Wait until whatever was done is shown."""
    await pilot.app.settled()
    await pilot.pause()


async def rows_of(pilot: Any, key: str, panel: type[Any]) -> list[Any]:
    """Open a view; the rows that its panel shows."""
    await pilot.press(key)
    await settled(pilot)
    return list(pilot.app.query_one(panel).table.rows)


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_nobody_ever_looked_and_it_says_all_is_well(busy: Rig, key: str, panel: type[Any]) -> None:
    async with screen(busy) as pilot:
        await pilot.press(key)
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.NEVER
        assert "○ never scanned" in seen(pilot.app)
        assert "try: relayclear watch" in seen(pilot.app)
        assert "no stuck packets" not in seen(pilot.app)
        assert "no pending packets" not in seen(pilot.app)


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_what_was_just_read_is_not_there_or_not_dated(busy: Rig, key: str, panel: type[Any]) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press(key)
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.FRESH
        assert "✓ " in seen(pilot.app)
        assert "0s ago" in seen(pilot.app)


@in_loop
async def test_what_is_being_read_passes_for_nothing(busy: Rig) -> None:
    app = Dashboard(busy.desk, Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        panel = app.query_one(PathsPanel)
        panel.found = None
        panel.tell(app.desk.clock.now())
        await pilot.pause()

        assert "… loading: reading the database" in seen(app)


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_what_is_old_passes_for_now(busy: Rig, key: str, panel: type[Any]) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        rows = await rows_of(pilot, key, panel)
        busy.clock.step(400)
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.STALE
        assert "! stale: last good 6m ago" in seen(pilot.app)
        # Dimmed, and still there.
        assert pilot.app.query_one(panel).has_class("-stale")
        assert list(pilot.app.query_one(panel).table.rows) == rows


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_what_nobody_can_look_at_any_more_passes_for_now_until_a_scan_fails(
    busy: Rig, key: str, panel: type[Any]
) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        rows = await rows_of(pilot, key, panel)
        (url,) = busy.desk.endpoints["beta-1"]
        open_breaker(busy.desk, endpoint_name("beta-1", url), "it hangs", "ann")
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.STALE
        assert "! stale: beta-1 can't be asked now; last good" in seen(pilot.app)
        assert list(pilot.app.query_one(panel).table.rows) == rows


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_a_node_that_hangs_empties_the_list(busy: Rig, key: str, panel: type[Any]) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        await pilot.press(key)
        await settled(pilot)
        before = len(pilot.app.query_one(panel).table.rows)
        busy.clock.step(60)
        busy.alpha.down = NodeError("no node of alpha-1 answers")
        await Watch(busy.desk, Rhythm(), Silent(), asyncio.Event()).once()
        busy.clock.step(60)
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.FAILED
        assert "✗ failed:" in seen(pilot.app)
        # Counted from the look that was good, not from the one that failed.
        assert "last good 2m ago" in seen(pilot.app)
        assert "try: relayclear doctor" in seen(pilot.app)
        assert len(pilot.app.query_one(panel).table.rows) == before


@pytest.mark.parametrize(("key", "panel"), VIEWS)
@in_loop
async def test_a_database_that_vanishes_takes_the_rows_with_it_or_is_made_anew(
    busy: Rig, key: str, panel: type[Any]
) -> None:
    await watched(busy)
    path = path_of(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        await pilot.press(key)
        await settled(pilot)
        before = len(pilot.app.query_one(panel).table.rows)
        path.rename(path.with_name("elsewhere.db"))
        await settled(pilot)

        assert shape(pilot.app, panel) is Shape.FAILED
        assert "can't be read" in seen(pilot.app)
        assert "relayclear db restore" in seen(pilot.app)
        assert len(pilot.app.query_one(panel).table.rows) == before
        assert not path.exists()

        path.with_name("elsewhere.db").rename(path)
        await settled(pilot)
        assert shape(pilot.app, panel) is Shape.FRESH


@in_loop
async def test_a_writer_at_work_keeps_the_screen_from_reading(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        with closing(sqlite3.connect(path_of(busy), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await settled(pilot)
            assert shape(pilot.app, PathsPanel) is Shape.FRESH
            other.execute("ROLLBACK")


@in_loop
async def test_a_database_that_somebody_holds_ends_the_screen_or_empties_it(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        rows = list(pilot.app.query_one(PathsPanel).table.rows)
        # Nobody else may have it open for a lock that keeps readers out.
        await pilot.app.reader._in_thread(pilot.app.reader._viewing.close)
        busy.journal.database.close()
        with closing(sqlite3.connect(path_of(busy), isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            await settled(pilot)
            assert shape(pilot.app, PathsPanel) is Shape.FAILED
            assert "locked" in seen(pilot.app)
            assert list(pilot.app.query_one(PathsPanel).table.rows) == rows
            other.execute("ROLLBACK")
        await settled(pilot)

        assert shape(pilot.app, PathsPanel) is Shape.FRESH


@in_loop
async def test_rows_of_the_file_before_a_restore_stay_on_the_screen(busy: Rig, tmp_path: Path) -> None:
    path = path_of(busy)
    backup = tmp_path / "backup.db"
    await watched(busy)
    busy.journal.database.backup(backup)
    busy.world.send(busy.source)
    busy.clock.step(20)
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2")
        await settled(pilot)
        table = pilot.app.query_one(PacketsPanel).table
        assert len(table.rows) == 5
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        backup.replace(path)
        await settled(pilot)

        assert len(table.rows) == 4


@in_loop
async def test_a_newer_programs_database_is_read_by_the_old_rules(busy: Rig) -> None:
    await watched(busy)
    async with screen(busy, size=(120, 40)) as pilot:
        with closing(sqlite3.connect(path_of(busy))) as other, other:
            other.execute("INSERT INTO schema_versions (version, name, applied_at) VALUES (9999, 'future', 'then')")
        await settled(pilot)

        assert shape(pilot.app, PathsPanel) is Shape.FAILED
        assert "install the newer relayclear" in seen(pilot.app)


@pytest.mark.parametrize(("to", "says"), [((20, 5), "relayclear needs"), ((79, 24), "80x24"), ((80, 23), "80x23")])
@in_loop
async def test_a_terminal_made_tiny_crashes_it_or_loses_the_place(busy: Rig, to: tuple[int, int], says: str) -> None:
    await watched(busy)
    async with screen(busy) as pilot:
        await pilot.press("2", "j", "space")
        await settled(pilot)
        before, table = lines(pilot.app), pilot.app.query_one(PacketsPanel).table
        marked, cursor = set(table.marked), table.cursor
        await pilot.resize_terminal(*to)
        await settled(pilot)
        assert says in seen(pilot.app).replace("\n", " ")
        await pilot.press("j", "k")
        await pilot.resize_terminal(80, 24)
        await settled(pilot)

        assert (table.marked, table.cursor) == (marked, cursor)
        assert lines(pilot.app) == before
