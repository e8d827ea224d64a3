"""The books: the worked example of the rules line by line, and any story at all."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.money.ledger import (
    RECIPES,
    Account,
    Difference,
    Entry,
    Equation,
    Kind,
    Place,
    Posting,
    book,
    books,
    check,
)

STAKE = Place("alpha-1", "stake")


class Line(NamedTuple):
    """A step of the worked example: what is booked, the first equation's figures after it, the balance."""

    step: str
    booked: tuple[tuple[Kind, int], ...]
    received: int
    held: int = 0
    earned: int = 0
    owed: int = 0
    refunded: int = 0
    fee_kept: int = 0
    in_transit: int = 0
    written_off: int = 0
    balance: int = 0


# Price 100 for two packets, refund fee 2, network fee 1, opening 1000.
EXAMPLE = [
    Line("opening", ((Kind.OPENING, 1000),), 0, balance=1000),
    Line("Alice pays 60", ((Kind.PAYMENT, 60),), 60, 60, balance=1060),
    Line("Bob pays 80: 40 too much", ((Kind.PAYMENT, 80), (Kind.OWED, 40)), 140, 100, 0, 40, balance=1140),
    Line("the refund fails in its message, burns 1", ((Kind.FEE_TAKEN, 1),), 140, 100, 0, 40, balance=1139),
    Line(
        "sent again: 38 out, 2 kept",
        ((Kind.REFUND, 38), (Kind.FEE_KEPT, 2), (Kind.FEE_TAKEN, 1)),
        *(140, 100, 0, 0, 38, 2),
        balance=1100,
    ),
    Line("packet 1 cleared by us", ((Kind.EARNED, 50),), 140, 50, 50, 0, 38, 2, balance=1100),
    Line(
        "packet 2 by others: 30 and 20 back, in full",
        ((Kind.OWED, 50), (Kind.REFUND, 30), (Kind.FEE_TAKEN, 1), (Kind.REFUND, 20), (Kind.FEE_TAKEN, 1)),
        *(140, 0, 50, 0, 88, 2),
        balance=1048,
    ),
    Line(
        "orphan of 30, assigned, then owed",
        ((Kind.ORPHAN, 30), (Kind.ORPHAN_ASSIGNED, 30), (Kind.OWED, 30)),
        *(170, 0, 50, 30, 88, 2),
        balance=1078,
    ),
    Line(
        "its refund over IBC included, acknowledgement open",
        ((Kind.TRANSIT, 30), (Kind.FEE_TAKEN, 1)),
        *(170, 0, 50, 0, 88, 2, 30),
        balance=1047,
    ),
    Line("success acknowledgement", ((Kind.TRANSIT_ARRIVED, 30),), 170, 0, 50, 0, 118, 2, balance=1047),
    Line(
        "top-up 500, assigned as deposit",
        ((Kind.ORPHAN, 500), (Kind.DEPOSIT, 500)),
        170,
        0,
        50,
        0,
        118,
        2,
        balance=1547,
    ),
    Line(
        "withdrawal of 200, fee 1, assigned",
        ((Kind.WITHDRAWAL, 200), (Kind.FEE_TAKEN, 1)),
        *(170, 0, 50, 0, 118, 2),
        balance=1346,
    ),
    Line(
        "1 of dust, written off",
        ((Kind.ORPHAN, 1), (Kind.ORPHAN_WRITTEN_OFF, 1)),
        *(171, 0, 50, 0, 118, 2, 0, 1),
        balance=1347,
    ),
]


def entries_through(line: int) -> list[Entry]:
    """Everything booked up to and including a line."""
    return [book(STAKE, kind, step.step, amount) for step in EXAMPLE[: line + 1] for kind, amount in step.booked]


@pytest.mark.parametrize("number", range(len(EXAMPLE)), ids=[line.step for line in EXAMPLE])
def test_the_worked_example_holds_line_by_line(number: int) -> None:
    line, entries = EXAMPLE[number], entries_through(number)
    found = books(entries)[STAKE]
    shown = {account: found.totals[Account(account)] for account in line._fields[2:]}
    assert shown == dict(zip(line._fields[2:], line[2:], strict=True))
    assert (found.sources, found.totals[Account.ORPHANED]) == (found.uses, 0)
    assert found.should_hold == line.balance
    assert check(entries, {STAKE: line.balance}) == []


