"""What makes each part of a page that is made from the code."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import typer

from relayclear.clearing.operation import operation_state
from relayclear.cli.app import app_for
from relayclear.cli.documents import DOCUMENTS
from relayclear.cli.output import Exit
from relayclear.config.loading import variables
from relayclear.config.reading import known_keys
from relayclear.dashboard.actions import ACTIONS, VIEWS, Danger, shown_key
from relayclear.ibc.fate import fate_of
from relayclear.ibc.triage import classify
from relayclear.money.earned import judge
from relayclear.money.refund_state import refund_state
from relayclear.money.sending import next_step
from relayclear.money.state import token_state
from relayclear.usecases.metrics import METRICS
from tests.docs import lives
from tests.docs.needs import reasons
from tests.docs.pages import ROOT, Maker
from tests.docs.trees import as_table, questions


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be called, by its words."""
    root: Any = typer.main.get_command(app_for([]))

    def under(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        """The commands of a noun, or the command itself."""
        for name, one in sorted(getattr(command, "commands", {}).items()):
            if not one.hidden:
                yield from under(one, f"{words} {name}")
        if not hasattr(command, "commands"):
            yield words, command

    return under(root, "relayclear")


def _commands() -> str:
    rows = [[f"`{words}`", str(command.help).partition("\n\n")[0]] for words, command in commands()]
    return table(("command", "what it does"), rows)


def _keys() -> str:
    rows = []
    for action in ACTIONS.values():
        keys = " ".join(f"`{shown_key(key)}`" for key in action.key.split(",") if key)
        where = ", ".join(VIEWS[view].lower() for view in VIEWS if view in action.views) or "everywhere"
        acts = "" if action.danger is Danger.LOOKS else "acts: "
        rows.append([keys or "none", f"{acts}{action.tells}", where, f"`{action.name}`"])
    return table(("keys", "what they do", "where", "name in a keymap"), rows)


def _settings() -> str:
    # The short name of a variable stands first, and is the one that is told.
    named = {path: variable for variable, path in reversed([*variables().items()])}
    rows = [[f"`{path}`", _code(_toml(key.example)), key.doc, _code(named.get(path, ""))] for path, key in known_keys()]
    return table(("key", "default, or an example", "what it is", "variable"), rows)


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, list, bool)) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _metrics() -> str:
    rows = [[f"`{one.name}`", one.shape.value, one.doc, ", ".join(one.labels)] for one in METRICS.values()]
    return table(("metric", "kind", "meaning", "labels"), rows)


def _needs() -> str:
    return table(("package", "why"), [[f"`{name}`", why] for name, why in reasons().items()])


def _exits() -> str:
    return table(("exit code", "meaning"), [[str(code.value), code.meaning] for code in Exit])


# The goldens that the commands' own tests hold them to; where there are several, the one that has most in it.
GOLDENS = {
    "alerts list": "alerts-list",
    "audit": "audit",
    "books daily": "books-daily",
    "breakers list": "breakers-list",
    "chains": "chains",
    "channels": "channels",
    "clear": "clear",
    "clear --dry-run": "clear-plan",
    "health": "health-degraded",
    "history list": "history",
    "keys list": "keys-list",
    "metrics list": "metrics-list",
    "operations list": "operations",
    "operations show": "operations-show",
    "operations verify": "verify",
    "packets list": "packets-list",
    "packets show": "packets-show-stuck",
    "payments list": "payments-list",
    "payments show": "payments-show",
    "refunds list": "refunds-list",
    "refunds show": "refunds-show",
    "refunds sweep": "refunds-sweep",
    "stats": "stats",
    "tokens create": "tokens-create",
    "tokens list": "tokens-list",
    "tokens show": "tokens-show-paid",
    "tokens verify": "tokens-verify",
    "wallet list": "wallet-list",
    "wallet withdrawable": "wallet-withdrawable",
}


def _documents() -> str:
    goldens = ROOT / "tests" / "cli" / "golden"
    rows = []
    for command, names in DOCUMENTS.items():
        fields = [f"`{name}`" for name in names.split()]
        if command in GOLDENS:
            document = json.loads((goldens / f"{GOLDENS[command]}.json").read_text(encoding="utf-8").splitlines()[0])
            fields = [_field(key, value) for key, value in document.items() if key != "schema_version"]
        rows.append([f"`{command or 'relayclear'}`", ", ".join(fields)])
    return table(("document", "fields"), rows)


def _field(name: str, value: object) -> str:
    """A field's name, with those of the objects in it: one level deep, what is below is best looked at."""
    several = isinstance(value, list)
    items = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    inner = dict.fromkeys(f"`{key}`" for one in items for key in one)
    shown = f"`{name}[]`" if several else f"`{name}`"
    return f"{shown} ({', '.join(inner)})" if inner else shown


def _floors() -> str:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    floors = next(one["layers"] for one in contracts if one["type"] == "layers")
    return "```\n" + "".join(f"{floor}\n" for floor in floors) + "```\n"


MAKERS: Mapping[str, Maker] = {
    "classes-picture": lambda: questions(classify),
    "fates-picture": lambda: questions(fate_of),
    "operation-picture": lives.OPERATION.drawn,
    "operation-table": lambda: as_table(operation_state),
    "token-picture": lives.TOKEN.drawn,
    "token-table": lambda: as_table(token_state),
    "earned-table": lambda: as_table(judge),
    "refund-picture": lives.REFUND.drawn,
    "refund-table": lambda: as_table(refund_state),
    "sending-picture": lambda: questions(next_step),
    "sending-table": lambda: as_table(next_step),
    "breaker-picture": lives.BREAKER.drawn,
    "commands": _commands,
    "keys": _keys,
    "settings": _settings,
    "metrics": _metrics,
    "needs": _needs,
    "exit-codes": _exits,
    "floors": _floors,
    "documents": _documents,
}
