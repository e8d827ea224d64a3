"""Operations whose process was killed: told as they stand once nobody works on them, never before."""

from __future__ import annotations

import asyncio

from relayclear.clearing.operation import (
    Attempt,
    Operation,
    OperationState,
    PacketAfter,
    PacketBefore,
    newest_results,
    operation_state,
)
from relayclear.errors import NodeError
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.ibc.relayer import RelayEvent, RelayRun, work_lock
from relayclear.ibc.triage import PacketClass
from relayclear.store import history
from relayclear.usecases.operations import operation_story
from relayclear.usecases.scan import scan
from relayclear.usecases.settle import settle_all
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS


def left_behind(rig: Rig, sequences: tuple[int, ...], run: RelayRun | None = None) -> str:
    """What a relayclear that was killed in the middle of a clear leaves in the journal; its operation's id."""
    reading = asyncio.run(scan(rig.desk))
    item = reading.paths[rig.source]
    heights = {chain: head.height for chain, head in reading.heads.items()}
    before = tuple(
        PacketBefore(sequence, PacketClass.STUCK, item.commitments[sequence], heights) for sequence in sequences
    )
    asked = SequenceRanges.of([*sequences, max(sequences) + 1])
    rig.journal.add_operation(Operation("op-dead", rig.clock.now(), rig.source, rig.far, asked))
    rig.journal.start_attempt("op-dead", Attempt(1, rig.clock.now(), before))
    if run is not None:
        rig.journal.record_run("op-dead", 1, run)
    return "op-dead"


def stored(rig: Rig) -> Operation:
    found = rig.journal.operation("op-dead")
    assert found is not None
    return found


def test_what_a_killed_clear_delivered_is_told_and_what_it_may_have_sent_is_unknown(rig: Rig) -> None:
    first, second = rig.stuck(count=2)
    left_behind(rig, (first.sequence, second.sequence))
    rig.world.relay(first)
    asyncio.run(settle_all(rig.desk))
    fates = {sequence: packet.fate for sequence, packet in newest_results(stored(rig)).items()}
    assert fates == {first.sequence: Fate.DELIVERED, second.sequence: Fate.UNKNOWN}
    assert operation_state(stored(rig)) is OperationState.UNKNOWN
    assert rig.journal.unfinished() == []


def test_a_run_that_ended_before_its_process_died_leaves_nothing_in_doubt(rig: Rig) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,), RelayRun("1.10.5", ("hermes",), 0, 1.0, ended=True))
    asyncio.run(settle_all(rig.desk))
    assert newest_results(stored(rig))[key.sequence].fate is Fate.STILL_PENDING
    assert operation_state(stored(rig)) is OperationState.CANCELLED


def test_what_a_known_run_moved_besides_is_told_of_a_killed_clear_too(rig: Rig) -> None:
    asked, besides = rig.stuck(count=2)
    events = tuple(RelayEvent(step, key) for key in (asked, besides) for step in ("recv", "ack"))
    left_behind(rig, (asked.sequence,), RelayRun("1.10.5", ("hermes",), 0, 1.0, ended=True, events=events))
    asyncio.run(settle_all(rig.desk))
    (attempt,) = stored(rig).attempts
    assert attempt.extra == (besides,)


def unknown(rig: Rig, count: int = 1) -> list[PacketKey]:
    """An operation that ended in doubt: its process was killed while its run was under way."""
    keys = rig.stuck(count=count)
    left_behind(rig, tuple(key.sequence for key in keys))
    asyncio.run(settle_all(rig.desk))
    assert operation_state(stored(rig)) is OperationState.UNKNOWN
    return keys


def seen_again(rig: Rig) -> Operation:
    """The operation after `operations show`."""
    return asyncio.run(operation_story(rig.desk, "op-dead")).operation


