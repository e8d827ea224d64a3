"""A node's RPC as a function, for httpx.MockTransport: answers as the real server does, limits included."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from relayclear.chains.endpoints import Endpoints
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.rehearsal import wire
from relayclear.rehearsal.rpc import RpcError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Answer = bytes | tuple[int, str] | dict[str, Any]
"""An answer to a state query: the protobuf value, or an ABCI code with its log, or the `response` as it is."""


@dataclass
class FakeClock:
    """Time that passes only by sleeping."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def timing(self, deadline: float = 15.0) -> Timing:
        """The timing that runs on this clock; chance always draws its highest."""
        return Timing(
            monotonic=lambda: self.now, wall=lambda: NOW, sleep=self.sleep, chance=lambda: 1.0, deadline=deadline
        )

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeNode:
    """One node: `queries` maps an ABCI path to what answers (data, height), `methods` a method to its answer."""

    chain: str = "alpha-1"
    height: int = 100
    catching_up: bool = False
    block_time: datetime = NOW
    version: str = "0.38.11"
    max_batch: int = 10
    queries: dict[str, Callable[[bytes, int], Answer]] = field(default_factory=dict)
    methods: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    requests: list[list[dict[str, Any]]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one HTTP request."""
        document = wire.read(request.content)
        calls = document if isinstance(document, list) else [document]
        self.requests.append(calls)
        if len(request.content) > 1_000_000:
            return _refused(400, "error reading request body: http: request body too large")
        if len(calls) > self.max_batch:
            return _refused(200, f"batch request exceeds maximum ({self.max_batch}) allowed number of requests")
        return _said(200, *(self.answer(wire.request(call)) for call in calls))

    def answer(self, asked: wire.Request) -> wire.Answer:
        """Answer one call; what answers a method may raise RpcError."""
        params = {} if asked.params is wire.ABSENT else asked.params
        try:
            if asked.method in self.methods:
                return wire.answer(asked.id, self.methods[asked.method](params))
            if asked.method == "status":
                return wire.answer(asked.id, self.status())
            if asked.method == "abci_query":
                return wire.answer(asked.id, {"response": self.query(params)})
        except RpcError as refused:
            return wire.failure(asked.id, refused.code, refused.data)
        # CometBFT sends no data here; the name shows that a refusal carries it on.
        return wire.failure(asked.id, wire.METHOD_NOT_FOUND, asked.method)

    def query(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer one state query."""
        assert isinstance(params["height"], str), "64-bit integers are strings"
        height = int(params["height"])
        answer: Answer = (6, "unknown query path: unknown request")
        if params["path"] in self.queries:
            answer = self.queries[params["path"]](bytes.fromhex(params["data"]), height)
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, tuple):
            return {"code": answer[0], "log": answer[1], "value": None, "height": "0", "codespace": "sdk"}
        value = base64.b64encode(answer).decode()
        return {"code": 0, "log": "", "value": value or None, "height": str(height or self.height)}

    def status(self) -> dict[str, Any]:
        """Answer `status`."""
        return {
            "node_info": {"network": self.chain, "version": self.version, "other": {"tx_index": "on"}},
            "sync_info": {
                "latest_block_height": str(self.height),
                "latest_block_time": self.block_time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z"),
                "earliest_block_height": "1",
                "catching_up": self.catching_up,
            },
        }

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The parameters of every query of a path, by its end."""
        calls = [call["params"] for calls in self.requests for call in calls if call["method"] == "abci_query"]
        return [params for params in calls if params["path"].endswith(path)]


def _refused(status: int, data: str) -> httpx.Response:
    return _said(status, wire.failure(None, wire.INVALID_REQUEST, data))


def _said(status: int, *answers: wire.Answer) -> httpx.Response:
    return httpx.Response(status, content=wire.write([*answers]), headers={"content-type": "application/json"})


def transport(nodes: dict[str, Callable[[httpx.Request], httpx.Response]]) -> httpx.MockTransport:
    """Several hosts behind one transport, by host name."""
    return httpx.MockTransport(lambda request: nodes[request.url.host](request))


def endpoints(
    *nodes: Callable[[httpx.Request], httpx.Response],
    clock: FakeClock | None = None,
    chain: str = "alpha-1",
    **more: Any,
) -> Endpoints:
    """A chain whose endpoints are these nodes, at http://node0, http://node1 and so on."""
    named = {f"node{number}": node for number, node in enumerate(nodes)}
    return Endpoints(
        chain, [f"http://{name}" for name in named], Hosts(transport(named)), (clock or FakeClock()).timing(), **more
    )


def pages(rows: Sequence[Any], limit: int, key: bytes) -> tuple[Sequence[Any], bytes]:
    """The page of `rows` from a key on (its number as text), and the next key."""
    start = int(key) if key else 0
    end = start + limit
    return rows[start:end], b"%09d" % end if end < len(rows) else b""
