"""Signals: one to stop, two to go, SIGHUP to read anew, or to stop where it means that the terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from relayclear.cli.stopping import Stopping


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Under nohup, as a gate may run, SIGHUP is ignored from the start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def sent(number: int, look: Callable[[Stopping], bool]) -> bool:
    async def work() -> bool:
        with Stopping() as found:
            os.kill(os.getpid(), number)
            # A signal comes in over the loop's own pipe, after a few turns.
            for _ in range(100):
                await asyncio.sleep(0)
            return look(found)

    return asyncio.run(work())


def test_sighup_asks_for_the_config_and_stops_nothing() -> None:
    assert sent(signal.SIGHUP, lambda found: found.reload.is_set() and not found.event.is_set())


def test_a_terminal_that_is_gone_is_a_wish_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = os.openpty()
    with os.fdopen(far) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert sent(signal.SIGHUP, lambda found: found.event.is_set() and not found.reload.is_set())
    os.close(near)


def test_whoever_ignores_sighup_from_the_start_keeps_ignoring_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert sent(signal.SIGHUP, lambda found: not found.event.is_set() and not found.reload.is_set())


def test_sigterm_and_ctrl_c_ask_to_stop_and_only_one_is_a_persons() -> None:
    assert sent(signal.SIGTERM, lambda found: found.event.is_set() and not found.interrupted)
    assert sent(signal.SIGINT, lambda found: found.event.is_set() and found.interrupted)
