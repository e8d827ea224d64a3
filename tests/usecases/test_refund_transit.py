"""Refunds over IBC: paid when taken, owed again when they come home, and in the books wherever they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelState, PacketKey
from relayclear.ibc.spending import Draft, IbcSend
from relayclear.money.adr36 import ArbitrarySignature
from relayclear.money.claims import ClaimTerms, Role, claim_text
from relayclear.money.ledger import Account, Kind
from relayclear.money.policy import Gate, Mode
from relayclear.money.refund_state import RefundState
from relayclear.money.refunds import Wait, refund_id, refund_memo
from relayclear.rehearsal import bank, channels
from relayclear.rehearsal.clock import BILLION
from relayclear.rehearsal.transactions import Terms, hash_of, wrap
from relayclear.store import claims, cursors, dues, ledger, payments, refunds
from relayclear.store.claims import Claim, ClaimText
from relayclear.store.payments import Orphan
from relayclear.usecases.payments import read_payments
from relayclear.usecases.refund_acts import approve
from relayclear.usecases.refund_dues import OwedRefund
from relayclear.usecases.refund_hand import export, mark_paid
from relayclear.usecases.refund_transit import follow_packets, open_too_long
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, Claimer
from tests.usecases.counter import ALPHA
from tests.usecases.refunding import careless

ALICE_THERE = address("alice", BETA)
A_DAY = 86_400


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Claimer:
    return Claimer(rig, tmp_path / "shop")


def leave(till: Claimer) -> OwedRefund:
    """A refund that has left over IBC; the books are right."""
    owed = till.underpaid()
    till.check_books()
    till.claimed(owed.id, ALICE_THERE, BETA)
    done = till.sweep()
    assert (done.sent, done.unfinished) == ([owed.id], 1)
    till.check_books()
    assert till.refunds()[-1].state is RefundState.IN_TRANSIT
    assert figures(till) == {"received": 50_000, "owed": 5_000, "in_transit": 45_000}
    return owed


def arrive(till: Claimer) -> None:
    """The packet is seen gone, and then its block is read."""
    for _ in range(2):
        till.settle()
        till.sweep()


def figures(till: Claimer) -> dict[str, int]:
    """Where the payer's coins stand, but for the wallet itself."""
    names = (
        *(Account.RECEIVED, Account.HELD, Account.OWED, Account.IN_TRANSIT, Account.REFUNDED),
        *(Account.FEE_KEPT, Account.ORPHANED, Account.INCOME, Account.OUR_LOSS, Account.WITHDRAWALS),
    )
    return {name.value: till.total(name) for name in names if till.total(name)}


def state(till: Claimer) -> RefundState:
    return till.refunds()[0].state


def given_there(till: Claimer) -> int:
    """What Alice was given on beta-1 of alpha-1's coin, beside what she had."""
    held = till.rig.beta.state.store
    voucher = till.rig.world.know_denom(BETA, f"transfer/{till.rig.far.channel}/stake")
    return bank.balance(held, ALICE_THERE, voucher) - 50_000


def test_a_refund_whose_packet_was_taken_stays_open(till: Claimer) -> None:
    leave(till)
    till.rig.world.deliver(till.packet())
    till.sweep()
    till.check_books()
    assert state(till) is RefundState.IN_TRANSIT
    assert till.rig.world.relay(till.packet()) == ["ack"]
    arrive(till)
    assert state(till) is RefundState.CONFIRMED
    till.check_books()
    assert figures(till) == {"received": 50_000, "refunded": 45_000, "fee_kept": 5_000}
    assert given_there(till) == 45_000
    assert till.owed() == []
    assert till.sweep().sent == []
    assert given_there(till) == 45_000


def test_a_refund_counts_as_paid_before_its_return_could_be_read(till: Claimer) -> None:
    leave(till)
    till.rig.world.relay(till.packet())
    assert asyncio.run(follow_packets(till.desk, ALPHA)) == []
    assert state(till) is RefundState.IN_TRANSIT
    till.settle()
    assert len(asyncio.run(follow_packets(till.desk, ALPHA))) == 1
    assert state(till) is RefundState.CONFIRMED


def test_a_node_that_lags_behind_the_sending_makes_a_refund_arrive(till: Claimer) -> None:
    leave(till)
    till.rig.alpha.behind = till.rig.alpha.state.height - 1
    assert asyncio.run(follow_packets(till.desk, ALPHA)) == []
    till.rig.alpha.behind = 0
    arrive(till)
    assert state(till) is RefundState.IN_TRANSIT


