"""The messages a chain understands: who must sign each, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz_tx
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.cosmos.feegrant.v1beta1 import tx_pb2 as feegrant_tx
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx
from cosmpy.protos.ibc.core.client.v1 import tx_pb2 as client_tx
from google.protobuf.message import DecodeError

from relayclear.rehearsal import bank, channels, clients, transfer
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import Event, event
from relayclear.rehearsal.failures import BANK, CHANNEL, CLIENT_V2, IBC, SDK, TRANSFER, TxFailure
from relayclear.rehearsal.transactions import readable_amounts

# What ibc-go allows (v8 and later).
_MAX_RECEIVER, _MAX_MEMO = 2048, 32768


@dataclass(frozen=True, slots=True)
class Kind:
    """A message's type: its protobuf class, its signer's field, what it does, its answer, its rough gas."""

    message: Any
    signer: Callable[[Any], str]
    run: Callable[[Context, Any], Any]
    gas: int
    packet: bool = False


def unpack(any_message: Any) -> tuple[str, Any]:
    """A message and its type.  Raises TxFailure for a type this chain doesn't have."""
    url = any_message.type_url
    if url not in KINDS:
        raise TxFailure(SDK, 2, f"unable to resolve type URL {url}")
    try:
        message = KINDS[url].message.FromString(any_message.value)
    except DecodeError as garbage:
        raise TxFailure(SDK, 2) from garbage
    readable_amounts(message)
    return url, message


def signer(any_message: Any) -> str:
    """Who must sign a message."""
    url, message = unpack(any_message)
    return KINDS[url].signer(message)


def validate(ctx: Context, any_message: Any) -> None:
    """The check without state that a node makes before it takes a transaction.  Raises TxFailure."""
    url, msg = unpack(any_message)
    if url != "/ibc.applications.transfer.v1.MsgTransfer":
        return
    if int(msg.token.amount or 0) <= 0:
        raise TxFailure(IBC, 3 if ctx.spec.old else 6, f"{msg.token.amount}{msg.token.denom}")
    if not msg.receiver.strip():
        raise TxFailure(IBC, 5, "missing recipient address")
    if len(msg.receiver.encode()) > _MAX_RECEIVER:
        raise TxFailure(IBC, 5, f"recipient address must not exceed {_MAX_RECEIVER} bytes")
    if len(msg.memo.encode()) > _MAX_MEMO:
        raise TxFailure(TRANSFER, 11, f"memo must not exceed {_MAX_MEMO} bytes")


def execute(ctx: Context, index: int, any_message: Any) -> Any:
    """Carry a message out; its events, marked with its place, go to the context.  Returns the answer's Any.

    Raises TxFailure with the place in front.
    """
    inner = ctx.branch()
    try:
        answer = dispatch(inner, any_message)
    except TxFailure as failed:
        raise failed.wrapped(f"failed to execute message; message index: {index}") from failed
    head = _head(any_message, inner.events)
    inner.events = [one.with_attribute("msg_index", str(index)) for one in (head, *inner.events)]
    ctx.keep(inner)
    return answer


def dispatch(ctx: Context, any_message: Any) -> Any:
    """Carry a message out.  Raises TxFailure."""
    url, message = unpack(any_message)
    try:
        return KINDS[url].run(ctx, message)
    except channels.NoOp:
        return None


def _head(any_message: Any, events: list[Event]) -> Event:
    url = any_message.type_url
    head = event("message", action=url, sender=signer(any_message))
    if any(key == "module" for one in events for key, _ in one.attributes):
        return head
    return head.with_attribute("module", url.split(".")[1])


def _send(ctx: Context, msg: Any) -> Any:
    for which, address in (("from", msg.from_address), ("to", msg.to_address)):
        bank.checked_address(ctx, address, which)
    _valid(msg.amount)
    bank.check_allowed(ctx, msg.to_address, msg.amount)
    bank.send(ctx, msg.from_address, msg.to_address, msg.amount)
    return bank_tx.MsgSendResponse()


def _multi_send(ctx: Context, msg: Any) -> Any:
    if len(msg.inputs) != 1:
        raise TxFailure(BANK, 9)
    if not msg.outputs:
        raise TxFailure(BANK, 3)
    for output in msg.outputs:
        bank.checked_address(ctx, output.address, "output")
    if _total(msg.inputs) != _total(msg.outputs):
        raise TxFailure(BANK, 4)
    bank.multi_send(ctx, msg.inputs, msg.outputs)
    return bank_tx.MsgMultiSendResponse()


