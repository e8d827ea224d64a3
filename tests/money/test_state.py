"""The state of a token, by the table in the docstring."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import NamedTuple

import pytest

from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.state import TokenFacts, TokenState, Work, token_state
from tests.ibc.tables import Row, by_first_row, table
from tests.money.build import TTL, after, keys, pay, settled, token

Results = tuple[Result | None, Result | None]


class Case(NamedTuple):
    """How far the work is, the verdicts of two packets, whether revoked, what is paid, how far was read."""

    work: Work
    results: Results
    revoked: bool
    paid: int
    read: int | None


def state(case: Case) -> TokenState:
    verdicts = {
        key: PacketVerdict(result, Reason.PENDING) for key, result in zip(keys(2), case.results, strict=True) if result
    }
    payments = [pay(case.paid)] if case.paid else []
    scanned: datetime | None = None if case.read is None else after(case.read)
    return token_state(TokenFacts(settled(token(), *payments), case.work, verdicts, case.revoked), scanned)


def packets(results: Results) -> set[str]:
    """The words of the table that fit the verdicts."""
    if None in results or Result.HELD in results:
        return {"-", "some held or not judged"}
    return {"-", {0: "none earned", 1: "some earned", 2: "all earned"}[results.count(Result.EARNED)]}


PRICE = {0: {"-", "not covered"}, 40: {"-", "not covered", "partly covered"}, 100: {"-", "covered"}}


def fits(row: Row, case: Case) -> bool:
    past = "yes" if case.read is not None and case.read > TTL else "no"
    return (
        row[0] == case.work
        and row[1] in packets(case.results)
        and row[2] in {"-", "yes" if case.revoked else "no"}
        and row[3] in PRICE[case.paid]
        and row[4] in {"-", past}
    )


ROWS = table(token_state)
RESULTS = (None, *Result)
CASES = by_first_row(
    ROWS,
    map(
        Case._make,
        product(Work, product(RESULTS, RESULTS), (True, False), PRICE, (None, 0, TTL - 1, TTL, TTL + 1)),
    ),
    fits,
)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_state_is_that_of_the_first_row_that_fits(row: Row) -> None:
    assert CASES[row], "no case ever reaches this row"
    assert {state(case) for case in CASES[row]} == {TokenState(row[-1])}


def test_the_table_names_every_state() -> None:
    assert {row[-1] for row in ROWS} == set(TokenState)


def test_no_token_expires_before_the_reading_has_passed_its_expiry() -> None:
    facts = TokenFacts(settled(token()))
    assert token_state(facts, None) is TokenState.OPEN
    assert token_state(facts, after(TTL)) is TokenState.OPEN
    assert token_state(facts, after(TTL + 1)) is TokenState.EXPIRED


def test_a_waived_token_is_paid_from_the_start() -> None:
    assert token_state(TokenFacts(settled(token(waived="grant"))), after(TTL + 1)) is TokenState.PAID
