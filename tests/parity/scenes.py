"""What several cases look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.localnet.channels import Channel
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.side import Purse, Side, soon


@dataclass(frozen=True)
class Relayed:
    """A channel both ways.

    From alpha-1, packet 1 is acknowledged, 2 delivered only, 3 still pending; from beta-1, 1 is acknowledged.  `sent`
    is the first transfers' transaction, `back` that of beta-1, `hermes` what its runs said, `before` a height of
    alpha-1 at which nothing was sent.
    """

    channel: Channel
    sender: Purse
    before: int
    sent: Any
    back: Any
    hermes: dict[str, Any]


def relayed(side: Side) -> Relayed:
    """Make that channel."""
    channel, sender = side.fresh_channel(), side.purse()
    before = side.ask(ALPHA).height()
    one = wires.transfer(sender.address, channel.alpha, wires.STRANGER)
    sent = side.commit(ALPHA, sender, one, one, one)
    back = side.commit(BETA, sender, wires.transfer(sender.address, channel.beta, wires.STRANGER))
    here, there = channel.alpha, channel.beta
    recv = ("--dst-chain", BETA, "--src-chain", ALPHA, "--src-port", "transfer", "--src-channel", here.channel)
    ack = ("--dst-chain", ALPHA, "--src-chain", BETA, "--src-port", "transfer", "--src-channel", there.channel)
    clear = ("clear", "packets", "--chain", BETA, "--port", "transfer", "--channel", there.channel)
    runs = {
        "recv": side.hermes("tx", "packet-recv", *recv, "--packet-sequences", "1..2"),
        "ack": side.hermes("tx", "packet-ack", *ack, "--packet-sequences", "1"),
        "clear": side.hermes(*clear, "--packet-sequences", "1"),
    }
    return Relayed(channel, sender, before, sent, back, runs)


@dataclass(frozen=True)
class Failing:
    """A channel both ways on which, from each chain, packet 1 went to nobody and its error came back, and 2 timed out.

    Then a voucher went home: from beta-1 with its packet 3 (`voucher` is that transaction; alpha-1 had sent the coins
    with its 3), from alpha-1 with its packet 4 (`older_voucher`).  `hermes` is what the runs said.
    """

    channel: Channel
    voucher: Any
    older_voucher: Any
    hermes: dict[str, Any]


def failing(side: Side) -> Failing:
    """Make that channel."""
    channel, purse = side.fresh_channel(), side.purse()
    for end in (channel.alpha, channel.beta):
        message = wires.transfer(purse.address, end, "nobody")
        side.commit(end.chain, purse, message, wires.transfer(purse.address, end, purse.address, timeout_seconds=2.5))
    side.wait_past(soon(2.5), ALPHA, BETA)
    runs = {chain: clear(side, chain, channel, "1..2") for chain in (ALPHA, BETA)}
    vouchers = {}
    for chain, there in ((ALPHA, BETA), (BETA, ALPHA)):
        end, other = channel.end(chain), channel.end(there)
        side.commit(chain, purse, wires.transfer(purse.address, end, purse.address))
        clear(side, chain, channel, "3..")
        voucher = f"ibc/{wires.voucher(other.channel)}"
        home = wires.transfer(purse.address, other, purse.address, amount=400, denom=voucher)
        vouchers[there] = side.commit(there, purse, home)
        clear(side, there, channel, "3..")
    return Failing(channel, vouchers[BETA], vouchers[ALPHA], runs)


def clear(side: Side, chain: str, channel: Channel, sequences: str, key: str = "daemon") -> Any:
    """`hermes clear packets` of what a chain sent."""
    end = channel.end(chain)
    where = ("--chain", chain, "--port", end.port, "--channel", end.channel)
    return side.hermes("clear", "packets", *where, "--packet-sequences", sequences, key=key)


def deliver(side: Side, channel: Channel, sequences: str) -> Any:
    """`hermes tx packet-recv` of what alpha-1 sent."""
    where = ("--dst-chain", BETA, "--src-chain", ALPHA, "--src-port", "transfer")
    return side.hermes(
        "tx", "packet-recv", *where, "--src-channel", channel.alpha.channel, "--packet-sequences", sequences
    )


def payment(side: Side) -> dict[str, Any]:
    """A payment with a memo on alpha-1: what `tx` says of it."""
    purse = side.purse()
    # So that no other case's transaction is in its block.
    side.next_block(ALPHA)
    message = wires.send(purse.address, wires.STRANGER, wires.coin(700))
    return side.commit(ALPHA, purse, message, memo="parity")


def quiet_blocks(side: Side) -> dict[str, int]:
    """The height of a block without transactions on each chain."""
    return {chain: _quiet(side, chain) for chain in (ALPHA, BETA)}


def _quiet(side: Side, chain: str) -> int:
    while True:
        height = side.next_block(chain)
        if not side.ask(chain).call("block", height=str(height))["block"]["data"]["txs"]:
            return height
