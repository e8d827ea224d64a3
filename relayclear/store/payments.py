"""Payments: every arrival of coins at a payee, once and for ever, and which token it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.errors import UsageError
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.money.payment import PaymentId
from relayclear.store import cursors, token_states
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, json_text, read_json, read_time, time_text

ADD_PAYMENT = """
INSERT INTO payments (chain, tx_hash, ordinal, denom, payee, amount, height, included_at, kind, sender, senders, memo,
  outer_memo, packet, channel, signed, seen_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, tx_hash, ordinal, denom) DO NOTHING RETURNING chain"""
ADD_MATCH = """
INSERT INTO matches (chain, tx_hash, ordinal, denom, order_id, how, who, why, matched_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_ORPHAN = """
INSERT INTO orphans (chain, tx_hash, ordinal, denom, kind, included_at) VALUES (?, ?, ?, ?, ?, ?)"""
MARK_ORPHAN = """
UPDATE orphans SET kind = ? WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ? RETURNING chain"""
DROP_ORPHAN = "DELETE FROM orphans WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ? RETURNING chain"

_PAYMENT = """p.payee, p.chain, p.tx_hash, p.ordinal, p.denom, p.amount, p.height, p.included_at, p.kind, p.sender,
  p.senders, p.memo, p.outer_memo, p.packet, p.signed, p.channel, p.seen_at,
  m.order_id, m.how, m.who, m.why, m.matched_at"""
_MATCHED = """LEFT JOIN matches m ON m.chain = p.chain AND m.tx_hash = p.tx_hash AND m.ordinal = p.ordinal
  AND m.denom = p.denom"""
_NEWEST = "ORDER BY included_at DESC, tx_hash DESC, ordinal DESC, denom DESC LIMIT ? OFFSET ?"


def _page(of: str) -> str:
    """A page that is cut within the index alone: rows that are skipped are never looked at."""
    return f"""
SELECT {_PAYMENT}
FROM (SELECT chain, tx_hash, ordinal, denom FROM {of} {_NEWEST}) page
  JOIN payments p ON p.chain = page.chain AND p.tx_hash = page.tx_hash AND p.ordinal = page.ordinal
    AND p.denom = page.denom
  {_MATCHED}"""


# ruff: noqa: S608 - the texts joined here are the ones above
SELECT_PAYMENT = f"""
SELECT {_PAYMENT} FROM payments p {_MATCHED}
WHERE p.chain = ? AND p.tx_hash = ? AND p.ordinal = ? AND p.denom = ?"""
SELECT_OF_TX = f"""
SELECT {_PAYMENT} FROM payments p {_MATCHED} WHERE p.tx_hash = ? ORDER BY p.chain, p.ordinal, p.denom"""
SELECT_LIKE_TX = """
SELECT DISTINCT tx_hash FROM payments WHERE tx_hash >= ? AND tx_hash < ? ORDER BY tx_hash LIMIT 2"""
SELECT_OF_ORDER = f"""
SELECT {_PAYMENT} FROM matches m JOIN payments p ON p.chain = m.chain AND p.tx_hash = m.tx_hash
  AND p.ordinal = m.ordinal AND p.denom = m.denom
WHERE m.order_id = ? ORDER BY p.height, p.chain, p.tx_hash, p.ordinal, p.denom"""
SELECT_PAGE = _page("payments WHERE included_at <= ?")
SELECT_OF_CHAIN = _page("payments WHERE chain = ? AND included_at <= ?")
SELECT_OF_SENDER = _page("payments WHERE sender = ? AND (? = '' OR chain = ?) AND included_at <= ?")
SELECT_BETWEEN = """
SELECT chain, denom, amount, included_at FROM payments WHERE included_at > ? AND included_at <= ?
ORDER BY included_at"""
SELECT_ORPHANS = _page("orphans WHERE kind = ?")
SELECT_ORPHANS_OF_CHAIN = _page("orphans WHERE kind = ? AND chain = ?")
SELECT_ORPHAN_KIND = "SELECT kind FROM orphans WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ?"
SELECT_ORPHAN_COUNT = "SELECT count(*) FROM orphans WHERE kind = ?"
SELECT_COUNT = "SELECT count(*) FROM payments WHERE chain = ?"

# Sorts after every character a hash can hold.
_LAST_CHARACTER = "\U0010ffff"

# What names a payment: chain, hash in capitals, ordinal, denom.  `ArrivalId` and `PaymentId` both are one.
Identity = tuple[str, str, int, str]


class Orphan(StrEnum):
    """Why nothing explains a payment: no token, a lost token of ours, our own wallet, a refund that came back."""

    ORPHAN = "orphan"
    OURS_LOST = "ours_lost"
    OWN = "own"
    RETURNED = "returned"


class How(StrEnum):
    """How a payment came to its token: by its memo, by a person, or with a token imported later."""

    MEMO = "memo"
    ASSIGNED = "assigned"
    IMPORTED = "imported"


class Match(NamedTuple):
    """Which token a payment is for, and who said so."""

    order_id: str
    how: How
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """An arrival at one of our payees, when we first saw it, and its token if it has one."""

    arrival: Arrival
    payee: str
    seen_at: datetime
    match: Match | None

    @property
    def id(self) -> PaymentId:
        """What names it for ever."""
        return PaymentId(*self.arrival.identity)


class Heights(NamedTuple):
    """Heights that were read, both ends included: the last one's block time, what the payee held there if read."""

    first: int
    last: int
    last_time: datetime
    held: Mapping[str, int] | None = None


class Window(NamedTuple):
    """What `add_window` did: the payments that are new, those known with other figures, tokens that lapsed.

    A node that tells other figures of a known payment lies, or the first one did: nothing was changed.
    """

    new: tuple[StoredPayment, ...]
    differing: tuple[Arrival, ...]
    lapsed: tuple[str, ...]


def add_window(
    tx: Transaction, chain: str, payee: str, arrivals: Iterable[Arrival], heights: Heights, at: datetime
) -> Window:
    """Keep what a window of heights brought, and that it was read, in one commit.  `at` is the wall clock.

    Unpaid tokens whose expiry the reading has passed become ``expired``: those that the window pays
    must be matched in the same transaction.  Payments known already change nothing.  A cursor that
    is further stays where it is.  Raises ValueError without a cursor, and when the window begins
    above what was read: heights between would never be looked at.
    """
    before = cursors.find(tx, chain, payee)
    if before is None or heights.first > before.read_through + 1:
        raise ValueError(f"heights of {chain} below {heights.first} were not read yet")
    new, differing = add(tx, payee, arrivals, at)
    cursors.move(tx, chain, payee, heights.last, heights.last_time, at, heights.held)
    lapsed = token_states.lapse(tx, chain, payee, before.read_through_time, heights.last_time, at)
    return Window(new, differing, tuple(lapsed))


def add(
    tx: Transaction, payee: str, arrivals: Iterable[Arrival], at: datetime
) -> tuple[tuple[StoredPayment, ...], tuple[Arrival, ...]]:
    """Keep arrivals without moving the cursor: the new ones, and the known ones that were told otherwise.

    A new payment is an orphan until it is matched.
    """
    new, differing = [], []
    for arrival in arrivals:
        if tx.execute(ADD_PAYMENT, _row(payee, arrival, at)):
            kind = Orphan.RETURNED if arrival.kind is ArrivalKind.RETURNED else Orphan.ORPHAN
            tx.execute(ADD_ORPHAN, (*arrival.identity, kind, time_text(arrival.at)))
            new.append(StoredPayment(arrival, payee, at, None))
        elif _figures(_stored(tx.rows(SELECT_PAYMENT, arrival.identity)[0]).arrival) != _figures(arrival):
            differing.append(arrival)
    return tuple(new), tuple(differing)


def match(tx: Transaction, payment: Identity, order_id: str, how: How, who: str, why: str, at: datetime) -> None:
    """Say which token a payment is for: once and for ever; it is no orphan any more.

    Raises RuleBrokenError when it has a token, when payment or token is unknown, and for one
    assigned by hand without a reason.
    """
    tx.execute(ADD_MATCH, (*payment, order_id, how, who, why, time_text(at)))
    tx.execute(DROP_ORPHAN, payment)


def assign(tx: Transaction, payment: Identity, order_id: str, who: str, why: str, at: datetime) -> None:
    """Give an orphan to a token by hand; as `match`."""
    match(tx, payment, order_id, How.ASSIGNED, who, why, at)


def mark(tx: Transaction, payment: Identity, kind: Orphan) -> bool:
    """Say what kind of orphan it is; False for a payment that is none."""
    return bool(tx.execute(MARK_ORPHAN, (kind, *payment)))


def explain(tx: Transaction, payment: Identity) -> bool:
    """It is booked as something else (a deposit, income, dust): no orphan any more; False when it was none."""
    return bool(tx.execute(DROP_ORPHAN, payment))


def get(reads: Reads, payment: Identity) -> StoredPayment | None:
    """The payment of exactly this identity."""
    return next(map(_stored, reads.rows(SELECT_PAYMENT, payment)), None)


def find(reads: Reads, tx_hash: str) -> list[StoredPayment]:
    """The payments of a transaction, by its hash in any case, or by the only start of one.

    Raises UsageError for the start of several.
    """
    start = tx_hash.strip().upper().removeprefix("0X")
    found = reads.rows(SELECT_LIKE_TX, (start, start + _LAST_CHARACTER)) if start else []
    if len(found) > 1 and found[0][0] != start:
        raise UsageError(f"several payments' transactions start with {start[:64]}", hint="write more of the hash")
    return [_stored(row) for row in reads.rows(SELECT_OF_TX, found[0])] if found else []


def of_token(reads: Reads, order_id: str) -> list[StoredPayment]:
    """The payments of a token, by height."""
    return [_stored(row) for row in reads.rows(SELECT_OF_ORDER, (order_id,))]


def page(
    reads: Reads, limit: int, offset: int = 0, *, chain: str = "", sender: str = "", as_of: datetime | None = None
) -> list[StoredPayment]:
    """A page of payments by block time, newest first; `as_of` a block time."""
    until = FOR_EVER if as_of is None else time_text(as_of)
    if sender:
        rows = reads.rows(SELECT_OF_SENDER, (sender, chain, chain, until, limit, offset))
    elif chain:
        rows = reads.rows(SELECT_OF_CHAIN, (chain, until, limit, offset))
    else:
        rows = reads.rows(SELECT_PAGE, (until, limit, offset))
    return _newest_first(rows)


def between(reads: Reads, since: datetime, until: datetime) -> list[tuple[str, str, int, datetime]]:
    """Chain, denom, amount and block time of every payment of a span of block time, oldest first."""
    rows = reads.rows(SELECT_BETWEEN, (time_text(since), time_text(until)))
    return [(chain, denom, int(amount), read_time(at)) for chain, denom, amount, at in rows]


def orphans(
    reads: Reads, limit: int, offset: int = 0, *, kind: Orphan = Orphan.ORPHAN, chain: str = ""
) -> list[StoredPayment]:
    """A page of payments that nothing explains, of one kind, newest first."""
    if chain:
        return _newest_first(reads.rows(SELECT_ORPHANS_OF_CHAIN, (kind, chain, limit, offset)))
    return _newest_first(reads.rows(SELECT_ORPHANS, (kind, limit, offset)))


def orphan_kind(reads: Reads, payment: Identity) -> Orphan | None:
    """What kind of orphan a payment is, None for one that is explained."""
    row = reads.row(SELECT_ORPHAN_KIND, payment)
    return None if row is None else Orphan(row[0])


def count(reads: Reads, chain: str) -> int:
    """How many payments ever came on a chain."""
    return int(reads.rows(SELECT_COUNT, (chain,))[0][0])


def count_orphans(reads: Reads, kind: Orphan = Orphan.ORPHAN) -> int:
    """How many payments of a kind nothing explains."""
    return int(reads.rows(SELECT_ORPHAN_COUNT, (kind,))[0][0])


def _newest_first(rows: Iterable[Row]) -> list[StoredPayment]:
    return sorted(map(_stored, rows), key=lambda stored: (stored.arrival.at, *stored.id[1:]), reverse=True)


def _figures(arrival: Arrival) -> tuple[int, int, datetime]:
    # What money hangs on and every way of reading tells alike.
    return arrival.coin.amount, arrival.height, arrival.at


def _row(payee: str, arrival: Arrival, at: datetime) -> tuple[str | int | None, ...]:
    return (
        *arrival.identity,
        payee,
        str(arrival.coin.amount),
        arrival.height,
        time_text(arrival.at),
        arrival.kind,
        arrival.sender,
        arrival.senders,
        arrival.memo,
        arrival.outer_memo,
        None if arrival.packet is None else json_text(arrival.packet),
        None if arrival.channel is None else json_text(arrival.channel),
        arrival.signed,
        time_text(at),
    )


def _stored(row: Row) -> StoredPayment:
    payee, chain, tx_hash, ordinal, denom, amount, height, included_at, kind, sender, senders, *rest = row
    memo, outer_memo, packet, signed, channel, seen_at, order_id, how, who, why, matched_at = rest
    arrival = Arrival(
        chain,
        tx_hash,
        ordinal,
        Coin(denom, int(amount)),
        height,
        read_time(included_at),
        ArrivalKind(kind),
        sender,
        senders,
        memo,
        outer_memo,
        None if packet is None else PacketKey(*read_json(packet)),
        bool(signed),
        None if channel is None else ChannelEnd(*read_json(channel)),
    )
    found = None if order_id is None else Match(order_id, How(how), who, why, read_time(matched_at))
    return StoredPayment(arrival, payee, read_time(seen_at), found)