def test_a_node_that_denied_a_packet_once_makes_it_arrive(till: Claimer) -> None:
    leave(till)
    chain, packet = till.rig.alpha.state, till.packet()
    name = channels.packet_key("commitments", packet.port, packet.channel, packet.sequence)
    kept = chain.store.get(name)
    till.rig.world.write(ALPHA, name, None)
    assert asyncio.run(follow_packets(till.desk, ALPHA)) == []
    till.rig.world.write(ALPHA, name, kept)
    arrive(till)
    assert state(till) is RefundState.IN_TRANSIT
    till.rig.world.relay(packet)
    arrive(till)
    assert state(till) is RefundState.CONFIRMED


def test_a_refund_that_timed_out_is_lost_or_sent_again_unasked(till: Claimer) -> None:
    owed = leave(till)
    packet = till.packet()
    till.rig.clock.step(A_DAY + 3600)
    assert till.rig.world.relay(packet) == ["timeout"]
    till.check_books()
    assert state(till) is RefundState.RETURNED
    assert figures(till) == {"received": 50_000, "owed": 50_000}
    (again,) = till.owed()
    assert (again.number, again.id) == (2, refund_id(owed.due.payment, 2))
    assert (again.wait, again.due.to) == (Wait.NEEDS_CLAIM, None)
    assert Gate.FAILED_BEFORE in again.gates
    till.claimed(again.id, address("bob", ALPHA))
    assert till.sweep(most={"stake": 10**9}).sent == []
    approve(till.desk, again.id, "ada")
    till.sweep()
    till.check_books()
    assert till.paid_to("bob") == [45_000]
    assert figures(till) == {"received": 50_000, "refunded": 45_000, "fee_kept": 5_000}
    assert given_there(till) == 0


def test_coins_that_came_home_are_income_or_a_payment(till: Claimer) -> None:
    leave(till)
    before = till.total(Account.INCOME)
    till.rig.clock.step(A_DAY + 3600)
    till.rig.world.relay(till.packet())
    till.check_books()
    assert till.total(Account.INCOME) == before
    database = till.rig.journal.database
    assert payments.orphans(database, 10, kind=Orphan.RETURNED) == []
    assert dues.count(database) == 1


def test_a_far_chain_that_refuses_the_coins_keeps_them(till: Claimer) -> None:
    owed = till.underpaid()
    # An address that was good here, and that the far chain doesn't take.
    terms = ClaimTerms(owed.id, owed.due.net, ALPHA, BETA, "nobody", "00", "11")
    text = ClaimText(terms, till.rig.source, claim_text(terms), till.rig.clock.now())
    with till.rig.journal.database.atomic() as tx:
        claims.add_text(tx, text)
        claims.add(
            tx,
            Claim(owed.id, text, ALICE_THERE, Role.PAYER, ArbitrarySignature(b"", b""), "ada", till.rig.clock.now()),
        )
    till.sweep()
    assert till.rig.world.relay(till.packet()) == ["recv", "ack"]
    till.check_books()
    assert state(till) is RefundState.RETURNED
    assert figures(till) == {"received": 50_000, "owed": 50_000}
    (again,) = till.owed()
    assert (again.number, again.due.net) == (2, Coin("stake", 45_000))


def test_a_return_that_is_read_with_its_sending_counts_as_paid(till: Claimer) -> None:
    """The daemon was off the line for two days: both stand in one window of the payments' reading."""
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    till.rig.alpha.swallows = True
    till.sweep(patience=0)
    till.rig.alpha.swallows = False
    till.rig.clock.step(A_DAY + 3600)
    found = [use for use in till.uses() if use.packets]
    (key,) = found[0].packets
    assert till.rig.world.relay(key) == ["timeout"]
    till.blocks(3)
    till.read()
    assert state(till) is RefundState.BROADCAST
    assert till.total(Account.ORPHANED) == 45_000
    till.sweep()
    assert state(till) is RefundState.RETURNED
    assert figures(till) == {"received": 50_000, "owed": 50_000}
    till.check_books()
    assert till.owed()[0].number == 2
    assert payments.orphans(till.rig.journal.database, 10, kind=Orphan.RETURNED) == []


