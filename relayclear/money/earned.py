"""Whether a packet's share is earned: who ended its wait, when, and what is still open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.outcome import PacketOutcome


class Result(StrEnum):
    """What becomes of a packet's share; `held` is the only one that isn't an answer yet."""

    EARNED = "earned"
    OWED_BACK = "owed_back"
    HELD = "held"
    APPROVE = "approve"


class Reason(StrEnum):
    """Why."""

    CLEARED_BY_US = "cleared_by_us"
    FINAL_OUTCOME_OPEN = "final_outcome_open"
    BEFORE_PAYMENT = "before_payment"
    OTHERS_FIRST = "others_first"
    EARNED_ELSEWHERE = "earned_elsewhere"
    ERROR_ACK_OPEN = "error_ack_open"
    DOER_UNKNOWN = "doer_unknown"
    TIME_UNKNOWN = "time_unknown"
    PENDING = "pending"
    ATTEMPT_OPEN = "attempt_open"
    CANCELLED = "cancelled"
    NOT_CLEARED = "not_cleared"
    AFTER_DEADLINE = "after_deadline"
    UNREADABLE = "unreadable"
    MAY_LAND = "may_land"


class PacketVerdict(NamedTuple):
    """A result with its reason; `alerts` where a person should look: held though the deadline has passed."""

    result: Result
    reason: Reason
    alerts: bool = False

    @property
    def final(self) -> bool:
        """Whether it stands for ever.  `approve` may still turn: the doer may be found."""
        return self.result in {Result.EARNED, Result.OWED_BACK}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a paid token stands when its packets are judged; times are the paying chain's block times.

    `unknown_max` in seconds.  `attempt_open`: an attempt on the packet hasn't ended.
    `worked_past_deadline`: an attempt was open, or a cut-short run could still land, when the
    deadline passed, so that no verdict could be given then.
    """

    credited_at: datetime
    deadline: datetime
    now: datetime
    unknown_max: int
    attempt_open: bool = False
    worked_past_deadline: bool = False
    cancelled: bool = False

    @property
    def over(self) -> bool:
        """Whether the deadline has passed; the moment itself still belongs to the work."""
        return self.now > self.deadline

    @property
    def unknown_for_too_long(self) -> bool:
        """Whether what can't be read has waited for long enough."""
        return self.now > self.deadline + timedelta(seconds=self.unknown_max)


def judge(
    outcome: PacketOutcome, standing: Standing, *, given: PacketVerdict | None = None, sold_twice: bool = False
) -> PacketVerdict:
    """Judge one packet of a paid token.  The first row that fits counts; `-` is anything.

    | fate | ended by | ended | clock | result | reason |
    |---|---|---|---|---|---|
    | unknown | - | - | in time | held | `unreadable` |
    | unknown | - | - | past the deadline | held, alerts | `unreadable` |
    | unknown | - | - | past `unknown_max` | approve | `unreadable` |
    | pending | - | may land | in time | held | `may_land` |
    | pending | - | may land | past the deadline | held, alerts | `may_land` |
    | pending | - | may land | past `unknown_max` | approve | `may_land` |
    | pending | - | - | attempt open | held | `attempt_open` |
    | pending | - | - | cancelled | owed back | `cancelled` |
    | pending | - | - | in time | held | `pending` |
    | pending | - | - | - | owed back | `not_cleared` |
    | done | another token's | - | - | owed back | `earned_elsewhere` |
    | done | another relayer | - | - | owed back | `others_first` |
    | done | nobody found | - | - | approve | `doer_unknown` |
    | done | us | no time known | - | approve | `time_unknown` |
    | done | us | before the payment | - | owed back | `before_payment` |
    | done | us | after the deadline | - | owed back | `after_deadline` |
    | error not relayed | us | - | in time | held | `error_ack_open` |
    | error not relayed | us | - | attempt open | held | `error_ack_open` |
    | error not relayed | us | - | - | owed back | `error_ack_open` |
    | acknowledgement open | us | - | - | earned | `final_outcome_open` |
    | done | us | - | - | earned | `cleared_by_us` |

    A final verdict `given` earlier stands: a later delivery, also by us, is our loss.  `sold_twice`:
    another token earns this packet (see `earner`).  Before the payment is up to and including its
    block time, unless the packet was seen waiting after it: chains' block times lag by seconds, each
    by its own.  After the deadline doesn't hold for work that was open when it passed.
    """
    if given is not None and given.final:
        return given
    if outcome.fate is Fate.UNKNOWN:
        return _unknown(Reason.UNREADABLE, standing)
    if outcome.fate is Fate.STILL_PENDING:
        return _unknown(Reason.MAY_LAND, standing) if outcome.may_land else _pending(standing)
    return _done_by_others(outcome, sold_twice=sold_twice) or _done_by_us(outcome, standing)


