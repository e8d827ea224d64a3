"""The one table of keys: nothing clashes, everything does something, and what an operator chooses is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from relayclear.dashboard.actions import (
    ACTIONS,
    FOOTER_KEYS,
    VIEWS,
    Context,
    Danger,
    clashes,
    footer,
    keymap,
    shown_key,
)
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.panel import Panel
from relayclear.dashboard.view import View
from relayclear.errors import UsageError

KEYS = {name: action.key for name, action in ACTIONS.items()}
ACTS = [action for action in ACTIONS.values() if action.danger is not Danger.LOOKS]


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    """A class and all that stand on it."""
    yield of
    for one in of.__subclasses__():
        yield from subclasses(one)


def test_two_keys_of_one_view_clash() -> None:
    assert clashes(KEYS) == []


def test_a_clash_of_two_keys_would_be_seen() -> None:
    assert clashes({**KEYS, "clear": "M"}) == [("clear", "mute", "M")]
    assert clashes({**KEYS, "pause": "j"}) == [("down", "pause", "j")]
    # These two never meet in one view.
    assert clashes({**KEYS, "retry": "C"}) == []


def test_a_key_that_looks_does_nothing() -> None:
    owners = [*subclasses(Panel), *subclasses(View), Dashboard]
    handled = {name.removeprefix("do_") for owner in owners for name in dir(owner) if name.startswith("do_")}
    views = {f"view_{name}" for name in VIEWS}
    # What acts goes through the question and the request.
    unhandled = (
        {name for name, action in ACTIONS.items() if action.danger is Danger.LOOKS} - handled - views - {"palette"}
    )

    assert unhandled - {"charts"} == set()


def test_a_key_that_acts_is_pressed_by_accident() -> None:
    assert all(action.key.isupper() and len(action.key) == 1 for action in ACTS)
    capitals = {action.name for action in ACTIONS.values() if action.key.partition(",")[0].isupper()}
    assert capitals - {action.name for action in ACTS} <= {"bottom"}


def test_an_act_is_possible_where_it_may_not_be() -> None:
    for action in ACTS:
        offered = {action.name: None}
        assert action.why_not(Context("packets", armed=True, live=True, wishes=offered)) is None
        looking = action.why_not(Context("packets", armed=False, live=True, wishes=offered))
        assert looking is not None
        assert "relayclear dashboard --act" in looking
        past = action.why_not(Context("packets", armed=True, live=False, wishes=offered))
        assert past is not None
        assert "the past" in past
        assert action.why_not(Context("packets", armed=True, live=True)) is not None
        busy = {action.name: "until 12:00"}
        assert action.why_not(Context("packets", armed=True, live=True, wishes=busy)) == "until 12:00"


@pytest.mark.parametrize("view", VIEWS)
def test_the_footer_of_a_view_holds_more_than_fits(view: str) -> None:
    shown = footer(view)

    assert len(shown) <= FOOTER_KEYS
    assert all(action.means_something(view) for action in shown)
    line = "  ".join(f"{shown_key(action.key)} {action.label}" for action in shown)
    assert len(line) <= 78, line


def test_the_keys_to_open_help_and_leave_are_not_in_the_footer() -> None:
    for view in VIEWS:
        assert {"open", "help", "quit"} <= {action.name for action in footer(view)}


def test_a_mistyped_action_in_the_config_is_passed_over() -> None:
    with pytest.raises(UsageError, match="no action 'cleer' can be given a key; did you mean clear"):
        keymap({"cleer": "K"})


def test_a_key_given_twice_makes_one_of_them_unreachable() -> None:
    with pytest.raises(UsageError, match="the key M would be both clear and mute"):
        keymap({"clear": "M"})


def test_a_key_can_not_be_taken_away_or_be_given_to_another() -> None:
    assert keymap({"clear": ""}) == {"clear": ""}
    assert keymap({"clear": "M", "mute": ""}) == {"clear": "M", "mute": ""}


@pytest.mark.parametrize(
    ("key", "shown"), [("slash", "/"), ("j,down", "j"), ("f2", "F2"), ("left_square_bracket", "["), ("C", "C")]
)
def test_a_key_is_shown_as_no_person_writes_it(key: str, shown: str) -> None:
    assert shown_key(key) == shown