def sent_by_hand(till: Claimer, coin: Coin, timeout_seconds: int) -> PacketKey:
    """The wallet sends coins over the channel with another program."""
    world, end = till.rig.world, till.rig.source
    key = PacketKey(*end, world.next_sequence(end))
    message = transfer_tx.MsgTransfer(
        source_port=end.port,
        source_channel=end.channel,
        sender=till.payee,
        receiver=address("bob", BETA),
        timeout_timestamp=world.now_ns(BETA) + timeout_seconds * BILLION,
    )
    message.token.denom, message.token.amount = coin.denom, str(coin.amount)
    url = "/ibc.applications.transfer.v1.MsgTransfer"
    result = world.act(ALPHA, till.payee, wrap(url, message), terms=Terms(0, gas=400_000))
    assert result.code == 0, result.log
    return key


def test_a_return_of_another_packet_is_taken_for_the_refunds(till: Claimer) -> None:
    """The wallet sent something over the same channel by itself, and that comes home."""
    leave(till)
    other = sent_by_hand(till, Coin("stake", 45_000), timeout_seconds=60)
    till.rig.clock.step(600)
    assert till.rig.world.relay(other) == ["timeout"]
    arrive(till)
    assert state(till) is RefundState.IN_TRANSIT
    found = figures(till)
    assert (found["in_transit"], found["orphaned"], found["withdrawals"]) == (45_000, 45_000, 45_000)


def test_one_that_nobody_relays_is_forgotten(till: Claimer) -> None:
    owed = leave(till)
    assert open_too_long(till.desk) == []
    till.rig.clock.step(A_DAY - 600)
    assert open_too_long(till.desk) == []
    till.rig.clock.step(700)
    assert [one.id for one in open_too_long(till.desk)] == [owed.id]
    assert [one.id for one in open_too_long(replace(till.desk, shop=None))] == [owed.id]
    till.rig.world.relay(till.packet())
    arrive(till)
    assert open_too_long(till.desk) == []


def test_a_wallet_waits_for_an_acknowledgement_before_it_pays_others(till: Claimer) -> None:
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    token = till.quote(till.rig.stuck())
    till.pay(token, 40_000, who="bob")
    till.expire(token)
    till.sweep()
    till.check_books()
    assert till.paid_to("bob") == [35_000]
    assert {one.state for one in till.refunds()} == {RefundState.IN_TRANSIT, RefundState.CONFIRMED}


def test_a_refund_of_a_far_chains_coin_goes_home_whole(till: Claimer) -> None:
    token = till.quote(till.rig.stuck())
    key = till.rig.world.send(
        till.rig.far, coin=Coin("ubeta", 700_000), sender=ALICE_THERE, receiver=till.payee, memo=token.memo
    )
    till.rig.world.relay(key)
    till.settle()
    (owed,) = till.owed()
    till.claimed(owed.id, ALICE_THERE, BETA)
    assert Gate.NO_CAP in till.owed()[0].gates
    approve(till.desk, owed.id, "ada")
    before = bank.balance(till.rig.beta.state.store, ALICE_THERE, "ubeta")
    till.sweep()
    till.rig.world.relay(till.packet())
    arrive(till)
    till.check_books()
    assert bank.balance(till.rig.beta.state.store, ALICE_THERE, "ubeta") == before + 700_000
    assert state(till) is RefundState.CONFIRMED


def test_a_restored_backup_pays_again_what_left_over_ibc(till: Claimer) -> None:
    """What the chain shows and the database forgot: its sending was read as a withdrawal, and it is in transit."""
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    copy = till.rig.journal.database
    text = till.claimed(owed.id, ALICE_THERE, BETA).text
    # The other copy of this database sends it.
    account = asyncio.run(till.rig.alpha.account(till.payee))
    assert account is not None
    assert text.over is not None
    head = asyncio.run(till.rig.alpha.head())
    draft = Draft(
        *(ALPHA, till.payee, account.number, account.sequence),
        IbcSend(text.over, ALICE_THERE, owed.due.net, head.at.replace(year=head.at.year + 1)),
        *(Coin("stake", 5000), 300_000, refund_memo(owed.id, owed.due.cause), head.height + 100),
    )
    asyncio.run(till.rig.alpha.broadcast(till.wallet.sign(draft).raw))
    till.settle()
    assert till.total(Account.WITHDRAWALS) == 45_000
    till.sweep()
    assert state(till) is RefundState.IN_TRANSIT
    till.check_books()
    assert figures(till) == {"received": 50_000, "owed": 5_000, "in_transit": 45_000}
    assert any(one.entry.kind is Kind.TRANSIT_OF_WITHDRAWAL for one in ledger.every(copy))
    till.rig.world.relay(till.packet())
    arrive(till)
    till.check_books()
    assert state(till) is RefundState.CONFIRMED
    assert figures(till) == {"received": 50_000, "refunded": 45_000, "fee_kept": 5_000}


