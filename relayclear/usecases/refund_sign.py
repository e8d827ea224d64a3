"""Signing a refund and sending its bytes: kept before anybody else sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil

from relayclear.errors import ConfigError, NodeError, RefusedError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.readings import Head
from relayclear.ibc.spending import BankSend, Broadcast, Draft, IbcSend, Sending
from relayclear.ibc.text import clean
from relayclear.money.ledger import Place
from relayclear.money.refund_state import ENDED, Said
from relayclear.money.refunds import refund_memo, targets
from relayclear.store import history, ledger, refunds, signings, tokens
from relayclear.store.history import Event
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.signings import Sent, Signing
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_books import RULES
from relayclear.usecases.refund_dues import fee_for, rules_of
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.tokens_view import read_view, revoked_keys
from relayclear.usecases.wallet_reading import WalletStanding, give_up

# A refund over IBC that nobody relays comes home after this.
PACKET_LIVES = timedelta(days=1)


async def sign_refund(
    desk: Desk, wallet: WalletStanding, head: Head, refund: Refund | None, *, replaces: bool
) -> Signing | None:
    """Sign on the wallet's next sequence and keep the bytes; None where the refund isn't to be sent any more.

    Without a refund the wallet sends itself one coin: that uses the sequence up, and whatever else
    was signed on it is dead.  `replaces`: the same refund was signed on this sequence before, and
    may land.  Raises RefusedError where the wallet can't pay it or the chain won't take it.
    """
    if refund is None:
        coin = Coin(fee_for(desk, wallet.chain, 0).denom, 1)
        draft = _draft(desk, wallet, head, BankSend(wallet.address, coin), "")
        await _afford(desk, draft)
        draft = await _priced(desk, draft, 0)
        await _afford(desk, draft)
        return _keep(desk, head, draft, None)
    if not replaces and not _still_due(desk, refund):
        return None
    draft = _draft(desk, wallet, head, sending_of(refund, head), refund_memo(refund.id, refund.cause))
    # Before the chain is asked: its word on a wallet without the coins would count as a failure of the refund's own.
    await _afford(desk, draft)
    try:
        draft = await _priced(desk, draft, signings.ran_out_at(desk.journal.database, refund.id))
    except RefusedError as error:
        if not replaces:
            _failed(desk, refund, error.message)
        raise
    await _afford(desk, draft)
    return _keep(desk, head, draft, refund.id)


def sending_of(refund: Refund, head: Head) -> Sending:
    """What a refund's transaction says."""
    if refund.over is None:
        return BankSend(refund.to, refund.net)
    return IbcSend(refund.over, refund.to, refund.net, head.at + PACKET_LIVES)


def _still_due(desk: Desk, refund: Refund) -> bool:
    """Whether what was approved is still owed; one that isn't is taken back, before anything is signed."""
    database, now = desk.journal.database, desk.clock.now()
    with database.atomic() as tx:
        [stored] = tokens.load(tx, [refund.order_id])
        view = read_view(tx, stored, revoked_keys(desk))
        paid = ledger.refund_refs(tx, Place(refund.chain, refund.payment.denom), refund.id)
        if paid:
            # One that a person took for dead has landed after all.
            tx_hash = paid[0].partition(" ")[2].partition("/")[0]
            refunds.say(tx, refund.id, SaidOf(Said.CONFIRMED, RULES, "found in what left the wallet", now, tx_hash, 0))
            return False
        target = targets(view.settlement, view.state, view.verdicts).get(refund.payment)
        if target is not None and refunds.taken_back(tx, refund.payment) <= target.gross:
            return True
        refunds.say(tx, refund.id, SaidOf(Said.WITHDRAWN, RULES, "it is not owed any more", now))
        restate(tx, refund.order_id, now, revoked_keys(desk))
        history.add(tx, Event(now, RULES, "refund_withdrawn", refund.order_id, subject=f"refund {refund.id}"))
        return False


def _failed(desk: Desk, refund: Refund, why: str) -> None:
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        refunds.say(tx, refund.id, SaidOf(Said.FAILED, RULES, clean(why, 300), now))
        if give_up(tx, refund.id, now):
            restate(tx, refund.order_id, now, revoked_keys(desk))


