"""What the pages have from the code is what the code says now."""

from __future__ import annotations

import pytest

from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.operation import OperationState
from relayclear.ibc.fate import Fate, fate_of
from relayclear.ibc.triage import PacketClass, classify
from relayclear.money.refund_state import RefundState
from relayclear.money.sending import Act, next_step
from relayclear.money.state import TokenState
from tests.docs import lives
from tests.docs.lives import Event, Life
from tests.docs.makers import MAKERS
from tests.docs.pages import PAGES, made_anew, made_parts, text_of
from tests.docs.trees import Node, flowchart, questions, tree

PARTS = [(page, name) for page in PAGES for name in made_parts(text_of(page))]


@pytest.mark.parametrize(("page", "name"), PARTS, ids=lambda part: part)
def test_a_part_that_is_made_from_the_code_is_what_the_code_says(page: str, name: str) -> None:
    assert made_parts(text_of(page))[name] == MAKERS[name](), "python -m tests.docs makes it anew"


def test_nothing_is_made_that_no_page_shows() -> None:
    assert sorted(name for _, name in PARTS) == sorted(MAKERS)


def test_a_part_that_is_made_anew_keeps_what_stands_around_it() -> None:
    page = "before\n<!-- made: one -->\nold\n<!-- end -->\nafter\n<!-- made: two -->\n<!-- end -->\n"
    anew = made_anew(page, {"one": lambda: "new\n", "two": lambda: "too\n"})
    assert anew == "before\n<!-- made: one -->\nnew\n<!-- end -->\nafter\n<!-- made: two -->\ntoo\n<!-- end -->\n"


def leaves(node: Node) -> set[str]:
    """What a tree of questions can come to."""
    if not node.answers:
        return {node.text}
    return {leaf for _, under in node.answers for leaf in leaves(under)}


def test_a_row_that_does_not_care_stands_under_every_answer() -> None:
    found = tree(("a", "b", "is"), [("x", "", "1"), ("y", "p", "2"), ("", "p", "3"), ("", "", "4")])
    assert found == Node(
        "a",
        [
            ("x", Node("1")),
            ("y", Node("b", [("p", Node("2")), ("otherwise", Node("4"))])),
            ("otherwise", Node("b", [("p", Node("3")), ("otherwise", Node("4"))])),
        ],
    )


def test_a_label_cannot_end_the_picture() -> None:
    drawn = flowchart(Node('a "quote"', [("behind #3", Node("end"))]))
    assert drawn.count('"') == 6
    assert "#" not in drawn


def test_the_pictures_of_rules_name_everything_that_can_come_out() -> None:
    assert all(f'"{one}"' in questions(classify) for one in PacketClass)
    assert all(f'"{one}"' in questions(fate_of) for one in Fate)
    assert all(f'["{act}' in questions(next_step) for act in Act)


@pytest.mark.parametrize(
    ("life", "states"),
    [
        (lives.OPERATION, {*OperationState}),
        (lives.TOKEN, {*TokenState}),
        # What one waits for that nobody has decided about is no state of the refund's own.
        (lives.REFUND, {*RefundState} - {RefundState.DUST, RefundState.BELOW_COST, RefundState.NEEDS_CLAIM}),
        (lives.BREAKER, {*BreakerState}),
    ],
    ids=["operation", "token", "refund", "breaker"],
)
def test_the_picture_of_a_life_shows_every_state_and_event(life: Life[tuple[object, ...]], states: set[str]) -> None:
    assert set(lives.states_of(life)) == states
    drawn = {why for step in life.steps().values() for why in step}
    assert drawn == {event.tells for event in life.events}


def test_an_event_that_changes_no_state_is_not_drawn() -> None:
    adds = Event[int]("adds", frozenset({"low"}), lambda number: number + 1)
    life = Life(0, (adds,), lambda number: "low" if number < 3 else "high")
    assert life.steps() == {("low", "high"): ["adds"]}
