"""Settings in, a desk out, everything closed at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.bootstrap.shop import shop_of
from relayclear.bootstrap.wallet import accounts_of, wallet_of
from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, RelayclearError
from relayclear.hermes.relayer import HermesProgram, HermesRelayer
from relayclear.store import cursors
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk, Instance

SUBSPACE = "subspace_agrees"


# Linux; another system names its boots elsewhere, and is told apart by its seconds alone.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        """The kernel's name of this boot, and its seconds without those that the machine slept.

        Who holds a lease sleeps with whoever waits for its end: time asleep must not end it.
        """
        return _boot_id(), time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop's clock."""
        await asyncio.sleep(seconds)


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@asynccontextmanager
async def opened(settings: Settings, loaded: Iterable[LoadedHermes]) -> AsyncIterator[Desk]:
    """Build a desk inside the running loop and close its connections afterwards."""
    hosts = Hosts()
    with open_database(settings.database, slow_seconds=settings.store.slow_query_ms / 1000) as database:
        desk, chains = build(settings, loaded, Journal(database), hosts)
        try:
            yield desk
        finally:
            await asyncio.gather(*(chain.aclose() for chain in chains))
            await hosts.aclose()


def build(
    settings: Settings, loaded: Iterable[LoadedHermes], journal: Journal, hosts: Hosts
) -> tuple[Desk, list[CometChain]]:
    """Wire everything.  Raises ConfigError when no Hermes config has a chain we can work with."""
    loaded, clock = list(loaded), SystemClock()
    breakers = Breakers(journal.database, clock)
    chains = {chain.chain_id: chain for chain in _chains(settings, loaded, journal, hosts, breakers)}
    if not chains:
        raise ConfigError("the Hermes config has no chain that relayclear supports", hint="relayclear doctor")
    instances = tuple(
        Instance(
            HermesRelayer(
                item.config,
                HermesProgram(
                    command=item.settings.command,
                    work_dir=item.settings.work_dir,
                    time_limit=item.settings.time_limit,
                ),
                lock_folder=settings.lock_dir,
            ),
            frozenset(chain.id for chain in item.config.chains),
            str(item.config.path),
        )
        for item in loaded
    )
    daemon_keys = {chain: _daemon_addresses(instances, chain) for chain in chains}
    clearing = {chain: settings.chain(chain).clearing_key for chain in chains if settings.chain(chain).clearing_key}
    witnesses = {chain.chain_id: chain for chain in _witnesses(settings, loaded, hosts, breakers)}
    desk = Desk(
        journal=journal,
        chains=chains,
        instances=instances,
        clock=clock,
        stuck_after=settings.scan.stuck_after,
        ours=_ours(settings, instances, daemon_keys, clearing),
        daemon_keys=daemon_keys,
        clearing_keys=clearing,
        unsupported={chain.id: chain.type for item in loaded for chain in item.config.unsupported},
        shop=shop_of(settings, loaded),
        witnesses=witnesses,
        wallet=wallet_of(settings, loaded),
        accounts=accounts_of(loaded),
        breakers=breakers,
    )
    return desk, [*chains.values(), *witnesses.values()]


def endpoints(settings: Settings, loaded: Iterable[LoadedHermes]) -> dict[str, list[str]]:
    """The endpoints of each chain, Hermes' own first."""
    found: dict[str, list[str]] = {}
    for item in loaded:
        for chain in item.config.chains:
            found.setdefault(chain.id, []).append(chain.rpc_addr)
    own = {chain: [endpoint.url for endpoint in settings.chain(chain).rpc] for chain in found}
    return {chain: list(dict.fromkeys([*urls, *own[chain]])) for chain, urls in found.items()}


def _witnesses(
    settings: Settings, loaded: Iterable[LoadedHermes], hosts: Hosts, breakers: Breakers
) -> Iterable[CometChain]:
    """For each chain one over the endpoints that the operator trusts, else those on other hosts than the first one's.

    Where payments arrive, what makes a refund due is asked of both; and of every chain whose packets are sold.
    """
    if not any(chain.payee for chain in settings.chains.values()):
        return
    for chain_id, urls in endpoints(settings, loaded).items():
        trusted = [endpoint.url for endpoint in settings.chain(chain_id).rpc if endpoint.trusted]
        others = trusted or [url for url in urls if urlsplit(url).hostname != urlsplit(urls[0]).hostname]
        if others:
            yield CometChain(chain_id, others, hosts=hosts, rpc_budget=settings.scan.rpc_budget, guard=breakers)


def _chains(
    settings: Settings, loaded: Iterable[LoadedHermes], journal: Journal, hosts: Hosts, breakers: Breakers
) -> Iterable[CometChain]:
    """One chain for each id over all configs; endpoints of several configs stand in for each other."""
    seen: dict[str, int] = {}
    for end, last in journal.last_readings().items():
        seen[end.chain] = max(seen.get(end.chain, 0), last.height or 0)
    for cursor in cursors.every(journal.database):
        seen[cursor.chain] = max(seen.get(cursor.chain, 0), cursor.read_through)
    for chain_id, urls in endpoints(settings, loaded).items():
        verdict = journal.recall(chain_id, SUBSPACE)
        yield CometChain(
            chain_id,
            urls,
            hosts=hosts,
            rpc_budget=settings.scan.rpc_budget,
            subspace_checked={"yes": True, "no": False}.get(verdict or ""),
            on_subspace=_remembering(journal, chain_id),
            seen_height=seen.get(chain_id, 0),
            guard=breakers,
        )


def _remembering(journal: Journal, chain: str) -> Callable[[bool], None]:
    return lambda agrees: journal.remember(chain, SUBSPACE, "yes" if agrees else "no")


def _daemon_addresses(instances: Iterable[Instance], chain: str) -> frozenset[str]:
    return frozenset(_addresses(instances, chain, [None]))


def _addresses(instances: Iterable[Instance], chain: str, names: Iterable[str | None]) -> Iterable[str]:
    for instance in instances:
        for name in names if chain in instance.chains else ():
            try:
                address = instance.relayer.key(chain, name).address
            except RelayclearError:
                continue  # a key that isn't there signs nothing; doctor and clear name it
            if address is not None:
                yield address


def _ours(
    settings: Settings,
    instances: Iterable[Instance],
    daemon_keys: Mapping[str, frozenset[str]],
    clearing: Mapping[str, str],
) -> dict[str, frozenset[str]]:
    further = frozenset(settings.relayers.ours)
    ours = {}
    for chain, addresses in daemon_keys.items():
        names = [clearing[chain]] if chain in clearing else []
        ours[chain] = addresses | further | frozenset(_addresses(instances, chain, names))
    return ours