def test_a_refund_over_ibc_that_comes_back_is_owed_again_and_no_income() -> None:
    before = entries_through(7)
    after = [*before, book(STAKE, Kind.TRANSIT, "r", 30), book(STAKE, Kind.TRANSIT_RETURNED, "r", 30)]
    assert books(after) == books(before)


def test_a_refund_that_landed_twice_is_our_loss() -> None:
    again = [book(STAKE, kind, "r", 20) for kind in (Kind.OUR_LOSS, Kind.REFUND)]
    found = books([*entries_through(6), *again])[STAKE]
    assert (found.totals[Account.OUR_LOSS], found.totals[Account.REFUNDED], found.should_hold) == (20, 108, 1028)
    assert check([*entries_through(6), *again], {STAKE: 1028}) == []


def test_a_refund_paid_by_hand_from_elsewhere_leaves_the_wallet_alone() -> None:
    by_hand = [*entries_through(7), book(STAKE, Kind.REFUND_BY_HAND, "r", 30)]
    assert check(by_hand, {STAKE: 1078}) == []


def test_denoms_and_chains_never_mix() -> None:
    other = Place("beta-1", "stake")
    entries = [book(STAKE, Kind.PAYMENT, "p", 5), book(other, Kind.PAYMENT, "p", 7)]
    assert {place: kept.sources for place, kept in books(entries).items()} == {STAKE: 5, other: 7}
    assert check(entries, {STAKE: 5, other: 7}) == []


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_entry_keeps_both_equations(kind: Kind) -> None:
    differences = check([book(STAKE, kind, "x", 7)])
    assert {difference.equation for difference in differences} <= {Equation.NEVER_NEGATIVE}


def test_every_account_is_moved_by_some_entry() -> None:
    assert {posting.account for recipe in RECIPES.values() for posting in recipe} == set(Account)


def test_an_entry_that_was_tampered_with_is_named() -> None:
    good = book(STAKE, Kind.PAYMENT, "TX", 60)
    short = replace(good, postings=(Posting(Account.RECEIVED, 60), Posting(Account.HELD, 59), good.postings[2]))
    assert check([short]) == [Difference(STAKE, Equation.SOURCES_AND_USES, "TX", 60, 59)]
    unpaid = replace(good, postings=good.postings[:2])
    assert check([unpaid]) == [Difference(STAKE, Equation.WALLET, "TX", 0, 60)]


def test_an_account_below_zero_is_named() -> None:
    assert check([book(STAKE, Kind.PAYMENT, "p", 5), book(STAKE, Kind.OWED, "p", 6)]) == [
        Difference(STAKE, Equation.NEVER_NEGATIVE, "held", 0, -1)
    ]


def test_coins_that_the_books_do_not_know_are_found_on_the_chain() -> None:
    assert check(entries_through(1), {STAKE: 1061}) == [Difference(STAKE, Equation.CHAIN, "", 1061, 1060)]
    assert check([], {STAKE: 3}) == [Difference(STAKE, Equation.CHAIN, "", 3, 0)]
    assert check([], {STAKE: 0}) == []


@pytest.mark.parametrize("amount", [0, -1])
def test_an_entry_of_nothing_is_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        book(STAKE, Kind.PAYMENT, "p", amount)


places = st.builds(Place, st.sampled_from(["alpha-1", "beta-1"]), st.sampled_from(["stake", "ubeta"]))
stories = st.lists(st.tuples(places, st.sampled_from(Kind), st.integers(1, 2**70)), max_size=40)


@given(stories)
def test_any_story_at_all_keeps_the_books_balanced(story: list[tuple[Place, Kind, int]]) -> None:
    entries = [book(place, kind, "x", amount) for place, kind, amount in story]
    found = books(entries)
    assert all(kept.sources == kept.uses for kept in found.values())
    assert all(kept.totals[Account.BALANCE] == kept.should_hold for kept in found.values())
    balances = {place: kept.should_hold for place, kept in found.items()}
    assert {difference.equation for difference in check(entries, balances)} <= {Equation.NEVER_NEGATIVE}
