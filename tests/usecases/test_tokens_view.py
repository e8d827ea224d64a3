"""A token as it stands: each state from its facts, and where the coins of each kind of payment may go back to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.fate import Doer
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.payment import Payment
from relayclear.money.settlement import Allocation, Flaw
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.store import cursors, payments, sales, tokens
from relayclear.store.db import Transaction
from relayclear.store.payments import How, Match, StoredPayment
from relayclear.store.sales import StoredVerdict
from relayclear.usecases.tokens_acts import revoke_token
from relayclear.usecases.tokens_view import TokenView, payment_of, read_view, view_token, view_tokens
from tests.fakes.rig import Rig
from tests.money.build import EXPIRY, PAYEE
from tests.store.sold import after, arrive, keep, make, packet, sell


@pytest.fixture
def tx(rig: Rig) -> Iterator[Transaction]:
    with rig.journal.database.atomic() as opened:
        cursors.begin(opened, "alpha-1", PAYEE, 1000, after(0), {}, after(0))
        yield opened


def pay(tx: Transaction, token: ClearingToken, number: int = 1, amount: int = 100, at: float = 60, **told: Any) -> None:
    (new,), _ = payments.add(tx, PAYEE, [arrive(number, amount, at, **told)], after(at))
    payments.match(tx, new.id, token.ref.order_id.hex(), How.MEMO, "watch", "", after(at))


def read_to(tx: Transaction, at: float) -> None:
    """The reading has come so far."""
    cursors.move(tx, "alpha-1", PAYEE, 1000 + int(at), after(at), after(at))


def view(tx: Transaction, token: ClearingToken, **more: Any) -> TokenView:
    stored = tokens.get(tx, token.ref.order_id.hex())
    assert stored is not None
    return read_view(tx, stored, frozenset(), **more)


def token_in(tx: Transaction, **wanted: Any) -> ClearingToken:
    made = make(**wanted)
    keep(tx, made)
    return made


def test_a_token_waits_until_its_price_is_covered(tx: Transaction) -> None:
    token = token_in(tx)
    assert view(tx, token).state is TokenState.OPEN
    pay(tx, token, 1, 60)
    assert (view(tx, token).state, view(tx, token).flaws) == (TokenState.PARTLY_PAID, (Flaw.UNDERPAID,))
    pay(tx, token, 2, 40, 61)
    assert (view(tx, token).state, view(tx, token).owed) == (TokenState.PAID, ())


def test_a_token_expires_only_when_its_chain_was_read_past_it(tx: Transaction) -> None:
    token = token_in(tx)
    lifetime = (EXPIRY - after(0)).total_seconds()
    read_to(tx, lifetime)
    assert view(tx, token).state is TokenState.OPEN
    read_to(tx, lifetime + 1)
    assert view(tx, token).state is TokenState.EXPIRED


def test_a_late_payment_counts_where_the_caller_has_read_that_it_may(tx: Transaction) -> None:
    token = token_in(tx)
    late = (EXPIRY - after(0)).total_seconds() + 10
    pay(tx, token, at=late)
    read_to(tx, late + 1)
    refused = view(tx, token)
    assert (refused.state, refused.flaws, [due.gross for due in refused.owed]) == (
        TokenState.EXPIRED,
        (Flaw.LATE,),
        [100],
    )
    assert view(tx, token, honours_late=True).state is TokenState.PAID


def test_work_freezes_what_counts(tx: Transaction) -> None:
    token = token_in(tx)
    pay(tx, token, 2, 100, 60)
    sell(tx, token.ref.order_id.hex())
    assert view(tx, token).state is TokenState.PAID
    first = view(tx, token)
    allocation = first.settlement.allocation
    assert first.settlement.deadline is not None
    sales.start(tx, token.ref.order_id.hex(), allocation, first.settlement.deadline, after(70))
    # Found by back-fill, earlier than the one that was taken.
    pay(tx, token, 3, 100, 30)
    found = view(tx, token)
    assert (found.state, found.settlement.allocation) == (TokenState.CLEARING, allocation)
    assert [due.gross for due in found.owed] == [100]
    assert found.flaws == (Flaw.SECOND_PAYMENT,)


def ended(tx: Transaction, *results: Result) -> ClearingToken:
    """A token whose work ended so, packet by packet."""
    token = token_in(tx, sequences=range(2, 2 + len(results)))
    order_id = token.ref.order_id.hex()
    pay(tx, token)
    sell(tx, order_id)
    paid = view(tx, token).settlement
    assert paid.deadline is not None
    assert isinstance(paid.allocation, Allocation)
    sales.start(tx, order_id, paid.allocation, paid.deadline, after(70))
    reasons = {Result.EARNED: Reason.CLEARED_BY_US, Result.OWED_BACK: Reason.OTHERS_FIRST}
    for sequence, result in enumerate(results, start=2):
        verdict = PacketVerdict(result, reasons[result])
        said = StoredVerdict(packet(sequence), verdict, Doer.US, None, after(75), "rules", after(80))
        sales.add_verdict(tx, order_id, said)
    sales.end(tx, order_id, "judged", after(81))
    return token


@pytest.mark.parametrize(
    ("results", "state", "owed"),
    [
        ((Result.EARNED, Result.EARNED), TokenState.CLEARED, []),
        ((Result.EARNED, Result.OWED_BACK), TokenState.PARTLY_CLEARED, [50]),
        ((Result.OWED_BACK, Result.OWED_BACK), TokenState.NOT_CLEARED, [100]),
    ],
)
def test_the_end_follows_the_packets_earned(
    tx: Transaction, results: tuple[Result, ...], state: TokenState, owed: list[int]
) -> None:
    found = view(tx, ended(tx, *results))
    assert (found.state, [due.gross for due in found.owed]) == (state, owed)
    assert found.operation is not None


def test_words_that_are_not_final_are_the_callers_to_give(tx: Transaction) -> None:
    token = token_in(tx)
    held = PacketVerdict(Result.HELD, Reason.PENDING)
    assert view(tx, token, provisional={packet(2): held}).verdicts == {packet(2): held}


def test_a_revoked_key_voids_its_tokens(tx: Transaction) -> None:
    token = token_in(tx)
    pay(tx, token)
    stored = tokens.get(tx, token.ref.order_id.hex())
    assert stored is not None
    found = read_view(tx, stored, frozenset({token.ref.kid}))
    assert (found.state, [due.fee for due in found.owed]) == (TokenState.REVOKED, [0])


def test_a_token_is_found_in_any_spelling_and_never_as_another(rig: Rig) -> None:
    with rig.journal.database.atomic() as tx:
        token = token_in(tx)
    memo = token.memo
    for spelt in (memo.upper(), f' "{memo}" ', memo.replace("0", "o"), memo[:9], token.ref.order_id.hex()):
        assert view_token(rig.desk, spelt).token == token
    typo = memo[:-2] + ("q" if memo[-2] != "q" else "p") + memo[-1]
    for wrong in (typo, memo + "0", "rc1zzz", "", "\x1b[2J"):
        with pytest.raises(UsageError, match="no token"):
            view_token(rig.desk, wrong)


def test_lists_are_newest_first_and_by_state(rig: Rig) -> None:
    with rig.journal.database.atomic() as tx:
        keep(tx, make(1, (1,)), at=0)
        keep(tx, make(2, (2,), price=0), at=1)
    assert [one.token.quote.packets[0].key.sequence for one in view_tokens(rig.desk, 10)] == [2, 1]
    assert [one.state for one in view_tokens(rig.desk, 10, states=["paid"])] == [TokenState.PAID]
    assert view_tokens(rig.desk, 10, wallet="cosmos1nobody") == []


# Taking back


def test_work_that_has_begun_is_not_taken_back(rig: Rig) -> None:
    with rig.journal.database.atomic() as tx:
        cursors.begin(tx, "alpha-1", PAYEE, 1000, after(0), {}, after(0))
        token = ended(tx, Result.EARNED)
    with pytest.raises(RefusedError, match="is cleared: its work has begun") as caught:
        revoke_token(rig.desk, token.memo, "changed my mind", "ada")
    assert caught.value.code == "work_begun"


def test_a_second_revocation_changes_nothing(rig: Rig) -> None:
    with rig.journal.database.atomic() as tx:
        token = token_in(tx)
    first = revoke_token(rig.desk, token.memo, "too cheap", "ada")
    again = revoke_token(rig.desk, token.memo, "another reason", "bob")
    assert (again.state, again.stored.revocation) == (TokenState.REVOKED, first.stored.revocation)


def test_a_revocation_without_a_reason_is_refused(rig: Rig) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        revoke_token(rig.desk, "rc1", " ", "ada")


# Where coins may go back to


def seen(kind: ArrivalKind, **told: Any) -> Payment:
    return payment_of(StoredPayment(arrive(kind=kind, **told), PAYEE, after(61), None))


@pytest.mark.parametrize(
    ("kind", "signed", "back"),
    [
        (ArrivalKind.SEND, True, "cosmos1alice"),
        (ArrivalKind.MULTI_SEND, True, "cosmos1alice"),
        (ArrivalKind.EXEC, True, "cosmos1alice"),
        (ArrivalKind.SEND, False, None),
        (ArrivalKind.EXEC, False, None),
        (ArrivalKind.CONTRACT, False, None),
        (ArrivalKind.CONTRACT, True, None),
        (ArrivalKind.IBC, False, None),
        (ArrivalKind.OTHER, True, None),
        (ArrivalKind.RETURNED, True, None),
    ],
)
def test_coins_go_back_unasked_only_to_an_account_that_signed(
    kind: ArrivalKind, *, signed: bool, back: str | None
) -> None:
    payment = seen(kind, signed=signed)
    assert (payment.kind, payment.may_refund_to) == (kind, back)


def test_coins_of_several_go_back_to_nobody_unasked() -> None:
    assert seen(ArrivalKind.MULTI_SEND, senders=2).may_refund_to is None


def test_an_orphan_assigned_by_hand_is_marked_as_one() -> None:
    match = Match("00", How.ASSIGNED, "ada", "said so", after(70))
    stored = StoredPayment(arrive(channel=ChannelEnd("alpha-1", "transfer", "channel-3")), PAYEE, after(61), match)
    assert (payment_of(stored).assigned, payment_of(stored).channel) == (True, "channel-3")
    assert not payment_of(replace(stored, match=None)).assigned
