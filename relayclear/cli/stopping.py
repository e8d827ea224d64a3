"""How what runs on and on is told to stop: SIGTERM as a daemon's keeper does, Ctrl-C as a person does.

SIGHUP means: read the config anew.  At a terminal it means that the terminal is gone, and so to stop.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Self


class Stopping:
    """The first signal asks to stop in good order, the second one ends at once; `reload` is set by SIGHUP."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.event = asyncio.Event()
        self.reload = asyncio.Event()
        self.interrupted = False
        # Asked now: of a terminal that is gone, which is when it counts, the answer is no.
        self._at_a_terminal = sys.stderr.isatty() or sys.stdin.isatty()
        self._signals = [signal.SIGINT, signal.SIGTERM]
        # Whoever started us with it ignored (nohup) wants nothing to come of it.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._signals.append(signal.SIGHUP)

    def __enter__(self) -> Self:
        """Take over SIGINT, SIGTERM and SIGHUP."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def asked(number: int) -> None:
            """Note the wish to stop; a second signal cancels the work at once."""
            if number == signal.SIGHUP and not self._at_a_terminal:
                self.reload.set()
                return
            if self.event.is_set() and task is not None:
                task.cancel()
            self.interrupted = self.interrupted or number == signal.SIGINT
            self.event.set()

        for number in self._signals:
            loop.add_signal_handler(number, asked, number)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.remove_signal_handler(number)
