"""The audit: silent where books, store and chain agree, and by name about everything that doesn't."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import ConfigError, HeightError, NodeError, RefusedError
from relayclear.ibc.arrivals import Moved
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Account, Kind, Place, book
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.store import audits, ledger, payments, refunds, stops
from relayclear.store.db import open_database
from relayclear.usecases.audit import audit
from relayclear.usecases.audit_values import ChainAudit, Flaw
from relayclear.usecases.keeping import back_up, look_through, put_back
from relayclear.usecases.payments import read_payments
from relayclear.usecases.payments_acts import accept_gap, gaps, recheck
from relayclear.usecases.refund_resolve import go_on
from tests.chains.rehearsed import send
from tests.fakes.chain import FakeChain
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver

STAKE = Place(ALPHA, "stake")
CHANGE = """
UPDATE postings SET amount = ? WHERE entry_id = (SELECT id FROM entries WHERE kind = 'withdrawal') AND account = ?"""


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


class Forgetful(FakeChain):
    """A node whose blocks show no transaction of ours."""

    async def sequence_uses(self, address: str, first: int, last: int) -> list[SequenceUse]:
        """Nothing, ever."""
        await super().sequence_uses(address, first, last)
        return []


def audited(giver: Giver, **how: Any) -> ChainAudit:
    [found] = asyncio.run(audit(giver.desk, **how))
    return found


def flaws(found: ChainAudit) -> list[tuple[Flaw, str]]:
    return [(one.flaw, one.what) for one in found.findings]


def act(giver: Giver, who: str, *messages: Any, memo: str = "") -> str:
    """A transaction in a block of its own; its hash."""
    result = giver.rig.world.act(ALPHA, address(who, ALPHA), *messages, terms=Terms(0, gas=500_000, memo=memo))
    assert result.code == 0, result.log
    return hash_of(giver.rig.world.chains[ALPHA].blocks[-1].txs[-1])


def lived(giver: Giver) -> str:
    """A shop that has had one of each: earned, refunded, an orphan, a withdrawal, an odd denom; the refund's hash."""
    giver.bought(giver.rig.stuck())
    giver.work()
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, token.price.amount // 2)
    giver.expire(token)
    giver.sweep()
    giver.settle()
    act(giver, "alice", send(ALPHA, "alice", (5, "stake"), (6, "token")))
    act(giver, "payee", send(ALPHA, "payee", (9, "stake"), to="payee"))
    act(giver, "payee", send(ALPHA, "payee", (200, "stake"), to="bob"))
    giver.settle()
    giver.blocks(30)
    giver.read()
    return giver.uses()[0].tx_hash


def test_good_books_are_called_wrong(giver: Giver) -> None:
    lived(giver)
    found = audited(giver)
    assert (found.findings, found.error, found.agrees, found.walked) == ((), None, True, True)
    assert [one.place.denom for one in found.books] == ["stake", "token"]
    assert all(one.off == (0, 0) for one in found.books)
    assert found.through == giver.rig.alpha.height - 1
    giver.check_books()


def test_an_audit_keeps_to_itself_what_nobody_has_explained(giver: Giver) -> None:
    giver.act_as_payee("bob", 7)
    found = audited(giver, quick=True)
    assert [use.tx_hash for use in found.strange] == [giver.last_hash()]
    assert found.stop is not None
    assert found.agrees


def test_an_audit_writes_into_the_books(giver: Giver) -> None:
    lived(giver)
    database = giver.rig.journal.database
    before = [*ledger.every(database)]
    audited(giver)
    audited(giver, quick=True)
    assert [*ledger.every(database)] == before


def test_an_entry_that_nothing_on_the_chain_stands_behind_stays_unseen(giver: Giver) -> None:
    lived(giver)
    at = giver.rig.clock.now()
    with giver.rig.journal.database.atomic() as tx:
        ledger.post(tx, [book(STAKE, Kind.WITHDRAWAL, "AB/out/0", 7)], at)
    found = audited(giver)
    assert flaws(found) == [(Flaw.NOT_ON_CHAIN, "AB/out/0"), (Flaw.BALANCE, "")]
    assert (found.findings[0].booked, found.findings[0].found) == (-7, 0)
    assert found.findings[1].found - found.findings[1].booked == 7
    assert not found.agrees
    assert flaws(audited(giver, quick=True)) == [(Flaw.BALANCE, "")]


def test_two_wrong_entries_that_cancel_out_pass_for_right(giver: Giver) -> None:
    lived(giver)
    at = giver.rig.clock.now()
    with giver.rig.journal.database.atomic() as tx:
        ledger.post(
            tx, [book(STAKE, Kind.INCOME_OUTSIDE, "CD/in/0", 7), book(STAKE, Kind.WITHDRAWAL, "AB/out/0", 7)], at
        )
    assert audited(giver, quick=True).agrees
    assert flaws(audited(giver)) == [(Flaw.NOT_ON_CHAIN, "AB/out/0"), (Flaw.NOT_ON_CHAIN, "CD/in/0")]


