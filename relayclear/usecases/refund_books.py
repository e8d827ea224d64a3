"""What moved out of a wallet, and came back to it, as the books see it: refunds by what was signed or by their memo."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from relayclear.ibc.arrivals import Arrival, ArrivalKind, Movement
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Entry, Kind, Place, Posting, book
from relayclear.money.refund_state import RefundState, Said
from relayclear.store import cursors, history, ledger, payments, refunds, signings
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.payments import Orphan, StoredPayment
from relayclear.store.refunds import Refund, SaidOf
from relayclear.usecases.token_books import payment_ref

RULES = "rules"
_MOST = 10_000
_MEMO = re.compile(r"rc1r:([0-9a-z]{24})(?: .*)?")


def memo_id(memo: str) -> str | None:
    """The refund that a transaction's memo names, None where it names none."""
    found = _MEMO.fullmatch(memo)
    return found[1] if found else None


def movement_ref(one: Movement) -> str:
    """What names a movement in the books: ``HASH/out/ordinal``."""
    way = "in" if one.incoming else "out"
    return f"{one.tx_hash or f'block {one.height}'}/{way}/{one.ordinal}"


def refund_of(reads: Reads, one: Movement) -> Refund | None:
    """The refund that a movement out of the wallet paid, None for any other.

    By what we signed; else by its memo, if it sends what the refund sends to whom the refund names:
    that is one which was exported, or sent by a copy of this database.
    """
    if one.incoming or one.fee:
        return None
    signing = signings.get(reads, one.tx_hash)
    if signing is not None:
        found = refunds.get(reads, signing.refund_id) if signing.refund_id else None
        return found if found is not None and found.net == one.coin else None
    name = memo_id(one.memo)
    found = refunds.get(reads, name) if name else None
    if found is None or found.net != one.coin or found.chain != one.chain:
        return None
    if found.over is not None:
        # A movement doesn't tell whether a packet left with it: whoever read the transaction has said so.
        return found if found.id in refunds.touched_by(reads, one.tx_hash) else None
    return found if one.to == found.to else None


def book_out(tx: Transaction, one: Movement, now: datetime) -> list[Entry]:
    """Book what left the wallet; the entries that are new.  A second payment of one refund is our loss first."""
    place = Place(one.chain, one.coin.denom)
    ref = movement_ref(one)
    refund = refund_of(tx, one)
    if refund is None:
        kind = Kind.FEE_TAKEN if one.fee else Kind.WITHDRAWAL
        return ledger.post(tx, [book(place, kind, ref, one.coin.amount)], now)
    if ledger.kind_of_movement(tx, place, ref) is not None:
        return []  # read before anybody knew that it was a refund: whoever found out has booked it over
    if f"{refund.id} {ref}" in ledger.refund_refs(tx, place, refund.id):
        return []  # a block that is read again: another payment since makes no loss of this one
    return ledger.post(tx, _paying(tx, refund, place, ref), now, order_id=refund.order_id)


def is_withdrawal(reads: Reads, place: Place, ref: str) -> bool:
    """Whether a movement is booked as a withdrawal, and as nothing else since."""
    if not ledger.is_booked(reads, place, Kind.WITHDRAWAL, ref):
        return False
    if ledger.is_booked(reads, place, Kind.EXPENSE_OF_WITHDRAWAL, ref):
        return False
    paid = refunds.touched_by(reads, ref.partition("/")[0])
    return not any(found.endswith(f" {ref}") for one in paid for found in ledger.refund_refs(reads, place, one))


def book_over(tx: Transaction, refund: Refund, ref: str, now: datetime) -> list[Entry]:
    """A movement that was booked as a withdrawal turned out to pay a refund, or to be on its way to."""
    place = Place(refund.chain, refund.payment.denom)
    kind = Kind.REFUND_OF_WITHDRAWAL if refund.over is None else Kind.TRANSIT_OF_WITHDRAWAL
    loss = _loss(tx, refund, place, ref)
    entries = [
        *loss,
        book(place, kind, f"{refund.id} {ref}", refund.net.amount),
        *(_kept(refund, place) if refund.over is None and not loss else []),
    ]
    return ledger.post(tx, entries, now, order_id=refund.order_id)


def book_by_hand(tx: Transaction, refund: Refund, ref: str, now: datetime) -> list[Entry]:
    """Somebody paid a refund out of another wallet."""
    place = Place(refund.chain, refund.payment.denom)
    entries = [
        book(place, Kind.REFUND_BY_HAND, f"{refund.id} {ref}", refund.net.amount),
        *_kept(refund, place),
    ]
    return ledger.post(tx, entries, now, order_id=refund.order_id)


def book_unread(tx: Transaction, refund: Refund, use: SequenceUse, now: datetime) -> None:
    """A refund that left in heights that nobody could read: the balance tells of it already, under the gap's name."""
    place = Place(refund.chain, refund.payment.denom)
    cursor = cursors.find(tx, refund.chain, use.address)
    if cursor is None or use.height > cursor.read_through or ledger.refund_refs(tx, place, refund.id):
        return
    book_by_hand(tx, refund, "unread", now)


