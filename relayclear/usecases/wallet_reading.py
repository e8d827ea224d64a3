"""What a wallet's account did on its chain: one transaction for every sequence, and what each was.

An account's sequence counts its transactions, so that reading one after the other leaves none out, whatever an
index hides: a sequence without a transaction is one that isn't read yet, never one that didn't happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.errors import IndexerError, NodeError
from relayclear.ibc.spending import SequenceUse, SpentOutput, code_text
from relayclear.ibc.text import clean
from relayclear.money.ledger import Place
from relayclear.money.refund_state import DEAD, RefundState, Said, failures
from relayclear.ports import Chain
from relayclear.store import cursors, history, refunds, signings, stops, unexplained
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.signings import Beginning
from relayclear.usecases.desk import Desk
from relayclear.usecases.explaining import settle_use
from relayclear.usecases.refund_books import RULES, book_over, book_unread, came_home, is_withdrawal, memo_id
from relayclear.usecases.refund_found import recover
from relayclear.usecases.selling import require_shop
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.tokens_view import revoked_keys

# So often a refund is sent again after its transaction stood in a block and paid nothing.
MOST_FAILURES = 3
_BLOCKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WalletStanding:
    """A wallet's account: the next sequence by the chain, and by what was read of it."""

    chain: str
    address: str
    number: int
    on_chain: int
    expected: int


async def read_wallet(desk: Desk, chain: str) -> WalletStanding:
    """Read what used every sequence since reading of payments began, and keep what it was.

    Raises NodeError where a used sequence can't be found yet, HeightError where its block is gone.
    """
    payee = require_shop(desk).payee(chain)
    node, database = desk.chain(chain), desk.journal.database
    account = await node.account(payee)
    number, on_chain = (account.number, account.sequence) if account is not None else (0, 0)
    begun = await _begun(desk, node, payee, on_chain)
    last = signings.last_use(database, chain, payee)
    first = begun.sequence if last is None else last.sequence + 1
    for use in await _uses(desk, node, payee, first, on_chain):
        keep_use(desk, chain, use)
    last = signings.last_use(database, chain, payee)
    return WalletStanding(chain, payee, number, on_chain, begun.sequence if last is None else last.sequence + 1)


async def _begun(desk: Desk, node: Chain, payee: str, on_chain: int) -> Beginning:
    """From where on the account is read: not above the height where reading of payments began.

    Where that isn't known, what used the sequences below is read, down to there.
    """
    database, chain = desk.journal.database, node.chain_id
    cursor = cursors.find(database, chain, payee)
    known = signings.beginning(database, chain, payee)
    if cursor is None:
        return known or Beginning(on_chain, 0)
    if known is not None and known.height <= cursor.opening_height:
        return known
    last = known.sequence if known is not None else on_chain
    sequence = await _read_down(desk, node, payee, last, cursor.opening_height)
    begun = Beginning(sequence, cursor.opening_height)
    with database.atomic() as tx:
        signings.begin(tx, chain, payee, begun)
    return begun


async def _read_down(desk: Desk, node: Chain, payee: str, end: int, opening: int) -> int:
    """The first sequence that was used above a height; what used it and those up to below `end` is kept."""
    try:
        found = await _down_by_index(node, payee, end, opening)
    except IndexerError:
        # The blocks leave nothing out: whoever isn't in them used nothing.
        head = (await node.head()).height
        found = [use for use in await _in_blocks(node, payee, opening + 1, head) if use.sequence < end]
    for use in found:
        keep_use(desk, node.chain_id, use)
    return end - len(found)


async def _down_by_index(node: Chain, payee: str, end: int, opening: int) -> list[SequenceUse]:
    found: list[SequenceUse] = []
    for sequence in range(end - 1, -1, -1):
        use = await node.sequence_use(payee, sequence)
        if use is None:
            raise IndexerError(f"{node.chain_id}: the index doesn't reach back to where reading began")
        if use.height <= opening:
            break
        found.insert(0, use)
    return found


async def _in_blocks(node: Chain, payee: str, first: int, last: int) -> list[SequenceUse]:
    found: list[SequenceUse] = []
    for start in range(first, last + 1, _BLOCKS_AT_ONCE):
        found += await node.sequence_uses(payee, start, min(start + _BLOCKS_AT_ONCE - 1, last))
    return found


