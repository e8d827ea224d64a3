"""Clear what a plan says, one run of Hermes a bite, and judge every packet from both chains."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, surplus
from relayclear.clearing.plan import bites
from relayclear.errors import RelayclearError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayEvent, RelayRun, work_lock
from relayclear.usecases import recording
from relayclear.usecases.breakers_stop import heard_run, refuse_stopped_hermes
from relayclear.usecases.clear_plan import ClearPlan
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.proof import ended_by_itself, judge
from relayclear.usecases.relay_costs import mark_after, mark_before, read_costs
from relayclear.usecases.settle import settle_all
from relayclear.usecases.steps import steps_told


@dataclass(frozen=True, slots=True)
class Watcher:
    """What the face wants to hear while a clear runs, how it says stop, and who sits before it."""

    stop: asyncio.Event
    event: Callable[[RelayEvent], None] = lambda _: None
    judged: Callable[[ClearPlan, PacketAfter], None] = lambda _plan, _packet: None
    who: str = "operator"


async def run_clear(desk: Desk, plan: ClearPlan, watcher: Watcher, once: Once = ANEW) -> Operation:
    """Carry out a plan and give back the finished operation.

    Raises HeldError, before anything was started, when another process holds one of the keys, OpenBreakerError
    while Hermes is left alone, and AnsweredError where the same wish made an operation before.  The
    intent is committed before each run, the proof after it.
    """
    operation = Operation(
        "op-" + secrets.token_hex(5), desk.clock.now(), plan.path.source, plan.path.destination, plan.sequences
    )
    if plan.run:
        refuse_stopped_hermes(desk, plan.path.source)
    await settle_all(desk)
    async with AsyncExitStack() as stack:
        if plan.run:
            await stack.enter_async_context(plan.instance.relayer.holding([*plan.keys, work_lock(operation.id)]))
        recording.add_operation(desk, operation, watcher.who, once)
        await _settle_idle(desk, plan, operation, watcher)
        for bite in bites(plan.run):
            if watcher.stop.is_set() or _stored(desk, operation.id).cancelled_at is not None:
                break
            try:
                left = await _still_there(desk, plan, bite)
            except RelayclearError:
                # Nothing of this bite was started; what earlier ones did is told.
                recording.call_off(desk, operation, recording.RULES, "the source can't be read")
                if not _stored(desk, operation.id).attempts:
                    raise
                break
            await _attempt(desk, plan, operation, bite, left, watcher)
        if watcher.stop.is_set():
            recording.call_off(desk, operation, watcher.who, "stopped")
    # An index that lags is asked again by a later pass: what it cost never keeps a clear from ending.
    await read_costs(desk)
    return _stored(desk, operation.id)


async def run_many(desk: Desk, plans: Sequence[ClearPlan], watcher: Watcher) -> list[Operation | RelayclearError]:
    """Carry out several plans at once; two that share a (chain, key) go one after the other."""
    locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def one(plan: ClearPlan) -> Operation | RelayclearError:
        """Carry out one plan once nobody else signs with its keys; an error is its result."""
        async with AsyncExitStack() as stack:
            # Sorted, so that two plans never wait for each other.
            for pair in sorted({(key.chain, key.name) for key in plan.keys}):
                await stack.enter_async_context(locks.setdefault(pair, asyncio.Lock()))
            try:
                return await run_clear(desk, plan, watcher)
            except RelayclearError as error:
                return error

    return list(await asyncio.gather(*(one(plan) for plan in plans)))


async def _settle_idle(desk: Desk, plan: ClearPlan, operation: Operation, watcher: Watcher) -> None:
    """Judge what no run will touch: packets already gone, and those left out."""
    idle = [plan.before[sequence] for sequence in (*plan.gone, *(left.sequence for left in plan.left_out))]
    if not idle:
        return
    attempt = Attempt(1, desk.clock.now(), tuple(idle))
    recording.start_attempt(desk, operation, attempt, watcher.who)
    why = {left.sequence: left.why for left in plan.left_out}
    after = await judge(desk, plan.path, idle, ended=True, patient=False, keys=plan.keys)
    _finish(desk, plan, operation, attempt, [replace(p, reason=why.get(p.sequence, p.reason)) for p in after], watcher)


async def _attempt(
    desk: Desk, plan: ClearPlan, operation: Operation, bite: SequenceRanges, left: SequenceRanges, watcher: Watcher
) -> None:
    number = len(_stored(desk, operation.id).attempts) + 1
    attempt = Attempt(number, desk.clock.now(), tuple(plan.before[sequence] for sequence in bite))
    recording.start_attempt(desk, operation, attempt, watcher.who)
    if left:
        await mark_before(desk, operation.id, number, plan.keys)
        attempt = replace(attempt, run=await _run(desk, plan, operation.id, left, watcher))
    if attempt.run is not None:
        if not watcher.stop.is_set():
            heard_run(desk, plan.path.source, attempt.run)
        desk.journal.record_run(operation.id, number, attempt.run)
        await mark_after(desk, operation.id, number, plan.keys, attempt.run)
    ended = attempt.run is None or ended_by_itself(attempt.run)
    after = await judge(desk, plan.path, attempt.before, ended=ended, patient=True, keys=plan.keys)
    _finish(desk, plan, operation, attempt, [explained(packet, attempt.run) for packet in after], watcher)


async def _still_there(desk: Desk, plan: ClearPlan, bite: SequenceRanges) -> SequenceRanges:
    """Look once more inside the lock: the plan may have waited minutes for a yes.

    Raises UnreachableError, before anything was started, where the source can't be read.
    """
    found = await desk.chains[plan.path.source.chain].committed(plan.path.source, list(bite))
    return SequenceRanges.of(found.by_sequence)


async def _run(desk: Desk, plan: ClearPlan, operation_id: str, sequences: SequenceRanges, watcher: Watcher) -> RelayRun:
    keys = {key.chain: key.name for key in plan.keys}
    locks = (work_lock(operation_id),)
    job = ClearJob(plan.path.source, plan.path.destination, sequences, keys, plan.caps, locks=locks)
    async with _stopping(plan, watcher):
        try:
            with steps_told(desk, operation_id, plan.path.source, watcher.event) as heard:
                return await plan.instance.relayer.clear(job, heard)
        except RelayclearError as error:
            # It never started: nothing can have happened, and the chains will say so.
            return RelayRun(plan.version or "", (), 127, 0.0, ended=True, complaints=(error.message,))


@asynccontextmanager
async def _stopping(plan: ClearPlan, watcher: Watcher) -> AsyncIterator[None]:
    """End the run under way when the face says stop."""

    async def wait() -> None:
        """Pass the wish to stop on to Hermes."""
        await watcher.stop.wait()
        plan.instance.relayer.stop()

    task = asyncio.create_task(wait())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _finish(
    desk: Desk, plan: ClearPlan, operation: Operation, attempt: Attempt, after: Sequence[PacketAfter], watcher: Watcher
) -> None:
    extra = surplus(plan.path.source, attempt)
    recording.finish_attempt(desk, operation.id, attempt.number, tuple(after), extra)
    for packet in after:
        watcher.judged(plan, packet)


def _stored(desk: Desk, operation_id: str) -> Operation:
    operation = desk.journal.operation(operation_id)
    if operation is None:
        raise RelayclearError(f"operation {operation_id} is gone from the database", hint="relayclear db check")
    return operation


def explained(packet: PacketAfter, run: RelayRun | None) -> PacketAfter:
    """Say why a packet is still pending, or not acknowledged: by the run's own last complaint."""
    half_done = packet.fate is Fate.DELIVERED and packet.committed
    if not (packet.fate is Fate.STILL_PENDING or half_done) or packet.reason or run is None:
        return packet
    word = run.complaints[-1] if run.complaints else "Hermes said success and did nothing"
    return replace(packet, reason=word)


def unfinished(operation: Operation) -> list[int]:
    """Sequences of an operation that nothing has been found out about."""
    judged = {packet.sequence for attempt in operation.attempts for packet in attempt.after}
    return [sequence for sequence in operation.sequences if sequence not in judged]
