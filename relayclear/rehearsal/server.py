"""A simulated node on the network: HTTP and websockets as CometBFT has them, and the ways they break.

The transport's faults (first block of `NodeFaults`) are applied here, in their order there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from relayclear.rehearsal import answering, wire
from relayclear.rehearsal.answering import Reply
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.go_text import GoError
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.subscriptions import Client, Subscriptions
from relayclear.rehearsal.wire import Answer

# Faults are plain data that anybody changes: whoever waits for one to be lifted looks again and again.
_LOOK_AGAIN_SECONDS = 0.02
_BILLION = 10**9
_WEB_PAGE = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"


def app(node: Node, now_ns: Callable[[], int] = time.time_ns) -> Starlette:
    """The ASGI app of a node; `now_ns` is the clock of its machine."""
    door = _Door(node, Subscriptions(node), now_ns)
    return Starlette(
        routes=[WebSocketRoute("/websocket", _Subscriber(door)), Route("/{path:path}", _Http(door))],
    )


@dataclass(frozen=True, slots=True)
class _Door:
    """What both kinds of connection need."""

    node: Node
    subscriptions: Subscriptions
    now_ns: Callable[[], int]

    @property
    def faults(self) -> NodeFaults:
        """How the node fails just now."""
        return self.node.faults

    @property
    def hangs(self) -> bool:
        """Whether nothing is answered."""
        return self.faults.hang and not self.faults.refuse

    def instead(self) -> Response | None:
        """What answers in the node's place, None for the node itself."""
        status = self.faults.http_status
        if status:
            headers = {"retry-after": str(self.faults.retry_after_seconds)} if self.faults.retry_after_seconds else {}
            return PlainTextResponse(f"{status} {HTTPStatus(status).phrase}\n", status, headers)
        return HTMLResponse(_WEB_PAGE) if self.faults.html else None

    def loses(self, *, broadcast: bool) -> bool:
        """Whether the answer to what was done gets lost; it counts."""
        if broadcast and self.faults.lose_answers:
            self.faults.lose_answers -= 1
            return True
        return False

    def cut(self, body: bytes) -> bytes:
        """A body as it arrives."""
        return body[: len(body) // 2] if self.faults.truncate else body


@dataclass(frozen=True, slots=True)
class _Http:
    door: _Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with contextlib.suppress(ClientDisconnect):
            response = await self._respond(request, await request.body())
            if response is None:
                await _abort(scope, receive)
            else:
                await response(scope, receive, send)

    async def _respond(self, request: Request, body: bytes) -> Response | None:
        """The answer, None where the connection is to be closed without one."""
        door = self.door
        while door.hangs:
            if await request.is_disconnected():
                raise ClientDisconnect
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        await asyncio.sleep(door.faults.delay_seconds)
        if door.faults.refuse:
            return None
        if (other := door.instead()) is not None:
            return other
        reply = _reply(door.node, request, body)
        return None if door.loses(broadcast=reply.broadcast) else self._response(reply)

    def _response(self, reply: Reply) -> Response:
        headers = {**reply.headers, "date": formatdate(usegmt=True)}
        if reply.timed:
            headers["x-server-time"] = str(self.door.now_ns() // _BILLION)
        return Response(self.door.cut(reply.body), reply.status, headers)


def _reply(node: Node, request: Request, body: bytes) -> Reply:
    path = request.url.path
    if path == "/":
        return answering.post(node, body, request.headers.get("host", ""))
    if path == "/websocket":
        return answering.not_a_websocket()
    # Of a name that stands twice Go takes the first.
    query = dict(reversed(parse_qsl(request.url.query, keep_blank_values=True)))
    return answering.get(node, path[1:], query)


async def _abort(scope: Scope, receive: Receive) -> None:
    """Close the connection without a word; the listener put the means to into the scope's state."""
    scope["state"]["abort"]()
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        continue


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  nobody tells when a fault changes
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


class _BrokenError(Exception):
    """The connection is to be closed without a word."""


@dataclass(frozen=True, slots=True)
class _Subscriber:
    door: _Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        outbox: asyncio.Queue[Answer] = asyncio.Queue()
        client = Client(outbox.put_nowait)
        try:
            await self._serve(websocket, client, outbox)
        except _BrokenError:
            await _abort(scope, receive)
        except WebSocketDisconnect:
            return
        finally:
            self.door.subscriptions.forget(client)

    async def _serve(self, websocket: WebSocket, client: Client, outbox: asyncio.Queue[Answer]) -> None:
        await self._ready()
        if (other := self.door.instead()) is not None:
            await websocket.send_denial_response(other)
            return
        await websocket.accept()
        work = [
            asyncio.create_task(self._read(websocket, client)),
            asyncio.create_task(self._write(websocket, outbox)),
            asyncio.create_task(self._watch()),
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _ready(self) -> None:
        """Wait as long as the node's faults make one wait.  Raises _BrokenError where it refuses."""
        await _until(lambda: not self.door.hangs)
        await asyncio.sleep(self.door.faults.delay_seconds)
        if self.door.faults.refuse:
            raise _BrokenError

    async def _watch(self) -> None:
        """Break an open connection of a node that begins to refuse."""
        await _until(lambda: self.door.faults.refuse)
        raise _BrokenError

    async def _read(self, websocket: WebSocket, client: Client) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            await self._ready()
            try:
                asked = wire.request(wire.read(message.get("text") or message.get("bytes") or b""))
            except GoError as bad:
                client.send(wire.failure(None, wire.PARSE_ERROR, f"error unmarshaling request: {bad}"))
                continue
            if asked.id is None:
                continue
            said = self.door.subscriptions.answer(client, asked)
            if self.door.loses(broadcast=answering.takes(asked.method, said)):
                raise _BrokenError
            client.send(said)

    async def _write(self, websocket: WebSocket, outbox: asyncio.Queue[Answer]) -> None:
        while True:
            body = wire.write([await outbox.get()])
            await _until(lambda: not self.door.hangs)
            await websocket.send_text(self.door.cut(body).decode(errors="ignore"))
