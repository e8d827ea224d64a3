"""Requests in the store: what was asked for is read back the same, and no fact of it ever changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.clearing.request import Begun, Ended, Request, RequestState, Verb, Wish
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.store import requests
from relayclear.store.db import Database, RuleBrokenError

AT = datetime(2026, 12, 1, 12, 0, 0, 123, tzinfo=UTC)
END = ChannelEnd("alpha-1", "transfer", "channel-0")
WISHES = [
    Wish(Verb.CLEAR, end=END, sequences=SequenceRanges.parse("1,10..20")),
    Wish(
        Verb.CLEAR,
        end=END,
        sequences=SequenceRanges.of([1]),
        key_name="spare",
        share_key=True,
        max_fees=(Coin("stake", 2**70), Coin("ibc/AB", 1)),
        close_channel="channel-0",
    ),
    Wish(Verb.REFUND, "ab12", amount=Coin("stake", 2**80), why="agreed"),
    Wish(Verb.CANCEL, "op-1", why="“no” ü"),
    Wish(Verb.RESET, "endpoint/alpha-1/http://a", why="well"),
    Wish(Verb.RETRY, "paid/ab"),
    Wish(Verb.MUTE, end=END, until=AT),
    Wish(Verb.UNMUTE, end=END),
]


def added(database: Database, number: int = 1, wish: Wish = WISHES[0]) -> Request:
    found = Request(f"rq-{number}", wish, "ada", AT + timedelta(seconds=number))
    with database.atomic() as tx:
        requests.add(tx, found)
    return found


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.verb.value)
def test_a_wish_is_read_back_the_same(database: Database, wish: Wish) -> None:
    found = added(database, 1, wish)
    assert requests.find(database, "rq-1") == found
    assert requests.page(database, 10) == [found]


def test_a_page_has_the_newest_first_with_what_was_known_then(database: Database) -> None:
    for number in range(1, 5):
        added(database, number)
    begun = Begun(AT + timedelta(seconds=10), "watch 1")
    ended = Ended(AT + timedelta(seconds=20), RequestState.FAILED, "watch 1", "failed", "why", "try")
    with database.atomic() as tx:
        requests.begin(tx, "rq-2", begun)
        requests.end(tx, "rq-2", ended)
    assert [one.id for one in requests.page(database, 2)] == ["rq-4", "rq-3"]
    assert [one.id for one in requests.page(database, 9, AT + timedelta(seconds=2))] == ["rq-2", "rq-1"]
    then = {seconds: requests.page(database, 9, AT + timedelta(seconds=seconds))[-2] for seconds in (5, 10, 19, 20)}
    assert {seconds: (one.begun, one.ended) for seconds, one in then.items()} == {
        5: (None, None),
        10: (begun, None),
        19: (begun, None),
        20: (begun, ended),
    }
    assert requests.find(database, "rq-9") is None


def test_a_request_begins_and_ends_once(database: Database) -> None:
    added(database)
    begun, ended = Begun(AT, "watch 1"), Ended(AT, RequestState.DONE, "watch 1", "muted")
    with database.atomic() as tx:
        requests.begin(tx, "rq-1", begun)
        requests.end(tx, "rq-1", ended)
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        requests.begin(tx, "rq-1", begun)
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        requests.end(tx, "rq-1", ended)
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        requests.begin(tx, "rq-9", begun)


@pytest.mark.parametrize("table", ["wishes", "wish_begins", "wish_ends"])
def test_no_fact_of_a_request_is_changed_or_deleted(database: Database, table: str) -> None:
    added(database)
    with database.atomic() as tx:
        requests.begin(tx, "rq-1", Begun(AT, "watch 1"))
        requests.end(tx, "rq-1", Ended(AT, RequestState.DONE, "watch 1", "muted"))
    column = "who" if table == "wishes" else "carrier"
    with pytest.raises(RuleBrokenError, match="never changed"), database.atomic() as tx:
        tx.execute(f"UPDATE {table} SET {column} = 'mallory'")  # noqa: S608 - names of ours
    with pytest.raises(RuleBrokenError, match="never deleted"), database.atomic() as tx:
        tx.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
