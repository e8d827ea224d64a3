"""Settlements: what counts, in any order, at any moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.coin import Coin
from relayclear.money.payment import Payment
from relayclear.money.settlement import AppliedPayment, Flaw, Settlement, settle
from relayclear.money.token import ClearingToken
from tests.ibc.tables import Row, by_first_row, table
from tests.money.build import EXPIRY, GRACE, NOW, TTL, after, pay, settled, token

LATE, TOO_LATE = TTL + 60, TTL + GRACE + 60


class Case(NamedTuple):
    """The payment looked at: its denom and time, whether late ones are honoured, what stands around it."""

    denom: str
    at: int
    honoured: bool
    covered_before: bool
    enough: bool

    @property
    def late(self) -> bool:
        """Whether it comes after the expiry."""
        return self.at > TTL

    @property
    def counted(self) -> bool:
        """Whether its time lets it count."""
        return not self.late or (self.honoured and self.at <= TTL + GRACE)


def looked_at(case: Case) -> AppliedPayment:
    """Settle the case: price 100, the payment brings 40 or all of it, and 100 came before where told."""
    one = pay(100 if case.enough else 40, "bob", case.at, case.denom)
    before = [pay(100, "alice", 0)] if case.covered_before else []
    found = settle(token(), [one, *before], {}, after(10**6), honours_late=case.honoured)
    return next(paid for paid in found.payments if paid.payment == one)


TIMES: dict[str, Callable[[Case], bool]] = {
    "in time": lambda case: not case.late,
    "late": lambda case: case.late,
    "late, honoured": lambda case: case.late and case.counted,
    "late, not honoured": lambda case: case.late and not case.counted,
}


def fits(row: Row, case: Case) -> bool:
    covered = case.covered_before or (case.enough and case.counted)
    return (
        (row[0] == "another") is (case.denom != "stake")
        and row[1] in {"-", "yes" if case.covered_before else "no"}
        and TIMES[row[2]](case)
        and row[3] in {"-", "yes" if covered else "no"}
    )


ROWS = table(settle)
FLAGS = (True, False)
MOMENTS = (0, 60, TTL - 1, TTL, TTL + 1, LATE, TTL + GRACE, TTL + GRACE + 1, TOO_LATE)
CASES = by_first_row(ROWS, map(Case._make, product(("stake", "uatom"), MOMENTS, FLAGS, FLAGS, FLAGS)), fits)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_what_a_payment_counts_for_is_that_of_its_row(row: Row) -> None:
    assert CASES[row], "no case ever reaches this row"
    for case in CASES[row]:
        found = looked_at(case)
        assert found.applied == (found.payment.amount if row[4] == "yes" else 0)
        assert found.flaws == {Flaw(word) for word in row[5].split(", ") if word}


def test_a_payment_in_the_last_moment_is_in_time() -> None:
    assert settled(token(), pay(100, at=TTL)).flaws == frozenset()
    assert settled(token(), pay(100, at=TTL + 1)).flaws == {Flaw.LATE}


def test_a_fraction_of_a_second_late_is_late() -> None:
    one = pay(100)
    moved = Payment(one.id, 100, 1, EXPIRY + timedelta(microseconds=1), "x")
    assert settled(token(), moved).flaws == {Flaw.LATE}


def test_many_part_payments_of_several_payers_add_up_and_the_last_one_credits() -> None:
    parts = [pay(30, "alice", 10), pay(30, "bob", 20), pay(50, "carol", 30)]
    found = settled(token(), *parts)
    assert [paid.applied for paid in found.payments] == [30, 30, 40]
    assert (found.allocation.credited, found.credited_at) == (parts[2].id, after(30))
    assert found.flaws == {Flaw.OVERPAID}
    assert (found.paid, found.applied, found.missing, found.excess) == tuple(
        Coin("stake", amount) for amount in (110, 100, 0, 10)
    )


def test_what_is_missing_is_told() -> None:
    found = settled(token(), pay(30), pay(500, denom="uatom"))
    assert (found.paid, found.missing, found.excess) == (Coin("stake", 30), Coin("stake", 70), Coin("stake", 0))
    assert found.deadline is None
    assert not found.complete


def test_the_deadline_runs_from_the_payment_that_completed_the_price() -> None:
    found = settled(token(), pay(50, at=10), pay(50, "bob", 70))
    assert found.deadline == after(70 + 7200)


def test_the_earlier_of_two_full_payments_counts_whichever_is_found_first() -> None:
    first, second = pay(100, "alice", 10), pay(100, "bob", 20)
    for order in ([first, second], [second, first]):
        found = settle(token(), order, {}, after(100))
        assert found.allocation.credited == first.id
        assert found.payments[1].flaws == {Flaw.SECOND_PAYMENT}
        assert found.excess == Coin("stake", 100)


def test_two_payments_of_one_block_are_told_apart_the_same_way_everywhere() -> None:
    one, other = pay(100, "alice", 10), pay(100, "bob", 10)
    assert settled(token(), one, other).allocation == settled(token(), other, one).allocation


def test_all_flaws_at_once() -> None:
    found = settled(
        token(),
        pay(5, denom="uatom"),
        pay(40, "bob", 30),
        pay(80, "carol", LATE),
        pay(1, "dan", LATE + 1),
        honours_late=True,
    )
    assert found.flaws == {Flaw.WRONG_DENOM, Flaw.LATE, Flaw.OVERPAID, Flaw.SECOND_PAYMENT}
    assert settled(token(), pay(40), pay(5, at=LATE)).flaws == {Flaw.UNDERPAID, Flaw.LATE}


def test_the_same_payment_reported_twice_is_one() -> None:
    assert settled(token(), pay(60), pay(60)).paid == Coin("stake", 60)


def test_two_payments_of_one_identity_are_a_mistake_of_the_reading() -> None:
    with pytest.raises(ValueError, match="two payments"):
        settled(token(), pay(60), pay(61))


def test_a_payment_on_another_chain_is_never_settled_here() -> None:
    with pytest.raises(ValueError, match="another chain"):
        settled(token(), pay(100, chain="beta-1"))


@pytest.mark.parametrize("taken", [-1, 101])
def test_more_taken_back_than_came_is_a_mistake_of_the_books(taken: int) -> None:
    one = pay(100)
    with pytest.raises(ValueError, match="taken back"):
        settle(token(), [one], {one.id: taken}, after(100))


def test_a_view_of_the_past_shows_what_had_come_by_then() -> None:
    both = [pay(50, "alice", 10), pay(50, "bob", 20)]
    assert settle(token(), both, {}, after(19)).missing == Coin("stake", 50)
    assert settle(token(), both, {}, after(20)).complete


def test_a_late_top_up_counts_only_what_is_left_of_what_was_sent_back() -> None:
    part, top_up = pay(99, "mallory", 10), pay(1, "mallory", LATE)
    found = settle(token(), [part, top_up], {part.id: 99}, after(LATE), honours_late=True)
    assert not found.complete
    assert found.missing == Coin("stake", 99)


def test_a_full_late_payment_counts_though_an_earlier_part_was_sent_back() -> None:
    part, full = pay(99, "mallory", 10), pay(100, "bob", LATE)
    found = settle(token(), [part, full], {part.id: 99}, after(LATE), honours_late=True)
    assert found.allocation.credited == full.id
    assert [paid.over for paid in found.payments] == [99, 0]


def test_a_waived_token_is_paid_when_it_is_issued_and_takes_nothing() -> None:
    free = settled(token(waived="grant"))
    assert (free.complete, free.credited_at, free.missing) == (True, NOW, Coin("stake", 0))
    paid = settled(token(waived="grant"), pay(5))
    assert paid.excess == Coin("stake", 5)
    assert paid.flaws == {Flaw.SECOND_PAYMENT}


def back_filled() -> tuple[ClearingToken, Settlement, list[Payment]]:
    """Bob 6 and Carol 8 of a price of 10; then Alice's earlier 6 is found."""
    sold = token(price=10)
    bob, carol = pay(6, "bob", 20), pay(8, "carol", 30)
    return sold, settled(sold, bob, carol), [pay(6, "alice", 10), bob, carol]


