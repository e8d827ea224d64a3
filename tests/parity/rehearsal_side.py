"""The side that is simulated: the same chains, accounts and channels as `tests/localnet` has, served on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cosmpy.protos.ibc.core.client.v1 import client_pb2

from relayclear.ibc.packet import ChannelEnd, Ordering
from relayclear.rehearsal import channels, clients
from relayclear.rehearsal import folder as folders
from relayclear.rehearsal.clock import RunningClock
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.rpc import Node as SimulatedNode
from relayclear.rehearsal.serving import Served, standing
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.stage import Stage
from relayclear.rehearsal.transactions import Terms, Tx
from relayclear.rehearsal.world import Link, World
from tests.localnet import genesis, relayer
from tests.localnet.channels import Channel, End
from tests.localnet.network import MOCK_DATA
from tests.localnet.node import ALPHA, BETA, Node, Ports
from tests.localnet.relayer import Excluded
from tests.parity import wires
from tests.parity.side import MONTH, PREFIX, PURSE_FUNDS, SPECS, Side, purses

T = TypeVar("T")

_BLOCK_SECONDS = 0.05
# As in the real template: everybody's channel first, then the others with another id at each end.
_KINDS = ("transfer",) * 16 + ("ordered",) * 2 + ("mock",) * 2
_PAST_BLOCKS = 20


class RehearsalSide(Side):
    """A served world; it ends with `close`."""

    def __init__(self, folder: Path) -> None:
        """Build the world and serve it."""
        world = _world()
        self._channels = [*_open(world), *_dead(world)]
        self._unused = self._channels[1:]
        nodes = {chain: SimulatedNode(world.chains[chain], NodeFaults(), chain) for chain in (ALPHA, BETA)}
        nodes["pruned"] = SimulatedNode(world.chains[ALPHA], NodeFaults(pruned_below=10), "pruned")
        self._stage = Stage(world, nodes)
        self._service = _Service(self._stage)
        served = self._service.start()
        self._settings = relayer.Settings()
        self._urls = dict(served.nodes)
        rpc = {chain: served.nodes[chain] for chain in (ALPHA, BETA)}
        self._nodes = {chain: _node(chain, folder / "network" / chain, url) for chain, url in rpc.items()}
        command = folder / "bin" / "hermes"
        folders._write(command, folders._script(served.control), mode=0o755)
        super().__init__(
            name="rehearsal",
            folder=folder,
            rpc=rpc,
            addresses={chain: {name: _key(name).address(PREFIX) for name in _NAMES} for chain in rpc},
            configs={key: folder / "network" / file for key, file in _CONFIGS.items()},
            hermes_command=[str(command)],
        )
        for kind, names in relayer.KEYS.items():
            for spec in SPECS.values():
                for name in names:
                    folders.write_key(folder / "network" / kind / "keys", spec, name, _key(name))
        self.configure()

    def close(self) -> None:
        """Stop serving."""
        self._service.stop()

    def fresh_channel(self, kind: str = "transfer") -> Channel:
        """A channel on which nothing was ever sent."""
        chosen = next(one for one in self._unused if one.kind == kind)
        self._unused.remove(chosen)
        return chosen

    def of_kind(self, kind: str) -> Channel:
        """The first channel of a kind."""
        return next(one for one in self._channels if one.kind == kind)

    def configure(self, *, excluded: Excluded | None = None, max_memo: str | None = None) -> None:
        """Rewrite the Hermes configs; what isn't named stays."""
        if excluded is not None:
            self._settings.excluded = excluded
        if max_memo is not None:
            self._settings.max_memo = max_memo
        for key, file in self.configs.items():
            relayer.write_config(file, self._nodes, key, self._settings)

    def mock_send(self, channel: Channel, *, count: int = 1, timeout_seconds: int = MONTH) -> list[int]:
        """Send raw packets from beta-1, by the same order in a memo as the real one takes."""
        end = channel.beta
        order = {"port": end.port, "channel": end.channel, "timeout_seconds": timeout_seconds, "count": count}
        sender = self.addresses[BETA]["alice"]
        message = wires.send(sender, sender, wires.coin(1))
        terms = Terms(0, gas=500_000, memo=json.dumps({"send_packet": order}, separators=(",", ":")))
        result = self._service.run(lambda: self._stage.world.act(BETA, sender, message, terms=terms))
        assert result.code == 0, result.log
        return list(range(1, count + 1))

    def close_alpha_end(self, channel: Channel) -> None:
        """Close a mock channel."""
        end = ChannelEnd(ALPHA, channel.alpha.port, channel.alpha.channel)
        change: Callable[[Any], None] = lambda found: setattr(found, "state", channels.CLOSED)  # noqa: E731
        self._service.run(lambda: self._stage.world.edit_channel(end, change))

    def pruned_rpc(self) -> str:
        """A node of alpha-1 that has forgotten the first blocks."""
        return self._urls["pruned"]

    def literals(self) -> dict[str, str]:
        """With the gRPC addresses of the configs, at which nothing listens."""
        return super().literals() | {node.grpc: f"<grpc of {chain}>" for chain, node in self._nodes.items()}


