"""Queries about accounts, coins, fee allowances and denoms, as Cosmos SDK 0.50 and 0.53 answer them."""

from __future__ import annotations

import functools
import re
from typing import Any

from cosmpy.protos.cosmos.auth.v1beta1 import auth_pb2
from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank_wire
from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2
from cosmpy.protos.cosmos.crypto.secp256k1 import keys_pb2
from cosmpy.protos.cosmos.feegrant.v1beta1 import feegrant_pb2
from cosmpy.protos.cosmos.feegrant.v1beta1 import query_pb2 as feegrant
from cosmpy.protos.ibc.applications.transfer.v1 import denomtrace_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import query_pb2 as transfer_wire
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

from relayclear.rehearsal import bank, transfer
from relayclear.rehearsal.go_text import GoError, hex_bytes
from relayclear.rehearsal.questions import (
    Answerer,
    Page,
    QueryFailure,
    Question,
    check_address,
    decoded,
    page,
    refused,
)
from relayclear.rehearsal.spec import KeyKind

_AUTH = "/cosmos.auth.v1beta1.Query/"
_BANK = "/cosmos.bank.v1beta1.Query/"
_TRANSFER = "/ibc.applications.transfer.v1.Query/"
_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{2,127}")
_HASH_BYTES = 32


def _account(question: Question, address: str) -> bank.Account:
    try:
        check_address(question, address)
    except ValueError as wrong:
        raise QueryFailure.registered(18, str(wrong)) from wrong
    found = bank.account(question.view, address)
    if found is None:
        raise refused(22, f"account {address} not found")
    return found


def _base(question: Question, found: bank.Account) -> Any:
    made = auth_pb2.BaseAccount(address=found.address, account_number=found.number, sequence=found.sequence)
    if found.public:
        made.pub_key.type_url = question.spec.pub_key_type
        made.pub_key.value = keys_pb2.PubKey(key=found.public).SerializeToString()
    return made


def _account_info(question: Question, raw: bytes) -> Any:
    address = decoded(auth.QueryAccountInfoRequest, raw).address
    if not address:
        raise refused(18, "address cannot be empty")
    return auth.QueryAccountInfoResponse(info=_base(question, _account(question, address)))


def _account_any(question: Question, raw: bytes) -> Any:
    address = decoded(auth.QueryAccountRequest, raw).address
    if not address:
        raise refused(18, "Address cannot be empty")
    value = _base(question, _account(question, address)).SerializeToString()
    url = "/cosmos.auth.v1beta1.BaseAccount"
    if question.spec.key_kind is KeyKind.ETH_SECP256K1:
        # An EthAccount keeps the base account in its field 1.
        url, value = "/ethermint.types.v1.EthAccount", wrappers_pb2.BytesValue(value=value).SerializeToString()
    return auth.QueryAccountResponse(account=any_pb2.Any(type_url=url, value=value))


def _auth_params(question: Question, _raw: bytes) -> Any:
    params = auth_pb2.Params(
        max_memo_characters=question.spec.max_memo_characters,
        tx_sig_limit=7,
        tx_size_cost_per_byte=10,
        sig_verify_cost_ed25519=590,
        sig_verify_cost_secp256k1=1000,
    )
    return auth.QueryParamsResponse(params=params)


def _holder(question: Question, address: str) -> str:
    try:
        check_address(question, address)
    except ValueError as wrong:
        raise refused(18, f"invalid address: {wrong}") from wrong
    return address


def _check_denom(denom: str) -> str:
    if not _DENOM.fullmatch(denom):
        raise refused(18, f"invalid denom: {denom}")
    return denom


def _amount(question: Question, address: str, denom: str, held: int) -> Any:
    """A coin as the node tells it, which may be a lie."""
    amount = question.faults.balances.get(f"{address}/{denom}", held)
    return coin_pb2.Coin(denom=denom, amount=str(amount))


def _balance(question: Question, raw: bytes) -> Any:
    asked = decoded(bank_wire.QueryBalanceRequest, raw)
    denom = _check_denom(asked.denom)
    address = _holder(question, asked.address)
    held = bank.balance(question.view, address, denom)
    return bank_wire.QueryBalanceResponse(balance=_amount(question, address, denom, held))


