"""Claims: the texts that payers were asked to sign, and the signatures that came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.adr36 import ArbitrarySignature
from relayclear.money.claims import ClaimTerms, Role
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import json_text, read_json, read_time, time_text

ADD_TEXT = """
INSERT INTO claim_texts (nonce, refund_id, chain, denom, amount, to_chain, to_address, port, channel, instance, text,
  made_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_CLAIM = """
INSERT INTO claims (refund_id, nonce, signer, role, signature, who, claimed_at) VALUES (?, ?, ?, ?, ?, ?, ?)"""

_TEXT = """t.nonce, t.refund_id, t.chain, t.denom, t.amount, t.to_chain, t.to_address, t.port, t.channel, t.instance,
  t.text, t.made_at"""
_CLAIM = f"c.refund_id, c.signer, c.role, c.signature, c.who, c.claimed_at, {_TEXT}"
# ruff: noqa: S608 - the texts joined here are the ones above
SELECT_TEXT = f"SELECT {_TEXT} FROM claim_texts t WHERE t.nonce = ?"
SELECT_OF_REFUND = f"""
SELECT {_CLAIM} FROM claims c JOIN claim_texts t ON t.nonce = c.nonce WHERE c.refund_id = ? ORDER BY c.id"""
SELECT_OF_NONCE = f"SELECT {_CLAIM} FROM claims c JOIN claim_texts t ON t.nonce = c.nonce WHERE c.nonce = ?"


@dataclass(frozen=True, slots=True)
class ClaimText:
    """A text to be signed, and what it says; `over` is our end of the channel to `to_chain`, None on the same chain."""

    terms: ClaimTerms
    over: ChannelEnd | None
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A signed text that was verified: where a refund is to go, whose account says so, who brought it.

    `refund` is the refund that it moves: the one in its text, or the next of that payment where that
    one was approved already.  `at` is the wall clock's.
    """

    refund: str
    text: ClaimText
    signer: str
    role: Role
    signature: ArbitrarySignature
    who: str
    at: datetime


def add_text(tx: Transaction, text: ClaimText) -> None:
    """Keep a text before anybody signs it.  Raises RuleBrokenError for a nonce that is taken."""
    terms, over = text.terms, text.over
    end = (None, None) if over is None else (over.port, over.channel)
    tx.execute(
        ADD_TEXT,
        (
            *(terms.nonce, terms.refund, terms.chain, terms.coin.denom, str(terms.coin.amount)),
            *(terms.to_chain, terms.to, *end, terms.instance, text.text, time_text(text.made_at)),
        ),
    )


def add(tx: Transaction, claim: Claim) -> None:
    """Keep a claim.  Raises RuleBrokenError for a text that was used before, or that was never given out."""
    signature = json_text([claim.signature.public_key.hex(), claim.signature.signature.hex()])
    tx.execute(
        ADD_CLAIM,
        (
            *(claim.refund, claim.text.terms.nonce, claim.signer, claim.role, signature, claim.who),
            time_text(claim.at),
        ),
    )


def text_of(reads: Reads, nonce: str) -> ClaimText | None:
    """The text of a nonce, None where nobody was given such a one."""
    row = reads.row(SELECT_TEXT, (nonce,))
    return None if row is None else _text(row)


def of_nonce(reads: Reads, nonce: str) -> Claim | None:
    """The claim that used a nonce, None while it is unused."""
    row = reads.row(SELECT_OF_NONCE, (nonce,))
    return None if row is None else _claim(row)


def of_refund(reads: Reads, refund_id: str) -> list[Claim]:
    """All claims of a refund in the order in which they came, those that don't count too."""
    return [_claim(row) for row in reads.rows(SELECT_OF_REFUND, (refund_id,))]


def standing(reads: Reads, refund_id: str, coin: Coin) -> Claim | None:
    """The claim that counts for a refund that sends so much: the first whose text says that amount."""
    return next((one for one in of_refund(reads, refund_id) if one.text.terms.coin == coin), None)


def _text(row: Row) -> ClaimText:
    nonce, refund, chain, denom, amount, to_chain, to, port, channel, instance, text, made_at = row
    terms = ClaimTerms(refund, Coin(denom, int(amount)), chain, to_chain, to, instance, nonce)
    over = None if port is None else ChannelEnd(chain, port, channel)
    return ClaimText(terms, over, text, read_time(made_at))


def _claim(row: Row) -> Claim:
    refund, signer, role, signature, who, at, *text = row
    given = ArbitrarySignature(*(bytes.fromhex(part) for part in read_json(signature)))
    return Claim(refund, _text(tuple(text)), signer, Role(role), given, who, read_time(at))
