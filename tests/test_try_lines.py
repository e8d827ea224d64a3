"""Every error has a next step, and a command that a text names can be typed."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pytest
import typer

import relayclear
from relayclear.cli.app import app_for
from relayclear.cli.typed import hoisted
from relayclear.errors import RelayclearError

ROOT = Path(relayclear.__file__).parent
COMMAND: Any = typer.main.get_command(app_for([]))
# It plays a chain and a relayer, whose errors are theirs.
SOURCES = [file for file in sorted(ROOT.rglob("*.py")) if "rehearsal" not in file.parts]
# First lines of what is written into files and signed, not to be typed.
TITLES = {"relayclear wallet key", "relayclear refund claim"}
# What relayclear itself does, in a sentence: too like the names of commands to be told from a slip.
VERBS = {"looks", "clears", "--help"}
# An option of Hermes behind a command of Hermes.
HERMES_OWN = {"--overwrite"}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def branches(kind: type[RelayclearError] = RelayclearError) -> Iterator[type[RelayclearError]]:
    """The whole tree of errors."""
    yield kind
    for below in kind.__subclasses__():
        yield from branches(below)


def tree() -> dict[str, type[RelayclearError]]:
    """The errors by their names, those of all rooms."""
    for module in pkgutil.walk_packages([str(ROOT)], "relayclear."):
        if not module.name.startswith("relayclear.rehearsal") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [kind for kind in branches() if kind.__module__.startswith("relayclear.")]
    found = {kind.__name__: kind for kind in ours}
    assert len(found) == len(ours), "two errors of one name: nobody could tell them apart"
    return found


def made(source: str, kinds: dict[str, type[RelayclearError]]) -> Iterator[tuple[int, bool]]:
    """Where a source makes an error, and whether it has a next step."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
            continue
        kind = kinds.get(node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        if kind is not None:
            given = [one.value for one in node.keywords if one.arg == "hint"]
            empty = [one for one in given if isinstance(one, ast.Constant) and not one.value]
            yield node.lineno, bool(kind.usual) or (bool(given) and not empty)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a source, what is filled in shown as X; without docstrings."""
    parsed = ast.parse(source)
    skipped = {id(node.value) for node in ast.walk(parsed) if isinstance(node, ast.Expr)}
    for node in ast.walk(parsed):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            parts = [str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def command_lines(text: str) -> list[str]:
    """What a text tells to type: from the program's name to where its sentence goes on."""
    found = re.findall(r"(?:^|(?<=[\s`:(]))relayclear [a-z-][^\n`;,)]*", text)
    return [one for one in found if one not in TITLES]


def verbs(command: Any) -> set[str]:
    """The names of all commands below a command."""
    below = getattr(command, "commands", {})
    return {*below, *(name for one in below.values() for name in verbs(one))}


def wrong_with(line: str) -> str:
    """What of a command line can't be typed; empty where all can.  Words behind the verb may be prose."""
    command, words = COMMAND, line.replace("…", " ").split()[1:]
    _, words = hoisted(words)
    while hasattr(command, "commands") and words:
        words[0] = words[0].removesuffix("X")
        if words[0] not in command.commands:
            break
        command = command.commands[words.pop(0)]
    if command is COMMAND:
        if words and words[0] in VERBS:
            return ""
        # "relayclear reads Cosmos chains" is a sentence; only what looks like a command's name is meant as one.
        return (
            f"no command {words[0]!r}" if words and get_close_matches(words[0], command.commands, cutoff=0.75) else ""
        )
    if hasattr(command, "commands") and command.no_args_is_help:
        return "" if words and words[0].startswith(("X", "--help")) else f"{command.name} needs a verb"
    # A group that answers without a verb: a word behind it that is a verb elsewhere is meant as one here.
    if hasattr(command, "commands") and words and words[0] in verbs(COMMAND):
        return f"{command.name} has no verb {words[0]!r}"
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    return next((f"no option {one}" for one in OPTION.findall(" ".join(words)) if one not in known), "")


def test_an_error_leaves_its_reader_without_a_next_step() -> None:
    kinds = tree()
    bare = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in SOURCES
        for line, helps in made(file.read_text(encoding="utf-8"), kinds)
        if not helps
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("source", "helps"),
    [
        ("raise UsageError('no')", False),
        ("raise UsageError('no', hint='')", False),
        ("raise errors.UsageError('no', hint='--yes')", True),
        ("raise NodeError('no')", True),
    ],
)
def test_an_error_without_a_next_step_would_be_noticed(source: str, *, helps: bool) -> None:
    assert [found for _, found in made(source, tree())] == [helps]


def test_a_text_names_a_command_that_cannot_be_typed() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {told}: {trouble}"
        for file in SOURCES
        for line, text in literals(file.read_text(encoding="utf-8"))
        for told in command_lines(text)
        if (trouble := wrong_with(told))
    ]
    assert wrong == []


def test_an_option_that_stands_alone_in_a_next_step_belongs_to_no_command() -> None:
    known = {name for param in all_params(COMMAND) for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    strange = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {option}"
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "hint"
        for text in [ast.unparse(node.value)]
        for option in OPTION.findall(text)
        if "hermes keys" not in text and option not in known | HERMES_OWN
    ]
    assert strange == []


def all_params(command: Any) -> Iterator[Any]:
    """The options and arguments of a command and of all below it."""
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from all_params(below)


@pytest.mark.parametrize(
    "line",
    [
        "relayclear packets lst",
        "relayclear packts",
        "relayclear clear --chian alpha-1",
        "relayclear payments",
        "relayclear payments gaps list",
    ],
)
def test_a_command_that_does_not_exist_would_be_noticed(line: str) -> None:
    assert wrong_with(line)
