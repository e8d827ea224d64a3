"""The way out where a signing keeps a wallet waiting: what releases it, and a person's word where no node's does."""

from __future__ import annotations

from dataclasses import dataclass

from relayclear.errors import RefusedError, RelayclearError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse
from relayclear.store import audits, history, refunds, signings, stops, unexplained
from relayclear.store.history import Event
from relayclear.store.signings import Sent, Signing
from relayclear.store.stops import Stop
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_send import holding_wallet, live_signing
from relayclear.usecases.refund_sign import broadcast, sign_refund
from relayclear.usecases.selling import require_shop
from relayclear.usecases.wallet_reading import WalletStanding, read_wallet

# What a sequence that no node can show was used by, as far as anybody knows.
ASSUMED = "ASSUMED"


@dataclass(frozen=True, slots=True)
class Knot:
    """Where a wallet stands: its sequences, the newest block, what is signed on the next, what nobody explained.

    `unread` is the sequence that no endpoint shows the use of, with the words that say so.
    """

    chain: str
    address: str
    head: int
    on_chain: int
    expected: int
    live: tuple[Signing, ...]
    sent: tuple[Sent, ...]
    strange: tuple[SequenceUse, ...]
    stop: Stop | None
    unread: str = ""


async def knot(desk: Desk, chain: str) -> Knot:
    """Look at a wallet.  Raises NodeError where the chain can't be asked at all."""
    payee = require_shop(desk).payee(chain)
    database = desk.journal.database
    head = await desk.chain(chain).head()
    unread = ""
    try:
        wallet = await read_wallet(desk, chain)
    except RelayclearError as error:
        unread = error.message
        account = await desk.chain(chain).account(payee)
        last = signings.last_use(database, chain, payee)
        on_chain = account.sequence if account else 0
        wallet = WalletStanding(
            chain, payee, account.number if account else 0, on_chain, last.sequence + 1 if last else on_chain
        )
    live = signings.at_sequence(database, chain, payee, wallet.expected)
    sent = signings.broadcasts(database, live[-1].tx_hash) if live else []
    return Knot(
        chain,
        payee,
        head.height,
        wallet.on_chain,
        wallet.expected,
        tuple(live),
        tuple(sent),
        tuple(unexplained.of_wallet(database, chain, payee)),
        stops.standing(database, chain),
        unread,
    )


async def void(desk: Desk, chain: str, who: str) -> Signing:
    """Use up the sequence that a signing waits on, by a transaction that sends the wallet its own coin.

    Found with code 0, all others on that sequence are dead.  Raises RefusedError where nothing waits.
    """
    with holding_wallet(desk, chain):
        wallet = await read_wallet(desk, chain)
        waiting = live_signing(desk, wallet)
        if waiting is None:
            raise RefusedError(
                f"nothing is signed on the next sequence of the wallet on {chain}",
                hint=f"relayclear refunds resolve --chain {chain}",
                code="nothing_waits",
            )
        head = await desk.chain(chain).head()
        signing = await sign_refund(desk, wallet, head, None, replaces=True)
        if signing is None:
            raise RefusedError("nothing was signed", code="nothing_waits", hint="relayclear refunds list")
        with desk.journal.database.atomic() as tx:
            detail = {"tx": signing.tx_hash, "sequence": signing.sequence, "instead_of": waiting.tx_hash}
            history.add(tx, Event(desk.clock.now(), who, "sequence_voided", subject=chain, detail=detail))
        await broadcast(desk, signing, head)
        return signing


def amount_at_stake(desk: Desk, chain: str, found: Knot) -> Coin | None:
    """What would go out twice if a signing that is taken for dead landed after all: to be typed by a person."""
    database = desk.journal.database
    newest = [one for one in found.live if one.refund_id is not None]
    if not newest or newest[-1].refund_id is None:
        return None
    refund = refunds.get(database, newest[-1].refund_id)
    return refund.net if refund is not None and refund.chain == chain else None


async def assume_dead(desk: Desk, chain: str, typed: Coin | None, who: str, why: str) -> Knot:
    """Take for dead, by a person's word, what no node can show: a later landing is our loss.

    Where a used sequence can't be read, that is kept as used by something unknown.  Else the signings
    on the next sequence are, once their timeout heights have passed.  Raises UsageError where the
    typed amount isn't the one at stake, RefusedError where a node can still tell.
    """
    if not why.strip():
        raise UsageError("taking a transaction for dead needs a reason", hint='--reason "…"', code="no_reason")
    with holding_wallet(desk, chain):
        found = await knot(desk, chain)
        stake = amount_at_stake(desk, chain, found)
        if stake is not None and typed != stake:
            raise UsageError(f"the amount at stake is {stake}", hint=f"--amount {stake}", code="amount_typed")
        if found.on_chain == found.expected and any(one.timeout_height >= found.head for one in found.live):
            last = max(one.timeout_height for one in found.live)
            raise RefusedError(
                f"it may still land until block {last}; the newest is {found.head}",
                hint=f"relayclear refunds resolve --chain {chain} --void",
                code="may_land",
            )
        if not found.unread and not found.live:
            raise RefusedError(f"nothing waits on {chain}", hint="relayclear refunds list", code="nothing_waits")
        _assume(desk, found, who, why)
        return found


def _assume(desk: Desk, found: Knot, who: str, why: str) -> None:
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        for one in found.live:
            if one.assumed_dead is None:
                signings.assume_dead(tx, one.tx_hash, who, why, now)
        if found.unread and found.on_chain > found.expected:
            name = f"{ASSUMED}/{found.expected}"
            use = SequenceUse(found.address, found.expected, name, found.head, now, -1, "", (), ())
            signings.add_use(tx, found.chain, use, now)
        for one in found.live:
            if one.refund_id is not None:
                refunds.restate(tx, one.refund_id, now)
        detail = {"sequence": found.expected, "txs": [one.tx_hash for one in found.live], "why": why}
        history.add(tx, Event(now, who, "assumed_dead", subject=found.chain, detail=detail))


def go_on(desk: Desk, chain: str, who: str, why: str) -> list[Stop]:
    """Let refunds of a chain go by themselves again after a restore or a foreign transaction; the stops ended.

    Raises UsageError for an unknown chain, and without a reason; RefusedError until an audit of the chain
    has agreed since they were stopped.
    """
    desk.chain(chain)
    if not why.strip():
        raise UsageError("letting refunds go on needs a reason", hint='--reason "…"', code="no_reason")
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        standing = stops.standing(tx, chain)
        if standing is not None and not audits.agreed(tx, chain):
            raise RefusedError(
                f"refunds of {chain} were stopped ({standing.why}), and no audit has agreed since",
                hint=f"relayclear audit --chain {chain}",
                code="not_audited",
            )
        ended = stops.go_on(tx, chain, who, why, now)
        for one in ended:
            detail = {"stop": one.why, "why": why}
            history.add(tx, Event(now, who, "refunds_go_on", subject=chain, detail=detail))
        return ended
