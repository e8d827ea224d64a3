"""Refunds that somebody decided about, what was said and found of them, and the guard that none is too much."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from relayclear.errors import UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.money.payment import PaymentId
from relayclear.money.refund_state import AWAY, DEAD, ENDED, RefundState, Said, refund_state
from relayclear.money.refunds import Cause
from relayclear.store import signings
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, json_text, read_json, read_time, time_text

ADD_REFUND = """
INSERT INTO refunds (id, chain, tx_hash, ordinal, denom, number, order_id, payee, to_address, port, channel, cause,
  parts, gross, fee, by_itself, read_through_time, made_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_EVENT = """
INSERT INTO refund_events (refund_id, word, tx_hash, output, recipient, who, why, detail, said_at)
VALUES (?, ?, ?, ?, (SELECT to_address FROM refunds WHERE id = ?), ?, ?, ?, ?)"""
SET_STATE = """
INSERT INTO refund_states (refund_id, state, since, chain, made_at)
SELECT id, ?, ?, chain, made_at FROM refunds WHERE id = ?
ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state, since = excluded.since"""
ADD_TAKEN = """
INSERT INTO taken_back (chain, tx_hash, ordinal, denom, amount, most) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, tx_hash, ordinal, denom) DO NOTHING"""
SET_TAKEN = "UPDATE taken_back SET amount = ? WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ?"

_REFUND = """r.id, r.chain, r.tx_hash, r.ordinal, r.denom, r.number, r.order_id, r.payee, r.to_address, r.port,
  r.channel, r.cause, r.parts, r.gross, r.fee, r.by_itself, r.read_through_time, r.made_at, s.state, s.since"""
_STATED = "JOIN refund_states s ON s.refund_id = r.id"
# ruff: noqa: S608 - the texts joined here are the ones above
SELECT_REFUND = f"SELECT {_REFUND} FROM refunds r {_STATED} WHERE r.id = ?"
SELECT_LIKE = "SELECT id FROM refunds WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"
SELECT_OF_PAYMENT = f"""
SELECT {_REFUND} FROM refunds r {_STATED}
WHERE r.chain = ? AND r.tx_hash = ? AND r.ordinal = ? AND r.denom = ? ORDER BY r.number"""
SELECT_OF_ORDER = f"""
SELECT {_REFUND} FROM refunds r {_STATED} WHERE r.order_id = ? ORDER BY r.made_at, r.id"""
SELECT_PAGE = f"""
SELECT {_REFUND} FROM (SELECT id FROM refunds WHERE made_at <= ?
    ORDER BY made_at DESC, id DESC LIMIT ? OFFSET ?) page
  JOIN refunds r ON r.id = page.id {_STATED}"""
SELECT_OF_STATE = f"""
SELECT {_REFUND} FROM (SELECT refund_id FROM refund_states WHERE state = ?
    ORDER BY made_at DESC, refund_id DESC LIMIT ? OFFSET ?) page
  JOIN refunds r ON r.id = page.refund_id {_STATED}"""
SELECT_QUEUE = f"""
SELECT {_REFUND} FROM (SELECT refund_id FROM refund_states WHERE chain = ? AND state = ?
    ORDER BY since, refund_id LIMIT ?) page
  JOIN refunds r ON r.id = page.refund_id {_STATED}"""
SELECT_ENDED = f"""
SELECT {_REFUND} FROM (SELECT refund_id FROM refund_states WHERE chain = ? AND state = ? AND since <= ?
    ORDER BY since DESC, refund_id DESC LIMIT ?) page
  JOIN refunds r ON r.id = page.refund_id {_STATED}"""
SELECT_EVENTS = """
SELECT word, tx_hash, output, who, why, detail, said_at FROM refund_events WHERE refund_id = ? ORDER BY id"""
SELECT_TAKEN = "SELECT amount FROM taken_back WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ?"
SELECT_AMOUNT = "SELECT amount FROM payments WHERE chain = ? AND tx_hash = ? AND ordinal = ? AND denom = ?"
SELECT_PAID_BY = """
SELECT refund_id FROM refund_events WHERE tx_hash = ? AND word IN ('paid_by_hand', 'confirmed')"""
SELECT_TOUCHED_BY = "SELECT DISTINCT refund_id FROM refund_events WHERE tx_hash = ?"
SELECT_TAKEN_OF_CHAIN = """
SELECT chain, tx_hash, ordinal, denom, amount FROM taken_back WHERE chain = ? ORDER BY tx_hash, ordinal, denom"""
SELECT_BY_THEMSELVES = """
SELECT r.to_address, r.gross, r.fee FROM refunds r
WHERE r.chain = ? AND r.denom = ? AND r.read_through_time > ? AND r.by_itself = 1"""
SELECT_COUNT = "SELECT count(*) FROM refund_states WHERE state = ?"

_DIGITS = 80
_LAST_CHARACTER = "\U0010ffff"


class SaidOf(NamedTuple):
    """One thing that was said or found of a refund: by whom, why, and the transaction that it rests on."""

    word: Said
    who: str
    why: str
    at: datetime
    tx_hash: str | None = None
    output: int | None = None
    detail: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it was decided, and where it stands.

    `gross` leaves the books as owed, `fee` of it is kept.  `over` is our end of the channel that it
    goes over, None on the same chain.  `made_at` and `since` are the wall clock's.
    """

    id: str
    payment: PaymentId
    number: int
    order_id: str
    payee: str
    to: str
    over: ChannelEnd | None
    cause: Cause
    parts: tuple[tuple[Cause, int], ...]
    gross: int
    fee: int
    by_itself: bool
    read_through: datetime
    made_at: datetime
    state: RefundState = field(default=RefundState.APPROVED, compare=False)
    since: datetime | None = field(default=None, compare=False)

    @property
    def net(self) -> Coin:
        """What is sent."""
        return Coin(self.payment.denom, self.gross - self.fee)

    @property
    def chain(self) -> str:
        """The chain that it is paid on."""
        return self.payment.chain


def add(tx: Transaction, refund: Refund, said: SaidOf) -> None:
    """Keep a decision, and take its amount out of what may still go back of the payment.

    Raises RuleBrokenError where more would go back than came, and for a number that is taken.
    """
    over = (None, None) if refund.over is None else (refund.over.port, refund.over.channel)
    parts = json_text([[cause, str(amount)] for cause, amount in refund.parts])
    tx.execute(
        ADD_REFUND,
        (
            *(refund.id, *refund.payment, refund.number, refund.order_id, refund.payee, refund.to, *over),
            *(refund.cause, parts, str(refund.gross), str(refund.fee), refund.by_itself),
            *(time_text(refund.read_through), time_text(refund.made_at)),
        ),
    )
    _take(tx, refund.payment, refund.gross)
    say(tx, refund.id, said)


def say(tx: Transaction, refund_id: str, said: SaidOf) -> RefundState:
    """Add what was said or found; the state that the refund has then.

    One that dies by it gives its amount back to what may go back of the payment.
    """
    output = (said.tx_hash, said.output, refund_id)
    tx.execute(
        ADD_EVENT,
        (refund_id, said.word, *output, said.who, said.why, json_text(dict(said.detail)), time_text(said.at)),
    )
    state = restate(tx, refund_id, said.at)
    if state in DEAD:
        refund = _require(tx, refund_id)
        _take(tx, refund.payment, -refund.gross)
    return state


def restate(tx: Transaction, refund_id: str, at: datetime) -> RefundState:
    """Work a refund's state out again after its signings changed."""
    live = signings.live_of(tx, refund_id)
    words = [one.word for one in events(tx, refund_id)]
    state = refund_state(words, live=live is not None, sent=live is not None and live.sent_at is not None)
    before = tx.row(SELECT_REFUND, (refund_id,))
    if before is None or before[-2] != state:
        tx.execute(SET_STATE, (state, time_text(at), refund_id))
    return state


def _take(tx: Transaction, payment: PaymentId, amount: int) -> None:
    most = tx.rows(SELECT_AMOUNT, payment)
    tx.execute(ADD_TAKEN, (*payment, "0" * _DIGITS, str(most[0][0]).zfill(_DIGITS)))
    now = taken_back(tx, payment) + amount
    # The last guard is the table's own: text of one length compares as its numbers do.
    tx.execute(SET_TAKEN, (str(now).zfill(_DIGITS), *payment))


def taken_back(reads: Reads, payment: PaymentId) -> int:
    """How much of a payment is approved or gone back, fee included, of all its refunds that aren't dead."""
    row = reads.row(SELECT_TAKEN, payment)
    return int(row[0]) if row else 0


def taken_back_of(reads: Reads, payments: Iterable[PaymentId]) -> dict[PaymentId, int]:
    """The same for several payments."""
    return {payment: taken_back(reads, payment) for payment in payments}


def events(reads: Reads, refund_id: str) -> list[SaidOf]:
    """All that was said of a refund, in its order."""
    return [
        SaidOf(Said(word), who, why, read_time(at), tx_hash, output, read_json(detail))
        for word, tx_hash, output, who, why, detail, at in reads.rows(SELECT_EVENTS, (refund_id,))
    ]


def get(reads: Reads, refund_id: str) -> Refund | None:
    """The refund of exactly this id."""
    row = reads.row(SELECT_REFUND, (refund_id,))
    return None if row is None else _refund(row)


def find(reads: Reads, text: str) -> Refund | None:
    """The refund that a person names, by its id or the only start of one.  Raises UsageError for several."""
    start = text.strip().lower()
    found = reads.rows(SELECT_LIKE, (start, start + _LAST_CHARACTER)) if start else []
    if len(found) > 1 and found[0][0] != start:
        raise UsageError(f"several refunds start with {start[:24]}", hint="write more of the id")
    return get(reads, found[0][0]) if found else None


def of_payment(reads: Reads, payment: PaymentId) -> list[Refund]:
    """All refunds of a payment, by number, dead ones too."""
    return [_refund(row) for row in reads.rows(SELECT_OF_PAYMENT, payment)]


def of_token(reads: Reads, order_id: str) -> list[Refund]:
    """All refunds of a token's payments."""
    return [_refund(row) for row in reads.rows(SELECT_OF_ORDER, (order_id,))]


def page(reads: Reads, limit: int, offset: int = 0, *, states: Collection[RefundState] = ()) -> list[Refund]:
    """A page of refunds, newest first, those in the states where some are named."""
    if not states:
        rows = reads.rows(SELECT_PAGE, (FOR_EVER, limit, offset))
    else:
        rows = [row for state in sorted(states) for row in reads.rows(SELECT_OF_STATE, (state, limit + offset, 0))]
    found = sorted(map(_refund, rows), key=lambda one: (one.made_at, one.id), reverse=True)
    return found[offset : offset + limit] if states else found


def queue(reads: Reads, chain: str, limit: int, state: RefundState = RefundState.APPROVED) -> list[Refund]:
    """Refunds of a chain in a state, those in it for longest first."""
    rows = reads.rows(SELECT_QUEUE, (chain, state, limit))
    return sorted(map(_refund, rows), key=lambda one: (one.since or one.made_at, one.id))


def ended(reads: Reads, chain: str, until: datetime, limit: int) -> list[Refund]:
    """Refunds of a chain that had ended by then, those that ended last first: nothing moves them any more."""
    rows = [row for state in sorted(ENDED) for row in reads.rows(SELECT_ENDED, (chain, state, time_text(until), limit))]
    found = sorted(map(_refund, rows), key=lambda one: (one.since or one.made_at, one.id), reverse=True)
    return found[:limit]


def away(reads: Reads, chain: str, limit: int) -> list[Refund]:
    """Refunds of a chain that have a transaction which may still land, or whose coins are on their way."""
    return [found for state in sorted(AWAY) for found in queue(reads, chain, limit, state)]


def paid_by(reads: Reads, tx_hash: str) -> list[str]:
    """The refunds that a transaction paid."""
    return sorted(row[0] for row in reads.rows(SELECT_PAID_BY, (tx_hash,)))


def touched_by(reads: Reads, tx_hash: str) -> list[str]:
    """The refunds of which something was said that rests on a transaction."""
    return sorted(row[0] for row in reads.rows(SELECT_TOUCHED_BY, (tx_hash,)))


def all_taken_back(reads: Reads, chain: str) -> list[tuple[PaymentId, int]]:
    """Every payment of a chain that a refund was ever decided of, with what is taken of it."""
    return [(PaymentId(*row[:4]), int(row[4])) for row in reads.rows(SELECT_TAKEN_OF_CHAIN, (chain,))]


def gone_by_themselves(reads: Reads, chain: str, denom: str, since: datetime) -> dict[str, int]:
    """What went within the caps after a block time, by address, whatever became of it."""
    found: dict[str, int] = {}
    for to, gross, fee in reads.rows(SELECT_BY_THEMSELVES, (chain, denom, time_text(since))):
        found[to] = found.get(to, 0) + int(gross) - int(fee)
    return found


def count(reads: Reads, state: RefundState) -> int:
    """How many refunds are in a state.  Counts one by one: for states that refunds leave again."""
    return int(reads.rows(SELECT_COUNT, (state,))[0][0])


def _require(reads: Reads, refund_id: str) -> Refund:
    found = get(reads, refund_id)
    if found is None:
        raise UsageError(f"no refund {refund_id[:24]!r} is known", hint="relayclear refunds list")
    return found


def _refund(row: Row) -> Refund:
    name, chain, tx_hash, ordinal, denom, number, order_id, payee, to, port, channel, *rest = row
    cause, parts, gross, fee, by_itself, read_through, made_at, state, since = rest
    return Refund(
        name,
        PaymentId(chain, tx_hash, ordinal, denom),
        number,
        order_id,
        payee,
        to,
        None if port is None else ChannelEnd(chain, port, channel),
        Cause(cause),
        tuple((Cause(part), int(amount)) for part, amount in read_json(parts)),
        int(gross),
        int(fee),
        bool(by_itself),
        read_time(read_through),
        read_time(made_at),
        RefundState(state),
        read_time(since),
    )