def _total(sides: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for side in sides:
        for coin in side.coins:
            total[coin.denom] = total.get(coin.denom, 0) + int(coin.amount)
    return total


def _valid(coins: Any) -> None:
    denoms = [coin.denom for coin in coins]
    rising = all(one < other for one, other in pairwise(denoms))
    if not coins or not rising or any(int(coin.amount or 0) <= 0 for coin in coins):
        raise TxFailure(SDK, 10, bank.text(coins))


def _transfer(ctx: Context, msg: Any) -> Any:
    if channels.channel(ctx.store, msg.source_port, msg.source_channel) is None:
        raise _no_channel(ctx, msg.source_port, msg.source_channel)
    data = transfer.take(ctx, msg)
    sequence = channels.send(ctx, msg.source_port, msg.source_channel, data, msg.timeout_height, msg.timeout_timestamp)
    transfer.sent(ctx, msg)
    return transfer_tx.MsgTransferResponse(sequence=sequence)


def _no_channel(ctx: Context, port: str, channel: str) -> TxFailure:
    if ctx.spec.old:
        return TxFailure(CHANNEL, 3, f"port ID ({port}) channel ID ({channel})")
    # Newer chains take what is no channel for a client of the second protocol.
    said = f"send packet failed for source id: {channel}"
    return TxFailure(CLIENT_V2, 35, said, f"counterparty not found for client: {channel}")


def _grant(ctx: Context, msg: Any) -> Any:
    bank.checked_address(ctx, msg.grantee, "grantee")
    granted = authz_tx.MsgGrant.FromString(msg.SerializeToString()).grant.authorization
    # GenericAuthorization names the type in its first field; SendAuthorization stands for MsgSend.
    url = "/cosmos.bank.v1beta1.MsgSend" if granted.type_url.endswith("SendAuthorization") else _generic(granted.value)
    ctx.store.set(f"authz:{msg.granter}/{msg.grantee}/{url}", True)
    made = event(
        "cosmos.authz.v1beta1.EventGrant",
        grantee=f'"{msg.grantee}"',
        granter=f'"{msg.granter}"',
        msg_type_url=f'"{url}"',
    )
    ctx.emit(made)
    return authz_tx.MsgGrantResponse()


def _allow(ctx: Context, msg: Any) -> Any:
    for which, address in (("granter", msg.granter), ("grantee", msg.grantee)):
        bank.checked_address(ctx, address, which)
    ctx.store.set(bank.allowance_key(msg.granter, msg.grantee), True)
    ctx.emit(event("set_feegrant", granter=msg.granter, grantee=msg.grantee))
    return feegrant_tx.MsgGrantAllowanceResponse()


def _generic(raw: bytes) -> str:
    return raw[2 : 2 + raw[1]].decode()


def _exec(ctx: Context, msg: Any) -> Any:
    for index, inner in enumerate(msg.msgs):
        granter = signer(inner)
        if granter != msg.grantee and not ctx.store.get(f"authz:{granter}/{msg.grantee}/{inner.type_url}"):
            who = f"granter: {granter}, grantee: {msg.grantee} & msgType: {inner.type_url} "
            raise TxFailure("authz", 2, f"failed to get grant with given {who}")
        branch = ctx.branch()
        dispatch(branch, inner)
        branch.events = [one.with_attribute("authz_msg_index", str(index)) for one in branch.events]
        ctx.keep(branch)
    return authz_tx.MsgExecResponse(results=[b""] * len(msg.msgs))


def _receive(ctx: Context, msg: Any) -> Any:
    channels.receive(ctx, msg)
    return channel_tx.MsgRecvPacketResponse(result=2)


def _acknowledge(ctx: Context, msg: Any) -> Any:
    channels.acknowledge(ctx, msg)
    return channel_tx.MsgAcknowledgementResponse(result=2)


def _timeout(ctx: Context, msg: Any) -> Any:
    channels.time_out(ctx, msg, closed=False)
    return channel_tx.MsgTimeoutResponse(result=2)


def _timeout_on_close(ctx: Context, msg: Any) -> Any:
    channels.time_out(ctx, msg, closed=True)
    return channel_tx.MsgTimeoutOnCloseResponse(result=2)


def _update(ctx: Context, msg: Any) -> Any:
    clients.update(ctx, msg)
    return client_tx.MsgUpdateClientResponse()


def _relayer(msg: Any) -> str:
    return str(msg.signer)


KINDS: dict[str, Kind] = {
    "/cosmos.bank.v1beta1.MsgSend": Kind(bank_tx.MsgSend, lambda msg: str(msg.from_address), _send, 20_500),
    "/cosmos.bank.v1beta1.MsgMultiSend": Kind(
        bank_tx.MsgMultiSend, lambda msg: str(msg.inputs[0].address), _multi_send, 42_000
    ),
    "/cosmos.authz.v1beta1.MsgGrant": Kind(authz_tx.MsgGrant, lambda msg: str(msg.granter), _grant, 11_000),
    "/cosmos.authz.v1beta1.MsgExec": Kind(authz_tx.MsgExec, lambda msg: str(msg.grantee), _exec, 40_000),
    "/cosmos.feegrant.v1beta1.MsgGrantAllowance": Kind(
        feegrant_tx.MsgGrantAllowance, lambda msg: str(msg.granter), _allow, 20_000
    ),
    "/ibc.applications.transfer.v1.MsgTransfer": Kind(
        transfer_tx.MsgTransfer, lambda msg: str(msg.sender), _transfer, 55_000
    ),
    "/ibc.core.client.v1.MsgUpdateClient": Kind(client_tx.MsgUpdateClient, _relayer, _update, 65_000),
    "/ibc.core.channel.v1.MsgRecvPacket": Kind(channel_tx.MsgRecvPacket, _relayer, _receive, 75_000, packet=True),
    "/ibc.core.channel.v1.MsgAcknowledgement": Kind(
        channel_tx.MsgAcknowledgement, _relayer, _acknowledge, 30_000, packet=True
    ),
    "/ibc.core.channel.v1.MsgTimeout": Kind(channel_tx.MsgTimeout, _relayer, _timeout, 50_000, packet=True),
    "/ibc.core.channel.v1.MsgTimeoutOnClose": Kind(
        channel_tx.MsgTimeoutOnClose, _relayer, _timeout_on_close, 50_000, packet=True
    ),
}
