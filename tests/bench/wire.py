"""The few CometBFT requests of the naive plan, encoded by hand and sent over one bare connection.

Shares nothing with the package on purpose: a peer that used our encoder would inherit our mistakes.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Sequence
from http import HTTPStatus

from tests.bench.measure import BenchError
from tests.localnet.rpc import fields, message, packed

Query = tuple[str, bytes]
"""One `abci_query`: the path of the method and its protobuf request."""

_SERVICE = "/ibc.core.channel.v1.Query/"
_PORT = "transfer"


def commitments(channel: str, limit: int, key: bytes = b"") -> Query:
    """`PacketCommitments`: one page of at most `limit` rows, from `key` on (empty: the first page)."""
    page = message((1, key), (3, limit)) if key else message((3, limit))
    return _SERVICE + "PacketCommitments", message((1, _PORT), (2, channel), (3, page))


def unreceived(channel: str, sequences: Sequence[int]) -> Query:
    """`UnreceivedPackets`: which of these sequences this side has not received."""
    return _SERVICE + "UnreceivedPackets", message((1, _PORT), (2, channel), (3, packed(list(sequences))))


def acknowledgements(channel: str, sequences: Sequence[int]) -> Query:
    """`PacketAcknowledgements` for exactly these sequences (none at all would walk through every old one)."""
    return _SERVICE + "PacketAcknowledgements", message((1, _PORT), (2, channel), (4, packed(list(sequences))))


def batch(queries: Sequence[Query]) -> bytes:
    """The JSON-RPC body of up to ten queries; a single one is sent bare, as a client without batches would."""
    calls = [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "abci_query",
            "params": {"path": path, "data": data.hex(), "height": "0", "prove": False},
        }
        for number, (path, data) in enumerate(queries)
    ]
    return json.dumps(calls if len(calls) > 1 else calls[0], separators=(",", ":")).encode()


def rows(reply: bytes) -> int:
    """How many commitments or acknowledgements a reply holds; `BenchError` when the node refused a query in it."""
    parsed = json.loads(reply)
    count = 0
    for one in parsed if isinstance(parsed, list) else [parsed]:
        response = one.get("result", {}).get("response")
        if response is None or response.get("code", 0):
            raise BenchError(f"the node refused a query of the naive plan: {one}")
        # Field 1 of UnreceivedPackets is a packed list; none of ours begins with sequence 10, the tag of a row's port.
        count += sum(1 for row in fields(base64.b64decode(response["value"] or ""), 1) if row.startswith(b"\x0a"))
    return count


class Bare:
    """A keep-alive HTTP/1.1 connection to one node that reads replies and looks at none of them."""

    def __init__(self, host: str, port: int) -> None:
        """Connect to `host:port` at once, so that no measurement pays for it."""
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._connection.connect()

    def connect(self) -> None:
        """Connect anew."""
        self._connection.close()
        self._connection.connect()

    def post(self, body: bytes) -> bytes:
        """Send one body, return the raw reply; `BenchError` when the node answers anything but 200."""
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        raw = reply.read()
        if reply.status != HTTPStatus.OK:
            raise BenchError(f"the node answered {reply.status}: {raw[:200]!r}")
        return raw

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
