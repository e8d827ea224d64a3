"""Worlds with a past: the one that the demo shows, and one at the scale of a hub.

Everything in the demo's world was really done: sent, delivered, left lying, by transactions of its accounts.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.rehearsal import channels, relaying
from relayclear.rehearsal.clock import BILLION, SteppedClock
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import ChainSpec, Generation, KeyKind
from relayclear.rehearsal.transactions import wrap
from relayclear.rehearsal.world import Link, World

ALPHA = ChainSpec("alpha-1", "stake", block_seconds=1.0)
BETA = ChainSpec("beta-1", "ubeta", Generation.V10, prefix="beta", block_seconds=1.0)
PAYEE = "payee"
USERS = ("alice", "bob", PAYEE)
RELAYERS = ("daemon", "clearing", "rival")
COIN = "token"
PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
"""The payee's mnemonic: the one that every wallet's documentation shows, so that nobody takes it for a secret."""
# How far back the demo's world begins, and how long its short-lived client is trusted.
_PAST = 7200
_SHORT_TRUST = 1800
_DAY = 86400


def address(spec: ChainSpec, name: str) -> str:
    """A named account's address; anybody can make its key, so it is worth nothing anywhere else."""
    return key_of(name, spec.key_kind).address(spec.prefix)


@functools.cache
def key_of(name: str, kind: KeyKind) -> Key:
    """A named account's key: made from the name, the payee's from a mnemonic, as a wallet wants it."""
    return Key.from_mnemonic(PHRASE, kind) if name == PAYEE else Key.of_name(name, kind)


@dataclass(frozen=True, slots=True)
class Staged:
    """A world, and what of its packets the operator's Hermes leaves alone: chain, channel, sequences."""

    world: World
    excluded: dict[str, dict[str, list[int]]]


def founded(now_ns: int, *, before: float = 0.0) -> World:
    """Two chains, alpha-1 and beta-1, with funded accounts, that began so many seconds before now."""
    world = World(SteppedClock(now_ns - round(before * BILLION)))
    for spec in (ALPHA, BETA):
        world.add_chain(spec)
        for name in (*USERS, *RELAYERS):
            for denom in (spec.gas_denom, COIN):
                world.fund(spec.chain_id, address(spec, name), denom)
    return world


def demo(now_ns: int) -> Staged:
    """Two hours of two chains: packets of every kind are left behind, each for its own reason."""
    world = founded(now_ns, before=_PAST)
    source, _ = world.connect(ALPHA.chain_id, BETA.chain_id)
    dying = world.open_channel(world.link(ALPHA.chain_id, BETA.chain_id, trusting_seconds=(_SHORT_TRUST, _SHORT_TRUST)))
    home = world.other_end(source)
    for amount in (70, 30):
        transfer(world, dying[0], amount=amount * 10**6)
    # A relayer was there once: this one arrived.
    relaying.relay(world, transfer(world, source, amount=5 * 10**6), *_signers("rival"))
    world.step(_PAST - 3000)
    transfer(world, source, amount=25 * 10**6)
    transfer(world, source, amount=40 * 10**6, timeout_seconds=900)
    relaying.deliver(world, transfer(world, source, amount=12 * 10**6), address(BETA, "rival"))
    transfer(world, source, amount=3 * 10**6, receiver="nobody")
    excluded = transfer(world, source, amount=8 * 10**6)
    transfer(world, home, amount=15 * 10**6)
    world.step(2970)
    transfer(world, source, amount=10**6)
    world.step(30)
    return Staged(world, {source.chain: {source.channel: [excluded.sequence]}})