def test_an_outcome_that_was_unknown_for_ever_is_told_once_the_chains_know_it(rig: Rig) -> None:
    first, second = unknown(rig, 2)
    rig.world.relay(first)
    found = seen_again(rig)
    # One that is still there may yet be moved by what the run sent.
    fates = {sequence: packet.fate for sequence, packet in newest_results(found).items()}
    assert fates == {first.sequence: Fate.DELIVERED, second.sequence: Fate.UNKNOWN}
    assert operation_state(found) is OperationState.UNKNOWN
    assert [len(attempt.after) for attempt in found.attempts] == [2, 1]
    rig.world.relay(second)
    found = seen_again(rig)
    assert operation_state(found) is OperationState.PARTIAL
    events = history.page(rig.journal.database, 9)
    assert [event.what for event in events].count("attempt_judged") == 3
    # What is known isn't asked again.
    assert len(seen_again(rig).attempts) == 3


def test_what_a_cut_run_sent_may_land_for_a_hundred_blocks_and_is_pending_after_them(rig: Rig) -> None:
    (key,) = unknown(rig)
    rig.clock.step(98 * BLOCK_SECONDS)
    assert operation_state(seen_again(rig)) is OperationState.UNKNOWN
    rig.clock.step(3 * BLOCK_SECONDS)
    found = seen_again(rig)
    assert newest_results(found)[key.sequence].fate is Fate.STILL_PENDING
    assert operation_state(found) is OperationState.CANCELLED


def test_a_chain_that_was_away_at_the_end_of_a_run_leaves_no_doubt_for_ever(rig: Rig) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,), RelayRun("1.10.5", ("hermes",), 0, 1.0, ended=True))
    away = PacketAfter(key.sequence, Fate.UNKNOWN, Doer.UNKNOWN, None, None, None, {})
    rig.journal.finish_attempt("op-dead", 1, [away], (), rig.clock.now())
    rig.journal.cancel("op-dead", rig.clock.now())
    assert operation_state(stored(rig)) is OperationState.UNKNOWN
    rig.beta.down = NodeError("beta-1: no answer")
    assert operation_state(seen_again(rig)) is OperationState.UNKNOWN
    rig.beta.down = None
    assert newest_results(seen_again(rig))[key.sequence].fate is Fate.STILL_PENDING


def test_what_a_cut_run_left_behind_while_a_chain_was_away_is_pending_a_hundred_blocks_after_the_first_look(
    rig: Rig,
) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,), RelayRun("1.10.5", ("hermes",), None, 1.0, ended=False))
    away = PacketAfter(key.sequence, Fate.UNKNOWN, Doer.UNKNOWN, None, None, None, {})
    rig.journal.finish_attempt("op-dead", 1, [away], (), rig.clock.now())
    rig.journal.cancel("op-dead", rig.clock.now())
    for _ in range(2):
        rig.clock.step(40 * BLOCK_SECONDS)
        found = seen_again(rig)
        # Nobody knows at which height the run was cut: the first look that both chains answer stands for it.
        assert (operation_state(found), len(found.attempts)) == (OperationState.UNKNOWN, 2)
    rig.clock.step(70 * BLOCK_SECONDS)
    assert newest_results(seen_again(rig))[key.sequence].fate is Fate.STILL_PENDING


def test_an_operation_that_somebody_works_on_is_left_alone(rig: Rig) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,))

    async def beside_a_living_one() -> None:
        async with rig.relayer.holding([work_lock("op-dead")]):
            await settle_all(rig.desk)

    asyncio.run(beside_a_living_one())
    assert operation_state(stored(rig)) is OperationState.RUNNING


def test_nothing_is_settled_by_a_chain_that_cannot_be_read(rig: Rig) -> None:
    (key,) = rig.stuck()
    left_behind(rig, (key.sequence,))
    rig.beta.down = NodeError("connection refused")
    asyncio.run(settle_all(rig.desk))
    assert operation_state(stored(rig)) is OperationState.RUNNING
