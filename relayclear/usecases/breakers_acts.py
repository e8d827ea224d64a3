"""Breakers as an operator sees them: listed, reset, held open by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from relayclear.clearing.breaker import (
    Breaker,
    BreakerState,
    BreakerView,
    chain_of,
    closed,
    endpoint_name,
    held_open,
    is_path,
    is_wallet,
    path_name,
    wallet_name,
)
from relayclear.errors import UsageError
from relayclear.ibc.nearest import did_you_mean
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once


def list_breakers(desk: Desk) -> list[BreakerView]:
    """Every endpoint and every wallet that pays refunds, and what else was open lately; what is open comes first."""
    named = {name: desk.breakers.find(name) for name in watched(desk)}
    named |= {one.name: one for one in desk.breakers.every()}
    return views(desk, named.values(), desk.clock.now())


def views(desk: Desk, found: Iterable[Breaker], now: datetime) -> list[BreakerView]:
    """How breakers stand: what is open comes first, what is left over last.

    Of what is left over a closed one is dropped.
    """
    stand = (one.view(now)._replace(left_over=not is_named(desk, one.name)) for one in found)
    kept = (one for one in stand if not one.left_over or one.state is not BreakerState.CLOSED)
    return sorted(kept, key=lambda one: (one.left_over, one.state is BreakerState.CLOSED, one.name))


def is_named(desk: Desk, name: str) -> bool:
    """Whether the config still names what a breaker stands before; the database outlives a config."""
    chain = chain_of(name)
    if is_path(name) or is_wallet(name):
        return chain in desk.endpoints
    return name in (endpoint_name(chain, url) for url in desk.endpoints.get(chain, ()))


def reset_breaker(desk: Desk, name: str, why: str, who: str, once: Once = ANEW) -> BreakerView:
    """Let everybody call again, whatever was seen before; the view of one that is closed already stays.

    Raises UsageError for an unknown name, AnsweredError where the same wish was granted before.
    """
    _require_known(desk, name)
    now = desk.clock.now()
    new = desk.breakers.change(
        name, lambda found: closed(found, now) if found.opened_at else None, who, "breaker_reset", why, once
    )
    return new.view(now)._replace(left_over=not is_named(desk, name))


def open_breaker(desk: Desk, name: str, why: str, who: str, until: datetime | None = None) -> BreakerView:
    """Let nobody call until then, None: until somebody resets it.  Raises UsageError for an unknown name or no why."""
    _require_known(desk, name)
    if not is_named(desk, name):
        raise UsageError(
            f"the breaker {name[:200]} is left over: no config names what it stands before",
            hint=f'relayclear breakers reset {name[:200]} --reason "…" drops it',
        )
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
