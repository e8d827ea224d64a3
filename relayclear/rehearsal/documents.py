"""Blocks, headers, transactions and their results as CometBFT 0.38's JSON-RPC shows them.

Integers of 64 bits are strings, hashes upper-case hex, bytes base64, empty bytes null.  Hashes are derived from the
chain id and the height: no client of these nodes follows them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from relayclear.rehearsal.chain import Block, Chain, TxResult
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.go_text import time_text
from relayclear.rehearsal.inflation import begin_block_events
from relayclear.rehearsal.node_facts import shown_chain_id, validator_address
from relayclear.rehearsal.transactions import hash_of

NOTHING = sha256().hexdigest().upper()
"""The hash of nothing."""
_EMPTY_BLOCK_BYTES = 600
_NO_ID = {"hash": "", "parts": {"total": 0, "hash": ""}}


def base64_or_null(raw: bytes) -> str | None:
    """Bytes as Go's JSON writes a nil slice or one with something in it."""
    return base64.b64encode(raw).decode() if raw else None


def result_document(result: TxResult) -> dict[str, Any]:
    """An ExecTxResult."""
    return {
        "code": result.code,
        "data": base64_or_null(result.data),
        "log": result.log,
        "info": "",
        "gas_wanted": str(result.gas_wanted),
        "gas_used": str(result.gas_used),
        "events": [event.json() for event in result.events],
        "codespace": result.codespace,
    }


def event_document(height: int, place: int, raw: bytes, result: TxResult) -> dict[str, Any]:
    """The value of a `tendermint/event/Tx`, which leaves out whatever is empty or zero."""
    made = {"height": str(height), "index": place, "tx": base64.b64encode(raw).decode()}
    shown = {**_filled(made), "result": _filled(result_document(result))}
    return {"TxResult": shown}


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (0, "0", "", None, [])}


@dataclass(frozen=True, slots=True)
class Documents:
    """One chain's documents as one node shows them."""

    chain: Chain
    faults: NodeFaults

    def digest(self, what: str, height: int) -> bytes:
        """32 bytes that stand for a hash."""
        return sha256(f"{what} {self.chain.spec.chain_id} {height}".encode()).digest()

    def hash_text(self, what: str, height: int) -> str:
        """The same, as text."""
        return self.digest(what, height).hex().upper()

    def app_hash(self, height: int) -> str:
        """The state's hash that a header carries: that after the block before; the first one's is of nothing."""
        return self.hash_text("app", height - 1) if height > 1 else NOTHING

    def shown(self, block: Block) -> Sequence[int]:
        """The places of a block's transactions that the node doesn't hide."""
        hidden = self.faults.hidden_txs
        return [place for place, raw in enumerate(block.txs) if not hidden or hash_of(raw) not in hidden]

    def transaction(self, height: int, place: int, *, prove: bool = False) -> dict[str, Any]:
        """One of `txs`, and the result of `tx`."""
        block = self.chain.blocks[height - 1]
        raw = block.txs[place]
        made = {
            "hash": hash_of(raw),
            "height": str(height),
            "index": place,
            "tx_result": result_document(block.results[place]),
            "tx": base64.b64encode(raw).decode(),
        }
        return {**made, "proof": self._proof(block, place)} if prove else made

    def _proof(self, block: Block, place: int) -> dict[str, Any]:
        raw = block.txs[place]
        leaf = base64.b64encode(sha256(b"\0" + sha256(raw).digest()).digest()).decode()
        proof = {"total": str(len(block.txs)), "index": str(place), "leaf_hash": leaf, "aunts": []}
        return {"root_hash": self._data_hash(block), "data": base64.b64encode(raw).decode(), "proof": proof}

    def _data_hash(self, block: Block) -> str:
        return self.hash_text("data", block.height) if block.txs else NOTHING

    def header(self, block: Block) -> dict[str, Any]:
        """A block's header."""
        height, validators = block.height, self.hash_text("validators", 0)
        before = self.chain.block(height - 1)
        return {
            "version": {"block": "11"},
            "chain_id": shown_chain_id(self.chain, self.faults),
            "height": str(height),
            "time": time_text(block.time_ns),
            "last_block_id": self.block_id(height - 1) if before else _NO_ID,
            "last_commit_hash": self.hash_text("commit", height) if before else NOTHING,
            "data_hash": self._data_hash(block),
            "validators_hash": validators,
            "next_validators_hash": validators,
            "consensus_hash": self.hash_text("consensus", 0),
            "app_hash": self.app_hash(height),
            "last_results_hash": self.hash_text("results", height) if before and before.txs else NOTHING,
            "evidence_hash": NOTHING,
            "proposer_address": validator_address(self.chain),
        }

    def block_id(self, height: int) -> dict[str, Any]:
        """What a block is called."""
        parts = {"total": 1, "hash": self.hash_text("parts", height)}
        return {"hash": self.hash_text("block", height), "parts": parts}

    def meta(self, block: Block) -> dict[str, Any]:
        """One of `block_metas`; the size is about that of a block with one validator."""
        txs = [block.txs[place] for place in self.shown(block)]
        return {
            "block_id": self.block_id(block.height),
            "block_size": str(_EMPTY_BLOCK_BYTES + sum(map(len, txs))),
            "header": self.header(block),
            "num_txs": str(len(txs)),
        }

    def block(self, block: Block) -> dict[str, Any]:
        """The result of `block`."""
        txs = [base64.b64encode(block.txs[place]).decode() for place in self.shown(block)]
        made = {
            "header": self.header(block),
            "data": {"txs": txs},
            "evidence": {"evidence": []},
            "last_commit": self._votes(block.height - 1),
        }
        return {"block_id": self.block_id(block.height), "block": made}

    def commit(self, block: Block, newest: int) -> dict[str, Any]:
        """The result of `commit`; the votes for the newest block aren't those that the next one will carry yet."""
        signed = {"header": self.header(block), "commit": self._votes(block.height)}
        return {"signed_header": signed, "canonical": block.height < newest}

    def _votes(self, height: int) -> dict[str, Any]:
        voted = self.chain.block(height)
        if voted is None:
            return {"height": "0", "round": 0, "block_id": _NO_ID, "signatures": []}
        vote = {
            "block_id_flag": 2,
            "validator_address": validator_address(self.chain),
            "timestamp": time_text((self.chain.block(height + 1) or voted).time_ns),
            "signature": base64.b64encode(self.digest("vote", height) * 2).decode(),
        }
        return {"height": str(height), "round": 0, "block_id": self.block_id(height), "signatures": [vote]}

    def events(self, block: Block) -> Sequence[Event]:
        """What a block itself emitted, outside its transactions."""
        return (*begin_block_events(self.chain.spec), *block.events)

    def results(self, block: Block) -> dict[str, Any]:
        """The result of `block_results`."""
        txs = [result_document(block.results[place]) for place in self.shown(block)]
        return {
            "height": str(block.height),
            "txs_results": txs or None,
            "finalize_block_events": [event.json() for event in self.events(block)],
            "validator_updates": None,
            "consensus_param_updates": _CONSENSUS,
            "app_hash": base64.b64encode(self.digest("app", block.height)).decode(),
        }


_CONSENSUS = {
    "block": {"max_bytes": "22020096", "max_gas": "-1"},
    "evidence": {"max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576"},
    "validator": {"pub_key_types": ["ed25519"]},
    "version": {},
    "abci": {},
}
