"""How Go's standard library and CometBFT's JSON write and read values, with their error texts."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

_BILLION = 10**9
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MOST = 2**63
_LITERALS = ("null", "true", "false")
_KINDS = ((bool, "bool"), (int | float, "number"), (str, "string"), (list, "array"))
_GROUP, _PAD = 4, ord("=")


class GoError(ValueError):
    """A value that Go refuses; the text is Go's."""


def time_text(unix_ns: int) -> str:
    """RFC 3339 with nanoseconds, zeros at the end cut off."""
    seconds, rest = divmod(unix_ns, _BILLION)
    fraction = f".{rest:09}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def quoted(text: str) -> str:
    """The verb %q: JSON's way of quoting does for what JSON itself could carry."""
    return json.dumps(text, ensure_ascii=False)


def hex_bytes(text: str) -> bytes:
    """encoding/hex.  Raises GoError."""
    raw = text.encode()
    try:
        return binascii.unhexlify(raw)
    except binascii.Error:
        pass
    for byte in raw:
        if byte not in _HEX:
            shown = f" '{chr(byte)}'" if chr(byte).isprintable() else ""
            raise GoError(f"encoding/hex: invalid byte: U+{byte:04X}{shown}")
    raise GoError("encoding/hex: odd length hex string")


def base64_bytes(text: str) -> bytes:
    """encoding/base64 in its standard form, which skips line ends.  Raises GoError with the place of the fault."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        fault = _base64_fault(text.encode())
        if fault is None:
            return base64.b64decode(text)
        raise GoError(f"illegal base64 data at input byte {fault}") from None


def _base64_fault(raw: bytes) -> int | None:
    kept = [place for place, byte in enumerate(raw) if byte not in b"\r\n"]
    number = next((number for number, place in enumerate(kept) if raw[place] not in _BASE64), None)
    if number is None:
        return len(raw) - len(kept) % _GROUP if len(kept) % _GROUP else None
    inside, behind = number % _GROUP, kept[number + 1 :]
    if raw[kept[number]] != _PAD or inside < _GROUP // 2:
        return kept[number]
    if inside == _GROUP // 2:
        if not behind or raw[behind[0]] != _PAD:
            return behind[0] if behind else len(raw)
        behind = behind[1:]
    return behind[0] if behind else None


def kind_of(value: Any) -> str:
    """What encoding/json calls a JSON value."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "object")


def mismatch(value: Any, wanted: str) -> GoError:
    """A JSON value of the wrong kind for a Go type."""
    return GoError(f"json: cannot unmarshal {kind_of(value)} into Go value of type {wanted}")


def integer(value: Any, wanted: str = "int64") -> int:
    """A 64-bit integer as CometBFT's JSON wants it, in a string.  Raises GoError."""
    if not isinstance(value, str):
        shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        raise GoError(f"invalid 64-bit integer encoding {quoted(shown)}, expected string")
    text = value.strip(" \t\r\n")
    literal = next((word for word in _LITERALS if text[:1] == word[0]), None)
    if literal:
        return _literal(text, literal, wanted)
    found = _NUMBER.match(text)
    if found is None:
        raise GoError(_not_a_value(text))
    if found.end() < len(text):
        raise GoError(f"invalid character '{text[found.end()]}' after top-level value")
    number = int(text) if text.removeprefix("-").isdigit() else None
    if number is None or not -_MOST <= number < _MOST:
        raise GoError(f"json: cannot unmarshal number {text} into Go value of type {wanted}")
    return number


def _literal(text: str, literal: str, wanted: str) -> int:
    for place, (got, expected) in enumerate(zip(text, literal, strict=False)):
        if got != expected:
            raise GoError(f"invalid character '{text[place]}' in literal {literal} (expecting '{expected}')")
    if len(text) < len(literal):
        raise GoError("unexpected end of JSON input")
    if len(text) > len(literal):
        raise GoError(f"invalid character '{text[len(literal)]}' after top-level value")
    if literal != "null":
        raise GoError(f"json: cannot unmarshal bool into Go value of type {wanted}")
    return 0


def _not_a_value(text: str) -> str:
    if text in ("", "-"):
        return "unexpected end of JSON input"
    if text.startswith("-"):
        return f"invalid character '{text[1]}' in numeric literal"
    return f"invalid character '{text[0]}' looking for beginning of value"
