"""Alerts by a command: its words as configured, no shell, the batch as JSON on its standard input."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from relayclear.errors import AlertError

_SAID_AT_MOST = 200
# How long a command that is told to end may take to do so.
_GRACE = 1.0
# What is ours alone: where credentials lie, and the sockets of whoever keeps us.
_NOT_ITS = ("RELAYCLEAR_", "NOTIFY_", "WATCHDOG_", "CREDENTIALS_DIRECTORY", "LISTEN_")


class Command:
    """The `Caller` port over one program, started anew for each batch in a process group of its own."""

    name = "command"

    def __init__(self, argv: Sequence[str], seconds: float, environ: Mapping[str, str]) -> None:
        """Take the words, how long a run may take, and the environment, of which it gets what isn't ours alone."""
        self._argv, self._seconds = tuple(argv), seconds
        self._environ = {name: value for name, value in environ.items() if not name.startswith(_NOT_ITS)}

    async def call(self, body: bytes, at: datetime) -> str:  # noqa: ARG002 - the time stands in the body
        """Run it once; the last thing it said.  Raises AlertError unless it ends with 0 in time."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env=self._environ,
            )
        except (OSError, ValueError) as error:
            raise self._failed(f"it can't be started: {getattr(error, 'strerror', None) or error}") from error
        try:
            async with asyncio.timeout(self._seconds):
                said = await _spoken(process, body)
        except TimeoutError as error:
            raise self._failed(f"it wasn't done within {self._seconds:g} s") from error
        finally:
            await _ended(process)
        if process.returncode:
            raise self._failed(f"it ended with {process.returncode} {said}".rstrip())
        return said or "0"

    def _failed(self, why: str) -> AlertError:
        return AlertError(f"the alert command {self._argv[0]} failed: {why}", hint="relayclear alerts test")


async def _spoken(process: asyncio.subprocess.Process, body: bytes) -> str:
    """Hand over the body and wait for the end; the end of what it wrote to stderr."""
    assert process.stdin is not None  # noqa: S101 - made with a pipe
    assert process.stderr is not None  # noqa: S101 - made with a pipe
    # It needn't read: one that ends early is judged by how it ends.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(body)
        await process.stdin.drain()
    process.stdin.close()
    said = b""
    while part := await process.stderr.read(4096):
        said = (said + part)[-_SAID_AT_MOST:]
    await process.wait()
    return " ".join(said.decode("utf-8", "replace").split())


async def _ended(process: asyncio.subprocess.Process) -> None:
    """See to it that nothing of the group is left, also where the caller was cancelled."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wanted)
        except (ProcessLookupError, PermissionError):
            break
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
