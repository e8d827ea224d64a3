"""Questions about accounts, balances, fee allowances and vouchers."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.feegrant.v1beta1 import query_pb2 as feegrant
from cosmpy.protos.ibc.applications.transfer.v1 import query_pb2 as transfer
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2  # noqa: F401  client states decode with it

from tests.localnet import rpc
from tests.localnet.node import ALPHA, BETA
from tests.parity import envelopes, wires
from tests.parity.questions import AUTH, BANK, FEES, TRANSFER, UNKNOWN
from tests.parity.registry import case
from tests.parity.scenes import Relayed, relayed
from tests.parity.side import Purse, Side

# Accounts, balances, allowances


@case
def account_info(side: Side) -> Any:
    account = side.scene(relayed).sender.address
    return side.query(
        ALPHA, f"{AUTH}AccountInfo", auth.QueryAccountInfoRequest(address=account), auth.QueryAccountInfoResponse
    )


@case
def account_info_of_a_newer_chain(side: Side) -> Any:
    account = side.scene(relayed).sender.address
    return side.query(
        BETA, f"{AUTH}AccountInfo", auth.QueryAccountInfoRequest(address=account), auth.QueryAccountInfoResponse
    )


@case
def account_info_of_nobody(side: Side) -> Any:
    request = auth.QueryAccountInfoRequest(address=wires.UNUSED)
    return side.query(ALPHA, f"{AUTH}AccountInfo", request)


@case
def account_info_of_no_address(side: Side) -> Any:
    return side.query(ALPHA, f"{AUTH}AccountInfo", auth.QueryAccountInfoRequest(address="nobody"))


@case
def account_info_of_an_empty_address(side: Side) -> Any:
    return side.query(ALPHA, f"{AUTH}AccountInfo", auth.QueryAccountInfoRequest())


@case
def account_itself(side: Side) -> Any:
    request = auth.QueryAccountRequest(address=side.scene(relayed).sender.address)
    return side.query(ALPHA, f"{AUTH}Account", request, auth.QueryAccountResponse)


@case
def account_of_nobody(side: Side) -> Any:
    return side.query(BETA, f"{AUTH}Account", auth.QueryAccountRequest(address=wires.UNUSED))


def _balance(side: Side, address: str, denom: str, chain: str = ALPHA) -> Any:
    request = bank.QueryBalanceRequest(address=address, denom=denom)
    return side.query(chain, f"{BANK}Balance", request, bank.QueryBalanceResponse)


@case
def balance_of_a_full_purse(side: Side) -> Any:
    return _balance(side, side.purse().address, "token")


@case
def balance_of_nothing(side: Side) -> Any:
    return _balance(side, wires.UNUSED, "token", BETA)


@case
def balance_of_a_coin_nobody_has(side: Side) -> Any:
    return _balance(side, side.purse().address, "nothing")


@case
def balance_of_no_address(side: Side) -> Any:
    return _balance(side, "nobody", "token")


@case
def balance_of_an_empty_address(side: Side) -> Any:
    return _balance(side, "", "token")


@case
def balance_without_a_coin(side: Side) -> Any:
    return _balance(side, side.purse().address, "")


@case
def balance_in_something_that_is_no_coin(side: Side) -> Any:
    return _balance(side, side.purse().address, "1!")


def allowed(side: Side) -> tuple[Purse, Purse, Any]:
    """Who pays whose fees on alpha-1, and the transaction that made it so."""
    granter, grantee = side.purse(), side.purse()
    made = side.commit(ALPHA, granter, wires.allow_fees(granter.address, grantee.address))
    return granter, grantee, made["tx_result"]


def _allowance(side: Side, granter: str, grantee: str) -> Any:
    request = feegrant.QueryAllowanceRequest(granter=granter, grantee=grantee)
    return side.query(ALPHA, f"{FEES}Allowance", request, feegrant.QueryAllowanceResponse)


@case
def fee_allowance(side: Side) -> Any:
    granter, grantee, _ = side.scene(allowed)
    return _allowance(side, granter.address, grantee.address)


@case
def fee_allowance_nobody_gave(side: Side) -> Any:
    granter, grantee, _ = side.scene(allowed)
    return _allowance(side, grantee.address, granter.address)


@case
def fee_allowance_of_no_address(side: Side) -> Any:
    return _allowance(side, "nobody", wires.UNUSED)


# Vouchers


def _voucher(relay: Relayed, chain: str) -> str:
    """The hash of the voucher for the other chain's coin."""
    return wires.voucher(relay.channel.end(chain).channel)


def _denom(side: Side, chain: str, name: str, answer: Any, path: str = "Denom") -> Any:
    return side.query(chain, f"{TRANSFER}{path}", transfer.QueryDenomRequest(hash=name), answer)


@case
def voucher_of_a_newer_chain(side: Side) -> Any:
    return _denom(side, BETA, _voucher(side.scene(relayed), BETA), transfer.QueryDenomResponse)


@case
def voucher_of_an_older_chain(side: Side) -> Any:
    reply = _denom(side, ALPHA, _voucher(side.scene(relayed), ALPHA), None, "DenomTrace")
    trace = rpc.fields(envelopes.from_base64(reply["body"]["result"]["response"].pop("value")), 1)[0]
    return {"reply": reply, "path": rpc.text(trace, 1), "base": rpc.text(trace, 2)}


@case
def voucher_nobody_knows_on_a_newer_chain(side: Side) -> Any:
    return _denom(side, BETA, UNKNOWN, None)


@case
def voucher_nobody_knows_on_an_older_chain(side: Side) -> Any:
    return _denom(side, ALPHA, UNKNOWN, None, "DenomTrace")


@case
def voucher_that_is_no_hash_on_a_newer_chain(side: Side) -> Any:
    return _denom(side, BETA, "xyz", None)


@case
def voucher_that_is_no_hash_on_an_older_chain(side: Side) -> Any:
    return _denom(side, ALPHA, "xyz", None, "DenomTrace")


@case
def old_voucher_query_on_a_newer_chain(side: Side) -> Any:
    return _denom(side, BETA, UNKNOWN, None, "DenomTrace")


@case
def new_voucher_query_on_an_older_chain(side: Side) -> Any:
    return _denom(side, ALPHA, UNKNOWN, None)
