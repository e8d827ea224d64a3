"""Refunds for a screen: what waits and why, what is under way, what has ended; no node is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from relayclear.money.refund_state import AWAY, RefundState
from relayclear.store import cursors, dues, history, refunds
from relayclear.store.db import Database, Reads
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_dues import list_owed
from relayclear.usecases.refund_view import RefundView, views_in

T = TypeVar("T")

OWED_SHOWN = 100
"""Payments whose debts are worked out: each takes a millisecond or two, for every token is read and checked anew."""

SHOWN = 200
_UNDER_WAY = AWAY | {RefundState.APPROVED}
_SMALL = frozenset({RefundState.DUST, RefundState.BELOW_COST})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What isn't back with its payer: first what a person has to decide, then what goes on by itself.

    `undecided` payments are owed something, `under_way` refunds were approved and haven't ended: there may be more
    than `rows` shows.
    """

    rows: tuple[RefundView, ...]
    undecided: int
    under_way: int

    @property
    def asks(self) -> int:
        """How many of the rows wait for a person's yes."""
        return sum(waits_for_yes(row) for row in self.rows)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.undecided <= OWED_SHOWN and self.under_way <= SHOWN


@dataclass(frozen=True, slots=True)
class Ended:
    """Refunds that are over, those that ended last first; `more` where older ones are left out."""

    rows: tuple[RefundView, ...]
    more: bool


def waits_for_yes(view: RefundView) -> bool:
    """Whether nobody has decided, somebody has to, and could."""
    return view.state is RefundState.OWED and bool(view.gates) and view.to is not None


class RefundBoard:
    """One reader's memory: what is owed is worked out again only after something happened."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._owed: tuple[Database, object, list[RefundView]] | None = None
        self._waiting = Waiting((), 0, 0)
        self._ended = Ended((), more=False)

    def waiting(self, desk: Desk) -> Waiting:
        """As of now; the same object as before where nothing changed.  Raises StoreError."""
        database = desk.journal.database
        with database.snapshot() as reads:
            mark = (history.last(reads), dues.count(reads), int(desk.clock.now().timestamp()) // 60)
            known = self._owed
            if known is None or known[0] is not database or known[1] != mark:
                known = self._owed = (database, mark, views_in(reads, list_owed(desk, reads, most=OWED_SHOWN)))
            states = sorted(_UNDER_WAY)
            away = views_in(reads, reversed(refunds.page(reads, SHOWN, states=states)))
            under_way = sum(refunds.count(reads, state) for state in states)
        rows = tuple(sorted([*known[2], *away], key=_urgency))
        self._waiting = _same(self._waiting, Waiting(rows, mark[1], under_way))
        return self._waiting

    def ended(self, desk: Desk, as_of: datetime | None) -> Ended:
        """As of now or of a time: what has ended stays as it ended.  Raises StoreError."""
        until = desk.clock.now() if as_of is None else as_of
        with desk.journal.database.snapshot() as reads:
            found = sorted(_ended(reads, until), key=lambda one: (one.since, one.id), reverse=True)
        self._ended = _same(self._ended, Ended(tuple(found[:SHOWN]), len(found) > SHOWN))
        return self._ended


def _ended(reads: Reads, until: datetime) -> Iterator[RefundView]:
    # By the payees that were ever read: a chain that left the config still owes its past.
    for chain in sorted({one.chain for one in cursors.every(reads)}):
        yield from views_in(reads, refunds.ended(reads, chain, until, SHOWN + 1))


def _urgency(view: RefundView) -> tuple[int, datetime, str]:
    if waits_for_yes(view):
        place = 0
    elif view.state is RefundState.NEEDS_CLAIM:
        place = 2
    else:
        place = 3 if view.state in _SMALL else 1
    return place, view.since, view.id


def _same(before: T, now: T) -> T:
    return before if before == now else now
