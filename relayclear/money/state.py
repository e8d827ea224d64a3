"""The state of a token, computed from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from relayclear.ibc.packet import PacketKey
from relayclear.money.earned import PacketVerdict, Result
from relayclear.money.settlement import Settlement


class TokenState(StrEnum):
    """Where a token stands."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CLEARING = "clearing"
    CLEARED = "cleared"
    PARTLY_CLEARED = "partly_cleared"
    NOT_CLEARED = "not_cleared"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Work(StrEnum):
    """How far the operation of a token is: none yet (also queued), begun, or ended, its deadline too."""

    NONE = "none"
    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What decides a token's state; packets without an entry in `verdicts` have none yet.

    `revoked`: the token itself, or its key id.
    """

    settlement: Settlement
    work: Work = Work.NONE
    verdicts: Mapping[PacketKey, PacketVerdict] = field(default_factory=dict)
    revoked: bool = False


def token_state(facts: TokenFacts, scanned_through: datetime | None) -> TokenState:
    """Compute the state.  The first row that fits counts; `-` is anything.

    | work | packets | revoked | price | read past the expiry | state |
    |---|---|---|---|---|---|
    | begun | - | - | - | - | `clearing` |
    | ended | some held or not judged | - | - | - | `clearing` |
    | ended | all earned | - | - | - | `cleared` |
    | ended | some earned | - | - | - | `partly_cleared` |
    | ended | none earned | - | - | - | `not_cleared` |
    | none | - | yes | - | - | `revoked` |
    | none | - | no | covered | - | `paid` |
    | none | - | no | not covered | yes | `expired` |
    | none | - | no | partly covered | no | `partly_paid` |
    | none | - | no | not covered | no | `open` |

    `scanned_through` is the block time up to which the paying chain has been read, None for never:
    no token expires before the reading has passed its expiry.  A packet that waits for approval
    isn't earned.
    """
    if facts.work is not Work.NONE:
        return _worked_on(facts)
    if facts.revoked:
        return TokenState.REVOKED
    settlement = facts.settlement
    if settlement.complete:
        return TokenState.PAID
    if scanned_through is not None and scanned_through > settlement.token.expires_at:
        return TokenState.EXPIRED
    return TokenState.PARTLY_PAID if settlement.applied.amount else TokenState.OPEN


def _worked_on(facts: TokenFacts) -> TokenState:
    found = [facts.verdicts.get(term.key) for term in facts.settlement.token.quote.packets]
    results = {Result.HELD if verdict is None else verdict.result for verdict in found}
    if facts.work is Work.BEGUN or Result.HELD in results:
        return TokenState.CLEARING
    if results == {Result.EARNED}:
        return TokenState.CLEARED
    return TokenState.PARTLY_CLEARED if Result.EARNED in results else TokenState.NOT_CLEARED
