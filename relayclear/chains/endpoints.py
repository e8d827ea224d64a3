"""The endpoints of one chain, the healthiest first: whichever proves to be the right chain, synced and alive answers.

One that is slow isn't waited for alone: after two seconds the next one is asked too, and the first to answer counts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from relayclear.chains import wire
from relayclear.chains.client import STATUS, Node
from relayclear.chains.endpoint import Endpoint
from relayclear.chains.guard import Guard, Unguarded
from relayclear.chains.hosts import Hosts
from relayclear.chains.jsonrpc import MISSING, Call
from relayclear.chains.pace import Timing
from relayclear.chains.wire import DeclinedError, Reply
from relayclear.clearing.breaker import Admission, endpoint_name
from relayclear.errors import HeightError, IndexerError, NodeError, RelayclearError, UnreachableError
from relayclear.ibc import instant
from relayclear.ibc.readings import EndpointUse, Head
from relayclear.ibc.text import clean, redact_url

CHECK_SECONDS = 60.0
STALE = timedelta(minutes=5)
# Seconds. Within one command a dead endpoint is asked once; a daemon finds it again with its next scan.
_LEFT_ALONE = 5.0
_LAST_CHOICE = 60.0
_ILL = 3
# A load balancer's nodes are a few blocks apart; further back it is another past.
_SMALL_STEP = 20
_STEP_TRIES = 3


class Endpoints:
    """Asks a chain's endpoints in order; each answers only after its status named the right chain.

    The status travels in the same batch as the first questions, so that checking costs no round trip.  An endpoint
    whose breaker is open isn't asked; one that is half-open is asked for its status first, by one caller alone.
    """

    def __init__(
        self,
        chain: str,
        urls: Iterable[str],
        hosts: Hosts,
        timing: Timing,
        *,
        rpc_budget: float = 20.0,
        seen_height: int = 0,
        guard: Guard | None = None,
    ) -> None:
        """Connect to nothing yet.

        `seen_height`: a height of this chain known from an earlier reading.  `guard`: the endpoints' breakers, None
        for none.
        """
        self.chain = chain
        self.highest = seen_height
        self._read = 0
        self._timing = timing
        self._guard = guard or Unguarded()
        # Each once: an endpoint that is named twice would stand in for itself.
        self._endpoints = [self._endpoint(url, hosts, rpc_budget) for url in dict.fromkeys(urls)]

    def _endpoint(self, url: str, hosts: Hosts, rpc_budget: float) -> Endpoint:
        name = endpoint_name(self.chain, redact_url(url))
        node = Node(url, hosts.of(url), self._timing, rpc_budget, partial(self._guard.heard, name))
        return Endpoint(node, name, self._guard)

    @property
    def names(self) -> tuple[str, ...]:
        """All endpoints, in the order of the config, without their credentials."""
        return tuple(endpoint.node.name for endpoint in self._endpoints)

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""
        return sum(endpoint.node.requests for endpoint in self._endpoints)

    @property
    def answered(self) -> tuple[str, ...]:
        """The names of those that are in use: right chain, synced, alive when last asked."""
        return tuple(endpoint.node.name for endpoint in self._endpoints if endpoint.head is not None)

    @property
    def uses(self) -> tuple[EndpointUse, ...]:
        """How each endpoint did so far."""
        return tuple(endpoint.use for endpoint in self._endpoints)

    async def queries(self, calls: Sequence[Call]) -> list[Reply | RelayclearError]:
        """Ask state queries; one answer or error per call, from the first endpoint that could give it."""
        return await self.ask(calls)

    async def query(self, call: Call) -> Reply:
        """Ask one state query.  Raises the error it met."""
        [got] = await self.queries([call])
        if isinstance(got, RelayclearError):
            raise got
        return got

    async def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Ask anything; per call its value or a RelayclearError."""
        answers: list[Any] = [None] * len(calls)
        waiting = list(range(len(calls)))

        async def fill(endpoint: Endpoint) -> bool:
            """Ask what is still open; whether nothing is then."""
            asked = list(waiting)
            got = await self._ask_one(endpoint, [calls[index] for index in asked])
            for index, value in zip(asked, got, strict=True):
                # A slower endpoint may have answered it meanwhile.
                if index in waiting:
                    answers[index] = value
            waiting[:] = [index for index in waiting if answers[index] is None or _another_may_know(answers[index])]
            return not waiting

        if not calls or await self._first(fill):
            return answers
        error = self._nobody()
        return [error if value is None else value for value in answers]

    async def together(
        self, calls: Sequence[Call], trouble: Callable[[list[Any]], RelayclearError | None], *, hedged: bool = True
    ) -> list[Any]:
        """Ask everything of one endpoint: of the first whose answers, taken together, are in no trouble.

        Raises what the others had: an index that is off before a height that is gone, and that before all else.  Only
        `hedged` is a second one asked while the first still may answer.
        """
        errors: list[RelayclearError] = []
        good: list[list[Any]] = []

        async def fits(endpoint: Endpoint) -> bool:
            """Ask all of it; whether the answers are in no trouble."""
            got = await self._ask_one(endpoint, calls)
            error = trouble(got)
            if error is None:
                good.append(got)
            else:
                errors.append(error)
            return error is None

        if await self._first(fits, hedged=hedged):
            return good[0]
        raise min(errors, key=_rank, default=self._nobody())

    def choices(self) -> list[Node]:
        """The nodes worth a connection of their own, in the order of asking.  Raises NodeError where there is none."""
        nodes = [endpoint.node for endpoint, _ in self._in_order()]
        if not nodes:
            raise self._nobody()
        return nodes

    async def head(self) -> Head:
        """The newest block of the first endpoint that is fit to answer.  Raises NodeError."""
        found: list[Head] = []

        async def newest(endpoint: Endpoint) -> bool:
            """Forget its last one, so that this asks anew; whether there is one."""
            endpoint.head = None
            await self._ask_one(endpoint, [])
            if endpoint.head is not None:
                found.append(endpoint.head)
            return bool(found)

        if await self._first(newest):
            return found[0]
        raise self._nobody()

    async def probe(self) -> None:
        """Look after every endpoint that failed, or that nothing was asked of lately; what comes of it is counted."""
        now = self._timing.monotonic()
        await asyncio.gather(*(endpoint.look_after(self._check, now) for endpoint in self._endpoints))

    async def aclose(self) -> None:
        """Drop what is under way."""
        for endpoint in self._endpoints:
            await endpoint.aclose()

    async def _first(self, ask: Callable[[Endpoint], Awaitable[bool]], *, hedged: bool = True) -> bool:
        """Let one endpoint after the other try until one has answered; whether one has.

        One that takes long goes on trying while the next one begins.
        """
        left = self._in_order()
        if len(left) == 1:
            return await self._tried(*left[0], ask)
        flying: dict[asyncio.Task[bool], Endpoint] = {}
        try:
            while left or flying:
                if left:
                    endpoint, ill = left.pop(0)
                    flying[asyncio.get_running_loop().create_task(self._tried(endpoint, ill, ask))] = endpoint
                patience = self._timing.hedge if left and hedged else None
                done, _ = await asyncio.wait(flying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del flying[task]
                answered = [task.result() for task in done]
                if any(answered):
                    self._overtaken(flying.values())
                    return True
            return False
        finally:
            # What they asked goes on, and its outcome is counted: only nobody waits for it here any more.
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _tried(self, endpoint: Endpoint, ill: bool, ask: Callable[[Endpoint], Awaitable[bool]]) -> bool:  # noqa: FBT001 - out of `_in_order`
        try:
            well = not ill or await endpoint.probe(self._check, self._timing.monotonic())
            return well and await ask(endpoint)
        except NodeError:
            return False

    def _overtaken(self, slow: Iterable[Endpoint]) -> None:
        for endpoint in slow:
            endpoint.slow_at = self._timing.monotonic()

    def _in_order(self) -> list[tuple[Endpoint, bool]]:
        """Those to try, in the order of the config, and whether a probe decides first whether one may be asked.

        Lately slow ones come after the others, then lately failed ones, then those that need a probe.  Not at all:
        those of another chain, those whose breaker is open, and while their failure is fresh, the failed.
        """
        now = self._timing.monotonic()
        ranked: list[tuple[int, Endpoint]] = []
        for endpoint in self._endpoints:
            admission, failed_at = endpoint.admission, endpoint.failed_at
            age = math.inf if failed_at is None else now - failed_at
            if admission is Admission.ONE:
                ranked.append((_ILL, endpoint))
            elif admission is Admission.ALL and age >= _LEFT_ALONE:
                slow = endpoint.slow_at is not None and now - endpoint.slow_at < _LAST_CHOICE
                ranked.append((2 if age < _LAST_CHOICE else int(slow), endpoint))
        return [(endpoint, rank == _ILL) for rank, endpoint in sorted(ranked, key=lambda one: one[0])]

    async def _ask_one(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        """Ask one endpoint.  Raises NodeError when nothing it says may be believed."""
        due = endpoint.head is None or self._timing.monotonic() - endpoint.checked_at > CHECK_SECONDS
        # A status may name a block that the state has not taken in yet, so one less is no step back.
        floor = max(self.highest - 1, self._read)
        results = await endpoint.node.answers([STATUS, *calls] if due else calls)
        if due:
            await self._check(endpoint, results[0])
        # Only now: an answer of another chain looks like any other.
        got = [wire.read(call, result) for call, result in zip(calls, results[due:], strict=True)]
        return await self._lifted(endpoint, calls, got, floor)

    async def _lifted(self, endpoint: Endpoint, calls: Sequence[Call], got: list[Any], floor: int) -> list[Any]:
        """Ask again what was answered from below the floor: a load balancer's slower node catches up."""
        low = [index for index, value in enumerate(got) if _below(calls[index], value, floor)]
        for tries in range(_STEP_TRIES):
            if not low:
                break
            await self._timing.sleep(self._timing.pause(tries))
            again = await endpoint.node.answers([calls[index] for index in low])
            for index, result in zip(low, again, strict=True):
                got[index] = wire.read(calls[index], result)
            low = [index for index in low if _below(calls[index], got[index], floor)]
        for index in low:
            got[index] = NodeError(f"{endpoint.node.name} answers from a height below {floor}, which was read before")
        # From now on nothing older is believed.  What was asked at a fixed height says nothing of how far the node is.
        pairs = zip(calls, got, strict=True)
        heights = (value.height for call, value in pairs if isinstance(value, Reply) and not call.height)
        self._read = max(self._read, max(heights, default=0))
        return got

    async def _check(self, endpoint: Endpoint, status: Any) -> None:
        """Believe the endpoint or not, by its status.  Raises NodeError."""
        head = self._judge(endpoint, status)
        for tries in range(_STEP_TRIES):
            if head.height >= self.highest:
                endpoint.head, endpoint.unfit, endpoint.checked_at = head, None, self._timing.monotonic()
                self.highest = head.height
                endpoint.judged(status, None)
                return
            if self.highest - head.height > _SMALL_STEP:
                break
            await self._timing.sleep(self._timing.pause(tries))
            [status] = await endpoint.node.answers([STATUS])
            head = self._judge(endpoint, status)
        error = NodeError(
            f"{endpoint.node.name} went back to height {head.height}; {self.highest} was read before",
            hint="a chain that was started anew needs a new database",
        )
        raise self._unfit(endpoint, status, "", error=error)

    def _judge(self, endpoint: Endpoint, status: Any) -> Head:
        """Read a status and refuse a wrong, syncing or stale node.  Raises NodeError."""
        status = wire.read(STATUS, status)
        if isinstance(status, RelayclearError):
            # A request that failed was counted as such, and a refusal is no failure.
            raise self._unfit(endpoint, MISSING, "", error=status)
        try:
            head = wire.head(status, endpoint.node.name, endpoint.node.server_time)
        except ValueError:
            raise self._unfit(endpoint, status, "answers with a status that makes no sense") from None
        if head.chain != self.chain:
            # For good: a chain id doesn't heal, and asking again would only invite a mix-up.
            endpoint.wrong = NodeError(f"{endpoint.node.name} is chain {clean(head.chain, 64)!r}, not {self.chain!r}")
            raise endpoint.wrong
        if head.catching_up:
            raise self._unfit(endpoint, status, f"is still syncing (height {head.height})")
        # By the node's own clock where it tells: our clock may be the wrong one.
        age = (head.node_time or self._timing.wall()) - head.at
        if age > STALE:
            since = f"{instant.minute(head.at)} (height {head.height})"
            raise self._unfit(endpoint, status, f"has no block since {since}")
        return head

    def _unfit(self, endpoint: Endpoint, status: Any, words: str, error: RelayclearError | None = None) -> NodeError:
        endpoint.unfit = error if isinstance(error, NodeError) else NodeError(f"{endpoint.node.name} {words or error}")
        if status is not MISSING:
            endpoint.judged(status, words or endpoint.unfit.message)
        endpoint.unfit_at, endpoint.head = self._timing.monotonic(), None
        return endpoint.unfit

    def _nobody(self) -> NodeError:
        if not self._endpoints:
            return NodeError(f"{self.chain} has no RPC endpoint", hint="add one to [chains] in the config")
        words = f"{self.chain}: " + "; ".join(endpoint.reason for endpoint in self._endpoints)
        if all(self._guard.words(endpoint.name) for endpoint in self._endpoints):
            return NodeError(words, hint="relayclear breakers list", code="breaker_open")
        return NodeError(words)


def _rank(error: RelayclearError) -> int:
    return 0 if isinstance(error, IndexerError) else 1 if isinstance(error, HeightError) else 2


def _another_may_know(value: Any) -> bool:
    """Whether another endpoint may answer better: one that is alive, keeps more heights, or has an index."""
    return isinstance(value, UnreachableError) and not isinstance(value, DeclinedError)


def _below(call: Call, value: Any, floor: int) -> bool:
    return isinstance(value, Reply) and not call.height and value.height < floor