def _all_balances(question: Question, raw: bytes) -> Any:
    asked = decoded(bank_wire.QueryAllBalancesRequest, raw)
    address = _holder(question, asked.address)
    found = _balances_page(question, f"bank:balance/{address}/", asked.pagination)
    coins = [_amount(question, address, denom, held) for denom, held in found.rows]
    return bank_wire.QueryAllBalancesResponse(balances=coins, pagination=found.response)


def _balances_page(question: Question, prefix: str, asked: Any) -> Page:
    try:
        return page(question.view, prefix, asked)
    except QueryFailure as failed:
        raise refused(18, f"paginate: {failed.log.removesuffix(': invalid request')}") from failed


def _denom_metadata(_question: Question, raw: bytes) -> Any:
    denom = _check_denom(decoded(bank_wire.QueryDenomMetadataRequest, raw).denom)
    raise refused(22, f"client metadata for denom {denom}")


def _allowance(question: Question, raw: bytes) -> Any:
    asked = decoded(feegrant.QueryAllowanceRequest, raw)
    for address in (asked.granter, asked.grantee):
        try:
            check_address(question, address)
        except ValueError as wrong:
            raise QueryFailure.registered(18, str(wrong)) from wrong
    if not question.view.get(bank.allowance_key(asked.granter, asked.grantee)):
        raise refused(6, "fee-grant not found: not found")
    basic = any_pb2.Any(
        type_url="/cosmos.feegrant.v1beta1.BasicAllowance", value=feegrant_pb2.BasicAllowance().SerializeToString()
    )
    grant = feegrant_pb2.Grant(granter=asked.granter, grantee=asked.grantee, allowance=basic)
    return feegrant.QueryAllowanceResponse(allowance=grant)


def _stored_denom(question: Question, raw: bytes, missing: str) -> transfer.Denom:
    asked = decoded(transfer_wire.QueryDenomRequest, raw).hash
    try:
        found = hex_bytes(asked.removeprefix("ibc/"))
        if found and len(found) != _HASH_BYTES:
            raise GoError(f"expected size to be {_HASH_BYTES} bytes, got {len(found)} bytes")  # noqa: TRY301
    except GoError as wrong:
        raise refused(18, f"invalid denom trace hash: , error: {wrong}") from wrong
    denom = transfer.stored(question.view, found.hex())
    if denom is None:
        raise refused(22, f"{asked}: {missing}")
    return denom


def _denom(question: Question, raw: bytes) -> Any:
    found = _stored_denom(question, raw, "denomination not found")
    made = transfer_wire.QueryDenomResponse()
    made.denom.base = found.base
    for port, channel in found.trace:
        made.denom.trace.add(port_id=port, channel_id=channel)
    return made


def _denom_trace(question: Question, raw: bytes) -> Any:
    found = _stored_denom(question, raw, "denomination trace not found")
    path = "/".join("/".join(hop) for hop in found.trace)
    return _trace_response()(denom_trace=denomtrace_pb2.DenomTrace(path=path, base_denom=found.base))


@functools.cache
def _trace_response() -> Any:
    """The message `QueryDenomTraceResponse` of ibc-go v8, which cosmpy's newer one no longer has."""
    file = descriptor_pb2.FileDescriptorProto(
        name="relayclear/rehearsal/older.proto",
        package="relayclear.rehearsal.older",
        dependency=[denomtrace_pb2.DESCRIPTOR.name],
        syntax="proto3",
    )
    message = file.message_type.add(name="QueryDenomTraceResponse")
    kind = f".{denomtrace_pb2.DenomTrace.DESCRIPTOR.full_name}"
    message.field.add(name="denom_trace", number=1, label=1, type=11, type_name=kind)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{message.name}"))


ROUTES: dict[str, Answerer] = {
    f"{_AUTH}AccountInfo": _account_info,
    f"{_AUTH}Account": _account_any,
    f"{_AUTH}Params": _auth_params,
    f"{_BANK}Balance": _balance,
    f"{_BANK}AllBalances": _all_balances,
    f"{_BANK}DenomMetadata": _denom_metadata,
    "/cosmos.feegrant.v1beta1.Query/Allowance": _allowance,
}
"""Answers by path, on every chain."""

OLDER: dict[str, Answerer] = {f"{_TRANSFER}DenomTrace": _denom_trace}
"""What only ibc-go up to v8 has."""

NEWER: dict[str, Answerer] = {f"{_TRANSFER}Denom": _denom}
"""What only ibc-go v10 and later has."""
