"""The worked example of the books, played by payers, a chain, a relayer, an operator: both equations at each step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.relayer import GasTerms
from relayclear.ibc.spending import BankSend, Draft, IbcSend
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import write_document
from relayclear.money.fees import FeeSchedule, promise, quote
from relayclear.money.ledger import Account
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import refund_memo
from relayclear.money.token import ClearingToken, SaleRules, issue
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.store import refunds, stops, tokens, unexplained
from relayclear.store.assignments import Word
from relayclear.store.refunds import SaidOf
from relayclear.usecases.audit import audit
from relayclear.usecases.books import assign as assign_as
from relayclear.usecases.books_values import AssignRequest
from relayclear.usecases.payments_acts import assign
from relayclear.usecases.refund_acts import refund_of, waive
from relayclear.usecases.refund_resolve import go_on
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.tokens_acts import revoke_token
from tests.chains.rehearsed import send
from tests.fakes.chain import FakeChain
from tests.fakes.relayer import does_nothing_and_says_success, does_the_first_only
from tests.fakes.rig import Rig
from tests.fakes.wallet import FakeWallet
from tests.fakes.world import address, time_of
from tests.money.build import prices
from tests.usecases.counter import ALPHA, Counter
from tests.usecases.refunding import Giver

LINES = (
    Account.RECEIVED,
    Account.HELD,
    Account.EARNED,
    Account.OWED,
    Account.REFUNDED,
    Account.FEE_KEPT,
    Account.ORPHANED,
    Account.IN_TRANSIT,
    Account.WRITTEN_OFF,
    Account.BALANCE,
)
CHEAP = Decimal("0.000001")


@dataclass
class Small(Giver):
    """A shop whose wallet holds 1000 and pays a fee of 1 for whatever it sends."""

    made: int = 0
    wallet: FakeWallet = field(default_factory=FakeWallet)

    def __post_init__(self) -> None:
        """Open with a wallet of 1000."""
        chain = self.rig.world.chains[ALPHA]
        chain.spec = replace(chain.spec, min_gas_price=CHEAP)
        usual = self.rig.relayer.gas

        def gas(chain_id: str) -> GasTerms:
            return replace(usual(chain_id), price=CHEAP) if chain_id == ALPHA else usual(chain_id)

        self.rig.relayer.gas = gas  # type: ignore[method-assign,assignment]
        self.rig.world.set_account(ALPHA, self.payee, amount=1000, sequence=3)
        self.wallet.hold(ALPHA, "payee")
        self.witnesses = {name: FakeChain(self.rig.world, name) for name in self.rig.chains}
        Counter.__post_init__(self)
        assert self.rig.shop is not None
        dust = FeeSchedule("stake", 100, 0, 2, 2)
        self.rig.shop = replace(self.rig.shop, prices={ALPHA: replace(prices(100), schedules=(dust,))})

    def sold(self, keys: list[PacketKey]) -> ClearingToken:
        """A token of 100 for these packets, a refund fee of 2."""
        assert self.rig.shop is not None
        key = self.rig.shop.keys.current() or self.rig.shop.keys.create(self.rig.clock.now())
        self.made += 1
        terms = quote(prices(100), "stake", [promise(one, PacketClass.STUCK) for one in keys], [], None)
        at = time_of(self.rig.alpha.state.time_ns)
        rules = SaleRules("till", 3600, 86_400, 1200)
        token = issue(terms, self.payee, key.memo_key, self.made.to_bytes(8), at, rules)
        with self.rig.journal.database.atomic() as tx:
            document = write_document(token, key.signing_key)
            tokens.add(tx, token, document, address("sender", ALPHA), self.rig.clock.now())
        return token

    def pays(self, who: str, amount: int, memo: str = "") -> str:
        """A plain payment, read; its hash."""
        message = send(ALPHA, who, (amount, "stake"))
        result = self.rig.world.act(ALPHA, address(who, ALPHA), message, terms=Terms(0, gas=300_000, memo=memo))
        assert result.code == 0, result.log
        tx_hash = hash_of(self.rig.world.chains[ALPHA].blocks[-1].txs[-1])
        self.settle()
        return tx_hash

    def withdraws(self, amount: int) -> str:
        """The operator's own hand takes coins out, for a fee of 1."""
        account = asyncio.run(self.rig.alpha.account(self.payee))
        assert account is not None
        sending, fee = BankSend(address("bob", ALPHA), Coin("stake", amount)), Coin("stake", 1)
        place = (ALPHA, self.payee, account.number, account.sequence)
        signed = self.wallet.sign(Draft(*place, sending, fee, 200_000, "", self.rig.alpha.height + 100))
        assert asyncio.run(self.rig.alpha.broadcast(signed.raw)).code == 0
        self.settle()
        return signed.hash

    def stands(self, *expected: int) -> None:
        """The lines of both equations, and the chain's word on the balance."""
        self.check_books()
        assert tuple(self.total(account) for account in LINES) == expected

    def over_ibc(self) -> str:
        """The one refund that is owed is decided to go over IBC; its id."""
        [owed] = self.owed()
        now = self.rig.clock.now()
        with self.rig.journal.database.atomic() as tx:
            plain = refund_of(tx, owed, by_itself=False, at=now)
            refund = replace(plain, over=self.rig.source, to=address("receiver", "beta-1"))
            refunds.add(tx, refund, SaidOf(Said.APPROVED, "ada", "claimed", now))
            restate(tx, refund.order_id, now)
        return refund.id


