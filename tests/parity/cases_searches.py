"""What a node finds: transactions, blocks, and what it says to searches that make no sense."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.localnet.node import ALPHA
from tests.parity import envelopes
from tests.parity.registry import case
from tests.parity.scenes import payment, quiet_blocks
from tests.parity.side import Side

_UNKNOWN_HASH = hashlib.sha256(b"no such transaction").digest()


def _search(side: Side, method: str, query: str, **params: object) -> Any:
    asked = {"page": "1", "per_page": "30", "order_by": "asc", **params}
    return side.call(ALPHA, method, query=query, **asked)


def _by_sender(side: Side) -> str:
    tx = side.scene(payment)
    events = tx["tx_result"]["events"]
    sender = next(
        one["value"]
        for event in events
        if event["type"] == "transfer"
        for one in event["attributes"]
        if one["key"] == "sender"
    )
    return f"transfer.sender='{sender}'"


@case
def transaction_that_is_there(side: Side) -> Any:
    tx_hash = bytes.fromhex(side.scene(payment)["hash"])
    return side.call(ALPHA, "tx", hash=envelopes.to_base64(tx_hash), prove=False)


@case
def transaction_nobody_knows(side: Side) -> Any:
    return side.call(ALPHA, "tx", hash=envelopes.to_base64(_UNKNOWN_HASH), prove=False)


@case
def transaction_of_a_hash_that_is_none(side: Side) -> Any:
    return side.call(ALPHA, "tx", hash="not base64!", prove=False)


@case
def transaction_over_uri(side: Side) -> Any:
    return side.get(ALPHA, f"/tx?hash=0x{side.scene(payment)['hash']}")


@case
def unknown_transaction_over_uri(side: Side) -> Any:
    return side.get(ALPHA, f"/tx?hash=0x{_UNKNOWN_HASH.hex()}")


@case
def search_that_finds_one(side: Side) -> Any:
    return _search(side, "tx_search", _by_sender(side), prove=False)


@case
def search_that_finds_nothing(side: Side) -> Any:
    return _search(side, "tx_search", "send_packet.packet_sequence='987654'", prove=False)


@case
def search_by_hash(side: Side) -> Any:
    reply = _search(side, "tx_search", f"tx.hash='{side.scene(payment)['hash']}'")
    return {"status": reply["status"], "total": reply["body"]["result"]["total_count"]}


@case
def search_by_height(side: Side) -> Any:
    tx = side.scene(payment)
    reply = _search(side, "tx_search", f"tx.height={tx['height']}")
    return {"status": reply["status"], "found": tx["hash"] in [one["hash"] for one in reply["body"]["result"]["txs"]]}


@case
def search_with_two_conditions(side: Side) -> Any:
    both = f"{_by_sender(side)} AND transfer.amount='700token'"
    neither = f"{_by_sender(side)} AND transfer.amount='701token'"
    return [_search(side, "tx_search", query)["body"]["result"]["total_count"] for query in (both, neither)]


@case
def search_newest_first_by_two_kinds_of_attribute(side: Side) -> Any:
    query = f"{_by_sender(side)} AND message.action='/cosmos.bank.v1beta1.MsgSend'"
    return _search(side, "tx_search", query, order_by="desc")["body"]["result"]["total_count"]


@case
def search_without_a_query(side: Side) -> Any:
    return _search(side, "tx_search", "")


@case
def search_that_makes_no_sense(side: Side) -> Any:
    return _search(side, "tx_search", "send_packet.packet_sequence=")


@case
def search_in_an_unknown_order(side: Side) -> Any:
    return _search(side, "tx_search", _by_sender(side), order_by="random")


@case
def search_behind_the_last_page(side: Side) -> Any:
    return _search(side, "tx_search", _by_sender(side), page="2")


@case
def search_for_page_zero(side: Side) -> Any:
    return _search(side, "tx_search", _by_sender(side), page="0")


@case
def search_for_more_rows_than_a_node_gives(side: Side) -> Any:
    reply = _search(side, "tx_search", _by_sender(side), per_page="1000")
    return {"status": reply["status"], "total": reply["body"]["result"]["total_count"]}


@case
def search_for_blocks_that_finds_nothing(side: Side) -> Any:
    return _search(side, "block_search", "send_packet.packet_sequence='987654'")


@case
def search_for_blocks_by_height(side: Side) -> Any:
    return _search(side, "block_search", f"block.height={side.scene(quiet_blocks)[ALPHA]}")


@case
def search_for_blocks_that_makes_no_sense(side: Side) -> Any:
    return _search(side, "block_search", "=3")


@case
def search_for_blocks_behind_the_last_page(side: Side) -> Any:
    return _search(side, "block_search", "block.height=3", page="9")
