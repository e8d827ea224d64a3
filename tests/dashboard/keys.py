"""Random keys at an armed screen: it never crashes, and nothing is asked for without a yes to a shown plan."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relayclear.dashboard.actions import ACTIONS, VIEWS
from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.usecases.requests import requests
from relayclear.watch import Rhythm, Watch
from tests.dashboard.conftest import Patient, Silent
from tests.fakes.rig import Rig, opened_rig

_OTHERS = ["enter", "escape", "space", "tab", "left", "right", "y", "n", "x", "backspace", "ctrl+p", "é", "1", "colon"]
# Leaving is no crash.
KEYS = sorted({key for action in ACTIONS.values() for key in action.key.split(",")} - {"q"} | set(_OTHERS))
# Else an open dialog or a line to type into swallows most of what acts.
_LIKELY = ["2", "C", "M", "space", "j", "escape", "escape", "N", "v", "enter"]
_SCREENS, _ENOUGH = {"Page", "Confirm", "Palette", "Charts", "Wizard"}, 1500
SIZES = ((80, 24), (120, 40), (20, 5))


class _Watched(Dashboard):
    """Counts how often somebody said yes to a plan that could be carried out."""

    yeses = 0

    def push_screen(self, screen: Any, callback: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Every question goes through here."""
        if isinstance(screen, Confirm):
            callback = self._counted(callback)
        return super().push_screen(screen, callback, *args, **kwargs)

    def _counted(self, callback: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        def count(answer: Any) -> Any:
            """A yes is counted before anything follows from it."""
            self.yeses += answer is True
            return None if callback is None else callback(answer)

        return count


@dataclass
class Played:
    """What came of it: how many acts were asked for, and which views and screens above them were ever open."""

    asked: int = 0
    views: set[str] = field(default_factory=set)
    screens: set[str] = field(default_factory=set)

    def look(self, app: Any) -> None:
        """Remember what is open now."""
        if app.screen_stack:
            self.screens |= {type(one).__name__ for one in app.screen_stack[1:]}
            self.views.add(app.view.kind)


async def played(rig: Rig, count: int, seed: int) -> Played:
    """Press so many random keys, as many in each view.  Raises AssertionError with seed and key."""
    dice = random.Random(seed)
    rig.clock = Patient(rig.world)
    app = _Watched(rig.desk, Start(armed=True, who="ada"))
    before = len(requests(rig.desk, 10_000))
    pressed: list[str] = []
    met = Played()
    async with app.run_test(size=SIZES[0]) as pilot:
        await app.settled()
        for number in range(count):
            met.look(app)
            # By chance alone whole views would be left out: what opened them last swallows their keys.
            if number * len(VIEWS) % count < len(VIEWS):
                for key in ("escape", "escape", "escape", str(number * len(VIEWS) // count + 1)):
                    await _press(app, key)
                await pilot.pause()
            if dice.random() < 0.01:
                await pilot.resize_terminal(*dice.choice(SIZES))
            key = dice.choice(_LIKELY) if dice.random() < 0.5 else dice.choice(KEYS)
            pressed.append(key)
            await _press(app, key)
            if number % 20 == 0:
                await pilot.pause()
                _holds(app, rig, before, seed, pressed)
        await app.settled()
        _holds(app, rig, before, seed, pressed)
    met.asked = len(requests(rig.desk, 10_000)) - before
    return met


def keys(folder: Path, count: int, seed: int) -> str:
    """So many random keys over a new world in a folder; what came of it, in words."""
    folder.mkdir()
    with opened_rig(folder) as rig:
        for timeout in (600, 60, 86_400):
            rig.world.send(rig.source, timeout_seconds=timeout)
        rig.clock.step(3600)
        asyncio.run(Watch(rig.desk, Rhythm(), Silent(), asyncio.Event()).once())
        met = asyncio.run(played(rig, count, seed))
    missing = (set(VIEWS) - met.views) | (_SCREENS - met.screens)
    # So few keys don't get everywhere; who presses thousands has to.
    assert count < _ENOUGH or not missing, f"seed {seed}: {count} keys never opened {sorted(missing)}"
    where = ", ".join(sorted(met.views | met.screens))
    return f"{count} keys, {met.asked} acts, each after a yes; in {where}"


async def _press(app: Any, key: str) -> None:
    app.simulate_key(key)
    # As quick as keys that repeat: what they lead to overtakes them or doesn't.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _holds(app: _Watched, rig: Rig, before: int, seed: int, pressed: list[str]) -> None:
    last = f"seed {seed}, after {len(pressed)} keys, the last {pressed[-12:]}"
    assert app.broken is None, f"{last}: {app.broken!r}"
    found = len(requests(rig.desk, 10_000)) - before
    # A yes to packets of several ends, or to mute several, asks for one act each.
    assert found == 0 or app.yeses > 0, f"{last}: {found} acts were asked for without a yes"
    mine = [view for view in requests(rig.desk, 10_000) if view.who == "ada"]
    assert len(mine) <= app.yeses * 8, f"{last}: {found} acts after {app.yeses} yeses"
