"""Arrivals and what names them."""

from __future__ import annotations

from datetime import UTC, datetime

from relayclear.ibc.arrivals import Arrival, ArrivalId, ArrivalKind
from relayclear.ibc.coin import Coin


def test_two_denoms_of_one_event_are_taken_for_one_arrival() -> None:
    def made(denom: str) -> Arrival:
        at = datetime(2026, 1, 2, tzinfo=UTC)
        came = Coin(denom, 2**80)
        return Arrival("alpha-1", "AB", 3, came, 7, at, ArrivalKind.SEND, "a", 1, "memo", "", None, signed=True)

    assert made("stake").identity == ArrivalId("alpha-1", "AB", 3, "stake") != made("token").identity
