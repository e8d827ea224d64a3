"""Refunds by other hands: a restored backup, a copy of the database, an export, the operator, and the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.arrivals import Movement
from relayclear.ibc.coin import Coin
from relayclear.money.ledger import Account, Kind
from relayclear.money.policy import Gate
from relayclear.money.refund_state import RefundState
from relayclear.rehearsal.transactions import Terms
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.store.refunds import Refund
from relayclear.usecases import refund_hand, refund_resolve
from relayclear.usecases.keeping import put_back
from relayclear.usecases.refund_acts import approve
from relayclear.usecases.refund_books import book_out
from relayclear.usecases.refund_rules import RefundRules
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver
from tests.usecases.test_refunds import underpaid


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


def run(work: Any) -> Any:
    return asyncio.run(work)


def with_database(giver: Giver, path: Path, act: Callable[[], Any]) -> Any:
    """Do it as a process on another database file would."""
    before = giver.rig.journal
    with open_database(path) as database:
        giver.rig.journal = Journal(database)
        try:
            return act()
        finally:
            giver.rig.journal = before


# Copies and backups


def test_a_restored_backup_finds_on_the_chain_what_was_sent_since_and_sends_nothing_twice(
    giver: Giver, tmp_path: Path
) -> None:
    underpaid(giver)
    old = tmp_path / "backup.db"
    giver.rig.journal.database.backup(old)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    restored = tmp_path / "restored" / "relayclear.db"
    restored.parent.mkdir()
    put_back(old, restored, "ada", giver.rig.clock.now())

    def again() -> None:
        underpaid(giver, who="bob")
        assert [Gate.STOPPED in one.gates for one in giver.owed()] == [True, True]
        giver.sweep()
        (found,) = giver.refunds()
        assert (found.state, found.net.amount, found.fee) == (RefundState.CONFIRMED, 395_000, 5_000)
        giver.check_books()
        assert giver.paid_to("bob") == []
        for one in giver.owed():
            approve(giver.desk, one.id, "ada")
        giver.sweep()
        giver.check_books()

    with_database(giver, restored, again)
    assert giver.paid_to("alice") == [395_000]
    assert giver.paid_to("bob") == [395_000]


def test_a_backup_from_before_the_payment_was_judged_knows_the_refund_by_its_memo(giver: Giver, tmp_path: Path) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 400_000)
    giver.settle()
    old = tmp_path / "backup.db"
    giver.rig.journal.database.backup(old)
    giver.expire(token)
    giver.sweep()

    def again() -> None:
        giver.expire(token)
        giver.sweep()
        giver.check_books()
        assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]
        assert giver.owed() == []

    with_database(giver, old, again)
    assert giver.paid_to("alice") == [395_000]


def test_two_copies_of_a_database_on_two_hosts_pay_once(giver: Giver, tmp_path: Path) -> None:
    underpaid(giver)
    underpaid(giver, who="bob")
    copy = tmp_path / "copy.db"
    giver.rig.journal.database.backup(copy)
    giver.sweep()
    with_database(giver, copy, giver.sweep)
    giver.sweep()
    with_database(giver, copy, giver.sweep)
    assert giver.paid_to("alice") == [395_000]
    assert giver.paid_to("bob") == [395_000]


def test_a_copy_that_signs_on_the_same_sequence_lands_once(giver: Giver, tmp_path: Path) -> None:
    underpaid(giver)
    copy = tmp_path / "copy.db"
    giver.rig.journal.database.backup(copy)
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    with_database(giver, copy, giver.sweep)
    giver.sweep()
    giver.check_books()
    assert giver.paid_to("alice") == [395_000]
    assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]


# Exported


def exported(giver: Giver) -> Refund:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    approve(giver.desk, giver.owed()[0].id, "ada")
    (one,) = asyncio.run(refund_hand.export(giver.desk, ALPHA, [], "ada"))
    assert one.draft.memo == f"rc1r:{one.refund.id} underpaid"
    return one.refund


def by_hand(giver: Giver, refund: Refund, memo: str = "", who: str = "payee") -> str:
    """Somebody sends what a refund is owed, out of the wallet or another purse."""
    message = send(ALPHA, who, (refund.net.amount, "stake"), to="alice")
    terms = Terms(0, gas=200_000, memo=memo)
    result = giver.rig.world.act(ALPHA, address(who, ALPHA), message, terms=terms)
    assert result.code == 0, result.log
    giver.settle()
    return giver.last_hash()


def test_what_is_exported_is_sent_by_nothing_else(giver: Giver) -> None:
    refund = exported(giver)
    giver.sweep()
    assert giver.paid_to("alice") == []
    assert giver.refunds()[0].state is RefundState.EXPORTED
    with pytest.raises(RefusedError, match="may land until"):
        run(refund_hand.cancel_export(giver.desk, refund.id, "ada", "lost the file"))


def test_what_was_exported_and_sent_is_found_by_its_memo(giver: Giver) -> None:
    refund = exported(giver)
    by_hand(giver, refund, f"rc1r:{refund.id} underpaid")
    giver.sweep()
    assert giver.refunds()[0].state is RefundState.CONFIRMED
    giver.check_books()
    assert giver.total(Account.REFUNDED) == refund.net.amount


def test_an_export_is_taken_back_once_it_can_not_land_any_more(giver: Giver) -> None:
    refund = exported(giver)
    giver.blocks(120)
    giver.settle()
    run(refund_hand.cancel_export(giver.desk, refund.id, "ada", "lost the file"))
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_an_export_stays_while_only_one_endpoint_says_that_nothing_was_sent(giver: Giver) -> None:
    refund = exported(giver)
    giver.witnesses = {}
    giver.blocks(120)
    giver.settle()
    with pytest.raises(RefusedError, match="only one endpoint"):
        run(refund_hand.cancel_export(giver.desk, refund.id, "ada", "lost the file"))


@pytest.mark.parametrize("who", ["payee", "bob"])
def test_what_was_paid_by_hand_is_marked_once_the_chain_shows_it(giver: Giver, who: str) -> None:
    refund = exported(giver)
    tx_hash = by_hand(giver, refund, who=who)
    done = run(refund_hand.mark_paid(giver.desk, refund.id, tx_hash, "ada"))
    assert done.state is RefundState.PAID_BY_HAND
    giver.check_books()
    assert giver.total(Account.REFUNDED) == refund.net.amount
    assert giver.total(Account.REFUNDS_SENT) == (refund.net.amount if who == "payee" else 0)
    assert giver.total(Account.WITHDRAWALS) == 0
    assert giver.total(Account.FEE_KEPT) == refund.fee
    giver.sweep()
    assert giver.owed() == []


def test_a_transaction_that_pays_something_else_marks_nothing(giver: Giver) -> None:
    refund = exported(giver)
    giver.act_as_payee("bob", 395_000)
    with pytest.raises(UsageError, match="sends"):
        run(refund_hand.mark_paid(giver.desk, refund.id, giver.last_hash(), "ada"))
    with pytest.raises(UsageError, match="no transaction"):
        run(refund_hand.mark_paid(giver.desk, refund.id, "AB" * 32, "ada"))


def test_one_transaction_marks_one_refund(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    underpaid(giver)
    first, second = giver.approve_all()
    tx_hash = by_hand(giver, first, who="bob")
    run(refund_hand.mark_paid(giver.desk, first.id, tx_hash, "ada"))
    with pytest.raises(UsageError, match="pays another refund"):
        run(refund_hand.mark_paid(giver.desk, second.id, tx_hash, "ada"))


# The way out


def dropped(giver: Giver) -> Refund:
    underpaid(giver)
    giver.rig.alpha.drops = 1
    giver.sweep(patience=0)
    (refund,) = giver.refunds()
    assert refund.state is RefundState.BROADCAST
    return refund


def test_a_voided_sequence_frees_its_refund_for_the_next(giver: Giver) -> None:
    dropped(giver)
    run(refund_resolve.void(giver.desk, ALPHA, "ada"))
    giver.blocks(2)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    first, _, third = giver.wallet.signed
    assert third.sequence == first.sequence + 1
    giver.check_books()


def test_a_sequence_is_not_voided_below_the_reserve(giver: Giver) -> None:
    """The fee of the transaction that uses the sequence up counts too, not its one coin alone."""
    dropped(giver)
    held = run(giver.rig.alpha.balance(giver.payee, "stake")).amount
    giver.refund_rules = replace(giver.refund_rules, reserve={"stake": held - 10})
    with pytest.raises(RefusedError, match="has 10 stake to spend"):
        run(refund_resolve.void(giver.desk, ALPHA, "ada"))
    assert len(giver.wallet.signed) == 1


def test_a_person_takes_for_dead_only_with_the_amount_and_only_past_the_timeout_height(giver: Giver) -> None:
    refund = dropped(giver)
    assume = refund_resolve.assume_dead
    with pytest.raises(UsageError, match="amount at stake"):
        run(assume(giver.desk, ALPHA, Coin("stake", 1), "ada", "gone"))
    with pytest.raises(RefusedError, match="may still land"):
        run(assume(giver.desk, ALPHA, refund.net, "ada", "gone"))
    giver.blocks(120)
    with pytest.raises(UsageError, match="needs a reason"):
        run(assume(giver.desk, ALPHA, refund.net, "ada", " "))
    run(assume(giver.desk, ALPHA, refund.net, "ada", "no node has it"))
    assert giver.refunds()[0].state is RefundState.APPROVED
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_one_taken_for_dead_that_lands_after_all_is_our_loss_and_nothing_is_sent_a_third_time(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep(patience=0)
    giver.blocks(2)
    (use,) = giver.uses()
    # No index shows it, and the operator believes that it is gone.
    giver.rig.alpha.unindexed.add(use.tx_hash)
    (refund,) = giver.refunds()
    run(refund_resolve.assume_dead(giver.desk, ALPHA, refund.net, "ada", "no node shows it"))
    giver.rig.alpha.unindexed.clear()
    for _ in range(3):
        giver.settle()
        giver.sweep()
    assert len(giver.paid_to("alice")) <= 2
    giver.check_books()
    paid = len(giver.paid_to("alice"))
    assert giver.total(Account.OUR_LOSS) == (paid - 1) * refund.net.amount


def test_looking_at_a_wallet_tells_what_it_waits_for(giver: Giver) -> None:
    dropped(giver)
    found = run(refund_resolve.knot(giver.desk, ALPHA))
    assert (found.on_chain, found.expected, found.unread, found.strange, found.stop) == (3, 3, "", (), None)
    assert [one.sequence for one in found.live] == [3]
    assert [one.code for one in found.sent] == [0]


def test_nothing_is_voided_or_taken_for_dead_where_nothing_waits(giver: Giver) -> None:
    with pytest.raises(RefusedError, match="nothing is signed"):
        run(refund_resolve.void(giver.desk, ALPHA, "ada"))
    with pytest.raises(RefusedError, match="nothing waits"):
        run(refund_resolve.assume_dead(giver.desk, ALPHA, None, "ada", "why not"))


def test_a_second_payment_of_one_refund_is_our_loss_in_the_books(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    giver.settle()
    (refund,) = giver.refunds()
    ghost = Movement(
        ALPHA, "AB" * 32, giver.rig.alpha.height, refund.net, incoming=False, memo=f"rc1r:{refund.id} x", to=refund.to
    )
    with giver.rig.journal.database.atomic() as tx:
        booked = book_out(tx, ghost, giver.rig.clock.now())
        again = book_out(tx, ghost, giver.rig.clock.now())
    assert [entry.kind for entry in booked] == [Kind.OUR_LOSS, Kind.REFUND]
    assert again == []
    assert giver.total(Account.OUR_LOSS) == refund.net.amount
    assert giver.total(Account.REFUNDED) == 2 * refund.net.amount
