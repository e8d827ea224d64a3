"""Refunds that somebody else signs: written out for another wallet, and marked as paid once the chain shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.errors import HeightError, NotFoundError, RefusedError, UsageError
from relayclear.ibc.arrivals import Arrival
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.readings import Head
from relayclear.ibc.spending import Draft
from relayclear.money.ledger import Kind, Place
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import refund_memo
from relayclear.store import history, ledger, payments, refunds, signings
from relayclear.store.db import Transaction
from relayclear.store.history import Event
from relayclear.store.refunds import Refund, SaidOf
from relayclear.usecases.desk import Desk
from relayclear.usecases.explaining import settle_use
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.payments import read_payments
from relayclear.usecases.refund_acts import require_refund
from relayclear.usecases.refund_books import book_by_hand, book_over, is_withdrawal, memo_id
from relayclear.usecases.refund_dues import USUAL_GAS, fee_for, rules_of
from relayclear.usecases.refund_send import holding_wallet
from relayclear.usecases.refund_sign import sending_of
from relayclear.usecases.wallet_reading import WalletStanding, read_wallet
from relayclear.usecases.whole_hash import whole_hash

_QUEUE = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """A refund and the transaction that somebody else is to sign; no block above its timeout height takes it."""

    refund: Refund
    draft: Draft


async def export(desk: Desk, chain: str, names: list[str], who: str, once: Once = ANEW) -> list[Exported]:
    """Write approved refunds out for another signer, all of the chain's where none is named, in one commit.

    From then on nothing else sends them, until they are marked as paid, or the export is cancelled.
    Raises UsageError for an unknown one, RefusedError for one that isn't approved.
    """
    once.begin(desk.journal.database)
    with holding_wallet(desk, chain):
        wallet = await read_wallet(desk, chain)
        head = await desk.chain(chain).head()
        chosen = exportable(desk, chain, names)
        drafts = [_draft(desk, refund, wallet, head) for refund in chosen]
        now = desk.clock.now()
        with desk.journal.database.atomic() as tx:
            once.begin(tx)
            done = [
                Exported(_exported(tx, refund, draft, head.height, who, now), draft)
                for refund, draft in zip(chosen, drafts, strict=True)
            ]
            once.keep(tx, done, now)
            return done


def _draft(desk: Desk, refund: Refund, wallet: WalletStanding, head: Head) -> Draft:
    return Draft(
        refund.chain,
        wallet.address,
        wallet.number,
        wallet.on_chain,
        sending_of(refund, head),
        fee_for(desk, refund.chain, USUAL_GAS),
        USUAL_GAS,
        refund_memo(refund.id, refund.cause),
        head.height + valid_blocks(desk),
    )


def valid_blocks(desk: Desk) -> int:
    """Within how many blocks what is exported has to land."""
    return rules_of(desk).timeout_blocks


def exportable(desk: Desk, chain: str, names: list[str]) -> list[Refund]:
    """The approved refunds that are named, each once, or all of the chain's.  Raises what `export` raises."""
    found = {one.id: one for one in (_approved(desk, chain, name) for name in names)}
    return list(found.values()) if names else refunds.queue(desk.journal.database, chain, _QUEUE)


def _approved(desk: Desk, chain: str, name: str) -> Refund:
    found = require_refund(desk, name)
    if not isinstance(found, Refund) or found.state is not RefundState.APPROVED:
        raise RefusedError(
            f"refund {found.id} is {found.state.value.replace('_', ' ')}: only an approved one can be exported",
            hint=f"relayclear refunds approve {found.id}",
            code="not_approved",
        )
    if found.chain != chain:
        raise UsageError(f"refund {found.id} is paid on {found.chain}, not on {chain}", hint=f"--chain {found.chain}")
    return found


def _exported(tx: Transaction, refund: Refund, draft: Draft, height: int, who: str, now: datetime) -> Refund:
    found = refunds.get(tx, refund.id)
    if found is None or found.state is not RefundState.APPROVED:
        raise RefusedError(
            f"refund {refund.id} was just decided otherwise",
            code="changed",
            hint=f"relayclear refunds show {refund.id}",
        )
    detail = {"timeout_height": draft.timeout_height, "at_height": height}
    refunds.say(tx, refund.id, SaidOf(Said.EXPORTED, who, "", now, detail=detail))
    subject = f"refund {refund.id}"
    history.add(tx, Event(now, who, "refund_exported", refund.order_id, None, refund.to, subject, detail))
    return refunds.get(tx, refund.id) or refund


