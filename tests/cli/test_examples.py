"""Every example of every command is run on a rehearsal network, and ends as it says here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from relayclear.cli.app import app_for
from relayclear.cli.examples import EXAMPLES
from relayclear.cli.output import Exit
from tests.cli.conftest import Cli
from tests.cli.daemons import network
from tests.cli.example_worlds import PREPARED, Example, Values, looked
from tests.cli.test_width import commands

# What ends otherwise than with 0, and why that is what the example is for.
ENDS = {
    "relayclear refunds list --check": Exit.FOUND,
    "relayclear doctor": Exit.FOUND,
    "relayclear doctor --bundle support.tar.gz": Exit.FOUND,
}
# What a person types where an example asks.
TYPED = {
    "clear": "y\n",
    "db restore": "y\n",
    "keys revoke": "y\n",
    "operations cancel": "y\n",
    "refunds approve": "1000000\n",
    "wallet remove": "y\n",
    "init": "\n" * 12,
}
LEAVES = [" ".join(words) for words in commands(typer.main.get_command(app_for([]))) if words]


@pytest.fixture
def world(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Example]:
    """A network of its own, this process pointed at it, and an empty folder to work in."""
    with network(tmp_path) as net:
        for name, value in net.world.environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        # Alone it never asks for the rig.
        yield Example(net, Cli(None, capsysbinary, monkeypatch), monkeypatch)  # type: ignore[arg-type]


def filled(line: str, values: Values) -> str:
    """An example with what this network calls its stand-ins, the longest first and each once."""
    found = sorted(values, key=len, reverse=True)
    pattern = "|".join(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in found)
    return re.sub(pattern, lambda match: values[match[0]], line) if found else line


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example_of_a_help_page_does_not_run(world: Example, command: str) -> None:
    prepare = PREPARED.get(command) or PREPARED.get(command.partition(" ")[0]) or looked
    for example in EXAMPLES[command]:
        line = filled(example.removeprefix("relayclear "), prepare(world))
        said = world.cli.alone(*shlex.split(line), typed=TYPED.get(command))
        assert said.code == ENDS.get(example, Exit.DONE), f"{line}\n{said.err}\n{said.text}"
