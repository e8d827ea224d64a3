"""What `stats` adds up, kept up to date: whoever asks every few seconds can't read all operations each time.

Operations that ended stand in the sums; those that may still change are read anew with every question,
and so is what the history says something happened to.  The history is written in the commit of what
it tells of, so nothing is missed.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from relayclear.clearing.operation import Operation, OperationState
from relayclear.ibc.fate import Fate
from relayclear.store import history, operations, sales, tokens
from relayclear.store.db import Database, Reads
from relayclear.store.operations import Mark
from relayclear.usecases.stats import Denom, alone

WAITS = (15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
"""Upper bounds, in seconds, of the buckets that waits from payment to cleared are counted in."""

# Of so many that ended lately it is remembered what each added; an older one that moves once more costs a recount.
_REMEMBERED = 4096
_BEGINNING: Mark = ("", "")


class Part(NamedTuple):
    """What one operation adds to the sums."""

    state: OperationState
    fates: tuple[tuple[Fate, int], ...]
    by_us: int
    sold: int
    waits: tuple[int, ...]
    earned: tuple[tuple[Denom, int], ...]


@dataclass
class Sums:
    """The sums; `waits` counts by bucket, the last for longer ones, `waited` is seconds of them all."""

    asked: Counter[int] = field(default_factory=Counter)
    states: Counter[OperationState] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    by_us: int = 0
    earned: Counter[Denom] = field(default_factory=Counter)
    waits: list[int] = field(default_factory=lambda: [0] * (len(WAITS) + 1))
    waited: int = 0

    def add(self, part: Part, times: int = 1) -> None:
        """Add a part; -1 times takes it away."""
        self.asked[part.sold] += times
        self.states[part.state] += times
        self.by_us += times * part.by_us
        for fate, count in part.fates:
            self.fates[fate] += times * count
        for denom, amount in part.earned:
            self.earned[denom] += times * amount
        for wait in part.waits:
            self.waits[bisect_left(WAITS, wait)] += times
            self.waited += times * wait


class Tally:
    """The sums over one database.  `sums` is None until everything was read once: unknown is not zero."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database
        self._begin()

    def _begin(self) -> None:
        self._sums = Sums()
        self._whole = False
        self._mark = _BEGINNING
        self._event: int | None = None
        self._live: dict[str, Part] = {}
        self._ended: OrderedDict[str, Part] = OrderedDict()

    @property
    def sums(self) -> Sums | None:
        """The sums, None where not everything was read yet."""
        return self._sums if self._whole else None

    async def catch_up(self) -> Sums:
        """Read what is new, in slices that let others go on.  Raises StoreError."""
        while True:
            if self.step():
                return self._sums
            await asyncio.sleep(0)

    def step(self) -> bool:
        """Read one slice; True when there is no more.  Raises StoreError."""
        with self._database.snapshot() as reads:
            if self._event is None:
                # Before the first slice: what happens while it is read is looked at once more.
                self._event = history.last(reads)
            found = operations.following(reads, self._mark)
            for operation in found:
                self._mark = operations.mark_of(operation)
                # Live until looked at again: only then it is known whether anything still works on it.
                self._live[operation.id] = self._counted(reads, operation)
            if found and len(self._live) < _REMEMBERED:
                return False
            self._whole = self._refreshed(reads) and not found
            return self._whole

    def _counted(self, reads: Reads, operation: Operation) -> Part:
        part = part_of(reads, operation)
        self._sums.add(part)
        return part

    def _refreshed(self, reads: Reads) -> bool:
        """Look again at what may have changed; False where all has to be counted anew."""
        self._event, touched = history.touched(reads, self._event or 0)
        moving = {operation.id for operation in operations.unfinished(reads)} | sales.open_work(reads)
        again = operations.load(reads, sorted({*self._live, *touched, *moving}))
        for operation in again:
            if operations.mark_of(operation) > self._mark:
                continue
            before = self._live.pop(operation.id, None) or self._ended.pop(operation.id, None)
            if before is None:
                self._begin()
                return False
            self._sums.add(before, -1)
            (self._live if operation.id in moving else self._ended)[operation.id] = self._counted(reads, operation)
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        return True


def part_of(reads: Reads, operation: Operation) -> Part:
    """What one operation adds, by the rules of `stats`; a packet of several clears counts in each that tried it."""
    order_id = sales.of_operation(reads, operation.id)
    stored = None if order_id is None else tokens.get(reads, order_id)
    found = alone(reads, operation, stored)
    (state,) = found.states
    return Part(
        state,
        tuple(sorted(found.fates.items())),
        found.by_us,
        found.sold,
        tuple(found.waits),
        tuple(sorted(found.earned.items())),
    )
