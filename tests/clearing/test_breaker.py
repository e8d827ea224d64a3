"""When a breaker opens, who may call then, and how it heals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.clearing.breaker import (
    LONG_PROBE,
    NOTHING,
    OPEN_FOR,
    PROBE_TIME,
    RULES,
    WINDOW,
    Admission,
    Breaker,
    BreakerState,
    Tally,
    chain_of,
    closed,
    endpoint_name,
    held_open,
    is_path,
    is_wallet,
    opened,
    path_name,
    probing,
    unprobed,
    wallet_name,
)
from relayclear.ibc.packet import ChannelEnd

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DOWN = opened(Breaker("x"), "it hangs", NOW)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def tallied(*outcomes: tuple[float, bool]) -> Tally:
    """Outcomes as (second, good)."""
    found = NOTHING
    for at, good in outcomes:
        found = found.add(at, None if good else f"failed at {at:g}")
    return found


def test_five_failures_in_a_row_open_it_however_far_apart() -> None:
    slow = [(float(100 * turn), False) for turn in range(5)]
    assert tallied(*slow[:4]).verdict is None
    assert tallied(*slow).verdict == "failed at 400 (5 failures in a row)"


def test_half_of_five_calls_within_the_window_open_it_and_fewer_do_not() -> None:
    assert tallied((1, False), (2, True), (3, False), (4, False)).verdict is None
    assert tallied((1, True), (2, False), (3, True), (4, True), (5, False)).verdict is None
    opens = tallied((1, False), (2, True), (3, False), (4, True), (5, False))
    assert opens.verdict == "failed at 5 (3 of 5 calls failed within 30 s)"
    half = tallied((1, True), (1.5, True), (2, True), (3, False), (4, False), (4.5, False))
    assert half.verdict == "failed at 4.5 (3 of 6 calls failed within 30 s)"


def test_failures_of_half_a_minute_ago_no_longer_count() -> None:
    old = [(float(turn), False) for turn in range(4)]
    assert tallied(*old, (32, True), (33, True), (34, True), (35, False)).verdict is None
    assert tallied(*old, (29, True), (30, False)).verdict is not None


def test_a_success_is_never_what_opens_it() -> None:
    assert tallied(*[(float(turn), False) for turn in range(4)], (5, True)).verdict is None
    assert NOTHING.verdict is None


def test_a_thousand_calls_take_no_more_room_than_the_seconds_they_fell_into() -> None:
    found = tallied(*[(turn / 10, turn % 3 > 0) for turn in range(1000)])
    assert len(found.seconds) <= WINDOW


@given(st.lists(st.tuples(st.floats(0, 200), st.booleans())).map(sorted))
def test_it_opens_exactly_when_one_of_the_two_rules_says_so(outcomes: list[tuple[float, bool]]) -> None:
    found = tallied(*outcomes)
    inside = [good for at, good in outcomes if int(at) > int(outcomes[-1][0]) - WINDOW] if outcomes else []
    run = next((number for number, (_, good) in enumerate(reversed(outcomes)) if good), len(outcomes))
    expected = run >= 5 or (run > 0 and len(inside) >= 5 and 2 * inside.count(False) >= len(inside))
    assert (found.verdict is not None) == expected


@pytest.mark.parametrize(
    ("breaker", "seconds", "state", "admission", "since", "until"),
    [
        (Breaker("x"), 0, BreakerState.CLOSED, Admission.ALL, None, None),
        (closed(DOWN, NOW), 5, BreakerState.CLOSED, Admission.ALL, 0, None),
        (DOWN, 0, BreakerState.OPEN, Admission.NONE, 0, 60),
        (DOWN, 59, BreakerState.OPEN, Admission.NONE, 0, 60),
        (DOWN, 60, BreakerState.HALF_OPEN, Admission.ONE, 60, None),
        (DOWN, 9000, BreakerState.HALF_OPEN, Admission.ONE, 60, None),
        # The clock was set back: nobody is kept out for longer than a minute by that.
        (DOWN, -3600, BreakerState.HALF_OPEN, Admission.ONE, -3600, None),
        (probing(DOWN, later(61)), 62, BreakerState.HALF_OPEN, Admission.NONE, 60, 76),
        (probing(DOWN, later(61)), 76, BreakerState.HALF_OPEN, Admission.ONE, 60, None),
        (probing(DOWN, later(9000)), 61, BreakerState.HALF_OPEN, Admission.ONE, 60, None),
        (probing(DOWN, later(61), LONG_PROBE), 400, BreakerState.HALF_OPEN, Admission.NONE, 60, 961),
        (unprobed(probing(DOWN, later(61))), 62, BreakerState.HALF_OPEN, Admission.ONE, 60, None),
        (held_open(Breaker("x"), "mine", NOW, None, "ann"), 10**6, BreakerState.OPEN, Admission.NONE, 0, None),
        (held_open(Breaker("x"), "mine", NOW, later(90), "ann"), 60, BreakerState.OPEN, Admission.NONE, 0, 90),
        (held_open(Breaker("x"), "mine", NOW, later(90), "ann"), 90, BreakerState.HALF_OPEN, Admission.ONE, 90, None),
    ],
)
def test_at_every_moment_it_is_known_who_may_call_since_when_and_until_when(
    breaker: Breaker,
    seconds: float,
    state: BreakerState,
    admission: Admission,
    since: float | None,
    until: float | None,
) -> None:
    now = later(seconds)
    assert (breaker.at(now), breaker.admits(now)) == (state, admission)
    assert breaker.since(now) == (None if since is None else later(since))
    assert breaker.lasts(now) == (None if until is None else later(until))


def test_a_probe_that_failed_opens_it_once_more_and_it_is_remembered_since_when() -> None:
    again = opened(probing(DOWN, later(61)), "still hangs", later(64))
    assert (again.opened_at, again.until, again.reason) == (NOW, later(64) + OPEN_FOR, "still hangs")
    assert (again.probe_until, again.who) == (None, RULES)
    assert again.at(later(65)) is BreakerState.OPEN


def test_a_clock_set_back_during_an_outage_does_not_make_it_half_open_at_once() -> None:
    again = opened(DOWN, "still hangs", later(-3600))
    assert again.at(later(-3599)) is BreakerState.OPEN


def test_what_closes_forgets_why_it_was_open() -> None:
    well = closed(probing(DOWN, later(61)), later(62))
    assert well == Breaker("x", closed_at=later(62))
    assert opened(well, "again", later(70)).closed_at == later(62)


def test_a_probe_ends_before_another_process_would_think_it_dead() -> None:
    assert timedelta() < PROBE_TIME < LONG_PROBE


def test_names_tell_what_they_are_of() -> None:
    assert endpoint_name("alpha-1", "https://node/") == "endpoint/alpha-1/https://node/"
    assert path_name(ChannelEnd("alpha-1", "transfer", "channel-0")) == "hermes/alpha-1/channel-0"
    assert path_name(ChannelEnd("alpha-1", "icahost", "channel-1")) == "hermes/alpha-1/icahost/channel-1"
    assert wallet_name("alpha-1") == "wallet/alpha-1"
    kinds = [(is_path(name), is_wallet(name)) for name in ("hermes/a-1/channel-0", "wallet/a-1", "endpoint/a-1/b")]
    assert kinds == [(True, False), (False, True), (False, False)]
    assert chain_of("endpoint/alpha-1/https://node/") == chain_of("wallet/alpha-1") == "alpha-1"
