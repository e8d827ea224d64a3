"""What reading makes of what payers do: the rows of the payment edge cases, by their number."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relayclear.ibc.arrivals import Arrival as ChainArrival
from relayclear.ibc.arrivals import ArrivalKind, Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.ledger import Account
from relayclear.money.payment import Payment
from relayclear.money.recognition import Standing, Why
from relayclear.money.refunds import Cause
from relayclear.money.settlement import Flaw
from relayclear.money.state import TokenState
from relayclear.rehearsal.transactions import Terms
from relayclear.store import history, payments, tokens
from relayclear.store.history import Search
from relayclear.store.payments import How, Orphan, StoredPayment
from relayclear.usecases.payments import read_payments
from relayclear.usecases.payments_acts import assign
from relayclear.usecases.payments_begin import begin
from relayclear.usecases.quote import make_quote
from relayclear.usecases.quote_values import QuoteRequest
from relayclear.usecases.tokens_view import payment_of, view_token
from tests.chains.rehearsed import execute, grant, multi_send, send
from tests.fakes.chain import FakeChain
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.paying import ALPHA, BETA, GRACE, TTL, Till

AFTER = timedelta(seconds=1)
ONE = Coin("stake", 1)


def only(found: list[StoredPayment]) -> StoredPayment:
    [one] = found
    return one


def why(till: Till, stored: StoredPayment) -> tuple[str, str | None]:
    """What the history says of a payment: its standing and why."""
    subject = "/".join(map(str, stored.id))
    [event] = history.page(till.rig.journal.database, 10, 0, Search(subject=subject))
    return event.detail["standing"], event.detail["why"]


def is_orphan(till: Till, stored: StoredPayment, reason: Why) -> bool:
    """Whether it is nobody's, for that reason."""
    return stored.match is None and why(till, stored) == (Standing.ORPHAN, reason)


def facts(stored: StoredPayment) -> Payment:
    return payment_of(stored)


# Paying


