"""Facts of selling stay as they were written, and an older file gains their tables with its rows kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relayclear.clearing.operation import Operation
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.ledger import Kind, Place, book
from relayclear.store import (
    answers,
    cursors,
    history,
    identity,
    ledger,
    operations,
    payments,
    sales,
    tasks,
    tokens,
)
from relayclear.store.db import MIGRATIONS, Database, RuleBrokenError, open_database
from relayclear.store.history import Event
from relayclear.store.tasks import NewTask
from tests.money.build import PAYEE
from tests.store.sold import CHAIN, DESTINATION, SOURCE, after, allocate, arrive, keep, make, sell
from tests.store.test_sales import VERDICT

SELLING = (MIGRATIONS / "0003_selling.sql").read_text()
TABLES = re.findall(r"CREATE TABLE (\w+)", SELLING)
# Named as coordination, or as what may be forgotten, where the migration begins.
MOVING = {"token_states", "past_token_states", "orphans", "cursors", "open_sales", "totals", "watchers"}
FACTS = sorted(set(TABLES) - MOVING)


def sell_something(database: Database) -> None:
    """At least a row in every table of facts."""
    with database.atomic() as tx:
        identity.instance_id(tx)
        order_id = keep(tx, make())
        cursors.begin(tx, CHAIN, PAYEE, 1, after(0), {}, after(0))
        payments.add(tx, PAYEE, [arrive(), arrive(9)], after(61))
        payments.match(tx, arrive().identity, order_id, payments.How.MEMO, "watch", "", after(61))
        cursors.accept_gap(tx, cursors.add_gap(tx, CHAIN, PAYEE, 2, 3, "pruned", after(1)), "ann", "so be it", after(2))
        sell(tx, order_id)
        sales.ask(tx, order_id, "clear", "ann", "", after(62))
        sales.start(tx, order_id, allocate(arrive()), after(7260), after(62))
        sales.add_verdict(tx, order_id, VERDICT)
        sales.end(tx, order_id, "cleared", after(90))
        tokens.revoke(tx, order_id, "ann", "too late", after(91))
        answers.remember_answer(tx, "k", ["x"], {}, after(1))
        ledger.post(tx, [book(Place(CHAIN, "stake"), Kind.PAYMENT, "a", 100)], after(61), order_id=order_id)
        history.add(tx, Event(after(0), "ann", "token_created", order_id))


def test_the_migration_says_of_every_table_what_it_is() -> None:
    said = SELLING.partition("CREATE")[0]
    assert not [table for table in TABLES if not re.search(rf"\b{table}\b", said)]


@pytest.mark.parametrize("table", FACTS)
def test_a_fact_of_a_sale_can_be_neither_changed_nor_deleted(table: str, database: Database) -> None:
    sell_something(database)
    column = database.rows(f"PRAGMA table_info({table})")[-1][1]
    before = database.rows(f"SELECT * FROM {table}")  # noqa: S608 - our names
    assert before
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):  # noqa: S608 - our names
        with pytest.raises(RuleBrokenError, match="never"), database.atomic() as tx:
            tx.execute(statement)
    assert database.rows(f"SELECT * FROM {table}") == before  # noqa: S608 - our names


def test_a_file_with_a_sale_in_every_table_is_whole(database: Database) -> None:
    sell_something(database)
    assert database.integrity() == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_from_before_the_sales_keeps_its_rows_and_gains_them(version: int, tmp_path: Path) -> None:
    earlier, path = tmp_path / "earlier", tmp_path / "relayclear.db"
    earlier.mkdir()
    for script in sorted(MIGRATIONS.glob("*.sql"))[:version]:
        (earlier / script.name).write_text(script.read_text())
    with open_database(path, migrations=earlier) as database, database.atomic() as tx:
        operations.add(tx, Operation("op1", after(0), SOURCE, DESTINATION, SequenceRanges.parse("2,5..9")))
        if version > 1:
            tasks.add(tx, NewTask("scan", "scan/alpha-1"), after(0))
    with open_database(path) as database:
        (kept,) = operations.page(database, 9)
        assert (kept.id, str(kept.sequences)) == ("op1", "2,5..9")
        assert bool(tasks.find(database, "scan/alpha-1")) is (version > 1)
        sell_something(database)
        assert database.integrity() == []
    with open_database(tmp_path / f"relayclear.db.bak-v{version}", migrations=earlier) as copy:
        assert copy.row("SELECT id FROM operations") == ("op1",)
