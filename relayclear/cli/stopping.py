"""How what runs on and on is told to stop: SIGTERM as a daemon's keeper does, Ctrl-C as a person does."""

from __future__ import annotations

import asyncio
import signal
from typing import Self


class Stopping:
    """The first signal asks to stop in good order, the second one ends at once."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.event = asyncio.Event()
        self.interrupted = False

    def __enter__(self) -> Self:
        """Take over SIGINT and SIGTERM."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def asked(number: int) -> None:
            """Note the wish to stop; a second signal cancels the work at once."""
            if self.event.is_set() and task is not None:
                task.cancel()
            self.interrupted = self.interrupted or number == signal.SIGINT
            self.event.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked, number)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
