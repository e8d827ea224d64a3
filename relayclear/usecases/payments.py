"""Reading what payers sent: from the stored height on, and counted only where the balance agrees.

| what is met | what happens |
|---|---|
| never read before | reading begins here: the payee's balances are the opening ones |
| nothing new stands a block below the newest | nothing |
| the node stands lower than what was read | nothing is read, an error |
| the index is off or late | the blocks are read |
| heights that no node has | a gap, and an error until somebody accepts it |
| the balance isn't explained | read again block by block, then an error |
| a second endpoint tells otherwise, or a payment read before is missing | an error |
| anything else | payments, books and height are written in one commit |

After an error the height stays where it was, and what went wrong is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.errors import HeightError, NodeError, RelayclearError, StoreError
from relayclear.ibc.text import clean
from relayclear.money.issuer import KeyState
from relayclear.ports import Chain
from relayclear.store import cursors
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.payments import StoredPayment
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments_begin import BELOW_NEWEST, begin
from relayclear.usecases.payments_books import Rules, UnbalancedError, keep_window
from relayclear.usecases.payments_reading import (
    BLOCKS_WINDOW,
    OVERLAP,
    Flows,
    Window,
    disagreement,
    held_at_end,
    last_gone,
    read_window,
)
from relayclear.usecases.selling import require_shop

# Blocks this far down that a node can't serve won't come any more; nearer ones may only be late.
_SURELY_MADE = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a payee's chain has been read, what was new, and what stopped it.

    `through` and `through_time` are None where reading never began; `payments` is in the order of
    the chain.  `opened`: it began now.
    """

    chain: str
    payee: str
    through: int | None
    through_time: datetime | None
    payments: tuple[StoredPayment, ...] = ()
    error: RelayclearError | None = None
    opened: bool = False


@dataclass(frozen=True, slots=True)
class _Payee:
    """Where to read, and what is needed to make sense of it."""

    desk: Desk
    node: Chain
    chain: str
    address: str
    rules: Rules

    def cursor(self) -> Cursor | None:
        """How far it was read, as the database has it now; None before the first time."""
        return cursors.find(self.desk.journal.database, self.chain, self.address)


async def read_payments(desk: Desk, chain: str) -> Reading:
    """Read a chain's payments up to one below its newest block; trouble is in the answer and in the store.

    Raises UsageError or ConfigError where the chain has no payee, StoreError where nothing can be kept.
    """
    shop = require_shop(desk)
    place = _Payee(desk, desk.chain(chain), chain, shop.payee(chain), rules_of(desk, chain))
    new: list[StoredPayment] = []
    opened = place.cursor() is None
    error: RelayclearError | None = None
    try:
        await _read_on(place, new)
    except StoreError:
        raise
    except RelayclearError as found:
        error = found
        with desk.journal.database.atomic() as tx:
            cursors.fail(tx, chain, place.address, clean(found.message, 500), desk.clock.now())
    at = place.cursor()
    if at is None:
        return Reading(chain, place.address, None, None, error=error)
    return Reading(
        chain, place.address, at.read_through, at.read_through_time, tuple(new), error, opened and error is None
    )


def rules_of(desk: Desk, chain: str) -> Rules:
    """Our keys and addresses, for recognising payments on a chain.  Raises ConfigError for unsafe key files."""
    keys = require_shop(desk).keys.listed()
    revoked = frozenset(key.kid for key in keys if key.state is KeyState.REVOKED)
    return Rules(tuple(key.memo_key for key in keys), revoked, desk.ours.get(chain, frozenset()))


async def _read_on(place: _Payee, new: list[StoredPayment]) -> None:
    head = await place.node.head()
    target = head.height - BELOW_NEWEST
    cursor = place.cursor()
    if cursor is None:
        await begin(place.desk, place.node, place.chain, place.address, target)
        return
    if target < cursor.read_through:
        raise NodeError(
            f"{place.chain} stands at height {head.height}; {cursor.read_through + BELOW_NEWEST} was read before",
            hint="a restored node has to catch up; a chain that was started anew needs a new database",
            code="height_gone_back",
        )
    while cursor is not None and cursor.read_through < target:
        new += await _read_once(place, cursor, target)
        cursor = place.cursor()


async def _read_once(place: _Payee, cursor: Cursor, target: int) -> tuple[StoredPayment, ...]:
    """Read one window and write it; block by block where the index's word doesn't explain the balance."""
    gap = _accepted_gap(place, cursor, target)
    window = await _window(place, cursor, target, gap)
    try:
        return await _keep(place, cursor, window, gap)
    except UnbalancedError:
        if window.flows.by_blocks:
            raise
    first, last = window.flows.first, window.flows.last
    return await _keep(place, cursor, await read_window(place.node, place.address, first, last, by_blocks=True), gap)


async def _window(place: _Payee, cursor: Cursor, target: int, gap: Gap | None) -> Window:
    if gap is not None:
        # Where the balance right above the gap can still be asked for, only the gap itself stays unexplained.
        nothing = Flows(gap.last + 1, gap.last, (), (), by_blocks=True)
        return await held_at_end(place.node, place.address, nothing, target)
    again = max(cursor.opening_height, cursor.read_through - OVERLAP) + 1
    for first in dict.fromkeys((again, cursor.read_through + 1)):
        try:
            return await read_window(place.node, place.address, first, target)
        except HeightError as error:
            gone = error
    raise await _gap(place, cursor, target, gone)


def _accepted_gap(place: _Payee, cursor: Cursor, target: int) -> Gap | None:
    """The gap that begins where the reading stands, if somebody has accepted it."""
    found = cursors.gaps(place.desk.journal.database, place.chain)
    return next(
        (
            gap
            for gap in found
            if gap.accepted
            and gap.payee == place.address
            and gap.first <= cursor.read_through + 1 <= gap.last <= target
        ),
        None,
    )


async def _gap(place: _Payee, cursor: Cursor, target: int, error: HeightError) -> RelayclearError:
    """Keep what no node can serve, as an error that says how to pass it; the error itself where it may only be late."""
    first = cursor.read_through + 1
    last = await last_gone(place.node, first, target)
    if last is None:
        # The blocks are there, what they did isn't: nodes that drop results lose them block by block.
        last = first + BLOCKS_WINDOW - 1
        if last > target - _SURELY_MADE:
            return error
    with place.desk.journal.database.atomic() as tx:
        number = cursors.add_gap(
            tx, place.chain, place.address, first, last, clean(error.message, 300), place.desk.clock.now()
        )
    return HeightError(
        f"{place.chain}: no endpoint can serve heights {first} to {last} any more, so payments there can't be seen",
        hint=f"add an archive endpoint to [chains] rpc, or: relayclear payments gaps accept {number} --reason …",
        code="payments_gap",
    )


async def _keep(place: _Payee, cursor: Cursor, window: Window, gap: Gap | None) -> tuple[StoredPayment, ...]:
    against = await disagreement(place.desk.witnesses.get(place.chain), place.address, window)
    if against is not None:
        raise against
    with place.desk.journal.database.atomic() as tx:
        now = cursors.find(tx, place.chain, place.address)
        if now is None or now.read_through != cursor.read_through:
            return ()  # another process has read on meanwhile: what it wrote is what counts
        return keep_window(tx, cursor, window, place.rules, place.desk.clock.now(), gap)
