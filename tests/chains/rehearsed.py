"""The adapter in front of rehearsal nodes, without a network, and what people do there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import httpx
from cosmpy.protos.cosmos.authz.v1beta1 import authz_pb2
from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz_tx
from cosmpy.protos.cosmos.bank.v1beta1 import bank_pb2
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from google.protobuf import any_pb2

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import answering, bank
from relayclear.rehearsal.chain import TxResult
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.transactions import Terms, encode, wrap
from relayclear.rehearsal.world import coins
from tests.fakes.world import World, address, spec, time_of

T = TypeVar("T")
ALPHA, BETA = "alpha-1", "beta-1"
CHAINS = (ALPHA, BETA)
GAS = {ALPHA: "stake", BETA: "ubeta"}
USERS = ("alice", "bob", "payee", "mallory")
SEND, MULTI_SEND = "/cosmos.bank.v1beta1.MsgSend", "/cosmos.bank.v1beta1.MsgMultiSend"


class Stage:
    """Two chains joined by a channel, users with coins, and a node in front of each chain."""

    def __init__(self) -> None:
        self.world = World()
        for chain, denom in GAS.items():
            self.world.add_chain(spec(chain, denom))
            for name in USERS:
                for coin in (denom, "token"):
                    self.world.fund(chain, address(name, chain), coin)
        self.world.step(5)
        self.ends: dict[str, ChannelEnd] = dict(zip(CHAINS, self.world.connect(ALPHA, BETA), strict=True))
        self.nodes = {chain: [Node(self.world.chains[chain], NodeFaults(), chain)] for chain in CHAINS}
        self.requests: list[list[str]] = []

    def add_node(self, chain: str, **faults: Any) -> Node:
        """One more node, behind the others in order."""
        node = Node(self.world.chains[chain], NodeFaults(**faults), f"{chain}-{len(self.nodes[chain])}")
        self.nodes[chain].append(node)
        return node

    def faults(self, chain: str) -> NodeFaults:
        """How the chain's first node fails."""
        return self.nodes[chain][0].faults

    def height(self, chain: str) -> int:
        """The chain's newest block."""
        return self.world.chains[chain].height

    def ask(self, chain: str, question: Callable[[CometChain], Awaitable[T]], **more: Any) -> T:
        """Ask an adapter of its own one thing."""
        nodes = {f"{chain}-{number}": node for number, node in enumerate(self.nodes[chain])}
        hosts = Hosts(httpx.MockTransport(lambda request: self._answer(nodes[request.url.host], request)))
        timing = Timing(
            monotonic=self._seconds, wall=lambda: time_of(self.world.clock.now_ns()), sleep=_at_once, chance=lambda: 1.0
        )

        async def run() -> T:
            adapter = CometChain(chain, [f"http://{name}" for name in nodes], hosts=hosts, timing=timing, **more)
            try:
                return await question(adapter)
            finally:
                await adapter.aclose()
                await hosts.aclose()

        return asyncio.run(run())

    def _seconds(self) -> float:
        return self.world.clock.now_ns() / 10**9

    def _answer(self, node: Node, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        self.requests.append([one["method"] for one in (asked if isinstance(asked, list) else [asked])])
        reply = answering.post(node, request.content, request.url.host)
        if reply.broadcast and node.faults.lose_answers:
            node.faults.lose_answers -= 1
            raise httpx.ReadError("the line broke", request=request)
        return httpx.Response(reply.status, content=reply.body, headers=dict(reply.headers))

    def sign(self, chain: str, name: str, *messages: Any, **terms: Any) -> bytes:
        """A user's signed transaction, with the numbers that the chain has unless the terms say otherwise."""
        state = self.world.chains[chain]
        found = bank.account(state.store, address(name, chain))
        assert found is not None
        gas = 200_000 + 150_000 * len(messages)
        chosen = {"sequence": found.sequence, "account_number": found.number, "gas": gas, **terms}
        return encode(state.spec, messages, Terms(**chosen), Key.of_name(name))

    def act(self, chain: str, name: str, *messages: Any, memo: str = "", fee: int | None = None) -> TxResult:
        """A user's transaction, in a block of its own."""
        terms = Terms(0, gas=200_000 + 150_000 * len(messages), memo=memo, fee=fee)
        return self.world.act(chain, address(name, chain), *messages, terms=terms)


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def send(chain: str, sender: str, *amounts: tuple[int, str], to: str = "payee") -> Any:
    """A plain payment between users, its coins in the order that chains want: by denom."""
    message = bank_tx.MsgSend(from_address=address(sender, chain), to_address=address(to, chain))
    message.amount.extend(coins(*sorted(amounts or ((5, GAS[chain]),), key=lambda one: one[1])))
    return wrap(SEND, message)


def multi_send(chain: str, sender: str, *outputs: tuple[str, int]) -> Any:
    """A payment to many users at once."""
    message = bank_tx.MsgMultiSend()
    total = sum(amount for _, amount in outputs)
    message.inputs.append(bank_pb2.Input(address=address(sender, chain), coins=coins((total, GAS[chain]))))
    for name, amount in outputs:
        message.outputs.append(bank_pb2.Output(address=address(name, chain), coins=coins((amount, GAS[chain]))))
    return wrap(MULTI_SEND, message)


def grant(chain: str, granter: str, grantee: str, url: str = SEND) -> Any:
    """Leave to do one kind of thing in somebody's name."""
    message = authz_tx.MsgGrant(granter=address(granter, chain), grantee=address(grantee, chain))
    generic = authz_pb2.GenericAuthorization(msg=url)
    message.grant.authorization.CopyFrom(
        any_pb2.Any(type_url="/cosmos.authz.v1beta1.GenericAuthorization", value=generic.SerializeToString())
    )
    return wrap("/cosmos.authz.v1beta1.MsgGrant", message)


def execute(chain: str, grantee: str, messages: Sequence[Any]) -> Any:
    """Do things in somebody's name."""
    made = authz_tx.MsgExec(grantee=address(grantee, chain), msgs=messages)
    return wrap("/cosmos.authz.v1beta1.MsgExec", made)


def held(stage: Stage, chain: str, name: str, denom: str) -> int:
    """What a user holds by the chain's own store."""
    return bank.balance(stage.world.chains[chain].store, address(name, chain), denom)
