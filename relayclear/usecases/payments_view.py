"""Payments as somebody reads them: what each is for, or why it is nobody's, and how far was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice

from relayclear.errors import ConfigError
from relayclear.money.memo import MemoRef
from relayclear.money.recognition import Recognition, recognise, suggestion
from relayclear.money.settlement import AppliedPayment
from relayclear.store import assignments, cursors, history, payments, tokens
from relayclear.store.assignments import Assignment, MovementId
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.db import Reads
from relayclear.store.payments import Orphan, StoredPayment
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import rules_of
from relayclear.usecases.payments_books import Known, Rules
from relayclear.usecases.tokens_view import TokenView, read_view, require_token

_AT_ONCE = 200
# Tokens that coins without a token may have been meant for: the newest are the likeliest.
_OPEN = 200


@dataclass(frozen=True, slots=True)
class PaymentQuestion:
    """Which payments: of a token, on a chain, only those of no token, since a block time.

    `suggest`: for each of no token look for the one that it was meant for, which takes its time.
    """

    token: str | None = None
    chain: str = ""
    orphans: bool = False
    since: datetime | None = None
    suggest: bool = True


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment with what it is for.

    `token` is the memo of its token; `paid` how the settlement counts it.  Without a token `orphan`
    says of what kind it is (None: booked as something else, as `booked` says where a person said so),
    `recognition` why, and `suggested` names the token that a person should look at first.
    """

    stored: StoredPayment
    token: str | None
    paid: AppliedPayment | None
    orphan: Orphan | None
    recognition: Recognition | None
    suggested: str | None
    booked: Assignment | None = None


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A page of payments, newest first, with how many orphans there are in all, readings and open gaps."""

    payments: tuple[PaymentView, ...]
    has_next: bool
    orphans: int
    lost: int
    readings: tuple[Cursor, ...]
    gaps: tuple[Gap, ...]


def view_payments(desk: Desk, question: PaymentQuestion, limit: int, offset: int = 0) -> PaymentPage:
    """A page of payments.  Raises UsageError for a token or chain that isn't known."""
    if question.chain:
        desk.chain(question.chain)
    database = desk.journal.database
    with database.snapshot() as reads:
        rows = list(islice(_chosen(reads, question), offset, offset + limit + 1))
        viewer = _Viewer(desk, reads, suggest=question.suggest)
        return PaymentPage(
            tuple(viewer.view(stored) for stored in rows[:limit]),
            len(rows) > limit,
            payments.count_orphans(reads),
            payments.count_orphans(reads, Orphan.OURS_LOST),
            tuple(cursor for cursor in cursors.every(reads) if question.chain in {"", cursor.chain}),
            tuple(gap for gap in cursors.gaps(reads, question.chain) if is_open(reads, gap)),
        )


