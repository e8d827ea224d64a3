"""What Hermes says while it runs, kept for whoever watches from another process: evidence, never a judgement."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from relayclear.errors import StoreError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.relayer import RelayEvent
from relayclear.store import relay_steps
from relayclear.usecases.desk import Desk

# A batch of fifty packets tells its steps in one breath: so often at most they are written.
WRITE_SECONDS = 0.3
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

Heard = Callable[[RelayEvent], None]


def progress(desk: Desk) -> Mapping[str, Mapping[int, str]]:
    """Of every run under way the newest step of each packet that Hermes has claimed, by operation and sequence."""
    return relay_steps.every(desk.journal.database)


@contextmanager
def steps_told(desk: Desk, operation_id: str, source: ChannelEnd, heard: Heard) -> Iterator[Heard]:
    """Keep the steps of a run that is told here, and pass each on; inside the loop of a thread.

    Packets of other channels, which nobody asked for, are passed on only.
    """
    keeper = _Keeper(desk, operation_id)

    def hear(event: RelayEvent) -> None:
        """Keep it first: whoever listens may take its time."""
        if event.key.end == source:
            keeper.heard(event)
        heard(event)

    try:
        yield hear
    finally:
        keeper.close()


class _Keeper:
    """Gathers steps, and writes them at once where nothing was written lately, else when that time is over."""

    def __init__(self, desk: Desk, operation_id: str) -> None:
        self._desk, self._operation_id = desk, operation_id
        self._waiting: dict[int, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def heard(self, event: RelayEvent) -> None:
        """One step."""
        self._waiting[event.key.sequence] = event.step
        if self._timer is None:
            self._write()
            self._timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._due)

    def close(self) -> None:
        """Write what is left: the attempt is open until its packets are judged."""
        if self._timer is not None:
            self._timer.cancel()
        self._write()

    def _due(self) -> None:
        self._timer = None
        if self._waiting:
            self._write()
            self._timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._due)

    def _write(self) -> None:
        if not self._waiting:
            return
        try:
            with self._desk.journal.database.atomic() as tx:
                relay_steps.keep(tx, self._operation_id, self._waiting)
        except StoreError as error:
            # Nobody's money hangs on it: Hermes goes on, and the next step is written with this one.
            _log.warning("a step of Hermes is not shown: %s", error.message)
            return
        self._waiting = {}
