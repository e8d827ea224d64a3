"""Refunds: how much of each payment, why, less what, where to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.payment import Payment, PaymentId
from relayclear.money.policy import NeedsApproval
from relayclear.money.refunds import (
    PAYERS_CAUSES,
    Cause,
    RefundDue,
    RefundPolicy,
    Target,
    Wait,
    address_of,
    our_loss,
    owed_back,
    refund_id,
    refund_memo,
    targets,
    waiting,
)
from relayclear.money.settlement import Settlement, settle
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from tests.ibc.tables import Row, table
from tests.money.build import GRACE, TTL, after, keys, pay, refunded_to, settled, token

LATE = TTL + 60
Verdicts = Mapping[PacketKey, PacketVerdict]
NONE: Verdicts = {}
FIRST, SECOND = keys(2)
EARNED = PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US)
OTHERS = PacketVerdict(Result.OWED_BACK, Reason.OTHERS_FIRST)
STUCK = PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED)


def only(found: list[RefundDue]) -> RefundDue:
    (due,) = found
    return due


def figures(dues: list[RefundDue]) -> dict[str, tuple[int, int]]:
    """Gross and fee by the payment's transaction."""
    return {due.payment.tx.split("-")[1]: (due.gross, due.fee) for due in dues}


# The table of targets

SCENES: dict[tuple[str, str], tuple[Settlement, TokenState]] = {
    ("in another denom", "-"): (settled(token(), pay(9, "it", denom="uatom"), pay(100)), TokenState.PAID),
    ("any", "revoked"): (settled(token(), pay(140, "it")), TokenState.REVOKED),
    ("late, not counted", "-"): (settled(token(), pay(100, "it", LATE)), TokenState.EXPIRED),
    ("counted, price not covered", "expired"): (settled(token(), pay(60, "it")), TokenState.EXPIRED),
    ("counted, price not covered", "not expired"): (settled(token(), pay(60, "it")), TokenState.PARTLY_PAID),
    ("after the price was covered", "-"): (settled(token(), pay(100), pay(70, "it", 90)), TokenState.CLEARING),
    ("counted", "-"): (settled(token(), pay(140, "it")), TokenState.PARTLY_CLEARED),
}
ROWS = table(targets)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_what_goes_back_of_a_payment_is_that_of_its_row(row: Row) -> None:
    settlement, state = SCENES[row[0], row[1]]
    it = next(paid.payment for paid in settlement.payments if paid.payment.id.tx.startswith("TX-it"))
    found = targets(settlement, state, {FIRST: EARNED, SECOND: STUCK})[it.id]
    amounts = {
        "all of it": it.amount,
        "nothing": 0,
        "what the price doesn't take, and its part of the shares not earned": 90,
    }
    assert found.gross == amounts[row[2]]
    told = {cause.value for cause, _ in found.parts}
    assert told == {"excess", "not_cleared"} if row[0] == "counted" else told == set(row[3].split(", ")[:1]) - {""}


def test_every_scene_stands_in_the_table() -> None:
    assert set(SCENES) == {(row[0], row[1]) for row in ROWS}


def test_a_late_part_payment_that_was_honoured_and_fell_short_is_called_late() -> None:
    found = settled(token(), pay(60), pay(10, "bob", LATE), honours_late=True)
    causes = [due.cause for due in owed_back(found, TokenState.EXPIRED, NONE)]
    assert causes == [Cause.UNDERPAID, Cause.LATE]


def test_a_late_payment_goes_back_whatever_the_reading_says_of_the_expiry() -> None:
    found = settled(token(), pay(100, at=LATE))
    assert only(owed_back(found, TokenState.OPEN, NONE)).gross == 100


# What a refund costs

CAUSES_SCENES = {
    Cause.LATE: (settled(token(), pay(100, at=LATE)), TokenState.EXPIRED, NONE),
    Cause.UNDERPAID: (settled(token(), pay(60)), TokenState.EXPIRED, NONE),
    Cause.EXCESS: (settled(token(), pay(140)), TokenState.PAID, NONE),
    Cause.SECOND_PAYMENT: (settled(token(), pay(100), pay(100, "bob", 90)), TokenState.PAID, NONE),
    Cause.WRONG_DENOM: (settled(token(), pay(100, denom="uatom")), TokenState.OPEN, NONE),
    Cause.REVOKED: (settled(token(), pay(100)), TokenState.REVOKED, NONE),
    Cause.OTHERS_FIRST: (settled(token(), pay(100)), TokenState.NOT_CLEARED, {FIRST: OTHERS}),
    Cause.NOT_CLEARED: (settled(token(), pay(100)), TokenState.NOT_CLEARED, {FIRST: STUCK}),
    Cause.CANCELLED: (
        settled(token(), pay(100)),
        TokenState.NOT_CLEARED,
        {FIRST: PacketVerdict(Result.OWED_BACK, Reason.CANCELLED)},
    ),
    Cause.CLEARED_BEFORE: (
        settled(token(), pay(100)),
        TokenState.NOT_CLEARED,
        {FIRST: PacketVerdict(Result.OWED_BACK, Reason.BEFORE_PAYMENT)},
    ),
}


