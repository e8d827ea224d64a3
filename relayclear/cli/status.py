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


def status(face: Face) -> int:
    """Print how things stood at the last look.  Without a Hermes config, say how to name one."""
    from relayclear.cli.rows import end_row
    from relayclear.cli.status_lines import Begun, lines, next_command
    from relayclear.store.journal import Journal
    from relayclear.usecases.status import last_status

    settings = face.settings()
    now = datetime.now(UTC)
    configs = [item.config for item in settings.hermes if item.config.is_file()]
    with _database(settings, may_make=bool(configs)) as database:
        found = last_status(Journal(database), now, settings.scan.stuck_after)
    begun = Begun(bool(configs), settings.file is not None, any(one.payee for one in settings.chains.values()))
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
                "watch": {"state": found.watched.value, "last_sign": rfc3339(found.beat_at)},
                "hermes_configs": [str(path) for path in configs],
                "next": next_command(found, begun),
            }
        )
        return Exit.DONE
    typer.echo("\n".join(lines(found, now, begun)))
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
