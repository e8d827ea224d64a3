"""The screen in front of real chains, a real Hermes and a running daemon."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from relayclear.bootstrap.desk import opened
from relayclear.bootstrap.loading import load_hermes
from relayclear.config.loading import load
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.dashboard.panel import TablePanel
from relayclear.dashboard.states import Shape
from relayclear.dashboard.views.health import BreakersPanel
from relayclear.dashboard.views.overview import PathsPanel
from relayclear.dashboard.views.packets import PacketsPanel
from relayclear.dashboard.views.refunds import OwedPanel
from relayclear.dashboard.views.sales import PaymentsPanel
from relayclear.ibc.packet import ChannelEnd
from relayclear.wording import STEPS
from tests.localnet.node import ALPHA, BETA
from tests.localnet.test_selling import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network

T = TypeVar("T")
EVERY = "2s"


@pytest.fixture
def shop(network: Network, channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An operator whose daemon looks every two seconds."""
    return seen_from_here(Shop(network, channel, tmp_path, interval=EVERY), monkeypatch)


def seen_from_here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Let this process see what the program sees: the screen is driven in it."""
    for name in [one for one in os.environ if one.startswith(("RELAYCLEAR_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in shop.program.environment().items():
        # The network's own programs are found by the home of whoever runs the tests.
        if name != "HOME":
            monkeypatch.setenv(name, value)
    return shop


@asynccontextmanager
async def screen(shop: Shop) -> AsyncIterator[Pilot[None]]:
    """The armed screen, as `relayclear dashboard --act` shows it."""
    settings = load(config_path=None, env=shop.program.environment(), flags={})
    start = Start(armed=True, who="ada", stale_after=timedelta(seconds=8))
    async with opened(settings, load_hermes(settings)) as desk:
        app = Dashboard(desk, start)
        async with app.run_test(size=(120, 40)) as pilot:
            await app.settled()
            yield pilot


async def until(pilot: Pilot[None], there: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """What a question answers, once it has an answer; the screen goes on meanwhile."""
    last = time.monotonic() + seconds
    while (found := there()) is None:
        if time.monotonic() > last:
            pytest.fail(f"waited {seconds:g} s for {what}; the screen:\n{shown(pilot)}")
        await pilot.pause(0.1)
    return found


def shown(pilot: Pilot[None]) -> str:
    """The screen as text."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def rows(pilot: Pilot[None], end: ChannelEnd) -> dict[int, str]:
    """The packets of a channel on the screen, with their classes."""
    table = pilot.app.screen_stack[0].query_one(PacketsPanel).table
    return {row.sequence: row.packet_class.value for row in table.rows if row.path.source == end}


async def listed(shop: Shop, end: ChannelEnd) -> dict[int, str]:
    """What `packets list` says of them."""
    said = await asyncio.to_thread(shop.program.list, "--chain", end.chain, "--channel", end.channel)
    return {sequence: row["class"] for (*_, sequence), row in said.packets().items()}


def go_to(pilot: Pilot[None], end: ChannelEnd, sequence: int) -> None:
    """Put the cursor on a packet."""
    table = pilot.app.screen_stack[0].query_one(PacketsPanel).table
    table.go(next(n for n, row in enumerate(table.rows) if (row.path.source, row.sequence) == (end, sequence)))


def test_marking_two_of_four_and_confirming_clears_exactly_those_two(shop: Shop) -> None:
    end = ChannelEnd(ALPHA, "transfer", shop.channel.on(ALPHA))
    first, second, third, fourth = shop.stuck(4)

    async def drive() -> None:
        async with screen(shop) as pilot:
            await pilot.press("2")
            said = await listed(shop, end)
            assert len(said) == 4
            # Details of new packets come with the scan after the one that found them.
            await until(pilot, lambda: rows(pilot, end) == said or None, f"what packets list says, {said}")
            for sequence in (second, fourth):
                go_to(pilot, end, sequence)
                await pilot.press("space")
            await pilot.press("C")
            dialog = await until(pilot, lambda: _asking(pilot), "the plan")
            await until(pilot, lambda: not dialog.query_one("#yes").disabled or None, "the plan to be read")
            assert "2 packets" in shown(pilot)
            await pilot.press("y")
            await pilot.pause()
            assert any(word in shown(pilot) for word in ("requested", "running", *STEPS.values()))
            await until(pilot, lambda: {*rows(pilot, end)} == {first, third} or None, "the two to be gone", 120)

    with shop.watching():
        asyncio.run(drive())
    assert shop.pending() == [first, third]
    [made] = shop.program.run("operations", "list", "--chain", ALPHA, "--channel", end.channel).document["operations"]
    assert (made["state"], made["sequences"]) == ("cleared", f"{second},{fourth}")
    assert all(shop.network.received(BETA, shop.channel.on(BETA), sequence) for sequence in (second, fourth))


