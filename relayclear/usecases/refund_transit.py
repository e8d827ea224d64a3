"""Refunds on their way over IBC: paid when the packet was acknowledged, owed again when it came back."""

from __future__ import annotations

from datetime import timedelta

from relayclear.errors import RelayclearError, StoreError
from relayclear.money.refund_state import RefundState
from relayclear.store import cursors, refunds, signings
from relayclear.store.refunds import Refund
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_books import book_arrived
from relayclear.usecases.shop import SellRules

_MOST = 1000


async def follow_packets(desk: Desk, chain: str) -> list[str]:
    """Look at every refund in transit; ids of those that have arrived.

    A packet that is gone at the height through which the payments are read has arrived if its coins
    haven't come home by then.  Asked at that height: at the newest one it would always be a block ahead.
    One that no node can tell of stays open: the others don't wait for it.
    """
    database = desk.journal.database
    arrived = []
    for refund in refunds.queue(database, chain, _MOST, RefundState.IN_TRANSIT):
        try:
            if not await _is_gone(desk, refund):
                continue
        except StoreError:
            raise
        except RelayclearError:
            continue
        with database.atomic() as tx:
            now = refunds.get(tx, refund.id)
            # The reading that passed that height would have taken its coins back.
            if now is not None and now.state is RefundState.IN_TRANSIT:
                book_arrived(tx, now, desk.clock.now())
                arrived.append(refund.id)
    return arrived


def open_too_long(desk: Desk) -> list[Refund]:
    """Refunds whose packet was neither taken nor came back within `unknown_max`, on any chain: somebody should look.

    By the wall clock, as every alert: nothing is decided by it.
    """
    database, now = desk.journal.database, desk.clock.now()
    most = timedelta(seconds=(desk.shop.rules if desk.shop is not None else SellRules()).unknown_max)
    open_ones = refunds.page(database, _MOST, states=[RefundState.IN_TRANSIT])
    return [one for one in reversed(open_ones) if one.since is not None and now - one.since > most]


async def _is_gone(desk: Desk, refund: Refund) -> bool:
    """Whether its packet was sent and gone where the wallet's payments are read; False where nobody knows its sequence.

    Raises NodeError where the chain can't tell.
    """
    database = desk.journal.database
    said = refunds.events(database, refund.id)[-1]
    sequence, use = said.detail.get("sequence"), signings.use_on(database, refund.chain, said.tx_hash or "")
    if refund.over is None or not isinstance(sequence, int) or use is None:
        return False
    # Where it left from, and its coins would come home to: the config may name another payee by now.
    cursor = cursors.find(database, refund.chain, use.address)
    if cursor is None or use.height > cursor.read_through:
        return False
    found = (await desk.chain(refund.chain).commitments_at([refund.over], cursor.read_through))[refund.over]
    if isinstance(found, RelayclearError):
        raise found
    return sequence not in found.by_sequence
