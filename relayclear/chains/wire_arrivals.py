"""Which coins a transaction brought to an address, how, from whom, and with whose memo.  Pure.

The events tell what came: a transaction that can't be decoded brings its coins all the same.  The messages tell whose
memo it is.  A relayer signs for packets of strangers, so inside a received packet only the packet's own memo counts;
and a memo next to coins that nobody who signed has sent (rewards, bridges) is nobody's order.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import bech32
from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank
from google.protobuf.message import DecodeError

from relayclear.chains.index import FoundTx
from relayclear.chains.wire_flows import PACKET_EVENTS, Flow, Scope, Told, flows, signers, told
from relayclear.chains.wire_tx import Body, opened
from relayclear.ibc.address import read_address
from relayclear.ibc.arrivals import Arrival, ArrivalKind, Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey

_EXEC: Final = "/cosmos.authz.v1beta1.MsgExec"
_SEND: Final = "/cosmos.bank.v1beta1.MsgSend"
_MULTI_SEND: Final = "/cosmos.bank.v1beta1.MsgMultiSend"
_RELAYED, _CONTRACTS = "/ibc.core.", "/cosmwasm.wasm."
_DEEPEST = 3
_KEY_BYTES = 20
_NO_DATA = (DecodeError, binascii.Error, ValueError)


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is known of how coins came; the default is nothing."""

    kind: ArrivalKind = ArrivalKind.OTHER
    sender: str | None = None
    senders: int = 1
    memo: str | None = None
    """the memo that counts, None for none"""
    packet: PacketKey | None = None
    channel: ChannelEnd | None = None
    signed: bool = False


def arrivals(chain: str, tx: FoundTx, at: datetime, address: str) -> list[Arrival]:
    """What came to the address, in the order of the events; nothing for a failed transaction.

    `at` is its block's time.  Coins that the address sent itself are left out.  A packet's chain is left empty.
    """
    if tx.code:
        return []
    body, events = opened(tx)
    found = []
    for flow in flows(events, address):
        if flow.incoming and flow.scope is not None:
            origin = _origin(chain, events, flow, body, address)
            if origin.sender != address:
                found += [_arrival(chain, tx, at, flow, coin, origin, body) for coin in flow.coins]
    return found


def movements(chain: str, tx: FoundTx, address: str) -> list[Movement]:
    """Everything that a transaction moved to or from the address, failed or not."""
    body, events = opened(tx)
    memo = body.memo if body else ""
    return [
        Movement(
            chain,
            tx.hash,
            tx.height,
            coin,
            flow.incoming,
            flow.ordinal,
            fee=flow.scope is None,
            memo=memo,
            to=flow.receiver,
        )
        for flow in flows(events, address)
        for coin in flow.coins
    ]


def block_movements(chain: str, height: int, events: Any, address: str) -> list[Movement]:
    """Everything that a block itself moved to or from the address."""
    return [
        Movement(chain, "", height, coin, flow.incoming, flow.ordinal)
        for flow in flows(told(events), address)
        for coin in flow.coins
    ]


def _arrival(
    chain: str, tx: FoundTx, at: datetime, flow: Flow, coin: Coin, origin: _Origin, body: Body | None
) -> Arrival:
    outer = body.memo if body else ""
    counts = origin.memo is not None and origin.packet is None and origin.kind is not ArrivalKind.IBC
    return Arrival(
        chain=chain,
        tx_hash=tx.hash,
        ordinal=flow.ordinal,
        coin=coin,
        height=tx.height,
        at=at,
        kind=origin.kind,
        sender=origin.sender,
        senders=origin.senders,
        memo=origin.memo or "",
        outer_memo="" if counts else outer,
        packet=origin.packet,
        signed=origin.signed,
        channel=origin.channel,
    )


def _origin(chain: str, events: Sequence[Told], flow: Flow, body: Body | None, address: str) -> _Origin:
    packets = [event for event in events if event.scope == flow.scope and event.kind in PACKET_EVENTS]
    if packets:
        return _relayed(chain, events, flow, packets, address)
    if body is None or flow.scope is None:
        return _Origin(sender=flow.sender)
    messages, nested = _messages(body, flow.scope)
    paid = _paid(messages, flow, address)
    if paid is not None:
        kind, payers = paid
        sender = payers[0] if len(payers) == 1 else None
        return _Origin(
            kind=ArrivalKind.EXEC if nested else kind,
            sender=sender,
            senders=len(payers),
            memo=body.memo,
            signed=_has_key(sender),
        )
    if any(message.type_url.startswith(_CONTRACTS) for message in messages):
        return _Origin(ArrivalKind.CONTRACT, flow.sender, memo=body.memo)
    signed = flow.sender in signers(events) and not any(one.type_url.startswith(_RELAYED) for one in messages)
    return _Origin(sender=flow.sender, memo=body.memo if signed else None, signed=signed and _has_key(flow.sender))


def _has_key(address: str | None) -> bool:
    """Whether an address is short enough for an account with a key; contracts and interchain accounts have 32 bytes."""
    read = read_address(address) if address else None
    return read is not None and len(read.account) == _KEY_BYTES


