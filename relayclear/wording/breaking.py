"""Words about breakers."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from relayclear.clearing.breaker import BreakerState, BreakerView
from relayclear.wording import Word, long_age

BREAKERS = {
    BreakerState.CLOSED: Word("closed", "✓", "green", "it is called as always"),
    BreakerState.OPEN: Word("open", "✗", "red", "nobody calls it: no quotes that need it, and its work waits"),
    BreakerState.HALF_OPEN: Word("half open", "◐", "yellow", "one call finds out whether it is well again"),
}

_LEFT_OVER = Word("left over", "·", "dim", "no config names what it stands before, and nothing waits for it")


def breaker_word(view: BreakerView) -> Word:
    """How a breaker stands."""
    return _LEFT_OVER if view.left_over else BREAKERS[view.state]


def how_long(view: BreakerView, now: datetime) -> str:
    """For how much longer nobody may call: a countdown, ``until reset``, or nothing where somebody may."""
    if view.left_over:
        return "until reset"
    if view.until is not None:
        return f"{long_age(max(1, ceil((view.until - now).total_seconds())))} more"
    return "until reset" if view.state is BreakerState.OPEN else ""
