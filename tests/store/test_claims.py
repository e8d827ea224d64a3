"""Claims: each text is good once, the first one counts, and none is ever changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.adr36 import ArbitrarySignature
from relayclear.money.claims import ClaimTerms, Role, claim_text
from relayclear.store import claims
from relayclear.store.claims import Claim, ClaimText
from relayclear.store.db import Database, RuleBrokenError
from tests.store.sold import CHAIN, after

REFUND, OTHER = "r" * 24, "s" * 24
OVER = ChannelEnd(CHAIN, "transfer", "channel-0")
SIGNATURE = ArbitrarySignature(b"\x02" * 33, b"\x01" * 64)


def text(nonce: str, amount: int = 95, over: ChannelEnd | None = None) -> ClaimText:
    to_chain = CHAIN if over is None else "beta-1"
    terms = ClaimTerms(REFUND, Coin("stake", amount), CHAIN, to_chain, f"to {nonce}", "0011", nonce)
    return ClaimText(terms, over, claim_text(terms), after(1))


def claim(nonce: str, refund: str = REFUND, amount: int = 95, over: ChannelEnd | None = None) -> Claim:
    return Claim(refund, text(nonce, amount, over), "alpha1alice", Role.PAYER, SIGNATURE, "ada", after(2))


def keep(database: Database, *given: Claim) -> None:
    with database.atomic() as tx:
        for one in given:
            claims.add_text(tx, one.text)
            claims.add(tx, one)


def test_a_claim_comes_back_otherwise(database: Database) -> None:
    kept = [claim("1"), claim("2", over=OVER)]
    keep(database, *kept)
    assert claims.of_refund(database, REFUND) == kept
    assert claims.of_refund(database, OTHER) == []
    assert claims.of_nonce(database, "2") == kept[1]
    assert claims.text_of(database, "1") == kept[0].text
    assert claims.of_nonce(database, "3") is None
    assert claims.text_of(database, "3") is None


def test_a_claim_counts_for_another_amount_or_over_an_earlier_one(database: Database) -> None:
    keep(database, claim("1", amount=5), claim("2"), claim("3"), claim("4", refund=OTHER, amount=7))
    assert claims.standing(database, REFUND, Coin("stake", 95)) == claim("2")
    assert claims.standing(database, REFUND, Coin("stake", 5)) == claim("1", amount=5)
    assert claims.standing(database, REFUND, Coin("token", 95)) is None
    assert claims.standing(database, REFUND, Coin("stake", 7)) is None


def test_a_text_is_used_twice(database: Database) -> None:
    keep(database, claim("1"))
    for refund in (REFUND, OTHER):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            claims.add(tx, claim("1", refund=refund))
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        claims.add_text(tx, text("1", amount=1))
    assert claims.of_refund(database, REFUND) == [claim("1")]


def test_a_text_that_nobody_was_given_is_claimed(database: Database) -> None:
    with pytest.raises(RuleBrokenError), database.atomic() as tx:
        claims.add(tx, claim("1"))


def test_a_text_goes_over_a_channel_to_the_same_chain_or_to_another_without_one(database: Database) -> None:
    for wrong in (replace(text("1"), over=OVER), replace(text("1", over=OVER), over=None)):
        with pytest.raises(RuleBrokenError), database.atomic() as tx:
            claims.add_text(tx, wrong)


@pytest.mark.parametrize("table", ["claims", "claim_texts"])
def test_what_was_signed_is_changed_or_deleted(table: str, database: Database) -> None:
    keep(database, claim("1"))
    for statement in (f"UPDATE {table} SET nonce = nonce", f"DELETE FROM {table}"):  # noqa: S608 - our names
        with pytest.raises(RuleBrokenError, match="never"), database.atomic() as tx:
            tx.execute(statement)
