"""The quote wizard: from marked packets to a quote that is paid and cleared, and every way back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.host import Start
from relayclear.dashboard.lines import Line
from relayclear.dashboard.views.packets import PacketsPanel
from relayclear.dashboard.wizard import Wizard
from relayclear.errors import NodeError
from relayclear.money.state import TokenState
from relayclear.rehearsal.transactions import Terms
from relayclear.store import tokens
from relayclear.wording.quoting import error_lines
from tests.chains.rehearsed import send
from tests.dashboard.conftest import screen, watched
from tests.dashboard.loop import run
from tests.fakes.chain import FakeChain
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS, address
from tests.usecases.counter import Counter

ARMED = Start(armed=True, who="ada")
SIZES = ((80, 24), (120, 40))


@pytest.fixture
def shop(rig: Rig, tmp_path: Path) -> Counter:
    """Three stuck packets, and a shop that is open."""
    counter = Counter(rig, tmp_path / "shop")
    rig.stuck(count=3)
    return counter


async def press(pilot: Any, *keys: str) -> None:
    """Press keys; whatever they had read is shown then."""
    for key in keys:
        await pilot.press(key)
        wizard = pilot.app.screen
        if isinstance(wizard, Wizard) and wizard._work is not None:
            with suppress(Exception):
                await wizard._work.wait()
        await pilot.pause()


async def marked(pilot: Any, *rows: int) -> None:
    """Mark rows of the view of packets, by their place."""
    await press(pilot, "2")
    await pilot.app.settled()
    table = pilot.app.panel.table
    for row in rows:
        table.go(row)
        table.toggle()
    await pilot.pause()


def told(pilot: Any) -> str:
    """What the wizard says."""
    wizard = pilot.app.screen
    assert isinstance(wizard, Wizard)
    return "\n".join(wizard.query_one(name, Line).said for name in ("#told", "#followed", ".pagekeys"))


def paid(rig: Rig, token: Any, amount: int | None = None) -> None:
    """Somebody pays, in a block of its own."""
    wanted = token.price.amount if amount is None else amount
    terms = Terms(0, gas=350_000, memo=token.memo)
    result = rig.world.act(
        "alpha-1", address("alice", "alpha-1"), send("alpha-1", "alice", (wanted, "stake")), terms=terms
    )
    assert result.code == 0, result.log
    rig.clock.step(2 * BLOCK_SECONDS)


@pytest.mark.parametrize("size", SIZES)
def test_marked_packets_are_sold_paid_and_cleared_before_the_eyes_of_whoever_sells(
    shop: Counter, size: tuple[int, int]
) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED, size) as pilot:
            await marked(pilot, 0, 2)
            await press(pilot, "N")
            assert "#1 stuck" in told(pilot)
            assert "#3 stuck" in told(pilot)
            assert "#2" not in told(pilot)
            await press(pilot, "enter")
            assert "1000000 stake" in told(pilot)
            assert "200000 stake: 2 at 100000" in told(pilot)
            assert "x margin 1.5 x 3/2" in told(pilot)
            await press(pilot, "enter")
            assert "#1,3" in told(pilot)
            assert not tokens.page(rig.journal.database, 9)
            await press(pilot, "y")
            (stored,) = tokens.page(rig.journal.database, 9)
            assert [term.key.sequence for term in stored.token.quote.packets] == [1, 3]
            await pilot.app.settled()
            said = told(pilot)
            assert f"pay   {stored.token.price.amount} stake on alpha-1, for another 5" in said
            assert f"to    {stored.token.payee}" in said
            assert f"memo  {stored.token.memo}" in said
            assert "▸ open → paid → clearing → cleared" in said
            assert pilot.app.screen.query_one("#code").display
            paid(rig, stored.token)
            await watched(rig)
            await pilot.app.settled()
            said = told(pilot)
            assert "✓ open → ✓ paid → ✓ clearing → ✓ cleared" in said
            assert "earned: cleared by us" in said
            assert "payment " in said
            assert "no more" in said
            assert "the first signing key was made" not in said
            assert not pilot.app.screen.query_one("#code").display
            assert pilot.app.screen.story.view.state is TokenState.CLEARED
            await press(pilot, "escape")
            assert not isinstance(pilot.app.screen, Wizard)
            assert pilot.app.panel.table.marked == set()
        assert rig.pending() == [2]

    run(scene)


def test_a_part_of_the_price_and_a_payment_too_many_are_said_with_what_goes_back(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "enter", "y")
            (stored,) = tokens.page(rig.journal.database, 9)
            paid(rig, stored.token, 10)
            await watched(rig)
            await pilot.app.settled()
            assert "▸ partly paid → paid" in told(pilot)
            assert "underpaid" in told(pilot)
            assert pilot.app.screen.query_one("#code").display
            paid(rig, stored.token)
            await watched(rig)
            await pilot.app.settled()
            said = told(pilot)
            assert "✓ cleared" in said
            assert "owed back " in said

    run(scene)


def test_the_time_to_pay_counts_down_without_a_key(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "enter", "y")
            await pilot.app.settled()
            before = told(pilot)
            rig.clock.step(1800)
            await pilot.app.settled()
            assert "for another 29 m" in told(pilot) != before
            rig.clock.step(1900)
            await pilot.app.settled()
            assert "no more: its time is over" in told(pilot)

    run(scene)


def test_the_codes_are_of_memo_and_address_and_y_copies_the_one_in_sight(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "enter", "y", "y")
            (stored,) = tokens.page(rig.journal.database, 9)
            assert pilot.app.clipboard == stored.token.memo
            await press(pilot, "c", "y")
            assert pilot.app.clipboard == stored.token.payee
            code = pilot.app.screen.query_one("#code").region
            assert code.bottom <= 22
            assert code.right <= 40

    run(scene)


def test_what_cannot_be_sold_says_why_and_is_left_out(busy: Rig, tmp_path: Path) -> None:
    """Packets of two channels are marked."""
    rig = busy
    Counter(rig, tmp_path / "shop")
    rig.stuck(rig.far)

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await press(pilot, "2")
            await pilot.app.settled()
            for row in range(len(pilot.app.panel.table.rows)):
                pilot.app.panel.table.go(row)
                pilot.app.panel.table.toggle()
            await press(pilot, "N")
            wizard = pilot.app.screen
            first = wizard.end
            assert "another channel" in told(pilot)
            await press(pilot, "o")
            assert wizard.end != first
            assert f"of {wizard.end}:" in told(pilot)
            chosen = set(wizard.request.sequences)
            assert chosen == {row.sequence for row in wizard._rows if row.path.source == wizard.end}

    run(scene)


def test_a_node_that_is_down_is_said_in_the_step_and_asked_again_by_a_key(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            rig.alpha.down = NodeError("the node is away")
            await press(pilot, "N", "enter")
            assert "✗" in told(pilot)
            assert pilot.app.screen.preview is None
            await press(pilot, "enter")
            assert pilot.app.screen.step.name == "PRICE"
            rig.alpha.down = None
            await press(pilot, "r")
            assert "✗" not in told(pilot)
            assert "price " in told(pilot)
            rig.alpha.down = NodeError("the node is away")
            await press(pilot, "enter", "y")
            assert pilot.app.screen.step.name == "CONFIRM"
            assert "✗" in told(pilot)
            assert not tokens.page(rig.journal.database, 9)
            await press(pilot, "escape", "escape", "escape")
            assert not isinstance(pilot.app.screen, Wizard)

    run(scene)


class Hanging(FakeChain):
    """A node that never answers."""

    async def head(self) -> Any:
        """Never."""
        await asyncio.Event().wait()


def test_a_node_that_hangs_blocks_neither_the_screen_nor_the_way_back(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            rig.chains["alpha-1"] = Hanging(rig.world, "alpha-1")
            await pilot.press("N", "enter")
            await pilot.pause()
            assert "reading the chains" in told(pilot)
            await pilot.app.settled()
            await pilot.press("enter")
            assert pilot.app.screen.step.name == "PRICE"
            await pilot.press("escape")
            assert pilot.app.screen.step.name == "SELECT"
            assert "reading" not in told(pilot)

    run(scene)


def test_every_term_that_a_command_takes_can_be_chosen_by_a_key(shop: Counter) -> None:
    rig = shop.rig
    alice = address("alice", "alpha-1")

    async def typed(pilot: Any, key: str, text: str) -> None:
        await pilot.press(key)
        field = pilot.app.screen.query_one("#field")
        assert field.has_focus
        field.value = text
        await press(pilot, "enter")

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "d")
            assert "d coin       token (of stake, token)" in told(pilot)
            assert "price        20" in told(pilot)
            await press(pilot, "x")
            assert "[x exchange] needs [t refund to]" in told(pilot)
            await typed(pilot, "t", alice)
            assert f"t refund to  {alice}" in told(pilot)
            assert "✗" not in told(pilot)
            await typed(pilot, "w", alice)
            assert "it can pay price and gas" in told(pilot)
            await typed(pilot, "e", "10m")
            assert "holds        10 m" in told(pilot)
            await typed(pilot, "f", "our own mistake")
            assert "waiver" in told(pilot) or "budget" in told(pilot)
            await typed(pilot, "f", "")
            await press(pilot, "a", "enter", "y")
            (stored,) = tokens.page(rig.journal.database, 9)
            token = stored.token
            assert (token.quote.denom, token.refund_to, token.from_exchange) == ("token", alice, True)
            assert (token.expires_at - token.issued_at).total_seconds() == 600

    run(scene)


def test_a_time_that_nobody_can_read_is_not_taken(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "e")
            pilot.app.screen.query_one("#field").value = "soon"
            await press(pilot, "enter")
            assert pilot.app.screen.query_one("#field").has_focus
            await press(pilot, "escape")
            assert pilot.app.screen.request.expires is None
            assert pilot.app.screen.step.name == "PRICE"

    run(scene)


def test_packets_in_an_open_quote_are_not_offered_on_other_terms(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 1)
            await press(pilot, "N", "enter", "enter", "y", "escape")
            await marked(pilot, 1)
            await press(pilot, "N", "enter")
            assert "it is the same one" in told(pilot)
            await press(pilot, "d")
            assert "may still be paid" in told(pilot)
            assert len(tokens.page(rig.journal.database, 9)) == 1

    run(scene)


@pytest.mark.parametrize("start", [Start(), ARMED])
def test_no_key_of_a_screen_that_only_looks_or_has_no_marks_begins_a_sale(shop: Counter, start: Start) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, start) as pilot:
            await press(pilot, "4", "N")
            assert not isinstance(pilot.app.screen, Wizard)
            (notice,) = pilot.app._notifications
            assert ("--act" if not start.armed else "mark some in Packets (2)") in notice.message

    run(scene)


def test_packets_marked_in_their_own_view_are_sold_from_the_view_of_payments_too(shop: Counter) -> None:
    rig = shop.rig

    async def scene() -> None:
        await watched(rig)
        async with screen(rig, ARMED) as pilot:
            await marked(pilot, 0)
            await press(pilot, "4")
            await pilot.app.settled()
            await press(pilot, "N")
            assert "#1 stuck" in told(pilot)
            await press(pilot, "enter", "enter", "y", "escape")
            assert len(tokens.page(rig.journal.database, 9)) == 1
            assert pilot.app.base.query_one(PacketsPanel).table.marked == set()

    run(scene)


def test_an_error_names_the_wizards_keys_where_a_command_has_flags() -> None:
    lines = error_lines(NodeError("gone", hint="--payer is wrong"))
    assert lines == ["✗ gone", "  try: [w payer] is wrong"]
