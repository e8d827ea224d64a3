"""What an operator does about payments: look at one transaction again, assign an orphan, let a gap pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from relayclear.errors import NodeError, NotFoundError, RefusedError, RelayclearError, UsageError
from relayclear.ibc import instant
from relayclear.ibc.arrivals import Arrival
from relayclear.money.ledger import Account, Entry, Kind, Place, Posting, book
from relayclear.store import cursors, history, ledger, payments
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.payments import Orphan, StoredPayment
from relayclear.usecases.desk import Desk
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.payments import read_payments, rules_of
from relayclear.usecases.payments_books import (
    found_in_gap,
    keep_arrivals,
    keep_below,
    move_tokens,
    payment_name,
)
from relayclear.usecases.payments_reading import Window, read_stretch
from relayclear.usecases.selling import require_shop
from relayclear.usecases.token_books import payment_ref
from relayclear.usecases.tokens_view import require_token, revoked_keys
from relayclear.usecases.whole_hash import whole_hash

_ASSIGNABLE = {Orphan.ORPHAN, Orphan.OURS_LOST}


class Found(StrEnum):
    """What became of looking at a transaction again."""

    KNOWN = "known"
    NEW = "new"
    NOT_YET = "not_yet"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A transaction looked at again on one chain; `payments` are what it brought, as stored.

    `not_yet`: its block, or one before it, is still to be read.  `nothing`: it failed, or brought
    the payee no coins.
    """

    chain: str
    tx_hash: str
    found: Found
    payments: tuple[StoredPayment, ...] = ()


async def recheck(desk: Desk, tx_hash: str, chain: str = "") -> Rechecked:
    """Read on, then look at one transaction, on the given chain or wherever it stands.

    One before reading began moves the beginning below it, and all between is read; one inside an
    accepted gap is taken out of what the gap is booked as.  Raises NotFoundError where no chain that
    sells has it, NodeError where it stands in heights that were read and added up without it.
    """
    shop = require_shop(desk)
    wanted = whole_hash(tx_hash)
    trouble: RelayclearError | None = None
    for name in [chain] if chain else sorted(shop.payees):
        payee = shop.payee(name)
        reading = await read_payments(desk, name)
        try:
            arrivals = await desk.chain(name).arrivals_of_tx(payee, wanted)
        except NotFoundError:
            trouble = trouble or reading.error
            continue
        if not arrivals:
            return Rechecked(name, wanted, Found.NOTHING)
        return await _recheck(desk, name, payee, arrivals, reading.payments)
    raise trouble or NotFoundError(
        f"no chain with a payee has a transaction {wanted[:64]}",
        hint="name the chain with --chain; a new transaction needs a block or two",
        code="unknown_tx",
    )


async def _recheck(
    desk: Desk, chain: str, payee: str, arrivals: list[Arrival], just_read: Iterable[StoredPayment]
) -> Rechecked:
    tx_hash, height = arrivals[0].tx_hash, arrivals[0].height
    cursor = cursors.find(desk.journal.database, chain, payee)
    if cursor is None or height > cursor.read_through:
        return Rechecked(chain, tx_hash, Found.NOT_YET)
    known = [payments.get(desk.journal.database, one.identity) for one in arrivals]
    if None not in known:
        new = {tuple(stored.id) for stored in just_read} & {tuple(one.identity) for one in arrivals}
        found = Found.NEW if new else Found.KNOWN
        return Rechecked(chain, tx_hash, found, tuple(stored for stored in known if stored))
    if height <= cursor.opening_height:
        await _begin_earlier(desk, cursor, height)
    else:
        _keep_in_gap(desk, cursor, arrivals)
    kept = (payments.get(desk.journal.database, one.identity) for one in arrivals)
    return Rechecked(chain, tx_hash, Found.NEW, tuple(stored for stored in kept if stored))


