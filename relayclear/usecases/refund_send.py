"""Sending refunds: one transaction of a wallet at a time, signed and kept before anybody else sees it (`money.md` 6).

Every step begins from the store and from the chain, and has one effect outside: whoever is cut off goes on from
where the store says, and the account's sequence lets at most one of all the signings on it land.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from relayclear.clearing.breaker import wallet_name
from relayclear.errors import HeldError, NodeError, RefusedError, RelayclearError, StoreError
from relayclear.ibc.readings import Head
from relayclear.ibc.spending import Broadcast
from relayclear.ibc.text import clean
from relayclear.money.ledger import Account
from relayclear.money.refund_state import AWAY, RefundState, Said
from relayclear.money.sending import Act, Step, next_step
from relayclear.store import cursors, ledger, refunds, signings, stops, unexplained
from relayclear.store.alone import alone
from relayclear.store.db import Reads
from relayclear.store.refunds import Refund
from relayclear.store.signings import Signing
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import read_payments
from relayclear.usecases.refund_acts import Consent, decide_by_itself, said_yes
from relayclear.usecases.refund_dues import list_owed
from relayclear.usecases.refund_sign import broadcast, sign_refund
from relayclear.usecases.refund_transit import follow_packets
from relayclear.usecases.refund_words import agreed_dead
from relayclear.usecases.wallet_reading import WalletStanding, explain_later, read_wallet

# Its coins have left the wallet for good.
LANDED = frozenset({RefundState.CONFIRMED, RefundState.IN_TRANSIT, RefundState.PAID_BY_HAND})
_SPENDING = frozenset({Act.SIGN, Act.REPLACE, Act.BROADCAST})
_QUEUE = 1000
_POLL_SECONDS = 1.0


class Blocked(NamedTuple):
    """Why nothing is signed on a chain now: a word, a sentence, the next step, and the error behind it, if any."""

    code: str
    why: str
    hint: str
    error: RelayclearError | None = None

    @classmethod
    def by(cls, error: RelayclearError) -> Blocked:
        """Blocked by an error."""
        return cls(error.code, error.message, error.hint or "", error)


class Failed(NamedTuple):
    """Why a refund's last try paid nothing, and whether it was given up: then what is owed waits for a person."""

    why: str
    given_up: bool


@dataclass
class Swept:
    """What a sweep of one chain did: refunds decided, those that a transaction was sent for, why it stopped.

    `landed` are those that were seen paid, or on their way over IBC, sent now or before; `skipped` says
    of refunds why they weren't sent though approved, `failed` how the last try of those ended that paid
    nothing; `unfinished` of how many a transaction may still land.
    """

    chain: str
    decided: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    landed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)
    blocked: Blocked | None = None
    unfinished: int = 0


@contextmanager
def holding_wallet(desk: Desk, chain: str) -> Iterator[None]:
    """Be the only process that spends on a chain.  Raises HeldError naming the other one."""
    path = desk.journal.database.path
    if path is None:
        raise StoreError(
            "a database in memory can't send refunds", code="store_url", hint="use a file path or sqlite:///PATH"
        )
    with ExitStack() as held:
        try:
            held.enter_context(alone(path, f"wallet.{chain}", desk.clock.now()))
        except HeldError as error:
            other = error.message.rpartition(": ")[2]
            message = f"the wallet on {chain} is in use by {other}"
            raise HeldError(message, hint="relayclear refunds list, and again when it is done") from error
        yield


