"""`relayclear watch`: the daemon, its log, and how it ends."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relayclear.cli.face import Face
from relayclear.cli.output import SCHEMA_VERSION, Exit
from relayclear.errors import UsageError

if TYPE_CHECKING:
    from relayclear.cli.stopping import Stopping
    from relayclear.config.settings import Settings
    from relayclear.ports import Log
    from relayclear.usecases.desk import Desk

_FORMATS = {"text", "json"}


def watch(
    ctx: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Read everything once, do what is due, and end.")] = False,
    log_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="text or json; text on a terminal, else json.")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help='Tell health and metrics here, like 127.0.0.1:9464; "" for nowhere.'),
    ] = None,
) -> int:
    """Scan, watch payments, clear what is paid or asked for, until stopped; without payee or key it sells nothing."""
    if log_format is not None and log_format not in _FORMATS:
        raise UsageError(f"--log-format {log_format!r} is neither text nor json", hint="--log-format json")
    face: Face = ctx.obj
    # A question in the middle of the night would hold up everything else.
    face.unattended = True
    face.flags["watch.listen"] = listen
    settings = face.settings()

    # Commands end before cycles matter; what runs for months has to collect them.
    gc.enable()

    async def work(desk: Desk) -> int:
        """Be the only watcher of this database, until stopped."""
        from relayclear.alerts.systemd import Systemd
        from relayclear.cli.stopping import Stopping
        from relayclear.cli.watch_keeping import Keeper
        from relayclear.usecases.watching import being_alone

        with being_alone(desk), logging_to(face, log_format) as log, Stopping() as stopping:
            if once:
                return await _once(desk, settings, log, stopping)
            await Keeper(face.settings, face.open, log, stopping, Systemd(os.environ)).run(desk, settings)
            return Exit.INTERRUPTED if stopping.interrupted else Exit.DONE

    return face.run(work)


async def _once(desk: Desk, settings: Settings, log: Log, stopping: Stopping) -> int:
    """Read and work once, then tell what there is to tell."""
    from relayclear.cli.watch_alerts import calling_of
    from relayclear.watch import Rhythm, Watch

    calling = calling_of(desk, settings, log)
    daemon = Watch(desk, Rhythm(settings.scan.interval, settings.watch.workers), log, stopping.event)
    await daemon.once()
    await calling.once()
    if stopping.interrupted:
        return Exit.INTERRUPTED
    return Exit.UNREACHABLE if daemon.troubles else Exit.DONE


@contextmanager
def logging_to(face: Face, log_format: str | None) -> Iterator[Log]:
    """A log on stderr, or on stdout for --json; lines of JSON unless a person sits at a terminal."""
    import structlog

    stream = sys.stdout if face.json else sys.stderr
    as_json = face.json or log_format == "json" or (log_format is None and not stream.isatty())
    ending: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty() and face.color != "never")
    )
    processors = [
        *([_versioned] if as_json else []),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ending,
    ]
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=processors, wrapper_class=structlog.BoundLogger
    )
    forward, ours = _Forward(log), logging.getLogger("relayclear")
    ours.addHandler(forward)
    try:
        yield log
    finally:
        ours.removeHandler(forward)


def _versioned(_: Any, __: str, fields: Any) -> Any:
    return {"schema_version": SCHEMA_VERSION, **fields}


class _Forward(logging.Handler):
    """What the engine and the store warn of goes where everything goes."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, cleaned and cut: it may quote a node."""
        from relayclear.ibc.text import clean

        self._log.warning(clean(record.getMessage(), 300), source=record.name)
