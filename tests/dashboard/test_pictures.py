"""Pictures of the screen at two sizes and in every kind of colour, held to those that are kept.

`RELAYCLEAR_WRITE_GOLDEN=1` rewrites them: look at each before it is committed.  The clock stands still, so
that nothing moves; what is drawn by chance is drawn alike, and what Textual numbers anew each time gets one name.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from relayclear.dashboard.app import Dashboard
from relayclear.dashboard.charts import Charts
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.dashboard.wizard import Wizard
from relayclear.usecases.watching import being_alone
from tests.dashboard.conftest import watched
from tests.dashboard.loop import in_loop
from tests.dashboard.scene import busy_hour, half_a_day, one_fate
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


async def busy_overview(_pilot: Any) -> None:
    """The first view of a busy hour."""


async def operations(pilot: Any) -> None:
    """What is under way, what has ended, what was asked for."""
    await pilot.press("3")


async def operation(pilot: Any) -> None:
    """The whole story of an operation that Hermes said it had done."""
    await pilot.press("3", "enter")


async def sales(pilot: Any) -> None:
    """Quotes and payments."""
    await pilot.press("4")


async def refunds(pilot: Any) -> None:
    """What is owed back."""
    await pilot.press("5")


async def books(pilot: Any) -> None:
    """The books below the refunds."""
    await pilot.press("5", "tab", "tab")


async def book(pilot: Any) -> None:
    """One book: both equations, the audit, profit and loss."""
    await pilot.press("5", "tab", "tab", "enter")


async def health(pilot: Any) -> None:
    """What is wrong, and what everything leans on."""
    await pilot.press("6")


async def charts(pilot: Any) -> None:
    """Stuck packets over time."""
    await pilot.press("v")
    await _drawn(pilot)


async def paid_by_day(pilot: Any) -> None:
    """Payments and success by day."""
    await pilot.press("v", "v")
    await _drawn(pilot)


async def _drawn(pilot: Any) -> None:
    await pilot.pause()
    assert isinstance(pilot.app.screen, Charts)
    reading = [one for one in pilot.app.workers if one.group == "chart"]
    # Without any it would wait for all, and that which reads the database never ends.
    if reading:
        await pilot.app.workers.wait_for_complete(reading)


async def price(pilot: Any) -> None:
    """What the clearing of three packets would cost."""
    await pilot.press("2", "space", "space", "N")
    await _read(pilot, "enter")


async def quote_confirm(pilot: Any) -> None:
    """The question before the quote is made."""
    await price(pilot)
    await _read(pilot, "enter")


async def quote_pay(pilot: Any) -> None:
    """What the payer is told, with the code to scan."""
    await quote_confirm(pilot)
    await _read(pilot, "y")


async def _read(pilot: Any, key: str) -> None:
    await pilot.press(key)
    wizard = pilot.app.screen
    assert isinstance(wizard, Wizard)
    if wizard._work is not None:
        with suppress(Exception):
            await wizard._work.wait()
    await pilot.pause()


QUIET: dict[str, Walk] = {
    "overview": overview,
    "packets": packets,
    "story": story,
    "confirm": confirm,
    "help": help_page,
}
BUSY: dict[str, Walk] = {
    "busy": busy_overview,
    "operations": operations,
    "operation": operation,
    "sales": sales,
    "refunds": refunds,
    "books": books,
    "book": book,
    "health": health,
    "paid": paid_by_day,
    "price": price,
    "quote": quote_confirm,
    "pay": quote_pay,
}
CHARTED: dict[str, Walk] = {"charts": charts}
COLOURED = ("overview", "packets", "confirm")
BUSY_COLOURED = ("busy", "sales", "health")
# Nothing is sold while a breaker is open.
SELLING = ("price", "quote", "pay")
# Pages of text are the same at every size.
ONCE = ("operation", "book", "price", "quote", "paid")


def shots(walks: dict[str, Walk], coloured: tuple[str, ...]) -> list[tuple[str, tuple[int, int], str]]:
    """All walks in the colours that most have, at both sizes; some show what colours do, once for each."""
    return [
        *((name, size, "dark") for name in walks for size in (SMALL, LARGE) if name not in ONCE or size is SMALL),
        *((name, SMALL, colour) for name in coloured for colour in ("light", "ansi", "no-color")),
    ]


SHOTS = [*shots(QUIET, COLOURED), *shots(BUSY, BUSY_COLOURED), *shots(CHARTED, ())]


def steadied(svg: str, folder: Path) -> str:
    """The same picture with one name for what is numbered anew each time, and for where the database lies."""
    svg = re.sub(r"terminal-\d+", "terminal-1", svg)
    svg = re.sub(r"watch&#160;(\d+(?:&#160;)*)", _as_process_7, svg)
    return _homed(svg, str(folder / "relayclear.db"))


def _as_process_7(found: re.Match[str]) -> str:
    # The cell is as wide as before: fewer digits leave more blanks.
    return "watch&#160;7" + "&#160;" * (len(found[1].replace("&#160;", " ")) - 1)


def _homed(svg: str, path: str) -> str:
    """A path, which a cell may have cut, in the same cells."""
    for length in range(len(path), 12, -1):
        found = re.search(rf"{re.escape(path[:length])}…?((?:&#160;)*)", svg)
        if found is not None:
            room = len(found[0].replace("&#160;", " "))
            home = "/var/lib/relayclear/relayclear.db"
            home = home if len(home) <= room else f"{home[: room - 1]}…"
            return svg.replace(found[0], home + "&#160;" * (room - len(home)))
    return svg


async def taken(desk: Any, folder: Path, walk: Walk, size: tuple[int, int], colour: str) -> str:
    """A picture of the screen after a walk."""
    app = Dashboard(desk, Start(armed=True, who="ada", theme=COLOURS[colour]))
    async with app.run_test(size=size) as pilot:
        await app.settled()
        await pilot.pause()
        await walk(pilot)
        await app.settled()
        await pilot.pause()
        return steadied(app.export_screenshot(title="relayclear dashboard"), folder)


def held_to(name: str, size: tuple[int, int], colour: str, found: str) -> None:
    """Compare with the kept picture, or keep it."""
    kept = PICTURES / f"{name}-{size[0]}x{size[1]}-{colour}.svg"
    if os.environ.get("RELAYCLEAR_WRITE_GOLDEN"):
        kept.write_text(found, encoding="utf-8")
    # The file says which line it is; a diff of two pictures in the terminal helps nobody.
    assert found.splitlines() == kept.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def coloured(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the environment that a kind of colour is chosen by."""

    def choose(colour: str) -> None:
        """Nobody's own choice counts."""
        monkeypatch.delenv("NO_COLOR", raising=False)
        if colour == "no-color":
            monkeypatch.setenv("NO_COLOR", "1")

    return choose


