"""The view of health: what is wrong is never buried, a closed breaker isn't reset, the past isn't shown as now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from relayclear.clearing.alerting import Alert, Priority
from relayclear.clearing.breaker import BreakerState
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.dialogs import Confirm, Page
from relayclear.dashboard.folding import shares
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.health import BreakersPanel, ChainsPanel, HealthPanel
from relayclear.dashboard.views.programs import AlertsPanel, ProgramsPanel
from relayclear.store import alerts, vitals
from relayclear.store.alerts import Delivery, Outcome
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.board_health import NodeBoard
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.requests import requests
from relayclear.wording.marks import FAILED, bytes_text, spark
from tests.dashboard.conftest import Patient, watched
from tests.dashboard.seen import seen
from tests.fakes.rig import Rig

ENDPOINT = "endpoint/alpha-1/http://alpha-1:26657"


@pytest.fixture
def rig(rig: Rig) -> Rig:
    rig.clock = Patient(rig.world)
    return rig


ARMED = Start(armed=True, who="ada")


@asynccontextmanager
async def health_of(rig: Rig, start: Start = ARMED, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Any]:
    """The view, once it is read."""
    app = Dashboard(rig.desk, start)
    async with app.run_test(size=size) as pilot:
        await app.settled()
        await pilot.press("6")
        await app.settled()
        await pilot.pause()
        yield pilot


@pytest.mark.parametrize(
    ("needs", "open_one", "height", "expected"),
    [
        ((9, 6, 6), 0, 21, [9, 6, 6]),
        ((30, 5, 5), 0, 21, [19, 1, 1]),
        ((5, 30, 5), 1, 21, [1, 19, 1]),
        ((5, 5, 5, 5, 5), 0, 21, [5, 5, 5, 5, 1]),
        ((5, 5), 1, 20, [5, 15]),
        ((9, 9), 0, 3, [2, 1]),
    ],
)
def test_a_panel_without_room_shows_a_frame_and_no_rows(
    needs: tuple[int, ...], open_one: int, height: int, expected: list[int]
) -> None:
    found = shares(needs, open_one, height)
    assert found == expected
    assert sum(found) == max(height, len(needs))


def test_what_is_unknown_is_drawn_as_a_low_bar() -> None:
    assert spark([0.1, None, 0.2, 0.0], 9) == f"▅{FAILED}█▁"
    assert spark([1.0, 2.0, 3.0], 2) == "▆█"
    assert spark([], 5) == ""
    assert spark([None], 5) == FAILED
    assert [bytes_text(size) for size in (9, 4096, 25_000_000)] == ["9 B", "4.1 kB", "25 MB"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_what_is_wrong_is_buried_below_what_works(rig: Rig, size: tuple[int, int]) -> None:
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada")

    async def look() -> None:
        await watched(rig)
        async with health_of(rig, size=size) as pilot:
            rows = pilot.app.query_one(HealthPanel).table.rows
            assert "nobody watches" in rows[0].words
            assert any("it lies" in row.words for row in rows[:3])
            works = [row.cell.text for row in rows if row.help == ""]
            assert works.index("✓ works") > max((n for n, word in enumerate(works) if word == "✗ doesn't"), default=-1)
            for _ in range(3):
                await pilot.press("tab")
                await pilot.pause()
                said = seen(pilot.app)
                assert "degraded" in said
                assert "nobody watches" in said
                assert "✗ 1 of" in said

    asyncio.run(look())


def test_tab_leaves_a_folded_panel_out(rig: Rig) -> None:
    async def look() -> None:
        await watched(rig)
        async with health_of(rig) as pilot:
            opened = []
            for _ in range(5):
                opened.append(pilot.app.panel.title)
                assert not pilot.app.panel.folded
                assert pilot.app.panel.table.size.height > 1
                await pilot.press("tab")
                await pilot.pause()
            assert opened == ["Health", "Chains", "Breakers", "Hermes and database", "Notifications"]

    asyncio.run(look())


def test_a_panel_without_a_row_takes_the_lines_of_one_that_has_some(rig: Rig) -> None:
    async def look() -> None:
        await watched(rig)
        async with health_of(rig) as pilot:
            panel = pilot.app.query_one(AlertsPanel)
            assert panel.folded
            assert "Notifications: ✓ nobody was called yet" in seen(pilot.app)
            await pilot.press("tab", "tab", "tab", "tab")
            await pilot.pause()
            assert not panel.folded
            await pilot.press("tab")
            await pilot.pause()
            assert panel.folded
            # With a row of its own it has its lines where there is room.
            await pilot.resize_terminal(120, 40)
            assert panel.folded
            now = rig.clock.now()
            with rig.journal.database.atomic() as tx:
                alerts.add(tx, Alert("al-1", now, Priority.HIGH, "test"), ["webhook"], now)
            await pilot.app.settled()
            await pilot.pause()
            assert not panel.folded

    asyncio.run(look())


def test_the_countdown_to_the_probe_stands_still(rig: Rig) -> None:
    until = rig.clock.now() + timedelta(seconds=50)
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada", until)

    async def look() -> None:
        async with health_of(rig) as pilot:
            await pilot.press("tab", "tab")
            await pilot.app.settled()
            await pilot.pause()
            assert "50 s" in seen(pilot.app)
            rig.clock.step(8)
            await pilot.app.settled()
            await pilot.pause()
            said = seen(pilot.app)
            assert "42 s" in said
            assert "it lies" in said
            [row] = [row for row in pilot.app.query_one(BreakersPanel).table.rows if row.view.name == ENDPOINT]
            assert len(row.opened) == 1

    asyncio.run(look())


def test_a_reset_is_asked_for_without_a_question_or_of_a_closed_breaker(rig: Rig) -> None:
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada")

    async def reset() -> None:
        async with health_of(rig) as pilot:
            await pilot.press("tab", "tab")
            await pilot.app.settled()
            panel = pilot.app.query_one(BreakersPanel)
            assert panel.wishes() == {"reset": None}
            await pilot.press("B")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Confirm)
            await pilot.press("n")
            await pilot.pause()
            assert requests(rig.desk, 9) == []
            await pilot.press("B")
            await pilot.pause()
            await pilot.press("y")
            for _ in range(40):
                await pilot.app.settled()
                await pilot.pause()
                if all(row.view.state is BreakerState.CLOSED for row in panel.table.rows):
                    break
            assert all(row.view.state is BreakerState.CLOSED for row in panel.table.rows)
            [asked] = requests(rig.desk, 9)
            assert (asked.wish.subject, asked.who) == (ENDPOINT, "ada")
            assert panel.wishes()["reset"]
            await pilot.press("B")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)

    asyncio.run(reset())


def test_a_look_without_an_answer_is_forgotten_or_counted_twice(rig: Rig) -> None:
    asyncio.run(watched(rig))
    board, name = NodeBoard(), "alpha-1/http://alpha-1:26657"
    first = board.read(rig.desk)
    assert board.read(rig.desk) == first
    rig.clock.step(60)
    with rig.journal.database.atomic() as tx:
        vitals.keep(tx, [Vital(Kind.ENDPOINT, name, rig.clock.now(), None, "connection refused", {})])
    [line] = [one for one in board.read(rig.desk) if one.endpoint and one.chain == "alpha-1"]
    assert [look.seconds is None for look in line.looks] == [False, True]
    assert line.error == "connection refused"

    async def look() -> None:
        async with health_of(rig) as pilot:
            await pilot.press("tab")
            await pilot.app.settled()
            await pilot.pause()
            said = seen(pilot.app)
            assert "connection" in said
            assert "✗ http://alpha-1:26657" in said
            assert "✗ 1 of" in pilot.app.query_one(ChainsPanel).summary()
            await pilot.press("enter")
            await pilot.pause()
            assert "height    " in pilot.app.screen.text
            await pilot.press("escape", "j", "enter")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Page)
            assert "no answer" in pilot.app.screen.text

    asyncio.run(look())


def test_an_urgent_call_that_reached_nobody_stands_below_a_newer_trifle(rig: Rig) -> None:
    now = rig.clock.now()
    with rig.journal.database.atomic() as tx:
        alerts.add(tx, Alert("al-1", now, Priority.HIGH, "breaker_opened", subject="\x1b[31mx"), ["webhook"], now)
        alerts.add(tx, Alert("al-2", now, Priority.LOW, "token_created"), ["webhook"], now)
        alerts.tried(tx, Delivery(2, "webhook", 1, Outcome.SENT, "200", now), None)

    async def look() -> None:
        async with health_of(rig) as pilot:
            await pilot.press("tab", "tab", "tab", "tab")
            await pilot.app.settled()
            await pilot.pause()
            panel = pilot.app.query_one(AlertsPanel)
            assert [row.alert.id for row in panel.table.rows] == ["al-1", "al-2"]
            assert "1 of high priority, 1 not delivered yet" in panel.summary()
            said = seen(pilot.app)
            assert "◷ webhook waiting" in said
            assert "✓ webhook sent" in said
            assert "\x1b" not in said
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Page)

    asyncio.run(look())


def test_the_past_shows_breakers_and_nodes_as_they_are_now(rig: Rig) -> None:
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada")

    async def look() -> None:
        await watched(rig)
        async with health_of(rig) as pilot:
            pilot.app.as_of = rig.clock.now() - timedelta(minutes=1)
            await pilot.app.settled()
            await pilot.pause()
            for kind in (HealthPanel, ChainsPanel, BreakersPanel, ProgramsPanel, AlertsPanel):
                panel = pilot.app.query_one(kind)
                assert panel.table.rows == (), kind
                assert panel.wishes() == {}
            assert "it lies" not in seen(pilot.app)
            assert seen(pilot.app).count("of the past this isn't kept") == 5
            await pilot.press("equals_sign")
            await pilot.app.settled()
            await pilot.pause()
            assert pilot.app.query_one(HealthPanel).table.rows

    asyncio.run(look())


def test_the_file_and_hermes_are_not_named(rig: Rig) -> None:
    async def look() -> None:
        await watched(rig)
        async with health_of(rig, size=(120, 40)) as pilot:
            rows = {row.name: row for row in pilot.app.query_one(ProgramsPanel).table.rows}
            assert rows["/etc/hermes/config.toml"].cell.text.startswith("✓ 1.")
            assert rows["watch"].cell.text == "✗ doesn't run"
            assert any("schema" in row.words for row in rows.values())

    asyncio.run(look())
