"""`relayclear alerts`: what people were called for, and whether calling works."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, error_row, rfc3339
from relayclear.errors import ConfigError

if TYPE_CHECKING:
    from relayclear.store.alerts import Delivery
    from relayclear.store.db import Database
    from relayclear.usecases.alerts import Called, Shown

app = typer.Typer(no_args_is_help=True, help="Calling a person: what was told, and whether it arrives.")


@app.command(epilog=examples("alerts test"))
def test(ctx: typer.Context) -> int:
    """Send a test alert on every channel of [alerts], now; nothing of it is kept."""
    from relayclear.bootstrap.alerts import callers_of
    from relayclear.usecases.alerts import call_for_test
    from relayclear.wording.alerting import alert_sentence

    face: Face = ctx.obj
    callers = callers_of(face.settings(), os.environ)
    if not callers:
        raise ConfigError(
            "no channel for alerts is configured",
            hint="set webhook or command under [alerts]; relayclear config path says where",
            code="no_channel",
        )
    found = asyncio.run(call_for_test(callers, alert_sentence, datetime.now(UTC)))
    if face.json:
        face.emit({"channels": [_tested_row(one) for one in found]})
    else:
        typer.echo("\n".join(map(_tested_line, found)))
    return Exit.UNREACHABLE if any(one.error for one in found) else Exit.DONE


def _tested_row(one: Called) -> dict[str, Any]:
    return {"channel": one.channel, "sent": one.error is None, "error": error_row(one.error) if one.error else None}


def _tested_line(one: Called) -> str:
    from relayclear.ibc.text import clean

    return f"✗ {one.channel}: {clean(one.error.message, 400)}" if one.error else f"✓ {one.channel}: taken"


@app.command("list", epilog=examples("alerts list"))
def list_(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows a page.")] = 50,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Rows to skip.")] = 0,
) -> int:
    """List alerts, newest first, each with its deliveries: what was tried, when, and what came back."""
    face: Face = ctx.obj

    def work(database: Database) -> int:
        """Show one page."""
        from relayclear.usecases.alerts import list_alerts

        with database.snapshot() as reads:
            shown = list_alerts(reads, limit, offset)
        if face.json:
            face.emit({"alerts": [_row(one) for one in shown]})
        else:
            _print(face, shown)
        return Exit.DONE

    return face.remembered(work)


def _row(one: Shown) -> dict[str, Any]:
    from relayclear.usecases.alerts import alert_row
    from relayclear.wording.alerting import alert_sentence

    waiting = [{"channel": name, "next_at": _moment(at)} for name, at in one.waiting.items()]
    deliveries = [_delivery_row(delivery) for delivery in one.deliveries]
    return {**alert_row(one.alert, one.token, alert_sentence), "deliveries": deliveries, "waiting": waiting}


def _delivery_row(one: Delivery) -> dict[str, Any]:
    from relayclear.ibc.text import clean

    return {
        "channel": one.channel,
        "try": one.attempt,
        "outcome": one.outcome.value,
        "answer": clean(one.answer, 300),
        "at": rfc3339(one.at),
    }


def _moment(seconds: float) -> str | None:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


def _print(face: Face, shown: list[Shown]) -> None:
    from relayclear.cli.tables import Cell, Column, print_table
    from relayclear.ibc.text import clean
    from relayclear.wording import moment
    from relayclear.wording.alerting import alert_sentence, delivery_line

    out = console(face.color)
    if not shown:
        out.print("No alerts yet: relayclear watch raises them, relayclear alerts test tries it.")
        return
    cells = []
    for one in shown:
        told = delivery_line(one.deliveries, one.waiting)
        texts = (moment(one.alert.at), one.alert.priority.value, alert_sentence(one.alert), told)
        cells.append([Cell(clean(text, 300)) for text in texts])
    columns = (
        Column("when"),
        Column("priority", drop=2),
        Column("what", folds=True),
        Column("told", drop=1, folds=True),
    )
    print_table(out, columns, cells)