def test_a_total_that_was_tampered_with_is_believed(giver: Giver) -> None:
    lived(giver)
    with giver.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = '1' WHERE account = 'withdrawals' AND denom = 'stake'")
    found = audited(giver, quick=True)
    assert (Flaw.TOTAL, "withdrawals") in flaws(found)
    assert (Flaw.BALANCE, "") in flaws(found)
    with giver.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = '200' WHERE account = 'withdrawals' AND denom = 'stake'")
    assert audited(giver).agrees


def test_more_is_taken_back_of_a_payment_than_its_refunds_say(giver: Giver) -> None:
    lived(giver)
    database = giver.rig.journal.database
    [(payment, _)] = refunds.all_taken_back(database, ALPHA)
    with database.atomic() as tx:
        tx.execute("UPDATE taken_back SET amount = ? WHERE tx_hash = ?", ("0" * 80, payment.tx))
    [finding] = audited(giver).findings
    assert (finding.flaw, finding.what, finding.booked) == (Flaw.TAKEN_BACK, f"{payment.tx}/{payment.k}", 0)


def test_a_payment_that_the_chain_no_longer_has_still_counts(giver: Giver) -> None:
    lived(giver)
    first = payments.page(giver.rig.journal.database, 100)[-1]
    giver.rig.alpha.unindexed.add(first.arrival.tx_hash)
    # What only an index has lost stands in its block all the same.
    assert flaws(audited(giver)) == []

    async def nothing(*_: object) -> Moved:
        return Moved([], [])

    giver.rig.alpha.moved_by_blocks = nothing  # type: ignore[method-assign, assignment]
    found = audited(giver)
    assert flaws(found) == [(Flaw.PAYMENT_MISSING, f"{first.arrival.tx_hash}/{first.arrival.ordinal}")]


def test_a_movement_that_no_entry_has_stays_unseen(giver: Giver) -> None:
    lived(giver)
    database = giver.rig.journal.database
    first = payments.page(database, 100)[-1]
    with database.atomic() as tx:
        tx.execute("DROP TRIGGER entries_last")
        tx.execute("DROP TRIGGER postings_last")
        tx.execute("DELETE FROM postings WHERE entry_id = (SELECT min(id) FROM entries WHERE kind = 'payment')")
        tx.execute("DELETE FROM entries WHERE id = (SELECT min(id) FROM entries WHERE kind = 'payment')")
    found = audited(giver).findings
    ref = f"{first.arrival.tx_hash}/in/{first.arrival.ordinal}"
    assert [(one.what, one.booked, one.found) for one in found if one.flaw is Flaw.UNBOOKED] == [
        (ref, 0, first.arrival.coin.amount)
    ]


def test_the_opening_balance_is_booked_otherwise_than_it_was_read(giver: Giver) -> None:
    lived(giver)
    with giver.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE cursors SET opening = ?", ('{"stake":"9999999"}',))
    [finding] = audited(giver, quick=True).findings
    assert (finding.flaw, finding.booked, finding.found) == (Flaw.OPENING, 10_000_000, 9_999_999)


