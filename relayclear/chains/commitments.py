"""What channel ends have pending: by pages, or in one answer for the whole chain where the node allows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from relayclear.chains import wire_channels
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import DeclinedError, Reply, decoded, sure
from relayclear.errors import HeightError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Commitments

Pending = dict[ChannelEnd, Commitments | RelayclearError]

# Nodes honour any limit; forks cap or refuse above 1,000 or 100, and gas limits act alike.
PAGE_LIMITS = (30_000, 1_000, 100)
MOST_COMMITMENTS = 5_000_000
"""Of one end: twenty times what any channel ever had, and as much as memory should hold."""

MOST_EMPTY = 10
"""Pages with nothing on them that still promise another."""

MANY_ENDS = 50
MANY_SEQUENCES = 100
_SAMPLE = 1_000


@dataclass(slots=True)
class _Walk:
    """One end's way through its pages; `height` is the asked one, 0 for now, `pin` what the next page is asked at."""

    end: ChannelEnd
    height: int
    pin: int = 0
    read_at: int = 0
    key: bytes = b""
    found: dict[int, bytes] = field(default_factory=dict)
    result: Commitments | RelayclearError | None = None
    empty: int = 0

    def call(self, limit: int) -> Call:
        """The question for its next page, of at most `limit` commitments."""
        return wire_channels.ask_commitments(self.end, limit, self.key, self.pin or self.height)

    def take(self, answer: Reply | RelayclearError) -> None:
        """Take a page or an error; `result` stands when this was the last."""
        if isinstance(answer, HeightError) and self.pin:
            # The pin was our own wish. Without it the walk misses nothing that was there all along:
            # pages follow each other by key.
            self.pin = 0
            return
        if isinstance(answer, NotFoundError) and self.height:
            # ibc-go v10 says so of a channel that was opened later: nothing was pending on it then.
            self.result = Commitments(self.height, {})
            return
        page = decoded(lambda reply: (reply.height, *wire_channels.read_commitments(reply)), answer)
        if isinstance(page, RelayclearError):
            self.result = page
            return
        read_at, found, key = page
        if not self.key:
            self.read_at = read_at
            self.pin = 0 if self.height else read_at
        self.found = self.found | found if self.found else found
        self.empty += not found
        if not key:
            self.result = Commitments(self.read_at, self.found)
        elif key <= self.key:
            self.result = NodeError(f"the pages of {self.end} run in a circle")
        elif self.empty > MOST_EMPTY or len(self.found) > MOST_COMMITMENTS:
            # Rising keys alone could be made up for ever.
            self.result = NodeError(f"the pages of {self.end} don't end")
        self.key = key