def test_row_1_an_exact_payment_in_time_is_counted_once_and_starts_the_work(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    stored = only(till.read_all())
    assert (stored.arrival.tx_hash, stored.arrival.ordinal, stored.arrival.coin.amount) == (tx_hash, 0, 100)
    assert stored.match is not None
    assert (stored.match.order_id, stored.match.how, stored.match.who) == (token.ref.order_id.hex(), How.MEMO, "watch")
    assert till.view(token).state is TokenState.PAID
    task = till.task(token)
    assert task is not None
    assert (task.kind, dict(task.data)) == ("paid", {"order_id": token.ref.order_id.hex()})
    assert till.total(Account.HELD) == 100


def test_row_2_an_underpaid_token_stays_partly_paid_and_starts_nothing(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 60)
    till.read_all()
    view = till.view(token)
    assert (view.state, view.settlement.missing.amount, view.owed) == (TokenState.PARTLY_PAID, 40, ())
    assert till.task(token) is None
    till.wait(TTL)
    till.read_all()
    view = till.view(token)
    assert view.state is TokenState.EXPIRED
    assert [(due.cause, due.gross, due.fee) for due in view.owed] == [(Cause.UNDERPAID, 60, 2)]


def test_row_3_partial_payments_of_several_payers_add_up(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 30)
    till.read_all()
    till.pay(token.memo, 20, who="bob")
    till.pay(token.memo, 50)
    till.read_all()
    assert till.view(token).state is TokenState.PAID
    assert [paid.applied for paid in till.settlement(token).payments] == [30, 20, 50]


def test_row_4_what_is_paid_above_the_price_is_owed_back(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 250)
    till.read_all()
    view = till.view(token)
    assert (view.state, set(view.flaws)) == (TokenState.PAID, {Flaw.OVERPAID})
    assert [(due.cause, due.gross) for due in view.owed] == [(Cause.EXCESS, 150)]


def test_row_5_what_is_read_twice_is_counted_once(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    assert len(till.read_all()) == 1
    for _ in range(3):
        assert till.read_all() == []
    assert len(till.stored()) == 1
    assert till.total(Account.RECEIVED) == 100


def test_row_6_7_a_second_payment_goes_back_to_whoever_sent_it(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.pay(token.memo, who="bob")
    till.read_all()
    view = till.view(token)
    assert [paid.flaws for paid in view.settlement.payments] == [frozenset(), {Flaw.SECOND_PAYMENT}]
    assert [(due.to, due.gross) for due in view.owed] == [(address("bob", ALPHA), 100)]


def test_row_8_9_a_late_payment_asks_the_work_whether_it_is_honoured(till: Till) -> None:
    inside, beyond = till.sold(), till.sold()
    till.wait(TTL + 60)
    till.read_all()
    assert till.view(inside).state is TokenState.EXPIRED
    till.pay(inside.memo)
    till.read_all()
    assert set(till.view(inside).flaws) == {Flaw.LATE}
    assert till.task(inside) is not None
    till.wait(GRACE)
    till.pay(beyond.memo)
    till.read_all()
    assert till.task(beyond) is None
    assert [(due.cause, due.gross) for due in till.view(beyond).owed] == [(Cause.LATE, 100)]


@pytest.mark.parametrize("late", [0, 1])
def test_row_10_the_boundary_belongs_to_the_payer_by_block_time(till: Till, late: int) -> None:
    till.blocks()
    ttl = 600
    token = till.sold(ttl=ttl)
    # The block after this wait is made at the very second of the expiry, or one later.
    left = token.expires_at - till.rig.clock.now()
    till.wait(left.total_seconds() + late)
    till.pay(token.memo)
    stored = only(till.read_all())
    assert stored.arrival.at - token.expires_at == late * AFTER
    assert till.view(token).state is (TokenState.EXPIRED if late else TokenState.PAID)


def test_row_11_a_wrong_denom_is_the_tokens_and_does_not_count(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, denom="token")
    stored = only(till.read_all())
    assert stored.match is not None
    assert set(till.view(token).flaws) == {Flaw.WRONG_DENOM}
    assert till.view(token).state is TokenState.OPEN
    assert till.task(token) is None


def test_row_12_13_a_voucher_is_another_denom_whichever_channel_it_came_over(till: Till) -> None:
    token = till.sold()
    denom = till.pay_over_ibc(token.memo)
    stored = only(till.read_all())
    assert stored.arrival.coin.denom == denom
    assert set(till.view(token).flaws) == {Flaw.WRONG_DENOM}


def test_row_14_the_right_memo_to_somebody_else_is_not_ours(till: Till) -> None:
    token = till.sold()
    till.act("alice", send(ALPHA, "alice", (100, "stake"), to="bob"), memo=token.memo)
    assert till.read_all() == []
    assert till.view(token).state is TokenState.OPEN


def test_row_15_16_a_payment_on_another_chain_is_seen_only_where_we_watch(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, denom="ubeta", chain=BETA)
    assert till.read_all() == []
    assert till.view(token).state is TokenState.OPEN


def test_row_17_coins_without_a_memo_are_nobodys(till: Till) -> None:
    till.sold()
    till.pay("")
    assert is_orphan(till, only(till.read_all()), Why.NO_MEMO)
    assert till.total(Account.ORPHANED) == 100


@pytest.mark.parametrize("dress", [str.upper, lambda memo: f' "{memo}"\n', lambda memo: f"memo: {memo} "])
def test_row_18_a_memo_that_a_wallet_dressed_up_pays_its_token(till: Till, dress: object) -> None:
    token = till.sold()
    till.pay(dress(token.memo))  # type: ignore[operator]
    till.read_all()
    assert till.view(token).state is TokenState.PAID


def test_row_19_20_46_47_a_typo_a_cut_memo_and_a_forgery_pay_nobody(till: Till) -> None:
    token = till.sold()
    other = "3" if token.memo[12] == "2" else "2"
    for memo, reason in (
        (token.memo[:12] + other + token.memo[13:], Why.UNKNOWN_MEMO),
        (token.memo[:-3], Why.NAMES_NONE),
        (token.memo[:20] + "0" * 14, Why.UNKNOWN_MEMO),
    ):
        till.pay(memo)
        assert is_orphan(till, only(till.read_all()), reason)
    assert till.view(token).state is TokenState.OPEN


def test_row_21_22_two_tokens_or_a_token_in_json_pay_nobody(till: Till) -> None:
    one, other = till.sold(), till.sold()
    till.pay(f"{one.memo} {other.memo}", 200)
    assert is_orphan(till, only(till.read_all()), Why.SEVERAL_NAMED)
    till.pay('{"memo":"' + one.memo + '"}')
    assert is_orphan(till, only(till.read_all()), Why.NAMES_NONE)


# Ways in which coins arrive


def test_row_23_several_sends_in_one_transaction_are_payments_of_one_token(till: Till) -> None:
    token = till.sold()
    mine = [send(ALPHA, "alice", (amount, "stake")) for amount in (60, 30)]
    other = send(ALPHA, "alice", (500, "stake"), to="bob")
    tx_hash = till.act(
        "alice", mine[0], other, mine[1], send(ALPHA, "alice", (10, "stake"), (7, "token")), memo=token.memo
    )
    found = till.read_all()
    assert [(one.arrival.ordinal, str(one.arrival.coin)) for one in found] == [
        (0, "60stake"),
        (1, "30stake"),
        (2, "10stake"),
        (2, "7token"),
    ]
    assert {one.arrival.tx_hash for one in found} == {tx_hash}
    assert till.view(token).state is TokenState.PAID
    assert set(till.view(token).flaws) == {Flaw.WRONG_DENOM}


def test_row_24_a_multi_send_pays_with_its_output_to_us(till: Till) -> None:
    token = till.sold()
    till.act("alice", multi_send(ALPHA, "alice", ("bob", 40), ("payee", 60), ("payee", 40)), memo=token.memo)
    found = till.read_all()
    assert [(one.arrival.kind, one.arrival.coin.amount) for one in found] == [
        (ArrivalKind.MULTI_SEND, 60),
        (ArrivalKind.MULTI_SEND, 40),
    ]
    assert {facts(one).may_refund_to for one in found} == {address("alice", ALPHA)}
    assert till.view(token).state is TokenState.PAID


def test_row_25_a_send_in_somebodys_name_is_the_granters(till: Till) -> None:
    token = till.sold()
    till.act("alice", grant(ALPHA, "alice", "bob"))
    till.act("bob", execute(ALPHA, "bob", [send(ALPHA, "alice", (100, "stake"))]), memo=token.memo)
    stored = only(till.read_all())
    assert (stored.arrival.kind, facts(stored).may_refund_to) == (ArrivalKind.EXEC, address("alice", ALPHA))
    assert till.view(token).state is TokenState.PAID


def test_row_26_over_ibc_only_the_packets_memo_counts(till: Till) -> None:
    token, relayers = till.sold(), till.sold()
    till.pay_over_ibc(token.memo, outer=relayers.memo)
    stored = only(till.read_all())
    assert stored.match is not None
    assert (stored.match.order_id, facts(stored).may_refund_to) == (token.ref.order_id.hex(), None)
    assert facts(stored).kind is ArrivalKind.IBC
    till.pay_over_ibc("", outer=relayers.memo)
    assert is_orphan(till, only(till.read_all()), Why.MEMO_OUTSIDE_PACKET)
    assert till.view(relayers).arrivals == ()


class WithContracts(FakeChain):
    """A chain whose coins are sent by a contract: the rehearsal chains have none."""

    async def arrivals(self, address: str, first: int, last: int) -> list[ChainArrival]:  # noqa: D102
        found = await super().arrivals(address, first, last)
        return [replace(one, kind=ArrivalKind.CONTRACT, sender="alpha1contract", signed=False) for one in found]


def test_row_27_28_a_sender_that_cannot_sign_pays_and_waits_for_a_claim(till: Till) -> None:
    token = till.sold()
    till.rig.chains[ALPHA] = WithContracts(till.rig.world, ALPHA)
    till.pay(token.memo, 150)
    stored = only(till.read_all())
    assert facts(stored).may_refund_to is None
    assert till.view(token).state is TokenState.PAID
    assert [due.to for due in till.view(token).owed] == [None]


def test_row_30_36_anybody_may_pay_and_is_the_one_who_gets_it_back(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 150, who="bob")
    till.read_all()
    assert [due.to for due in till.view(token).owed] == [address("bob", ALPHA)]


def test_row_31_a_failed_transaction_pays_nothing(till: Till) -> None:
    token = till.sold()
    result = till.try_to("alice", send(ALPHA, "alice", (10**30, "stake")), memo=token.memo)
    assert result.code != 0
    assert till.read_all() == []
    assert till.view(token).state is TokenState.OPEN


def test_row_32_37_what_no_block_stands_on_is_not_counted_yet(till: Till) -> None:
    token = till.sold()
    till.post("alice", send(ALPHA, "alice", (100, "stake")), memo=token.memo)
    assert till.read().payments == ()
    till.rig.world.tick(ALPHA)
    assert till.read().payments == ()
    till.rig.world.tick(ALPHA)
    assert len(till.read().payments) == 1


def test_row_33_dust_and_strange_coins_are_booked_and_pay_nothing(till: Till) -> None:
    till.rig.world.fund(ALPHA, address("mallory", ALPHA), "factory/spam/x", 10)
    till.pay("", 1)
    till.pay("buy now", 1, denom="factory/spam/x", who="mallory")
    assert len(till.read_all()) == 2
    assert till.total(Account.ORPHANED, "factory/spam/x") == 1


def test_row_35_amounts_beyond_64_bits_are_exact(till: Till) -> None:
    huge = 10**30 + 7
    till.rig.world.fund(ALPHA, address("alice", ALPHA), "stake", 10**31)
    token = till.sold(price=huge)
    till.pay(token.memo, huge - 1)
    till.read_all()
    assert till.settlement(token).missing.amount == 1
    till.pay(token.memo, 1)
    till.read_all()
    assert till.view(token).state is TokenState.PAID
    assert till.total(Account.RECEIVED) == huge


def test_row_40_a_payment_found_late_is_judged_by_its_block(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.wait(TTL + 3 * 3600)
    assert till.view(token).state is TokenState.OPEN
    till.read_all()
    assert till.view(token).state is TokenState.PAID
    assert till.view(token).flaws == ()


def test_row_40_no_token_expires_before_the_reading_has_passed_its_expiry(till: Till) -> None:
    token = till.sold()
    till.wait(2 * TTL)
    assert till.view(token).state is TokenState.OPEN
    till.read_all()
    assert till.view(token).state is TokenState.EXPIRED
    events = [
        event.detail["state"]
        for event in history.page(till.rig.journal.database, 10, 0, Search(order_id=token.ref.order_id.hex()))
        if event.what == "token_state"
    ]
    assert events == ["expired"]


def test_row_48_a_token_that_was_used_takes_no_second_payment(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.read_all()
    till.wait(10)
    till.pay(token.memo)
    till.read_all()
    assert Flaw.SECOND_PAYMENT in till.view(token).flaws


def test_row_49_50_tokens_of_rotated_and_revoked_keys_are_still_known(till: Till) -> None:
    token = till.sold()
    assert till.rig.shop is not None
    till.rig.shop.keys.rotate(till.rig.clock.now())
    till.pay(token.memo, 60)
    till.read_all()
    till.rig.shop.keys.revoke(token.ref.kid, till.rig.clock.now())
    till.pay(token.memo, 40)
    till.read_all()
    view = till.view(token)
    assert view.state is TokenState.REVOKED
    assert [(due.cause, due.gross, due.fee) for due in view.owed] == [(Cause.REVOKED, 60, 0), (Cause.REVOKED, 40, 0)]


def test_row_78_our_own_coins_moved_about_pay_nothing(till: Till) -> None:
    token = till.sold()
    till.rig.world.fund(ALPHA, address("clearing", ALPHA), "stake")
    till.pay(token.memo, 1_000_000, who="clearing")
    stored = only(till.read_all())
    assert (stored.match, why(till, stored)) == (None, (Standing.OWN, Why.FROM_OURSELVES))
    assert [one.id for one in till.orphans(Orphan.OWN)] == [stored.id]
    till.pay(token.memo, 50, who="payee")
    assert till.read_all() == []
    assert till.view(token).state is TokenState.OPEN


def test_row_78_a_refund_of_ours_that_bounces_is_no_payment(till: Till) -> None:
    till.pay("rc1r:0123456789abcdefghjkmnpq late", 10)
    assert is_orphan(till, only(till.read_all()), Why.REFUND_CAME_BACK)


def test_a_token_lost_with_the_database_is_known_for_ours(till: Till) -> None:
    lost = till.sold(keep=False)
    till.pay(lost.memo)
    stored = only(till.read_all())
    assert why(till, stored) == (Standing.OURS_LOST, Why.LOST)
    assert [one.id for one in till.orphans(Orphan.OURS_LOST)] == [stored.id]


class Flooded(FakeChain):
    """A chain on which a stranger sends the payee 10,000 coins, each with a memo of its own."""

    def flood(self, address: str) -> list[ChainArrival]:  # noqa: D102
        pattern = self._arrivals(address, 1, self.height)[-1]
        height, at = self.height - 1, self._time(self.height - 1)
        return [
            replace(pattern, tx_hash=f"{number:064X}", memo=f"rc1{number:031d}", coin=ONE, height=height, at=at)
            for number in range(10_000)
        ]

    async def arrivals(self, address: str, first: int, last: int) -> list[ChainArrival]:  # noqa: D102
        return [*await super().arrivals(address, first, last), *self.flood(address)]

    async def movements(self, address: str, first: int, last: int) -> list[Movement]:  # noqa: D102
        found = await super().movements(address, first, last)
        return found + [Movement(ALPHA, one.tx_hash, one.height, ONE, incoming=True) for one in self.flood(address)]


def test_row_34_a_flood_of_memos_is_counted_and_hides_no_payment(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    flooded = Flooded(till.rig.world, ALPHA)
    till.rig.chains[ALPHA] = flooded
    till.rig.world.fund(ALPHA, till.payee, "stake", 10_000)
    till.read_all()
    assert till.view(token).state is TokenState.PAID
    assert payments.count_orphans(till.rig.journal.database) == 10_000
    assert till.total(Account.ORPHANED) == 10_000
    told = [event.what for event in history.page(till.rig.journal.database, 100)]
    assert sorted(told) == ["orphans", "payment", "reading_began", "token_state"]


def test_two_who_begin_at_once_at_one_height_begin_twice(rig: Rig, tmp_path: Path) -> None:
    rig.sell(tmp_path / "shop")
    node, payee = rig.desk.chain(ALPHA), address("payee", ALPHA)

    async def both() -> None:
        height = (await node.head()).height
        await asyncio.gather(*(begin(rig.desk, node, ALPHA, payee, height) for _ in range(2)))

    asyncio.run(both())
    told = [event.what for event in history.page(rig.journal.database, 100)]
    assert told.count("reading_began") == 1


def test_what_leaves_the_payee_is_booked_too(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 1_000_000)
    till.act("payee", send(ALPHA, "payee", (400, "stake"), to="bob"))
    till.try_to("payee", send(ALPHA, "payee", (10**30, "stake"), to="bob"))
    till.read_all()
    assert till.total(Account.WITHDRAWALS) == 400
    assert till.total(Account.FEES_TAKEN) > 0
    assert till.total(Account.RECEIVED) == 1_000_000


def test_a_revoked_token_owes_its_payment_back(till: Till) -> None:
    token = till.sold()
    with till.rig.journal.database.atomic() as tx:
        tokens.revoke(tx, token.ref.order_id.hex(), "ada", "mistake", till.rig.clock.now())
    till.pay(token.memo)
    till.read_all()
    assert till.view(token).state is TokenState.REVOKED
    assert [due.cause for due in till.view(token).owed] == [Cause.REVOKED]


def test_what_goes_back_whatever_happens_is_booked_as_owed_in_the_commit_that_reads_it(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.read_all()
    assert till.owed_by_books() == {}
    till.pay(token.memo, 7, "token", who="bob")
    till.pay(token.memo, 60, who="bob")
    till.read_all()
    assert till.owed_by_books() == {"stake": 60, "token": 7}
    assert till.total(Account.HELD) == 100


def test_what_was_paid_in_part_is_booked_as_owed_when_the_reading_has_passed_the_expiry(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 60)
    till.read_all()
    assert (till.total(Account.HELD), till.owed_by_books()) == (60, {})
    till.wait(TTL)
    till.read_all()
    assert till.view(token).state is TokenState.EXPIRED
    assert (till.total(Account.HELD), till.owed_by_books()) == (0, {"stake": 60})
    # Read again, nothing is booked twice.
    till.read_all()
    assert till.owed_by_books() == {"stake": 60}


def test_a_late_payment_is_booked_as_owed_until_the_work_honours_it(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 60)
    till.wait(TTL)
    till.pay(token.memo, 40)
    till.read_all()
    assert (till.total(Account.HELD), till.owed_by_books()) == (0, {"stake": 100})


def test_a_payment_found_earlier_takes_back_what_was_booked_as_owed_of_another(till: Till) -> None:
    token = till.sold()
    till.pay("who pays this?", 60, who="bob")
    till.pay(token.memo, 60)
    till.pay(token.memo, 80, who="mallory")
    till.read_all()
    assert till.owed_by_books() == {"stake": 40}
    orphan = only(till.orphans())
    assign(till.desk, orphan.arrival.tx_hash, token.memo, "the payer wrote", "anna")
    till.check()
    assert till.owed_by_books() == {"stake": 100}


def test_row_45_our_own_clock_judges_no_payment(till: Till) -> None:
    in_time, late = till.sold(), till.sold(ttl=60)
    till.rig.clock.step(-86_400)
    till.pay(in_time.memo)
    till.wait(90)
    till.pay(late.memo)
    till.read_all()
    assert till.view(in_time).state is TokenState.PAID
    assert till.view(late).state is TokenState.EXPIRED
    assert set(till.view(late).flaws) == {Flaw.LATE}


def test_a_payment_made_before_anybody_ever_watched_is_counted(rig: Rig, tmp_path: Path) -> None:
    rig.sell(tmp_path / "shop")
    rig.stuck()
    wanted = QuoteRequest(ALPHA, "channel-0", "transfer", SequenceRanges.parse("1"), "ada")
    token = asyncio.run(make_quote(rig.desk, wanted)).token
    price = token.price.amount
    rig.world.fund(ALPHA, address("alice", ALPHA), "stake")
    message = send(ALPHA, "alice", (price, "stake"))
    rig.world.act(ALPHA, address("alice", ALPHA), message, terms=Terms(0, gas=300_000, memo=token.memo))
    rig.clock.step(20)
    assert len(asyncio.run(read_payments(rig.desk, ALPHA)).payments) == 1
    assert view_token(rig.desk, token.memo).state is TokenState.PAID
