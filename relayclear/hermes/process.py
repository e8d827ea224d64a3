"""One child process: in a group of its own, under a time limit, ended for certain where that can be known."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

GRACE = 5.0
_CHUNK = 65536
_POLL = 0.01


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    `exit_code` is None when it didn't end by itself: a signal, ours or another's, numbered in
    `signal`.  `cut` says why we ended it (``time limit``, ``stopped``), or None.  `gone`: known to live no longer.
    """

    exit_code: int | None
    signal: int | None
    seconds: float
    gone: bool
    cut: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """What to run, and how: seconds it may take, an event that stops it, who gets its output in chunks.

    `pass_fds` are descriptors it inherits; no others are.  It never sees our standard input, and no shell.
    `umask` is what its files may not be, -1 for ours.
    """

    argv: Sequence[str]
    time_limit: float
    stop: asyncio.Event
    on_stdout: Callable[[bytes], None]
    on_stderr: Callable[[bytes], None]
    on_start: Callable[[int], None] = lambda _: None
    pass_fds: Sequence[int] = ()
    env: Mapping[str, str] | None = None
    grace: float = GRACE
    umask: int = -1


async def run(child: Child) -> Ended:
    """Run it to its end.  Raises OSError when it can't be started.

    When the caller is cancelled, the child is ended first and the cancellation goes on afterwards.
    """
    started = time.monotonic()
    process, pumps = await _start(child)
    cut = None
    try:
        child.on_start(process.pid)
        cut = await _cut(child, process)
    finally:
        await _uncancelled(_end(process, pumps, child.grace))
    code = process.returncode
    # A negative code is a signal, and whoever sent it, Hermes had not finished.
    by_itself = cut is None and code is not None and code >= 0
    return Ended(
        exit_code=code if by_itself else None,
        signal=-code if code is not None and code < 0 else None,
        seconds=time.monotonic() - started,
        gone=code is not None and not _group_lives(process.pid),
        cut=cut,
    )


async def _start(child: Child) -> tuple[asyncio.subprocess.Process, list[asyncio.Task[None]]]:
    # Pipes of our own: asyncio's would keep `wait` waiting for a grandchild that holds one open.
    pipes = [os.pipe(), os.pipe()]
    try:
        process = await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipes[0][1],
            stderr=pipes[1][1],
            # A group of its own: Ctrl-C is for us alone, and ending the group ends what Hermes started.
            start_new_session=True,
            pass_fds=child.pass_fds,
            env=child.env,
            umask=child.umask,
        )
    except BaseException:
        for reading, _ in pipes:
            os.close(reading)
        raise
    finally:
        for _, writing in pipes:
            os.close(writing)
    feeds = (child.on_stdout, child.on_stderr)
    return process, [asyncio.create_task(_pump(reading, feed)) for (reading, _), feed in zip(pipes, feeds, strict=True)]


async def _pump(descriptor: int, feed: Callable[[bytes], None]) -> None:
    reader = asyncio.StreamReader()
    file = cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    try:
        while chunk := await reader.read(_CHUNK):
            feed(chunk)
    finally:
        transport.close()


async def _cut(child: Child, process: asyncio.subprocess.Process) -> str | None:
    """Wait until the child ends by itself (None), or say why it must be ended."""
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(child.stop.wait())
    try:
        done, _ = await asyncio.wait({ended, stopped}, timeout=child.time_limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        stopped.cancel()
    if ended in done:
        return None
    return "stopped" if stopped in done else "time limit"


async def _end(process: asyncio.subprocess.Process, pumps: list[asyncio.Task[None]], grace: float) -> None:
    """Ask the whole group to end, make it end, and read what it still had to say."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None and not _group_lives(process.pid):
            break
        # A group of another user's processes (sudo) can't be signalled; `gone` then stays False.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, wanted)
        await _wait_gone(process, grace)
    # A grandchild that left the group may hold the pipes open for ever: it doesn't get to hold us too.
    _, open_pumps = await asyncio.wait(pumps, timeout=grace)
    for pump in open_pumps:
        pump.cancel()
    for result in await asyncio.gather(*pumps, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _wait_gone(process: asyncio.subprocess.Process, grace: float) -> None:
    try:
        async with asyncio.timeout(grace):
            await process.wait()
            while _group_lives(process.pid):  # noqa: ASYNC110 - no event tells that a grandchild is gone
                await asyncio.sleep(_POLL)
    except TimeoutError:
        return


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _all_zombies(group)


def _all_zombies(group: int) -> bool:
    # In a container there is often nobody who collects dead grandchildren; they answer signals for ever.
    states = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = entry.read_text(errors="replace").rpartition(")")[2].split()
            if int(its_group) == group:
                states.add(state)
    return states == {"Z"}


async def _uncancelled(work: Coroutine[Any, Any, None]) -> None:
    """Finish the work even if the caller is cancelled meanwhile; the cancellation goes on afterwards."""
    task = asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
