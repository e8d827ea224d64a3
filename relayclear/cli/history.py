"""`relayclear history`: who did what, when and why."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import orjson
import typer

from relayclear.cli import completion
from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.files import OURS_ALONE, new_file
from relayclear.cli.output import Exit, console, json_line, rfc3339
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.store.db import Database
    from relayclear.usecases.trail import TrailQuestion, TrailRow

app = typer.Typer(no_args_is_help=True, help="The audit trail: every change of state and every act of a person.")

Token = Annotated[
    str | None,
    typer.Option(metavar="TOKEN", help="Only what is about this clearing token.", autocompletion=completion.tokens),
]
Operation = Annotated[
    str | None,
    typer.Option(metavar="OPERATION", help="Only what is about this operation.", autocompletion=completion.operations),
]
Wallet = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only what is about this payer or sender.")]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="A duration (7d) or a time (2026-12-01T00:00:00Z).")]

_COLUMNS = ("at", "who", "what", "token", "operation", "wallet", "subject", "detail")
# Spreadsheets take a cell that begins like this for a formula, and some of these texts are a payer's own.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@app.command("list", epilog=examples("history list"))
def list_(
    ctx: typer.Context,
    *,
    token: Token = None,
    operation: Operation = None,
    wallet: Wallet = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
) -> int:
    """List what happened, newest first."""
    face: Face = ctx.obj
    question = _question(token, operation, wallet, since)

    def work(database: Database) -> int:
        """Show one page."""
        from relayclear.usecases.trail import trail_page

        with database.snapshot() as reads:
            rows = trail_page(reads, question, limit, offset)
        if face.json:
            face.emit({"events": [_row(row) for row in rows]})
        else:
            _print(face, rows)
        return Exit.DONE

    return face.remembered(work)


@app.command(epilog=examples("history export"))
def export(
    ctx: typer.Context,
    *,
    token: Token = None,
    operation: Operation = None,
    wallet: Wallet = None,
    since: Since = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header line.")] = False,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Write everything that happened, oldest first: --csv, or --json with an object a line."""
    face: Face = ctx.obj
    if as_csv == face.json:
        raise UsageError("choose one form: --csv, or --json", hint="relayclear history export --csv -o history.csv")
    question = _question(token, operation, wallet, since)

    def work(database: Database) -> int:
        """Write every event, row by row: a history may be larger than memory."""
        from relayclear.usecases.trail import trail

        lines = _csv_lines if as_csv else _json_lines
        with database.snapshot() as reads:
            rows = trail(reads, question)
            with _opened(output) as file:
                file.writelines(lines(map(_row, rows)))
        return Exit.DONE

    return face.remembered(work)


def _question(token: str | None, operation: str | None, wallet: str | None, since: str | None) -> TrailQuestion:
    from datetime import UTC, datetime

    from relayclear.cli.names import since_moment
    from relayclear.usecases.trail import TrailQuestion

    return TrailQuestion(token, operation, wallet, since_moment(since, datetime.now(UTC)))


@contextmanager
def _opened(output: str | None) -> Iterator[BinaryIO]:
    if output is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    # Who paid what is nobody else's business.
    with new_file(output, OURS_ALONE) as file:
        yield file


def _row(row: TrailRow) -> dict[str, Any]:
    event = row.event
    return {
        "at": rfc3339(event.at),
        "who": event.who,
        "what": event.what,
        "token": row.token,
        "operation": event.operation_id,
        "wallet": event.wallet,
        "subject": event.subject,
        "detail": dict(event.detail),
    }


def _json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return map(json_line, rows)


def _csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        cells = [row[name] for name in _COLUMNS[:-1]]
        writer.writerow([*map(_cell, cells), orjson.dumps(row["detail"]).decode()])
        yield _taken(line)
    yield _taken(line)


def _taken(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode()


def _cell(value: str | None) -> str:
    text = value or ""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _print(face: Face, rows: list[TrailRow]) -> None:
    from relayclear.cli.tables import Cell, Column, print_table
    from relayclear.ibc.text import clean
    from relayclear.wording import moment

    out = console(face.color)
    if not rows:
        out.print("No events match.")
        return
    cells = []
    for row in rows:
        event = row.event
        about = event.subject or event.operation_id or row.token or event.wallet or ""
        detail = ", ".join(f"{name} {value}" for name, value in event.detail.items() if value not in ("", None))
        texts = (moment(event.at), event.who, event.what, about, detail)
        cells.append([Cell(clean(text, 200)) for text in texts])
    columns = (
        Column("when"),
        Column("who", drop=2),
        Column("what"),
        Column("about", folds=True),
        Column("detail", drop=1, folds=True),
    )
    print_table(out, columns, cells)
