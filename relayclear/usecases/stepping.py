"""From one scan that found something new to the next: how a screen travels through time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from relayclear.store import judgements
from relayclear.usecases.desk import Desk

BACK: Literal[-1] = -1
ON: Literal[1] = 1


def step(desk: Desk, at: datetime, direction: Literal[-1, 1]) -> datetime | None:
    """The nearest scan before (`BACK`) or after (`ON`) a time that found something new, None where there is none."""
    find = judgements.moment_before if direction == BACK else judgements.moment_after
    return find(desk.journal.database, at)
