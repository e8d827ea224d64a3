"""Accounts, coins and denoms: every account type, exact amounts, and no trace that doesn't match its hash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cosmpy.protos.cosmos.auth.v1beta1 import auth_pb2
from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.base.node.v1beta1 import query_pb2 as node_wire
from cosmpy.protos.cosmos.feegrant.v1beta1 import query_pb2 as feegrant
from cosmpy.protos.cosmos.vesting.v1beta1 import vesting_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import denomtrace_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import query_pb2 as transfer
from hypothesis import given
from hypothesis import strategies as st

from relayclear.chains import wire_cosmos
from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import HeightError, NodeError
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.readings import Account, Balances, GasPrice
from relayclear.rehearsal.rpc import RpcError
from tests.chains.fake import Answer, FakeClock, FakeNode, pages, transport
from tests.chains.test_packets import FakeIndex, at, tx
from tests.chains.test_wire_events import event

ADDRESS = "cosmos1w9evsr0azfd8vrk4rmk086t2uee6mkw79yhzyh"
AUTH = "/cosmos.auth.v1beta1.Query/"
TRANSFER = "/ibc.applications.transfer.v1.Query/"
BASE = auth_pb2.BaseAccount(address=ADDRESS, account_number=14, sequence=3)
GONE: Answer = (22, f"account {ADDRESS} not found: key not found")
BALANCES = "/cosmos.bank.v1beta1.Query/AllBalances"
CONFIG = "/cosmos.base.node.v1beta1.Service/Config"
UNKNOWN: Answer = (6, "unknown query path: unknown request")


def chain_of(queries: dict[str, Answer], **more: Any) -> CometChain:
    node = FakeNode(queries={path: lambda _d, _h, answer=answer: answer for path, answer in queries.items()}, **more)  # type: ignore[misc]
    return CometChain("alpha-1", ["http://a"], hosts=Hosts(transport({"a": node})), timing=FakeClock().timing())


def dead() -> CometChain:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("")

    return CometChain("alpha-1", ["http://a"], hosts=Hosts(transport({"a": refuse})), timing=FakeClock().timing())


def wrapped(account: Any) -> bytes:
    reply = auth.QueryAccountResponse()
    reply.account.type_url, reply.account.value = "/some.Account", account.SerializeToString()
    return bytes(reply.SerializeToString())


def account(info: Answer, old: Answer) -> Account | None:
    return asyncio.run(chain_of({f"{AUTH}AccountInfo": info, f"{AUTH}Account": old}).account(ADDRESS))


def test_an_account_is_read_in_the_new_way() -> None:
    info = auth.QueryAccountInfoResponse(info=BASE).SerializeToString()
    assert account(info, UNKNOWN) == Account(ADDRESS, 14, 3)


@pytest.mark.parametrize(
    "kind",
    [
        BASE,
        auth_pb2.ModuleAccount(base_account=BASE, name="x"),
        vesting_pb2.BaseVestingAccount(base_account=BASE),
        vesting_pb2.ContinuousVestingAccount(
            base_vesting_account=vesting_pb2.BaseVestingAccount(base_account=BASE), start_time=5
        ),
    ],
)
def test_an_account_of_any_type_is_read_in_the_old_way(kind: Any) -> None:
    assert account(UNKNOWN, wrapped(kind)) == Account(ADDRESS, 14, 3)


def test_an_account_that_does_not_exist_is_none() -> None:
    assert account(GONE, GONE) is None
    assert account(UNKNOWN, GONE) is None


@pytest.mark.parametrize("odd", [wrapped(auth_pb2.BaseAccount(address="other")), b"\xff\xff", b"", (111222, "panic")])
def test_an_account_that_can_not_be_read_is_an_error_never_none(odd: Answer) -> None:
    with pytest.raises(NodeError):
        account(UNKNOWN, odd)


def test_nothing_is_none_where_the_chain_can_not_be_reached() -> None:
    for question in (
        dead().account(ADDRESS),
        dead().balance(ADDRESS, "x"),
        dead().allowance(ADDRESS, ADDRESS),
        dead().denom_path("ibc/" + "0" * 64),
    ):
        with pytest.raises(NodeError):
            asyncio.run(question)


@given(st.integers(0, 2**256))
def test_balances_are_exact(amount: int) -> None:
    reply = bank.QueryBalanceResponse()
    reply.balance.denom, reply.balance.amount = "token", str(amount)
    found = chain_of({"/cosmos.bank.v1beta1.Query/Balance": reply.SerializeToString()}).balance(ADDRESS, "token")
    assert asyncio.run(found) == Coin("token", amount)


def test_a_balance_of_nothing_is_zero_and_one_without_sense_is_an_error() -> None:
    assert asyncio.run(chain_of({"/cosmos.bank.v1beta1.Query/Balance": b""}).balance(ADDRESS, "x")) == Coin("x", 0)
    reply = bank.QueryBalanceResponse()
    reply.balance.amount = "lots"
    with pytest.raises(NodeError):
        asyncio.run(chain_of({"/cosmos.bank.v1beta1.Query/Balance": reply.SerializeToString()}).balance(ADDRESS, "x"))


def allowance(answer: Answer) -> bool:
    return asyncio.run(chain_of({"/cosmos.feegrant.v1beta1.Query/Allowance": answer}).allowance(ADDRESS, ADDRESS))


def test_an_allowance_stands_or_not_in_every_chains_words() -> None:
    reply = feegrant.QueryAllowanceResponse()
    reply.allowance.granter = ADDRESS
    assert allowance(reply.SerializeToString())
    assert not allowance(b"")
    assert not allowance((22, "fee-grant not found: key not found"))
    assert not allowance((6, "rpc error: code = Internal desc = fee-grant not found: not found: unknown request"))
    assert not allowance(UNKNOWN)
    with pytest.raises(NodeError):
        allowance((18, "invalid granter"))


def signed(sequence: int, index: FakeIndex) -> Any:
    chain = CometChain(
        "alpha-1", ["http://a"], hosts=Hosts(transport({"a": index.node()})), timing=FakeClock().timing()
    )
    return asyncio.run(chain.last_signed_at(ADDRESS, sequence))


def test_the_last_signature_is_timed_by_its_block_a_failed_transactions_too() -> None:
    index = FakeIndex([tx(9, event("tx", acc_seq=f"{ADDRESS}/2"), code=5)])
    assert signed(3, index) == at(9)
    assert index.searches == [f"tx.acc_seq='{ADDRESS}/2'"]


def test_no_index_tells_nothing() -> None:
    index = FakeIndex([tx(9, event("tx", acc_seq=f"{ADDRESS}/2"))])
    assert signed(0, index) is None
    assert signed(9, index) is None
    index.pruned_below = 20
    assert signed(3, index) is None

    def off(_: Any) -> Any:
        raise RpcError.internal("transaction indexing is disabled")

    chain = chain_of({}, methods={"tx_search": off})
    assert asyncio.run(chain.last_signed_at(ADDRESS, 3)) is None


PATHS = st.builds(
    DenomPath,
    st.lists(
        st.tuples(st.just("transfer"), st.integers(0, 999).map(lambda n: f"channel-{n}")), min_size=1, max_size=4
    ).map(tuple),
    st.sampled_from(["uatom", "factory/osmo1abc/x", "gamm/pool/1", "erc20/0xabc"]),
)


def new_way(path: DenomPath) -> bytes:
    reply = transfer.QueryDenomResponse()
    reply.denom.base = path.base
    for port, channel in path.hops:
        reply.denom.trace.add(port_id=port, channel_id=channel)
    return bytes(reply.SerializeToString())


def old_way(path: DenomPath) -> bytes:
    hops = "/".join(part for hop in path.hops for part in hop)
    trace = denomtrace_pb2.DenomTrace(path=hops, base_denom=path.base)
    return bytes(wire_cosmos._trace_response()(denom_trace=trace).SerializeToString())


def trace(denom: str, new: Answer, old: Answer) -> DenomPath | None:
    return asyncio.run(chain_of({f"{TRANSFER}Denom": new, f"{TRANSFER}DenomTrace": old}).denom_path(denom))


@given(PATHS)
def test_a_trace_is_read_from_whichever_query_the_chain_has(path: DenomPath) -> None:
    assert trace(path.voucher, new_way(path), UNKNOWN) == path
    assert trace(path.voucher, UNKNOWN, old_way(path)) == path


def test_a_trace_that_does_not_match_its_hash_is_not_believed() -> None:
    true, lie = DenomPath((("transfer", "channel-0"),), "uatom"), DenomPath((("transfer", "channel-1"),), "uatom")
    assert trace(true.voucher, new_way(lie), old_way(lie)) is None
    assert trace(true.voucher, new_way(lie), old_way(true)) == true


def test_an_unknown_voucher_is_none_and_a_plain_denom_is_its_own_base() -> None:
    unknown = "ibc/" + "0" * 64
    assert trace(unknown, (22, "denomination not found"), UNKNOWN) is None
    assert trace(unknown, b"\xff\xff", (18, "invalid hash")) is None
    assert trace("uatom", UNKNOWN, UNKNOWN) == DenomPath((), "uatom")


def all_balances(rows: Sequence[Coin], *, limit: int = 1000, refuse: int = 2**63) -> Callable[[bytes, int], Answer]:
    """A bank that shows at most `limit` rows a page, and refuses to show more than `refuse`."""

    def answer(data: bytes, _height: int) -> Answer:
        asked = bank.QueryAllBalancesRequest.FromString(data)
        if asked.pagination.limit > refuse:
            return 18, "pagination limit is too large"
        some, key = pages(rows, min(limit, asked.pagination.limit), asked.pagination.key)
        reply = bank.QueryAllBalancesResponse()
        for coin in some:
            reply.balances.add(denom=coin.denom, amount=str(coin.amount))
        reply.pagination.next_key = key
        return bytes(reply.SerializeToString())

    return answer


def balances(answer: Callable[[bytes, int], Answer], height: int = 0) -> tuple[Balances, list[int]]:
    """What is read, and at which heights it was asked for."""
    node = FakeNode(queries={BALANCES: answer})
    chain = CometChain("alpha-1", ["http://a"], hosts=Hosts(transport({"a": node})), timing=FakeClock().timing())
    found = asyncio.run(chain.balances(ADDRESS, height))
    return found, [int(params["height"]) for params in node.asked("AllBalances")]


DUST = [Coin(f"ibc/{number:04}", 2**64 + number) for number in range(250)]


@pytest.mark.parametrize(("limit", "refuse", "asked"), [(1000, 2**63, 1), (100, 2**63, 3), (100, 100, 4)])
def test_balances_over_several_pages_are_of_one_moment(limit: int, refuse: int, asked: int) -> None:
    found, heights = balances(all_balances(DUST, limit=limit, refuse=refuse))
    assert found == Balances(100, {coin.denom: coin.amount for coin in DUST})
    assert heights == [0] * (asked - 2) + [100] * 2 if asked > 1 else [0]
    found, heights = balances(all_balances([]), 77)
    assert (found, heights) == (Balances(77, {}), [77])


def test_balances_of_a_pruned_height_or_in_a_circle_are_no_balances() -> None:
    with pytest.raises(HeightError):
        balances(lambda _data, _height: (38, "failed to load state at height 7; version does not exist"), 7)
    with pytest.raises(NodeError):
        balances(lambda _data, _height: (18, "invalid address"))
    circle = bank.QueryAllBalancesResponse()
    circle.pagination.next_key = b"\0"
    with pytest.raises(NodeError, match="circle"):
        balances(lambda _data, _height: bytes(circle.SerializeToString()))


def test_the_memo_limit_is_the_chains_own() -> None:
    reply = auth.QueryParamsResponse(params=auth_pb2.Params(max_memo_characters=100))
    assert asyncio.run(chain_of({f"{AUTH}Params": reply.SerializeToString()}).memo_limit()) == 100
    with pytest.raises(NodeError):
        asyncio.run(chain_of({}).memo_limit())


@pytest.mark.parametrize(
    ("said", "prices"),
    [
        ("", ()),
        ("0.025000000000000000stake", (GasPrice("stake", Decimal("0.025")),)),
        ("0.1uatom,7ibc/27394FB0", (GasPrice("uatom", Decimal("0.1")), GasPrice("ibc/27394FB0", Decimal(7)))),
    ],
)
def test_the_price_of_gas_is_exact_in_every_denom(said: str, prices: tuple[GasPrice, ...]) -> None:
    reply = node_wire.ConfigResponse(minimum_gas_price=said).SerializeToString()
    assert asyncio.run(chain_of({CONFIG: reply}).gas_price_floor()) == prices


def test_a_node_that_does_not_tell_its_price_is_not_free_of_error() -> None:
    assert asyncio.run(chain_of({}).gas_price_floor()) == ()
    for odd in ("stake", "1.stake", "0,5stake", "-1stake"):
        reply = node_wire.ConfigResponse(minimum_gas_price=odd).SerializeToString()
        with pytest.raises(NodeError):
            asyncio.run(chain_of({CONFIG: reply}).gas_price_floor())
    with pytest.raises(NodeError):
        asyncio.run(dead().gas_price_floor())
