"""Breakers as an operator sees them: listed, reset, held open by hand."""

from __future__ import annotations

from datetime import datetime

from relayclear.clearing.breaker import (
    BreakerState,
    BreakerView,
    closed,
    endpoint_name,
    held_open,
    path_name,
    wallet_name,
)
from relayclear.errors import UsageError
from relayclear.ibc.nearest import did_you_mean
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once


def list_breakers(desk: Desk) -> list[BreakerView]:
    """Every endpoint and every wallet that pays refunds, and what else was open lately; what is open comes first."""
    now = desk.clock.now()
    named = {name: desk.breakers.find(name) for name in watched(desk)}
    named |= {one.name: one for one in desk.breakers.every()}
    views = [one.view(now) for one in named.values()]
    return sorted(views, key=lambda one: (one.state is BreakerState.CLOSED, one.name))


def reset_breaker(desk: Desk, name: str, why: str, who: str, once: Once = ANEW) -> BreakerView:
    """Let everybody call again, whatever was seen before; the view of one that is closed already stays.

    Raises UsageError for an unknown name, AnsweredError where the same wish was granted before.
    """
    _require_known(desk, name)
    now = desk.clock.now()
    new = desk.breakers.change(
        name, lambda found: closed(found, now) if found.opened_at else None, who, "breaker_reset", why, once
    )
    return new.view(now)


def open_breaker(desk: Desk, name: str, why: str, who: str, until: datetime | None = None) -> BreakerView:
    """Let nobody call until then, None: until somebody resets it.  Raises UsageError for an unknown name or no why."""
    _require_known(desk, name)
    if not why.strip():
        raise UsageError("--reason needs words: they are told to everybody who is turned away", hint='--reason "…"')
    now = desk.clock.now()
    new = desk.breakers.change(name, lambda found: held_open(found, why, now, until, who), who, "breaker_opened", why)
    return new.view(now)


def watched(desk: Desk) -> list[str]:
    """The names of every endpoint's and every paying wallet's breaker."""
    names = [endpoint_name(chain, url) for chain, urls in desk.endpoints.items() for url in urls]
    payees = desk.shop.payees if desk.shop is not None else {}
    return names + [wallet_name(chain) for chain in payees if chain in desk.chains]


def _require_known(desk: Desk, name: str) -> None:
    """Nothing else is ever asked for: a mistyped name would be held open for nothing."""
    known = {*watched(desk), *(wallet_name(chain) for chain in desk.chains)}
    known |= {path_name(end) for end in desk.journal.last_readings()} | {one.name for one in desk.breakers.every()}
    if name not in known:
        raise UsageError(
            f"there is no breaker {name[:200]!r}{did_you_mean(name, known, most=0)}", hint="relayclear breakers list"
        )
