"""HTTP connections, shared by all chains of a process: one client and at most four connections per host."""

from __future__ import annotations

import asyncio
import functools
import ssl
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

# Where click is installed, httpx loads its own command line with rich and pygments: time for nothing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

CONNECTIONS = 4
REPLY_CAP = 32 * 1024 * 1024
"""Bytes after which a reply is given up; the largest honest one seen is 4 MB."""

_TIMEOUT = httpx.Timeout(connect=3, read=10, write=5, pool=30)
# Uncompressed: nodes don't compress, and a small reply that unfolds to gigabytes is nobody's friend.
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class OversizedError(Exception):
    """A reply grew over the cap and was given up."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back: status, body, and the two headers that matter here."""

    status: int
    content: bytes
    retry_after: str | None
    server_time: str | None


class Host:
    """One host:port: its client, and the slots that bound what is under way at once."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Take the client; slots are as many as its connections."""
        self._client = client
        self.slots = asyncio.Semaphore(CONNECTIONS)

    async def post(self, url: str, content: bytes) -> HttpReply:
        """Send one body and read the whole reply.  Raises httpx.HTTPError, OversizedError."""
        async with self._client.stream("POST", url, content=content, headers=_HEADERS) as reply:
            parts: list[bytes] = []
            size = 0
            if reply.headers.get("content-encoding", "identity") != "identity":
                # Asked for none: a piece of 64 kB could unfold to gigabytes before the cap sees any of it.
                raise httpx.DecodingError("a compressed reply")
            async for part in reply.aiter_bytes():
                size += len(part)
                if size > REPLY_CAP:
                    raise OversizedError
                parts.append(part)
            headers = reply.headers
            return HttpReply(
                reply.status_code, b"".join(parts), headers.get("retry-after"), headers.get("x-server-time")
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class Hosts:
    """All hosts of a process.  Lives in one event loop; close it there."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Take a transport to use for everything, as tests do; None for the network."""
        self._transport = transport
        self._hosts: dict[str, Host] = {}

    def of(self, url: str) -> Host:
        """The host of a URL, connected when first used."""
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if key not in self._hosts:
            self._hosts[key] = Host(self._client(secure=parts.scheme == "https"))
        return self._hosts[key]

    async def aclose(self) -> None:
        """Close every connection."""
        hosts, self._hosts = list(self._hosts.values()), {}
        for host in hosts:
            await host.aclose()

    def _client(self, *, secure: bool) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        verify = _certificates() if secure else _none()
        return httpx.AsyncClient(transport=self._transport, verify=verify, limits=limits, timeout=_TIMEOUT)


@functools.cache
def _certificates() -> ssl.SSLContext:
    # Reading the certificate bundle takes 20 to 40 ms, so once for all hosts.
    return httpx.create_ssl_context()


@functools.cache
def _none() -> ssl.SSLContext:
    # For plain http nothing is verified; a context that trusts nobody is cheap and fails closed.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
