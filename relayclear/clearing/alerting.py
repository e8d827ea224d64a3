"""When a person is called: which facts and conditions are worth it, how urgent, in which batches, how often again.

Two things raise alerts.  A *fact* of the history raises one, once: its id follows from the fact, so that
whoever works it out again gets the same one.  A *condition* (books that don't balance, a stuck path)
raises one when it begins and one when it is over; while it stands it is quiet, and one that comes and
goes counts as standing, so that nobody is called for every flap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from relayclear.ibc.packet import ChannelEnd, SequenceRanges


class Priority(StrEnum):
    """How urgent an alert is: a high one goes at once, the others in batches."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    def reaches(self, least: Priority) -> bool:
        """Whether it is at least as urgent."""
        return RANKS[self] <= RANKS[least]


RANKS = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}
"""The order of urgency; 0 goes first."""

_LOW = frozenset(
    {
        "token_created",
        "token_imported",
        "backed_up",
        "booked",
        "books_assigned",
        "reading_began",
        "watch_was_away",
        "muted",
        "unmuted",
        "key_created",
        "key_rotated",
        "wallet_key_added",
        "request_asked",
        "request_ended",
        "request_withdrawn",
    }
)
_NORMAL = frozenset(
    {
        "operation_added",
        "attempt",
        "packet_judged",
        "clear_asked",
        "retry_asked",
        "cancel_asked",
        "payment_found_its_token",
        "assigned",
        "reading_began_earlier",
        "gap_accepted",
        "sequence_voided",
        "assumed_dead",
        "refunds_go_on",
    }
)

# Only these are about packets alone, and so are silent on a muted path: about money a person is always called.
_OF_PACKETS = frozenset(
    {
        "operation_added",
        "operation_cancelled",
        "attempt",
        "attempt_judged",
        "packet_judged",
        "clear_asked",
        "retry_asked",
        "cancel_asked",
    }
)

# After these seconds a failed delivery is tried again; then it is given up.
RETRIES = (10.0, 60.0, 600.0)
# So long a condition must be gone before it is over.
HOLD_SECONDS = 60.0
LOOKED_BACK = 10
"""How many of the last intervals say how busy it is."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the history: its number, when, what, and what it is about."""

    number: int
    at: datetime
    what: str
    order_id: str | None = None
    operation_id: str | None = None
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """What a person is told.  `id` is the same however often it is told; `kind` a fixed word, `detail` JSON."""

    id: str
    at: datetime
    priority: Priority
    kind: str
    order_id: str | None = None
    operation_id: str | None = None
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def priority_of(what: str) -> Priority:
    """How urgent a word of the history is: payments seen and changes of state are high, as is any word not known."""
    if what in _LOW:
        return Priority.LOW
    return Priority.NORMAL if what in _NORMAL else Priority.HIGH


def may_be_muted(what: str) -> bool:
    """Whether a word of the history is about packets alone."""
    return what in _OF_PACKETS


def alert_of(fact: Fact) -> Alert:
    """The alert that a fact raises."""
    about = (fact.order_id, fact.operation_id, fact.subject)
    name = _name_of("fact", fact.number, fact.at.isoformat(), fact.what, *about)
    return Alert(name, fact.at, priority_of(fact.what), fact.what, *about, fact.detail)


def _name_of(*parts: object) -> str:
    # Not the number alone: a database that was put back uses its numbers again, for other facts.
    return "al-" + sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


class Named(NamedTuple):
    """Packets of one channel end; None is the whole channel."""

    end: ChannelEnd
    sequences: SequenceRanges | None


def is_muted(about: Collection[Named], muted: Collection[Named]) -> bool:
    """Whether all that an alert is about is muted; what is about no packet never is.

    A mute of some packets doesn't quieten what is about their whole channel.
    """
    return bool(about) and all(_is_covered(one, muted) for one in about)


def _is_covered(one: Named, muted: Collection[Named]) -> bool:
    covering = [mute.sequences for mute in muted if mute.end == one.end]
    if None in covering:
        return True
    rest = one.sequences
    for sequences in covering:
        rest = rest.minus(sequences) if rest is not None and sequences is not None else rest
    return rest is not None and not rest


# Conditions


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now and shouldn't; `key` names it, and `about` which packets it is about."""

    key: str
    kind: str
    priority: Priority
    subject: str | None = None
    order_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[Named, ...] = ()


class Standing(NamedTuple):
    """A condition that was told, since when it holds, and since when it seems gone (None: it holds)."""

    key: str
    kind: str
    since: datetime
    gone_at: datetime | None
    subject: str | None
    order_id: str | None


class Changes(NamedTuple):
    """What to tell, and what then counts as standing."""

    alerts: tuple[Alert, ...]
    standing: tuple[Standing, ...]


def conditions_changed(before: Iterable[Standing], now: Iterable[Condition], at: datetime) -> Changes:
    """Compare what stood with what holds.

    | stood | holds | then |
    |---|---|---|
    | no | yes | told |
    | yes | yes | quiet, also where it was gone for a moment |
    | yes | no, for less than the hold | quiet, and still standing |
    | yes | no, for the hold or longer | told that it is over |
    """
    known, holding = {one.key: one for one in before}, {one.key: one for one in now}
    alerts = [_begun(one, at) for key, one in holding.items() if key not in known]
    standing = [
        known[key]._replace(gone_at=None)
        if key in known
        else Standing(key, one.kind, at, None, one.subject, one.order_id)
        for key, one in holding.items()
    ]
    for key, one in known.items():
        if key in holding:
            continue
        gone_at = one.gone_at or at
        # A clock that was put back must not keep it standing for ever.
        if abs(at - gone_at) >= timedelta(seconds=HOLD_SECONDS):
            alerts.append(_over(one, at))
        else:
            standing.append(one._replace(gone_at=gone_at))
    return Changes(tuple(alerts), tuple(standing))


def _begun(one: Condition, at: datetime) -> Alert:
    name = _name_of("condition", one.key, at.isoformat())
    return Alert(name, at, one.priority, one.kind, one.order_id, None, one.subject, one.detail)


def _over(one: Standing, at: datetime) -> Alert:
    name, detail = _name_of("over", one.key, one.since.isoformat()), {"since": one.since.isoformat(), "over": True}
    return Alert(name, at, Priority.NORMAL, one.kind, one.order_id, None, one.subject, detail)


# Batches


class Load(NamedTuple):
    """How many alerts came in an interval of so many seconds."""

    seconds: float
    alerts: int


class Pace(NamedTuple):
    """A batch every so many seconds, of at most so many alerts."""

    seconds: float
    most: int


BUSY, USUAL, QUIET = Pace(0.1, 200), Pace(1.0, 50), Pace(5.0, 10)
_BUSY_A_MINUTE, _QUIET_A_MINUTE = 100, 5


def pace(loads: Iterable[Load]) -> Pace:
    """How to batch by the load of the last intervals: the usual way where there were none."""
    last = [*loads][-LOOKED_BACK:]
    seconds = sum(load.seconds for load in last)
    if seconds <= 0:
        return USUAL
    a_minute = sum(load.alerts for load in last) * 60 / seconds
    if a_minute > _BUSY_A_MINUTE:
        return BUSY
    return QUIET if a_minute < _QUIET_A_MINUTE else USUAL


def retry_after(failures: int) -> float | None:
    """Seconds until a delivery that failed so often is tried again; None: it is given up."""
    return RETRIES[failures - 1] if failures <= len(RETRIES) else None
