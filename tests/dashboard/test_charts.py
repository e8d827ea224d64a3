"""Charts: what nobody knows is a gap, never a 0, and every one fits the terminal."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.charts import (
    CHARTS,
    Charts,
    Size,
    busiest_picture,
    days_picture,
    paid_counts,
    stuck_picture,
)
from relayclear.usecases.board_series import PaidDay, Point, Span, TriedDay, payments_known, stuck_over_time
from tests.dashboard.conftest import screen, watched
from tests.fakes.rig import Rig
from tests.usecases.refunding import Giver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = Size(74, 19)


def series(*values: int | None) -> list[Point]:
    return [Point(NOON + timedelta(minutes=number), value) for number, value in enumerate(values)]


def drawn(picture: str) -> list[set[int]]:
    """By line, the cells that the line of the chart goes through."""
    return [{at for at, char in enumerate(line) if "⠀" < char <= "⣿"} for line in picture.splitlines()]


def test_a_stretch_in_which_nobody_looked_is_bridged_or_drawn_as_0() -> None:
    picture = stuck_picture(series(*[4] * 30, *[None] * 40, *[2] * 30), SIZE)
    cells = set.union(*drawn(picture))
    empty = set(range(min(cells), max(cells))) - cells
    assert len(empty) > 20
    assert max(empty) - min(empty) + 1 == len(empty)
    bottom = next(number for number, line in enumerate(picture.splitlines()) if line.strip().startswith("0"))
    assert not drawn(picture)[bottom]
    assert "now 2, the highest drawn 4" in picture
    assert "a gap where nobody had looked" in picture


def test_the_time_in_which_no_watch_ran_is_drawn_as_if_somebody_had_looked(rig: Rig) -> None:
    rig.stuck(count=3, timeout_seconds=0)
    rig.clock.step(3600)
    begun = rig.clock.now()
    asyncio.run(watched(rig))
    rig.clock.step(60)
    # A restart is no hole: scans are no further apart than they always are.
    asyncio.run(watched(rig))
    rig.clock.step(3600)
    asyncio.run(watched(rig))
    back = rig.clock.now()
    rig.clock.step(3600)

    points = stuck_over_time(rig.desk, begun, rig.clock.now(), 20, timedelta(minutes=3))

    assert [point.stuck for point in points if point.at < begun + timedelta(seconds=60)] == []
    assert {point.stuck for point in points if point.at < back} == {None}
    assert points[-1].stuck is None
    at = {point.stuck for point in stuck_over_time(rig.desk, begun, back, 1, timedelta(minutes=3))}
    assert at == {3}
    short = stuck_over_time(rig.desk, begun, begun + timedelta(seconds=60), 6, timedelta(minutes=3))
    assert {point.stuck for point in short} == {3}


def test_what_was_known_before_the_watch_died_is_told_as_now() -> None:
    assert "last known 4, the highest drawn 4" in stuck_picture(series(4, 4, None), SIZE)


def test_nothing_known_is_drawn_as_a_flat_line() -> None:
    assert "nobody had scanned yet" in stuck_picture(series(None, None), SIZE)
    flat = stuck_picture(series(0, 0, 0), SIZE)
    assert "now 0, the highest drawn 0" in flat
    assert "gap" not in flat


@pytest.mark.parametrize("size", [Size(74, 19), Size(114, 35), Size(66, 17)])
def test_a_picture_is_wider_than_the_terminal(size: Size) -> None:
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(30)]
    paid = [None if number < 10 else number for number in range(30)]
    tried = {days[20]: TriedDay(4, 1), days[21]: TriedDay(2, 2)}
    for picture in (
        stuck_picture(series(*range(140)), size),
        days_picture(days, paid, tried, size),
        busiest_picture([("osmosis-1/transfer/channel-" + "9" * 40, 1000), ("b", 1)], size),
    ):
        assert max(map(len, picture.splitlines())) <= size.width, picture
        assert len(picture.splitlines()) <= size.height + 1, picture


def test_days_before_the_reading_began_count_as_days_without_a_payment() -> None:
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(5)]
    known = Span(NOON + timedelta(days=1), NOON + timedelta(days=3))
    assert paid_counts(days, {days[2]: PaidDay(7)}, known) == [None, 0, 7, 0, None]
    assert paid_counts(days, {}, None) == [None] * 5
    picture = days_picture(days, paid_counts(days, {days[2]: PaidDay(7)}, known), {}, SIZE)
    assert "payments: 7, 2 days unknown" in picture
    assert "no clear has ended" in picture
    assert "nothing is known of these days" in picture


def test_the_time_of_which_payments_are_known_is_made_up(rig: Rig, tmp_path: Path) -> None:
    assert payments_known(rig.desk) is None
    giver = Giver(rig, tmp_path / "shop")
    begun = rig.clock.now()
    giver.rig.clock.step(3600)
    giver.settle()
    found = payments_known(giver.desk)
    assert found is not None
    assert abs((found.since - begun).total_seconds()) < 60
    assert rig.clock.now() - found.until < timedelta(minutes=1)


async def drawn_on(pilot: Any) -> None:
    """What was asked of the reader is answered and drawn."""
    await pilot.pause()
    await pilot.app.settled()
    await pilot.pause()


def test_v_opens_no_chart_or_esc_leaves_none(busy: Rig) -> None:
    async def look() -> None:
        await watched(busy)
        async with screen(busy) as pilot:
            app = pilot.app
            await pilot.press("v")
            titles = []
            for _ in CHARTS:
                await drawn_on(pilot)
                await pilot.pause()
                assert isinstance(app.screen, Charts)
                assert "reading the database" not in app.screen.text
                titles.append(app.screen.chart)
                await pilot.press("v")
            assert titles == [0, 1, 2]
            await drawn_on(pilot)
            first = app.screen.text
            assert "the highest drawn" in first
            await pilot.press("w")
            await drawn_on(pilot)
            await pilot.pause()
            assert app.screen.range == 1
            assert app.screen.text != first
            await pilot.press("escape")
            await pilot.pause()
            assert app.screen is app.screen_stack[0]

    asyncio.run(look())


def test_the_first_frame_waits_for_the_library_that_draws() -> None:
    code = "import sys, relayclear.dashboard.app; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
