"""A wish that is granted once: its idempotency key, its words, and the answer that both get for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relayclear.errors import RelayclearError
from relayclear.store import answers
from relayclear.store.db import Database, Reads, Transaction


class AnsweredError(RelayclearError):
    """The key was answered before, with the same words: nothing was done, and `answer` is to be given again."""

    code = "answered_before"
    usual = "another --idempotency-key asks anew"

    def __init__(self, answer: Any) -> None:
        """Keep what was answered."""
        super().__init__("this was asked for and done before, with the same idempotency key")
        self.answer = answer


def as_it_is(_: Reads, done: Any) -> Any:
    """What was done is its own answer."""
    return done


@dataclass(frozen=True, slots=True)
class Once:
    """A key and the words it came with; without a key nothing is looked up or kept.

    `told` makes the answer, a JSON value, of what was done; it may read inside the same transaction.
    Whoever acts calls `begin` first and `keep` last in the transaction that acts, so that of a
    repeat, a crash in between and two processes at once each finds the answer or nothing done.
    """

    key: str | None = None
    words: tuple[str, ...] = ()
    told: Callable[[Reads, Any], Any] = as_it_is

    def answer(self, reads: Reads) -> Any:
        """What was answered, None before the first time.  Raises RefusedError for other words."""
        return None if self.key is None else answers.answer(reads, self.key, self.words)

    def begin(self, reads: Reads) -> None:
        """Raises AnsweredError where it was granted before, RefusedError where the key had other words."""
        found = self.answer(reads)
        if found is not None:
            raise AnsweredError(found)

    def keep(self, tx: Transaction, done: Any, at: datetime) -> None:
        """Keep the answer in the commit of what it tells of."""
        if self.key is not None:
            answers.remember_answer(tx, self.key, self.words, self.told(tx, done), at)

    def close(self, database: Database, done: Any, at: datetime) -> None:
        """Keep the answer in a commit of its own, of acts that change nothing when they are repeated."""
        if self.key is not None:
            with database.atomic() as tx:
                self.begin(tx)
                self.keep(tx, done, at)


ANEW = Once()
"""A wish without a key: done as often as it is asked for."""
