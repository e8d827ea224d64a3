"""`relayclear refunds export`: refunds for another signer, as the files that the chain's own program takes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from relayclear.cli import completion
from relayclear.cli.face import Face
from relayclear.cli.lines import say_filled
from relayclear.cli.once import IdempotencyKey, run_once, told_again, wish
from relayclear.cli.output import Exit, say
from relayclear.errors import RelayclearError, UsageError

if TYPE_CHECKING:
    from relayclear.store.db import Reads
    from relayclear.store.refunds import Refund
    from relayclear.usecases.desk import Desk
    from relayclear.usecases.refund_hand import Exported


def export(
    ctx: typer.Context,
    refunds: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID…]", help="Approved ones; default: all.", autocompletion=completion.refunds),
    ] = None,
    *,
    chain: Annotated[
        str, typer.Option(metavar="CHAIN", help="The chain they are paid on.", autocompletion=completion.chains)
    ] = "",
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
    idempotency_key: IdempotencyKey = None,
) -> int:
    """Write approved refunds out for somebody else to sign: from then on nothing here sends them.

    Each has to land within so many blocks from now as [refunds] timeout_blocks says, 100 unless it is set: sign
    and send it before.  Once they have gone by, --cancel takes back what didn't, and it can be exported anew.
    """
    face: Face = ctx.obj
    if cancel:
        if refunds or output or chain:
            raise UsageError("--cancel takes one refund and --reason", hint=f'--cancel {cancel} --reason "…"')
        return _cancel(face, cancel, reason, idempotency_key)
    if not chain or not output:
        missing = "--chain CHAIN" if not chain else "-o DIR"
        raise UsageError("export needs --chain and -o", hint=f"add {missing}")
    return _export(face, chain, refunds or [], Path(output), idempotency_key)


def _export(face: Face, chain: str, names: list[str], folder: Path, key: str | None) -> int:
    async def work(desk: Desk) -> int:
        """Write out what is to be signed elsewhere, once."""
        from relayclear.cli.refund_files import file_of, make_room
        from relayclear.cli.who import who
        from relayclear.usecases import refund_hand

        desk.chain(chain)
        place = await _place(desk, chain, folder)

        def told(_: Reads, done: list[Exported]) -> dict[str, Any]:
            """What is kept of the exports, with their files."""
            return {"exports": _rows(place, done)}

        once = wish(key, "refunds export", chain, folder, *names, told=told)
        once.begin(desk.journal.database)
        chosen = refund_hand.exportable(desk, chain, names)
        make_room(folder, [file_of(folder, one.id) for one in chosen])
        done = await refund_hand.export(desk, chain, [one.id for one in chosen], who(), once) if chosen else []
        return _tell(face, {"exports": _rows(place, done)})

    async def again(_: Desk, document: Any) -> int:
        """Write the files of an export that was made before."""
        # What was cut off between its commit and its files has no files yet.
        return _tell(face, document)

    return run_once(face, work, again)


def _tell(face: Face, document: dict[str, Any]) -> Exit:
    """Write the files that aren't there, and tell the transactions all the same where that fails."""
    from relayclear.cli.refund_files import write_new

    failed: RelayclearError | None = None
    for row in document["exports"]:
        try:
            if not Path(row["file"]).exists():
                write_new(Path(row["file"]), row["transaction"])
        except RelayclearError as error:
            failed = error
    if face.json:
        face.emit(document)
    else:
        _print(document["exports"])
    # Nothing here sends them any more, so that everything else has been told before.
    if failed is not None:
        raise failed
    return Exit.DONE


class _Place(NamedTuple):
    """Where the files go, what signs and sends them, and for how many blocks they are good."""

    folder: Path
    program: str | None
    node: str | None
    blocks: int


async def _place(desk: Desk, chain: str, folder: Path) -> _Place:
    from relayclear.usecases.refund_hand import valid_blocks

    program: str | None = None
    with suppress(RelayclearError):
        program = await desk.chain(chain).program()
    return _Place(folder, program, next(iter(desk.chain(chain).answered), None), valid_blocks(desk))


def _rows(place: _Place, done: list[Exported]) -> list[dict[str, Any]]:
    from relayclear.cli.refund_files import commands, file_of, unsigned_document
    from relayclear.cli.rows import coin_row

    return [
        {
            "id": one.refund.id,
            "file": str(file_of(place.folder, one.refund.id)),
            "amount": coin_row(one.refund.net),
            "to": one.refund.to,
            "timeout_height": one.draft.timeout_height,
            "valid_blocks": place.blocks,
            "commands": commands(file_of(place.folder, one.refund.id), one.draft, number, place.program, place.node),
            "transaction": unsigned_document(one.draft),
        }
        for number, one in enumerate(done)
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
    say_filled(f"sign and send them within {rows[0]['valid_blocks']} blocks from now: a later block takes none of them")
    say_filled("nothing else sends them meanwhile; the chain shows which are paid, by their memos")
    say("paid by another account: relayclear refunds mark-paid ID --tx HASH")
    say("once those blocks have gone by, what is not paid is taken back with:")
    say('  relayclear refunds export --cancel ID --reason "…"')


def _cancel(face: Face, name: str, reason: str, key: str | None) -> int:
    once = wish(key, "refunds export --cancel", name, reason, told=_cancelled)

    async def work(desk: Desk) -> int:
        """Take an export back, once."""
        from relayclear.cli.who import who
        from relayclear.usecases import refund_hand

        with face.waiting("reading"):
            done = await refund_hand.cancel_export(desk, name, who(), reason, once)
        document = _cancelled(desk.journal.database, done)
        if face.json:
            face.emit(document)
        else:
            await page(desk, document)
        return Exit.DONE

    async def page(desk: Desk, document: Any) -> None:
        """Tell how the refund stands now."""
        from relayclear.cli.refund_pages import brief
        from relayclear.usecases.refund_view import refund_story

        typer.echo(brief(refund_story(desk, document["id"]).view))

    return run_once(face, work, told_again(face, page))


def _cancelled(reads: Reads, done: Refund) -> dict[str, Any]:
    from relayclear.cli.refund_rows import refund_row
    from relayclear.usecases.refund_view import views_in

    [view] = views_in(reads, [done])
    return refund_row(view)
