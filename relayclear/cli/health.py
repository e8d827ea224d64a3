"""`relayclear health`: healthy, degraded or critical, what is wrong, and what exactly still works."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console

if TYPE_CHECKING:
    from relayclear.clearing.health import Health
    from relayclear.usecases.desk import Desk


def health(ctx: typer.Context) -> int:
    """Say how relayclear is, from memory alone: exit 0 healthy, 10 degraded, 1 critical."""
    from relayclear.errors import StoreError

    face: Face = ctx.obj

    async def work(desk: Desk) -> int:
        """Judge what the daemon noted."""
        from relayclear.usecases.health import look

        return _told(face, look(desk), desk.clock.now())

    try:
        return face.run(work)
    except StoreError as error:
        from relayclear.usecases.health import unusable

        # Not an error of the question: this is the answer.
        now = datetime.now(UTC)
        return _told(face, unusable(now, error), now)


def _told(face: Face, found: Health, now: datetime) -> Exit:
    from relayclear.wording.health import document

    if face.json:
        face.emit(document(found, now))
    else:
        _print(face, found, now)
    return exit_of(found)


def exit_of(found: Health) -> Exit:
    """0 healthy, 10 degraded, 1 critical."""
    from relayclear.clearing.health import Level

    return {Level.HEALTHY: Exit.DONE, Level.DEGRADED: Exit.FOUND, Level.CRITICAL: Exit.FAILED}[found.level]


def _print(face: Face, found: Health, now: datetime) -> None:
    from relayclear.cli.lines import print_filled
    from relayclear.wording.health import LEVELS, ability_line, hermes_called, hermes_lines, sentence, step

    out, word = console(face.color), LEVELS[found.level]
    print_filled(out, f"{word.word}: {word.meaning}", f"{word.glyph} ", word.style)
    for finding in found.findings:
        style = LEVELS[finding.level].style
        print_filled(out, sentence(finding, now), f"  {LEVELS[finding.level].glyph} ", style)
        out.print(f"    try: {step(finding)}", soft_wrap=True)
    out.print("what works:")
    for ability in found.abilities:
        print_filled(out, ability_line(ability, hermes_called(found)), "  ")
    for line in hermes_lines(found):
        print_filled(out, line, "  ")
