"""Two chains, a channel, a Hermes, a real database: everything a use case needs, all well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from relayclear.config.keyfiles import KeyFiles
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.money.fees import FeeSchedule, PriceList, Rate
from relayclear.ports import Wallet
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk, Instance
from relayclear.usecases.shop import Operator, SellRules, Shop
from tests.fakes import read
from tests.fakes.chain import FakeChain
from tests.fakes.relayer import FakeRelayer
from tests.fakes.wallet import FakeWallet, account_type
from tests.fakes.world import BLOCK_SECONDS, FakeClock, World, address, spec

STUCK_AFTER = 300
GAS = {"alpha-1": "stake", "beta-1": "ubeta"}
# Of two accepted denoms the first is the usual one; gas of the far chain has a rate.
STAKE = FeeSchedule("stake", 1_000_000, 100_000, 5_000, 10_000)
TOKEN = FeeSchedule("token", 2_000_000, 0, 7_000, 10_000)
RATES: Mapping[tuple[str, str], Rate] = {("beta-1", "ubeta"): Rate(3, 2, "stake")}


@dataclass
class Rig:
    """The world and the fakes over it, with the desk that the use cases get.

    `source` and `far` are the two ends of the first channel, alpha-1/channel-0 and
    beta-1/channel-0.  The daemon's key is `daemon`, a key of our own `clearing`.  `real_wallet`, where
    a test sets one, stands in the place of `wallet`.
    """

    world: World
    clock: FakeClock
    chains: dict[str, FakeChain]
    relayer: FakeRelayer
    journal: Journal
    source: ChannelEnd
    far: ChannelEnd
    clearing_keys: dict[str, str] = field(default_factory=dict)
    shop: Shop | None = None
    wallet: FakeWallet = field(default_factory=FakeWallet)
    real_wallet: Wallet | None = None
    counting: Breakers | None = None

    @property
    def breakers(self) -> Breakers:
        """What this process counts, over the clock that the rig has now."""
        if self.counting is None:
            self.counting = Breakers(self.journal.database, self.clock)
        return self.counting

    @property
    def alpha(self) -> FakeChain:
        return self.chains["alpha-1"]

    @property
    def beta(self) -> FakeChain:
        return self.chains["beta-1"]

    @property
    def desk(self) -> Desk:
        addresses = self.relayer.addresses
        daemon = {
            chain: frozenset({found} if (found := addresses.get((chain, "daemon"))) else ()) for chain in self.chains
        }
        ours = {
            chain: frozenset(found for (of, _), found in addresses.items() if of == chain and found)
            for chain in self.chains
        }
        return Desk(
            journal=self.journal,
            chains=self.chains,
            instances=(Instance(self.relayer, frozenset(self.chains), "/etc/hermes/config.toml"),),
            clock=self.clock,
            stuck_after=STUCK_AFTER,
            ours=ours,
            daemon_keys=daemon,
            clearing_keys=self.clearing_keys,
            shop=self.shop,
            wallet=self.real_wallet or self.wallet,
            accounts={chain: account_type(chain) for chain in self.chains},
            breakers=self.breakers,
            endpoints={name: (chain.endpoint,) for name, chain in self.chains.items()},
        )

    def sell(self, folder: Path, rules: SellRules | None = None) -> Shop:
        """Open the shop: `payee` is paid on alpha-1, its key in the wallet, and keys and quotes lie in a folder."""
        self.wallet.hold("alpha-1", "payee")
        prices = PriceList("alpha-1", (STAKE, TOKEN), Decimal("1.5"), RATES)
        self.shop = Shop(
            payees={"alpha-1": address("payee", "alpha-1")},
            prices={"alpha-1": prices},
            prefixes={chain: chain.partition("-")[0] for chain in self.chains},
            rules=rules or SellRules(),
            operator=Operator("Ada", "https://relay.example"),
            keys=KeyFiles(folder / "keys"),
            quotes_file=folder / "quotes.jsonl",
        )
        return self.shop

    def alone(self, *chains: str) -> Desk:
        """A desk whose only Hermes knows fewer chains."""
        return replace(self.desk, instances=(Instance(self.relayer, frozenset(chains), "/etc/hermes/other.toml"),))

    def add_chain(self, chain_id: str, gas_denom: str) -> None:
        """One more chain, and its keys."""
        self.world.add_chain(spec(chain_id, gas_denom))
        self.chains[chain_id] = FakeChain(self.world, chain_id)
        self.clearing_keys[chain_id] = "clearing"
        for name in ("daemon", "clearing"):
            self.add_key(chain_id, name)

    def add_key(self, chain_id: str, name: str) -> None:
        """A key of Hermes on a chain, and its account."""
        self.relayer.addresses[chain_id, name] = address(name, chain_id)
        self.world.set_account(chain_id, address(name, chain_id))

    def stuck(self, end: ChannelEnd | None = None, count: int = 1, **packet: Any) -> list[PacketKey]:
        """Packets that nobody relayed for ten minutes; `packet` is what `World.send` takes."""
        keys = [self.world.send(end or self.source, **packet) for _ in range(count)]
        self.clock.step(600)
        return keys

    def pending(self) -> list[int]:
        """What is pending on the first channel by the chain's own store."""
        return [*read.commitments(self.alpha.state.store, self.source)]


@contextmanager
def opened_rig(folder: Path) -> Iterator[Rig]:
    """A rig over a database of its own."""
    world = World()
    clock = FakeClock(world)
    relayer = FakeRelayer(world)
    with open_database(folder / "relayclear.db", busy_seconds=0.05) as database:
        nowhere = ChannelEnd("", "", "")
        rig = Rig(world, clock, {}, relayer, Journal(database), nowhere, nowhere)
        for chain, denom in GAS.items():
            rig.add_chain(chain, denom)
        world.step(BLOCK_SECONDS)
        rig.source, rig.far = world.connect("alpha-1", "beta-1")
        yield rig
