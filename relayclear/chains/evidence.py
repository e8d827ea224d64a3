"""Transactions by their hash, as they stand in blocks: what a claim about one of them is held against."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from relayclear.chains import jsonrpc, wire_events, wire_tx
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.index import FoundTx, read_tx
from relayclear.errors import NodeError, NotFoundError, RelayclearError
from relayclear.ibc.evidence import StepClaim, StepEvidence

Place = tuple[str, int]
"""A transaction's hash and the height that it is said to stand at."""


async def evidence(
    endpoints: Endpoints, claims: Sequence[StepClaim]
) -> dict[StepClaim, StepEvidence | RelayclearError]:
    """What stands at each claimed place.

    NotFoundError: the block was read and holds no such transaction.  Any other error: nobody can tell.
    """
    places = list(dict.fromkeys((claim.hash, claim.height) for claim in claims))
    found = await _indexed(endpoints, places)
    # An index shows only the last block that held the bytes, which a proposer can put into one again; it may
    # also be off, or late.  The block itself is the better word wherever the two differ.
    doubtful = [place for place in places if not _settles(found[place], place)]
    for place, got in (await _in_blocks(endpoints, doubtful)).items():
        found[place] = _better(found[place], got, place[1])
    return {claim: _evidence(found[claim.hash, claim.height], claim) for claim in claims}


def _settles(got: FoundTx | RelayclearError, place: Place) -> bool:
    return isinstance(got, FoundTx) and got.code == 0 and got.height == place[1]


def _better(
    indexed: FoundTx | RelayclearError, in_block: FoundTx | RelayclearError, height: int
) -> FoundTx | RelayclearError:
    """The block's word; where it has none, a success that the index shows elsewhere says where it really stands."""
    if not isinstance(in_block, FoundTx) and isinstance(indexed, FoundTx):
        return indexed if indexed.code == 0 or indexed.height == height else in_block
    return in_block


async def _indexed(endpoints: Endpoints, places: Sequence[Place]) -> dict[Place, FoundTx | RelayclearError]:
    hashes = list(dict.fromkeys(tx_hash for tx_hash, _ in places))
    # Each may be a megabyte: alone, so that together they never grow over what a reply may hold.
    calls = [jsonrpc.call("tx", hash=_base64(bytes.fromhex(one)), prove=False)._replace(alone=True) for one in hashes]
    answers = dict(zip(hashes, await endpoints.ask(calls), strict=True))
    return {place: _named(read_tx(answers[place[0]]), place[0]) for place in places}


def _named(got: FoundTx | RelayclearError, tx_hash: str) -> FoundTx | RelayclearError:
    """Refuse an answer whose bytes are another transaction: its events would be another's too."""
    if isinstance(got, FoundTx) and _hash(got.raw) != tx_hash:
        return NodeError("the node answered with another transaction than the one asked for")
    return got


async def _in_blocks(endpoints: Endpoints, places: Sequence[Place]) -> dict[Place, FoundTx | RelayclearError]:
    heights = sorted({height for _, height in places})
    asked = [jsonrpc.call(method, height=height) for height in heights for method in ("block", "block_results")]
    answers = await endpoints.ask([call._replace(alone=True) for call in asked])
    blocks = {height: (answers[2 * index], answers[2 * index + 1]) for index, height in enumerate(heights)}
    return {place: _in_block(*blocks[place[1]], place) for place in places}


def _in_block(block: Any, results: Any, place: Place) -> FoundTx | RelayclearError:
    for answer in (block, results):
        if isinstance(answer, RelayclearError):
            # "Not found" of a whole block is a block that the node hasn't got, not one without the transaction.
            return NodeError(answer.message) if isinstance(answer, NotFoundError) else answer
    tx_hash, height = place
    try:
        if int(block["block"]["header"]["height"]) != height or int(results["height"]) != height:
            return NodeError("the node answered with another block than the one asked for")
        raw = list(block["block"]["data"]["txs"] or ())
        rows = list(results.get("txs_results") or ())
        if len(raw) != len(rows):
            return NodeError("the node has more transactions than results in a block, or fewer")
        for encoded, row in zip(raw, rows, strict=True):
            if _hash(encoded) == tx_hash:
                return read_tx({"hash": tx_hash, "height": height, "tx_result": row, "tx": encoded})
    except (KeyError, TypeError, ValueError, AttributeError):
        return NodeError("the node's block makes no sense")
    return NotFoundError(f"block {height} has no transaction {tx_hash}")


def _evidence(found: FoundTx | RelayclearError, claim: StepClaim) -> StepEvidence | RelayclearError:
    if isinstance(found, RelayclearError):
        return found
    # A failed transaction changed nothing, whatever its events say.
    did = found.code == 0 and wire_events.has_step(found.events, claim.step, claim.key, claim.destination)
    moved = wire_tx.moved(found.raw, claim.step, claim.key)
    if moved is None:
        return StepEvidence(found.height, found.code, did, "", None)
    return StepEvidence(found.height, found.code, did, moved.relayer, moved.commitment)


def _hash(encoded: object) -> str:
    try:
        return sha256(binascii.a2b_base64(str(encoded), strict_mode=True)).hexdigest().upper()
    except binascii.Error:
        return ""


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()
