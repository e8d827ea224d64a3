"""A full node's JSON-RPC without the transport: methods, their parameters, results and errors, as CometBFT 0.38.

Method names and parameters are those of `rpc/core/routes.go`; a method that isn't here is one that the node hasn't.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relayclear.rehearsal import arguments, queries
from relayclear.rehearsal.arguments import Arguments, Params
from relayclear.rehearsal.chain import Block, Chain, MempoolError
from relayclear.rehearsal.documents import Documents, event_document
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.go_text import GoError, time_text
from relayclear.rehearsal.node_facts import node_info, validator_info
from relayclear.rehearsal.query_language import QueryError
from relayclear.rehearsal.routes import ROUTES
from relayclear.rehearsal.search import Index, Place
from relayclear.rehearsal.transactions import hash_of

DEFAULT_PER_PAGE, MAX_PER_PAGE, MAX_QUERY_LENGTH = 30, 100, 512
_MOST_HEADERS = 20
Method = Callable[[Arguments], dict[str, Any]]


class RpcError(Exception):
    """A JSON-RPC error: `code`, `message`, and `data` with the reason (may be empty)."""

    def __init__(self, code: int, message: str, data: str = "") -> None:
        """All three as the error object carries them."""
        super().__init__(f"{code} {message}: {data}" if data else f"{code} {message}")
        self.code, self.message, self.data = code, message, data

    @classmethod
    def internal(cls, data: str) -> RpcError:
        """-32603: the method itself refused."""
        return cls(-32603, "Internal error", data)

    @classmethod
    def invalid_params(cls, data: str) -> RpcError:
        """-32602: the parameters can't be read."""
        return cls(-32602, "Invalid params", f"error converting json params to arguments: {data}")


