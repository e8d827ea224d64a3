"""Whether the books, the store and the chain say the same, from where reading began to where it stands.

| what is compared | with what |
|---|---|
| both equations of every book | the wallet's balance on the chain at the height read |
| every entry that moved the balance | every movement on the chain, by transaction |
| every payment | the arrival that the chain shows now |
| every refund that counts as sent | the block that it stands in |
| every entry, running total and total | both equations, and their sum |
| what went back of each payment | its refunds |

It changes nothing but what it reads on to, and keeps what it found: after a stop refunds go by
themselves again only once a whole audit has agreed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from relayclear.errors import HeightError, RelayclearError, StoreError
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Account, Book, Entry, Kind, Place
from relayclear.ports import Chain
from relayclear.store import audits, cursors, ledger, stops, unexplained
from relayclear.store.audits import Figures, KeptAudit, KeptFinding
from relayclear.store.cursors import Cursor
from relayclear.store.db import Reads
from relayclear.store.stops import Stop
from relayclear.usecases.audit_store import store_findings
from relayclear.usecases.audit_values import BookAudit, ChainAudit, Finding, Flaw
from relayclear.usecases.audit_walk import Told, differences, gaps_of, look_again, refunds_missing, walk
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import read_payments
from relayclear.usecases.selling import require_shop
from relayclear.usecases.wallet_reading import read_wallet


async def audit(desk: Desk, chain: str = "", *, quick: bool = False) -> list[ChainAudit]:
    """Read every payee's chain up to now and compare; trouble is in the answer.

    `quick` compares the equations and the balance only, and says nothing to a stop.  Raises
    ConfigError where nothing is sold, UsageError for an unknown chain, StoreError.
    """
    shop = require_shop(desk)
    found = []
    for name in [chain] if chain else sorted(shop.payees):
        desk.chain(name)
        found.append(await _audit(desk, name, shop.payee(name), quick=quick))
    return found


@dataclass
class _Journal:
    """What the store said of a chain at one moment."""

    cursors: list[Cursor]
    entries: list[Entry]
    books: Mapping[Place, Book]
    last_stop: int
    findings: list[Finding]
    strange: tuple[SequenceUse, ...]
    stop: Stop | None


async def _audit(desk: Desk, chain: str, payee: str, *, quick: bool) -> ChainAudit:
    error = await _read(desk, chain)
    with desk.journal.database.snapshot() as reads:
        journal = _journal(reads, chain)
    mine = next((one for one in journal.cursors if one.payee == payee), None)
    if mine is None:
        return ChainAudit(chain, None, None, None, (), tuple(journal.findings), not quick, error)
    held: dict[str, int] = {}
    findings = [*journal.findings, *_openings(journal, chain)]
    try:
        held = await _held(desk.chain(chain), journal, payee)
        if not quick:
            findings += await _walked(desk, chain, journal)
    except StoreError:
        raise
    except RelayclearError as trouble:
        error = error or trouble
        held = held or _as_read(journal)
    rows = _rows(journal, chain, held)
    findings += [Finding(Flaw.BALANCE, one.place, "", one.book.should_hold, one.on_chain) for one in rows if one.off[1]]
    reached = (mine.opening_height, mine.read_through, mine.read_through_time)
    held_up = (journal.strange, journal.stop)
    done = ChainAudit(chain, *reached, rows, tuple(findings), not quick, error, *held_up)
    if not quick:
        _keep(desk, done, journal.last_stop)
    return done


async def _read(desk: Desk, chain: str) -> RelayclearError | None:
    """Read payments and the wallet's sequences up to now; what kept them from being read."""
    try:
        reading = await read_payments(desk, chain)
        await read_wallet(desk, chain)
    except StoreError:
        raise
    except RelayclearError as error:
        return error
    return reading.error


