"""Operations whose process was killed: told as they stand once nobody works on them, never before."""

from __future__ import annotations

import asyncio

from relayclear.clearing.operation import (
    Attempt,
    Operation,
    OperationState,
    PacketBefore,
    newest_results,
    operation_state,
)
from relayclear.errors import NodeError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import RelayEvent, RelayRun, work_lock
from relayclear.ibc.triage import PacketClass
from relayclear.usecases.scan import scan
from relayclear.usecases.settle import settle_all
from tests.fakes.rig import Rig


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
