"""A node's index of transactions and blocks, and the times of blocks."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from relayclear.chains import jsonrpc, wire
from relayclear.chains.endpoints import Endpoints
from relayclear.errors import HeightError, NodeError, RelayclearError

# Relay transactions are 50 to 100 kB each: few at first. A hundred is as many as a node gives.
FEW = 30
MANY = 100
# As many headers as a node gives at once.
_HEADERS = 20
# Some 2,000 transactions with the same sequence on the same channel id: no honest index has them.
_MOST_PAGES = 20


class Search(NamedTuple):
    """What to search for.

    `broad` has one condition on one attribute with few values: a node walks every condition on its own, and one on a
    channel walks all that ever happened there.  `narrow` is added only where the broad one finds too much.
    """

    broad: str
    narrow: str


class FoundTx(NamedTuple):
    """A transaction out of the index, or a block; `raw` is its base64, `log` hostile."""

    hash: str
    height: int
    code: int
    gas_used: int
    events: Any
    raw: str
    log: str = ""


class Index:
    """Searches over a chain's endpoints; one with its index off passes the question on."""

    def __init__(self, endpoints: Endpoints) -> None:
        """Know nothing yet."""
        self._endpoints = endpoints

    @property
    def chain(self) -> str:
        """The chain id."""
        return self._endpoints.chain

    async def txs(self, searches: Sequence[Search]) -> list[list[FoundTx] | RelayclearError]:
        """The transactions of each search, oldest first.  An empty list proves nothing: indexes forget."""
        answers = await self._endpoints.ask([_tx_search(search.broad, 1, FEW) for search in searches])
        found = [_found(answer) for answer in answers]
        for index, (search, answer) in enumerate(zip(searches, answers, strict=True)):
            if isinstance(got := found[index], list) and _total(answer) > len(got):
                found[index] = await self._all_pages(f"{search.broad} AND {search.narrow}")
        return found

    async def blocks(self, searches: Sequence[Search]) -> list[list[int] | RelayclearError]:
        """The heights of blocks whose own events match; broad conditions only."""
        answers = await self._endpoints.ask(
            [jsonrpc.call("block_search", query=s.broad, page=1, per_page=MANY, order_by="asc") for s in searches]
        )
        return [_heights(answer) for answer in answers]

    async def block_results(self, heights: Iterable[int]) -> dict[int, Any]:
        """The results of blocks, errors as values."""
        asked = sorted(set(heights))
        answers = await self._endpoints.ask([jsonrpc.call("block_results", height=height) for height in asked])
        return dict(zip(asked, answers, strict=True))

    async def times(self, heights: Iterable[int]) -> dict[int, datetime | RelayclearError]:
        """The times in the headers of blocks; HeightError where no endpoint has the block any more."""
        asked = sorted(set(heights))
        spans = list(_spans(asked))
        # `header` came with 0.37; this one is in every version, and gives twenty at once.
        answers = await self._endpoints.ask(
            [jsonrpc.call("blockchain", minHeight=span[0], maxHeight=span[-1]) for span in spans]
        )
        pairs = [(height, answer) for span, answer in zip(spans, answers, strict=True) for height in span]
        found = {height: _time(height, answer) for height, answer in pairs}
        # A node that has but a part of a span gives that part: another may have the rest.
        missing = [height for span in spans if len(span) > 1 for height in span if not _is_time(found[height])]
        return found | (await self._single_times(missing) if missing else {})

    async def _single_times(self, heights: Sequence[int]) -> dict[int, datetime | RelayclearError]:
        calls = [jsonrpc.call("blockchain", minHeight=height, maxHeight=height) for height in heights]
        answers = await self._endpoints.ask(calls)
        return {height: _time(height, answer) for height, answer in zip(heights, answers, strict=True)}

    async def _all_pages(self, query: str) -> list[FoundTx] | RelayclearError:
        found: list[FoundTx] = []
        for page in range(1, _MOST_PAGES + 1):
            [answer] = await self._endpoints.ask([_tx_search(query, page, MANY)])
            got = _found(answer)
            if isinstance(got, RelayclearError):
                return got
            found += got
            if not got or len(found) >= _total(answer):
                return found
        return NodeError(f"more than {MANY * _MOST_PAGES} transactions match {query}")


def _spans(heights: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut rising heights into runs that a node shows the headers of in one answer."""
    start = 0
    for place, height in enumerate(heights):
        if height >= heights[start] + _HEADERS:
            yield heights[start:place]
            start = place
    if heights:
        yield heights[start:]


def _is_time(value: datetime | RelayclearError) -> bool:
    return isinstance(value, datetime)


def _tx_search(query: str, page: int, size: int) -> jsonrpc.Call:
    return jsonrpc.call("tx_search", query=query, prove=False, page=page, per_page=size, order_by="asc")


def _total(answer: Any) -> int:
    try:
        return int(answer["total_count"])
    except (KeyError, TypeError, ValueError):
        return 0


def _found(answer: Any) -> list[FoundTx] | RelayclearError:
    if isinstance(answer, RelayclearError):
        return answer
    try:
        return [_tx(row) for row in answer["txs"] or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        return NodeError("the node's search result makes no sense")


def read_tx(answer: Any) -> FoundTx | RelayclearError:
    """One transaction as `tx` shows it; an error passes through."""
    if isinstance(answer, RelayclearError):
        return answer
    try:
        return _tx(answer)
    except (KeyError, TypeError, ValueError, AttributeError):
        return NodeError("the node's transaction makes no sense")


def check_bytes(tx: FoundTx, wanted: str) -> None:
    """Raise NodeError for the bytes of another transaction: the hash is what it is known by for ever."""
    try:
        right = sha256(binascii.a2b_base64(tx.raw)).hexdigest().upper() == tx.hash == wanted
    except binascii.Error:
        right = False
    if not right:
        raise NodeError(f"the node's transaction is another one than its hash {wanted[:64]} says")


def _tx(row: Any) -> FoundTx:
    return FoundTx(
        hash=str(row["hash"]).upper(),
        height=wire.number(row["height"]),
        # Absent means 0: both are how protobuf JSON writes a zero.
        code=wire.number(row["tx_result"].get("code") or 0),
        gas_used=wire.number(row["tx_result"].get("gas_used") or 0),
        events=row["tx_result"].get("events") or [],
        raw=str(row.get("tx") or ""),
        log=str(row["tx_result"].get("log") or ""),
    )


def _heights(answer: Any) -> list[int] | RelayclearError:
    if isinstance(answer, RelayclearError):
        return answer
    try:
        return [wire.number(row["block"]["header"]["height"]) for row in answer["blocks"] or ()]
    except (KeyError, TypeError, ValueError):
        return NodeError("the node's search result makes no sense")


def _time(height: int, answer: Any) -> datetime | RelayclearError:
    if isinstance(answer, RelayclearError):
        return answer
    try:
        headers = [meta["header"] for meta in answer["block_metas"] or ()]
        for header in headers:
            if int(header["height"]) == height:
                return wire.moment(header["time"])
    except (KeyError, TypeError, ValueError):
        return NodeError("the node's headers make no sense")
    return HeightError(f"the node has no block {height}")
