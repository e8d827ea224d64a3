"""Sweeps of all chains, and the plan of one: what a person allowed is never spent twice, and what is planned comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import HeldError, NodeError, RefusedError, RelayclearError, UsageError
from relayclear.money.policy import Gate
from relayclear.money.refund_state import RefundState
from relayclear.store.refunds import Refund
from relayclear.usecases import refund_hand, refund_resolve
from relayclear.usecases.once import AnsweredError, Once
from relayclear.usecases.refund_acts import Consent, approve, approve_seen, waive
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.refund_send import Swept, holding_wallet
from relayclear.usecases.refund_sweeps import Goes, Sweeping, SweepPlan, plan_sweeps, sweep_chains
from relayclear.usecases.refund_view import RefundQuestion, refund_story, view_refunds
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.paying import BETA
from tests.usecases.refunding import Giver, careless


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    """Alice paid half and Bob a bit, and it expired: two refunds are owed."""
    giver = Giver(rig, tmp_path / "shop")
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 500_000)
    giver.pay(token, 50_000, who="bob")
    giver.expire(token)
    return giver


def swept(giver: Giver, *chains: str, **terms: object) -> dict[str, Swept | RelayclearError]:
    return asyncio.run(sweep_chains(giver.desk, chains, Sweeping(patience=60.0, **terms)))  # type: ignore[arg-type]


def planned(giver: Giver, **terms: object) -> SweepPlan:
    return asyncio.run(plan_sweeps(giver.desk, [ALPHA], Sweeping(**terms)))[0]  # type: ignore[arg-type]


def test_what_a_person_allowed_is_spent_again_by_the_next_chain(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    swept(giver, ALPHA, ALPHA, consent=Consent({"stake": 500_000}, "ada"))
    assert (len(giver.refunds()), len(giver.owed()), len(giver.sent())) == (1, 1, 1)


def test_a_limit_begins_anew_on_the_next_chain(giver: Giver) -> None:
    swept(giver, ALPHA, ALPHA, limit=1)
    assert len(giver.sent()) == 1


def test_somebody_elses_yes_in_between_stops_the_others(giver: Giver) -> None:
    first, second = giver.owed()
    asked: list[str] = []

    def answered(what: str) -> None:
        if what == "arrivals_of_tx" and not asked:
            asked.append(approve(giver.desk, first.id, "bob").id)

    giver.witnesses[ALPHA].heard = answered
    done = giver.sweep()
    assert (done.blocked, asked) == (None, [first.id])
    assert done.decided == [second.id]
    assert len(giver.sent()) == 2


def test_each_refund_that_landed_is_told_once(giver: Giver) -> None:
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    giver.blocks(120)  # it is signed anew: waiting from before, and sent now
    told: list[Refund] = []
    done = giver.sweep(told=told.append)
    assert sorted(one.id for one in told) == sorted(done.landed) == sorted(one.id for one in giver.refunds())
    assert {one.state for one in told} == {RefundState.CONFIRMED}


def test_a_plan_promises_what_the_sweep_does_not_do(giver: Giver) -> None:
    giver.refund_rules = careless(each={"stake": 10**12}, day={"stake": 500_000})
    plan = planned(giver)
    assert {one.refund.id: one.goes for one in plan.refunds} == {
        giver.owed()[0].id: Goes.WITHIN_CAPS,
        giver.owed()[1].id: Goes.WAITS,
    }
    assert plan.refunds[1].gates == (Gate.ABOVE_DAY,)
    assert giver.refunds() == []
    done = giver.sweep()
    assert done.decided == [plan.refunds[0].refund.id]


def test_a_plan_that_no_node_answers_to_says_nothing(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    for chain in (*giver.rig.chains.values(), *giver.witnesses.values()):
        chain.asked.clear()
        chain.down = NodeError("refused")
    plan = planned(giver, consent=Consent({"stake": 495_000}, "ada"))
    assert [one.goes for one in plan.refunds] == [Goes.ALLOWED, Goes.WAITS]
    assert [chain.asked for chain in giver.rig.chains.values()] == [["account"], []]
    assert plan.obstacle is not None
    assert isinstance(plan.obstacle.error, NodeError)


def test_a_plan_asks_nodes_for_what_nobody_needs(giver: Giver) -> None:
    giver.sweep()
    giver.rig.alpha.asked.clear()
    assert planned(giver).refunds == ()
    assert giver.rig.alpha.asked == []


def test_only_a_sweep_finds_out_that_another_hand_used_the_wallet(giver: Giver) -> None:
    giver.act_as_payee("bob", 7)
    plan = planned(giver)
    assert plan.obstacle is not None
    assert (plan.obstacle.code, giver.last_hash() in plan.obstacle.why) == ("unexplained", True)
    assert plan.stop is not None
    assert {one.gates for one in plan.refunds} == {(Gate.STOPPED,)}
    assert giver.refunds() == []


def test_what_a_second_endpoint_denies_is_planned_to_go(giver: Giver) -> None:
    giver.witnesses.clear()
    assert [one.gates for one in planned(giver).refunds] == [(Gate.ONE_WORD,)] * 2


def test_a_plan_ignores_the_limit_and_the_missing_key(giver: Giver) -> None:
    giver.wallet.remove(ALPHA)
    plan = planned(giver, limit=1)
    assert [one.goes for one in plan.refunds] == [Goes.WITHIN_CAPS, Goes.LATER]
    assert plan.obstacle is not None
    assert plan.obstacle.code == "no_wallet_key"


def test_a_chain_that_owes_nothing_is_blocked_by_what_another_owes(giver: Giver) -> None:
    assert giver.rig.shop is not None
    giver.rig.shop = replace(giver.rig.shop, payees={**giver.rig.shop.payees, BETA: address("payee", BETA)})
    giver.rig.world.fund(BETA, address("payee", BETA), "ubeta")
    done = swept(giver, BETA)[BETA]
    assert isinstance(done, Swept)
    assert done.blocked is None


def test_a_chain_whose_wallet_is_held_keeps_the_others(giver: Giver) -> None:
    with holding_wallet(giver.desk, ALPHA):
        done = swept(giver, ALPHA)
    error = done[ALPHA]
    assert isinstance(error, HeldError)
    assert "process" in error.message
    assert giver.sent() == []


def test_an_amount_that_changed_after_it_was_typed_is_approved_all_the_same(giver: Giver) -> None:
    seen = giver.owed()[0]
    approve(giver.desk, seen.id, "bob")
    with pytest.raises(RefusedError, match="just changed"):
        approve_seen(giver.desk, seen, "ada")


def test_what_needs_a_reason_is_done_without_one(giver: Giver) -> None:
    with pytest.raises(UsageError, match="reason"):
        refund_resolve.go_on(giver.desk, ALPHA, "ada", " ")
    with pytest.raises(UsageError, match="no chain"):
        refund_resolve.go_on(giver.desk, "alpha", "ada", "it is well")
    with pytest.raises(UsageError, match="reason"):
        asyncio.run(refund_hand.cancel_export(giver.desk, "x", "ada", ""))


def test_a_list_leaves_out_what_is_owed_or_decided(giver: Giver) -> None:
    first, second = giver.owed()
    assert [one.id for one in view_refunds(giver.desk, RefundQuestion(), 10).refunds] == [first.id, second.id]
    approve(giver.desk, first.id, "ada")
    page = view_refunds(giver.desk, RefundQuestion(), 1)
    assert [one.id for one in page.refunds] == [second.id]
    assert (page.has_next, page.owed) == (True, (0, 1, 0, 0, 1, 0))
    (rest,) = view_refunds(giver.desk, RefundQuestion(), 1, 1).refunds
    assert (rest.id, rest.state, rest.token) == (first.id, RefundState.APPROVED, first.view.token.memo)
    assert not view_refunds(giver.desk, RefundQuestion("beta-1"), 10).refunds
    (one,) = view_refunds(giver.desk, RefundQuestion(states=[RefundState.APPROVED]), 10).refunds
    assert one.id == first.id
    giver.sweep()
    assert not view_refunds(giver.desk, RefundQuestion(token=first.view.token.memo), 10).owed.any
    story = refund_story(giver.desk, first.id)
    assert [said.word for said in story.events] == ["approved", "confirmed"]
    (signed,) = story.signings
    assert (signed.used_by, signed.code, len(signed.sent)) == (signed.signing.tx_hash, 0, 1)
    assert story.view.tx_hash == signed.signing.tx_hash


def test_the_same_wish_twice_is_refused(giver: Giver) -> None:
    once = Once("k", ("waive",), lambda _, done: done.id)
    name = waive(giver.desk, giver.owed()[0].id, "he said so", "ada", once).id
    with pytest.raises(AnsweredError) as again:
        waive(giver.desk, name, "he said so", "ada", once)
    assert again.value.answer == name
    with pytest.raises(AnsweredError):
        asyncio.run(refund_hand.mark_paid(giver.desk, name, "AB", "ada", once))
