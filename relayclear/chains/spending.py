"""Transactions of our own: what they would cost, handing them to a node, and finding where they stand.

Measured on `broadcast_tx_sync` of CometBFT 0.38: a result with a code is the word of the chain's check; that a node
has these very bytes already comes as a JSON-RPC error instead.
"""

from __future__ import annotations

import binascii
import re
from hashlib import sha256
from typing import Any

from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2

from relayclear.chains import jsonrpc, wire_spending
from relayclear.chains.blocks import blocks, holding, signed
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.index import Index, Search, check_bytes
from relayclear.chains.wire import DeclinedError, Reply, decoded, sure
from relayclear.errors import IndexerError, NodeError, NotFoundError, RefusedError, RelayclearError
from relayclear.ibc.spending import Broadcast, Landing, SequenceUse
from relayclear.ibc.text import clean

_SIMULATE = "/cosmos.tx.v1beta1.Service/Simulate"
_KNOWN_TEXT = "tx already exists in cache"
# `ErrTxInMempoolCache` of the SDK: some nodes tell it as a code.
_KNOWN_CODE = ("sdk", 19)
_NO_SUCH_PATH = ("unknown query path", "no query path provided")
# What the SDK's service wraps around the chain's own words.
_WRAPPED = re.compile(r"^rpc error: code = \w+ desc = (.*?)(?: \[[^\]]*\])? with gas used: '\d*'.*$", re.DOTALL)
_MAX_WORDS = 300


async def simulate(endpoints: Endpoints, raw: bytes) -> int:
    """The gas that a transaction would use; its signature isn't looked at, its sequence is.

    Raises RefusedError (`wont_work`) with the chain's words where it can't work, NodeError.
    """
    request = service_pb2.SimulateRequest(tx_bytes=raw).SerializeToString()
    [answer] = await endpoints.queries([jsonrpc.query(_SIMULATE, request)])
    if isinstance(answer, NotFoundError) or (isinstance(answer, DeclinedError) and _is_verdict(answer)):
        text = answer.text if isinstance(answer, DeclinedError) else answer.message
        raise RefusedError(
            f"the chain says that this can't work: {_words(text)}",
            hint="relayclear doctor; the wallet may be short of coins",
            code="wont_work",
        )
    return sure(decoded(_gas, sure(answer)))


def _is_verdict(declined: DeclinedError) -> bool:
    """Whether it is the chain's word on the transaction, not the node's (JSON-RPC's codes) on being asked."""
    if declined.number <= 0 or any(words in declined.text.lower() for words in _NO_SUCH_PATH):
        return False
    # Out of gas outside the service's own words: the node's limit for queries, not the transaction's.
    return _WRAPPED.match(declined.text) is not None or not declined.out_of_gas


def _words(text: str) -> str:
    wrapped = _WRAPPED.match(text)
    return clean(wrapped[1] if wrapped else text, _MAX_WORDS)


def _gas(reply: Reply) -> int:
    used = int(service_pb2.SimulateResponse.FromString(reply.value).gas_info.gas_used)
    if not used:
        raise ValueError("it tells of no gas")
    return used


async def broadcast(endpoints: Endpoints, raw: bytes) -> Broadcast:
    """Hand signed bytes to the first endpoint that answers.

    They may reach several, or one twice: the same bytes can land only once, so that does no harm.  Raises NodeError
    where none answered; they may have arrived all the same.
    """
    call = jsonrpc.call("broadcast_tx_sync", tx=binascii.b2a_base64(raw, newline=False).decode())
    tx_hash = sha256(raw).hexdigest().upper()

    def trouble(answers: list[Any]) -> RelayclearError | None:
        """What keeps the transaction from being read, None where nothing does."""
        read = _answer(answers[0], tx_hash)
        return read if isinstance(read, RelayclearError) else None

    [answer] = await endpoints.together([call], trouble, hedged=False)
    return sure(_answer(answer, tx_hash))


def _answer(value: Any, tx_hash: str) -> Broadcast | NodeError:
    """What a node said to a transaction; NodeError where that is no word on it."""
    if isinstance(value, DeclinedError) and _KNOWN_TEXT in value.text.lower():
        return Broadcast(0, "", "", known=True)
    if isinstance(value, RelayclearError):
        return value if isinstance(value, NodeError) else NodeError(value.message)
    try:
        code, space = int(value.get("code", 0)), clean(str(value.get("codespace") or ""), 64)
        log, named = clean(str(value.get("log") or ""), wire_spending.MAX_LOG), str(value["hash"]).upper()
    except (KeyError, TypeError, ValueError, AttributeError):
        return NodeError("the node's answer to a broadcast makes no sense")
    if named != tx_hash:
        return NodeError("the node answered with another transaction than the one it was sent")
    return Broadcast(code, space, log, known=(space, code) == _KNOWN_CODE)


async def landings(endpoints: Endpoints, tx_hash: str, first: int, last: int) -> list[Landing]:
    """Every place in the blocks `first` to `last` where the bytes of a hash stand.  Raises HeightError, NodeError."""
    found: list[Landing] = []
    async for block in holding(endpoints, tx_hash.upper(), first, last):
        found += [wire_spending.landing(tx, block.at) for tx in block.txs]
    return found


async def sequence_use(index: Index, address: str, sequence: int) -> SequenceUse | None:
    """The transaction that used the account's sequence, by an index; None where it shows none.

    An index tells only of the last place of some bytes.  Where a proposer put them into a block again, that place
    tells nothing of the first one: raises IndexerError (`indexer_replayed`), as for an index that is off, and the
    blocks must be read (`sequence_uses`).  Raises HeightError where its block's header is gone, NodeError.
    """
    query = f"tx.acc_seq='{address}/{sequence}'"
    [rows] = await index.txs([Search(query, query)])
    txs = sure(rows)
    times = await index.times(tx.height for tx in txs)
    for tx in txs:
        check_bytes(tx, tx.hash)
        found = wire_spending.use(index.chain, tx, sure(times[tx.height]), address)
        if found is not None and found.sequence == sequence:
            return found
    if txs:
        raise IndexerError(
            f"the index shows transaction {txs[-1].hash[:64]} only where it stands again",
            code="indexer_replayed",
        )
    return None


async def sequence_uses(endpoints: Endpoints, address: str, first: int, last: int) -> list[SequenceUse]:
    """Every use of a sequence of the account in the blocks `first` to `last`, in order.

    Raises HeightError where one is gone or not there yet, NodeError.
    """
    found: list[SequenceUse | None] = []
    async for block in blocks(endpoints, signed(address), first, last):
        found += [wire_spending.use(endpoints.chain, tx, block.at, address) for tx in block.txs]
    return [one for one in found if one is not None]
