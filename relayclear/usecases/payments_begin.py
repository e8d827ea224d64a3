"""Where the reading of a chain's payments begins: a height, and what the payee held there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relayclear.store import cursors
from relayclear.usecases.desk import Desk
from relayclear.usecases.selling import require_shop

if TYPE_CHECKING:
    from relayclear.ports import Chain

# A block counts when another one stands on it: a node may serve one that was never agreed on.
BELOW_NEWEST = 1
WATCH = "watch"
"""Who did what follows from reading payments."""


async def begin_reading(desk: Desk, chain: str) -> None:
    """See to it that the chain's payments are read from now on; before the first token is given away.

    Raises UsageError or ConfigError where the chain has no payee, NodeError where it can't be read.
    """
    payee = require_shop(desk).payee(chain)
    if cursors.find(desk.journal.database, chain, payee) is None:
        node = desk.chain(chain)
        head = await node.head()
        await begin(desk, node, chain, payee, head.height - BELOW_NEWEST)


async def begin(desk: Desk, node: Chain, chain: str, payee: str, height: int) -> None:
    """Begin above a height: the payee's balances there are the books' opening ones."""
    # Once in the life of a payee: a quote needn't load the books to find that it has begun long ago.
    from relayclear.money.ledger import Kind, Place, book  # noqa: PLC0415
    from relayclear.store import history, ledger, signings  # noqa: PLC0415
    from relayclear.store.history import Event  # noqa: PLC0415

    account = await node.account(payee, height)
    balances, at = await node.balances(payee, height), await node.block_time(height)
    held = {denom: amount for denom, amount in balances.by_denom.items() if amount}
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        # Somebody else may have begun meanwhile, at the same height even: then theirs is the opening.
        ours = cursors.find(tx, chain, payee) is None
        cursors.begin(tx, chain, payee, height, at, held, now)
        if ours:
            sequence = account.sequence if account is not None else 0
            signings.begin(tx, chain, payee, signings.Beginning(sequence, height))
            ref = f"{payee} at {height}"
            ledger.post(
                tx,
                [book(Place(chain, denom), Kind.OPENING, ref, amount) for denom, amount in held.items()],
                now,
            )
            detail = {"height": height, "payee": payee}
            history.add(tx, Event(now, WATCH, "reading_began", subject=chain, detail=detail))
