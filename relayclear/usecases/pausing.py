"""Waiting that a stop cuts short."""

from __future__ import annotations

import asyncio

from relayclear.ports import Clock


async def pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Wait so many seconds on the clock, but not beyond the stop."""
    waiting = asyncio.ensure_future(clock.sleep(seconds))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        stopped.cancel()
