"""Lists stay quick over years of sales: measured in steps of SQLite's machine, so that a busy one changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relayclear.ibc.packet import PacketKey
from relayclear.store.db import Database, open_database
from relayclear.store.tokens import find
from tests.store.many import Sold, fill, lists, steps

SALES = 20_000
# Hundreds of steps.  A walk over one table of this size takes more than 1,000; a page of 50 clears with all that is
# told of them, the dearest list there is, about 110.
MOST = 400


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_database(tmp_path_factory.mktemp("many") / "relayclear.db") as database:
        fill(database, SALES)
        yield database


def test_no_list_looks_at_more_than_it_shows(filled: Database) -> None:
    took = {name: steps(filled, shown) for name, shown in lists(SALES).items()}
    assert {name: count for name, count in took.items() if count > MOST} == {}


def test_a_walk_over_all_sales_would_be_noticed(filled: Database) -> None:
    assert steps(filled, lambda reads: reads.rows("SELECT count(*) FROM tokens WHERE amount = '7'")) > MOST


def test_a_database_of_many_sales_is_whole(filled: Database) -> None:
    assert filled.rows("PRAGMA foreign_key_check") == []


def test_a_token_of_many_is_the_one_that_its_document_sells(filled: Database) -> None:
    for sold in (Sold(number, SALES) for number in (0, 1, SALES // 2, SALES - 1)):
        kept = find(filled, sold.order_id)
        assert kept is not None
        assert kept.token == sold.token
        assert [term.key for term in kept.token.quote.packets] == [PacketKey(*sold.packet)]
