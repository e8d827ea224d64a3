"""`relayclear breakers`: what nobody calls now and why; reset, open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.output import Exit

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk

app = typer.Typer(no_args_is_help=True, help="Breakers: what nobody calls for a while, why, and until when.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As breakers list shows it.", autocompletion=completion.breakers)
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")]


@app.command("list", epilog=examples("breakers list"))
def list_(ctx: typer.Context) -> int:
    """List every endpoint and wallet, and what else was open lately; what is open comes first."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Look at them as all processes know them; nothing is called."""
        from relayclear.cli.breaker_pages import breaker_rows, print_breakers
        from relayclear.usecases.breakers_acts import list_breakers

        found = list_breakers(desk)
        if face.json:
            face.emit(breaker_rows(found))
        else:
            print_breakers(face, found, desk.clock.now())
        return Exit.DONE

    return face.run(work)


@app.command(epilog=examples("breakers reset"))
def reset(ctx: typer.Context, name: Name, *, reason: Reason) -> int:
    """Close a breaker: all may call again, and what was counted is forgotten.  One that is left over is dropped."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Close it, and show how it stands."""
        from relayclear.cli.breaker_pages import breaker_rows
        from relayclear.cli.who import who
        from relayclear.usecases.breakers_acts import reset_breaker

        found = reset_breaker(desk, name, reason, who())
        if face.json:
            face.emit(breaker_rows([found]))
        else:
            dropped = "no config names what it stands before, so it is dropped"
            called = "it is called again, and opens again if it fails"
            typer.echo(f"{found.name} is closed: {dropped if found.left_over else called}")
        return Exit.DONE

    return face.run(work)


@app.command("open", epilog=examples("breakers open"))
def open_(
    ctx: typer.Context,
    name: Name,
    *,
    reason: Reason,
    until: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="A duration (2h) or a time (2026-12-01T00:00:00Z); else until it is reset."),
    ] = None,
) -> int:
    """Keep everybody from calling something: no quotes that need it, and work for it waits."""
    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Open it, and show how it stands."""
        from relayclear.cli.breaker_pages import breaker_rows
        from relayclear.cli.names import until_moment
        from relayclear.cli.who import who
        from relayclear.usecases.breakers_acts import open_breaker
        from relayclear.wording.breaking import how_long

        now = desk.clock.now()
        found = open_breaker(desk, name, reason, who(), until_moment(until, now))
        if face.json:
            face.emit(breaker_rows([found]))
        else:
            typer.echo(f"{found.name} is open, {how_long(found, now)}")
            typer.echo(f'undo: relayclear breakers reset {found.name} --reason "…"')
        return Exit.DONE

    return face.run(work)
