"""Where a message runs: the state it may change, the events it emits, the block it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from relayclear.rehearsal.events import Event
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.store import Branch, View


class Peer(Protocol):
    """Another chain of the same world, which light clients follow and proofs are checked against."""

    def time_at(self, height: int) -> int | None:
        """The block time in unix nanoseconds; None when there is no such block."""

    def state_at(self, height: int) -> View:
        """The state after a height."""


class Peers(Protocol):
    """The chains that a chain's light clients can follow, by chain id."""

    def get(self, chain_id: str, /) -> Peer | None:
        """The chain, None when the world has none of that name."""


@dataclass
class Context:
    """One transaction's view of its chain.  `height` and `time_ns` are those of the block it is in."""

    spec: ChainSpec
    store: Branch
    height: int
    time_ns: int
    peers: Peers
    events: list[Event] = field(default_factory=list)

    def emit(self, *events: Event) -> None:
        """Add events in order."""
        self.events.extend(events)

    def branch(self) -> Context:
        """A context whose writes and events count only when `keep` is called with it."""
        return Context(self.spec, Branch(self.store), self.height, self.time_ns, self.peers)

    def keep(self, inner: Context) -> None:
        """Take over what a branch did."""
        self.store.merge(inner.store)
        self.events.extend(inner.events)
