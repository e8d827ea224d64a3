"""Claims: what is signed says everything, and nobody's word counts for coins that aren't theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.arrivals import ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.money.claims import NOTICE, ClaimFacts, ClaimTerms, Refusal, Role, claim_text, payer_can_sign, refusal
from relayclear.money.payment import Payment, PaymentId

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
TERMS = ClaimTerms("r" * 24, Coin("stake", 95), "alpha-1", "beta-1", "beta1qqq", "0011223344556677", "n" * 32)
TEXT = """relayclear refund claim
refund: rrrrrrrrrrrrrrrrrrrrrrrr
amount: 95
denom: stake
paid on chain: alpha-1
to chain: beta-1
to address: beta1qqq
instance: 0011223344556677
nonce: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"""
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


def paid(**told: Any) -> Payment:
    payment = Payment(PaymentId("alpha-1", "A" * 64, 0, "stake"), 100, 7, AT, "alpha1alice")
    return replace(payment, **told)


def facts(**told: Any) -> ClaimFacts:
    wanted = {
        "payment": paid(kind=ArrivalKind.CONTRACT),
        "claimed": False,
        "exchange": False,
        "address_known": False,
        "since": AT,
        "now": AT + NOTICE,
    }
    return ClaimFacts(**{**wanted, **told})


def test_a_payer_signs_what_cannot_be_read() -> None:
    assert claim_text(TERMS) == TEXT


@pytest.mark.parametrize("field", ["refund", "chain", "to_chain", "to", "instance", "nonce"])
@pytest.mark.parametrize("value", ["", "a\nto address: mallory", "a\u202eb", "\u00e9", "a\x00"])
def test_a_field_smuggles_in_a_line_of_its_own(field: str, value: str) -> None:
    told: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match="printable"):
        claim_text(replace(TERMS, **told))


def test_a_denom_smuggles_in_a_line_of_its_own() -> None:
    with pytest.raises(ValueError, match="printable"):
        claim_text(replace(TERMS, coin=Coin("stake\nnonce: 1", 5)))


TERM = st.builds(ClaimTerms, LINES, st.builds(Coin, LINES, st.integers(0, 10**30)), LINES, LINES, LINES, LINES, LINES)


@given(TERM, TERM)
def test_two_claims_have_one_text(one: ClaimTerms, other: ClaimTerms) -> None:
    assert (claim_text(one) == claim_text(other)) == (one == other)


FACTS = st.builds(
    ClaimFacts,
    st.builds(
        lambda kind, signed, inputs, assigned: paid(kind=kind, signed=signed, inputs=inputs, assigned=assigned),
        st.sampled_from(ArrivalKind),
        st.booleans(),
        st.integers(1, 3),
        st.booleans(),
    ),
    claimed=st.booleans(),
    exchange=st.booleans(),
    address_known=st.booleans(),
    since=st.just(AT),
    now=st.sampled_from([None, AT, AT + NOTICE]),
)


@given(FACTS)
def test_a_payer_is_not_heard(asked: ClaimFacts) -> None:
    assert refusal(Role.PAYER, asked) is (Refusal.CLAIMED if asked.claimed else None)


@given(FACTS)
def test_the_packets_account_is_heard_where_a_single_thing_speaks_against_it(asked: ClaimFacts) -> None:
    against = [
        asked.claimed,
        asked.payment.may_refund_to is not None and not asked.exchange,
        asked.payment.assigned,
        asked.address_known,
        asked.now != AT + NOTICE,
    ]
    found = refusal(Role.PACKET, asked)
    assert found is next((why for why, there in zip(Refusal, against, strict=True) if there), None)


def test_the_first_claim_is_overtaken() -> None:
    for role in Role:
        assert refusal(role, facts(claimed=True)) is Refusal.CLAIMED


@pytest.mark.parametrize("kind", [ArrivalKind.SEND, ArrivalKind.EXEC, ArrivalKind.MULTI_SEND])
def test_the_packets_account_takes_what_the_payer_can_ask_for(kind: ArrivalKind) -> None:
    assert refusal(Role.PACKET, facts(payment=paid(kind=kind))) is Refusal.PAYER_CAN_SIGN
    assert refusal(Role.PACKET, facts(payment=paid(kind=kind), exchange=True)) is None


@pytest.mark.parametrize(
    "payment",
    [
        paid(kind=ArrivalKind.CONTRACT),
        paid(kind=ArrivalKind.SEND, signed=False),
        paid(kind=ArrivalKind.IBC),
        paid(kind=ArrivalKind.OTHER),
        paid(kind=ArrivalKind.MULTI_SEND, inputs=2, sender=None),
    ],
)
def test_coins_of_a_payer_who_cannot_sign_are_lost_for_ever(payment: Payment) -> None:
    assert not payer_can_sign(payment, exchange=False)
    assert refusal(Role.PACKET, facts(payment=payment)) is None


def test_an_assigned_orphan_goes_to_whoever_made_a_quote() -> None:
    assert refusal(Role.PACKET, facts(payment=paid(kind=ArrivalKind.IBC, assigned=True))) is Refusal.ASSIGNED


def test_the_packets_account_moves_what_goes_somewhere_already() -> None:
    assert refusal(Role.PACKET, facts(address_known=True)) is Refusal.ADDRESS_KNOWN


@pytest.mark.parametrize("now", [None, AT, AT + NOTICE - timedelta(microseconds=1)])
def test_the_packets_account_is_quicker_than_the_payer(now: datetime | None) -> None:
    assert refusal(Role.PACKET, facts(now=now)) is Refusal.TOO_EARLY
