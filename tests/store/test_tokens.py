"""Tokens come back as they were signed; lists of states, now and then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relayclear.errors import UsageError
from relayclear.money.document import write_document
from relayclear.store import cursors, payments, sales, token_states, tokens
from relayclear.store.db import Database, RuleBrokenError
from relayclear.store.payments import Heights
from tests.money.build import EXPIRY, GRACE, PAYEE, SIGNING_KEY, TTL
from tests.store.sold import CHAIN, WALLET, after, allocate, arrive, keep, make, packet, sell


def shown(database: Database, *states: str, **asked: object) -> list[str]:
    return [stored.order_id for stored in tokens.page(database, 50, states=states, **asked)]  # type: ignore[arg-type]


def test_a_token_comes_back_with_every_term_that_was_signed(database: Database) -> None:
    token = make(sequences=(2, 3))
    with database.atomic() as tx:
        order_id = keep(tx, token)
    stored = tokens.get(database, order_id)
    assert stored
    assert stored.token == token
    assert stored.document == write_document(token, SIGNING_KEY)
    assert (stored.order_id, stored.wallet, stored.origin, stored.revocation) == (order_id, WALLET, "issued", None)
    assert stored.made_at == after(0)


def test_a_document_of_another_token_is_not_kept_under_this_one(database: Database) -> None:
    with pytest.raises(ValueError, match="another token's"), database.atomic() as tx:
        tokens.add(tx, make(1), write_document(make(2), SIGNING_KEY), WALLET, after(0))


def test_an_order_id_is_given_once_for_ever(database: Database) -> None:
    with database.atomic() as tx:
        keep(tx, make(1))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        keep(tx, make(1, sequences=(9,)))


def test_a_token_is_found_by_its_memo_however_it_is_spelt(database: Database) -> None:
    token = make()
    with database.atomic() as tx:
        order_id = keep(tx, token)
    spelt = [token.memo, f" {token.memo.upper()} ", f'"{token.memo}"', token.memo[:9], order_id, order_id[:6].upper()]
    for text in spelt:
        found = tokens.find(database, text)
        assert found, text
        assert found.order_id == order_id


def test_a_memo_with_a_typo_is_no_token(database: Database) -> None:
    token = make()
    with database.atomic() as tx:
        keep(tx, token)
    last = "0" if token.memo[20] != "0" else "8"
    assert tokens.find(database, token.memo[:20] + last + token.memo[21:]) is None
    assert [tokens.find(database, text) for text in ("", " ", "zz", "%")] == [None] * 4


def test_the_start_of_several_tokens_is_asked_back(database: Database) -> None:
    with database.atomic() as tx:
        keep(tx, make(1))
        keep(tx, make(2))
    with pytest.raises(UsageError, match="several tokens start with rc1") as caught:
        tokens.find(database, "rc1")
    assert caught.value.hint
    assert make(1).memo in caught.value.hint


def test_only_the_first_revocation_counts(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make())
        assert tokens.revoke(tx, order_id, "ann", "by mistake", after(5))
        assert not tokens.revoke(tx, order_id, "bob", "again", after(9))
    stored = tokens.get(database, order_id)
    assert stored
    assert stored.revocation == (after(5), "ann", "by mistake")
    assert token_states.state(database, order_id) == "revoked"


def test_a_packet_is_kept_by_open_tokens_alone(database: Database) -> None:
    with database.atomic() as tx:
        first, revoked, other = (
            keep(tx, make(number, (number % 2,) if number == 3 else (2, 5))) for number in (1, 2, 3)
        )
        tokens.revoke(tx, revoked, "ann", "", after(1))
    assert [found.order_id for found in tokens.open_of_packet(database, packet(2), after(2))] == [first]
    assert [found.order_id for found in tokens.open_of_packet(database, packet(1), after(2))] == [other]
    assert tokens.open_of_packet(database, packet(77), after(2)) == []
    (found,) = tokens.open_of_packet(database, packet(5), after(2))
    assert (found.expires_at, found.grace_ends_at, found.sold) == (EXPIRY, EXPIRY + timedelta(seconds=GRACE), False)


def test_an_unpaid_token_lets_its_packet_go_at_the_end_of_its_grace_and_a_paid_one_when_its_work_ends(
    database: Database,
) -> None:
    with database.atomic() as tx:
        unpaid, paid = keep(tx, make(1), at=0), keep(tx, make(2), at=1)
        sell(tx, paid)
    late = TTL + GRACE
    assert [found.order_id for found in tokens.open_of_packet(database, packet(2), after(late))] == [unpaid, paid]
    assert [found.order_id for found in tokens.open_of_packet(database, packet(2), after(late + 1))] == [paid]
    with database.atomic() as tx:
        sales.end(tx, paid, "cleared", after(9))
    assert tokens.open_of_packet(database, packet(2), after(late + 1)) == []


def test_open_quotes_of_a_wallet_are_those_not_yet_paid_revoked_or_expired(database: Database) -> None:
    with database.atomic() as tx:
        ids = [keep(tx, make(number)) for number in range(4)]
        keep(tx, make(9), "cosmos1other")
        tokens.revoke(tx, ids[0], "ann", "", after(1))
        sell(tx, ids[1])
    assert tokens.count_open(database, WALLET, after(TTL)) == 2
    assert tokens.count_open(database, WALLET, after(TTL + 1)) == 0
    assert (tokens.count_since(database, after(0)), tokens.count_since(database, after(1))) == (5, 0)


def test_a_list_shows_the_newest_first_and_keeps_to_what_was_asked(database: Database) -> None:
    with database.atomic() as tx:
        ids = [keep(tx, make(number), f"cosmos1{number % 2}", number) for number in range(6)]
        tokens.revoke(tx, ids[5], "ann", "", after(9))
    assert shown(database) == ids[::-1]
    assert shown(database, wallet="cosmos11") == [ids[5], ids[3], ids[1]]
    assert shown(database, wallet="cosmos11", chain="beta-1") == shown(database, chain="beta-1") == []
    assert shown(database, "open", chain=CHAIN) == ids[4::-1]
    assert shown(database, "open", "revoked", wallet="cosmos11") == [ids[5], ids[3], ids[1]]
    assert [stored.order_id for stored in tokens.page(database, 2, 1, states=["open", "revoked"])] == [ids[4], ids[3]]
    assert shown(database, as_of=after(2)) == ids[2::-1]


def test_a_list_of_the_past_shows_the_states_of_then(database: Database) -> None:
    with database.atomic() as tx:
        early, late = keep(tx, make(1), at=0), keep(tx, make(2), at=50)
        sell(tx, early, 100)
        cursors.begin(tx, CHAIN, PAYEE, 1, after(0), {}, after(0))
        payments.add(tx, PAYEE, [arrive()], after(110))
        sales.start(tx, early, allocate(arrive()), after(7300), after(120))
        sales.end(tx, early, "cleared", after(130))
        token_states.move(tx, early, "cleared", after(130))
    for at, states in {
        10: {early: "open"},
        60: {early: "open", late: "open"},
        100: {early: "paid", late: "open"},
        129: {early: "clearing", late: "open"},
        200: {early: "cleared", late: "open"},
        10**7: {early: "cleared", late: "open"},
    }.items():
        seen = {
            order_id: name
            for name in ("open", "paid", "clearing", "cleared")
            for order_id in shown(database, name, as_of=after(at))
        }
        assert seen == states, at
    assert token_states.states(database, early)[0] == ("open", after(0), after(100))
    assert token_states.states(database, early)[-1] == ("cleared", after(130), None)


def test_no_token_expires_before_the_reading_has_passed_its_expiry(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make())
        cursors.begin(tx, CHAIN, PAYEE, 1, after(0), {}, after(0))
        window = payments.add_window(tx, CHAIN, PAYEE, [], Heights(2, 9, after(TTL)), after(TTL))
        assert window.lapsed == ()
        window = payments.add_window(tx, CHAIN, PAYEE, [], Heights(10, 10, after(TTL + 1)), after(TTL))
        assert window.lapsed == (order_id,)
    assert shown(database, "expired") == [order_id]


def test_a_token_that_was_imported_after_its_expiry_is_not_open(database: Database) -> None:
    with database.atomic() as tx:
        cursors.begin(tx, CHAIN, PAYEE, 1, after(TTL + 1), {}, after(0))
        order_id = tokens.add(tx, make(), write_document(make(), SIGNING_KEY), WALLET, after(0), origin="imported")
    assert shown(database, "expired") == [order_id]


def test_a_clearing_for_nothing_is_paid_from_the_start(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make(price=0))
    assert shown(database, "paid") == [order_id]


def test_a_wall_clock_that_was_put_back_breaks_no_list(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make(), at=1000)
        tokens.revoke(tx, order_id, "ann", "", after(10))
    assert shown(database, "revoked") == [order_id]
    assert shown(database, "revoked", as_of=after(1000)) == [order_id]


def test_forgetting_the_past_leaves_the_present(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make())
        tokens.revoke(tx, order_id, "ann", "", after(10))
        token_states.forget(tx, after(11), 10)
    assert token_states.states(database, order_id) == [("revoked", after(10), None)]


def test_a_memo_key_is_needed_until_the_last_grace_of_its_tokens(database: Database) -> None:
    with database.atomic() as tx:
        keep(tx, make())
    assert tokens.last_grace_of_key(database, 7) == EXPIRY + timedelta(seconds=GRACE)
    assert tokens.last_grace_of_key(database, 8) is None
