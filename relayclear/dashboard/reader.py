"""The thread that reads: one look after the other, over a connection of its own, so that no key waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from relayclear.dashboard.states import Found, Trouble
from relayclear.errors import RelayclearError
from relayclear.usecases.board import Board
from relayclear.usecases.desk import Desk
from relayclear.usecases.viewing import Viewing


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a look may use: a desk that only reads, what is remembered of packets, and the moment asked for.

    `as_of` is None for now.
    """

    desk: Desk
    board: Board
    as_of: datetime | None
    stale_after: timedelta


T = TypeVar("T")
Look = Callable[[Shelf], Found[Any]]


class Reader:
    """Carries out looks in its thread.  `close` it at the end."""

    def __init__(self, desk: Desk, stale_after: timedelta) -> None:
        self._stale_after = stale_after
        self._viewing = Viewing(desk)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dashboard reader")
        self._board: tuple[int, Board] | None = None

    async def version(self) -> object:
        """A mark that is another one where something may have been written since; a Trouble where nobody can tell."""
        return await self._in_thread(self._version)

    async def read(self, looks: Mapping[str, Look], as_of: datetime | None) -> dict[str, Found[Any] | Trouble]:
        """Each look's answer by name; one that fails doesn't keep the others from being told."""
        return await self._in_thread(lambda: {name: self._look(look, as_of) for name, look in looks.items()})

    async def ask(self, work: Callable[[Shelf], Any], as_of: datetime | None) -> Any:
        """One question that a person asks: its answer.  Raises RelayclearError."""
        return await self._in_thread(lambda: self._viewing.look(lambda desk: work(self._shelf(desk, as_of))))

    async def close(self) -> None:
        """Let connection and thread go."""
        await self._in_thread(self._viewing.close)
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _version(self) -> object:
        try:
            return self._viewing.version()
        except RelayclearError as error:
            return Trouble(error.message, error.hint)

    def _look(self, look: Look, as_of: datetime | None) -> Found[Any] | Trouble:
        try:
            return self._viewing.look(lambda desk: look(self._shelf(desk, as_of)))
        except RelayclearError as error:
            return Trouble(error.message, error.hint)

    def _shelf(self, desk: Desk, as_of: datetime | None) -> Shelf:
        # What was remembered over another connection may be of another file.
        if self._board is None or self._board[0] != self._viewing.times_opened:
            self._board = (self._viewing.times_opened, Board(desk))
        return Shelf(desk, self._board[1], as_of, self._stale_after)