async def _uses(desk: Desk, node: Chain, payee: str, first: int, end: int) -> list[SequenceUse]:
    """The uses of the sequences `first` to below `end`, in their order."""
    found: list[SequenceUse] = []
    for sequence in range(first, end):
        try:
            use = await node.sequence_use(payee, sequence)
        except IndexerError:
            return await _by_blocks(desk, node, payee, first, end)
        if use is None:
            raise _not_found(node.chain_id, payee, sequence)
        found.append(use)
    return found


async def _by_blocks(desk: Desk, node: Chain, payee: str, first: int, end: int) -> list[SequenceUse]:
    """The same where no index tells: from the last block that was read for it."""
    database = desk.journal.database
    begun = signings.beginning(database, node.chain_id, payee)
    last = signings.last_use(database, node.chain_id, payee)
    above = last.height if last is not None else (begun.height if begun is not None else 0)
    found = await _in_blocks(node, payee, max(above, 1), (await node.head()).height)
    wanted = [use for use in found if first <= use.sequence < end]
    if [use.sequence for use in wanted] != list(range(first, end)):
        raise _not_found(node.chain_id, payee, first)
    return wanted


def _not_found(chain: str, payee: str, sequence: int) -> NodeError:
    return NodeError(
        f"{chain}: no endpoint shows yet what used sequence {sequence} of {payee}",
        hint="an index needs a moment; if it stays so, give the chain another endpoint in [chains] rpc",
        code="sequence_unread",
    )


def keep_use(desk: Desk, chain: str, use: SequenceUse) -> None:
    """Keep what used a sequence, and what that means for the refunds that were signed on it."""
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        if not signings.add_use(tx, chain, use, now):
            return
        signed = signings.at_sequence(tx, chain, use.address, use.sequence)
        for signing in signed:
            if signing.refund_id is not None:
                _tell(tx, signing.refund_id, use, now, landed=signing.tx_hash == use.tx_hash)
        about = {signing.refund_id for signing in signed if signing.refund_id is not None}
        if all(signing.tx_hash != use.tx_hash for signing in signed):
            about |= _explain(desk, tx, chain, use, now)
        for refund_id in sorted(about):
            _owe_again(desk, tx, refund_id, now)


def _owe_again(desk: Desk, tx: Transaction, refund_id: str, now: datetime) -> None:
    """One that came home already, or was given up, is owed as the next one of its payment."""
    refund = refunds.get(tx, refund_id)
    if refund is not None and refund.state is RefundState.IN_TRANSIT and came_home(tx, refund, now):
        refund = refunds.get(tx, refund_id)
    if refund is not None and refund.state in DEAD:
        restate(tx, refund.order_id, now, revoked_keys(desk))


def _tell(tx: Transaction, refund_id: str, use: SequenceUse, now: datetime, *, landed: bool) -> None:
    """What a used sequence means for a refund that was signed on it."""
    if not landed:
        refunds.restate(tx, refund_id, now)  # superseded: the chain takes no second one on this sequence
        return
    refund = refunds.get(tx, refund_id)
    if refund is None:
        return
    if use.code == 0:
        confirm(tx, refund, use, now)
        if refund.over is None:
            book_unread(tx, refund, use, now)
        return
    why = f"its transaction stood in block {use.height} with {code_text(use.code)}"
    refunds.say(tx, refund_id, SaidOf(Said.FAILED, RULES, why, now, use.tx_hash))
    _told(tx, refund, "refund_failed", use, now)
    give_up(tx, refund_id, now)


def give_up(tx: Transaction, refund_id: str, now: datetime) -> bool:
    """After a few failures it is owed again, and waits for a person; False while it may be tried again."""
    if failures([one.word for one in refunds.events(tx, refund_id)]) < MOST_FAILURES:
        return False
    why = f"failed {MOST_FAILURES} times"
    refunds.say(tx, refund_id, SaidOf(Said.WITHDRAWN, RULES, why, now))
    return True


