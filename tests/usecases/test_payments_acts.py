"""What operators do about payments: look again, assign by hand, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from relayclear.errors import NodeError, NotFoundError, RefusedError, UsageError
from relayclear.money.ledger import Account
from relayclear.money.refunds import Cause
from relayclear.money.state import TokenState
from relayclear.store import history, payments
from relayclear.store.history import Search
from relayclear.store.payments import How, Orphan
from relayclear.usecases.payments_acts import Found, Rechecked, accept_gap, assign, gaps, recheck
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.paying import ALPHA, Till
from tests.usecases.test_payments_nodes import Liar


def look(till: Till, tx_hash: str, chain: str = "") -> Rechecked:
    return asyncio.run(recheck(till.desk, tx_hash, chain))


# Assigning


def test_row_17_an_orphan_is_assigned_by_hand_with_who_and_why_in_the_audit_trail(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay("")
    till.read_all()
    found = assign(till.desk, tx_hash[:10].lower(), token.memo, "she wrote to us", "ada")
    assert found.match is not None
    assert (found.match.how, found.match.who, found.match.why) == (How.ASSIGNED, "ada", "she wrote to us")
    assert till.view(token).state is TokenState.PAID
    assert till.task(token) is not None
    assert till.orphans() == []
    assert (till.total(Account.ORPHANED), till.total(Account.HELD)) == (0, 100)
    said = [(one.what, one.who) for one in history.page(till.rig.journal.database, 2)]
    assert ("assigned", "ada") in said
    till.read_all()


def test_row_88_an_assigned_orphan_goes_back_to_its_sender_and_to_nobody_else(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, who="bob")
    orphan = till.pay("", who="alice")
    till.read_all()
    assign(till.desk, orphan, token.memo, "hers", "ada")
    assert [(due.to, due.cause) for due in till.view(token).owed] == [(address("alice", ALPHA), Cause.SECOND_PAYMENT)]


def test_row_87_90_a_payment_found_earlier_moves_what_the_later_ones_are_for(till: Till) -> None:
    token = till.sold()
    first = till.pay("", 60)
    till.pay(token.memo, 60, who="bob")
    till.read_all()
    assert till.settlement(token).missing.amount == 40
    assign(till.desk, first, token.memo, "his", "ada")
    view = till.view(token)
    assert [paid.applied for paid in view.settlement.payments] == [60, 40]
    assert [(due.to, due.gross) for due in view.owed] == [(address("bob", ALPHA), 20)]


def test_what_is_no_orphan_is_not_assigned(till: Till) -> None:
    token, other = till.sold(), till.sold()
    paid = till.pay(token.memo)
    till.rig.world.fund(ALPHA, address("clearing", ALPHA), "stake")
    own = till.pay("", who="clearing")
    booked = till.pay("")
    till.read_all()
    with till.rig.journal.database.atomic() as tx:
        payments.explain(tx, (ALPHA, booked, 0, "stake"))
    for tx_hash, code in ((paid, "already_matched"), (own, "not_an_orphan"), (booked, "not_an_orphan")):
        with pytest.raises(RefusedError) as caught:
            assign(till.desk, tx_hash, other.memo, "why not", "ada")
        assert caught.value.code == code
    assert till.view(other).state is TokenState.OPEN


def test_an_assignment_names_one_payment_one_token_and_a_reason(till: Till) -> None:
    token = till.sold()
    both = till.act("alice", send(ALPHA, "alice", (60, "stake"), (7, "token")), send(ALPHA, "alice", (40, "stake")))
    till.read_all()
    for payment, memo, reason, denom in (
        (both, token.memo, "his", ""),
        (f"{both}/0", token.memo, "his", ""),
        (both, token.memo, "  ", "token"),
        ("F" * 64, token.memo, "his", ""),
        (f"{both}/7", token.memo, "his", ""),
        (f"{both}/1", token.memo[:-1] + "!", "his", ""),
    ):
        with pytest.raises(UsageError):
            assign(till.desk, payment, memo, reason, "ada", denom=denom)
    assign(till.desk, f"{both}/1", token.memo, "his", "ada")
    assign(till.desk, f"{both}/0", token.memo, "his", "ada", denom="stake")
    assert till.view(token).state is TokenState.PAID


# Looking again


def test_a_transaction_is_looked_at_again_without_counting_twice(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    assert look(till, tx_hash).found is Found.NOT_YET
    till.blocks(2)
    seen = look(till, f" 0x{tx_hash.lower()} ")
    assert (seen.found, seen.tx_hash, [one.arrival.coin.amount for one in seen.payments]) == (Found.NEW, tx_hash, [100])
    assert look(till, tx_hash, ALPHA).found is Found.KNOWN
    assert len(till.stored()) == 1
    till.check()


def test_row_31_a_failed_transaction_and_one_of_others_bring_nothing(till: Till) -> None:
    token = till.sold()
    failed = till.act("alice", send(ALPHA, "alice", (10**30, "stake")), memo=token.memo, code=5)
    elsewhere = till.act("alice", send(ALPHA, "alice", (5, "stake"), to="bob"), memo=token.memo)
    till.blocks(2)
    for tx_hash in (failed, elsewhere):
        assert look(till, tx_hash).found is Found.NOTHING


def test_a_transaction_that_nobody_has_is_not_found(till: Till) -> None:
    with pytest.raises(NotFoundError):
        look(till, "AB" * 32)
    till.rig.alpha.behind = 2
    with pytest.raises(NodeError):
        look(till, "AB" * 32)


def test_a_payment_below_the_beginning_moves_the_beginning_below_it(rig: Rig, till: Till) -> None:
    # The payee was paid, paid out and got a deposit before anybody read.
    token = till.sold()
    early = till.pay(token.memo, 1_000_000)
    till.pay("", 50)
    till.act("payee", send(ALPHA, "payee", (300, "stake"), to="bob"))
    till.blocks(2)
    for row in ("entries", "payments"):
        assert till.rig.journal.database.rows(f"SELECT count(*) FROM {row}") == [(0,)]  # noqa: S608
    with rig.journal.database.atomic() as tx:
        tx.execute("DELETE FROM cursors")
    assert till.read().opened
    opened = till.cursor.opening_height
    seen = look(till, early)
    assert seen.found is Found.NEW
    assert till.cursor.opening_height < opened
    assert till.view(token).state is TokenState.PAID
    assert till.total(Account.OPENING) == 0
    assert till.total(Account.WITHDRAWALS) == 300
    assert len(till.orphans()) == 1
    till.check()
    till.read_all()
    assert look(till, early).found is Found.KNOWN


def test_a_payment_inside_an_accepted_gap_is_taken_out_of_what_the_gap_was_booked_as(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    till.blocks(200)
    till.rig.alpha.pruned_below = till.height - 50
    till.read()
    accept_gap(till.desk, gaps(till.desk)[0].id, "gone", "ada")
    till.read_all()
    assert till.total(Account.INCOME) == 100
    till.rig.alpha.pruned_below = 0
    assert look(till, tx_hash).found is Found.NEW
    assert till.view(token).arrivals[0].match is not None
    assert (till.total(Account.INCOME), till.total(Account.RECEIVED)) == (0, 100)
    till.read_all()


def test_a_transaction_in_heights_that_added_up_without_it_is_not_believed(till: Till) -> None:
    tx_hash = till.pay("", 5)
    till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, hidden={tx_hash}, false_balances={"stake": 0})
    till.blocks(30)
    assert till.read().error is None
    till.rig.alpha.lost = set()
    with pytest.raises(NodeError) as caught:
        look(till, tx_hash)
    assert caught.value.code == "endpoints_disagree"


def test_an_orphan_of_ours_lost_can_be_assigned_when_its_token_is_back(till: Till) -> None:
    lost, token = till.sold(keep=False), till.sold()
    tx_hash = till.pay(lost.memo)
    till.read_all()
    assert len(till.orphans(Orphan.OURS_LOST)) == 1
    assign(till.desk, tx_hash, token.memo, "meant this one", "ada")
    assert till.view(token).state is TokenState.PAID
    events = history.page(till.rig.journal.database, 10, 0, Search(order_id=token.ref.order_id.hex()))
    assert "assigned" in {event.what for event in events}
