"""The shapes that requests, replies and outputs have before they are compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from subprocess import CompletedProcess
from typing import Any

from tests.parity.normal import without


def to_base64(raw: bytes) -> str:
    """As JSON-RPC writes bytes."""
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    """The bytes of such a text."""
    return base64.b64decode(text)


def request(method: str, params: Mapping[str, object], number: object = 0) -> bytes:
    """The body of one JSON-RPC call."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


def http_outcome(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    """An HTTP reply as an observation: the body as JSON where it is some."""
    content: Any = body.decode(errors="replace")
    with suppress(ValueError):
        content = json.loads(content)
    return {"status": status, "type": headers.get("content-type"), "body": content}


def hermes_outcome(done: CompletedProcess[str]) -> dict[str, Any]:
    """How a run of `hermes --json` ended: exit code, its log records, its last record, other output.

    Without the hash of the transactions in a header that it sent up: whether that block held any is
    chance, and where it held none the hash equals that of no evidence.
    """
    log, last, other = [], None, []
    for line in done.stdout.splitlines():
        record = _record(line)
        if record is None:
            other.append(line)
        elif "status" in record:
            last = record
        else:
            log.append(_log_line(record))
    last = without(last, "data_hash")
    return {"exit": done.returncode, "log": log, "last": last, "stdout": other, "stderr": done.stderr}


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _log_line(record: dict[str, Any]) -> dict[str, Any]:
    spans = [span.get("name") for span in record.get("spans", [])]
    return {"level": record.get("level"), "fields": record.get("fields"), "spans": spans}
