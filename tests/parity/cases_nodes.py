"""JSON-RPC itself: envelopes, limits, blocks, searches."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank

from tests.localnet.node import ALPHA, BETA
from tests.parity import envelopes, wires
from tests.parity.registry import case
from tests.parity.scenes import payment, quiet_blocks
from tests.parity.side import Side

FAR = 1_000_000
_UNKNOWN_HASH = hashlib.sha256(b"no such transaction").digest()


def _post(side: Side, body: object, chain: str = ALPHA) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return side.post(side.rpc[chain], raw)


def _health(number: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": "health", "params": {}}


# Envelopes


@case
def status_of_an_older_chain(side: Side) -> Any:
    return _steady_status(side.call(ALPHA, "status"))


@case
def status_of_a_newer_chain(side: Side) -> Any:
    return _steady_status(side.call(BETA, "status"))


@case
def health(side: Side) -> Any:
    return side.call(ALPHA, "health")


@case
def unknown_method(side: Side) -> Any:
    return side.call(ALPHA, "no_such_method")


@case
def body_that_is_no_json(side: Side) -> Any:
    return _post(side, b"{nonsense")


@case
def body_that_is_empty(side: Side) -> Any:
    reply = _post(side, b"")
    return {**reply, "body": reply["body"][:45]}


@case
def body_that_is_an_empty_object(side: Side) -> Any:
    return _post(side, {})


@case
def body_that_is_no_call(side: Side) -> Any:
    return _post(side, [1, 2])


@case
def batch_of_two(side: Side) -> Any:
    return _post(side, [_health(0), _health(1)])


@case
def batch_of_one(side: Side) -> Any:
    return _post(side, [_health(0)])


@case
def batch_of_ten(side: Side) -> Any:
    return _post(side, [_health(number) for number in range(10)])


@case
def batch_of_eleven(side: Side) -> Any:
    return _post(side, [_health(number) for number in range(11)])


@case
def batch_of_none(side: Side) -> Any:
    return _post(side, [])


@case
def batch_with_one_unknown_method(side: Side) -> Any:
    return _post(side, [_health(0), {"jsonrpc": "2.0", "id": 1, "method": "nothing", "params": {}}])


@case
def body_above_the_limit(side: Side) -> Any:
    return _post(side, json.dumps(_health(0)).encode() + b" " * 1_000_000)


@case
def id_that_is_a_text(side: Side) -> Any:
    return _post(side, _health("seven"))


@case
def notification_without_an_id(side: Side) -> Any:
    return _post(side, {"jsonrpc": "2.0", "method": "health", "params": {}})


@case
def params_by_position(side: Side) -> Any:
    return _post(side, {"jsonrpc": "2.0", "id": 0, "method": "block_results", "params": [str(FAR)]})


@case
def params_of_the_wrong_type(side: Side) -> Any:
    return _post(side, {"jsonrpc": "2.0", "id": 0, "method": "block", "params": {"height": "tall"}})


@case
def params_that_are_a_number(side: Side) -> Any:
    return _post(side, {"jsonrpc": "2.0", "id": 0, "method": "block", "params": {"height": FAR}})


@case
def health_over_uri(side: Side) -> Any:
    return side.get(ALPHA, "/health")


@case
def unknown_block_over_uri(side: Side) -> Any:
    return side.get(ALPHA, f"/block_results?height={FAR}")


@case
def unknown_path_over_uri(side: Side) -> Any:
    return side.get(ALPHA, "/no_such_method")


# Blocks


def _at(side: Side, method: str, height: int, chain: str = ALPHA) -> Any:
    return side.call(chain, method, height=str(height))


def _quietly(side: Side, method: str, chain: str = ALPHA) -> Any:
    return _at(side, method, side.scene(quiet_blocks)[chain], chain)


def _results_without_amounts(reply: dict[str, Any]) -> Any:
    """Block results whose own events, the minting of new coins, are told by type and key."""
    result = reply["body"]["result"]
    result["finalize_block_events"] = [
        [event["type"], *[one["key"] for one in event["attributes"]]] for event in result["finalize_block_events"] or []
    ]
    return reply


@case
def block_of_a_height(side: Side) -> Any:
    return _quietly(side, "block")


@case
def newest_block(side: Side) -> Any:
    reply = side.call(ALPHA, "block")
    return {"status": reply["status"], "fields": _fields(reply["body"]["result"])}


@case
def block_in_the_future(side: Side) -> Any:
    return _at(side, "block", FAR)


@case
def block_zero(side: Side) -> Any:
    return _at(side, "block", 0)


@case
def block_of_a_negative_height(side: Side) -> Any:
    return _at(side, "block", -1)


@case
def header_of_a_height(side: Side) -> Any:
    return _quietly(side, "header")


@case
def header_in_the_future(side: Side) -> Any:
    return _at(side, "header", FAR)


@case
def results_of_an_empty_block(side: Side) -> Any:
    return _results_without_amounts(_quietly(side, "block_results"))


@case
def results_of_an_empty_block_of_a_newer_chain(side: Side) -> Any:
    return _results_without_amounts(_quietly(side, "block_results", BETA))


@case
def results_of_a_block_with_a_transaction(side: Side) -> Any:
    tx = side.scene(payment)
    result = _at(side, "block_results", int(tx["height"]))["body"]["result"]
    return {"fields": sorted(result), "txs_results": result["txs_results"]}


@case
def results_in_the_future(side: Side) -> Any:
    return _at(side, "block_results", FAR)


@case
def blockchain_of_one_height(side: Side) -> Any:
    height = str(side.scene(quiet_blocks)[ALPHA])
    return side.call(ALPHA, "blockchain", minHeight=height, maxHeight=height)


@case
def blockchain_in_the_future(side: Side) -> Any:
    return side.call(ALPHA, "blockchain", minHeight=str(FAR), maxHeight=str(FAR))


@case
def blockchain_upside_down(side: Side) -> Any:
    return side.call(ALPHA, "blockchain", minHeight="5", maxHeight="3")


@case
def commit_of_a_height(side: Side) -> Any:
    return _quietly(side, "commit")


# What an old node has no more


@case
def block_that_was_pruned(side: Side) -> Any:
    return _pruned(side, "block", height="2")


@case
def header_that_was_pruned(side: Side) -> Any:
    return _pruned(side, "header", height="2")


@case
def results_that_were_pruned(side: Side) -> Any:
    return _pruned(side, "block_results", height="2")


@case
def blockchain_that_was_pruned(side: Side) -> Any:
    return _pruned(side, "blockchain", minHeight="2", maxHeight="2")


@case
def state_that_was_pruned(side: Side) -> Any:
    return side.query("", "store/bank/key", b"none", height=2, url=side.pruned_rpc())


@case
def query_of_state_that_was_pruned(side: Side) -> Any:
    request = bank.QueryBalanceRequest(address=wires.UNUSED, denom="stake")
    path = "/cosmos.bank.v1beta1.Query/Balance"
    return side.query("", path, request, height=2, url=side.pruned_rpc())


def _pruned(side: Side, method: str, **params: object) -> Any:
    return side.post(side.pruned_rpc(), envelopes.request(method, params))


def _steady_status(reply: dict[str, Any]) -> Any:
    validator = reply["body"]["result"]["validator_info"]
    validator["voting_power"] = "<power>" if validator["voting_power"] != "0" else "0"
    node = reply["body"]["result"]["node_info"]
    node["listen_addr"], node["id"] = "<listen>", "<node>"
    node["other"]["rpc_address"] = "<listen>"
    return reply


def _fields(value: Any) -> Any:
    """The names and kinds of an answer's fields, where the values are the chain's own business."""
    if isinstance(value, dict):
        return {key: _fields(item) for key, item in value.items()}
    return [_fields(value[0])] if isinstance(value, list) and value else type(value).__name__