def transfer(
    world: World,
    end: ChannelEnd,
    *,
    amount: int,
    sender: str = "alice",
    receiver: str | None = None,
    timeout_seconds: float = _DAY,
    denom: str = COIN,
) -> PacketKey:
    """A named account sends coins over a channel, to Bob unless said; the packet's name.

    Raises RuntimeError with the chain's words when it refuses.
    """
    here, there = (world.chains[chain].spec for chain in (end.chain, world.other_end(end).chain))
    account, store = address(here, sender), world.chains[end.chain].store
    key = PacketKey(*end, channels.next_sequence(store, "Send", end.port, end.channel))
    message = transfer_tx.MsgTransfer(
        source_port=end.port,
        source_channel=end.channel,
        sender=account,
        receiver=address(there, "bob") if receiver is None else receiver,
        timeout_timestamp=world.now_ns(there.chain_id) + round(timeout_seconds * BILLION),
    )
    message.token.denom, message.token.amount = denom, str(amount)
    result = world.act(end.chain, account, wrap("/ibc.applications.transfer.v1.MsgTransfer", message))
    if result.code:
        raise RuntimeError(f"{key} was not sent: {result.log}")
    return key


def _signers(name: str) -> tuple[str, str]:
    return address(ALPHA, name), address(BETA, name)


# A hub: channels 0-149 empty, 150-189 with 5 pending, 190-198 with 100, 199 with most of all, as on the test
# network that is started from an edited genesis.  On 190 the first 20 are received and acknowledged, on 191 as many
# old acknowledgements lie behind as a year leaves.  Further channels lead to a chain that nobody configured.
_PENDING = {**dict.fromkeys(range(150, 190), 5), **dict.fromkeys(range(190, 199), 100), 199: 23_757}
_OPEN, _STRANGERS, _OLD, _ACKED = 200, 2000, 50_000, 20


def scale(now_ns: int) -> Staged:
    """A hub's worth of channels and 24,857 pending packets, written straight into the chains' state.

    Nobody can tell who sent them, as on a node that has pruned its index.
    """
    world = founded(now_ns)
    link = world.link(ALPHA.chain_id, BETA.chain_id)
    world.add_chain(ChainSpec("stranger-1", "ugold"))
    strange = world.link(ALPHA.chain_id, "stranger-1")
    for here, chain_id in enumerate(link.chains):
        rows = _channel_rows(link, here, range(_OPEN), mirrored=True)
        if chain_id == ALPHA.chain_id:
            rows |= _channel_rows(strange, 0, range(_OPEN, _OPEN + _STRANGERS), mirrored=False)
        rows |= _pending_rows() if here == 0 else _received_rows()
        rows["ibc:nextChannelSequence"] = (_OPEN + _STRANGERS if here == 0 else _OPEN).to_bytes(8)
        chain = world.chains[chain_id]
        chain.store.fill(rows, chain.height)
    world.tick()
    return Staged(world, {})


def _channel_rows(link: Link, here: int, numbers: range, *, mirrored: bool) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for number in numbers:
        name = f"channel-{number}"
        end = channels.opened(name if mirrored else f"channel-{number - _OPEN}", link.connections[here])
        rows[channels.channel_key("transfer", name)] = end
        sent = _sent(number) if here == 0 and mirrored else 0
        for what, following in (("Send", sent + 1), ("Recv", 1), ("Ack", 1)):
            rows[channels.next_key(what, "transfer", name)] = following.to_bytes(8)
    return rows


def _sent(number: int) -> int:
    return _PENDING.get(number, 0) + (_OLD if number == 191 else 0)  # noqa: PLR2004  the one with a long past


def _pending_rows() -> dict[str, Any]:
    rows = {}
    for number, count in _PENDING.items():
        last = _sent(number)
        for sequence in range(last - count + 1, last + 1):
            key = channels.packet_key("commitments", "transfer", f"channel-{number}", sequence)
            rows[key] = sha256(b"%d/%d" % (number, sequence)).digest()
    return rows


def _received_rows() -> dict[str, Any]:
    rows = {}
    acknowledged = sha256(b'{"result":"AQ=="}').digest()
    for number, count in ((190, _ACKED), (191, _OLD)):
        for sequence in range(1, count + 1):
            where = ("transfer", f"channel-{number}", sequence)
            rows[channels.packet_key("receipts", *where)] = channels.RECEIPT
            rows[channels.packet_key("acks", *where)] = acknowledged
    return rows
