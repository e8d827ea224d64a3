"""What a person says of a movement: once and for ever, of nothing that a payer or a refund has a claim on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import HeightError, RefusedError, UsageError
from relayclear.money.ledger import Account
from relayclear.money.policy import Mode
from relayclear.money.refund_state import RefundState
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.store import history, payments, unexplained
from relayclear.store.assignments import Word
from relayclear.store.payments import Orphan
from relayclear.usecases.books import assign, write_off
from relayclear.usecases.books_values import AssignRequest, Said
from relayclear.usecases.payments_acts import assign as assign_to_token
from relayclear.usecases.refund_hand import mark_paid
from relayclear.usecases.wallet_reading import read_wallet
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


def said(giver: Giver, tx_hash: str, word: str, reason: str = "known", who: str = "ada", **more: Any) -> Said:
    request = replace(AssignRequest(tx_hash, Word(word), reason), **more)
    return asyncio.run(assign(giver.desk, request, who))


def act(giver: Giver, who: str, *messages: object, memo: str = "") -> str:
    """A transaction in a block of its own; its hash."""
    terms = Terms(0, gas=500_000, memo=memo)
    result = giver.rig.world.act(ALPHA, address(who, ALPHA), *messages, terms=terms)
    assert result.code == 0, result.log
    return hash_of(giver.rig.world.chains[ALPHA].blocks[-1].txs[-1])


def came(giver: Giver, amount: int = 500, memo: str = "") -> str:
    """Coins that nobody explains, read."""
    tx_hash = act(giver, "alice", send(ALPHA, "alice", (amount, "stake")), memo=memo)
    giver.settle()
    return tx_hash


def went(giver: Giver, *amounts: int, to: str = "bob") -> str:
    """The operator's own hand takes coins out of the wallet; read."""
    messages = [send(ALPHA, "payee", (amount, "stake"), to=to) for amount in amounts]
    tx_hash = act(giver, "payee", *messages)
    giver.settle()
    return tx_hash


def refused(giver: Giver, tx_hash: str, word: str, **more: Any) -> str:
    with pytest.raises((HeightError, RefusedError, UsageError)) as found:
        said(giver, tx_hash, word, **more)
    return found.value.code


@pytest.mark.parametrize(("word", "account"), [("deposit", Account.DEPOSITS), ("income", Account.INCOME)])
def test_a_top_up_stays_an_orphan_and_nothing_may_be_withdrawn(giver: Giver, word: str, account: Account) -> None:
    tx_hash = came(giver)
    assert giver.total(Account.ORPHANED) == 500
    done = said(giver, tx_hash.lower(), word)
    assert [(one.said.word, one.coin.amount) for one in done.assigned] == [(word, 500)]
    assert not done.settled
    assert (giver.total(Account.ORPHANED), giver.total(Account.RECEIVED), giver.total(account)) == (0, 0, 500)
    giver.check_books()
    again = said(giver, tx_hash, word, reason="another reason", who="bob")
    assert (again.assigned[0].said.who, again.assigned[0].said.why) == ("ada", "known")
    assert giver.total(account) == 500
    other = {"deposit": "income", "income": "deposit"}[word]
    assert refused(giver, tx_hash, other) == "assigned_otherwise"
    assert refused(giver, tx_hash, "withdrawal") == "other_way"
    told = [one for one in history.page(giver.rig.journal.database, 50) if one.what == "books_assigned"]
    assert [(one.who, one.detail["as"], one.detail["amount"]) for one in told] == [("ada", word, "500")]


def write(giver: Giver, payment: str, reason: str = "dust", **more: Any) -> Said:
    return write_off(giver.desk, payment, reason, "ada", **more)


def test_an_orphan_is_written_off_twice_and_the_books_gain_twice(giver: Giver) -> None:
    tx_hash = came(giver)
    done = write(giver, tx_hash[:12])
    assert [(one.said.word, one.coin.amount, one.said.why) for one in done.assigned] == [("written_off", 500, "dust")]
    assert write(giver, f"{tx_hash}/0", reason="again") == done
    found = [giver.total(one) for one in (Account.ORPHANED, Account.WRITTEN_OFF, Account.RECEIVED)]
    assert found == [0, 500, 500]
    giver.check_books()
    told = [one for one in history.page(giver.rig.journal.database, 50) if one.what == "books_assigned"]
    assert [(one.who, one.detail["as"], one.detail["amount"]) for one in told] == [("ada", "written_off", "500")]


