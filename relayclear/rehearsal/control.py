"""The control port of a stage: JSON over HTTP, by which tests and people make a world fail.

| | |
|---|---|
| `GET /state` | chains, nodes with addresses and faults, relayer, rival |
| `GET`, `POST /nodes/{name}/faults` | fields of `NodeFaults`; those that are named are set |
| `POST /nodes/{name}/heal` | no faults |
| `GET`, `POST /relayer/faults`, `POST /relayer/heal` | the same of `RelayerFaults` |
| `GET`, `POST /rival` | `{"armed": true, "key": "rival"}` |
| `POST /chains/{id}/drop` | `{"count": 1}` |
| `POST /chains/{id}/replay` | `{"hash": "AB…"}`: its bytes stand in the next block, again |
| `POST /chains/{id}/client` | `{"client": "07-tendermint-0", "status": "expired"}`, or `frozen` |
| `POST /chains/{id}/channel` | `{"port": "transfer", "channel": "channel-0", "state": "closed"}`, or `open` |
| `POST /chains/{id}/skew` | `{"seconds": -40}` |
| `POST /blocks` | `{"count": 1, "chain": "alpha-1"}`; without a chain on each |
| `POST /time` | `{"seconds": 60}`, where time is stepped |
| `POST /act` | `{"chain", "who", "messages": […], "memo", "gas", "fee", "timeout_height"}` |

A bad request has status 400, an unknown name in the address 404; both answer `{"error": "…"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import stage as stages
from relayclear.rehearsal.stage import Faults, Stage, StageError, UnknownError

_MISSING: Any = object()
_BAD_REQUEST, _NOT_FOUND = 400, 404


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: what it is about, and the object that came with it."""

    stage: Stage
    addresses: Mapping[str, str]
    path: Mapping[str, str]
    body: Mapping[str, Any]

    def get(self, name: str, kind: type, usual: Any = _MISSING) -> Any:
        """A field of the object, of that kind.  Raises StageError."""
        found = self.body.get(name, usual)
        if found is _MISSING:
            raise StageError(f"{name} is missing")
        fits = (int, float) if kind is float else kind
        if found is not usual and (not isinstance(found, fits) or isinstance(found, bool) != (kind is bool)):
            raise StageError(f"{name} can't be {found!r}")
        return found


def app(stage: Stage, addresses: Mapping[str, str]) -> Starlette:
    """The ASGI app; `addresses` are the nodes' URLs, by name."""

    def route(method: str, path: str, do: Callable[[_Asked], Any]) -> Route:
        """A route whose work gets what was asked, and whose answer is JSON."""

        async def endpoint(request: Request) -> Response:
            """Answer one request: 404 for what is unknown, 400 for what makes no sense."""
            try:
                asked = _Asked(stage, addresses, request.path_params, _object(await request.body()))
                return _answer(do(asked))
            except StageError as refused:
                status = _NOT_FOUND if isinstance(refused, UnknownError) else _BAD_REQUEST
                return _answer({"error": str(refused)}, status)

        return Route(path, endpoint, methods=[method])

    return Starlette(routes=[route(*one) for one in _ROUTES])


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except ValueError as bad:
        raise StageError(f"the body is no JSON: {bad}") from bad
    if not isinstance(found, dict):
        raise StageError("the body is no JSON object")
    return found


def _answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content) + b"\n", status, media_type="application/json")


def _of_node(asked: _Asked) -> Faults:
    return asked.stage.node(asked.path["name"]).faults


def _of_relayer(asked: _Asked) -> Faults:
    return asked.stage.relayer


def _rival(asked: _Asked) -> Faults:
    return asked.stage.rival


def _look(whose: Callable[[_Asked], Faults]) -> Callable[[_Asked], Any]:
    return lambda asked: asdict(whose(asked))


def _change(whose: Callable[[_Asked], Faults]) -> Callable[[_Asked], Any]:
    def do(asked: _Asked) -> Any:
        """Set what the body names; all faults as they are then."""
        stages.change(whose(asked), asked.body)
        return asdict(whose(asked))

    return do


def _heal(whose: Callable[[_Asked], Faults]) -> Callable[[_Asked], Any]:
    def do(asked: _Asked) -> Any:
        """Clear every fault; all of them as they are then."""
        stages.heal(whose(asked))
        return asdict(whose(asked))

    return do


def _state(asked: _Asked) -> Any:
    return stages.state(asked.stage, asked.addresses)


def _drop(asked: _Asked) -> Any:
    stages.drop(asked.stage, asked.path["id"], asked.get("count", int, 1))
    return {}


def _replay(asked: _Asked) -> Any:
    stages.replay(asked.stage, asked.path["id"], asked.get("hash", str))
    return {}


def _client(asked: _Asked) -> Any:
    stages.set_client(asked.stage, asked.path["id"], asked.get("client", str), asked.get("status", str))
    return {}


def _channel(asked: _Asked) -> Any:
    end = ChannelEnd(asked.path["id"], asked.get("port", str, "transfer"), asked.get("channel", str))
    stages.set_channel(asked.stage, end, asked.get("state", str))
    return {}


def _skew(asked: _Asked) -> Any:
    stages.skew(asked.stage, asked.path["id"], asked.get("seconds", float))
    return {}


def _blocks(asked: _Asked) -> Any:
    stages.make_blocks(asked.stage, asked.get("count", int, 1), asked.get("chain", str, None))
    return {name: chain.height for name, chain in asked.stage.world.chains.items()}


def _time(asked: _Asked) -> Any:
    stages.step(asked.stage, asked.get("seconds", float))
    return {"time_ns": asked.stage.world.clock.now_ns()}


def _act(asked: _Asked) -> Any:
    terms = {name: value for name, value in asked.body.items() if name not in ("chain", "who", "messages")}
    return stages.act(asked.stage, asked.get("chain", str), asked.get("who", str), asked.get("messages", list), terms)


_ROUTES: tuple[tuple[str, str, Callable[[_Asked], Any]], ...] = (
    ("GET", "/state", _state),
    ("GET", "/nodes/{name}/faults", _look(_of_node)),
    ("POST", "/nodes/{name}/faults", _change(_of_node)),
    ("POST", "/nodes/{name}/heal", _heal(_of_node)),
    ("GET", "/relayer/faults", _look(_of_relayer)),
    ("POST", "/relayer/faults", _change(_of_relayer)),
    ("POST", "/relayer/heal", _heal(_of_relayer)),
    ("GET", "/rival", _look(_rival)),
    ("POST", "/rival", _change(_rival)),
    ("POST", "/chains/{id}/drop", _drop),
    ("POST", "/chains/{id}/replay", _replay),
    ("POST", "/chains/{id}/client", _client),
    ("POST", "/chains/{id}/channel", _channel),
    ("POST", "/chains/{id}/skew", _skew),
    ("POST", "/blocks", _blocks),
    ("POST", "/time", _time),
    ("POST", "/act", _act),
)
