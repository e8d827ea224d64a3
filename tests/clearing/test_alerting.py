"""Who is called for what, how urgently, in which batches, and how often again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.clearing.alerting import (
    BUSY,
    HOLD_SECONDS,
    QUIET,
    USUAL,
    Alert,
    Condition,
    Fact,
    Load,
    Named,
    Pace,
    Priority,
    alert_of,
    conditions_changed,
    is_muted,
    may_be_muted,
    pace,
    priority_of,
    retry_after,
)
from relayclear.ibc.packet import ChannelEnd, SequenceRanges

AT = datetime(2026, 11, 1, tzinfo=UTC)
HERE, THERE = ChannelEnd("alpha-1", "transfer", "channel-0"), ChannelEnd("alpha-1", "transfer", "channel-7")
STUCK = Condition("stuck a", "packets_stuck", Priority.NORMAL, "a", None, {"packets": 3})


def ranges(text: str) -> SequenceRanges:
    return SequenceRanges.parse(text)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


# Facts


@pytest.mark.parametrize(
    ("what", "priority"),
    [
        ("payment", Priority.HIGH),
        ("token_state", Priority.HIGH),
        ("work_ended", Priority.HIGH),
        ("attempt_judged", Priority.HIGH),
        ("refund_confirmed", Priority.HIGH),
        ("watch_restarted", Priority.HIGH),
        ("operation_added", Priority.NORMAL),
        ("packet_judged", Priority.NORMAL),
        ("token_created", Priority.LOW),
        ("backed_up", Priority.LOW),
    ],
)
def test_payments_and_changes_of_state_are_urgent_and_errands_are_not(what: str, priority: Priority) -> None:
    assert priority_of(what) is priority


def test_a_word_that_nobody_ranked_is_rather_told_too_soon_than_too_late() -> None:
    assert priority_of("breaker_opened") is Priority.HIGH


@pytest.mark.parametrize(
    ("least", "reached"), [(Priority.HIGH, "high"), (Priority.NORMAL, "high normal"), (Priority.LOW, "high normal low")]
)
def test_what_is_less_urgent_than_asked_for_is_left_out(least: Priority, reached: str) -> None:
    assert " ".join(one for one in Priority if one.reaches(least)) == reached


def test_the_same_fact_gives_the_same_alert_and_another_fact_another_one() -> None:
    fact = Fact(7, AT, "payment", "0011", None, "alpha-1/AA/0/stake", {"amount": "5"})
    alert = alert_of(fact)
    assert alert == alert_of(fact)
    assert (alert.kind, alert.order_id, alert.subject, alert.detail) == ("payment", "0011", fact.subject, fact.detail)
    others = [
        replace(fact, number=8),
        replace(fact, at=later(1)),
        replace(fact, what="orphans"),
        replace(fact, subject="alpha-1/BB/0/stake"),
        replace(fact, order_id=None, operation_id="0011"),
    ]
    assert len({alert.id, *(alert_of(one).id for one in others)}) == 6


# Mutes


def test_what_is_about_a_muted_channel_is_quiet() -> None:
    about = [Named(HERE, ranges("1,3"))]
    assert is_muted(about, [Named(HERE, None)])
    assert not is_muted(about, [Named(THERE, None)])
    assert not is_muted(about, [])


def test_what_is_about_more_packets_than_are_muted_is_told() -> None:
    assert not is_muted([Named(HERE, ranges("1..3"))], [Named(HERE, ranges("1..2"))])
    assert is_muted([Named(HERE, ranges("1..3"))], [Named(HERE, ranges("1..2")), Named(HERE, ranges("3"))])


def test_mutes_of_packets_do_not_quieten_a_whole_channel() -> None:
    assert not is_muted([Named(HERE, None)], [Named(HERE, ranges("1..9"))])


def test_what_is_about_two_channels_is_told_unless_both_are_muted() -> None:
    about = [Named(HERE, ranges("1")), Named(THERE, ranges("1"))]
    assert not is_muted(about, [Named(HERE, None)])
    assert is_muted(about, [Named(HERE, None), Named(THERE, None)])


def test_what_is_about_no_packet_is_never_quiet() -> None:
    assert not is_muted([], [Named(HERE, None)])


@pytest.mark.parametrize(
    "what", ["payment", "token_state", "work_ended", "waits_for_a_person", "refund_owed", "books_do_not_balance"]
)
def test_about_money_a_person_is_called_whatever_is_muted(what: str) -> None:
    assert not may_be_muted(what)


def test_the_steps_of_a_clear_may_be_muted() -> None:
    assert may_be_muted("attempt_judged")


# Conditions


def test_a_condition_is_told_when_it_begins_and_is_quiet_while_it_stands() -> None:
    begun = conditions_changed([], [STUCK], AT)
    assert [(one.kind, one.subject, one.detail, one.priority) for one in begun.alerts] == [
        ("packets_stuck", "a", {"packets": 3}, Priority.NORMAL)
    ]
    again = conditions_changed(begun.standing, [replace(STUCK, detail={"packets": 4})], later(500))
    assert (again.alerts, again.standing) == ((), begun.standing)


def test_a_condition_that_comes_and_goes_calls_once() -> None:
    told: list[Alert] = []
    standing = conditions_changed([], [STUCK], AT).standing
    for second in range(10, 600, 10):
        holds = [STUCK] if second % 20 else []
        changes = conditions_changed(standing, holds, later(second))
        told += changes.alerts
        standing = changes.standing
    assert told == []


def test_a_condition_that_is_gone_for_the_hold_is_told_to_be_over_once() -> None:
    standing = conditions_changed([], [STUCK], AT).standing
    gone = conditions_changed(standing, [], later(10))
    assert (gone.alerts, gone.standing[0].gone_at) == ((), later(10))
    assert conditions_changed(gone.standing, [], later(10 + HOLD_SECONDS - 1)).alerts == ()
    over = conditions_changed(gone.standing, [], later(10 + HOLD_SECONDS))
    assert [(one.kind, one.detail["over"]) for one in over.alerts] == [("packets_stuck", True)]
    assert over.standing == ()
    assert conditions_changed(over.standing, [], later(900)).alerts == ()


def test_a_clock_that_was_put_back_keeps_no_condition_for_ever() -> None:
    standing = conditions_changed([], [STUCK], AT).standing
    gone = conditions_changed(standing, [], later(10))
    assert conditions_changed(gone.standing, [], later(-3600)).standing == ()


def test_a_condition_that_begins_again_later_is_another_alert() -> None:
    first = conditions_changed([], [STUCK], AT).alerts[0]
    assert conditions_changed([], [STUCK], later(86400)).alerts[0].id != first.id


def test_conditions_do_not_hide_each_other() -> None:
    other = replace(STUCK, key="stuck b", subject="b")
    changes = conditions_changed(conditions_changed([], [STUCK], AT).standing, [STUCK, other], later(5))
    assert [one.subject for one in changes.alerts] == ["b"]
    assert {one.key for one in changes.standing} == {"stuck a", "stuck b"}


# Batches


@pytest.mark.parametrize(
    ("a_minute", "expected"), [(0, QUIET), (4.9, QUIET), (5, USUAL), (60, USUAL), (100, USUAL), (100.1, BUSY)]
)
def test_batches_follow_the_load(a_minute: float, expected: Pace) -> None:
    assert pace([Load(600.0, round(a_minute * 10))]) == expected


def test_the_paces_are_what_was_promised() -> None:
    assert (Pace(0.1, 200), Pace(1.0, 50), Pace(5.0, 10)) == (BUSY, USUAL, QUIET)


def test_before_there_was_an_interval_it_goes_the_usual_way() -> None:
    assert pace([]) == USUAL


def test_only_the_last_ten_intervals_count() -> None:
    flood = [Load(1.0, 1000)]
    assert pace(flood + [Load(1.0, 0)] * 9) == BUSY
    assert pace(flood + [Load(1.0, 0)] * 10) == QUIET


@given(st.lists(st.builds(Load, st.floats(0.1, 60), st.integers(0, 500)), max_size=30))
def test_a_heavier_load_is_never_answered_by_a_slower_pace(loads: list[Load]) -> None:
    heavier = [load._replace(alerts=load.alerts * 2) for load in loads]
    assert pace(heavier).seconds <= pace(loads).seconds


def test_a_failed_delivery_is_tried_three_times_more_and_then_given_up() -> None:
    assert [retry_after(failures) for failures in (1, 2, 3, 4)] == [10.0, 60.0, 600.0, None]
