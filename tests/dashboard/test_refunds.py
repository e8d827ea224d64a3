"""The view of refunds: what is owed first, never two answers to one question, and no yes to what can't be sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from relayclear.clearing.request import RequestState
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.dialogs import Confirm, Page
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.refunds import BooksPanel, EndedPanel, OwedPanel
from relayclear.money.ledger import Account
from relayclear.money.refund_state import RefundState
from relayclear.rehearsal import bank
from relayclear.usecases.audit import audit
from relayclear.usecases.board_refunds import RefundBoard
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.requests import requests
from tests.dashboard.conftest import Patient
from tests.dashboard.seen import cells, seen
from tests.fakes.rig import Rig
from tests.fakes.world import FakeClock
from tests.usecases.refunding import Giver, careless
from tests.usecases.test_refunds import underpaid

ARMED = Start(armed=True, who="ada")


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    rig.clock = Patient(rig.world)
    return Giver(rig, tmp_path / "shop")


@asynccontextmanager
async def refunds_of(giver: Giver, start: Start = ARMED, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Any]:
    """The view, once it is read."""
    app = Dashboard(giver.desk, start)
    async with app.run_test(size=size) as pilot:
        await app.settled()
        await pilot.press("5")
        await app.settled()
        await pilot.pause()
        yield pilot


def waits(giver: Giver) -> None:
    """One refund that a person has to approve."""
    giver.refund_rules = RefundRules()
    underpaid(giver)


def swept(giver: Giver) -> None:
    """Whatever goes by itself is paid, and seen in a block."""
    unhurried, giver.rig.clock = giver.rig.clock, FakeClock(giver.rig.world)
    giver.sweep()
    giver.rig.clock = unhurried


def panel(pilot: Any, kind: Any) -> Any:
    return pilot.app.query_one(kind)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_what_waits_for_a_yes_stands_below_what_goes_by_itself(giver: Giver, size: tuple[int, int]) -> None:
    waits(giver)
    approved = giver.approve_all()
    waits(giver)

    async def look() -> None:
        async with refunds_of(giver, size=size) as pilot:
            rows = panel(pilot, OwedPanel).table.rows
            assert [row.state for row in rows] == [RefundState.OWED, RefundState.APPROVED]
            assert rows[1].id == approved[0].id
            said = seen(pilot.app)
            assert "● approve? R" in said
            assert "395000 stake" in said
            assert "it waits for" in said
            assert "1 owed (1 to approve), 1 under way" in said

    asyncio.run(look())


def test_how_long_a_payer_waits_stands_still_while_nothing_is_written(giver: Giver) -> None:
    waits(giver)

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            before = cells(pilot, OwedPanel, "since")
            drawn = next(line for line in seen(pilot.app).splitlines() if "approve? R" in line)
            giver.rig.clock.step(7200)
            await pilot.app.settled()
            await pilot.pause()
            assert cells(pilot, OwedPanel, "since") == ["2h"] != before
            assert drawn != next(line for line in seen(pilot.app).splitlines() if "approve? R" in line)

    asyncio.run(look())


def test_a_yes_is_given_without_the_amount_being_typed(giver: Giver) -> None:
    waits(giver)

    async def approve() -> None:
        async with refunds_of(giver) as pilot:
            await pilot.press("R")
            await pilot.pause()
            dialog = pilot.app.screen
            assert isinstance(dialog, Confirm)
            await pilot.press("y", "enter")
            await pilot.pause()
            assert requests(giver.desk, 9) == []
            await pilot.press("R")
            await pilot.pause()
            plan = str(pilot.app.screen.query_one("#plan").render())
            assert str(giver.owed()[0].due.to) in plan
            field = pilot.app.screen.query_one("#amount", Input)
            field.focus()
            field.value = "395001stake"
            await pilot.pause()
            assert pilot.app.screen.query_one("#yes", Button).disabled
            field.value = "395000stake"
            await pilot.pause()
            await pilot.press("enter")
            await pilot.app.settled()
            await until(pilot, lambda: [one.state for one in requests(giver.desk, 9)] == [RequestState.RUNNING])
            await pilot.app.settled()
            assert "⧗ r" in seen(pilot.app)
            assert "already" in panel(pilot, OwedPanel).wishes()["refund"]
            for _ in range(20):
                giver.rig.clock.step(6)
                await pilot.app.settled()
                await pilot.pause()
            assert panel(pilot, OwedPanel).table.rows == ()
            assert [row.state for row in panel(pilot, EndedPanel).table.rows] == [RefundState.CONFIRMED]

    asyncio.run(approve())
    [view] = requests(giver.desk, 9)
    assert (view.who, view.state) == ("ada", RequestState.DONE)
    assert giver.paid_to("alice") == [395_000]


async def until(pilot: Any, holds: Any) -> None:
    """Rounds of reading until something holds."""
    for _ in range(40):
        if holds():
            return
        await pilot.app.settled()
        await pilot.pause()
    raise AssertionError(f"it never came to hold: {requests(pilot.app.desk, 9)}, {seen(pilot.app)}")


def test_the_amount_can_only_be_typed_with_a_mouse(giver: Giver) -> None:
    waits(giver)

    async def type_it() -> None:
        async with refunds_of(giver) as pilot:
            await pilot.press("R")
            await pilot.pause()
            for _ in range(4):
                if isinstance(pilot.app.focused, Input):
                    break
                await pilot.press("tab")
            assert isinstance(pilot.app.focused, Input)
            await pilot.press(*"395000stake", "enter")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)
            assert len(requests(giver.desk, 9)) == 1

    asyncio.run(type_it())


def test_a_refund_that_can_not_be_sent_is_offered_for_a_yes(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver, 4_000)

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            [row] = panel(pilot, OwedPanel).table.rows
            assert row.state is not RefundState.OWED or row.net.amount <= 0
            assert panel(pilot, OwedPanel).wishes()["refund"]
            await pilot.press("R")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)

    asyncio.run(look())


def test_a_screen_that_only_looks_approves(giver: Giver) -> None:
    waits(giver)

    async def look() -> None:
        async with refunds_of(giver, Start()) as pilot:
            await pilot.press("R")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)

    asyncio.run(look())
    assert requests(giver.desk, 9) == []


def test_the_story_hides_the_transaction_that_paid(giver: Giver) -> None:
    giver.refund_rules = careless()
    underpaid(giver)
    swept(giver)
    [refund] = giver.refunds()

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            assert "nothing is owed back" in seen(pilot.app)
            await pilot.press("tab", "enter")
            await pilot.pause()
            page = pilot.app.screen
            assert isinstance(page, Page)
            assert giver.last_hash() in page.text or refund.id in page.text
            assert "found in a block: paid" in page.text
            assert "395000 stake" in page.text
            assert "fee kept   5000 stake" in page.text

    asyncio.run(look())


def test_the_past_shows_refunds_that_ended_later(giver: Giver) -> None:
    giver.refund_rules = careless()
    underpaid(giver)
    swept(giver)
    between = giver.rig.clock.now() + timedelta(seconds=1)
    giver.rig.clock.step(60)
    underpaid(giver, who="bob")
    swept(giver)
    board = RefundBoard()
    now, then = board.ended(giver.desk, None).rows, board.ended(giver.desk, between).rows
    assert [row.state for row in now] == [RefundState.CONFIRMED] * 2
    assert [row.id for row in then] == [now[1].id]

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            pilot.app.as_of = between
            await pilot.app.settled()
            await pilot.pause()
            assert len(panel(pilot, EndedPanel).table.rows) == 1
            assert panel(pilot, OwedPanel).table.rows == ()
            assert panel(pilot, OwedPanel).wishes() == {}
            assert "? of the past this isn't kept" in seen(pilot.app)

    asyncio.run(look())


def test_what_is_owed_is_worked_out_again_though_nothing_happened(giver: Giver) -> None:
    waits(giver)
    board = RefundBoard()
    first = board.waiting(giver.desk)
    assert board.waiting(giver.desk) is first
    giver.approve_all()
    assert [row.state for row in board.waiting(giver.desk).rows] == [RefundState.APPROVED]


def test_books_that_disagree_with_the_chain_look_well(giver: Giver) -> None:
    giver.bought(giver.rig.stuck())
    giver.work()
    giver.settle()
    [found] = asyncio.run(audit(giver.desk))
    assert found.agrees

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            books = panel(pilot, BooksPanel)
            assert "every one adds up" in books.summary()
            row = next(row for row in books.table.rows if row.place.denom == "stake" and row.place.chain == "alpha-1")
            assert (row.balanced, row.audit.agrees) == (True, True)
            assert row.profit.earned > 0
            await pilot.press("tab", "tab", "enter")
            await pilot.pause()
            text = pilot.app.screen.text
            assert "last audit: ✓ agrees" in text
            assert "withdrawable" in text
            assert giver.rig.clock.now().date().isoformat() in text
            await pilot.press("escape")
            with giver.rig.journal.database.atomic() as tx:
                tx.execute("UPDATE audits SET agrees = 0")
                tx.execute("UPDATE totals SET amount = '7' WHERE account = 'earned'")
            await pilot.app.settled()
            await pilot.pause()
            assert "don't add up" in books.summary()
            assert "✗ alpha-1" in seen(pilot.app)
            assert books.table.rows[0].place.chain == "alpha-1"

    asyncio.run(look())


def test_a_difference_that_the_audit_found_is_told_without_its_figures(giver: Giver) -> None:
    giver.bought(giver.rig.stuck())
    giver.work()
    giver.settle()
    held = bank.balance(giver.rig.alpha.state.store, giver.payee, "stake")
    opening = giver.total(Account.OPENING)
    with giver.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = ? WHERE account = 'opening' AND denom = 'stake'", (str(opening + 7),))
    [found] = asyncio.run(audit(giver.desk))
    assert not found.agrees, found
    assert found.error is None, found.error

    async def look() -> None:
        async with refunds_of(giver, size=(120, 40)) as pilot:
            books = panel(pilot, BooksPanel)
            assert {"profit", "audit", "off"} <= set(books.table.shown_columns)
            assert "-7" in cells(pilot, BooksPanel, "off")
            assert "✗" in "".join(cells(pilot, BooksPanel, "audit"))
            await pilot.press("tab", "tab", "enter")
            await pilot.pause()
            text = pilot.app.screen.text
            assert re.search(rf"should have held +{held + 7}\n", text)
            assert re.search(rf"held on the chain +{held}\n", text)
            assert re.search(r"difference +-7\n", text)
            assert f"✗ opening is stored as {opening + 7} stake, and its entries add up to {opening} stake" in text

    asyncio.run(look())


def test_profit_and_loss_go_first_where_it_is_narrow(giver: Giver) -> None:
    giver.bought(giver.rig.stuck())

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            await pilot.press("tab", "tab")
            await pilot.pause()
            assert {"profit", "audit", "free"} <= set(panel(pilot, BooksPanel).table.shown_columns)

    asyncio.run(look())


def test_an_unreadable_payee_chain_lets_the_books_look_fresh(giver: Giver) -> None:
    giver.bought(giver.rig.stuck())
    with giver.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE cursors SET error = 'node is frozen', failed_at = read_at")

    async def look() -> None:
        async with refunds_of(giver) as pilot:
            await pilot.press("tab", "tab")
            await pilot.app.settled()
            await pilot.pause()
            assert "✗ failed: payments can't be read: alpha-1: node is frozen" in seen(pilot.app)
            assert panel(pilot, BooksPanel).table.rows

    asyncio.run(look())


def test_an_unused_shop_shows_nothing_or_crashes(rig: Rig) -> None:
    async def look() -> None:
        app = Dashboard(rig.desk, Start())
        async with app.run_test(size=(80, 24)) as pilot:
            await app.settled()
            await pilot.press("5")
            await app.settled()
            await pilot.pause()
            said = seen(app)
            assert "nothing is owed back, and nothing is under way" in said
            assert "no refund has ended yet" in said
            assert "nothing was ever booked" in said
            for key in ("enter", "R", "tab", "enter", "y", "tab", "enter", "y"):
                await pilot.press(key)
            await pilot.pause()

    asyncio.run(look())
