"""How a CometBFT 0.38 node reads a method's parameters from JSON (`rpc/jsonrpc/server`, `libs/json/decoder.go`).

Integers of 64 bits stand in strings, bytes in base64 or in hexadecimal without 0x; null is as if nothing was given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from relayclear.rehearsal.go_text import GoError, base64_bytes, hex_bytes, integer, mismatch
from relayclear.rehearsal.routes import Kind, Route

Params = Mapping[str, Any] | list[Any]
Arguments = Mapping[str, Any]


def read(route: Route, params: Params) -> Arguments:
    """What was given, by name: numbers as int, bytes as bytes.

    Raises GoError with the text that follows `error converting json params to arguments: `.
    """
    given = params if isinstance(params, Mapping) else _by_place(route, params)
    return {name: _READERS[kind](given[name]) for name, kind in route.arguments.items() if given.get(name) is not None}


def _by_place(route: Route, params: list[Any]) -> Mapping[str, Any]:
    names = [*route.arguments]
    if len(names) != len(params):
        # Go prints the raw JSON as a list of bytes.
        shown = " ".join(f"[{' '.join(map(str, _json(one).encode()))}]" for one in params)
        raise GoError(f"expected {len(names)} parameters ([{' '.join(names)}]), got {len(params)} ([{shown}])")
    return dict(zip(names, params, strict=True))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise mismatch(value, Kind.TEXT)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise mismatch(value, Kind.FLAG)
    return value


def _hexadecimal(value: Any) -> bytes:
    if not isinstance(value, str):
        raise GoError(f"invalid hex string: {_json(value)}")
    return hex_bytes(value)


def _bytes(value: Any, wanted: Kind) -> bytes:
    if not isinstance(value, str):
        raise mismatch(value, wanted)
    return base64_bytes(value)


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.INT64: lambda value: integer(value, Kind.INT64),
    Kind.INT: lambda value: integer(value, Kind.INT),
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
    Kind.BYTES: lambda value: _bytes(value, Kind.BYTES),
    Kind.TX: lambda value: _bytes(value, Kind.TX),
    Kind.HEX: _hexadecimal,
}