async def cancel_export(desk: Desk, name: str, who: str, reason: str, once: Once = ANEW) -> Refund:
    """Take an exported refund back, once its transaction can't land any more by the word of two endpoints.

    Raises RefusedError before: somebody may still send what was written out.
    """
    if not reason.strip():
        raise UsageError("taking an export back needs a reason", hint='--reason "…"', code="no_reason")
    once.begin(desk.journal.database)
    refund = require_refund(desk, name)
    if not isinstance(refund, Refund) or refund.state is not RefundState.EXPORTED:
        raise RefusedError(
            f"refund {refund.id} is {refund.state.value.replace('_', ' ')}: it isn't exported",
            hint=f"relayclear refunds show {refund.id}",
            code="not_exported",
        )
    last = refunds.events(desk.journal.database, refund.id)[-1]
    await _require_gone(desk, refund, int(last.detail["timeout_height"]))
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        again = refunds.get(tx, refund.id)
        if again is None or again.state is not RefundState.EXPORTED:
            raise RefusedError(
                f"refund {refund.id} was just found on the chain",
                code="changed",
                hint=f"relayclear refunds show {refund.id}",
            )
        refunds.say(tx, refund.id, SaidOf(Said.EXPORT_CANCELLED, who, reason, now))
        subject = f"refund {refund.id}"
        history.add(tx, Event(now, who, "refund_export_cancelled", refund.order_id, None, refund.to, subject))
        done = refunds.get(tx, refund.id) or refund
        once.keep(tx, done, now)
        return done


async def _require_gone(desk: Desk, refund: Refund, timeout_height: int) -> None:
    """Every block up to the timeout height was read, and a second endpoint counts no transaction more."""
    reading = await read_payments(desk, refund.chain)
    wallet = await read_wallet(desk, refund.chain)
    if reading.error is not None:
        raise reading.error
    if reading.through is None or reading.through <= timeout_height:
        raise RefusedError(
            f"what was exported may land until block {timeout_height}; {reading.through} is read",
            hint=f"relayclear refunds export --cancel {refund.id} --reason … after that block",
            code="may_land",
        )
    witness = desk.witnesses.get(refund.chain)
    account = await witness.account(wallet.address) if witness is not None else None
    if account is None or account.sequence != wallet.expected:
        raise RefusedError(
            f"only one endpoint of {refund.chain} says that nothing of it was sent",
            hint="name a second endpoint, or your own as trusted, in [chains] rpc",
            code="one_word",
        )


async def mark_paid(
    desk: Desk, name: str, tx_hash: str, who: str, once: Once = ANEW, *, output: int | None = None
) -> Refund:
    """Mark a refund as paid by a transaction that the chain shows: the right coins to the right account.

    Of one that goes back over IBC it is a transaction of the payer's own chain, where the coins arrived.
    Raises UsageError where it shows something else, or coins that pay another refund, RefusedError for a
    refund that may still be sent by us, and for coins that were called an expense, HeightError while its
    block is still to be read.
    """
    once.begin(desk.journal.database)
    refund = require_refund(desk, name)
    if not isinstance(refund, Refund) or refund.state not in {RefundState.APPROVED, RefundState.EXPORTED}:
        raise RefusedError(
            f"refund {refund.id} is {refund.state.value.replace('_', ' ')}: only one that is approved or exported "
            "can be paid by hand",
            hint=f"relayclear refunds show {refund.id}",
            code="not_by_hand",
        )
    wanted = whole_hash(tx_hash)
    reading = await read_payments(desk, refund.chain)
    if reading.error is not None:
        raise reading.error
    await read_wallet(desk, refund.chain)
    awaited = await _awaited(desk, refund)
    # Of the payee's chain what is read counts, of another one what a further block stands on.
    through = reading.through or 0
    if awaited.chain != refund.chain:
        through = (await desk.chain(awaited.chain).head()).height - 1
    arrival = await _paying(desk, refund, awaited, wanted, output, through)
    return _mark(desk, refund, arrival, who, once)


class _Awaited(NamedTuple):
    """Where the coins of a refund reach its payer, and as which coin of that chain."""

    chain: str
    coin: Coin