async def sweep(
    desk: Desk,
    chain: str,
    *,
    consent: Consent | None = None,
    limit: int = _QUEUE,
    patience: float = 0.0,
    stopped: Callable[[], bool] = lambda: False,
    told: Callable[[Refund], None] = lambda _: None,
) -> Swept:
    """Send what may go on a chain, and see earlier ones through; waits up to `patience` seconds for each to land.

    `told` hears of each that has landed.  Trouble is in the answer.  Raises HeldError where another process is at it.
    """
    with holding_wallet(desk, chain):
        done = Swept(chain)
        before = [one.id for one in refunds.away(desk.journal.database, chain, _QUEUE)]
        try:
            await _sweep(desk, _Terms(chain, consent, limit, patience, stopped, told), before, done)
        except StoreError:
            raise
        except RelayclearError as error:
            done.blocked = Blocked.by(error)
        # A node may refuse what stands in a block already: sent twice, or late to say so.
        done.skipped = {name: why for name, why in done.skipped.items() if name not in done.landed}
        _note_failed(desk, [*before, *done.sent], done)
        done.unfinished = len(refunds.away(desk.journal.database, chain, _QUEUE))
        return done


class _Terms(NamedTuple):
    """What a sweep was asked for."""

    chain: str
    consent: Consent | None
    limit: int
    patience: float
    stopped: Callable[[], bool]
    told: Callable[[Refund], None]


async def _sweep(desk: Desk, terms: _Terms, before: Sequence[str], done: Swept) -> None:
    chain = terms.chain
    await _read(desk, chain)
    if owes(desk, chain) or _queue(desk, chain, done):
        done.blocked = await _against(desk, await read_wallet(desk, chain))
    done.decided = [one.id for one in await decide_by_itself(desk, chain, terms.consent)]
    waited = 0.0
    while not terms.stopped():
        step = await _step(desk, chain, done, may_sign=len(done.sent) < terms.limit)
        _tell_landed(desk, before, done, terms.told)
        if step.act is Act.NOTHING:
            return
        if step.act is Act.WAIT:
            if waited >= terms.patience:
                return
            waited += _POLL_SECONDS
            await desk.clock.sleep(_POLL_SECONDS)
        else:
            waited = 0.0
    _tell_landed(desk, before, done, terms.told)


def owes(desk: Desk, chain: str) -> bool:
    """Whether anything is owed on the chain that is worth sending: else nobody has to know what keeps its wallet."""
    return any(one.wait is None for one in list_owed(desk, desk.journal.database, chain=chain))


def _tell_landed(desk: Desk, before: Iterable[str], done: Swept, told: Callable[[Refund], None]) -> None:
    for name in [one for one in dict.fromkeys([*before, *done.sent]) if one not in done.landed]:
        refund = refunds.get(desk.journal.database, name)
        if refund is not None and refund.state in LANDED:
            done.landed.append(name)
            told(refund)


def _note_failed(desk: Desk, names: Iterable[str], done: Swept) -> None:
    """Keep how those ended whose last try paid nothing: a sweep that is silent of them looks as if it had gone well."""
    for name in dict.fromkeys(names):
        refund = refunds.get(desk.journal.database, name)
        if refund is None or refund.state in AWAY:
            continue  # it was signed again since, and that may land
        said = refunds.events(desk.journal.database, name)
        tried = next((one for one in reversed(said) if one.word is not Said.WITHDRAWN), None)
        if tried is not None and tried.word is Said.FAILED:
            done.failed[name] = Failed(tried.why, said[-1].word is Said.WITHDRAWN)


async def _read(desk: Desk, chain: str) -> None:
    reading = await read_payments(desk, chain)
    if reading.error is not None:
        raise reading.error
    wallet = await read_wallet(desk, chain)
    explain_later(desk, chain, wallet.address)
    await follow_packets(desk, chain)


async def _step(desk: Desk, chain: str, done: Swept, *, may_sign: bool) -> Step:
    """One step: what the rules say now, carried out."""
    wallet = await read_wallet(desk, chain)
    head = await desk.chain(chain).head()
    live = live_signing(desk, wallet)
    speaks_against = None if live is None and not _queue(desk, chain, done) else await _against(desk, wallet)
    queue = [one.id for one in _queue(desk, chain, done)]
    step = next_step(
        head.height,
        wallet.on_chain,
        wallet.expected,
        live.live if live else None,
        queue,
        may_sign=may_sign and speaks_against is None,
    )
    done.blocked = speaks_against or done.blocked
    if step.act in _SPENDING and not desk.breakers.enter(wallet_name(chain)):
        # Approved stays approved, signed stays signed: it goes when the wallet does.
        done.blocked = done.blocked or _held_back(desk, chain)
        return Step(Act.WAIT)
    try:
        await _act(desk, wallet, head, step, live, done)
    finally:
        desk.breakers.let_go(wallet_name(chain))
    return step