def _draft(desk: Desk, wallet: WalletStanding, head: Head, sending: Sending, memo: str) -> Draft:
    """A transaction whose gas isn't known yet, for the least fee that the chain takes something for.

    Without any fee a simulation leaves out what taking one costs, a quarter of the whole: what was signed
    on its word would run out of gas in its block.
    """
    rules = rules_of(desk)
    return Draft(
        wallet.chain,
        wallet.address,
        wallet.number,
        wallet.on_chain,
        sending,
        fee_for(desk, wallet.chain, 1),
        0,
        memo,
        head.height + rules.timeout_blocks,
        rules.granters.get(wallet.chain, ""),
    )


async def _priced(desk: Desk, draft: Draft, ran_out_at: int) -> Draft:
    """The draft with gas as the chain simulated it, and more than an earlier try ran out at.

    Raises RefusedError where it can't work.
    """
    if desk.wallet is None:
        raise ConfigError("there is no wallet", hint="relayclear wallet add", code="no_wallet_key")
    used = await desk.chain(draft.chain).simulate(desk.wallet.unsigned(draft))
    gas = ceil(max(used, ran_out_at) * rules_of(desk).gas_margin)
    return replace(draft, gas=gas, fee=fee_for(desk, draft.chain, gas))


async def _afford(desk: Desk, draft: Draft) -> None:
    """Raises RefusedError where the wallet hasn't enough: the chain would take the fee and send nothing."""
    needed = {draft.sending.coin.denom: draft.sending.coin.amount}
    if not draft.granter:
        needed[draft.fee.denom] = needed.get(draft.fee.denom, 0) + draft.fee.amount
    held = (await desk.chain(draft.chain).balances(draft.sender)).by_denom
    for denom, amount in needed.items():
        there = held.get(denom, 0) - rules_of(desk).reserve.get(denom, 0)
        if there < amount:
            raise RefusedError(
                f"the wallet on {draft.chain} has {max(there, 0)} {denom} to spend, and this needs {amount} {denom}",
                hint=f"send {denom} to {draft.sender}",
                code="not_enough",
            )


def _keep(desk: Desk, head: Head, draft: Draft, refund_id: str | None) -> Signing:
    """Sign and commit the bytes: only what is kept may be sent."""
    if desk.wallet is None:
        raise UsageError("there is no wallet", hint=f"relayclear wallet add --chain {draft.chain}")
    signed = desk.wallet.sign(draft)
    now = desk.clock.now()
    signing = Signing(
        signed.hash,
        refund_id,
        draft.chain,
        draft.sender,
        draft.sequence,
        draft.timeout_height,
        head.height,
        draft.fee,
        draft.gas,
        signed.raw,
        now,
    )
    with desk.journal.database.atomic() as tx:
        known = signings.get(tx, signed.hash)
        if known is not None:
            return known
        refund = refunds.get(tx, refund_id) if refund_id else None
        if refund is not None and refund.state in ENDED:
            raise RefusedError(
                f"refund {refund.id} was just decided otherwise",
                code="changed",
                hint=f"relayclear refunds show {refund.id}",
            )
        signings.add(tx, signing)
        if refund_id is not None:
            refunds.restate(tx, refund_id, now)
            detail = {"tx": signed.hash, "sequence": draft.sequence, "timeout_height": draft.timeout_height}
            order_id, to = (refund.order_id, refund.to) if refund else (None, None)
            event = Event(now, RULES, "refund_signed", order_id, None, to, f"refund {refund_id}", detail)
            history.add(tx, event)
    return signing


async def broadcast(desk: Desk, signing: Signing, head: Head) -> Broadcast | None:
    """Send the stored bytes; the answer is kept and proves nothing, None where none came."""
    answer: Broadcast | None = None
    said = ""
    try:
        answer = await desk.chain(signing.chain).broadcast(signing.raw)
        said = answer.log or ("known already" if answer.known else "")
    except NodeError as error:
        said = error.message
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        sent = Sent(head.height, None if answer is None else answer.code, clean(said, 300), now)
        signings.add_broadcast(tx, signing.tx_hash, sent)
        if signing.refund_id is not None:
            refunds.restate(tx, signing.refund_id, now)
    return answer
