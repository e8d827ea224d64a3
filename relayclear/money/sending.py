"""What a wallet does next: one transaction at a time, each on the account sequence that nothing has used yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

# A node forgets what it holds in memory; asking again with the same bytes is harmless.
AGAIN_AFTER = 3


class Act(StrEnum):
    """The one thing to do now."""

    READ = "read"
    BLOCKED = "blocked"
    BROADCAST = "broadcast"
    WAIT = "wait"
    REPLACE = "replace"
    SIGN = "sign"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class LiveSigning:
    """The newest signing on a sequence that nothing is known to have used.

    `refund` is None for one that only uses up the sequence; `sent_at` the height of its last
    broadcast, None for never.  No block above `timeout_height` can hold it.
    """

    tx_hash: str
    refund: str | None
    sequence: int
    timeout_height: int
    sent_at: int | None


class Step(NamedTuple):
    """What to do, to which refund (SIGN, REPLACE) or transaction (BROADCAST, WAIT), on which sequence."""

    act: Act
    refund: str | None = None
    tx_hash: str | None = None
    sequence: int | None = None


def next_step(
    head: int, on_chain: int, expected: int, live: LiveSigning | None, queue: Sequence[str], *, may_sign: bool
) -> Step:
    """Decide from facts alone.  The first row that fits counts; `-` is anything.

    | sequence on chain | live signing | newest block | may sign | queue | act |
    |---|---|---|---|---|---|
    | above the expected | - | - | - | - | `read`: what used the ones between |
    | below it | - | - | - | - | `blocked`: this node has forgotten blocks |
    | the expected | yes | at most its timeout height, sent lately | - | - | `wait` |
    | the expected | yes | at most its timeout height | - | - | `broadcast` the same bytes |
    | the expected | yes | above it | yes | - | `replace`: the same refund on the same sequence |
    | the expected | yes | above it | no | - | `wait` |
    | the expected | no | - | yes | not empty | `sign` its first on the next sequence |
    | the expected | no | - | - | - | `nothing` |

    `expected` is one above the highest sequence that was found used, so a successor always has its
    predecessor's sequence and the chain lets at most one of them land: whether the predecessor is
    really dead needn't be known.  `queue` holds ids of approved refunds that can be paid, first in
    first out.  `may_sign`: nothing speaks against signing at all.
    """
    if on_chain != expected:
        return Step(Act.READ if on_chain > expected else Act.BLOCKED, sequence=expected)
    if live is None:
        return Step(Act.SIGN, queue[0], None, expected) if may_sign and queue else Step(Act.NOTHING)
    if head <= live.timeout_height:
        lately = live.sent_at is not None and head < live.sent_at + AGAIN_AFTER
        return Step(Act.WAIT if lately else Act.BROADCAST, live.refund, live.tx_hash, expected)
    return Step(Act.REPLACE if may_sign else Act.WAIT, live.refund, live.tx_hash, expected)
