"""Clearing tokens: what was sold, and what was revoked.

A token is read back from its signed document, so that what is judged is what the payer holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from relayclear.errors import UsageError
from relayclear.ibc.packet import PacketKey
from relayclear.money.document import read_document
from relayclear.money.memo import MemoRef, parse_memo
from relayclear.money.token import ClearingToken
from relayclear.store import token_states
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, read_optional_time, read_time, time_text

ADD_SOLD = """
INSERT INTO tokens (order_id, memo, kid, chain, denom, payee, amount, issued_at, expires_at, grace_ends_at, wallet,
  origin, made_at, document)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_PACKET = "INSERT INTO token_packets (order_id, chain, port, channel, sequence) VALUES (?, ?, ?, ?, ?)"
ADD_REVOCATION = """
INSERT INTO revocations (order_id, revoked_at, who, why) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING order_id"""

SELECT_TOKENS = """
SELECT t.order_id, t.document, t.wallet, t.origin, t.made_at, r.revoked_at, r.who, r.why
FROM tokens t LEFT JOIN revocations r ON r.order_id = t.order_id WHERE t.order_id IN (?*)"""
SELECT_LIKE_ORDER = "SELECT order_id, memo FROM tokens WHERE order_id >= ? AND order_id < ? ORDER BY order_id LIMIT 2"
SELECT_LIKE_MEMO = "SELECT order_id, memo FROM tokens WHERE memo >= ? AND memo < ? ORDER BY memo LIMIT 2"

SELECT_PAGE = "SELECT order_id FROM tokens WHERE made_at <= ? ORDER BY made_at DESC, order_id DESC LIMIT ? OFFSET ?"
SELECT_OF_CHAIN = """
SELECT order_id FROM tokens WHERE chain = ? AND made_at <= ?
ORDER BY made_at DESC, order_id DESC LIMIT ? OFFSET ?"""
SELECT_OF_WALLET = """
SELECT order_id FROM tokens WHERE wallet = ? AND (? = '' OR chain = ?) AND made_at <= ?
ORDER BY made_at DESC, order_id DESC LIMIT ? OFFSET ?"""

# Revoked, ended, or past its grace without a sale: such a token keeps no packet from another.
SELECT_OF_PACKET = """
SELECT t.order_id, t.expires_at, t.grace_ends_at, s.order_id IS NOT NULL
FROM token_packets p JOIN tokens t ON t.order_id = p.order_id LEFT JOIN sales s ON s.order_id = p.order_id
WHERE p.chain = ? AND p.port = ? AND p.channel = ? AND p.sequence = ?
  AND (t.grace_ends_at >= ? OR s.order_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.order_id = p.order_id)
  AND NOT EXISTS (SELECT 1 FROM sale_ends e WHERE e.order_id = p.order_id)
ORDER BY t.made_at, t.order_id"""
SELECT_ALL_OF_PACKET = """
SELECT order_id FROM token_packets WHERE chain = ? AND port = ? AND channel = ? AND sequence = ?"""
SELECT_OPEN_COUNT = """
SELECT count(*) FROM tokens t WHERE t.wallet = ? AND t.expires_at >= ?
  AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.order_id = t.order_id)
  AND NOT EXISTS (SELECT 1 FROM sales s WHERE s.order_id = t.order_id)"""
SELECT_COUNT_SINCE = "SELECT count(*) FROM tokens WHERE made_at >= ? AND origin = 'issued'"
SELECT_LAST_EXPIRY = "SELECT max(grace_ends_at) FROM tokens WHERE kid = ?"

# Sorts after every character an id can hold.
_LAST_CHARACTER = "\U0010ffff"


