"""How things stood at the last look, and whether anybody looks now, from memory alone: no node is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from relayclear.clearing.health import BEAT_MISSED
from relayclear.clearing.operation import Operation
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.money.refund_state import RefundState
from relayclear.store import dues, judgements, packets, refunds, watchers
from relayclear.store.journal import Journal
from relayclear.store.judgements import Judged, Run
from relayclear.usecases.last_good import known_ends

DETAILED = 1000
"""Of so many packets of an end the sending is looked up: a status of a hub's backlog must come at once too."""


class Watched(StrEnum):
    """Whether a daemon watches: it gave a sign just now, it gave none for a while, or it left or never came."""

    RUNS = "runs"
    SILENT = "silent"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Standing:
    """What one channel end had pending at its last good look.

    `stuck` are those that need somebody, that a clear could move, and that nobody has muted.
    """

    end: ChannelEnd
    pending: int
    oldest: datetime
    stuck: SequenceRanges = field(default_factory=SequenceRanges)


@dataclass(frozen=True, slots=True)
class Status:
    """What is remembered.  `looked_at` is the newest good look, None when there never was one.

    `waiting` holds ends with pending packets, the longest wait first; `failed` those whose newest
    look failed, with its words.  `owed` counts refunds that nobody has decided about, `approved` those
    that are yet to be sent.
    """

    looked_at: datetime | None
    paths: int
    waiting: tuple[Standing, ...]
    failed: tuple[tuple[ChannelEnd, str], ...]
    unfinished: tuple[Operation, ...]
    owed: int
    approved: int
    watched: Watched = Watched.NO
    beat_at: datetime | None = None


def last_status(journal: Journal, at: datetime, stuck_after: int = 0) -> Status:
    """Gather the status as of the last looks; what is pending for `stuck_after` seconds is stuck."""
    readings = journal.last_readings()
    good = [reading.at for reading in readings.values() if reading.at is not None]
    # What failed for too long is unknown, however many were pending there once.
    pending = journal.pending_at(known_ends(readings, at), at)
    ago, muted = at - timedelta(seconds=stuck_after), _muted(journal, at)
    judged = judgements.runs_of(journal.database, pending)
    waiting = []
    for end, seen in pending.items():
        since = _since(journal, end, seen)
        if since:
            left = _stuck(since, judged[end], ago)
            waiting.append(Standing(end, len(since), min(since.values()), _unmuted(left, muted.get(end, []))))
    # Its heartbeat, not its lock: whoever tries the lock holds it, and keeps a daemon from starting just then.
    watcher = watchers.find(journal.database)
    beat_at = None if watcher is None else watcher.beat_at
    failed = [(end, reading.error) for end, reading in readings.items() if reading.error is not None]
    return Status(
        max(good, default=None),
        len(readings),
        tuple(sorted(waiting, key=lambda standing: (standing.oldest, standing.end))),
        tuple(sorted(failed)),
        tuple(journal.unfinished()),
        dues.count(journal.database),
        refunds.count(journal.database, RefundState.APPROVED),
        Watched.NO if beat_at is None else Watched.RUNS if at - beat_at <= BEAT_MISSED else Watched.SILENT,
        beat_at,
    )


def _muted(journal: Journal, at: datetime) -> dict[ChannelEnd, list[SequenceRanges | None]]:
    """What is muted on each end; None among it stands for all of it."""
    found: dict[ChannelEnd, list[SequenceRanges | None]] = {}
    for mute in journal.mutes(at):
        found.setdefault(mute.end, []).append(mute.sequences)
    return found


def _since(journal: Journal, end: ChannelEnd, seen: Mapping[int, datetime]) -> dict[int, datetime]:
    """Since when packets are pending: since they were sent, where that is known, else since they were first seen."""
    sent = packets.sent(journal.database, end, islice(seen, DETAILED))
    return {**seen, **{sequence: min(at, seen[sequence]) for sequence, (at, _) in sent.items() if at is not None}}


def _stuck(since: Mapping[int, datetime], runs: Sequence[Run], ago: datetime) -> SequenceRanges:
    """What a daemon's scan said needs somebody and can be cleared; by their age alone, those it said nothing of."""
    judged = {sequence: run.judged for run in runs for sequence in range(run.first, run.last + 1) if sequence in since}
    return SequenceRanges.of(
        sequence for sequence, at in since.items() if (_needs_us(judged[sequence]) if sequence in judged else at <= ago)
    )


def _needs_us(judged: Judged) -> bool:
    return judged.attention and judged.verdict.clearable is not False


def _unmuted(stuck: SequenceRanges, muted: Sequence[SequenceRanges | None]) -> SequenceRanges:
    if None in muted:
        return SequenceRanges()
    for ranges in muted:
        stuck = stuck.minus(ranges or SequenceRanges())
    return stuck
