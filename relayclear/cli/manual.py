"""The manual pages, made from what `--help` and the help topics say: a page a noun, a page a topic.

They aren't built into the package: making them takes all commands and what those need, which nobody wants to install
to build it.  Whoever wants them writes them, of exactly the version that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from relayclear import __version__
from relayclear.cli.help_topics import TOPICS
from relayclear.cli.nouns import NOUNS
from relayclear.cli.topic_lists import OURS
from relayclear.errors import UsageError

# What roff reads as more than itself: an escape, and marks that a terminal would show as others.
_MARKS = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
_ASCII = 128


def found(words: Sequence[str]) -> Any:
    """The context of a command or group.  Raises UsageError with the nearest name."""
    from relayclear.cli.app import app_for

    # The whole program, since what is asked for may be any of it.
    command: Any = typer.main.get_command(app_for(words))
    context = command.make_context("relayclear", [], resilient_parsing=True)
    for word in words:
        below = getattr(command, "commands", {})
        if word not in below:
            from relayclear.ibc.nearest import did_you_mean

            known = [*below, *(TOPICS if len(words) == 1 else ())]
            raise UsageError(f"no help topic or command {word!r}{did_you_mean(word, known)}", hint="relayclear help")
        command = below[word]
        context = type(context)(command, info_name=word, parent=context)
    return context


def page(words: Sequence[str]) -> str:
    """One page: of the program, of a noun, or of a topic.  Raises UsageError."""
    name = words[0] if words else ""
    if name and name not in NOUNS and name in TOPICS:
        return _topic(name)
    return _command(words[:1])


def write(folder: Path) -> list[str]:
    """Write all pages below a folder, as man looks for them; their names in it.  Raises UsageError."""
    pages = {f"man1/{_name([noun])}.1": _command([noun]) for noun in NOUNS} | {"man1/relayclear.1": _command([])}
    pages |= {f"man7/{_name([topic])}.7": _topic(topic) for topic in TOPICS}
    try:
        for file, text in pages.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="ascii")
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written: {error.strerror}", hint="relayclear help --man --out ~/.local/share/man"
        ) from error
    return sorted(pages)


def _name(words: Sequence[str]) -> str:
    return "-".join(["relayclear", *words])


def _topic(name: str) -> str:
    topic = TOPICS[name]
    lines = [*_head([name], 7, topic.says), ".SH DESCRIPTION", *_verbatim(topic.text().splitlines())]
    return "\n".join([*lines, *_see(["relayclear(1)"])]) + "\n"


def _command(words: Sequence[str]) -> str:
    context = found(words)
    command = context.command
    lines = [*_head(words, 1, command.get_short_help_str(limit=1000)), *_body(context, ".SH", "")]
    for name, below in getattr(command, "commands", {}).items():
        # The page of the program names its nouns: each has a page of its own.
        if words:
            lines += _verb(type(context)(below, info_name=name, parent=context))
    if not words:
        nouns = [line for name, noun in NOUNS.items() for line in [".TP", f".BR {_text(_name([name]))} (1)", noun.says]]
        topics = [line for name, one in TOPICS.items() for line in [".TP", f".BR {_text(_name([name]))} (7)", one.says]]
        ours = [line for name, says in OURS.items() for line in [".TP", f".B {_text(name)}", _text(says)]]
        lines += [".SH COMMANDS", *nouns, ".SH ENVIRONMENT", *ours, ".SH TOPICS", *topics]
    codes = [*_verbatim(TOPICS["exit-codes"].text().splitlines())]
    see = ["relayclear(1)"] if words else ["relayclear-runbook(7)", "relayclear-glossary(7)"]
    return "\n".join([*lines, ".SH EXIT STATUS", *codes, *_see([*see, "relayclear-exit-codes(7)"])]) + "\n"


def _verb(context: Any) -> Iterator[str]:
    """A verb of a noun, and the verbs below it, in the noun's page."""
    yield f".SH {_text(context.command_path.upper())}"
    yield from _body(context, ".SS", context.command.get_short_help_str(limit=1000))
    for name, below in getattr(context.command, "commands", {}).items():
        yield from _verb(type(context)(below, info_name=name, parent=context))


def _head(words: Sequence[str], section: int, says: str) -> list[str]:
    name = _name(words)
    # No date: the same version writes the same bytes.
    title = f'.TH {_text(name.upper())} {section} "" "relayclear {__version__}" "relayclear"'
    return [title, ".SH NAME", f"{_text(name)} \\- {_text(says.rstrip('.'))}"]


def _body(context: Any, heading: str, says: str) -> Iterator[str]:
    command = context.command
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ([_text(says)] if says else [])
    yield from [f"{heading} SYNOPSIS", f".B {_text(context.command_path)}", _text(pieces)]
    if not says or len((command.help or "").splitlines()) > 1:
        yield f"{heading} DESCRIPTION"
        yield from (_text(line) if line else ".PP" for line in (command.help or "").splitlines())
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    if records:
        yield f"{heading} OPTIONS"
    for given, help_text in records:
        yield from [".TP", f".B {_text(given)}", _text(help_text) or "\\&"]
    yield from _examples(command.epilog or "", heading)


def _examples(epilog: str, heading: str) -> Iterator[str]:
    _, mark, lines = epilog.partition("Examples:\n")
    if mark:
        yield f"{heading} EXAMPLES"
        yield from _verbatim(line.strip() for line in lines.splitlines())


def _verbatim(lines: Any) -> Iterator[str]:
    yield ".nf"
    yield from (_text(line) for line in lines)
    yield ".fi"


def _see(names: Sequence[str]) -> list[str]:
    return [".SH SEE ALSO", ", ".join(_text(name) for name in names)]


def _text(text: str) -> str:
    """A line as roff shows it letter for letter: in ASCII, and never taken for a request."""
    letters = (_MARKS.get(one, one if ord(one) < _ASCII else f"\\[u{ord(one):04X}]") for one in text)
    line = "".join(letters)
    return f"\\&{line}" if line.startswith((".", "\\(aq", " ")) else line
