"""One endpoint of a chain: what is known of it, whether it may be asked now, and looking after it when it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from relayclear.chains.client import Node
from relayclear.chains.guard import Guard
from relayclear.chains.jsonrpc import MISSING
from relayclear.clearing.breaker import PROBE_EVERY, Admission
from relayclear.errors import NodeError
from relayclear.ibc.readings import EndpointUse, Head

IDLE_SECONDS: Final = 15.0
"""An endpoint that nothing was asked of for so long is asked how it is: within a minute it is known to be down."""

Check = Callable[["Endpoint", Any], Awaitable[None]]


class Endpoint:
    """One endpoint and what is known of it: its last good head, why it can't be used, when it was too slow.

    Its breaker is `name`; all times are in seconds of the client's clock.
    """

    def __init__(self, node: Node, name: str, guard: Guard) -> None:
        """Know nothing yet."""
        self.node = node
        self.name = name
        self.head: Head | None = None
        self.checked_at = 0.0
        self.wrong: NodeError | None = None
        self.unfit: NodeError | None = None
        self.unfit_at = 0.0
        self.slow_at: float | None = None
        self._guard = guard
        self._looked_at = 0.0
        self._judged: Any = MISSING
        self._probe: asyncio.Task[bool] | None = None

    @property
    def failed_at(self) -> float | None:
        """When it last failed, None when it is fine as far as known."""
        return self.unfit_at if self.unfit else self.node.failed_at

    @property
    def use(self) -> EndpointUse:
        """What was asked of it, and how that went."""
        node, failed = self.node, self.wrong is not None or self.failed_at is not None
        fit = False if failed else True if self.head is not None else None
        error = self.reason if failed else None
        return EndpointUse(node.name, node.requests, node.failures, node.seconds, node.latest, fit, error)

    @property
    def reason(self) -> str:
        """Why it can't be used, as words for people."""
        error = self.wrong or self.unfit or self.node.failure
        return self._guard.words(self.name) or (error.message if error else f"{self.node.name} gave no answer")

    @property
    def admission(self) -> Admission:
        """Who may ask it now; everybody may wait for a probe of our own."""
        if self.wrong is not None:
            return Admission.NONE
        found = self._guard.admits(self.name)
        return Admission.ONE if found is Admission.NONE and self._probe is not None else found

    def judged(self, status: Any, failure: str | None) -> None:
        """Count what a status said of the node, once, however many asked for it."""
        if self._judged is not status:
            self._judged = status
            self._guard.heard(self.name, failure)

    async def look_after(self, check: Check, now: float) -> None:
        """Ask it how it is where that is due: after a failure, when its breaker's time is over, when it is idle."""
        if self.admission is Admission.NONE or self.node.is_busy:
            return
        quiet = now - max(self._looked_at, self.node.asked_at)
        ailing = self.failed_at is not None or self._guard.is_failing(self.name)
        if quiet >= (PROBE_EVERY if ailing else IDLE_SECONDS):
            await self.probe(check, now)

    async def probe(self, check: Check, now: float) -> bool:
        """Ask it for its status alone and judge that; whether it is fit.  Several askers share one probe."""
        if self._probe is None:
            self._looked_at = now
            self._probe = asyncio.get_running_loop().create_task(self._probed(check))
        # Whoever stops waiting must not cut it off for the others.
        return await asyncio.shield(self._probe)

    async def aclose(self) -> None:
        """Drop what is under way."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self.node.aclose()

    async def _probed(self, check: Check) -> bool:
        try:
            if not self._guard.enter(self.name):
                return False
            await check(self, await self.node.status())
        except NodeError:
            return False
        else:
            return True
        finally:
            self._guard.let_go(self.name)
            self._probe = None
