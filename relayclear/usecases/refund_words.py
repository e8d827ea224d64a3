"""Whether a second endpoint says the same of everything that makes a refund due (`money.md` 6.6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from relayclear.clearing.proof_check import Verdict
from relayclear.errors import NotFoundError, RelayclearError
from relayclear.ibc.arrivals import Arrival
from relayclear.money.refund_state import Said
from relayclear.money.refunds import PAYERS_CAUSES, Cause, RefundDue
from relayclear.ports import Chain
from relayclear.store import cursors, refunds, signings
from relayclear.store.db import Reads
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund
from relayclear.store.signings import Signing
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof_check import chains_of, check_proof
from relayclear.usecases.proof_document import operation_proof
from relayclear.usecases.refund_books import RULES
from relayclear.usecases.tokens_view import TokenView

# What became of the packets doesn't matter to these: a revoked token's work never began.
_BY_PAYMENTS = PAYERS_CAUSES | {Cause.REVOKED}


async def two_words(desk: Desk, view: TokenView, due: RefundDue) -> bool:
    """Ask the witnesses of all chains concerned; False where one has none, can't tell, or says otherwise.

    All payments of the token are asked about: what is too much of one hangs on the others.  That there
    are no more of them is in the balance, that time has gone by in the block read last.
    """
    witness = desk.witnesses.get(due.payment.chain)
    try:
        if witness is None or not await _payments_agree(witness, view.token.payee, view.arrivals):
            return False
        if not await _reading_agrees(desk, witness, view):
            return False
        return all(cause in _BY_PAYMENTS for cause, _ in due.parts) or await _fates_agree(desk, view)
    except RelayclearError:
        return False


async def agreed_dead(desk: Desk, refund: Refund) -> bool:
    """Whether a second endpoint says the same of what used the sequences that a refund was signed on before.

    A person's yes since then does as well, and so does one who took it for dead.  False where there
    is no second endpoint, or it can't tell now.
    """
    database = desk.journal.database
    signed = [one for one in signings.of_refund(database, refund.id) if one.assumed_dead is None]
    if not signed or _yes_since(database, refund, signed[-1].signed_at):
        return True
    witness = desk.witnesses.get(refund.chain)
    try:
        return witness is not None and all([await _used_alike(database, witness, one) for one in signed])
    except RelayclearError:
        return False


def _yes_since(reads: Reads, refund: Refund, at: datetime) -> bool:
    return any(
        one.word is Said.APPROVED and one.who != RULES and one.at >= at for one in refunds.events(reads, refund.id)
    )


async def _used_alike(reads: Reads, witness: Chain, signing: Signing) -> bool:
    found = signings.uses(reads, signing.chain, signing.address, signing.sequence, 1)
    if not found or found[0].sequence != signing.sequence:
        return False
    mine = found[0]
    told = await witness.sequence_uses(mine.address, mine.height, mine.height)
    return (mine.sequence, mine.tx_hash, mine.code) in {(one.sequence, one.tx_hash, one.code) for one in told}


async def _payments_agree(witness: Chain, payee: str, arrivals: Iterable[StoredPayment]) -> bool:
    for stored in arrivals:
        try:
            told = await witness.arrivals_of_tx(payee, stored.arrival.tx_hash)
        except NotFoundError:
            return False
        if _same(stored.arrival, told):
            continue
        # `tx` shows only the last block with these bytes: put into one again, a payment looks like one that failed.
        height = stored.arrival.height
        if not _same(stored.arrival, (await witness.moved_by_blocks(payee, height, height)).arrivals):
            return False
    return True


def _same(mine: Arrival, told: Iterable[Arrival]) -> bool:
    """Whether a payment that was read stands among those that somebody else tells, exactly and once."""
    figures = (mine.coin, mine.height, mine.at, mine.memo, mine.sender)
    same = [one for one in told if one.identity == mine.identity]
    return [(one.coin, one.height, one.at, one.memo, one.sender) for one in same] == [figures]


async def _reading_agrees(desk: Desk, witness: Chain, view: TokenView) -> bool:
    """Whether the payee holds what was read, at the time that was read: nothing was hidden or invented up to there."""
    cursor = cursors.find(desk.journal.database, view.token.quote.chain, view.token.payee)
    if cursor is None:
        return False
    held = (await witness.balances(cursor.payee, cursor.read_through)).by_denom
    at = await witness.block_time(cursor.read_through)
    return {denom: amount for denom, amount in held.items() if amount} == cursor.held and at == cursor.read_through_time


async def _fates_agree(desk: Desk, view: TokenView) -> bool:
    """Whether the proof of the token's operation holds before the witnesses of both its chains."""
    if view.operation is None:
        return False
    proof = await operation_proof(desk, view.operation.id)
    chains = {chain: desk.witnesses[chain] for chain in chains_of(proof) if chain in desk.witnesses}
    if len(chains) < len(set(chains_of(proof))):
        return False
    checked = await check_proof(chains, proof)
    told = {packet.packet.after.sequence: packet.verdict for packet in checked.packets}
    unearned = [
        term.key.sequence
        for term in view.token.quote.packets
        if term.key in view.verdicts and view.verdicts[term.key].result != "earned"
    ]
    return all(told.get(sequence) is Verdict.CONFIRMED for sequence in unearned)