def test_what_was_written_off_is_given_away_a_second_time(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    tx_hash = came(giver)
    write(giver, tx_hash)
    assert refused(giver, tx_hash, "deposit") == "assigned_otherwise"
    with pytest.raises(RefusedError) as found:
        assign_to_token(giver.desk, tx_hash, token.memo, "it was his", "ada")
    assert found.value.code == "not_an_orphan"
    assert (giver.total(Account.WRITTEN_OFF), giver.total(Account.HELD)) == (500, 0)
    giver.check_books()


def mark(giver: Giver, tx_hash: str, kind: Orphan) -> None:
    with giver.rig.journal.database.atomic() as tx:
        assert payments.mark(tx, payments.find(tx, tx_hash)[0].id, kind)


def not_written_off(giver: Giver, payment: str, **more: Any) -> str:
    with pytest.raises((RefusedError, UsageError)) as found:
        write(giver, payment, **more)
    assert giver.total(Account.WRITTEN_OFF) == 0
    return found.value.code


def test_coins_that_somebody_has_a_claim_on_are_written_off(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    assert not_written_off(giver, came(giver, 7, token.memo)) == "already_matched"
    lost = came(giver, 8)
    mark(giver, lost, Orphan.OURS_LOST)
    assert not_written_off(giver, lost) == "ours_lost"


def test_a_deposit_of_ours_is_shown_as_gained(giver: Giver) -> None:
    tx_hash = came(giver)
    said(giver, tx_hash, "deposit")
    assert not_written_off(giver, tx_hash) == "assigned_otherwise"
    other = came(giver, 6)
    mark(giver, other, Orphan.OWN)
    assert not_written_off(giver, other) == "own_coins"


def test_a_slip_in_what_is_written_off_books_something(giver: Giver) -> None:
    tx_hash = act(giver, "alice", send(ALPHA, "alice", (5, "stake"), (6, "token")))
    giver.settle()
    assert not_written_off(giver, tx_hash, reason=" ") == "no_reason"
    assert not_written_off(giver, "AB" * 32) == "no_payment"
    assert not_written_off(giver, tx_hash) == "usage"
    write(giver, tx_hash, denom="token")
    assert (giver.total(Account.WRITTEN_OFF, "token"), giver.total(Account.ORPHANED)) == (6, 5)


def test_what_a_payer_paid_for_is_taken_as_income(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    tx_hash = came(giver, 7, token.memo)
    assert refused(giver, tx_hash, "income") == "already_matched"
    assert giver.total(Account.HELD) == 7


def test_a_typo_in_a_hash_or_a_missing_reason_books_something(giver: Giver) -> None:
    tx_hash = came(giver)
    assert refused(giver, tx_hash[:10], "deposit") == "not_a_hash"
    with pytest.raises(UsageError) as meant:
        said(giver, tx_hash[:10], "deposit")
    assert meant.value.hint == f"--tx {tx_hash}"
    assert refused(giver, "AB" * 32, "deposit") == "unknown_tx"
    assert refused(giver, tx_hash, "deposit", reason="  ") == "no_reason"
    assert refused(giver, tx_hash, "deposit", output=3) == "nothing_to_assign"
    assert refused(giver, tx_hash, "deposit", denom="token") == "nothing_to_assign"
    assert giver.total(Account.ORPHANED) == 500


def test_of_two_coins_that_came_together_the_wrong_one_is_booked(giver: Giver) -> None:
    tx_hash = act(giver, "alice", send(ALPHA, "alice", (5, "stake"), (6, "token")))
    giver.settle()
    said(giver, tx_hash, "deposit", denom="token")
    assert (giver.total(Account.DEPOSITS, "token"), giver.total(Account.ORPHANED)) == (6, 5)
    said(giver, tx_hash, "income", denom="stake", output=0)
    assert giver.total(Account.INCOME) == 5


def test_refunds_wait_for_ever_after_the_operators_own_withdrawal(giver: Giver) -> None:
    tx_hash = went(giver, 200)
    giver.sweep()
    assert [use.tx_hash for use in unexplained.of_wallet(giver.rig.journal.database, ALPHA, giver.payee)] == [tx_hash]
    assert giver.total(Account.WITHDRAWALS) == 200
    done = said(giver, tx_hash, "withdrawal")
    assert done.settled
    assert unexplained.of_wallet(giver.rig.journal.database, ALPHA, giver.payee) == []
    assert giver.total(Account.WITHDRAWALS) == 200
    assert refused(giver, tx_hash, "deposit") == "other_way"
    giver.check_books()


def test_a_withdrawal_that_the_account_told_of_before_its_block_was_read_is_never_taken(giver: Giver) -> None:
    messages = [send(ALPHA, "payee", (5, "stake"), to="bob")]
    tx_hash = act(giver, "payee", *messages)
    asyncio.run(read_wallet(giver.desk, ALPHA))
    assert unexplained.every(giver.rig.journal.database)
    assert refused(giver, tx_hash, "withdrawal") == "not_yet"
    giver.blocks(3)
    assert said(giver, tx_hash, "withdrawal").settled
    assert giver.total(Account.WITHDRAWALS) == 5
    giver.check_books()


def test_one_output_explained_lets_the_other_pass_unseen(giver: Giver) -> None:
    tx_hash = went(giver, 200, 30)
    giver.sweep()
    database = giver.rig.journal.database
    assert not said(giver, tx_hash, "withdrawal", output=1).settled
    assert len(unexplained.of_wallet(database, ALPHA, giver.payee)) == 1
    assert said(giver, tx_hash, "expense", output=2).settled
    assert unexplained.of_wallet(database, ALPHA, giver.payee) == []
    assert (giver.total(Account.WITHDRAWALS), giver.total(Account.EXPENSES)) == (200, 30)
    assert refused(giver, tx_hash, "withdrawal", output=2) == "assigned_otherwise"
    giver.check_books()


def test_coins_sent_to_itself_hold_up_refunds_for_ever(giver: Giver) -> None:
    tx_hash = went(giver, 9, to="payee")
    giver.sweep()
    assert len(unexplained.of_wallet(giver.rig.journal.database, ALPHA, giver.payee)) == 1
    assert refused(giver, tx_hash, "expense") == "no_expense"
    assert said(giver, tx_hash, "withdrawal").settled
    assert giver.total(Account.WITHDRAWALS) == 0
    assert not said(giver, tx_hash, "withdrawal").settled
    assert refused(giver, tx_hash, "income") == "other_way"


def test_a_refund_of_ours_is_called_a_withdrawal(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.expire(token)
    giver.sweep()
    giver.settle()
    [use] = giver.uses()
    assert refused(giver, use.tx_hash, "withdrawal") == "own_refund"
    assert refused(giver, use.tx_hash, "expense") == "own_refund"
    giver.check_books()


def test_one_refund_paid_by_hand_explains_all_that_its_transaction_sent(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.expire(token)
    giver.refund_rules = replace(giver.refund_rules, mode=Mode.APPROVE)
    [refund] = giver.approve_all()
    both = [
        send(ALPHA, "payee", (refund.net.amount, "stake"), to="alice"),
        send(ALPHA, "payee", (9, "stake"), to="bob"),
    ]
    tx_hash = act(giver, "payee", *both)
    giver.settle()
    assert giver.sweep().blocked is not None
    paid = asyncio.run(mark_paid(giver.desk, refund.id, tx_hash, "ada"))
    assert paid.state is RefundState.PAID_BY_HAND
    database = giver.rig.journal.database
    assert len(unexplained.of_wallet(database, ALPHA, giver.payee)) == 1
    assert refused(giver, tx_hash, "expense", output=1) == "own_refund"
    done = said(giver, tx_hash, "expense")
    assert [one.coin.amount for one in done.assigned] == [9]
    assert done.settled
    assert unexplained.of_wallet(database, ALPHA, giver.payee) == []
    assert (giver.total(Account.WITHDRAWALS), giver.total(Account.EXPENSES)) == (0, 9)
    giver.check_books()


def test_what_was_called_an_expense_pays_a_refund_as_well(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.expire(token)
    giver.refund_rules = replace(giver.refund_rules, mode=Mode.APPROVE)
    [refund] = giver.approve_all()
    tx_hash = went(giver, refund.net.amount, to="alice")
    said(giver, tx_hash, "expense")
    with pytest.raises(RefusedError) as found:
        asyncio.run(mark_paid(giver.desk, refund.id, tx_hash, "ada"))
    assert found.value.code == "assigned_otherwise"
    assert giver.total(Account.OWED) == refund.gross
    assert [one.state for one in giver.refunds()] == [RefundState.APPROVED]
    giver.check_books()
