"""The store under a simulated chain: history, order, branches."""

from __future__ import annotations

from relayclear.rehearsal.store import Branch, Store


def test_a_value_of_the_past_is_what_it_was_then() -> None:
    store = Store()
    store.apply({"a": 1}, 1)
    store.apply({"a": 2, "b": 9}, 3)
    store.apply({"a": None}, 5)
    assert [store.value_at("a", height) for height in range(7)] == [None, 1, 1, 2, 2, None, None]
    assert store.get("a") is None
    assert dict(store.at(4).scan("")) == {"a": 2, "b": 9}
    assert dict(store.scan("")) == {"b": 9}


def test_keys_come_in_the_order_of_their_text_from_where_one_left() -> None:
    store = Store()
    store.fill({f"n/{number}": number for number in (1, 2, 10, 100)} | {"o": 0}, 1)
    assert [value for _, value in store.scan("n/")] == [1, 10, 100, 2]
    assert [value for _, value in store.scan("n/", "n/100")] == [100, 2]
    assert [value for _, value in store.at(1).scan("n/", "n/100")] == [100, 2]


def test_a_branch_that_is_thrown_away_changed_nothing() -> None:
    store = Store()
    store.fill({"n/1": 1, "n/3": 3}, 1)
    branch = Branch(store)
    branch.set("n/2", 2)
    branch.set("n/3", None)
    inner = Branch(branch)
    inner.set("n/1", 7)
    assert list(inner.scan("n/")) == [("n/1", 7), ("n/2", 2)]
    assert list(branch.scan("n/")) == [("n/1", 1), ("n/2", 2)]
    assert list(store.scan("n/")) == [("n/1", 1), ("n/3", 3)]
    branch.merge(inner)
    store.apply(branch.writes, 2)
    assert list(store.scan("n/")) == [("n/1", 7), ("n/2", 2)]