def confirm(tx: Transaction, refund: Refund, use: SequenceUse, now: datetime) -> None:
    """It was found with code 0: paid, or on its way over IBC."""
    if refund.state in {RefundState.CONFIRMED, RefundState.IN_TRANSIT}:
        stops.stop(tx, refund.chain, f"refund {refund.id} was paid twice", now)
        _told(tx, refund, "refund_paid_twice", use, now)
        return
    if refund.over is None:
        output = use.received_as(refund.to, refund.net)
        refunds.say(tx, refund.id, SaidOf(Said.CONFIRMED, RULES, "", now, use.tx_hash, output))
        _told(tx, refund, "refund_confirmed", use, now)
        return
    sequence = next((key.sequence for key in use.packets if key.end == refund.over), None)
    detail = {"sequence": sequence}
    refunds.say(tx, refund.id, SaidOf(Said.IN_TRANSIT, RULES, "", now, use.tx_hash, None, detail))
    _told(tx, refund, "refund_in_transit", use, now)


def _told(tx: Transaction, refund: Refund, what: str, use: SequenceUse, now: datetime) -> None:
    detail = {"tx": use.tx_hash, "height": use.height, "code": use.code}
    history.add(tx, Event(now, RULES, what, refund.order_id, None, refund.to, f"refund {refund.id}", detail))


# What isn't by our own hand


def _explain(desk: Desk, tx: Transaction, chain: str, use: SequenceUse, now: datetime) -> set[str]:
    """Say what a transaction was that we didn't sign here: a refund, our own accounts' business, or unexplained.

    The id of the refund that it paid, if it did.
    """
    refund = _named(tx, chain, use) or recover(desk, tx, chain, use, now)
    if refund is not None:
        confirm(tx, refund, use, now)
        _book_if_read(tx, refund, use, now)
        if not _was_exported(tx, refund):
            stops.stop(tx, chain, f"refund {refund.id} was sent by another hand than this database", now)
    ours = desk.ours.get(chain, frozenset())
    strange = [one for one in use.outputs if one.to not in ours]
    # Beside the refund that it names it may have sent anything to anybody.
    if use.code == 0 and len(strange) > (refund is not None):
        unexplained.add(tx, chain, use)
        told = {"tx": use.tx_hash, "sequence": use.sequence, "memo": clean(use.memo, 100)}
        event = Event(now, RULES, "wallet_moved_by_another_hand", subject=f"{chain}/{use.tx_hash}", detail=told)
        history.add(tx, event)
        stops.stop(tx, chain, f"sequence {use.sequence} was used by {use.tx_hash}, which isn't ours", now)
    return {refund.id} if refund is not None else set()


def explain_later(desk: Desk, chain: str, payee: str) -> None:
    """Look again at what names a refund that nobody knew: its payment may have been read, or assigned, since.

    All payments are looked through for each: once a sweep is often enough.
    """
    database, now = desk.journal.database, desk.clock.now()
    for use in unexplained.of_wallet(database, chain, payee):
        if memo_id(use.memo) is None:
            continue
        with database.atomic() as tx:
            known = bool(refunds.touched_by(tx, use.tx_hash))
            refund = None if known else _named(tx, chain, use) or recover(desk, tx, chain, use, now)
            if refund is not None:
                confirm(tx, refund, use, now)
                _book_if_read(tx, refund, use, now)
                _owe_again(desk, tx, refund.id, now)
            if known or refund is not None:
                settle_use(tx, chain, use)


def _named(reads: Reads, chain: str, use: SequenceUse) -> Refund | None:
    """The refund that its memo names, if it really pays it."""
    name = memo_id(use.memo) if use.code == 0 else None
    refund = refunds.get(reads, name) if name else None
    if refund is None or refund.chain != chain:
        return None
    return refund if any(_pays(refund, use, one) for one in use.outputs) else None


def _pays(refund: Refund, use: SequenceUse, one: SpentOutput) -> bool:
    if refund.over is None:
        return (one.coin, one.to) == (refund.net, refund.to)
    # Coins that only stay on this chain are nobody's packet.
    return one.coin == refund.net and any(key.end == refund.over for key in use.packets)


def _was_exported(reads: Reads, refund: Refund) -> bool:
    return any(one.word is Said.EXPORTED for one in refunds.events(reads, refund.id))


def _book_if_read(tx: Transaction, refund: Refund, use: SequenceUse, now: datetime) -> None:
    """Its movement may have been read before it was known what it was."""
    for one in use.outputs:
        ref = f"{use.tx_hash}/out/{one.ordinal}"
        place = Place(refund.chain, one.coin.denom)
        if one.coin == refund.net and is_withdrawal(tx, place, ref):
            book_over(tx, refund, ref, now)
            return
