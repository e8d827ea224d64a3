"""A terminal of our own: a pty with a program in it, read as bytes, without a library that draws them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\[(][0-9;?<>=]*[ -/]*[@-~]|\x1b[=>78M]")


class Terminal:
    """A program at a terminal.  `raw` is everything that it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], near: int, far: int) -> None:
        self.process = process
        self._near, self._far = near, far
        self.before = termios.tcgetattr(far)
        self.raw = ""

    def await_words(self, *words: str) -> None:
        """Wait until all words were written, in whatever order and place.  Forgets what was written before."""
        start = len(self.raw)
        self._read(lambda: all(word in plain(self.raw[start:]) for word in words), f"{words}", start)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._near, keys.encode())

    def resize(self, columns: int, rows: int, words: str) -> None:
        """Another size; wait until these words are shown in it."""
        start, last = len(self.raw), 0.0
        _size(self._far, columns, rows)

        def told() -> bool:
            """It isn't the program's controlling terminal: nobody but us tells it, and once may be too early.

            Nor too often: it draws in the new size once no other one follows.
            """
            nonlocal last
            if time.monotonic() - last > 1:
                self.process.send_signal(signal.SIGWINCH)
                last = time.monotonic()
            return words in plain(self.raw[start:])

        self._read(told, words, start)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        self._read(lambda: self.process.poll() is not None, "its end", 0)
        self.drain()
        return self.process.wait(PATIENCE)

    @property
    def modes(self) -> list[object]:
        """The terminal's attributes as they are now."""
        return list(termios.tcgetattr(self._far))

    def _read(self, holds: object, what: str, start: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {what} and saw {plain(self.raw[start:])[-3000:]}")
            self.piece()

    def drain(self) -> None:
        """Read what was written since, waiting a moment for more."""
        while self.piece():
            pass

    def piece(self) -> bool:
        """Read the next piece; False where none comes soon."""
        if not select.select([self._near], [], [], 0.05)[0]:
            return False
        try:
            self.raw += os.read(self._near, 65536).decode(errors="replace")
        except OSError:
            return False
        return True


def plain(raw: str) -> str:
    """What was written without the words to the terminal; where the cursor was moved stands a space."""
    return _ESCAPES.sub(" ", raw)


@contextmanager
def at_terminal(argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """Run `relayclear` with these words at a terminal of its own; it is ended with the block."""
    near, far = pty.openpty()
    _size(far, *size)
    command = [sys.executable, "-m", "relayclear", *argv]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELAYCLEAR_", "XDG_"))}
    process = subprocess.Popen(
        command,
        stdin=far,
        stdout=far,
        stderr=far,
        env={**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env},
        start_new_session=True,
    )
    try:
        yield Terminal(process, near, far)
    finally:
        process.kill()
        process.wait()
        os.close(near)
        os.close(far)


def _size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
