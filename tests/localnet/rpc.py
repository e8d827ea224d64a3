"""What the tests ask a node: CometBFT JSON-RPC and a few protobuf fields, by the standard library alone.

It shares no line with relayclear's own reader, so that the tests can't repeat its mistakes.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_FOUND = 22

T = TypeVar("T")


class RpcError(RuntimeError):
    """The node answered with an error, or not at all."""


@dataclass(frozen=True)
class Answer:
    """The reply to an ABCI query."""

    code: int
    log: str
    value: bytes
    height: int


@dataclass(frozen=True)
class Rpc:
    """A node's RPC address."""

    url: str
    timeout: float = 10.0

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call one JSON-RPC method and return its result."""
        body = json.dumps({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})  # noqa: S310  http, by Node.rpc
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310
                reply = json.load(response)
        except urllib.error.HTTPError as error:
            # CometBFT sends its JSON-RPC errors with status 500 too.
            reply = _json_or_none(error.read())
            if reply is None:
                raise RpcError(f"{self.url} {method}: HTTP {error.code}") from error
        except (OSError, ValueError) as error:
            raise RpcError(f"{self.url} {method}: {error}") from error
        if "result" not in reply:
            raise RpcError(f"{self.url} {method}: {reply.get('error')}")
        result: dict[str, Any] = reply["result"]
        return result

    def query(self, path: str, data: bytes = b"", *, height: int = 0) -> Answer:
        """Ask the application; an error of the application is an `Answer` with a code."""
        response = self.call("abci_query", path=path, data=data.hex(), height=str(height), prove=False)["response"]
        value = base64.b64decode(response.get("value") or "")
        return Answer(int(response.get("code", 0)), response.get("log") or "", value, int(response.get("height") or 0))

    def read(self, path: str, data: bytes = b"") -> bytes:
        """Ask the application and insist on an answer."""
        answer = self.query(path, data)
        if answer.code:
            raise RpcError(f"{self.url} {path}: code {answer.code}: {answer.log}")
        return answer.value

    def height(self) -> int:
        """The latest block's height."""
        return int(self.call("status")["sync_info"]["latest_block_height"])

    def tx(self, tx_hash: str, *, timeout: float = 20.0) -> dict[str, Any]:
        """The result of a transaction, waiting until it is in a block."""
        encoded = base64.b64encode(bytes.fromhex(tx_hash)).decode()

        def included() -> dict[str, Any] | None:
            try:
                return self.call("tx", hash=encoded, prove=False)
            except RpcError as error:
                if "not found" not in str(error):
                    raise
                return None

        return wait_for(included, f"transaction {tx_hash}", timeout=timeout, every=0.05)


def wait_for(probe: Callable[[], T | None], what: str, *, timeout: float, every: float = 0.1) -> T:
    """Call `probe` until it returns something; say what was missing otherwise."""
    deadline = time.monotonic() + timeout
    while (found := probe()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {what}")
        time.sleep(every)
    return found


def attributes(result: dict[str, Any], event: str, key: str) -> list[str]:
    """The values of one attribute in all events of one type, in order."""
    return [
        attribute["value"]
        for found in result["events"]
        if found["type"] == event
        for attribute in found["attributes"]
        if attribute["key"] == key
    ]


def message(*fields: tuple[int, str | bytes | int]) -> bytes:
    """A protobuf message of numbered fields."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | 2) + _varint(len(raw)) + raw
    return bytes(out)


def packed(values: list[int]) -> bytes:
    """A packed repeated integer, the value of a length-delimited field."""
    return b"".join(_varint(value) for value in values)


def fields(raw: bytes, number: int) -> list[bytes]:
    """All length-delimited values of one field."""
    return [value for found, value in _walk(raw) if found == number and isinstance(value, bytes)]


def text(raw: bytes, number: int) -> str:
    """A string field; empty when absent."""
    found = fields(raw, number)
    return found[-1].decode() if found else ""


def number(raw: bytes, wanted: int) -> int:
    """An integer field; 0 when absent."""
    found = [value for field, value in _walk(raw) if field == wanted and isinstance(value, int)]
    return found[-1] if found else 0


def _walk(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        kind = key & 7
        if kind == 0:
            value, at = _read_varint(raw, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _read_varint(raw, at)
        else:
            size = {1: 8, 5: 4}[kind]
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _json_or_none(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
