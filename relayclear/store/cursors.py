"""How far each payee's chain has been read, where reading began, and heights that nobody can serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import json_text, read_json, read_optional_time, read_time, time_text

OPEN = """
INSERT INTO cursors (chain, payee, opening_height, opening, read_through, read_through_time, held, read_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chain, payee) DO NOTHING"""
LOWER_OPENING = """
UPDATE cursors SET opening_height = ?, opening = ? WHERE chain = ? AND payee = ? AND opening_height > ?
RETURNING chain"""
MOVE = """
UPDATE cursors SET read_through = ?, read_through_time = ?, held = coalesce(?, held), read_at = ?, failed_at = NULL,
  error = NULL
WHERE chain = ? AND payee = ? AND read_through <= ?"""
REWIND = """
UPDATE cursors SET read_through = ?, read_through_time = ?, held = ?
WHERE chain = ? AND payee = ? AND read_through > ? RETURNING chain"""
FAIL = "UPDATE cursors SET failed_at = ?, error = ? WHERE chain = ? AND payee = ?"

SELECT_CURSOR = """
SELECT chain, payee, opening_height, opening, read_through, read_through_time, held, read_at, failed_at, error
FROM cursors WHERE chain = ? AND payee = ?"""
SELECT_CURSORS = """
SELECT chain, payee, opening_height, opening, read_through, read_through_time, held, read_at, failed_at, error
FROM cursors ORDER BY chain, payee"""

ADD_GAP = """
INSERT INTO gaps (chain, payee, first_height, last_height, why, found_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, payee, first_height, last_height) DO NOTHING"""
ACCEPT_GAP = """
INSERT INTO gap_acceptances (gap_id, who, reason, accepted_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING gap_id"""
SELECT_GAP_ID = "SELECT id FROM gaps WHERE chain = ? AND payee = ? AND first_height = ? AND last_height = ?"
SELECT_GAPS = """
SELECT g.id, g.chain, g.payee, g.first_height, g.last_height, g.why, g.found_at, a.who, a.reason, a.accepted_at
FROM gaps g LEFT JOIN gap_acceptances a ON a.gap_id = g.id ORDER BY g.id"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a payee's chain has been read.

    `opening` is the balance (denom -> base units) at `opening_height`, where reading began; `held` the
    one at `read_through`, whose block time is `read_through_time`; `read_at`, `failed_at` are ours.
    `error` says what went wrong since the last good reading.
    """

    chain: str
    payee: str
    opening_height: int
    opening: Mapping[str, int]
    read_through: int
    read_through_time: datetime
    held: Mapping[str, int]
    read_at: datetime
    failed_at: datetime | None
    error: str | None


class Acceptance(NamedTuple):
    """Who let the reading pass a gap, why and when."""

    who: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Heights, both included, that no node could serve; reading passes them once somebody accepts that."""

    id: int
    chain: str
    payee: str
    first: int
    last: int
    why: str
    found_at: datetime
    accepted: Acceptance | None


def begin(
    tx: Transaction,
    chain: str,
    payee: str,
    height: int,
    height_time: datetime,
    opening: Mapping[str, int],
    at: datetime,
) -> Cursor:
    """Begin reading above a height, whose balances are the opening ones; a cursor that is there stays.

    `height_time` is the block's time, `at` ours.  The cursor as it stands.
    """
    amounts = _amounts_text(opening)
    tx.execute(OPEN, (chain, payee, height, amounts, height, time_text(height_time), amounts, time_text(at)))
    return _cursor(tx.rows(SELECT_CURSOR, (chain, payee))[0])


def lower_opening(tx: Transaction, chain: str, payee: str, height: int, opening: Mapping[str, int]) -> bool:
    """Move the opening below a payment that was found under it; False when it is as low already."""
    return bool(tx.execute(LOWER_OPENING, (height, _amounts_text(opening), chain, payee, height)))


def move(
    tx: Transaction,
    chain: str,
    payee: str,
    through: int,
    through_time: datetime,
    at: datetime,
    held: Mapping[str, int] | None = None,
) -> None:
    """All up to a height has been read, and the payee held so much there; a cursor that is further stays.

    Clears the last failure.
    """
    amounts = None if held is None else _amounts_text(held)
    tx.execute(MOVE, (through, time_text(through_time), amounts, time_text(at), chain, payee, through))


def rewind(
    tx: Transaction, chain: str, payee: str, through: int, through_time: datetime, held: Mapping[str, int]
) -> bool:
    """Take the reading back to a height, to read again what lies above; False when it was lower."""
    row = (through, time_text(through_time), _amounts_text(held))
    return bool(tx.execute(REWIND, (*row, chain, payee, through)))


def fail(tx: Transaction, chain: str, payee: str, error: str, at: datetime) -> None:
    """Keep what went wrong; how far was read stays."""
    tx.execute(FAIL, (time_text(at), error, chain, payee))


def find(reads: Reads, chain: str, payee: str) -> Cursor | None:
    """The cursor of a payee, None before reading began."""
    row = reads.row(SELECT_CURSOR, (chain, payee))
    return None if row is None else _cursor(row)


def every(reads: Reads) -> list[Cursor]:
    """All cursors, by chain and payee."""
    return [_cursor(row) for row in reads.rows(SELECT_CURSORS)]


def add_gap(tx: Transaction, chain: str, payee: str, first: int, last: int, why: str, at: datetime) -> int:
    """Keep heights that no node can serve; the gap's number, the same one each time."""
    tx.execute(ADD_GAP, (chain, payee, first, last, why, time_text(at)))
    return int(tx.rows(SELECT_GAP_ID, (chain, payee, first, last))[0][0])


def accept_gap(tx: Transaction, gap_id: int, who: str, reason: str, at: datetime) -> bool:
    """Let the reading pass a gap; False when somebody did before.  Raises RuleBrokenError for an unknown one."""
    return bool(tx.execute(ACCEPT_GAP, (gap_id, who, reason, time_text(at))))


def gaps(reads: Reads, chain: str = "", *, open_only: bool = False) -> list[Gap]:
    """Gaps in the order they were found, of one chain or all."""
    found = map(_gap, reads.rows(SELECT_GAPS))
    return [gap for gap in found if chain in {"", gap.chain} and not (open_only and gap.accepted)]


def _amounts_text(amounts: Mapping[str, int]) -> str:
    return json_text({denom: str(amount) for denom, amount in sorted(amounts.items())})


def _cursor(row: Row) -> Cursor:
    chain, payee, opening_height, opening, through, through_time, held, read_at, failed_at, error = row
    return Cursor(
        chain,
        payee,
        opening_height,
        _read_amounts(opening),
        through,
        read_time(through_time),
        _read_amounts(held),
        read_time(read_at),
        read_optional_time(failed_at),
        error,
    )


def _read_amounts(text: str) -> dict[str, int]:
    return {denom: int(amount) for denom, amount in read_json(text).items()}


def _gap(row: Row) -> Gap:
    gap_id, chain, payee, first, last, why, found_at, who, reason, accepted_at = row
    accepted = None if who is None else Acceptance(who, reason, read_time(accepted_at))
    return Gap(gap_id, chain, payee, first, last, why, read_time(found_at), accepted)
