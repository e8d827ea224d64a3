"""What the keys that sign have for gas, and for how long it lasts at the pace of the last week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from relayclear.ibc.coin import Coin
from relayclear.store import relay_costs, vitals
from relayclear.store.db import Reads
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.desk import Desk

WEEK = timedelta(days=7)
CLEARING = "clearing"


@dataclass(frozen=True, slots=True)
class GasLine:
    """What one role's account on a chain held at the last good look, at `looked_at`; `error` says why no newer one is.

    `relays` are messages at the worst fee that Hermes would pay; `days` counts by what clearing took
    in the last seven.  None is not known: a daemon's own spending isn't, and who spent nothing lasts
    for no number of days.
    """

    chain: str
    role: str
    address: str | None
    held: Coin | None
    relays: int | None
    days: float | None
    looked_at: datetime | None
    error: str | None

    def age(self, now: datetime) -> timedelta | None:
        """How old the look is, None where there was none."""
        return None if self.looked_at is None else now - self.looked_at


def gas_lines(desk: Desk, as_of: datetime | None = None) -> list[GasLine]:
    """Every key that signs, by chain and role.  Of the past only what is still the newest look is known."""
    at = desk.clock.now() if as_of is None else as_of
    roles = [(chain, role) for chain in sorted(desk.chains) for role in ("daemon", CLEARING)]
    with desk.journal.database.snapshot() as reads:
        found = {one.name: one for one in vitals.of_kind(reads, Kind.GAS)}
        return [
            _line(reads, (chain, role), found.get(f"{chain}/{role}"), at, as_of)
            for chain, role in roles
            if role != CLEARING or chain in desk.clearing_keys
        ]


def _line(reads: Reads, of: tuple[str, str], vital: Vital | None, at: datetime, as_of: datetime | None) -> GasLine:
    if vital is None or vital.tried_at > at:
        return GasLine(*of, None, None, None, None, None, None)
    detail, days = vital.detail, None
    held = Coin(detail["denom"], int(detail["amount"])) if "amount" in detail else None
    if held is not None and of[1] == CLEARING:
        # Live there is no end: a block's clock may run ahead of ours.
        spent = relay_costs.between(reads, of[0], at - WEEK, as_of).get(held.denom, 0)
        days = held.amount / spent * WEEK.days if spent else None
    return GasLine(*of, detail.get("address"), held, detail.get("relays"), days, vital.good_at, vital.error)
