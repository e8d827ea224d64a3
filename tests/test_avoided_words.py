"""One word for one thing, in every text that somebody reads: help, pages, errors, the screen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import relayclear
from relayclear.cli.app import app_for
from relayclear.cli.help_topics import topics
from relayclear.wording.glossary import GLOSSARY

ROOT = Path(relayclear.__file__).parent
# The rooms whose texts reach people; the others make values and codes, and Hermes and the chains have words of theirs.
FACES = ("cli", "dashboard", "wording", "usecases", "clearing", "bootstrap", "config", "store", "listener")

# What we say instead.  A word stands here once somebody would ask whether two words are two things.
AVOIDED = {
    r"receipts?": "proof of clear: a packet's receipt is the chain's",
    r"transfers?": "payment, packet: a transfer is the application's",
    r"(manager|helper|utils?)s?": "what it does",
    r"invoices?|bills?": "quote, clearing token",
    r"vouchers?": "coin",
    r"customers?|clients? who|buyers?": "payer",
    r"purchases?|purchased": "paid token",
    r"wallets? address(es)?": "account, address",
    r"jobs?": "operation, task",
    r"errored|failed out": "failed",
    r"unrelayed": "pending, stuck",
    r"(re)?transmit(s|ted)?": "relay, clear",
    r"reimburse(s|d|ment)?|chargebacks?|paybacks?": "refund",
    r"nodes? url": "endpoint",
    r"whitelist|blacklist": "list",
    r"please|oops|sorry|simply|just (run|type|use)": "nothing: say what helps",
    r"in order to": "to",
    r"e\.g\.|i\.e\.|etc\.?": "the example, or all of it",
    r"utili[sz]e[sd]?": "use",
    r"abort(s|ed)?": "stop, call off",
    r"invalid": "what it must be",
    r"illegal": "what it must be",
    r"an? error occurred": "what happened",
}
# Where what Typer says is read, to be said otherwise.
_READ = {"Invalid value for "}
# Where such a word is another's own, and changed it would be wrong.
ALLOWED = {
    "transfer": "the port of ICS-20, and the kind of packet",
    "transfers": "what ICS-20 does",
    "Service": "systemd's, and protobuf's",
}
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|--[a-z-]+|\S*[/_{}=]\S*|\S+\.(py|toml|json)")
_SENTENCE = re.compile(r"[A-Za-z]{2,}[ ,:;].*[A-Za-z]{2,}")


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a source that are more than a name; without docstrings, SQL and patterns."""
    parsed = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(parsed) if isinstance(node, ast.Expr)}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            text = node.value
            if "(?P<" in text or text in _READ:
                continue  # reads what others write
            if _SENTENCE.search(text) and not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|JOIN)\b", text):
                yield node.lineno, text


def avoided_in(text: str) -> list[str]:
    """The words of a text that another one stands for; what is typed or quoted is nobody's choice of words."""
    bare = _QUOTED.sub(" ", text)
    found = [match[0] for word in AVOIDED for match in re.finditer(rf"\b(?:{word})(?!\w)", bare, re.IGNORECASE)]
    return [word for word in found if word not in ALLOWED]


def test_two_words_are_used_for_one_thing() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {words} in {text[:70]!r}"
        for room in FACES
        for file in sorted((ROOT / room).rglob("*.py"))
        for line, text in sentences(file.read_text(encoding="utf-8"))
        if (words := avoided_in(text))
    ]
    assert found == []


def test_two_words_are_used_for_one_thing_in_the_help() -> None:
    texts = [*topics().values(), *GLOSSARY.values(), *helps(typer.main.get_command(app_for([])))]
    assert [(words, text[:70]) for text in texts if (words := avoided_in(text))] == []


def helps(command: object) -> Iterator[str]:
    """What a command, its options and all commands below it say of themselves."""
    yield getattr(command, "help", None) or ""
    for param in getattr(command, "params", ()):
        yield getattr(param, "help", None) or ""
    for below in getattr(command, "commands", {}).values():
        yield from helps(below)


# Documents of files and of the wire, and a chart's axis, which has room for no more.
_OWN_TIMES = {"ibc/instant.py", "money/token.py", "clearing/proof_document.py", "dashboard/charts.py"}


def spelled(source: str) -> Iterator[int]:
    """Where a source spells a time by itself."""
    for node in ast.walk(ast.parse(source)):
        format_of = node.format_spec if isinstance(node, ast.FormattedValue) else None
        by_hand = isinstance(node, ast.Attribute) and node.attr in {"strftime", "ctime"}
        if by_hand or (format_of is not None and "%" in ast.unparse(format_of)):
            yield getattr(node, "lineno", 0)


def test_a_time_is_spelled_in_two_ways() -> None:
    found = [
        f"{name}:{line}"
        for file in sorted(ROOT.rglob("*.py"))
        if (name := str(file.relative_to(ROOT))) not in _OWN_TIMES and "rehearsal" not in file.parts
        for line in spelled(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("source", ["f'{at:%H:%M} UTC'", "at.strftime('%d')"])
def test_a_time_spelled_by_hand_would_be_noticed(source: str) -> None:
    assert [*spelled(source)] == [1]


@pytest.mark.parametrize(
    "text",
    ["a receipt of the clear", "Please try again, sorry", "the customer's coins", "an invalid amount was given"],
)
def test_an_avoided_word_would_be_noticed(text: str) -> None:
    assert avoided_in(text)


@pytest.mark.parametrize("text", ["over port transfer/channel-0", "--transfer is an option", "`receipt` of a chain"])
def test_what_is_typed_or_quoted_is_taken_for_our_own_words(text: str) -> None:
    assert avoided_in(text) == []
