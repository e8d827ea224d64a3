"""The nouns there are, in the order of the help page, each loaded when it is called.

Reading the signatures of all commands takes longer than many a command: only the called one is read,
and all of them for a help page, a completion or a word that isn't one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import NamedTuple

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from relayclear.cli.examples import examples


class Noun(NamedTuple):
    """Where a noun is: a module beside this one, and in it the function that is the command; empty: an app of verbs."""

    module: str
    function: str = ""


NOUNS = {
    "init": Noun("init", "init"),
    "chains": Noun("chains", "chains"),
    "channels": Noun("chains", "channels"),
    "packets": Noun("packets"),
    "clear": Noun("clear", "clear"),
    "operations": Noun("operations"),
    "tokens": Noun("tokens"),
    "keys": Noun("keys"),
    "payments": Noun("payments"),
    "refunds": Noun("refunds"),
    "wallet": Noun("wallet"),
    "books": Noun("books"),
    "audit": Noun("audit", "audit"),
    "breakers": Noun("breakers"),
    "watch": Noun("watch", "watch"),
    "dashboard": Noun("dashboard", "dashboard"),
    "health": Noun("health", "health"),
    "metrics": Noun("metrics"),
    "history": Noun("history"),
    "alerts": Noun("alerts"),
    "service": Noun("service"),
    "stats": Noun("stats", "stats"),
    "db": Noun("db"),
    "doctor": Noun("doctor", "doctor"),
    "config": Noun("config"),
    "demo": Noun("demo", "demo"),
    "help": Noun("help_topics", "help_topic"),
}


def add_called(app: typer.Typer, words: Sequence[str]) -> None:
    """Add what a command line without its global options calls: one command, or everything where none is named."""
    name, verb = [*words[:2], "", ""][:2]
    # `help` shows the whole page where no topic is named.
    for called in [name] if name in NOUNS and name != "help" else NOUNS:
        module = import_module(f"{__package__}.{NOUNS[called].module}")
        if NOUNS[called].function:
            app.command(called, epilog=examples(called))(getattr(module, NOUNS[called].function))
        else:
            app.add_typer(_narrowed(module.app, verb), name=called)


def _narrowed(group: typer.Typer, verb: str) -> typer.Typer:
    """The group with the one verb; the whole group where it has no such one."""
    wanted = [one for one in group.registered_commands if _name(one) == verb]
    if not wanted:
        return group
    narrowed = copy(group)
    narrowed.registered_commands, narrowed.registered_groups = wanted, []
    return narrowed


def _name(command: CommandInfo) -> str:
    """What a command is called: as it says, else as typer calls its function."""
    return command.name or (get_command_name(command.callback.__name__) if command.callback else "")
