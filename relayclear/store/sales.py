"""What ties a token to its work: the operation, the frozen allocation, the verdicts, the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.fate import Doer
from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.payment import PaymentId
from relayclear.money.settlement import Allocation
from relayclear.store import token_states
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import optional_time_text, read_optional_time, read_time, time_text

ADD_SALE = "INSERT INTO sales (order_id, operation_id, made_at) VALUES (?, ?, ?)"
ADD_START = """
INSERT INTO sale_starts (order_id, started_at, credited_at, deadline_at, credited_tx, credited_ordinal, credited_denom)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
ADD_ALLOCATION = """
INSERT INTO allocations (order_id, chain, tx_hash, ordinal, denom, applied) VALUES (?, ?, ?, ?, ?, ?)"""
ADD_END = "INSERT INTO sale_ends (order_id, ended_at, why) VALUES (?, ?, ?)"
ADD_VERDICT = """
INSERT INTO verdicts (order_id, chain, port, channel, sequence, result, reason, doer, tx_hash, done_at, who, judged_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_REQUEST = "INSERT INTO requests (order_id, word, who, why, asked_at) VALUES (?, ?, ?, ?, ?) RETURNING id"

SET_OPEN = """
INSERT INTO open_sales (order_id, chain, deadline_at) SELECT order_id, chain, ? FROM tokens WHERE order_id = ?
ON CONFLICT (order_id) DO UPDATE SET deadline_at = excluded.deadline_at"""
DROP_OPEN = "DELETE FROM open_sales WHERE order_id = ?"

SELECT_SALE = """
SELECT t.order_id, t.chain, s.operation_id, s.made_at, b.started_at, b.credited_at, b.deadline_at, b.credited_tx,
  b.credited_ordinal, b.credited_denom, e.ended_at, e.why
FROM tokens t LEFT JOIN sales s ON s.order_id = t.order_id LEFT JOIN sale_starts b ON b.order_id = t.order_id
  LEFT JOIN sale_ends e ON e.order_id = t.order_id
WHERE t.order_id = ?"""
SELECT_ALLOCATIONS = """
SELECT chain, tx_hash, ordinal, denom, applied FROM allocations WHERE order_id = ?
ORDER BY chain, tx_hash, ordinal, denom"""
SELECT_OF_OPERATION = "SELECT order_id FROM sales WHERE operation_id = ?"
SELECT_OPEN_WORK = "SELECT s.operation_id FROM open_sales o JOIN sales s ON s.order_id = o.order_id"
SELECT_OPEN = "SELECT order_id, chain, deadline_at FROM open_sales ORDER BY chain, deadline_at, order_id"
SELECT_DUE = """
SELECT order_id FROM open_sales WHERE chain = ? AND deadline_at < ? ORDER BY deadline_at, order_id"""
SELECT_VERDICTS = """
SELECT chain, port, channel, sequence, result, reason, doer, tx_hash, done_at, who, judged_at
FROM verdicts WHERE order_id = ? ORDER BY chain, port, channel, sequence"""
SELECT_EARNED = """
SELECT order_id FROM verdicts WHERE chain = ? AND port = ? AND channel = ? AND sequence = ? AND result = 'earned'"""
SELECT_REQUESTS = "SELECT id, word, who, why, asked_at FROM requests WHERE order_id = ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class Start:
    """The moment, ours, from which allocation and deadline stand; their times are block times of the paying chain."""

    at: datetime
    allocation: Allocation
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Sale:
    """A token's work: its operation once paid, the start, the end with why; each None before it was."""

    order_id: str
    chain: str
    operation_id: str | None
    made_at: datetime | None
    start: Start | None
    ended_at: datetime | None
    ended_why: str | None


class OpenSale(NamedTuple):
    """Paid and not ended.  `deadline` is that of the settlement as last worked out."""

    order_id: str
    chain: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """The final word on one packet's share, and what it rests on.

    `tx` and `done_at` (block time) are the deciding transaction's, None where nothing was done;
    `who` is ``rules``, or the person who approved.
    """

    packet: PacketKey
    verdict: PacketVerdict
    doer: Doer
    tx: str | None
    done_at: datetime | None
    who: str
    judged_at: datetime


class Request(NamedTuple):
    """What the operator asked of a token's work: ``clear``, ``retry`` or ``cancel``."""

    id: int
    word: str
    who: str
    why: str
    at: datetime


def link(tx: Transaction, order_id: str, operation_id: str, deadline: datetime, at: datetime) -> None:
    """Give a paid token its operation, which must be there.  It is ``paid`` from now on.

    Raises RuleBrokenError when the token or the operation has one already.
    """
    tx.execute(ADD_SALE, (order_id, operation_id, time_text(at)))
    set_deadline(tx, order_id, deadline)
    token_states.move(tx, order_id, "paid", at)


def set_deadline(tx: Transaction, order_id: str, deadline: datetime) -> None:
    """A payment found later moved the deadline of a sale that hasn't started."""
    tx.execute(SET_OPEN, (time_text(deadline), order_id))


