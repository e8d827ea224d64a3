"""What the operator says of movements that nothing else explains: deposits, income, withdrawals, expenses."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from relayclear.errors import HeightError, RefusedError, RelayclearError, UsageError
from relayclear.ibc import instant
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Entry, Kind, Place, Posting, book
from relayclear.store import assignments, cursors, history, ledger, payments, refunds, signings, unexplained
from relayclear.store.assignments import Assignment, MovementId, Word
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.payments import Orphan
from relayclear.usecases.books_values import Assigned, AssignRequest, Said
from relayclear.usecases.desk import Desk
from relayclear.usecases.explaining import settle_use
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.payments import read_payments
from relayclear.usecases.payments_acts import require_payment
from relayclear.usecases.payments_books import payment_name
from relayclear.usecases.payments_view import movement_of
from relayclear.usecases.refund_books import is_withdrawal
from relayclear.usecases.selling import require_shop
from relayclear.usecases.token_books import payment_ref
from relayclear.usecases.wallet_reading import read_wallet
from relayclear.usecases.whole_hash import whole_hash

_KINDS = {
    Word.DEPOSIT: Kind.DEPOSIT,
    Word.INCOME: Kind.INCOME,
    Word.WRITTEN_OFF: Kind.ORPHAN_WRITTEN_OFF,
    Word.EXPENSE: Kind.EXPENSE_OF_WITHDRAWAL,
}


class _Found(NamedTuple):
    """A movement of the asked direction: its amount, and why nothing can be said of it, None where it can."""

    movement: MovementId
    coin: Coin
    refusal: RelayclearError | None


async def assign(desk: Desk, request: AssignRequest, who: str, once: Once = ANEW) -> Said:
    """Say what a transaction's movements were, for good; the same again changes nothing.

    Raises UsageError for an unknown transaction and without a reason, RefusedError for a payment that
    is for a token, a refund of ours, a transaction that only moved fees, and where another word was said.
    """
    if not request.reason.strip():
        raise UsageError("an assignment needs a reason", hint='--reason "…"', code="no_reason")
    request = replace(request, tx_hash=whole_hash(request.tx_hash, _known_like(desk.journal.database, request.tx_hash)))
    await _read_up_to(desk, request)
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        chosen = _chosen(tx, request)
        done = tuple(_say(tx, one, request, who, now) for one in chosen)
        said = Said(done, _settle(tx, chosen))
        once.keep(tx, said, now)
        return said


async def of_others(desk: Desk, request: AssignRequest) -> list[payments.StoredPayment]:
    """What a request would call ours of that came from outside, for whoever asks before: it may be a payer's.

    Raises as `assign` does.
    """
    if not request.word.incoming:
        return []
    database = desk.journal.database
    request = replace(request, tx_hash=whole_hash(request.tx_hash, _known_like(database, request.tx_hash)))
    await _read_up_to(desk, request)
    with database.snapshot() as reads:
        chosen = {one.movement for one in _chosen(reads, request) if assignments.find(reads, one.movement) is None}
        return [
            one
            for one in payments.find(reads, request.tx_hash)
            if movement_of(one) in chosen and payments.orphan_kind(reads, one.id) is Orphan.ORPHAN
        ]


async def _read_up_to(desk: Desk, request: AssignRequest) -> None:
    """Read what isn't known yet; trouble is told only where the transaction stays unknown."""
    shop = require_shop(desk)
    if request.chain:
        shop.payee(request.chain)
    chains = [request.chain] if request.chain else sorted(shop.payees)
    trouble: RelayclearError | None = None
    for chain in chains:
        if _is_read(desk.journal.database, request.tx_hash):
            return
        try:
            trouble = (await read_payments(desk, chain)).error or trouble
            await read_wallet(desk, chain)
        except RelayclearError as error:
            trouble = trouble or error
    if trouble is not None and not _is_read(desk.journal.database, request.tx_hash):
        raise trouble


def _is_read(reads: Reads, tx_hash: str) -> bool:
    """Whether the transaction is known and all its blocks are read.

    The account is read after the payments, so that it may tell of a block above those that were read for coins.
    """
    uses = signings.uses_of_tx(reads, tx_hash)
    return _is_known(reads, tx_hash) and not any(_is_unread(reads, chain, use) for chain, use in uses)


def _is_unread(reads: Reads, chain: str, use: SequenceUse) -> bool:
    cursor = cursors.find(reads, chain, use.address)
    return cursor is None or use.height > cursor.read_through


def _is_known(reads: Reads, tx_hash: str) -> bool:
    came = any(one.arrival.tx_hash == tx_hash for one in payments.find(reads, tx_hash))
    return came or bool(ledger.movements_of(reads, tx_hash) or signings.uses_of_tx(reads, tx_hash))


def _known_like(reads: Reads, text: str) -> set[str]:
    """The transactions that somebody may mean who writes the start of a hash: payments, and what nobody explained."""
    with suppress(UsageError):  # several payments start so
        return {one.arrival.tx_hash for one in payments.find(reads, text)} | {
            use.tx_hash for _, use in unexplained.every(reads)
        }
    return set()


