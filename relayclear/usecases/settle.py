"""Operations whose process died half-way: find out what became of them, once nobody works on them."""

from __future__ import annotations

from contextlib import suppress

from relayclear.clearing.operation import Attempt, Operation, surplus
from relayclear.errors import RelayclearError
from relayclear.ibc.packet import RelayPath
from relayclear.ibc.relayer import work_lock
from relayclear.store import sales
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
