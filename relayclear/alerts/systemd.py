"""What systemd is told by its own protocol: ready, alive, reloading, stopping, and one line of status."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

_MILLION = 1_000_000
_STATUS_LIMIT = 200


class Systemd:
    """Datagrams to the socket that systemd names; nothing happens where there is none.

    Never fails: whoever can't be told has to do without.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the environment of the process, where systemd says what it wants to know."""
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog = environ.get("WATCHDOG_USEC", "")
        self._watched = environ.get("WATCHDOG_PID", "")

    @property
    def listens(self) -> bool:
        """Whether anybody is to be told."""
        return self._address.startswith(("/", "@"))

    @property
    def beat_seconds(self) -> float | None:
        """How often the watchdog wants a sign of life: half of its time, None where there is none, or not for us."""
        ours = self._watched in ("", str(os.getpid()))
        if not (self.listens and ours and self._watchdog.isascii() and self._watchdog.isdigit()):
            return None
        return int(self._watchdog) / _MILLION / 2 or None

    def ready(self, status: str) -> None:
        """It has begun, or has begun anew after a reload."""
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def alive(self) -> None:
        """The watchdog needn't bark."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """What `systemctl status` shows."""
        self._tell(f"STATUS={_line(text)}")

    def reloading(self) -> None:
        """The config is read anew; `ready` says when that is done."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It ends in good order."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        if not self.listens:
            return
        # A socket named with @ stands in no folder: the kernel wants a zero byte there.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            # A full socket must not hold up the daemon.
            out.setblocking(False)
            out.sendto(text.encode(), address)


def _line(text: str) -> str:
    # A line of its own would be a word of the protocol.
    return "".join(char if char.isprintable() else " " for char in text)[:_STATUS_LIMIT]
