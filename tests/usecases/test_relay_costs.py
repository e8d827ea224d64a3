"""What clearing costs: every transaction of the clearing account, each once, whatever became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.operation import Operation
from relayclear.errors import IndexerError, NodeError
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.rehearsal.transactions import Terms
from relayclear.store import relay_costs
from relayclear.store.relay_costs import RelayCost
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.relay_costs import packet_shares, read_costs, totals
from tests.chains.rehearsed import send
from tests.fakes.chain import FakeChain
from tests.fakes.relayer import (
    FakeRelayer,
    Progress,
    does_nothing_and_says_success,
    is_killed_half_way,
    keys_of,
    ran,
)
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import Counter

ALPHA = "alpha-1"


def cleared(rig: Rig, *sequences: int, then: Callable[[], None] = lambda: None, **wanted: Any) -> Operation:
    """Clear packets of the first channel by hand; `then` happens between plan and run."""

    async def work() -> Operation:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.of(sequences), **wanted))
        then()
        return await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    return asyncio.run(work())


def costs(rig: Rig, operation: Operation) -> list[RelayCost]:
    return relay_costs.of_operation(rig.journal.database, operation.id)


def spent(rig: Rig, who: str = "clearing") -> list[tuple[str, int, int]]:
    """Every transaction of a key that stands in a block, by the chains themselves: chain, code, fee."""

    async def uses(chain: FakeChain) -> list[tuple[str, int, int]]:
        found = await chain.sequence_uses(address(who, chain.id), 1, chain.height)
        return [(chain.id, use.code, sum(coin.amount for coin in use.fee)) for use in found]

    return sorted(row for chain in rig.chains.values() for row in asyncio.run(uses(chain)))


def told(found: list[RelayCost]) -> list[tuple[str, int, int]]:
    return sorted((one.run.chain, one.code, sum(coin.amount for coin in one.fee)) for one in found)


async def fails_and_pays(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
    """One of its transactions stands in a block and does nothing; then it does the job."""
    clearing = address("clearing", job.source.chain)
    message = send(job.source.chain, "clearing", (10**40, "stake"))
    result = relayer.world.act(job.source.chain, clearing, message, terms=Terms(0, gas=200_000))
    assert result.code
    return ran(job, relayer.relay(job, keys_of(job), progress))


def test_a_transaction_that_failed_costs_nothing(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.scenarios = [fails_and_pays]
    done = cleared(rig, 1, 2)
    found = costs(rig, done)
    assert told(found) == spent(rig)
    assert [one.code != 0 for one in found].count(True) == 1
    assert relay_costs.unread(rig.journal.database) == []
    assert asyncio.run(read_costs(rig.desk)) == 0


def test_what_a_daemon_or_a_rival_paid_is_ours(rig: Rig) -> None:
    rig.stuck(count=2)
    first = cleared(rig, 1)
    rig.world.act(ALPHA, address("daemon", ALPHA), send(ALPHA, "daemon", (1, "stake")), terms=Terms(0, gas=200_000))
    rig.relayer.scenarios = [does_nothing_and_says_success]
    second = cleared(rig, 2)
    assert costs(rig, second) == []
    assert told(costs(rig, first)) == spent(rig)


def test_a_shared_key_books_the_daemons_transactions_to_a_clear(rig: Rig) -> None:
    rig.stuck()
    rig.clearing_keys.clear()
    done = cleared(rig, 1, share_key=True)
    assert done.attempts[-1].run is not None
    assert costs(rig, done) == []
    assert relay_costs.unread(rig.journal.database) == []


def test_an_index_that_lags_loses_a_cost(rig: Rig) -> None:
    rig.stuck()
    rig.chains[ALPHA] = Late(rig.world, ALPHA)
    done = cleared(rig, 1)
    assert {one.run.chain for one in costs(rig, done)} == {"beta-1"}
    assert [run.chain for run in relay_costs.unread(rig.journal.database)] == [ALPHA]
    rig.chains[ALPHA] = FakeChain(rig.world, ALPHA)
    rig.alpha.down = NodeError("refused")
    assert asyncio.run(read_costs(rig.desk)) == 0
    rig.alpha.down = None
    assert asyncio.run(read_costs(rig.desk)) > 0
    assert told(costs(rig, done)) == spent(rig)
    assert relay_costs.unread(rig.journal.database) == []


class Late(FakeChain):
    """A node whose index hasn't come to any transaction yet."""

    async def sequence_use(self, address: str, sequence: int) -> None:
        """Nothing, yet."""
        await super().sequence_use(address, sequence)


