"""Chains that nobody may ask now, told from what all processes share: the next scan will say so, later."""

from __future__ import annotations

from relayclear.clearing.breaker import BreakerState, endpoint_name
from relayclear.store import breakers
from relayclear.usecases.desk import Desk


def silent_chains(desk: Desk) -> frozenset[str]:
    """The chains of whose endpoints every breaker is open or being probed.  Raises StoreError."""
    now = desk.clock.now()
    with desk.journal.database.snapshot() as reads:
        shut = {one.name for one in breakers.every(reads) if one.at(now) is not BreakerState.CLOSED}
    return frozenset(
        chain for chain, urls in desk.endpoints.items() if all(endpoint_name(chain, url) in shut for url in urls)
    )
