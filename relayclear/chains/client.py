"""One node: every question asked in the same tick of the event loop goes out in as few requests as the node takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import httpx

from relayclear.chains import jsonrpc
from relayclear.chains.hosts import Host, HttpReply, OversizedError
from relayclear.chains.jsonrpc import MISSING, BadReplyError, Call, Refusal, SmallerError
from relayclear.chains.pace import MAX_TRIES, Budget, Timing, retry_after
from relayclear.errors import NodeError
from relayclear.ibc.text import redact_url

BATCH = 10
BODY = 900_000
_LONGEST_QUIET = 300.0
_MAX_TICKS = 10
# A slow index says nothing about the rest of the node.
_SEARCHES = frozenset({"tx_search", "block_search"})
STATUS = jsonrpc.call("status")
_GIVEN_UP = Refusal(0, jsonrpc.OVERSIZED)

Heard = Callable[[str | None, float], None]
"""Is told of every request: None or what went wrong, and when it was sent."""


def _nobody(_failure: str | None, _begun: float) -> None:
    """Where nobody counts."""


class _Asked(NamedTuple):
    """A question under way and the future that everybody who asked it waits for."""

    call: Call
    answer: asyncio.Future[Any]


class _TryError(Exception):
    """One request failed; `wait` is the least number of seconds before asking again, None for never."""

    def __init__(self, words: str, wait: float | None = 0.0) -> None:
        super().__init__(words)
        self.words = words
        self.wait = wait


class Node:
    """One RPC endpoint.

    Identical questions under way share one answer.  A request that failed for good marks the node (`failed_at`,
    `failure`), and requests queued behind it fail with it, so that a dead node costs one wait, not one per request.
    """

    def __init__(self, url: str, host: Host, timing: Timing, rpc_budget: float, heard: Heard = _nobody) -> None:
        """Take the URL, the connections to its host, the requests a second it may get, and who counts outcomes.

        What a status says is not counted here: whoever judges it knows whether the node is of any use.
        """
        self.name = redact_url(url)
        self.requests = 0
        self.failures = 0
        self.seconds = 0.0
        self.latest: float | None = None
        self.failed_at: float | None = None
        self.failure: NodeError | None = None
        self.server_time: str | None = None
        self.asked_at = 0.0
        self._heard = heard
        self._url = url
        self._host = host
        self._timing = timing
        self._budget = Budget(rpc_budget, timing)
        self._batch = BATCH
        self._quiet_until = 0.0
        self._queue: list[_Asked] = []
        self._flying: dict[Call, asyncio.Future[Any]] = {}
        self._scheduled = False
        # The loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its address, credentials included: to connect to, never to show."""
        return self._url

    @property
    def is_busy(self) -> bool:
        """Whether requests are under way: they will tell how it is."""
        return bool(self._tasks)

    async def status(self) -> Any:
        """Its status, past all queues and asked once: to find out whether it lives.  Raises NodeError."""
        begun = self.asked_at = self._timing.monotonic()
        try:
            async with asyncio.timeout(self._timing.status):
                [value] = await self._once(jsonrpc.body([STATUS]), 1)
            if value != _GIVEN_UP:
                return value
            self.failures += 1
            failed = _TryError("answers with something that is no status")
        except TimeoutError:
            failed = self._late(self._timing.status)
        except _TryError as error:
            failed = error
        self._heard(failed.words, begun)
        raise self._failed(failed.words)

    async def answers(self, calls: Sequence[Call]) -> list[Any]:
        """Ask everything; per call a result, a Refusal, or a NodeError where it could not be read."""
        futures = [self._submit(call) for call in calls]
        if futures:
            # Not gather: whoever stops waiting must not cancel what others wait for.
            await asyncio.wait(futures)
        return [future.result() for future in futures]

    async def aclose(self) -> None:
        """Drop what is under way; its askers get a NodeError."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _submit(self, call: Call) -> asyncio.Future[Any]:
        future = self._flying.get(call)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._flying[call] = loop.create_future()
            self._queue.append(_Asked(call, future))
            if not self._scheduled:
                self._scheduled = True
                loop.call_soon(self._flush, 0, 0)
        return future

    def _flush(self, seen: int, ticks: int) -> None:
        """Send the queue once a tick added nothing to it (tasks started by tasks need a tick more)."""
        if len(self._queue) > seen and ticks < _MAX_TICKS:
            asyncio.get_running_loop().call_soon(self._flush, len(self._queue), ticks + 1)
            return
        queue, self._queue, self._scheduled = self._queue, [], False
        for part in self._cut(queue):
            self._spawn(part)

    def _cut(self, asked: Sequence[_Asked]) -> list[list[_Asked]]:
        """Cut into requests by number of calls and by bytes; what wants to stand alone does."""
        parts: list[list[_Asked]] = []
        size = 0
        room = False
        for item in asked:
            if not room or item.call.alone or len(parts[-1]) >= self._batch or size + item.call.size > BODY:
                parts.append([])
                size = 0
            parts[-1].append(item)
            size += item.call.size
            room = not item.call.alone
        return parts

    def _spawn(self, asked: list[_Asked]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(asked, self._timing.monotonic()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, asked: list[_Asked], queued_at: float) -> None:
        error = NodeError(f"{self.name}: the question was dropped")
        try:
            async with self._host.slots:
                # Cut anew: what was learned since may ask for smaller requests.
                for part in self._cut(asked):
                    await self._deliver(part, queued_at)
        except NodeError as failed:
            error = failed
        finally:
            # Whatever happened, nobody may wait for ever.
            for item in asked:
                self._settle(item, error)

    def _settle(self, item: _Asked, value: Any) -> None:
        if value is MISSING or item.answer.done():
            return
        if self._flying.get(item.call) is item.answer:
            del self._flying[item.call]
        item.answer.set_result(value)

    async def _deliver(self, asked: list[_Asked], queued_at: float) -> None:
        """Ask with one request, or with smaller ones where the node wants that or leaves answers out."""
        batch = self._batch
        try:
            values = await self._tried([item.call for item in asked], queued_at)
        except SmallerError as smaller:
            batch = smaller.size if smaller.lasting else batch
            parts = [asked[start : start + smaller.size] for start in range(0, len(asked), smaller.size)]
        else:
            for item, value in zip(asked, values, strict=True):
                self._settle(item, value)
            # At least one of several was answered, so this comes to an end.
            parts = [[item] for item, value in zip(asked, values, strict=True) if value is MISSING]
        for part in parts:
            await self._deliver(part, queued_at)
        # Only now: a node that refuses the smaller ones too has another trouble than their number.
        self._batch = min(self._batch, batch)

    async def _tried(self, calls: Sequence[Call], queued_at: float) -> list[Any]:
        """Send one request, again where that may help, all within the deadline.  Raises NodeError, SmallerError."""
        content = jsonrpc.body(calls)
        trouble = _TryError(f"did not answer within {self._timing.deadline:g} s", None)
        searches = any(call.method in _SEARCHES for call in calls)
        counts = _nobody if searches else self._heard
        sent: float | None = None
        try:
            async with asyncio.timeout(self._timing.deadline):
                for tries in range(MAX_TRIES):
                    await self._turn(queued_at)
                    sent = self.asked_at = self._timing.monotonic()
                    try:
                        values = await self._once(content, len(calls))
                    except _TryError as failed:
                        trouble = failed
                        counts(trouble.words, sent)
                        sent = None
                    else:
                        if STATUS not in calls:
                            counts(None, sent)
                        return values
                    if trouble.wait is None:
                        break
                    if tries < MAX_TRIES - 1:
                        await self._timing.sleep(max(trouble.wait, self._timing.pause(tries)))
        except TimeoutError:
            # Waiting for our own budget is no failure of the node.
            if sent is not None:
                trouble = self._late(self._timing.deadline)
                counts(trouble.words, sent)
        raise NodeError(f"{self.name} {trouble.words}") if searches else self._failed(trouble.words)

    def _failed(self, words: str) -> NodeError:
        self.failed_at, self.failure = self._timing.monotonic(), NodeError(f"{self.name} {words}")
        return self.failure

    async def _turn(self, queued_at: float) -> None:
        """Wait until the node may be asked; raise its failure when it failed since the question was queued."""
        if self.failure and self.failed_at is not None and self.failed_at >= queued_at:
            raise self.failure
        quiet = self._quiet_until - self._timing.monotonic()
        if quiet > self._timing.deadline:
            raise NodeError(f"{self.name} asks to be left alone for {quiet:.0f} s")
        if quiet > 0:
            await self._timing.sleep(quiet)
        await self._budget.take()

    async def _once(self, content: bytes, count: int) -> list[Any]:
        """Send one request once.  Raises _TryError, SmallerError."""
        # Counted before it is sent: a request that breaks has cost the node as much.
        self.requests += 1
        began = self._timing.monotonic()
        try:
            reply = await self._host.post(self._url, content)
            self.latest = self._timing.monotonic() - began
        except OversizedError:
            if count > 1:
                raise SmallerError(1, lasting=False) from None
            return [_GIVEN_UP]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self.failures += 1
            raise _try_error(error) from None
        finally:
            self.seconds += self._timing.monotonic() - began
        self.server_time = reply.server_time or self.server_time
        try:
            values = jsonrpc.answers(reply.status, reply.content, count)
        except BadReplyError as bad:
            self.failures += 1
            raise _TryError(bad.words, self._rest(reply) if bad.again else None) from None
        self.failed_at = self.failure = None
        return values

    def _late(self, seconds: float) -> _TryError:
        """Count a request that was cut off after so long: it never came to say itself that it failed."""
        self.failures += 1
        return _TryError(f"did not answer within {seconds:g} s", None)

    def _rest(self, reply: HttpReply) -> float | None:
        """Seconds that the node asks to be left alone, kept for every request behind this one."""
        wait = min(retry_after(reply.retry_after, self._timing.wall()) or 0.0, _LONGEST_QUIET)
        self._quiet_until = max(self._quiet_until, self._timing.monotonic() + wait)
        return wait if wait < self._timing.deadline else None


def _try_error(error: httpx.HTTPError | httpx.InvalidURL) -> _TryError:
    """Say what the line did.  The library's own text is left out: it may repeat the URL, keys included."""
    match error:
        case httpx.ConnectTimeout():
            return _TryError("could not be reached in time")
        case httpx.TimeoutException():
            # It took the question and sat on it: asking again would only wait again.
            return _TryError("took the question and did not answer", None)
        case httpx.ConnectError():
            return _TryError("refuses the connection or can't be found")
        case httpx.DecodingError():
            return _TryError("compresses its answers, though asked not to", None)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return _TryError("is no address that can be called", None)
        case _:
            return _TryError("broke the line")
