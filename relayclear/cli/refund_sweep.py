"""`relayclear refunds sweep`: send what may go, see earlier ones through, say what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.lines import say_trouble
from relayclear.cli.names import coins
from relayclear.cli.output import Exit, exit_for, say, worst
from relayclear.errors import RelayclearError, UsageError
from relayclear.ibc.text import clean

if TYPE_CHECKING:
    from relayclear.ibc.coin import Coin
    from relayclear.store.refunds import Refund
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_dues import OwedRefund
    from relayclear.usecases.refund_send import Swept
    from relayclear.usecases.refund_sweeps import Sweeping

_MOST = 1000
# So much of a refusal's words is kept of a refund that failed.
_KEPT = 300


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line said."""

    chain: str
    limit: int
    most: tuple[Coin, ...]
    yes: bool
    wait: float
    check: bool


def sweep(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="Only this chain.", autocompletion=completion.chains)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Send at most so many.")] = _MOST,
    max_amount: Annotated[
        list[str] | None, typer.Option(metavar="COIN", help="With --yes: above the caps, so much; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Say yes to what is above the caps.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and what waits; send nothing.")
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="For each to stand in a block.")] = 60.0,
    check: Annotated[bool, typer.Option("--check", help="Exit 10 when something is owed still.")] = False,
) -> int:
    """Send what may go: what was approved, and what is within the caps of the config, which is the consent to it."""
    face: Face = ctx.obj
    asked = _Asked(chain, limit, coins(max_amount, "--max-amount"), yes, wait, check)
    if asked.most and not yes:
        raise UsageError("--max-amount says yes to nothing by itself", hint="add --yes")

    async def work(desk: Desk) -> int:
        """Send what may be sent, within what was allowed."""
        if yes and not asked.most:
            raise _without_a_limit(desk, asked)
        return await (_plan(face, desk, asked) if dry_run else _sweep(face, desk, asked))

    return face.run(work)


def _without_a_limit(desk: Desk, asked: _Asked) -> UsageError:
    """Nobody says yes to any amount: the limit that lets all go that waits now is named, where something does."""
    from relayclear.cli.spending import flags
    from relayclear.usecases.refund_sweeps import chains_to_sweep, still_waiting

    needed = _needed(still_waiting(desk, chains_to_sweep(desk, asked.chain)).values())
    return UsageError(
        "--yes sends money above the caps only with --max-amount, the most that may go",
        hint=f"add {flags(needed)}: so much waits for a yes now"
        if needed
        else "relayclear refunds sweep, without --yes: nothing waits for a yes now",
    )


def _needed(waiting: Iterable[list[OwedRefund]]) -> tuple[Coin, ...]:
    """What would have to be allowed for all to go that only the caps keep."""
    from relayclear.cli.spending import together
    from relayclear.usecases.refund_sweeps import allowable

    return together(coin for owed in waiting for coin in allowable(owed))


def _say_too_little(asked: _Asked, left: tuple[Coin, ...]) -> None:
    """A limit that doesn't reach is said as such: what waits then looks like any other refund that does."""
    from relayclear.cli.spending import flags, text_of

    if asked.yes and left:
        say_trouble(
            f"--max-amount {text_of(asked.most)} is too little: {text_of(left)} above the caps waits still", None
        )
        say(f"  for all of it: {flags(left)}")


def _terms(asked: _Asked) -> Sweeping:
    from relayclear.cli.spending import together
    from relayclear.cli.who import who
    from relayclear.usecases.refund_acts import Consent
    from relayclear.usecases.refund_sweeps import Sweeping

    most = {coin.denom: coin.amount for coin in together(asked.most)}
    return Sweeping(Consent(most, who()) if asked.yes else None, asked.limit, asked.wait)


async def _plan(face: Face, desk: Desk, asked: _Asked) -> int:
    from relayclear.cli.refund_pages import print_plan
    from relayclear.cli.refund_rows import plan_row
    from relayclear.cli.spending import together
    from relayclear.usecases.refund_sweeps import chains_to_sweep, plan_sweeps
    from relayclear.usecases.refund_view import views_of

    with face.waiting("asking what was sent, and for a second word"):
        plans = await plan_sweeps(desk, chains_to_sweep(desk, asked.chain), _terms(asked))
    shown = [(plan, views_of(desk, (one.refund for one in plan.refunds))) for plan in plans]
    if face.json:
        face.emit({"dry_run": True, "chains": [plan_row(plan, views) for plan, views in shown]})
    for plan, views in shown if not face.json else ():
        print_plan(face, plan, views)
    if not face.json:
        _say_too_little(asked, together(coin for plan in plans for coin in plan.above_caps))
    unread = [exit_for(plan.obstacle.error) for plan in plans if plan.obstacle is not None and plan.obstacle.error]
    return worst([*unread, _check(desk, asked)])