@pytest.mark.parametrize("cause", Cause)
def test_the_payers_causes_cost_the_refund_fee_and_ours_never(cause: Cause) -> None:
    settlement, state, verdicts = CAUSES_SCENES[cause]
    due = only(owed_back(settlement, state, verdicts))
    assert due.cause is cause
    fee = 1 if cause is Cause.WRONG_DENOM else 2
    assert due.fee == (fee if cause in PAYERS_CAUSES else 0)
    assert due.net == Coin(due.payment.denom, due.gross - due.fee)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.PENDING])
def test_every_reason_for_not_earning_has_a_cause_of_ours(reason: Reason) -> None:
    found = owed_back(settled(token(), pay(100)), TokenState.CLEARING, {FIRST: PacketVerdict(Result.OWED_BACK, reason)})
    assert only(found).cause not in PAYERS_CAUSES


def test_one_refund_for_an_excess_and_a_lost_share_costs_the_fee_once_out_of_the_excess() -> None:
    due = only(owed_back(settled(token(), pay(101)), TokenState.PARTLY_CLEARED, {FIRST: STUCK}))
    assert due.parts == ((Cause.EXCESS, 1), (Cause.NOT_CLEARED, 50))
    assert (due.fee, due.net, due.cause) == (1, Coin("stake", 50), Cause.NOT_CLEARED)


def test_a_share_lost_after_the_excess_went_back_costs_nothing_more() -> None:
    one = pay(140)
    found = settle(token(), [one], {one.id: 40}, after(200), frozen=settled(token(), one).allocation)
    due = only(owed_back(found, TokenState.PARTLY_CLEARED, {FIRST: STUCK}))
    assert (due.gross, due.fee) == (50, 0)


def test_a_denom_without_a_price_entry_costs_nothing_and_waits_for_a_person() -> None:
    due = only(owed_back(settled(token(), pay(7, denom="ibc/AB")), TokenState.OPEN, NONE))
    assert due.fee == 0
    assert due.approve == {NeedsApproval.DENOM_WITHOUT_PRICE}


@pytest.mark.parametrize("need", [need for need in NeedsApproval if need is not NeedsApproval.DENOM_WITHOUT_PRICE])
def test_a_share_that_nobody_can_be_sure_of_waits_for_a_person(need: NeedsApproval) -> None:
    verdicts = {FIRST: EARNED, SECOND: PacketVerdict(Result.APPROVE, Reason(need.value))}
    due = only(owed_back(settled(token(), pay(100)), TokenState.PARTLY_CLEARED, verdicts))
    assert due.gross == 50
    assert due.approve == {need}


def test_one_payers_second_payment_does_not_wait_for_anothers_doubtful_share() -> None:
    verdicts = {FIRST: PacketVerdict(Result.APPROVE, Reason.DOER_UNKNOWN)}
    first, second = owed_back(settled(token(), pay(100), pay(9, "bob", 90)), TokenState.CLEARING, verdicts)
    assert first.approve == {NeedsApproval.DOER_UNKNOWN}
    assert second.approve == frozenset()


def test_a_doubt_about_a_packet_of_another_token_holds_nothing_up() -> None:
    verdicts = {FIRST: STUCK, keys(3)[2]: PacketVerdict(Result.APPROVE, Reason.DOER_UNKNOWN)}
    assert only(owed_back(settled(token(), pay(100)), TokenState.CLEARING, verdicts)).approve == frozenset()


def test_a_held_share_is_not_owed() -> None:
    verdicts = {FIRST: PacketVerdict(Result.HELD, Reason.PENDING), SECOND: EARNED}
    assert owed_back(settled(token(), pay(100)), TokenState.CLEARING, verdicts) == []


def test_verdicts_mean_nothing_for_a_token_that_was_never_paid() -> None:
    assert owed_back(settled(token(), pay(60)), TokenState.PARTLY_PAID, {FIRST: STUCK}) == []


# Shares and targets