def _paying(reads: Reads, refund: Refund, place: Place, ref: str) -> list[Entry]:
    kind = Kind.REFUND if refund.over is None else Kind.TRANSIT
    loss = _loss(reads, refund, place, ref)
    # What goes over IBC has cost the payer nothing until it arrives; out of our own pocket nothing is kept.
    kept = _kept(refund, place) if kind is Kind.REFUND and not loss else []
    return [*loss, book(place, kind, f"{refund.id} {ref}", refund.net.amount), *kept]


def _loss(reads: Reads, refund: Refund, place: Place, ref: str) -> list[Entry]:
    """A refund that is paid already, or isn't owed any more, is paid out of our own pocket."""
    name = f"{refund.id} {ref}"
    others = [one for one in ledger.refund_refs(reads, place, refund.id) if one != name]
    if not others and refund.state not in {RefundState.WAIVED, RefundState.WRITTEN_OFF, RefundState.WITHDRAWN}:
        return []
    return [book(place, Kind.OUR_LOSS, f"{refund.id} {ref}", refund.net.amount)]


def _kept(refund: Refund, place: Place) -> list[Entry]:
    return [book(place, Kind.FEE_KEPT, refund.id, refund.fee)] if refund.fee else []


# Over IBC


def returned_refund(reads: Reads, arrival: Arrival) -> Refund | None:
    """The refund whose packet brought coins home, refused or timed out; None for any other arrival."""
    if arrival.kind is not ArrivalKind.RETURNED or arrival.packet is None:
        return None
    for refund in refunds.queue(reads, arrival.chain, _MOST, RefundState.IN_TRANSIT):
        said = refunds.events(reads, refund.id)[-1]
        if refund.over == arrival.channel and said.detail.get("sequence") == arrival.packet.sequence:
            return refund
    return None


def take_back(tx: Transaction, stored: StoredPayment, now: datetime) -> list[Entry]:
    """Book coins of a refund that came home: owed again, no income; the entries that are new."""
    refund = returned_refund(tx, stored.arrival)
    if refund is None:
        return []
    place = Place(refund.chain, refund.payment.denom)
    entry = book(place, Kind.TRANSIT_RETURNED, refund.id, refund.net.amount)
    if not ledger.refund_refs(tx, place, refund.id):
        # It left in heights that nobody could read, and is owed all the time.
        entry = book(
            place, Kind.INCOME_OUTSIDE, f"{stored.arrival.tx_hash}/in/{stored.arrival.ordinal}", refund.net.amount
        )
    posted = ledger.post(tx, [entry], now, order_id=refund.order_id)
    payments.explain(tx, stored.id)
    refunds.say(tx, refund.id, SaidOf(Said.RETURNED, RULES, "its packet came back", now, stored.arrival.tx_hash))
    history.add(tx, Event(now, RULES, "refund_returned", refund.order_id, subject=f"refund {refund.id}"))
    return posted


def came_home(tx: Transaction, refund: Refund, now: datetime) -> bool:
    """Take back coins of a refund in transit that were read before anybody knew its packet; False where there are none.

    Whoever was off the line for a day reads the return together with the sending.
    """
    for stored in payments.orphans(tx, _MOST, kind=Orphan.RETURNED, chain=refund.chain):
        found = returned_refund(tx, stored.arrival)
        if found is not None and found.id == refund.id:
            came = stored.arrival
            orphaned = book(Place(came.chain, came.coin.denom), Kind.ORPHAN, payment_ref(stored.id), came.coin.amount)
            back = tuple(Posting(account, -amount) for account, amount in orphaned.postings)
            ledger.post(tx, [replace(orphaned, ref=f"{orphaned.ref} came back", postings=back)], now)
            take_back(tx, stored, now)
            return True
    return False


def book_arrived(tx: Transaction, refund: Refund, now: datetime) -> None:
    """The packet of a refund was taken: it is paid."""
    place = Place(refund.chain, refund.payment.denom)
    left = ledger.refund_refs(tx, place, refund.id)
    if left:
        lost = all(ledger.is_booked(tx, place, Kind.OUR_LOSS, one) for one in left)
        kept = [] if lost else _kept(refund, place)
        entries = [book(place, Kind.TRANSIT_ARRIVED, refund.id, refund.net.amount), *kept]
        ledger.post(tx, entries, now, order_id=refund.order_id)
    else:
        book_by_hand(tx, refund, "unread", now)
    refunds.say(tx, refund.id, SaidOf(Said.ARRIVED, RULES, "its packet was acknowledged", now))
    history.add(tx, Event(now, RULES, "refund_confirmed", refund.order_id, subject=f"refund {refund.id}"))
