"""The table of payment edge cases: the rows that pure rules decide, each by its number.

Rows about reading a chain, sending and running are tests of the rooms that do it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.outcome import PacketOutcome
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import read_document, write_document
from relayclear.money.earned import Claimant, PacketVerdict, Reason, Result, Standing, earner, judge
from relayclear.money.fees import promise, quote
from relayclear.money.ledger import Kind, Place, book, check
from relayclear.money.memo import AmbiguousMemo, MemoKey, MemoRef, make_ref, nearest, parse_memo, verify
from relayclear.money.policy import NeedsApproval
from relayclear.money.recognition import Standing as Recognised
from relayclear.money.recognition import recognise
from relayclear.money.refunds import (
    Cause,
    RefundDue,
    RefundPolicy,
    Wait,
    our_loss,
    owed_back,
    refund_id,
    waiting,
)
from relayclear.money.settlement import Flaw, Settlement, settle
from relayclear.money.state import TokenFacts, TokenState, Work, token_state
from relayclear.money.token import issue
from tests.money.build import (
    DEADLINE,
    GRACE,
    KEY,
    NOW,
    PAYEE,
    RULES,
    SIGNING_KEY,
    TTL,
    after,
    keys,
    pay,
    prices,
    refunded_to,
    settled,
    token,
)
from tests.store.sold import arrive

LATE, TOO_LATE = TTL + 60, TTL + GRACE + 1
EARNED = PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US)
STANDING = Standing(after(60), after(60 + DEADLINE), after(90), 86_400)
TOKEN = token()


def state(settlement: Settlement, *, read: int = TTL + 1, revoked: bool = False) -> TokenState:
    """The state of a token on which no work has begun."""
    return token_state(TokenFacts(settlement, revoked=revoked), after(read))


def back(settlement: Settlement, *, revoked: bool = False) -> list[RefundDue]:
    """What is owed back, after the expiry, before any work."""
    return owed_back(settlement, state(settlement, revoked=revoked), {})


def only(settlement: Settlement, *, revoked: bool = False) -> RefundDue:
    """The one refund that is owed."""
    (due,) = back(settlement, revoked=revoked)
    return due


def ended(fate: Fate, doer: Doer = Doer.US, at: int = 80, *, committed: bool = False) -> PacketVerdict:
    """The verdict on a packet that came to an end after the payment."""
    return judge(PacketOutcome(keys(1)[0], fate, doer, committed, after(at)), STANDING)


def test_01_an_exact_payment_in_time_is_taken_cleared_and_earned() -> None:
    found = settled(TOKEN, pay(100))
    assert (state(found), found.flaws, back(found)) == (TokenState.PAID, frozenset(), [])
    done = TokenFacts(found, Work.ENDED, dict.fromkeys(keys(2), EARNED))
    assert token_state(done, after(TTL + 1)) is TokenState.CLEARED
    assert owed_back(found, TokenState.CLEARED, done.verdicts) == []


def test_02_an_underpaid_token_takes_a_top_up_until_its_expiry_and_goes_back_less_the_fee() -> None:
    found = settled(TOKEN, pay(60))
    assert (state(found, read=TTL), state(found)) == (TokenState.PARTLY_PAID, TokenState.EXPIRED)
    assert owed_back(found, TokenState.PARTLY_PAID, {}) == []
    assert settled(TOKEN, pay(60), pay(40, at=TTL)).complete
    assert (only(found).cause, only(found).net) == (Cause.UNDERPAID, Coin("stake", 58))


def test_02_an_underpayment_that_is_dust_is_below_cost() -> None:
    due = only(settled(TOKEN, pay(12)))
    assert waiting([due], RefundPolicy(dust={("alpha-1", "stake"): 10})) == [(due, Wait.DUST)]


def test_03_part_payments_of_several_payers_go_back_each_to_its_own() -> None:
    found = settled(TOKEN, pay(40, "alice", 10), pay(30, "bob", 20))
    assert [(due.to, due.net.amount) for due in back(found)] == [("cosmos1alice", 38), ("cosmos1bob", 28)]


@pytest.mark.parametrize(("amount", "wait"), [(112, Wait.DUST), (113, None)])
def test_04_an_excess_goes_back_only_above_fee_and_dust(amount: int, wait: Wait | None) -> None:
    due = only(settled(TOKEN, pay(amount)))
    assert due.cause is Cause.EXCESS
    assert waiting([due], RefundPolicy(dust={("alpha-1", "stake"): 10})) == [(due, wait)]


def test_05_a_transaction_seen_twice_is_one_payment() -> None:
    assert settled(TOKEN, pay(60), pay(60)) == settled(TOKEN, pay(60))


@pytest.mark.parametrize("name", ["alice", "bob"], ids=["06 the same payer", "07 another payer"])
def test_06_07_a_second_full_payment_goes_back_less_the_fee_to_whoever_sent_it(name: str) -> None:
    found = settled(TOKEN, pay(100, "alice", 10), pay(100, name, 20))
    due = only(found)
    assert (due.cause, due.to, due.net.amount) == (Cause.SECOND_PAYMENT, f"cosmos1{name}", 98)


def test_08_a_payment_after_the_expiry_is_honoured_inside_the_grace_when_the_packets_are_still_stuck() -> None:
    found = settled(TOKEN, pay(100, at=LATE), honours_late=True)
    assert (state(found), found.flaws) == (TokenState.PAID, frozenset({Flaw.LATE}))


@pytest.mark.parametrize(("at", "honours"), [(LATE, False), (TOO_LATE, True)], ids=["not clearable", "past the grace"])
def test_09_a_payment_after_the_expiry_goes_back_less_the_fee(at: int, honours: bool) -> None:  # noqa: FBT001 - a column
    found = settled(TOKEN, pay(100, at=at), honours_late=honours)
    assert state(found) is TokenState.EXPIRED
    assert (only(found).cause, only(found).net) == (Cause.LATE, Coin("stake", 98))


def test_10_a_payment_at_the_boundary_is_in_time() -> None:
    assert settled(TOKEN, pay(100, at=TTL)).flaws == frozenset()
    assert settled(TOKEN, pay(100, at=TTL + GRACE), honours_late=True).complete
    assert not settled(TOKEN, pay(100, at=TTL + GRACE + 1), honours_late=True).complete


def test_11_another_denom_does_not_count_and_goes_back_in_that_denom() -> None:
    found = settled(TOKEN, pay(100, denom="uatom"))
    assert state(found, read=TTL) is TokenState.OPEN
    assert (only(found).cause, only(found).net) == (Cause.WRONG_DENOM, Coin("uatom", 99))


@pytest.mark.parametrize("hops", ["transfer/channel-0", "transfer/channel-7"], ids=["12 a voucher", "13 other channel"])
def test_12_13_a_voucher_of_the_right_coin_is_another_denom(hops: str) -> None:
    voucher = DenomPath.parse(f"{hops}/stake").voucher
    found = settled(TOKEN, pay(100, denom=voucher))
    assert (found.complete, found.flaws) == (False, frozenset({Flaw.WRONG_DENOM}))
    assert only(found).approve == {NeedsApproval.DENOM_WITHOUT_PRICE}


def test_15_the_right_memo_on_another_chain_is_an_orphan_there() -> None:
    assert not verify(TOKEN.ref, TOKEN.place._replace(chain="beta-1"), KEY)
    with pytest.raises(ValueError, match="another chain"):
        settled(TOKEN, pay(100, chain="beta-1"))


@pytest.mark.parametrize("memo", ["", "thanks!", "12345"])
def test_17_a_payment_without_a_memo_names_no_token(memo: str) -> None:
    assert parse_memo(memo) is None


@pytest.mark.parametrize("dress", [" {} ", "{}\n", '"{}"', "memo:{}", "\u200b{}", "MEMO: {}"])
def test_18_a_memo_in_any_dress_names_its_token(dress: str) -> None:
    for memo in (TOKEN.memo, TOKEN.memo.upper()):
        assert parse_memo(dress.format(memo)) == TOKEN.ref


def test_19_a_typo_is_unknown_and_the_nearest_token_is_suggested() -> None:
    typo = TOKEN.memo[:12] + ("4" if TOKEN.memo[12] != "4" else "5") + TOKEN.memo[13:]
    read = parse_memo(typo)
    assert isinstance(read, MemoRef)
    assert not verify(read, TOKEN.place, KEY)
    assert nearest(typo, [make_ref(KEY, b"another-", TOKEN.place), TOKEN.ref]) == TOKEN.ref


def test_20_a_memo_is_short_plain_text_and_one_cut_short_is_an_orphan() -> None:
    assert len(TOKEN.memo) <= 64
    assert TOKEN.memo.isascii()
    assert parse_memo(TOKEN.memo[:-1]) is None


def test_21_two_tokens_in_one_memo_pay_neither() -> None:
    other = make_ref(KEY, b"another-", TOKEN.place)
    assert isinstance(parse_memo(f"{TOKEN.memo} {other.text}"), AmbiguousMemo)


def test_22_a_memo_inside_json_is_an_orphan() -> None:
    assert parse_memo(json.dumps({"wasm": {"msg": {"memo": TOKEN.memo}}})) is None


def test_23_several_sends_of_one_transaction_add_up() -> None:
    first = pay(60)
    second = replace(first, id=first.id._replace(k=1), amount=40)
    assert settled(TOKEN, first, second).complete


@pytest.mark.parametrize(
    ("how", "to"),
    [
        ({"kind": ArrivalKind.MULTI_SEND}, "cosmos1alice"),
        ({"kind": ArrivalKind.MULTI_SEND, "inputs": 2}, None),
        ({"kind": ArrivalKind.EXEC}, "cosmos1alice"),
        ({"kind": ArrivalKind.IBC}, None),
        ({"kind": ArrivalKind.CONTRACT}, None),
        ({"kind": ArrivalKind.SEND, "signed": False}, None),
        ({"kind": ArrivalKind.SEND}, "cosmos1alice"),
        ({"kind": ArrivalKind.OTHER}, None),
    ],
    ids=[
        "24 one input",
        "24 several inputs",
        "25 the granter",
        "26 over IBC",
        "27 a contract",
        "28 a module or an interchain account",
        "28 a multisig 36 a granted fee 79 a vesting account",
        "unknown",
    ],
)
def test_24_to_28_coins_go_back_only_where_they_can_be_taken(how: dict[str, Any], to: str | None) -> None:
    due = only(settled(TOKEN, pay(100, at=LATE, **how)))
    assert due.to == to
    assert waiting([due], RefundPolicy()) == [(due, None if to else Wait.NEEDS_CLAIM)]


def test_29_a_token_paid_from_an_exchange_has_a_refund_address_from_the_start() -> None:
    with pytest.raises(ValueError, match="exchange"):
        issue(TOKEN.quote, PAYEE, KEY, b"order--1", NOW, RULES, from_exchange=True)


def test_30_anybody_may_pay_and_gets_it_back_or_the_quoted_address_does() -> None:
    stranger = pay(100, "stranger", LATE)
    assert only(settled(TOKEN, stranger)).to == "cosmos1stranger"
    assert only(settled(refunded_to("cosmos1me"), stranger)).to == "cosmos1me"


def test_33_a_payment_of_nothing_counts_for_nothing_and_owes_nothing() -> None:
    found = settled(TOKEN, pay(0))
    assert (state(found, read=0), back(found)) == (TokenState.OPEN, [])


def test_35_amounts_beyond_64_bits_stay_exact() -> None:
    sold = token(price=10**30 + 1, packets=3)
    found = settled(sold, pay(10**30 + 2))
    assert found.excess == Coin("stake", 1)
    assert sum(term.share for term in sold.quote.packets) == 10**30 + 1
    assert read_document(write_document(sold, SIGNING_KEY)).token == sold


def test_40_a_watcher_down_for_hours_expires_nothing_it_has_not_read() -> None:
    found = settled(TOKEN)
    assert state(found, read=TTL - 3600) is TokenState.OPEN


def test_46_a_forged_memo_is_unknown() -> None:
    forged = TOKEN.ref._replace(tag=b"\0" * 10)
    assert parse_memo(forged.text) == forged
    assert not verify(forged, TOKEN.place, KEY)


def test_47_a_token_of_another_operator_is_told_by_its_instance_id() -> None:
    theirs = replace(TOKEN, instance_id="desk-2", ref=make_ref(MemoKey(7, b"x" * 32), b"order--1", TOKEN.place))
    assert not verify(theirs.ref, theirs.place, KEY)
    assert read_document(write_document(theirs, b"t" * 32)).token.instance_id != RULES.instance_id


def test_48_a_token_paid_again_after_its_end_stays_ended_and_the_money_goes_back() -> None:
    frozen = settled(TOKEN, pay(100)).allocation
    found = settle(TOKEN, [pay(100), pay(100, "bob", LATE)], {}, after(10**6), frozen=frozen)
    facts = TokenFacts(found, Work.ENDED, dict.fromkeys(keys(2), EARNED))
    assert token_state(facts, after(LATE)) is TokenState.CLEARED
    (due,) = owed_back(found, TokenState.CLEARED, facts.verdicts)
    assert (due.cause, due.to) == (Cause.SECOND_PAYMENT, "cosmos1bob")


def test_49_a_rotated_key_still_verifies_what_it_made() -> None:
    newer = MemoKey(8, b"n" * 32)
    kept = {key.kid: key for key in (KEY, newer)}
    assert verify(TOKEN.ref, TOKEN.place, kept[TOKEN.ref.kid])
    assert not verify(TOKEN.ref, TOKEN.place, newer)


def test_50_a_leaked_key_voids_its_quotes_and_their_payments_go_back_in_full() -> None:
    found = settled(TOKEN, pay(100))
    assert state(found, revoked=True) is TokenState.REVOKED
    assert only(found, revoked=True).net == Coin("stake", 100)


def test_51_a_price_changed_after_the_quote_is_not_the_tokens() -> None:
    dearer = prices(500)
    assert quote(dearer, "stake", [promise(keys(1)[0], PacketClass.STUCK)], []).price.amount == 500
    assert settled(TOKEN, pay(100)).complete


def test_53_a_packet_that_others_cleared_first_goes_back_in_full_one_that_we_cleared_is_earned() -> None:
    assert ended(Fate.DELIVERED, Doer.OTHER) == PacketVerdict(Result.OWED_BACK, Reason.OTHERS_FIRST)
    assert ended(Fate.DELIVERED) == EARNED
    lost = dict.fromkeys(keys(2), ended(Fate.DELIVERED, Doer.OTHER))
    (due,) = owed_back(settled(TOKEN, pay(100)), TokenState.NOT_CLEARED, lost)
    assert due.net == Coin("stake", 100)


def test_54_where_others_cleared_some_their_part_goes_back() -> None:
    verdicts = dict(zip(keys(2), (EARNED, ended(Fate.DELIVERED, Doer.OTHER)), strict=True))
    found = settled(TOKEN, pay(100))
    assert token_state(TokenFacts(found, Work.ENDED, verdicts), None) is TokenState.PARTLY_CLEARED
    (due,) = owed_back(found, TokenState.PARTLY_CLEARED, verdicts)
    assert due.net == Coin("stake", 50)


def test_55_a_packet_that_timed_out_meanwhile_and_that_we_returned_is_earned() -> None:
    assert promise(keys(1)[0], PacketClass.STUCK).otherwise is Fate.RETURNED_TO_SENDER
    assert ended(Fate.RETURNED_TO_SENDER) == EARNED


def test_56_a_delivery_with_an_error_is_earned_once_the_error_is_home() -> None:
    assert ended(Fate.DELIVERED_WITH_ERROR) == EARNED
    assert ended(Fate.DELIVERED_WITH_ERROR, committed=True).result is Result.HELD


def test_57_a_missing_acknowledgement_is_sold_under_its_own_name() -> None:
    assert promise(keys(1)[0], PacketClass.ACK_MISSING).expected is Fate.ACKNOWLEDGED
    assert ended(Fate.ACKNOWLEDGED) == EARNED


def test_58_what_could_not_be_cleared_by_the_deadline_goes_back_in_full() -> None:
    late = replace(STANDING, now=after(60 + DEADLINE + 1))
    given = judge(PacketOutcome(keys(1)[0], Fate.STILL_PENDING), late)
    (due,) = owed_back(settled(TOKEN, pay(100)), TokenState.NOT_CLEARED, dict.fromkeys(keys(2), given))
    assert (due.cause, due.fee, due.net.amount) == (Cause.NOT_CLEARED, 0, 100)


def test_62_92_a_packet_in_two_paid_tokens_is_earned_once_and_the_other_goes_back() -> None:
    first, second = (Claimant(name, ran=False, credited_at=after(at)) for name, at in ((b"first", 1), (b"second", 2)))
    done = PacketOutcome(keys(1)[0], Fate.DELIVERED, Doer.US, committed=False, done_at=after(80))
    results = [
        judge(done, STANDING, sold_twice=earner([first, second]) != one.order_id).result for one in (first, second)
    ]
    assert results == [Result.EARNED, Result.OWED_BACK]


def test_75_a_refund_below_its_network_fee_waits() -> None:
    due = only(settled(TOKEN, pay(105)))
    assert waiting([due], RefundPolicy(network_fee={("alpha-1", "stake"): 4})) == [(due, Wait.BELOW_COST)]


def test_78_coins_from_our_own_wallet_never_count() -> None:
    for sender in (PAYEE, "cosmos1clearing"):
        ours = arrive(memo=TOKEN.memo, sender=sender)
        found = recognise(ours, PAYEE, {TOKEN.ref: TOKEN}.get, [KEY], {"cosmos1clearing"})
        assert found.standing is Recognised.OWN


def test_80_a_refunds_name_is_the_same_after_a_restore() -> None:
    one = pay(60).id
    assert refund_id(one, 1) == refund_id(type(one)(*one), 1)
    assert refund_id(one, 1) != refund_id(one, 2)


def test_85_a_payment_after_the_token_was_revoked_goes_back_in_full() -> None:
    for payment in (pay(100), pay(60), pay(140), pay(100, at=TOO_LATE)):
        due = only(settled(TOKEN, payment), revoked=True)
        assert (due.cause, due.net.amount) == (Cause.REVOKED, payment.amount)


def test_86_our_own_daemon_is_us_after_the_payment_and_too_early_before_it() -> None:
    assert ended(Fate.DELIVERED, at=61) == EARNED
    assert ended(Fate.DELIVERED, at=60) == PacketVerdict(Result.OWED_BACK, Reason.BEFORE_PAYMENT)


def test_87_a_back_fill_after_an_excess_went_back_takes_no_payment_beyond_itself() -> None:
    sold = token(price=10)
    alice, bob, carol = pay(6, "alice", 10), pay(6, "bob", 20), pay(8, "carol", 30)
    frozen = settled(sold, bob, carol).allocation
    found = settle(sold, [alice, bob, carol], {carol.id: 4}, after(100), frozen=frozen)
    assert [(due.payment, due.gross) for due in owed_back(found, TokenState.PAID, {})] == [(alice.id, 6)]
    beyond = settle(sold, [alice, bob, carol], {carol.id: 5}, after(100), frozen=frozen)
    assert our_loss(beyond, TokenState.PAID, {}) == {carol.id: 1}


@pytest.mark.parametrize(("kind", "to"), [(ArrivalKind.SEND, "cosmos1alice"), (ArrivalKind.IBC, None)])
def test_88_an_orphan_assigned_by_hand_never_goes_to_the_tokens_refund_address(
    kind: ArrivalKind, to: str | None
) -> None:
    orphan = pay(100, at=LATE, kind=kind, assigned=True)
    assert only(settled(refunded_to("cosmos1mallory"), orphan)).to == to


def test_89_a_refund_over_ibc_that_timed_out_is_owed_again_and_no_income() -> None:
    place = Place("alpha-1", "stake")
    kinds = (Kind.PAYMENT, Kind.OWED, Kind.TRANSIT, Kind.TRANSIT_RETURNED, Kind.REFUND)
    assert check([book(place, kind, "x", 30) for kind in kinds], {place: 0}) == []


def test_90_a_late_top_up_counts_only_what_is_left_of_each_payment() -> None:
    part, top_up = pay(99, "mallory"), pay(1, "mallory", LATE)
    assert only(settled(TOKEN, part)).gross == 99
    found = settle(TOKEN, [part, top_up], {part.id: 99}, after(10**6), honours_late=True)
    assert not found.complete
    assert [(due.payment, due.gross) for due in back(found)] == [(top_up.id, 1)]


def test_93_a_refund_included_with_an_error_burns_its_fee_and_is_still_owed() -> None:
    place = Place("alpha-1", "stake")
    entries = [book(place, kind, "x", amount) for kind, amount in ((Kind.PAYMENT, 30), (Kind.OWED, 30))]
    failed = [*entries, book(place, Kind.OPENING, "x", 5), book(place, Kind.FEE_TAKEN, "x", 1)]
    assert check(failed, {place: 34}) == []
