"""What a node answers over HTTP, as status, headers and body: CometBFT's handlers without a network.

Source: CometBFT 0.38.11, rpc/jsonrpc/server; every shape was compared with a running node of that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relayclear.rehearsal import go_text, routes, wire
from relayclear.rehearsal.arguments import Params
from relayclear.rehearsal.go_text import GoError
from relayclear.rehearsal.routes import ROUTES, Route
from relayclear.rehearsal.rpc import Node, RpcError
from relayclear.rehearsal.wire import Answer, Request

BROADCAST = "broadcast_tx_sync"
URI_ID = -1
"""The id of whatever is asked by address."""
_JSON = {"content-type": "application/json"}
_CACHED = {"cache-control": "public, max-age=86400"}
_PLAIN = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}
_OK, _BAD_REQUEST, _NOT_FOUND, _SERVER_ERROR = 200, 400, 404, 500


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer.  `broadcast`: a transaction was taken with it; `timed`: it says the server's time."""

    status: int = _OK
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    broadcast: bool = False
    timed: bool = True


class TooFewArgumentsError(Exception):
    """A method that has arguments was called without any, on which a real node's handler panics."""


def post(node: Node, body: bytes, host: str) -> Reply:
    """The answer to a POST of JSON-RPC to the root; an empty body gets the list of methods."""
    if len(body) > node.faults.max_body_bytes:
        said = "error reading request body: http: request body too large"
        headers = {**_JSON, "connection": "close"}
        return Reply(_BAD_REQUEST, _refused(wire.INVALID_REQUEST, said), headers, timed=False)
    if not body:
        return Reply(_OK, _list_of_methods(host), {"content-type": "text/html"})
    try:
        asked = wire.requests(body)
    except GoError as bad:
        return Reply(_SERVER_ERROR, _refused(wire.PARSE_ERROR, f"error unmarshaling request: {bad}"), _JSON)
    if 0 < node.faults.max_batch < len(asked):
        said = f"batch request exceeds maximum ({node.faults.max_batch}) allowed number of requests"
        return Reply(_OK, _refused(wire.INVALID_REQUEST, said), _JSON, timed=False)
    return _batch(node, [one for one in asked if one.id is not None])


def get(node: Node, method: str, query: Mapping[str, str]) -> Reply:
    """The answer to a method asked by its address."""
    route = ROUTES.get(method)
    if route is None:
        return not_found()
    if route.subscribers:
        return Reply(_NOT_FOUND, wire.write([wire.failure(URI_ID, wire.METHOD_NOT_FOUND)]), _JSON)
    try:
        arguments = routes.from_address(route, query)
        said = wire.answer(URI_ID, node.call(method, arguments))
    except GoError as bad:
        refused = RpcError.invalid_params(str(bad))
    except RpcError as raised:
        refused = raised
    else:
        headers = {**_JSON, **(_CACHED if route.keeps(arguments) else {})}
        return Reply(_OK, wire.write([said]), headers, broadcast=takes(method, said))
    data = refused.data.replace("error converting json params", "error converting http params")
    said = wire.failure(URI_ID, refused.code, data, refused.message)
    return Reply(_SERVER_ERROR, wire.write([said]), _JSON)


def not_found() -> Reply:
    """Go's answer where nothing is."""
    return Reply(_NOT_FOUND, b"404 page not found\n", _PLAIN)


def not_a_websocket() -> Reply:
    """What the subscribers' address answers to whoever doesn't subscribe."""
    return Reply(_BAD_REQUEST, b"Bad Request\n", {**_PLAIN, "sec-websocket-version": "13"})


def answer(node: Node, asked: Request) -> Answer:
    """The answer to one request that has an id.  Raises TooFewArgumentsError."""
    route = ROUTES.get(asked.method)
    if route is None or route.subscribers:
        return wire.failure(asked.id, wire.METHOD_NOT_FOUND)
    try:
        return wire.answer(asked.id, node.call(asked.method, params_of(route, asked)))
    except RpcError as refused:
        return wire.failure(asked.id, refused.code, refused.data, refused.message)


def takes(method: str, said: Answer) -> bool:
    """Whether an answer says that a transaction was taken into the mempool."""
    return method == BROADCAST and said.get("result", {}).get("code") == 0


def params_of(route: Route, asked: Request) -> Params:
    """A request's parameters.  Raises TooFewArgumentsError, RpcError for what is no object or list."""
    if asked.params is wire.ABSENT and route.arguments:
        raise TooFewArgumentsError
    if asked.params is wire.ABSENT or asked.params is None:
        return {}
    if not isinstance(asked.params, dict | list):
        words = go_text.mismatch(asked.params, "[]json.RawMessage")
        raise RpcError.invalid_params(f"unknown type for JSON params: {words}. Expected map or array")
    return asked.params


def _batch(node: Node, asked: list[Request]) -> Reply:
    try:
        answers = [answer(node, one) for one in asked]
    except TooFewArgumentsError:
        said = wire.failure(URI_ID, wire.INTERNAL_ERROR, wire.TOO_FEW)
        return Reply(_SERVER_ERROR, wire.write([said]), _JSON)
    if not answers:
        return Reply()
    both = [*zip(asked, answers, strict=True)]
    headers = {**_JSON, **(_CACHED if all(_keeps(*one) for one in both) else {})}
    taken = any(takes(one.method, said) for one, said in both)
    return Reply(_OK, wire.write(answers), headers, broadcast=taken)


def _keeps(asked: Request, said: Answer) -> bool:
    """Whether an answer may be cached, which is decided before the method runs: its own errors may be too."""
    if said.get("error", {}).get("code") in (wire.METHOD_NOT_FOUND, wire.INVALID_PARAMS):
        return False
    return ROUTES[asked.method].keeps(asked.params if isinstance(asked.params, dict | list) else {})


def _refused(code: int, said: str) -> bytes:
    return wire.write([wire.failure(None, code, said)])


def _list_of_methods(host: str) -> bytes:
    links = [f"//{host}/{name}?{'&'.join(f'{one}=_' for one in ROUTES[name].arguments)}" for name in sorted(ROUTES)]
    rows = "".join(f'<a href="{link}">{link}</a></br>' for link in links)
    heads = "<br>Available endpoints:<br><br>Endpoints that require arguments:<br>"
    return f"<html><body>{heads}{rows}</body></html>".encode()
