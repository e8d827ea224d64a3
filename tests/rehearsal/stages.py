"""Stages of two chains on ports of this machine, for one scenario at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from websockets.asyncio.client import ClientConnection, connect

from relayclear.rehearsal import bank, staging
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.clock import Clock
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.serving import Served, standing
from relayclear.rehearsal.stage import Stage
from relayclear.rehearsal.staging import address
from relayclear.rehearsal.transactions import Terms, encode, wrap
from relayclear.rehearsal.world import coins

NOW = 1_800_000_000 * 10**9
PATIENCE = 10.0
"""Seconds that a test waits for what has to come."""


@dataclass(frozen=True)
class Stand:
    """A stage that listens, and a client to ask it with."""

    stage: Stage
    served: Served
    http: httpx.AsyncClient

    @property
    def alpha(self) -> Chain:
        """The first chain."""
        return self.stage.chain("alpha-1")

    @property
    def faults(self) -> NodeFaults:
        """Those of the first chain's node."""
        return self.stage.node("alpha-1").faults

    @property
    def url(self) -> str:
        """Where that node listens."""
        return self.served.nodes["alpha-1"]

    async def post(self, body: Any) -> httpx.Response:
        """Send a body to that node: bytes as they are, anything else as JSON."""
        return await self.http.post(self.url, content=body if isinstance(body, bytes) else json.dumps(body))

    async def ask(self, method: str, **params: Any) -> Any:
        """The `result` of one of its methods."""
        return (await self.post(call(method, **params))).json()["result"]

    async def tell(self, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """Send something to the control port."""
        return await self.http.post(self.served.control + path, json=body or {})

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        """A subscriber's connection to that node."""
        async with connect(f"ws{self.url.removeprefix('http')}/websocket", compression=None) as connection:
            yield Socket(connection)


@dataclass(frozen=True)
class Socket:
    """A connection over which JSON goes both ways."""

    connection: ClientConnection

    async def send(self, message: Any) -> None:
        """Send a request, or text as it is."""
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def next(self) -> Any:
        """The next thing that comes."""
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.connection.recv())

    async def ask(self, method: str, identity: int | str = 1, **params: Any) -> Any:
        """Send a request and take what comes next for its answer."""
        await self.send(call(method, identity, **params))
        return await self.next()

    async def subscribe(self, query: str, identity: int | str = 1) -> None:
        """Subscribe, which has to go well."""
        assert await self.ask("subscribe", identity, query=query) == {"jsonrpc": "2.0", "id": identity, "result": {}}


def call(method: str, identity: int | str = 1, /, **params: Any) -> dict[str, Any]:
    """A request."""
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


def two_chains(clock: Clock | None = None) -> Stage:
    """alpha-1 and beta-1 joined by a channel; time stands unless a clock is given."""
    world = staging.founded(NOW)
    world.connect("alpha-1", "beta-1")
    world.clock = clock or world.clock
    return Stage(world, {name: Node(chain, NodeFaults(), name) for name, chain in world.chains.items()})


def on_stage(scenario: Callable[[Stand], Awaitable[None]], stage: Stage | None = None) -> None:
    """Run a scenario against a stage that listens."""

    async def run() -> None:
        chosen = stage or two_chains()
        async with standing(chosen) as served, httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
            await scenario(Stand(chosen, served, http))

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  conditions tell nobody
            await asyncio.sleep(0.005)


def payment(chain: Chain, amount: int = 5, *, to: str = "bob") -> bytes:
    """Alice's signed payment, with her next sequence."""
    sender = address(chain.spec, "alice")
    account = bank.account(chain.store, sender)
    assert account is not None
    message = bank_tx.MsgSend(
        from_address=sender, to_address=address(chain.spec, to), amount=coins((amount, chain.spec.gas_denom))
    )
    terms = Terms(account.sequence, account.number)
    return encode(chain.spec, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], terms, Key.of_name("alice"))