def _unknown(reason: Reason, standing: Standing) -> PacketVerdict:
    if standing.unknown_for_too_long:
        return PacketVerdict(Result.APPROVE, reason)
    return PacketVerdict(Result.HELD, reason, alerts=standing.over)


def _pending(standing: Standing) -> PacketVerdict:
    if standing.attempt_open:
        return PacketVerdict(Result.HELD, Reason.ATTEMPT_OPEN)
    if standing.cancelled:
        return PacketVerdict(Result.OWED_BACK, Reason.CANCELLED)
    if standing.over:
        return PacketVerdict(Result.OWED_BACK, Reason.NOT_CLEARED)
    return PacketVerdict(Result.HELD, Reason.PENDING)


def _done_by_others(outcome: PacketOutcome, *, sold_twice: bool) -> PacketVerdict | None:
    if sold_twice:
        return PacketVerdict(Result.OWED_BACK, Reason.EARNED_ELSEWHERE)
    if outcome.doer is Doer.OTHER:
        return PacketVerdict(Result.OWED_BACK, Reason.OTHERS_FIRST)
    return PacketVerdict(Result.APPROVE, Reason.DOER_UNKNOWN) if outcome.doer is Doer.UNKNOWN else None


def _done_by_us(outcome: PacketOutcome, standing: Standing) -> PacketVerdict:
    if outcome.done_at is None:
        return PacketVerdict(Result.APPROVE, Reason.TIME_UNKNOWN)
    if outcome.done_at <= standing.credited_at and not outcome.seen_waiting:
        return PacketVerdict(Result.OWED_BACK, Reason.BEFORE_PAYMENT)
    if outcome.done_at > standing.deadline and not standing.worked_past_deadline:
        return PacketVerdict(Result.OWED_BACK, Reason.AFTER_DEADLINE)
    # The sender's coins are back only when the error has come home.
    if outcome.fate is Fate.DELIVERED_WITH_ERROR and outcome.committed is not False:
        waits = standing.attempt_open or not standing.over
        return PacketVerdict(Result.HELD if waits else Result.OWED_BACK, Reason.ERROR_ACK_OPEN)
    if outcome.fate is Fate.DELIVERED_ACK_OPEN:
        return PacketVerdict(Result.EARNED, Reason.FINAL_OUTCOME_OPEN)
    return PacketVerdict(Result.EARNED, Reason.CLEARED_BY_US)


class Claimant(NamedTuple):
    """A paid token that holds a packet: its order id, whether its operation ran, when it was credited."""

    order_id: bytes
    ran: bool
    credited_at: datetime


def earner(claimants: Iterable[Claimant]) -> bytes | None:
    """The one token that a packet may be earned for: whose operation ran, else the first credited.

    For every other token `judge` is asked with `sold_twice`.
    """
    first = min(claimants, key=lambda one: (not one.ran, one.credited_at, one.order_id), default=None)
    return None if first is None else first.order_id
