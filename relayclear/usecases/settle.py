"""Operations whose process died half-way: find out what became of them, once nobody works on them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from relayclear.clearing.operation import (
    Attempt,
    Operation,
    OperationState,
    PacketAfter,
    PacketBefore,
    may_still_land,
    operation_state,
    surplus,
    was_cut,
)
from relayclear.errors import RelayclearError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import RelayPath
from relayclear.ibc.relayer import work_lock
from relayclear.store import operations, sales
from relayclear.usecases import recording
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof import ended_by_itself, judge
from relayclear.usecases.topology import load_network


async def settle_all(desk: Desk) -> None:
    """Settle every operation that no living process holds; those of paid tokens are their tasks' own work.

    One that is alive, or whose chains can't be read now, stays as it is: the next call asks again.
    """
    for operation in desk.journal.unfinished():
        if sales.of_operation(desk.journal.database, operation.id) is not None:
            continue
        relayers = [item.relayer for item in desk.instances if operation.source.chain in item.chains]
        with suppress(RelayclearError):
            for relayer in relayers[:1]:
                async with relayer.holding([work_lock(operation.id)]):
                    await _settle(desk, operation.id)


async def _settle(desk: Desk, operation_id: str) -> None:
    # Read again inside the lock: its own process may have finished it a moment ago.
    for operation in desk.journal.unfinished():
        if operation.id == operation_id:
            path = (await load_network(desk)).path_from(operation.source)
            await _settle_one(desk, path, operation)


async def _settle_one(desk: Desk, path: RelayPath, operation: Operation) -> None:
    for attempt in operation.attempts:
        if attempt.ended_at is None and not await settle_attempt(desk, path, operation.id, attempt):
            return
    # What it never got round to won't be done by anybody.
    recording.call_off(desk, operation, recording.RULES, "its process ended")


async def look_again(desk: Desk, operation: Operation) -> None:
    """Ask the chains about the packets of an ended operation whose fate nobody could tell, and keep what they say.

    A packet that is still pending stays unknown as long as what a run sent may land.  Paid tokens' work judges by its
    own rules; one that somebody works on, or whose chains can't be read now, stays as it is.
    """
    sold = sales.of_operation(desk.journal.database, operation.id) is not None
    if sold or operation_state(operation) is not OperationState.UNKNOWN:
        return
    relayers = [item.relayer for item in desk.instances if operation.source.chain in item.chains]
    with suppress(RelayclearError):
        for relayer in relayers[:1]:
            async with relayer.holding([work_lock(operation.id)]):
                path = (await load_network(desk)).path_from(operation.source)
                await _judge_again(desk, path, operation.id)


async def _judge_again(desk: Desk, path: RelayPath, operation_id: str) -> None:
    # Read inside the lock: somebody else may have asked a moment ago.
    (operation,) = operations.load(desk.journal.database, [operation_id])
    held: dict[int, tuple[Attempt, PacketBefore, PacketAfter]] = {}
    for attempt in operation.attempts:
        before = {packet.sequence: packet for packet in attempt.before}
        held |= {after.sequence: (attempt, before[after.sequence], after) for after in attempt.after}
    doubtful = [one for one in held.values() if one[2].fate is Fate.UNKNOWN]
    judged = await judge(desk, path, [before for _, before, _ in doubtful], ended=False, patient=False)
    told = [_pending_or_unknown(attempt, after, now) for (attempt, _, after), now in zip(doubtful, judged, strict=True)]
    news = [
        (before, packet) for (_, before, after), packet in zip(doubtful, told, strict=True) if _is_news(after, packet)
    ]
    if news:
        befores, afters = zip(*news, strict=True)
        recording.add_look(desk, operation, befores, afters)


def _is_news(before: PacketAfter, now: PacketAfter) -> bool:
    """Whether a look found out more: a fate, or for the first time heights that the blocks are counted from."""
    return now.fate is not Fate.UNKNOWN or (was_cut(now) and not was_cut(before))


def _pending_or_unknown(attempt: Attempt, cut: PacketAfter, now: PacketAfter) -> PacketAfter:
    """What is still there after a run that came to its end, or long after one that was cut, won't be moved by it."""
    ended = attempt.run is not None and ended_by_itself(attempt.run)
    if not was_cut(now) or not (ended or (was_cut(cut) and not may_still_land(cut.heights, now.heights))):
        return now
    return replace(now, fate=Fate.STILL_PENDING, reason=None)


async def settle_attempt(desk: Desk, path: RelayPath, operation_id: str, attempt: Attempt) -> bool:
    """Judge an attempt that nobody works on any more, and end it; False where a side can't be read now."""
    # Without a row of the run nobody knows how it ended: what is still pending may yet land.
    ended = attempt.run is not None and ended_by_itself(attempt.run)
    after = await judge(desk, path, attempt.before, ended=ended, patient=False)
    if any(packet.committed is None or packet.received is None for packet in after):
        return False
    # What its run said that it moved is in its row, and stays true though nobody was there to hear the end.
    recording.finish_attempt(desk, operation_id, attempt.number, after, surplus(path.source, attempt))
    return True
