"""One window of heights into the store: payments, what they are for, the books, the height, in one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relayclear.errors import NodeError, RelayclearError
from relayclear.ibc.arrivals import Arrival, Movement
from relayclear.money.ledger import Account, Entry, Kind, Place, Posting, book
from relayclear.money.memo import MemoKey, MemoRef
from relayclear.money.recognition import Recognition, Standing, recognise
from relayclear.money.settlement import settle
from relayclear.money.state import TokenState
from relayclear.money.token import ClearingToken
from relayclear.store import cursors, history, ledger, payments, tasks, token_states, tokens
from relayclear.store.cursors import Cursor, Gap
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.payments import Heights, How, Match, Orphan, StoredPayment
from relayclear.store.tokens import StoredToken
from relayclear.usecases.paid import paid_task
from relayclear.usecases.payments_begin import WATCH
from relayclear.usecases.payments_reading import Window
from relayclear.usecases.refund_books import book_out, movement_ref, returned_refund, take_back
from relayclear.usecases.token_books import book_token, payment_ref
from relayclear.usecases.tokens_view import payment_of, read_view

# More than so many orphans in one window are told as one event.
_FLOOD = 100
_BESIDE = {Standing.OURS_LOST: Orphan.OURS_LOST, Standing.OWN: Orphan.OWN}


class UnbalancedError(NodeError):
    """What was read of some heights doesn't explain the balance at their end."""

    code = "does_not_add_up"
    usual = "relayclear payments gaps; a second endpoint in [chains] rpc may know more"


@dataclass(frozen=True, slots=True)
class Rules:
    """What recognising payments needs beside the store: our memo keys, revoked key ids, our addresses on the chain."""

    keys: tuple[MemoKey, ...]
    revoked: frozenset[int]
    ours: frozenset[str]


NO_RULES = Rules((), frozenset(), frozenset())


def payment_name(payment: tuple[str, str, int, str]) -> str:
    """How history names a payment: ``chain/HASH/ordinal/denom``."""
    return "/".join(map(str, payment))


def keep_window(
    tx: Transaction, before: Cursor, window: Window, rules: Rules, now: datetime, passed: Gap | None = None
) -> tuple[StoredPayment, ...]:
    """Write what a window brought; the new payments, each with what it is for.

    `before` is the cursor that the window follows; with `passed`, an accepted gap lies between, and
    what the balance changed unexplained is booked to it.  Raises UnbalancedError where the window
    doesn't explain the balance, NodeError where it contradicts what is stored: nothing is written.
    """
    flows, chain, payee = window.flows, before.chain, before.payee
    if passed is not None:
        cursors.move(tx, chain, payee, passed.last, before.read_through_time, now)
    _require_known(tx, before, flows.first, flows.arrivals)
    heights = Heights(flows.first, flows.last, window.at, window.held)
    kept = payments.add_window(tx, chain, payee, flows.arrivals, heights, now)
    if kept.differing:
        raise _contradicts(chain, kept.differing[0])
    new = _keep_flows(tx, before, window, kept.new, before.held, rules, now, passed)
    for stored in tokens.load(tx, kept.lapsed):
        # What the window paid in full has moved on already; what it paid in part is owed back from now on.
        if token_states.state(tx, stored.order_id) == TokenState.EXPIRED:
            history.add(tx, _moved(stored.order_id, TokenState.EXPIRED, now))
            book_token(tx, read_view(tx, stored, rules.revoked), now)
    return new


def keep_below(
    tx: Transaction, cursor: Cursor, window: Window, held: Mapping[str, int], rules: Rules, now: datetime
) -> tuple[StoredPayment, ...]:
    """Write a window below the height where reading began; `held` is the balance below the window.

    Raises as `keep_window` does.
    """
    new, differing = payments.add(tx, cursor.payee, window.flows.arrivals, now)
    if differing:
        raise _contradicts(cursor.chain, differing[0])
    return _keep_flows(tx, cursor, window, new, held, rules, now, None)


def _keep_flows(
    tx: Transaction,
    cursor: Cursor,
    window: Window,
    new: Iterable[StoredPayment],
    held: Mapping[str, int],
    rules: Rules,
    now: datetime,
    passed: Gap | None,
) -> tuple[StoredPayment, ...]:
    listed = list(new)
    returned = [(stored, returned_refund(tx, stored.arrival)) for stored in listed]
    home = [(stored, refund.order_id) for stored, refund in returned if refund is not None]
    kept = keep_arrivals(tx, cursor.payee, [stored for stored, refund in returned if refund is None], rules, now)
    others = _book_others(tx, window.flows.arrivals, window.flows.movements, now)
    back = [entry for stored, _ in home for entry in take_back(tx, stored, now)]
    moved = _balances([*(entry for stored in kept for entry in _entries(stored)), *others, *back])
    # After the postings: what doesn't add up raises through the transaction, and takes them all back.
    _hold_to_balance(tx, cursor.chain, window, held, moved, now, passed)
    for stored in tokens.load(tx, [order_id for _, order_id in home]):
        # What came back is owed again; it pays for nothing, so no work begins with it.
        book_token(tx, read_view(tx, stored, rules.revoked), now)
    move_tokens(tx, (stored.match.order_id for stored in kept if stored.match), rules.revoked, now)
    return kept