@dataclass
class Node:
    """One full node in front of a chain, with faults of its own."""

    chain: Chain
    faults: NodeFaults
    name: str = ""

    def __post_init__(self) -> None:
        """Its index follows the chain."""
        self._index = Index(self.chain)
        self._methods: dict[str, Method] = {
            "health": self._health,
            "status": self._status,
            "net_info": self._net_info,
            "abci_info": self._abci_info,
            "abci_query": self._abci_query,
            "block": self._whole_block,
            "blockchain": self._blockchain,
            "block_results": self._block_results,
            "header": self._header,
            "commit": self._commit,
            "tx": self._tx,
            "tx_search": self._tx_search,
            "block_search": self._block_search,
            "broadcast_tx_sync": self._broadcast,
        }

    @property
    def height(self) -> int:
        """The newest block that this node has."""
        return max(min(1, self.chain.height), self.chain.height - self.faults.behind)

    @property
    def lowest(self) -> int:
        """The oldest block that it still has."""
        return min(max(1, self.faults.pruned_below), self.height)

    @property
    def documents(self) -> Documents:
        """How it shows blocks and transactions."""
        return Documents(self.chain, self.faults)

    def call(self, method: str, params: Params) -> dict[str, Any]:
        """The `result` of a method; parameters by name or by place, as JSON has them.  Raises RpcError."""
        run = self._methods.get(method)
        if run is None:
            raise RpcError(-32601, "Method not found")
        try:
            return run(arguments.read(ROUTES[method], params))
        except GoError as wrong:
            raise RpcError.invalid_params(str(wrong)) from wrong
        except (QueryError, MempoolError) as refused:
            raise RpcError.internal(str(refused)) from refused

    def event_of_tx(self, height: int, place: int) -> dict[str, Any]:
        """The value of a `tendermint/event/Tx`: `{"TxResult": …}`."""
        block = self._block(height)
        return event_document(height, place, block.txs[place], block.results[place])

    def _block(self, height: int) -> Block:
        return self.chain.blocks[height - 1]

    def _kept(self, asked: int | None) -> Block:
        if asked is None:
            return self._block(self.height)
        if asked <= 0:
            raise RpcError.internal(f"height must be greater than 0, but got {asked}")
        if asked > self.height:
            limit = f"less than or equal to the current blockchain height {self.height}"
            raise RpcError.internal(f"height {asked} must be {limit}")
        if asked < self.lowest:
            raise RpcError.internal(f"height {asked} is not available, lowest height is {self.lowest}")
        return self._block(asked)

    def _indexed(self, place: Place) -> bool:
        height, number = place
        in_time = height <= self.height - self.faults.index_lag
        return in_time and hash_of(self._block(height).txs[number]) not in self.faults.hidden_txs

    def _health(self, _: Arguments) -> dict[str, Any]:
        return {}

    def _net_info(self, _: Arguments) -> dict[str, Any]:
        return {"listening": True, "listeners": ["Listener(@)"], "n_peers": "0", "peers": []}

    def _status(self, _: Arguments) -> dict[str, Any]:
        sync: dict[str, Any] = {}
        for word, height in (("latest", self.height), ("earliest", self.lowest)):
            sync[f"{word}_block_hash"] = self.documents.block_id(height)["hash"]
            sync[f"{word}_app_hash"] = self.documents.app_hash(height)
            sync[f"{word}_block_height"] = str(height)
            sync[f"{word}_block_time"] = time_text(self._block(height).time_ns)
        return {
            "node_info": node_info(self.chain, self.faults, self.name),
            "sync_info": {**sync, "catching_up": self.faults.catching_up},
            "validator_info": validator_info(self.chain),
        }

    def _abci_info(self, _: Arguments) -> dict[str, Any]:
        app_hash = _base64(self.documents.digest("app", self.height))
        said = {"data": "SimApp", "last_block_height": str(self.height), "last_block_app_hash": app_hash}
        return {"response": said}

    def _abci_query(self, given: Arguments) -> dict[str, Any]:
        query = queries.Query(given.get("path", ""), given.get("data", b""), given.get("height", 0))
        return {"response": queries.answer(self.chain, self.faults, self.name, query, self.height)}

    def _header(self, given: Arguments) -> dict[str, Any]:
        return {"header": self.documents.header(self._kept(given.get("height")))}

    def _whole_block(self, given: Arguments) -> dict[str, Any]:
        return self.documents.block(self._kept(given.get("height")))

    def _blockchain(self, given: Arguments) -> dict[str, Any]:
        """Up to 20 headers, the highest first."""
        lowest, highest = given.get("minHeight", 0), given.get("maxHeight", 0)
        if lowest < 0 or highest < 0:
            raise RpcError.internal("heights must be non-negative")
        highest = min(self.height, highest or self.height)
        lowest = max(self.lowest, lowest or 1, highest - _MOST_HEADERS + 1)
        if lowest > highest:
            raise RpcError.internal(f"min height {lowest} can't be greater than max height {highest}")
        found = [self.documents.meta(self._block(height)) for height in range(highest, lowest - 1, -1)]
        return {"last_height": str(self.height), "block_metas": found}

    def _commit(self, given: Arguments) -> dict[str, Any]:
        return self.documents.commit(self._kept(given.get("height")), self.height)

    def _block_results(self, given: Arguments) -> dict[str, Any]:
        return self.documents.results(self._kept(given.get("height")))

    def _tx(self, given: Arguments) -> dict[str, Any]:
        self._want_index("transaction")
        tx_hash = given.get("hash", b"").hex().upper()
        if not tx_hash:
            raise RpcError.internal("transaction hash cannot be empty")
        place = self.chain.places.get(tx_hash)
        if place is None or not self._indexed(place):
            raise RpcError.internal(f"tx ({tx_hash}) not found")
        return self.documents.transaction(*place, prove=given.get("prove", False))

    def _want_index(self, what: str) -> None:
        if not self.faults.tx_index:
            raise RpcError.internal(f"{what} indexing is disabled")

    def _tx_search(self, given: Arguments) -> dict[str, Any]:
        self._want_index("transaction")
        query = given.get("query", "")
        if len(query.encode()) > MAX_QUERY_LENGTH:
            raise RpcError.internal("maximum query length exceeded")
        found = [place for place in self._index.transactions(query) if self._indexed(place)]
        wanted = _page(found, given, usual="asc")
        txs = [self.documents.transaction(*place, prove=given.get("prove", False)) for place in wanted]
        return {"txs": txs, "total_count": str(len(found))}

    def _block_search(self, given: Arguments) -> dict[str, Any]:
        self._want_index("block")
        limit = self.height - self.faults.index_lag
        found = [height for height in self._index.blocks(given.get("query", "")) if height <= limit]
        wanted = _page(found, given, usual="desc")
        blocks = [self.documents.block(self._block(height)) for height in wanted if height >= self.lowest]
        return {"blocks": blocks, "total_count": str(len(found))}

    def _broadcast(self, given: Arguments) -> dict[str, Any]:
        raw = given.get("tx", b"")
        result = self.chain.broadcast(raw)
        said = {"code": result.code, "data": "", "log": result.log, "codespace": result.codespace}
        return {**said, "hash": hash_of(raw)}


def _page(found: list[Any], given: Arguments, *, usual: str) -> list[Any]:
    """The page that is asked for; `found` goes up."""
    order = given.get("order_by", "")
    if order not in ("asc", "desc", ""):
        raise RpcError.internal("expected order_by to be either `asc` or `desc` or empty")
    asked = given.get("per_page", 0)
    size = min(asked, MAX_PER_PAGE) if asked > 0 else DEFAULT_PER_PAGE
    pages = max(1, -(-len(found) // size))
    page = given.get("page", 1)
    if not 1 <= page <= pages:
        raise RpcError.internal(f"page should be within [1, {pages}] range, given {page}")
    ordered = found if (order or usual) == "asc" else found[::-1]
    return ordered[(page - 1) * size : page * size]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
