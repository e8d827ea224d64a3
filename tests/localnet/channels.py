"""The channels between the two chains, as the chains themselves name them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import fields, message, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.localnet.node import Node
    from tests.localnet.rpc import Rpc

_OPEN = 3
_ORDERED = 2
# The expired template makes its connections in this order, after the healthy one.
_DEAD = {"connection-1": "expired", "connection-2": "half_expired"}


@dataclass(frozen=True)
class End:
    """One end of a channel."""

    chain: str
    port: str
    channel: str
    connection: str
    client: str


@dataclass(frozen=True)
class Channel:
    """A channel: `transfer`, `ordered`, `mock`, `expired` or `half_expired`."""

    kind: str
    alpha: End
    beta: End

    def on(self, chain: str) -> str:
        """The channel's id on that chain. The two ends need not have the same one."""
        return self.end(chain).channel

    def end(self, chain: str) -> End:
        """The end on that chain."""
        return self.alpha if chain == self.alpha.chain else self.beta

    def other(self, chain: str) -> End:
        """The end on the other chain."""
        return self.beta if chain == self.alpha.chain else self.alpha

    def as_json(self) -> dict[str, Any]:
        """What `network.json` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Channel:
        """The channel that `as_json` wrote."""
        return cls(kept["kind"], End(**kept["alpha"]), End(**kept["beta"]))


def discover(nodes: Mapping[str, Node]) -> list[Channel]:
    """The channels that are open, in the order alpha-1 numbered them."""
    alphas = _ends(ALPHA, nodes[ALPHA].ask)
    betas = _ends(BETA, nodes[BETA].ask)
    found = [
        Channel(_kind(one.end, one.ordering), one.end, betas[one.counterparty].end)
        for one in alphas.values()
        if one.counterparty in betas
    ]
    return sorted(found, key=lambda one: int(one.alpha.channel.removeprefix("channel-")))


@dataclass(frozen=True)
class _Seen:
    end: End
    ordering: int
    counterparty: tuple[str, str]


def _ends(chain: str, ask: Rpc) -> dict[tuple[str, str], _Seen]:
    connections = fields(ask.read("/ibc.core.connection.v1.Query/Connections", _EVERYTHING), 1)
    clients = {text(raw, 1): text(raw, 2) for raw in connections}
    found = {}
    for raw in fields(ask.read("/ibc.core.channel.v1.Query/Channels", _EVERYTHING), 1):
        if number(raw, 1) == _OPEN:
            port, channel, connection = text(raw, 6), text(raw, 7), text(raw, 4)
            other = fields(raw, 3)[0]
            end = End(chain, port, channel, connection, clients[connection])
            found[port, channel] = _Seen(end, number(raw, 2), (text(other, 1), text(other, 2)))
    return found


def _kind(end: End, ordering: int) -> str:
    if end.connection in _DEAD:
        return _DEAD[end.connection]
    if end.port == "transfer":
        return "transfer"
    return "ordered" if ordering == _ORDERED else "mock"


# A page request, field 1, whose limit, field 3, is more than there ever are.
_EVERYTHING = message((1, message((3, 10_000))))