class CommitmentReader:
    """Reads commitments over a chain's endpoints; remembers the page size that the node takes.

    `subspace`: whether the one-answer query was checked against pages on this chain: True, False, or None for not yet.
    `on_subspace` is told each new verdict.
    """

    def __init__(self, endpoints: Endpoints, *, subspace: bool | None, on_subspace: Callable[[bool], None]) -> None:
        """Start with the largest pages."""
        self.subspace = subspace
        self._on_subspace = on_subspace
        self._endpoints = endpoints
        self._limit = PAGE_LIMITS[0]

    async def read(self, ends: Sequence[ChannelEnd]) -> Pending:
        """Everything pending on each end, as of now."""
        many = len(ends) > MANY_ENDS
        if many and self.subspace:
            whole = await self._whole(ends)
            if not isinstance(whole, RelayclearError):
                return dict(whole)
            self._judged(whole, verdict=False)
        pending = await self.pages(ends)
        if many and self.subspace is None:
            await self._compare(pending)
        return pending

    async def pages(self, ends: Sequence[ChannelEnd], height: int = 0) -> Pending:
        """Everything pending on each end at a height, 0 for now, read by pages."""
        walks = [_Walk(end, height) for end in dict.fromkeys(ends)]
        waiting = walks
        while waiting:
            limit = self._limit
            answers = await self._endpoints.queries([walk.call(limit) for walk in waiting])
            for walk, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, DeclinedError) and answer.wants_smaller_page and limit > PAGE_LIMITS[-1]:
                    self._limit = max(size for size in PAGE_LIMITS if size < limit)
                else:
                    walk.take(answer)
            waiting = [walk for walk in waiting if walk.result is None]
        return {walk.end: walk.result for walk in walks if walk.result is not None}

    async def committed(self, end: ChannelEnd, sequences: Sequence[int]) -> Commitments:
        """The commitments of single sequences; those that are gone are left out.  Raises what was met."""
        asked = sorted(set(sequences))
        if len(asked) > MANY_SEQUENCES:
            got = sure((await self.pages([end]))[end])
            wanted = got.by_sequence.keys() & set(asked)
            return Commitments(got.height, {number: got.by_sequence[number] for number in wanted})
        # Asked first, so its height is one at which or after which each single answer was true;
        # what is gone by then never comes back.
        calls = [wire_channels.ask_unfinished(end, asked)]
        calls += [wire_channels.ask_commitment(end, number) for number in asked]
        unfinished, *answers = await self._endpoints.queries(calls)
        found = {
            number: sure(decoded(wire_channels.read_commitment, answer))
            for number, answer in zip(asked, answers, strict=True)
            if not isinstance(answer, NotFoundError)
        }
        return Commitments(sure(unfinished).height, found)

    async def next_send_sequence(self, end: ChannelEnd) -> int:
        """The sequence that the end's next packet will have.  Raises NotFoundError where there is no such channel."""
        query, key = await self._endpoints.queries(wire_channels.ask_next_send(end))
        raw = decoded(wire_channels.read_next_send_key, key)
        return raw if isinstance(raw, int) else sure(decoded(wire_channels.read_next_send, query))

    async def _whole(self, ends: Sequence[ChannelEnd]) -> Mapping[ChannelEnd, Commitments] | RelayclearError:
        [answer] = await self._endpoints.queries([wire_channels.ALL_COMMITMENTS])
        if isinstance(answer, RelayclearError):
            return answer
        found = decoded(lambda reply: wire_channels.read_all_commitments(reply, ends), answer)
        if isinstance(found, RelayclearError):
            # The node is there; what it says to this is not usable.
            return DeclinedError(0, found.message)
        return {end: Commitments(answer.height, by_sequence) for end, by_sequence in found.items()}

    async def _compare(self, before: Pending) -> None:
        """Check the one-answer query on a channel that has something pending, once for the chain.

        Packets come and go meanwhile, so it is read between two readings by pages: what stands in both must be in it,
        and all that is in it must stand in one of them.
        """
        sizes = {end: len(got.by_sequence) for end, got in before.items() if isinstance(got, Commitments)}
        busy = [end for end, size in sizes.items() if size]
        if not busy:
            await self._compare_channels(sizes)
            return
        end = max(busy, key=lambda candidate: (sizes[candidate] <= _SAMPLE, sizes[candidate]))
        whole = await self._whole([end])
        if isinstance(whole, RelayclearError):
            self._judged(whole, verdict=False)
            return
        first, second = before[end], (await self.pages([end]))[end]
        if isinstance(first, Commitments) and isinstance(second, Commitments):
            old, got, new = first.by_sequence, whole[end].by_sequence, second.by_sequence
            nothing_missing = all(got.get(number) == new[number] for number in old.keys() & new.keys())
            nothing_made_up = got.items() <= (old.items() | new.items())
            self._judged(None, verdict=nothing_missing and nothing_made_up)

    async def _compare_channels(self, ends: Collection[ChannelEnd]) -> None:
        """With nothing pending, an empty answer would prove nothing: the same query must name every channel instead."""
        [answer] = await self._endpoints.queries([wire_channels.ALL_NEXT_SENDS])
        keys = decoded(wire_channels.read_all_next_sends, answer)
        if isinstance(keys, RelayclearError):
            self._judged(keys, verdict=False)
        elif ends:
            self._judged(None, verdict=all(wire_channels.next_send_key(end) in keys for end in ends))

    def _judged(self, error: RelayclearError | None, *, verdict: bool) -> None:
        """Keep and tell a verdict; a node that was merely unreachable says nothing about the query."""
        if (error is None or isinstance(error, DeclinedError) or not error.retryable) and verdict is not self.subspace:
            self.subspace = verdict
            self._on_subspace(verdict)
