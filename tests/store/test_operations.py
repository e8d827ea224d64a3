"""Operations come back as they happened and stay as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore, operation_state
from relayclear.errors import HeldError, RefusedError, UsageError
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.relayer import RelayRun
from relayclear.ibc.triage import PacketClass
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.journal import Journal
from tests.store.strategies import operations

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = ChannelEnd("alpha-1", "transfer", "channel-0")
DESTINATION = ChannelEnd("beta-1", "transfer", "channel-0")
RUN = RelayRun("1.10.5", ("hermes",), 0, 1.7, ended=True)


def asked(name: str, minutes: int = 0) -> Operation:
    return Operation(name, NOW + timedelta(minutes=minutes), SOURCE, DESTINATION, SequenceRanges.parse("2"))


def tried(number: int = 1) -> Attempt:
    before = PacketBefore(2, PacketClass.STUCK, b"c" * 32, {"alpha-1": 812, "beta-1": 799})
    return Attempt(number, NOW, (before,), ("hermes", "clear"))


def outcome() -> PacketAfter:
    moved = RelayTx("beta-1", RelayStep.RECV, "AB", 800, NOW, "cosmos1x", (), 90_000)
    return PacketAfter(2, Fate.DELIVERED, Doer.US, False, True, True, {"alpha-1": 813}, (moved,))


def replay(journal: Journal, operation: Operation) -> None:
    """Tell the journal an operation's story, fact by fact, as it would happen."""
    journal.add_operation(replace(operation, attempts=(), cancelled_at=None))
    for attempt in operation.attempts:
        journal.start_attempt(operation.id, replace(attempt, run=None, after=(), extra=(), ended_at=None))
        if attempt.run:
            journal.record_run(operation.id, attempt.number, attempt.run)
        if attempt.ended_at:
            journal.finish_attempt(operation.id, attempt.number, attempt.after, attempt.extra, attempt.ended_at)
    if operation.cancelled_at:
        journal.cancel(operation.id, operation.cancelled_at)


@settings(deadline=None, max_examples=80)
@given(operations())
def test_every_operation_comes_back_exactly_as_it_happened(operation: Operation) -> None:
    with open_database(":memory:") as database:
        journal = Journal(database)
        replay(journal, operation)
        assert journal.operation(operation.id) == operation
        assert journal.operations(10) == [operation]
        under_way = operation_state(operation) in {"queued", "running", "verifying"}
        assert journal.unfinished() == ([operation] if under_way else [])
        assert database.integrity() == []


def test_the_intent_is_on_disk_before_the_relayer_starts(journal: Journal, database: Database) -> None:
    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", tried())
    with open_database(database.path or "", read_only=True) as after_a_crash:
        found = Journal(after_a_crash).unfinished()
    assert [operation.attempts for operation in found] == [(tried(),)]


def test_a_crash_between_two_bites_leaves_the_operation_to_be_found(journal: Journal) -> None:
    journal.add_operation(replace(asked("op1"), sequences=SequenceRanges.parse("2..3")))
    journal.start_attempt("op1", tried())
    journal.finish_attempt("op1", 1, [outcome()], [], NOW)
    assert [operation.id for operation in journal.unfinished()] == ["op1"]
    journal.start_attempt("op1", replace(tried(2), before=(replace(tried().before[0], sequence=3),)))
    journal.finish_attempt("op1", 2, [replace(outcome(), sequence=3)], [], NOW)
    assert journal.unfinished() == []


def test_a_stop_between_two_bites_ends_the_operation(journal: Journal) -> None:
    journal.add_operation(replace(asked("op1"), sequences=SequenceRanges.parse("2..3")))
    journal.start_attempt("op1", tried())
    journal.finish_attempt("op1", 1, [outcome()], [], NOW)
    journal.cancel("op1", NOW)
    assert journal.unfinished() == []


def test_every_operation_that_held_a_packet_is_found_oldest_first(journal: Journal) -> None:
    for name, minutes in (("late", 9), ("early", 1), ("other", 5)):
        source = SOURCE if name != "other" else DESTINATION
        journal.add_operation(replace(asked(name, minutes), source=source))
        journal.start_attempt(name, tried())
    assert [operation.id for operation in journal.operations_of(PacketKey(*SOURCE, 2))] == ["early", "late"]
    assert journal.operations_of(PacketKey(*SOURCE, 3)) == []


