"""Pictures of the screen at two sizes and in every kind of colour, held to those that are kept.

`RELAYCLEAR_WRITE_GOLDEN=1` rewrites them: look at each before it is committed.  The clock stands still, so
that nothing moves; what Textual numbers anew each time gets one name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from tests.dashboard.conftest import screen, watched
from tests.dashboard.loop import in_loop
from tests.dashboard.seen import seen
from tests.fakes.rig import Rig

PICTURES = Path(__file__).with_name("pictures")
SMALL, LARGE = (80, 24), (120, 40)
COLOURS = {"dark": "dark", "light": "light", "ansi": "ansi-dark", "no-color": "dark"}
Walk = Callable[[Any], Awaitable[None]]


async def overview(_pilot: Any) -> None:
    """The first view."""


async def packets(pilot: Any) -> None:
    """The list of packets, one of them marked."""
    await pilot.press("2", "space")


async def story(pilot: Any) -> None:
    """One packet's story."""
    await pilot.press("2", "enter")


async def confirm(pilot: Any) -> None:
    """The question before a clear, once its plan is read."""
    await pilot.press("2", "space", "space", "C")
    while not isinstance(pilot.app.screen, Confirm) or "reading the chains" in seen(pilot.app):
        await pilot.app.settled()
        await pilot.pause()


async def help_page(pilot: Any) -> None:
    """The help of the list of packets."""
    await pilot.press("2", "question_mark")


WALKS: dict[str, Walk] = {
    "overview": overview,
    "packets": packets,
    "story": story,
    "confirm": confirm,
    "help": help_page,
}
COLOURED = ("overview", "packets", "confirm")
# All views in the colours that most have, at both sizes; the others show what colours do, once for each.
SHOTS = [
    *((name, size, "dark") for name in WALKS for size in (SMALL, LARGE)),
    *((name, SMALL, colour) for name in COLOURED for colour in ("light", "ansi", "no-color")),
]


def steadied(svg: str) -> str:
    """The same picture with one name for what is numbered anew each time."""
    return re.sub(r"terminal-\d+", "terminal-1", svg)


async def taken(rig: Rig, walk: Walk, size: tuple[int, int], colour: str) -> str:
    """A picture of the screen after a walk."""
    await watched(rig)
    async with screen(rig, Start(armed=True, who="ada", theme=COLOURS[colour]), size) as pilot:
        await walk(pilot)
        await pilot.app.settled()
        await pilot.pause()
        return steadied(pilot.app.export_screenshot(title="relayclear dashboard"))


@pytest.mark.parametrize(("name", "size", "colour"), SHOTS)
def test_the_screen_looks_otherwise_than_it_did(
    busy: Rig, monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int], colour: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colour == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    found: list[str] = []

    @in_loop
    async def shoot() -> None:
        """Take it."""
        found.append(await taken(busy, WALKS[name], size, colour))

    shoot()
    kept = PICTURES / f"{name}-{size[0]}x{size[1]}-{colour}.svg"
    if os.environ.get("RELAYCLEAR_WRITE_GOLDEN"):
        kept.write_text(found[0], encoding="utf-8")
    # The file says which line it is; a diff of two pictures in the terminal helps nobody.
    assert found[0].splitlines() == kept.read_text(encoding="utf-8").splitlines()


def test_a_picture_that_nobody_takes_is_kept() -> None:
    assert {file.stem for file in PICTURES.glob("*.svg")} == {
        f"{name}-{width}x{height}-{colour}" for name, (width, height), colour in SHOTS
    }


@pytest.mark.parametrize("name", COLOURED)
def test_without_colour_something_is_told_by_colour_alone(name: str) -> None:
    picture = (PICTURES / f"{name}-80x24-no-color.svg").read_text(encoding="utf-8")
    # Textual draws a screen without colour in greys.
    colours = set(re.findall(r"(?:fill|color): ?(#[0-9a-fA-F]{6})", picture))
    greys = {colour for colour in colours if colour[1:3] == colour[3:5] == colour[5:7]}
    # The frame of the window that the picture is drawn in has colours of its own.
    assert colours - greys <= {"#c5c8c6", "#ff5f57", "#febc2e", "#28c840"}