def test_a_refund_whose_channel_closes_under_it_is_owed_to_nobody(till: Claimer) -> None:
    """It stands in a block three times and sends nothing: it is owed again, for a person to look at."""
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    states = {"broadcast arrived": ChannelState.CLOSED, "simulate": ChannelState.OPEN}

    def heard(what: str) -> None:
        if what in states:
            till.rig.world.set_state(till.rig.source, states[what])

    till.rig.alpha.heard = heard
    till.sweep()
    till.rig.alpha.heard = None
    assert state(till) is RefundState.WITHDRAWN
    till.check_books()
    assert figures(till) == {"received": 50_000, "owed": 50_000}
    (again,) = till.owed()
    assert (again.number, again.wait) == (2, Wait.NEEDS_CLAIM)
    assert Gate.FAILED_BEFORE in again.gates


def test_an_exported_refund_over_ibc_is_never_found(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    approve(till.desk, owed.id, "ada")
    (exported,) = asyncio.run(export(till.desk, ALPHA, [owed.id], "ada"))
    draft = replace(exported.draft, gas=400_000, fee=Coin("stake", 5000))
    asyncio.run(till.rig.alpha.broadcast(till.wallet.sign(draft).raw))
    till.settle()
    till.sweep()
    till.check_books()
    assert figures(till) == {"received": 50_000, "owed": 5_000, "in_transit": 45_000}
    till.rig.world.relay(till.packet())
    arrive(till)
    assert state(till) is RefundState.CONFIRMED
    till.check_books()
    assert figures(till) == {"received": 50_000, "refunded": 45_000, "fee_kept": 5_000}


def reached(till: Claimer, amount: int = 45_000, memo: str = "") -> str:
    """Somebody else's coins of alpha-1 come to Alice on beta-1; the hash of what brought them."""
    world = till.rig.world
    world.fund(ALPHA, address("purse", ALPHA), "stake")
    packet = world.send(
        till.rig.source,
        coin=Coin("stake", amount),
        sender=address("purse", ALPHA),
        receiver=ALICE_THERE,
        memo=memo,
    )
    assert world.relay(packet)[0] == "recv"
    brought = next(hash_of(block.txs[-1]) for block in reversed(till.rig.beta.state.blocks) if block.txs)
    till.blocks(2)
    return brought


def test_a_refund_over_ibc_that_another_purse_paid_is_owed_for_ever(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    approve(till.desk, owed.id, "ada")
    others = refund_memo("0" * 24, owed.due.cause)
    for wrong, words in ((reached(till, 44_999), "no 45000ibc/"), (reached(till, memo=others), "pays another refund")):
        with pytest.raises(UsageError, match=words):
            asyncio.run(mark_paid(till.desk, owed.id, wrong, "ada"))
    done = asyncio.run(mark_paid(till.desk, owed.id, reached(till), "ada"))
    assert done.state is RefundState.PAID_BY_HAND
    till.sweep()
    till.check_books()
    assert till.uses() == []
    assert figures(till) == {"received": 50_000, "refunded": 45_000, "fee_kept": 5_000}


def test_coins_on_a_chain_that_nobody_here_can_ask_are_taken_for_a_refund(till: Claimer) -> None:
    till.refund_rules = replace(careless(), mode=Mode.APPROVE)
    owed = till.underpaid()
    till.claimed(owed.id, ALICE_THERE, BETA)
    approve(till.desk, owed.id, "ada")
    paid = reached(till)
    desk = replace(till.desk, chains={ALPHA: till.desk.chains[ALPHA]})
    with pytest.raises(RefusedError, match="nobody here can tell"):
        asyncio.run(mark_paid(desk, owed.id, paid, "ada"))


def test_reading_goes_on_where_it_stood_after_a_return(till: Claimer) -> None:
    leave(till)
    till.rig.clock.step(A_DAY + 3600)
    till.rig.world.relay(till.packet())
    till.check_books()
    assert asyncio.run(read_payments(till.desk, ALPHA)).error is None
    cursor = cursors.find(till.rig.journal.database, ALPHA, till.payee)
    assert cursor is not None
    assert [one.state for one in refunds.page(till.rig.journal.database, 10)] == [RefundState.RETURNED]
