"""Which books don't add up: one answer for health, alerts and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from relayclear.money.ledger import Account, Book, Place
from relayclear.store import audits, cursors
from relayclear.store.audits import KeptAudit
from relayclear.store.db import Reads


class Unbalanced(NamedTuple):
    """Books that are off: of one denom where the store alone shows it, of the whole chain where an audit found it."""

    chain: str
    denom: str | None
    audit: KeptAudit | None

    @property
    def subject(self) -> str:
        """What it is called: ``CHAIN``, or ``CHAIN/DENOM``."""
        return self.chain if self.denom is None else f"{self.chain}/{self.denom}"


def unbalanced(reads: Reads, books: Mapping[Place, Book]) -> list[Unbalanced]:
    """Books whose totals break an equation or lie below zero, and chains whose last whole audit found something.

    `books` are all that there are, as `reads` has them.
    """
    wrong = [Unbalanced(place.chain, place.denom, None) for place, book in books.items() if not adds_up(book)]
    for chain in sorted({cursor.chain for cursor in cursors.every(reads)}):
        last = audits.find(reads, chain)
        if last is not None and not last.agrees:
            wrong.append(Unbalanced(chain, None, last))
    return wrong


def adds_up(book: Book) -> bool:
    """Whether both equations hold, and no account lies below zero."""
    whole = book.sources == book.uses and book.totals[Account.BALANCE] == book.should_hold
    return whole and min(book.totals.values()) >= 0
