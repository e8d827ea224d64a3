"""What a daemon kept of a whole path, as readers find it: without the daemon's own work, which no screen need load."""

from __future__ import annotations

from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering, RelayPath
from relayclear.ibc.topology import ClientHealth, ClientStatus
from relayclear.store.values import read_optional_time
from relayclear.store.vitals import Vital


def end_of(name: str) -> ChannelEnd:
    """The channel end that a vital is named for: ``chain/port/channel``."""
    return ChannelEnd(*name.split("/"))


class PathFacts:
    """What was kept of a whole path: states of its ends, and its clients' health, None where nobody could tell.

    `since` is the first scan that read and judged it, None where none has.
    """

    __slots__ = ("destination_client", "destination_state", "path", "since", "source_client", "source_state")

    def __init__(self, vital: Vital) -> None:
        """Read what a daemon wrote."""
        source, detail = end_of(vital.name), vital.detail
        self.since = read_optional_time(detail["since"])
        self.path = RelayPath(
            source,
            ChannelEnd(*detail["to"]),
            Ordering(detail["ordering"]),
            detail["version"],
            *detail["connections"],
            *detail["clients"],
        )
        self.source_state, self.destination_state = map(ChannelState, detail["states"])
        self.source_client, self.destination_client = map(_health, detail["health"])


def _health(told: list[str | None] | None) -> ClientHealth | None:
    if told is None or told[0] is None:
        return None
    return ClientHealth(ClientStatus(told[0]), read_optional_time(told[1]))
