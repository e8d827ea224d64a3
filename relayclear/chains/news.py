"""What a node tells of its own accord: that there is a block, or a transaction that brings an address coins.

A hint, never a reading: what is told may be late, twice, or missing.  Measured on CometBFT 0.38: a node drops a
subscriber that doesn't read for 30 s, and one event may be far larger than the usual limit of 1 MiB.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from relayclear.chains import wire
from relayclear.chains.client import Node
from relayclear.errors import NodeError
from relayclear.ibc.text import clean

QUIET_SECONDS = 60.0
"""A chain that makes no block for so long, or a line that only seems to stand."""

_MOST_BYTES = 64 * 1024 * 1024
_OPEN_SECONDS = 10.0
_BROKEN = (OSError, WebSocketException, TimeoutError)


async def news(nodes: Sequence[Node], chain: str, address: str, quiet_seconds: float) -> AsyncGenerator[int, None]:
    """The heights that the first reachable node tells of, as it tells them, until the line breaks.

    Raises NodeError for any end: no node to connect to, a refusal, another chain, silence.
    """
    async with contextlib.AsyncExitStack() as stack:
        node, connection = await _connected(nodes, stack)
        try:
            for number, query in enumerate(_queries(address)):
                request = {"jsonrpc": "2.0", "id": number, "method": "subscribe", "params": {"query": query}}
                await connection.send(orjson.dumps(request).decode())
            while True:
                async with asyncio.timeout(quiet_seconds):
                    message = await connection.recv(decode=False)
                height = _height(message, node, chain)
                if height is not None:
                    yield height
        except TimeoutError:
            raise NodeError(f"{node.name} told nothing for {quiet_seconds:g} s") from None
        except _BROKEN:
            raise NodeError(f"{node.name} broke the line") from None


def websocket_url(url: str) -> str:
    """Where the node of an RPC address tells its news; a path before it and a query behind it stay."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/websocket", parts.query, ""))


def _queries(address: str) -> tuple[str, str]:
    return "tm.event='NewBlockHeader'", f"tm.event='Tx' AND coin_received.receiver='{address}'"


async def _connected(nodes: Sequence[Node], stack: contextlib.AsyncExitStack) -> tuple[Node, ClientConnection]:
    reasons = []
    for node in nodes:
        # The library's own text may repeat the address, keys included.
        opening = connect(websocket_url(node.url), max_size=_MOST_BYTES, compression=None, open_timeout=_OPEN_SECONDS)
        try:
            return node, await stack.enter_async_context(opening)
        except (*_BROKEN, ValueError) as error:
            reasons.append(f"{node.name} takes no subscriber ({type(error).__name__})")
    raise NodeError("; ".join(reasons))


def _height(message: bytes, node: Node, chain: str) -> int | None:
    """The height that a message tells, None for one that tells none.  Raises NodeError."""
    try:
        document = orjson.loads(message)
        error = document.get("error")
        if error is not None:
            raise NodeError(f"{node.name} refuses the subscription: {clean(str(error), 200)}")
        data = (document.get("result") or {}).get("data")
        return None if data is None else _told(data, node, chain)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NodeError(f"{node.name} tells what makes no sense") from None


def _told(data: Any, node: Node, chain: str) -> int:
    value = data["value"]
    if "TxResult" in value:
        return wire.number(value["TxResult"]["height"])
    header = value["header"]
    if header["chain_id"] != chain:
        raise NodeError(f"{node.name} tells of chain {clean(str(header['chain_id']), 64)!r}, not {chain!r}")
    return wire.number(header["height"])
