"""Blocks read one by one, for a node without an index, and against one that left something out."""

from __future__ import annotations

import binascii
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from relayclear.chains import jsonrpc, wire
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.index import FoundTx
from relayclear.chains.wire_events import block_events, named
from relayclear.errors import NodeError, RelayclearError

_AT_ONCE = 50
_MOVES = frozenset({"coin_received", "coin_spent"})

Wanted = Callable[[Any], bool]
"""Whether the events of one transaction, or of a block itself, are worth reading the block for."""


class Block(NamedTuple):
    """A block: its time, those of its transactions that were wanted, the block's own events."""

    height: int
    at: datetime
    txs: list[FoundTx]
    events: list[Any]


def moves(address: str) -> Wanted:
    """Those that moved coins of the address."""
    encoded = binascii.b2a_base64(address.encode(), newline=False).decode()
    return lambda events: _moves(events, (address, encoded))


def signed(address: str) -> Wanted:
    """Those that used a sequence of the account."""
    start = f"{address}/"
    return lambda events: any(row["acc_seq"].startswith(start) for row in named(events, ("tx",), "acc_seq"))


async def blocks(endpoints: Endpoints, wanted: Wanted, first: int, last: int) -> AsyncIterator[Block]:
    """The blocks `first` to `last` with anything that is wanted, in their order.

    Raises HeightError where no endpoint has the results of one, NodeError.
    """
    for heights in _groups(first, last):
        results = await _read(endpoints, "block_results", heights)
        # Blocks are large, and nearly all of them have nothing to do with an address.
        chosen = [height for height in heights if _has(results[height], wanted)]
        whole = await _read(endpoints, "block", chosen)
        for height in chosen:
            yield _block(height, whole[height], results[height], lambda tx: wanted(tx.events))


async def holding(endpoints: Endpoints, tx_hash: str, first: int, last: int) -> AsyncIterator[Block]:
    """The blocks `first` to `last` that the bytes of a hash stand in, in their order, with only those of them.

    Raises HeightError where no endpoint has one of all the blocks, or the results of one of these; NodeError.
    """
    for heights in _groups(first, last):
        whole = await _read(endpoints, "block", heights)
        chosen = [height for height in heights if tx_hash in _hashes(whole[height], height)]
        results = await _read(endpoints, "block_results", chosen)
        for height in chosen:
            yield _block(height, whole[height], results[height], lambda tx: tx.hash == tx_hash)


def _groups(first: int, last: int) -> Iterator[range]:
    # One after the other: `last` may be whatever height a node claims to have.
    return (range(start, min(start + _AT_ONCE, last + 1)) for start in range(first, last + 1, _AT_ONCE))


async def _read(endpoints: Endpoints, method: str, heights: Sequence[int]) -> dict[int, Any]:
    answers = await endpoints.ask([jsonrpc.call(method, height=height) for height in heights])
    for answer in answers:
        if isinstance(answer, RelayclearError):
            raise answer
    return dict(zip(heights, answers, strict=True))


def _has(results: Any, wanted: Wanted) -> bool:
    try:
        rows = results["txs_results"] or ()
        return wanted(block_events(results)) or any(wanted(row.get("events") or []) for row in rows)
    except (KeyError, TypeError, AttributeError):
        raise NodeError("the node's block results make no sense") from None


def _hashes(answer: Any, height: int) -> list[str]:
    try:
        stands = int(answer["block"]["header"]["height"])
        hashes = [_hash(raw) for raw in answer["block"]["data"].get("txs") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _senseless(height) from None
    # Another block in its place would hide what stands in this one.
    if stands != height:
        raise _senseless(height)
    return hashes


def _moves(events: Any, names: Sequence[str]) -> bool:
    return any(
        attribute.get("value") in names
        for event in events
        if event.get("type") in _MOVES
        for attribute in event.get("attributes") or ()
    )


def _block(height: int, answer: Any, results: Any, keep: Callable[[FoundTx], bool]) -> Block:
    """A block with those transactions that are to be kept.  Raises NodeError for one that makes no sense."""
    try:
        header, raws = answer["block"]["header"], answer["block"]["data"].get("txs") or ()
        rows = results["txs_results"] or ()
        # The results know no hashes: only their places tie them to the transactions.
        if int(header["height"]) != height or int(results["height"]) != height or len(raws) != len(rows):
            raise _senseless(height)
        txs = [_tx(height, raw, row) for raw, row in zip(raws, rows, strict=True)]
        return Block(height, wire.moment(header["time"]), [tx for tx in txs if keep(tx)], block_events(results))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _senseless(height) from None


def _senseless(height: int) -> NodeError:
    return NodeError(f"the node's block {height} makes no sense")


def _hash(raw: str) -> str:
    return sha256(binascii.a2b_base64(raw)).hexdigest().upper()


def _tx(height: int, raw: str, row: Any) -> FoundTx:
    return FoundTx(
        hash=_hash(raw),
        height=height,
        # Absent means 0, as protobuf JSON writes it.
        code=wire.number(row.get("code") or 0),
        gas_used=wire.number(row.get("gas_used") or 0),
        events=row.get("events") or [],
        raw=raw,
        log=str(row.get("log") or ""),
    )
