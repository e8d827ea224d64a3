"""How good what a panel shows is: a test for each row of the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.dashboard.states import Found, Shape, Trouble, glyph, standing

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATELY = NOW - timedelta(seconds=20)
LONG_AGO = NOW - timedelta(minutes=10)
DOUBT = "beta-1 can't be asked now"
LOCKED = Trouble("the database is locked", "relayclear doctor")


@pytest.mark.parametrize(
    ("found", "trouble", "shape", "words"),
    [
        (None, None, Shape.LOADING, "reading the database"),
        (None, LOCKED, Shape.FAILED, "the database is locked"),
        (Found(1, LATELY), LOCKED, Shape.FAILED, "the database is locked; last good 20s ago"),
        (Found(1, None), LOCKED, Shape.FAILED, "the database is locked"),
        (Found(1, LATELY, error="no node answers"), None, Shape.FAILED, "no node answers; last good 20s ago"),
        (Found(1, None, error="no node answers"), None, Shape.FAILED, "no node answers"),
        (Found(1, None, "2 paths"), None, Shape.NEVER, "2 paths: never looked at"),
        (Found(1, LONG_AGO), None, Shape.STALE, "last good 10m ago"),
        (Found(1, LATELY, "2 paths"), None, Shape.FRESH, "2 paths, 20s ago"),
        (Found(1, LATELY, doubt=DOUBT), None, Shape.STALE, f"{DOUBT}; last good 20s ago"),
        (Found(1, LATELY, error="frozen", doubt=DOUBT), None, Shape.FAILED, "frozen; last good 20s ago"),
    ],
)
def test_a_panel_passes_for_better_than_it_is(
    found: Found[int] | None, trouble: Trouble | None, shape: Shape, words: str
) -> None:
    said = standing(found, trouble, NOW)

    assert (said.shape, said.words) == (shape, words)


def test_what_keeps_it_from_being_read_comes_without_a_next_step() -> None:
    assert standing(None, LOCKED, NOW).hint == "relayclear doctor"
    assert standing(Found(1, LATELY, error="frozen", hint="relayclear chains list"), None, NOW).hint == (
        "relayclear chains list"
    )
    assert standing(Found(1, None), None, NOW).hint == "relayclear watch"


@pytest.mark.parametrize(("late_by", "shape"), [(timedelta(), Shape.FRESH), (timedelta(microseconds=1), Shape.STALE)])
def test_what_is_too_old_passes_for_fresh_at_the_very_edge(late_by: timedelta, shape: Shape) -> None:
    found = Found(1, NOW - timedelta(minutes=3) - late_by, stale_after=timedelta(minutes=3))

    assert standing(found, None, NOW).shape is shape


def test_a_clock_that_was_set_back_makes_an_age_negative() -> None:
    assert standing(Found(1, NOW + timedelta(hours=1)), None, NOW).words == "0s ago"


def test_two_states_are_told_by_colour_alone() -> None:
    assert len({glyph(shape) for shape in Shape}) == len(Shape)
