"""A paid token as its worker sees it: what was sold, what was tried, what every packet's share came to so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore, TaskStanding, was_cut
from relayclear.errors import RelayclearError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.triage import PacketClass
from relayclear.money.earned import Claimant, earner
from relayclear.money.fees import PacketTerm
from relayclear.store import operations, sales, tasks, tokens
from relayclear.store.db import Reads
from relayclear.store.sales import Sale
from relayclear.store.tasks import Status
from relayclear.usecases.desk import Desk
from relayclear.usecases.paid import paid_task
from relayclear.usecases.tokens_view import TokenView, read_view, revoked_keys

PAUSES = (5.0, 10.0, 20.0)
THEN_EVERY = 300.0
_CLASSES = {Fate.ACKNOWLEDGED: PacketClass.ACK_MISSING, Fate.RETURNED_TO_SENDER: PacketClass.TIMED_OUT}


@dataclass(frozen=True, slots=True)
class Order:
    """A token with its work.  `late`: its price is only covered if late payments are honoured.

    `cancelled` and `retried_at` are the operator's last words.  `elsewhere` are the packets that
    another paid token earns; `rivals` those that another token, open or paid, also names.
    """

    view: TokenView
    late: bool
    cancelled: bool
    retried_at: datetime | None
    elsewhere: frozenset[PacketKey]
    rivals: frozenset[PacketKey]

    @property
    def id(self) -> str:
        """The order id as hex."""
        return self.view.order_id

    @property
    def sale(self) -> Sale | None:
        """Its work, as far as it is."""
        return self.view.sale

    @property
    def operation(self) -> Operation:
        """The operation, once it has one.  Raises RelayclearError before."""
        if self.view.operation is None:
            raise RelayclearError(
                f"order {self.id} has no operation yet", hint=f"relayclear tokens show {self.view.token.memo}"
            )
        return self.view.operation

    @property
    def source(self) -> ChannelEnd:
        """The channel end that sent its packets; a token is for one."""
        return self.view.token.quote.packets[0].key.end

    @property
    def sequences(self) -> SequenceRanges:
        """Its packets."""
        return SequenceRanges.of(term.key.sequence for term in self.view.token.quote.packets)

    @property
    def undecided(self) -> list[PacketTerm]:
        """Packets without a final word."""
        final = {key for key, verdict in self.view.verdicts.items() if verdict.final}
        return [term for term in self.view.token.quote.packets if term.key not in final]

    @property
    def deadline(self) -> datetime:
        """Until when the work may be done, by block time of the paying chain."""
        started = self.sale.start if self.sale else None
        found = started.deadline if started else self.view.settlement.deadline
        if found is None:
            raise RelayclearError(f"order {self.id} is not paid", hint=f"relayclear tokens show {self.view.token.memo}")
        return found

    @property
    def open_attempt(self) -> Attempt | None:
        """The attempt that nobody has judged yet."""
        attempts = self.view.operation.attempts if self.view.operation else ()
        return next((attempt for attempt in attempts if attempt.ended_at is None), None)


def read_order(desk: Desk, order_id: str) -> Order | None:
    """The order as the store has it now; None for an unknown one."""
    revoked = revoked_keys(desk)
    with desk.journal.database.snapshot() as reads:
        stored = tokens.get(reads, order_id)
        if stored is None:
            return None
        view = read_view(reads, stored, revoked)
        late = not view.settlement.complete
        if late:
            view = read_view(reads, stored, revoked, honours_late=True)
        asked = {one.word: one.at for one in sales.requests(reads, order_id)}
        elsewhere, rivals = _claimed(reads, view)
        again = max((at for word, at in asked.items() if word in {"clear", "retry"}), default=None)
        return Order(view, late, "cancel" in asked, again, elsewhere, rivals)


def _claimed(reads: Reads, view: TokenView) -> tuple[frozenset[PacketKey], frozenset[PacketKey]]:
    elsewhere, rivals = set(), set()
    now = view.scanned_through or view.token.issued_at
    for term in view.token.quote.packets:
        earned = sales.earned_by(reads, term.key)
        others = [one for one in tokens.open_of_packet(reads, term.key, now) if one.order_id != view.order_id]
        if any(one.sold or one.expires_at >= now for one in others):
            rivals.add(term.key)
        claimants = [_claimant(reads, one.order_id) for one in others if one.sold]
        mine = _claimant(reads, view.order_id, view)
        first = earner([*filter(None, claimants), *([mine] if mine else [])])
        if earned not in {None, view.order_id} or (first is not None and first.hex() != view.order_id):
            elsewhere.add(term.key)
    return frozenset(elsewhere), frozenset(rivals)


def _claimant(reads: Reads, order_id: str, view: TokenView | None = None) -> Claimant | None:
    """What a paid token may say for itself; None for one that isn't paid."""
    if view is None:
        stored = tokens.get(reads, order_id)
        view = None if stored is None else read_view(reads, stored, ())
    if view is None or view.settlement.credited_at is None:
        return None
    attempts = view.operation.attempts if view.operation else ()
    ran = any(attempt.run is not None or attempt.ended_at is None for attempt in attempts)
    return Claimant(bytes.fromhex(order_id), ran, view.settlement.credited_at)


