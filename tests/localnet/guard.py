"""Ends nodes whose owner died: a test run that is killed leaves nothing running.

The owner starts this as a child and writes `pid marker` lines to its standard input. When that pipe closes, for
whatever reason, every process named in it that still runs, and still is the one meant, is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_GRACE = 5.0


def command_line(pid: int) -> str:
    """The command of a running process; empty when there is none."""
    entry = Path("/proc") / str(pid) / "cmdline"
    if entry.parent.parent.joinpath("self").exists():
        try:
            return entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    # No /proc: macOS.
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def is_running(pid: int, marker: str) -> bool:
    """Whether the process runs and its command names `marker`: numbers are reused, so a pid alone proves nothing."""
    return marker in command_line(pid)


def end(pid: int, marker: str) -> None:
    """End one process and wait until it is gone; a frozen one is woken first, since it can't handle a signal."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(pid, marker):
            return
        try:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, wanted)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _GRACE
        while is_running(pid, marker) and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(0.02)


class Guard:
    """The owner's handle on a guard process."""

    def __init__(self) -> None:
        """Start the guard in a session of its own, out of reach of Ctrl-C."""
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int, marker: str) -> None:
        """End this process, too, when we are gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{pid} {marker}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Let the guard do its work now and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _reap(pid: int) -> None:
    """Collect a child that ended, which otherwise stays visible as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _main() -> None:
    watched = [line.rstrip("\n").split(" ", 1) for line in sys.stdin]
    for pid, marker in watched:
        end(int(pid), marker)


if __name__ == "__main__":
    _main()
