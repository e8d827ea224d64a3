"""Transactions of ours on a rehearsal chain, in the types of the ports."""

from __future__ import annotations

from collections.abc import Sequence

from relayclear.errors import IndexerError, RefusedError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.spending import Broadcast, Landing, SequenceUse, SpentOutput
from relayclear.rehearsal.chain import Block, Chain, MempoolError, TxResult
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.failures import TxFailure
from relayclear.rehearsal.transactions import decode, hash_of
from tests.fakes import coins
from tests.fakes.world import time_of


def simulate(chain: Chain, raw: bytes) -> int:
    """The gas it would use.  Raises RefusedError."""
    try:
        return chain.simulate(raw).gas_used
    except TxFailure as failed:
        raise RefusedError(f"the chain says that this can't work: {failed.log}", code="wont_work") from failed


def broadcast(chain: Chain, raw: bytes, *, drop: bool = False) -> Broadcast:
    """What the chain's node says to it; `drop` has it forgotten if it is taken."""
    before = chain.dropping
    chain.dropping += drop
    try:
        result = chain.broadcast(raw)
    except MempoolError:
        return Broadcast(0, "", "", known=True)
    finally:
        chain.dropping = before if drop else chain.dropping
    return Broadcast(result.code, result.codespace, result.log, known=False)


def landings(blocks: Sequence[Block], tx_hash: str) -> list[Landing]:
    """Where the bytes of a hash stand."""
    return [
        _landing(block, result)
        for block in blocks
        for raw, result in zip(block.txs, block.results, strict=True)
        if hash_of(raw) == tx_hash
    ]


def _landing(block: Block, result: TxResult) -> Landing:
    at, used = time_of(block.time_ns), _attribute(result.events, "acc_seq") is not None
    return Landing(block.height, at, result.code, result.log, _fee(result.events), used)


def uses(chain: str, blocks: Sequence[Block], address: str) -> list[SequenceUse]:
    """Every use of a sequence of the account, in order."""
    found = [_use(chain, block, place, address) for block in blocks for place in range(len(block.txs))]
    return [one for one in found if one is not None]


def use_by_index(chain: Chain, height: int, address: str, sequence: int) -> SequenceUse | None:
    """The use of a sequence up to a height, by the last place of its bytes.  Raises IndexerError."""
    found = uses(chain.spec.chain_id, chain.blocks[:height], address)
    use = next((one for one in found if one.sequence == sequence), None)
    if use is not None and use.height < chain.places[use.tx_hash][0] <= height:
        raise IndexerError(f"the index shows {use.tx_hash} only where it stands again", code="indexer_replayed")
    return use


def _use(chain: str, block: Block, place: int, address: str) -> SequenceUse | None:
    tx, result = decode(block.txs[place]), block.results[place]
    signer, _, sequence = (_attribute(result.events, "acc_seq") or "").rpartition("/")
    if signer != address:
        return None
    moved = () if result.code else coins.spent(result.events, address)
    return SequenceUse(
        address,
        int(sequence),
        tx.hash,
        block.height,
        time_of(block.time_ns),
        result.code,
        tx.body.memo,
        _fee(result.events),
        tuple(
            SpentOutput(ordinal, coins.recipient(result.events, row), coin)
            for ordinal, row in enumerate(moved)
            if "msg_index" in row
            for coin in Coin.parse_many(row["amount"])
        ),
        tuple(_packets(chain, result.events)),
    )


def _packets(chain: str, events: Sequence[Event]) -> list[PacketKey]:
    rows = [dict(one.attributes) for one in events if one.type == "send_packet"]
    return [
        PacketKey(chain, row["packet_src_port"], row["packet_src_channel"], int(row["packet_sequence"])) for row in rows
    ]


def _fee(events: Sequence[Event]) -> tuple[Coin, ...]:
    said = _attribute(events, "fee")
    return Coin.parse_many(said) if said else ()


def _attribute(events: Sequence[Event], name: str) -> str | None:
    """What the ante handler said of the transaction."""
    found = (dict(one.attributes) for one in events if one.type == "tx")
    return next((row[name] for row in found if name in row), None)