@pytest.mark.parametrize(("name", "size", "colour"), shots(QUIET, COLOURED))
def test_the_screen_looks_otherwise_than_it_did(
    busy: Rig, tmp_path: Path, coloured: Callable[[str], None], name: str, size: tuple[int, int], colour: str
) -> None:
    coloured(colour)
    found: list[str] = []

    @in_loop
    async def shoot() -> None:
        """Take it."""
        await watched(busy)
        found.append(await taken(busy.desk, tmp_path, QUIET[name], size, colour))

    shoot()
    held_to(name, size, colour, found[0])


@pytest.mark.parametrize(("name", "size", "colour"), shots(BUSY, BUSY_COLOURED))
def test_a_busy_hour_looks_otherwise_than_it_did(
    rig: Rig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    coloured: Callable[[str], None],
    name: str,
    size: tuple[int, int],
    colour: str,
) -> None:
    coloured(colour)
    found: list[str] = []

    @in_loop
    async def shoot(desk: Any) -> None:
        """Take it."""
        found.append(await taken(desk, tmp_path, BUSY[name], size, colour))

    with one_fate(monkeypatch):
        desk = busy_hour(rig, tmp_path / "shop", broken=name not in SELLING).desk
        # As if the daemon that left all this were still there.
        with being_alone(desk):
            shoot(desk)
    held_to(name, size, colour, found[0])


@pytest.mark.parametrize(("name", "size", "colour"), shots(CHARTED, ()))
def test_half_a_day_is_drawn_otherwise_than_it_was(
    rig: Rig, tmp_path: Path, coloured: Callable[[str], None], name: str, size: tuple[int, int], colour: str
) -> None:
    coloured(colour)
    half_a_day(rig)
    found = asyncio.run(taken(rig.desk, tmp_path, CHARTED[name], size, colour))
    held_to(name, size, colour, found)


def test_a_picture_that_nobody_takes_is_kept() -> None:
    assert {file.stem for file in PICTURES.glob("*.svg")} == {
        f"{name}-{width}x{height}-{colour}" for name, (width, height), colour in SHOTS
    }


@pytest.mark.parametrize("name", [*COLOURED, *BUSY_COLOURED])
def test_without_colour_something_is_told_by_colour_alone(name: str) -> None:
    picture = (PICTURES / f"{name}-80x24-no-color.svg").read_text(encoding="utf-8")
    # Textual draws a screen without colour in greys.
    colours = set(re.findall(r"(?:fill|color): ?(#[0-9a-fA-F]{6})", picture))
    greys = {colour for colour in colours if colour[1:3] == colour[3:5] == colour[5:7]}
    # The frame of the window that the picture is drawn in has colours of its own.
    assert colours - greys <= {"#c5c8c6", "#ff5f57", "#febc2e", "#28c840"}
