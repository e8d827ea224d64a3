"""Which refunds go by themselves: a row of the table each."""

from __future__ import annotations

import pytest

from relayclear.ibc.coin import Coin
from relayclear.money.policy import Asked, Caps, Gate, Mode, NeedsApproval, gates, only_caps

CAPS = Caps({"stake": 100}, {"stake": 300}, {"stake": 200})
FINE = Asked(Coin("stake", 100))


def asked(**changes: object) -> Asked:
    return Asked(Coin("stake", 100), **changes)  # type: ignore[arg-type]


def test_within_all_caps_it_goes_by_itself() -> None:
    assert gates(FINE, Mode.AUTO, CAPS) == ()
    assert gates(asked(gone_today=200, gone_to_payer=100), Mode.AUTO, CAPS) == ()


def test_in_mode_approve_a_person_is_asked_about_everything() -> None:
    assert gates(FINE, Mode.APPROVE, CAPS) == (Gate.MODE,)


@pytest.mark.parametrize(
    ("found", "gate"),
    [
        (asked(approve=frozenset({NeedsApproval.DOER_UNKNOWN})), NeedsApproval.DOER_UNKNOWN),
        (asked(stopped=True), Gate.STOPPED),
        (asked(one_word=True), Gate.ONE_WORD),
        (asked(failed_before=True), Gate.FAILED_BEFORE),
        (asked(for_another=True), Gate.CLAIMED_FOR_ANOTHER),
        (Asked(Coin("ubeta", 1)), Gate.NO_CAP),
        (Asked(Coin("stake", 101)), Gate.ABOVE_EACH),
        (asked(gone_today=201), Gate.ABOVE_DAY),
        (asked(gone_to_payer=101), Gate.ABOVE_PAYER),
    ],
)
def test_everything_in_the_way_is_named(found: Asked, gate: Gate | NeedsApproval) -> None:
    assert gates(found, Mode.AUTO, CAPS) == (gate,)


def test_a_denom_without_a_cap_for_one_never_goes_by_itself() -> None:
    assert gates(FINE, Mode.AUTO, Caps(day={"stake": 10**9}, payer={"stake": 10**9})) == (Gate.NO_CAP,)


def test_caps_of_a_day_and_of_a_payer_limit_only_where_they_are_set() -> None:
    assert gates(asked(gone_today=10**9, gone_to_payer=10**9), Mode.AUTO, Caps({"stake": 100})) == ()


def test_a_yes_with_an_amount_lifts_caps_and_nothing_that_it_rests_on() -> None:
    assert only_caps([])
    assert only_caps([Gate.MODE, Gate.NO_CAP, Gate.ABOVE_EACH, Gate.ABOVE_DAY, Gate.ABOVE_PAYER, Gate.ONE_WORD])
    for gate in (Gate.STOPPED, Gate.FAILED_BEFORE, Gate.CLAIMED_FOR_ANOTHER, NeedsApproval.UNREADABLE):
        assert not only_caps([Gate.MODE, gate])
