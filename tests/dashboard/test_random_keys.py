"""A part of what `python -m tests.long keys` does for longer."""

from __future__ import annotations

import asyncio

from tests.dashboard.conftest import watched
from tests.dashboard.keys import played
from tests.dashboard.loop import in_loop
from tests.fakes.rig import Rig


def test_any_keys_crash_an_armed_screen_or_act_without_a_yes(busy: Rig) -> None:
    in_loop(watched)(busy)

    asyncio.run(played(busy, 200, seed=8))
