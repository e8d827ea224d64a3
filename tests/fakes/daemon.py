"""What a daemon does with a scan, without one: judge it, and note it."""

from __future__ import annotations

import asyncio

from relayclear.usecases.desk import Desk
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import scan
from relayclear.usecases.vitals import Vitals


def scan_and_note(desk: Desk, notes: Vitals) -> None:
    """Scan once, as a daemon that has just begun; what it took is half a second."""
    reading, keeper = asyncio.run(scan(desk)), Keeper(desk)
    keeper.after_scan(reading)
    notes.after_scan(reading, 0.5, keeper.counted(reading))
