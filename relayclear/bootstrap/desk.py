"""Settings in, a desk out, everything closed at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from relayclear.bootstrap.connections import Connections
from relayclear.bootstrap.loading import LoadedHermes
from relayclear.bootstrap.shop import shop_of
from relayclear.bootstrap.wallet import accounts_of, wallet_of
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, RelayclearError
from relayclear.hermes.relayer import HermesProgram, HermesRelayer
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk, Instance

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
    with open_database(settings.database, slow_seconds=settings.store.slow_query_ms / 1000) as database:
        desk, connections = build(settings, loaded, Journal(database))
        try:
            yield desk
        finally:
            await connections.aclose()


def build(settings: Settings, loaded: Iterable[LoadedHermes], journal: Journal) -> tuple[Desk, Connections]:
    """Wire everything; the connections are to be closed.

    Raises ConfigError when no Hermes config has a chain we can work with.
    """
    loaded, clock = list(loaded), SystemClock()
    breakers = Breakers(journal.database, clock)
    connections = Connections(settings, loaded, journal, breakers)
    chains = connections.chains
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
        witnesses=connections.witnesses,
        wallet=wallet_of(settings, loaded),
        accounts=accounts_of(loaded),
        breakers=breakers,
        endpoints=connections.endpoints,
    )
    return desk, connections


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
