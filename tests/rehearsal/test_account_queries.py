"""What simulated nodes answer about accounts, coins and themselves, in the words of real ones (SDK 0.50 and 0.53)."""

from __future__ import annotations

from typing import Any

import pytest
from cosmpy.protos.cosmos.auth.v1beta1 import auth_pb2
from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank_wire
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.cosmos.base.node.v1beta1 import query_pb2 as node_wire
from cosmpy.protos.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from cosmpy.protos.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint_wire
from cosmpy.protos.cosmos.feegrant.v1beta1 import query_pb2 as feegrant
from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import query_pb2 as transfer_wire

from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import relaying, staging, transfer
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.staging import ALPHA, BETA, address
from relayclear.rehearsal.transactions import Terms, encode, wrap
from relayclear.rehearsal.world import World, coins
from tests.rehearsal.asking import ask, node, read

NOW = 1_800_000_000 * 10**9
ALICE = address(ALPHA, "alice")
NOBODY = "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a"


@pytest.fixture
def world() -> World:
    made = staging.founded(NOW)
    made.connect("alpha-1", "beta-1")
    return made


def test_an_account_is_told_with_the_key_it_signed_with(world: World) -> None:
    alpha = node(world)
    payment = bank_tx.MsgSend(from_address=ALICE, to_address=address(ALPHA, "bob"), amount=coins((1, "token")))
    signed = encode(ALPHA, [wrap("/cosmos.bank.v1beta1.MsgSend", payment)], Terms(0), key=Key.of_name("alice"))
    assert world.chains["alpha-1"].broadcast(signed).code == 0
    world.tick("alpha-1")
    request = auth.QueryAccountInfoRequest(address=ALICE)
    info = read(alpha, "/cosmos.auth.v1beta1.Query/AccountInfo", request, auth.QueryAccountInfoResponse).info
    assert (info.address, info.sequence, info.pub_key.type_url) == (ALICE, 1, "/cosmos.crypto.secp256k1.PubKey")
    whole = read(
        alpha,
        "/cosmos.auth.v1beta1.Query/Account",
        auth.QueryAccountRequest(address=ALICE),
        auth.QueryAccountResponse,
    )
    assert whole.account.type_url == "/cosmos.auth.v1beta1.BaseAccount"
    assert auth_pb2.BaseAccount.FromString(whole.account.value) == info


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (NOBODY, 22, f"rpc error: code = NotFound desc = account {NOBODY} not found: key not found"),
        ("", 18, "rpc error: code = InvalidArgument desc = address cannot be empty: invalid request"),
        ("foo", 18, "decoding bech32 failed: invalid bech32 string length 3: invalid request"),
        (
            "osmo1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq2mkm3w",
            18,
            "decoding bech32 failed: invalid checksum (expected mcn030 got 2mkm3w): invalid request",
        ),
        (
            "osmo1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqmcn030",
            18,
            "hrp does not match bech32 prefix: expected 'cosmos' got 'osmo': internal logic error: invalid request",
        ),
    ],
)
def test_an_account_that_is_none_is_refused_in_the_chains_words(world: World, text: str, code: int, said: str) -> None:
    request = auth.QueryAccountInfoRequest(address=text)
    found = ask(node(world), "/cosmos.auth.v1beta1.Query/AccountInfo", request)
    assert (found.code, found.log) == (code, said)


def test_balances_are_true_unless_the_node_lies(world: World) -> None:
    path = "/cosmos.bank.v1beta1.Query/"
    request = bank_wire.QueryBalanceRequest(address=ALICE, denom="token")
    liar = node(world, balances={f"{ALICE}/token": 7})
    true = read(node(world), f"{path}Balance", request, bank_wire.QueryBalanceResponse).balance
    assert (true.denom, true.amount) == ("token", str(10**12))
    assert read(liar, f"{path}Balance", request, bank_wire.QueryBalanceResponse).balance.amount == "7"
    every = bank_wire.QueryAllBalancesRequest(address=ALICE)
    found = read(liar, f"{path}AllBalances", every, bank_wire.QueryAllBalancesResponse)
    assert [(coin.denom, coin.amount) for coin in found.balances] == [("stake", str(10**12)), ("token", "7")]
    nothing = bank_wire.QueryBalanceRequest(address=NOBODY, denom="stake")
    assert read(node(world), f"{path}Balance", nothing, bank_wire.QueryBalanceResponse).balance.amount == "0"


