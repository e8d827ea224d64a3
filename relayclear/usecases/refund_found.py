"""Refunds that stand on the chain and not in the database: sent after the backup that was restored, or by a copy of it.

Their ids follow from the payment and its number alone, so that every payment tells which refunds it may have.
"""

from __future__ import annotations

from datetime import datetime

from relayclear.ibc.spending import SequenceUse, SpentOutput
from relayclear.money.payment import PaymentId
from relayclear.money.refund_state import Said
from relayclear.money.refunds import PAYERS_CAUSES, Cause, refund_id
from relayclear.store import payments, refunds, tokens
from relayclear.store.db import Reads, Transaction
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund, SaidOf
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_books import RULES, memo_id
from relayclear.usecases.token_books import book_token
from relayclear.usecases.tokens_view import payment_of, read_view, require_token, revoked_keys

# A payment has one refund, seldom a second; after the tenth somebody should look.
_NUMBERS = 10
_PAGE = 1000


def recover(desk: Desk, tx: Transaction, chain: str, use: SequenceUse, now: datetime) -> Refund | None:
    """Write down a refund that the chain shows; None where its memo names no payment of ours, or it doesn't pay it."""
    name = memo_id(use.memo) if use.code == 0 else None
    if name is None or refunds.get(tx, name) is not None:
        return None
    found = _payment(tx, chain, name)
    if found is None:
        return None
    stored, number = found
    output = next((one for one in use.outputs if one.coin.denom == stored.arrival.coin.denom), None)
    if output is None or stored.match is None:
        return None
    return _write(desk, tx, stored, name, number, output, use, now)


def _payment(reads: Reads, chain: str, name: str) -> tuple[StoredPayment, int] | None:
    """The payment that a refund's id belongs to, and the refund's number: by trying all of the chain."""
    offset = 0
    while page := payments.page(reads, _PAGE, offset, chain=chain):
        for stored in page:
            for number in range(1, _NUMBERS + 1):
                if refund_id(PaymentId(*stored.id), number) == name:
                    return stored, number
        offset += len(page)
    return None


def _write(
    desk: Desk,
    tx: Transaction,
    stored: StoredPayment,
    name: str,
    number: int,
    output: SpentOutput,
    use: SequenceUse,
    now: datetime,
) -> Refund | None:
    order_id = stored.match.order_id if stored.match else ""
    token = require_token(tx, order_id).token
    cause = _cause(use.memo)
    kept = (token.quote.refund_fee(output.coin.denom) or 0) if cause in PAYERS_CAUSES else 0
    room = stored.arrival.coin.amount - refunds.taken_back(tx, stored.id)
    gross = min(room, output.coin.amount + kept)
    if gross < output.coin.amount:
        return None  # more than the payment holds: no refund of ours ever sends that
    refund = Refund(
        id=name,
        payment=stored.id,
        number=number,
        order_id=order_id,
        payee=stored.payee,
        to=output.to or payment_of(stored).may_refund_to or "",
        over=use.packets[0].end if use.packets else None,
        cause=cause,
        parts=((cause, gross),),
        gross=gross,
        fee=gross - output.coin.amount,
        by_itself=False,
        read_through=use.at,
        made_at=now,
    )
    why = "found on the chain: it was sent by another copy of this database, or before it was restored"
    refunds.add(tx, refund, SaidOf(Said.APPROVED, RULES, why, now, use.tx_hash))
    view = read_view(tx, tokens.load(tx, [order_id])[0], revoked_keys(desk))
    book_token(tx, view, now)
    return refunds.get(tx, name)


def _cause(memo: str) -> Cause:
    word = memo.partition(" ")[2].replace(" ", "_")
    return Cause(word) if word in set(Cause) else Cause.NOT_CLEARED
