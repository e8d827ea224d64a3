"""What a chain checks before it runs a transaction's messages, in the order of the SDK's ante handler."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from cosmpy.protos.cosmos.crypto.secp256k1 import keys_pb2

from relayclear.rehearsal import bank, messages
from relayclear.rehearsal.channels import NoOp
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import event
from relayclear.rehearsal.failures import CHANNEL, SDK, OutOfGasError, TxFailure
from relayclear.rehearsal.keys import address_of, decode_address, module_address, verify
from relayclear.rehearsal.transactions import Tx

GAS_PER_BYTE = 10
# About what accounts, fees and one signature cost on the test network's chains.
_GAS_BEFORE_MESSAGES = 43_700
# Of it what taking the fee costs; a transaction without one is spared it, a simulated one too.
_GAS_OF_FEE = 17_900
_READING = (("Has", 1000), ("ReadFlat", 1000), ("ReadPerByte", 50))


class Mode(Enum):
    """Why a transaction is run."""

    CHECK = auto()
    """before it may wait in the mempool"""
    RECHECK = auto()
    """after a block, while it waits"""
    DELIVER = auto()
    """in a block"""
    SIMULATE = auto()
    """to learn what it would cost"""


def gas_before(tx: Tx) -> int:
    """The gas used before the first message runs."""
    return GAS_PER_BYTE * len(tx.raw) + _rest(tx)


def _rest(tx: Tx) -> int:
    taken = any(int(coin.amount) for coin in tx.auth.fee.amount)
    return _GAS_BEFORE_MESSAGES if taken else _GAS_BEFORE_MESSAGES - _GAS_OF_FEE


def check(ctx: Context, tx: Tx, mode: Mode, *, trusted: bool = False) -> None:
    """Check a transaction and take its fee.  Raises TxFailure; then nothing of the context may be kept.

    `trusted` skips the signature: the world itself wrote the transaction.
    """
    _limits(ctx, tx, mode)
    payer = messages.signer(tx.body.messages[0])
    _take_fee(ctx, tx, payer, mode)
    _signature(ctx, tx, payer, checked=mode in (Mode.CHECK, Mode.DELIVER) and not trusted)
    bank.advance(ctx, payer)
    if mode in (Mode.CHECK, Mode.RECHECK):
        _refuse_redundant(ctx, tx)


def _limits(ctx: Context, tx: Tx, mode: Mode) -> None:
    if not tx.body.messages:
        raise TxFailure(SDK, 18, "must contain at least one message")
    for message in tx.body.messages:
        messages.validate(ctx, message)
    if not tx.signatures:
        raise TxFailure(SDK, 15)
    limit = tx.body.timeout_height
    if limit and ctx.height > limit:
        raise TxFailure(SDK, 30, f"block height: {ctx.height}, timeout height: {limit}")
    size, most = len(tx.body.memo.encode()), ctx.spec.max_memo_characters
    if size > most:
        raise TxFailure(SDK, 12, f"maximum number of characters is {most} but received {size} characters")
    if mode is not Mode.SIMULATE:
        _gas(tx)


def _gas(tx: Tx) -> None:
    """Use the gas of the checks, so that it runs out where the SDK's does: the parameters are read first."""
    limit, used = tx.auth.fee.gas_limit, 0
    bytes_cost = GAS_PER_BYTE * len(tx.raw)
    rest = _rest(tx) - sum(cost for _, cost in _READING)
    for where, cost in (*_READING, ("txSize", bytes_cost), ("WriteFlat", rest)):
        used += cost
        if used > limit:
            raise OutOfGasError(limit, used, where)


