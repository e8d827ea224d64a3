"""How relayclear itself is, from memory alone: no node is asked."""

from __future__ import annotations

from datetime import datetime

from relayclear.clearing.health import Facts, Health, health
from relayclear.errors import StoreError
from relayclear.usecases.desk import Desk
from relayclear.usecases.health_facts import gather

__all__ = ["look", "look_or_tell", "unusable"]


def look(desk: Desk) -> Health:
    """Judge what is remembered.  Raises StoreError."""
    return health(gather(desk))


def look_or_tell(desk: Desk) -> Health:
    """The same, where a database that can't be read is a finding like any other."""
    try:
        return look(desk)
    except StoreError as error:
        return unusable(desk.clock.now(), error)


def unusable(now: datetime, error: StoreError) -> Health:
    """The health of what can't read its memory."""
    return health(Facts(now, unusable=error.message))