def class_sold(term: PacketTerm) -> PacketClass:
    """The class that a packet was sold as, as far as it says which step ends its wait."""
    return _CLASSES.get(term.expected, PacketClass.STUCK)


def as_sold(order: Order) -> list[PacketBefore]:
    """The undecided packets to be judged as they were sold, at heights that no node may fall behind."""
    heights = newest_heights(order.view.operation)
    return [PacketBefore(term.key.sequence, class_sold(term), None, heights) for term in order.undecided]


def newest_heights(operation: Operation | None) -> dict[str, int]:
    """The greatest heights that the operation's packets were read at, by chain."""
    found: dict[str, int] = {}
    for attempt in operation.attempts if operation else ():
        read = [packet.heights for packet in attempt.before] + [packet.heights for packet in attempt.after]
        for chain, height in (item for heights in read for item in heights.items()):
            found[chain] = max(found.get(chain, 0), height)
    return found


def tries(operation: Operation | None, since: datetime | None = None) -> int:
    """Runs of Hermes that were begun for it, since the operator last asked for another."""
    attempts = operation.attempts if operation else ()
    return sum(_was_run(one) for one in attempts if since is None or one.started_at > since)


def _was_run(attempt: Attempt) -> bool:
    """Whether Hermes was started: one that couldn't be has no command line; one whose row was lost left its mark."""
    if attempt.run is not None:
        return bool(attempt.run.argv)
    return attempt.ended_at is None or any(was_cut(packet) for packet in attempt.after)


def pause_after(count: int) -> float:
    """Seconds to wait after so many tries."""
    return PAUSES[count - 1] if 0 < count <= len(PAUSES) else THEN_EVERY if count else 0.0


def with_standing(reads: Reads, operation: Operation) -> Operation:
    """The operation with what its task says, where it works for a token whose work isn't over."""
    order_id = sales.of_operation(reads, operation.id)
    sale = sales.find(reads, order_id) if order_id else None
    if sale is None or sale.ended_at is not None or order_id is None:
        return operation
    task = tasks.find(reads, paid_task(order_id).key)
    if task is None or task.status is Status.DONE:
        return operation
    # The task's own time is ours to the second; a person is told when something happens next.
    until = datetime.fromtimestamp(task.run_at, operation.requested_at.tzinfo)
    return replace(operation, task=TaskStanding(task.lease is not None, until, task.why, task.status is Status.DEAD))


def operation_of(reads: Reads, operation_id: str) -> Operation | None:
    """An operation by its id or the start of it, with its standing."""
    found = operations.find(reads, operation_id)
    return None if found is None else with_standing(reads, found)


def by_sequence(order: Order, looked: Mapping[int, PacketAfter]) -> list[tuple[PacketTerm, PacketAfter]]:
    """The undecided packets with what a look at the chains said."""
    return [(term, looked[term.key.sequence]) for term in order.undecided if term.key.sequence in looked]
