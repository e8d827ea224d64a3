"""Searches of a window of heights whose answers come with a proof that the node could know.

An index can be off, late, or begin after the asked heights (a node that was set up from a snapshot), and then it
answers as if nothing had been there.  So every search goes out together with questions whose answers give that away,
all to one node.  That a node gives a part as if it were all (cometbft #2101) can't be found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from relayclear.chains import jsonrpc
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import DeclinedError
from relayclear.errors import HeightError, IndexerError, NodeError, RelayclearError

# A hundred is as many as a node gives; fewer where a hundred relays are larger than a reply may be.
_PAGE_SIZES = (100, 10, 1)
_PAGES_AT_ONCE = 4
_PROOFS = 4


class Search(NamedTuple):
    """What to search: transactions or blocks (`method`), and the one condition beside that on the height."""

    method: str
    height: str
    rows: str
    condition: str


def transactions(condition: str) -> Search:
    """Transactions with an event."""
    return Search("tx_search", "tx.height", "txs", condition)


def blocks(condition: str) -> Search:
    """Blocks that have an event outside their transactions."""
    return Search("block_search", "block.height", "blocks", condition)


MOST_ROWS = 1_000_000
"""Of one window of blocks: what counts more can't be read anyway, and a node may say any number."""


async def search(endpoints: Endpoints, searches: Sequence[Search], first: int, last: int) -> list[list[Any]]:
    """The rows of each search in the blocks `first` to `last`, in the order of the chain.

    Raises IndexerError where the index is off or hasn't come to `last`, HeightError where a node no longer has
    `first` or doesn't have `last`, NodeError.
    """
    for size in _PAGE_SIZES[:-1]:
        try:
            return await _all_pages(endpoints, searches, size, first, last)
        except DeclinedError as declined:
            if not declined.oversized:
                raise
    return await _all_pages(endpoints, searches, _PAGE_SIZES[-1], first, last)


async def _all_pages(
    endpoints: Endpoints, searches: Sequence[Search], size: int, first: int, last: int
) -> list[list[Any]]:
    queries = {one: f"{one.condition} AND {one.height}>={first} AND {one.height}<={last}" for one in searches}
    opening = await _proven(endpoints, [_page(one, queries[one], 1, size) for one in searches], first, last)
    answers = {one: [answer] for one, answer in zip(searches, opening, strict=True)}
    totals = {one: _total(answer) for one, answer in zip(searches, opening, strict=True)}
    if max(totals.values(), default=0) > MOST_ROWS:
        raise NodeError(f"the node's search counts more than {MOST_ROWS} in one window of blocks")
    waiting = [(one, page) for one in searches for page in range(2, -(-totals[one] // size) + 1)]
    for start in range(0, len(waiting), _PAGES_AT_ONCE):
        group = waiting[start : start + _PAGES_AT_ONCE]
        # Each alone, so that large transactions don't have to fit into one reply with others.
        calls = [_page(one, queries[one], page, size)._replace(alone=True) for one, page in group]
        for (one, _), answer in zip(group, await _proven(endpoints, calls, first, last), strict=True):
            answers[one].append(answer)
    return [_rows(one, answers[one], totals[one]) for one in searches]


def _rows(one: Search, answers: Iterable[Any], total: int) -> list[Any]:
    rows: list[Any] = []
    for answer in answers:
        found = answer.get(one.rows)
        rows += found if isinstance(found, list) else []
        if _total(answer) != total:
            raise NodeError("the node's search result changed while it was read")
    if len(rows) != total:
        raise NodeError(f"the node's search counts {total} and gives {len(rows)}")
    return rows


def _page(one: Search, query: str, page: int, size: int) -> Call:
    return jsonrpc.call(one.method, query=query, page=page, per_page=size, order_by="asc")


async def _proven(endpoints: Endpoints, calls: Sequence[Call], first: int, last: int) -> list[Any]:
    """Answers of one node, which has every block of the window and has indexed the last."""
    proof = [
        jsonrpc.call("blockchain", minHeight=first, maxHeight=first),
        jsonrpc.call("blockchain", minHeight=last, maxHeight=last),
        # Indexed are first a block's own events, then its transactions: neither alone tells that all is there.
        jsonrpc.call("block_search", query=f"block.height={last}", page=1, per_page=1),
        jsonrpc.call("tx_search", query=f"tx.height={last}", page=1, per_page=1),
    ]
    answers = await endpoints.together([*proof, *calls], lambda got: _trouble(got, first, last))
    return answers[_PROOFS:]


def _trouble(answers: Sequence[Any], first: int, last: int) -> RelayclearError | None:
    for answer in answers:
        if isinstance(answer, RelayclearError):
            return answer
    try:
        counted = {height: _counted(answer, height) for height, answer in ((first, answers[0]), (last, answers[1]))}
        block, txs, *_ = [_total(answer) for answer in answers[2:]]
    except (KeyError, TypeError, ValueError):
        return NodeError("the node's search result makes no sense")
    missing = next((height for height, count in counted.items() if count is None), None)
    if missing is not None:
        return HeightError(f"the node has no block {missing}")
    if not block or txs < (counted[last] or 0):
        return IndexerError(f"the node's index has not come to block {last} yet", code="indexer_behind")
    return None


def _counted(answer: Any, height: int) -> int | None:
    """How many transactions a header's block has, None where the node doesn't show it."""
    counts = {int(meta["header"]["height"]): int(meta["num_txs"]) for meta in answer["block_metas"] or ()}
    return counts.get(height)


def _total(answer: Any) -> int:
    return int(answer["total_count"])
