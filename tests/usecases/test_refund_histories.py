"""Any history of payments, fates, decisions and crashes: the books balance, and no payment is given back twice."""
# ruff: noqa: D102 - the names of rules tell what they are

from __future__ import annotations

import tempfile
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relayclear.errors import RelayclearError
from relayclear.ibc.packet import PacketKey
from relayclear.money.token import ClearingToken
from relayclear.store import payments, refunds
from relayclear.store.db import Database
from relayclear.store.journal import Journal
from relayclear.usecases.refund_acts import approve, waive
from relayclear.usecases.tokens_acts import revoke_token
from tests.fakes.rig import opened_rig
from tests.fakes.world import address
from tests.usecases.counter import ALPHA
from tests.usecases.powercut import CutDatabase, CutWallet, Power, PowerCutError, cut
from tests.usecases.refunding import TTL, Giver

WHO = st.sampled_from(["alice", "bob"])


@contextmanager
def refused_for(*codes: str) -> Iterator[None]:
    """What may be refused, and for nothing else."""
    try:
        yield
    except RelayclearError as error:
        if error.code not in codes:
            raise


class Histories(RuleBasedStateMachine):
    """One shop, a few tokens, and whatever happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        rig = self.stack.enter_context(opened_rig(folder))
        self.wallet = CutWallet()
        self.giver = Giver(rig, folder / "shop", wallet=self.wallet)
        self.sold: list[tuple[ClearingToken, PacketKey]] = []

    def teardown(self) -> None:
        """Close the database."""
        self.stack.close()

    @precondition(lambda self: len(self.sold) < 3)
    @rule()
    def sells(self) -> None:
        (key,) = self.giver.rig.stuck()
        self.sold.append((self.giver.quote([key]), key))

    @precondition(lambda self: self.sold)
    @rule(
        which=st.integers(0, 2),
        parts=st.sampled_from([1, 5, 10, 13, 20]),
        who=WHO,
        denom=st.sampled_from(["stake", "stake", "token"]),
    )
    def somebody_pays(self, which: int, parts: int, who: str, denom: str) -> None:
        token, _ = self.sold[which % len(self.sold)]
        self.giver.pay(token, token.price.amount * parts // 10, who, denom)

    @precondition(lambda self: self.sold)
    @rule(which=st.integers(0, 2))
    def a_rival_relays(self, which: int) -> None:
        _, key = self.sold[which % len(self.sold)]
        if key.sequence in self.giver.rig.pending():
            self.giver.rig.world.relay(key)

    @precondition(lambda self: self.sold)
    @rule(which=st.integers(0, 2))
    def a_token_is_revoked(self, which: int) -> None:
        token, _ = self.sold[which % len(self.sold)]
        with refused_for("work_begun"):
            revoke_token(self.giver.desk, token.memo, "why not", "ada")

    @rule()
    def the_daemon_works(self) -> None:
        self.giver.settle()
        self.giver.work()

    @rule(seconds=st.sampled_from([30, 700, TTL + 60]))
    def time_passes(self, seconds: int) -> None:
        self.giver.rig.clock.step(seconds)
        self.giver.settle()

    @rule(at=st.integers(0, 60), drops=st.integers(0, 1), lost=st.booleans())
    def a_sweep_that_may_be_cut_short(self, at: int, drops: int, *, lost: bool) -> None:
        power, rig = Power(at), self.giver.rig
        rig.alpha.drops, rig.alpha.swallows = drops, lost
        self.wallet.power, real = power, rig.journal
        rig.journal = Journal(cast("Database", CutDatabase(real.database, power)))
        try:
            with cut(rig.chains, power):
                self.giver.sweep(patience=5)
        except PowerCutError:
            pass
        finally:
            rig.journal, self.wallet.power = real, Power()
            rig.alpha.drops, rig.alpha.swallows = 0, False

    @rule(yes=st.booleans())
    def a_person_decides_about_the_first(self, *, yes: bool) -> None:
        for one in self.giver.owed()[:1]:
            with refused_for("below_cost", "needs_claim"):
                approve(self.giver.desk, one.id, "ada") if yes else waive(self.giver.desk, one.id, "given up", "ada")

    @invariant()
    def the_books_balance(self) -> None:
        self.giver.check_books()

    @invariant()
    def nothing_goes_back_twice_or_beyond_its_payment(self) -> None:
        database = self.giver.rig.journal.database
        memos = Tally(memo for _, _, memo in self.giver.sent() if memo.startswith("rc1r:"))
        assert all(count == 1 for count in memos.values()), memos
        for stored in payments.page(database, 1000):
            taken = refunds.taken_back(database, stored.id)
            assert 0 <= taken <= stored.arrival.coin.amount
            alive = [
                one for one in refunds.of_payment(database, stored.id) if one.state not in {"returned", "withdrawn"}
            ]
            assert taken == sum(one.gross for one in alive)

    @invariant()
    def what_left_the_wallet_went_to_those_who_paid(self) -> None:
        payers = {address(name, ALPHA) for name in ("alice", "bob")}
        assert {to for to, _, memo in self.giver.sent() if memo} <= payers


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
