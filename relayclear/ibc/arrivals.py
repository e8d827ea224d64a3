"""Coins that came to an address, and everything that moved its balance, as a chain's transactions told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey


class ArrivalKind(StrEnum):
    """How coins came.

    `EXEC` is a bank message carried out for its signer by another account (authz); `IBC` whatever a received packet
    brought; `RETURNED` the coins of a packet of ours that was refused or timed out; `OTHER` all the rest: messages
    that nobody here knows, transactions that can't be decoded, events that contradict the message.
    """

    SEND = "send"
    MULTI_SEND = "multi_send"
    EXEC = "exec"
    CONTRACT = "contract"
    IBC = "ibc"
    RETURNED = "returned"
    OTHER = "other"


class ArrivalId(NamedTuple):
    """What names an arrival for ever.

    `ordinal` counts the `coin_received` events of the address in the transaction, in their order, from 0.
    """

    chain: str
    tx_hash: str
    ordinal: int
    denom: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """One `coin_received` of an address in one denom, in a transaction that went well (code 0).

    `at` is the block's time.  `sender` is the payer of record, on IBC the packet's sender on its own chain, None where
    nothing tells; `senders` how many paid together (a multi-send of old chains), else 1.  `memo` is the one that
    counts: of the transaction where its signer's coins moved, or of the ICS-20 packet and never of the transaction
    that relayed it.  A memo of the transaction that doesn't count stands in `outer_memo`.  `signed`: the sender is an
    account with a key (20 bytes) that signed, or granted, the sending, so coins sent back to it arrive.

    `packet` is the packet that brought the coins (`RETURNED`: that took them), its chain "" where the client behind
    the channel names none; `channel` our own end of its channel.  Both None for coins of no packet, and of channel v2.
    All texts are hostile.
    """

    chain: str
    tx_hash: str
    ordinal: int
    coin: Coin
    height: int
    at: datetime
    kind: ArrivalKind
    sender: str | None
    senders: int
    memo: str
    outer_memo: str
    packet: PacketKey | None
    signed: bool
    channel: ChannelEnd | None = None

    @property
    def identity(self) -> ArrivalId:
        """Its name for ever, however it was read."""
        return ArrivalId(self.chain, self.tx_hash, self.ordinal, self.coin.denom)


class Moved(NamedTuple):
    """All that a stretch of blocks brought to an address, and all that moved there."""

    arrivals: list[Arrival]
    movements: list[Movement]


@dataclass(frozen=True, slots=True)
class Movement:
    """One `coin_received` (`incoming`) or `coin_spent` of an address in one denom, in a failed transaction too.

    `tx_hash` is "" for what a block did by itself (staking, governance).  `ordinal` counts the events of its direction
    in the transaction, or among the block's own, from 0; an incoming one has that of its `Arrival`.
    `fee`: it stands outside every message, so the chain took (or gave back) a fee.  `memo` is the
    transaction's, hostile; `to` is who got coins that went out in a message, None where nothing tells.
    """

    chain: str
    tx_hash: str
    height: int
    coin: Coin
    incoming: bool
    ordinal: int = 0
    fee: bool = False
    memo: str = ""
    to: str | None = None
