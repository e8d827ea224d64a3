"""`relayclear operations`: what was cleared, when, and the proof."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion, proofs
from relayclear.cli.asking import agreed
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from relayclear.clearing.operation import Operation
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.operations import OperationFilter
    from relayclear.usecases.retrying import Retried

app = typer.Typer(no_args_is_help=True, help="Past clears and their proofs.")


@app.command("list", epilog=examples("operations list"))
def list_(
    ctx: typer.Context,
    *,
    chain: Annotated[
        str | None,
        typer.Option(metavar="CHAIN", help="Only packets sent from this chain.", autocompletion=completion.chains),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(metavar="CHANNEL", help="Only of this channel; with --chain.", autocompletion=completion.channels),
    ] = None,
    port: Annotated[str, typer.Option(metavar="PORT", help="The channel's port.")] = "transfer",
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="cleared, partial, failed, running, …; may be repeated.",
            autocompletion=completion.operation_states,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Only the work of this clearing token.", autocompletion=completion.tokens),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A duration (7d) or a time (2026-12-01T00:00:00Z).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
) -> int:
    """List operations, newest first."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Show one page."""
        from relayclear.cli.operation_pages import list_document, print_list
        from relayclear.usecases.operations import list_operations

        wanted = _filter((chain, port, channel), state or [], token, since, desk.clock.now())
        found = await list_operations(desk, wanted, limit, offset)
        if face.json:
            face.emit(list_document(found))
        else:
            print_list(face, found, filtered=wanted.is_set)
        return Exit.DONE

    return face.run(work)


def _filter(
    where: tuple[str | None, str, str | None], states: list[str], token: str | None, since: str | None, now: datetime
) -> OperationFilter:
    from relayclear.clearing.operation import OperationState
    from relayclear.cli.names import since_moment
    from relayclear.ibc.nearest import did_you_mean, nearest_of
    from relayclear.ibc.packet import ChannelEnd
    from relayclear.usecases.operations import OperationFilter

    chain, port, channel = where
    if channel is not None and chain is None:
        raise UsageError("--channel needs --chain: every chain has a channel of that name", hint="add --chain CHAIN")
    for word in states:
        if word not in set(OperationState):
            raise UsageError(
                f"--state {word!r} is none{did_you_mean(word, OperationState)}",
                hint=f"--state {nearest_of(word, OperationState)}",
            )
    source = ChannelEnd(chain, port, channel) if chain is not None and channel is not None else chain
    return OperationFilter(source, frozenset(map(OperationState, states)), token, since_moment(since, now))


@app.command(epilog=examples("operations show"))
def show(
    ctx: typer.Context,
    operation: Annotated[
        str,
        typer.Argument(metavar="OPERATION", help="Its id, or the start of it.", autocompletion=completion.operations),
    ],
    *,
    output: Annotated[bool, typer.Option("--output", help="With all that Hermes wrote.")] = False,
) -> int:
    """Show one operation: the command that ran, its output, every packet's fate and transactions, and the timeline."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Read its story, and tell it."""
        from relayclear.cli.operation_pages import print_story, story_document
        from relayclear.usecases.operations import operation_story

        story = await operation_story(desk, operation)
        if face.json:
            face.emit(story_document(story, output=output))
        else:
            print_story(face, story, output=output)
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("operations cancel"))
def cancel(
    ctx: typer.Context,
    operation: Annotated[
        str,
        typer.Argument(metavar="OPERATION", help="Its id, or the start of it.", autocompletion=completion.operations),
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the history keeps it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Call an operation off: nothing more is started.  What a token's payer didn't get is owed back."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Call it off, and say what that leaves."""
        from relayclear.cli.rows import operation_row
        from relayclear.cli.who import who
        from relayclear.usecases.operations import cancel_operation, known_operation, token_of

        once = wish(idempotency_key, "operations cancel", operation, reason, told=_told)
        once.begin(desk.journal.database)
        found = known_operation(desk, operation)
        sold = token_of(desk, found) is not None
        if not yes and not _agreed(face, found.id, sold=sold):
            return Exit.REFUSED
        ended = await cancel_operation(desk, found.id, who(), reason, once)
        if face.json:
            face.emit(operation_row(ended))
        else:
            typer.echo(f"{ended.id}: " + ("it ends at its next step" if sold else "called off"))
        return Exit.DONE

    return run_once(face, work, told_again(face, partial(_print_again, face)))


def _told(_: object, operation: Operation) -> dict[str, Any]:
    from relayclear.cli.rows import operation_row

    return operation_row(operation)


async def _print_again(face: Face, desk: Desk, document: Any) -> None:
    from relayclear.cli.operation_pages import print_story
    from relayclear.usecases.operations import operation_story

    print_story(face, await operation_story(desk, document["operation"]), output=False)


def _agreed(face: Face, operation_id: str, *, sold: bool) -> bool:
    if face.json or not sys.stdin.isatty():
        raise UsageError("calling off can't be taken back and nobody can be asked here", hint="add --yes")
    owed = " What is not earned yet will be owed back." if sold else ""
    return agreed(f"Call {operation_id} off?{owed}")


@app.command(epilog=examples("operations retry"))
def retry(
    ctx: typer.Context,
    work: Annotated[
        str,
        typer.Argument(
            metavar="WORK",
            help="An operation or its token, or the task that health names.",
            autocompletion=completion.work,
        ),
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the history keeps it.")] = "",
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Try work again at once that waits for its next try or was given up; watch, or clear --token, does it."""
    face: Face = ctx.obj

    async def ask(desk: Desk) -> int:
        """Ask for another try at once."""
        from relayclear.cli.who import who
        from relayclear.usecases.retrying import retry

        once = wish(idempotency_key, "operations retry", work, reason, told=_retried)
        found = retry(desk, work, who(), reason, once)
        if face.json:
            face.emit(_retried(desk, found))
        else:
            _say_retried(_retried(desk, found))
        return Exit.DONE

    async def again(_: Desk, document: Any) -> None:
        """As it was told the first time."""
        _say_retried(document)

    return run_once(face, ask, told_again(face, again))


def _retried(_: object, found: Retried) -> dict[str, Any]:
    """The operation that is tried again, and the task; a task that no operation stands behind is told alone."""
    from relayclear.cli.rows import operation_row

    return {**(operation_row(found.operation) if found.operation else {"operation": None}), "task": found.key}


def _say_retried(document: Any) -> None:
    named = document["operation"] or document["task"]
    typer.echo(f"{named}: it is tried again as soon as somebody works (relayclear watch)")


app.command("proof", epilog=examples("operations proof"))(proofs.proof)
app.command("verify", epilog=examples("operations verify"))(proofs.verify)