def _chosen(reads: Reads, request: AssignRequest) -> list[_Found]:
    """The movements that are meant.  Raises for the first thing that stands in the way of all of them."""
    tx_hash = request.tx_hash
    came, went = _incoming(reads, tx_hash), _outgoing(reads, tx_hash)
    listed = [
        one
        for one in (came if request.word.incoming else went)
        if request.output in {None, one.movement.ordinal}
        and request.denom in {"", one.coin.denom}
        and request.chain in {"", one.movement.chain}
    ]
    free = [one for one in listed if one.refusal is None]
    if free and (request.output is None or len(free) == len(listed)):
        return free
    for one in listed:
        if one.refusal is not None:
            raise one.refusal
    raise _nothing(reads, tx_hash, request, other_way=bool(went if request.word.incoming else came))


def _nothing(reads: Reads, tx_hash: str, request: AssignRequest, *, other_way: bool) -> RelayclearError:
    """Why a transaction has no movement that the words fit."""
    if other_way:
        came = "sent coins out" if request.word.incoming else "brought coins in"
        one, other = ("withdrawal", "expense") if request.word.incoming else ("deposit", "income")
        return UsageError(f"that transaction {came}: it is {one} or {other}", hint=f"--as {one}", code="other_way")
    if _is_known(reads, tx_hash):
        return RefusedError(
            "that transaction moved nothing that needs a word: only fees, or what is booked already",
            hint=f"relayclear payments show {tx_hash[:64]}",
            code="nothing_to_assign",
        )
    return UsageError(
        f"no transaction {tx_hash[:64]!r} of ours is known",
        hint=f"relayclear payments recheck --tx {tx_hash[:64]}",
        code="unknown_tx",
    )


# What came in


def _incoming(reads: Reads, tx_hash: str) -> list[_Found]:
    found = []
    for stored in payments.find(reads, tx_hash):
        one = stored.arrival
        if one.tx_hash != tx_hash:
            continue  # the start of another hash is no name for money
        movement = movement_of(stored)
        known = assignments.find(reads, movement) is not None
        found.append(_Found(movement, one.coin, None if known else _against(reads, stored)))
    return found


def _against(reads: Reads, stored: payments.StoredPayment) -> RefusedError | None:
    show = f"relayclear payments show {stored.arrival.tx_hash}"
    if stored.match is not None:
        return RefusedError("this payment belongs to a token: that is never changed", hint=show, code="already_matched")
    kind = payments.orphan_kind(reads, stored.id)
    if kind is Orphan.OURS_LOST:
        return RefusedError(
            "a payer sent this for a token that was lost: it isn't ours to keep",
            hint="relayclear tokens import quotes.jsonl",
            code="ours_lost",
        )
    if kind is None:
        return RefusedError("these coins are a refund of ours that came back", hint=show, code="own_refund")
    return None


def write_off(desk: Desk, payment: str, reason: str, who: str, once: Once = ANEW, *, denom: str = "") -> Said:
    """Keep an orphan for good: nobody asked for it, and no token is behind it.  The same again changes nothing.

    `payment` is named as for `payments_acts.assign`.  Raises UsageError for what isn't there and without a
    reason, RefusedError for what is no orphan, what is our own, and where another word was said.
    """
    if not reason.strip():
        raise UsageError("writing off needs a reason", hint='--reason "…"', code="no_reason")
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        found = _to_write_off(tx, require_payment(tx, payment, denom))
        request = AssignRequest(found.movement.tx_hash, Word.WRITTEN_OFF, reason)
        said = Said((_say(tx, found, request, who, now),), settled=False)
        once.keep(tx, said, now)
        return said


def writable_off(reads: Reads, payment: str, denom: str = "") -> payments.StoredPayment:
    """The orphan that a person means, for whoever asks before keeping it.  Raises as `write_off` does."""
    stored = require_payment(reads, payment, denom)
    _to_write_off(reads, stored)
    return stored


def _to_write_off(reads: Reads, stored: payments.StoredPayment) -> _Found:
    found = _Found(movement_of(stored), stored.arrival.coin, None)
    if assignments.find(reads, found.movement) is not None:
        return found  # the same word again changes nothing; another one is refused where it is written
    refusal = _against(reads, stored)
    if refusal is not None:
        raise refusal
    if payments.orphan_kind(reads, stored.id) is not Orphan.ORPHAN:
        # Ours were never a payer's: taken as "written off" they would be shown as gained.
        raise RefusedError(
            "these are coins of ours, not a payer's: say what they were",
            hint=f'relayclear books assign --tx {stored.arrival.tx_hash} --as deposit --reason "…"',
            code="own_coins",
        )
    return found


# What went out


def _outgoing(reads: Reads, tx_hash: str) -> list[_Found]:
    booked = [_out(reads, one.place, one.ref, _amount(one.postings)) for one in _withdrawals(reads, tx_hash)]
    return [*booked, *_refunds(reads, tx_hash), *_circles(reads, tx_hash, {one.movement for one in booked})]


def _withdrawals(reads: Reads, tx_hash: str) -> Iterable[Entry]:
    return (one for one in ledger.movements_of(reads, tx_hash) if one.kind is Kind.WITHDRAWAL)