def _journal(reads: Reads, chain: str) -> _Journal:
    entries = [one.entry for one in ledger.every(reads) if one.entry.place.chain == chain]
    return _Journal(
        [one for one in cursors.every(reads) if one.chain == chain],
        entries,
        {place: book for place, book in ledger.books(reads).items() if place.chain == chain},
        stops.last(reads, chain),
        store_findings(reads, entries, chain),
        tuple(use for name, use in unexplained.every(reads) if name == chain),
        stops.standing(reads, chain),
    )


def _openings(journal: _Journal, chain: str) -> list[Finding]:
    """What is booked as opening, against what was read where reading began."""
    read, booked = dict[str, int](), dict[str, int]()
    for cursor in journal.cursors:
        for denom, amount in cursor.opening.items():
            read[denom] = read.get(denom, 0) + amount
    for entry in journal.entries:
        if entry.kind is Kind.OPENING:
            amount = sum(one.amount for one in entry.postings if one.account is Account.BALANCE)
            booked[entry.place.denom] = booked.get(entry.place.denom, 0) + amount
    return [
        Finding(Flaw.OPENING, Place(chain, denom), "", booked.get(denom, 0), read.get(denom, 0))
        for denom in sorted({*read, *booked})
        if booked.get(denom, 0) != read.get(denom, 0)
    ]


async def _held(node: Chain, journal: _Journal, payee: str) -> dict[str, int]:
    """What all payees held at the heights that each is read through, by denom.

    One that isn't paid any more stands at what was read last where no node has that height.
    """
    total: dict[str, int] = {}
    for cursor in journal.cursors:
        try:
            held = (await node.balances(cursor.payee, cursor.read_through)).by_denom
        except HeightError:
            if cursor.payee == payee:
                raise
            held = cursor.held
        for denom, amount in held.items():
            total[denom] = total.get(denom, 0) + amount
    return total


def _as_read(journal: _Journal) -> dict[str, int]:
    """What was held by the last good reading: the chain can't be asked now, which is told beside it."""
    total: dict[str, int] = {}
    for cursor in journal.cursors:
        for denom, amount in cursor.held.items():
            total[denom] = total.get(denom, 0) + amount
    return total


async def _walked(desk: Desk, chain: str, journal: _Journal) -> list[Finding]:
    database, node, told = desk.journal.database, desk.chain(chain), Told()
    gaps = {cursor.payee: gaps_of(database, cursor) for cursor in journal.cursors}
    for cursor in journal.cursors:
        await walk(node, cursor, gaps[cursor.payee], told)
    through = max(one.read_through for one in journal.cursors)
    heights = {one.payee: one.read_through for one in journal.cursors}
    await look_again(node, database, chain, told, gaps, heights)
    found = differences(database, chain, journal.entries, told, gaps, heights)
    return [*found, *await refunds_missing(node, database, chain, through)]


def _rows(journal: _Journal, chain: str, held: Mapping[str, int]) -> tuple[BookAudit, ...]:
    empty = Book(dict.fromkeys(Account, 0))
    places = sorted({*journal.books, *(Place(chain, denom) for denom, amount in held.items() if amount)})
    return tuple(BookAudit(place, journal.books.get(place, empty), held.get(place.denom, 0)) for place in places)


def _keep(desk: Desk, done: ChainAudit, last_stop: int) -> None:
    with desk.journal.database.atomic() as tx:
        audits.keep(tx, _kept(done, desk.clock.now(), last_stop))


def _kept(done: ChainAudit, now: datetime, last_stop: int) -> KeptAudit:
    # Of a chain that couldn't be read the books hold what was read last: that is no figure to compare with.
    books = () if done.error is not None else done.books
    figures = {one.place.denom: Figures(one.book.should_hold, one.on_chain) for one in books}
    findings = tuple(KeptFinding(one.flaw.value, one.place.denom, *one[2:]) for one in done.findings)
    return KeptAudit(done.chain, now, done.through or 0, done.agrees, last_stop, figures, findings)