@pytest.mark.parametrize(
    ("kind", "request_fields", "said"),
    [
        ("Balance", {"address": ALICE, "denom": "!"}, "InvalidArgument desc = invalid denom: !"),
        (
            "Balance",
            {"address": "foo", "denom": "stake"},
            "InvalidArgument desc = invalid address: decoding bech32 failed: invalid bech32 string length 3",
        ),
        (
            "AllBalances",
            {"address": ALICE, "pagination": PageRequest(offset=1, key=b"x")},
            "InvalidArgument desc = paginate: invalid request, either offset or key is expected, got both",
        ),
        ("DenomMetadata", {"denom": "stake"}, "NotFound desc = client metadata for denom stake"),
    ],
)
def test_a_bad_question_about_coins_is_refused_in_the_chains_words(
    world: World, kind: str, request_fields: dict[str, Any], said: str
) -> None:
    request = getattr(bank_wire, f"Query{kind}Request")(**request_fields)
    found = ask(node(world), f"/cosmos.bank.v1beta1.Query/{kind}", request)
    registered = "key not found" if found.code == 22 else "invalid request"
    assert found.log == f"rpc error: code = {said}: {registered}"


def test_a_fee_allowance_stands_or_does_not(world: World) -> None:
    path = "/cosmos.feegrant.v1beta1.Query/Allowance"
    request = feegrant.QueryAllowanceRequest(granter=ALICE, grantee=NOBODY)
    missing = ask(node(world), path, request)
    assert (missing.code, missing.log) == (
        6,
        "rpc error: code = Internal desc = fee-grant not found: not found: unknown request",
    )
    world.chains["alpha-1"].edit(lambda ctx: ctx.store.set(f"feegrant:{ALICE}/{NOBODY}", True))
    found = read(node(world), path, request, feegrant.QueryAllowanceResponse).allowance
    assert (found.granter, found.allowance.type_url) == (ALICE, "/cosmos.feegrant.v1beta1.BasicAllowance")


def test_a_voucher_is_explained_under_the_name_each_generation_has_for_it(world: World) -> None:
    end = ChannelEnd("beta-1", "transfer", "channel-0")
    relaying.relay(world, staging.transfer(world, end, amount=5), address(BETA, "rival"), address(ALPHA, "rival"))
    voucher = transfer.Denom((("transfer", "channel-0"),), "token")
    path = "/ibc.applications.transfer.v1.Query/"
    request = transfer_wire.QueryDenomRequest(hash=voucher.hash)
    trace = ask(node(world), f"{path}DenomTrace", request)
    assert trace.value == b"\n\x1b\n\x12transfer/channel-0\x12\x05token"
    assert ask(node(world), f"{path}Denom", request).log == "unknown query path: unknown request"
    back = ChannelEnd("alpha-1", "transfer", "channel-0")
    relaying.relay(world, staging.transfer(world, back, amount=5), address(ALPHA, "rival"), address(BETA, "rival"))
    found = read(node(world, "beta-1"), f"{path}Denom", request, transfer_wire.QueryDenomResponse).denom
    assert (found.base, [(hop.port_id, hop.channel_id) for hop in found.trace]) == (
        "token",
        [("transfer", "channel-0")],
    )
    short = ask(node(world), f"{path}DenomTrace", transfer_wire.QueryDenomRequest(hash="aa"))
    said = "invalid denom trace hash: , error: expected size to be 32 bytes, got 1 bytes"
    assert short.log == f"rpc error: code = InvalidArgument desc = {said}: invalid request"


def test_a_simulation_tells_gas_or_why_it_failed(world: World) -> None:
    path = "/cosmos.tx.v1beta1.Service/Simulate"
    payment = bank_tx.MsgSend(from_address=ALICE, to_address=address(ALPHA, "bob"), amount=coins((1, "token")))
    message = wrap("/cosmos.bank.v1beta1.MsgSend", payment)

    def simulate(sequence: int) -> service_pb2.SimulateRequest:
        return service_pb2.SimulateRequest(tx_bytes=encode(ALPHA, [message], Terms(sequence, gas=0)))

    good = read(node(world), path, simulate(0), service_pb2.SimulateResponse)
    assert good.gas_info.gas_used > 40_000
    assert [event.type for event in good.result.events][-1] == "message"
    bad = ask(node(world), path, simulate(5))
    assert bad.code == 6
    assert "account sequence mismatch, expected 0, got 5: incorrect account sequence [" in bad.log
    empty = ask(node(world), path)
    assert empty.log == "rpc error: code = InvalidArgument desc = empty txBytes is not allowed: invalid request"


def test_a_node_tells_its_prices_parameters_and_programs(world: World) -> None:
    params = read(node(world), "/cosmos.auth.v1beta1.Query/Params", b"", auth.QueryParamsResponse).params
    assert (params.max_memo_characters, params.tx_size_cost_per_byte) == (256, 10)
    config = read(node(world), "/cosmos.base.node.v1beta1.Service/Config", b"", node_wire.ConfigResponse)
    assert config.minimum_gas_price == "0.001000000000000000stake"
    path = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo"
    info = read(node(world, "beta-1", chain_id="gamma-1"), path, b"", tendermint_wire.GetNodeInfoResponse)
    assert info.default_node_info.network == "gamma-1"
    modules = {dep.path: dep.version for dep in info.application_version.build_deps}
    assert modules["github.com/cosmos/ibc-go/v10"] == "v10.7.0"
    assert info.application_version.cosmos_sdk_version == "v0.53.8"