def _asking(pilot: Pilot[None]) -> Confirm | None:
    return pilot.app.screen if isinstance(pilot.app.screen, Confirm) else None


def test_a_frozen_node_turns_its_panel_stale_then_failed_with_the_last_rows_kept(
    own_network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = seen_from_here(Shop(own_network, own_network.fresh_channel(), tmp_path, interval=EVERY), monkeypatch)
    end = ChannelEnd(ALPHA, "transfer", shop.channel.on(ALPHA))
    shop.stuck(2)
    node = own_network.chains[BETA]
    seen: list[Shape] = []

    async def drive() -> None:
        async with screen(shop) as pilot:
            app: Any = pilot.app
            panel = app.base.query_one(PathsPanel)

            def shape() -> Shape:
                found: Shape = panel.standing(app.desk.clock.now()).shape
                seen.extend([found] if found not in seen else [])
                return found

            def path() -> Any:
                return next((row for row in panel.table.rows if row.path.source == end), None)

            await until(pilot, lambda: (path() is not None and path().stuck == 2) or None, "two stuck packets")
            assert shape() is Shape.FRESH
            node.freeze()
            try:
                await until(pilot, lambda: shape() is Shape.FAILED or None, "the panel to fail", 120)
                assert (path().stuck, path().pending) == (2, 2)
                assert BETA in shown(pilot)
                await until(pilot, lambda: _breaker_on_screen(pilot), "its breaker on the screen", 120)
            finally:
                node.thaw()
            await until(pilot, lambda: shape() is Shape.FRESH or None, "the panel to be fresh again", 120)

    with shop.watching():
        asyncio.run(drive())
    assert seen == [Shape.FRESH, Shape.STALE, Shape.FAILED]


def _breaker_on_screen(pilot: Pilot[None]) -> bool | None:
    return f"endpoint/{BETA}/" in shown(pilot) or None


def test_a_payment_a_refund_and_the_breakers_stand_on_the_screen_as_the_commands_tell_them(shop: Shop) -> None:
    (sold,) = shop.stuck(1)
    token = shop.quote(sold)
    due = int(token["pay"]["amount"]["amount"])

    async def drive() -> None:
        async with screen(shop) as pilot:
            await pilot.press("4")
            await asyncio.to_thread(shop.pay, token, 3 * due)
            payments = panel_rows(pilot, PaymentsPanel)
            (paid,) = await until(pilot, lambda: payments() or None, "the payment")
            # As of the second that it was first seen: shown, never asserted, for machines are noisy.
            late = (datetime.now(UTC) - paid.stored.arrival.at).total_seconds()
            print(f"on the screen {late:.1f} s after its block's time")
            assert (paid.stored.arrival.coin.amount, paid.token) == (3 * due, token["memo"])
            await pilot.press("5")
            owed = panel_rows(pilot, OwedPanel)
            await until(pilot, lambda: owed() or None, "what is owed", 120)
            said = await asyncio.to_thread(shop.program.run, "refunds", "list")
            assert [(row.id, row.state.value, str(row.net.amount)) for row in owed()] == [
                (row["id"], row["state"], row["amount"]["amount"]) for row in said.document["refunds"]
            ]
            await pilot.press("6")
            stand = panel_rows(pilot, BreakersPanel)
            await until(pilot, lambda: stand() or None, "the breakers")
            told = (await asyncio.to_thread(shop.program.run, "breakers", "list")).document["breakers"]
            assert {row.view.name: row.view.state.value for row in stand()} == {
                row["name"]: row["state"] for row in told
            }

    with shop.watching():
        asyncio.run(drive())
        # The screen may be quicker than the clear: a daemon that is stopped before its end leaves it to the next.
        assert shop.ended(token)["state"] == "cleared"
    assert shop.pending() == []


def panel_rows(pilot: Pilot[None], panel: type[TablePanel]) -> Callable[[], list[Any]]:
    """The rows of a panel, as they are whenever that is called."""
    return lambda: list(pilot.app.screen_stack[0].query_one(panel).table.rows)
