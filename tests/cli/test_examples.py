"""Every example of every command is run on a rehearsal network, and ends as it says here."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from relayclear.cli.app import app_for
from relayclear.cli.examples import EXAMPLES, examples, examples_of_verbs
from relayclear.cli.output import Exit
from tests.cli.conftest import Cli
from tests.cli.daemons import network
from tests.cli.example_worlds import PREPARED, Example, Values, looked
from tests.cli.test_width import commands
from tests.dashboard.terminal import at_terminal

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
# What goes on until somebody ends it: the words by which it is there, the key or signal, and its exit code.
LASTS: Mapping[str, tuple[str, str | signal.Signals, Exit]] = {
    "relayclear watch --listen 127.0.0.1:9464 --log-format json": ("scanned", signal.SIGTERM, Exit.DONE),
    "relayclear dashboard": ("all well", "q", Exit.DONE),
    "relayclear dashboard --act --theme terminal": ("all well", "q", Exit.DONE),
    "relayclear demo --serve --dir ./rehearsal": ("Ctrl-C ends it", signal.SIGINT, Exit.DONE),
}
_WHOLE: Any = typer.main.get_command(app_for([]))
LEAVES = [" ".join(words) for words in commands(_WHOLE) if words]
GROUPS = {name for name in LEAVES if any(other.startswith(f"{name} ") for other in LEAVES)}


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


def lasts(world: Example, argv: list[str], words: str, how: str | signal.Signals, code: Exit) -> None:
    """Run what doesn't end by itself at a terminal of its own, and end it when it is there."""
    with at_terminal(argv, {**world.net.world.environment, "HOME": os.environ["HOME"]}) as terminal:
        terminal.await_words(words)
        if isinstance(how, str):
            terminal.press(how)
        else:
            terminal.process.send_signal(how)
        assert terminal.end() == code, terminal.raw[-2000:]


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example_of_a_help_page_does_not_run(world: Example, command: str) -> None:
    prepare = PREPARED.get(command) or PREPARED.get(command.partition(" ")[0]) or looked
    for example in EXAMPLES[command]:
        line = filled(example.removeprefix("relayclear "), prepare(world))
        if example in LASTS:
            lasts(world, shlex.split(line), *LASTS[example])
            continue
        said = world.cli.alone(*shlex.split(line), typed=TYPED.get(command))
        assert said.code == ENDS.get(example, Exit.DONE), f"{line}\n{said.err}\n{said.text}"


def test_a_command_has_no_two_examples_or_an_example_belongs_to_none() -> None:
    verbs = {words for words in LEAVES if words not in GROUPS or words == "payments gaps"}
    assert set(EXAMPLES) == verbs
    for command, lines in EXAMPLES.items():
        assert len({*lines}) == 2
        assert all(line.startswith(f"relayclear {command}") for line in lines)
    every = {line for lines in EXAMPLES.values() for line in lines}
    assert {*ENDS, *LASTS} <= every
    assert {*TYPED, *PREPARED} <= {*EXAMPLES, *GROUPS}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_shows_nothing_that_can_be_typed(group: str) -> None:
    shown = examples_of_verbs(group) if " " not in group else examples(group)
    lines = [line.strip() for line in shown.partition("Examples:\n")[2].splitlines()]
    assert len(lines) == 2
    assert {*lines} <= {line for pair in EXAMPLES.values() for line in pair}
