"""`relayclear db`: the database file, saved, put back, checked, upgraded."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli.asking import agreed
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.output import Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The database: backup, restore, check, upgrade.")

File = Annotated[str, typer.Argument(metavar="FILE")]


@app.command(epilog=examples("db backup"))
def backup(ctx: typer.Context, file: File) -> int:
    """Copy the database, also while watch runs, and list what has to be kept beside the copy."""
    from relayclear.cli.who import who
    from relayclear.usecases.keeping import back_up

    face: Face = ctx.obj
    settings = face.settings()
    size = back_up(settings.database, Path(file).absolute(), who(), datetime.now(UTC))
    beside = _beside(settings)
    if face.json:
        face.emit({"database": str(settings.database), "file": file, "bytes": size, "keep_beside": beside})
        return Exit.DONE
    typer.echo(f"{file}: {size} bytes")
    typer.echo("Not in it, because they are secrets or stand elsewhere; keep them too:")
    for item in beside:
        typer.echo(f"  {item['what']}: {item['path']}{'' if item['there'] else '  (not there)'}")
    return Exit.DONE


def _beside(settings: Settings) -> list[dict[str, Any]]:

    places = [
        ("signing and memo keys of quotes", settings.keys_dir),
        ("keys that refunds are signed with, sealed", settings.keys_dir / "wallet.json"),
        ("signed quotes, which bring tokens back", settings.quotes_file),
        ("relayclear's config", settings.file or settings.places.config_file),
    ]
    places += [("Hermes' config, whose keys Hermes keeps", hermes.config) for hermes in settings.hermes]
    return [{"what": what, "path": str(path), "there": path.exists()} for what, path in places]


@app.command(epilog=examples("db restore"))
def restore(
    ctx: typer.Context, file: File, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False
) -> int:
    """Put a backup in the place of the database, which is kept beside it.  Nobody may have it open."""
    from relayclear.cli.who import who
    from relayclear.usecases.keeping import put_back

    face: Face = ctx.obj
    database = face.settings().database
    if not yes:
        if face.json or not sys.stdin.isatty():
            raise UsageError("restoring replaces the database and nobody can be asked here", hint="add --yes")
        if not agreed(f"Replace {database} by {file}?"):
            return Exit.REFUSED
    kept = put_back(Path(file).absolute(), database, who(), datetime.now(UTC))
    if face.json:
        kept_at = str(kept) if kept else None
        face.emit({"database": str(database), "restored_from": file, "kept": kept_at, "refunds": "approve"})
        return Exit.DONE
    typer.echo(f"{database} is now what {file} holds.")
    if kept:
        typer.echo(f"What was there: {kept}")
    typer.echo(
        "It may not know of the newest payments and refunds: refunds wait for your approval until an audit agrees."
    )
    return Exit.DONE


@app.command(epilog=examples("db check"))
def check(ctx: typer.Context) -> int:
    """Look through the whole file: whether it is damaged, its rows fit together and its books add up."""
    from relayclear.ibc.text import clean
    from relayclear.usecases.keeping import look_through

    face: Face = ctx.obj
    database = face.settings().database
    found = look_through(database)
    problems = [clean(problem, 400) for problem in found.problems]
    if face.json:
        document = {"database": str(database), "version": found.version, "sound": not problems, "problems": problems}
        face.emit({**document, "restored": found.restored})
    elif problems:
        typer.echo("\n".join(f"✗ {problem}" for problem in problems))
        typer.echo("  try: relayclear db restore FILE")
    else:
        typer.echo(f"✓ {database}, version {found.version}: whole, and its books add up")
    if found.restored and not face.json:
        typer.echo(f"  a backup was put back at {found.restored}: refunds wait for approval until an audit agrees")
    return Exit.FAILED if problems else Exit.DONE


@app.command(epilog=examples("db upgrade"))
def upgrade(ctx: typer.Context) -> int:
    """Bring the database to this program's version; the older file is kept beside it."""
    from relayclear.usecases import keeping

    face: Face = ctx.obj
    database = face.settings().database
    version, kept = keeping.upgrade(database)
    if face.json:
        face.emit({"database": str(database), "version": version, "kept": str(kept) if kept else None})
    elif kept:
        typer.echo(f"{database} has version {version} now; what was there: {kept}")
    else:
        typer.echo(f"{database} has version {version}: nothing to do")
    return Exit.DONE
