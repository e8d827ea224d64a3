"""What is owed back and not decided yet, and packets that only a person can judge: lists, never a source of truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict, Reason, Result
from relayclear.money.payment import PaymentId
from relayclear.store.db import Reads, Transaction
from relayclear.store.values import read_time, time_text

ADD_DUE = """
INSERT INTO dues (chain, tx_hash, ordinal, denom, order_id, since) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, tx_hash, ordinal, denom) DO NOTHING"""
DROP_DUE = "DELETE FROM dues WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ?"
ADD_UNDECIDED = """
INSERT INTO undecided (order_id, chain, port, channel, sequence, reason, since) VALUES (?, ?, ?, ?, ?, ?, ?)"""
DROP_UNDECIDED = "DELETE FROM undecided WHERE order_id = ?"

SELECT_OF_ORDER = "SELECT chain, tx_hash, ordinal, denom, order_id, since FROM dues WHERE order_id = ? ORDER BY since"
SELECT_PAGE = """
SELECT chain, tx_hash, ordinal, denom, order_id, since FROM dues
ORDER BY since, chain, tx_hash, ordinal, denom LIMIT ? OFFSET ?"""
SELECT_COUNT = "SELECT count(*) FROM dues"
SELECT_UNDECIDED = """
SELECT chain, port, channel, sequence, reason, since FROM undecided WHERE order_id = ?
ORDER BY chain, port, channel, sequence"""


class Due(NamedTuple):
    """A payment of which something is owed back, the token it is for, and since when by the wall clock."""

    payment: PaymentId
    order_id: str
    since: datetime


def restate(tx: Transaction, order_id: str, payments: Iterable[PaymentId], at: datetime) -> None:
    """Say of which payments of a token something is owed back now; those that were due stay so since then."""
    now = set(payments)
    for due in of_token(tx, order_id):
        if due.payment not in now:
            tx.execute(DROP_DUE, due.payment)
    for payment in sorted(now):
        tx.execute(ADD_DUE, (*payment, order_id, time_text(at)))


def of_token(reads: Reads, order_id: str) -> list[Due]:
    """What is owed back of a token's payments."""
    return [_due(row) for row in reads.rows(SELECT_OF_ORDER, (order_id,))]


def page(reads: Reads, limit: int, offset: int = 0) -> list[Due]:
    """A page of all that is owed, oldest first."""
    return [_due(row) for row in reads.rows(SELECT_PAGE, (limit, offset))]


def count(reads: Reads) -> int:
    """How many payments something is owed back of."""
    return int(reads.rows(SELECT_COUNT)[0][0])


def await_person(tx: Transaction, order_id: str, verdicts: Mapping[PacketKey, PacketVerdict], at: datetime) -> bool:
    """Say which packets of a token wait for a person; False where that is known already."""
    wanted = {key: verdict.reason.value for key, verdict in verdicts.items() if verdict.result is Result.APPROVE}
    if wanted == {key: verdict.reason.value for key, verdict in undecided(tx, order_id).items()}:
        return False
    tx.execute(DROP_UNDECIDED, (order_id,))
    tx.execute_each(ADD_UNDECIDED, [(order_id, *key, reason, time_text(at)) for key, reason in sorted(wanted.items())])
    return True


def undecided(reads: Reads, order_id: str) -> dict[PacketKey, PacketVerdict]:
    """The packets of a token that wait for a person, with why."""
    return {
        PacketKey(*key): PacketVerdict(Result.APPROVE, Reason(reason))
        for *key, reason, _ in reads.rows(SELECT_UNDECIDED, (order_id,))
    }


def _due(row: tuple[str, str, int, str, str, str]) -> Due:
    chain, tx_hash, ordinal, denom, order_id, since = row
    return Due(PaymentId(chain, tx_hash, ordinal, denom), order_id, read_time(since))