async def _sweep(face: Face, desk: Desk, asked: _Asked) -> int:
    from dataclasses import replace

    from relayclear.cli.interrupt import Interrupt
    from relayclear.usecases.refund_sweeps import chains_to_sweep, still_waiting, sweep_chains

    def told(refund: Refund) -> None:
        """A line for each refund that has landed."""
        from relayclear.wording.refunding import landed_line

        if not face.json:
            say(landed_line(refund))

    chains = chains_to_sweep(desk, asked.chain)
    with Interrupt() as interrupt:
        terms = replace(_terms(asked), stopped=interrupt.event.is_set, told=told)
        done = await sweep_chains(desk, chains, terms)
        waiting = still_waiting(desk, chains)
        _report(face, desk, done, waiting)
        if not face.json:
            _say_too_little(asked, _needed(waiting.values()))
        codes = [_code(desk, one, waiting[chain]) for chain, one in done.items()]
        stopped = [Exit.INTERRUPTED] if interrupt.event.is_set() else []
        return worst([*stopped, *_checked(codes, _check(desk, asked))])


def _checked(codes: list[Exit], found: Exit) -> list[Exit]:
    """With --check whoever asks wants to know whether something is owed: that it waits for a yes says no more."""
    if found is Exit.FOUND:
        return [found, *(code for code in codes if code is not Exit.REFUSED)]
    return codes


def _check(desk: Desk, asked: _Asked) -> Exit:
    from relayclear.usecases.refund_view import RefundQuestion, view_refunds

    owed = asked.check and view_refunds(desk, RefundQuestion(asked.chain), 1).owed.any
    return Exit.FOUND if owed else Exit.DONE


def _code(desk: Desk, done: Swept | RelayclearError, waiting: list[OwedRefund]) -> Exit:
    """What one chain came to: 3 unreachable or not known yet, 4 something waits for a yes or for money."""
    if isinstance(done, RelayclearError):
        return exit_for(done)
    if done.blocked is not None:
        return exit_for(done.blocked.error) if done.blocked.error is not None else Exit.REFUSED
    if _open(desk, done.chain):
        return Exit.UNREACHABLE
    return Exit.REFUSED if waiting or done.skipped else Exit.DONE


def _open(desk: Desk, chain: str) -> int:
    """How many have a transaction of ours that is in no block yet."""
    from relayclear.usecases.refund_sweeps import open_signings

    return len(open_signings(desk, chain))


def _report(
    face: Face,
    desk: Desk,
    done: Mapping[str, Swept | RelayclearError],
    waiting: Mapping[str, list[OwedRefund]],
) -> None:
    from relayclear.cli.refund_rows import swept_row
    from relayclear.usecases.refund_view import RefundQuestion, view_refunds

    if face.json:
        stops = view_refunds(desk, RefundQuestion(), 1).stops
        rows = [swept_row(chain, one, len(waiting[chain]), stops.get(chain)) for chain, one in done.items()]
        face.emit({"chains": rows})
        return
    for chain, one in done.items():
        if isinstance(one, RelayclearError):
            _say_trouble(chain, one.message, one.hint)
        else:
            _say_swept(desk, one, waiting[chain])


def _say_swept(desk: Desk, one: Swept, waiting: list[OwedRefund]) -> None:
    from relayclear.cli.refund_pages import say_owed
    from relayclear.usecases.refund_view import RefundQuestion, view_refunds
    from relayclear.wording.refunding import failed_line

    typer.echo(f"{one.chain}: {len(one.landed)} paid, {_open(desk, one.chain)} on the way, {len(waiting)} wait")
    for name, failed in one.failed.items():
        say_trouble(failed_line(name, failed), None)
    _say_failed_before(waiting)
    for name, why in one.skipped.items():
        # What the chain refused before it was sent is told once; what keeps it now isn't what it failed of before.
        if name not in one.failed or one.failed[name].why != clean(why, _KEPT):
            say_trouble(f"{name[:8]} was not sent: {why}", None)
    if one.blocked is not None:
        _say_trouble(one.chain, one.blocked.why, one.blocked.hint)
    say_owed(view_refunds(desk, RefundQuestion(one.chain), 1))


def _say_failed_before(waiting: list[OwedRefund]) -> None:
    """A dry run said of these that they go by themselves: why they wait now, and the two ways on."""
    from relayclear.cli.refund_pages import say_steps
    from relayclear.money.policy import Gate
    from relayclear.wording.refunding import gates_line, ways_on

    for one in waiting:
        if Gate.FAILED_BEFORE in one.gates:
            say_trouble(f"refund {one.id[:8]} waits for you: {gates_line(one.gates)}", None)
            say_steps(ways_on(one.id, one.chain))


def _say_trouble(chain: str, message: str, hint: str | None) -> None:
    say_trouble(f"{chain}: {message.removeprefix(f'{chain}: ')}", hint)
