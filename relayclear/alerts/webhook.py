"""Alerts by HTTP: one POST a batch, signed so that its receiver knows who sent it, and when."""

from __future__ import annotations

import hmac
import sys
from collections.abc import Mapping
from datetime import datetime

from relayclear.errors import AlertError
from relayclear.ibc.text import redact_url

# Where click is installed, httpx loads its own command line with rich and pygments: time for nothing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

TIMESTAMP = "Relayclear-Timestamp"
SIGNATURE = "Relayclear-Signature"
# Of an answer only its beginning is of interest, and a hostile one may never end.
_READ_AT_MOST = 200
_TAKEN = range(200, 300)


def signed_headers(secret: bytes, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that prove a body: its time in unix seconds, and ``v1=`` with an HMAC-SHA256 in hex.

    What is signed is the timestamp, a full stop and the body, so that an old call can't be sent again
    as a new one: a receiver refuses times that are minutes away from its own.
    """
    timestamp = str(int(at.timestamp()))
    digest = hmac.digest(secret, timestamp.encode() + b"." + body, "sha256").hex()
    return {TIMESTAMP: timestamp, SIGNATURE: f"v1={digest}"}


def is_signed(secret: bytes, body: bytes, headers: Mapping[str, str], now: datetime, tolerance: float = 300) -> bool:
    """What a receiver checks: the signature is ours, and its time not farther away than `tolerance` seconds."""
    timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now.timestamp() - int(timestamp)) > tolerance:
        return False
    wanted = hmac.digest(secret, timestamp.encode() + b"." + body, "sha256").hex()
    return hmac.compare_digest(signature.encode(), f"v1={wanted}".encode())


class Webhook:
    """The `Caller` port over one address.  Redirections are not followed: they would hand the alerts to others."""

    name = "webhook"

    def __init__(
        self, url: str, secret: bytes, seconds: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Take the address, the secret, and how long a call may take; tests give a transport."""
        self._url, self._secret, self._seconds, self._transport = url, secret, seconds, transport

    async def call(self, body: bytes, at: datetime) -> str:
        """Post the body; the status and the beginning of the answer.  Raises AlertError for anything but 2xx."""
        headers = {"Content-Type": "application/json", **signed_headers(self._secret, body, at)}
        try:
            # A connection of its own each time: calls are rare, and an old one may be dead without a word.
            async with (
                httpx.AsyncClient(transport=self._transport, timeout=self._seconds, follow_redirects=False) as client,
                client.stream("POST", self._url, content=body, headers=headers) as reply,
            ):
                said = await _beginning(reply)
        except httpx.InvalidURL as error:
            raise self._failed("its address can't be used") from error
        except httpx.HTTPError as error:
            raise self._failed(_why(error)) from error
        if reply.status_code not in _TAKEN:
            raise self._failed(f"it answered {reply.status_code} {said}".rstrip())
        return f"{reply.status_code} {said}".rstrip()

    def _failed(self, why: str) -> AlertError:
        # The address may be a secret itself: whoever knows it may post there.
        return AlertError(
            f"the webhook at {redact_url(self._url)} was not reached: {why}", hint="relayclear alerts test"
        )


async def _beginning(reply: httpx.Response) -> str:
    found = b""
    async for part in reply.aiter_bytes():
        found += part
        if len(found) >= _READ_AT_MOST:
            break
    return " ".join(found[:_READ_AT_MOST].decode("utf-8", "replace").split())


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
