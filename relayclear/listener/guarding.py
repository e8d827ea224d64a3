"""Who may ask, and how much: the token in constant time, no bodies, short requests, few at once."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from relayclear.errors import ConfigError

LARGEST_HEAD = 8192
"""Bytes that the head of a request may have; a body may have none."""

LONGEST_PATH = 256
SHORTEST_TOKEN = 16
_SCHEME = "bearer "


def split(listen: str) -> tuple[str, int]:
    """The host, without brackets, and the port of an address to listen on."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address.  A name is taken for what it is: somebody else resolves it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe(listen: str, token: str | None) -> None:
    """Raise ConfigError where others could ask without a token, or with one that can be guessed."""
    host, _ = split(listen)
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"[watch] listen = {listen!r} can be reached from elsewhere, and asks for no token",
            hint='listen on "127.0.0.1:9464", or name a file of mode 0600 in [watch] token_file',
            code="listen_open",
        )
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ConfigError(
            f"the token of the listener has fewer than {SHORTEST_TOKEN} characters",
            hint="head -c 32 /dev/urandom | base64 > TOKEN_FILE",
            code="listen_token",
        )


class Guard:
    """Lets through what may be asked: GET or HEAD, without a body, with the token where there is one."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        """Keep the token; it is never shown."""
        self._app = app
        self._expected = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before anything is read for it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if not self._knows(headers.get("authorization", "")):
            return _refused(401, "a token is asked for", {"www-authenticate": "Bearer"})
        if scope["method"] not in {"GET", "HEAD"}:
            return _refused(405, "nothing can be changed here", {"allow": "GET, HEAD"})
        # Whoever sends a body is ended with the answer: nothing of it is ever read.
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            return _refused(413, "a question has no body", {"connection": "close"})
        if len(scope["path"]) > LONGEST_PATH:
            return _refused(414, "no path here is so long", {"connection": "close"})
        return None

    def _knows(self, authorization: str) -> bool:
        if self._expected is None:
            return True
        scheme, given = authorization[: len(_SCHEME)].lower(), authorization[len(_SCHEME) :].strip()
        # Compared whole, so that the time it takes tells nothing of how much of it is right.
        same = hmac.compare_digest(given.encode("utf-8", "replace"), self._expected)
        return same and scheme == _SCHEME


def _refused(status: int, words: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)
