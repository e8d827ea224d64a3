"""The budget of requests and the waits between tries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from relayclear.chains.pace import Budget, Timing, retry_after
from tests.chains.fake import NOW, FakeClock


def test_a_burst_of_ten_seconds_worth_is_free_and_the_rest_comes_at_the_rate() -> None:
    clock = FakeClock()

    async def run() -> None:
        budget = Budget(20, clock.timing())
        for _ in range(240):
            await budget.take()

    asyncio.run(run())
    assert sum(1 for seconds in clock.slept if seconds > 0) == 40
    assert clock.now - 1000 == pytest.approx(40 / 20)


def test_those_who_ask_at_once_wait_one_behind_the_other() -> None:
    clock = FakeClock()
    waits: list[float] = []

    async def run() -> None:
        async def note(seconds: float) -> None:
            waits.append(seconds)

        budget = Budget(1, Timing(monotonic=lambda: clock.now, sleep=note))
        await asyncio.gather(*(budget.take() for _ in range(13)))

    asyncio.run(run())
    assert waits == [1.0, 2.0, 3.0]


def test_rest_fills_the_budget_up_to_the_burst_and_no_further() -> None:
    clock = FakeClock()

    async def run() -> int:
        budget = Budget(1, clock.timing())
        clock.now += 10_000
        for _ in range(11):
            await budget.take()
        return len(clock.slept)

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 120 ", 120.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after_is_read_in_both_spellings_and_nonsense_is_no_wish(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header, NOW) == seconds


def test_pauses_grow_stay_within_two_seconds_and_are_never_nothing() -> None:
    short, long = Timing(chance=lambda: 0.0), Timing(chance=lambda: 1.0)
    assert [short.pause(tries) for tries in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert [long.pause(tries) for tries in range(6)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_the_wall_clock_speaks_utc() -> None:
    assert abs((Timing().wall() - datetime.now(UTC)).total_seconds()) < 60
