"""The books in the database: every commit leaves them balanced, or isn't one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.money import ledger as money
from relayclear.money.ledger import Account, Entry, Kind, Place, Posting, book
from relayclear.store import ledger
from relayclear.store.db import Database, RuleBrokenError, open_database
from tests.store.sold import after, keep, make

STAKE, ATOM = Place("alpha-1", "stake"), Place("alpha-1", "uatom")
EVERYWHERE = [(kind, place) for kind in Kind for place in (STAKE, ATOM)]


def post(database: Database, *entries: Entry, at: float = 0) -> list[Entry]:
    with database.atomic() as tx:
        return ledger.post(tx, entries, after(at))


def total(database: Database, account: Account, place: Place = STAKE, at: float | None = None) -> int:
    return ledger.book(database, place, None if at is None else after(at)).totals[account]


def test_totals_move_with_what_is_booked(database: Database) -> None:
    post(database, book(STAKE, Kind.PAYMENT, "a", 100), book(STAKE, Kind.PAYMENT, "b", 2**200))
    post(database, book(STAKE, Kind.EARNED, "packet", 60), book(ATOM, Kind.ORPHAN, "c", 7))
    assert total(database, Account.RECEIVED) == total(database, Account.BALANCE) == 100 + 2**200
    assert (total(database, Account.HELD), total(database, Account.EARNED)) == (40 + 2**200, 60)
    assert total(database, Account.ORPHANED, ATOM) == 7
    assert set(ledger.books(database)) == {STAKE, ATOM}
    assert ledger.book(database, Place("beta-1", "stake")).sources == 0


def test_a_fact_is_booked_once_however_often_it_is_told(database: Database) -> None:
    entry = book(STAKE, Kind.PAYMENT, "a", 100)
    assert post(database, entry, entry) == [entry]
    assert post(database, entry) == []
    assert total(database, Account.RECEIVED) == 100


def test_other_figures_under_a_booked_name_take_the_whole_commit_back(database: Database) -> None:
    post(database, book(STAKE, Kind.PAYMENT, "a", 100))
    with pytest.raises(RuleBrokenError, match="other figures"):
        post(database, book(STAKE, Kind.PAYMENT, "b", 5), book(STAKE, Kind.PAYMENT, "a", 99))
    assert total(database, Account.RECEIVED) == 100


def test_an_entry_that_does_not_balance_is_refused(database: Database) -> None:
    for postings in ([Posting(Account.RECEIVED, 5)], [Posting(Account.BALANCE, 5)]):
        with pytest.raises(RuleBrokenError, match="by itself"):
            post(database, Entry(STAKE, Kind.PAYMENT, "a", tuple(postings)))
    assert ledger.books(database) == {}


def test_no_account_falls_below_zero(database: Database) -> None:
    post(database, book(STAKE, Kind.PAYMENT, "a", 100))
    with pytest.raises(RuleBrokenError, match="held"):
        post(database, book(STAKE, Kind.EARNED, "packet", 101))
    assert total(database, Account.EARNED) == 0


def test_totals_that_somebody_changed_are_noticed_at_the_next_commit(database: Database) -> None:
    post(database, book(STAKE, Kind.PAYMENT, "a", 100))
    with database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = '99' WHERE account = 'held'")
    with pytest.raises(RuleBrokenError):
        post(database, book(STAKE, Kind.ORPHAN, "b", 1))


def test_the_books_of_a_moment_are_those_of_then(database: Database) -> None:
    post(database, book(STAKE, Kind.PAYMENT, "a", 100), at=10)
    post(database, book(STAKE, Kind.EARNED, "packet", 60), at=20)
    seen = [(total(database, Account.HELD, at=at), total(database, Account.EARNED, at=at)) for at in (9, 10, 19, 20)]
    assert seen == [(0, 0), (100, 0), (100, 0), (40, 60)]
    assert ledger.books(database, after(19))[STAKE].uses == 100


def test_what_was_booked_for_a_token_is_found_in_order(database: Database) -> None:
    entries = [book(STAKE, Kind.PAYMENT, "a", 100), book(STAKE, Kind.EARNED, "packet", 60)]
    with database.atomic() as tx:
        order_id = keep(tx, make())
        ledger.post(tx, entries, after(5), order_id=order_id)
    post(database, book(STAKE, Kind.ORPHAN, "b", 1))
    booked = ledger.of_token(database, order_id)
    assert [(one.entry.kind, one.entry.ref, one.order_id, one.at) for one in booked] == [
        (Kind.PAYMENT, "a", order_id, after(5)),
        (Kind.EARNED, "packet", order_id, after(5)),
    ]
    assert len(list(ledger.every(database))) == 3


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(EVERYWHERE), st.integers(1, 2**80)), max_size=12))
def test_whatever_is_booked_the_totals_are_what_the_entries_add_up_to(
    moves: list[tuple[tuple[Kind, Place], int]],
) -> None:
    kept: list[Entry] = []
    with open_database(":memory:") as database:
        for number, ((kind, place), amount) in enumerate(moves):
            entry = book(place, kind, str(number), amount)
            try:
                kept += post(database, entry, at=number)
            except RuleBrokenError:
                assert money.check([*kept, entry])
        assert ledger.books(database) == money.books(kept)
        assert [sorted(one.entry.postings) for one in ledger.every(database)] == [sorted(e.postings) for e in kept]
        assert money.check(kept) == []
