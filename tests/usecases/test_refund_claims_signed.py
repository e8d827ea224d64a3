"""What is signed of a claim: one refund, one amount, one address, by one key, once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.accounts import AccountKind
from relayclear.ibc.signing import ORDER
from relayclear.money.claims import Role
from relayclear.money.refunds import Wait
from relayclear.store import history
from relayclear.usecases.once import AnsweredError, Once
from relayclear.usecases.refund_claims import claim, claims_of
from relayclear.usecases.refund_dues import OwedRefund
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.claiming import BETA, WEEK, Claimer, signed
from tests.usecases.counter import ALPHA

ALICE, ALICE_THERE, MALLORY = address("alice", ALPHA), address("alice", BETA), address("mallory", ALPHA)


@pytest.fixture
def till(rig: Rig, tmp_path: Path) -> Claimer:
    return Claimer(rig, tmp_path / "shop")


def told(till: Claimer, what: str) -> int:
    """How often the history tells of something."""
    return len([one for one in history.page(till.rig.journal.database, 1000) if one.what == what])


# What is signed


def test_a_claim_is_replayed_for_another_refund(till: Claimer) -> None:
    first, second = till.quote(till.rig.stuck()), till.quote(till.rig.stuck())
    till.pay_from_beta(first, 50_000)
    till.pay_from_beta(second, 50_000)
    till.expire(second)
    one, other = till.owed()
    text = till.asked(one.id, ALICE)
    answer = signed(text.text, "alice")
    with pytest.raises(UsageError) as caught:
        claim(till.desk, other.id, text.terms.nonce, answer, "ada")
    assert caught.value.code == "no_text"
    till.take(text)
    with pytest.raises(RefusedError) as again:
        claim(till.desk, other.id, text.terms.nonce, answer, "ada")
    assert again.value.code == "nonce_used"
    assert [owed.wait for owed in till.owed()] == [None, Wait.NEEDS_CLAIM]


def test_a_claim_is_replayed_for_another_address(till: Claimer) -> None:
    owed = till.underpaid()
    mine, hers = till.asked(owed.id, ALICE), till.asked(owed.id, MALLORY)
    with pytest.raises(RefusedError) as caught:
        claim(till.desk, owed.id, hers.terms.nonce, signed(mine.text, "alice"), "ada")
    assert caught.value.code == "signature_signature"
    assert till.owed()[0].due.to is None


def overpaid(till: Claimer) -> tuple[OwedRefund, Callable[[], OwedRefund]]:
    """What is owed of a payment over IBC that was too much, and what it comes to when somebody else clears."""
    keys = till.rig.stuck()
    token = till.quote(keys)
    till.pay_from_beta(token, token.price.amount + 20_000)
    till.settle()
    (owed,) = till.owed()

    def others_clear() -> OwedRefund:
        till.rig.world.relay(keys[0])
        till.work_until(300)
        (more,) = till.owed()
        assert (more.id, more.due.gross) == (owed.id, token.price.amount + 20_000)
        return more

    return owed, others_clear


def test_a_claim_is_replayed_for_another_amount(till: Claimer) -> None:
    owed, others_clear = overpaid(till)
    till.claimed(owed.id, MALLORY)
    assert till.owed()[0].due.to == MALLORY
    more = others_clear()
    assert (more.due.to, more.wait, more.claim) == (None, Wait.NEEDS_CLAIM, None)
    till.claimed(owed.id, ALICE)
    assert till.owed()[0].due.to == ALICE
    till.sweep()
    assert till.paid_to("alice") == [more.due.net.amount]
    till.check_books()


def test_a_text_for_less_is_signed_when_more_is_owed(till: Claimer) -> None:
    owed, others_clear = overpaid(till)
    text = till.asked(owed.id, ALICE)
    others_clear()
    with pytest.raises(RefusedError) as caught:
        till.take(text)
    assert caught.value.code == "changed"
    assert claims_of(till.desk, owed.id) == []


@pytest.mark.parametrize(
    ("forged", "code"),
    [
        (lambda one: one[:32] + (ORDER - int.from_bytes(one[32:])).to_bytes(32), "signature_form"),
        (lambda one: one[:-1], "signature_form"),
        (lambda one: one[32:] + one[:32], "signature_"),
    ],
)
def test_a_signature_that_no_chain_would_take_moves_coins(
    till: Claimer, forged: Callable[[bytes], bytes], code: str
) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    with pytest.raises(RefusedError) as caught:
        claim(till.desk, owed.id, text.terms.nonce, signed(text.text, "alice", forged=forged), "ada")
    assert caught.value.code.startswith(code)
    assert till.owed()[0].due.to is None


def test_a_signature_chooses_how_it_is_checked(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    eth = {chain: account._replace(kind=AccountKind.ETH_SECP256K1) for chain, account in till.desk.accounts.items()}
    with pytest.raises(RefusedError) as caught:
        claim(replace(till.desk, accounts=eth), owed.id, text.terms.nonce, signed(text.text, "alice"), "ada")
    assert caught.value.code == "signature_account"
    other = {chain: account._replace(prefix="gamma") for chain, account in till.desk.accounts.items()}
    with pytest.raises(RefusedError) as prefix:
        claim(replace(till.desk, accounts=other), owed.id, text.terms.nonce, signed(text.text, "alice"), "ada")
    assert prefix.value.code == "signature_prefix"


def test_somebody_elses_key_moves_coins(till: Claimer) -> None:
    owed = till.underpaid()
    for who, chain in (("mallory", BETA), ("mallory", ALPHA), ("payee", ALPHA)):
        with pytest.raises(RefusedError) as caught:
            till.claimed(owed.id, MALLORY, who=who, at=chain)
        assert caught.value.code == "signature_account"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_bit_of_a_signature_or_key_doesnt_matter(till: Claimer, data: st.DataObject) -> None:
    owed = till.owed()[0] if till.owed() else till.underpaid()
    text = till.asked(owed.id, ALICE)
    document = json.loads(signed(text.text, "alice"))
    field = data.draw(st.sampled_from(["key", "signature"]))
    raw = bytearray(base64.b64decode(document["pub_key"]["value"] if field == "key" else document["signature"]))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    encoded = base64.b64encode(raw).decode()
    if field == "key":
        document["pub_key"]["value"] = encoded
    else:
        document["signature"] = encoded
    with pytest.raises(RefusedError):
        claim(till.desk, owed.id, text.terms.nonce, json.dumps(document), "ada")
    assert claims_of(till.desk, owed.id) == []


@pytest.mark.parametrize("answer", ["", "{}", "no", '{"pub_key": {"value": "AA=="}, "signature": 5}'])
def test_what_is_no_signature_ends_in_a_traceback(till: Claimer, answer: str) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    with pytest.raises(UsageError) as caught:
        claim(till.desk, owed.id, text.terms.nonce, answer, "ada")
    assert caught.value.code == "no_signature"


def test_a_text_that_was_never_given_out_is_taken(till: Claimer) -> None:
    owed = till.underpaid()
    with pytest.raises(UsageError) as caught:
        claim(till.desk, owed.id, "00" * 16, signed("relayclear refund claim", "alice"), "ada")
    assert caught.value.code == "no_text"


# Once


def test_a_claim_that_is_sent_twice_becomes_two(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    first = till.take(text)
    assert till.take(text) == first
    assert till.take(text, "alice").refund == owed.id
    assert claims_of(till.desk, owed.id) == [first]
    assert told(till, "refund_claimed") == 1
    with pytest.raises(RefusedError) as caught:
        claim(till.desk, "", text.terms.nonce, signed(text.text, "alice"), "ada")
    assert caught.value.code == "nonce_used"


def test_a_text_is_signed_by_a_second_account(till: Claimer) -> None:
    owed = till.underpaid()
    till.rig.clock.step(WEEK)
    till.settle()
    text = till.asked(owed.id, ALICE)
    till.take(text, "sender", ALPHA)
    with pytest.raises(RefusedError) as caught:
        till.take(text)
    assert caught.value.code == "nonce_used"


def test_a_second_claim_overtakes_the_first_or_is_forgotten(till: Claimer) -> None:
    owed = till.underpaid()
    till.rig.clock.step(WEEK)
    till.settle()
    one, other = till.asked(owed.id, MALLORY), till.asked(owed.id, ALICE)
    till.take(one, "sender", ALPHA)
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            till.take(other)
        assert caught.value.code == "claim_claimed"
    assert [kept.role for kept in claims_of(till.desk, owed.id)] == [Role.PACKET, Role.PAYER]
    assert told(till, "refund_claimed_late") == 1
    (now,) = till.owed()
    assert (now.due.to, now.claim and now.claim.role) == (MALLORY, Role.PACKET)
    with pytest.raises(RefusedError) as asked:
        till.asked(owed.id, ALICE)
    assert asked.value.code == "claim_claimed"


def test_a_retry_with_its_key_asks_again(till: Claimer) -> None:
    owed = till.underpaid()
    text = till.asked(owed.id, ALICE)
    once = Once("4711", ("claim",), lambda _, done: done.signer)
    answer = signed(text.text, "alice")
    claim(till.desk, owed.id, text.terms.nonce, answer, "ada", once)
    with pytest.raises(AnsweredError) as caught:
        claim(till.desk, owed.id, text.terms.nonce, answer, "ada", once)
    assert caught.value.answer == ALICE_THERE
