"""What the packets of a paid token came to: read from both chains, judged by the rules, written once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from relayclear.clearing.operation import (
    LANDS_WITHIN,
    Attempt,
    Operation,
    PacketAfter,
    PacketBefore,
    may_still_land,
    newest_results,
    was_cut,
)
from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.fate import Doer, Fate, deciding_steps
from relayclear.ibc.outcome import PacketOutcome
from relayclear.ibc.packet import PacketKey, RelayPath
from relayclear.ibc.readings import RelayTx
from relayclear.money.earned import PacketVerdict, Result, Standing, judge
from relayclear.money.fees import PacketTerm
from relayclear.money.state import TokenState
from relayclear.store import dues, history, operations, sales, token_states
from relayclear.store.db import Transaction
from relayclear.store.sales import StoredVerdict
from relayclear.usecases import proof
from relayclear.usecases.desk import Desk
from relayclear.usecases.shop import SellRules
from relayclear.usecases.token_books import book_token
from relayclear.usecases.token_order import Order, as_sold, by_sequence, class_sold
from relayclear.usecases.tokens_view import TokenView, read_view, require_token


@dataclass(frozen=True, slots=True)
class Look:
    """What both chains said of the undecided packets, when that was on the paying chain, and what follows."""

    after: Mapping[int, PacketAfter]
    now: datetime
    verdicts: Mapping[PacketKey, PacketVerdict]
    deciding: Mapping[PacketKey, RelayTx]

    @property
    def final(self) -> dict[PacketKey, PacketVerdict]:
        """The final words."""
        return {key: verdict for key, verdict in self.verdicts.items() if verdict.final}

    @property
    def waits_for_a_person(self) -> dict[PacketKey, PacketVerdict]:
        """What only a person can judge."""
        return {key: verdict for key, verdict in self.verdicts.items() if verdict.result is Result.APPROVE}

    @property
    def readable(self) -> bool:
        """Whether both sides of the path could be read."""
        return all(packet.committed is not None and packet.received is not None for packet in self.after.values())


async def look(desk: Desk, path: RelayPath, order: Order) -> Look:
    """Read the undecided packets of a paid token and judge them.

    Raises UnreachableError only where nothing tells the paying chain's time; a side of the path that
    can't be read leaves its packets unknown.
    """
    after = {one.sequence: one for one in await proof.judge(desk, path, as_sold(order), ended=True, patient=True)}
    now = await paying_time(desk, order)
    verdicts, deciding = {}, {}
    for term, packet in by_sequence(order, after):
        tx = await _timed(desk, _deciding(term, packet))
        if tx is not None:
            deciding[term.key] = tx
        verdicts[term.key] = _judged(desk, order, term, packet, tx, now)
    return Look(after, now, verdicts, deciding)


async def paying_time(desk: Desk, order: Order) -> datetime:
    """The paying chain's block time now; where it can't be read, how far its reading has come.

    Raises what kept it from being read when it was never read either.
    """
    try:
        return (await desk.chain(order.view.token.quote.chain).head()).at
    except RelayclearError:
        if order.view.scanned_through is None:
            raise
        return order.view.scanned_through


def _deciding(term: PacketTerm, packet: PacketAfter) -> RelayTx | None:
    found = {tx.step: tx for tx in packet.txs}
    return next((found[step] for step in deciding_steps(class_sold(term)) if step in found), None)


async def _timed(desk: Desk, tx: RelayTx | None) -> RelayTx | None:
    """The transaction with its block's time, where any node tells it."""
    if tx is None or tx.at is not None:
        return tx
    try:
        return replace(tx, at=await desk.chains[tx.chain].block_time(tx.height))
    except RelayclearError:
        return tx


def _judged(
    desk: Desk, order: Order, term: PacketTerm, packet: PacketAfter, tx: RelayTx | None, now: datetime
) -> PacketVerdict:
    credited = order.view.settlement.credited_at
    if credited is None:
        raise RelayclearError(f"order {order.id} is not paid", hint=f"relayclear tokens show {order.view.token.memo}")
    operation = order.view.operation
    outcome = PacketOutcome(
        term.key,
        packet.fate,
        packet.by,
        packet.committed,
        tx.at if tx else None,
        seen_waiting=tx is not None and _seen_waiting(operation, term.key.sequence, tx),
        may_land=_may_land(operation, packet),
    )
    rules = desk.shop.rules if desk.shop else SellRules()
    standing = Standing(
        credited,
        order.deadline,
        now,
        rules.unknown_max,
        worked_past_deadline=tx is not None and _worked_on(operation, term.key.sequence, tx),
        cancelled=order.cancelled,
    )
    return judge(outcome, standing, sold_twice=term.key in order.elsewhere)


def _held(operation: Operation | None, sequence: int) -> list[tuple[Attempt, PacketBefore, PacketAfter | None]]:
    """The attempts that held a packet still waiting, each with the packet before and after it."""
    found = []
    for attempt in operation.attempts if operation else ():
        before = next((one for one in attempt.before if one.sequence == sequence), None)
        if before is not None and before.commitment is not None:
            after = next((one for one in attempt.after if one.sequence == sequence), None)
            found.append((attempt, before, after))
    return found


