"""The books: entries that balance, and what every account stands at, moved in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from relayclear.money import ledger as money
from relayclear.money.ledger import Account, Book, Entry, Kind, Place, Posting
from relayclear.store.db import Reads, Row, RuleBrokenError, Transaction
from relayclear.store.values import read_time, time_text

ADD_ENTRY = """
INSERT INTO entries (chain, denom, kind, ref, order_id, booked_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, denom, kind, ref) DO NOTHING RETURNING id"""
ADD_POSTING = """
INSERT INTO postings (entry_id, account, chain, denom, amount, total, booked_at) VALUES (?, ?, ?, ?, ?, ?, ?)"""
SET_TOTAL = """
INSERT INTO totals (chain, denom, account, amount, entry_id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (chain, denom, account) DO UPDATE SET amount = excluded.amount, entry_id = excluded.entry_id"""

SELECT_TOTALS = "SELECT account, amount FROM totals WHERE chain = ? AND denom = ?"
SELECT_TOTAL = "SELECT amount FROM totals WHERE chain = ? AND denom = ? AND account = ?"
SELECT_MOVED_LAST = """
SELECT t.account, t.amount, p.total FROM totals t LEFT JOIN postings p ON p.entry_id = t.entry_id
  AND p.account = t.account
WHERE t.chain = ? AND t.denom = ?"""
SELECT_PLACES = "SELECT DISTINCT chain, denom FROM totals ORDER BY chain, denom"
SELECT_AS_OF = """
SELECT total FROM postings WHERE chain = ? AND denom = ? AND account = ? AND booked_at <= ?
ORDER BY booked_at DESC, entry_id DESC LIMIT 1"""
SELECT_SAME = """
SELECT e.id, e.chain, e.denom, e.kind, e.ref, e.order_id, e.booked_at, p.account, p.amount
FROM entries e JOIN postings p ON p.entry_id = e.id
WHERE e.chain = ? AND e.denom = ? AND e.kind = ? AND e.ref = ? ORDER BY p.account"""
SELECT_KINDS = """
SELECT kind FROM entries WHERE chain = ? AND denom = ? AND ref = ?
  AND kind IN ('withdrawal', 'refund', 'transit', 'fee_taken')"""
SELECT_REFUND_REFS = """
SELECT ref FROM entries WHERE chain = ? AND denom = ? AND kind IN ('refund', 'transit', 'refund_of_withdrawal',
  'transit_of_withdrawal', 'refund_by_hand') AND ref >= ? AND ref < ? ORDER BY kind, ref"""
SELECT_OF_KIND = "SELECT kind FROM entries WHERE chain = ? AND denom = ? AND kind = ? AND ref = ?"
SELECT_OUT_OF_TX = """
SELECT e.id, e.chain, e.denom, e.kind, e.ref, e.order_id, e.booked_at, p.account, p.amount
FROM entries e JOIN postings p ON p.entry_id = e.id
WHERE e.chain = ? AND e.denom = ? AND e.kind IN ('withdrawal', 'fee_taken', 'income_outside') AND e.ref >= ?
  AND e.ref < ? ORDER BY e.kind, e.ref, p.account"""
SELECT_MOVED = """
SELECT booked_at, amount FROM postings WHERE chain = ? AND denom = ? AND account = ? AND booked_at >= ?
ORDER BY booked_at, entry_id"""
SELECT_RUNNING = """
SELECT entry_id, chain, denom, account, amount, total FROM postings WHERE entry_id > ? AND entry_id <= ?
ORDER BY entry_id, account"""
SELECT_OF_ORDER = """
SELECT e.id, e.chain, e.denom, e.kind, e.ref, e.order_id, e.booked_at, p.account, p.amount
FROM entries e JOIN postings p ON p.entry_id = e.id WHERE e.order_id = ? ORDER BY e.id, p.account"""
SELECT_SLICE = """
SELECT e.id, e.chain, e.denom, e.kind, e.ref, e.order_id, e.booked_at, p.account, p.amount
FROM entries e JOIN postings p ON p.entry_id = e.id WHERE e.id > ? AND e.id <= ? ORDER BY e.id, p.account"""
SELECT_LAST_ENTRY = "SELECT coalesce(max(id), 0) FROM entries"

_READ_AT_ONCE = 1000


class BookedEntry(NamedTuple):
    """An entry as it was booked: when, by the wall clock, and for which token if for one."""

    id: int
    entry: Entry
    order_id: str | None
    at: datetime


def post(tx: Transaction, entries: Iterable[Entry], at: datetime, *, order_id: str | None = None) -> list[Entry]:
    """Book entries and move the totals; those that weren't booked before.

    An entry is named by place, kind and ref: the same one again changes nothing.  Raises
    RuleBrokenError, which must take the whole transaction back, for other figures under a name that
    is booked, for an entry that doesn't keep both equations, for an account that ends below 0, and
    when the totals aren't what the last postings left.
    """
    listed = list(entries)
    for entry in listed:
        _require_balanced(entry)
    fresh = [entry for entry in listed if _add(tx, entry, order_id, time_text(at))]
    for place in dict.fromkeys(entry.place for entry in fresh):
        _require_sound(tx, place)
    return fresh


def book(reads: Reads, place: Place, as_of: datetime | None = None) -> Book:
    """The totals of one chain and denom, every account in it; `as_of` a moment of the wall clock."""
    totals = dict.fromkeys(Account, 0)
    if as_of is None:
        totals |= {Account(account): int(amount) for account, amount in reads.rows(SELECT_TOTALS, place)}
        return Book(totals)
    for account in Account:
        row = reads.row(SELECT_AS_OF, (*place, account, time_text(as_of)))
        totals[account] = int(row[0]) if row else 0
    return Book(totals)


def books(reads: Reads, as_of: datetime | None = None) -> dict[Place, Book]:
    """All books, by chain and denom."""
    places = [Place(*row) for row in reads.rows(SELECT_PLACES)]
    return {place: book(reads, place, as_of) for place in places}


def of_token(reads: Reads, order_id: str) -> list[BookedEntry]:
    """What was booked for a token, in order."""
    return list(_booked(reads.rows(SELECT_OF_ORDER, (order_id,))))


def kind_of_movement(reads: Reads, place: Place, ref: str) -> Kind | None:
    """What a movement out of the wallet was booked as when it was first read, None for one that wasn't."""
    row = reads.row(SELECT_KINDS, (*place, ref))
    return None if row is None else Kind(row[0])


def refund_refs(reads: Reads, place: Place, refund_id: str) -> list[str]:
    """What was booked as paying a refund: entries named by its id and the movement."""
    return [row[0] for row in reads.rows(SELECT_REFUND_REFS, (*place, f"{refund_id} ", f"{refund_id}!"))]


def is_booked(reads: Reads, place: Place, kind: Kind, ref: str) -> bool:
    """Whether an entry of exactly this name is there."""
    return reads.row(SELECT_OF_KIND, (*place, kind, ref)) is not None


def movements_of(reads: Reads, tx_hash: str) -> list[Entry]:
    """What a transaction moved beside payments and refunds, as it was booked when it was read."""
    span = (f"{tx_hash}/", f"{tx_hash}0")
    places = [Place(*row) for row in reads.rows(SELECT_PLACES)]
    return [one.entry for place in places for one in _booked(reads.rows(SELECT_OUT_OF_TX, (*place, *span)))]


class Moved(NamedTuple):
    """By how much an account changed, and when by the wall clock."""

    at: datetime
    amount: int


def moved(reads: Reads, place: Place, account: Account, since: datetime) -> Iterator[Moved]:
    """Every change of an account from a moment on, in its order."""
    rows = reads.rows(SELECT_MOVED, (*place, account, time_text(since)))
    return (Moved(read_time(at), int(amount)) for at, amount in rows)


def unsound(reads: Reads) -> list[tuple[Place, Account, int, int]]:
    """Accounts whose stored totals aren't what their postings add up to: the stored figure, and the right one.

    Each account is told once, by its first wrong running total, else by its total.  Use it inside `snapshot`.
    """
    sums: dict[tuple[Place, Account], int] = {}
    wrong: dict[tuple[Place, Account], tuple[int, int]] = {}
    last = int(reads.rows(SELECT_LAST_ENTRY)[0][0])
    for start in range(0, last, _READ_AT_ONCE):
        for _, chain, denom, account, amount, total in reads.rows(SELECT_RUNNING, (start, start + _READ_AT_ONCE)):
            name = Place(chain, denom), Account(account)
            sums[name] = sums.get(name, 0) + int(amount)
            if sums[name] != int(total):
                wrong.setdefault(name, (int(total), sums[name]))
    for place, kept in books(reads).items():
        for account, total in kept.totals.items():
            if total != sums.get((place, account), 0):
                wrong.setdefault((place, account), (total, sums.get((place, account), 0)))
    return [(place, account, stored, right) for (place, account), (stored, right) in sorted(wrong.items())]


def every(reads: Reads) -> Iterator[BookedEntry]:
    """All entries in order, read in slices: use it inside `snapshot`."""
    last = int(reads.rows(SELECT_LAST_ENTRY)[0][0])
    for start in range(0, last, _READ_AT_ONCE):
        yield from _booked(reads.rows(SELECT_SLICE, (start, start + _READ_AT_ONCE)))


def _require_balanced(entry: Entry) -> None:
    alone = money.books([entry])[entry.place]
    if alone.sources != alone.uses or alone.totals[Account.BALANCE] != alone.should_hold:
        raise RuleBrokenError(f"{entry.kind} of {entry.ref} doesn't add up by itself")


def _add(tx: Transaction, entry: Entry, order_id: str | None, at: str) -> bool:
    row = tx.execute(ADD_ENTRY, (*entry.place, entry.kind, entry.ref, order_id, at))
    if not row:
        _require_same(tx, entry)
        return False
    number = row[0][0]
    for account, amount in entry.postings:
        before = tx.row(SELECT_TOTAL, (*entry.place, account))
        total = str((int(before[0]) if before else 0) + amount)
        tx.execute(ADD_POSTING, (number, account, *entry.place, str(amount), total, at))
        tx.execute(SET_TOTAL, (*entry.place, account, total, number))
    return True


def _require_same(tx: Transaction, entry: Entry) -> None:
    for booked in _booked(tx.rows(SELECT_SAME, (*entry.place, entry.kind, entry.ref))):
        if sorted(booked.entry.postings) != sorted(entry.postings):
            raise RuleBrokenError(f"{entry.kind} of {entry.ref} is booked with other figures")


def _require_sound(tx: Transaction, place: Place) -> None:
    """Hold the totals to the last postings and to both equations."""
    rows = tx.rows(SELECT_MOVED_LAST, place)
    if any(amount != total for _, amount, total in rows):
        raise RuleBrokenError(f"the totals of {place} are not what the last postings left")
    now = book(tx, place)
    below = [account for account, amount in now.totals.items() if amount < 0]
    if below or now.sources != now.uses or now.totals[Account.BALANCE] != now.should_hold:
        raise RuleBrokenError(f"the books of {place} would not add up: {', '.join(below) or 'both sides differ'}")


def _booked(rows: Iterable[Row]) -> Iterator[BookedEntry]:
    for (number, chain, denom, kind, ref, order_id, at), postings in groupby(rows, key=lambda row: row[:7]):
        moved = tuple(Posting(Account(account), int(amount)) for *_, account, amount in postings)
        yield BookedEntry(number, Entry(Place(chain, denom), Kind(kind), ref, moved), order_id, read_time(at))
