"""Operations: the work of clearing, as facts, and the state that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.readings import RelayTx
from relayclear.ibc.relayer import RelayRun
from relayclear.ibc.triage import PacketClass

LANDS_WITHIN = 100
"""Hermes' transactions have no timeout height; a mempool keeps one for this many blocks at most."""


class OperationState(StrEnum):
    """Where an operation stands."""

    QUEUED = "queued"
    PREFLIGHT = "preflight"
    WAITING = "waiting"
    RUNNING = "running"
    VERIFYING = "verifying"
    CLEARED = "cleared"
    PARTIAL = "partial"
    FAILED = "failed"
    NOTHING_TO_DO = "nothing_to_do"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PacketBefore:
    """A packet as it stood when the attempt was planned.

    `commitment` is None for one that was already gone; `blocked` is the reason's word.
    `heights` maps chain id to the height it was read at.
    """

    sequence: int
    packet_class: PacketClass | None
    commitment: bytes | None
    heights: Mapping[str, int]
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class PacketAfter:
    """A packet as both chains show it after the attempt, and the transactions that moved it.

    `received`, `committed` and `ack_success` are None where a side could not be read or the
    acknowledgement's meaning can't be told.
    """

    sequence: int
    fate: Fate
    by: Doer
    committed: bool | None
    received: bool | None
    ack_success: bool | None
    heights: Mapping[str, int]
    txs: tuple[RelayTx, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: what was planned, the run of the relayer if there was one, and the judgement."""

    number: int
    started_at: datetime
    before: tuple[PacketBefore, ...]
    argv: tuple[str, ...] = ()
    run: RelayRun | None = None
    after: tuple[PacketAfter, ...] = ()
    extra: tuple[PacketKey, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """What keeps an operation going: somebody is at it now (`claimed`), or it is due at `until`, and why it waits.

    `given_up`: nobody will, until the operator says retry.
    """

    claimed: bool
    until: datetime
    why: str | None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A request to clear exact packets of one channel, with its attempts in order.

    `task` is there while something will take it up again by itself: the work of a paid token.
    """

    id: str
    requested_at: datetime
    source: ChannelEnd
    destination: ChannelEnd
    sequences: SequenceRanges
    attempts: tuple[Attempt, ...] = ()
    cancelled_at: datetime | None = None
    task: TaskStanding | None = None


def surplus(source: ChannelEnd, attempt: Attempt) -> tuple[PacketKey, ...]:
    """What the run of an attempt on packets of `source` says that it moved besides them, each once."""
    asked = {PacketKey(*source, packet.sequence) for packet in attempt.before}
    events = attempt.run.events if attempt.run else ()
    return tuple(dict.fromkeys(event.key for event in events if event.key not in asked))


def was_cut(packet: PacketAfter) -> bool:
    """Whether the run that held the packet didn't end by itself, while both sides could be read."""
    return packet.fate is Fate.UNKNOWN and packet.committed is True and packet.received is not None


def may_still_land(cut: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether what a cut run sent may land after the heights of now: until both chains made enough blocks since."""
    return any(now.get(chain, 0) - height < LANDS_WITHIN for chain, height in cut.items())


def is_done(packet: PacketAfter) -> bool:
    """Nothing is left that a relayer could do: gone, or waiting for the far application's word."""
    return packet.committed is False or packet.fate is Fate.DELIVERED_ACK_OPEN


def went_back(packet: PacketAfter) -> bool:
    """The receiver got nothing, and the sender has the coins: it timed out, or its error came home."""
    refused = packet.fate is Fate.DELIVERED_WITH_ERROR or (
        packet.fate is Fate.ACKNOWLEDGED and packet.ack_success is False
    )
    return packet.committed is False and (refused or packet.fate is Fate.RETURNED_TO_SENDER)


def operation_state(operation: Operation) -> OperationState:
    """Compute the state from the facts.  The first row that fits counts.

    | attempts | of them | packets | state |
    |---|---|---|---|
    | none | cancelled | | `cancelled` |
    | none | claimed | | `preflight` |
    | none | waits | | `waiting` |
    | none | | | `queued` |
    | some | one not ended, no run | | `running` |
    | some | one not ended, run known | | `verifying` |
    | some | claimed | | `preflight` |
    | some | waits | | `waiting` |
    | some | ended | some not judged yet, not cancelled | `running` |
    | some | ended | any fate unknown | `unknown` |
    | some | ended | every one already gone before | `nothing_to_do` |
    | some | ended | all done | `cleared` |
    | some | ended | some moved | `partial` |
    | some | ended, cancelled | none moved | `cancelled` |
    | some | ended | none moved | `failed` |

    A packet is judged by the newest attempt that held it.  *Done* is `is_done`; *moved* is any
    fate but `still_pending` of a packet not gone before.  *Claimed* and *waits* are the operation's
    task: it waits for its time, or until the operator says retry; before the first attempt only
    when it says why.
    """
    if operation.cancelled_at and not operation.attempts:
        return OperationState.CANCELLED
    for attempt in operation.attempts:
        if attempt.ended_at is None:
            return OperationState.RUNNING if attempt.run is None else OperationState.VERIFYING
    return _standing_state(operation) or (_ended_state(operation) if operation.attempts else OperationState.QUEUED)


def _standing_state(operation: Operation) -> OperationState | None:
    task = operation.task
    if task is None:
        return None
    if task.claimed:
        return OperationState.PREFLIGHT
    return OperationState.WAITING if operation.attempts or task.why else None


def newest_results(operation: Operation) -> dict[int, PacketAfter]:
    """The newest judgement of each packet."""
    return {packet.sequence: packet for attempt in operation.attempts for packet in attempt.after}


def gone_before(operation: Operation) -> frozenset[int]:
    """Sequences that were already gone when they were first looked at."""
    first: dict[int, PacketBefore] = {}
    for attempt in operation.attempts:
        for packet in attempt.before:
            first.setdefault(packet.sequence, packet)
    return frozenset(sequence for sequence, packet in first.items() if packet.commitment is None)


def _ended_state(operation: Operation) -> OperationState:
    results, cancelled = newest_results(operation), operation.cancelled_at is not None
    waiting = operation.sequences.count > len(results)
    if waiting and not cancelled:
        return OperationState.RUNNING
    if any(packet.fate is Fate.UNKNOWN for packet in results.values()):
        return OperationState.UNKNOWN
    gone = gone_before(operation)
    tried = [packet for sequence, packet in results.items() if sequence not in gone]
    if not tried and not waiting:
        return OperationState.NOTHING_TO_DO
    if not waiting and all(is_done(packet) for packet in tried):
        return OperationState.CLEARED
    if any(packet.fate is not Fate.STILL_PENDING for packet in tried):
        return OperationState.PARTIAL
    return OperationState.CANCELLED if cancelled else OperationState.FAILED
