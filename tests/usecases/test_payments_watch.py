"""Watching: at once when coins come, by the clock when nobody tells, and never after the stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from relayclear.errors import NodeError, StoreError
from relayclear.store.db import open_database
from relayclear.usecases.payments import Reading
from relayclear.usecases.payments_watch import QUICK_SECONDS, RECONCILE_SECONDS, watch_chain
from tests.chains.rehearsed import send
from tests.usecases.paying import ALPHA, Till


async def until(is_so: Callable[[], object]) -> None:
    """Let others go on until it is so."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - what is waited for is no event of this loop
            await asyncio.sleep(0)


def watched(till: Till, act: Callable[[list[Reading]], Awaitable[None]]) -> list[Reading]:
    """Watch while something happens; every reading."""
    readings: list[Reading] = []

    async def run() -> None:
        stop = asyncio.Event()
        watching = asyncio.ensure_future(watch_chain(till.desk, ALPHA, stop, readings.append))
        await act(readings)
        stop.set()
        await watching

    asyncio.run(run())
    return readings


def paid(readings: list[Reading]) -> int:
    return sum(len(reading.payments) for reading in readings)


def test_coins_are_read_as_soon_as_a_block_stands_on_theirs(till: Till) -> None:
    # Nobody is expected to pay, so that only the news can be what makes it read.
    memo = till.sold(keep=False).memo

    async def act(readings: list[Reading]) -> None:
        await until(lambda: "news" in till.rig.alpha.asked)
        for _ in range(3):
            till.rig.world.tick(ALPHA)
        await asyncio.sleep(0)
        before = len(readings)
        till.act("alice", send(ALPHA, "alice", (100, "stake")), memo=memo)
        till.rig.world.tick(ALPHA)
        await until(lambda: paid(readings) == 1)
        assert len(readings) - before == 1

    assert paid(watched(till, act)) == 1


def test_an_idle_watcher_reads_once_a_minute(till: Till) -> None:
    async def act(readings: list[Reading]) -> None:
        await until(lambda: "news" in till.rig.alpha.asked)
        for seconds, count in ((RECONCILE_SECONDS - 10, 1), (15, 2)):
            till.wait(seconds)
            till.rig.world.tick(ALPHA)
            for _ in range(200):
                await asyncio.sleep(0)
            assert len(readings) == count

    watched(till, act)


def test_while_somebody_may_pay_every_block_is_read(till: Till) -> None:
    till.sold()

    async def act(readings: list[Reading]) -> None:
        await until(lambda: "news" in till.rig.alpha.asked)
        before = len(readings)
        for _ in range(3):
            till.rig.world.tick(ALPHA)
        await until(lambda: len(readings) == before + 3)

    watched(till, act)


@pytest.mark.parametrize(("expected", "pause"), [(True, QUICK_SECONDS), (False, RECONCILE_SECONDS)])
def test_without_news_it_polls_and_asks_for_news_again(till: Till, *, expected: bool, pause: float) -> None:
    till.sold(keep=expected)
    till.rig.alpha.fails["news"] = NodeError("no websockets here")
    till.rig.clock.slept.clear()

    async def act(readings: list[Reading]) -> None:
        await until(lambda: len(readings) >= 3)

    watched(till, act)
    assert set(till.rig.clock.slept) == {pause}
    assert till.rig.alpha.asked.count("news") >= 2


def test_a_line_that_breaks_is_followed_by_a_reading(till: Till) -> None:
    token = till.sold()

    async def act(readings: list[Reading]) -> None:
        await until(lambda: "news" in till.rig.alpha.asked)
        till.rig.alpha.fails["news"] = NodeError("the connection broke")
        till.pay(token.memo)
        till.blocks(2)
        await until(lambda: paid(readings) == 1)

    watched(till, act)


def test_a_node_that_is_down_is_told_and_read_when_it_is_back(till: Till) -> None:
    till.sold()
    till.rig.alpha.down = NodeError("refused the connection")

    async def act(readings: list[Reading]) -> None:
        await until(lambda: len(readings) >= 2)
        assert all(reading.error is not None for reading in readings)
        till.rig.alpha.down = None
        await until(lambda: till.rig.alpha.asked[-1] == "news")
        for _ in range(20):
            await asyncio.sleep(0)
        till.rig.world.tick(ALPHA)
        await until(lambda: readings[-1].error is None)

    watched(till, act)


def test_a_database_that_is_locked_ends_the_watch_aloud(till: Till) -> None:
    till.blocks(2)
    with open_database(till.folder.parent / "relayclear.db") as other, other.atomic(), pytest.raises(StoreError):
        asyncio.run(watch_chain(till.desk, ALPHA, asyncio.Event()))
