"""The coins of an address on a rehearsal chain, in the types of the ports: told by what its messages are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from relayclear.ibc.arrivals import Arrival, ArrivalKind, Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.rehearsal import messages
from relayclear.rehearsal.chain import Block
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.store import View
from relayclear.rehearsal.transactions import decode, hash_of
from tests.fakes.world import World, time_of

_SEND, _MULTI_SEND, _EXEC, _RECEIVE = (
    "/cosmos.bank.v1beta1.MsgSend",
    "/cosmos.bank.v1beta1.MsgMultiSend",
    "/cosmos.authz.v1beta1.MsgExec",
    "/ibc.core.channel.v1.MsgRecvPacket",
)
_BACK = ("MsgAcknowledgement", "MsgTimeout", "MsgTimeoutOnClose")


def arrivals(world: World, chain: str, block: Block, place: int, address: str) -> list[Arrival]:
    """What a transaction brought to the address."""
    result = block.results[place]
    if result.code:
        return []
    tx, found = decode(block.txs[place]), list[Arrival]()
    for ordinal, row in enumerate(_rows(result.events, "coin_received", "receiver", address)):
        if "msg_index" in row:
            how = _how(world, chain, tx.body.messages[int(row["msg_index"])], row, tx.body.memo)
            if how["sender"] != address:
                at = time_of(block.time_ns)
                found += [
                    Arrival(chain, tx.hash, ordinal, coin, block.height, at, **how)
                    for coin in Coin.parse_many(row["amount"])
                ]
    return found


def movements(chain: str, block: Block, place: int | None, address: str) -> list[Movement]:
    """What a transaction, or the block itself (None), moved to or from the address."""
    events = block.events if place is None else block.results[place].events
    tx_hash, memo = ("", "") if place is None else (hash_of(block.txs[place]), decode(block.txs[place]).body.memo)
    return [
        Movement(
            chain,
            tx_hash,
            block.height,
            coin,
            kind == "coin_received",
            ordinal,
            fee=place is not None and "msg_index" not in row,
            memo=memo,
            to=recipient(events, row) if kind == "coin_spent" and place is not None else None,
        )
        for kind, whose in (("coin_received", "receiver"), ("coin_spent", "spender"))
        for ordinal, row in enumerate(_rows(events, kind, whose, address))
        for coin in Coin.parse_many(row["amount"])
    ]


def spent(events: Sequence[Event], address: str) -> list[dict[str, str]]:
    """Every `coin_spent` of the address, in order."""
    return _rows(events, "coin_spent", "spender", address)


def recipient(events: Sequence[Event], row: dict[str, str]) -> str | None:
    """Who got what one `coin_spent` in a message took: its next `transfer`, where that names the spender."""
    if "msg_index" not in row:
        return None
    rows = [(one.type, dict(one.attributes)) for one in events]
    rows = rows[next(place for place, (_, found) in enumerate(rows) if found == row) + 1 :]
    for kind, found in rows:
        if kind == "transfer" and found.get("msg_index") == row["msg_index"]:
            same = (found.get("sender"), found["amount"]) == (row["spender"], row["amount"])
            return found["recipient"] if same else None
    return None


def receivers(block: Block) -> set[str]:
    """Whom the transactions of a block brought coins."""
    events = [one for result in block.results for one in result.events if one.type == "coin_received"]
    return {dict(one.attributes)["receiver"] for one in events}


def balances(view: View, address: str) -> dict[str, int]:
    """All that an address holds."""
    folder = f"bank:balance/{address}/"
    return {key.removeprefix(folder): int(value) for key, value in view.scan(folder)}


def _rows(events: Sequence[Event], kind: str, whose: str, address: str) -> list[dict[str, str]]:
    rows = [dict(one.attributes) for one in events if one.type == kind]
    return [row for row in rows if row[whose] == address]


def _how(world: World, chain: str, packed: Any, row: dict[str, str], memo: str) -> dict[str, Any]:
    """The fields of an arrival that tell how it came."""
    url, message = messages.unpack(packed)
    if url == _EXEC:
        how = _how(world, chain, message.msgs[int(row["authz_msg_index"])], row, memo)
        return how | {"kind": ArrivalKind.EXEC} if how["packet"] is None else how
    if url == _RECEIVE:
        return _brought(world, chain, message.packet, memo)
    if url.rpartition(".")[2] in _BACK:
        key = PacketKey(chain, message.packet.source_port, message.packet.source_channel, message.packet.sequence)
        return _fields(ArrivalKind.RETURNED, None, "", memo) | {"packet": key, "channel": key.end}
    if url == _SEND:
        return _fields(ArrivalKind.SEND, message.from_address, memo, "") | {"signed": True}
    if url == _MULTI_SEND:
        return _fields(ArrivalKind.MULTI_SEND, message.inputs[0].address, memo, "") | {"signed": True}
    return _fields(ArrivalKind.OTHER, None, "", memo)


def _brought(world: World, chain: str, packet: Any, memo: str) -> dict[str, Any]:
    end = ChannelEnd(chain, packet.destination_port, packet.destination_channel)
    key = PacketKey(world.other_end(end).chain, packet.source_port, packet.source_channel, packet.sequence)
    data = json.loads(packet.data)
    how = _fields(ArrivalKind.IBC, data["sender"], data.get("memo", ""), memo)
    return how | {"packet": key, "channel": end}


def _fields(kind: ArrivalKind, sender: str | None, memo: str, outer: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "sender": sender,
        "senders": 1,
        "memo": memo,
        "outer_memo": outer,
        "packet": None,
        "signed": False,
        "channel": None,
    }
