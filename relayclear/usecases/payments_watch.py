"""Watching one chain for payments: at once when a node tells of coins, by the clock when it doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from relayclear.errors import RelayclearError
from relayclear.store import token_states
from relayclear.usecases.desk import Desk
from relayclear.usecases.pausing import pause
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.payments_begin import BELOW_NEWEST
from relayclear.usecases.selling import require_shop

# News may leave something out: read by the clock too, as seldom as nobody would mind.
RECONCILE_SECONDS = 60.0
# Without news, while somebody is expected to pay.
QUICK_SECONDS = 5.0


async def watch_chain(
    desk: Desk, chain: str, stop: asyncio.Event, heard: Callable[[Reading], None] = lambda _: None
) -> None:
    """Read payments on a chain until `stop`; `heard` is told of every reading, failed ones too.

    | news | money is on its way | read |
    |---|---|---|
    | the line was just opened, or broke | - | now |
    | a block that brings coins | - | as soon as a block stands on it |
    | a block | yes, or the last reading failed | now |
    | a block | no | when a minute has gone by |
    | none, the line is broken | yes | every 5 s |
    | none, the line is broken | no | every minute |

    Money is on its way while a token of the chain is open or partly paid.  Raises what `read_payments`
    raises.
    """
    payee = require_shop(desk).payee(chain)
    while not stop.is_set():
        reading = await read_payments(desk, chain)
        heard(reading)
        await _follow(desk, reading, desk.chain(chain).news(payee), stop, heard)
        if not stop.is_set():
            await pause(desk.clock, QUICK_SECONDS if _is_expected(desk, chain) else RECONCILE_SECONDS, stop)


async def _follow(
    desk: Desk, last: Reading, news: AsyncIterator[int], stop: asyncio.Event, heard: Callable[[Reading], None]
) -> None:
    """Read as the news tell, until they break off or it is told to stop."""
    newest, wanted, read_at = 0, 0, _seconds(desk)
    try:
        while (height := await _next(news, stop)) is not None:
            if height == newest:
                # Told of a second time: not as a new block, but for coins that it brings.
                wanted = height + BELOW_NEWEST
            newest = max(newest, height)
            is_due = wanted and newest >= wanted
            is_time = last.error is not None or _seconds(desk) - read_at >= RECONCILE_SECONDS
            if is_due or is_time or _is_expected(desk, last.chain):
                last = await read_payments(desk, last.chain)
                heard(last)
                wanted, read_at = (0 if is_due else wanted), _seconds(desk)
    finally:
        close = getattr(news, "aclose", None)
        if close is not None:
            await close()


async def _next(news: AsyncIterator[int], stop: asyncio.Event) -> int | None:
    """The next height; None once the line is broken, or told to stop."""
    told = asyncio.ensure_future(anext(news))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({told, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            with suppress(StopAsyncIteration, RelayclearError):
                return await told
        return None
    finally:
        stopped.cancel()
        told.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, RelayclearError):
            await told


def _is_expected(desk: Desk, chain: str) -> bool:
    found = token_states.page(desk.journal.database, ("open", "partly_paid"), 1, chain=chain)
    return bool(found)


def _seconds(desk: Desk) -> float:
    return desk.clock.boot()[1]
