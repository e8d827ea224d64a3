"""What a simulated node answers to each method, good and bad: shapes and texts as real nodes gave them."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx

from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import staging
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.go_text import GoError, base64_bytes, hex_bytes, time_text
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.staging import ALPHA, address
from relayclear.rehearsal.transactions import Terms, encode, hash_of, wrap
from relayclear.rehearsal.world import World, coins
from tests.rehearsal.asking import node, refusal

NOW = 1_800_000_000 * 10**9
ARGUMENTS = "error converting json params to arguments: "


@pytest.fixture
def world() -> World:
    made = staging.founded(NOW)
    source, _ = made.connect("alpha-1", "beta-1")
    staging.transfer(made, source, amount=1)
    return made


def in_base64(tx_hash: str) -> str:
    return base64.b64encode(bytes.fromhex(tx_hash)).decode()


def payment(amount: int = 1) -> bytes:
    sender, receiver = address(ALPHA, "alice"), address(ALPHA, "bob")
    message = bank_tx.MsgSend(from_address=sender, to_address=receiver, amount=coins((amount, "token")))
    return encode(ALPHA, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], Terms(1), key=Key.of_name("alice"))


def only_tx(chain: Chain) -> tuple[int, str]:
    [(name, (height, _))] = chain.places.items()
    return height, name


# Parameters


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("block", {"height": 5}, 'invalid 64-bit integer encoding "5", expected string'),
        ("block", {"height": True}, 'invalid 64-bit integer encoding "true", expected string'),
        ("block", {"height": ["5"]}, 'invalid 64-bit integer encoding "[\\"5\\"]", expected string'),
        ("block", {"height": "abc"}, "invalid character 'a' looking for beginning of value"),
        ("block", {"height": "-x"}, "invalid character 'x' in numeric literal"),
        ("block", {"height": "5 6"}, "invalid character ' ' after top-level value"),
        ("block", {"height": ""}, "unexpected end of JSON input"),
        ("block", {"height": "tall"}, "invalid character 'a' in literal true (expecting 'r')"),
        ("block", {"height": "true"}, "json: cannot unmarshal bool into Go value of type int64"),
        ("block", {"height": "fal"}, "unexpected end of JSON input"),
        ("block", {"height": "nullx"}, "invalid character 'x' after top-level value"),
        ("block", {"height": "1.5"}, "json: cannot unmarshal number 1.5 into Go value of type int64"),
        (
            "header",
            {"height": "99999999999999999999"},
            "json: cannot unmarshal number 99999999999999999999 into Go value of type int64",
        ),
        ("block", [], "expected 1 parameters ([height]), got 0 ([])"),
        ("block", ["5", "6"], "expected 1 parameters ([height]), got 2 ([[34 53 34] [34 54 34]])"),
        ("tx", {"hash": "zz"}, "illegal base64 data at input byte 0"),
        ("tx", {"hash": 5}, "json: cannot unmarshal number into Go value of type []uint8"),
        ("tx", {"hash": "AQE=", "prove": "x"}, "json: cannot unmarshal string into Go value of type bool"),
        ("tx_search", {"query": 5}, "json: cannot unmarshal number into Go value of type string"),
        ("tx_search", {"query": "a='b'", "per_page": 9}, 'invalid 64-bit integer encoding "9", expected string'),
        ("broadcast_tx_sync", {"tx": "zz!"}, "illegal base64 data at input byte 2"),
        ("broadcast_tx_sync", {"tx": 5}, "json: cannot unmarshal number into Go value of type types.Tx"),
        ("abci_query", {"data": "0x01"}, "encoding/hex: invalid byte: U+0078 'x'"),
        ("abci_query", {"data": "1"}, "encoding/hex: odd length hex string"),
        ("abci_query", {"data": 5}, "invalid hex string: 5"),
    ],
)
def test_parameters_of_the_wrong_kind_are_refused_in_gos_words(
    world: World, method: str, params: Any, said: str
) -> None:
    assert refusal(node(world), method, params) == (-32602, ARGUMENTS + said)


@pytest.mark.parametrize(
    ("text", "place"),
    [("AQ=", 3), ("AQ=x", 3), ("A=", 1), ("AQE=AQE=", 4), ("AQEBA", 4), ("AQ==\n!", 5)],
)
def test_bad_base64_is_refused_at_the_byte_where_go_stops(text: str, place: int) -> None:
    with pytest.raises(GoError, match=f"illegal base64 data at input byte {place}$"):
        base64_bytes(text)


def test_what_go_reads_is_read() -> None:
    assert base64_bytes("AQ\nE=") == b"\x01\x01"
    assert hex_bytes("0aFf") == b"\x0a\xff"
    with pytest.raises(GoError, match=r"U\+000A$"):
        hex_bytes("\n0")
    assert [time_text(NOW), time_text(NOW + 120_000_000)] == ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.12Z"]


def test_null_is_as_if_nothing_was_given(world: World) -> None:
    alpha = node(world)
    assert alpha.call("header", {"height": None}) == alpha.call("header", {}) == alpha.call("header", [None])


def test_a_method_that_no_node_has_is_refused(world: World) -> None:
    assert refusal(node(world), "broadcast_everything", {}) == (-32601, "")


# Blocks


@pytest.mark.parametrize("method", ["block", "header", "block_results"])
def test_a_block_that_is_not_there_is_refused(world: World, method: str) -> None:
    world.step(20)
    top = world.chains["alpha-1"].height
    for asked, said in (
        (0, "height must be greater than 0, but got 0"),
        (-1, "height must be greater than 0, but got -1"),
        (999, f"height 999 must be less than or equal to the current blockchain height {top}"),
        (3, "height 3 is not available, lowest height is 10"),
    ):
        assert refusal(node(world, pruned_below=10), method, {"height": str(asked)}) == (-32603, said)


def test_a_block_and_its_results_tell_of_the_same_transactions(world: World) -> None:
    chain = world.chains["alpha-1"]
    height, name = only_tx(chain)
    block = node(world).call("block", {"height": str(height)})["block"]
    results = node(world).call("block_results", {"height": str(height)})
    [raw] = block["data"]["txs"]
    assert hash_of(base64.b64decode(raw)) == name
    [result] = results["txs_results"]
    assert [one["type"] for one in result["events"]].count("send_packet") == 1
    assert (block["header"]["height"], block["header"]["chain_id"]) == (str(height), "alpha-1")
    assert block["last_commit"]["block_id"] == block["header"]["last_block_id"]
    first = node(world).call("block", {"height": "1"})["block"]
    assert first["header"]["last_block_id"]["hash"] == ""
    assert first["last_commit"]["signatures"] == []
    empty = node(world).call("block_results", {"height": "1"})
    assert empty["txs_results"] is None


def test_every_block_tells_of_new_coins_that_nobody_sent(world: World) -> None:
    found = node(world).call("block_results", {"height": "1"})["finalize_block_events"]
    assert [one["type"] for one in found][:3] == ["coin_received", "coinbase", "coin_spent"]
    assert {one["attributes"][-1]["value"] for one in found} == {"BeginBlock"}


def test_a_commit_is_canonical_once_another_block_carries_it(world: World) -> None:
    world.step(5)
    top = world.chains["alpha-1"].height
    older, newest = (node(world).call("commit", {"height": str(height)}) for height in (top - 1, top))
    assert (older["canonical"], newest["canonical"]) == (True, False)
    carried = node(world).call("block", {"height": str(top)})["block"]["last_commit"]
    assert older["signed_header"]["commit"] == carried
    assert newest["signed_header"]["header"] == node(world).call("header", {})["header"]


def test_a_stretch_of_headers_comes_newest_first_and_never_more_than_twenty(world: World) -> None:
    world.step(30)
    found = node(world).call("blockchain", {"minHeight": "2", "maxHeight": "28"})["block_metas"]
    assert [int(meta["header"]["height"]) for meta in found] == [*range(28, 8, -1)]
    upside_down = refusal(node(world), "blockchain", {"minHeight": "5", "maxHeight": "3"})
    assert upside_down == (-32603, "min height 5 can't be greater than max height 3")


def test_status_tells_what_the_node_is_and_how_far_it_got(world: World) -> None:
    world.step(20)
    top = world.chains["alpha-1"].height
    asked = node(world, behind=2, catching_up=True, pruned_below=4, tx_index=False, chain_id="gamma-1")
    found = asked.call("status", {})
    assert found["node_info"]["network"] == "gamma-1"
    assert found["node_info"]["other"]["tx_index"] == "off"
    assert found["node_info"]["version"] == "0.38.11"
    sync = found["sync_info"]
    assert (sync["latest_block_height"], sync["earliest_block_height"]) == (str(top - 2), "4")
    assert sync["catching_up"] is True
    header = asked.call("header", {})["header"]
    assert (sync["latest_block_time"], header["chain_id"]) == (header["time"], "gamma-1")
    assert asked.call("abci_info", {})["response"]["last_block_height"] == str(top - 2)
    assert asked.call("health", {}) == {}
    assert asked.call("net_info", {})["n_peers"] == "0"


def test_hashes_hold_together_and_are_the_same_every_time(world: World) -> None:
    world.step(5)
    first, second = (node(world).call("header", {"height": str(height)})["header"] for height in (4, 5))
    named = node(world).call("block", {"height": "4"})["block_id"]
    assert second["last_block_id"] == named
    results = node(world).call("block_results", {"height": "4"})
    assert base64.b64decode(results["app_hash"]).hex().upper() == second["app_hash"] != first["app_hash"]
    assert node(world).call("status", {})["validator_info"]["address"] == first["proposer_address"]


# Transactions


def test_a_transaction_is_found_by_its_hash_with_everything_it_did(world: World) -> None:
    height, name = only_tx(world.chains["alpha-1"])
    found = node(world).call("tx", {"hash": in_base64(name), "prove": False})
    assert (found["hash"], found["height"], found["index"]) == (name, str(height), 0)
    assert "proof" not in found
    result = found["tx_result"]
    assert set(result) == {"code", "data", "log", "info", "gas_wanted", "gas_used", "events", "codespace"}
    assert (result["code"], result["log"], result["codespace"]) == (0, "", "")
    assert isinstance(result["gas_used"], str)
    assert all(row["index"] is True for one in result["events"] for row in one["attributes"])
    assert node(world).call("tx", {"hash": in_base64(name), "prove": True})["proof"]["data"] == found["tx"]


def test_a_failed_transaction_has_no_data(world: World) -> None:
    chain = world.chains["alpha-1"]
    chain.broadcast(payment(10**15))
    world.tick("alpha-1")
    found = node(world).call("tx_search", {"query": f"tx.height={chain.height}"})["txs"]
    [result] = [one["tx_result"] for one in found]
    assert (result["code"], result["codespace"], result["data"]) == (5, "sdk", None)


def test_a_transaction_that_the_node_does_not_know_is_not_found(world: World) -> None:
    _, name = only_tx(world.chains["alpha-1"])
    world.step(1)
    for faults in ({"hidden_txs": [name]}, {"index_lag": 5}, {"behind": 5}):
        asked = node(world, **faults)
        assert refusal(asked, "tx", {"hash": in_base64(name)}) == (-32603, f"tx ({name}) not found")
        assert asked.call("tx_search", {"query": "tx.height>0"}) == {"txs": [], "total_count": "0"}
    assert refusal(node(world), "tx", {"hash": "AQE="}) == (-32603, "tx (0101) not found")
    assert refusal(node(world), "tx", {}) == (-32603, "transaction hash cannot be empty")


def test_a_hidden_transaction_is_in_no_answer(world: World) -> None:
    height, name = only_tx(world.chains["alpha-1"])
    asked = node(world, hidden_txs=[name])
    assert asked.call("block", {"height": str(height)})["block"]["data"]["txs"] == []
    assert asked.call("block_results", {"height": str(height)})["txs_results"] is None


def test_without_an_index_nothing_can_be_searched(world: World) -> None:
    blind = node(world, tx_index=False)
    assert refusal(blind, "tx", {"hash": "AQE="}) == (-32603, "transaction indexing is disabled")
    assert refusal(blind, "tx_search", {"query": "tx.height>0"}) == (-32603, "transaction indexing is disabled")
    assert refusal(blind, "block_search", {"query": "block.height>0"}) == (-32603, "block indexing is disabled")


def test_pages_of_a_search_have_a_hundred_at_most_and_thirty_unless_asked(world: World) -> None:
    for _ in range(124):
        staging.transfer(world, ChannelEnd("alpha-1", "transfer", "channel-0"), amount=1)
    alpha, query = node(world), {"query": "tx.height>0"}

    def heights(**params: str) -> list[int]:
        return [int(tx["height"]) for tx in alpha.call("tx_search", {**query, **params})["txs"]]

    assert alpha.call("tx_search", query)["total_count"] == "125"
    assert [len(heights()), len(heights(per_page="500")), len(heights(per_page="0"))] == [30, 100, 30]
    assert len(heights(page="2", per_page="100")) == 25
    assert heights(order_by="desc", per_page="100")[0] == heights(page="2", per_page="100")[-1]
    refused = refusal(alpha, "tx_search", {**query, "page": "6", "per_page": "25"})
    assert refused == (-32603, "page should be within [1, 5] range, given 6")
    assert refusal(alpha, "tx_search", {**query, "page": "0"})[1] == "page should be within [1, 5] range, given 0"
    blocks = alpha.call("block_search", {"query": "block.height<=3"})
    assert [block["block"]["header"]["height"] for block in blocks["blocks"]] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "offset 0: EOF"),
        ({"query": "a.b='x'", "order_by": "up"}, "expected order_by to be either `asc` or `desc` or empty"),
        ({"query": f"a.b='{'x' * 600}'"}, "maximum query length exceeded"),
        ({"query": "a.b='x'", "page": "2"}, "page should be within [1, 1] range, given 2"),
    ],
)
def test_a_search_that_can_not_be_done_is_refused_in_the_nodes_words(
    world: World, params: dict[str, str], said: str
) -> None:
    assert refusal(node(world), "tx_search", params) == (-32603, said)


def test_a_broadcast_tells_the_check_and_knows_bytes_again(world: World) -> None:
    raw = payment()
    params = {"tx": base64.b64encode(raw).decode()}
    taken = node(world).call("broadcast_tx_sync", params)
    assert taken == {"code": 0, "data": "", "log": "", "codespace": "", "hash": hash_of(raw)}
    assert refusal(node(world), "broadcast_tx_sync", params) == (-32603, "tx already exists in cache")
    empty = node(world).call("broadcast_tx_sync", {})
    assert (empty["code"], empty["log"]) == (18, "must contain at least one message: invalid request")


def test_the_event_of_a_transaction_leaves_out_what_is_empty(world: World) -> None:
    height, _ = only_tx(world.chains["alpha-1"])
    found = node(world).event_of_tx(height, 0)["TxResult"]
    assert set(found) == {"height", "tx", "result"}
    assert set(found["result"]) == {"data", "gas_wanted", "gas_used", "events"}


def test_every_answer_is_plain_json(world: World) -> None:
    alpha = node(world)
    _, name = only_tx(world.chains["alpha-1"])
    asked = [("tx", {"hash": in_base64(name)}), ("tx_search", {"query": "tx.height>0"})]
    plain = ("status", "health", "net_info", "abci_info", "abci_query", "block", "block_results", "header")
    for method, params in itertools.chain(asked, ((method, dict[str, Any]()) for method in plain)):
        assert json.loads(json.dumps(alpha.call(method, params))) == alpha.call(method, params)
