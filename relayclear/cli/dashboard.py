"""`relayclear dashboard`: the screen."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit
from relayclear.cli.who import who
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.config.settings import Settings
    from relayclear.dashboard.host import Start
    from relayclear.usecases.desk import Desk


def dashboard(
    ctx: typer.Context,
    *,
    act: Annotated[bool, typer.Option("--act", help="Let capital keys act; without it the screen only looks.")] = False,
    theme: Annotated[
        str | None, typer.Option(metavar="NAME", help="dark, light, or terminal for the terminal's own 16 colours.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Plain words, with a line of explanation; F2 switches.")
    ] = False,
) -> int:
    """See everything live: what is stuck and why, whether gas lasts, what is owed; and act on it.

    It reads the database, which `relayclear watch` keeps fresh, and asks no node.
    """
    face: Face = ctx.obj
    if face.json:
        raise UsageError("the dashboard is a screen, not a document", hint="relayclear packets list --json")
    # Textual draws on standard error: sent elsewhere, nobody would see a thing.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("the dashboard needs a terminal for input and output", hint="relayclear packets list")
    # Commands end before cycles matter; a screen that stays open for weeks has to collect them.
    gc.enable()
    settings = face.settings()
    start = _start(settings, armed=act, theme=theme, plain=plain)

    async def work(desk: Desk) -> int:
        """Show it until it is left."""
        from relayclear.dashboard.app import Dashboard

        # Whoever exports its size once tells of a terminal that may be made larger or smaller since.
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
        screen = Dashboard(desk, start)
        told = _ended_by_signals(screen.exit)
        await screen.run_async()
        if screen.broken is not None:
            raise screen.broken
        return Exit.INTERRUPTED if told else Exit.DONE

    return face.run(work)


def _ended_by_signals(leave: Callable[[], None]) -> list[signal.Signals]:
    """Leave the screen when the program is told to end, so that the terminal is given back; by what it was told."""
    told: list[signal.Signals] = []

    def hear(number: signal.Signals) -> None:
        """Leave."""
        told.append(number)
        leave()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup a closed terminal is ignored, and stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, hear, number)
    return told


def _start(settings: Settings, *, armed: bool, theme: str | None, plain: bool) -> Start:
    from datetime import timedelta

    from relayclear.dashboard.actions import keymap
    from relayclear.dashboard.host import Start

    chosen = settings.dashboard
    return Start(
        armed=armed,
        who=who(),
        keys=keymap(dict(_pair(text) for text in chosen.keys)),
        theme=chosen.theme if theme is None else theme,
        expert=not plain and chosen.words == "field",
        # A look that is late by more than half is missed: two of them tell that nobody looks.
        stale_after=timedelta(seconds=2.5 * settings.scan.interval + 10),
    )


def _pair(text: str) -> tuple[str, str]:
    name, found, key = text.partition("=")
    if not found:
        raise UsageError(f"{text!r} in [dashboard] keys is not ACTION=KEY", hint='keys = ["clear=K"]')
    return name.strip(), key.strip()
