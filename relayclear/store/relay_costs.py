"""What clearing really cost: every transaction of the account that signed a run, each once, for its attempt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, coins_text, read_coins, read_time, time_text

ADD_MARK = """
INSERT INTO relay_marks (chain, address, moment, sequence, height, operation_id, attempt, marked_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (operation_id, attempt, chain, moment) DO NOTHING"""
ADD_COST = """
INSERT INTO relay_costs (chain, tx_hash, address, sequence, operation_id, attempt, fee, code, height, included_at,
  read_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING chain"""
ADD_UNREAD = "INSERT INTO unread_costs (operation_id, attempt, chain) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
DROP_UNREAD = "DELETE FROM unread_costs WHERE operation_id = ? AND attempt = ? AND chain = ?"

_MARK = "id, chain, address, sequence, height, operation_id, attempt"
# ruff: noqa: S608 - the texts joined here are the ones above
SELECT_UNREAD = "SELECT operation_id, attempt, chain FROM unread_costs ORDER BY operation_id, attempt, chain"
SELECT_MARK = f"""
SELECT {_MARK} FROM relay_marks WHERE operation_id = ? AND attempt = ? AND chain = ? AND moment = ?"""
SELECT_NEXT = f"""
SELECT {_MARK} FROM relay_marks WHERE chain = ? AND address = ? AND moment = 'before' AND id > ? ORDER BY id LIMIT 1"""
SELECT_PREVIOUS = f"""
SELECT {_MARK} FROM relay_marks WHERE chain = ? AND address = ? AND moment = 'before' AND id < ?
ORDER BY id DESC LIMIT 1"""
SELECT_LAST = "SELECT max(sequence) FROM relay_costs WHERE operation_id = ? AND attempt = ? AND chain = ?"
SELECT_KNOWN = "SELECT tx_hash FROM relay_costs WHERE chain = ? AND address = ? AND sequence = ?"
SELECT_OF_OPERATION = """
SELECT chain, tx_hash, address, sequence, operation_id, attempt, fee, code, height, included_at FROM relay_costs
WHERE operation_id = ? ORDER BY attempt, chain, sequence"""
SELECT_OF_OPERATIONS = """
SELECT chain, tx_hash, address, sequence, operation_id, attempt, fee, code, height, included_at FROM relay_costs
WHERE included_at <= ? AND operation_id IN (?*)"""

SELECT_SINCE = "SELECT fee FROM relay_costs WHERE chain = ? AND included_at > ? AND included_at <= ?"


class Moment(StrEnum):
    """When an account was looked at: before a run, or after one that ended by itself."""

    BEFORE = "before"
    AFTER = "after"


class Run(NamedTuple):
    """A run of Hermes, as one chain sees it."""

    operation_id: str
    attempt: int
    chain: str


class Mark(NamedTuple):
    """The next sequence of an account, and the newest block, at one end of a run."""

    id: int
    address: str
    sequence: int
    height: int
    run: Run


@dataclass(frozen=True, slots=True)
class RelayCost:
    """What one transaction of a run cost; `code` isn't 0 for one that failed, and was paid for all the same."""

    run: Run
    tx_hash: str
    address: str
    sequence: int
    fee: tuple[Coin, ...]
    code: int
    height: int
    at: datetime


def mark(tx: Transaction, run: Run, moment: Moment, place: tuple[str, int, int], at: datetime) -> None:
    """Keep the address, its next sequence and the newest height at one end of a run; the first time stands.

    Its transactions are to be read from then on, and those that the run before it sent late.
    """
    tx.execute(
        ADD_MARK, (run.chain, place[0], moment, place[1], place[2], run.operation_id, run.attempt, time_text(at))
    )
    tx.execute(ADD_UNREAD, run)
    kept = found(tx, run, Moment.BEFORE)
    before = _next(tx.rows(SELECT_PREVIOUS, (run.chain, kept.address, kept.id))) if kept is not None else None
    if before is not None and moment is Moment.BEFORE:
        tx.execute(ADD_UNREAD, before.run)


def unread(reads: Reads) -> list[Run]:
    """Runs of which not every transaction is read yet."""
    return [Run(*row) for row in reads.rows(SELECT_UNREAD)]


def finish(tx: Transaction, run: Run) -> None:
    """All of a run's transactions are read."""
    tx.execute(DROP_UNREAD, run)


def found(reads: Reads, run: Run, moment: Moment) -> Mark | None:
    """What was marked at one end of a run, None for nothing."""
    return _next(reads.rows(SELECT_MARK, (*run, moment)))


def following(reads: Reads, before: Mark) -> Mark | None:
    """Where the account stood when its next run began, None before there is one."""
    return _next(reads.rows(SELECT_NEXT, (before.run.chain, before.address, before.id)))


def next_to_read(reads: Reads, before: Mark) -> int:
    """The first sequence of a run whose transaction isn't read yet."""
    last = reads.rows(SELECT_LAST, before.run)[0][0]
    return before.sequence if last is None else max(before.sequence, int(last) + 1)


def is_known(reads: Reads, chain: str, address: str, sequence: int) -> bool:
    """Whether the transaction that used a sequence is booked, for whichever run."""
    return reads.row(SELECT_KNOWN, (chain, address, sequence)) is not None


def add(tx: Transaction, run: Run, use: SequenceUse, at: datetime) -> bool:
    """Book a transaction to the run that sent it; False for one that is booked."""
    told = (coins_text(use.fee), use.code, use.height, time_text(use.at), time_text(at))
    name = (run.chain, use.tx_hash, use.address, use.sequence, run.operation_id, run.attempt)
    return bool(tx.execute(ADD_COST, (*name, *told)))


def of_operation(reads: Reads, operation_id: str) -> list[RelayCost]:
    """What the runs of an operation cost, by attempt, chain and sequence."""
    return [_cost(row) for row in reads.rows(SELECT_OF_OPERATION, (operation_id,))]


def of_operations(
    reads: Reads, operation_ids: Iterable[str], as_of: datetime | None = None
) -> dict[str, list[RelayCost]]:
    """What the runs of several operations cost, by operation, in no order; those that cost nothing are left out.

    `as_of` leaves out what was in no block by then.
    """
    found: dict[str, list[RelayCost]] = {}
    until = FOR_EVER if as_of is None else time_text(as_of)
    for row in reads.rows_in(SELECT_OF_OPERATIONS, (until,), operation_ids):
        cost = _cost(row)
        found.setdefault(cost.run.operation_id, []).append(cost)
    return found


def between(reads: Reads, chain: str, since: datetime, until: datetime | None) -> dict[str, int]:
    """What all runs together paid on a chain in a span of block time, None for no end: base units by denom."""
    found: dict[str, int] = {}
    for (fee,) in reads.rows(SELECT_SINCE, (chain, time_text(since), FOR_EVER if until is None else time_text(until))):
        for coin in read_coins(fee):
            found[coin.denom] = found.get(coin.denom, 0) + coin.amount
    return found


def _next(rows: Iterable[Row]) -> Mark | None:
    for number, chain, address, sequence, height, operation_id, attempt in rows:
        return Mark(number, address, sequence, height, Run(operation_id, attempt, chain))
    return None


def _cost(row: Row) -> RelayCost:
    chain, tx_hash, address, sequence, operation_id, attempt, fee, code, height, at = row
    run = Run(operation_id, attempt, chain)
    return RelayCost(run, tx_hash, address, sequence, read_coins(fee), code, height, read_time(at))
