"""What Typer says of a command line that can't be, in our own words: the nearest command, option or value with it."""

from __future__ import annotations

import re
from typing import Any

from relayclear.errors import UsageError
from relayclear.ibc.nearest import did_you_mean

_NO_COMMAND = re.compile(r"No such command '(?P<word>[^']*)'")
_NO_CHOICE = re.compile(r"Invalid value for (?P<of>.*?): '(?P<word>[^']*)' is not one of (?P<known>'.*')")


def misuse(error: Any) -> UsageError:
    """Typer's error as one of ours, with the help of the command as the next step."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context else "relayclear --help"
    message = _message(error, context)
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _message(error: Any, context: Any) -> str:
    said = str(error.format_message()).rstrip(".")
    option = getattr(error, "option_name", None)
    if option is not None and context is not None and said.startswith("No such option"):
        return f"no such option {option!r}{did_you_mean(option, _options(context.command), most=0, cutoff=0.7)}"
    if (found := _NO_COMMAND.match(said)) and context is not None:
        word = found["word"]
        return f"no such command {word!r}{did_you_mean(word, context.command.commands, most=0, cutoff=0.6)}"
    if found := _NO_CHOICE.match(said):
        known = re.findall(r"'([^']*)'", found["known"])
        return f"{found['of']} {found['word']!r} is unknown{did_you_mean(found['word'], known, most=len(known))}"
    # What must be, and is not, stands behind it: that it is wrong needs no word.
    return said.removeprefix("Invalid value for ")


def _options(command: Any) -> list[str]:
    return [name for param in command.params for name in (*param.opts, *param.secondary_opts) if name.startswith("--")]
