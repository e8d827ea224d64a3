"""Sums over what was done: denoms apart, nothing counted twice, nothing claimed that nobody saw."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relayclear.clearing.operation import OperationState
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.ledger import Account
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.settle import settle_all
from relayclear.usecases.stats import Denom, Waits, gather
from tests.fakes.relayer import a_rival_wins, does_nothing_and_says_success, does_the_job
from tests.fakes.rig import Rig
from tests.fakes.world import START, address
from tests.usecases.counter import Counter
from tests.usecases.refunding import Giver
from tests.usecases.test_relay_costs import fails_and_pays, spent
from tests.usecases.test_settle import left_behind

STAKE, UBETA = Denom("alpha-1", "stake"), Denom("beta-1", "ubeta")


def cleared(rig: Rig, *sequences: int) -> None:
    """Clear packets of the first channel by hand."""

    async def work() -> None:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.of(sequences)))
        await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    asyncio.run(work())


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    return Counter(rig, tmp_path / "shop")


def test_without_any_clear_there_is_nothing_to_say(rig: Rig) -> None:
    found = gather(rig.desk, None, None)
    assert (found.total, found.tried, found.sold, found.waited()) == (0, 0, 0, Waits(0, None, None, None))
    assert (found.earned, found.gas) == ({}, {})


def test_outcomes_are_counted_by_what_they_say_of_clearing(rig: Rig) -> None:
    keys = rig.stuck(count=3)
    cleared(rig, 1)
    rig.clock.step(60)
    cleared(rig, 1)
    rig.relayer.scenarios = [does_nothing_and_says_success]
    cleared(rig, 2)
    rig.relayer.scenarios = [a_rival_wins]
    cleared(rig, 3)
    found = gather(rig.desk, None, None)
    assert found.states == {
        OperationState.CLEARED: 2,
        OperationState.NOTHING_TO_DO: 1,
        OperationState.FAILED: 1,
    }
    assert (found.succeeded, found.tried, found.sold) == (2, 3, 0)
    # The second clear of the first packet found it gone: it moved nothing, and counts nothing again.
    assert found.fates == {Fate.DELIVERED: 2, Fate.STILL_PENDING: 1}
    assert found.by_us == 1
    assert sum(found.hours) == 4
    assert (found.channels[keys[0].end].operations, found.channels[keys[0].end].packets) == (4, 3)


def test_a_packet_that_took_several_clears_is_one_packet_with_its_last_fate(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.scenarios = [does_nothing_and_says_success, does_nothing_and_says_success]
    cleared(rig, 1)
    rig.clock.step(60)
    cleared(rig, 1)
    rig.clock.step(60)
    assert gather(rig.desk, None, None).fates == {Fate.STILL_PENDING: 1}
    rig.relayer.scenarios = [does_the_job]
    cleared(rig, 1)
    found = gather(rig.desk, None, None)
    assert (found.total, found.fates, found.by_us) == (3, {Fate.DELIVERED: 1}, 1)


def test_a_clear_that_finds_a_packet_gone_ends_the_doubt_of_the_one_before(rig: Rig) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,))
    asyncio.run(settle_all(rig.desk))
    assert gather(rig.desk, None, None).fates == {Fate.UNKNOWN: 1}
    rig.clock.step(60)
    rig.world.relay(key)
    cleared(rig, key.sequence)
    found = gather(rig.desk, None, None)
    assert (found.total, found.fates) == (2, {Fate.DELIVERED: 1})


def test_each_transaction_of_ours_costs_once_and_a_rivals_costs_us_nothing(rig: Rig) -> None:
    rig.stuck(count=2)
    cleared(rig, 1)
    once = dict(gather(rig.desk, None, None).gas)
    assert set(once) == {STAKE, UBETA}
    assert all(amount > 0 for amount in once.values())
    cleared(rig, 1)
    rig.relayer.scenarios = [a_rival_wins]
    cleared(rig, 2)
    assert gather(rig.desk, None, None).gas == once


def test_since_and_wallet_leave_out_what_is_not_meant(rig: Rig) -> None:
    rig.stuck(count=2)
    cleared(rig, 1)
    rig.clock.step(3600)
    rig.relayer.scenarios = [does_the_job]
    begun = rig.clock.now()
    cleared(rig, 2)
    assert gather(rig.desk, begun, None).total == 1
    assert gather(rig.desk, None, address("sender", "alpha-1")).total == 0


def test_what_was_sold_is_earned_in_its_own_coin_and_waited_for_in_block_time(counter: Counter) -> None:
    first, second = counter.rig.stuck(count=2)
    token = counter.bought([first])
    counter.work()
    taken = counter.quote([second])
    counter.rig.world.relay(second)
    counter.pay(taken)
    counter.blocks(2)
    counter.read()
    counter.work()
    found = gather(counter.rig.desk, None, None)
    assert found.sold == 2
    assert found.earned == {STAKE: token.price.amount}
    assert found.gas[STAKE] > 0
    waits = found.waited()
    assert (waits.count, waits.median) == (1, waits.longest)
    assert waits.median is not None
    assert 0 < waits.median < 600
    wallet = address("sender", "alpha-1")
    assert gather(counter.rig.desk, None, wallet).sold == 2
    assert gather(counter.rig.desk, None, "cosmos1nobody").sold == 0


def test_a_loss_is_shown_as_profit_because_failed_transactions_and_refunds_cost_nothing(
    rig: Rig, tmp_path: Path
) -> None:
    giver = Giver(rig, tmp_path / "shop")
    rig.relayer.scenarios = [fails_and_pays]
    token = giver.bought(rig.stuck())
    giver.work()
    giver.settle()
    half = giver.quote(rig.stuck())
    giver.pay(half, half.price.amount // 2)
    giver.expire(half)
    giver.sweep()
    giver.settle()
    found = gather(rig.desk, None, None)
    mine = found.profits[STAKE]
    assert mine.earned == token.price.amount
    assert (mine.fee_kept, mine.our_loss, mine.written_off, mine.income, mine.expenses) == (5000, 0, 0, 0, 0)
    assert mine.refund_fees == giver.total(Account.FEES_TAKEN) > 0
    paid = sum(fee for chain, _, fee in spent(rig) if chain == "alpha-1")
    assert mine.clearing == paid
    assert mine.result == token.price.amount + 5000 - paid - mine.refund_fees
    assert found.profits[UBETA].result == -sum(fee for chain, _, fee in spent(rig) if chain == "beta-1")
    assert gather(rig.desk, None, "somebody").profits == {}
    rig.clock.step(60)
    assert gather(rig.desk, rig.clock.now(), None).profits == {}
    assert gather(rig.desk, START, None).profits == found.profits
