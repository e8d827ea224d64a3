"""`relayclear refunds export`: refunds for another signer, as the files that the chain's own program takes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, say
from relayclear.errors import RelayclearError, UsageError

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_hand import Exported


def export(
    ctx: typer.Context,
    refunds: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID…]", help="Approved ones; default: all.", autocompletion=completion.refunds),
    ] = None,
    *,
    chain: Annotated[str, typer.Option(help="The chain they are paid on.", autocompletion=completion.chains)] = "",
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Write one file a refund there.")] = "",
    cancel: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="Instead: take an exported one back, once it can't land.",
            autocompletion=completion.refunds,
        ),
    ] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="With --cancel: why; it is kept for ever.")] = "",
) -> int:
    """Write approved refunds out for somebody else to sign: from then on nothing here sends them."""
    face: Face = ctx.obj
    if cancel:
        if refunds or output or chain:
            raise UsageError("--cancel takes one refund and --reason", hint=f'--cancel {cancel} --reason "…"')
        return _cancel(face, cancel, reason)
    if not chain or not output:
        missing = "--chain CHAIN" if not chain else "-o DIR"
        raise UsageError("export needs --chain and -o", hint=f"add {missing}")
    return _export(face, chain, refunds or [], Path(output))


def _export(face: Face, chain: str, names: list[str], folder: Path) -> int:
    async def work(desk: Desk) -> int:
        from relayclear.cli.refund_files import file_of, make_room, unsigned_document, write_new
        from relayclear.cli.who import who
        from relayclear.usecases import refund_hand

        desk.chain(chain)
        chosen = refund_hand.exportable(desk, chain, names)
        make_room(folder, [file_of(folder, one.id) for one in chosen])
        done = await refund_hand.export(desk, chain, [one.id for one in chosen], who()) if chosen else []
        failed: RelayclearError | None = None
        for one in done:
            try:
                write_new(file_of(folder, one.refund.id), unsigned_document(one.draft))
            except RelayclearError as error:
                failed = error
        rows = await _rows(desk, chain, folder, done)
        if face.json:
            face.emit({"exports": rows})
        else:
            _print(rows)
        # The transactions are told all the same: nothing here sends them any more.
        if failed is not None:
            raise failed
        return Exit.DONE

    return face.run(work)


async def _rows(desk: Desk, chain: str, folder: Path, done: list[Exported]) -> list[dict[str, Any]]:
    from relayclear.cli.refund_files import commands, file_of, unsigned_document
    from relayclear.cli.rows import coin_row

    program: str | None = None
    with suppress(RelayclearError):
        program = await desk.chain(chain).program() if done else None
    node = next(iter(desk.chain(chain).answered), None)
    return [
        {
            "id": one.refund.id,
            "file": str(file_of(folder, one.refund.id)),
            "amount": coin_row(one.refund.net),
            "to": one.refund.to,
            "timeout_height": one.draft.timeout_height,
            "commands": commands(file_of(folder, one.refund.id), one.draft, place, program, node),
            "transaction": unsigned_document(one.draft),
        }
        for place, one in enumerate(done)
    ]


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        typer.echo("No approved refund is there to be exported.")
        return
    for row in rows:
        amount = f"{row['amount']['amount']} {row['amount']['denom']}"
        typer.echo(f"# {row['id']}: {amount} to {row['to']}, until block {row['timeout_height']}")
        for command in row["commands"]:
            typer.echo(command)
    say("nothing else sends them now; the chain shows which are paid, by their memos")
    say("paid by another account: relayclear refunds mark-paid ID --tx HASH")
    say('not to be paid after all: relayclear refunds export --cancel ID --reason "…"')


def _cancel(face: Face, name: str, reason: str) -> int:
    async def work(desk: Desk) -> int:
        from relayclear.cli.refund_pages import brief
        from relayclear.cli.refund_rows import refund_row
        from relayclear.cli.who import who
        from relayclear.usecases import refund_hand
        from relayclear.usecases.refund_view import views_of

        with face.waiting("reading"):
            done = await refund_hand.cancel_export(desk, name, who(), reason)
        [view] = views_of(desk, [done])
        if face.json:
            face.emit(refund_row(view))
        else:
            typer.echo(brief(view))
        return Exit.DONE

    return face.run(work)
