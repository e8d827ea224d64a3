"""Which refunds go by themselves, and which wait for a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relayclear.ibc.coin import Coin


class Mode(StrEnum):
    """`approve`: a person says yes to each; `auto`: those within the caps go by themselves."""

    APPROVE = "approve"
    AUTO = "auto"


class NeedsApproval(StrEnum):
    """Why a refund is never sent by itself, whatever the mode."""

    DENOM_WITHOUT_PRICE = "denom_without_price"
    DOER_UNKNOWN = "doer_unknown"
    TIME_UNKNOWN = "time_unknown"
    UNREADABLE = "unreadable"
    MAY_LAND = "may_land"


class Gate(StrEnum):
    """Why a refund waits for a person."""

    MODE = "mode"
    STOPPED = "stopped"
    ONE_WORD = "one_word"
    FAILED_BEFORE = "failed_before"
    CLAIMED_FOR_ANOTHER = "claimed_for_another"
    NO_CAP = "no_cap"
    ABOVE_EACH = "above_each"
    ABOVE_DAY = "above_day"
    ABOVE_PAYER = "above_payer"


@dataclass(frozen=True, slots=True)
class Caps:
    """What may go by itself, denom -> amount: at once, in 24 hours, to one address in 24 hours."""

    each: Mapping[str, int] = field(default_factory=dict)
    day: Mapping[str, int] = field(default_factory=dict)
    payer: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund that may go: what would be sent, and what went by itself in the last 24 hours, in its denom.

    `stopped`: refunds don't go by themselves since a restore or a foreign transaction.
    `one_word`: fewer than two endpoints said what makes it due.  `failed_before`: an earlier one of
    the payment came back or failed for good.  `for_another`: a claim of somebody else than the payer.
    """

    net: Coin
    gone_today: int = 0
    gone_to_payer: int = 0
    approve: frozenset[NeedsApproval] = frozenset()
    stopped: bool = False
    one_word: bool = False
    failed_before: bool = False
    for_another: bool = False


def gates(asked: Asked, mode: Mode, caps: Caps) -> tuple[Gate | NeedsApproval, ...]:
    """Everything for which it waits for a person, in the order of this table; empty where it may go by itself.

    | in the way | gate |
    |---|---|
    | what it rests on (`approve`) | that |
    | mode `approve` | `mode` |
    | since a restore or a foreign transaction | `stopped` |
    | a single endpoint's word | `one_word` |
    | an earlier refund of the payment failed for good, or came back | `failed_before` |
    | a claim of another account than the payer's | `claimed_for_another` |
    | no cap for one refund in its denom | `no_cap` |
    | above the cap for one, for a day, for a payer | `above_each`, `above_day`, `above_payer` |

    A denom without a cap for one refund never goes by itself; the two others limit where they are set.
    """
    named: list[Gate | NeedsApproval] = sorted(asked.approve)
    amount, denom = asked.net.amount, asked.net.denom
    found = {
        Gate.MODE: mode is Mode.APPROVE,
        Gate.STOPPED: asked.stopped,
        Gate.ONE_WORD: asked.one_word,
        Gate.FAILED_BEFORE: asked.failed_before,
        Gate.CLAIMED_FOR_ANOTHER: asked.for_another,
        Gate.NO_CAP: denom not in caps.each,
        Gate.ABOVE_EACH: denom in caps.each and amount > caps.each[denom],
        Gate.ABOVE_DAY: denom in caps.day and asked.gone_today + amount > caps.day[denom],
        Gate.ABOVE_PAYER: denom in caps.payer and asked.gone_to_payer + amount > caps.payer[denom],
    }
    return (*named, *(gate for gate, there in found.items() if there))


def only_caps(found: Collection[Gate | NeedsApproval]) -> bool:
    """Whether nothing but the mode and the caps stands in the way: what a `--yes` with an amount may lift."""
    lifted = {Gate.MODE, Gate.NO_CAP, Gate.ABOVE_EACH, Gate.ABOVE_DAY, Gate.ABOVE_PAYER, Gate.ONE_WORD}
    return all(gate in lifted for gate in found)
