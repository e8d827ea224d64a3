"""What the operator said of movements that nothing else explains: once and for ever."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import read_time, time_text

ADD = """
INSERT INTO assignments (chain, tx_hash, way, ordinal, denom, word, who, why, assigned_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT = """
SELECT chain, tx_hash, way, ordinal, denom, word, who, why, assigned_at FROM assignments
WHERE chain = ? AND tx_hash = ? AND way = ? AND ordinal = ? AND denom = ?"""


class Word(StrEnum):
    """What a movement was: the first three came in, the others went out.

    `WRITTEN_OFF` is said of an orphan: a payer's coins that nobody asked back, kept and booked as that.
    """

    DEPOSIT = "deposit"
    INCOME = "income"
    WRITTEN_OFF = "written_off"
    WITHDRAWAL = "withdrawal"
    EXPENSE = "expense"

    @property
    def incoming(self) -> bool:
        """Whether it says something of what came in."""
        return self in {Word.DEPOSIT, Word.INCOME, Word.WRITTEN_OFF}


class MovementId(NamedTuple):
    """What names a movement of a wallet for ever: the `ordinal`-th of its direction in the transaction."""

    chain: str
    tx_hash: str
    incoming: bool
    ordinal: int
    denom: str


class Assignment(NamedTuple):
    """What was said of a movement, by whom and why; `at` is the wall clock's."""

    movement: MovementId
    word: Word
    who: str
    why: str
    at: datetime


def add(tx: Transaction, said: Assignment) -> None:
    """Keep what was said.  Raises RuleBrokenError for a movement of which something is said already."""
    tx.execute(ADD, (*_key(said.movement), said.word, said.who, said.why, time_text(said.at)))


def find(reads: Reads, movement: MovementId) -> Assignment | None:
    """What was said of a movement, None where nothing was."""
    return next(map(_assignment, reads.rows(SELECT, _key(movement))), None)


def _key(movement: MovementId) -> tuple[str, str, str, int, str]:
    way = "in" if movement.incoming else "out"
    return movement.chain, movement.tx_hash, way, movement.ordinal, movement.denom


def _assignment(row: Row) -> Assignment:
    chain, tx_hash, way, ordinal, denom, word, who, why, at = row
    return Assignment(MovementId(chain, tx_hash, way == "in", ordinal, denom), Word(word), who, why, read_time(at))
