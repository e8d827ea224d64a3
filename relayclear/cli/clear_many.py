"""`relayclear clear --filter`: many channels at once, one result each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from relayclear.clearing.operation import OperationState
from relayclear.cli.clear_offer import Options, exit_of_many, offer
from relayclear.cli.clear_pages import print_operation, watcher
from relayclear.cli.face import Face
from relayclear.cli.interrupt import Interrupt
from relayclear.cli.output import Exit, error_row, exit_for, say, worst
from relayclear.cli.rows import end_row, key_row, operation_row
from relayclear.errors import RelayclearError, UsageError
from relayclear.ibc.filter import Filter
from relayclear.usecases.clear import run_many
from relayclear.usecases.clear_many import ManyPlans, ManyRequest, plan_many
from relayclear.usecases.clear_plan import paying_chains

if TYPE_CHECKING:
    from relayclear.clearing.operation import Operation
    from relayclear.usecases.desk import Desk


def clear_many(face: Face, filter_text: str, options: Options) -> int:
    """Plan, ask once, run the pool, report each channel."""
    try:
        parsed = Filter.parse(filter_text)
    except ValueError as error:
        raise UsageError(str(error), hint="relayclear packets list --filter 'class:stuck age:>1h'") from error
    if not parsed.terms:
        raise UsageError("--filter is empty: it would clear everything", hint="--filter 'class:timed_out'")
    alone = face.json or not sys.stdin.isatty()
    if alone and not options.dry_run and not options.max_fees:
        raise UsageError("a clear of many channels without a terminal needs --max-fee", hint="--max-fee 20000stake")
    request = ManyRequest(parsed, options.max_packets, options.key_name, options.share_key, options.max_fees)

    async def work(desk: Desk) -> int:
        """Plan all channels, ask once, run what may run, tell each."""
        with face.waiting("reading the chains"):
            many = await plan_many(desk, request, face.progress())
        if many.nothing_to_do and not (options.dry_run and face.json):
            return _nothing_to_do(face)
        _say_left_out(face, many)
        if alone and not options.dry_run:
            _refuse_uncapped(many)
        code = offer(face, many.plans, options)
        if code is not None:
            return worst([code, *_planning_codes(many)])
        with Interrupt() as interrupt:
            results = await run_many(desk, many.plans, watcher(face, interrupt, many.plans))
            _report(face, many, results)
            codes = [exit_of_many(results), *_planning_codes(many)]
            return worst([*codes, *([Exit.INTERRUPTED] if interrupt.event.is_set() else [])])

    return face.run(work)


def _nothing_to_do(face: Face) -> Exit:
    if face.json:
        state = OperationState.NOTHING_TO_DO.value
        face.emit({"state": state, "operations": [], "failures": [], "left_out": []})
    else:
        say("Nothing to do: no packet fits the filter.")
    return Exit.DONE


def _refuse_uncapped(many: ManyPlans) -> None:
    """Nobody watches: every chain that pays needs a cap of its own."""
    capped = {cap.chain for plan in many.plans for cap in plan.caps}
    for plan in many.plans:
        for terms in plan.gas:
            if terms.chain in paying_chains(plan) - capped:
                worst_fee = terms.worst_fee
                raise UsageError(f"no --max-fee for {terms.chain}", hint=f"add --max-fee {worst_fee}, or less")


def _planning_codes(many: ManyPlans) -> list[Exit]:
    unread = [] if many.listing.reading.complete else [Exit.UNREACHABLE]
    return [*unread, *(exit_for(error) for error in many.failures.values())]


def _say_left_out(face: Face, many: ManyPlans) -> None:
    if face.json:
        return
    for key, why in many.left_out:
        say(f"left out {key}: {why}")
    for end, error in many.failures.items():
        say(f"left out {end}: {error.message}")


def _report(face: Face, many: ManyPlans, results: list[Operation | RelayclearError]) -> None:
    if not face.json:
        for plan, item in zip(many.plans, results, strict=True):
            if isinstance(item, RelayclearError):
                say(f"{plan.path.source}: {item.message}")
            else:
                print_operation(face, item)
        return
    failed = [(plan.path.source, item) for plan, item in zip(many.plans, results, strict=True)]
    errors = [(end, item) for end, item in failed if isinstance(item, RelayclearError)]
    face.emit(
        {
            "operations": [operation_row(item) for item in results if not isinstance(item, RelayclearError)],
            "failures": [
                {**end_row(end), "error": error_row(error)} for end, error in [*errors, *many.failures.items()]
            ],
            "left_out": [{**key_row(key), "reason": why} for key, why in many.left_out],
        }
    )
