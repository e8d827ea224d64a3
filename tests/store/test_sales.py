"""The work of a token: begun once, judged once, ended once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relayclear.ibc.fate import Doer
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.settlement import Allocation
from relayclear.store import cursors, payments, sales, token_states, tokens
from relayclear.store.db import Database, RuleBrokenError
from relayclear.store.sales import OpenSale, StoredVerdict
from tests.money.build import DEADLINE, NOW, PAYEE
from tests.store.sold import CHAIN, after, allocate, arrive, keep, make, name_of, packet, sell

EARNED = PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US)
VERDICT = StoredVerdict(packet(2), EARNED, Doer.US, "AB", after(70), "rules", after(80))


@pytest.fixture
def paid(database: Database) -> str:
    """A paid token with its operation, not begun."""
    with database.atomic() as tx:
        order_id = keep(tx, make(1, (2, 3)))
        cursors.begin(tx, CHAIN, PAYEE, 1, after(0), {}, after(0))
        payments.add(tx, PAYEE, [arrive()], after(61))
        payments.match(tx, arrive().identity, order_id, payments.How.MEMO, "watch", "", after(61))
        sell(tx, order_id)
    return order_id


def test_a_sale_comes_back_as_it_went(paid: str, database: Database) -> None:
    sale = sales.find(database, paid)
    assert sale
    assert (sale.chain, sale.operation_id, sale.made_at, sale.start) == (CHAIN, f"op-{paid}", after(61), None)
    assert (sales.of_operation(database, f"op-{paid}"), sales.of_operation(database, "op")) == (paid, None)
    with database.atomic() as tx:
        sales.start(tx, paid, allocate(arrive()), after(7260), after(62))
        sales.end(tx, paid, "cleared", after(90))
    sale = sales.find(database, paid)
    assert sale
    assert sale.start == sales.Start(after(62), allocate(arrive()), after(7260))
    assert (sale.ended_at, sale.ended_why) == (after(90), "cleared")
    assert sales.find(database, "0" * 16) is None


def test_a_token_gets_one_operation_and_an_operation_one_token(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        other = keep(tx, make(2))
    for order_id, operation_id in ((paid, "op-other"), (other, f"op-{paid}"), (other, "op-lost")):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            sales.link(tx, order_id, operation_id, after(9), after(9))


def test_what_is_applied_is_frozen_when_the_work_starts(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        sales.start(tx, paid, allocate(arrive()), after(7260), after(62))
    other = Allocation({name_of(arrive()): 1}, name_of(arrive()), after(1))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.start(tx, paid, other, after(9000), after(63))
    sale = sales.find(database, paid)
    assert sale
    assert sale.start
    assert sale.start.allocation == allocate(arrive())


def test_work_for_nothing_has_an_allocation_of_nothing(database: Database) -> None:
    with database.atomic() as tx:
        order_id = keep(tx, make(price=0))
        sales.start(tx, order_id, Allocation({}, None, NOW), after(DEADLINE), after(1))
    sale = sales.find(database, order_id)
    assert sale
    assert sale.start
    assert sale.start.allocation == Allocation({}, None, NOW)


def test_no_work_starts_on_a_price_that_is_not_covered(paid: str, database: Database) -> None:
    with pytest.raises(ValueError, match="covered"), database.atomic() as tx:
        sales.start(tx, paid, Allocation({}, None, None), after(9), after(9))


def test_no_work_starts_on_a_payment_that_was_never_seen(paid: str, database: Database) -> None:
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.start(tx, paid, allocate(arrive(77)), after(7260), after(62))


def test_what_is_due_is_found_by_its_own_chain_s_time(paid: str, database: Database) -> None:
    deadline = after(61 + DEADLINE)
    assert sales.open_sales(database) == [OpenSale(paid, CHAIN, deadline)]
    assert sales.due(database, CHAIN, deadline) == sales.due(database, "beta-1", after(10**6)) == []
    assert sales.due(database, CHAIN, after(62 + DEADLINE)) == [paid]
    with database.atomic() as tx:
        sales.set_deadline(tx, paid, after(100))
    assert sales.due(database, CHAIN, after(101)) == [paid]
    with database.atomic() as tx:
        sales.end(tx, paid, "deadline", after(200))
    assert not sales.open_sales(database)
    assert not sales.due(database, CHAIN, after(10**6))


def test_a_sale_ends_once(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        sales.end(tx, paid, "cleared", after(9))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.end(tx, paid, "deadline", after(10))


def test_the_states_follow_the_work(paid: str, database: Database) -> None:
    assert token_states.state(database, paid) == "paid"
    with database.atomic() as tx:
        sales.start(tx, paid, allocate(arrive()), after(7260), after(62))
    assert [stored.order_id for stored in tokens.page(database, 9, states=["clearing"])] == [paid]
    assert (token_states.count(database, "clearing"), token_states.count(database, "paid")) == (1, 0)


# Verdicts


def test_a_verdict_stands_for_ever(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        sales.add_verdict(tx, paid, VERDICT)
    late = replace(VERDICT, verdict=PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.add_verdict(tx, paid, late)
    assert sales.verdicts(database, paid) == {packet(2): VERDICT}


def test_a_verdict_without_a_transaction_comes_back_without_one(paid: str, database: Database) -> None:
    owed = PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED)
    verdict = StoredVerdict(packet(3), owed, Doer.UNKNOWN, None, None, "ann", after(80))
    with database.atomic() as tx:
        sales.add_verdict(tx, paid, verdict)
    assert sales.verdicts(database, paid) == {packet(3): verdict}


@pytest.mark.parametrize("result", [Result.HELD, Result.APPROVE])
def test_what_may_still_turn_is_not_written_as_a_verdict(result: Result, paid: str, database: Database) -> None:
    with pytest.raises(ValueError, match="not a final word"), database.atomic() as tx:
        sales.add_verdict(tx, paid, replace(VERDICT, verdict=PacketVerdict(result, Reason.PENDING)))


def test_a_packet_is_earned_for_one_token_only(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        sales.add_verdict(tx, paid, VERDICT)
        other = keep(tx, make(2))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.add_verdict(tx, other, VERDICT)
    owed = replace(VERDICT, verdict=PacketVerdict(Result.OWED_BACK, Reason.EARNED_ELSEWHERE))
    with database.atomic() as tx:
        sales.add_verdict(tx, other, owed)
    assert sales.earned_by(database, packet(2)) == paid
    assert sales.earned_by(database, packet(3)) is None


def test_a_packet_that_was_not_sold_is_not_judged(paid: str, database: Database) -> None:
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.add_verdict(tx, paid, replace(VERDICT, packet=packet(99)))


def test_what_the_operator_asked_is_kept_in_order(paid: str, database: Database) -> None:
    with database.atomic() as tx:
        numbers = [sales.ask(tx, paid, word, "ann", "", after(9)) for word in ("clear", "retry", "cancel")]
    asked = sales.requests(database, paid)
    assert [request.id for request in asked] == sorted(numbers)
    assert [request.word for request in asked] == ["clear", "retry", "cancel"]
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        sales.ask(tx, paid, "refund", "ann", "", after(9))
