"""The facts that health is judged by, gathered from the database: what the daemon noted, and what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from relayclear.clearing.health import BreakerSign, ChainSigns, Facts, Gas, Reading, Sign, Watching
from relayclear.errors import HeldError, StoreError
from relayclear.money.ledger import Account, Book
from relayclear.store import audits, breakers, cursors, ledger, sales, stops, tasks, tokens, vitals, watchers
from relayclear.store.cursors import Cursor
from relayclear.store.db import Reads
from relayclear.store.tasks import Status
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.desk import Desk
from relayclear.usecases.watching import being_alone

Vitals = Mapping[tuple[Kind, str], Vital]


def gather(desk: Desk) -> Facts:
    """Read everything, of one moment.  Raises StoreError."""
    # Before the snapshot: the lock is a file's, not the database's.
    alive, now = watch_lives(desk), desk.clock.now()
    with desk.journal.database.snapshot() as reads:
        found = vitals_of(reads)
        chains = sorted(desk.chains)
        return Facts(
            now=now,
            watching=_watching(reads, alive=alive),
            chains=tuple(_chain(desk, reads, found, chain, now) for chain in chains),
            hermes=tuple(_sign(found, Kind.HERMES, one.config) for one in desk.instances),
            breakers=tuple(breakers_of(reads, now)),
            dead=sum(count.number for count in tasks.counts(reads) if count.status is Status.DEAD),
            overdue=_overdue(reads, now),
            unbalanced=tuple(unbalanced(reads, chains)),
        )


def watch_lives(desk: Desk) -> bool:
    """Whether a daemon holds the database now."""
    try:
        with being_alone(desk):
            return False
    except HeldError:
        return True
    except StoreError:
        # A folder that can't be written, or a database in memory: nobody can watch there.
        return False


def breakers_of(reads: Reads, now: datetime) -> list[BreakerSign]:
    """Every breaker that was open lately, as it stands now."""
    return [
        BreakerSign(one.name, one.at(now), one.reason or None, one.since(now), one.lasts(now))
        for one in breakers.every(reads)
    ]


def vitals_of(reads: Reads) -> Vitals:
    """What was noted, by what it is of."""
    return {(one.kind, one.name): one for one in vitals.every(reads)}


def unbalanced(reads: Reads, chains: Iterable[str]) -> list[str]:
    """Books whose totals break an equation or lie below zero, and chains whose last whole audit found something."""
    books = ledger.books(reads)
    wrong = [f"{place.chain}/{place.denom}" for place, book in books.items() if not adds_up(book)]
    kept = [audits.find(reads, chain) for chain in chains]
    return wrong + [audit.chain for audit in kept if audit is not None and not audit.agrees]


def adds_up(book: Book) -> bool:
    """Whether both equations hold, and no account lies below zero."""
    whole = book.sources == book.uses and book.totals[Account.BALANCE] == book.should_hold
    return whole and min(book.totals.values()) >= 0


def _watching(reads: Reads, *, alive: bool) -> Watching:
    found = watchers.find(reads)
    if found is None:
        return Watching(alive)
    return Watching(alive, found.beat_at, _troubles(found.doing))


def _troubles(doing: Mapping[str, Any]) -> Mapping[str, str]:
    said = doing.get("troubles", {})
    return {str(task): str(words) for task, words in said.items()} if isinstance(said, dict) else {}


def _chain(desk: Desk, reads: Reads, found: Vitals, chain: str, now: datetime) -> ChainSigns:
    sells = desk.shop is not None and chain in desk.shop.payees
    stop = stops.standing(reads, chain) if sells else None
    # All that are configured: one that was never asked still stands in for one whose breaker is open.
    names = [f"{chain}/{use.name}" for use in desk.chains[chain].uses]
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
    )


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


def _overdue(reads: Reads, now: datetime) -> dict[str, int]:
    """Paid tokens past their deadline as far as our clock tells: only the chain's own decides over money."""
    late = {one.order_id: int((now - one.deadline).total_seconds()) for one in sales.open_sales(reads)}
    return {_memo(reads, order_id): seconds for order_id, seconds in late.items() if seconds > 0}


def _memo(reads: Reads, order_id: str) -> str:
    stored = tokens.get(reads, order_id)
    return order_id if stored is None else stored.token.memo
