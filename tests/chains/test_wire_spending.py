"""What transactions and broken nodes say of spending, read from their bytes: hostile, old and senseless ones."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2

from relayclear.chains import spending
from relayclear.chains.index import FoundTx, Index
from relayclear.chains.wire_spending import MAX_LOG, landing, use
from relayclear.errors import NodeError, RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import Broadcast, SpentOutput
from relayclear.rehearsal.rpc import RpcError
from tests.chains.fake import NOW as AT
from tests.chains.fake import Answer, FakeNode, endpoints
from tests.chains.test_wire_arrivals import ALICE, BOB, PAYEE, came, event, message, send, signed, tx

RAW = b"signed bytes"
HASH = sha256(RAW).hexdigest().upper()
SIMULATE = "/cosmos.tx.v1beta1.Service/Simulate"
KNOWN = RpcError.internal("tx already exists in cache")


# What events tell


def fee(amount: str = "9stake", payer: str = ALICE) -> list[dict[str, Any]]:
    return [event("coin_spent", spender=payer, amount=amount), event("tx", fee=amount, fee_payer=payer)]


def test_only_the_ante_handler_counts_a_signature() -> None:
    forged = event("tx", message(0), acc_seq=f"{ALICE}/3")
    found = tx([send()], [*fee(), *came(message(0)), forged])
    assert use("alpha-1", found, AT, ALICE) is None
    assert not landing(found, AT).used_sequence


def test_a_sequence_that_is_no_number_is_none() -> None:
    found = tx([send()], [*fee(), event("tx", acc_seq=f"{ALICE}/-3"), event("tx", acc_seq="3"), *came(message(0))])
    assert use("alpha-1", found, AT, ALICE) is None


def test_every_signer_used_a_sequence_of_its_own() -> None:
    found = tx([send()], [*fee(), *signed(BOB), event("tx", acc_seq=f"{ALICE}/8"), *came(message(0))])
    told = {name: use("alpha-1", found, AT, name) for name in (ALICE, BOB, PAYEE)}
    assert [one and one.sequence for one in told.values()] == [8, 3, None]
    assert [one and len(one.outputs) for one in told.values()] == [1, 0, None]


def encoded(one: dict[str, Any]) -> dict[str, Any]:
    """An event as nodes before 0.37 wrote it."""
    rows = [
        {key: base64.b64encode(row[key].encode()).decode() for key in ("key", "value")} for row in one["attributes"]
    ]
    return {"type": one["type"], "attributes": rows}


@pytest.mark.parametrize("old", [False, True])
def test_nodes_of_all_ages_tell_the_same(old: bool) -> None:  # noqa: FBT001 - a parameter of the test
    marked = [*fee(), *signed(ALICE), event("message", message(0), action="/x"), *came(message(0))]
    plain = [*fee(), *signed(ALICE), event("message", action="/cosmos.bank.v1beta1.MsgSend"), *came({})]
    events = [encoded(one) for one in plain] if old else marked
    found = use("alpha-1", tx([send()], events), AT, ALICE)
    assert found is not None
    assert (found.sequence, found.fee) == (3, (Coin("stake", 9),))
    assert found.outputs == (SpentOutput(1, PAYEE, Coin("stake", 5)),)


def test_a_failed_transaction_moved_nothing_whatever_it_tells() -> None:
    packet = event("send_packet", message(0), packet_src_port="transfer", packet_src_channel="c", packet_sequence="4")
    good = tx([send()], [*fee(), *signed(ALICE), *came(message(0)), packet])
    found = use("alpha-1", good, AT, ALICE)
    assert found is not None
    assert (len(found.outputs), len(found.packets)) == (1, 1)
    failed = use("alpha-1", good._replace(code=5), AT, ALICE)
    assert failed is not None
    assert (failed.outputs, failed.packets, failed.fee) == ((), (), found.fee)


def test_packets_that_are_none_are_left_out() -> None:
    rows = [{"packet_src_channel": "channel-0", "packet_sequence": "x"}, {"packet_sequence": "4"}]
    packets = [event("send_packet", message(0), packet_src_port="transfer", **row) for row in rows]
    found = use("alpha-1", tx([send()], [*fee(), *signed(ALICE), *packets]), AT, ALICE)
    assert found is not None
    assert found.packets == ()


@pytest.mark.parametrize(
    "beside",
    [
        event("transfer", message(0), recipient=PAYEE, sender=BOB, amount="5stake"),
        event("transfer", message(0), recipient=PAYEE, amount="5stake"),
        event("transfer", message(0), recipient=PAYEE, sender=ALICE, amount="4stake"),
        event("transfer", message(1), recipient=PAYEE, sender=ALICE, amount="5stake"),
    ],
)
def test_nobody_got_coins_where_no_transfer_says_so_plainly(beside: Any) -> None:
    spent = event("coin_spent", message(0), spender=ALICE, amount="5stake")
    found = use("alpha-1", tx([send()], [*fee(), *signed(ALICE), spent, beside]), AT, ALICE)
    assert found is not None
    assert found.outputs == (SpentOutput(1, None, Coin("stake", 5)),)


def test_bytes_nobody_can_decode_have_no_memo_and_move_all_the_same() -> None:
    found = use("alpha-1", tx([send()], [*fee(), *signed(ALICE), *came(message(0))], raw="AAAA"), AT, ALICE)
    assert found is not None
    assert (found.memo, len(found.outputs)) == ("", 1)


def test_a_log_is_made_fit_to_be_shown() -> None:
    found = tx([send()], [])._replace(code=5, log="\x1b[2Jno https://u:secret@h/ " + "x" * 1000)
    log = landing(found, AT).log
    assert len(log) == MAX_LOG
    assert "\x1b" not in log
    assert "secret" not in log


# What nodes answer to broadcasts


def node(answer: Any) -> FakeNode:
    """A node that says this to every broadcast."""

    def say(params: dict[str, Any]) -> Any:
        assert base64.b64decode(params["tx"]) == RAW
        if isinstance(answer, Exception):
            raise answer
        return answer

    return FakeNode(methods={"broadcast_tx_sync": say})


def result(code: int = 0, *, tx_hash: str = HASH, **more: Any) -> dict[str, Any]:
    return {"code": code, "data": "", "log": "", "codespace": "", "hash": tx_hash, **more}


def broadcast(*nodes: Callable[[httpx.Request], httpx.Response]) -> Broadcast:
    async def run() -> Broadcast:
        return await spending.broadcast(endpoints(*nodes), RAW)

    return asyncio.run(run())


def asked(one: FakeNode) -> bool:
    return any(call["method"] == "broadcast_tx_sync" for calls in one.requests for call in calls)


def dead(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_a_node_that_knows_the_bytes_says_so_in_two_ways() -> None:
    assert broadcast(node(KNOWN)) == Broadcast(0, "", "", known=True)
    assert broadcast(node(result(19, codespace="sdk"))) == Broadcast(19, "sdk", "", known=True)
    assert not broadcast(node(result(19, codespace="channel"))).known


@pytest.mark.parametrize("answer", [result(), result(32, codespace="sdk", log="account sequence mismatch"), KNOWN])
def test_an_answer_is_never_hidden_behind_another_nodes(answer: Any) -> None:
    first, second = node(answer), node(result(5))
    broadcast(first, second)
    assert asked(first)
    assert not asked(second)


@pytest.mark.parametrize(
    "trouble",
    [
        RpcError.internal("mempool is full: number of txs 5000 (max: 5000)"),
        RpcError(-32601, "Method not found"),
        RpcError.internal("not found"),
        RpcError.internal("indexing is disabled"),
        None,
        [],
        "yes",
        {},
        {"code": 0},
        {"code": "x", "hash": HASH},
        {"code": [], "hash": HASH},
        result(tx_hash="AB" * 32),
    ],
)
def test_what_is_no_word_on_the_bytes_is_no_answer(trouble: Any) -> None:
    with pytest.raises(NodeError):
        broadcast(node(trouble))
    assert broadcast(node(trouble), node(result())) == Broadcast(0, "", "", known=False)


def test_no_node_that_answers_is_an_error_and_not_a_no() -> None:
    with pytest.raises(NodeError):
        broadcast(dead)
    with pytest.raises(NodeError):
        broadcast(dead, node(RpcError.internal("mempool is full")))
    assert broadcast(dead, node(result())).code == 0


def test_a_node_of_another_chain_is_not_believed() -> None:
    other = node(result())
    other.chain = "beta-1"
    with pytest.raises(NodeError):
        broadcast(other)


def test_what_a_node_says_is_made_fit_to_be_shown() -> None:
    said = broadcast(node(result(5, codespace="sdk\x1b[2J", log="\u202eno " * 500)))
    assert (said.code, said.codespace, len(said.log)) == (5, "sdk", MAX_LOG)
    assert "\u202e" not in said.log


# What nodes answer to simulations


def simulate(answer: Answer | None) -> int:
    one = FakeNode(queries={} if answer is None else {SIMULATE: lambda data, _: _checked(data, answer)})

    async def run() -> int:
        return await spending.simulate(endpoints(one), RAW)

    return asyncio.run(run())


def _checked(data: bytes, answer: Answer) -> Answer:
    assert service_pb2.SimulateRequest.FromString(data).tx_bytes == RAW
    return answer


def gas(used: int) -> bytes:
    answer = service_pb2.SimulateResponse()
    answer.gas_info.gas_used = used
    return bytes(answer.SerializeToString())


WRAPPED = "rpc error: code = Unknown desc = {} [cosmos/cosmos-sdk@v0.50.9/x/a.go:1] with gas used: '7': unknown request"


def test_the_gas_is_what_the_chain_used() -> None:
    assert simulate(gas(77_777)) == 77_777


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((6, WRAPPED.format("insufficient funds")), ": insufficient funds"),
        ((6, WRAPPED.format("out of gas in location: ReadFlat")), ": out of gas in location: ReadFlat"),
        ((5, "insufficient funds"), ": insufficient funds"),
        ((22, "fee-grant not found"), "fee-grant not found"),
        ((6, WRAPPED.format("bad\x1b[2J\nthing")), ": bad?thing"),
    ],
)
def test_the_chains_no_is_a_refusal_in_its_words(answer: Answer, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        simulate(answer)
    assert refused.value.code == "wont_work"
    assert refused.value.message.endswith(words)


def test_a_long_no_is_cut() -> None:
    with pytest.raises(RefusedError) as refused:
        simulate((6, "x" * 5000))
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("answer", [None, b"", gas(0), b"\xff", (11, "out of gas in location: ReadFlat")])
def test_a_node_that_cannot_simulate_refuses_no_refund(answer: Answer | None) -> None:
    with pytest.raises(NodeError):
        simulate(answer)


# What nodes answer to the question for a place


def found_by(method: str, answer: Any, question: Callable[[Any], Any]) -> RelayclearError:
    one = FakeNode(methods={method: lambda _: answer})

    async def run() -> None:
        await question(endpoints(one))

    with pytest.raises(RelayclearError) as raised:
        asyncio.run(run())
    return raised.value


@pytest.mark.parametrize(
    "block",
    [
        None,
        {"block": None},
        {"block": {"header": {"height": "6"}, "data": {"txs": []}}},
        {"block": {"header": {"height": "5"}, "data": {"txs": ["not base64!"]}}},
    ],
)
def test_a_block_that_makes_no_sense_hides_no_landing(block: Any) -> None:
    assert isinstance(found_by("block", block, lambda ends: spending.landings(ends, HASH, 5, 5)), NodeError)


def test_a_block_with_one_broken_result_is_not_read_in_part() -> None:
    counted = {"events": [event("tx", acc_seq=f"{ALICE}/3")]}
    results = {"height": "5", "txs_results": [counted, {"events": ["broken"], "code": "x"}]}
    block = {"block": {"header": {"height": "5", "time": "2026-11-22T12:00:00Z"}, "data": {"txs": ["AAAA", "AAAB"]}}}
    one = FakeNode(methods={"block_results": lambda _: results, "block": lambda _: block})

    async def run() -> None:
        await spending.sequence_uses(endpoints(one), ALICE, 5, 5)

    with pytest.raises(NodeError):
        asyncio.run(run())


def test_an_index_that_gives_other_bytes_is_not_believed() -> None:
    real: FoundTx = tx([send()], [*fee(), *signed(ALICE)])
    row = {"hash": real.hash, "height": "7", "tx": real.raw, "tx_result": {"events": real.events}}
    answer = {"txs": [row], "total_count": "1"}
    headers = {"block_metas": [{"header": {"height": "7", "time": "2026-11-22T12:00:00Z"}}]}
    one = FakeNode(methods={"tx_search": lambda _: answer, "blockchain": lambda _: headers})

    async def run() -> None:
        await spending.sequence_use(Index(endpoints(one)), ALICE, 3)

    with pytest.raises(NodeError, match="another one than its hash"):
        asyncio.run(run())
