"""What is asked of the books, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.store.assignments import Assignment, Word


@dataclass(frozen=True, slots=True)
class AssignRequest:
    """Which movements are meant, and what they were.

    `tx_hash` is the whole hash.  `output` counts the wallet's `coin_received` of the transaction for a
    deposit or income, its `coin_spent` otherwise, from 0; None and "" mean all of that direction that
    nothing explains.
    """

    tx_hash: str
    word: Word
    reason: str
    output: int | None = None
    denom: str = ""
    chain: str = ""


class Assigned(NamedTuple):
    """One movement, its amount, and what stands said of it; `settled`: the wallet may sign again as far as it goes."""

    said: Assignment
    coin: Coin


@dataclass(frozen=True, slots=True)
class Said:
    """What a request came to: its movements, and whether its transaction held up refunds and no longer does."""

    assigned: tuple[Assigned, ...]
    settled: bool