async def _awaited(desk: Desk, refund: Refund) -> _Awaited:
    """Over IBC they go back through the channel that the payment came over, and are called there what they were."""
    if refund.over is None:
        return _Awaited(refund.chain, refund.net)
    stored = payments.get(desk.journal.database, refund.payment)
    came_as = stored.arrival.packet if stored is not None else None
    denom = refund.net.denom
    path = DenomPath.parse(denom)
    if denom.startswith("ibc/"):
        path = await desk.chain(refund.chain).denom_path(denom) or path
    if came_as is None or came_as.chain not in desk.chains or path.base.startswith("ibc/"):
        raise RefusedError(
            f"nobody here can tell as what refund {refund.id} reaches {refund.to}",
            hint="relayclear chains names the chains that can be asked",
            code="not_by_hand",
        )
    over, far = refund.over, came_as.end
    there = path.received_over((over.port, over.channel), (far.port, far.channel)).voucher
    return _Awaited(came_as.chain, Coin(there, refund.net.amount))


async def _paying(
    desk: Desk, refund: Refund, awaited: _Awaited, tx_hash: str, output: int | None, through: int
) -> Arrival:
    try:
        told = await desk.chain(awaited.chain).arrivals_of_tx(refund.to, tx_hash)
    except NotFoundError as error:
        raise UsageError(
            f"{awaited.chain} has no transaction {tx_hash[:64]}",
            hint=f"the hash of what reached {refund.to} on {awaited.chain}",
            code="unknown_tx",
        ) from error
    right = [one for one in told if one.coin == awaited.coin and output in {None, one.ordinal}]
    taken = set(_outputs(desk, refund, tx_hash))
    # On the payee's own chain the account's reading tells which coins paid another refund; elsewhere the memo does.
    here = awaited.chain == refund.chain
    free = [one for one in right if one.ordinal not in taken and (here or memo_id(one.memo) in {None, refund.id})]
    if not free:
        what = "pays another refund already" if right else f"sends {refund.to} no {awaited.coin} on {awaited.chain}"
        raise UsageError(
            f"transaction {tx_hash[:64]} {what}",
            hint=f"relayclear refunds show {refund.id}",
            code="not_paid_by_it",
        )
    if free[0].height > through:
        raise HeightError(
            f"its block {free[0].height} is not read yet", hint="the same command again in a moment", code="not_yet"
        )
    return free[0]


def _outputs(desk: Desk, refund: Refund, tx_hash: str) -> list[int]:
    database = desk.journal.database
    found = []
    for name in refunds.paid_by(database, tx_hash):
        other = refunds.get(database, name)
        if other is not None and other.to == refund.to:
            said = refunds.events(database, name)
            found += [one.output for one in said if one.tx_hash == tx_hash and one.output is not None]
    return found


def _mark(desk: Desk, refund: Refund, arrival: Arrival, who: str, once: Once) -> Refund:
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        again = refunds.get(tx, refund.id)
        if again is None or again.state not in {RefundState.APPROVED, RefundState.EXPORTED}:
            raise RefusedError(
                f"refund {refund.id} was just decided otherwise",
                code="changed",
                hint=f"relayclear refunds show {refund.id}",
            )
        said = SaidOf(Said.PAID_BY_HAND, who, "", now, arrival.tx_hash, arrival.ordinal)
        refunds.say(tx, refund.id, said)
        _book(tx, again, arrival, now)
        detail = {"tx": arrival.tx_hash, "amount": str(refund.net.amount), "denom": refund.net.denom}
        subject = f"refund {refund.id}"
        history.add(tx, Event(now, who, "refund_paid_by_hand", refund.order_id, None, refund.to, subject, detail))
        done = refunds.get(tx, refund.id) or refund
        once.keep(tx, done, now)
        return done


def _book(tx: Transaction, refund: Refund, arrival: Arrival, now: datetime) -> None:
    """Out of this wallet, where it was read as a withdrawal, or out of another."""
    use = signings.use_on(tx, refund.chain, arrival.tx_hash)
    place = Place(refund.chain, refund.net.denom)
    for one in use.outputs if use else ():
        ref = f"{arrival.tx_hash}/out/{one.ordinal}"
        if one.coin != refund.net or one.to not in {None, refund.to}:
            continue
        if ledger.is_booked(tx, place, Kind.EXPENSE_OF_WITHDRAWAL, ref):
            raise RefusedError(
                f"you said that {ref} was an expense: that is never changed",
                hint="relayclear history list",
                code="assigned_otherwise",
            )
        if is_withdrawal(tx, place, ref):
            book_over(tx, refund, ref, now)
            if use is not None:
                settle_use(tx, refund.chain, use)  # the same transaction may have paid others too
            return
    book_by_hand(tx, refund, f"{arrival.tx_hash}/to/{arrival.ordinal}", now)
