"""The database file itself: saved while others write, put back, looked through, upgraded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from relayclear.errors import HeldError, StoreError, UsageError
from relayclear.ibc.instant import rfc3339
from relayclear.money.ledger import Account, Book, Place, books
from relayclear.store import audits, cursors, history, ledger, packets, stops
from relayclear.store.alone import alone
from relayclear.store.db import Reads, Transaction, open_database
from relayclear.store.history import Event
from relayclear.store.restoring import restore
from relayclear.store.watchers import WATCH

BACKED_UP = "backed_up_at"
RESTORED = "a backup was put back: it may not know of the newest payments and refunds"
"""Why refunds of every chain wait for a person then."""

_NO_CHAIN = ""
_IN_USE = "store_in_use"
_DAMAGED = {"store_damaged", "store_not_a_database"}


@dataclass(frozen=True, slots=True)
class Health:
    """What looking through a database found; `restored` is when a backup was put back that no audit agreed to yet."""

    version: int | None
    problems: tuple[str, ...]
    restored: str | None = None


def back_up(path: Path, to: Path, who: str, now: datetime) -> int:
    """Copy the database, also while others write; the copy's size in bytes.

    Raises StoreError where there is none, or where the copy can't be written, UsageError where a file is there already.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path} yet", hint="relayclear config path", code="store_missing")
    with open_database(path) as database:
        database.backup(to)
        with database.atomic() as tx:
            _mark(tx, BACKED_UP, now)
            history.add(tx, Event(now, who, "backed_up", subject=str(to)))
    return to.stat().st_size


def put_back(backup: Path, path: Path, who: str, now: datetime) -> Path | None:
    """Put a backup where the database is; the copy of what was there, None for nothing.

    From now on nothing is refunded without asking: payments and refunds may have happened that this database knows
    nothing of.  Raises HeldError while another process has the database open, StoreError for a backup that isn't
    whole or is newer; everything is then as it was.
    """
    if backup.absolute() == path.absolute():
        raise UsageError(f"{backup} is the database itself", hint="relayclear db restore BACKUP")
    with alone(path, WATCH, now):
        try:
            kept = restore(backup, path)
        except StoreError as error:
            if error.code == _IN_USE:
                raise HeldError(error.message, hint=error.hint, code=error.code) from error
            raise
        with open_database(path) as database, database.atomic() as tx:
            stops.stop(tx, stops.EVERYWHERE, RESTORED, now)
            detail = {"why": "refunds wait for approval until an audit agrees", "kept": str(kept) if kept else None}
            history.add(tx, Event(now, who, "restored", subject=str(backup), detail=detail))
    return kept


def look_through(path: Path) -> Health:
    """Whether the file is whole, its rows point to each other, and its books add up.

    Raises StoreError where there is no database, or one that this program can't read.
    """
    try:
        with open_database(path, read_only=True) as database:
            problems = database.integrity()
            with database.snapshot() as reads:
                # Sums over damaged pages would only say the same again.
                problems += [] if problems else _book_problems(reads)
                restored = _restored(reads)
            return Health(database.schema_version(), tuple(problems), restored)
    except StoreError as error:
        if error.code in _DAMAGED:
            return Health(None, (error.message,))
        raise


def _restored(reads: Reads) -> str | None:
    """When a backup was put back that somebody still has to look at."""
    stop = stops.everywhere(reads)
    chains = {one.chain for one in cursors.every(reads)}
    agreed = bool(chains) and all(audits.agreed(reads, chain) for chain in chains)
    return None if stop is None or agreed else rfc3339(stop.at)


def _book_problems(reads: Reads) -> list[str]:
    """Totals that aren't what their entries add up to, and equations that don't hold."""
    added = books(booked.entry for booked in ledger.every(reads))
    kept = ledger.books(reads)
    problems = []
    for place in sorted({*added, *kept}):
        problems += _differences(place, kept.get(place), added.get(place))
    return problems


def _differences(place: Place, kept: Book | None, added: Book | None) -> list[str]:
    nothing = Book(dict.fromkeys(Account, 0))
    left, right = (kept or nothing).totals, (added or nothing).totals
    name = f"the books of {place.chain} {place.denom}"
    found = [
        f"{name}: {account} stands at {left[account]}, its entries add up to {right[account]}"
        for account in Account
        if left[account] != right[account]
    ]
    if kept is not None and (kept.sources != kept.uses or kept.totals[Account.BALANCE] != kept.should_hold):
        found.append(f"{name} don't balance")
    return found


def upgrade(path: Path) -> tuple[int, Path | None]:
    """Bring the database to this program's version; the version, and the copy of the older file if there was one.

    Raises StoreError for a newer one, and where there is none.
    """
    try:
        with open_database(path, read_only=True) as database:
            return database.schema_version(), None
    except StoreError as error:
        if error.code != "store_older":
            raise
    with open_database(path) as database:
        version = database.schema_version()
    copies = [path.with_name(f"{path.name}.bak-v{older}") for older in range(version - 1, 0, -1)]
    return version, next((copy for copy in copies if copy.exists()), None)


def _mark(tx: Transaction, name: str, at: datetime) -> None:
    packets.remember(tx, _NO_CHAIN, name, rfc3339(at))
