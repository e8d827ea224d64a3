"""A stage that runs: its nodes and its control port on loopback, blocks in their time, and a file that says where."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relayclear.rehearsal import control, server
from relayclear.rehearsal.clock import BILLION, RunningClock
from relayclear.rehearsal.listening import LOOPBACK, bind, listening, port_of
from relayclear.rehearsal.stage import Stage

VERSION = 1
STATE_FILE = "world.json"
CONTROL = "control"
"""The control port's name among wanted ports; the others are nodes'."""
# However fast time runs, no chain makes more than fifty blocks a second: it makes up for it in their times.
_SHORTEST_PAUSE = 0.02
_STARTED_FIELD = 21


@dataclass(frozen=True, slots=True)
class Served:
    """Where a stage listens: URLs, the nodes' by their names; `notes` say which wanted ports were taken."""

    control: str
    nodes: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def by_chain(self, stage: Stage) -> dict[str, list[str]]:
        """The nodes' URLs by chain id, in the nodes' order."""
        return {chain: [self.nodes[name] for name in stage.nodes_of(chain)] for chain in stage.world.chains}


@contextlib.asynccontextmanager
async def standing(stage: Stage, wanted: Mapping[str, int] | None = None) -> AsyncIterator[Served]:
    """Serve a stage while the block runs, on wanted ports (by node's name, or `control`) where those are free.

    Where time runs, each chain makes its blocks.  An error in making one ends the block with it.
    """
    wanted = wanted or {}
    bound = {name: bind(wanted.get(name, 0)) for name in (*stage.nodes, CONTROL)}
    urls = {name: f"http://{LOOPBACK}:{port_of(one)}" for name, one in bound.items()}
    taken = [name for name, port in wanted.items() if port and name in bound and port_of(bound[name]) != port]
    notes = tuple(f"port {wanted[name]} is taken: {name} listens on {port_of(bound[name])}" for name in taken)
    served = Served(urls.pop(CONTROL), urls, notes)
    async with contextlib.AsyncExitStack() as stack:
        for name, node in stage.nodes.items():
            app = server.app(node, _machine_clock(stage, node.chain.spec.chain_id))
            await stack.enter_async_context(listening(app, bound[name]))
        await stack.enter_async_context(listening(control.app(stage, urls), bound[CONTROL]))
        if isinstance(stage.world.clock, RunningClock):
            await stack.enter_async_context(_making_blocks(stage, stage.world.clock))
        yield served


async def serve(
    stage: Stage,
    folder: Path,
    *,
    prepare: Callable[[Served], Mapping[str, Any]] = lambda _: {},
    wanted: Mapping[str, int] | None = None,
    say: Callable[[str], None] = lambda _: None,
    parent_pipe: bool = False,
) -> None:
    """Serve a stage until SIGTERM, SIGINT or, with `parent_pipe`, the end of standard input.

    `prepare` is called when everything listens; what it returns stands in the state file beside the addresses.
    The state file appears whole, and goes when the stage does.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent_pipe:
        loop.add_reader(sys.stdin.fileno(), _watch_parent, stop)
    file = folder / STATE_FILE
    try:
        async with standing(stage, wanted) as served:
            for note in served.notes:
                say(note)
            _write(file, {**_state(stage, served), **prepare(served)})
            await stop.wait()
    finally:
        file.unlink(missing_ok=True)


def process_started(pid: int) -> int:
    """When a process began, in the kernel's ticks since the machine did; 0 when there is none, or no way to tell.

    With it, a number that another process has meanwhile is known from the one in a state file.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[_STARTED_FIELD - 2])


def _state(stage: Stage, served: Served) -> dict[str, Any]:
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "started": process_started(os.getpid()),
        "control": served.control,
        "chains": served.by_chain(stage),
        "nodes": dict(served.nodes),
    }


def _write(file: Path, state: Mapping[str, Any]) -> None:
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.write_text(json.dumps(state, indent=1), encoding="utf-8")
    written.replace(file)


def _watch_parent(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _machine_clock(stage: Stage, chain_id: str) -> Callable[[], int]:
    return lambda: stage.world.now_ns(chain_id)


@contextlib.asynccontextmanager
async def _making_blocks(stage: Stage, clock: RunningClock) -> AsyncIterator[None]:
    """Make blocks while the block runs.  What goes wrong in that ends the block, and is raised out of it."""
    within, broken = asyncio.current_task(), list[BaseException]()

    def ended(task: asyncio.Task[None]) -> None:
        """Keep what the blocks died of, and end what runs beside them."""
        error = None if task.cancelled() else task.exception()
        if error is not None and within is not None:
            broken.append(error)
            within.cancel()

    tasks = [asyncio.create_task(_make_blocks(stage, clock, chain_id)) for chain_id in stage.world.chains]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if not broken or within is None:
            raise
        within.uncancel()
        raise broken[0] from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _make_blocks(stage: Stage, clock: RunningClock, chain_id: str) -> None:
    """A block each time the chain's block time is over; one that comes late stands for those that are missed."""
    pause = round(stage.chain(chain_id).spec.block_seconds * BILLION)
    due = clock.now_ns() + pause
    while True:
        await asyncio.sleep(max(_SHORTEST_PAUSE, (due - clock.now_ns()) / BILLION / clock.speed))
        stage.world.tick(chain_id)
        due = max(due + pause, clock.now_ns())
