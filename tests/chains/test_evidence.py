"""Transactions that somebody names: held against the index, and against the block where the two differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import HeightError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.evidence import StepClaim, StepEvidence
from relayclear.ibc.readings import RelayStep
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.rpc import Node
from tests.chains.fake import FakeClock, FakeNode, transport
from tests.fakes import read
from tests.fakes.world import World, address, spec

Answer = Callable[[dict[str, Any]], Any]


@dataclass
class Ground:
    """A packet that was delivered on beta-1, and the node there."""

    world: World
    claim: StepClaim
    commitment: bytes
    faults: NodeFaults = field(default_factory=NodeFaults)
    lies: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def ask(self, *claims: StepClaim) -> list[StepEvidence | RelayclearError]:
        """What the chain shows of each claim."""
        node = Node(self.world.chains["beta-1"], self.faults)

        def answering(method: str) -> Answer:
            return lambda params: self.lies.get(method, lambda told: told)(node.call(method, params))

        fake = FakeNode(methods={name: answering(name) for name in ("tx", "block", "block_results")}, chain="beta-1")
        fake.height = node.height

        async def work() -> list[StepEvidence | RelayclearError]:
            hosts = Hosts(transport({"node0": fake}))
            chain = CometChain("beta-1", ["http://node0"], hosts=hosts, timing=FakeClock().timing())
            found = await chain.evidence(claims)
            assert chain.answered == ("http://node0",)
            await chain.aclose()
            await hosts.aclose()
            return [found[claim] for claim in claims]

        return asyncio.run(work())

    def one(self, **changed: Any) -> StepEvidence | RelayclearError:
        """What it shows of the claim, or of one that differs."""
        return self.ask(self.claim._replace(**changed))[0]


@pytest.fixture
def ground() -> Ground:
    world = World()
    for name, denom in (("alpha-1", "stake"), ("beta-1", "ubeta")):
        world.add_chain(spec(name, denom))
    world.step(5)
    source, far = world.connect("alpha-1", "beta-1")
    key = world.send(source)
    world.deliver(key, relayer=address("rival", "beta-1"))
    world.step(60)
    (told,) = read.relay_txs(world.chains["beta-1"], key, RelayStep.RECV, far)
    sent = read.sent_packet(world.chains["alpha-1"], source, "beta-1", key.sequence)
    assert sent is not None
    return Ground(world, StepClaim(key, far, RelayStep.RECV, told.hash, told.height), sent.commitment())


def test_what_the_index_shows_at_the_claimed_height_settles_it(ground: Ground) -> None:
    found = ground.one()
    assert found == StepEvidence(ground.claim.height, 0, True, address("rival", "beta-1"), ground.commitment)


def test_with_its_index_off_a_node_still_answers_out_of_the_block(ground: Ground) -> None:
    good = ground.one()
    ground.faults.tx_index = False
    assert ground.one() == good


def test_another_packet_or_step_in_the_same_transaction_is_not_this_one(ground: Ground) -> None:
    other = ground.claim.key._replace(sequence=2)
    for found in ground.ask(
        ground.claim._replace(key=other),
        ground.claim._replace(step=RelayStep.ACK),
    ):
        assert isinstance(found, StepEvidence)
        assert (found.did_step, found.relayer, found.commitment) == (False, "", None)


def test_a_transaction_that_the_block_does_not_hold_is_surely_not_there(ground: Ground) -> None:
    assert isinstance(ground.one(hash="AB" * 32), NotFoundError)


def test_one_that_stands_elsewhere_is_told_with_its_height(ground: Ground) -> None:
    found = ground.one(height=ground.claim.height - 1)
    assert isinstance(found, StepEvidence)
    assert (found.height, found.code) == (ground.claim.height, 0)


def test_a_pruned_block_and_a_silent_index_prove_nothing(ground: Ground) -> None:
    ground.faults.pruned_below = ground.claim.height + 1
    assert isinstance(ground.one(hash="AB" * 32), HeightError)
    ground.faults.tx_index = False
    assert isinstance(ground.one(), HeightError)
    ground.lies["block"] = lambda _: {"block": None}
    ground.faults.pruned_below = 0
    assert isinstance(ground.one(), NodeError)


def test_landed_bytes_put_into_a_later_block_again_do_not_turn_a_success_round(ground: Ground) -> None:
    good = ground.one()

    def again(told: Any) -> Any:
        return told | {"height": str(ground.claim.height + 3), "tx_result": told["tx_result"] | {"code": 32}}

    ground.lies["tx"] = again
    assert ground.one() == good
    ground.faults.pruned_below = ground.claim.height + 1
    assert isinstance(ground.one(), HeightError)


def test_a_failed_transaction_at_the_claimed_height_failed(ground: Ground) -> None:
    ground.lies["tx"] = lambda told: told | {"tx_result": told["tx_result"] | {"code": 11}}
    ground.faults.pruned_below = ground.claim.height + 1
    found = ground.one()
    assert isinstance(found, StepEvidence)
    assert (found.code, found.did_step) == (11, False)


def test_an_answer_that_is_another_transaction_or_block_is_refused(ground: Ground) -> None:
    ground.lies["tx"] = lambda told: told | {"tx": "AAAA"}
    good = ground.one()
    assert isinstance(good, StepEvidence), "the block knows better"
    ground.lies["block_results"] = lambda told: told | {"height": "7"}
    assert isinstance(ground.one(), NodeError)
    ground.lies["block_results"] = lambda told: told | {"txs_results": []}
    assert isinstance(ground.one(), NodeError)
    ground.lies["block_results"] = lambda told: {key: told[key] for key in told if key != "height"}
    assert isinstance(ground.one(), NodeError)
    ground.lies = {"tx": lambda told: told | {"tx": 7, "height": "x"}, "block": lambda told: told | {"block": 3}}
    assert isinstance(ground.one(), NodeError)


def test_many_packets_of_one_transaction_cost_one_question(ground: Ground) -> None:
    asked: list[Any] = []

    def counted(told: Any) -> Any:
        asked.append(told)
        return told

    ground.lies["tx"] = counted
    claims = [ground.claim, ground.claim._replace(key=ground.claim.key._replace(sequence=9))]
    ground.ask(*claims)
    assert len(asked) == 1
