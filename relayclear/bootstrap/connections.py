"""The chains of a desk, connected when one of them is first asked for.

What reads only the database needs no more than their names: a list, or the dashboard's first picture.
The client behind a chain, with its HTTP and its protobufs, takes as long to import as all the rest of us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.config.settings import Settings
from relayclear.ibc.text import redact_url
from relayclear.store import cursors
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers

if TYPE_CHECKING:
    from relayclear.chains.chain import CometChain
    from relayclear.chains.hosts import Hosts

SUBSPACE = "subspace_agrees"


class LateChains(Mapping[str, "CometChain"]):
    """Chains by id; `connect` makes all of them the first time that one is taken, by whichever thread."""

    def __init__(
        self, names: Iterable[str], connect: Callable[[], Mapping[str, CometChain]], alone: Lock | None = None
    ) -> None:
        """Take the ids, in their order; one of those that share `alone` connects at a time."""
        self._names = dict.fromkeys(names)
        self._connect, self._alone = connect, alone or Lock()

    def __getitem__(self, chain_id: str) -> CometChain:
        """The chain.  Raises KeyError for an id that isn't one of them, and connects nothing for it."""
        if chain_id not in self._names:
            raise KeyError(chain_id)
        # A cached property alone lets two threads connect everything twice, and only the later ones are closed.
        with self._alone:
            return self._made[chain_id]

    def __contains__(self, chain_id: object) -> bool:
        """Whether it is one of them: told by its name alone."""
        return chain_id in self._names

    def __iter__(self) -> Iterator[str]:
        """Their ids."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._names)

    @cached_property
    def _made(self) -> Mapping[str, CometChain]:
        return self._connect()


class Connections:
    """All that a desk has open to the network.  Lives in one event loop; close it there."""

    def __init__(
        self, settings: Settings, loaded: Iterable[LoadedHermes], journal: Journal, breakers: Breakers
    ) -> None:
        """Connect nothing yet; but the database is read here, for whoever connects may be another thread."""
        self._settings, self._journal, self._breakers = settings, journal, breakers
        self._urls = endpoints(settings, loaded)
        self._others = dict(_others(settings, self._urls))
        self._made: list[CometChain] = []
        self._alone = Lock()
        self._seen = _seen_heights(journal)
        self._subspace = {chain: journal.recall(chain, SUBSPACE) for chain in self._urls}

    @property
    def endpoints(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each chain, without their credentials."""
        return {chain: tuple(map(redact_url, urls)) for chain, urls in self._urls.items()}

    @property
    def chains(self) -> LateChains:
        """One chain for each id over all configs; endpoints of several configs stand in for each other."""
        return LateChains(self._urls, self._chains, self._alone)

    @property
    def witnesses(self) -> LateChains:
        """The chains once more, for a second word; see `Desk`."""
        return LateChains(self._others, self._witnesses, self._alone)

    def alone(self) -> dict[str, dict[str, CometChain]]:
        """By chain and address: each endpoint as a chain of its own, so that none stands in for another."""
        return {
            chain_id: {url: self._chain(chain_id, [url]) for url in several} for chain_id, several in self._urls.items()
        }

    async def aclose(self) -> None:
        """Close what was opened."""
        made, self._made = self._made, []
        await asyncio.gather(*(chain.aclose() for chain in made))
        if "_hosts" in self.__dict__:
            await self._hosts.aclose()

    @cached_property
    def _hosts(self) -> Hosts:
        from relayclear.chains.hosts import Hosts

        return Hosts()

    def _chain(self, chain_id: str, urls: list[str], **more: Any) -> CometChain:
        from relayclear.chains.chain import CometChain

        chain = CometChain(chain_id, urls, hosts=self._hosts, rpc_budget=self._settings.scan.rpc_budget, **more)
        self._made.append(chain)
        return chain

    def _chains(self) -> Mapping[str, CometChain]:
        return {
            chain_id: self._chain(
                chain_id,
                urls,
                subspace_checked={"yes": True, "no": False}.get(self._subspace[chain_id] or ""),
                on_subspace=_remembering(self._journal, chain_id),
                seen_height=self._seen.get(chain_id, 0),
                guard=self._breakers,
            )
            for chain_id, urls in self._urls.items()
        }

    def _witnesses(self) -> Mapping[str, CometChain]:
        return {chain_id: self._chain(chain_id, urls, guard=self._breakers) for chain_id, urls in self._others.items()}


def endpoints(settings: Settings, loaded: Iterable[LoadedHermes]) -> dict[str, list[str]]:
    """The endpoints of each chain, Hermes' own first."""
    found: dict[str, list[str]] = {}
    for item in loaded:
        for chain in item.config.chains:
            found.setdefault(chain.id, []).append(chain.rpc_addr)
    own = {chain: [endpoint.url for endpoint in settings.chain(chain).rpc] for chain in found}
    return {chain: list(dict.fromkeys([*urls, *own[chain]])) for chain, urls in found.items()}


def _others(settings: Settings, endpoints: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """For each chain the endpoints that the operator trusts, else those on other hosts than the first one's.

    Where payments arrive, what makes a refund due is asked of both; and of every chain whose packets are sold.
    """
    if not any(chain.payee for chain in settings.chains.values()):
        return
    for chain_id, urls in endpoints.items():
        trusted = [endpoint.url for endpoint in settings.chain(chain_id).rpc if endpoint.trusted]
        others = trusted or [url for url in urls if urlsplit(url).hostname != urlsplit(urls[0]).hostname]
        if others:
            yield chain_id, others


def _seen_heights(journal: Journal) -> dict[str, int]:
    seen: dict[str, int] = {}
    for end, last in journal.last_readings().items():
        seen[end.chain] = max(seen.get(end.chain, 0), last.height or 0)
    for cursor in cursors.every(journal.database):
        seen[cursor.chain] = max(seen.get(cursor.chain, 0), cursor.read_through)
    return seen


def _remembering(journal: Journal, chain: str) -> Callable[[bool], None]:
    return lambda agrees: journal.remember(chain, SUBSPACE, "yes" if agrees else "no")
