"""Which paths there are: read once, remembered, read again when a chain has new channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from relayclear.errors import RelayclearError, UnreachableError, UsageError
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import ChannelEnd, ChannelState, RelayPath
from relayclear.ibc.topology import BrokenPath, ChainTopology, ChannelInfo, join_paths
from relayclear.usecases.desk import Desk

# Channels can't change their other end; only states do, and those are read anew where it matters.
MAX_AGE = timedelta(days=1)
# The first read of a hub is thousands of channels: more than this many are left for the next call.
MAX_PAGES = 60

Progress = Callable[[str], None]


@dataclass(slots=True)
class Network:
    """The paths that count, those that don't and why, and the chains that could not be read."""

    chains: dict[str, ChainTopology] = field(default_factory=dict)
    paths: list[RelayPath] = field(default_factory=list)
    broken: list[BrokenPath] = field(default_factory=list)
    failures: dict[str, RelayclearError] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def state(self, end: ChannelEnd) -> ChannelState:
        """The last known state of a channel end."""
        topology = self.chains.get(end.chain)
        info = topology.channels.get(end) if topology else None
        return info.state if info else ChannelState.UNKNOWN

    def connections_open(self, path: RelayPath) -> bool:
        """Whether the connections at both ends finished their handshake."""
        ends = ((path.source.chain, path.source_connection), (path.destination.chain, path.destination_connection))
        return all(self.chains[chain].connections[connection].state is ChannelState.OPEN for chain, connection in ends)

    def path_from(self, end: ChannelEnd) -> RelayPath:
        """The path whose packets `end` sends.

        Raises UsageError naming near channels, or what hides the path while a chain was never read.
        """
        for path in self.paths:
            if path.source == end:
                return path
        for broken in self.broken:
            if broken.end == end:
                raise UsageError(f"{end} is not a path that counts: {broken.why}", hint="relayclear channels")
        for chain, failure in self.failures.items():
            if chain not in self.chains:
                raise failure  # only who has seen every channel may say that one doesn't exist
        ports = {path.source.port for path in self.paths if path.source[::2] == end[::2]}
        if ports:
            raise UsageError(
                f"{end.chain}/{end.channel} has port {' or '.join(sorted(ports))}, not {end.port!r}",
                hint=f"--port {min(ports)}",
            )
        names = {path.source.channel for path in self.paths if path.source.chain == end.chain}
        raise UsageError(
            f"no channel {end.channel!r} with port {end.port!r} on {end.chain}{did_you_mean(end.channel, names)}",
            hint=f"relayclear channels --chain {end.chain}",
        )


async def load_network(desk: Desk, progress: Progress = lambda _: None) -> Network:
    """The network as remembered; chains never read, or read too long ago, are read now."""
    now = desk.clock.now()
    network = Network()
    stale = [chain_id for chain_id in desk.chains if not _recall(desk, network, chain_id, now)]
    await _read_chains(desk, network, stale, progress)
    return _joined(network)


def remembered_network(desk: Desk) -> Network:
    """The network as remembered, however old; a chain that was never read through is missing from it."""
    network, now = Network(), desk.clock.now()
    for chain_id in desk.chains:
        _recall(desk, network, chain_id, now)
    return _joined(network)


async def refresh_network(
    desk: Desk, network: Network, chain_ids: Sequence[str], progress: Progress = lambda _: None
) -> Network:
    """Read the named chains anew, because their number of channels changed."""
    for chain_id in chain_ids:
        desk.journal.drop_topology(chain_id)
    await _read_chains(desk, network, chain_ids, progress)
    return _joined(network)


def _recall(desk: Desk, network: Network, chain_id: str, now: datetime) -> bool:
    stored = desk.journal.topology(chain_id, toward=frozenset(desk.chains))
    if stored is None or not stored.complete:
        return False
    network.chains[chain_id] = stored.topology
    network.counts[chain_id] = stored.channel_count
    return now - stored.read_at < MAX_AGE


async def _read_chains(desk: Desk, network: Network, chain_ids: Sequence[str], progress: Progress) -> None:
    results = await asyncio.gather(
        *(_read_chain(desk, chain_id, progress) for chain_id in chain_ids), return_exceptions=True
    )
    for chain_id, result in zip(chain_ids, results, strict=True):
        if isinstance(result, RelayclearError):
            # What was remembered stays in use: old ends are still the right ones.
            network.failures[chain_id] = result
        elif isinstance(result, BaseException):
            raise result
        else:
            stored = desk.journal.topology(chain_id, toward=frozenset(desk.chains))
            if stored is not None:
                network.chains[chain_id] = stored.topology
                network.counts[chain_id] = stored.channel_count


async def _read_chain(desk: Desk, chain_id: str, progress: Progress) -> None:
    chain = desk.chains[chain_id]
    # The count is read first: a channel opened during the walk makes the next scan read again.
    count, connections, clients = await asyncio.gather(
        chain.next_channel_sequence(), chain.connections(), chain.clients()
    )
    cursor = desk.journal.topology_cursor(chain_id)
    seen = pages = 0
    async for page in chain.channel_pages(cursor):
        desk.journal.save_channel_page(chain_id, page.channels, page.next_key)
        seen, pages = seen + len(page.channels), pages + 1
        if page.next_key is not None:
            progress(f"{chain_id}: {seen} of {count} channels read")
            if pages >= MAX_PAGES:
                raise UnreachableError(
                    f"{chain_id}: {seen} channels read, more are left", hint="run it again: it goes on from there"
                )
    desk.journal.finish_topology(chain_id, connections, clients, count, desk.clock.now())


def _joined(network: Network) -> Network:
    network.paths, network.broken = join_paths(network.chains)
    return network


def with_states(network: Network, states: Mapping[ChannelEnd, ChannelState]) -> list[ChannelInfo]:
    """Put freshly read states of channel ends into the network; give back the ends that changed."""
    changed: dict[str, dict[ChannelEnd, ChannelInfo]] = {}
    for end, state in states.items():
        info = network.chains[end.chain].channels[end]
        if info.state is not state:
            changed.setdefault(end.chain, {})[end] = replace(info, state=state)
    for chain_id, infos in changed.items():
        topology = network.chains[chain_id]
        network.chains[chain_id] = replace(topology, channels={**topology.channels, **infos})
    return [info for infos in changed.values() for info in infos.values()]