async def _begin_earlier(desk: Desk, cursor: Cursor, height: int) -> None:
    """Move the beginning of reading below a height, with all that happened between there and the old one."""
    node, opened = desk.chain(cursor.chain), height - 1
    before = await node.balances(cursor.payee, opened)
    flows = await read_stretch(node, cursor.payee, height, cursor.opening_height)
    window = Window(flows, cursor.opening, cursor.read_through_time)
    held = {denom: amount for denom, amount in before.by_denom.items() if amount}
    rules, now = rules_of(desk, cursor.chain), desk.clock.now()
    with desk.journal.database.atomic() as tx:
        standing = cursors.find(tx, cursor.chain, cursor.payee)
        if standing is None or standing.opening_height != cursor.opening_height:
            raise NodeError(f"{cursor.chain} was read anew meanwhile", code="moved_on", hint="the same command again")
        if not cursors.lower_opening(tx, cursor.chain, cursor.payee, opened, held):
            return
        # What more was there first and what less was there last: no account goes below zero on the way.
        more, less = _opening_entries(cursor, opened, held)
        ledger.post(tx, more, now)
        keep_below(tx, cursor, window, held, rules, now)
        ledger.post(tx, less, now)
        detail = {"height": opened, "payee": cursor.payee}
        history.add(tx, Event(now, "watch", "reading_began_earlier", subject=cursor.chain, detail=detail))


def _opening_entries(cursor: Cursor, height: int, held: Mapping[str, int]) -> tuple[list[Entry], list[Entry]]:
    """The opening balances as they were lower down, as what they were more and less than those that are booked."""
    ref = f"{cursor.payee} at {height}"
    found: tuple[list[Entry], list[Entry]] = ([], [])
    for denom in sorted({*held, *cursor.opening}):
        difference = held.get(denom, 0) - cursor.opening.get(denom, 0)
        if difference:
            postings = (Posting(Account.OPENING, difference), Posting(Account.BALANCE, difference))
            found[difference < 0].append(Entry(Place(cursor.chain, denom), Kind.OPENING, ref, postings))
    return found


def _keep_in_gap(desk: Desk, cursor: Cursor, arrivals: list[Arrival]) -> None:
    height, now = arrivals[0].height, desk.clock.now()
    rules = rules_of(desk, cursor.chain)
    with desk.journal.database.atomic() as tx:
        gap = next(
            (
                one
                for one in cursors.gaps(tx, cursor.chain)
                if one.accepted and one.payee == cursor.payee and one.first <= height <= one.last
            ),
            None,
        )
        if gap is None:
            raise NodeError(
                f"{cursor.chain}: transaction {arrivals[0].tx_hash} is said to stand at height {height}, which was "
                "read and adds up without it: it is not believed",
                hint="ask another endpoint",
                code="endpoints_disagree",
            )
        new, _ = payments.add(tx, cursor.payee, arrivals, now)
        entries = [
            found_in_gap(Place(cursor.chain, one.arrival.coin.denom), gap, one.id, one.arrival.coin.amount)
            for one in new
        ]
        kept = keep_arrivals(tx, cursor.payee, new, rules, now)
        ledger.post(tx, entries, now)
        move_tokens(tx, (one.match.order_id for one in kept if one.match), rules.revoked, now)