def _take_fee(ctx: Context, tx: Tx, payer: str, mode: Mode) -> None:
    fee = tx.auth.fee
    if mode in (Mode.CHECK, Mode.RECHECK):
        needed = math.ceil(ctx.spec.min_gas_price * fee.gas_limit)
        if not any(coin.denom == ctx.spec.gas_denom and int(coin.amount) >= needed for coin in fee.amount):
            words = f"insufficient fees; got: {bank.text(fee.amount)} required: {needed}{ctx.spec.gas_denom}"
            raise TxFailure(SDK, 13, words)
    source = _fee_source(ctx, fee, payer)
    if bank.account(ctx.store, source) is None:
        raise TxFailure(SDK, 9, f"fee payer address: {_as_text(source, ctx.spec.prefix)} does not exist")
    if fee.amount:
        try:
            bank.send(ctx, source, module_address(bank.FEE_COLLECTOR, ctx.spec.prefix), fee.amount)
        except TxFailure as failed:
            raise TxFailure(SDK, 5, failed.log) from failed
    ctx.emit(event("tx", fee=bank.text(fee.amount), fee_payer=source))


def _fee_source(ctx: Context, fee: Any, payer: str) -> str:
    if not fee.granter or fee.granter == payer:
        return payer
    if not ctx.store.get(bank.allowance_key(fee.granter, payer)):
        one, other = (_as_text(address, ctx.spec.prefix) for address in (fee.granter, payer))
        raise TxFailure(SDK, 38, f"{one} does not allow to pay fees for {other}", "fee-grant not found")
    used = {"granter": fee.granter, "grantee": payer}
    ctx.emit(event("use_feegrant", **used), event("update_feegrant", **used))
    return str(fee.granter)


def _as_text(address: str, prefix: str) -> str:
    """An account's bytes as if they were text, which is how the SDK prints some: Go replaces each byte that is none."""
    try:
        raw = decode_address(address, prefix).decode(errors="surrogateescape")
        return "".join("\ufffd" if "\udc80" <= one <= "\udcff" else one for one in raw)
    except ValueError as refused:
        raise TxFailure(SDK, 7, f"invalid fee granter address: {refused}") from refused


def _signature(ctx: Context, tx: Tx, payer: str, *, checked: bool) -> None:
    account = bank.account(ctx.store, payer)
    if account is None:
        raise TxFailure(SDK, 9, f"account {payer} does not exist")
    if len(tx.auth.signer_infos) != 1:
        words = f"invalid number of signer;  expected: 1, got {len(tx.auth.signer_infos)}"
        raise TxFailure(SDK, 4, words)
    info = tx.auth.signer_infos[0]
    public = keys_pb2.PubKey.FromString(info.public_key.value).key
    if public and not account.public:
        if checked and address_of(public, ctx.spec.key_kind, ctx.spec.prefix) != payer:
            raise TxFailure(SDK, 8, f"pubKey does not match signer address {payer} with signer index: 0")
        account = replace(account, public=public)
        bank.put_account(ctx, account)
    if info.sequence != account.sequence:
        words = f"account sequence mismatch, expected {account.sequence}, got {info.sequence}"
        raise TxFailure(SDK, 32, words)
    if checked:
        document = tx.document(ctx.spec.chain_id, account.number)
        if not account.public:
            raise TxFailure(SDK, 8, "pubkey on account is not set")
        if not verify(account.public, ctx.spec.key_kind, document, tx.signatures[0]):
            where = f"account number ({account.number}) and chain-id ({ctx.spec.chain_id})"
            why = "(unable to verify single signer signature)"
            raise TxFailure(SDK, 4, f"signature verification failed; please verify {where}: {why}")
    ctx.emit(
        event("tx", acc_seq=f"{payer}/{info.sequence}"),
        event("tx", signature=base64.b64encode(tx.signatures[0]).decode()),
    )


def _refuse_redundant(ctx: Context, tx: Tx) -> None:
    """Refuse what only repeats packet messages that another relayer has already carried out."""
    done = packets = 0
    for message in tx.body.messages:
        kind = messages.KINDS[message.type_url]
        if not kind.packet and not message.type_url.endswith("MsgUpdateClient"):
            return
        packets += kind.packet
        try:
            kind.run(ctx, kind.message.FromString(message.value))
        except NoOp:
            done += 1
    if packets and done == packets:
        raise TxFailure(CHANNEL, 22)
