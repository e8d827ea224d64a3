"""What was not earned goes back: exactly once, to the right account, and the books say so."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from relayclear.errors import HeldError, NotFoundError, RefusedError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.topology import ClientStatus
from relayclear.money.ledger import Account
from relayclear.money.policy import Gate, Mode
from relayclear.money.refund_state import RefundState
from relayclear.money.refunds import Wait
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.rehearsal import bank
from relayclear.rehearsal.keys import module_address
from relayclear.usecases import refund_acts
from relayclear.usecases.refund_acts import approve, waive
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.refund_send import holding_wallet
from relayclear.usecases.tokens_acts import revoke_token
from relayclear.wording.selling import token_sentences
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import GRACE, TTL, Giver, careless


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


def underpaid(giver: Giver, amount: int = 400_000, who: str = "alice") -> ClearingToken:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, amount, who)
    giver.expire(token)
    return token


# What goes back, and less what


def test_an_underpaid_token_that_expired_goes_back_less_the_fee(giver: Giver) -> None:
    token = underpaid(giver)
    assert giver.view(token).state is TokenState.EXPIRED
    (owed,) = giver.owed()
    done = giver.sweep()
    assert (done.blocked, done.sent) == (None, [owed.id])
    assert giver.paid_to("alice") == [395_000]
    (refund,) = giver.refunds()
    assert refund.state is RefundState.CONFIRMED
    assert giver.owed() == []
    giver.check_books()
    assert (giver.total(Account.REFUNDED), giver.total(Account.FEE_KEPT)) == (395_000, 5000)
    assert giver.total(Account.OWED) == 0


def test_nothing_goes_back_before_the_token_has_expired(giver: Giver) -> None:
    giver.pay(giver.quote(giver.rig.stuck()), 400_000)
    giver.settle()
    assert giver.owed() == []
    assert giver.sweep().sent == []


def test_what_was_paid_too_much_goes_back_and_the_packet_is_cleared(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount * 2)
    giver.settle()
    giver.work()
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount - 5000]
    giver.check_books()
    assert giver.total(Account.EARNED) == token.price.amount


def test_a_second_payment_goes_back_to_who_paid_it(giver: Giver) -> None:
    token = giver.bought(giver.rig.stuck())
    giver.pay(token, who="bob")
    giver.settle()
    giver.work()
    giver.sweep()
    assert giver.paid_to("bob") == [token.price.amount - 5000]
    assert giver.paid_to("alice") == []
    giver.check_books()


def test_a_payment_past_its_grace_goes_back_less_the_fee(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.rig.clock.step(TTL + GRACE + 60)
    giver.pay(token)
    giver.settle()
    giver.work()
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount - 5000]
    assert giver.rig.relayer.jobs == []
    giver.check_books()


def test_what_another_relayer_cleared_first_goes_back_in_full(giver: Giver) -> None:
    (key,) = giver.rig.stuck()
    token = giver.quote([key])
    giver.pay(token)
    giver.rig.world.relay(key)
    giver.settle()
    giver.work()
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount]
    giver.check_books()
    assert giver.total(Account.FEE_KEPT) == 0


def test_what_was_revoked_after_the_payment_goes_back_in_full(giver: Giver) -> None:
    token = giver.bought(giver.rig.stuck())
    revoke_token(giver.desk, token.memo, "quoted by mistake", "ada")
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount]
    giver.check_books()


@pytest.mark.parametrize("first", ["paid", "revoked"])
def test_who_paid_the_whole_price_of_a_revoked_quote_is_told_that_it_was_less(giver: Giver, first: str) -> None:
    token = giver.quote(giver.rig.stuck())
    if first == "paid":
        giver.pay(token)
    revoke_token(giver.desk, token.memo, "quoted by mistake", "ada")
    if first == "revoked":
        giver.pay(token)
    giver.settle()
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount]
    told = token_sentences(giver.view(token))
    assert told == [
        "The operator took this quote back: don't pay; whatever came is owed back in full.",
        f"{token.price.amount} stake came for this quote: all of it is owed back in full.",
    ]


def test_what_a_dead_client_kept_from_being_cleared_goes_back_in_full(giver: Giver) -> None:
    token = giver.bought(giver.rig.stuck())
    giver.rig.world.set_client(giver.rig.source, ClientStatus.EXPIRED)
    giver.rig.world.set_client(giver.rig.far, ClientStatus.EXPIRED)
    for _ in range(8):
        giver.rig.clock.step(400)
        giver.settle()
        giver.work()
    assert giver.view(token).state is TokenState.NOT_CLEARED
    giver.sweep()
    assert giver.paid_to("alice") == [token.price.amount]
    giver.check_books()


def test_another_denom_goes_back_as_it_came(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 900_000, denom="token")
    giver.settle()
    giver.sweep()
    assert [coin for _, coin, _ in giver.sent()] == [Coin("token", 893_000)]
    giver.check_books()


def test_the_memo_tells_the_payer_why(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    ((_, _, memo),) = giver.sent()
    (refund,) = giver.refunds()
    assert memo == f"rc1r:{refund.id} underpaid"


def test_dust_waits_for_more_and_then_goes_with_it(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 8_000)
    giver.expire(token)
    assert [one.wait for one in giver.owed()] == [Wait.DUST]
    assert giver.sweep().sent == []
    underpaid(giver, 300_000)
    giver.sweep()
    assert sorted(giver.paid_to("alice")) == [3_000, 295_000]
    giver.check_books()


# Who says yes


def test_in_mode_approve_nothing_goes_before_a_person_said_yes(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    assert giver.owed()[0].gates == (Gate.MODE, Gate.NO_CAP)
    assert giver.sweep().sent == []
    approve(giver.desk, giver.owed()[0].id[:6], "ada", "fine")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_refund_above_its_cap_waits_for_a_person(giver: Giver) -> None:
    giver.refund_rules = careless(each={"stake": 300_000})
    underpaid(giver)
    assert giver.owed()[0].gates == (Gate.ABOVE_EACH,)
    assert giver.sweep().sent == []
    assert giver.sweep(most={"stake": 300_000}).sent == []
    giver.sweep(most={"stake": 395_000})
    assert giver.paid_to("alice") == [395_000]


def test_what_went_today_counts_against_the_cap_of_the_day(giver: Giver) -> None:
    giver.refund_rules = careless(day={"stake": 500_000})
    underpaid(giver)
    underpaid(giver, who="bob")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.paid_to("bob") == []
    assert giver.owed()[0].gates == (Gate.ABOVE_DAY,)
    giver.rig.clock.step(25 * 3600)
    giver.settle()
    giver.sweep()
    assert giver.paid_to("bob") == [395_000]


def test_one_payer_cannot_empty_the_day(giver: Giver) -> None:
    giver.refund_rules = careless(payer={"stake": 500_000})
    for who in ("alice", "alice", "bob"):
        underpaid(giver, who=who)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.paid_to("bob") == [395_000]


def test_with_a_single_endpoint_everything_waits_for_a_person(giver: Giver) -> None:
    giver.witnesses = {}
    underpaid(giver)
    assert giver.sweep().sent == []
    approve(giver.desk, giver.owed()[0].id, "ada")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_payment_that_only_one_endpoint_tells_goes_nowhere_by_itself(giver: Giver) -> None:
    token = underpaid(giver)
    assert len(giver.view(token).arrivals) == 1
    giver.witnesses[ALPHA].fails["arrivals_of_tx"] = NotFoundError("there is no such transaction")
    assert giver.sweep().sent == []
    assert giver.paid_to("alice") == []


def test_a_payment_whose_bytes_a_proposer_put_into_a_block_again_is_never_given_back(giver: Giver) -> None:
    token = underpaid(giver)
    (paid,) = giver.view(token).arrivals
    # Its account sequence is used: the second time it fails, and that is what `tx` shows from then on.
    giver.rig.world.replay(ALPHA, paid.arrival.tx_hash)
    giver.blocks(2)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_fate_that_a_second_endpoint_denies_goes_nowhere_by_itself(giver: Giver) -> None:
    (key,) = giver.rig.stuck()
    token = giver.quote([key])
    giver.pay(token)
    giver.rig.world.relay(key)
    giver.settle()
    giver.work()
    giver.witnesses["beta-1"].down = None
    del giver.witnesses["beta-1"]
    assert giver.sweep().sent == []
    assert len(giver.owed()) == 1


def test_a_waived_refund_is_never_sent_and_the_books_say_so(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    with pytest.raises(Exception, match="needs a reason"):
        waive(giver.desk, giver.owed()[0].id, " ", "ada")
    waive(giver.desk, giver.owed()[0].id, "the payer said so", "ada")
    giver.sweep()
    assert giver.paid_to("alice") == []
    assert giver.total(Account.WRITTEN_OFF) == 400_000
    giver.check_books()


def test_what_is_signed_can_not_be_waived(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    with pytest.raises(RefusedError, match="may still land"):
        waive(giver.desk, giver.refunds()[0].id, "changed my mind", "ada")


def test_a_refund_that_was_paid_is_said_to_be_on_its_way_still(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    name = giver.refunds()[0].id
    with pytest.raises(RefusedError, match="is confirmed: its coins are with the payer"):
        waive(giver.desk, name, "changed my mind", "ada")


def test_there_is_a_state_in_which_a_waiver_is_refused_without_a_reason() -> None:
    decided = {*RefundState} - {RefundState.OWED, RefundState.DUST, RefundState.BELOW_COST, RefundState.NEEDS_CLAIM}
    assert {*refund_acts._NO_WAIVER} == decided - {RefundState.APPROVED}


# What nodes do


def test_an_answer_that_got_lost_sends_nothing_twice(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.swallows = True
    giver.sweep()
    giver.rig.alpha.swallows = False
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_a_node_that_includes_what_it_said_had_failed_pays_once(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.denies = True
    done = giver.sweep()
    assert (done.skipped, len(done.landed)) == ({}, 1)
    giver.rig.alpha.denies = False
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.wallet.signings == 1
    giver.check_books()


def test_an_account_that_the_chain_lets_nobody_pay_waits_for_a_person_and_the_others_go_on(giver: Giver) -> None:
    nobody = module_address("distribution", "alpha")
    token = giver.quote(giver.rig.stuck(), refund_to=nobody)
    giver.pay(token, 400_000)
    giver.expire(token)
    underpaid(giver, who="bob")
    for _ in range(4):
        giver.sweep()
    assert giver.paid_to("bob") == [395_000]
    (owed,) = giver.owed()
    assert (owed.due.to, owed.gates) == (nobody, (Gate.FAILED_BEFORE,))
    assert [one.state for one in giver.refunds() if one.to == nobody] == [RefundState.WITHDRAWN]
    giver.check_books()


def test_a_dropped_transaction_is_sent_again_as_the_same_bytes(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.drops = 1
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.wallet.signings == 1


def test_past_its_timeout_height_a_successor_takes_the_same_sequence(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    giver.blocks(150)
    giver.sweep()
    first, second = giver.wallet.signed
    assert first.sequence == second.sequence
    assert second.timeout_height > first.timeout_height
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_an_index_that_hides_what_used_a_sequence_stops_all_signing(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.swallows = True
    giver.sweep(patience=0)
    giver.rig.alpha.swallows = False
    giver.blocks(2)
    (use,) = [one for one in giver.uses() if one.outputs]
    giver.rig.alpha.unindexed.add(use.tx_hash)
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "sequence_unread"
    giver.blocks(150)
    assert giver.sweep().sent == []
    giver.rig.alpha.unindexed.clear()
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.wallet.signings == 1


def test_without_an_index_the_blocks_tell_what_used_a_sequence(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    giver.rig.alpha.tx_index = False
    approve(giver.desk, giver.owed()[0].id, "ada")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_landed_bytes_that_a_proposer_includes_again_were_paid_once(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    (use,) = [one for one in giver.uses() if one.outputs]
    giver.rig.world.replay(ALPHA, use.tx_hash)
    giver.blocks(3)
    giver.sweep()
    (refund,) = giver.refunds()
    assert refund.state is RefundState.CONFIRMED
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_a_node_that_forgot_blocks_is_not_believed(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    underpaid(giver, who="bob")
    giver.settle()
    giver.rig.alpha.behind = 5
    done = giver.sweep()
    assert done.blocked is not None
    assert giver.paid_to("bob") == []


def test_a_refund_that_stood_in_a_block_and_paid_nothing_goes_again_and_its_fee_is_booked(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep(patience=0)
    # Between the node's check and the block governance switches the coin off, and on again.
    giver.rig.world.write(ALPHA, bank.switched_off_key("stake"), True)
    giver.blocks(2)
    giver.rig.world.write(ALPHA, bank.switched_off_key("stake"), None)
    assert [one.code for one in giver.uses()] == [7]
    assert giver.paid_to("alice") == []
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    first, second = giver.wallet.signed
    assert second.sequence == first.sequence + 1
    giver.check_books()
    assert giver.total(Account.FEES_TAKEN) == first.fee.amount + second.fee.amount


def test_a_simulation_without_a_fee_would_sign_for_too_little_gas(giver: Giver) -> None:
    for amount in (400_000, 300_000):
        underpaid(giver, amount)
        giver.sweep()
    assert [use.code for use in giver.uses()] == [0, 0]
    assert giver.paid_to("alice") == [395_000, 295_000]


def test_a_refund_that_ran_out_of_gas_is_signed_for_more(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.underestimates = 20_000
    giver.sweep()
    assert [use.code for use in giver.uses()] == [11, 0]
    assert giver.paid_to("alice") == [395_000]
    first, second = giver.wallet.signed
    assert second.gas == math.ceil(first.gas * RefundRules().gas_margin)
    giver.check_books()
    assert giver.total(Account.FEES_TAKEN) == first.fee.amount + second.fee.amount


def test_a_refund_that_failed_and_was_signed_again_has_not_failed(giver: Giver) -> None:
    """What a sweep tells as failed is signed again by the next one: this one may land yet."""
    underpaid(giver)
    giver.rig.alpha.underestimates = 20_000
    giver.sweep(patience=0)
    giver.blocks(2)
    giver.rig.alpha.drops = 1
    done = giver.sweep(patience=0)
    (refund,) = giver.refunds()
    assert refund.state is RefundState.BROADCAST
    assert (done.sent, done.failed, done.unfinished) == ([refund.id], {}, 1)


# Whose hands


def test_two_sweeps_at_once_send_nothing_twice(giver: Giver) -> None:
    underpaid(giver)
    with holding_wallet(giver.desk, ALPHA), pytest.raises(HeldError):
        giver.sweep()
    giver.sweep()
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_transaction_of_the_operators_own_hand_stops_signing_until_it_is_explained(giver: Giver) -> None:
    underpaid(giver)
    giver.act_as_payee("bob", 5_000)
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "unexplained"
    assert "books assign" in done.blocked.hint
    assert giver.paid_to("alice") == []
    giver.check_books()


def test_coins_that_went_to_our_own_clearing_key_need_no_explanation(giver: Giver) -> None:
    underpaid(giver)
    giver.act_as_payee("clearing", 5_000)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_the_wallet_holds_less_than_the_books_say_and_nothing_is_signed(giver: Giver) -> None:
    underpaid(giver)
    giver.rig.alpha.state.edit(lambda ctx: bank.spend(ctx, giver.payee, [Coin("stake", 1000)]))
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "wallet_short"
    assert giver.paid_to("alice") == []


def test_not_enough_of_one_denom_lets_the_others_go_on(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 900_000, denom="token")
    giver.settle()
    underpaid(giver, who="bob")
    giver.refund_rules = careless()
    giver.refund_rules = RefundRules(
        mode=Mode.AUTO, caps=giver.refund_rules.caps, reserve={"token": 10**9}, check_seconds=300
    )
    done = giver.sweep()
    assert len(done.skipped) == 1
    assert giver.paid_to("bob") == [395_000]
    assert [coin.denom for _, coin, _ in giver.sent()] == ["stake"]


def test_a_denom_that_was_switched_off_lets_the_others_go_on(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 900_000, denom="token")
    giver.settle()
    giver.rig.world.write(ALPHA, bank.switched_off_key("token"), True)
    underpaid(giver, who="bob")
    for _ in range(4):
        giver.sweep()
    assert giver.paid_to("bob") == [395_000]
    assert [one.state for one in giver.refunds() if one.payment.denom == "token"] == [RefundState.WITHDRAWN]
    (owed,) = giver.owed()
    assert owed.gates == (Gate.FAILED_BEFORE,)
    giver.check_books()


def test_no_key_leaves_approved_refunds_to_be_exported(giver: Giver) -> None:
    underpaid(giver)
    giver.wallet._kept.clear()
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "no_wallet_key"
    assert giver.refunds()[0].state is RefundState.APPROVED


# What only a person can judge


def test_a_doer_that_nobody_finds_waits_for_a_person_who_decides_it(giver: Giver) -> None:
    (key,) = giver.rig.stuck()
    token = giver.quote([key])
    giver.pay(token)
    giver.rig.world.relay(key)
    for chain in giver.rig.chains.values():
        chain.tx_index = False
    giver.settle()
    giver.work()
    view = giver.view(token)
    assert [one.reason.value for one in view.verdicts.values()] == ["doer_unknown"]
    (owed,) = giver.owed()
    assert "doer_unknown" in owed.gates
    assert giver.sweep().sent == []
    approve(giver.desk, owed.id, "ada", "looked at it by hand")
    assert giver.view(token).state is TokenState.NOT_CLEARED
    done = giver.sweep()
    assert done.blocked is None
    assert done.skipped == {}
    assert giver.paid_to("alice") == [token.price.amount]
    giver.check_books()
    asyncio.run(giver.engine().step())
    assert isinstance(key, PacketKey)


def test_payments_of_an_unknown_account_wait_for_a_claim(giver: Giver) -> None:
    token = underpaid(giver)
    del token
    assert address("alice", ALPHA) == giver.owed()[0].due.to
