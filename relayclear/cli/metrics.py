"""`relayclear metrics`: what can be watched from outside, and the files that watch it."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import Annotated

import typer

from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.files import write_new
from relayclear.cli.output import Exit, console

app = typer.Typer(no_args_is_help=True, help="What /metrics tells, a Grafana dashboard and alert rules for it.")

Out = Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there; nothing is overwritten.")]


@app.command("list", epilog=examples("metrics list"))
def list_(ctx: typer.Context) -> int:
    """List every metric that `watch --listen` tells, with its labels and meaning."""
    from relayclear.cli.tables import Cell, Column, print_table
    from relayclear.usecases.metrics import TABLE

    face: Face = ctx.obj
    if face.json:
        rows = [{"name": row.name, "kind": row.shape.value, "labels": [*row.labels], "doc": row.doc} for row in TABLE]
        face.emit({"metrics": rows})
        return Exit.DONE
    columns = (Column("metric"), Column("kind", drop=1), Column("labels", drop=2), Column("meaning", folds=True))
    cells = [(row.name, row.shape.value, ", ".join(row.labels), row.doc) for row in TABLE]
    print_table(console(face.color), columns, [[Cell(text) for text in row] for row in cells])
    return Exit.DONE


@app.command(epilog=examples("metrics dashboard"))
def dashboard(ctx: typer.Context, *, out: Out = None) -> int:
    """Write the Grafana dashboard, to be imported there."""
    return _written(ctx.obj, "dashboard.json", out)


@app.command(epilog=examples("metrics rules"))
def rules(ctx: typer.Context, *, out: Out = None) -> int:
    """Write the alert rules, for rule_files in prometheus.yml."""
    return _written(ctx.obj, "rules.yml", out)


def _written(face: Face, name: str, out: str | None) -> Exit:
    text = (files("relayclear.cli") / "monitoring" / name).read_text(encoding="utf-8")
    if out is not None:
        write_new(out, text)
    if face.json:
        face.emit({"file": out, "text": None if out is not None else text})
    elif out is None:
        sys.stdout.write(text)
    else:
        typer.echo(f"{out}: {len(text.encode())} bytes")
    return Exit.DONE