def assign(
    desk: Desk, payment: str, token: str, reason: str, who: str, once: Once = ANEW, *, denom: str = ""
) -> StoredPayment:
    """Give an orphan to a token by hand; it goes back only to its own sender, if it ever goes back.

    `payment` is its transaction's hash, or the start of it, with ``/ORDINAL`` where there are several.
    Raises UsageError for what isn't there, RefusedError for what is no orphan, for a token of another
    chain, and without a reason.
    """
    if not reason.strip():
        raise UsageError("an assignment needs a reason", hint='--reason "…"', code="no_reason")
    revoked, now = revoked_keys(desk), desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        stored, found = require_token(tx, token), require_payment(tx, payment, denom)
        _refuse_unassignable(tx, found)
        if stored.token.quote.chain != found.arrival.chain:
            raise RefusedError(
                f"the token is paid on {stored.token.quote.chain}, and these coins stand on {found.arrival.chain}",
                hint="coins on another chain go back there",
                code="other_chain",
            )
        payments.assign(tx, found.id, stored.order_id, who, reason, now)
        place = Place(found.arrival.chain, found.arrival.coin.denom)
        entry = book(place, Kind.ORPHAN_ASSIGNED, payment_ref(found.id), found.arrival.coin.amount)
        ledger.post(tx, [entry], now, order_id=stored.order_id)
        detail = {"reason": reason, "amount": str(found.arrival.coin.amount), "denom": found.arrival.coin.denom}
        subject = payment_name(found.id)
        history.add(tx, Event(now, who, "assigned", stored.order_id, None, found.arrival.sender, subject, detail))
        move_tokens(tx, [stored.order_id], revoked, now)
        given = payments.get(tx, found.id) or found
        once.keep(tx, given, now)
        return given


def _refuse_unassignable(tx: Transaction, found: StoredPayment) -> None:
    if found.match is not None:
        raise RefusedError(
            f"this payment belongs to a token already, since {instant.day(found.match.at)}: that is never changed",
            hint=f"relayclear payments show {found.arrival.tx_hash}",
            code="already_matched",
        )
    kind = payments.orphan_kind(tx, found.id)
    if kind not in _ASSIGNABLE:
        what = {Orphan.OWN: "our own coins", Orphan.RETURNED: "coins of ours that came back"}
        said = what[kind] if kind else "booked as something else"
        raise RefusedError(
            f"this is no payment of anybody: it is {said}",
            code="not_an_orphan",
            hint=f"relayclear payments show {found.arrival.tx_hash}",
        )


def require_payment(reads: Reads, text: str, denom: str = "") -> StoredPayment:
    """The one payment that a person names.  Raises UsageError for none, or for several."""
    tx_hash, _, ordinal = text.strip().partition("/")
    found = [
        one
        for one in payments.find(reads, tx_hash)
        if ordinal in {"", str(one.arrival.ordinal)} and denom in {"", one.arrival.coin.denom}
    ]
    if not found:
        raise UsageError(
            f"no payment {text[:80]!r} is known",
            hint=f"relayclear payments recheck --tx {tx_hash[:64]}",
            code="no_payment",
        )
    if len(found) > 1:
        names = ", ".join(f"/{one.arrival.ordinal} {one.arrival.coin}" for one in found[:4])
        raise UsageError(
            f"that transaction brought several payments: {names}", hint="write HASH/ORDINAL, or add --denom"
        )
    return found[0]


def gaps(desk: Desk, chain: str = "") -> list[Gap]:
    """The heights that nobody could serve, in the order they were found."""
    return cursors.gaps(desk.journal.database, chain)


def accept_gap(desk: Desk, number: int, reason: str, who: str, once: Once = ANEW) -> Gap:
    """Let the reading pass a gap: what was paid in it stays unknown, unless `recheck` finds it.

    Raises UsageError for an unknown gap and without a reason.  A second time changes nothing.
    """
    if not reason.strip():
        raise UsageError("passing a gap needs a reason", hint='--reason "…"', code="no_reason")
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        found = next((gap for gap in cursors.gaps(tx) if gap.id == number), None)
        if found is None:
            raise UsageError(f"there is no gap {number}", hint="relayclear payments gaps", code="no_gap")
        if cursors.accept_gap(tx, number, who, reason, now):
            detail = {"reason": reason, "first": found.first, "last": found.last}
            history.add(tx, Event(now, who, "gap_accepted", subject=f"{found.chain}/gap {number}", detail=detail))
        passed = next(gap for gap in cursors.gaps(tx) if gap.id == number)
        once.keep(tx, passed, now)
        return passed