@pytest.fixture
def shop(rig: Rig, tmp_path: Path) -> Small:
    return Small(rig, tmp_path / "shop")


def test_the_worked_example_does_not_add_up_when_it_is_played(shop: Small) -> None:  # noqa: PLR0915 - one story
    rig = shop.rig
    keys = rig.stuck(count=2)
    token, other = shop.sold(keys), shop.sold(rig.stuck())
    shop.stands(0, 0, 0, 0, 0, 0, 0, 0, 0, 1000)
    shop.pays("alice", 60, token.memo)
    shop.stands(60, 60, 0, 0, 0, 0, 0, 0, 0, 1060)
    shop.pays("bob", 80, token.memo)
    shop.stands(140, 100, 0, 40, 0, 0, 0, 0, 0, 1140)

    # Less gas than it needs: it stands in a block, takes its fee and pays nothing.
    enough = shop.refund_rules
    shop.refund_rules = replace(enough, gas_margin=Decimal("0.9"))
    shop.sweep(limit=1, patience=12.0)
    shop.stands(140, 100, 0, 40, 0, 0, 0, 0, 0, 1139)
    assert [use.code != 0 for use in shop.uses()] == [True]
    shop.refund_rules = enough
    shop.sweep()
    shop.stands(140, 100, 0, 0, 38, 2, 0, 0, 0, 1100)

    rig.relayer.scenarios = [does_the_first_only, does_nothing_and_says_success]
    shop.work()
    shop.stands(140, 50, 50, 0, 38, 2, 0, 0, 0, 1100)
    rig.world.relay(keys[1])
    shop.work_until(600)
    shop.sweep()
    shop.stands(140, 0, 50, 0, 88, 2, 0, 0, 0, 1048)
    assert sorted(shop.paid_to("bob")) == [20, 38]
    assert shop.paid_to("alice") == [30]

    orphan = shop.pays("alice", 30)
    revoke_token(shop.desk, other.memo, "sold by mistake", "ada")
    assign(shop.desk, orphan, other.memo, "she wrote to us", "ada")
    shop.stands(170, 0, 50, 30, 88, 2, 0, 0, 0, 1078)
    name = shop.over_ibc()
    shop.sweep()
    shop.settle()
    shop.stands(170, 0, 50, 0, 88, 2, 0, 30, 0, 1047)
    [key] = shop.uses()[-1].packets
    rig.world.relay(key)
    shop.settle()
    shop.sweep()
    found = refunds.get(rig.journal.database, name)
    assert found is not None
    assert found.state is RefundState.CONFIRMED
    shop.stands(170, 0, 50, 0, 118, 2, 0, 0, 0, 1047)

    top_up = shop.pays("bob", 500)
    asyncio.run(assign_as(shop.desk, AssignRequest(top_up, Word.DEPOSIT, "gas"), "ada"))
    shop.stands(170, 0, 50, 0, 118, 2, 0, 0, 0, 1547)
    withdrawn = shop.withdraws(200)
    shop.sweep()
    assert unexplained.of_wallet(rig.journal.database, ALPHA, shop.payee)
    asyncio.run(assign_as(shop.desk, AssignRequest(withdrawn, Word.WITHDRAWAL, "mine"), "ada"))
    shop.stands(170, 0, 50, 0, 118, 2, 0, 0, 0, 1346)

    shop.pays("alice", 1, token.memo)
    [dust] = shop.owed()
    waive(shop.desk, dust.id, "not worth its fee", "ada")
    shop.stands(171, 0, 50, 0, 118, 2, 0, 0, 1, 1347)

    [audited] = asyncio.run(audit(shop.desk))
    assert (audited.findings, audited.error, audited.agrees) == ((), None, True)
    assert stops.standing(rig.journal.database, ALPHA) is not None
    assert go_on(shop.desk, ALPHA, "ada", "it was me")
    assert stops.standing(rig.journal.database, ALPHA) is None


