"""A transaction that sends coins of ours, from its draft to where it stands on the chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey

OUT_OF_GAS = 11
"""The SDK's code (`types/errors`) of a transaction that needed more gas than it had."""


def code_text(code: int | None) -> str:
    """A transaction's code with what it means, where it is known to everybody: ``code 11 (out of gas)``."""
    return f"code {code} (out of gas)" if code == OUT_OF_GAS else f"code {code}"


class BankSend(NamedTuple):
    """Coins to an account of the same chain (`cosmos.bank.v1beta1.MsgSend`)."""

    to: str
    coin: Coin


class IbcSend(NamedTuple):
    """Coins to an account of another chain (`ibc.applications.transfer.v1.MsgTransfer`).

    `over` is our own end; the packet times out at `timeout_at`, by the other chain's block time.  The
    packet's memo is the transaction's.
    """

    over: ChannelEnd
    to: str
    coin: Coin
    timeout_at: datetime


Sending = BankSend | IbcSend


@dataclass(frozen=True, slots=True)
class Draft:
    """What one transaction of one message will say; signed, it is always the same bytes.

    `number` and `sequence` are the sender's account's.  No block above `timeout_height` takes it.
    `granter` pays the fee in the sender's place, empty where nobody does.
    """

    chain: str
    sender: str
    number: int
    sequence: int
    sending: Sending
    fee: Coin
    gas: int
    memo: str
    timeout_height: int
    granter: str = ""


class SignedTx(NamedTuple):
    """The very bytes to broadcast, and their hash in upper-case hex."""

    raw: bytes
    hash: str


class WalletKey(NamedTuple):
    """The public part of a key that spends on a chain: it is told without the passphrase.

    `kind` is ``secp256k1`` or ``eth_secp256k1``; `path` the derivation path it came from.
    """

    chain: str
    address: str
    kind: str
    path: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that spends on a chain, out of a mnemonic and not yet kept anywhere; its secret is in no `repr`."""

    chain: str
    address: str
    kind: str
    path: str
    secret: bytes = field(repr=False)


class Broadcast(NamedTuple):
    """What a node answered to a broadcast: never proof of anything.

    `code` 0 means that it passed the node's check, not that it will stand in a block; other codes of
    `codespace` say why it didn't.  `known`: the node has these very bytes already.
    """

    code: int
    codespace: str
    log: str
    known: bool


class Landing(NamedTuple):
    """One place where the bytes of a transaction stand on the chain.

    `fee` is what the events say was taken.  `used_sequence`: its `tx.acc_seq` event is there, so the
    account's sequence and the fee are gone, whatever the code.  A proposer can put landed bytes into
    a later block again: those have another code, and no such event.
    """

    height: int
    at: datetime
    code: int
    log: str
    fee: tuple[Coin, ...]
    used_sequence: bool


class SpentOutput(NamedTuple):
    """Coins that a transaction moved out of an account: to whom, None where the chain doesn't tell.

    `ordinal` counts the account's `coin_spent` events as `Movement` does.
    """

    ordinal: int
    to: str | None
    coin: Coin


@dataclass(frozen=True, slots=True)
class SequenceUse:
    """The transaction that used an account's sequence: the only one that ever can.

    `outputs` leave the fee out, and are empty where `code` isn't 0.  `packets` were sent by it.
    """

    address: str
    sequence: int
    tx_hash: str
    height: int
    at: datetime
    code: int
    memo: str
    fee: tuple[Coin, ...]
    outputs: tuple[SpentOutput, ...]
    packets: tuple[PacketKey, ...] = ()

    def received_as(self, to: str, coin: Coin) -> int:
        """Which of the coins that an account got from here these are, as it counts them itself: from 0."""
        got = list(dict.fromkeys(one.ordinal for one in self.outputs if one.to == to))
        these = (one.ordinal for one in self.outputs if (one.to, one.coin) == (to, coin))
        return next((got.index(ordinal) for ordinal in these), 0)
