"""Tokens: terms that hold together, bound to a memo."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from relayclear.ibc.coin import Coin
from relayclear.money.memo import MemoPlace, verify
from relayclear.money.token import SaleRules, issue, utc
from tests.money.build import EXPIRY, GRACE, KEY, NOW, PAYEE, RULES, refunded_to, token


def test_a_token_says_what_where_and_until_when() -> None:
    found = token()
    assert (found.price, found.place) == (Coin("stake", 100), MemoPlace("alpha-1", PAYEE, "stake"))
    assert (found.issued_at, found.expires_at) == (NOW, EXPIRY)
    assert found.grace_ends_at == EXPIRY + timedelta(seconds=GRACE)
    assert found.memo == found.ref.text
    assert verify(found.ref, found.place, KEY)


def test_a_boundary_is_a_whole_second_so_that_it_reads_as_it_is_judged() -> None:
    late = issue(token().quote, PAYEE, KEY, b"order--1", NOW + timedelta(microseconds=999_999), RULES)
    assert late.expires_at == EXPIRY


def test_coins_paid_from_an_exchange_have_a_way_back() -> None:
    with pytest.raises(ValueError, match="refund_to"):
        issue(token().quote, PAYEE, KEY, b"order--1", NOW, RULES, from_exchange=True)
    named = issue(token().quote, PAYEE, KEY, b"order--1", NOW, RULES, refund_to="cosmos1me", from_exchange=True)
    assert (named.refund_to, named.from_exchange) == ("cosmos1me", True)
    assert replace(named, from_exchange=False) == refunded_to("cosmos1me")


def test_a_time_without_a_zone_is_refused() -> None:
    bare = datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="UTC"):
        replace(token(), issued_at=bare)
    with pytest.raises(ValueError, match="UTC"):
        replace(token(), expires_at=bare)


@pytest.mark.parametrize("times", [(0, 0, 0), (-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_a_token_that_would_never_be_valid_is_refused(times: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="lives"):
        SaleRules("desk-1", *times)


def test_times_are_written_in_utc() -> None:
    assert utc(NOW) == "2026-11-22T12:00:00Z"
    assert utc(NOW.astimezone(timezone(timedelta(hours=5)))) == utc(NOW)
    assert datetime.fromisoformat(utc(NOW)) == NOW.astimezone(UTC)
