"""Which of the chosen packets a run may be given, in which bites, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from relayclear.ibc.packet import Ordering, SequenceRanges
from relayclear.ibc.triage import RETURNING, BlockReason, PacketClass, Verdict

MAY_RETURN = RETURNING | {PacketClass.PENDING}
# Hermes' own daemon takes 50 at a time; a failing batch then costs the fewest others.
BITE = 50


class Choice(NamedTuple):
    """One chosen packet that is still pending."""

    sequence: int
    verdict: Verdict


class LeftOut(NamedTuple):
    """A chosen packet that no run may be given now, and why."""

    sequence: int
    why: str


def obstacle(choice: Choice, ahead: Collection[int], free: Collection[int]) -> str | None:
    """Why a run can't move the packet, or None.

    `ahead` are the pending packets of an ordered channel that wait for the same message and go
    first: all of them must be `free` to go too.  One whose send transaction our node has lost may
    go: Hermes may use another node.
    """
    packet_class, blocked = choice.verdict
    if packet_class is PacketClass.ASYNC_ACK:
        return "delivered, and waiting for the receiving application's word: there is nothing to relay"
    if blocked is None or blocked.reason is BlockReason.NO_PACKET_DATA:
        return None
    if blocked.reason is BlockReason.ORDERED_BEHIND:
        return None if all(sequence in free for sequence in ahead) else blocked.detail
    return f"{blocked.reason}: {blocked.detail}"


def split(
    choices: Sequence[Choice], pending: Collection[int], unreceived: Collection[int]
) -> tuple[list[Choice], list[LeftOut]]:
    """Part the chosen packets into those a run may be given and those left out with their reason.

    `unreceived` are those of `pending` that were never delivered.
    """
    free: dict[int, Choice] = {}
    left_out: list[LeftOut] = []
    for choice in sorted(choices, key=lambda choice: choice.sequence):
        delivered = choice.verdict.packet_class in {PacketClass.ACK_MISSING, PacketClass.ASYNC_ACK}
        group = pending if delivered else unreceived
        why = obstacle(choice, [sequence for sequence in group if sequence < choice.sequence], free)
        if why is None:
            free[choice.sequence] = choice
        else:
            left_out.append(LeftOut(choice.sequence, why))
    return list(free.values()), left_out


def closes_channel(ordering: Ordering, choices: Sequence[Choice]) -> bool:
    """Whether clearing could close the channel: a timeout on an ordered one does (ICS-4).

    A packet whose timeout nobody could read may have timed out.
    """
    return ordering is Ordering.ORDERED and any(choice.verdict.packet_class in MAY_RETURN for choice in choices)


def bites(sequences: Sequence[int], size: int = BITE) -> list[SequenceRanges]:
    """Cut sequences into runs, lowest first, so that ordered channels stay in order."""
    ordered = sorted(sequences)
    return [SequenceRanges.of(ordered[start : start + size]) for start in range(0, len(ordered), size)]
