"""Refunds as somebody reads them: what is owed, what was decided, and the whole story of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain as joined
from itertools import islice
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.payment import PaymentId
from relayclear.money.policy import Gate, NeedsApproval
from relayclear.money.refund_state import DEAD, ENDED, RefundState
from relayclear.money.refunds import Cause, Wait
from relayclear.store import payments, refunds, signings, stops, tokens
from relayclear.store.db import Reads
from relayclear.store.payments import StoredPayment
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.signings import Sent, Signing
from relayclear.store.stops import Stop
from relayclear.usecases.desk import Desk
from relayclear.usecases.refund_acts import require_refund
from relayclear.usecases.refund_dues import OwedRefund, list_owed
from relayclear.usecases.tokens_view import require_token

_AT_ONCE = 200
# Somebody waits for these; dust and what is below its cost wait for more, or for a waiver.
UNPAID = (
    frozenset(RefundState)
    - ENDED
    - {
        RefundState.DUST,
        RefundState.BELOW_COST,
    }
)


@dataclass(frozen=True, slots=True)
class RefundQuestion:
    """Which refunds: of a chain, in these states (all where none is named), of a token."""

    chain: str = ""
    states: Collection[RefundState] = ()
    token: str | None = None


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund, owed or decided.

    `gates` and `wait` are of one that nobody has decided about; `decided_at` is None then.  `tx_hash`
    is the transaction that paid it, or may.
    """

    id: str
    number: int
    payment: PaymentId
    token: str
    state: RefundState
    cause: Cause
    parts: tuple[tuple[Cause, int], ...]
    gross: int
    fee: int
    to: str | None
    over: ChannelEnd | None
    since: datetime
    gates: tuple[Gate | NeedsApproval, ...] = ()
    wait: Wait | None = None
    decided_at: datetime | None = None
    by_itself: bool = False
    tx_hash: str | None = None

    @property
    def net(self) -> Coin:
        """What is sent."""
        return Coin(self.payment.denom, self.gross - self.fee)

    @property
    def chain(self) -> str:
        """The chain that it is paid on."""
        return self.payment.chain


class Owed(NamedTuple):
    """How many refunds wait: for a yes, for the next sweep, for a claim, as too small to send.

    And how many are approved, or have a transaction that is out of our hands.
    """

    approval: int
    by_itself: int
    claim: int
    small: int
    approved: int
    away: int

    @property
    def any(self) -> bool:
        """Whether somebody is owed what can be sent, or claimed."""
        return bool(self.approval or self.by_itself or self.claim or self.approved or self.away)


class OwedSum(NamedTuple):
    """What is owed in one coin as the books have it, before fees, and what of it the refunds send."""

    chain: str
    gross: Coin
    net: Coin


@dataclass(frozen=True, slots=True)
class RefundPage:
    """A page of refunds: what is owed first, oldest first, then what was decided, newest first.

    `stops` says of chains why nothing goes by itself there; `sums` is all that is owed, not this page's alone.
    """

    refunds: tuple[RefundView, ...]
    has_next: bool
    owed: Owed
    stops: Mapping[str, Stop]
    sums: tuple[OwedSum, ...] = ()


class Signed(NamedTuple):
    """One signing of a refund, every time it was sent, and the transaction that used its sequence, if one is known."""

    signing: Signing
    sent: tuple[Sent, ...]
    used_by: str | None
    code: int | None


@dataclass(frozen=True, slots=True)
class RefundStory:
    """Everything that is known of one refund.

    `instead` is the id of the one that took its place, where it ended without paying; `instead_of` of the one that
    ended so before it.
    """

    view: RefundView
    payment: StoredPayment
    events: tuple[SaidOf, ...]
    signings: tuple[Signed, ...]
    instead: str | None = None
    instead_of: str | None = None


def view_refunds(desk: Desk, question: RefundQuestion, limit: int, offset: int = 0) -> RefundPage:
    """A page of refunds; no node is asked.  Raises UsageError for an unknown chain or token."""
    if question.chain:
        desk.chain(question.chain)
    with desk.journal.database.snapshot() as reads:
        order_id = require_token(reads, question.token).order_id if question.token else ""
        everything = list_owed(desk, reads, chain=question.chain)
        owed = [one for one in everything if order_id in {"", one.view.order_id}]
        viewer = _Viewer(reads)
        rows = list(islice(_chosen(reads, question, owed, order_id), offset, offset + limit + 1))
        decided = _undone(reads, question, order_id)
        return RefundPage(
            tuple(viewer.view(one) for one in rows[:limit]),
            len(rows) > limit,
            _counted(owed, decided),
            _stops(reads, [question.chain] if question.chain else sorted(desk.shop.payees if desk.shop else ())),
            _summed([*owed, *decided]),
        )


def _stops(reads: Reads, chains: Iterable[str]) -> dict[str, Stop]:
    found = ((chain, stops.standing(reads, chain)) for chain in chains)
    return {chain: stop for chain, stop in found if stop is not None}


def _chosen(
    reads: Reads, question: RefundQuestion, owed: Iterable[OwedRefund], order_id: str
) -> Iterator[OwedRefund | Refund]:
    listed: Iterator[OwedRefund | Refund] = joined(owed, _decided(reads, question, order_id))
    for one in listed:
        if question.chain in {"", one.chain} and (not question.states or one.state in question.states):
            yield one


def _decided(reads: Reads, question: RefundQuestion, order_id: str) -> Iterator[Refund]:
    if order_id:
        yield from reversed(refunds.of_token(reads, order_id))
        return
    offset = 0
    while page := refunds.page(reads, _AT_ONCE, offset, states=question.states):
        yield from page
        offset += len(page)


