"""Random histories of a simulated world, held to what may never happen to coins and packets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.rehearsal import bank, channels, relaying, staging
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.keys import escrow_address
from relayclear.rehearsal.transfer import Denom
from relayclear.rehearsal.world import World

START_NS = 1_800_000_000 * 10**9
STEPS = 40


@dataclass
class History:
    """A world to which random things happen, one seed at a time."""

    seed: int
    chance: random.Random = field(init=False)
    world: World = field(init=False)
    ends: list[ChannelEnd] = field(init=False)
    sent: list[PacketKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Two chains, two channels, nothing sent."""
        self.chance = random.Random(self.seed)
        self.world = staging.founded(START_NS)
        self.ends = [end for _ in range(2) for end in self.world.connect("alpha-1", "beta-1")]
        self._supply = {chain.spec.chain_id: supply(chain) for chain in self.world.chains.values()}

    def run(self, steps: int = STEPS) -> None:
        """Let random things happen, and check the world after each."""
        deeds: list[Callable[[], None]] = [self._send, self._send, self._deliver, self._acknowledge, self._time_out]
        deeds += [self._relay, self._wait]
        for number in range(steps):
            self.chance.choice(deeds)()
            trouble = self.trouble()
            assert not trouble, f"seed {self.seed}, step {number}: {trouble}"

    def trouble(self) -> list[str]:
        """Everything that is not as it must be."""
        found = [self._minted(chain) for chain in self.world.chains.values()]
        found += [self._uncovered(end) for end in self.ends]
        found += [self._packet(key) for key in self.sent]
        return [words for words in found if words]

    def _minted(self, chain: Chain) -> str:
        """A chain's own coins never change in sum: fees and escrows only move them."""
        native = {denom: amount for denom, amount in supply(chain).items() if not denom.startswith("ibc/")}
        before = self._supply[chain.spec.chain_id]
        return "" if native == before else f"{chain.spec.chain_id}: {native} was {before}"

    def _uncovered(self, end: ChannelEnd) -> str:
        """What is in escrow covers the vouchers on the other side and what is still on its way."""
        far = self.world.other_end(end)
        here, there = self.world.chains[end.chain], self.world.chains[far.chain]
        voucher = Denom(((far.port, far.channel),), staging.COIN).on_chain
        kept = bank.balance(here.store, escrow_address(end.port, end.channel, here.spec.prefix), staging.COIN)
        owed = supply(there).get(voucher, 0)
        return "" if kept >= owed else f"{end}: {kept} in escrow, {owed} in vouchers"

    def _packet(self, key: PacketKey) -> str:
        """A packet is committed exactly until it was acknowledged or timed out; never received and timed out both."""
        source, far = self.world.chains[key.chain], self.world.other_end(key.end)
        there = self.world.chains[far.chain]
        steps = {name: relayed(source if name != "recv_packet" else there, name, key) for name in STEPS_DONE}
        committed = source.store.get(channels.packet_key("commitments", *key[1:])) is not None
        if steps["timeout_packet"] and steps["recv_packet"]:
            return f"{key}: received and timed out"
        if committed == bool(steps["timeout_packet"] or steps["acknowledge_packet"]):
            return f"{key}: committed {committed}, {steps}"
        return f"{key}: {steps}" if max(steps.values()) > 1 else ""

    # Deeds

    def _send(self) -> None:
        end = self.chance.choice(self.ends)
        receiver = self.chance.choice([None, None, "nobody", ""])
        seconds = self.chance.choice([5, 60, 86_400])
        try:
            key = staging.transfer(
                self.world, end, amount=self.chance.randrange(1, 10**6), receiver=receiver, timeout_seconds=seconds
            )
        except RuntimeError:
            assert receiver == "", "only a transfer to nobody at all is refused"
            return
        self.sent.append(key)

    def _deliver(self) -> None:
        self._attempt(lambda key: relaying.deliver(self.world, key, self._signer(self.world.other_end(key.end).chain)))

    def _acknowledge(self) -> None:
        self._attempt(lambda key: relaying.acknowledge(self.world, key, self._signer(key.chain)))

    def _time_out(self) -> None:
        self._attempt(lambda key: relaying.time_out(self.world, key, self._signer(key.chain)))

    def _relay(self) -> None:
        self._attempt(
            lambda key: relaying.relay(
                self.world, key, self._signer(key.chain), self._signer(self.world.other_end(key.end).chain)
            )
        )

    def _attempt(self, deed: Callable[[PacketKey], object]) -> None:
        """Do it to any packet, also where it can't work: the chain has to say no."""
        if self.sent:
            try:
                deed(self.chance.choice(self.sent))
            except LookupError:
                return  # an acknowledgement that nobody wrote can't be brought back

    def _wait(self) -> None:
        self.world.step(self.chance.choice([1, 20, 90]))

    def _signer(self, chain_id: str) -> str:
        return staging.address(self.world.chains[chain_id].spec, self.chance.choice(staging.RELAYERS))


STEPS_DONE = ("recv_packet", "acknowledge_packet", "timeout_packet")


def supply(chain: Chain) -> dict[str, int]:
    """All coins of a chain, by denom."""
    total: dict[str, int] = {}
    for key, amount in chain.store.scan("bank:balance/"):
        denom = key.removeprefix("bank:balance/").partition("/")[2]
        total[denom] = total.get(denom, 0) + amount
    return total


def relayed(chain: Chain, step: str, key: PacketKey) -> int:
    """How often a chain says that it took a step of a packet; of two chains each step is at home on one."""
    found = 0
    for height, place in chain.index.get((f"{step}.packet_sequence", str(key.sequence)), []):
        for event in chain.blocks[height - 1].results[place].events:
            told = dict(event.attributes)
            same = told.get("packet_src_channel"), told.get("packet_src_port"), told.get("packet_sequence")
            found += event.type == step and same == (key.channel, key.port, str(key.sequence))
    return found
