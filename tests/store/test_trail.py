"""The audit trail, answers for ever, the heartbeat, the instance's name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from relayclear.errors import RefusedError
from relayclear.store import answers, history, identity, watchers
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.history import Event, Search
from relayclear.store.watchers import Watcher
from tests.store.sold import after

EVENTS = [
    Event(after(0), "ann", "token_created", "t1", None, "w1", None, {"price": "100stake"}),
    Event(after(5), "watch", "payment_matched", "t1", None, "w1", "AB/0/stake"),
    Event(after(6), "watch", "operation_started", "t1", "op1", "w1"),
    Event(after(6), "watch", "operation_started", "t2", "op2", "w2"),
    Event(after(9), "bob", "gap_accepted", None, None, None, "gap 1", {"reason": "no archive ⟦\u202e"}),
]


def remember(database: Database) -> None:
    with database.atomic() as tx:
        for event in EVENTS:
            history.add(tx, event)


def test_what_happened_is_listed_newest_first(database: Database) -> None:
    remember(database)
    assert history.page(database, 9) == EVENTS[::-1]
    assert history.page(database, 2, 1) == [EVENTS[3], EVENTS[2]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(order_id="t1"), [0, 1, 2]),
        (Search(operation_id="op2"), [3]),
        (Search(wallet="w1"), [0, 1, 2]),
        (Search(subject="gap 1"), [4]),
        (Search(order_id="t1", wallet="w2"), []),
        (Search(wallet="w1", operation_id="op1"), [2]),
        (Search(since=after(6)), [2, 3, 4]),
        (Search(wallet="w1", since=after(5), until=after(5)), [1]),
        (Search(until=after(5)), [0, 1]),
        (Search(order_id="t9"), []),
    ],
)
def test_a_search_finds_what_is_about_all_that_is_named(search: Search, found: list[int], database: Database) -> None:
    remember(database)
    assert history.page(database, 9, search=search) == [EVENTS[number] for number in reversed(found)]
    assert list(history.export(database, search)) == [EVENTS[number] for number in found]


def test_an_export_holds_every_event_once_in_order(database: Database) -> None:
    with database.atomic() as tx:
        for number in range(2500):
            history.add(tx, Event(after(number // 700), "ann", f"{number}"))
    with database.snapshot() as reads:
        assert [event.what for event in history.export(reads)] == [str(number) for number in range(2500)]


# Answers


def test_the_same_request_gets_the_same_answer_for_ever(database: Database) -> None:
    words = ["tokens", "create", "--chain", "alpha-1"]
    assert answers.answer(database, "k", words) is None
    with database.atomic() as tx:
        answers.remember_answer(tx, "k", words, {"token": "rc1"}, after(0))
    assert answers.answer(database, "k", words) == {"token": "rc1"}
    with pytest.raises(RefusedError) as caught:
        answers.answer(database, "k", [*words, "--yes"])
    assert caught.value.code == "idempotency_key_reused"
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        answers.remember_answer(tx, "k", words, {"token": "rc2"}, after(1))


def test_words_that_join_to_the_same_text_are_other_words(database: Database) -> None:
    with database.atomic() as tx:
        answers.remember_answer(tx, "k", ["a b"], 1, after(0))
    with pytest.raises(RefusedError):
        answers.answer(database, "k", ["a", "b"])


def test_nothing_is_no_answer(database: Database) -> None:
    with pytest.raises(ValueError, match="no answer yet"), database.atomic() as tx:
        answers.remember_answer(tx, "k", [], None, after(0))


# The heartbeat and the name


def test_the_newest_watcher_is_the_one_that_is_shown(database: Database) -> None:
    assert watchers.find(database) is None
    for pid in (100, 200):
        with database.atomic() as tx:
            watchers.beat(tx, Watcher(pid, after(pid), after(pid + 1), {"scan": "alpha-1"}))
    assert watchers.find(database) == Watcher(200, after(200), after(201), {"scan": "alpha-1"})
    with database.atomic() as tx:
        watchers.leave(tx, 100)
    assert watchers.find(database)
    with database.atomic() as tx:
        watchers.leave(tx, 200)
    assert watchers.find(database) is None


def test_an_instance_keeps_its_name_and_every_database_has_another(database: Database, tmp_path: Path) -> None:
    assert identity.fact(database, "instance") is None
    with database.atomic() as tx:
        name = identity.instance_id(tx)
        assert identity.instance_id(tx) == name
    assert re.fullmatch("[0-9a-f]{16}", name)
    with open_database(os.fspath(database.path or "")) as again, again.atomic() as tx:
        assert identity.instance_id(tx) == name
    with open_database(tmp_path / "other.db") as other, other.atomic() as tx:
        assert identity.instance_id(tx) != name


def test_a_small_fact_is_said_once(database: Database) -> None:
    with database.atomic() as tx:
        assert identity.say_once(tx, "began", "then") == "then"
        assert identity.say_once(tx, "began", "now") == "then"
    assert (identity.fact(database, "began"), identity.fact(database, "ended")) == ("then", None)
