"""What a token's facts mean for the books: its shares earned, its payments' parts owed back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from relayclear.money.earned import Result
from relayclear.money.ledger import Account, Entry, Kind, Place, book
from relayclear.money.payment import PaymentId
from relayclear.money.refunds import our_loss, targets
from relayclear.store import dues, ledger
from relayclear.store.db import Transaction
from relayclear.store.ledger import BookedEntry
from relayclear.usecases.tokens_view import TokenView

_MOVES = {Kind.OWED, Kind.HELD_AGAIN}


def payment_ref(payment: tuple[str, str, int, str]) -> str:
    """What names a payment in the books, beside its chain and denom: ``HASH/ordinal``."""
    return f"{payment[1]}/{payment[2]}"


def book_token(tx: Transaction, view: TokenView, at: datetime) -> list[Entry]:
    """Book what the facts of a token say and the books don't yet, and list what is due; the entries that are new.

    The state it leaves is the same whoever calls it, and how often: what is owed back of each payment
    is its target less what was booked for it before.
    """
    booked = ledger.of_token(tx, view.order_id)
    moves = _moves(view, booked)
    entries = [*_lost(moves, booked), *_back_to_held(moves), *_owed(moves), *_earned(view)]
    dues.restate(tx, view.order_id, (due.payment for due in view.owed), at)
    return ledger.post(tx, entries, at, order_id=view.order_id)


class _Move(NamedTuple):
    """What is owed of a payment beyond what is booked, how many such entries there were, what was lost on it."""

    payment: PaymentId
    more: int
    before: int
    lost: int

    @property
    def place(self) -> Place:
        """The book that the payment stands in."""
        return Place(self.payment.chain, self.payment.denom)


def _moves(view: TokenView, booked: Iterable[BookedEntry]) -> list[_Move]:
    listed = list(booked)
    lost = our_loss(view.settlement, view.state, view.verdicts) if _is_over(view) else {}
    taken = {paid.payment.id: paid.taken_back for paid in view.settlement.payments}
    found = []
    for payment, target in targets(view.settlement, view.state, view.verdicts).items():
        mine = [one.entry for one in listed if one.entry.kind in _MOVES and _is_about(one.entry, payment)]
        owed = sum(_on(entry, Account.OWED) for entry in mine)
        # What is gone can't be held again; that it was too much is said when the last verdict is given.
        wanted = target.gross if payment in lost else max(target.gross, taken[payment])
        found.append(_Move(payment, wanted - owed, len(mine), lost.get(payment, 0)))
    return found


def _is_over(view: TokenView) -> bool:
    return all(term.key in view.verdicts and view.verdicts[term.key].final for term in view.token.quote.packets)


def _earned(view: TokenView) -> Iterable[Entry]:
    place = Place(view.token.quote.chain, view.token.quote.denom)
    for term in view.token.quote.packets:
        verdict = view.verdicts.get(term.key)
        if term.share and verdict is not None and verdict.result is Result.EARNED:
            yield book(place, Kind.EARNED, f"{view.order_id} {term.key}", term.share)


def _lost(moves: Iterable[_Move], booked: Iterable[BookedEntry]) -> Iterable[Entry]:
    listed = [one.entry for one in booked if one.entry.kind is Kind.OUR_LOSS]
    for move in moves:
        known = [entry for entry in listed if _is_about(entry, move.payment)]
        more = move.lost - sum(_on(entry, Account.OUR_LOSS) for entry in known)
        if more > 0:
            yield book(move.place, Kind.OUR_LOSS, f"{payment_ref(move.payment)} {len(known) + 1}", more)


def _owed(moves: Iterable[_Move]) -> Iterable[Entry]:
    for move in moves:
        if move.more > 0:
            yield book(move.place, Kind.OWED, f"{payment_ref(move.payment)} {move.before + 1}", move.more)


def _back_to_held(moves: Iterable[_Move]) -> Iterable[Entry]:
    for move in moves:
        if move.more < 0:
            yield book(move.place, Kind.HELD_AGAIN, f"{payment_ref(move.payment)} {move.before + 1}", -move.more)


def _on(entry: Entry, account: Account) -> int:
    return sum(posting.amount for posting in entry.postings if posting.account is account)


def _is_about(entry: Entry, payment: PaymentId) -> bool:
    return entry.place == Place(payment.chain, payment.denom) and entry.ref.rpartition(" ")[0] == payment_ref(payment)