class Newest:
    """One reader's memory of the newest payments: they are worked out anew only when something happened."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._seen: tuple[Desk, int] | None = None
        self._page: PaymentPage | None = None

    def read(self, desk: Desk, limit: int) -> PaymentPage:
        """The newest page, without suggestions; how far was read is always of now."""
        # Whatever brings a payment, or says what one is for, is told by the history in the same commit.
        # Another desk is another connection, which may be to another file.
        seen = (desk, history.last(desk.journal.database))
        if self._page is None or self._seen is None or seen[0] is not self._seen[0] or seen[1] != self._seen[1]:
            self._page, self._seen = view_payments(desk, PaymentQuestion(suggest=False), limit), seen
        return replace(self._page, readings=tuple(cursors.every(desk.journal.database)))


def view_of(desk: Desk, found: Iterable[StoredPayment]) -> list[PaymentView]:
    """Payments that were found otherwise, as they stand now."""
    with desk.journal.database.snapshot() as reads:
        return views_in(desk, reads, found)


def views_in(desk: Desk, reads: Reads, found: Iterable[StoredPayment]) -> list[PaymentView]:
    """As `view_of`, inside a snapshot or transaction."""
    viewer = _Viewer(desk, reads)
    return [viewer.view(payments.get(reads, stored.id) or stored) for stored in found]


def view_payment(desk: Desk, text: str) -> list[PaymentView]:
    """The payments of the transaction that a person names: its hash or the start of it, maybe ``/ORDINAL``."""
    tx_hash, _, ordinal = text.strip().partition("/")
    found = payments.find(desk.journal.database, tx_hash)
    return view_of(desk, (one for one in found if ordinal in {"", str(one.arrival.ordinal)}))


def movement_of(stored: StoredPayment) -> MovementId:
    """The movement that a payment is."""
    one = stored.arrival
    return MovementId(one.chain, one.tx_hash, True, one.ordinal, one.coin.denom)


def is_open(reads: Reads, gap: Gap) -> bool:
    """Whether a gap still stops the reading: nobody has accepted it, and no node has served it since."""
    cursor = cursors.find(reads, gap.chain, gap.payee)
    return gap.accepted is None and (cursor is None or cursor.read_through < gap.last)


def _chosen(reads: Reads, question: PaymentQuestion) -> Iterator[StoredPayment]:
    for stored in _found(reads, question):
        if question.since is not None and stored.arrival.at < question.since:
            return
        if question.chain in {"", stored.arrival.chain} and not (question.orphans and stored.match):
            yield stored


def _found(reads: Reads, question: PaymentQuestion) -> Iterator[StoredPayment]:
    """Payments newest first, at least all that are asked for."""
    if question.token is not None:
        token = require_token(reads, question.token)
        return iter(sorted(payments.of_token(reads, token.order_id), key=_time, reverse=True))
    if question.orphans:
        listed = [_orphans(reads, kind, question.chain) for kind in Orphan]
        return merge(*listed, key=_time, reverse=True)
    return _pages(lambda count, skip: payments.page(reads, count, skip, chain=question.chain))


def _pages(read: Callable[[int, int], list[StoredPayment]]) -> Iterator[StoredPayment]:
    count = 0
    while page := read(_AT_ONCE, count):
        yield from page
        count += len(page)


def _orphans(reads: Reads, kind: Orphan, chain: str) -> Iterator[StoredPayment]:
    return _pages(lambda count, skip: payments.orphans(reads, count, skip, kind=kind, chain=chain))


def _time(stored: StoredPayment) -> tuple[datetime, str, int, str]:
    found = stored.arrival
    return found.at, found.tx_hash, found.ordinal, found.coin.denom


class _Viewer:
    """Views of payments in one snapshot; what several of them share is read once."""

    def __init__(self, desk: Desk, reads: Reads, *, suggest: bool = True) -> None:
        self._desk, self._suggest = desk, suggest
        self._reads = reads
        self._known = Known(reads)
        self._tokens: dict[str, TokenView] = {}
        self._rules: dict[str, Rules] = {}
        self._open: dict[str, list[MemoRef]] = {}

    def view(self, stored: StoredPayment) -> PaymentView:
        """One payment: its token and what it counts for, or why it is nobody's."""
        if stored.match is not None:
            token = self._token(stored.match.order_id)
            paid = next((one for one in token.settlement.payments if one.payment.id == stored.id), None)
            return PaymentView(stored, token.token.memo, paid, None, None, None)
        chain = stored.arrival.chain
        rules = self._rules_of(chain)
        said = recognise(stored.arrival, stored.payee, self._known, rules.keys, rules.ours)
        near = suggestion(stored.arrival, said, self._open_on(chain)) if self._suggest else None
        orphan = payments.orphan_kind(self._reads, stored.id)
        booked = assignments.find(self._reads, movement_of(stored)) if orphan is None else None
        return PaymentView(stored, None, None, orphan, said, near.text if near else None, booked)

    def _token(self, order_id: str) -> TokenView:
        if order_id not in self._tokens:
            stored = tokens.get(self._reads, order_id)
            if stored is None:
                raise LookupError(order_id)
            self._tokens[order_id] = read_view(self._reads, stored, ())
        return self._tokens[order_id]

    def _rules_of(self, chain: str) -> Rules:
        if chain not in self._rules:
            try:
                self._rules[chain] = rules_of(self._desk, chain)
            except ConfigError:
                # Without keys a lost token looks like a stranger's; the payment itself is all there.
                self._rules[chain] = Rules((), frozenset(), self._desk.ours.get(chain, frozenset()))
        return self._rules[chain]

    def _open_on(self, chain: str) -> list[MemoRef]:
        if chain not in self._open:
            found = tokens.page(self._reads, _OPEN, states=("open", "partly_paid"), chain=chain)
            self._open[chain] = [stored.token.ref for stored in found]
        return self._open[chain]
