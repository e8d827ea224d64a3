"""What is read on 80 columns: every help text, and every page that is kept as a golden file."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from relayclear.cli.app import app_for
from relayclear.cli.help_topics import topics
from tests.cli.conftest import GOLDEN, Cli

WIDTH = 80
# A command is pasted, a hash compared, and what has no gap can't be broken: none of them ever is.
_WHOLE = re.compile(r"(?i)\b[0-9a-f]{64}\b|\brelayclear |^\s*hermes |^(simd|CHAIN_BINARY) |\S{60}")


def commands(command: Any, *words: str) -> list[tuple[str, ...]]:
    """Every command and group, as the words that name it."""
    below = getattr(command, "commands", {})
    return [words, *(found for name in below for found in commands(below[name], *words, name))]


COMMANDS = commands(typer.main.get_command(app_for([])))


def too_wide(text: str) -> list[str]:
    """The lines that a terminal of 80 columns breaks somewhere."""
    return [line for line in text.splitlines() if len(line) > WIDTH and not _WHOLE.search(line)]


@pytest.mark.parametrize("topic", topics())
def test_a_help_topic_is_broken_by_the_terminal(topic: str) -> None:
    assert [line for line in topics()[topic].splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_is_broken_by_the_terminal(cli: Cli, words: tuple[str, ...]) -> None:
    assert too_wide(cli(*words, "--help", width=WIDTH).text) == []


@pytest.mark.parametrize("name", sorted(file.name for file in GOLDEN.glob("*-80.txt")))
def test_a_page_is_broken_by_the_terminal(name: str) -> None:
    assert too_wide((GOLDEN / name).read_text(encoding="utf-8")) == []
