"""What every use case works with: the journal, the chains, the relayers, and the operator's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.accounts import AccountType
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import RelayPath
from relayclear.ibc.readings import RelayRules
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.shop import Shop

if TYPE_CHECKING:
    # Ports are types: nothing of them is called here while the program starts.
    from relayclear.ports import Chain, Clock, Relayer, Wallet

NO_RULES = RelayRules({}, None, None)


@dataclass(frozen=True, slots=True)
class Instance:
    """One configured Hermes: the chains it knows and the file that says so."""

    relayer: Relayer
    chains: frozenset[str]
    config: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a use case needs, wired once.

    `ours` maps chain id to the addresses that count as us; `daemon_keys` to the addresses that a
    running Hermes may sign with; `clearing_keys` to the key name that clears; `stuck_after` is in
    seconds.  `unsupported` maps configured chains that nobody here can read to their kind.  `shop` is
    None where nothing can be sold.  `witnesses` are the chains once more, over the endpoints that the
    operator trusts, else over those on other hosts: a second word where there is one.  `wallet` holds
    the keys that refunds are signed with.  `accounts` says how a chain's accounts sign, by Hermes'
    config.  `breakers` says what nobody should call now.  `endpoints` are the configured addresses of each
    chain, without credentials, as breakers and `health` name them: known before a chain is connected.
    """

    journal: Journal
    chains: Mapping[str, Chain]
    instances: tuple[Instance, ...]
    clock: Clock
    stuck_after: int
    ours: Mapping[str, frozenset[str]]
    daemon_keys: Mapping[str, frozenset[str]]
    clearing_keys: Mapping[str, str]
    unsupported: Mapping[str, str] = field(default_factory=dict)
    shop: Shop | None = None
    witnesses: Mapping[str, Chain] = field(default_factory=dict)
    wallet: Wallet | None = None
    accounts: Mapping[str, AccountType] = field(default_factory=dict)
    breakers: Breakers = field(kw_only=True)
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def chain(self, chain_id: str) -> Chain:
        """The chain of that id.  Raises UsageError naming the nearest one."""
        self._require(chain_id)
        return self.chains[chain_id]

    def endpoints_of(self, chain_id: str) -> tuple[str, ...]:
        """The chain's addresses.  Raises UsageError naming the nearest chain."""
        self._require(chain_id)
        return self.endpoints[chain_id]

    def _require(self, chain_id: str) -> None:
        if chain_id in self.chains:
            return
        if chain_id in self.unsupported:
            raise UsageError(
                f"{chain_id} is a {self.unsupported[chain_id]} chain: relayclear reads Cosmos chains only",
                hint="relayclear chains lists those that can be read",
            )
        raise UsageError(
            f"no chain {chain_id!r} in the Hermes config{did_you_mean(chain_id, self.chains)}",
            hint="relayclear chains",
        )

    def instance_for(self, path: RelayPath) -> Instance:
        """The Hermes that knows both ends.  Raises RefusedError when none does."""
        known = self._instance(path)
        if known is None:
            raise RefusedError(
                f"no Hermes config has both {path.source.chain} and {path.destination.chain}",
                hint="name the config that has with --hermes-config",
                code="no_relayer",
            )
        return known

    def rules_for(self, path: RelayPath) -> RelayRules:
        """What the Hermes that would clear the path refuses to relay from its source."""
        known = self._instance(path)
        return known.relayer.rules(path.source.chain) if known else NO_RULES

    def _instance(self, path: RelayPath) -> Instance | None:
        needed = {path.source.chain, path.destination.chain}
        return next((instance for instance in self.instances if needed <= instance.chains), None)