def keep_arrivals(
    tx: Transaction, payee: str, new: Iterable[StoredPayment], rules: Rules, now: datetime
) -> tuple[StoredPayment, ...]:
    """Say of new payments what they are for, book them, and tell the history."""
    known = Known(tx)
    found = [(stored, recognise(stored.arrival, payee, known, rules.keys, rules.ours)) for stored in new]
    kept = tuple(_matched(tx, stored, said, now) for stored, said in found)
    nobodys = [entry for stored in kept if stored.match is None for entry in _entries(stored)]
    ledger.post(tx, nobodys, now)
    for stored in kept:
        if stored.match is not None:
            ledger.post(tx, _entries(stored), now, order_id=stored.match.order_id)
    for event in _arrived([(stored, said) for stored, (_, said) in zip(kept, found, strict=True)], now):
        history.add(tx, event)
    return kept


def _matched(tx: Transaction, stored: StoredPayment, said: Recognition, now: datetime) -> StoredPayment:
    if said.standing in _BESIDE:
        payments.mark(tx, stored.id, _BESIDE[said.standing])
    if said.standing is not Standing.PAYMENT or said.ref is None:
        return stored
    match = Match(said.ref.order_id.hex(), How.MEMO, WATCH, "", now)
    payments.match(tx, stored.id, *match)
    return replace(stored, match=match)


def move_tokens(tx: Transaction, order_ids: Iterable[str], revoked: Collection[int], now: datetime) -> None:
    """Work out anew the state of tokens whose payments changed, and what the books say is owed back of them.

    One whose price may be covered gets its task.
    """
    for order_id in dict.fromkeys(order_ids):
        stored = tokens.get(tx, order_id)
        if stored is None:
            continue
        view = read_view(tx, stored, revoked)
        if token_states.move(tx, order_id, view.state, now) and view.state is not TokenState.EXPIRED:
            history.add(tx, _moved(order_id, view.state, now))
        book_token(tx, view, now)
        if _may_be_paid(tx, stored):
            _start_work(tx, order_id, now)


def _start_work(tx: Transaction, order_id: str, now: datetime) -> None:
    task = paid_task(order_id)
    # Done may also mean: looked at, and not paid in time by what was known then.
    if not tasks.add(tx, task, now) and not tasks.hasten(tx, task.key, now):
        tasks.revive(tx, task.key, now)


def _may_be_paid(reads: Reads, stored: StoredToken) -> bool:
    """Whether the price is covered if late payments are honoured: whether they are, its task finds out."""
    found = map(payment_of, payments.of_token(reads, stored.order_id))
    last = stored.token.grace_ends_at
    return settle(stored.token, found, {}, last, honours_late=True).complete


class Known:
    """The stored token of a memo, each looked for once."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._found: dict[MemoRef, ClearingToken | None] = {}

    def __call__(self, ref: MemoRef) -> ClearingToken | None:
        """The token, None for one that nobody here issued."""
        if ref not in self._found:
            stored = tokens.get(self._reads, ref.order_id.hex())
            self._found[ref] = stored.token if stored is not None and stored.token.ref == ref else None
        return self._found[ref]


# What the books say


def _entries(stored: StoredPayment) -> list[Entry]:
    found = stored.arrival
    kind = Kind.ORPHAN if stored.match is None else Kind.PAYMENT
    return [book(_place(found), kind, payment_ref(stored.id), found.coin.amount)]


def _place(one: Arrival | Movement) -> Place:
    return Place(one.chain, one.coin.denom)


def _book_others(
    tx: Transaction, arrivals: Iterable[Arrival], movements: Iterable[Movement], now: datetime
) -> list[Entry]:
    """Book what moved beside payments; the entries that are new."""
    # What is booked as a payment moved coins too, and must not be booked a second time as that.
    came = {tuple(one.identity) for one in arrivals}
    listed = [one for one in movements if not (one.incoming and _identity(one) in came)]
    # Incoming first: within a window an account may not go below zero on the way.
    others = sorted(without_circles(listed), key=lambda one: not one.incoming)
    fresh = [entry for one in others for entry in _book_other(tx, one, now)]
    for entry in fresh:
        amount = abs(sum(posting.amount for posting in entry.postings if posting.account is Account.BALANCE))
        detail = {"denom": entry.place.denom, "amount": str(amount), "kind": entry.kind.value}
        history.add(tx, Event(now, WATCH, "booked", subject=f"{entry.place.chain}/{entry.ref}", detail=detail))
    return fresh


def _identity(one: Movement) -> tuple[str, str, int, str]:
    return one.chain, one.tx_hash, one.ordinal, one.coin.denom


def without_circles(movements: Iterable[Movement]) -> list[Movement]:
    """Leave out what the address sent to itself: in one transaction, the same coins out and in."""
    listed = list(movements)
    sent = Counter(_coins(one) for one in listed if not one.incoming and not one.fee)
    came = Counter(_coins(one) for one in listed if one.incoming and not one.fee)
    circles = {True: sent & came, False: sent & came}
    kept = []
    for one in listed:
        rest = circles[one.incoming]
        if one.tx_hash and not one.fee and rest[_coins(one)] > 0:
            rest[_coins(one)] -= 1
        else:
            kept.append(one)
    return kept


def _coins(one: Movement) -> tuple[str, str, int]:
    return one.tx_hash, one.coin.denom, one.coin.amount


def _book_other(tx: Transaction, one: Movement, now: datetime) -> list[Entry]:
    """What came without being an arrival is income."""
    if not one.incoming:
        return book_out(tx, one, now)
    return ledger.post(tx, [book(_place(one), Kind.INCOME_OUTSIDE, movement_ref(one), one.coin.amount)], now)


def _balances(entries: Iterable[Entry]) -> dict[str, int]:
    """How much entries change the balance, by denom."""
    found: dict[str, int] = {}
    for entry in entries:
        for posting in entry.postings:
            if posting.account is Account.BALANCE:
                found[entry.place.denom] = found.get(entry.place.denom, 0) + posting.amount
    return found


def _hold_to_balance(
    tx: Transaction,
    chain: str,
    window: Window,
    held: Mapping[str, int],
    moved: Mapping[str, int],
    now: datetime,
    passed: Gap | None,
) -> None:
    """Refuse a window that doesn't explain what the payee holds at its end; a gap explains any difference."""
    for denom in sorted({*held, *window.held, *moved}):
        rose = window.held.get(denom, 0) - held.get(denom, 0)
        rest = rose - moved.get(denom, 0)
        if rest and passed is None:
            raise UnbalancedError(
                f"{chain}: up to height {window.flows.last} the payee's {denom} changed by {rose}, and the "
                f"transactions that the node tells explain {moved.get(denom, 0)}",
                hint="give the chain another endpoint in [chains] rpc",
            )
        if rest and passed is not None:
            ledger.post(tx, [gap_entry(Place(chain, denom), passed, rest)], now)