def test_a_frozen_allocation_stays_whatever_is_found_later() -> None:
    sold, frozen, found = back_filled()
    again = settle(sold, found, {}, after(100), frozen=frozen.allocation)
    assert [(paid.payment.sender, paid.applied) for paid in again.payments] == [
        ("cosmos1alice", 0),
        ("cosmos1bob", 6),
        ("cosmos1carol", 4),
    ]
    assert again.payments[0].flaws == {Flaw.SECOND_PAYMENT}
    assert again.credited_at == after(30)


def test_a_frozen_allocation_stays_when_shares_have_gone_back() -> None:
    sold, frozen, found = back_filled()
    again = settle(sold, found, {found[1].id: 3, found[2].id: 6}, after(100), frozen=frozen.allocation)
    assert again.applied == Coin("stake", 10)
    assert again.flaws == {Flaw.SECOND_PAYMENT, Flaw.OVERPAID}


def test_a_late_payment_that_was_honoured_stays_so_when_it_was_frozen() -> None:
    late = pay(100, at=LATE)
    honoured = settled(token(), late, honours_late=True)
    again = settle(token(), [late], {}, after(10**6), frozen=honoured.allocation)
    assert again.complete
    assert again.flaws == {Flaw.LATE}


# Any payments at all

payments = st.lists(
    st.builds(
        pay,
        st.integers(0, 150),
        st.sampled_from(["alice", "bob", "carol"]),
        st.sampled_from(MOMENTS),
        st.sampled_from(["stake", "uatom"]),
    ),
    max_size=7,
    unique_by=lambda payment: payment.id,
)


@given(payments, st.data())
def test_a_settlement_does_not_depend_on_the_order_of_its_payments(many: list[Payment], data: st.DataObject) -> None:
    taken = {payment.id: data.draw(st.integers(0, payment.amount)) for payment in many}
    honours = data.draw(st.booleans())
    as_of = after(data.draw(st.sampled_from([0, TTL, 10**6])))
    found = settle(token(), many, taken, as_of, honours_late=honours)
    shuffled = data.draw(st.permutations(many))
    assert settle(token(), shuffled, dict(reversed(taken.items())), as_of, honours_late=honours) == found


@given(payments, st.booleans(), st.data())
def test_no_settlement_takes_more_than_the_price_or_than_is_left(
    many: list[Payment],
    honours: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    taken = {payment.id: data.draw(st.integers(0, payment.amount)) for payment in many}
    found = settle(token(), many, taken, after(10**6), honours_late=honours)
    assert found.complete is (found.applied == found.token.price)
    assert found.missing.amount + found.applied.amount == 100
    assert all(0 <= paid.applied <= paid.payment.amount - paid.taken_back for paid in found.payments)
    again = settle(token(), many, taken, after(10**6), frozen=found.allocation)
    assert again.payments == found.payments