class _Service:
    """A stage that is served by a thread of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._served: Future[Served] = Future()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> Served:
        """Where it listens."""
        self._thread.start()
        return self._served.result(timeout=10)

    def run(self, do: Callable[[], T]) -> T:
        """Do something to the world, between two of its requests."""

        async def done() -> T:
            return do()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(timeout=10)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)
        self._loop.close()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._stand())

    async def _stand(self) -> None:
        async with standing(self._stage) as served:
            self._served.set_result(served)
            await self._stop.wait()


_NAMES = (*genesis.USERS, *genesis.RELAYERS, *genesis.UNFUNDED)
_CONFIGS = {**relayer.CONFIGS, "pauper": "hermes/pauper.toml"}


def _key(name: str) -> Key:
    return Key.of_name(name)


def _node(chain: str, home: Path, url: str) -> Node:
    port = urlsplit(url).port or 0
    return Node(chain, home, Ports("127.0.0.1", port, port + 1, 0))


def _spec(of: ChainSpec) -> ChainSpec:
    return replace(of, block_seconds=_BLOCK_SECONDS)


def _world() -> World:
    world = World(RunningClock())
    for spec in SPECS.values():
        chain = world.add_chain(_spec(spec))
        for denom in (genesis.COIN, spec.gas_denom):
            for name in (*genesis.USERS, *genesis.RELAYERS):
                world.fund(spec.chain_id, _key(name).address(PREFIX), denom)
            for purse in purses():
                world.fund(spec.chain_id, purse.address, denom, PURSE_FUNDS)
        chain.after_messages.append(_send_ordered_packets)
    for _ in range(_PAST_BLOCKS):
        world.tick()
    return world


def _send_ordered_packets(ctx: Context, tx: Tx) -> None:
    """What the real beta-1's own program does with such a memo."""
    if not tx.body.memo.startswith('{"send_packet":'):
        return
    order = json.loads(tx.body.memo)["send_packet"]
    timeout_ns = ctx.time_ns + order["timeout_seconds"] * 10**9
    for _ in range(order["count"]):
        channels.send(ctx, order["port"], order["channel"], MOCK_DATA.encode(), client_pb2.Height(), timeout_ns)


def _open(world: World) -> list[Channel]:
    link = world.link(ALPHA, BETA)
    made = []
    for number, kind in enumerate(_KINDS):
        _number_next(world, ALPHA, number)
        _number_next(world, BETA, number % (len(_KINDS) - 1) + 1 if number else 0)
        made.append(_channel(world, kind, link))
    for chain in (ALPHA, BETA):
        _number_next(world, chain, len(_KINDS))
    return made


def _dead(world: World) -> list[Channel]:
    found = []
    for kind in ("expired", "half_expired"):
        link = world.link(ALPHA, BETA)
        channel = _channel(world, kind, link)
        alice = _key("alice").address(PREFIX)
        message = wires.transfer(alice, channel.alpha, _key("bob").address(PREFIX))
        assert world.act(ALPHA, alice, message, message, message).code == 0
        for end in (channel.alpha, channel.beta):
            if kind == "expired" or end.chain == ALPHA:
                world.chains[end.chain].edit(lambda ctx, client=end.client: clients.expire(ctx, client))  # type: ignore[misc]
        found.append(channel)
    return found


def _number_next(world: World, chain: str, number: int) -> None:
    world._write(chain, {"ibc:nextChannelSequence": number.to_bytes(8)})


def _channel(world: World, kind: str, link: Link) -> Channel:
    port = "mock" if kind in ("mock", "ordered") else "transfer"
    ordering = Ordering.ORDERED if kind == "ordered" else Ordering.UNORDERED
    pair = world.open_channel(link, port=port, ordering=ordering)
    ends = [
        End(end.chain, end.port, end.channel, link.connections[at], link.clients[at]) for at, end in enumerate(pair)
    ]
    return Channel(kind, *ends)
