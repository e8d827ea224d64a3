"""Claims: coins go where their payer's key says, once, and nobody else's word moves them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import ConfigError, RefusedError, UsageError
from relayclear.money.claims import Role
from relayclear.money.policy import Gate, Mode
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import Wait, refund_id
from relayclear.rehearsal.keys import encode_address
from relayclear.store import history, refunds
from relayclear.store.refunds import SaidOf
from relayclear.usecases.refund_acts import approve, decide, waive
from relayclear.usecases.refund_claims import ask_claim, claim, claims_of
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, WEEK, Claimer, signed
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import careless

ALICE, ALICE_THERE, MALLORY = address("alice", ALPHA), address("alice", BETA), address("mallory", ALPHA)


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Claimer:
    return Claimer(rig, tmp_path / "shop")


def told(till: Claimer, what: str) -> int:
    """How often the history tells of something."""
    return len([one for one in history.page(till.rig.journal.database, 1000) if one.what == what])


# Who may


def test_coins_that_came_over_ibc_stay_for_ever(till: Claimer) -> None:
    owed = till.underpaid()
    assert (owed.wait, owed.due.to) == (Wait.NEEDS_CLAIM, None)
    with pytest.raises(RefusedError) as caught:
        approve(till.desk, owed.id, "ada")
    assert caught.value.code == "needs_claim"
    assert till.sweep().sent == []
    done = till.claimed(owed.id, ALICE)
    assert (done.role, done.signer, done.refund) == (Role.PAYER, ALICE_THERE, owed.id)
    (now,) = till.owed()
    assert (now.id, now.due.to, now.over, now.wait, now.gates) == (owed.id, ALICE, None, None, ())
    assert till.sweep().sent == [owed.id]
    assert till.paid_to("alice") == [45_000]
    till.check_books()


def test_a_payer_whose_address_serves_no_more_is_paid_there_all_the_same(till: Claimer) -> None:
    owed = till.underpaid_here()
    till.claimed(owed.id, address("bob", ALPHA), at=ALPHA)
    (now,) = till.owed()
    assert now.due.to == address("bob", ALPHA)
    till.sweep()
    assert (till.paid_to("alice"), till.paid_to("bob")) == ([], [45_000])
    till.check_books()


def test_a_payer_over_ibc_signs_with_the_key_of_the_paying_chain(till: Claimer) -> None:
    owed = till.underpaid()
    with pytest.raises(RefusedError) as caught:
        till.claimed(owed.id, ALICE, at=ALPHA)
    assert caught.value.code == "signature_signature"
    assert claims_of(till.desk, owed.id) == []


def test_the_packets_account_takes_the_coins_before_seven_days(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, MALLORY)
    with pytest.raises(RefusedError) as caught:
        till.take(text, "sender", ALPHA)
    assert caught.value.code == "claim_too_early"
    assert claims_of(till.desk, owed.id) == []
    till.rig.clock.step(WEEK - 3600)
    till.settle()
    with pytest.raises(RefusedError):
        till.take(text, "sender", ALPHA)
    till.rig.clock.step(3600)
    till.settle()
    assert till.take(text, "sender", ALPHA).role is Role.PACKET


def test_seven_days_go_by_on_a_wall_clock_that_was_set(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, MALLORY)
    till.rig.clock.skew(-WEEK - 60)
    with pytest.raises(RefusedError) as caught:
        till.take(text, "sender", ALPHA)
    assert caught.value.code == "claim_too_early"


def test_a_claim_of_the_packets_account_goes_by_itself(till: Claimer) -> None:
    owed = till.underpaid()
    till.rig.clock.step(WEEK)
    till.settle()
    till.claimed(owed.id, address("bob", ALPHA), who="sender", at=ALPHA)
    (now,) = till.owed()
    assert now.wait is None
    assert now.gates == (Gate.CLAIMED_FOR_ANOTHER,)
    assert till.sweep(most={"stake": 10**9}).sent == []
    approve(till.desk, owed.id, "ada")
    assert till.sweep().sent == [owed.id]
    assert till.paid_to("bob") == [45_000]
    till.check_books()


def test_the_packets_account_takes_what_its_payer_could_claim(till: Claimer) -> None:
    owed = till.underpaid_here()
    till.rig.clock.step(WEEK)
    till.settle()
    with pytest.raises(RefusedError) as caught:
        till.claimed(owed.id, MALLORY, who="sender", at=ALPHA)
    assert caught.value.code == "claim_payer_can_sign"


def test_the_packets_account_moves_what_goes_to_a_quotes_address(till: Claimer) -> None:
    token = till.quote(till.rig.stuck(), refund_to=address("bob", ALPHA))
    till.pay_from_beta(token, 50_000)
    till.expire(token)
    till.rig.clock.step(WEEK)
    till.settle()
    (owed,) = till.owed()
    with pytest.raises(RefusedError) as caught:
        till.claimed(owed.id, MALLORY, who="sender", at=ALPHA)
    assert caught.value.code == "claim_address_known"
    assert till.claimed(owed.id, ALICE).role is Role.PAYER


def test_what_an_exchange_paid_goes_to_an_account_that_belongs_to_nobody(till: Claimer) -> None:
    till.refund_rules = replace(careless(), exchanges=frozenset({ALICE}))
    owed = till.underpaid_here()
    assert (owed.wait, owed.due.to) == (Wait.NEEDS_CLAIM, None)
    till.rig.clock.step(WEEK)
    till.settle()
    till.claimed(owed.id, address("bob", ALPHA), who="sender", at=ALPHA)
    approve(till.desk, owed.id, "ada")
    till.sweep()
    assert till.paid_to("bob") == [45_000]


def test_nobody_is_asked_whose_signature_could_not_be_checked(till: Claimer) -> None:
    owed = till.underpaid()
    desk = replace(till.desk, accounts={ALPHA: till.desk.accounts[ALPHA]})
    asked = ask_claim(desk, owed.id, ALICE)
    assert [(one.role, one.why_not) for one in asked.signers] == [(Role.PACKET, "too_early")]
    with pytest.raises(ConfigError) as caught:
        ask_claim(desk, owed.id, ALICE_THERE, BETA)
    assert caught.value.code == "unknown_accounts"


def test_a_refund_without_any_account_that_could_sign_is_asked_for(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    desk = replace(till.desk, accounts={})
    with pytest.raises(RefusedError) as caught:
        claim(desk, owed.id, text.terms.nonce, signed(text.text, "alice"), "ada")
    assert caught.value.code == "nobody_can_claim"


# Where to


@pytest.mark.parametrize(
    ("to", "chain"),
    [
        (ALICE_THERE, ""),
        (ALICE, BETA),
        (ALICE.upper(), ""),
        (ALICE[:-1] + "q", ""),
        (encode_address("alpha", bytes(21)), ""),
        ("", ""),
        ("alpha1\nto address: x", ""),
        (address("payee", ALPHA), ""),
    ],
)
def test_coins_are_sent_where_no_payer_can_be(till: Claimer, to: str, chain: str) -> None:
    owed = till.underpaid()
    with pytest.raises(UsageError) as caught:
        till.asked(owed.id, to, chain)
    assert caught.value.code == "bad_address"


def test_a_contract_can_never_be_named(till: Claimer) -> None:
    owed = till.underpaid()
    assert till.asked(owed.id, encode_address("alpha", bytes(32))).over is None


def test_coins_go_to_a_chain_that_they_did_not_come_from(till: Claimer) -> None:
    over_ibc, here = till.underpaid(), till.underpaid_here
    with pytest.raises(UsageError) as caught:
        till.asked(over_ibc.id, ALICE_THERE, "gamma-1")
    assert caught.value.code == "bad_to_chain"
    assert BETA in caught.value.message
    till.claimed(over_ibc.id, ALICE)
    till.sweep()
    with pytest.raises(UsageError) as other:
        till.asked(here().id, ALICE_THERE, BETA)
    assert other.value.code == "bad_to_chain"


# After a decision


def test_an_approved_refund_goes_to_an_address_that_its_payer_lost(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid_here()
    approved = approve(till.desk, owed.id, "ada")
    done = till.claimed(owed.id, address("bob", ALPHA), at=ALPHA)
    assert done.refund == refund_id(approved.payment, 2)
    assert refunds.get(till.rig.journal.database, owed.id) == approved
    assert till.refunds()[0].state is RefundState.WITHDRAWN
    (now,) = till.owed()
    assert (now.id, now.due.to, now.due.net) == (done.refund, address("bob", ALPHA), approved.net)
    # It was allowed for another address: a person looks again.
    assert Gate.FAILED_BEFORE in now.gates
    till.check_books()
    approve(till.desk, now.id, "ada")
    till.sweep()
    assert (till.paid_to("alice"), till.paid_to("bob")) == ([], [45_000])
    till.check_books()


def test_a_claim_is_sent_twice_after_it_freed_an_approved_refund(till: Claimer) -> None:
    owed = till.underpaid_here()
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    approve(till.desk, owed.id, "ada")
    text = till.asked(owed.id, address("bob", ALPHA))
    first = till.take(text, at=ALPHA)
    assert till.take(text, at=ALPHA) == first
    assert len(till.owed()) == 1


def test_a_claimed_refund_that_was_approved_goes_elsewhere_by_a_second_claim(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    late = till.asked(owed.id, MALLORY)
    till.claimed(owed.id, ALICE)
    approve(till.desk, owed.id, "ada")
    with pytest.raises(RefusedError) as caught:
        till.take(late)
    assert caught.value.code == "claim_claimed"
    assert till.refunds()[0].state is RefundState.APPROVED


def test_a_refund_that_may_land_is_claimed_for_another_address(till: Claimer) -> None:
    owed = till.underpaid_here()
    text = till.asked(owed.id, address("bob", ALPHA))
    till.rig.alpha.drops = 1
    till.sweep(patience=0)
    assert till.refunds()[0].state is RefundState.BROADCAST
    for attempt in (lambda: till.take(text, at=ALPHA), lambda: till.asked(owed.id, address("bob", ALPHA))):
        with pytest.raises(RefusedError) as caught:
            attempt()
        assert caught.value.code == "not_owed"
    till.sweep()
    assert (till.paid_to("alice"), till.paid_to("bob")) == ([45_000], [])
    with pytest.raises(RefusedError):
        till.take(text, at=ALPHA)


def test_a_refund_that_was_waived_is_claimed(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    waive(till.desk, owed.id, "given up", "ada")
    with pytest.raises(RefusedError) as caught:
        till.take(text)
    assert caught.value.code == "not_owed"
    till.check_books()


def test_a_claim_that_came_after_the_look_is_approved_unseen(till: Claimer) -> None:
    owed = till.underpaid_here()
    till.claimed(owed.id, address("bob", ALPHA), at=ALPHA)
    with pytest.raises(RefusedError) as caught:
        decide(till.desk, owed, SaidOf(Said.APPROVED, "ada", "", till.rig.clock.now()))
    assert caught.value.code == "changed"


def test_a_refund_that_nobody_knows_is_asked_for(till: Claimer) -> None:
    till.underpaid()
    with pytest.raises(UsageError) as caught:
        till.asked("zzz", ALICE)
    assert caught.value.code == "no_refund"


def test_a_refund_that_the_fee_eats_is_claimed(till: Claimer) -> None:
    owed = till.underpaid(amount=4000)
    with pytest.raises(RefusedError) as caught:
        till.asked(owed.id, ALICE)
    assert caught.value.code == "below_cost"