def _seen_waiting(operation: Operation | None, sequence: int, tx: RelayTx) -> bool:
    """Whether an attempt, all of which begin after the payment, read the packet as waiting below that height."""
    heights = [before.heights.get(tx.chain) for _, before, _ in _held(operation, sequence)]
    return any(height is not None and height < tx.height for height in heights)


def _may_land(operation: Operation | None, packet: PacketAfter) -> bool:
    """Whether a run that was cut short could still land: until both chains have made enough blocks since."""
    cut = [after for _, _, after in _held(operation, packet.sequence) if after is not None and was_cut(after)]
    return any(may_still_land(after.heights, packet.heights) for after in cut)


def _worked_on(operation: Operation | None, sequence: int, tx: RelayTx) -> bool:
    """Whether a run of ours was under way at that height, or one cut short could still land; none starts too late."""
    for _, before, after in _held(operation, sequence):
        begun = before.heights.get(tx.chain, tx.height) < tx.height
        if after is None:
            return begun
        until = after.heights.get(tx.chain, 0) + (LANDS_WITHIN if was_cut(after) else 0)
        if begun and tx.height <= until:
            return True
    return False


def write_verdicts(tx: Transaction, order: Order, found: Look, at: datetime) -> TokenState:
    """Write the final words, freeze what they rest on, move the books; end the work when the last is given.

    The state that the token has then.
    """
    if order.sale is None or order.sale.start is None:
        freeze(tx, order, at)
    _keep_in_operation(tx, order, found, at)
    dues.await_person(tx, order.id, found.verdicts, at)
    for key, verdict in found.final.items():
        packet, done = found.after[key.sequence], found.deciding.get(key)
        doer, tx_hash, done_at = (packet.by, done.hash, done.at) if done else (Doer.UNKNOWN, None, None)
        sales.add_verdict(tx, order.id, StoredVerdict(key, verdict, doer, tx_hash, done_at, "rules", at))
        told = {"packet": str(key), "result": verdict.result.value, "reason": verdict.reason.value, "tx": tx_hash}
        history.add(tx, history.Event(at, "rules", "packet_judged", order.id, order.operation.id, detail=told))
    if len(found.final) == len(order.undecided):
        sales.end(tx, order.id, "judged", at)
    view = restate(tx, order.id, at)
    if len(found.final) == len(order.undecided):
        told = {"state": view.state.value}
        history.add(tx, history.Event(at, "rules", "work_ended", order.id, order.operation.id, detail=told))
    return view.state


def await_person(tx: Transaction, order: Order, found: Look, at: datetime) -> None:
    """Keep which packets only a person can judge now: what they would cost is listed as owed, never sent unasked."""
    if dues.await_person(tx, order.id, found.verdicts, at):
        restate(tx, order.id, at)
        waiting = {str(key): one.reason.value for key, one in found.waits_for_a_person.items()}
        history.add(tx, history.Event(at, "rules", "waits_for_a_person", order.id, detail=waiting))


def freeze(tx: Transaction, order: Order, at: datetime) -> None:
    """Begin the work: payments found later change neither what is applied of whom nor the deadline.

    Raises RefusedError, which takes the commit back, for a token that was revoked meanwhile.
    """
    if require_token(tx, order.id).revocation is not None:
        raise RefusedError(
            f"order {order.id} was revoked before its work began",
            code="revoked",
            hint=f"relayclear tokens show {order.view.token.memo}",
        )
    sales.start(tx, order.id, order.view.settlement.allocation, order.deadline, at)
    found = sales.find(tx, order.id)
    operation_id = found.operation_id if found else None
    detail = {"honoured_late": order.late}
    history.add(tx, history.Event(at, "watch", "work_started", order.id, operation_id, detail=detail))
    restate(tx, order.id, at)


def restate(tx: Transaction, order_id: str, at: datetime, revoked: Collection[int] = ()) -> TokenView:
    """Work a token out again after its facts have changed: its state in the lists, and the books.

    `revoked` are the key ids that were revoked; they don't matter any more once the work has begun.
    """
    view = read_view(tx, require_token(tx, order_id), revoked)
    token_states.move(tx, order_id, view.state.value, at)
    book_token(tx, view, at)
    return view


def _keep_in_operation(tx: Transaction, order: Order, found: Look, at: datetime) -> None:
    """What was found out without a run is an attempt too, so that the operation and its proof tell of it."""
    known = newest_results(order.operation)
    fresh = [
        (term, found.after[term.key.sequence])
        for term in order.undecided
        if term.key in found.final and _is_news(known.get(term.key.sequence), found.after[term.key.sequence])
    ]
    if not fresh:
        return
    befores = tuple(PacketBefore(term.key.sequence, class_sold(term), None, packet.heights) for term, packet in fresh)
    number = len(order.operation.attempts) + 1
    operations.start(tx, order.operation.id, Attempt(number, at, befores))
    operations.finish(tx, order.operation.id, number, [packet for _, packet in fresh], (), at)


def _is_news(before: PacketAfter | None, now: PacketAfter) -> bool:
    return before is None or (before.fate, before.committed) != (now.fate, now.committed) or before.fate is Fate.UNKNOWN
