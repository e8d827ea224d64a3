"""The nouns there are, by panel and in the order of the help page, each loaded when it is called.

Reading the signatures of all commands takes longer than many a command: only the called one is read.  The help
page, a completion of the first word and a word that isn't one of them need no more than what stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import NamedTuple

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from relayclear.cli.examples import examples, examples_of_verbs
from relayclear.cli.groups import Whole


class Noun(NamedTuple):
    """A noun in a line, and where it is: a module beside this one, and the function in it; empty: an app of verbs."""

    says: str
    module: str
    function: str = ""


PANELS = {
    "First steps": {
        "init": Noun("Write a first config: finds Hermes, asks three things.", "init", "init"),
        "doctor": Noun("Check configs, Hermes, nodes, keys, gas, clients and memory.", "doctor", "doctor"),
        "demo": Noun("Rehearse on a network in a box, without any risk.", "demo", "demo"),
        "help": Noun("Explain a topic or a command; write the manual pages.", "help", "help_"),
    },
    "Stuck packets": {
        "chains": Noun("Chains of the Hermes config: height, endpoints, keys, gas.", "chains", "chains"),
        "channels": Noun("Paths that both ends agree on, with states and clients.", "chains", "channels"),
        "packets": Noun("Pending packets: what is stuck, why, and what would fix it.", "packets"),
        "clear": Noun("Clear exactly the chosen packets and prove what became of each.", "clear", "clear"),
        "operations": Noun("Past clears and their proofs.", "operations"),
    },
    "Sell clearings": {
        "tokens": Noun("Quotes, their payments and their outcome.", "tokens"),
        "payments": Noun("What payers sent, and what each payment is for.", "payments"),
        "refunds": Noun("What is owed back, and what became of it.", "refunds"),
        "keys": Noun("The keys that quotes are signed with.", "keys"),
        "wallet": Noun("The keys that refunds are signed with.", "wallet"),
        "books": Noun("What moved in and out of the wallets, and what it was.", "books"),
        "audit": Noun("Compare the books with the chain, movement by movement.", "audit", "audit"),
    },
    "Keep it running": {
        "watch": Noun("The daemon: scan, watch payments, clear what is paid or asked.", "watch", "watch"),
        "dashboard": Noun("Everything live on a screen, and act on it.", "dashboard", "dashboard"),
        "health": Noun("How relayclear is, from memory alone, by its exit code.", "health", "health"),
        "breakers": Noun("What nobody calls for a while, why, and until when.", "breakers"),
        "alerts": Noun("Calling a person: what was told, and whether it arrives.", "alerts"),
        "metrics": Noun("What /metrics tells; a Grafana dashboard and alert rules.", "metrics"),
        "service": Noun("Files that keep watch running: a systemd unit, a container.", "service"),
    },
    "Look back": {
        "history": Noun("The audit trail: every change of state, every act of a person.", "history"),
        "stats": Noun("What was cleared: success, waiting time, earnings, gas.", "stats", "stats"),
    },
    "Settings and memory": {
        "config": Noun("relayclear's own settings, and where each value came from.", "config"),
        "db": Noun("The database: backup, restore, check, upgrade.", "db"),
    },
}
"""The page of all commands; `says` fits its line at 80 columns, so that none of them is cut."""

NOUNS = {name: noun for panel in PANELS.values() for name, noun in panel.items()}


class Root(Whole):
    """The program itself: its nouns stand in panels."""

    def panels(self) -> list[tuple[str, list[str]]]:
        """The panels, with what of them there is: called is one noun alone."""
        found = [(title, [name for name in panel if name in self.commands]) for title, panel in PANELS.items()]
        return [(title, names) for title, names in found if names]


def add_called(app: typer.Typer, words: Sequence[str], *, named: bool) -> None:
    """Add what a command line without its global options calls, or everything where that is no noun.

    `named`: everything by its name and line alone, which is enough to be listed, completed and missed.
    """
    # An option that isn't known may stand before: the error about it is the parser's.
    name, verb = [*(word for word in words if not word.startswith("-")), "", ""][:2]
    if name in NOUNS and name != "help":
        _add(app, name, verb)
        return
    for other, noun in NOUNS.items():
        if named and other != name:
            app.command(other, help=noun.says)(_named)
        else:
            _add(app, other, "")


def _add(app: typer.Typer, name: str, verb: str) -> None:
    noun = NOUNS[name]
    module = import_module(f"{__package__}.{noun.module}")
    if noun.function:
        app.command(name, epilog=examples(name), short_help=noun.says)(getattr(module, noun.function))
    else:
        app.add_typer(
            _narrowed(module.app, verb), name=name, cls=Whole, epilog=examples_of_verbs(name), short_help=noun.says
        )


def _named() -> None:
    """Stand in for a command in a list of all.  Whatever is called is loaded, so that nobody ever calls this."""
    raise LookupError("a command was called that was only named")


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
