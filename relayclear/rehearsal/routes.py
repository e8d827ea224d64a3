"""The methods of a CometBFT 0.38 node: their arguments, and how Go reads those from an address.

Source: CometBFT 0.38.11, rpc/core/routes.go, rpc/jsonrpc/server/http_uri_handler.go.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from relayclear.rehearsal import go_text, wire
from relayclear.rehearsal.go_text import GoError


class Kind(StrEnum):
    """An argument's type, by Go's name."""

    INT64 = "int64"
    INT = "int"
    TEXT = "string"
    FLAG = "bool"
    BYTES = "[]uint8"
    """base64 in JSON"""
    TX = "types.Tx"
    """the same"""
    HEX = "bytes.HexBytes"
    """hexadecimal in JSON"""


@dataclass(frozen=True, slots=True)
class Route:
    """A method: its arguments in order; whether it is for subscribers only.

    An answer of a `cacheable` method may be kept for a day, unless one of `unless` was left out.
    """

    arguments: Mapping[str, Kind] = field(default_factory=dict)
    cacheable: bool = False
    unless: tuple[str, ...] = ()
    subscribers: bool = False

    def keeps(self, params: Any) -> bool:
        """Whether the answer to these parameters, in an object or a list, may be cached."""
        given = dict(zip(self.arguments, params, strict=False)) if isinstance(params, list) else params or {}
        return self.cacheable and all(given.get(name) is not None for name in self.unless)


_HEIGHT = {"height": Kind.INT64}
_PAGES = {"page": Kind.INT, "per_page": Kind.INT}
_ORDER = {"order_by": Kind.TEXT}
_AT_HEIGHT = Route(_HEIGHT, cacheable=True, unless=("height",))
_TX = Route({"tx": Kind.TX})
ROUTES: dict[str, Route] = {
    "abci_info": Route(cacheable=True),
    "abci_query": Route({"path": Kind.TEXT, "data": Kind.HEX, **_HEIGHT, "prove": Kind.FLAG}),
    "block": _AT_HEIGHT,
    "block_by_hash": Route({"hash": Kind.BYTES}, cacheable=True),
    "block_results": _AT_HEIGHT,
    "block_search": Route({"query": Kind.TEXT, **_PAGES, **_ORDER}),
    "blockchain": Route({"minHeight": Kind.INT64, "maxHeight": Kind.INT64}, cacheable=True),
    "broadcast_tx_async": _TX,
    "broadcast_tx_commit": _TX,
    "broadcast_tx_sync": _TX,
    "check_tx": _TX,
    "commit": _AT_HEIGHT,
    "consensus_params": _AT_HEIGHT,
    "consensus_state": Route(),
    "dump_consensus_state": Route(),
    "genesis": Route(cacheable=True),
    "header": _AT_HEIGHT,
    "header_by_hash": Route({"hash": Kind.HEX}, cacheable=True),
    "health": Route(),
    "net_info": Route(),
    "num_unconfirmed_txs": Route(),
    "status": Route(),
    "subscribe": Route({"query": Kind.TEXT}, subscribers=True),
    "tx": Route({"hash": Kind.BYTES, "prove": Kind.FLAG}, cacheable=True),
    "tx_search": Route({"query": Kind.TEXT, "prove": Kind.FLAG, **_PAGES, **_ORDER}),
    "unconfirmed_txs": Route({"limit": Kind.INT}),
    "unsubscribe": Route({"query": Kind.TEXT}, subscribers=True),
    "unsubscribe_all": Route(subscribers=True),
    "validators": Route({**_HEIGHT, **_PAGES}, cacheable=True, unless=("height",)),
}
_WHOLE = re.compile("-?[0-9]+")


def from_address(route: Route, query: Mapping[str, str]) -> dict[str, Any]:
    """What the query of an address gives, as parameters in JSON.

    Raises GoError with the text that follows `error converting http params to arguments: `.
    """
    return {name: _read(kind, query[name]) for name, kind in route.arguments.items() if query.get(name)}


def _read(kind: Kind, text: str) -> Any:
    """An argument as people write it in an address: `7`, `0x0a`, `"text"`."""
    takes_bytes = kind in (Kind.BYTES, Kind.TX, Kind.HEX)
    if text[:2].lower() == "0x":
        if not takes_bytes and kind is not Kind.TEXT:
            raise GoError(f"got a hex string arg, but expected '{kind}'")
        value = go_text.hex_bytes(text[2:])
        return value.decode(errors="replace") if kind is Kind.TEXT else _in_json(kind, value)
    in_quotes = len(text) > 1 and text[0] == text[-1] == '"'
    if takes_bytes and in_quotes:
        return _in_json(kind, str(wire.read(text)).encode())
    if kind is Kind.HEX:
        raise GoError(f"invalid hex string: {text}")
    if kind in (Kind.INT64, Kind.INT) and not in_quotes:
        if not _WHOLE.fullmatch(text):
            raise GoError(f"invalid 64-bit integer encoding {go_text.quoted(text)}, expected string")
        return text
    return wire.read(text)


def _in_json(kind: Kind, value: bytes) -> str:
    return value.hex() if kind is Kind.HEX else base64.b64encode(value).decode()
