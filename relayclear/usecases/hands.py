"""Whose hands carry requests out: those of `watch` where one lives, else the asking process's own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum

from relayclear.errors import StoreError
from relayclear.ibc.relayer import RelayEvent
from relayclear.usecases.alive import watch_lives
from relayclear.usecases.desk import Desk
from relayclear.usecases.pausing import pause
from relayclear.usecases.requests_work import Carrier, take_up_requests
from relayclear.usecases.resting import RestingEngine

LOOK_SECONDS = 1.0
WORKERS = 2


class CarriedBy(StrEnum):
    """Who carries out what is asked for now."""

    WATCH = "watch"
    HERE = "here"


class Hands:
    """An engine for requests alone, in the loop of the asking process, that rests while a `watch` lives.

    Both may be at it for a moment, when one starts while a request is carried out here: claims, locks of keys and
    the request's own facts let each be carried out once.  `name` is the program's (``dashboard``).
    """

    def __init__(self, desk: Desk, name: str, heard: Callable[[RelayEvent], None] = lambda _: None) -> None:
        """Begin nothing yet."""
        database, clock = desk.journal.database, desk.clock
        self._desk = desk
        self._engine, self._acts = RestingEngine(database, clock), RestingEngine(database, clock)
        self._leaving = False
        take_up_requests(Carrier(desk, self._engine, self._acts, f"{name} {os.getpid()}", heard))

    @property
    def busy(self) -> int:
        """How many requests are under way here: who ends the program now cuts them short."""
        return self._engine.busy + self._acts.busy

    def begin_no_more(self) -> None:
        """Let what is under way end, and begin nothing else: a program that means to end waits until none is busy."""
        self._leaving = True
        self._rest()

    def carrier(self) -> CarriedBy:
        """Who carries out what is asked for now."""
        return carrier(self._desk)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry requests out until told to stop, whenever no `watch` does; what is under way is then cut short.

        What it did by then is found out by whoever takes the request up next.  Raises StoreError where the database
        can't be opened.
        """
        self._rest()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._engine.run(stop, WORKERS), name="requests")
            group.create_task(self._acts.run(stop, 1), name="request acts")
            while not stop.is_set():
                await pause(self._desk.clock, LOOK_SECONDS, stop)
                self._rest()

    def _rest(self) -> None:
        try:
            resting = self._leaving or self.carrier() is CarriedBy.WATCH
        except StoreError:
            # Nothing can be claimed either while that lasts.
            return
        for engine in (self._engine, self._acts):
            engine.resting = resting
            if not resting:
                engine.wake.set()


def carrier(desk: Desk) -> CarriedBy:
    """Who would carry out what is asked for now; to look keeps no `watch` from starting."""
    return CarriedBy.WATCH if watch_lives(desk) else CarriedBy.HERE
