"""The facts that health is judged by, gathered from the database: what the daemon noted, and what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from relayclear.clearing.health import ChainSigns, Facts, FailedRefund, Gas, Reading, Sign, Watching
from relayclear.errors import StoreError
from relayclear.money.ledger import Book, Place
from relayclear.money.refund_state import DEAD, Said
from relayclear.store import breakers, cursors, dues, ledger, refunds, sales, stops, tasks, vitals, watchers
from relayclear.store.cursors import Cursor
from relayclear.store.db import Reads
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.alive import watch_lives
from relayclear.usecases.books_off import unbalanced
from relayclear.usecases.breakers_acts import views
from relayclear.usecases.desk import Desk
from relayclear.usecases.tokens_view import memo_of

# More than a page of the same trouble tells nobody more.
_LISTED = 50
_FAILED = frozenset({Said.FAILED, Said.RETURNED})

Books = Mapping[Place, Book]
Vitals = Mapping[tuple[Kind, str], Vital]


def gather(desk: Desk) -> Facts:
    """Read everything, of one moment.  Raises StoreError."""
    with remembering(desk) as found:
        return found.facts


class Remembered(NamedTuple):
    """One moment of what is remembered: the facts, and what was read for them."""

    reads: Reads
    noted: Vitals
    books: Books
    facts: Facts


@contextmanager
def remembering(desk: Desk) -> Iterator[Remembered]:
    """One moment, held as long as whoever asks makes something of it.  Raises StoreError."""
    # Before the snapshot: the lock is a file's, not the database's.
    alive, now = lives(desk), desk.clock.now()
    with desk.journal.database.snapshot() as reads:
        noted, books = vitals_of(reads), ledger.books(reads)
        yield Remembered(reads, noted, books, _facts(desk, reads, (noted, books), now, alive=alive))


def _facts(desk: Desk, reads: Reads, read: tuple[Vitals, Books], now: datetime, *, alive: bool) -> Facts:
    noted, books = read
    failed = _failed_refunds(reads)
    return Facts(
        now=now,
        watching=_watching(reads, alive=alive),
        chains=tuple(_chain(desk, reads, noted, chain, now, failed.get(chain, ())) for chain in sorted(desk.chains)),
        hermes=tuple(_sign(noted, Kind.HERMES, one.config) for one in desk.instances),
        # All that were open lately, as they stand now.
        breakers=tuple(views(desk, breakers.every(reads), now)),
        dead=_given_up(reads),
        overdue=_overdue(reads, now),
        unbalanced=tuple(one.subject for one in unbalanced(reads, books)),
    )


def lives(desk: Desk) -> bool:
    """Whether a daemon holds the database now; no where nobody can tell."""
    try:
        return watch_lives(desk)
    except StoreError:
        # A lock that can't be read, or a database in memory: nobody can watch there.
        return False


def vitals_of(reads: Reads) -> Vitals:
    """What was noted, by what it is of."""
    return {(one.kind, one.name): one for one in vitals.every(reads)}


def _watching(reads: Reads, *, alive: bool) -> Watching:
    found = watchers.find(reads)
    if found is None:
        return Watching(alive)
    return Watching(alive, found.beat_at, _troubles(found.doing))


def _troubles(doing: Mapping[str, Any]) -> Mapping[str, str]:
    said = doing.get("troubles", {})
    return {str(task): str(words) for task, words in said.items()} if isinstance(said, dict) else {}


def _chain(
    desk: Desk, reads: Reads, found: Vitals, chain: str, now: datetime, failed: Iterable[FailedRefund]
) -> ChainSigns:
    sells = desk.shop is not None and chain in desk.shop.payees
    stop = stops.standing(reads, chain) if sells else None
    # All that are configured: one that was never asked still stands in for one whose breaker is open.
    names = [f"{chain}/{url}" for url in desk.endpoints_of(chain)]
    roles = ["daemon", "clearing"] if chain in desk.clearing_keys else ["daemon"]
    return ChainSigns(
        sign=_sign(found, Kind.CHAIN, chain),
        endpoints=tuple(_sign(found, Kind.ENDPOINT, name) for name in names),
        hermes=tuple(one.config for one in desk.instances if chain in one.chains),
        sells=sells,
        reading=_reading(cursors.every(reads), chain, now) if sells else None,
        stopped=None if stop is None else stop.why,
        stopped_at=None if stop is None else stop.at,
        gas=tuple(_gas(found, f"{chain}/{role}") for role in roles),
        failed=tuple(failed),
    )


def _failed_refunds(reads: Reads) -> dict[str, list[FailedRefund]]:
    """The newest that failed for good or came back, by chain, as long as nobody has said yes to what is owed since."""
    found: dict[str, list[FailedRefund]] = {}
    for one in refunds.page(reads, _LISTED, states=DEAD):
        if refunds.of_payment(reads, one.payment)[-1].id != one.id:
            continue
        if not any(due.payment == one.payment for due in dues.of_token(reads, one.order_id)):
            continue
        # One that was claimed for another address, or of which less is owed now, was taken back and didn't fail.
        said = (each for each in reversed(refunds.events(reads, one.id)) if each.word in _FAILED)
        if (failed := next(said, None)) is not None:
            found.setdefault(one.chain, []).append(FailedRefund(one.id, one.since or one.made_at, failed.why))
    return found


def _sign(found: Vitals, kind: Kind, name: str) -> Sign:
    vital = found.get((kind, name))
    return Sign(name) if vital is None else Sign(name, vital.tried_at, vital.good_at, vital.error)


def _gas(found: Vitals, name: str) -> Gas:
    vital = found.get((Kind.GAS, name))
    return Gas(_sign(found, Kind.GAS, name), None if vital is None else vital.detail.get("relays"))


def _reading(read: Iterable[Cursor], chain: str, now: datetime) -> Reading | None:
    cursor = next((one for one in read if one.chain == chain), None)
    return None if cursor is None else Reading(lag_of(cursor, now), cursor.error, cursor.failed_at)


def lag_of(cursor: Cursor, now: datetime) -> int:
    """Seconds between the block that was read last and now; two clocks may differ by a little, never below 0."""
    return max(0, int((now - cursor.read_through_time).total_seconds()))


def _given_up(reads: Reads) -> dict[str, str]:
    """The newest of what waits for a person, and why."""
    dead = tasks.dead(reads, _LISTED)
    return {memo_of(reads, str(one.data.get("order_id", one.key))): one.why or "?" for one in dead}


def _overdue(reads: Reads, now: datetime) -> dict[str, int]:
    """Paid tokens past their deadline as far as our clock tells: only the chain's own decides over money."""
    late = {one.order_id: int((now - one.deadline).total_seconds()) for one in sales.open_sales(reads)}
    return {memo_of(reads, order_id): seconds for order_id, seconds in late.items() if seconds > 0}