async def _act(desk: Desk, wallet: WalletStanding, head: Head, step: Step, live: Signing | None, done: Swept) -> None:
    chain = wallet.chain
    match step.act:
        case Act.BLOCKED:
            raise NodeError(
                f"{chain}: the node says that sequence {wallet.on_chain} is next, and {wallet.expected - 1} is used",
                hint="a restored node has to catch up; no refund is signed before",
                code="sequence_gone_back",
            )
        case Act.SIGN | Act.REPLACE:
            await _sign(desk, wallet, head, step, done)
        case Act.BROADCAST if live is not None:
            await _send(desk, live, head, done)


def _held_back(desk: Desk, chain: str) -> Blocked:
    found = desk.breakers.shut(wallet_name(chain))
    why = found.words if found else f"{wallet_name(chain)} is being probed"
    return Blocked("breaker_open", f"no refund is sent now: {why}", "relayclear breakers list")


def live_signing(desk: Desk, wallet: WalletStanding) -> Signing | None:
    """The newest signing on the wallet's next sequence, that nobody took for dead."""
    found = signings.at_sequence(desk.journal.database, wallet.chain, wallet.address, wallet.expected)
    return next((one for one in reversed(found) if one.assumed_dead is None), None)


def _queue(desk: Desk, chain: str, done: Swept) -> list[Refund]:
    """The refunds to be signed, first in first out, without those that can't be paid now or are held back."""
    database = desk.journal.database
    stop = stops.standing(database, chain)
    found = []
    for one in refunds.queue(database, chain, _QUEUE):
        if stop is not None and held_back(database, one):
            done.skipped.setdefault(one.id, f"it waits for relayclear refunds approve {one.id}: {stop.why}")
        elif one.id not in done.skipped:
            found.append(one)
    return found


def held_back(reads: Reads, refund: Refund) -> bool:
    """Whether a stop holds a refund back: the rules alone have approved it, maybe by what was true before."""
    return refund.by_itself and not said_yes(reads, refund)


def known_obstacle(desk: Desk, chain: str, address: str) -> Blocked | None:
    """What speaks against signing as far as wallet file and store tell; no node is asked."""
    key = desk.wallet.find(chain) if desk.wallet is not None else None
    if key is None or key.address != address:
        return Blocked(
            "no_wallet_key",
            f"there is no key for {address} on {chain}",
            f"relayclear wallet add --chain {chain} --mnemonic-file FILE, or: relayclear refunds export",
        )
    strange = unexplained.of_wallet(desk.journal.database, chain, address)
    if strange:
        return Blocked(
            "unexplained",
            f"{strange[0].tx_hash} used sequence {strange[0].sequence} of the wallet, and isn't ours",
            f'relayclear books assign --tx {strange[0].tx_hash} --as withdrawal --reason "…"',
        )
    return None


async def _against(desk: Desk, wallet: WalletStanding) -> Blocked | None:
    """What speaks against signing anything at all; the first that fits.

    | what | code |
    |---|---|
    | no key for the wallet | `no_wallet_key` |
    | a transaction of the wallet that nobody has explained | `unexplained` |
    | payments not read up to here | what kept them from being read |
    | the wallet holds less than the books say | `wallet_short` |
    """
    known = known_obstacle(desk, wallet.chain, wallet.address)
    if known is not None:
        return known
    reading = await read_payments(desk, wallet.chain)
    if reading.error is not None:
        return Blocked.by(reading.error)
    return await _short(desk, wallet)


