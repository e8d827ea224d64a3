"""`relayclear service`: the files that let a machine keep `watch` running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.files import write_new
from relayclear.cli.output import Exit, say

app = typer.Typer(no_args_is_help=True, help="Files that keep watch running: a systemd unit, a container.")

FILES = Path(__file__).with_name("service_files")
_CREDENTIAL = "LoadCredential=relayclear-passphrase"
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there.")]


@app.command(epilog=examples("service unit"))
def unit(
    ctx: typer.Context,
    *,
    out: Out = None,
    no_wallet: Annotated[
        bool, typer.Option("--no-wallet", help="Without the wallet's passphrase: for a watch that gives nothing back.")
    ] = False,
) -> int:
    """Print the systemd unit: hardened, watched, stopped in good order; its head says how to install it."""
    text = _text("relayclear.service")
    # systemd doesn't start a unit whose credential isn't there.
    return _given(ctx.obj, "unit", text.replace(_CREDENTIAL, f"#{_CREDENTIAL}") if no_wallet else text, out)


@app.command(epilog=examples("service container"))
def container(ctx: typer.Context, *, out: Out = None) -> int:
    """Print the container file: no root inside, one folder that is written; its head says how to run it."""
    return _given(ctx.obj, "container", _text("Containerfile"), out)


def _text(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _given(face: Face, what: str, text: str, out: str | None) -> int:
    if out is not None:
        write_new(out, text)
    if face.json:
        face.emit({"what": what, "file": out, "text": text})
    elif out is None:
        typer.echo(text, nl=False)
    else:
        say(f"{out} is written; its head says what to do with it")
    return Exit.DONE
