"""The chain's movements against the journal's entries, one by one, from the opening height on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from relayclear.errors import HeightError
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Account, Entry, Kind, Place
from relayclear.money.refund_state import RefundState, Said
from relayclear.ports import Chain
from relayclear.store import cursors, payments, refunds, signings
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.db import Reads
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund
from relayclear.usecases.audit_values import Finding, Flaw
from relayclear.usecases.payments_books import without_circles
from relayclear.usecases.payments_reading import Flows, read_stretch
from relayclear.usecases.token_books import payment_ref

_PAGE = 1000
_ALL = 1_000_000
_PAID = (RefundState.CONFIRMED, RefundState.IN_TRANSIT)
_SENT = {Said.CONFIRMED, Said.IN_TRANSIT}


class _Name(NamedTuple):
    """What names a movement: its denom, and ``HASH/way/ordinal``."""

    denom: str
    ref: str


@dataclass
class Told:
    """What the chain told of a wallet's heights: how much each movement changed the balance, and what arrived."""

    moved: dict[_Name, int] = field(default_factory=dict)
    arrivals: dict[tuple[str, str, int, str], Arrival] = field(default_factory=dict)


async def walk(node: Chain, cursor: Cursor, gaps: Iterable[Gap], told: Told) -> None:
    """Read everything that moved at a payee up to the height read; accepted gaps are left out.

    Raises HeightError where blocks are gone, NodeError.
    """
    for first, last in _stretches(cursor, gaps):
        _add(told, await read_stretch(node, cursor.payee, first, last))


def _stretches(cursor: Cursor, gaps: Iterable[Gap]) -> Iterator[tuple[int, int]]:
    first = cursor.opening_height + 1
    for gap in sorted(gaps, key=lambda one: one.first):
        if gap.first > first:
            yield first, min(gap.first - 1, cursor.read_through)
        first = max(first, gap.last + 1)
    if first <= cursor.read_through:
        yield first, cursor.read_through


def _add(told: Told, flows: Flows) -> None:
    came = {tuple(one.identity): one for one in flows.arrivals}
    others = [
        one
        for one in flows.movements
        if not (one.incoming and (one.chain, one.tx_hash, one.ordinal, one.coin.denom) in came)
    ]
    for arrival in flows.arrivals:
        told.arrivals[arrival.identity] = arrival
        _count(told.moved, _Name(arrival.coin.denom, f"{arrival.tx_hash}/in/{arrival.ordinal}"), arrival.coin.amount)
    for one in without_circles(others):
        way, sign = ("in", 1) if one.incoming else ("out", -1)
        ref = f"{one.tx_hash or f'block {one.height}'}/{way}/{one.ordinal}"
        _count(told.moved, _Name(one.coin.denom, ref), sign * one.coin.amount)


async def look_again(
    node: Chain, reads: Reads, chain: str, told: Told, gaps: Mapping[str, list[Gap]], heights: Mapping[str, int]
) -> None:
    """Read the blocks of payments that an index doesn't tell: of bytes that stand in two it knows only the last.

    There a payment that a proposer put into a block again has failed.  Raises NodeError.
    """
    for stored in _stored(reads, chain):
        one = stored.arrival
        if stored.id in told.arrivals or one.height > heights.get(stored.payee, 0) or _in_a_gap(stored, gaps):
            continue
        with suppress(HeightError):
            for now in (await node.moved_by_blocks(stored.payee, one.height, one.height)).arrivals:
                if now.identity == stored.arrival.identity:
                    told.arrivals[stored.id] = now
                    _count(told.moved, _Name(now.coin.denom, f"{now.tx_hash}/in/{now.ordinal}"), now.coin.amount)


def _stored(reads: Reads, chain: str) -> Iterator[StoredPayment]:
    offset = 0
    while page := payments.page(reads, _PAGE, offset, chain=chain):
        offset += len(page)
        yield from page


def _count(moved: dict[_Name, int], name: _Name, amount: int) -> None:
    moved[name] = moved.get(name, 0) + amount


def gaps_of(reads: Reads, cursor: Cursor) -> list[Gap]:
    """The gaps that the reading of a payee has passed unread."""
    return [
        one
        for one in cursors.gaps(reads, cursor.chain)
        if one.accepted and one.payee == cursor.payee and cursor.opening_height < one.last <= cursor.read_through
    ]


# What the journal has


def differences(
    reads: Reads,
    chain: str,
    entries: Iterable[Entry],
    told: Told,
    gaps: Mapping[str, list[Gap]],
    heights: Mapping[str, int],
) -> list[Finding]:
    """Every movement and payment on which journal and chain don't agree.

    `gaps` are the unread ones of each payee, `heights` how far each was read when the entries were taken.
    """
    missing = list(_payments(reads, chain, told, gaps, heights))
    known = {(one.place.denom, _arrived(one.what)) for one in missing}
    booked = _booked(reads, entries, gaps)
    names = sorted({*booked, *told.moved})
    found = (_compared(chain, name, booked.get(name), told.moved.get(name)) for name in names)
    return [*missing, *(one for one in found if one is not None and (one.place.denom, one.what) not in known)]


def _arrived(payment: str) -> str:
    tx_hash, _, ordinal = payment.partition("/")
    return f"{tx_hash}/in/{ordinal}"


