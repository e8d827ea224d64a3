"""The endpoints of one chain, in order: whichever first proves to be the right chain, synced and alive answers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from relayclear.chains import jsonrpc, wire
from relayclear.chains.client import Node
from relayclear.chains.hosts import Hosts
from relayclear.chains.jsonrpc import Call
from relayclear.chains.pace import Timing
from relayclear.chains.wire import DeclinedError, Reply
from relayclear.errors import HeightError, IndexerError, NodeError, RelayclearError, UnreachableError
from relayclear.ibc.readings import EndpointUse, Head
from relayclear.ibc.text import clean

STATUS = jsonrpc.call("status")
CHECK_SECONDS = 60.0
STALE = timedelta(minutes=5)
# Seconds. Within one command a dead endpoint is asked once; a daemon finds it again with its next scan.
_LEFT_ALONE = 5.0
_LAST_CHOICE = 60.0
# A load balancer's nodes are a few blocks apart; further back it is another past.
_SMALL_STEP = 20
_STEP_TRIES = 3


class Endpoint:
    """One endpoint and what is known of it: its last good head, and why it can't be used."""

    def __init__(self, node: Node) -> None:
        """Know nothing yet."""
        self.node = node
        self.head: Head | None = None
        self.checked_at = 0.0
        self.wrong: NodeError | None = None
        self.unfit: NodeError | None = None
        self.unfit_at = 0.0

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
        return error.message if error else f"{self.node.name} gave no answer"


class Endpoints:
    """Asks a chain's endpoints in order; each answers only after its status named the right chain.

    The status travels in the same batch as the first questions, so that checking costs no round trip.
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
    ) -> None:
        """Connect to nothing yet.  `seen_height`: a height of this chain known from an earlier reading."""
        self.chain = chain
        self.highest = seen_height
        self._read = 0
        self._timing = timing
        # Each once: an endpoint that is named twice would stand in for itself.
        self._endpoints = [Endpoint(Node(url, hosts.of(url), timing, rpc_budget)) for url in dict.fromkeys(urls)]

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
        if not waiting:
            return answers
        for endpoint in self._in_order():
            try:
                got = await self._ask_one(endpoint, [calls[index] for index in waiting])
            except NodeError:
                continue
            for index, value in zip(waiting, got, strict=True):
                answers[index] = value
            waiting = [index for index in waiting if _another_may_know(answers[index])]
            if not waiting:
                return answers
        error = self._nobody()
        return [error if value is None else value for value in answers]

    async def together(
        self, calls: Sequence[Call], trouble: Callable[[list[Any]], RelayclearError | None]
    ) -> list[Any]:
        """Ask everything of one endpoint: of the first whose answers, taken together, are in no trouble.

        Raises what the others had: an index that is off before a height that is gone, and that before all else.
        """
        errors: list[RelayclearError] = []
        for endpoint in self._in_order():
            with contextlib.suppress(NodeError):
                got = await self._ask_one(endpoint, calls)
                error = trouble(got)
                if error is None:
                    return got
                errors.append(error)
        raise min(errors, key=_rank, default=self._nobody())

    def choices(self) -> list[Node]:
        """The nodes worth a connection of their own, in the order of asking.  Raises NodeError where there is none."""
        nodes = [endpoint.node for endpoint in self._in_order()]
        if not nodes:
            raise self._nobody()
        return nodes

    async def head(self) -> Head:
        """The newest block of the first endpoint that is fit to answer.  Raises NodeError."""
        for endpoint in self._in_order():
            # Forget the last one, so that this asks anew.
            endpoint.head = None
            with contextlib.suppress(NodeError):
                await self._ask_one(endpoint, [])
            if endpoint.head is not None:
                return endpoint.head
        raise self._nobody()

    async def aclose(self) -> None:
        """Drop what is under way."""
        for endpoint in self._endpoints:
            await endpoint.node.aclose()

    def _in_order(self) -> list[Endpoint]:
        """Those to try: the lately failed last, and not at all while their failure is fresh."""
        now = self._timing.monotonic()
        fit: list[Endpoint] = []
        last: list[Endpoint] = []
        for endpoint in self._endpoints:
            age = math.inf if endpoint.failed_at is None else now - endpoint.failed_at
            if endpoint.wrong is None and age >= _LEFT_ALONE:
                (fit if age >= _LAST_CHOICE else last).append(endpoint)
        return fit + last

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
        raise self._unfit(endpoint, "", error=error)

    def _judge(self, endpoint: Endpoint, status: Any) -> Head:
        """Read a status and refuse a wrong, syncing or stale node.  Raises NodeError."""
        status = wire.read(STATUS, status)
        if isinstance(status, RelayclearError):
            raise self._unfit(endpoint, "", error=status)
        try:
            head = wire.head(status, endpoint.node.name, endpoint.node.server_time)
        except ValueError:
            raise self._unfit(endpoint, "answers with a status that makes no sense") from None
        if head.chain != self.chain:
            # For good: a chain id doesn't heal, and asking again would only invite a mix-up.
            endpoint.wrong = NodeError(f"{endpoint.node.name} is chain {clean(head.chain, 64)!r}, not {self.chain!r}")
            raise endpoint.wrong
        if head.catching_up:
            raise self._unfit(endpoint, f"is still syncing (height {head.height})")
        # By the node's own clock where it tells: our clock may be the wrong one.
        age = (head.node_time or self._timing.wall()) - head.at
        if age > STALE:
            raise self._unfit(endpoint, f"has no block since {head.at:%Y-%m-%d %H:%M} UTC (height {head.height})")
        return head

    def _unfit(self, endpoint: Endpoint, words: str, error: RelayclearError | None = None) -> NodeError:
        endpoint.unfit = error if isinstance(error, NodeError) else NodeError(f"{endpoint.node.name} {words or error}")
        endpoint.unfit_at, endpoint.head = self._timing.monotonic(), None
        return endpoint.unfit

    def _nobody(self) -> NodeError:
        if not self._endpoints:
            return NodeError(f"{self.chain} has no RPC endpoint", hint="add one to [chains] in the config")
        return NodeError(f"{self.chain}: " + "; ".join(endpoint.reason for endpoint in self._endpoints))


def _rank(error: RelayclearError) -> int:
    return 0 if isinstance(error, IndexerError) else 1 if isinstance(error, HeightError) else 2


def _another_may_know(value: Any) -> bool:
    """Whether another endpoint may answer better: one that is alive, keeps more heights, or has an index."""
    return isinstance(value, UnreachableError) and not isinstance(value, DeclinedError)


def _below(call: Call, value: Any, floor: int) -> bool:
    return isinstance(value, Reply) and not call.height and value.height < floor
