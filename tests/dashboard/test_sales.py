"""The view of sales: quotes and payments in every state, their countdowns, what is nobody's, and how far was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.sales import PaymentsPanel, QuotesPanel
from relayclear.errors import NodeError
from relayclear.money.state import TokenState
from relayclear.usecases.tokens_acts import revoke_token
from tests.dashboard.conftest import screen, watched
from tests.dashboard.driving import opened
from tests.dashboard.loop import run
from tests.dashboard.seen import cells, first_line
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.paying import Till

SIZES = ((80, 24), (120, 40))


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Till:
    return Till(rig, tmp_path / "shop")


@pytest.mark.parametrize("size", SIZES)
def test_open_quotes_stand_first_the_soonest_to_expire_on_top(till: Till, size: tuple[int, int]) -> None:
    late, soon, taken, part = till.sold(ttl=3600), till.sold(ttl=300), till.sold(), till.sold(ttl=7200)
    till.pay(part.memo, 40)
    till.read_all()
    revoke_token(till.desk, taken.memo, "a mistake", "ada")

    async def scene() -> None:
        async with screen(till.rig, size=size) as pilot:
            await opened(pilot, "4")
            assert [one.token for one in pilot.app.panel.table.rows] == [soon, late, part, taken]
            assert cells(pilot, QuotesPanel, "state") == ["○ open", "○ open", "◔ partly paid", "- revoked"]
            assert cells(pilot, QuotesPanel, "flaws") == ["-", "-", "underpaid", "-"]
            assert first_line(pilot, QuotesPanel).startswith(
                "✓ 3 open quotes, 0 being cleared; alpha-1 read through block"
            )
            shown = pilot.app.panel.table.shown_columns
            assert {"token", "state", "left", "price", "packets"} <= set(shown)
            assert ("payee" in shown) == (size[0] == 120)

    run(scene)


def test_the_time_that_is_left_counts_down_while_nothing_is_written(till: Till) -> None:
    till.sold(ttl=300)

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            before = cells(pilot, QuotesPanel, "left")
            till.rig.clock.step(200)
            await pilot.app.settled()
            after = cells(pilot, QuotesPanel, "left")
            assert before[0].endswith("m")
            assert after[0].endswith("s")
            till.rig.clock.step(200)
            await pilot.app.settled()
            assert cells(pilot, QuotesPanel, "left") == ["over"]

    run(scene)


def test_payments_stand_newest_first_with_their_flaws_and_what_is_nobodys_says_what_to_do(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 100)
    till.pay(token.memo, 30)
    till.pay("hello", 7)
    till.read_all()

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            assert cells(pilot, PaymentsPanel, "amount") == ["7 stake", "30 stake", "100 stake"]
            assert cells(pilot, PaymentsPanel, "state") == ["? orphan", "✓ matched", "✓ matched"]
            remarks = cells(pilot, PaymentsPanel, "remark")
            assert remarks == ["its memo names no token: payments assign", "second payment", "as quoted"]
            assert "! 1 payment of no token" in first_line(pilot, PaymentsPanel)
            await pilot.press("tab", "enter")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Page)
            assert "try: relayclear payments assign" in pilot.app.screen.text

    run(scene)


def test_a_payment_that_arrives_is_there_at_the_next_look_and_the_cursor_stays(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 10)
    till.read_all()

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            await pilot.press("tab")
            table = pilot.app.panel.table
            on = table.current.stored.id
            till.pay(token.memo, 90)
            till.blocks(2)
            await watched(till.rig)
            await pilot.app.settled()
            assert len(table.rows) == 2
            assert table.current.stored.id == on
            assert cells(pilot, QuotesPanel, "state")[0] != "◔ partly paid"

    run(scene)


def test_an_open_token_tells_what_the_payer_is_told_and_goes_on_while_it_is_read(till: Till) -> None:
    token = till.sold()

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            await pilot.press("enter")
            await pilot.pause()
            page = pilot.app.screen
            assert isinstance(page, Page)
            assert "what the payer is told:" in page.text
            assert "nothing else in it:" in page.text
            assert "payment " not in page.text.split("what the payer")[0]
            till.pay(token.memo, 40)
            till.blocks(2)
            await watched(till.rig)
            await pilot.app.settled()
            assert "partly paid" in page.text
            assert "payment      40 stake" in page.text
            assert "underpaid" in page.text
            await pilot.press("y")
            assert pilot.app.clipboard == token.memo

    run(scene)


def test_what_was_not_earned_says_to_whom_it_goes_back(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    (key,) = rig.stuck()
    token = counter.quote([key])
    rig.world.relay(key)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    assert counter.view(token).state is TokenState.NOT_CLEARED

    async def scene() -> None:
        async with screen(rig) as pilot:
            await opened(pilot, "4")
            await pilot.press("enter")
            await pilot.pause()
            assert "owed back    " in pilot.app.screen.text
            assert "others were first" in pilot.app.screen.text

    run(scene)


def test_no_quotes_is_said_with_how_far_payments_were_read(till: Till) -> None:
    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            assert first_line(pilot, QuotesPanel) == (
                f"✓ no open quotes, 0 being cleared; alpha-1 read through block {till.cursor.read_through}, 0s ago"
            )
            assert first_line(pilot, PaymentsPanel).startswith("✓ no payments; alpha-1 read through block")
            till.rig.clock.step(600)
            await pilot.app.settled()
            assert first_line(pilot, PaymentsPanel).startswith("! stale: last good 10m ago")

    run(scene)


def test_where_nothing_is_sold_nobody_waits_for_payments(rig: Rig) -> None:
    async def scene() -> None:
        async with screen(rig) as pilot:
            await opened(pilot, "4")
            assert "nothing is sold here" in first_line(pilot, QuotesPanel)

    run(scene)


def test_a_reading_that_stopped_says_why_and_the_rows_stay(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.read_all()
    till.rig.alpha.down = NodeError("alpha-1: the node is away")
    reading = till.read()
    assert reading.error is not None

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            said = first_line(pilot, PaymentsPanel)
            assert said.startswith("✗ failed: alpha-1: ")
            assert "the node is away" in said
            assert "last good" in said
            assert len(pilot.app.view.query_one(PaymentsPanel).table.rows) == 1

    run(scene)


def test_the_past_of_quotes_is_never_shown_as_if_it_were_now(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.read_all()

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")
            pilot.app.as_of = till.rig.clock.now()
            await pilot.app.settled()
            for panel in (QuotesPanel, PaymentsPanel):
                assert not pilot.app.view.query_one(panel).table.rows
                assert "of the past only packets and work are told" in first_line(pilot, panel)
            pilot.app.do_now()
            await pilot.app.settled()
            assert pilot.app.view.query_one(QuotesPanel).table.rows

    run(scene)


def test_quotes_can_be_ordered_otherwise_and_turned_round(till: Till) -> None:
    first, second = till.sold(price=500, ttl=7200), till.sold(price=100, ttl=9000)

    async def scene() -> None:
        async with screen(till.rig) as pilot:
            await opened(pilot, "4")

            async def order(*keys: str) -> list[Any]:
                await pilot.press(*keys)
                await pilot.app.settled()
                return [one.token for one in pilot.app.panel.table.rows]

            assert await order() == [first, second]
            assert await order("s", "s", "o") == [second, first]
            assert await order("s") == [second, first]
            assert await order("o") == [first, second]

    run(scene)


def test_a_hostile_memo_reaches_no_terminal(till: Till) -> None:
    till.pay("\x1b[2J\u202eevil", 5)
    till.read_all()

    async def scene() -> None:
        async with screen(till.rig, Start()) as pilot:
            await opened(pilot, "4")
            await pilot.press("tab", "enter")
            await pilot.pause()
            for text in (pilot.app.screen.text, *cells(pilot, PaymentsPanel, "token")):
                assert "\x1b" not in text
                assert "\u202e" not in text

    run(scene)
