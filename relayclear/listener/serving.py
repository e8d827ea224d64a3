"""A port in the daemon's own event loop, behind uvicorn's protocol; without uvicorn's main loop, which ticks."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from relayclear.errors import ConfigError
from relayclear.ibc.text import clean
from relayclear.listener.answering import app
from relayclear.listener.guarding import LARGEST_HEAD, require_safe, split
from relayclear.usecases.desk import Desk

_LOGGER = logging.getLogger("relayclear.listener")
AT_ONCE = 16
LONGEST_SILENCE = 30.0
"""Seconds that a connection may say nothing whole; whoever scrapes comes back by itself."""

_IDLE_SECONDS = 15
_BACKLOG = 32
_ABOVE_ALL = logging.CRITICAL + 1


class _Connection(H11Protocol):
    """A connection that may not stay for nothing, and is one of a few."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or hang up where there are enough."""
        if len(self.server_state.connections) >= AT_ONCE:
            transport.abort()
            return
        super().connection_made(transport)
        self.loop.call_later(LONGEST_SILENCE, self._still_there)

    def _still_there(self) -> None:
        """Hang up unless an answer is under way: half a question could be dripped in for ever."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.loop.call_later(LONGEST_SILENCE, self._still_there)
        else:
            self.transport.abort()


@asynccontextmanager
async def listening(desk: Desk, listen: str, token: str | None, had: socket.socket | None = None) -> AsyncIterator[int]:
    """Serve health and metrics on an address, or on the socket that is `had` there already; gives the port.

    Raises ConfigError for an address that others can reach without a token, or that can't be had.
    """
    bound = had or bind(listen, token)
    config = Config(
        _reported(app(desk, token)),
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=_ABOVE_ALL,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )
    config.load()
    state, loop, nothing = ServerState(), asyncio.get_running_loop(), dict[str, Any]()
    server = await loop.create_server(lambda: _Connection(config, state, nothing), sock=bound, backlog=_BACKLOG)
    try:
        yield int(bound.getsockname()[1])
    finally:
        server.close()
        await _end(state)


def bind(listen: str, token: str | None) -> socket.socket:
    """A socket that listens on the address, to be closed: from now on nobody else can have it.

    Raises ConfigError where it can't be had, for somebody watches a port, not any port, and as `require_safe` does.
    """
    require_safe(listen, token)
    host, port = split(listen)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unusable(listen, error) from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise _unusable(listen, error) from error
    return made


def _unusable(listen: str, error: OSError) -> ConfigError:
    why = error.strerror or type(error).__name__
    return ConfigError(f"{listen} can't be listened on: {why}", hint="choose another port with --listen", code="listen")


def _reported(inner: ASGIApp) -> ASGIApp:
    """The app, whose own mistakes are told in the daemon's log: uvicorn's would tell of everybody's."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what goes wrong is a mistake of ours and never more than one answer."""
        try:
            await inner(scope, receive, send)
        except Exception as error:
            _LOGGER.warning("a question to the listener ended in %s: %s", type(error).__name__, clean(str(error), 300))
            raise

    return run


async def _end(state: ServerState) -> None:
    for connection in [*state.connections]:
        connection.transport.abort()
    running = [*state.tasks]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
