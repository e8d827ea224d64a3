"""Accounts, balances, fee allowances and denoms in the chain's own encoding (Cosmos SDK, ICS-20).  Pure."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Any

from cosmpy.protos.cosmos.auth.v1beta1 import auth_pb2
from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank
from cosmpy.protos.cosmos.base.node.v1beta1 import query_pb2 as node
from cosmpy.protos.cosmos.base.query.v1beta1 import pagination_pb2
from cosmpy.protos.cosmos.feegrant.v1beta1 import query_pb2 as feegrant
from cosmpy.protos.ibc.applications.transfer.v1 import denomtrace_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import query_pb2 as transfer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

from relayclear.chains import jsonrpc
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import Reply
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.readings import Account, GasPrice

_AUTH = "/cosmos.auth.v1beta1.Query/"
_TRANSFER = "/ibc.applications.transfer.v1.Query/"
_DEEPEST = 4
_PRICE = re.compile(r"([0-9]{1,40}(?:\.[0-9]{1,18})?)([a-zA-Z][a-zA-Z0-9/:._-]{1,127})")


def ask_account_info(address: str, height: int = 0) -> Call:
    """The account behind any account type, after a height, 0 for the newest; SDK 0.47 and later."""
    request = auth.QueryAccountInfoRequest(address=address).SerializeToString()
    return jsonrpc.query(f"{_AUTH}AccountInfo", request, height)


def read_account_info(reply: Reply) -> Account:
    """The account."""
    info = auth.QueryAccountInfoResponse.FromString(reply.value).info
    return Account(info.address, info.account_number, info.sequence)


def ask_account(address: str, height: int = 0) -> Call:
    """The account as its own type."""
    request = auth.QueryAccountRequest(address=address).SerializeToString()
    return jsonrpc.query(f"{_AUTH}Account", request, height)


def read_account(address: str, reply: Reply) -> Account:
    """The account, dug out of whatever type wraps it (vesting, module, Ethereum).  Raises ValueError.

    All of them keep what they wrap in field 1, down to the base account whose field 1 is the address.
    """
    # The type is not looked at: chains have account types of their own that no library knows.
    raw = auth.QueryAccountResponse.FromString(reply.value).account.value
    for _ in range(_DEEPEST):
        inner = wrappers_pb2.BytesValue.FromString(raw).value
        if inner == address.encode():
            base = auth_pb2.BaseAccount.FromString(raw)
            return Account(base.address, base.account_number, base.sequence)
        raw = inner
    raise ValueError(f"no base account of {address}")


def ask_balance(address: str, denom: str) -> Call:
    """What an address holds of a denom."""
    request = bank.QueryBalanceRequest(address=address, denom=denom).SerializeToString()
    return jsonrpc.query("/cosmos.bank.v1beta1.Query/Balance", request)


def read_balance(denom: str, reply: Reply) -> Coin:
    """The coin; none at all is an amount of 0.  Raises ValueError."""
    return Coin(denom, int(bank.QueryBalanceResponse.FromString(reply.value).balance.amount or 0))


def ask_balances(address: str, limit: int, key: bytes, height: int) -> Call:
    """One page of all that an address holds, from a page key on, at a height, 0 for the newest."""
    page = pagination_pb2.PageRequest(limit=limit, key=key)
    request = bank.QueryAllBalancesRequest(address=address, pagination=page).SerializeToString()
    return jsonrpc.query("/cosmos.bank.v1beta1.Query/AllBalances", request, height)


def read_balances(reply: Reply) -> tuple[list[Coin], bytes]:
    """The coins of a page, and the next page's key (empty on the last).  Raises ValueError."""
    response = bank.QueryAllBalancesResponse.FromString(reply.value)
    return [Coin(coin.denom, int(coin.amount or 0)) for coin in response.balances], response.pagination.next_key


def ask_auth_params() -> Call:
    """The chain's limits for transactions."""
    return jsonrpc.query(f"{_AUTH}Params", auth.QueryParamsRequest().SerializeToString())


def read_memo_limit(reply: Reply) -> int:
    """How many bytes a memo may have."""
    return int(auth.QueryParamsResponse.FromString(reply.value).params.max_memo_characters)


def ask_node_config() -> Call:
    """What the node itself demands of transactions."""
    return jsonrpc.query("/cosmos.base.node.v1beta1.Service/Config", node.ConfigRequest().SerializeToString())


def read_gas_prices(reply: Reply) -> tuple[GasPrice, ...]:
    """The least prices of gas, one for each denom that the node takes; none is free.  Raises ValueError."""
    text = node.ConfigResponse.FromString(reply.value).minimum_gas_price
    return tuple(_gas_price(part) for part in text.split(",") if part)


def _gas_price(text: str) -> GasPrice:
    match = _PRICE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:50]!r} is not a price like 0.025uatom")
    return GasPrice(match[2], Decimal(match[1]))


def ask_allowance(granter: str, grantee: str) -> Call:
    """The fee allowance between two accounts."""
    request = feegrant.QueryAllowanceRequest(granter=granter, grantee=grantee).SerializeToString()
    return jsonrpc.query("/cosmos.feegrant.v1beta1.Query/Allowance", request)


def read_allowance(reply: Reply) -> bool:
    """Whether one stands."""
    return bool(feegrant.QueryAllowanceResponse.FromString(reply.value).HasField("allowance"))


def ask_denom(denom_hash: str) -> Call:
    """A voucher's trace, ibc-go v10 and later."""
    return jsonrpc.query(f"{_TRANSFER}Denom", transfer.QueryDenomRequest(hash=denom_hash).SerializeToString())


def read_denom(reply: Reply) -> DenomPath:
    """The trace."""
    denom = transfer.QueryDenomResponse.FromString(reply.value).denom
    return DenomPath(tuple((hop.port_id, hop.channel_id) for hop in denom.trace), denom.base)


def ask_denom_trace(denom_hash: str) -> Call:
    """A voucher's trace, ibc-go up to v8; the request has the shape of `Denom`'s."""
    return jsonrpc.query(f"{_TRANSFER}DenomTrace", transfer.QueryDenomRequest(hash=denom_hash).SerializeToString())


def read_denom_trace(reply: Reply) -> DenomPath:
    """The trace."""
    trace = _trace_response().FromString(reply.value).denom_trace
    return DenomPath.parse(f"{trace.path}/{trace.base_denom}" if trace.path else trace.base_denom)


@functools.cache
def _trace_response() -> Any:
    """The message `QueryDenomTraceResponse`, which cosmpy's newer ibc-go no longer has."""
    file = descriptor_pb2.FileDescriptorProto(
        name="relayclear/legacy.proto",
        package="relayclear.legacy",
        dependency=[denomtrace_pb2.DESCRIPTOR.name],
        syntax="proto3",
    )
    message = file.message_type.add(name="QueryDenomTraceResponse")
    message.field.add(
        name="denom_trace", number=1, label=1, type=11, type_name=f".{denomtrace_pb2.DenomTrace.DESCRIPTOR.full_name}"
    )
    # Under a name of its own: the pool is shared by the process, and refuses to hold a file twice.
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("relayclear.legacy.QueryDenomTraceResponse"))
