"""Chains and channels as the Hermes config gives them, with their health now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from relayclear.errors import RelayclearError
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.packet import ChannelEnd, ChannelState, RelayPath
from relayclear.ibc.readings import Account, Head
from relayclear.ibc.relayer import KeyChoice
from relayclear.ibc.topology import BrokenPath, ChannelInfo, ClientHealth
from relayclear.usecases.denoms import denom_path
from relayclear.usecases.desk import Desk
from relayclear.usecases.scan import Scope, client_health
from relayclear.usecases.topology import Progress, load_network, with_states


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key that signs on a chain: its account and gas, None where they could not be read."""

    role: str
    key: KeyChoice | None
    account: Account | None
    gas: Coin | None
    error: RelayclearError | None
    gas_path: DenomPath | None = None


@dataclass(frozen=True, slots=True)
class ChainView:
    """One chain: its newest block or the error, and the keys that pay gas on it."""

    chain: str
    head: Head | None
    error: RelayclearError | None
    keys: tuple[KeyView, ...]


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One direction of a channel; client health is None where it could not be read."""

    path: RelayPath
    source_state: ChannelState
    destination_state: ChannelState
    source_client: ClientHealth | None
    destination_client: ClientHealth | None


@dataclass(frozen=True, slots=True)
class ChannelList:
    """Every path, the channels that only look like one, and the chains that could not be read."""

    channels: list[ChannelView]
    broken: list[BrokenPath]
    failures: dict[str, RelayclearError]


async def list_chains(desk: Desk) -> list[ChainView]:
    """Read every chain; one that can't be read has its error in its row."""
    return list(await asyncio.gather(*(_chain(desk, chain_id) for chain_id in sorted(desk.chains))))


async def _chain(desk: Desk, chain_id: str) -> ChainView:
    try:
        head = await desk.chains[chain_id].head()
    except RelayclearError as error:
        return ChainView(chain_id, None, error, ())
    names = [("daemon", None), ("clearing", desk.clearing_keys.get(chain_id))]
    keys = [await _key(desk, chain_id, role, name) for role, name in names if role == "daemon" or name]
    return ChainView(chain_id, head, None, tuple(keys))


async def _key(desk: Desk, chain_id: str, role: str, name: str | None) -> KeyView:
    relayer = next(instance.relayer for instance in desk.instances if chain_id in instance.chains)
    try:
        key = relayer.key(chain_id, name)
        if key.address is None:
            return KeyView(role, key, None, None, None)
        chain, denom = desk.chains[chain_id], relayer.gas(chain_id).denom
        account, gas, path = await asyncio.gather(
            chain.account(key.address), chain.balance(key.address, denom), denom_path(desk, chain_id, denom)
        )
    except RelayclearError as error:
        return KeyView(role, None, None, None, error)
    return KeyView(role, key, account, gas, None, path)


async def list_channels(desk: Desk, scope: Scope, progress: Progress = lambda _: None) -> ChannelList:
    """Read every path in scope with fresh channel states and client health."""
    if scope.chain is not None:
        desk.chain(scope.chain)
    network = await load_network(desk, progress)
    paths = [path for path in network.paths if scope.holds(path)]
    failures = dict(network.failures)
    clients: dict[str, set[str]] = {}
    for path in paths:
        clients.setdefault(path.source.chain, set()).add(path.source_client)
        clients.setdefault(path.destination.chain, set()).add(path.destination_client)
    health, states = await asyncio.gather(client_health(desk, clients), _states(desk, paths, failures))
    with_states(network, states)
    views = [
        ChannelView(
            path,
            network.state(path.source),
            network.state(path.destination),
            health.get((path.source.chain, path.source_client)),
            health.get((path.destination.chain, path.destination_client)),
        )
        for path in paths
    ]
    broken = [item for item in network.broken if scope.chain in {None, item.end.chain}]
    return ChannelList(views, broken, failures)


async def _states(
    desk: Desk, paths: Sequence[RelayPath], failures: dict[str, RelayclearError]
) -> dict[ChannelEnd, ChannelState]:
    states: dict[ChannelEnd, ChannelState] = {}

    async def ask(chain: str) -> None:
        """Fill in one chain's states; a chain that can't be read is noted as failed."""
        ends = sorted({end for path in paths for end in (path.source, path.destination) if end.chain == chain})
        try:
            answers = await desk.chains[chain].channels(ends)
        except RelayclearError as error:
            answers = dict.fromkeys(ends, error)
        for end, info in answers.items():
            if isinstance(info, RelayclearError):
                failures[chain] = info
            # What was remembered may be a day old: unread is unknown.
            states[end] = info.state if isinstance(info, ChannelInfo) else ChannelState.UNKNOWN

    await asyncio.gather(*(ask(chain) for chain in {end.chain for p in paths for end in (p.source, p.destination)}))
    return states
