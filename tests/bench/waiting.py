"""`python -m tests.bench.waiting FILE …`: relayclear, and into the file the seconds that it waited for nodes.

Waiting is any time at which a request to a node is on its way, from the moment it is handed to the HTTP client.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from relayclear.chains.hosts import Host, HttpReply


class Waiting:
    """Counts requests on their way, and adds up the time at which there are any."""

    def __init__(self, file: Path) -> None:
        """Nothing is on its way."""
        self._file = file
        self._seconds = 0.0
        self._requests = 0
        self._since = 0.0
        self._post = Host.post

    async def post(self, host: Host, url: str, content: bytes) -> HttpReply:
        """Send a request as ever."""
        if not self._requests:
            self._since = time.perf_counter()
        self._requests += 1
        try:
            return await self._post(host, url, content)
        finally:
            self._requests -= 1
            if not self._requests:
                self._seconds += time.perf_counter() - self._since
                # At once: relayclear leaves without taking anything down.
                self._file.write_text(str(self._seconds), encoding="utf-8")


def main() -> None:
    """Be relayclear, with a watch at hand."""
    waiting = Waiting(Path(sys.argv.pop(1)))

    async def post(self: Host, url: str, content: bytes) -> HttpReply:
        return await waiting.post(self, url, content)

    Host.post = post  # type: ignore[method-assign]
    from relayclear.cli.app import main as relayclear  # noqa: PLC0415  its time is measured as it really starts

    relayclear()


if __name__ == "__main__":
    main()
