"""What receiving ends know of packets: which were never delivered, and what acknowledgements were written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from relayclear.chains import wire_channels
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import DeclinedError, Reply, decoded
from relayclear.errors import RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Reception, ReceptionQuestion

Receptions = dict[ChannelEnd, Reception | RelayclearError]
Ask = Callable[[ChannelEnd, Sequence[int]], Call]

# 20,000 sequences are some 120 kB of hex in a body of at most 1 MB; the server takes 70 ms for them.
CHUNK = 20_000
_SMALLEST = 25
_SPLIT = 4


class ReceptionReader:
    """Asks about sequences in chunks that fit a request's body and the node's gas limit, which it remembers."""

    def __init__(self, endpoints: Endpoints) -> None:
        """Start with the largest chunks."""
        self._endpoints = endpoints
        self._chunk = CHUNK

    async def read(self, questions: Sequence[ReceptionQuestion]) -> Receptions:
        """Two round trips: who received what, then the acknowledgements of what was received, if anything was."""
        plain = {question.end: question.sequences for question in questions if not question.ordered}
        ordered = {question.end: question.sequences for question in questions if question.ordered}
        unordered_found, ordered_found = await asyncio.gather(self._plain(plain), self._ordered(ordered))
        found = unordered_found | ordered_found
        received = {
            question.end: sorted(set(question.sequences) - got.unreceived)
            for question in questions
            if isinstance(got := found[question.end], Reception)
        }
        # What was never received can't be acknowledged; asking for it is the dearest query there is.
        written = await self._chunked(received, wire_channels.ask_acknowledgements)
        return {end: _with_acknowledgements(got, written.get(end)) for end, got in found.items()}

    async def _plain(self, asked: Mapping[ChannelEnd, Sequence[int]]) -> Receptions:
        replies = await self._chunked(asked, wire_channels.ask_unreceived)
        return {end: _reception(replies.get(end, [])) for end in asked}

    async def _ordered(self, asked: Mapping[ChannelEnd, Sequence[int]]) -> Receptions:
        """Ordered channels write no receipts (and old nodes call everything unreceived): the next sequence tells."""
        answers = await self._endpoints.queries([wire_channels.ask_next_receive(end) for end in asked])
        return {
            end: decoded(partial(_ordered_reception, numbers), answer)
            for (end, numbers), answer in zip(asked.items(), answers, strict=True)
        }

    async def _chunked(
        self, asked: Mapping[ChannelEnd, Sequence[int]], ask: Ask
    ) -> dict[ChannelEnd, list[Reply] | RelayclearError]:
        """Ask about every end's sequences, in smaller chunks where the node runs out of gas.

        Ends without sequences are left out: no acknowledgements would mean every one ever written.
        """
        found: dict[ChannelEnd, list[Reply] | RelayclearError] = {}
        waiting = [(end, part) for end, all_ in asked.items() if all_ for part in _parts(all_, self._chunk)]
        while waiting:
            answers = await self._endpoints.queries([ask(end, part) for end, part in waiting])
            retry: list[tuple[ChannelEnd, Sequence[int]]] = []
            for (end, part), answer in zip(waiting, answers, strict=True):
                if isinstance(answer, DeclinedError) and answer.out_of_gas and len(part) > _SMALLEST:
                    size = max(_SMALLEST, len(part) // _SPLIT)
                    # Kept, so that the next question doesn't find the limit again by failing.
                    self._chunk = min(self._chunk, size)
                    retry += [(end, piece) for piece in _parts(part, size)]
                else:
                    _add(found, end, answer)
            waiting = retry
        return found


def _parts(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    if len(numbers) <= size:
        return [numbers]
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _add(
    found: dict[ChannelEnd, list[Reply] | RelayclearError], end: ChannelEnd, answer: Reply | RelayclearError
) -> None:
    """Collect an end's replies; one error spoils them all."""
    have = found.setdefault(end, [])
    if isinstance(answer, RelayclearError):
        found[end] = answer
    elif isinstance(have, list):
        have.append(answer)


def _reception(replies: list[Reply] | RelayclearError) -> Reception | RelayclearError:
    if isinstance(replies, RelayclearError):
        return replies
    unreceived: set[int] = set()
    for reply in replies:
        numbers = decoded(wire_channels.read_unreceived, reply)
        if isinstance(numbers, RelayclearError):
            return numbers
        unreceived.update(numbers)
    return Reception(min((reply.height for reply in replies), default=0), frozenset(unreceived), {})


def _ordered_reception(asked: Sequence[int], reply: Reply) -> Reception:
    following = wire_channels.read_next_receive(reply)
    return Reception(reply.height, frozenset(number for number in asked if number >= following), {})


def _with_acknowledgements(
    got: Reception | RelayclearError, replies: list[Reply] | RelayclearError | None
) -> Reception | RelayclearError:
    if isinstance(got, RelayclearError) or replies is None:
        return got
    if isinstance(replies, RelayclearError):
        return replies
    acknowledgements: dict[int, bytes] = {}
    for reply in replies:
        page = decoded(wire_channels.read_acknowledgements, reply)
        if isinstance(page, RelayclearError):
            return page
        acknowledgements.update(page)
    return Reception(got.height, got.unreceived, acknowledgements)
