"""The state of every token as last worked out: an index for lists, never a source of truth.

The rules compute a state from facts (`money.state`); whoever adds a fact that moves it says so here
in the same commit, so that a list of one state needn't look at every token there ever was.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from heapq import merge

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, read_time, time_text

# An imported token may have expired before it came.
BEGIN = """
INSERT INTO token_states (order_id, state, since, chain, wallet, made_at)
SELECT t.order_id, CASE WHEN ? = 'open' AND c.read_through_time > t.expires_at THEN 'expired' ELSE ? END, ?,
  t.chain, t.wallet, t.made_at
FROM tokens t LEFT JOIN cursors c ON c.chain = t.chain AND c.payee = t.payee WHERE t.order_id = ?"""
MOVE = "UPDATE token_states SET state = ?, since = ? WHERE order_id = ?"
ADD_PAST = "INSERT INTO past_token_states (order_id, state, since, until, magnitude) VALUES (?, ?, ?, ?, ?)"
FORGET_PAST = "DELETE FROM past_token_states WHERE id IN (SELECT id FROM past_token_states WHERE until < ? LIMIT ?)"

SELECT_STATE = "SELECT state, since FROM token_states WHERE order_id = ?"
SELECT_PAST = "SELECT state, since, until FROM past_token_states WHERE order_id = ? ORDER BY since"
SELECT_LAPSED = """
SELECT s.order_id FROM tokens t JOIN token_states s ON s.order_id = t.order_id
WHERE t.chain = ? AND t.payee = ? AND t.expires_at >= ? AND t.expires_at < ? AND s.state IN ('open', 'partly_paid')"""

SELECT_OF_STATE = """
SELECT made_at, order_id FROM token_states WHERE state = ? AND made_at <= ? AND since <= ?
ORDER BY made_at DESC, order_id DESC LIMIT ?"""
SELECT_OF_CHAIN = """
SELECT made_at, order_id FROM token_states WHERE state = ? AND chain = ? AND made_at <= ? AND since <= ?
ORDER BY made_at DESC, order_id DESC LIMIT ?"""
SELECT_OF_WALLET = """
SELECT made_at, order_id FROM token_states
WHERE state = ? AND wallet = ? AND (? = '' OR chain = ?) AND made_at <= ? AND since <= ?
ORDER BY made_at DESC, order_id DESC LIMIT ?"""
SELECT_WAS = """
SELECT t.made_at, t.order_id FROM past_token_states p JOIN tokens t ON t.order_id = p.order_id
WHERE p.state = ? AND p.magnitude = ? AND p.since > ? AND p.since <= ? AND p.until > ?
  AND (? = '' OR t.chain = ?) AND (? = '' OR t.wallet = ?)"""
SELECT_COUNT = "SELECT count(*) FROM token_states WHERE state = ?"

# 2**34 seconds are five centuries: farther back nothing lasted.
_MAGNITUDES = 35
_FARTHEST = timedelta(days=365 * 500)


def begin(tx: Transaction, order_id: str, state: str, at: datetime) -> None:
    """Say a new token's first state; an open one that the reading has already passed is expired."""
    tx.execute(BEGIN, (state, state, time_text(at), order_id))


def move(tx: Transaction, order_id: str, state: str, at: datetime) -> bool:
    """Say a token's state as it was worked out now, by the wall clock; False when it is the old one.

    One that lasted no time is not remembered.
    """
    before, since = tx.rows(SELECT_STATE, (order_id,))[0]
    if before == state:
        return False
    # A wall clock that was put back must not make a state end before it began.
    until = max(time_text(at), since)
    seconds = int((read_time(until) - read_time(since)).total_seconds())
    if until > since:
        tx.execute(ADD_PAST, (order_id, before, since, until, seconds.bit_length()))
    tx.execute(MOVE, (state, until, order_id))
    return True


def lapse(tx: Transaction, chain: str, payee: str, since: datetime, through: datetime, at: datetime) -> list[str]:
    """The reading has passed the expiry of tokens: those unpaid become ``expired``; their order ids.

    `since` and `through` are the block times that were read through before and now: a token expires
    when `through` is past its expiry.
    """
    found = tx.rows(SELECT_LAPSED, (chain, payee, time_text(since), time_text(through)))
    for (order_id,) in found:
        move(tx, order_id, "expired", at)
    return [row[0] for row in found]


def state(reads: Reads, order_id: str) -> str | None:
    """The state last worked out, None for an unknown token."""
    row = reads.row(SELECT_STATE, (order_id,))
    return row[0] if row else None


def states(reads: Reads, order_id: str) -> list[tuple[str, datetime, datetime | None]]:
    """Every state the token had, oldest first, with its begin and end (None: still)."""
    past = [(row[0], read_time(row[1]), read_time(row[2])) for row in reads.rows(SELECT_PAST, (order_id,))]
    now = [(row[0], read_time(row[1]), None) for row in reads.rows(SELECT_STATE, (order_id,))]
    return [*past, *now]


def count(reads: Reads, of_state: str) -> int:
    """How many tokens have the state.  Counts one by one: for states that tokens leave again."""
    return int(reads.rows(SELECT_COUNT, (of_state,))[0][0])


def page(
    reads: Reads,
    of_states: Collection[str],
    limit: int,
    offset: int = 0,
    *,
    chain: str = "",
    wallet: str = "",
    as_of: datetime | None = None,
) -> list[str]:
    """Order ids of tokens that have (or had, `as_of`) one of the states, newest token first."""
    until = FOR_EVER if as_of is None else time_text(as_of)
    # One search each: the rows of several states would have to be sorted before the page is cut.
    found = [_current(reads, name, until, limit + offset, chain, wallet) for name in sorted(set(of_states))]
    if as_of is not None:
        found += [sorted(_past(reads, name, as_of, chain, wallet), reverse=True) for name in sorted(set(of_states))]
    ordered = list(merge(*found, reverse=True))
    return [order_id for _, order_id in ordered[offset : offset + limit]]


def _current(reads: Reads, name: str, until: str, limit: int, chain: str, wallet: str) -> list[Row]:
    if wallet:
        return reads.rows(SELECT_OF_WALLET, (name, wallet, chain, chain, until, until, limit))
    if chain:
        return reads.rows(SELECT_OF_CHAIN, (name, chain, until, until, limit))
    return reads.rows(SELECT_OF_STATE, (name, until, until, limit))


def _past(reads: Reads, name: str, as_of: datetime, chain: str, wallet: str) -> list[Row]:
    """What had the state then and has it no more: of each magnitude only what can reach so far."""
    found: list[Row] = []
    moment, about = time_text(as_of), (chain, chain, wallet, wallet)
    for magnitude in range(_MAGNITUDES):
        after = time_text(as_of - min(timedelta(seconds=2**magnitude), _FARTHEST))
        found += reads.rows(SELECT_WAS, (name, magnitude, after, moment, moment, *about))
    return found


def forget(tx: Transaction, before: datetime, limit: int) -> None:
    """Forget past states that ended before a time, at most `limit` of them."""
    tx.execute(FORGET_PAST, (time_text(before), limit))
