"""Refunds after odd sequences of events: what is booked, what still goes, and what nobody may take for a payment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import HeightError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.money.ledger import Account, Kind, Place, book
from relayclear.money.policy import Mode
from relayclear.money.refund_state import RefundState, Said
from relayclear.rehearsal import bank
from relayclear.rehearsal.transactions import Terms
from relayclear.store import ledger, refunds, signings, stops, unexplained
from relayclear.store.refunds import SaidOf
from relayclear.usecases import refund_hand, refund_resolve
from relayclear.usecases.audit import audit
from relayclear.usecases.payments import read_payments
from relayclear.usecases.payments_acts import accept_gap, assign, gaps
from relayclear.usecases.refund_acts import approve, waive
from relayclear.usecases.refund_rules import RefundRules
from tests.chains.rehearsed import send
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, Claimer
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import Giver, careless
from tests.usecases.test_refund_hands import by_hand, exported, run, with_database
from tests.usecases.test_refunds import underpaid


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    return Giver(rig, tmp_path / "shop")


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Claimer:
    return Claimer(rig, tmp_path / "shop")


def test_a_waived_refund_that_somebody_pays_stops_all_reading(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    waived = waive(giver.desk, giver.owed()[0].id, "gave it up", "ada")
    by_hand(giver, waived, f"rc1r:{waived.id} underpaid")
    giver.blocks(3)
    reading = giver.read()
    assert reading.error is None
    giver.check_books()
    assert giver.total(Account.OUR_LOSS) == waived.net.amount
    assert (giver.total(Account.FEE_KEPT), giver.total(Account.OWED)) == (0, 0)


def test_a_refund_that_was_paid_twice_is_lost_a_second_time_when_its_blocks_are_read_again(giver: Giver) -> None:
    refund = exported(giver)
    by_hand(giver, refund, f"rc1r:{refund.id} underpaid")
    by_hand(giver, refund, f"rc1r:{refund.id} underpaid")
    for _ in range(3):
        giver.settle()
    giver.check_books()
    assert giver.total(Account.OUR_LOSS) == refund.net.amount
    assert giver.total(Account.OWED) == 0


def test_a_refund_of_ours_is_marked_as_paying_another(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep()
    tx_hash = giver.last_hash()
    giver.refund_rules = RefundRules()
    underpaid(giver)
    (second,) = giver.approve_all()
    giver.settle()
    with pytest.raises(UsageError, match="pays another refund"):
        run(refund_hand.mark_paid(giver.desk, second.id, tx_hash, "ada"))
    assert giver.refunds()[-1].state is RefundState.APPROVED


def test_a_transaction_that_names_one_refund_pays_two_and_the_second_cannot_be_marked(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    underpaid(giver, 300_000)
    first, second = giver.approve_all()
    messages = [send(ALPHA, "payee", (one.net.amount, "stake"), to="alice") for one in (first, second)]
    terms = Terms(0, gas=400_000, memo=f"rc1r:{first.id} underpaid")
    assert giver.rig.world.act(ALPHA, giver.payee, *messages, terms=terms).code == 0
    giver.settle()
    done = run(refund_hand.mark_paid(giver.desk, second.id, giver.last_hash(), "ada"))
    assert done.state is RefundState.PAID_BY_HAND
    giver.sweep()
    giver.check_books()
    assert sorted(giver.paid_to("alice")) == [295_000, 395_000]


def test_what_stands_beside_a_refund_in_one_transaction_is_never_asked_about(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    (first,) = giver.approve_all()
    messages = [
        send(ALPHA, "payee", (first.net.amount, "stake"), to="alice"),
        send(ALPHA, "payee", (7_000, "stake"), to="bob"),
    ]
    terms = Terms(0, gas=400_000, memo=f"rc1r:{first.id} underpaid")
    assert giver.rig.world.act(ALPHA, giver.payee, *messages, terms=terms).code == 0
    underpaid(giver, who="bob")
    giver.approve_all()
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "unexplained"


def test_a_bank_send_passes_for_a_refund_over_ibc_and_its_payer_waits_for_ever(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    refund = approve(till.desk, owed.id, "ada")
    message = send(ALPHA, "payee", (refund.net.amount, "stake"), to="bob")
    terms = Terms(0, gas=200_000, memo=f"rc1r:{refund.id} underpaid")
    assert till.rig.world.act(ALPHA, till.payee, message, terms=terms).code == 0
    till.settle()
    done = till.sweep()
    assert till.refunds()[0].state is RefundState.APPROVED
    assert done.blocked is not None
    assert done.blocked.code == "unexplained"
    till.check_books()
    assert (till.total(Account.IN_TRANSIT), till.total(Account.WITHDRAWALS)) == (0, 45_000)


def test_one_packet_that_no_node_can_tell_of_holds_up_everybodys_refunds(till: Claimer) -> None:
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    till.sweep()
    token = till.quote(till.rig.stuck())
    till.pay(token, 40_000, who="bob")
    till.expire(token)
    till.settle()
    original = till.rig.alpha.commitments_at

    async def gone(ends: Any, height: int) -> Any:
        return {end: HeightError("pruned") for end in await original(ends, height)}

    till.rig.alpha.commitments_at = gone  # type: ignore[method-assign]
    till.sweep()
    assert till.paid_to("bob") == [35_000]


def test_another_payee_in_the_config_leaves_the_new_wallet_short_for_ever(giver: Giver) -> None:
    underpaid(giver)
    assert giver.rig.shop is not None
    carol = address("carol", ALPHA)
    giver.rig.world.set_account(ALPHA, carol, amount=1_000_000, sequence=1)
    giver.rig.shop = replace(giver.rig.shop, payees={ALPHA: carol})
    giver.wallet.hold(ALPHA, "carol")
    giver.blocks(2)
    giver.read()
    assert giver.sweep().blocked is None
    assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]
    giver.settle()
    [found] = asyncio.run(audit(giver.desk))
    assert (found.findings, found.agrees) == ((), True)


def test_a_refund_over_ibc_of_another_payee_is_never_seen_to_arrive(till: Claimer) -> None:
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    assert till.rig.shop is not None
    carol = address("carol", ALPHA)
    till.rig.world.set_account(ALPHA, carol, amount=1_000_000, sequence=1)
    till.rig.shop = replace(till.rig.shop, payees={ALPHA: carol})
    till.wallet.hold(ALPHA, "carol")
    till.blocks(2)
    till.read()
    till.sweep()
    use = signings.last_use(till.rig.journal.database, ALPHA, carol)
    assert use is not None
    till.rig.world.relay(use.packets[0])
    for _ in range(2):
        till.settle()
        till.sweep()
    assert till.refunds()[0].state is RefundState.CONFIRMED


def test_a_node_that_calls_a_landed_refund_failed_has_it_paid_twice(giver: Giver) -> None:
    underpaid(giver)
    node = giver.rig.alpha
    tell, holds = node.sequence_use, node.balances

    async def lie(address: str, sequence: int) -> Any:
        use = await tell(address, sequence)
        return None if use is None else replace(use, code=5, outputs=())

    async def rich(address: str, height: int = 0) -> Any:
        held = await holds(address, height)
        return held if height else replace(held, by_denom={**held.by_denom, "stake": held.by_denom["stake"] + 10**6})

    node.sequence_use, node.balances = lie, rich  # type: ignore[method-assign]
    giver.sweep()
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_payment_that_one_endpoint_hides_sends_another_back_by_itself(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 400_000)
    giver.settle()
    node = giver.rig.alpha
    witness = giver.witnesses.pop(ALPHA)
    giver.pay(token, 600_000, who="bob")
    height, arrived, moved, holds = node.height, node.arrivals, node.movements, node.balances

    async def arrivals(*a: Any) -> Any:
        return [one for one in await arrived(*a) if one.height < height]

    async def movements(*a: Any, **k: Any) -> Any:
        return [one for one in await moved(*a, **k) if one.height < height]

    async def balances(address: str, at: int = 0) -> Any:
        held = await holds(address, at)
        less = 600_000 if held.height >= height else 0
        return replace(held, by_denom={**held.by_denom, "stake": held.by_denom["stake"] - less})

    node.arrivals, node.movements, node.balances = arrivals, movements, balances  # type: ignore[method-assign, assignment]
    giver.expire(token)
    giver.blocks(30)
    giver.read()
    giver.witnesses[ALPHA] = witness
    assert len(giver.owed()) == 1
    giver.sweep()
    assert giver.paid_to("alice") == []


def test_a_block_time_that_one_endpoint_invents_makes_a_refund_due(giver: Giver) -> None:
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 400_000)
    giver.settle()
    node = giver.rig.alpha
    tell = node.block_time

    async def late(height: int) -> Any:
        return await tell(height) + timedelta(days=1)

    node.block_time = late  # type: ignore[method-assign]
    giver.settle()
    assert len(giver.owed()) == 1
    giver.sweep()
    assert giver.paid_to("alice") == []


def test_a_refund_that_was_seen_before_its_payment_is_called_a_withdrawal(giver: Giver, tmp_path: Path) -> None:
    """A backup of before the payment, and somebody who looks at the wallet before anything is read."""
    old = tmp_path / "backup.db"
    token = giver.quote(giver.rig.stuck())
    giver.settle()
    giver.rig.journal.database.backup(old)
    giver.pay(token, 400_000)
    giver.expire(token)
    giver.sweep()

    def again() -> None:
        run(refund_resolve.knot(giver.desk, ALPHA))
        assert len(unexplained.every(giver.rig.journal.database)) == 1
        giver.settle()
        giver.sweep()
        assert unexplained.every(giver.rig.journal.database) == []
        assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]
        giver.check_books()
        assert giver.owed() == []

    with_database(giver, old, again)
    assert giver.paid_to("alice") == [395_000]


def test_what_the_rules_approved_before_a_stop_goes_by_itself_after_it(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep(limit=0)
    assert [one.by_itself for one in giver.refunds()] == [True]
    with giver.rig.journal.database.atomic() as tx:
        stops.stop(tx, ALPHA, "restored", giver.rig.clock.now())
    done = giver.sweep()
    assert giver.paid_to("alice") == []
    assert len(done.skipped) == 1
    approve(giver.desk, giver.refunds()[0].id, "ada")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]


def test_a_wallet_that_is_out_of_coins_wears_its_refunds_out(giver: Giver) -> None:
    """The operator took out what was owed: it waits for a top-up, and goes then by itself."""
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 900_000, denom="token")
    giver.settle()
    message = send(ALPHA, "payee", (900_000, "token"), to="clearing")
    assert giver.rig.world.act(ALPHA, giver.payee, message, terms=Terms(0, gas=200_000)).code == 0
    for _ in range(5):
        giver.sweep()
        giver.settle()
    assert [one.state for one in giver.refunds()] == [RefundState.APPROVED]
    topped = send(ALPHA, "bob", (900_000, "token"))
    assert giver.rig.world.act(ALPHA, address("bob", ALPHA), topped, terms=Terms(0, gas=200_000)).code == 0
    giver.settle()
    giver.sweep()
    assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]


def pass_a_gap(giver: Giver) -> None:
    """No node has the blocks of the last minutes any more, and the operator lets that be."""
    giver.blocks(150)
    giver.rig.alpha.pruned_below = giver.rig.alpha.height - 20
    assert isinstance(asyncio.run(read_payments(giver.desk, ALPHA)).error, HeightError)
    accept_gap(giver.desk, gaps(giver.desk)[-1].id, "no archive", "ada")
    giver.settle()


def test_a_refund_that_left_in_a_gap_stays_owed_in_the_books(giver: Giver) -> None:
    underpaid(giver)
    giver.sweep(patience=0)
    pass_a_gap(giver)
    giver.sweep()
    assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]
    giver.check_books()
    assert giver.paid_to("alice") == [395_000]
    assert (giver.total(Account.OWED), giver.total(Account.REFUNDED), giver.total(Account.FEE_KEPT)) == (
        *(0, 395_000),
        5_000,
    )


def test_a_refund_that_left_over_ibc_in_a_gap_stops_every_sweep(till: Claimer) -> None:
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    till.sweep(patience=0)
    pass_a_gap(till)
    till.sweep()
    assert till.refunds()[0].state is RefundState.IN_TRANSIT
    till.rig.world.relay(till.packet())
    for _ in range(2):
        till.settle()
        till.sweep()
    assert till.refunds()[0].state is RefundState.CONFIRMED
    till.check_books()
    assert (till.total(Account.OWED), till.total(Account.REFUNDED)) == (0, 45_000)


def test_a_refund_that_left_in_a_gap_and_came_home_stops_all_reading(till: Claimer) -> None:
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    till.sweep(patience=0)
    pass_a_gap(till)
    till.sweep()
    till.rig.clock.step(90_000)
    assert till.rig.world.relay(till.packet()) == ["timeout"]
    till.settle()
    assert till.read().error is None
    till.check_books()
    assert till.refunds()[0].state is RefundState.RETURNED
    assert (till.total(Account.OWED), till.total(Account.IN_TRANSIT)) == (50_000, 0)


def test_a_waived_refund_that_somebody_sends_over_ibc_stops_every_sweep(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    till.claimed(owed.id, address("alice", BETA), BETA)
    approve(till.desk, owed.id, "ada")
    (written,) = asyncio.run(refund_hand.export(till.desk, ALPHA, [owed.id], "ada"))
    with till.rig.journal.database.atomic() as tx:
        refunds.say(tx, owed.id, SaidOf(Said.WAIVED, "ada", "gave it up", till.rig.clock.now()))
        gone = book(Place(ALPHA, "stake"), Kind.WRITTEN_OFF, owed.id, 50_000)
        ledger.post(tx, [gone], till.rig.clock.now())
    draft = replace(written.draft, gas=400_000, fee=Coin("stake", 5000))
    asyncio.run(till.rig.alpha.broadcast(till.wallet.sign(draft).raw))
    till.settle()
    till.sweep()
    till.rig.world.relay(till.packet())
    for _ in range(2):
        till.settle()
        till.sweep()
    till.check_books()
    assert till.refunds()[0].state is RefundState.CONFIRMED
    assert (till.total(Account.OUR_LOSS), till.total(Account.FEE_KEPT)) == (45_000, 0)


def test_a_single_endpoints_word_that_a_refund_failed_sends_it_again_unasked(giver: Giver) -> None:
    giver.refund_rules = RefundRules()
    underpaid(giver)
    giver.witnesses = {}
    (refund,) = giver.approve_all()
    world = giver.rig.world
    giver.rig.alpha.heard = lambda what: (
        world.write(ALPHA, bank.switched_off_key("stake"), what == "broadcast arrived")
        if what in {"broadcast arrived", "simulate"}
        else None
    )
    done = giver.sweep()
    assert giver.refunds()[0].state is RefundState.APPROVED
    assert "refunds approve" in done.skipped[refund.id]
    giver.rig.alpha.heard = None
    world.write(ALPHA, bank.switched_off_key("stake"), None)
    approve(giver.desk, refund.id, "ada", "looked at it")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_a_refund_of_an_orphan_that_is_assigned_anew_after_a_restore_goes_twice(giver: Giver, tmp_path: Path) -> None:
    token = giver.quote(giver.rig.stuck())
    message = send(ALPHA, "alice", (400_000, "stake"))
    terms = Terms(0, gas=350_000)
    assert giver.rig.world.act(ALPHA, address("alice", ALPHA), message, terms=terms).code == 0
    paid = giver.last_hash()
    giver.settle()
    old = tmp_path / "backup.db"
    giver.rig.journal.database.backup(old)
    assign(giver.rig.desk, paid, token.memo, "she wrote", "ada")
    giver.expire(token)
    giver.sweep()

    def again() -> None:
        giver.sweep()
        assert len(unexplained.every(giver.rig.journal.database)) == 1
        assign(giver.rig.desk, paid, token.memo, "she wrote", "ada")
        giver.settle()
        giver.sweep()
        assert unexplained.every(giver.rig.journal.database) == []
        assert [one.state for one in giver.refunds()] == [RefundState.CONFIRMED]
        giver.check_books()

    with_database(giver, old, again)
    assert giver.paid_to("alice") == [395_000]


def test_a_second_refund_that_a_restored_backup_finds_first_takes_the_next_ones_name(
    giver: Giver, tmp_path: Path
) -> None:
    (key,) = giver.rig.stuck()
    token = giver.quote([key])
    giver.pay(token, token.price.amount + 300_000)
    giver.settle()
    old = tmp_path / "backup.db"
    giver.rig.journal.database.backup(old)
    giver.rig.world.write(ALPHA, bank.switched_off_key("stake"), True)
    for _ in range(4):
        giver.sweep()
    giver.rig.world.write(ALPHA, bank.switched_off_key("stake"), None)
    (second,) = giver.owed()
    assert second.number == 2
    approve(giver.desk, second.id, "ada")
    giver.sweep()
    assert giver.paid_to("alice") == [295_000]

    def again() -> None:
        giver.sweep()
        giver.settle()
        giver.sweep()
        assert [(one.number, one.state) for one in giver.refunds()] == [(2, RefundState.CONFIRMED)]
        giver.rig.world.relay(key)
        giver.settle()
        giver.work()
        (third,) = giver.owed()
        approve(giver.desk, third.id, "ada")
        giver.sweep()
        giver.check_books()

    with_database(giver, old, again)
    assert giver.paid_to("alice") == [295_000, token.price.amount]
