"""Earned or owed back: who ended the wait decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import NamedTuple

import pytest

from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.outcome import PacketOutcome
from relayclear.money.earned import Claimant, PacketVerdict, Reason, Result, Standing, earner, judge
from tests.ibc.tables import Row, by_first_row, table
from tests.money.build import DEADLINE, after, keys

CREDITED, PAST, LONG_PAST = after(60), DEADLINE + 60 + 1, DEADLINE + 60 + 86_400 + 1
KEY = keys(1)[0]


class Case(NamedTuple):
    """Everything that decides: the outcome's fields, then the standing's."""

    fate: Fate
    doer: Doer
    committed: bool
    done_at: int | None
    seen_waiting: bool
    may_land: bool
    sold_twice: bool
    now: int
    attempt_open: bool
    worked_past_deadline: bool
    cancelled: bool

    @property
    def error_open(self) -> bool:
        """Delivered with an error whose acknowledgement hasn't come home."""
        return self.fate is Fate.DELIVERED_WITH_ERROR and self.committed


def verdict(case: Case) -> PacketVerdict:
    at: datetime | None = None if case.done_at is None else after(case.done_at)
    outcome = PacketOutcome(KEY, case.fate, case.doer, case.committed, at, case.seen_waiting, case.may_land)
    standing = Standing(
        CREDITED,
        after(60 + DEADLINE),
        after(case.now),
        86_400,
        case.attempt_open,
        case.worked_past_deadline,
        case.cancelled,
    )
    return judge(outcome, standing, sold_twice=case.sold_twice)


FATES: dict[str, Callable[[Case], bool]] = {
    "unknown": lambda case: case.fate is Fate.UNKNOWN,
    "pending": lambda case: case.fate is Fate.STILL_PENDING,
    "done": lambda case: case.fate not in {Fate.UNKNOWN, Fate.STILL_PENDING},
    "error not relayed": lambda case: case.error_open,
    "acknowledgement open": lambda case: case.fate is Fate.DELIVERED_ACK_OPEN,
}
BY: dict[str, Callable[[Case], bool]] = {
    "-": lambda _: True,
    "another token's": lambda case: case.sold_twice,
    "another relayer": lambda case: case.doer is Doer.OTHER,
    "nobody found": lambda case: case.doer is Doer.UNKNOWN,
    "us": lambda case: case.doer is Doer.US,
}
WHEN: dict[str, Callable[[Case], bool]] = {
    "-": lambda _: True,
    "may land": lambda case: case.may_land,
    "no time known": lambda case: case.done_at is None,
    "before the payment": lambda case: (case.done_at or 0) <= 60 and not case.seen_waiting,
    "after the deadline": lambda case: (case.done_at or 0) > DEADLINE + 60 and not case.worked_past_deadline,
}
CLOCK: dict[str, Callable[[Case], bool]] = {
    "-": lambda _: True,
    "in time": lambda case: case.now < PAST,
    "past the deadline": lambda case: PAST <= case.now < LONG_PAST,
    "past unknown_max": lambda case: case.now >= LONG_PAST,
    "attempt open": lambda case: case.attempt_open,
    "cancelled": lambda case: case.cancelled,
}


def fits(row: Row, case: Case) -> bool:
    return FATES[row[0]](case) and BY[row[1]](case) and WHEN[row[2]](case) and CLOCK[row[3]](case)


ROWS = table(judge)
FLAGS = (True, False)
CASES = by_first_row(
    ROWS,
    map(
        Case._make,
        product(
            Fate,
            Doer,
            FLAGS,
            (None, 59, 60, 61, DEADLINE + 60, PAST),
            FLAGS,
            FLAGS,
            FLAGS,
            (61, PAST - 1, PAST, LONG_PAST - 1, LONG_PAST),
            FLAGS,
            FLAGS,
            FLAGS,
        ),
    ),
    fits,
)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_verdict_is_that_of_the_first_row_that_fits(row: Row) -> None:
    assert CASES[row], "no case ever reaches this row"
    word, _, alerts = row[4].partition(", ")
    expected = PacketVerdict(Result(word.replace(" ", "_")), Reason(row[5]), bool(alerts))
    assert {verdict(case) for case in CASES[row]} == {expected}


def test_the_table_names_every_reason() -> None:
    assert {row[5] for row in ROWS} == set(Reason)


DONE = PacketOutcome(KEY, Fate.DELIVERED, Doer.US, committed=False, done_at=after(100))
STANDING = Standing(CREDITED, after(60 + DEADLINE), after(200), 86_400)
EARNED = PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US)


def test_a_verdict_that_was_given_stands_also_against_our_own_later_delivery() -> None:
    given = PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED)
    assert judge(DONE, STANDING, given=given) == given
    assert judge(replace(DONE, doer=Doer.OTHER), STANDING, given=EARNED) == EARNED


@pytest.mark.parametrize("result", [Result.HELD, Result.APPROVE])
def test_what_was_open_is_judged_again(result: Result) -> None:
    assert judge(DONE, STANDING, given=PacketVerdict(result, Reason.DOER_UNKNOWN)) == EARNED


def test_a_chain_whose_block_time_lags_does_not_cost_us_what_we_earned() -> None:
    lagging = replace(DONE, done_at=after(55))
    assert judge(lagging, STANDING).reason is Reason.BEFORE_PAYMENT
    assert judge(replace(lagging, seen_waiting=True), STANDING) == EARNED


def test_an_acknowledgement_whose_fate_can_not_be_read_is_no_error_come_home() -> None:
    error = replace(DONE, fate=Fate.DELIVERED_WITH_ERROR, committed=None)
    assert judge(error, STANDING).result is Result.HELD


def test_a_packet_is_earned_for_the_token_whose_operation_ran_else_for_the_first_credited() -> None:
    first, ran = Claimant(b"first", ran=False, credited_at=after(1)), Claimant(b"ran", ran=True, credited_at=after(9))
    second = Claimant(b"second", ran=False, credited_at=after(2))
    assert earner([second, first]) == b"first"
    assert earner([second, first, ran]) == b"ran"
    assert earner([]) is None


def test_two_tokens_credited_in_one_block_never_both_earn() -> None:
    left, right = (Claimant(name, ran=False, credited_at=after(1)) for name in (b"a", b"b"))
    assert earner([left, right]) == earner([right, left]) == b"a"
