"""Only the called command is loaded, and nobody can tell but by the clock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from relayclear.cli.app import app_for
from relayclear.cli.nouns import NOUNS
from relayclear.cli.output import Exit
from tests.cli.conftest import Cli
from tests.cli.test_start import environ

LOADED = """
import sys
from relayclear.cli.app import run
run(sys.argv[1:])
print(*sorted(name for name in sys.modules if name.startswith("relayclear.cli.")), file=sys.stderr)
"""


def loaded(home: Path, *argv: str) -> set[str]:
    command = [sys.executable, "-c", LOADED, *argv]
    said = subprocess.run(command, env=environ(home), capture_output=True, text=True, check=True, timeout=60)
    # An error before them may name a command without loading it.
    return {word.removeprefix("relayclear.cli.") for word in said.stderr.split() if word.startswith("relayclear.cli.")}


def test_a_command_pays_for_reading_all_the_others(home: Path) -> None:
    assert not {"demo", "tokens", "operations", "keys"} & loaded(home, "packets", "list", "-h")
    assert not {noun.module for noun in NOUNS.values()} & loaded(home, "--help")
    assert not {noun.module for noun in NOUNS.values()} & loaded(home, "nonsense")
    assert "tokens" in loaded(home, "--no-such-option", "tokens", "list")


@pytest.mark.parametrize("name", NOUNS)
def test_a_called_command_has_other_options_than_in_the_whole(name: str) -> None:
    whole = typer.main.get_command(app_for([])).commands[name]  # type: ignore[attr-defined]
    called = typer.main.get_command(app_for([name])).commands[name]  # type: ignore[attr-defined]
    verbs = getattr(whole, "commands", {})
    assert [one.name for one in called.params] == [one.name for one in whole.params]
    assert list(getattr(called, "commands", {})) == list(verbs)
    for verb, command in verbs.items():
        if hasattr(command, "commands"):
            continue
        alone = typer.main.get_command(app_for([name, verb])).commands[name]  # type: ignore[attr-defined]
        assert list(alone.commands) == [verb]
        assert [one.name for one in alone.commands[verb].params] == [one.name for one in command.params]


def test_a_word_of_an_option_is_taken_for_the_command(cli: Cli) -> None:
    assert cli("--db", "demo", "packets", "list", "-h").text == cli("packets", "list", "-h").text


@pytest.mark.parametrize("argv", ["tokns list", "tokens creat", "packets"])
def test_a_mistyped_word_finds_no_neighbours(cli: Cli, argv: str) -> None:
    said = cli(*argv.split())
    assert said.code == Exit.USAGE
    assert "tokens" in said.err or "create" in said.err or "list" in said.err


def test_help_without_a_topic_shows_a_part_of_the_page(cli: Cli) -> None:
    said = cli("help").text
    assert all(f"  {name}" in said for name in NOUNS)
