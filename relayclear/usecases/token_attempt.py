"""One run of Hermes for a paid token: its exact packets, its own keys, and no dearer than the guard allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from math import ceil

from relayclear.clearing.operation import Attempt, Operation
from relayclear.clearing.plan import BITE
from relayclear.engine.verdicts import Again, Verdict
from relayclear.errors import ConfigError, RefusedError, RelayclearError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, FeeCap, RelayRun, work_lock
from relayclear.money.fees import GasEstimate
from relayclear.store import history, operations, relay_costs
from relayclear.store.db import Transaction
from relayclear.store.tasks import Task
from relayclear.usecases.breakers_stop import heard_run
from relayclear.usecases.clear_plan import ClearPlan, ClearRequest, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.quote_price import estimates
from relayclear.usecases.relay_costs import mark_after, mark_before
from relayclear.usecases.selling import refuse_shared_accounts
from relayclear.usecases.steps import steps_told
from relayclear.usecases.token_bench import Bench
from relayclear.usecases.token_order import Order

_NEVER_STARTED = 127


async def attempt(
    bench: Bench, task: Task, order: Order, sequences: Sequence[int], start: Callable[[Transaction], None]
) -> Verdict:
    """Run Hermes once for these packets, at most a bite of them; `start` writes what the first attempt begins with.

    Raises, before anything was started: HeldError while somebody else signs with the keys, RefusedError
    and UnreachableError with what stands in the way.
    """
    desk, operation = bench.desk, order.operation
    plan = await plan_work(desk, order, sequences[:BITE])
    if not plan.run:
        return Again(0.0, "gone meanwhile")
    async with plan.instance.relayer.holding([*plan.keys, work_lock(operation.id)]):
        source = plan.path.source
        # Once more under the locks: while we planned and waited, another relayer may have been faster.
        still = await desk.chains[source.chain].committed(source, list(plan.run))
        left = SequenceRanges.of(still.by_sequence)
        if not left:
            return Again(0.0, "gone meanwhile")
        number = len(operation.attempts) + 1
        begun = Attempt(number, desk.clock.now(), tuple(plan.before[one] for one in left))

        def write(tx: Transaction) -> None:
            """Commit the intent: from here on a run may have happened, whatever becomes of this process."""
            start(tx)
            operations.start(tx, operation.id, begun)
            detail = {"attempt": number, "packets": str(left), "channel": str(source)}
            history.add(tx, history.Event(begun.started_at, "watch", "attempt", order.id, operation.id, detail=detail))

        bench.commit(task, "attempt", write)
        await _run(bench, plan, operation, number, left)
    return Again(0.0, "Hermes has ended")


async def plan_work(desk: Desk, order: Order, sequences: Sequence[int]) -> ClearPlan:
    """Plan a run for a paid token, with the caps of its guard.

    Raises as `plan_clear` does, and ConfigError where accounts aren't apart.
    """
    if desk.shop is None:
        raise ConfigError(
            "nothing is sold here any more: the config has no payee",
            hint='set [chains."CHAIN"] payee again (relayclear config path says where)',
        )
    plan = await plan_clear(desk, ClearRequest(order.source, SequenceRanges.of(sequences)))
    ends = {plan.path.source.chain, plan.path.destination.chain}
    refuse_shared_accounts(desk, desk.shop, frozenset(ends), order.view.token.quote.chain)
    return replace(plan, caps=_caps(desk, order, plan)) if plan.run else plan


def _caps(desk: Desk, order: Order, plan: ClearPlan) -> tuple[FeeCap, ...]:
    """The most that this run's transactions may cost on each chain.

    The budget of the whole order is the usual gas times the guard, at the chain's own price; what earlier
    attempts paid counts against it.  Raises RefusedError (`too_dear`) where nothing is left.
    """
    if desk.shop is None:
        return ()
    spent = _spent(order.view.operation, desk)
    guard = Fraction(desk.shop.rules.gas_guard)
    share = Fraction(len(order.sequences), len(plan.run))
    return tuple(
        _cap(found, guard, share, spent.get((found.chain, found.denom), 0))
        for found in estimates(desk, desk.shop.rules, plan)
    )


def _cap(found: GasEstimate, guard: Fraction, share: Fraction, spent: int) -> FeeCap:
    usual = found.units * Fraction(found.price) * guard
    # What this bite usually takes, and never more than earlier attempts left of the whole order's budget.
    left = min(ceil(usual), ceil(usual * share) - spent)
    if left < max(Fraction(1), Fraction(found.price)):
        raise RefusedError(
            f"clearing on {found.chain} has cost {spent} {found.denom} already: more than gas_guard allows",
            code="too_dear",
            hint="raise [sell] gas_guard, then relayclear operations retry ID",
        )
    return FeeCap(found.chain, Coin(found.denom, left))


def _spent(operation: Operation | None, desk: Desk) -> dict[tuple[str, str], int]:
    """What its runs paid, failed transactions too, and what else of ours moved its packets; each transaction once."""
    ours = {
        (tx.chain, tx.hash): tx.fee
        for attempted in (operation.attempts if operation else ())
        if attempted.run is not None
        for packet in attempted.after
        for tx in packet.txs
        if tx.relayer in desk.ours.get(tx.chain, frozenset())
    }
    if operation is not None:
        costs = relay_costs.of_operation(desk.journal.database, operation.id)
        ours |= {(one.run.chain, one.tx_hash): one.fee for one in costs}
    spent: dict[tuple[str, str], int] = {}
    for (chain, _), fee in ours.items():
        for coin in fee:
            spent[chain, coin.denom] = spent.get((chain, coin.denom), 0) + coin.amount
    return spent


async def _run(bench: Bench, plan: ClearPlan, operation: Operation, number: int, left: SequenceRanges) -> None:
    """Let Hermes run and keep what it said, also when we are told to stop meanwhile: then it is ended first."""
    keys = {key.chain: key.name for key in plan.keys}
    job = ClearJob(plan.path.source, plan.path.destination, left, keys, plan.caps, locks=(work_lock(operation.id),))
    await mark_before(bench.desk, operation.id, number, plan.keys)
    started = bench.desk.clock.boot()[1]
    bench.reached("before run")
    try:
        with steps_told(bench.desk, operation.id, plan.path.source, bench.heard) as heard:
            run = await plan.instance.relayer.clear(job, heard)
    except asyncio.CancelledError:
        seconds = bench.desk.clock.boot()[1] - started
        # Only what was there to be told: whether it sent anything, the chains will say.
        cut = RelayRun(plan.version or "", (), None, seconds, ended=False, complaints=("interrupted: we were stopped",))
        # Nothing hangs on it: an attempt without a row of its run is judged with more doubt, not less.
        with suppress(RelayclearError):
            bench.desk.journal.record_run(operation.id, number, cut)
        raise
    except RelayclearError as error:
        run = RelayRun(plan.version or "", (), _NEVER_STARTED, 0.0, ended=True, complaints=(error.message,))
    heard_run(bench.desk, plan.path.source, run)
    bench.reached("after run")
    bench.reached("before record")
    bench.desk.journal.record_run(operation.id, number, run)
    bench.reached("after record")
    await mark_after(bench.desk, operation.id, number, plan.keys, run)
