"""Running a clear: the intent first, exact sequences, and only the chains say what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from relayclear.clearing.operation import Operation, OperationState, PacketAfter, operation_state
from relayclear.cli.clear_offer import exit_of, exit_of_many
from relayclear.cli.output import Exit
from relayclear.errors import HeldError, NodeError, RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.relayer import ClearJob, RelayEvent, RelayRun
from relayclear.ibc.triage import PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.clear import Watcher, run_clear, run_many, unfinished
from relayclear.usecases.clear_plan import ClearPlan, ClearRequest, plan_clear
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress, Scenario
from tests.fakes.rig import Rig


async def planned(rig: Rig, text: str, source: ChannelEnd | None = None, **wanted: Any) -> ClearPlan:
    request = ClearRequest(source or rig.source, SequenceRanges.parse(text), **wanted)
    return await plan_clear(rig.desk, request)


def clear(rig: Rig, text: str, *scenarios: Scenario, **wanted: Any) -> Operation:
    if scenarios:
        rig.relayer.scenarios = list(scenarios)

    async def work() -> Operation:
        return await run_clear(rig.desk, await planned(rig, text, **wanted), Watcher(asyncio.Event()))

    return asyncio.run(work())


def results(operation: Operation) -> dict[int, PacketAfter]:
    return {packet.sequence: packet for attempt in operation.attempts for packet in attempt.after}


def outcome(operation: Operation) -> tuple[OperationState, dict[int, tuple[Fate, Doer]], Exit]:
    found = {sequence: (packet.fate, packet.by) for sequence, packet in results(operation).items()}
    return operation_state(operation), found, exit_of(operation)


def test_clearing_the_second_of_three_leaves_the_first_and_the_third(rig: Rig) -> None:
    rig.stuck(count=3)
    operation = clear(rig, "2")
    assert outcome(operation) == (OperationState.CLEARED, {2: (Fate.DELIVERED, Doer.US)}, Exit.DONE)
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["2"]
    assert rig.pending() == [1, 3]
    (packet,) = results(operation).values()
    assert (packet.committed, packet.received, packet.ack_success) == (False, True, True)
    assert [tx.step.value for tx in packet.txs] == ["recv", "ack"]


def test_keys_and_fee_caps_reach_the_relayer(rig: Rig) -> None:
    rig.stuck()
    clear(rig, "1", max_fees=(Coin("stake", 900),))
    (job,) = rig.relayer.jobs
    assert job.keys == {"alpha-1": "clearing", "beta-1": "clearing"}
    assert [(cap.chain, cap.fee.amount) for cap in job.fee_caps] == [("alpha-1", 900)]


def test_the_intent_stands_in_the_journal_before_hermes_starts(rig: Rig) -> None:
    rig.stuck()
    seen: list[Operation] = []

    async def looks(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        seen.extend(rig.journal.operations(10))
        return await hermes.does_the_job(relayer, job, progress)

    clear(rig, "1", looks)
    (operation,) = seen
    assert operation_state(operation) is OperationState.RUNNING
    assert [packet.sequence for packet in operation.attempts[0].before] == [1]


def test_a_crash_of_ours_leaves_the_attempt_to_be_looked_at(rig: Rig) -> None:
    rig.stuck()
    with pytest.raises(ZeroDivisionError):
        clear(rig, "1", hermes.crashes)
    (operation,) = rig.journal.unfinished()
    assert operation_state(operation) is OperationState.RUNNING
    assert unfinished(operation) == [1]
    assert rig.relayer.held == {}


def test_a_hermes_that_cannot_start_leaves_an_attempt_with_the_reason(rig: Rig) -> None:
    rig.stuck()
    operation = clear(rig, "1", hermes.cannot_start)
    assert outcome(operation) == (OperationState.FAILED, {1: (Fate.STILL_PENDING, Doer.UNKNOWN)}, Exit.FAILED)
    assert results(operation)[1].reason == "there is no program 'hermes'"
    run = operation.attempts[0].run
    assert run is not None
    assert run.exit_code == 127


def test_a_hermes_that_says_success_and_did_nothing_is_not_believed(rig: Rig) -> None:
    rig.stuck()
    operation = clear(rig, "1", hermes.does_nothing_and_says_success)
    assert outcome(operation) == (OperationState.FAILED, {1: (Fate.STILL_PENDING, Doer.UNKNOWN)}, Exit.FAILED)
    assert results(operation)[1].reason == "Hermes said success and did nothing"


def test_half_a_job_is_partial(rig: Rig) -> None:
    rig.stuck(count=2)
    state, fates, code = outcome(clear(rig, "1,2", hermes.does_the_first_only))
    assert (state, code) == (OperationState.PARTIAL, Exit.FAILED)
    assert {sequence: fate for sequence, (fate, _) in fates.items()} == {1: Fate.DELIVERED, 2: Fate.STILL_PENDING}


def test_a_run_killed_half_way_makes_what_is_pending_unknown(rig: Rig) -> None:
    rig.stuck(count=2)
    operation = clear(rig, "1,2", hermes.is_killed_half_way)
    state, fates, code = outcome(operation)
    assert (state, code) == (OperationState.UNKNOWN, Exit.UNREACHABLE)
    assert {sequence: fate for sequence, (fate, _) in fates.items()} == {1: Fate.DELIVERED, 2: Fate.UNKNOWN}
    assert "may still land" in (results(operation)[2].reason or "")


def test_a_rival_that_was_faster_is_named_as_another(rig: Rig) -> None:
    rig.stuck()
    operation = clear(rig, "1", hermes.a_rival_wins)
    assert outcome(operation) == (OperationState.CLEARED, {1: (Fate.DELIVERED, Doer.OTHER)}, Exit.DONE)


def test_a_surplus_packet_is_reported_and_makes_the_exit_code_one(rig: Rig) -> None:
    rig.stuck(count=2)
    operation = clear(rig, "1", hermes.touches_the_next_one_too)
    assert operation.attempts[0].extra == (PacketKey(*rig.source, 2),)
    assert outcome(operation) == (OperationState.CLEARED, {1: (Fate.DELIVERED, Doer.US)}, Exit.FAILED)


def test_a_timed_out_packet_returns_to_its_sender(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=60)
    rig.clock.step(600)
    assert outcome(clear(rig, "1"))[1] == {1: (Fate.RETURNED_TO_SENDER, Doer.US)}


def test_an_error_acknowledgement_is_a_delivery_with_error(rig: Rig) -> None:
    rig.stuck(receiver="nobody")
    operation = clear(rig, "1")
    assert outcome(operation)[1][1][0] is Fate.DELIVERED_WITH_ERROR
    assert results(operation)[1].ack_success is False


def test_a_missing_acknowledgement_brought_back_is_acknowledged(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.deliver(key)
    operation = clear(rig, "1")
    assert outcome(operation)[1] == {1: (Fate.ACKNOWLEDGED, Doer.US)}
    assert operation.attempts[0].before[0].packet_class is PacketClass.ACK_MISSING


def test_delivered_with_its_acknowledgement_open_counts_as_cleared(rig: Rig) -> None:
    rig.stuck(memo=HOLD_MEMO)
    assert outcome(clear(rig, "1")) == (
        OperationState.CLEARED,
        {1: (Fate.DELIVERED_ACK_OPEN, Doer.US)},
        Exit.DONE,
    )


def test_what_was_already_gone_is_told_with_fate_and_doer_and_hermes_stays_out(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.relay(key)
    operation = clear(rig, "1")
    assert outcome(operation) == (OperationState.NOTHING_TO_DO, {1: (Fate.DELIVERED, Doer.OTHER)}, Exit.DONE)
    assert rig.relayer.jobs == []


def test_gone_and_left_out_packets_are_judged_beside_the_run(rig: Rig) -> None:
    gone, *_ = rig.stuck(count=3)
    rig.world.relay(gone)
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([3])}, None, None)
    operation = clear(rig, "1..3")
    state, fates, _ = outcome(operation)
    assert state is OperationState.PARTIAL
    assert {sequence: fate for sequence, (fate, _) in fates.items()} == {
        1: Fate.DELIVERED,
        2: Fate.DELIVERED,
        3: Fate.STILL_PENDING,
    }
    assert "excluded" in (results(operation)[3].reason or "")
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["2"]


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_a_chain_that_freezes_during_the_run_makes_the_outcome_unknown(rig: Rig, chain: str) -> None:
    rig.stuck()

    async def freezes(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        run = await hermes.does_the_job(relayer, job, progress)
        rig.chains[chain].down = NodeError("frozen")
        return run

    operation = clear(rig, "1", freezes)
    state, fates, code = outcome(operation)
    assert (state, code, fates[1][0]) == (OperationState.UNKNOWN, Exit.UNREACHABLE, Fate.UNKNOWN)
    assert results(operation)[1].reason == "frozen"


def test_a_node_that_fell_back_behind_the_plan_proves_nothing(rig: Rig) -> None:
    rig.stuck()

    async def falls_back(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        run = await hermes.does_the_job(relayer, job, progress)
        rig.alpha.behind = 100
        return run

    assert outcome(clear(rig, "1", falls_back))[0] is OperationState.UNKNOWN


def test_an_index_that_is_late_is_asked_again_and_one_that_is_off_leaves_the_doer_unknown(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.alpha.index_lag = rig.beta.index_lag = 2
    assert outcome(clear(rig, "1"))[1] == {1: (Fate.DELIVERED, Doer.US)}
    assert rig.clock.slept == [0.1, 0.2]
    rig.alpha.tx_index = rig.beta.tx_index = False
    assert outcome(clear(rig, "2"))[1] == {2: (Fate.DELIVERED, Doer.UNKNOWN)}


def test_a_key_that_another_process_holds_is_not_touched_and_nothing_is_noted(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.held["beta-1", "clearing"] = "process 4711"
    with pytest.raises(HeldError, match="held by process 4711"):
        clear(rig, "1")
    assert rig.relayer.jobs == []
    assert rig.journal.operations(10) == []


def test_progress_is_told_step_by_step_and_packet_by_packet(rig: Rig) -> None:
    rig.stuck()
    heard: list[str] = []

    async def work() -> None:
        watcher = Watcher(
            asyncio.Event(),
            lambda event: heard.append(event.step),
            lambda _, packet: heard.append(packet.fate.value),
        )
        await run_clear(rig.desk, await planned(rig, "1"), watcher)

    asyncio.run(work())
    assert heard == ["recv", "ack", "delivered"]


def test_many_packets_go_in_bites_of_fifty(rig: Rig) -> None:
    rig.stuck(count=60)
    assert operation_state(clear(rig, "1..60")) is OperationState.CLEARED
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["1..50", "51..60"]


def test_a_stop_between_bites_starts_no_further_run(rig: Rig) -> None:
    rig.stuck(count=60)

    async def work() -> Operation:
        stop = asyncio.Event()

        async def stops(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
            run = await hermes.does_the_job(relayer, job, progress)
            stop.set()
            return run

        rig.relayer.scenarios = [stops]
        return await run_clear(rig.desk, await planned(rig, "1..60"), Watcher(stop))

    operation = asyncio.run(work())
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["1..50"]
    assert operation_state(operation) is OperationState.PARTIAL
    assert unfinished(operation) == list(range(51, 61))


def test_a_stop_in_the_middle_of_a_run_ends_it_and_still_looks_at_the_chains(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.scenarios = [hermes.hangs_until_stopped]

    async def work() -> Operation:
        stop = asyncio.Event()

        async def press() -> None:
            await rig.relayer.hanging.wait()
            stop.set()

        operation, _ = await asyncio.gather(run_clear(rig.desk, await planned(rig, "1"), Watcher(stop)), press())
        return operation

    operation = asyncio.run(work())
    assert outcome(operation) == (OperationState.UNKNOWN, {1: (Fate.UNKNOWN, Doer.UNKNOWN)}, Exit.UNREACHABLE)


def test_a_stop_before_the_first_run_cancels(rig: Rig) -> None:
    rig.stuck()

    async def work() -> Operation:
        stop = asyncio.Event()
        stop.set()
        return await run_clear(rig.desk, await planned(rig, "1"), Watcher(stop))

    operation = asyncio.run(work())
    assert (operation_state(operation), exit_of(operation)) == (OperationState.CANCELLED, Exit.INTERRUPTED)
    assert rig.relayer.jobs == []


def many(rig: Rig, *ends: ChannelEnd, keys: Sequence[str | None] = ()) -> list[Operation | RelayclearError]:
    async def work() -> list[Operation | RelayclearError]:
        names = [*keys, *([None] * (len(ends) - len(keys)))]
        plans = [await planned(rig, "1", end, key_name=name) for end, name in zip(ends, names, strict=True)]
        return await run_many(rig.desk, plans, Watcher(asyncio.Event()))

    return asyncio.run(work())


def test_two_plans_that_share_a_key_never_run_at_the_same_time(rig: Rig) -> None:
    other, _ = rig.world.connect("alpha-1", "beta-1")
    backwards = rig.far
    for end in (rig.source, other, backwards):
        rig.stuck(end)
    found = many(rig, rig.source, other, backwards)
    assert all(isinstance(item, Operation) for item in found)
    assert [word for word, _ in rig.relayer.log] == ["start", "end"] * 3


def test_plans_that_share_no_key_run_at_the_same_time(rig: Rig) -> None:
    rig.add_chain("gamma-1", "ugamma")
    rig.add_chain("delta-1", "udelta")
    other, _ = rig.world.connect("gamma-1", "delta-1")
    rig.stuck()
    rig.stuck(other)
    found = many(rig, rig.source, other)
    assert all(isinstance(item, Operation) for item in found)
    assert [word for word, _ in rig.relayer.log] == ["start", "start", "end", "end"]


def test_one_plan_that_cannot_run_does_not_end_the_others(rig: Rig) -> None:
    other, _ = rig.world.connect("alpha-1", "beta-1")
    rig.stuck()
    rig.stuck(other)
    for chain in ("alpha-1", "beta-1"):
        rig.add_key(chain, "spare")
    rig.relayer.held["alpha-1", "spare"] = "process 4711"
    first, second = many(rig, rig.source, other, keys=["spare", None])
    assert isinstance(first, HeldError)
    assert isinstance(second, Operation)
    assert exit_of_many([first, second]) is Exit.HELD
    assert exit_of_many([RefusedError("no"), second]) is Exit.REFUSED
    assert exit_of_many([second]) is Exit.DONE


def test_an_event_of_hermes_moves_no_fate(rig: Rig) -> None:
    rig.stuck()

    async def lies(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
        (key,) = hermes.keys_of(job)
        return hermes.ran(job, [RelayEvent("recv", key), RelayEvent("ack", key)])

    assert outcome(clear(rig, "1", lies))[1] == {1: (Fate.STILL_PENDING, Doer.UNKNOWN)}


def later(rig: Rig, text: str, meanwhile: Callable[[], object]) -> Operation:
    """Plan, let something happen while a person thinks about it, then run."""

    async def work() -> Operation:
        plan = await planned(rig, text)
        meanwhile()
        return await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    return asyncio.run(work())


def test_what_a_rival_cleared_while_a_person_was_asked_is_not_given_to_hermes(rig: Rig) -> None:
    first, _ = rig.stuck(count=2)
    operation = later(rig, "1,2", lambda: rig.world.relay(first))
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["2"]
    assert outcome(operation) == (
        OperationState.CLEARED,
        {1: (Fate.DELIVERED, Doer.OTHER), 2: (Fate.DELIVERED, Doer.US)},
        Exit.DONE,
    )


def test_when_a_rival_cleared_everything_hermes_stays_out(rig: Rig) -> None:
    (key,) = rig.stuck()
    operation = later(rig, "1", lambda: rig.world.relay(key))
    assert rig.relayer.jobs == []
    assert outcome(operation)[1] == {1: (Fate.DELIVERED, Doer.OTHER)}


def test_a_source_that_freezes_before_the_run_starts_nothing(rig: Rig) -> None:
    rig.stuck()

    def freeze() -> None:
        rig.alpha.down = NodeError("frozen")

    with pytest.raises(NodeError, match="frozen"):
        later(rig, "1", freeze)
    assert rig.relayer.jobs == []
    assert rig.journal.unfinished() == []


def test_a_source_that_freezes_between_bites_starts_no_further_run_and_tells_what_the_first_did(rig: Rig) -> None:
    rig.stuck(count=60)
    looks: list[str] = []

    def second_look(what: str) -> None:
        looks.extend([what] if what == "committed" else [])
        # One look before the first run, one to judge it, one before the second run.
        rig.alpha.down = NodeError("frozen") if len(looks) == 3 else None

    rig.alpha.heard = second_look
    operation = clear(rig, "1..60")
    assert [str(job.sequences) for job in rig.relayer.jobs] == ["1..50"]
    assert operation_state(operation) is OperationState.PARTIAL
    assert unfinished(operation) == list(range(51, 61))
    assert rig.journal.unfinished() == []


def test_a_key_named_for_one_clear_counts_as_ours(rig: Rig) -> None:
    rig.stuck()
    desk = rig.desk
    for chain in ("alpha-1", "beta-1"):
        rig.add_key(chain, "spare")

    async def work() -> Operation:
        plan = await plan_clear(desk, ClearRequest(rig.source, SequenceRanges.of([1]), key_name="spare"))
        return await run_clear(desk, plan, Watcher(asyncio.Event()))

    assert outcome(asyncio.run(work()))[1] == {1: (Fate.DELIVERED, Doer.US)}