class Revocation(NamedTuple):
    """When, by whom and why a token was revoked."""

    at: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token with what only we know of it: the packets' sender, where it came from, its revocation.

    `document` is the signed text; `origin` is ``issued`` or ``imported``; `made_at` is ours, by the
    wall clock.
    """

    token: ClearingToken
    document: str
    wallet: str
    origin: str
    made_at: datetime
    revocation: Revocation | None

    @property
    def order_id(self) -> str:
        """The order id as hex, which names it in all tables."""
        return self.token.ref.order_id.hex()


@dataclass(frozen=True, slots=True)
class OpenToken:
    """A token that may still claim a packet; `sold`: paid, its work not ended.  Times are block times."""

    order_id: str
    expires_at: datetime
    grace_ends_at: datetime
    sold: bool


def add(
    tx: Transaction, token: ClearingToken, document: str, wallet: str, at: datetime, *, origin: str = "issued"
) -> str:
    """Keep a token with its signed document; its order id.  `at` is the wall clock.

    Raises RuleBrokenError for an order id or a memo that is taken, ValueError when the document is
    another token's.
    """
    if read_document(document).token != token:
        raise ValueError("the document is another token's")
    order_id = token.ref.order_id.hex()
    place = (token.quote.chain, token.quote.denom, token.payee, str(token.price.amount))
    times = tuple(map(time_text, (token.issued_at, token.expires_at, token.grace_ends_at)))
    tx.execute(
        ADD_SOLD,
        (order_id, token.memo, token.ref.kid, *place, *times, wallet, origin, time_text(at), document),
    )
    tx.execute_each(ADD_PACKET, [(order_id, *term.key) for term in token.quote.packets])
    token_states.begin(tx, order_id, "paid" if token.price.amount == 0 else "open", at)
    return order_id


def revoke(tx: Transaction, order_id: str, who: str, why: str, at: datetime) -> bool:
    """Revoke a token; False when it was revoked before: the first time stands.

    What that means for a token whose work has begun is for the caller to refuse.
    """
    revoked = bool(tx.execute(ADD_REVOCATION, (order_id, time_text(at), who, why)))
    if revoked:
        token_states.move(tx, order_id, "revoked", at)
    return revoked


def load(reads: Reads, order_ids: Sequence[str]) -> list[StoredToken]:
    """The tokens of these order ids, in their order; unknown ones are left out."""
    found = {row[0]: _stored(row) for row in reads.rows_in(SELECT_TOKENS, (), order_ids)}
    return [found[order_id] for order_id in order_ids if order_id in found]


def get(reads: Reads, order_id: str) -> StoredToken | None:
    """The token of exactly this order id."""
    return next(iter(load(reads, [order_id])), None)


def find(reads: Reads, text: str) -> StoredToken | None:
    """The token that a person means: its memo however spelt, its order id, or the only start of either.

    A whole memo with a typo is no token, never another's.  Raises UsageError for the start of several.
    """
    ref = parse_memo(text)
    if isinstance(ref, MemoRef):
        stored = get(reads, ref.order_id.hex())
        return stored if stored is not None and stored.token.ref == ref else None
    start = text.strip().lower()
    if not start:
        return None
    found = {
        row[0]: row[1]
        for sql in (SELECT_LIKE_ORDER, SELECT_LIKE_MEMO)
        for row in reads.rows(sql, (start, start + _LAST_CHARACTER))
    }
    if len(found) > 1:
        raise UsageError(
            f"several tokens start with {start[:40]}", hint=f"write more of it: {', '.join(list(found.values())[:2])}"
        )
    return next(iter(load(reads, list(found))), None)


def page(
    reads: Reads,
    limit: int,
    offset: int = 0,
    *,
    states: Collection[str] = (),
    chain: str = "",
    wallet: str = "",
    as_of: datetime | None = None,
) -> list[StoredToken]:
    """A page of tokens, newest first: of these states, paid on this chain, for packets of this wallet.

    The state is the one last worked out (`token_states`); `as_of` asks for a moment of the past.
    """
    if states:
        ids = token_states.page(reads, states, limit, offset, chain=chain, wallet=wallet, as_of=as_of)
        return load(reads, ids)
    until = FOR_EVER if as_of is None else time_text(as_of)
    if wallet:
        rows = reads.rows(SELECT_OF_WALLET, (wallet, chain, chain, until, limit, offset))
    elif chain:
        rows = reads.rows(SELECT_OF_CHAIN, (chain, until, limit, offset))
    else:
        rows = reads.rows(SELECT_PAGE, (until, limit, offset))
    return load(reads, [row[0] for row in rows])


def open_of_packet(reads: Reads, key: PacketKey, at: datetime) -> list[OpenToken]:
    """Tokens on a packet that are neither revoked nor ended nor past their grace at a block time, oldest first.

    One between expiry and the end of its grace is among them, for a late payment may be honoured:
    whether it keeps the packet from a new quote is the caller's question to `expires_at`.
    """
    return [
        OpenToken(order_id, read_time(expires_at), read_time(grace_ends_at), bool(sold))
        for order_id, expires_at, grace_ends_at, sold in reads.rows(SELECT_OF_PACKET, (*key, time_text(at)))
    ]


def of_packet(reads: Reads, key: PacketKey) -> list[StoredToken]:
    """Every token that was ever made for a packet, oldest first."""
    found = load(reads, [row[0] for row in reads.rows(SELECT_ALL_OF_PACKET, tuple(key))])
    return sorted(found, key=lambda stored: (stored.made_at, stored.order_id))


def count_open(reads: Reads, wallet: str, at: datetime) -> int:
    """How many quotes for the wallet's packets are unpaid, not revoked and not expired at a block time."""
    return int(reads.rows(SELECT_OPEN_COUNT, (wallet, time_text(at)))[0][0])


def count_since(reads: Reads, at: datetime) -> int:
    """How many tokens were issued since a moment of the wall clock."""
    return int(reads.rows(SELECT_COUNT_SINCE, (time_text(at),))[0][0])


def last_grace_of_key(reads: Reads, kid: int) -> datetime | None:
    """Until when a memo key is needed: the latest end of grace of its tokens; None where it has none."""
    return read_optional_time(reads.rows(SELECT_LAST_EXPIRY, (kid,))[0][0])


@lru_cache(maxsize=1024)
def _signed(document: str) -> ClearingToken:
    """What a document says.  The same text always says the same, and to check its signature takes a millisecond."""
    return read_document(document).token


def _stored(row: Row) -> StoredToken:
    _, document, wallet, origin, made_at, revoked_at, who, why = row
    revocation = None if revoked_at is None else Revocation(read_time(revoked_at), who, why)
    return StoredToken(_signed(document), document, wallet, origin, read_time(made_at), revocation)
