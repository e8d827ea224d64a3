"""Chains to check a claim on: over endpoints that are named, or the configured ones in the order of a second opinion.

Neither a database nor a key is needed, so that anybody can ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.config.settings import Settings
from relayclear.ports import Chain


def configured(settings: Settings, loaded: Iterable[LoadedHermes]) -> dict[str, list[str]]:
    """The endpoints of every chain: relayclear's own first, for Hermes' are what a proof was written by."""
    urls: dict[str, list[str]] = {}
    for item in loaded:
        for chain in item.config.chains:
            own = [endpoint.url for endpoint in settings.chain(chain.id).rpc if endpoint.url != chain.rpc_addr]
            urls[chain.id] = list(dict.fromkeys([*own, *urls.get(chain.id, ()), chain.rpc_addr]))
    return urls


@asynccontextmanager
async def asked(urls: Mapping[str, Sequence[str]]) -> AsyncIterator[dict[str, Chain]]:
    """Chains over these endpoints, tried in their order; closed at the end."""
    hosts = Hosts()
    chains = {chain: CometChain(chain, endpoints, hosts=hosts) for chain, endpoints in urls.items()}
    try:
        yield dict(chains)
    finally:
        await asyncio.gather(*(chain.aclose() for chain in chains.values()))
        await hosts.aclose()