def _messages(body: Body, scope: Scope) -> tuple[list[Any], bool]:
    """The messages behind a scope, those in executions taken out of them, and whether they were in one."""
    place, inner = scope
    if not 0 <= place < len(body.messages):
        return [], False
    message = body.messages[place]
    if message.type_url != _EXEC:
        return [message], False
    inside: Sequence[Any] = ()
    with suppress(DecodeError):
        inside = authz.MsgExec.FromString(message.value).msgs
    return _unpacked(inside[inner : inner + 1] if 0 <= inner < len(inside) else inside), True


def _unpacked(messages: Iterable[Any], depth: int = 1) -> list[Any]:
    found = []
    for message in messages:
        found.append(message)
        if message.type_url == _EXEC and depth < _DEEPEST:
            with suppress(DecodeError):
                found += _unpacked(authz.MsgExec.FromString(message.value).msgs, depth + 1)
    return found


def _paid(messages: Iterable[Any], flow: Flow, address: str) -> tuple[ArrivalKind, list[str]] | None:
    """The bank message that sent these coins, as its kind and its payers; None where none fits the event."""
    for message in messages:
        with suppress(*_NO_DATA):
            if message.type_url == _SEND and _sends(bank.MsgSend.FromString(message.value), flow, address):
                return ArrivalKind.SEND, [flow.sender or ""]
            if message.type_url == _MULTI_SEND:
                many = bank.MsgMultiSend.FromString(message.value)
                payers = list(dict.fromkeys(one.address.lower() for one in many.inputs))
                if flow.sender in (None, *payers) and any(_gives(one, flow, address) for one in many.outputs):
                    return ArrivalKind.MULTI_SEND, payers
    return None


def _sends(message: Any, flow: Flow, address: str) -> bool:
    # Events have addresses in small letters; a message may have its in capitals.
    ends = (message.from_address.lower(), message.to_address.lower())
    return ends == (flow.sender, address) and _covers(message.amount, flow.coins)


def _gives(output: Any, flow: Flow, address: str) -> bool:
    return output.address.lower() == address and _covers(output.coins, flow.coins)


def _covers(said: Iterable[Any], came: Iterable[Coin]) -> bool:
    """Whether what came is no more than was said to be sent; a chain may keep a tax.  Raises ValueError."""
    most = {coin.denom: int(coin.amount or 0) for coin in said}
    return all(coin.amount <= most.get(coin.denom, 0) for coin in came)


def _relayed(chain: str, events: Sequence[Told], flow: Flow, packets: Sequence[Told], address: str) -> _Origin:
    """Coins in a message that received, acknowledged or timed out packets: one, or the last received before them."""
    before = [one for one in events[: flow.place] if one.scope == flow.scope and one.kind == "recv_packet"]
    packet = packets[0] if len(packets) == 1 else (before[-1] if before else None)
    if packet is None:
        return _Origin(sender=flow.sender)
    row = packet.attributes
    if packet.kind != "recv_packet":
        key = _key(chain, row)
        # Relayers' fees (ICS-29) are paid in such messages too.
        if key is None or flow.sender not in _refunders(key.end, address):
            return _Origin(sender=flow.sender)
        return _Origin(ArrivalKind.RETURNED, packet=key, channel=key.end)
    key = _key("", row)
    end = ChannelEnd(chain, row.get("packet_dst_port", ""), row.get("packet_dst_channel", "")) if key else None
    moved = _transfer(events, flow, address)
    if moved is None:
        return _Origin(ArrivalKind.IBC, packet=key, channel=end)
    return _Origin(ArrivalKind.IBC, moved.get("sender") or None, memo=moved.get("memo", ""), packet=key, channel=end)


def _refunders(end: ChannelEnd, address: str) -> set[str]:
    """Who gives a packet's coins back: the account that keeps what left over a channel, or ICS-20's own (ADR-28)."""
    prefix = address.rpartition("1")[0]
    keeper = sha256(f"ics20-1\0{end.port}/{end.channel}".encode()).digest()[:_KEY_BYTES]
    module = sha256(end.port.encode()).digest()[:_KEY_BYTES]
    return {str(bech32.bech32_encode(prefix, bech32.convertbits(account, 8, 5))) for account in (keeper, module)}


def _key(chain: str, row: Any) -> PacketKey | None:
    """The packet of an event, None for one of channel v2."""
    if "packet_src_channel" not in row or not row["packet_sequence"].isdecimal():
        return None
    return PacketKey(chain, row.get("packet_src_port", ""), row["packet_src_channel"], int(row["packet_sequence"]))


def _transfer(events: Sequence[Told], flow: Flow, address: str) -> Any | None:
    """The ICS-20 event that follows the coins, where it says that just they went to the address, with success."""
    for event in events[flow.place + 1 :]:
        if event.scope == flow.scope and event.kind == "fungible_token_packet":
            row = event.attributes
            said = (row.get("success"), row["receiver"].lower(), [row.get("amount")])
            return row if said == ("true", address, [str(coin.amount) for coin in flow.coins]) else None
    return None
