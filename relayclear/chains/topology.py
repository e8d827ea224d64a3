"""Channels, connections and clients of a chain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from relayclear.chains import wire_channels
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.jsonrpc import Call
from relayclear.chains.wire import DeclinedError, Reply, decoded
from relayclear.errors import NodeError, NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.topology import ChannelInfo, ChannelPage, ClientHealth, ClientInfo, ConnectionInfo

Row = TypeVar("Row")

PAGE_LIMITS = (1_000, 100)
MOST_PAGES = 2_000
"""Of 100 rows at least: the hub with most of all has some 2,000 channels."""


class TopologyReader:
    """Reads what a chain says of its own ends."""

    def __init__(self, endpoints: Endpoints) -> None:
        """Start with the largest pages."""
        self._endpoints = endpoints
        self._limit = PAGE_LIMITS[0]

    async def next_channel_sequence(self) -> int:
        """How many channels were ever made.  Raises NodeError where the node hides its raw store."""
        reply = await self._endpoints.query(wire_channels.NEXT_CHANNEL)
        # A chain that never had a channel has no such key.
        return int.from_bytes(reply.value, "big")

    async def channel_pages(self, after: bytes | None) -> AsyncIterator[ChannelPage]:
        """All channels from a page key on."""
        chain = self._endpoints.chain
        pages = self._pages(wire_channels.ask_channels, partial(wire_channels.read_channels, chain), after)
        async for infos, key in pages:
            yield ChannelPage(tuple(infos), key or None)

    async def channels(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, ChannelInfo | RelayclearError]:
        """Single channel ends."""
        answers = await self._endpoints.queries([wire_channels.ask_channel(end) for end in ends])
        found: dict[ChannelEnd, ChannelInfo | RelayclearError] = {}
        for end, answer in zip(ends, answers, strict=True):
            if isinstance(answer, NotFoundError):
                found[end] = NotFoundError(f"{end} does not exist")
            else:
                found[end] = decoded(partial(wire_channels.read_channel, end), answer)
        return found

    async def connections(self) -> list[ConnectionInfo]:
        """Every connection end."""
        chain = self._endpoints.chain
        read = self._pages(wire_channels.ask_connections, partial(wire_channels.read_connections, chain))
        return [info async for infos, _ in read for info in infos]

    async def clients(self) -> list[ClientInfo]:
        """Every Tendermint client."""
        chain = self._endpoints.chain
        read = self._pages(wire_channels.ask_clients, partial(wire_channels.read_clients, chain))
        return [info async for infos, _ in read for info in infos]

    async def client_health(self, clients: Sequence[str]) -> dict[str, ClientHealth | RelayclearError]:
        """Status and expiry, in one round trip."""
        asked = [wire_channels.ask_health(client) for client in clients]
        answers = await self._endpoints.queries([call for calls in asked for call in calls])
        threes = zip(answers[0::3], answers[1::3], answers[2::3], strict=True)
        return {client: _health(*three) for client, three in zip(clients, threes, strict=True)}

    async def _pages(
        self,
        ask: Callable[[int, bytes], Call],
        read: Callable[[Reply], tuple[list[Row], bytes]],
        after: bytes | None = None,
    ) -> AsyncIterator[tuple[list[Row], bytes]]:
        """Walk pages by their keys, smaller ones where the node wants that.  Raises what a page met."""
        key = after or b""
        for _ in range(MOST_PAGES):
            [answer] = await self._endpoints.queries([ask(self._limit, key)])
            if isinstance(answer, DeclinedError) and answer.wants_smaller_page and self._limit > PAGE_LIMITS[-1]:
                self._limit = PAGE_LIMITS[-1]
                continue
            page = decoded(read, answer)
            if isinstance(page, RelayclearError):
                raise page
            yield page
            _, following = page
            if not following:
                return
            # Keys rise; a node that repeats one would keep us here for ever.
            if following <= key:
                raise NodeError(f"the pages of {self._endpoints.chain} run in a circle")
            key = following
        raise NodeError(f"the pages of {self._endpoints.chain} don't end after {MOST_PAGES}")


def _health(
    status: Reply | RelayclearError, state: Reply | RelayclearError, newest: Reply | RelayclearError
) -> ClientHealth | RelayclearError:
    """Put the three answers together; a client whose newest consensus state is gone has no known expiry."""
    word = decoded(wire_channels.read_status, status)
    if isinstance(word, RelayclearError):
        return word
    period = decoded(wire_channels.read_trusting, state)
    since = decoded(wire_channels.read_consensus_time, newest)
    if isinstance(period, RelayclearError) or isinstance(since, RelayclearError) or period is None or since is None:
        return ClientHealth(word, None)
    return ClientHealth(word, since + period)
