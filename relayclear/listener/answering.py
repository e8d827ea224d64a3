"""The pages of the listener.  Each is read from the database when it is asked; none asks a node."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from relayclear.clearing.health import Level, Sign, State
from relayclear.errors import StoreError
from relayclear.ibc.text import clean
from relayclear.listener.exposing import CONTENT_TYPE, Exposition
from relayclear.listener.guarding import Guard
from relayclear.usecases.desk import Desk
from relayclear.usecases.health import look_or_tell
from relayclear.usecases.health_facts import gather
from relayclear.wording.health import document

SCHEMA_VERSION = 1
# A page is made anew each time: nobody may keep it.
_FRESH = {"cache-control": "no-store"}
_UNAVAILABLE = 503


def app(desk: Desk, token: str | None) -> ASGIApp:
    """The pages over a desk, behind the guard."""
    pages = _Pages(desk)
    routes = [
        Route("/health/live", pages.live),
        Route("/health/ready", pages.ready),
        Route("/health/external", pages.external),
        Route("/health", pages.health),
        Route("/metrics", pages.metrics),
    ]
    return Guard(Starlette(routes=routes), token)


class _Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._exposition = Exposition(desk)

    async def live(self, _: Request) -> Response:
        """The process runs and answers: who gets no answer starts it anew."""
        return _json({"alive": True})

    async def ready(self, _: Request) -> Response:
        """Whether it has begun to do its work: the database can be read, and every chain was looked at."""
        try:
            facts = gather(self._desk)
        except StoreError as error:
            return _json({"ready": False, "why": [clean(error.message, 300)]}, ok=False)
        unread = [chain.chain for chain in facts.chains if chain.sign.state(facts.now) is State.UNKNOWN]
        why = [f"{chain} was not looked at yet" for chain in unread]
        why += [] if facts.watching.beat_at is not None else ["there was no heartbeat yet"]
        return _json({"ready": not why, "why": why}, ok=not why)

    async def health(self, _: Request) -> Response:
        """The level, what is wrong and what works; 503 where it is critical."""
        found = look_or_tell(self._desk)
        return _json(document(found, self._desk.clock.now()), ok=found.level is not Level.CRITICAL)

    async def external(self, _: Request) -> Response:
        """Nodes and Hermes, one by one; 503 where one of them is away."""
        try:
            facts = gather(self._desk)
        except StoreError as error:
            return _json({"error": clean(error.message, 300)}, ok=False)

        def row(sign: Sign) -> dict[str, Any]:
            """How one was found; null where nobody has looked lately."""
            state = sign.state(facts.now)
            age = None if sign.good_at is None else max(0, int((facts.now - sign.good_at).total_seconds()))
            error = None if sign.error is None else clean(sign.error, 300)
            return {"name": clean(sign.name, 200), "state": state.value, "good_seconds_ago": age, "error": error}

        chains = [{**row(chain.sign), "endpoints": [row(sign) for sign in chain.endpoints]} for chain in facts.chains]
        signs = [*facts.hermes, *(chain.sign for chain in facts.chains)]
        signs += [sign for chain in facts.chains for sign in chain.endpoints]
        away = any(sign.state(facts.now) is State.FAILING for sign in signs)
        return _json({"chains": chains, "hermes": [row(sign) for sign in facts.hermes]}, ok=not away)

    async def metrics(self, _: Request) -> Response:
        """Every figure that is known, in Prometheus' text format."""
        try:
            text = await self._exposition.text()
        except StoreError as error:
            return _json({"error": clean(error.message, 300)}, ok=False)
        return Response(text, headers={**_FRESH, "content-type": CONTENT_TYPE})


def _json(found: dict[str, Any], *, ok: bool = True) -> JSONResponse:
    return JSONResponse({"schema_version": SCHEMA_VERSION, **found}, 200 if ok else _UNAVAILABLE, _FRESH)
