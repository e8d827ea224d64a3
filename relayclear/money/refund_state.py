"""The state of a refund, computed from what was said, signed and found of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Said(StrEnum):
    """What a person or the rules said of a refund, or what was found of it on the chain."""

    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    EXPORTED = "exported"
    EXPORT_CANCELLED = "export_cancelled"
    WAIVED = "waived"
    WRITTEN_OFF = "written_off"
    PAID_BY_HAND = "paid_by_hand"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    RETURNED = "returned"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class RefundState(StrEnum):
    """Where a refund stands; the first four are of one that nobody has decided about yet."""

    OWED = "owed"
    DUST = "dust"
    BELOW_COST = "below_cost"
    NEEDS_CLAIM = "needs_claim"
    APPROVED = "approved"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    EXPORTED = "exported"
    IN_TRANSIT = "in_transit"
    CONFIRMED = "confirmed"
    PAID_BY_HAND = "paid_by_hand"
    WAIVED = "waived"
    WRITTEN_OFF = "written_off"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


# The refund is over without a payment: its part of the payment is free to be owed again.
DEAD = frozenset({RefundState.RETURNED, RefundState.WITHDRAWN})
# Nothing moves it any more.
ENDED = DEAD | {
    RefundState.CONFIRMED,
    RefundState.PAID_BY_HAND,
    RefundState.WAIVED,
    RefundState.WRITTEN_OFF,
}
# A transaction of it is out of our hands, or may be.
AWAY = frozenset({RefundState.SIGNED, RefundState.BROADCAST, RefundState.EXPORTED, RefundState.IN_TRANSIT})

_ENDS = {
    Said.WAIVED: RefundState.WAIVED,
    Said.WRITTEN_OFF: RefundState.WRITTEN_OFF,
    Said.PAID_BY_HAND: RefundState.PAID_BY_HAND,
    Said.CONFIRMED: RefundState.CONFIRMED,
    Said.ARRIVED: RefundState.CONFIRMED,
    Said.RETURNED: RefundState.RETURNED,
    Said.WITHDRAWN: RefundState.WITHDRAWN,
    Said.IN_TRANSIT: RefundState.IN_TRANSIT,
    Said.EXPORTED: RefundState.EXPORTED,
}


def refund_state(said: Sequence[Said], *, live: bool = False, sent: bool = False) -> RefundState:
    """Compute the state.  The last word counts; `-` is anything.

    | last word | a signing lives | it was broadcast | state |
    |---|---|---|---|
    | `waived`, `written_off`, `paid_by_hand`, `confirmed`, `returned`, `withdrawn` | - | - | that |
    | `in_transit`, `exported` | - | - | that |
    | `arrived` | - | - | `confirmed` |
    | `approved`, `failed`, `export_cancelled` | yes | yes | `broadcast` |
    | `approved`, `failed`, `export_cancelled` | yes | no | `signed` |
    | `approved`, `failed`, `export_cancelled` | no | - | `approved` |

    A signing lives while nothing is known to have used its account sequence.  `failed`: it stood in
    a block and paid nothing, so it is to be sent again.  Raises ValueError where nothing was said.
    """
    if not said:
        raise ValueError("a refund that nobody decided about has no state of its own")
    ended = _ENDS.get(said[-1])
    if ended is not None:
        return ended
    if live:
        return RefundState.BROADCAST if sent else RefundState.SIGNED
    return RefundState.APPROVED


def failures(said: Sequence[Said]) -> int:
    """How often it failed since it was last approved: a few times more may help, for ever may not."""
    count = 0
    for word in reversed(said):
        if word is Said.APPROVED:
            break
        count += word is Said.FAILED
    return count