def _undone(reads: Reads, question: RefundQuestion, order_id: str) -> list[Refund]:
    """What was decided and isn't back with its payer."""
    decided = RefundQuestion(question.chain, UNPAID, question.token)
    return [one for one in _chosen(reads, decided, (), order_id) if isinstance(one, Refund)]


def _summed(found: Iterable[OwedRefund | Refund]) -> tuple[OwedSum, ...]:
    """All that the books call owed, coin by coin: what is in transit has left them."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for one in found:
        if one.state is RefundState.IN_TRANSIT:
            continue
        gross, net = (one.due.gross, one.due.net) if isinstance(one, OwedRefund) else (one.gross, one.net)
        before = sums.get((one.chain, net.denom), (0, 0))
        sums[one.chain, net.denom] = (before[0] + gross, before[1] + net.amount)
    return tuple(
        OwedSum(chain, Coin(denom, gross), Coin(denom, net)) for (chain, denom), (gross, net) in sorted(sums.items())
    )


def _counted(owed: Collection[OwedRefund], found: Collection[Refund]) -> Owed:
    approved = sum(one.state is RefundState.APPROVED for one in found)
    claims = sum(one.wait is Wait.NEEDS_CLAIM for one in owed)
    free = [one for one in owed if one.wait is None]
    approval = sum(bool(one.gates) for one in free)
    small = len(owed) - claims - len(free)
    return Owed(approval, len(free) - approval, claims, small, approved, len(found) - approved)


def views_of(desk: Desk, found: Iterable[OwedRefund | Refund]) -> list[RefundView]:
    """Refunds that were found otherwise."""
    with desk.journal.database.snapshot() as reads:
        return views_in(reads, found)


def views_in(reads: Reads, found: Iterable[OwedRefund | Refund]) -> list[RefundView]:
    """As `views_of`, inside a snapshot or transaction."""
    viewer = _Viewer(reads)
    return [viewer.view(one) for one in found]


def refunds_of_token(desk: Desk, order_id: str) -> list[RefundView]:
    """What was decided of a token's payments, oldest first."""
    return views_of(desk, refunds.of_token(desk.journal.database, order_id))


def refund_story(desk: Desk, text: str) -> RefundStory:
    """Everything about the refund that a person names.  Raises UsageError for none, or for several."""
    found = require_refund(desk, text)
    with desk.journal.database.snapshot() as reads:
        view = _Viewer(reads).view(found)
        stored = payments.get(reads, view.payment)
        if stored is None:
            raise LookupError(view.payment)
        said = tuple(refunds.events(reads, found.id))
        signed = tuple(_signed(reads, one) for one in signings.of_refund(reads, found.id))
        return RefundStory(view, stored, said, signed, *_neighbours(desk, reads, view))


def _neighbours(desk: Desk, reads: Reads, view: RefundView) -> tuple[str | None, str | None]:
    """Of a refund's payment, the refund that took the place of a dead one, and the dead one that it took the place of.

    Else whoever reads of one that failed for good looks in vain for what is owed now.
    """
    decided = refunds.of_payment(reads, view.payment)
    dead = [one.id for one in decided if one.number < view.number and one.state in DEAD]
    instead_of = dead[-1] if dead else None
    if view.state not in DEAD:
        return None, instead_of
    later = [one.id for one in decided if one.number > view.number]
    owed = list_owed(desk, reads, order_id=decided[0].order_id)
    later += [one.id for one in owed if one.due.payment == view.payment]
    return next(iter(later), None), instead_of


def _signed(reads: Reads, signing: Signing) -> Signed:
    sent = tuple(signings.broadcasts(reads, signing.tx_hash))
    use = next(iter(signings.uses(reads, signing.chain, signing.address, signing.sequence, 1)), None)
    if use is None or use.sequence != signing.sequence:
        return Signed(signing, sent, None, None)
    return Signed(signing, sent, use.tx_hash, use.code)


class _Viewer:
    """Views of refunds in one snapshot; a token is read once."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._memos: dict[str, str] = {}

    def view(self, one: OwedRefund | Refund) -> RefundView:
        """One refund as it is shown, owed or decided."""
        return self._owed(one) if isinstance(one, OwedRefund) else self._decided(one)

    def _owed(self, one: OwedRefund) -> RefundView:
        due, memo = one.due, one.view.token.memo
        what = (one.id, one.number, due.payment, memo, one.state, due.cause, due.parts, due.gross, due.fee)
        return RefundView(*what, due.to, one.over, one.since, one.gates, one.wait)

    def _decided(self, one: Refund) -> RefundView:
        memo = self._memo(one.order_id)
        what = (one.id, one.number, one.payment, memo, one.state, one.cause, one.parts, one.gross, one.fee)
        return RefundView(
            *what,
            one.to or None,
            one.over,
            one.since or one.made_at,
            decided_at=one.made_at,
            by_itself=one.by_itself,
            tx_hash=self._tx_hash(one.id),
        )

    def _memo(self, order_id: str) -> str:
        if order_id not in self._memos:
            stored = tokens.get(self._reads, order_id)
            self._memos[order_id] = stored.token.memo if stored else ""
        return self._memos[order_id]

    def _tx_hash(self, refund_id: str) -> str | None:
        """What the last word about it rests on, else what may still land."""
        last = refunds.events(self._reads, refund_id)[-1]
        live = signings.live_of(self._reads, refund_id)
        return last.tx_hash or (live.tx_hash if live else None)