def _compared(chain: str, name: _Name, booked: int | None, found: int | None) -> Finding | None:
    place = Place(chain, name.denom)
    if booked == found:
        return None
    if booked is None:
        return Finding(Flaw.UNBOOKED, place, name.ref, 0, found or 0)
    if found is None:
        return Finding(Flaw.NOT_ON_CHAIN, place, name.ref, booked, 0)
    return Finding(Flaw.OTHER_FIGURE, place, name.ref, booked, found)


def _booked(reads: Reads, entries: Iterable[Entry], gaps: Mapping[str, list[Gap]]) -> dict[_Name, int]:
    """How much each entry changed the balance, by the movement that it names; openings and gaps name none."""
    found: dict[_Name, int] = {}
    for entry in entries:
        amount = sum(one.amount for one in entry.postings if one.account is Account.BALANCE)
        ref = _movement(reads, entry, gaps) if amount else None
        if ref is not None:
            _count(found, _Name(entry.place.denom, ref), amount)
    return found


def _movement(reads: Reads, entry: Entry, gaps: Mapping[str, list[Gap]]) -> str | None:
    """The movement that an entry is about: ``HASH/way/ordinal``, None where it names none."""
    match entry.kind:
        case Kind.OPENING:
            return None
        case Kind.PAYMENT | Kind.ORPHAN:
            return None if _in_a_gap(_payment(reads, entry), gaps) else _arrived(entry.ref)
        case Kind.REFUND | Kind.TRANSIT:
            return entry.ref.partition(" ")[2]
        case Kind.TRANSIT_RETURNED:
            return _came_home(reads, entry)
        case Kind.INCOME_OUTSIDE | Kind.WITHDRAWAL if entry.ref.startswith("gap "):
            return None
    return entry.ref


def _payment(reads: Reads, entry: Entry) -> StoredPayment | None:
    tx_hash, _, ordinal = entry.ref.partition("/")
    return payments.get(reads, (entry.place.chain, tx_hash, int(ordinal), entry.place.denom))


def _in_a_gap(stored: StoredPayment | None, gaps: Mapping[str, list[Gap]]) -> bool:
    """A payment that was found in a gap by itself: nothing else of those heights can be read."""
    if stored is None:
        return False
    return any(one.first <= stored.arrival.height <= one.last for one in gaps.get(stored.payee, ()))


def _came_home(reads: Reads, entry: Entry) -> str:
    """The arrival that brought a refund's coins back."""
    said = [one.tx_hash for one in refunds.events(reads, entry.ref) if one.word is Said.RETURNED and one.tx_hash]
    amount = max(one.amount for one in entry.postings)
    for tx_hash in said:
        for stored in payments.find(reads, tx_hash):
            one = stored.arrival
            if one.kind is ArrivalKind.RETURNED and (one.coin.denom, one.coin.amount) == (entry.place.denom, amount):
                return _arrived(payment_ref(stored.id))
    return entry.ref


def _payments(
    reads: Reads, chain: str, told: Told, gaps: Mapping[str, list[Gap]], heights: Mapping[str, int]
) -> Iterator[Finding]:
    """Payments that the chain doesn't tell any more, or tells with other figures."""
    for stored in _stored(reads, chain):
        if stored.arrival.height > heights.get(stored.payee, 0) or _in_a_gap(stored, gaps):
            continue  # read since, or in heights that nobody can look at
        one, now = stored.arrival, told.arrivals.get(stored.id)
        place, name = Place(chain, one.coin.denom), payment_ref(stored.id)
        if now is None:
            yield Finding(Flaw.PAYMENT_MISSING, place, name, one.coin.amount, 0)
        elif (now.coin, now.height, now.at, now.memo) != (one.coin, one.height, one.at, one.memo):
            yield Finding(Flaw.PAYMENT_DIFFERS, place, name, one.coin.amount, now.coin.amount)


# Whether refunds stand there


async def refunds_missing(node: Chain, reads: Reads, chain: str, through: int) -> list[Finding]:
    """Refunds that count as sent, and that the blocks don't show; one paid by hand from elsewhere isn't looked for.

    Raises HeightError where a block is gone, NodeError.
    """
    found = []
    for state in _PAID:
        for refund in refunds.queue(reads, chain, _ALL, state):
            use = _use_of(reads, refund)
            if use is not None and use.height > through:
                continue
            if use is None or not await _stands(node, use, refund):
                place = Place(chain, refund.net.denom)
                found.append(Finding(Flaw.REFUND_MISSING, place, f"refund {refund.id}", refund.net.amount, 0))
    return found


def _use_of(reads: Reads, refund: Refund) -> SequenceUse | None:
    said = [one.tx_hash for one in refunds.events(reads, refund.id) if one.word in _SENT and one.tx_hash]
    return signings.use_on(reads, refund.chain, said[-1]) if said else None


async def _stands(node: Chain, use: SequenceUse, refund: Refund) -> bool:
    there = await node.sequence_uses(use.address, use.height, use.height)
    return any(
        (one.tx_hash, one.sequence, one.code) == (use.tx_hash, use.sequence, 0)
        and any(output.coin == refund.net for output in one.outputs)
        for one in there
    )
