"""`relayclear config`: what is set, where it comes from, whether it is right."""

from __future__ import annotations

from pathlib import Path

import typer

from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, emit_error, error_row

app = typer.Typer(no_args_is_help=True, help="relayclear's own settings.")


@app.command(epilog=examples("config show"))
def show(ctx: typer.Context) -> int:
    """Show every setting and where its value comes from: flag, environment, file or default."""
    from relayclear.config.showing import entries

    face: Face = ctx.obj
    rows = entries(face.settings())
    if face.json:
        face.emit({"settings": [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows]})
        return Exit.DONE
    from relayclear.cli.tables import Cell, Column, print_table

    cells = [
        [Cell(row.key), Cell(str(row.value)), Cell(row.origin, "dim" if row.origin == "default" else "")]
        for row in rows
    ]
    print_table(console(face.color), (Column("key"), Column("value", folds=True), Column("from", folds=True)), cells)
    return Exit.DONE


@app.command(epilog=examples("config validate"))
def validate(ctx: typer.Context) -> int:
    """Check relayclear's config and every Hermes config; name all problems, exit 2 when there are any."""
    from relayclear.config.loading import examine
    from relayclear.errors import ConfigError
    from relayclear.hermes.config import load

    face: Face = ctx.obj
    settings, problems = examine(
        config_path=Path(face.config) if face.config else None, env=face.environ, flags=face.flags
    )
    found = list(problems)
    for hermes in settings.hermes:
        try:
            load(hermes.config)
        except ConfigError as error:
            found.append(error)
    if face.json:
        face.emit({"valid": not found, "problems": [error_row(error) for error in found]})
    elif found:
        for problem in found:
            emit_error(problem, as_json=False)
    else:
        files = [
            str(settings.file or "no config of our own: defaults"),
            *(str(item.config) for item in settings.hermes),
        ]
        typer.echo("\n".join(f"✓ {file}" for file in files))
    return Exit.USAGE if found else Exit.DONE


@app.command(epilog=examples("config path"))
def path(ctx: typer.Context) -> int:
    """Print where everything is that relayclear reads and writes."""
    from relayclear.cli.trouble import reports_folder

    face: Face = ctx.obj
    settings = face.settings()
    places = {
        "config": str(settings.file or settings.places.config_file),
        "config_exists": settings.file is not None,
        "database": str(settings.database),
        "quotes": str(settings.quotes_file),
        "keys": str(settings.keys_dir),
        "locks": str(settings.lock_dir),
        "reports": f"{reports_folder()}/relayclear-*.txt",
        "hermes_configs": [str(item.config) for item in settings.hermes],
    }
    if face.json:
        face.emit(places)
        return Exit.DONE
    # The log, locks and copies of the database lie beside it, under names that begin with its own.
    notes = {
        "config": "" if settings.file else "  (not there: defaults)",
        "database": "  (and the files beside it that begin so)",
    }
    for name in ("config", "database", "quotes", "keys", "locks", "reports"):
        typer.echo(f"{name:<8}  {places[name]}{notes.get(name, '')}")
    for item in settings.hermes:
        typer.echo(f"hermes    {item.config}  (only read)")
    return Exit.DONE
