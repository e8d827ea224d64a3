"""Asks simulated nodes without a transport."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.rpc import Node, RpcError
from relayclear.rehearsal.world import World

CHANNEL = "/ibc.core.channel.v1.Query/"
CLIENT = "/ibc.core.client.v1.Query/"
CONNECTION = "/ibc.core.connection.v1.Query/"


@dataclass(frozen=True)
class Answer:
    """An ABCI answer, its value still encoded."""

    code: int
    log: str
    codespace: str
    height: int
    value: bytes | None


def node(world: World, chain: str = "alpha-1", **faults: Any) -> Node:
    """A node in front of one of a world's chains."""
    return Node(world.chains[chain], NodeFaults(**faults))


def ask(asked: Node, path: str, request: Any = b"", *, height: int = 0) -> Answer:
    """Ask the application; `request` is a message or its bytes."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    params = {"path": path, "data": data.hex(), "height": str(height), "prove": False}
    found = asked.call("abci_query", params)["response"]
    value = None if found["value"] is None else base64.b64decode(found["value"])
    return Answer(found["code"], found["log"], found["codespace"], int(found["height"]), value)


def read(asked: Node, path: str, request: Any, kind: Any, *, height: int = 0) -> Any:
    """Ask and decode a good answer."""
    answer = ask(asked, path, request, height=height)
    assert answer.code == 0, answer.log
    return kind.FromString(answer.value)


def refusal(asked: Node, method: str, params: Any) -> tuple[int, str]:
    """The code and the reason of a JSON-RPC error."""
    try:
        result = asked.call(method, params)
    except RpcError as refused:
        return refused.code, refused.data
    raise AssertionError(f"{method} answered {result}")
