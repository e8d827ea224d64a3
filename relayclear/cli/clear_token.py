"""`relayclear clear --token`: the work of one paid token, with its retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from relayclear.cli.clear_again import run_clear_once, show_token
from relayclear.cli.clear_offer import Options, offer
from relayclear.cli.face import Face
from relayclear.cli.interrupt import Interrupt
from relayclear.cli.lines import LiveLine, say_filled
from relayclear.cli.output import Exit, exit_for, say
from relayclear.cli.who import who
from relayclear.ibc.text import clean
from relayclear.money.state import TokenState
from relayclear.usecases.token_clear import (
    Outcome,
    Progress,
    Watching,
    clear_token,
    plan_token,
    require_paid,
    wait_for_payment,
)
from relayclear.usecases.tokens_view import TokenView, view_token
from relayclear.usecases.watching import seller_alive
from relayclear.wording import STEPS, long_age, moment

if TYPE_CHECKING:
    from relayclear.ibc.relayer import RelayEvent
    from relayclear.ports import Clock
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.once import Once


def clear_paid(face: Face, text: str, options: Options, once: Once, *, wait: bool) -> int:
    """The command: `carry_out` over a desk of its own."""
    return run_clear_once(face, lambda desk: carry_out(face, desk, text, options, once, wait=wait))


async def carry_out(face: Face, desk: Desk, text: str, options: Options, once: Once, *, wait: bool) -> int:
    """Wait for the payment where wanted, show the plan, ask, carry it out, say how far it came.

    Raises AnsweredError where the same wish was made before.
    """
    once.begin(desk.journal.database)
    line = face.live_line()
    with Interrupt(line.say) as interrupt:
        watching = Watching(interrupt.event, _teller(face, line, desk.clock), _hearer(face))
        view = view_token(desk, text)
        if wait and not options.dry_run:
            try:
                view = await wait_for_payment(desk, text, watching)
            finally:
                line.clear()
        if interrupt.event.is_set():
            return Exit.INTERRUPTED
        require_paid(view)
        code = await _agreed(face, desk, view, options)
        if code is not None:
            return code
        outcome = await clear_token(desk, view.order_id, who(), watching, once)
        _print(face, desk, outcome)
        return Exit.INTERRUPTED if interrupt.event.is_set() else _exit_of(outcome)


async def _agreed(face: Face, desk: Desk, view: TokenView, options: Options) -> Exit | None:
    """An exit code where it ends before anything is done; a daemon that lives would not ask either."""
    if not options.dry_run and seller_alive(desk):
        if not face.json:
            say("watch is running: it does the work")
        return None
    plan = await plan_token(desk, view)
    if plan is None:
        return Exit.DONE if options.dry_run else None
    return offer(face, [plan], options)


def _exit_of(outcome: Outcome) -> Exit:
    if outcome.is_over:
        return Exit.DONE if outcome.view.state is TokenState.CLEARED else Exit.FAILED
    return exit_for(outcome.trouble) if outcome.trouble is not None else Exit.FAILED


def _print(face: Face, desk: Desk, outcome: Outcome) -> None:
    show_token(face, desk, outcome.view)
    if not face.json and not outcome.is_over:
        why = f": {outcome.trouble.message}" if outcome.trouble else ""
        say_filled(f"The work stays queued{why}. relayclear watch goes on with it, or say this command again.")


def _teller(face: Face, live: LiveLine, clock: Clock) -> Callable[[Progress], None]:
    """Lines on stderr, each once, and under them how long a payment is waited for; silent for --json."""
    told = [""]

    def tell(progress: Progress) -> None:
        """Say how far the work is, unless it was said just before."""
        line = _line(progress)
        if not face.json and _words(line) != _words(told[0]):
            live.say(f"  {line}")
            told[0] = line
        if progress.state is None:
            live.show(f"  {_awaited(progress, clock)}")

    return tell


def _words(line: str) -> str:
    """The line without the seconds that run down."""
    return line.partition(", next in ")[0]


def _awaited(progress: Progress, clock: Clock) -> str:
    """How far payments are read and how long it can be paid, which change all the time."""
    read = "no payment read yet" if progress.read is None else f"payments read through block {progress.read}"
    left = int((progress.ends - clock.now()).total_seconds()) if progress.ends else 0
    return f"{read}; it can be paid for {long_age(left)} more" if left > 0 else f"{read}; the time to pay is over"


def _line(progress: Progress) -> str:
    if progress.state is None:
        return f"waiting for {clean(progress.why or '', 300)}, until {moment(progress.ends)}"
    parts = [progress.state.value]
    if progress.attempt:
        count = f" of {progress.of}" if progress.attempt <= progress.of else ""
        parts.append(f"attempt {progress.attempt}{count}")
    if progress.why:
        parts.append(clean(progress.why, 200))
    if progress.next_in is not None:
        parts.append(f"next in {progress.next_in:.0f} s")
    if progress.ends is not None:
        parts.append(f"until {moment(progress.ends)}")
    return ", ".join(parts)


def _hearer(face: Face) -> Callable[[RelayEvent], None]:
    def hear(step: RelayEvent) -> None:
        """Say one step that Hermes claims."""
        if not face.json:
            say(f"  #{step.key.sequence} {STEPS.get(step.step, step.step)}, says Hermes")

    return hear