def test_coins_of_a_refund_that_came_home_are_income_and_the_audit_finds_no_entry(shop: Small) -> None:
    other = shop.sold(shop.rig.stuck())
    shop.pays("alice", 30, other.memo)
    revoke_token(shop.desk, other.memo, "sold by mistake", "ada")
    shop.settle()
    name = shop.over_ibc()
    shop.sweep()
    shop.settle()
    shop.stands(30, 0, 0, 0, 0, 0, 0, 30, 0, 999)
    [key] = shop.uses()[-1].packets
    shop.rig.clock.step(2 * 86_400)
    shop.sweep()
    shop.stands(30, 0, 0, 0, 0, 0, 0, 30, 0, 999)
    shop.rig.world.relay(key)
    shop.settle()
    shop.stands(30, 0, 0, 30, 0, 0, 0, 0, 0, 1029)
    found = refunds.get(shop.rig.journal.database, name)
    assert found is not None
    assert found.state is RefundState.RETURNED
    [audited] = asyncio.run(audit(shop.desk))
    assert (audited.findings, audited.error) == ((), None)
    [again] = shop.owed()
    assert (again.due.gross, again.number) == (30, 2)


def test_a_refund_over_ibc_that_a_copy_sent_counts_twice(shop: Small) -> None:
    other = shop.sold(shop.rig.stuck())
    shop.pays("alice", 30, other.memo)
    revoke_token(shop.desk, other.memo, "sold by mistake", "ada")
    shop.settle()
    [owed] = shop.owed()
    account = asyncio.run(shop.rig.alpha.account(shop.payee))
    assert account is not None
    until = shop.rig.clock.now() + timedelta(days=1)
    sending = IbcSend(shop.rig.source, address("receiver", "beta-1"), Coin("stake", 30), until)
    memo = refund_memo(owed.id, owed.due.cause)
    place = (ALPHA, shop.payee, account.number, account.sequence)
    signed = shop.wallet.sign(Draft(*place, sending, Coin("stake", 1), 400_000, memo, shop.rig.alpha.height + 100))
    assert asyncio.run(shop.rig.alpha.broadcast(signed.raw)).code == 0
    shop.settle()
    assert shop.total(Account.WITHDRAWALS) == 30
    shop.sweep()
    shop.stands(30, 0, 0, 0, 0, 0, 0, 30, 0, 999)
    assert shop.total(Account.WITHDRAWALS) == 0
    [key] = shop.uses()[-1].packets
    shop.rig.world.relay(key)
    shop.settle()
    shop.sweep()
    shop.stands(30, 0, 0, 0, 30, 0, 0, 0, 0, 999)
    [audited] = asyncio.run(audit(shop.desk))
    assert (audited.findings, audited.error) == ((), None)


def test_a_refund_that_failed_three_times_is_forgotten(shop: Small) -> None:
    token = shop.sold(shop.rig.stuck())
    shop.pays("alice", 30, token.memo)
    shop.expire(token)
    shop.refund_rules = replace(shop.refund_rules, gas_margin=Decimal("0.9"))
    shop.sweep()
    shop.stands(30, 0, 0, 30, 0, 0, 0, 0, 0, 1027)
    assert [one.state for one in shop.refunds()] == [RefundState.WITHDRAWN]
    [again] = shop.owed()
    assert (again.due.gross, again.number, again.failed_before) == (30, 2, True)
