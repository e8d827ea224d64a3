"""What every clear shares: its options, the question before it, the exit code after it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relayclear.cli.asking import agreed
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, say, worst
from relayclear.errors import RelayclearError, UsageError

if TYPE_CHECKING:
    from relayclear.clearing.operation import Operation
    from relayclear.ibc.coin import Coin
    from relayclear.usecases.clear_plan import ClearPlan


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said besides which packets."""

    key_name: str | None
    share_key: bool
    max_fees: tuple[Coin, ...]
    close_channel: str | None
    dry_run: bool
    yes: bool
    max_packets: int


def offer(face: Face, plans: Sequence[ClearPlan], options: Options) -> Exit | None:
    """Show the plan and ask; give back an exit code when it ends there.

    Raises UsageError where nobody can be asked and --yes is missing.
    """
    from relayclear.cli.clear_pages import plan_row, print_plans

    if options.dry_run:
        if face.json:
            face.emit({"dry_run": True, "plans": [plan_row(plan) for plan in plans]})
        else:
            print_plans(face, plans)
        return Exit.DONE
    if options.yes or not any(plan.run for plan in plans):
        return None
    if face.json or not sys.stdin.isatty():
        raise UsageError(
            "clearing spends gas and nobody can be asked here", hint="add --yes, or --dry-run to look first"
        )
    print_plans(face, plans)
    if agreed("Clear?"):
        return None
    say("Nothing was done.")
    return Exit.REFUSED


def exit_of(operation: Operation) -> Exit:
    """The exit code of a finished clear: 3 unknown, 1 partly or not done or surplus packets moved."""
    from relayclear.clearing.operation import OperationState, operation_state

    codes = {
        OperationState.UNKNOWN: Exit.UNREACHABLE,
        OperationState.PARTIAL: Exit.FAILED,
        OperationState.FAILED: Exit.FAILED,
        OperationState.CANCELLED: Exit.INTERRUPTED,
    }
    found = [codes.get(operation_state(operation), Exit.DONE)]
    if any(attempt.extra for attempt in operation.attempts):
        found.append(Exit.FAILED)
    return worst(found)


def exit_of_many(results: Sequence[Operation | RelayclearError]) -> Exit:
    """The worst of several."""
    from relayclear.cli.output import exit_for

    return worst(exit_for(item) if isinstance(item, RelayclearError) else exit_of(item) for item in results)
