"""Many channels at once: never more than allowed, never a channel closed, one plan a channel."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from relayclear.errors import NodeError, RefusedError
from relayclear.ibc.coin import Coin
from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import Ordering, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.triage import PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.clear_many import ManyPlans, ManyRequest, plan_many
from relayclear.usecases.clear_plan import paying_chains
from tests.fakes.rig import Rig
from tests.fakes.world import address

EVERYTHING = ManyRequest(Filter(), 100, None, share_key=False, max_fees=())


def many(rig: Rig, text: str = "class:stuck", **wanted: Any) -> ManyPlans:
    request = replace(EVERYTHING, filter=Filter.parse(text), **wanted)
    return asyncio.run(plan_many(rig.desk, request))


def refusal(rig: Rig, text: str = "class:stuck", **wanted: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        many(rig, text, **wanted)
    return caught.value


def test_each_channel_gets_a_plan_of_its_own_packets(rig: Rig) -> None:
    other, _ = rig.world.connect("alpha-1", "beta-1")
    rig.stuck(count=2)
    rig.stuck(other)
    rig.stuck(rig.far)
    found = many(rig)
    assert [(plan.path.source, plan.run) for plan in found.plans] == [
        (rig.source, (1, 2)),
        (other, (1,)),
        (rig.far, (1,)),
    ]
    assert (found.left_out, found.failures) == ([], {})


def test_more_than_the_limit_is_refused_whole(rig: Rig) -> None:
    rig.stuck(count=3)
    error = refusal(rig, max_packets=2)
    assert error.code == "too_many"
    assert "3 packets fit the filter" in error.message
    assert many(rig, max_packets=3).plans[0].run == (1, 2, 3)


def test_what_would_close_an_ordered_channel_is_never_part_of_it(rig: Rig) -> None:
    ordered, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    late = rig.world.send(ordered, timeout_seconds=60)
    rig.stuck()
    found = many(rig, "chain:alpha-1")
    assert [plan.path.source for plan in found.plans] == [rig.source]
    ((key, why),) = found.left_out
    assert key == late
    assert "--close-channel" in why


def test_an_ordered_packet_that_may_have_timed_out_is_left_out_too(rig: Rig) -> None:
    ordered, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.world.send(ordered, timeout_seconds=60)
    rig.stuck()
    rig.alpha.lies.add(1)
    found = many(rig, "chain:alpha-1")
    assert [plan.path.source for plan in found.plans] == [rig.source]


def test_a_packet_whose_transaction_is_lost_is_left_out_of_many(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.alpha.lost.add(1)
    found = many(rig, "chain:alpha-1")
    assert [plan.run for plan in found.plans] == [(2,)]


def test_what_cannot_be_cleared_is_left_out_with_its_reason(rig: Rig) -> None:
    rig.stuck(count=2)
    async_ack = rig.world.send(rig.source, memo=HOLD_MEMO)
    rig.world.deliver(async_ack)
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, None, None)
    found = many(rig, "chain:alpha-1")
    assert [plan.run for plan in found.plans] == [(2,)]
    assert [(key.sequence, why.partition(":")[0]) for key, why in found.left_out] == [
        (1, "excluded"),
        (3, "nothing to relay"),
    ]


def test_nothing_that_fits_is_a_refusal_that_says_why(rig: Rig) -> None:
    assert many(rig).nothing_to_do
    rig.stuck()
    assert not many(rig).nothing_to_do
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, None, None)
    error = refusal(rig)
    assert error.code == "nothing_fits"
    assert "alpha-1/channel-0/1: excluded" in error.message


def test_nothing_found_on_half_a_network_is_no_refusal_but_an_unfinished_look(rig: Rig) -> None:
    assert many(rig).nothing_to_do
    rig.beta.down = NodeError("frozen")
    found = many(rig)
    assert found.plans == []
    assert not found.nothing_to_do
    assert not found.listing.reading.complete


def test_a_channel_that_cannot_be_planned_does_not_stop_the_others(rig: Rig) -> None:
    rig.add_chain("gamma-1", "ugamma")
    other, _ = rig.world.connect("alpha-1", "gamma-1")
    rig.stuck()
    rig.stuck(other)
    rig.relayer.addresses["gamma-1", "clearing"] = address("nobody", "gamma-1")
    found = many(rig)
    assert [plan.path.source for plan in found.plans] == [rig.source]
    assert found.failures[other].code == "no_account"


def test_a_fee_cap_meant_for_other_chains_is_no_obstacle(rig: Rig) -> None:
    rig.add_chain("gamma-1", "ugamma")
    rig.add_chain("delta-1", "udelta")
    other, _ = rig.world.connect("gamma-1", "delta-1")
    rig.stuck()
    rig.stuck(other)
    found = many(rig, max_fees=(Coin("stake", 9), Coin("udelta", 8)))
    assert {plan.path.source: [str(cap.fee) for cap in plan.caps] for plan in found.plans} == {
        rig.source: ["9stake"],
        other: ["8udelta"],
    }
    assert found.failures == {}


def test_a_fee_cap_that_no_chain_at_all_pays_in_is_refused(rig: Rig) -> None:
    rig.stuck()
    assert refusal(rig, max_fees=(Coin("uatom", 9),)).code == "wrong_fee_denom"


def test_a_chain_without_a_fee_cap_is_not_cleared_when_caps_were_asked_for(rig: Rig) -> None:
    rig.stuck()
    found = many(rig, max_fees=(Coin("stake", 9),))
    assert [str(cap.fee) for cap in found.plans[0].caps] == ["9stake"]


def test_what_only_goes_back_pays_on_its_source_alone(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=60)
    rig.world.deliver(rig.world.send(rig.source))
    rig.clock.step(600)
    (back,) = many(rig, "chain:alpha-1").plans
    assert {view.verdict.packet_class for view in back.views} == {PacketClass.TIMED_OUT, PacketClass.ACK_MISSING}
    assert paying_chains(back) == {"alpha-1"}
    rig.stuck()
    (both,) = many(rig, "chain:alpha-1").plans
    assert paying_chains(both) == {"alpha-1", "beta-1"}