def test_a_node_without_an_index_hides_all_costs(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.fails["sequence_use"] = rig.beta.fails["sequence_use"] = IndexerError("off")
    done = cleared(rig, 1)
    assert told(costs(rig, done)) == spent(rig)
    assert len(told(costs(rig, done))) >= 2


def test_what_a_killed_run_sent_is_never_booked(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.scenarios = [is_killed_half_way]
    done = cleared(rig, 1, 2)
    assert told(costs(rig, done)) == spent(rig)
    assert len(relay_costs.unread(rig.journal.database)) == 2
    # Another one lands, long after the run.
    rig.world.act(ALPHA, address("clearing", ALPHA), send(ALPHA, "clearing", (1, "stake")), terms=Terms(0, gas=200_000))
    assert asyncio.run(read_costs(rig.desk)) == 1
    rig.relayer.scenarios = [does_nothing_and_says_success]
    after = cleared(rig, 2)
    assert costs(rig, after) == []
    assert told(costs(rig, done)) == spent(rig)
    assert relay_costs.unread(rig.journal.database) == []


def test_two_runs_pay_for_one_transaction(rig: Rig) -> None:
    rig.stuck(count=2)
    operations = [cleared(rig, 1), cleared(rig, 2)]
    found = [one for operation in operations for one in costs(rig, operation)]
    assert told(found) == spent(rig)
    assert len({(one.run.chain, one.tx_hash) for one in found}) == len(found)


def test_a_node_that_is_down_keeps_a_clear_from_being_told(rig: Rig) -> None:
    rig.stuck()
    done = cleared(rig, 1, then=lambda: rig.alpha.fails.update(account=NodeError("refused")))
    assert done.attempts[-1].ended_at is not None
    assert {one.run.chain for one in costs(rig, done)} <= {"beta-1"}


def test_a_paid_clear_is_told_without_its_costs(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    rig.relayer.scenarios = [fails_and_pays]
    token = counter.bought(rig.stuck())
    counter.work()
    found = costs(rig, counter.operation(token))
    assert told(found) == spent(rig)
    assert any(one.code for one in found)


def test_shares_of_a_fee_add_up_to_more_or_less_than_it(rig: Rig) -> None:
    rig.stuck(count=3)
    done = cleared(rig, 1, 2, 3)
    found = costs(rig, done)
    shares = packet_shares(done, found)
    assert [*shares] == [1, 2, 3]
    for place, amount in totals(found).items():
        parts = [shares[sequence][place] for sequence in (1, 2, 3)]
        assert sum(parts) == amount
        assert parts[0] >= parts[1] == parts[2]
        assert parts[0] - parts[1] < 3 * len(found)
    assert packet_shares(Operation("op", rig.clock.now(), rig.source, rig.far, SequenceRanges.of([1])), found) == {}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_mark_is_made_again_elsewhere(rig: Rig, moment: str) -> None:
    rig.stuck()
    done = cleared(rig, 1)
    run = costs(rig, done)[0].run
    kept = relay_costs.found(rig.journal.database, run, relay_costs.Moment(moment))
    with rig.journal.database.atomic() as tx:
        relay_costs.mark(tx, run, relay_costs.Moment(moment), ("somebody", 99, 9), rig.clock.now())
    assert relay_costs.found(rig.journal.database, run, relay_costs.Moment(moment)) == kept
    asyncio.run(read_costs(rig.desk))
    assert relay_costs.unread(rig.journal.database) == []
