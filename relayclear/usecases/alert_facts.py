"""What of the store is worth calling a person for: new events of the history, and what holds now and shouldn't."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from relayclear.clearing.alerting import Alert, Condition, Fact, Named, Priority, alert_of, is_muted, may_be_muted
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.ibc.text import clean
from relayclear.store import cursors, dues, history, ledger, mutes, operations, sightings, stops, tasks, tokens
from relayclear.store.db import Reads
from relayclear.store.history import Event
from relayclear.usecases.books_off import unbalanced

AT_ONCE = 500
"""How many events of the history are looked at in one commit."""

# So many tasks that were given up, and refunds that are owed, are told one by one.
_LISTED = 200


class Found(NamedTuple):
    """The alerts that new events raise, and the number of the last event that was looked at."""

    alerts: tuple[Alert, ...]
    looked_at: int


def new_facts(reads: Reads, mark: int, at: datetime) -> Found:
    """What was written to the history after that number, at most `AT_ONCE` of it, without what is muted."""
    events = history.after(reads, mark, AT_ONCE)
    muted = muted_now(reads, at) if events else ()
    raised = [alert_of(_fact(number, event)) for number, event in events if not _is_quiet(reads, event, muted)]
    return Found(tuple(raised), events[-1][0] if events else mark)


def muted_now(reads: Reads, at: datetime) -> tuple[Named, ...]:
    """What is muted.

    Of any class: whether a packet still has the class of then is known only once its details are read, and
    nobody should be called for a packet of which that isn't known.
    """
    return tuple(Named(mute.end, mute.sequences) for mute in mutes.in_force(reads, at) if mute.classes)


def _fact(number: int, event: Event) -> Fact:
    return Fact(number, event.at, event.what, event.order_id, event.operation_id, event.subject, event.detail)


def _is_quiet(reads: Reads, event: Event, muted: Sequence[Named]) -> bool:
    # Most databases have no mutes, and then nothing needs to be looked up.
    return bool(muted) and may_be_muted(event.what) and is_muted(_about(reads, event), muted)


def _about(reads: Reads, event: Event) -> list[Named]:
    if event.operation_id is not None:
        operation = operations.find(reads, event.operation_id)
        return [] if operation is None else [Named(operation.source, operation.sequences)]
    stored = tokens.get(reads, event.order_id) if event.order_id else None
    keys = [term.key for term in stored.token.quote.packets] if stored else []
    return [Named(key.end, SequenceRanges.of([key.sequence])) for key in keys]


# What holds now


class Stuck:
    """Paths on which something has been pending for long, looked for anew after every scan only."""

    def __init__(self, stuck_after: int) -> None:
        """Take how many seconds are long."""
        self._after = timedelta(seconds=stuck_after)
        self._scanned: datetime | None = None
        self._old: dict[ChannelEnd, sightings.Old] = {}

    def __call__(self, reads: Reads, at: datetime) -> Iterator[Condition]:
        """A condition a path; what is muted of it doesn't count."""
        scanned = max((one.at for one in sightings.last_readings(reads).values() if one.at), default=None)
        if scanned != self._scanned:
            self._scanned, self._old = scanned, sightings.old(reads, at - self._after)
        muted = muted_now(reads, at) if self._old else ()
        for end, old in self._old.items():
            left = _without(old.sequences, (mute.sequences for mute in muted if mute.end == end))
            if left:
                detail = {"packets": left.count, "oldest": left.ranges[0][0], "seen_since": old.since.isoformat()}
                yield Condition(f"stuck {end}", "packets_stuck", Priority.NORMAL, str(end), None, detail)


def _without(sequences: SequenceRanges, muted: Iterable[SequenceRanges | None]) -> SequenceRanges:
    for mute in muted:
        sequences = SequenceRanges() if mute is None else sequences.minus(mute)
    return sequences


Source = Callable[[Reads, datetime], Iterable[Condition]]


def conditions(reads: Reads, at: datetime, stuck: Source) -> list[Condition]:
    """Everything that holds now and shouldn't.  Use it inside `snapshot`."""
    found = [one for source in (*_SOURCES, stuck) for one in source(reads, at)]
    return list({one.key: one for one in found}.values())


def _books(reads: Reads, _: datetime) -> Iterator[Condition]:
    for one in unbalanced(reads, ledger.books(reads)):
        found = {} if one.audit is None else {"height": one.audit.height, "audited_at": one.audit.at.isoformat()}
        detail = {"books": one.subject, **found}
        yield Condition(f"books {one.subject}", "books_do_not_balance", Priority.HIGH, one.chain, None, detail)


def _readings(reads: Reads, _: datetime) -> Iterator[Condition]:
    for cursor in cursors.every(reads):
        if cursor.error is not None:
            detail = {"error": clean(cursor.error, 300), "read_through": cursor.read_through}
            key = f"reading {cursor.chain} {cursor.payee}"
            yield Condition(key, "payments_not_read", Priority.HIGH, cursor.chain, None, detail)


def _unread_paths(reads: Reads, _: datetime) -> Iterator[Condition]:
    failed: dict[str, list[str]] = {}
    for end, last in sightings.last_readings(reads).items():
        if last.error is not None:
            failed.setdefault(end.chain, []).append(clean(last.error, 300))
    for chain, errors in sorted(failed.items()):
        detail = {"paths": len(errors), "error": errors[0]}
        yield Condition(f"unread {chain}", "paths_not_read", Priority.NORMAL, chain, None, detail)


def _given_up(reads: Reads, _: datetime) -> Iterator[Condition]:
    for task in tasks.dead(reads, _LISTED):
        detail = {"why": clean(task.why or "", 300), "tries": task.tries}
        order_id = task.data.get("order_id")
        yield Condition(f"task {task.key}", "work_given_up", Priority.HIGH, order_id or task.key, order_id, detail)


def _stops(reads: Reads, _: datetime) -> Iterator[Condition]:
    for chain in sorted({cursor.chain for cursor in cursors.every(reads)}):
        stop = stops.standing(reads, chain)
        if stop is not None:
            detail = {"why": clean(stop.why, 300)}
            yield Condition(f"stop {chain}", "refunds_stopped", Priority.HIGH, chain, None, detail)


def _owed(reads: Reads, _: datetime) -> Iterator[Condition]:
    for due in dues.page(reads, _LISTED):
        detail = {"payment": "/".join(map(str, due.payment)), "since": due.since.isoformat()}
        yield Condition(f"owed {due.order_id}", "refund_owed", Priority.HIGH, None, due.order_id, detail)


_SOURCES: tuple[Source, ...] = (_books, _readings, _unread_paths, _given_up, _stops, _owed)
