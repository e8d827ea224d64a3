"""The overview: what goes on is in sight at every size, nothing takes room to say nothing, every figure opens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.glance import ArrivalsPanel, OpenBreakersPanel, WorkPanel
from relayclear.dashboard.views.overview import AnswersPanel, PathsPanel
from relayclear.errors import NodeError
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.refund_rules import RefundRules
from tests.dashboard.conftest import screen, watched
from tests.dashboard.driving import tab_to, wait_for_a_retry
from tests.dashboard.loop import run
from tests.dashboard.seen import cells, first_line, seen, toasts
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.refunding import Giver
from tests.usecases.test_refunds import underpaid

SIZES = ((80, 24), (120, 40))
ENDPOINT = "endpoint/beta-1/http://beta-1:26657"


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    made = Counter(rig, tmp_path / "shop")
    rig.stuck(count=4)
    return made


def breaker_of(rig: Rig, seconds: int = 50) -> None:
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada", rig.clock.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize("size", SIZES)
def test_work_breakers_and_payments_are_out_of_sight_at_some_size(counter: Counter, size: tuple[int, int]) -> None:
    wait_for_a_retry(counter)
    breaker_of(counter.rig)

    async def scene() -> None:
        await watched(counter.rig)
        async with screen(counter.rig, size=size) as pilot:
            said = seen(pilot.app)
            assert "Under way" in said
            assert "again in" in said
            assert "Open breakers" in said
            assert "it lies" in said
            assert "1109375 stake" in said
            # The cursor begins where it is worst: on the paths.
            assert isinstance(pilot.app.panel, PathsPanel)

    run(scene)


def test_a_folded_breaker_stops_counting_down(rig: Rig) -> None:
    breaker_of(rig)

    async def scene() -> None:
        await watched(rig)
        async with screen(rig) as pilot:
            before = first_line(pilot, OpenBreakersPanel)
            rig.clock.step(8)
            await pilot.app.settled()
            after = first_line(pilot, OpenBreakersPanel)
            assert before != after
            rig.clock.step(3600)
            await pilot.app.settled()
            assert len(pilot.app.view.query_one(OpenBreakersPanel).table.rows) == 1

    run(scene)


def test_panels_without_rows_take_lines_from_the_paths(rig: Rig) -> None:
    async def scene() -> None:
        await watched(rig)
        async with screen(rig, size=SIZES[1]) as pilot:
            for panel in (WorkPanel, OpenBreakersPanel, ArrivalsPanel):
                assert pilot.app.view.query_one(panel).folded
            assert "✓ none: everything may be called" in seen(pilot.app)
            assert "nothing is under way" in seen(pilot.app)
            assert pilot.app.view.query_one(PathsPanel).size.height > SIZES[1][1] // 2

    run(scene)


@pytest.mark.parametrize(
    ("panel", "view"), [(WorkPanel, "operations"), (OpenBreakersPanel, "health"), (ArrivalsPanel, "sales")]
)
def test_enter_on_a_panel_without_rows_leads_nowhere(rig: Rig, panel: type[Any], view: str) -> None:
    async def scene() -> None:
        await watched(rig)
        async with screen(rig) as pilot:
            await tab_to(pilot, panel)
            await pilot.press("enter")
            assert pilot.app.view.kind == view
            await pilot.press("1")
            assert isinstance(pilot.app.panel, PathsPanel)

    run(scene)


def test_enter_on_a_row_of_a_glance_tells_something_else_than_its_view_does(counter: Counter) -> None:
    wait_for_a_retry(counter)
    breaker_of(counter.rig)

    async def scene() -> None:
        await watched(counter.rig)
        async with screen(counter.rig) as pilot:
            told: dict[type[Any], str] = {
                WorkPanel: "$ hermes",
                OpenBreakersPanel: "it lies",
                ArrivalsPanel: "1109375 stake",
            }
            for panel, words in told.items():
                await tab_to(pilot, panel)
                await pilot.press("enter")
                assert isinstance(pilot.app.screen, Page)
                assert words in pilot.app.screen.text
                await pilot.press("escape")

    run(scene)


def test_what_can_be_cancelled_or_reset_is_not_offered_in_the_overview(counter: Counter) -> None:
    wait_for_a_retry(counter)
    breaker_of(counter.rig)

    async def scene() -> None:
        await watched(counter.rig)
        async with screen(counter.rig, Start(armed=True)) as pilot:
            await tab_to(pilot, WorkPanel)
            assert pilot.app.context().wishes["cancel"] is None
            await tab_to(pilot, OpenBreakersPanel)
            assert pilot.app.context().wishes["reset"] is None
            await pilot.press("X")
            assert any("no operation is under the cursor" in said for said in toasts(pilot.app))

    run(scene)


def test_the_answers_open_into_nothing(counter: Counter) -> None:
    breaker_of(counter.rig)

    async def scene() -> None:
        await watched(counter.rig)
        async with screen(counter.rig) as pilot:
            await tab_to(pilot, AnswersPanel)
            await pilot.press("enter")
            page = pilot.app.screen
            assert isinstance(page, Page)
            for chain in ("alpha-1", "beta-1"):
                for role in ("daemon", "clearing"):
                    assert f"{chain} {role}: " in page.text
            assert ENDPOINT in page.text

    run(scene)


def test_paths_that_cannot_be_read_are_counted_under_a_tick(busy: Rig) -> None:
    async def scene() -> None:
        await watched(busy)
        busy.clock.step(60)
        busy.alpha.down = NodeError("no node of alpha-1 answers")
        await watched(busy)
        async with screen(busy) as pilot:
            assert first_line(pilot, AnswersPanel) == "✗ failed: 2 of 2 paths can't be read; last good 60s ago"

    run(scene)


def test_money_owed_is_told_without_its_amount(rig: Rig, tmp_path: Path) -> None:
    giver = Giver(rig, tmp_path / "shop")
    giver.refund_rules = RefundRules()
    underpaid(giver)

    async def scene() -> None:
        await watched(rig)
        async with screen(rig) as pilot:
            owed = next(line for line in seen(pilot.app).splitlines() if "! owed" in line)
            assert "1 refund to be decided: 400000 stake before fees" in owed

    run(scene)


def test_the_past_shows_work_as_it_was_and_breakers_and_payments_as_if_they_were_kept(counter: Counter) -> None:
    wait_for_a_retry(counter)
    breaker_of(counter.rig)

    async def scene() -> None:
        await watched(counter.rig)
        counter.rig.stuck()
        counter.rig.clock.step(60)
        await watched(counter.rig)
        counter.rig.clock.step(60)
        async with screen(counter.rig) as pilot:
            await pilot.press("left_square_bracket")
            await pilot.app.settled()
            await pilot.pause()
            assert cells(pilot, WorkPanel, "state") != []
            assert "? owed     of the past only packets are told" in seen(pilot.app)
            assert "? breakers of the past only packets are told" in seen(pilot.app)
            # What was true at that moment is neither stale nor good by the clock of now.
            assert first_line(pilot, PathsPanel).startswith("✓ ")
            assert "isn't kept" in first_line(pilot, OpenBreakersPanel)
            assert pilot.app.view.query_one(OpenBreakersPanel).table.rows == ()
            assert pilot.app.view.query_one(ArrivalsPanel).table.rows == ()
            # Before the look that is still the newest, nothing is known of gas.
            await pilot.press("left_square_bracket")
            await pilot.app.settled()
            assert "? gas      of the past only packets are told" in seen(pilot.app)

    run(scene)
