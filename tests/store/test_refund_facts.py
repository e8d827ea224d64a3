"""What stands written about refunds, runs and assignments stays, and the migration says of each table what it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from relayclear.clearing.operation import Attempt, Operation
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.spending import SequenceUse
from relayclear.store import assignments, audits, operations, relay_costs, stops, unexplained
from relayclear.store.assignments import Assignment, MovementId, Word
from relayclear.store.audits import KeptAudit
from relayclear.store.db import MIGRATIONS, Database, RuleBrokenError
from relayclear.store.relay_costs import Moment, Run
from relayclear.store.signings import add_use
from tests.store.sold import CHAIN, DESTINATION, SOURCE, after

SCRIPT = (MIGRATIONS / "0004_refunds.sql").read_text()
HEADER = SCRIPT.partition("CREATE")[0]
TABLES = re.findall(r"CREATE TABLE (\w+)", SCRIPT)
MOVING = set(re.findall(r"\w+", HEADER.partition("(coordination):")[2].partition(".")[0].replace("--", "")))
FACTS = sorted(set(re.findall(r"\w+", HEADER.partition("hangs on them:")[2].partition(".")[0].replace("--", ""))))
MOVEMENT = MovementId(CHAIN, "AB", True, 0, "stake")


def test_a_table_is_neither_a_fact_nor_coordination() -> None:
    assert sorted({*MOVING, *FACTS}) == sorted(TABLES)
    assert not MOVING & set(FACTS)


@pytest.mark.parametrize("table", FACTS)
def test_a_fact_can_be_changed_or_deleted(table: str, database: Database) -> None:
    rows = database.rows("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,))
    told = " ".join(row[0] for row in rows)
    assert f"BEFORE UPDATE ON {table}" in told
    assert f"BEFORE DELETE ON {table}" in told
    assert told.count("RAISE(ABORT") >= 2
    assert "never" in told


def test_a_movement_is_given_two_words(database: Database) -> None:
    said = Assignment(MOVEMENT, Word.DEPOSIT, "ada", "gas", after(1))
    with database.atomic() as tx:
        assignments.add(tx, said)
    assert assignments.find(database, MOVEMENT) == said
    assert assignments.find(database, MOVEMENT._replace(ordinal=1)) is None
    for other in (Word.DEPOSIT, Word.INCOME):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            assignments.add(tx, said._replace(word=other))
    for wrong in (said._replace(word=Word.EXPENSE), said._replace(why="")):
        fresh = wrong._replace(movement=MOVEMENT._replace(ordinal=7))
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            assignments.add(tx, fresh)


def test_an_old_audit_speaks_of_a_newer_stop(database: Database) -> None:
    assert not audits.agreed(database, CHAIN)
    with database.atomic() as tx:
        assert stops.stop(tx, CHAIN, "one", after(1))
        assert not stops.stop(tx, CHAIN, "one", after(2))
        audits.keep(tx, KeptAudit(CHAIN, after(3), 9, True, stops.last(tx, CHAIN)))
    assert audits.agreed(database, CHAIN)
    with database.atomic() as tx:
        assert stops.stop(tx, CHAIN, "another", after(4))
    assert not audits.agreed(database, CHAIN)
    with database.atomic() as tx:
        audits.keep(tx, KeptAudit(CHAIN, after(5), 9, False, stops.last(tx, CHAIN)))
    assert not audits.agreed(database, CHAIN)
    with database.atomic() as tx:
        assert len(stops.go_on(tx, CHAIN, "ada", "fine", after(6))) == 2
    found = audits.find(database, CHAIN)
    assert found is not None
    assert (found.height, found.last_stop, found.at) == (9, 2, after(5))


def use(sequence: int, tx_hash: str) -> SequenceUse:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return SequenceUse("clearing", sequence, tx_hash, 5, at, 0, "", (Coin("stake", 7),), ())


def test_one_transaction_is_paid_for_by_two_runs(database: Database) -> None:
    with database.atomic() as tx:
        operations.add(tx, Operation("op1", after(0), SOURCE, DESTINATION, SequenceRanges.parse("1")))
        operations.start(tx, "op1", Attempt(1, after(0), ()))
        operations.finish(tx, "op1", 1, (), (), after(1))
        operations.start(tx, "op1", Attempt(2, after(2), ()))
        first, second = Run("op1", 1, CHAIN), Run("op1", 2, CHAIN)
        relay_costs.mark(tx, first, Moment.BEFORE, ("clearing", 3, 4), after(0))
        assert relay_costs.add(tx, first, use(3, "AA"), after(1))
        assert not relay_costs.add(tx, second, use(3, "AA"), after(1))
        assert not relay_costs.add(tx, second, use(3, "BB"), after(1))
        assert relay_costs.add(tx, second, use(4, "CC"), after(1))
    found = relay_costs.of_operation(database, "op1")
    assert [(one.run.attempt, one.tx_hash, one.fee) for one in found] == [
        (1, "AA", (Coin("stake", 7),)),
        (2, "CC", (Coin("stake", 7),)),
    ]
    assert relay_costs.unread(database) == [first]


def test_a_transaction_that_holds_up_one_wallet_is_looked_for_at_another(database: Database) -> None:
    with database.atomic() as tx:
        for chain in ("alpha-1", "beta-1"):
            add_use(tx, chain, use(3, "AA"), after(1))
            unexplained.add(tx, chain, use(3, "AA"))
        unexplained.drop(tx, "alpha-1", use(3, "AA"))
    assert unexplained.every(database) == [("beta-1", use(3, "AA"))]
