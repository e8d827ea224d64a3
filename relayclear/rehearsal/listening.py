"""Ports on loopback: ASGI apps behind uvicorn's protocols, in whatever event loop already runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_LOGGER = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
# Go's idle time is its read time, which CometBFT sets to 10 s; it pings its subscribers every 27 s.
_IDLE_SECONDS, _PING_SECONDS = 10, 27.0
_CRITICAL = 50


class _Connection(H11Protocol):
    """A connection whose app can end it without an answer: `scope["state"]["abort"]()`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the app the way to drop this connection."""
        self.app_state = {**self.app_state, "abort": transport.abort}
        super().connection_made(transport)


def bind(wanted: int = 0) -> socket.socket:
    """A socket on a loopback port: the wanted one, or a free one where it is taken (0: any)."""
    # With its protocol named, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms longer.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, wanted))
    except OSError:
        made.bind((LOOPBACK, 0))
    return made


def port_of(bound: socket.socket) -> int:
    """The port of a bound socket."""
    return int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, bound: socket.socket) -> AsyncIterator[int]:
    """Serve an app on a bound socket, which is closed at the end with every connection; gives its port."""
    config = Config(
        _reported(app),
        http=_Connection,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        log_level=_CRITICAL,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        ws_ping_interval=_PING_SECONDS,
        ws_per_message_deflate=False,
    )
    config.load()
    state, loop, nothing = ServerState(), asyncio.get_running_loop(), dict[str, Any]()
    server = await loop.create_server(lambda: _Connection(config, state, nothing), sock=bound)
    try:
        yield port_of(bound)
    finally:
        server.close()
        await _end(state)


def _reported(app: ASGIApp) -> ASGIApp:
    """The app, whose own mistakes are told: uvicorn, which would, also tells of everything else."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.  Raises whatever the app raises, after logging it."""
        try:
            await app(scope, receive, send)
        except Exception:
            _LOGGER.exception("a request to %s ended in an error", scope["path"])
            raise

    return run


async def _end(state: ServerState) -> None:
    for connection in [*state.connections]:
        connection.transport.abort()
    running = [*state.tasks]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
