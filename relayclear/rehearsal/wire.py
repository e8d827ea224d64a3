"""JSON-RPC as CometBFT 0.38 reads and writes it, with Go's own words for bad JSON.

Source: CometBFT 0.38.11, rpc/jsonrpc/types/types.go, and the answers of a node of that version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from relayclear.rehearsal.go_text import GoError, kind_of

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
MESSAGES = {
    PARSE_ERROR: "Parse error. Invalid JSON",
    INVALID_REQUEST: "Invalid Request",
    METHOD_NOT_FOUND: "Method not found",
    INVALID_PARAMS: "Invalid params",
    INTERNAL_ERROR: "Internal error",
}
TOO_FEW = "reflect: Call with too few input arguments"
"""What Go says when a method that takes arguments is called without any; the answer's id is -1 then."""
ABSENT: Any = object()
"""The `params` of a request that has none."""

Answer = dict[str, Any]
_STRUCT = (
    r'struct { JSONRPC string "json:\"jsonrpc\""; ID interface {} "json:\"id,omitempty\""; '
    r'Method string "json:\"method\""; Params json.RawMessage "json:\"params\"" }'
)
_WORDS = {
    "Expecting value": "looking for beginning of value",
    "Extra data": "after top-level value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """One call.  `id` None is a notification, which nobody answers; `params` may be ABSENT."""

    id: int | str | None
    method: str = ""
    params: Any = ABSENT


def read(text: bytes | str) -> Any:
    """JSON.  Raises GoError."""
    try:
        return orjson.loads(text)
    except ValueError:
        # Go takes what isn't UTF-8 and half a surrogate pair, which orjson refuses.
        return _read_again(text if isinstance(text, str) else text.decode(errors="replace"))


def requests(body: bytes) -> list[Request]:
    """What a POST asks: a batch, or one request.  Raises GoError."""
    found = read(body)
    if found is None:
        return []
    if isinstance(found, list):
        try:
            return [request(one) for one in found]
        except GoError as bad:
            # What is no batch is tried as one request, and that is what the error says.
            raise _not_a_request(found) from bad
    return [request(found)]


def request(found: Any) -> Request:
    """One request out of its JSON.  Raises GoError."""
    if found is None:
        return Request(None)
    if not isinstance(found, dict):
        raise _not_a_request(found)
    for name in ("jsonrpc", "method"):
        if not isinstance(found.get(name, ""), str):
            raise GoError(f"json: cannot unmarshal {kind_of(found[name])} into Go struct field .{name} of type string")
    identity = found.get("id")
    if isinstance(identity, float):
        identity = int(identity)
    if identity is not None and (isinstance(identity, bool) or not isinstance(identity, int | str)):
        raise GoError(f"json-rpc ID ({_shown(identity)}) is of unknown type ({_GO_TYPES[kind_of(identity)]})")
    return Request(identity, found.get("method", ""), found.get("params", ABSENT))


def answer(identity: int | str | None, result: Any) -> Answer:
    """A good answer."""
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def failure(identity: int | str | None, code: int, data: str = "", message: str = "") -> Answer:
    """A bad one; without an id where the request had none that could be read."""
    error: dict[str, Any] = {"code": code, "message": message or MESSAGES[code]}
    if data:
        error["data"] = data
    named: Answer = {"jsonrpc": "2.0"} if identity is None else {"jsonrpc": "2.0", "id": identity}
    return {**named, "error": error}


def write(answers: list[Answer]) -> bytes:
    """Answers as they are sent: a single one stands bare, also when it was asked in a batch."""
    return orjson.dumps(answers[0] if len(answers) == 1 else answers)


_GO_TYPES = {"bool": "bool", "array": "[]interface {}", "object": "map[string]interface {}"}


def _shown(value: Any) -> str:
    """A value as Go prints it."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{' '.join(map(_shown, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{_shown(value[key])}' for key in sorted(value))}]"
        case None:
            return "<nil>"
    return str(value)


def _not_a_request(found: Any) -> GoError:
    return GoError(f"json: cannot unmarshal {kind_of(found)} into Go value of type {_STRUCT}")


def _read_again(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as bad:
        raise GoError(_go_words(text, bad)) from bad


def _refuse(name: str) -> NoReturn:
    raise GoError(f"invalid character '{name[0]}' looking for beginning of value")


def _go_words(text: str, bad: json.JSONDecodeError) -> str:
    if bad.pos >= len(text) or bad.msg.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    if bad.msg == "Expecting ',' delimiter":
        where = f"after {_innermost(_STRING.sub('', text[: bad.pos]))}"
    else:
        where = _WORDS.get(bad.msg, _WORDS["Expecting value"])
    character = text[bad.pos]
    quoted = {"'": r"\'", '"': '"'}.get(character) or json.dumps(character, ensure_ascii=False)[1:-1]
    return f"invalid character '{quoted}' {where}"


def _innermost(before: Iterable[str]) -> str:
    still_open: list[str] = []
    for character in before:
        if character in "[{":
            still_open.append(character)
        elif character in "]}":
            still_open.pop()
    return "array element" if still_open[-1] == "[" else "object key:value pair"
