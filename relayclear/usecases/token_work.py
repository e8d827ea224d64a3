"""What a paid token's task does: look, clear what still waits, judge, until every packet has its final word.

Every step begins from the facts in the store, never from what a process remembers, so that any
process may go on where another one was killed.  A step has one effect outside, the run of Hermes;
its intent is committed before and its result after it, and what it did is judged in a step of its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from secrets import token_hex

from relayclear.clearing.breaker import LONG_PROBE, BreakerView, path_name
from relayclear.clearing.operation import Operation, PacketAfter, surplus
from relayclear.engine.verdicts import Again, Dead, Done, Failed, Policy, Verdict
from relayclear.errors import HeldError, NodeError, RelayclearError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import PacketKey, RelayPath
from relayclear.ibc.relayer import work_lock
from relayclear.ibc.text import clean
from relayclear.store import dues, history, operations, sales
from relayclear.store.db import RuleBrokenError, Transaction
from relayclear.store.tasks import Task
from relayclear.usecases.breakers_stop import seconds_to, stopped_chain, stopped_path
from relayclear.usecases.clear import explained
from relayclear.usecases.desk import Desk
from relayclear.usecases.paid import PAID_TASK
from relayclear.usecases.proof import ended_by_itself, judge
from relayclear.usecases.relay_costs import read_costs
from relayclear.usecases.retrying import SOON_AGAIN, soon_then_every
from relayclear.usecases.token_attempt import attempt
from relayclear.usecases.token_bench import Bench
from relayclear.usecases.token_order import THEN_EVERY, Order, pause_after, read_order, tries
from relayclear.usecases.token_verdicts import Look, await_person, freeze, look, write_verdicts
from relayclear.usecases.topology import load_network

# Hermes' own words for a batch that it didn't send (ibc-relayer 0.29, error.rs).
_ABOVE_MAX_GAS = "exceeds the maximum configured"
SOON = 2.0
UNREADABLE = 10.0
# A run of Hermes may take its own five minutes, and reading both chains some more.
POLICY = Policy(soon_then_every(THEN_EVERY), limit_seconds=900.0)


def take_up(bench: Bench) -> None:
    """Let an engine carry out the work of paid tokens."""

    async def handler(task: Task) -> Verdict:
        """One step."""
        return await work(bench, task)

    bench.engine.on(PAID_TASK, handler, POLICY)


async def work(bench: Bench, task: Task) -> Verdict:
    """One step of a paid token's work.

    | attempt not judged | price | deadline | packets | what happens |
    |---|---|---|---|---|
    | - | - | - | a chain's breaker is open | it waits, which is no try |
    | yes | - | - | - | it is judged, once nobody works on it any more |
    | no | not covered | - | - | nothing: a late payment isn't honoured |
    | no | covered | - | all have their final word | the work ends |
    | no | covered | passed | some have none | looked at again every five minutes |
    | no | covered | ahead | some wait for a relayer | a run of Hermes, or the wait for the next one |
    """
    order = read_order(bench.desk, task.data["order_id"])
    if order is None or (order.sale is not None and order.sale.ended_at is not None):
        return Done()
    waits = _stopped(bench.desk, order)
    if waits is not None:
        return _wait(bench.desk, waits)
    try:
        return await _step(bench, task, order)
    except RuleBrokenError as error:
        # Somebody was faster, and what is read anew ends otherwise; what goes on being refused is for a person.
        return (Failed if task.tries < len(SOON_AGAIN) else Dead)(clean(error.message, 500))


async def _step(bench: Bench, task: Task, order: Order) -> Verdict:
    # Whatever else is due: what a run did is found out before anything is decided on top of it.
    if order.open_attempt is not None:
        return await _judge_attempt(bench, task, order)
    if order.view.settlement.credited_at is None or _is_void(order):
        return Done()
    path = (await load_network(bench.desk)).path_from(order.source)
    if order.view.operation is None and not order.late:
        return _begin(bench, task, path, order)
    found = await look(bench.desk, path, order)
    if order.late and not _is_honoured(order, found):
        if not found.readable:
            raise _unreadable(found)
        return Done()
    return await _go_on(bench, task, path, order, found)


def _wait(desk: Desk, waits: BreakerView) -> Again:
    return Again(seconds_to(waits, desk.clock.now()), waits.words)


def _stopped(desk: Desk, order: Order) -> BreakerView | None:
    """What keeps the order from being looked at at all."""
    operation = order.view.operation
    chains = [order.source.chain, *([operation.destination.chain] if operation else [])]
    return next((one for chain in chains if (one := stopped_chain(desk, chain)) is not None), None)


def _unreadable(found: Look) -> NodeError:
    """What the engine takes as: not now, and no try."""
    reasons = (packet.reason for packet in found.after.values() if packet.committed is None or packet.received is None)
    return NodeError(next(filter(None, reasons), "a side of the path can't be read"))


def _is_void(order: Order) -> bool:
    """Revoked before its work began: everything goes back."""
    voided = order.view.stored.revocation is not None or order.view.key_revoked
    return voided and (order.sale is None or order.sale.start is None)


def _is_honoured(order: Order, found: Look) -> bool:
    """Whether a late payment counts: every packet still waits, and no other token on them is open or paid."""
    return not order.rivals and all(packet.fate is Fate.STILL_PENDING for packet in found.after.values())


async def _go_on(bench: Bench, task: Task, path: RelayPath, order: Order, found: Look) -> Verdict:
    if order.late:
        return _begin(bench, task, path, order)
    now = bench.desk.clock.now()
    if found.final:
        bench.commit(task, "verdicts", lambda tx: write_verdicts(tx, order, found, now))
        # Anew: the verdicts that were just written may have left nothing to do.
        order = read_order(bench.desk, order.id) or order
    elif found.waits_for_a_person != dues.undecided(bench.desk.journal.database, order.id):
        bench.commit(task, "waiting", lambda tx: await_person(tx, order, found, now))
    if not order.undecided:
        return Done()
    waiting = [
        key.sequence
        for key, verdict in found.verdicts.items()
        # An error that isn't back yet waits like any packet: its acknowledgement still has to be relayed.
        if not verdict.final and found.after[key.sequence].fate in {Fate.STILL_PENDING, Fate.DELIVERED_WITH_ERROR}
    ]
    if not found.readable:
        raise _unreadable(found)
    if found.now > order.deadline or not waiting:
        return Again(_until_next(order, found.now), _why(found))
    left = _pause_left(bench.desk, order)
    if left > 0:
        return Again(min(left, _until_next(order, found.now)), _why_paused(order))
    return await _try(bench, task, path, order, found, waiting)


def _begin(bench: Bench, task: Task, path: RelayPath, order: Order) -> Verdict:
    """Give the token its operation; where a late payment was honoured, freeze what it rests on at once."""
    now = bench.desk.clock.now()
    operation = Operation("op-" + token_hex(5), now, path.source, path.destination, order.sequences)

    def write(tx: Transaction) -> None:
        """The operation and what its token rests on, in one commit."""
        if order.view.operation is None:
            operations.add(tx, operation)
            sales.link(tx, order.id, operation.id, order.deadline, now)
            history.add(tx, history.Event(now, "watch", "operation_added", order.id, operation.id))
        if order.late:
            freeze(tx, order, now)

    bench.commit(task, "operation", write)
    return Again(0.0, "just begun")


async def _try(bench: Bench, task: Task, path: RelayPath, order: Order, found: Look, waiting: list[int]) -> Verdict:
    """One run of Hermes for what still waits and isn't another token's."""
    mine = [one for one in waiting if PacketKey(*path.source, one) not in order.elsewhere]
    if not mine:
        return Again(_until_next(order, found.now, 60.0), "another paid token is at work on its packets")

    name = path_name(path.source)
    waits = stopped_path(bench.desk, path)
    if waits is not None:
        return _wait(bench.desk, waits)

    def start(tx: Transaction) -> None:
        """What the first attempt begins with: the allocation, frozen."""
        if order.sale is None or order.sale.start is None:
            freeze(tx, order, bench.desk.clock.now())

    try:
        # Half-open, one run goes as the probe; whoever comes second waits for what it finds.
        if not bench.desk.breakers.enter(name, LONG_PROBE):
            return Again(UNREADABLE, f"{name} is being probed")
        return await attempt(bench, task, order, mine, start)
    except HeldError as error:
        return Again(SOON, error.message)
    except RelayclearError as error:
        if error.retryable or isinstance(error, RuleBrokenError):
            raise
        # Nothing was started: what stands in the way may go, until the deadline.
        return Again(_until_next(order, found.now, 60.0), error.message)
    finally:
        bench.desk.breakers.let_go(name)


async def _judge_attempt(bench: Bench, task: Task, order: Order) -> Verdict:
    """Find out what a run did, whether its process told or vanished, once no Hermes of it lives."""
    under_way, operation = order.open_attempt, order.operation
    if under_way is None:
        return Again(0.0, "judged already")
    path = (await load_network(bench.desk)).path_from(operation.source)
    relayer = bench.desk.instance_for(path).relayer
    ended = under_way.run is not None and ended_by_itself(under_way.run)
    try:
        # Ours only when the run's Hermes is gone: as long as that lives it holds what it inherited.
        async with relayer.holding([work_lock(operation.id)]):
            after = await judge(bench.desk, path, under_way.before, ended=ended, patient=True)
    except HeldError as error:
        return Again(SOON, error.message)
    if any(packet.committed is None or packet.received is None for packet in after):
        # Half a judgement is none: the attempt stays open, and being unreadable counts as no try.
        raise NodeError(after[0].reason or "a side of the path can't be read")
    extra = surplus(operation.source, under_way)
    told = [_too_dear(explained(packet, under_way.run)) for packet in after]
    now = bench.desk.clock.now()
    fates = {str(packet.sequence): packet.fate.value for packet in told}

    def write(tx: Transaction) -> None:
        """The judgement and its entry in the history, in one commit."""
        operations.finish(tx, operation.id, under_way.number, told, extra, now)
        detail = {"attempt": under_way.number, "fates": fates}
        history.add(tx, history.Event(now, "watch", "attempt_judged", order.id, operation.id, detail=detail))

    bench.commit(task, "judgement", write)
    await read_costs(bench.desk)
    return Again(0.0, "verified")


def _too_dear(packet: PacketAfter) -> PacketAfter:
    """Name the guard where it was what kept Hermes from sending: simulated gas above what we allow."""
    if packet.reason is None or _ABOVE_MAX_GAS not in packet.reason:
        return packet
    return replace(packet, reason=f"too_dear: {packet.reason}")


def _pause_left(desk: Desk, order: Order) -> float:
    """Seconds until the next try; never more than the pause itself, wherever the wall clock went."""
    attempts = order.operation.attempts
    if not attempts or attempts[-1].ended_at is None:
        return 0.0
    pause = pause_after(tries(order.operation, order.retried_at))
    last = attempts[-1].run
    if last is not None and not last.argv:
        pause = max(pause, UNREADABLE)  # Hermes couldn't be started: that is no try, and no reason to hurry
    since = (desk.clock.now() - attempts[-1].ended_at).total_seconds()
    return pause - since if since >= 0 else pause


def _until_next(order: Order, now: datetime, most: float = THEN_EVERY) -> float:
    """Seconds to wait before looking again: up to the deadline, and beyond it as long as it takes."""
    left = (order.deadline - now).total_seconds()
    return min(most, max(left, 0.0) + 1.0) if left > -1 else most


def _why(found: Look) -> str:
    open_ones = [(key, verdict) for key, verdict in found.verdicts.items() if not verdict.final]
    if not open_ones:
        return "looked at"
    key, verdict = open_ones[0]
    return f"#{key.sequence} {verdict.reason.value}" + (f" and {len(open_ones) - 1} more" if open_ones[1:] else "")


def _why_paused(order: Order) -> str:
    last = order.operation.attempts[-1]
    reasons = [packet.reason for packet in last.after if packet.reason]
    return reasons[0] if reasons else "still pending"