def test_a_share_is_spread_over_the_payments_by_what_the_price_took_of_each() -> None:
    found = settled(token(), pay(60, "alice", 10), pay(80, "bob", 20))
    dues = owed_back(found, TokenState.PARTLY_CLEARED, {FIRST: EARNED, SECOND: OTHERS})
    assert {due.payment.tx: dict(due.parts).get(Cause.OTHERS_FIRST) for due in dues} == {
        "TX-alice-10": 30,
        "TX-bob-20": 20,
    }


def test_a_unit_left_over_goes_by_identity_and_not_by_order() -> None:
    one, other = pay(50, "zoe", 10), pay(50, "adam", 20)
    sold = token(packets=4)  # shares of 25
    dues = owed_back(settled(sold, one, other), TokenState.PARTLY_CLEARED, {FIRST: STUCK})
    assert figures(dues) == {"zoe": (12, 0), "adam": (13, 0)}


def test_a_back_filled_payment_after_an_excess_went_back_never_takes_a_payment_beyond_itself() -> None:
    sold = token(price=10)
    alice, bob, carol = pay(6, "alice", 10), pay(6, "bob", 20), pay(8, "carol", 30)
    frozen = settled(sold, bob, carol).allocation
    found = settle(sold, [alice, bob, carol], {carol.id: 4}, after(100), frozen=frozen)
    assert figures(owed_back(found, TokenState.CLEARED, dict.fromkeys(keys(2), EARNED))) == {"alice": (6, 2)}
    assert our_loss(found, TokenState.CLEARED, dict.fromkeys(keys(2), EARNED)) == {}


def test_a_back_fill_before_the_work_began_moves_what_each_payer_is_owed() -> None:
    sold = token(price=10)
    alice, bob, carol = pay(6, "alice", 10), pay(6, "bob", 20), pay(8, "carol", 30)
    found = settle(sold, [alice, bob, carol], {carol.id: 4}, after(100))
    assert figures(owed_back(found, TokenState.PAID, NONE)) == {"bob": (2, 2), "carol": (4, 2)}


def test_what_went_back_beyond_the_target_is_our_loss_and_never_asked_back() -> None:
    one = pay(140)
    found = settle(token(), [one], {one.id: 90}, after(200), frozen=settled(token(), one).allocation)
    assert owed_back(found, TokenState.CLEARED, dict.fromkeys(keys(2), EARNED)) == []
    assert our_loss(found, TokenState.CLEARED, dict.fromkeys(keys(2), EARNED)) == {one.id: 50}


def test_nothing_is_owed_for_a_payment_that_did_what_it_should() -> None:
    assert owed_back(settled(token(), pay(100)), TokenState.CLEARED, dict.fromkeys(keys(2), EARNED)) == []
    assert Target(()).gross == 0


# Where to

ADDRESSES = {
    "an orphan assigned by hand": pay(100, assigned=True),
    "any": pay(100),
}


@pytest.mark.parametrize("row", table(address_of), ids=" ".join)
def test_coins_go_back_to_the_address_of_the_row(row: Row) -> None:
    for sold in [refunded_to("cosmos1me"), token()]:
        if (row[1] == "with refund_to" and sold.refund_to is None) or (row[1] == "without" and sold.refund_to):
            continue
        for kind in (ArrivalKind.SEND, ArrivalKind.IBC):
            paid = settled(sold, replace(ADDRESSES[row[0]], kind=kind)).payments[0]
            own = "cosmos1alice" if kind is ArrivalKind.SEND else None
            assert address_of(settled(sold, paid.payment), paid) == ("cosmos1me" if row[2] == "that" else own)


def test_a_due_says_where_it_goes() -> None:
    stranger = pay(100, at=LATE, kind=ArrivalKind.CONTRACT)
    assert only(owed_back(settled(token(), stranger), TokenState.EXPIRED, NONE)).to is None
    assert only(owed_back(settled(refunded_to("cosmos1me"), stranger), TokenState.EXPIRED, NONE)).to == "cosmos1me"


# What is worth sending


def due(net: int, to: str | None = "cosmos1alice", k: int = 0, denom: str = "stake") -> RefundDue:
    return RefundDue(PaymentId("alpha-1", "AB", k, denom), to, ((Cause.EXCESS, net + 2),), 2)


POLICY = RefundPolicy({("alpha-1", "stake"): 10}, {("alpha-1", "stake"): 20})
WAITS = {
    ("dust or less", "-"): due(10),
    ("more", "nothing left after the fee, or less than its network fee"): due(19),
    ("more", "without an address"): due(20, None),
    ("more", "-"): due(20),
}


@pytest.mark.parametrize("row", table(waiting), ids=" ".join)
def test_a_refund_waits_as_its_row_says(row: Row) -> None:
    one = WAITS[row[0], row[1]]
    assert waiting([one], POLICY) == [(one, None if row[2] == "-" else Wait(row[2]))]


