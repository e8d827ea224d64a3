"""The command line over a simulated world, a user's empty home, and golden files."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer

from relayclear.cli.app import app_for, run
from relayclear.cli.face import Opener
from relayclear.cli.typed import hoisted
from relayclear.config.settings import Settings
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import Ordering
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.desk import Desk
from tests.cli.fitting import fits
from tests.fakes.rig import Rig
from tests.fakes.world import address

GOLDEN = Path(__file__).with_name("golden")
WRITES = os.environ.get("RELAYCLEAR_WRITE_GOLDEN") == "1"
HOSTILE = "\x1b[2J\u202eevil\u2066 \x07 https://user:secret@node.example/ " + "m" * 500
# Random ids are all that two runs over the same world may differ in.
_RANDOM = re.compile(rb"op-[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class Said:
    """What one call left behind."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The page."""
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        """The page's lines."""
        return self.text.splitlines()

    @property
    def document(self) -> Any:
        """The one JSON document."""
        return orjson.loads(self.out)

    @property
    def error(self) -> Any:
        """The one error object."""
        return orjson.loads(self.err)["error"]


class _Typed(io.StringIO):
    def isatty(self) -> bool:
        """A person sits here."""
        return True


@cache
def _whole() -> Any:
    return typer.main.get_command(app_for([]))


def documented(argv: Sequence[str], out: bytes) -> None:
    """Hold what `--json` writes to the table that `help json` shows: a name that isn't in it nobody was promised."""
    command, found = _whole(), []
    for word in hoisted([*argv])[1]:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        found.append(word)
    if found == ["operations", "proof"] and not {"-o", "--output"} & {*argv}:
        # The proof itself, as it would stand in the file.
        return
    for line in out.splitlines():
        document = orjson.loads(line)
        assert fits(" ".join(found), document), f"not in relayclear.cli.documents: {found} {[*document]}"


@dataclass
class Cli:
    """`relayclear …` over the rig's desk, or the one that `desk` makes."""

    rig: Rig
    capture: pytest.CaptureFixture[bytes]
    environ: pytest.MonkeyPatch
    desk: Callable[[], Desk] | None = None

    def __call__(self, *argv: str, width: int | None = None, typed: str | None = None) -> Said:
        """Run one command line; `typed` is what a person at a terminal answers."""

        @asynccontextmanager
        async def opener(_: Settings) -> AsyncIterator[Desk]:
            yield self.desk() if self.desk else self.rig.desk

        return self._said(argv, opener, width, typed)

    def alone(self, *argv: str, typed: str | None = None) -> Said:
        """The same without the rig: over whatever the config says."""
        return self._said(argv, None, None, typed)

    def _said(self, argv: Sequence[str], opener: Opener | None, width: int | None, typed: str | None) -> Said:
        with self.environ.context() as now:
            if width is not None:
                now.setenv("COLUMNS", str(width))
            if typed is not None:
                now.setattr(sys, "stdin", _Typed(typed))
            self.capture.readouterr()
            code = run(argv, opener)
        out, err = self.capture.readouterr()
        if "--json" in argv:
            documented(argv, out)
        return Said(int(code), out, err.decode())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and none of this shell's settings."""
    for name in [*os.environ]:
        if name.startswith(("RELAYCLEAR_", "XDG_")) or name in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TERM", "xterm")
    return folder


@pytest.fixture
def busy(rig: Rig) -> Rig:
    """One packet of each kind; 1 stuck, 2 timed out, 3 ack missing, 4 async, 5 hostile, 6 in flight."""
    world, end = rig.world, rig.source
    world.send(end, sender=address("payer", "alpha-1"), receiver=address("payee", "beta-1"))
    world.send(end, timeout_seconds=60, coin=Coin("transfer/channel-7/uatom", 10**30))
    world.deliver(world.send(end))
    world.deliver(world.send(end, memo=HOLD_MEMO))
    world.send(end, memo=HOSTILE, receiver=HOSTILE, coin=Coin("\x1b]0;x\x07evil\u202e", 7))
    rig.clock.step(3600)
    world.send(end)
    ordered, _ = world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    world.send(ordered, data=b"\x08\x01not ics-20")
    rig.clock.step(30)
    return rig


@pytest.fixture
def cli(rig: Rig, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(rig, capsysbinary, monkeypatch)


def agrees(name: str, said: bytes) -> bool:
    """Whether the bytes are the golden file's; with RELAYCLEAR_WRITE_GOLDEN=1 they become it."""
    steady, path = _RANDOM.sub(b"op-0123456789", said), GOLDEN / name
    if WRITES:
        path.write_bytes(steady)
    return path.read_bytes() == steady
