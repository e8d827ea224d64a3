"""A path between two channel ends, in one direction, and what Hermes checks before it uses it (`rly/link.rs`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import channel_pb2

from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.sequences import Range
from relayclear.rehearsal.hermes.session import Session

TRY_OPEN, OPEN, CLOSED = 2, 3, 4
_ORDERED = 2
# States in which packets may be on their way: open, closed, flushing, flush complete.
_IN_USE = (3, 4, 5, 6)
SOURCE, DESTINATION = "Source", "Destination"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a path: its chain, its channel, and its client of the other chain."""

    chain: Chain
    port: str
    channel: str
    client: str

    def now(self) -> Any:
        """The channel end as it is now; without a state when there is none."""
        return self.chain.channel(self.port, self.channel) or channel_pb2.Channel()


@dataclass(slots=True)
class Work:
    """Messages for one end of a link, made of packet events; proofs are of `height` of the other end's chain."""

    target: str
    height: int
    tracking: str
    events: list[Any] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)

    def shown(self, revision: int) -> str:
        """As the log names it; `revision` is of the chain the proofs come from."""
        return f"{self.tracking} ->{self.target} @{revision}-{self.height}; len={len(self.events)}"


@dataclass
class Link:
    """One direction.  `excluded` are sequences that clearing leaves out; `later` is work that came up meanwhile."""

    session: Session
    source: End
    destination: End
    ordered: bool
    excluded: tuple[Range, ...] = ()
    later: deque[Work] = field(default_factory=deque)

    def reversed(self, excluded: tuple[Range, ...] = ()) -> Link:
        """The other direction."""
        return Link(self.session, self.destination, self.source, self.ordered, excluded)


def other_chain(chain: Chain, port: str, channel: str) -> str:
    """The id of the chain a channel leads to.  Raises Failure when it isn't open, or leads nowhere."""
    end = chain.channel(port, channel)
    if end is None or end.state < TRY_OPEN:
        raise Failure("supervisor error", f"channel {port}/{channel} on chain {chain.id} is not open")
    connection = chain.connection(_hop(end.connection_hops, channel, chain))
    state = chain.client_state(connection.client_id)
    if state is None:
        raise Failure("supervisor error", f"client {connection.client_id} on chain {chain.id} is missing")
    return str(state.chain_id)


def link(
    session: Session, source: Chain, destination: Chain, port: str, channel: str, excluded: tuple[Range, ...] = ()
) -> Link:
    """A link for what `source` sends on a channel.  Raises Failure when the two ends aren't one channel."""
    end = source.channel(port, channel)
    if end is None or end.state not in _IN_USE:
        said = "not in open or close state when packets and timeouts can be relayed"
        raise Failure(f"channel {channel} on chain {source.id} {said}")
    there = end.counterparty
    if not there.channel_id:
        raise Failure(f"counterparty channel id not found for {channel}")
    connection = source.connection(_hop(end.connection_hops, channel, source))
    _same(destination, (there.port_id, there.channel_id), (port, channel))
    if connection.state != OPEN:
        raise Failure(f"connection for channel {channel} on chain {source.id} is not in open state")
    return Link(
        session,
        End(source, port, channel, connection.client_id),
        End(destination, there.port_id, there.channel_id, connection.counterparty.client_id),
        end.ordering == _ORDERED,
        excluded,
    )


def _hop(hops: Iterable[str], channel: str, chain: Chain) -> str:
    for hop in hops:
        return hop
    raise Failure(f"channel {channel} on chain {chain.id} has no connection hops")


def _same(chain: Chain, place: tuple[str, str], expected: tuple[str, str]) -> None:
    said = "link initialization failed during channel counterparty verification"
    found = chain.channel(*place)
    there = found.counterparty if found else channel_pb2.Counterparty()
    if (there.port_id, there.channel_id) != expected:
        ends = f"mismatch: channel end '{place[0]}/{place[1]}' on chain '{chain.id}' has counterparty"
        raise Failure(said, f"channel ends {ends} '{there.port_id}/{there.channel_id}', not '{'/'.join(expected)}'")
