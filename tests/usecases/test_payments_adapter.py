"""Payments read through the real adapter from nodes that speak CometBFT's words, with every way in which they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import pytest

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.money.state import TokenState
from relayclear.rehearsal import answering
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.rpc import Node
from relayclear.store.payments import StoredPayment
from relayclear.usecases.audit import audit
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.payments_acts import Found, gaps, recheck
from tests.chains.rehearsed import execute, grant, multi_send, send
from tests.fakes.world import time_of
from tests.usecases.paying import ALPHA, Till

T = TypeVar("T")


@dataclass
class Nodes:
    """A till whose payments are read over RPC, from one node or from two on different hosts."""

    till: Till
    faults: list[NodeFaults] = field(default_factory=lambda: [NodeFaults()])

    def ask(self, question: Callable[[Desk], Awaitable[T]]) -> T:
        """Ask with adapters of their own, as a new process would."""

        async def run() -> T:
            with self._transport() as hosts:
                adapters = [self._adapter(hosts, number) for number in range(len(self.faults))]
                desk = replace(
                    self.till.desk,
                    chains={**self.till.desk.chains, ALPHA: adapters[0]},
                    witnesses={ALPHA: adapters[1]} if len(adapters) > 1 else {},
                )
                try:
                    return await question(desk)
                finally:
                    await asyncio.gather(*(adapter.aclose() for adapter in adapters))
                    await hosts.aclose()

        return asyncio.run(run())

    def read(self) -> Reading:
        """Read what there is."""
        return self.ask(lambda desk: read_payments(desk, ALPHA))

    def read_all(self) -> list[StoredPayment]:
        """A block on top, then everything read, which must go well."""
        self.till.blocks(2)
        reading = self.read()
        assert reading.error is None, reading.error
        self.till.check()
        return list(reading.payments)

    @contextmanager
    def _transport(self) -> Iterator[Hosts]:
        chain = self.till.rig.alpha.state
        nodes = {f"node-{number}": Node(chain, faults, f"node-{number}") for number, faults in enumerate(self.faults)}
        yield Hosts(httpx.MockTransport(lambda request: _answer(nodes[request.url.host], request)))

    def _adapter(self, hosts: Hosts, number: int) -> CometChain:
        world = self.till.rig.world
        timing = Timing(
            monotonic=lambda: world.clock.now_ns() / 10**9,
            wall=lambda: time_of(world.clock.now_ns()),
            sleep=_at_once,
            chance=lambda: 1.0,
        )
        return CometChain(ALPHA, [f"http://node-{number}"], hosts=hosts, timing=timing, rpc_budget=1000)


def _answer(node: Node, request: httpx.Request) -> httpx.Response:
    """What the node says, spoilt on the way as a gateway in front of it may do."""
    reply = answering.post(node, request.content, request.url.host)
    if node.faults.http_status:
        return httpx.Response(node.faults.http_status, text="Bad Gateway")
    if node.faults.html:
        return httpx.Response(200, html="<html>hello</html>")
    body = reply.body[: len(reply.body) // 2] if node.faults.truncate else reply.body
    return httpx.Response(reply.status, content=body, headers=dict(reply.headers))


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def nodes(till: Till) -> Nodes:
    return Nodes(till)


def every_kind(till: Till, memo: str) -> None:
    """One payment of each kind, and what is none."""
    till.pay(memo, 10)
    till.act("alice", send(ALPHA, "alice", (5, "stake")), send(ALPHA, "alice", (6, "stake"), (7, "token")), memo=memo)
    till.act("alice", multi_send(ALPHA, "alice", ("bob", 40), ("payee", 11)), memo=memo)
    till.act("alice", grant(ALPHA, "alice", "bob"))
    till.act("bob", execute(ALPHA, "bob", [send(ALPHA, "alice", (12, "stake"))]), memo=memo)
    till.pay_over_ibc(memo, 13, outer="relayed by mallory")
    till.act("alice", send(ALPHA, "alice", (10**30, "stake")), memo=memo, code=5)
    till.rig.world.fund(ALPHA, till.payee, "token", 0)
    till.pay("", 1_000_000)


@pytest.mark.parametrize(
    "faults",
    [{}, {"tx_index": False}, {"index_lag": 3}, {"max_batch": 1}, {"max_body_bytes": 20_000}],
    ids=["healthy", "no index", "late index", "no batches", "small bodies"],
)
def test_every_kind_of_payment_is_the_same_however_a_node_tells_it(nodes: Nodes, faults: dict[str, Any]) -> None:
    till = nodes.till
    token = till.sold(price=1000)
    every_kind(till, token.memo)
    till.act("payee", send(ALPHA, "payee", (300, "stake"), to="bob"))
    nodes.faults = [NodeFaults(**faults)]
    found = nodes.read_all()
    amounts = [(one.arrival.kind.value, one.arrival.coin.amount) for one in found if one.match]
    assert amounts == [
        ("send", 10),
        ("send", 5),
        ("send", 6),
        ("send", 7),
        ("multi_send", 11),
        ("exec", 12),
        ("ibc", 13),
    ]
    assert till.settlement(token).paid.amount == 10 + 5 + 6 + 11 + 12
    # Read by the fake as well, nothing is new: the names are the same.
    till.blocks()
    assert till.read().payments == ()
    assert till.read().error is None


def test_a_node_that_hides_a_payment_in_every_answer_stops_the_reading(nodes: Nodes) -> None:
    till = nodes.till
    token = till.sold()
    hidden = till.pay(token.memo)
    nodes.faults = [NodeFaults(hidden_txs=[hidden])]
    till.blocks(2)
    reading = nodes.read()
    assert reading.error is not None
    assert reading.error.code == "does_not_add_up"
    assert till.view(token).state is TokenState.OPEN
    nodes.faults = [NodeFaults()]
    assert [one.arrival.tx_hash for one in nodes.read_all()] == [hidden]


def test_row_44_a_second_node_that_knows_nothing_of_a_payment_keeps_it_from_counting(nodes: Nodes) -> None:
    till = nodes.till
    token = till.sold()
    hidden = till.pay(token.memo)
    till.blocks(2)
    nodes.faults = [NodeFaults(), NodeFaults(hidden_txs=[hidden])]
    reading = nodes.read()
    assert reading.error is not None
    assert reading.error.code == "endpoints_disagree"
    assert till.stored() == []
    nodes.faults = [NodeFaults(), NodeFaults(behind=1)]
    assert len(nodes.read().payments) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_a_payment_put_into_a_block_again_before_it_was_read_stops_the_reading_for_ever(
    nodes: Nodes, count: int
) -> None:
    till = nodes.till
    token = till.sold()
    paid = till.pay(token.memo)
    # The second time it fails, its account sequence being used; an index knows only that.
    till.rig.world.replay(ALPHA, paid)
    till.blocks(3)
    nodes.faults = [NodeFaults() for _ in range(count)]
    reading = nodes.read()
    assert reading.error is None
    assert [one.arrival.tx_hash for one in reading.payments] == [paid]
    assert till.view(token).state is TokenState.PAID
    [told, *_] = nodes.ask(lambda desk: audit(desk, ALPHA))
    assert told.findings == ()


def test_row_38_a_node_restored_to_a_lower_height_is_not_read(nodes: Nodes) -> None:
    till = nodes.till
    till.pay(till.sold().memo)
    nodes.read_all()
    nodes.faults = [NodeFaults(behind=3)]
    reading = nodes.read()
    assert reading.error is not None
    assert reading.error.code == "height_gone_back"
    assert len(till.stored()) == 1


def test_row_41_heights_that_a_node_pruned_are_a_gap(nodes: Nodes) -> None:
    till = nodes.till
    through = till.cursor.read_through
    till.blocks(200)
    nodes.faults = [NodeFaults(pruned_below=150)]
    reading = nodes.read()
    assert reading.error is not None
    assert reading.error.code == "payments_gap"
    [gap] = gaps(till.desk)
    assert (gap.first, gap.last) == (through + 1, 149)


def test_a_wrong_chain_behind_the_address_is_refused(nodes: Nodes) -> None:
    nodes.till.blocks(2)
    nodes.faults = [NodeFaults(chain_id="gamma-1")]
    reading = nodes.read()
    assert reading.error is not None
    assert "gamma-1" in reading.error.message


@pytest.mark.parametrize("fault", [{"html": True}, {"truncate": True}, {"http_status": 502}], ids=str)
def test_answers_that_are_none_are_never_no_payments(nodes: Nodes, fault: dict[str, Any]) -> None:
    till = nodes.till
    token = till.sold()
    till.pay(token.memo)
    till.blocks(2)
    nodes.faults = [NodeFaults(**fault)]
    before = till.cursor.read_through
    assert nodes.read().error is not None
    assert till.cursor.read_through == before
    nodes.faults = [NodeFaults()]
    assert len(nodes.read().payments) == 1


def test_a_transaction_is_looked_at_again_over_rpc(nodes: Nodes) -> None:
    till = nodes.till
    token = till.sold()
    tx_hash = till.pay(token.memo)
    till.blocks(2)
    seen = nodes.ask(lambda desk: recheck(desk, tx_hash))
    assert (seen.found, len(seen.payments)) == (Found.NEW, 1)
    assert nodes.ask(lambda desk: recheck(desk, tx_hash, ALPHA)).found is Found.KNOWN
