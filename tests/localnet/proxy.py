"""A door in front of a node: passes everything on, or keeps back what is to be broadcast."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator


class Door(StrEnum):
    """What becomes of a broadcast."""

    OPEN = "open"
    HANGS = "hangs"
    DROPS = "drops"
    LOSES_THE_ANSWER = "loses_the_answer"


class Proxy:
    """A node's RPC behind another port.  `door` may be changed at any time; `kept` are the broadcasts kept back."""

    def __init__(self, target: str) -> None:
        """Listen on a port of its own."""
        self.target = target
        self.door = Door.OPEN
        self.kept: list[Any] = []
        self.asked = threading.Event()
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, body: bytes) -> bytes | None:
        """What the node answers, None for a broken line."""
        calls = json.loads(body)
        sends = [
            call for call in (calls if isinstance(calls, list) else [calls]) if call["method"].startswith("broadcast")
        ]
        if sends and self.door is not Door.OPEN:
            self.kept += sends
            self.asked.set()
            if self.door is Door.HANGS:
                self.released.wait(60)
                return None
            if self.door is Door.DROPS:
                return None
            self._ask(body)
            return None
        return self._ask(body)

    def _ask(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        return httpx.post(self.target, content=body, headers=headers, timeout=30).content

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve for the length of the block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = proxy.answer(body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