def gap_entry(place: Place, gap: Gap, amount: int) -> Entry:
    """Book what the balance changed over a gap that nobody could read: income, or a withdrawal below zero."""
    kind = Kind.INCOME_OUTSIDE if amount > 0 else Kind.WITHDRAWAL
    return book(place, kind, f"gap {gap.id}", abs(amount))


def found_in_gap(place: Place, gap: Gap, payment: tuple[str, str, int, str], amount: int) -> Entry:
    """Take out of a gap's income what turned out to be a payment."""
    postings = (Posting(Account.INCOME, -amount), Posting(Account.BALANCE, -amount))
    return Entry(place, Kind.INCOME_OUTSIDE, f"gap {gap.id} less {payment_ref(payment)}", postings)


# What is refused, and what is told


def _require_known(reads: Reads, before: Cursor, first: int, arrivals: Iterable[Arrival]) -> None:
    """Refuse a window that leaves out a payment which was read there before."""
    told = {tuple(one.identity) for one in arrivals}
    for stored in _newest(reads, before.chain, first):
        if (
            stored.payee == before.payee
            and stored.arrival.height <= before.read_through
            and tuple(stored.id) not in told
        ):
            raise _contradicts(before.chain, stored.arrival)


def _newest(reads: Reads, chain: str, first: int) -> list[StoredPayment]:
    found: list[StoredPayment] = []
    # Newest first: the first page that reaches below the window is the last one needed.
    while page := payments.page(reads, 100, len(found), chain=chain):
        found += page
        if page[-1].arrival.height < first:
            break
    return [stored for stored in found if stored.arrival.height >= first]


def _contradicts(chain: str, arrival: Arrival) -> RelayclearError:
    return NodeError(
        f"{chain}: the node now tells otherwise of transaction {arrival.tx_hash} at height {arrival.height}",
        hint="find out which node is wrong, and take it out of the config",
        code="endpoints_disagree",
    )


def _arrived(found: Sequence[tuple[StoredPayment, Recognition]], now: datetime) -> Iterator[Event]:
    """An event a payment; of a flood of coins that are nobody's, one for all of them."""
    nobodys = [stored for stored, said in found if said.standing is Standing.ORPHAN]
    flooded = len(nobodys) > _FLOOD
    for stored, said in found:
        if not (flooded and said.standing is Standing.ORPHAN):
            yield _payment_event(stored, said, now)
    if flooded:
        last = nobodys[-1].arrival
        yield Event(now, WATCH, "orphans", subject=last.chain, detail={"count": len(nobodys), "height": last.height})


def _payment_event(stored: StoredPayment, said: Recognition, now: datetime) -> Event:
    found = stored.arrival
    detail = {
        "denom": found.coin.denom,
        "amount": str(found.coin.amount),
        "height": found.height,
        "standing": said.standing.value,
        "why": said.why.value if said.why else None,
    }
    order_id = stored.match.order_id if stored.match else None
    return Event(now, WATCH, "payment", order_id, None, found.sender, payment_name(stored.id), detail)


def _moved(order_id: str, state: TokenState, now: datetime) -> Event:
    return Event(now, WATCH, "token_state", order_id, detail={"state": state.value})
