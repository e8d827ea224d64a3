"""The state of an operation; the table is the one in the docstring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple

import pytest

from relayclear.clearing.operation import (
    Attempt,
    Operation,
    OperationState,
    PacketAfter,
    PacketBefore,
    TaskStanding,
    gone_before,
    is_done,
    newest_results,
    operation_state,
    surplus,
)
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import MAX_SEQUENCE, ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.relayer import RelayEvent, RelayRun
from relayclear.ibc.triage import PacketClass
from tests.ibc.tables import Row, by_first_row, table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = ChannelEnd("alpha-1", "transfer", "channel-0")
RUN = RelayRun("1.10.5", ("hermes",), 0, 1.0, ended=True)


class Story(NamedTuple):
    """What a packet was before, and its fate and commitment after; fate None is not judged yet."""

    gone: bool
    fate: Fate | None
    committed: bool | None


GONE = Story(gone=True, fate=Fate.DELIVERED, committed=False)
UNJUDGED = Story(gone=False, fate=None, committed=None)
UNKNOWN = Story(gone=False, fate=Fate.UNKNOWN, committed=None)
DONE = Story(gone=False, fate=Fate.RETURNED_TO_SENDER, committed=False)
ACK_OPEN = Story(gone=False, fate=Fate.DELIVERED_ACK_OPEN, committed=True)
HALF = Story(gone=False, fate=Fate.DELIVERED_WITH_ERROR, committed=True)
STILL = Story(gone=False, fate=Fate.STILL_PENDING, committed=True)
STORIES = (GONE, UNJUDGED, UNKNOWN, DONE, ACK_OPEN, HALF, STILL)


class Case(NamedTuple):
    """Two packets, whether attempts ended over them, one left open (its run?), cancelled or not, its task claimed."""

    packets: tuple[Story, Story]
    ended: bool
    open_run: bool | None
    cancelled: bool
    claimed: bool | None = None

    @property
    def tried(self) -> bool:
        """Whether there is any attempt."""
        return self.ended or self.open_run is not None


def before(sequence: int, story: Story) -> PacketBefore:
    return PacketBefore(sequence, None if story.gone else PacketClass.STUCK, None if story.gone else b"c" * 32, {})


def after(sequence: int, story: Story) -> PacketAfter:
    assert story.fate
    return PacketAfter(sequence, story.fate, Doer.UNKNOWN, story.committed, None, None, {})


def build(case: Case) -> Operation:
    """One attempt for each judged packet, as bites are, and the open one last."""
    attempts: list[Attempt] = []
    for sequence, story in enumerate(case.packets, 1):
        if case.ended and story.fate:
            judged = (after(sequence, story),)
            attempts.append(Attempt(len(attempts) + 1, NOW, (before(sequence, story),), (), RUN, judged, (), NOW))
    if case.ended and not attempts:
        attempts.append(Attempt(1, NOW, (), (), RUN, (), (), NOW))
    if case.open_run is not None:
        attempts.append(Attempt(len(attempts) + 1, NOW, (), run=RUN if case.open_run else None))
    cancelled_at = NOW if case.cancelled else None
    task = None if case.claimed is None else TaskStanding(case.claimed, NOW, "not yet")
    return Operation("op", NOW, END, END, SequenceRanges.parse("1..2"), tuple(attempts), cancelled_at, task)


OF_THEM: dict[str, Callable[[Case], bool]] = {
    "": lambda _: True,
    "cancelled": lambda case: case.cancelled,
    "claimed": lambda case: case.claimed is True and case.open_run is None,
    "waits": lambda case: case.claimed is False and case.open_run is None,
    "one not ended, no run": lambda case: case.open_run is False,
    "one not ended, run known": lambda case: case.open_run is True,
    "ended": lambda case: case.open_run is None,
    "ended, cancelled": lambda case: case.open_run is None and case.cancelled,
}
PACKETS: dict[str, Callable[[Case], bool]] = {
    "": lambda _: True,
    "some not judged yet, not cancelled": lambda case: UNJUDGED in case.packets and not case.cancelled,
    "any fate unknown": lambda case: UNKNOWN in case.packets,
    "every one already gone before": lambda case: set(case.packets) == {GONE},
    "all done": lambda case: set(case.packets) <= {GONE, DONE, ACK_OPEN},
    "some moved": lambda case: bool({DONE, ACK_OPEN, HALF} & set(case.packets)),
    "none moved": lambda _: True,
}
# The shapes that can't be: without an ended attempt no packet is judged.
CASES = [
    case
    for packets, ended, open_run, cancelled, claimed in product(
        product(STORIES, STORIES), (True, False), (None, False, True), (True, False), (None, True, False)
    )
    if (case := Case(packets, ended, open_run, cancelled, claimed)).ended or set(packets) == {UNJUDGED}
]
ROWS = table(operation_state)


def fits(row: Row, case: Case) -> bool:
    return case.tried is (row[0] == "some") and OF_THEM[row[1]](case) and PACKETS[row[2]](case)


BY_ROW = by_first_row(ROWS, CASES, fits)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_state_is_that_of_the_first_row_that_fits(row: Row) -> None:
    assert BY_ROW[row], "no case ever reaches this row"
    assert {operation_state(build(case)) for case in BY_ROW[row]} == {row[-1]}


def test_the_work_of_a_token_that_nobody_has_taken_up_yet_is_queued() -> None:
    task = TaskStanding(claimed=False, until=NOW, why=None)
    operation = Operation("op", NOW, END, END, SequenceRanges.parse("1"), task=task)
    assert operation_state(operation) is OperationState.QUEUED


def test_the_table_names_every_state() -> None:
    assert {row[-1] for row in ROWS} == set(OperationState)


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("committed", [True, False, None])
def test_done_is_gone_or_waiting_for_the_far_applications_word(fate: Fate, committed: bool | None) -> None:  # noqa: FBT001 - a column
    story = Story(gone=False, fate=fate, committed=committed)
    assert is_done(after(1, story)) is (committed is False or fate is Fate.DELIVERED_ACK_OPEN)


def test_a_packet_is_judged_by_the_newest_attempt_that_held_it() -> None:
    first = Attempt(1, NOW, (before(1, STILL), before(2, STILL)), (), RUN, (after(1, STILL), after(2, DONE)), (), NOW)
    second = Attempt(2, NOW, (before(1, STILL),), (), RUN, (after(1, DONE),), (), NOW)
    operation = Operation("op", NOW, END, END, SequenceRanges.parse("1..2"), (first, second))
    assert {sequence: packet.fate for sequence, packet in newest_results(operation).items()} == {
        1: Fate.RETURNED_TO_SENDER,
        2: Fate.RETURNED_TO_SENDER,
    }
    assert operation_state(operation) is OperationState.CLEARED


def test_a_packet_that_an_earlier_attempt_cleared_was_not_gone_before() -> None:
    first = Attempt(1, NOW, (before(1, STILL),), (), RUN, (after(1, STILL),), (), NOW)
    second = Attempt(2, NOW, (before(1, GONE),), (), RUN, (after(1, DONE),), (), NOW)
    operation = Operation("op", NOW, END, END, SequenceRanges.parse("1"), (first, second))
    assert gone_before(operation) == frozenset()
    assert operation_state(operation) is OperationState.CLEARED


def test_an_operation_over_more_sequences_than_python_counts_has_a_state() -> None:
    everything = SequenceRanges([(1, MAX_SEQUENCE)])
    attempt = Attempt(1, NOW, (before(1, STILL),), (), RUN, (after(1, DONE),), (), NOW)
    assert operation_state(Operation("op", NOW, END, END, everything, (attempt,))) is OperationState.RUNNING


def test_what_a_run_moved_besides_what_was_asked_is_named_once_each() -> None:
    source, now = ChannelEnd("alpha-1", "transfer", "channel-0"), datetime(2026, 1, 2, tzinfo=UTC)
    asked, other = PacketKey(*source, 1), PacketKey(*source, 9)
    events = tuple(RelayEvent(step, key) for key in (asked, other) for step in ("recv", "ack"))
    before_it = (PacketBefore(1, PacketClass.STUCK, b"c", {}),)
    run = RelayRun("1.10.5", (), 0, 1.0, ended=True, events=events)
    assert surplus(source, Attempt(1, now, before_it, run=run)) == (other,)
    assert surplus(source, Attempt(1, now, before_it)) == ()
