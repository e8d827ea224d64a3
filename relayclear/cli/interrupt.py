"""Ctrl-C while work is under way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from relayclear.cli.output import say


class Interrupt:
    """Ctrl-C as an event: the first asks to stop in good order, the second goes at once."""

    def __init__(self, told: Callable[[str], None] = say) -> None:
        """Nothing was pressed yet; `told` says to the person that it was."""
        self.event = asyncio.Event()
        self._told = told

    def __enter__(self) -> Self:
        """Take over SIGINT and SIGTERM."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def pressed() -> None:
            """The first signal asks for an end, the second one forces it."""
            if self.event.is_set() and task is not None:
                task.cancel()
            elif not self.event.is_set():
                self._told("stopping; what is under way is ended and looked at (again: leave at once)")
                self.event.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, pressed)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
