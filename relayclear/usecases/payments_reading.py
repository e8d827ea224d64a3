"""What a stretch of heights moved at a payee, out of an index or out of blocks, and whether it is all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from relayclear.errors import HeightError, IndexerError, NodeError, RelayclearError
from relayclear.ibc.arrivals import Arrival, Movement
from relayclear.ports import Chain

WINDOW = 5000
# Out of blocks reading takes a request or two a height: what was read should count every now and then.
BLOCKS_WINDOW = 500
# An index may fill in late; what it hides for longer the balance shows.
OVERLAP = 20


@dataclass(frozen=True, slots=True)
class Flows:
    """Everything that heights `first` to `last` moved, both included; an empty stretch has `last` below `first`."""

    first: int
    last: int
    arrivals: tuple[Arrival, ...]
    movements: tuple[Movement, ...]
    by_blocks: bool

    def then(self, more: Flows) -> Flows:
        """The stretch with the one that follows it."""
        return Flows(
            self.first,
            more.last,
            (*self.arrivals, *more.arrivals),
            (*self.movements, *more.movements),
            self.by_blocks and more.by_blocks,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch with what the payee held at its end, and the time of the block there."""

    flows: Flows
    held: Mapping[str, int]
    at: datetime


async def read_window(node: Chain, payee: str, first: int, target: int, *, by_blocks: bool = False) -> Window:
    """Read from `first` on, at most to `target`, as far as the first height whose balance can be asked for.

    A node keeps blocks for longer than balances, so that after a long absence several stretches
    count only together.  Raises HeightError where blocks are gone, NodeError where all balances up to
    `target` are.
    """
    flows = await read_flows(node, payee, first, min(first - 1 + WINDOW, target), by_blocks=by_blocks)
    return await held_at_end(node, payee, flows, target, by_blocks=by_blocks)


async def held_at_end(node: Chain, payee: str, flows: Flows, target: int, *, by_blocks: bool = False) -> Window:
    """The stretch, made longer until the balance at its end can be asked for."""
    while True:
        try:
            balances, at = await asyncio.gather(node.balances(payee, flows.last), node.block_time(flows.last))
        except HeightError as error:
            if flows.last >= target:
                raise NodeError(
                    f"{node.chain_id}: no endpoint knows the payee's balance at height {target}: {error.message}",
                    hint="an endpoint must keep at least the newest 100 states",
                    code="balance_gone",
                ) from error
            first = flows.last + 1
            flows = flows.then(
                await read_flows(node, payee, first, min(first - 1 + WINDOW, target), by_blocks=by_blocks)
            )
        else:
            return Window(flows, {denom: amount for denom, amount in balances.by_denom.items() if amount}, at)


async def read_stretch(node: Chain, payee: str, first: int, last: int) -> Flows:
    """What all heights from `first` to `last` moved.  Raises HeightError where blocks are gone."""
    flows = Flows(first, first - 1, (), (), by_blocks=True)
    while flows.last < last:
        flows = flows.then(await read_flows(node, payee, flows.last + 1, min(flows.last + WINDOW, last)))
    return flows


async def read_flows(node: Chain, payee: str, first: int, last: int, *, by_blocks: bool = False) -> Flows:
    """What the heights moved: by the index, or out of the blocks where no index tells, then fewer at once."""
    if not by_blocks:
        with suppress(IndexerError, HeightError):
            arrivals, movements = await asyncio.gather(
                node.arrivals(payee, first, last), node.movements(payee, first, last)
            )
            return Flows(first, last, tuple(arrivals), tuple(movements), by_blocks=False)
        last = min(last, first - 1 + BLOCKS_WINDOW)
    return await _out_of_blocks(node, payee, first, last)


async def _out_of_blocks(node: Chain, payee: str, first: int, last: int) -> Flows:
    arrivals: list[Arrival] = []
    movements: list[Movement] = []
    for start in range(first, last + 1, BLOCKS_WINDOW):
        stretch = payee, start, min(start + BLOCKS_WINDOW - 1, last)
        moved = await node.moved_by_blocks(*stretch)
        arrivals += moved.arrivals
        movements += moved.movements
    return Flows(first, last, tuple(arrivals), tuple(movements), by_blocks=True)


async def last_gone(node: Chain, first: int, last: int) -> int | None:
    """The last height from `first` on whose block is gone, None where the first one is there."""
    if await _is_there(node, first):
        return None
    low, high = first, last + 1
    while high - low > 1:
        middle = (low + high) // 2
        if await _is_there(node, middle):
            high = middle
        else:
            low = middle
    return low


async def _is_there(node: Chain, height: int) -> bool:
    try:
        await node.block_time(height)
    except HeightError:
        return False
    return True


async def disagreement(witness: Chain | None, payee: str, window: Window) -> RelayclearError | None:
    """What a second endpoint says against a window, None where it agrees or can't tell now."""
    flows = window.flows
    if witness is None or flows.last < flows.first:
        return None
    try:
        told, balances = await asyncio.gather(
            read_stretch(witness, payee, flows.first, flows.last), witness.balances(payee, flows.last)
        )
        # An index shows of bytes that stand in two blocks only the last, where they failed; the blocks show both.
        if flows.by_blocks and not told.by_blocks and figures(told.arrivals) != figures(flows.arrivals):
            told = await _out_of_blocks(witness, payee, flows.first, flows.last)
    except RelayclearError:
        # One that is down or behind says nothing; only another answer speaks against the first.
        return None
    held = {denom: amount for denom, amount in balances.by_denom.items() if amount}
    if figures(told.arrivals) == figures(flows.arrivals) and held == window.held:
        return None
    return NodeError(
        f"two endpoints of {witness.chain_id} tell different payments up to height {flows.last}: neither is believed",
        hint="find out which node is wrong, and take it out of the config",
        code="endpoints_disagree",
    )


def figures(arrivals: Iterable[Arrival]) -> set[tuple[object, ...]]:
    """What money hangs on, of every arrival."""
    return {(*one.identity, one.coin.amount, one.height, one.memo) for one in arrivals}
