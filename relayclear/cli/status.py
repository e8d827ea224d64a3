"""Bare `relayclear`: ten lines of status from memory, and the likely next command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, rfc3339

if TYPE_CHECKING:
    from relayclear.config.settings import Settings
    from relayclear.store.db import Database
    from relayclear.usecases.status import Status

SHOWN = 5


def status(face: Face) -> int:
    """Print how things stood at the last look.  Without a Hermes config, say how to name one."""
    from relayclear.cli.rows import end_row
    from relayclear.store.journal import Journal
    from relayclear.usecases.status import last_status

    settings = face.settings()
    now = datetime.now(UTC)
    configs = [item.config for item in settings.hermes if item.config.is_file()]
    with _database(settings, may_make=bool(configs)) as database:
        found = last_status(Journal(database), now)
    if face.json:
        face.emit(
            {
                "looked_at": rfc3339(found.looked_at),
                "paths": found.paths,
                "waiting": [
                    {**end_row(item.end), "pending": item.pending, "oldest": rfc3339(item.oldest)}
                    for item in found.waiting
                ],
                "failed": [{**end_row(end), "error": words} for end, words in found.failed],
                "unfinished": [item.id for item in found.unfinished],
                "refunds": {"owed": found.owed, "approved": found.approved},
                "hermes_configs": [str(path) for path in configs],
            }
        )
        return Exit.DONE
    typer.echo("\n".join(_lines(found, now, has_config=bool(configs))))
    return Exit.DONE


def _database(settings: Settings, *, may_make: bool) -> Database:
    """The database; where it may not be made and isn't there, an empty one that leaves nothing behind."""
    from relayclear.errors import StoreError
    from relayclear.store.db import open_database

    try:
        return open_database(settings.database, read_only=not may_make)
    except StoreError as error:
        if error.code != "store_missing":
            raise
        return open_database(":memory:")


def _lines(found: Status, now: datetime, *, has_config: bool) -> list[str]:
    from relayclear.wording import age, counted

    if not has_config:
        return ["No Hermes config found.", "  try: relayclear --hermes-config PATH packets list, or relayclear doctor"]
    if found.looked_at is None:
        return ["Never looked.", *_refund_lines(found), "  try: relayclear packets list"]
    since = age(int((now - found.looked_at).total_seconds()))
    count = sum(item.pending for item in found.waiting)
    paths = counted(found.paths, "path")
    lines = [f"{counted(count, 'packet')} pending on {len(found.waiting)} of {paths}, looked {since} ago."]
    for item in found.waiting[:SHOWN]:
        waited = age(int((now - item.oldest).total_seconds()))
        lines.append(f"  {item.end}: {item.pending}, the oldest for {waited} at least")
    if len(found.waiting) > SHOWN:
        lines.append(f"  … and {len(found.waiting) - SHOWN} more")
    if found.failed:
        lines.append(f"{counted(len(found.failed), 'path')} could not be read at the last look.")
    if found.unfinished:
        lines.append(f"{counted(len(found.unfinished), 'clear')} never ended: relayclear operations list")
    return [*lines, *_refund_lines(found), "  try: relayclear packets list, or relayclear --help"]


def _refund_lines(found: Status) -> list[str]:
    """Money that is owed, in one line."""
    from relayclear.wording import counted

    if found.owed:
        more = f", {found.approved} approved and not sent" if found.approved else ""
        verb = "waits" if found.owed == 1 else "wait"
        return [f"{counted(found.owed, 'refund')} {verb} to be decided{more}: relayclear refunds list"]
    if found.approved:
        verb = "is" if found.approved == 1 else "are"
        return [f"{counted(found.approved, 'refund')} {verb} approved and not sent: relayclear refunds sweep"]
    return []
