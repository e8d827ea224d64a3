"""Breakers in the database: as they were put, and forgotten once nobody needs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.clearing.breaker import Breaker, closed, held_open, opened, probing
from relayclear.store import breakers
from relayclear.store.db import MIGRATIONS, Database, RuleBrokenError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DOWN = opened(Breaker("endpoint/alpha-1/http://a"), "it hangs", NOW)


def put(database: Database, *several: Breaker) -> None:
    with database.atomic() as tx:
        for one in several:
            breakers.put(tx, one)


@pytest.mark.parametrize(
    "breaker",
    [DOWN, closed(DOWN, NOW), probing(DOWN, NOW + DAY), held_open(Breaker("wallet/alpha-1"), "mine", NOW, None, "ann")],
)
def test_a_breaker_comes_back_as_it_was_put(database: Database, breaker: Breaker) -> None:
    put(database, opened(Breaker(breaker.name), "before", NOW - DAY), breaker)
    assert breakers.find(database, breaker.name) == breaker
    assert breakers.every(database) == [breaker]


def test_one_that_never_opened_is_closed(database: Database) -> None:
    assert breakers.find(database, "wallet/alpha-1") == Breaker("wallet/alpha-1")
    assert breakers.every(database) == []


def test_they_come_in_the_order_of_their_names(database: Database) -> None:
    put(database, *(opened(Breaker(name), "it hangs", NOW) for name in ("c", "a", "b")))
    assert [one.name for one in breakers.every(database)] == ["a", "b", "c"]


def test_only_what_nobody_needs_is_forgotten(database: Database) -> None:
    held = held_open(Breaker("held"), "mine", NOW - 9 * DAY, None, "ann")
    old, new = closed(Breaker("old"), NOW - 2 * DAY), closed(Breaker("new"), NOW)
    left = opened(Breaker("an endpoint that left the config"), "it hangs", NOW - 2 * DAY)
    put(database, held, old, new, left, DOWN)
    with database.atomic() as tx:
        breakers.forget_closed(tx, NOW - DAY)
    assert breakers.every(database) == [DOWN, held, new]


@pytest.mark.parametrize("reason", ["", "it hangs"])
def test_an_open_one_has_a_reason_and_somebody_who_opened_it(database: Database, reason: str) -> None:
    with pytest.raises(RuleBrokenError):
        put(database, held_open(Breaker("x"), reason, NOW, None, "ann" if not reason else ""))


def test_the_migration_says_when_it_may_be_forgotten() -> None:
    said = (MIGRATIONS / "0005_breakers.sql").read_text(encoding="utf-8").partition("CREATE")[0]
    assert "breakers.forget_closed" in said