def test_what_was_paid_in_a_gap_is_missed_for_ever_after(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    tx_hash = act(giver, "alice", send(ALPHA, "alice", (70, "stake")), memo=token.memo)
    giver.blocks(200)
    giver.rig.alpha.pruned_below = giver.rig.alpha.height - 50
    assert asyncio.run(read_payments(giver.desk, ALPHA)).error is not None
    accept_gap(giver.desk, gaps(giver.desk)[0].id, "gone", "ada")
    giver.settle()
    assert audited(giver).agrees
    giver.rig.alpha.pruned_below = 0
    asyncio.run(recheck(giver.desk, tx_hash))
    assert giver.total(Account.HELD) == 70
    giver.settle()
    found = audited(giver)
    assert (found.findings, found.agrees) == ((), True)


def test_a_payment_with_another_amount_than_the_chains_is_believed(giver: Giver) -> None:
    lived(giver)
    database = giver.rig.journal.database
    first = payments.page(database, 100)[-1]
    with database.atomic() as tx:
        tx.execute("DROP TRIGGER payments_stay")
        tx.execute("UPDATE payments SET amount = '1' WHERE tx_hash = ?", (first.arrival.tx_hash,))
    [finding] = audited(giver).findings
    assert (finding.flaw, finding.booked, finding.found) == (Flaw.PAYMENT_DIFFERS, 1, first.arrival.coin.amount)


def test_an_entry_with_another_amount_than_its_movement_is_believed(giver: Giver) -> None:
    lived(giver)
    database = giver.rig.journal.database
    with database.atomic() as tx:
        tx.execute("DROP TRIGGER postings_stay")
        tx.execute(CHANGE, ("201", "withdrawals"))
    found = flaws(audited(giver))
    assert Flaw.ENTRY in {flaw for flaw, _ in found}
    assert (Flaw.TOTAL, "withdrawals") in found
    with database.atomic() as tx:
        tx.execute(CHANGE, ("-201", "balance"))
    assert Flaw.OTHER_FIGURE in {flaw for flaw, _ in flaws(audited(giver))}


def test_a_refund_that_never_landed_counts_as_paid(giver: Giver) -> None:
    lived(giver)
    [refund] = giver.refunds()
    whole, giver.rig.chains[ALPHA] = giver.rig.alpha, Forgetful(giver.rig.world, ALPHA)
    assert flaws(audited(giver)) == [(Flaw.REFUND_MISSING, f"refund {refund.id}")]
    giver.rig.chains[ALPHA] = whole
    assert audited(giver).agrees


def test_a_chain_that_cannot_be_read_is_called_right_or_wrong(giver: Giver) -> None:
    lived(giver)
    giver.rig.alpha.down = NodeError("refused")
    found = audited(giver)
    assert (found.error is not None, found.agrees, flaws(found)) == (True, False, [])
    kept = audits.find(giver.rig.journal.database, ALPHA)
    assert kept is not None
    assert not kept.agrees
    giver.rig.alpha.down = None
    giver.rig.alpha.tx_index, giver.rig.alpha.fails["moved_by_blocks"] = False, HeightError("pruned")
    giver.blocks(3)
    found = audited(giver)
    assert found.error is not None
    assert audited(giver, quick=True).error is not None


def test_nobody_sells_and_an_audit_says_that_all_is_well(rig: Rig, giver: Giver) -> None:
    rig.shop = replace(rig.shop, payees={}) if rig.shop else None
    with pytest.raises(ConfigError):
        asyncio.run(audit(rig.desk))
    del giver


def test_refunds_go_by_themselves_again_without_an_audit(giver: Giver) -> None:
    lived(giver)
    giver.sweep()
    database = giver.rig.journal.database
    assert stops.standing(database, ALPHA) is not None
    with pytest.raises(RefusedError) as refused:
        go_on(giver.desk, ALPHA, "ada", "looked at")
    assert refused.value.code == "not_audited"
    assert "relayclear audit" in str(refused.value.hint)
    audited(giver, quick=True)
    with pytest.raises(RefusedError):
        go_on(giver.desk, ALPHA, "ada", "looked at")
    assert audited(giver).agrees
    with database.atomic() as tx:
        assert stops.stop(tx, ALPHA, "a refund was paid twice", giver.rig.clock.now())
        assert not stops.stop(tx, ALPHA, "a refund was paid twice", giver.rig.clock.now())
    with pytest.raises(RefusedError):
        go_on(giver.desk, ALPHA, "ada", "the audit knew nothing of this one")
    audited(giver)
    assert len(go_on(giver.desk, ALPHA, "ada", "looked at")) == 2 + (len(giver.uses()) - 2)
    assert stops.standing(database, ALPHA) is None
    assert go_on(giver.desk, ALPHA, "ada", "again") == []


def test_an_audit_that_found_something_lets_refunds_go(giver: Giver) -> None:
    lived(giver)
    with giver.rig.journal.database.atomic() as tx:
        ledger.post(tx, [book(STAKE, Kind.WITHDRAWAL, "AB/out/0", 7)], giver.rig.clock.now())
    assert not audited(giver).agrees
    with pytest.raises(RefusedError):
        go_on(giver.desk, ALPHA, "ada", "never mind")


def test_a_backup_is_put_back_and_refunds_go_on_as_if_nothing_was(giver: Giver, tmp_path: Path) -> None:
    lived(giver)
    path, copy, now = giver.rig.journal.database.path, tmp_path / "copy.db", giver.rig.clock.now()
    assert path is not None
    back_up(path, copy, "ada", now)
    target = tmp_path / "elsewhere.db"
    put_back(copy, target, "ada", now)
    assert look_through(target).restored is not None
    with open_database(target) as database:
        assert [one[0] for one in database.rows("SELECT why FROM auto_stops") if "backup" in one[0]]
        with database.atomic() as tx:
            audits.keep(tx, audits.KeptAudit(ALPHA, now, 1, True, stops.last(tx, ALPHA)))
    assert look_through(target).restored is None


def test_a_payee_that_was_changed_leaves_the_first_ones_coins_unexplained(giver: Giver) -> None:
    lived(giver)
    assert giver.rig.shop is not None
    giver.rig.world.set_account(ALPHA, address("carol", ALPHA), amount=77, sequence=1)
    giver.rig.shop = replace(giver.rig.shop, payees={ALPHA: address("carol", ALPHA)})
    giver.blocks(2)
    giver.read()
    act(giver, "alice", send(ALPHA, "alice", (3, "stake"), to="carol"))
    giver.blocks(2)
    found = audited(giver)
    assert (found.findings, found.error, found.agrees) == ((), None, True)
    [stake] = [one for one in found.books if one.place == STAKE]
    assert stake.on_chain == stake.book.should_hold
    giver.rig.alpha.pruned_below = giver.rig.alpha.height
    assert audited(giver, quick=True).error is not None
