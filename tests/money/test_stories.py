"""Whole stories: payments, back-fills, verdicts, approvals and refunds in any order keep the books balanced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.ledger import Account, Entry, Kind, Place, book, books, check
from relayclear.money.payment import Payment, PaymentId
from relayclear.money.refunds import RefundDue, our_loss, owed_back
from relayclear.money.settlement import Allocation, Settlement, settle
from relayclear.money.state import TokenFacts, TokenState, Work, token_state
from relayclear.money.token import ClearingToken
from tests.money.build import GRACE, TTL, after, pay, token

STAKE, ATOM = Place("alpha-1", "stake"), Place("alpha-1", "uatom")
ENDS = [
    PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US),
    PacketVerdict(Result.OWED_BACK, Reason.OTHERS_FIRST),
    PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED),
]


@dataclass
class Desk:
    """What a desk remembers of one token, and the books it keeps of it."""

    sold: ClearingToken
    payments: list[Payment] = field(default_factory=list)
    taken: dict[PaymentId, int] = field(default_factory=dict)
    frozen: Allocation | None = None
    verdicts: dict[PacketKey, PacketVerdict] = field(default_factory=dict)
    now: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def settlement(self) -> Settlement:
        """The settlement as of now."""
        return settle(self.sold, self.payments, self.taken, after(10**7), frozen=self.frozen)

    @property
    def state(self) -> TokenState:
        """The token's state as of now."""
        done = len(self.verdicts) == len(self.sold.quote.packets)
        work = Work.NONE if self.frozen is None else Work.ENDED if done else Work.BEGUN
        return token_state(TokenFacts(self.settlement, work, self.verdicts), after(self.now))

    def dues(self) -> list[RefundDue]:
        """What is owed back now."""
        return owed_back(self.settlement, self.state, self.verdicts)

    def losses(self) -> int:
        """What went back beyond its target, in the token's denom."""
        found = our_loss(self.settlement, self.state, self.verdicts)
        return sum(loss for name, loss in found.items() if name.denom == "stake")

    def receive(self, payment: Payment) -> None:
        """A payment is found, perhaps an old one."""
        if payment.id not in {known.id for known in self.payments}:
            self.payments.append(payment)
            self.note(payment.id.denom, Kind.PAYMENT, payment.amount)

    def begin(self) -> None:
        """The operation of a paid token starts."""
        if self.state is TokenState.PAID:
            self.frozen = self.settlement.allocation

    def judge(self, key: PacketKey, verdict: PacketVerdict) -> None:
        """A packet ends."""
        if self.frozen is not None and key not in self.verdicts:
            self.verdicts[key] = verdict

    def refund(self, place: int) -> None:
        """One of the refunds that are due is sent."""
        dues = self.dues()
        if dues:
            due = dues[place % len(dues)]
            self.taken[due.payment] = self.taken.get(due.payment, 0) + due.gross
            self.note(due.payment.denom, Kind.REFUND, due.net.amount)
            self.note(due.payment.denom, Kind.FEE_KEPT, due.fee)

    def keep_books(self) -> None:
        """Book what has become earned, owed or lost since the last time."""
        for place in (STAKE, ATOM):
            owed = sum(due.gross for due in self.dues() if due.payment.denom == place.denom)
            earned = sum(self.shares(Result.EARNED)) if place is STAKE and self.frozen else 0
            kept = books([*self.entries, book(place, Kind.OPENING, "", 1)])[place].totals
            self.note(place.denom, Kind.EARNED, earned - kept[Account.EARNED])
            self.note(place.denom, Kind.OWED, owed - kept[Account.OWED])
            self.note(place.denom, Kind.HELD_AGAIN, kept[Account.OWED] - owed)

    def shares(self, result: Result) -> list[int]:
        """The shares of packets that ended so."""
        ends: Mapping[PacketKey, PacketVerdict] = self.verdicts
        return [term.share for term in self.sold.quote.packets if term.key in ends and ends[term.key].result is result]

    def note(self, denom: str, kind: Kind, amount: int) -> None:
        """Book an amount where there is one."""
        if amount > 0:
            self.entries.append(book(Place("alpha-1", denom), kind, "x", amount))


payments = st.builds(
    pay,
    st.integers(1, 120),
    st.sampled_from(["alice", "bob", "carol"]),
    st.sampled_from([5, 10, 20, TTL, TTL + 1, TTL + GRACE + 1]),
    st.sampled_from(["stake", "stake", "uatom"]),
)


def step(desk: Desk, data: st.DataObject) -> None:
    """Let one thing happen."""
    what = data.draw(st.sampled_from(["pay", "pay", "begin", "judge", "refund", "time"]))
    if what == "pay":
        desk.receive(data.draw(payments))
    elif what == "begin":
        desk.begin()
    elif what == "judge":
        term = data.draw(st.sampled_from(desk.sold.quote.packets))
        desk.judge(term.key, data.draw(st.sampled_from(ENDS)))
    elif what == "refund":
        desk.refund(data.draw(st.integers(0, 9)))
    else:
        desk.now = data.draw(st.sampled_from([TTL, TTL + 1]))


@given(st.integers(1, 150), st.integers(1, 5), st.integers(0, 5), st.data())
def test_no_story_unbalances_the_books_or_takes_a_payment_beyond_itself(
    price: int, packets: int, fee: int, data: st.DataObject
) -> None:
    desk = Desk(token(price, packets, fee))
    for _ in range(data.draw(st.integers(1, 25))):
        step(desk, data)
        desk.keep_books()
        amounts = {payment.id: payment.amount for payment in desk.payments}
        assert all(taken <= amounts[name] for name, taken in desk.taken.items())
        # A unit of rounding that went the other way is the only loss; nothing else may be short.
        short = sum(-difference.right for difference in check(desk.entries))
        assert short <= desk.losses()


@given(st.integers(1, 150), st.integers(1, 5), st.lists(payments, max_size=8, unique_by=lambda one: one.id), st.data())
def test_when_everything_has_ended_nothing_is_held_and_every_unit_is_somewhere(
    price: int, packets: int, many: list[Payment], data: st.DataObject
) -> None:
    desk = Desk(token(price, packets))
    for payment in many:
        desk.receive(payment)
    desk.now = TTL + 1
    desk.begin()
    for term in desk.sold.quote.packets:
        desk.judge(term.key, data.draw(st.sampled_from(ENDS)))
        desk.refund(data.draw(st.integers(0, 9)))
    while desk.dues():
        desk.keep_books()
        desk.refund(0)
    desk.keep_books()
    desk.note("stake", Kind.OUR_LOSS, desk.losses())
    desk.note("stake", Kind.HELD_AGAIN, desk.losses())
    kept = books(desk.entries)
    assert all(book.totals[Account.HELD] == book.totals[Account.OWED] == 0 for book in kept.values())
    assert check(desk.entries, {place: book.should_hold for place, book in kept.items()}) == []
