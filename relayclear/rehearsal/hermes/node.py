"""A small JSON-RPC client for a CometBFT node."""

from __future__ import annotations

import errno
import http.client
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from relayclear.rehearsal.hermes.failure import Failure


class Transport(Protocol):
    """Carries one call to a node.  Raises RpcError when the node says no, NodeError when nothing comes back."""

    def __call__(self, method: str, params: Mapping[str, Any]) -> Any:
        """The result of a method; parameters are JSON as CometBFT reads it (whole numbers as strings)."""


class RpcError(Exception):
    """The node's own error; the text is its message and its data."""


class NodeError(Exception):
    """No answer: the connection was refused or broken, or what came isn't JSON-RPC."""


Connect = Callable[[str, float], Transport]
"""Makes the transport to an address, with how many seconds an answer may take."""


class HttpTransport:
    """JSON-RPC over one HTTP connection, which is made anew when the node closed it."""

    def __init__(self, address: str, seconds: float) -> None:
        self._parts, self._seconds = urlsplit(address), seconds
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, method: str, params: Mapping[str, Any]) -> Any:
        """The result of a method.  Raises RpcError, NodeError."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params)})
        try:
            answer = json.loads(self._post(body))
        except (OSError, http.client.HTTPException) as broken:
            raise NodeError(_words(self._parts.geturl(), broken)) from broken
        except ValueError as garbage:
            raise NodeError(f"serde parse error\n{garbage}") from garbage
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise NodeError("serde parse error\nmissing field `result`")
        if answer.get("error"):
            error = answer["error"]
            data = f": {error['data']}" if error.get("data") else ""
            raise RpcError(f"{error.get('message')}{data} (code: {error.get('code')})")
        return answer["result"]

    def _post(self, body: str) -> bytes:
        fresh = self._connection is None
        try:
            return self._exchange(body)
        except (ConnectionError, http.client.RemoteDisconnected):
            self._close()
            # A kept connection may have been closed since; nothing was read of this request then.
            if fresh:
                raise
            return self._exchange(body)
        except (OSError, http.client.HTTPException):
            self._close()
            raise

    def _exchange(self, body: str) -> bytes:
        if self._connection is None:
            secure = self._parts.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            self._connection = kind(self._parts.hostname or "", self._parts.port, timeout=self._seconds)
        self._connection.request("POST", self._parts.path or "/", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK and not content.lstrip().startswith(b"{"):
            raise http.client.HTTPException(f"server responded with HTTP status code {answer.status}")
        return content

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None


def get(address: str, seconds: float) -> Any:
    """The JSON that a GET of an address gives.  Raises OSError, HTTPException, ValueError."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def unreachable(address: str, why: Exception) -> Failure:
    """What Hermes says when a call to a node failed."""
    kind = "HTTP error" if isinstance(why, NodeError) else "RPC error"
    shown = address if urlsplit(address).path else f"{address}/"
    causes = (kind, str(why)) if isinstance(why, NodeError) else (str(why),)
    return Failure(f"RPC error to endpoint {shown}", *causes)


def _words(address: str, broken: Exception) -> str:
    shown = address if urlsplit(address).path else f"{address}/"
    if isinstance(broken, ConnectionRefusedError):
        said = f"tcp connect error: {os.strerror(errno.ECONNREFUSED)} (os error {errno.ECONNREFUSED})"
        return f"error sending request for url ({shown}): error trying to connect: {said}"
    if isinstance(broken, TimeoutError):
        return f"error sending request for url ({shown}): operation timed out"
    return f"error sending request for url ({shown}): {broken}"