def test_two_attempts_at_once_are_refused(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", tried())
    with pytest.raises(HeldError, match="attempt 1"):
        journal.start_attempt("op1", tried(2))


def test_no_attempt_starts_after_a_cancellation(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    journal.cancel("op1", NOW)
    with pytest.raises(RefusedError, match="cancelled"):
        journal.start_attempt("op1", tried())
    assert journal.unfinished() == []


def test_a_cancellation_during_a_run_waits_for_its_judgement(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", tried())
    journal.cancel("op1", NOW)
    assert [operation.id for operation in journal.unfinished()] == ["op1"]
    journal.finish_attempt("op1", 1, [outcome()], [], NOW)
    assert journal.unfinished() == []


def test_the_first_cancellation_is_the_one_that_counts(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    journal.cancel("op1", NOW)
    journal.cancel("op1", NOW + timedelta(hours=1))
    found = journal.operation("op1")
    assert found
    assert found.cancelled_at == NOW


@pytest.mark.parametrize(
    "attempt",
    [
        tried(2),
        tried(3),
        replace(tried(), ended_at=NOW),
        replace(tried(), run=RUN),
        replace(tried(), after=(outcome(),)),
    ],
)
def test_an_attempt_that_is_not_a_plain_next_one_is_a_mistake(attempt: Attempt, journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    with pytest.raises(ValueError, match="as number 1"):
        journal.start_attempt("op1", attempt)


def test_an_operation_with_a_past_can_not_be_added(journal: Journal) -> None:
    with pytest.raises(ValueError, match="before its first attempt"):
        journal.add_operation(replace(asked("op1"), attempts=(tried(),)))


def test_a_taken_id_is_refused(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    with pytest.raises(RuleBrokenError):
        journal.add_operation(asked("op1", minutes=1))


def test_a_run_and_an_end_are_written_once(journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", tried())
    journal.record_run("op1", 1, RUN)
    with pytest.raises(RuleBrokenError):
        journal.record_run("op1", 1, replace(RUN, exit_code=1))
    journal.finish_attempt("op1", 1, [outcome()], [], NOW)
    with pytest.raises(RuleBrokenError):
        journal.finish_attempt("op1", 1, [], [], NOW)
    found = journal.operation("op1")
    assert found
    assert (found.attempts[0].run, found.attempts[0].after) == (RUN, (outcome(),))


@pytest.mark.parametrize("operation_id", ["op1", "lost"])
def test_a_result_without_its_intent_is_refused(operation_id: str, journal: Journal) -> None:
    journal.add_operation(asked("op1"))
    with pytest.raises(RuleBrokenError):
        journal.record_run(operation_id, 1, RUN)
    with pytest.raises(RuleBrokenError):
        journal.finish_attempt(operation_id, 1, [outcome()], [], NOW)
    with pytest.raises(RuleBrokenError):
        journal.start_attempt("lost", tried())


def test_the_start_of_an_id_is_enough_where_it_is_the_only_one(journal: Journal) -> None:
    for name in ("abc1", "abc2", "ab", "b%"):
        journal.add_operation(asked(name))
    assert [found.id for text in ("abc1", "ab", "b") if (found := journal.operation(text))] == ["abc1", "ab", "b%"]
    assert [journal.operation(text) for text in ("", "zz", "%", "abc1x", "ABC1")] == [None] * 5
    with pytest.raises(UsageError, match="several operations start with abc") as caught:
        journal.operation("abc")
    assert caught.value.hint == "write more of it: abc1, abc2"


def test_pages_go_from_the_newest_back_without_a_gap(journal: Journal) -> None:
    for number in range(7):
        journal.add_operation(asked(f"op{number}", minutes=number // 2))
    pages = [[operation.id for operation in journal.operations(3, offset)] for offset in (0, 3, 6, 9)]
    assert pages == [["op6", "op5", "op4"], ["op3", "op2", "op1"], ["op0"], []]


def test_the_unfinished_stand_in_the_order_they_were_asked_for(journal: Journal) -> None:
    for name, minutes in (("a", 5), ("b", 1), ("c", 3)):
        journal.add_operation(asked(name, minutes))
    assert [operation.id for operation in journal.unfinished()] == ["b", "c", "a"]


FACTS = {
    "operations": "sequences",
    "cancellations": "cancelled_at",
    "attempts": "argv",
    "packets_before": "heights",
    "relay_runs": "output",
    "attempt_ends": "extra",
    "packets_after": "fate",
    "relay_txs": "hash",
}


@pytest.mark.parametrize("table", FACTS)
def test_what_was_done_and_proved_can_not_be_changed(table: str, journal: Journal, database: Database) -> None:
    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", tried())
    journal.record_run("op1", 1, RUN)
    journal.finish_attempt("op1", 1, [outcome()], [PacketKey(*SOURCE, 3)], NOW)
    journal.cancel("op1", NOW)
    before = journal.operation("op1")
    for statement in (f"UPDATE {table} SET {FACTS[table]} = ''", f"DELETE FROM {table}"):  # noqa: S608 - our names
        with pytest.raises(RuleBrokenError, match="never"), database.atomic() as tx:
            tx.execute(statement)
    assert journal.operation("op1") == before


def test_a_list_keeps_to_a_chain_or_a_channel(journal: Journal) -> None:
    other = ChannelEnd("alpha-1", "transfer", "channel-7")
    for name, source in (("a", SOURCE), ("b", other), ("c", DESTINATION), ("d", SOURCE)):
        journal.add_operation(replace(asked(name), source=source))
    listed = {
        source: [operation.id for operation in journal.operations(9, source=source)]
        for source in (SOURCE, other, "alpha-1", "beta-1", "gamma-1")
    }
    assert listed == {SOURCE: ["d", "a"], other: ["b"], "alpha-1": ["d", "b", "a"], "beta-1": ["c"], "gamma-1": []}


def test_a_list_of_the_past_knows_nothing_of_what_came_later(journal: Journal) -> None:
    def at(seconds: float) -> list[str]:
        found = journal.operations(9, as_of=NOW + timedelta(seconds=seconds))
        return [operation_state(operation) for operation in found]

    journal.add_operation(asked("op1"))
    journal.start_attempt("op1", replace(tried(), started_at=NOW + timedelta(seconds=10)))
    journal.record_run("op1", 1, RUN)
    journal.finish_attempt("op1", 1, [outcome()], [], NOW + timedelta(seconds=20))
    journal.add_operation(asked("op2", minutes=1))
    journal.cancel("op2", NOW + timedelta(seconds=90))
    assert at(-1) == []
    assert at(5) == ["queued"]
    assert at(11) == ["running"]
    assert at(12) == ["verifying"]
    assert at(20) == ["cleared"]
    assert at(60) == ["queued", "cleared"]
    assert at(90) == ["cancelled", "cleared"]
