"""Where a refund stands: a row of the table each."""

from __future__ import annotations

import pytest

from relayclear.money.refund_state import AWAY, DEAD, ENDED, RefundState, Said, failures, refund_state

STILL_TO_SEND = [
    [Said.APPROVED],
    [Said.APPROVED, Said.FAILED],
    [Said.APPROVED, Said.EXPORTED, Said.EXPORT_CANCELLED],
]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (Said.WAIVED, RefundState.WAIVED),
        (Said.WRITTEN_OFF, RefundState.WRITTEN_OFF),
        (Said.PAID_BY_HAND, RefundState.PAID_BY_HAND),
        (Said.CONFIRMED, RefundState.CONFIRMED),
        (Said.ARRIVED, RefundState.CONFIRMED),
        (Said.RETURNED, RefundState.RETURNED),
        (Said.WITHDRAWN, RefundState.WITHDRAWN),
        (Said.IN_TRANSIT, RefundState.IN_TRANSIT),
        (Said.EXPORTED, RefundState.EXPORTED),
    ],
)
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("sent", [False, True])
def test_the_last_word_decides_whatever_was_signed(word: Said, state: RefundState, *, live: bool, sent: bool) -> None:
    assert refund_state([Said.APPROVED, word], live=live, sent=sent) is state


@pytest.mark.parametrize("said", STILL_TO_SEND)
def test_what_is_still_to_be_sent_is_where_its_signing_is(said: list[Said]) -> None:
    assert refund_state(said) is RefundState.APPROVED
    assert refund_state(said, live=True) is RefundState.SIGNED
    assert refund_state(said, live=True, sent=True) is RefundState.BROADCAST


def test_a_refund_that_nobody_decided_about_has_no_state_of_its_own() -> None:
    with pytest.raises(ValueError, match="nobody decided"):
        refund_state([])


def test_failures_are_counted_since_the_last_yes() -> None:
    assert failures([]) == 0
    assert failures([Said.FAILED, Said.APPROVED]) == 0
    assert failures([Said.APPROVED, Said.FAILED, Said.EXPORTED, Said.EXPORT_CANCELLED, Said.FAILED]) == 2


def test_what_may_still_land_is_never_counted_as_over() -> None:
    assert not AWAY & ENDED
    assert DEAD < ENDED
