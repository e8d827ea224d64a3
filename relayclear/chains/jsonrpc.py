"""JSON-RPC as CometBFT speaks it: calls to bytes, answers to values.  Pure.

Measured against the real server (0.38): a batch holds at most ten calls; a batch of one is answered by a bare object;
an oversized batch by one object without an id; a body above 1,000,000 bytes by HTTP 400.
Gateways in front of nodes add their own: no batches at all, web pages, missing or reordered answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

MISSING: Final = object()
"""Stands for an answer that did not come."""

OVERSIZED: Final = "the answer is larger than can be taken in"
"""What a Refusal says in place of an answer that was given up."""

_LIMIT = re.compile(r"exceeds maximum \((\d+)\)")
_TOO_LARGE = "request body too large"
# What gateways answer to an array when they only know single calls.
_NO_ARRAYS = frozenset({400, 404, 405, 413, 415})
_NOT_NOW = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Call(NamedTuple):
    """One call: `params` is its finished JSON object; `height` the state asked for, 0 for the newest.

    `alone`: in a request of its own, so that a huge answer can't drown others.
    """

    method: str
    params: bytes = b"{}"
    height: int = 0
    alone: bool = False

    @property
    def size(self) -> int:
        """Its share of a request's body in bytes, envelope included."""
        return len(self.params) + 96


class Refusal(NamedTuple):
    """A JSON-RPC error: the node understood the question and said no."""

    code: int
    text: str


class SmallerError(Exception):
    """The node wants at most `size` calls in this request, or (`lasting`) in any request."""

    def __init__(self, size: int, *, lasting: bool = True) -> None:
        """Keep the size, at least 1."""
        super().__init__(size)
        self.size = max(1, size)
        self.lasting = lasting


class BadReplyError(Exception):
    """What came is no answer; `again` tells whether asking once more could help."""

    def __init__(self, words: str, *, again: bool = True) -> None:
        """Keep the words, which continue a sentence that starts with the endpoint."""
        super().__init__(words)
        self.words = words
        self.again = again


def call(method: str, **params: str | int | bool | None) -> Call:
    """Make a call; integers become strings, as every 64-bit integer must; None leaves a parameter out."""
    given = {
        name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None
    }
    return Call(method, orjson.dumps(given))


def query(path: str, data: bytes = b"", height: int = 0) -> Call:
    """Make an `abci_query` of state at a height, 0 for the newest; `path` is one of our own constants."""
    params = f'{{"path":"{path}","data":"{data.hex()}","height":"{height}","prove":false}}'
    return Call("abci_query", params.encode(), height)


def body(calls: Sequence[Call]) -> bytes:
    """Write the request; a single call stands bare, which every node and gateway understands."""
    parts = [
        b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}' % (number, item.method.encode(), item.params)
        for number, item in enumerate(calls)
    ]
    return parts[0] if len(parts) == 1 else b"[" + b",".join(parts) + b"]"


def answers(status: int, content: bytes, count: int) -> list[Any]:
    """Read the reply to `count` calls: per call its result, a Refusal, or MISSING.

    Raises SmallerError when the node wants smaller requests, BadReplyError when nothing in it answers.
    """
    if status in _NOT_NOW:
        raise BadReplyError(f"asks for fewer requests (HTTP {status})")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        document = None
    rows = document if isinstance(document, list) else [document]
    # Whatever the status: a node says "no such transaction" with HTTP 500 and a good error in it.
    found = _by_id(rows, count)
    if found:
        return [found.get(number, MISSING) for number in range(count)]
    _complain(status, content, rows[0] if rows else None, count)
    again = status == HTTPStatus.OK or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    raise BadReplyError(_describe(status, content), again=again)


def _by_id(rows: Sequence[Any], count: int) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for row in rows:
        number = row.get("id") if isinstance(row, dict) else None
        if not isinstance(number, int) or not 0 <= number < count:
            continue
        if "error" in row and row["error"] is not None:
            found[number] = _refusal(row["error"])
        elif "result" in row:
            found[number] = row["result"]
    return found


def _refusal(error: Any) -> Refusal:
    if not isinstance(error, dict):
        return Refusal(0, str(error)[:500])
    code = error.get("code")
    text = f"{error.get('message') or ''}: {error.get('data') or ''}".strip(": ")
    return Refusal(code if isinstance(code, int) else 0, text[:2000])


def _complain(status: int, content: bytes, row: Any, count: int) -> None:
    """Raise what an answerless reply to `count` calls means, where it means anything special."""
    text = _refusal(row["error"]).text if isinstance(row, dict) and "error" in row else ""
    if _TOO_LARGE in text or (not text and _TOO_LARGE.encode() in content[:500]):
        if count > 1:
            raise SmallerError(count // 2, lasting=False)
        words = "refuses the request as too large"
        raise BadReplyError(words, again=False)
    limit = _LIMIT.search(text)
    if limit and 0 < int(limit[1]) < count:
        raise SmallerError(int(limit[1]))
    # A page in place of an answer to an array: most likely a gateway that only knows single calls.
    # Half an array is not that: the node understood it and the line broke.
    is_page = status < HTTPStatus.INTERNAL_SERVER_ERROR and content[:1] not in {b"[", b"{", b""}
    if count > 1 and (status in _NO_ARRAYS or is_page or text):
        raise SmallerError(1, lasting=status in _NO_ARRAYS or bool(text))


def _describe(status: int, content: bytes) -> str:
    if status != HTTPStatus.OK:
        return f"answers HTTP {status}"
    start = content[:200].lstrip().lower()
    if not start:
        return "answers with nothing"
    if start.startswith(b"<"):
        return "answers with a web page"
    if start.startswith((b"{", b"[")):
        return "answers with JSON that is cut off or no answer to what was asked"
    return "answers with something that is not JSON"