async def _short(desk: Desk, wallet: WalletStanding) -> Blocked | None:
    """The wallet holds less than the books say, what has left it since they were written taken off."""
    held = (await desk.chain(wallet.chain).balances(wallet.address)).by_denom
    if _less(desk, wallet, held) is None:
        return None
    # One of ours may have landed after the wallet was read: only now it is known what left with it.
    return _less(desk, await read_wallet(desk, wallet.chain), held)


def _less(desk: Desk, wallet: WalletStanding, held: Mapping[str, int]) -> Blocked | None:
    left, chain, database = _left_since(desk, wallet), wallet.chain, desk.journal.database
    # The books are the chain's; what an earlier payee of the config held when it was read last isn't here.
    others = [one.held for one in cursors.every(database) if one.chain == chain and one.payee != wallet.address]
    for place, book in ledger.books(database).items():
        elsewhere = sum(one.get(place.denom, 0) for one in others)
        should = book.totals[Account.BALANCE] - left.get(place.denom, 0) - elsewhere
        if place.chain == chain and held.get(place.denom, 0) < should:
            return Blocked(
                "wallet_short",
                f"the wallet on {chain} holds {held.get(place.denom, 0)}{place.denom}, and the books say {should}",
                "relayclear audit",
            )
    return None


def _left_since(desk: Desk, wallet: WalletStanding) -> dict[str, int]:
    """What left the wallet in blocks whose payments aren't read yet: reading stays a block behind."""
    database = desk.journal.database
    cursor = cursors.find(database, wallet.chain, wallet.address)
    through = cursor.read_through if cursor else 0
    left: dict[str, int] = {}
    sequence = wallet.expected - 1
    while sequence >= 0:
        found = signings.uses(database, wallet.chain, wallet.address, sequence, 1)
        if not found or found[0].sequence != sequence or found[0].height <= through:
            break
        for coin in (*found[0].fee, *(one.coin for one in found[0].outputs)):
            left[coin.denom] = left.get(coin.denom, 0) + coin.amount
        sequence -= 1
    return left


async def _sign(desk: Desk, wallet: WalletStanding, head: Head, step: Step, done: Swept) -> None:
    """Sign a refund on the wallet's next sequence, keep the bytes, and send them.

    A new one that can't be paid is passed over.  An older one that can't be paid any more may still
    land: its sequence is used up, so that it is known to be dead, and the others go on.
    """
    refund = refunds.get(desk.journal.database, step.refund) if step.refund else None
    if step.act is Act.SIGN and refund is not None and not await agreed_dead(desk, refund):
        done.skipped[refund.id] = (
            "no second endpoint says what became of its earlier transaction; it goes when one does, or after "
            f"relayclear refunds approve {refund.id}"
        )
        return
    try:
        signing = await sign_refund(desk, wallet, head, refund, replaces=step.act is Act.REPLACE)
    except RefusedError as error:
        if step.refund:
            done.skipped[step.refund] = error.message
            _note_failed(desk, [step.refund], done)
        if step.act is Act.SIGN:
            return
        signing = await sign_refund(desk, wallet, head, None, replaces=True)
    if signing is None:
        return
    if signing.refund_id is not None and step.act is Act.SIGN:
        done.sent.append(signing.refund_id)
    await _send(desk, signing, head, done)


async def _send(desk: Desk, signing: Signing, head: Head, done: Swept) -> None:
    answer = await broadcast(desk, signing, head)
    desk.breakers.heard(wallet_name(signing.chain), _failure(answer))
    if answer is not None and answer.code != 0 and not answer.known and signing.refund_id:
        done.skipped.setdefault(signing.refund_id, f"the node refused it: {clean(answer.log, 200)}")


def _failure(answer: Broadcast | None) -> str | None:
    """What is wrong with a wallet whose transaction wasn't taken; None where it was."""
    if answer is None:
        return "no node answered to a refund that was sent"
    return None if answer.code == 0 or answer.known else f"a node refused a refund: {clean(answer.log, 200)}"
