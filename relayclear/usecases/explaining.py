"""When a transaction of the wallet is explained: refunds may be signed again once each of its outputs is."""

from __future__ import annotations

from relayclear.ibc.spending import SequenceUse
from relayclear.money.ledger import Place
from relayclear.store import assignments, cursors, unexplained
from relayclear.store.assignments import MovementId
from relayclear.store.db import Reads, Transaction
from relayclear.usecases.refund_books import is_withdrawal


def settle_use(tx: Transaction, chain: str, use: SequenceUse) -> bool:
    """Take a transaction off the unexplained ones if nothing of it is open any more; whether it was taken off."""
    if not is_explained(tx, chain, use):
        return False
    return unexplained.drop(tx, chain, use)


def is_explained(reads: Reads, chain: str, use: SequenceUse) -> bool:
    """Whether all that it sent is a refund, was assigned, or stayed in the wallet.

    Never before its block is read: what isn't booked yet looks like what stayed.
    """
    cursor = cursors.find(reads, chain, use.address)
    if cursor is None or use.height > cursor.read_through:
        return False
    return not any(_is_open(reads, chain, use, one.ordinal, one.coin.denom) for one in use.outputs)


def _is_open(reads: Reads, chain: str, use: SequenceUse, ordinal: int, denom: str) -> bool:
    movement = MovementId(chain, use.tx_hash, False, ordinal, denom)
    if assignments.find(reads, movement) is not None:
        return False
    return is_withdrawal(reads, Place(chain, denom), f"{use.tx_hash}/out/{ordinal}")