def start(tx: Transaction, order_id: str, allocation: Allocation, deadline: datetime, at: datetime) -> None:
    """Freeze allocation and deadline: with the first attempt, or with the first verdict where none ran.

    Raises RuleBrokenError the second time, ValueError for an allocation that doesn't cover the price.
    """
    if allocation.credited_at is None:
        raise ValueError("work starts when the price is covered")
    credited = allocation.credited
    paid = (None, None, None) if credited is None else (credited.tx, credited.k, credited.denom)
    times = (time_text(at), time_text(allocation.credited_at), time_text(deadline))
    tx.execute(ADD_START, (order_id, *times, *paid))
    tx.execute_each(
        ADD_ALLOCATION, [(order_id, *payment, str(applied)) for payment, applied in allocation.applied.items()]
    )
    set_deadline(tx, order_id, deadline)
    token_states.move(tx, order_id, "clearing", at)


def end(tx: Transaction, order_id: str, why: str, at: datetime) -> None:
    """End a token's work, with the reason's word.  The state that follows is the caller's to say."""
    tx.execute(ADD_END, (order_id, time_text(at), why))
    tx.execute(DROP_OPEN, (order_id,))


def find(reads: Reads, order_id: str) -> Sale | None:
    """A token's work; None for an unknown token."""
    row = reads.row(SELECT_SALE, (order_id,))
    if row is None:
        return None
    _, chain, operation_id, made_at, started_at, *_, ended_at, why = row
    begun = None if started_at is None else _start(reads, row)
    return Sale(order_id, chain, operation_id, read_optional_time(made_at), begun, read_optional_time(ended_at), why)


def of_operation(reads: Reads, operation_id: str) -> str | None:
    """The order id of the token that an operation works for, None for an operator's own request."""
    row = reads.row(SELECT_OF_OPERATION, (operation_id,))
    return row[0] if row else None


def open_sales(reads: Reads) -> list[OpenSale]:
    """Sales that are paid and not ended, per chain by their deadline."""
    return [OpenSale(order_id, chain, read_time(text)) for order_id, chain, text in reads.rows(SELECT_OPEN)]


def open_work(reads: Reads) -> set[str]:
    """The operations that work for a token whose work isn't over."""
    return {row[0] for row in reads.rows(SELECT_OPEN_WORK)}


def due(reads: Reads, chain: str, through: datetime) -> list[str]:
    """Order ids of open sales whose deadline lies before a block time of their paying chain."""
    return [row[0] for row in reads.rows(SELECT_DUE, (chain, time_text(through)))]


def add_verdict(tx: Transaction, order_id: str, verdict: StoredVerdict) -> None:
    """Write the final word on a packet.  Raises ValueError for one that isn't final.

    Raises RuleBrokenError when it has one, when the packet isn't the token's, and when another token
    has earned it.
    """
    if not verdict.verdict.final:
        raise ValueError(f"{verdict.verdict.result} is not a final word")
    words = (verdict.verdict.result, verdict.verdict.reason, verdict.doer, verdict.tx)
    told = (optional_time_text(verdict.done_at), verdict.who, time_text(verdict.judged_at))
    tx.execute(ADD_VERDICT, (order_id, *verdict.packet, *words, *told))


def verdicts(reads: Reads, order_id: str) -> dict[PacketKey, StoredVerdict]:
    """The final words on a token's packets; those without one are left out."""
    found = (_verdict(row) for row in reads.rows(SELECT_VERDICTS, (order_id,)))
    return {verdict.packet: verdict for verdict in found}


def earned_by(reads: Reads, packet: PacketKey) -> str | None:
    """The order id of the token that has earned a packet, None where none has."""
    row = reads.row(SELECT_EARNED, tuple(packet))
    return row[0] if row else None


def ask(tx: Transaction, order_id: str, word: str, who: str, why: str, at: datetime) -> int:
    """Keep what the operator asks of a token's work (``clear``, ``retry``, ``cancel``); its number."""
    return int(tx.execute(ADD_REQUEST, (order_id, word, who, why, time_text(at)))[0][0])


def requests(reads: Reads, order_id: str) -> list[Request]:
    """What was asked of a token's work, oldest first."""
    rows = reads.rows(SELECT_REQUESTS, (order_id,))
    return [Request(number, word, who, why, read_time(at)) for number, word, who, why, at in rows]


def _start(reads: Reads, row: Row) -> Start:
    order_id, chain, _, _, started_at, credited_at, deadline_at, *paid, _, _ = row
    applied: Mapping[PaymentId, int] = {
        PaymentId(*key): int(amount) for *key, amount in reads.rows(SELECT_ALLOCATIONS, (order_id,))
    }
    credited = None if paid[0] is None else PaymentId(chain, *paid)
    return Start(read_time(started_at), Allocation(applied, credited, read_time(credited_at)), read_time(deadline_at))


def _verdict(row: Row) -> StoredVerdict:
    *key, result, reason, doer, tx_hash, done_at, who, judged_at = row
    return StoredVerdict(
        PacketKey(*key),
        PacketVerdict(Result(result), Reason(reason)),
        Doer(doer),
        tx_hash,
        read_optional_time(done_at),
        who,
        read_time(judged_at),
    )