def _amount(postings: Iterable[Posting]) -> int:
    return max(one.amount for one in postings)


def _out(reads: Reads, place: Place, ref: str, amount: int) -> _Found:
    tx_hash, _, ordinal = ref.split("/")
    movement = MovementId(place.chain, tx_hash, False, int(ordinal), place.denom)
    free = assignments.find(reads, movement) is not None or is_withdrawal(reads, place, ref)
    return _Found(movement, Coin(place.denom, amount), None if free else _own_refund(reads, tx_hash))


def _refunds(reads: Reads, tx_hash: str) -> list[_Found]:
    """A transaction that we signed: whatever it sent is no withdrawal."""
    signing = signings.get(reads, tx_hash)
    refund = refunds.get(reads, signing.refund_id) if signing is not None and signing.refund_id else None
    if signing is None or refund is None:
        return []
    use = signings.use_of_tx(reads, signing.chain, signing.address, tx_hash)
    outputs = use.outputs if use is not None else ()
    return [
        _Found(
            MovementId(signing.chain, tx_hash, False, one.ordinal, one.coin.denom),
            one.coin,
            _own_refund(reads, tx_hash),
        )
        for one in outputs
    ]


def _own_refund(reads: Reads, tx_hash: str) -> RefusedError:
    named = refunds.touched_by(reads, tx_hash)
    which = f" {named[0]}" if named else ""
    hint = f"relayclear refunds show{which}" if named else "relayclear refunds list"
    return RefusedError(f"this transaction paid refund{which}: it is booked as that", hint=hint, code="own_refund")


def _circles(reads: Reads, tx_hash: str, booked: set[MovementId]) -> list[_Found]:
    """What a transaction that holds up refunds sent from the wallet to itself: never booked, and to be explained."""
    found = []
    open_ones = unexplained.every(reads)
    for chain, use in signings.uses_of_tx(reads, tx_hash):
        refusal = _not_yet(use) if _is_unread(reads, chain, use) else None
        for one in use.outputs:
            movement = MovementId(chain, tx_hash, False, one.ordinal, one.coin.denom)
            held_up = (chain, use) in open_ones or assignments.find(reads, movement) is not None
            if held_up and movement not in booked:
                found.append(_Found(movement, one.coin, refusal))
    return found


def _not_yet(use: SequenceUse) -> HeightError:
    return HeightError(
        f"its block {use.height} is not read yet", hint="the same command again in a moment", code="not_yet"
    )


# What is written


def _say(tx: Transaction, found: _Found, request: AssignRequest, who: str, now: datetime) -> Assigned:
    known = assignments.find(tx, found.movement)
    if known is not None:
        if known.word is not request.word:
            words = known.word.value.replace("_", " ")
            raise RefusedError(
                f"{known.who} said on {instant.day(known.at)} what this was ({words}): that is never changed",
                hint=f"relayclear history list --since {instant.day(known.at)}",
                code="assigned_otherwise",
            )
        return Assigned(known, found.coin)
    said = Assignment(found.movement, request.word, who, request.reason, now)
    assignments.add(tx, said)
    _book(tx, found, request.word, now)
    detail = {"as": request.word.value, "reason": request.reason}
    detail |= {"amount": str(found.coin.amount), "denom": found.coin.denom}
    history.add(tx, Event(now, who, "books_assigned", subject=_name(found.movement), detail=detail))
    return Assigned(said, found.coin)


def _book(tx: Transaction, found: _Found, word: Word, now: datetime) -> None:
    movement, place = found.movement, Place(found.movement.chain, found.coin.denom)
    payment = (movement.chain, movement.tx_hash, movement.ordinal, movement.denom)
    if word.incoming:
        ledger.post(tx, [book(place, _KINDS[word], payment_ref(payment), found.coin.amount)], now)
        payments.explain(tx, payment)
        return
    ref = _out_ref(movement)
    if word is Word.EXPENSE and not ledger.is_booked(tx, place, Kind.WITHDRAWAL, ref):
        raise RefusedError(
            "these coins never left the wallet: it sent them to itself", hint="--as withdrawal", code="no_expense"
        )
    if word is Word.EXPENSE:
        ledger.post(tx, [book(place, _KINDS[word], ref, found.coin.amount)], now)


def _settle(tx: Transaction, chosen: Iterable[_Found]) -> bool:
    """Let refunds be signed again where all of a transaction is explained now."""
    names = dict.fromkeys((one.movement.chain, one.movement.tx_hash) for one in chosen if not one.movement.incoming)
    settled = [
        settle_use(tx, chain, use)
        for chain, tx_hash in names
        for of, use in signings.uses_of_tx(tx, tx_hash)
        if of == chain
    ]
    return any(settled)


def _out_ref(movement: MovementId) -> str:
    return f"{movement.tx_hash}/out/{movement.ordinal}"


def _name(movement: MovementId) -> str:
    """How history names a movement: what came in as the payment that it is."""
    if movement.incoming:
        return payment_name((movement.chain, movement.tx_hash, movement.ordinal, movement.denom))
    return f"{movement.chain}/{_out_ref(movement)}"
