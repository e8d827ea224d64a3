"""Coins that came to an address and all that moved there, out of a node's index or out of its blocks."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from relayclear.chains import jsonrpc, proven, wire_arrivals, wire_channels
from relayclear.chains.blocks import blocks, moves
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.index import FoundTx, Index, check_bytes, read_tx
from relayclear.chains.wire import DeclinedError, Reply, decoded, sure
from relayclear.chains.wire_events import block_events
from relayclear.errors import NodeError, NotFoundError, RelayclearError
from relayclear.ibc.arrivals import Arrival, Moved, Movement
from relayclear.ibc.packet import PacketKey

WINDOW = 5_000
"""Blocks asked for in one search: over more, a node's own time limit could hide results."""


class ArrivalReader:
    """Reads the coins of addresses on one chain.  Every method raises NodeError where no endpoint can be asked."""

    def __init__(self, endpoints: Endpoints, index: Index) -> None:
        """Know nothing yet."""
        self._endpoints = endpoints
        self._index = index
        self._chain = endpoints.chain

    async def arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        """What came in the blocks `first` to `last`, by the index.  Raises IndexerError, HeightError."""
        txs: list[FoundTx] = []
        for window in _windows(first, last):
            [rows] = await proven.search(self._endpoints, [proven.transactions(_received(address))], *window)
            txs += _found(rows, *window)
        return await self._of_txs(address, txs)

    async def of_tx(self, address: str, tx_hash: str) -> list[Arrival]:
        """What one transaction brought.  Raises NotFoundError, IndexerError, HeightError."""
        try:
            name = binascii.b2a_base64(bytes.fromhex(tx_hash), newline=False).decode()
        except ValueError:
            raise NotFoundError(f"{tx_hash[:80]!r} is no transaction's hash") from None
        [answer] = await self._endpoints.ask([jsonrpc.call("tx", hash=name, prove=False)])
        tx = sure(read_tx(answer))
        check_bytes(tx, tx_hash.upper())
        return await self._of_txs(address, [tx])

    async def moved_by_blocks(self, address: str, first: int, last: int) -> Moved:
        """What came and all that moved in the blocks `first` to `last`, out of the blocks.  Raises HeightError."""
        came, moved = list[Arrival](), list[Movement]()
        async for block in blocks(self._endpoints, moves(address), first, last):
            for tx in block.txs:
                came += wire_arrivals.arrivals(self._chain, tx, block.at, address)
                moved += wire_arrivals.movements(self._chain, tx, address)
            moved += wire_arrivals.block_movements(self._chain, block.height, block.events, address)
        return Moved(await self._with_chains(came), moved)

    async def movements(self, address: str, first: int, last: int) -> list[Movement]:
        """Everything that moved in the blocks `first` to `last`, by the index.  Raises IndexerError, HeightError."""
        conditions = (_received(address), f"coin_spent.spender='{address}'")
        searches = [kind(condition) for kind in (proven.transactions, proven.blocks) for condition in conditions]
        found: list[Movement] = []
        for window in _windows(first, last):
            *txs, blocks_in, blocks_out = await proven.search(self._endpoints, searches, *window)
            by_hash = {tx.hash: tx for rows in txs for tx in _found(rows, *window)}
            for tx in by_hash.values():
                found += wire_arrivals.movements(self._chain, tx, address)
            results = await self._index.block_results(_heights([*blocks_in, *blocks_out]))
            for height, result in results.items():
                found += wire_arrivals.block_movements(self._chain, height, block_events(sure(result)), address)
        return sorted(found, key=lambda one: one.height)

    async def _of_txs(self, address: str, txs: Sequence[FoundTx]) -> list[Arrival]:
        good = [tx for tx in txs if tx.code == 0]
        times = await self._index.times(tx.height for tx in good)
        found = [wire_arrivals.arrivals(self._chain, tx, sure(times[tx.height]), address) for tx in good]
        return await self._with_chains([one for ones in found for one in ones])

    async def _with_chains(self, found: Sequence[Arrival]) -> list[Arrival]:
        """Name the chains that packets came from, as the clients behind their channels name them now."""
        ends = list({one.channel: None for one in found if one.channel and one.packet and not one.packet.chain})
        answers = await self._endpoints.queries([wire_channels.ask_channel_client(end) for end in ends])
        chains = {end: _followed(answer) for end, answer in zip(ends, answers, strict=True)}
        return [_from(one, chains[one.channel]) if one.channel in chains else one for one in found]


def _windows(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last + 1, WINDOW):
        yield start, min(start + WINDOW - 1, last)


def _received(address: str) -> str:
    return f"coin_received.receiver='{address}'"


def _found(rows: Sequence[Any], first: int, last: int) -> list[FoundTx]:
    txs = [sure(read_tx(row)) for row in rows]
    for tx in txs:
        check_bytes(tx, tx.hash)
    return [tx for tx in txs if first <= tx.height <= last]


def _heights(rows: Sequence[Any]) -> list[int]:
    try:
        return [int(row["block"]["header"]["height"]) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise NodeError("the node's search result makes no sense") from None


def _followed(answer: Reply | RelayclearError) -> str:
    """The chain that a client follows, empty where it names none.  Raises where the node couldn't be asked."""
    if isinstance(answer, RelayclearError) and answer.retryable and not isinstance(answer, DeclinedError):
        raise answer
    chain = decoded(wire_channels.read_channel_client, answer)
    return chain if isinstance(chain, str) else ""


def _from(one: Arrival, chain: str) -> Arrival:
    return one if one.packet is None else replace(one, packet=PacketKey(chain, *one.packet[1:]))
