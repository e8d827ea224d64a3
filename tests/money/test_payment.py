"""Payments: who sent them, and whether coins may go back there unasked."""

from __future__ import annotations

from datetime import datetime
from itertools import product

import pytest

from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.money.payment import Payment, PaymentId
from tests.ibc.tables import Row, table
from tests.money.build import NOW, pay

ROWS = table(vars(Payment)["may_refund_to"].fget)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_coins_go_back_unasked_only_to_somebody_who_can_take_them(row: Row) -> None:
    signed = {"yes": [True], "no": [False], "-": [True, False]}[row[1]]
    counts = {"1": [1], "several": [2, 9], "-": [1, 2]}[row[2]]
    for name, by_key, inputs in product(row[0].split(", "), signed, counts):
        found = pay(5, kind=ArrivalKind(name), signed=by_key, inputs=inputs).may_refund_to
        assert found == (None if row[3].startswith("nobody") else "cosmos1alice")


def test_every_way_of_arriving_has_a_row() -> None:
    assert {name for row in ROWS for name in row[0].split(", ")} == set(ArrivalKind)


def test_coins_of_which_no_sender_is_told_wait_for_a_claim() -> None:
    assert pay(5, sender=None).may_refund_to is None


def test_a_payment_of_more_than_64_bits_with_18_decimals_is_one_like_any_other() -> None:
    assert pay(2**255, denom="aevmos").coin == Coin("aevmos", 2**255)


@pytest.mark.parametrize(("amount", "at"), [(-1, NOW), (1, NOW.replace(tzinfo=None))], ids=["below zero", "no zone"])
def test_a_payment_that_no_chain_tells_is_refused(amount: int, at: datetime) -> None:
    with pytest.raises(ValueError, match="payment"):
        Payment(PaymentId("alpha-1", "AB", 0, "stake"), amount, 1, at, None)