def test_dust_is_judged_over_everything_owed_to_an_address() -> None:
    policy = replace(POLICY, network_fee={})
    six, five = due(6), due(5, k=1)
    assert [wait for _, wait in waiting([six, five], policy)] == [None, None]
    assert [wait for _, wait in waiting([six, due(5, "cosmos1bob", 1)], policy)] == [Wait.DUST, Wait.DUST]
    assert [wait for _, wait in waiting([six, due(50, denom="uatom")], policy)] == [Wait.DUST, None]


def test_strangers_without_an_address_are_not_added_up() -> None:
    assert [wait for _, wait in waiting([due(6, None), due(5, None, 1)], POLICY)] == [Wait.DUST, Wait.DUST]


def test_a_refund_that_its_fee_eats_is_never_sent_though_others_go_to_the_same_address() -> None:
    assert waiting([due(0), due(50, k=1)], RefundPolicy()) == [(due(0), Wait.BELOW_COST), (due(50, k=1), None)]
    assert waiting([due(0)], RefundPolicy()) == [(due(0), Wait.DUST)]


# Names


def test_a_refunds_name_is_the_same_after_any_rebuild_and_another_for_every_payment_and_number() -> None:
    one = PaymentId("alpha-1", "AB", 0, "stake")
    assert refund_id(one, 1) == "rtj4vdprdjservrswh56smjf"
    others = [one._replace(chain="beta-1"), one._replace(tx="AC"), one._replace(k=1), one._replace(denom="uatom")]
    assert len({refund_id(one, 1), refund_id(one, 2), *(refund_id(other, 1) for other in others)}) == 6


@pytest.mark.parametrize("cause", Cause)
def test_a_refunds_memo_fits_every_chain_and_names_no_token(cause: Cause) -> None:
    memo = refund_memo(refund_id(PaymentId("alpha-1", "AB", 0, "stake"), 1), cause)
    assert memo.startswith("rc1r:")
    assert memo.endswith(cause.replace("_", " "))
    assert len(memo.encode()) <= 50


# Any story at all

many = st.lists(
    st.builds(
        pay,
        st.integers(0, 150),
        st.sampled_from(["alice", "bob", "carol"]),
        st.sampled_from([10, 20, TTL, LATE, TTL + GRACE + 1]),
        st.sampled_from(["stake", "uatom", "ibc/AB"]),
        assigned=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda payment: payment.id,
)
results = st.builds(PacketVerdict, st.sampled_from(Result), st.just(Reason.DOER_UNKNOWN))
verdict_sets = st.dictionaries(st.sampled_from(keys(5)), results)


def tokens() -> st.SearchStrategy[ClearingToken]:
    return st.builds(token, st.integers(0, 200), st.integers(1, 5), st.integers(0, 10))


@given(tokens(), many, verdict_sets, st.sampled_from(TokenState), st.booleans(), st.data())
def test_what_is_owed_is_never_above_what_was_paid(
    sold: ClearingToken,
    payments: list[Payment],
    verdicts: Verdicts,
    state: TokenState,
    honours: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    taken = {payment.id: data.draw(st.integers(0, payment.amount)) for payment in payments}
    found = settle(sold, payments, taken, after(10**6), honours_late=honours)
    dues = {one.payment: one for one in owed_back(found, state, verdicts)}
    goals, losses = targets(found, state, verdicts), our_loss(found, state, verdicts)
    for payment in payments:
        gross = dues[payment.id].gross if payment.id in dues else 0
        assert 0 <= gross + taken[payment.id] <= payment.amount
        assert gross == max(0, goals[payment.id].gross - taken[payment.id])
        assert losses.get(payment.id, 0) == max(0, taken[payment.id] - goals[payment.id].gross)
    assert all(one.gross > 0 and 0 <= one.fee <= one.gross for one in dues.values())


@given(tokens(), many, st.data())
def test_what_a_paid_token_does_not_earn_goes_back_to_the_last_unit(
    sold: ClearingToken, payments: list[Payment], data: st.DataObject
) -> None:
    found = settle(sold, payments, {}, after(10**6))
    ends = {term.key: data.draw(st.sampled_from([EARNED, STUCK, OTHERS])) for term in sold.quote.packets}
    earned = sum(term.share for term in sold.quote.packets if ends[term.key] == EARNED)
    back = sum(one.gross for one in owed_back(found, TokenState.PARTLY_CLEARED, ends))
    came = sum(payment.amount for payment in payments)
    if found.complete:
        assert came == earned + back
