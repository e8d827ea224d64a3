"""The command line, read as the argument library of Hermes (clap 3) reads it, with its words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MORE = "\n\nFor more information try --help"


class UsageError(Exception):
    """A command line that Hermes doesn't take: exit code 2, the text on standard error."""


class HelpWanted(Exception):  # noqa: N818  nothing is wrong
    """Somebody asked for help; the text goes to standard output."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag.  `value` is what its value is called, empty for a switch; `read` makes a value of the text.

    A `many` flag takes values between commas, and may stand more than once.  `choices`: no other value.
    """

    name: str
    value: str = ""
    read: Callable[[str], Any] = str
    required: bool = False
    many: bool = False
    default: Any = None
    other_names: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the value is called in the answer."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def shown(self) -> str:
        """As a usage line shows it."""
        return f"{self.name} <{self.value}>" if self.value else self.name


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its words, the module whose `run` carries it out, its flags.

    Of `one_of` exactly one must be given.
    """

    words: tuple[str, ...]
    module: str
    flags: tuple[Flag, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its words in one."""
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command line: the flags before the command, the command, and its own flags by their keys."""

    globals: Mapping[str, Any]
    command: Command
    values: Mapping[str, Any] = field(default_factory=dict)


_NO_COMMAND = Command((), "")


def parse(argv: Sequence[str], commands: Sequence[Command], general: Sequence[Flag]) -> Parsed:
    """Read a command line.  Raises UsageError, HelpWanted."""
    words = _Words(argv)
    outer, found = _flags(words, general, _NO_COMMAND, "hermes [OPTIONS] [SUBCOMMAND]")
    if not words.left or found.get("help"):
        raise HelpWanted(_help((), commands, general))
    command = _command(words, commands)
    values, given = _flags(words, command.flags, command, "")
    if given.get("help"):
        raise HelpWanted(_help(command.words, commands, command.flags))
    if words.left:
        raise _unexpected(words.left[0], usage(command, given))
    _complete(command, given)
    return Parsed(outer, command, values)


def usage(command: Command, given: Iterable[str] = ()) -> str:
    """A usage line: the flags that must be there, and what was given beside them."""
    given = {*given} - {"help"}
    either = {f"--{key}" for key in command.one_of}
    optional = [flag for flag in command.flags if not flag.required and flag.name not in either]
    shown = [flag.shown for flag in command.flags if flag.required]
    shown += [flag.shown for flag in command.flags if flag not in optional and flag.name in either][:1]
    used = [flag.shown for flag in optional if flag.key in given]
    middle = ["[OPTIONS]"] if optional and not given else []
    return " ".join(["hermes", *command.words, *middle, *shown, *used])


class _Words:
    """What is left of a command line."""

    def __init__(self, words: Sequence[str]) -> None:
        self.left = [*words]

    def take(self) -> str:
        """The next word."""
        return self.left.pop(0)


def _flags(
    words: _Words, flags: Sequence[Flag], command: Command, usage_line: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take the flags that come next: all values with their defaults, and those that were given."""
    named = {name: flag for flag in flags for name in (flag.name, *flag.other_names)}
    given: dict[str, Any] = {}
    while words.left and words.left[0].startswith("-"):
        word = words.take()
        if word in ("-h", "--help"):
            return {}, {"help": True}
        name, equals, value = word.partition("=")
        flag = named.get(name)
        if flag is None:
            raise _unexpected(name, usage_line or usage(command, given))
        if not flag.value:
            if equals:
                words_of_it = f"The value '{value}' was provided to '{name}' but it wasn't expecting any more values"
                raise UsageError(f"error: {words_of_it}\n\n{usage(command, given)}{_MORE}")
            given[flag.key] = True
            continue
        if not equals:
            value = _value(words, flag)
        read = _read(flag, value)
        given[flag.key] = [*given.get(flag.key, []), *read] if flag.many else read
    return {flag.key: given.get(flag.key, [] if flag.many else flag.default) for flag in flags}, given


def _value(words: _Words, flag: Flag) -> str:
    if not words.left or words.left[0].startswith("--"):
        raise UsageError(f"error: The argument '{flag.shown}' requires a value but none was supplied{_MORE}")
    return words.take()


def _read(flag: Flag, text: str) -> Any:
    values: list[Any] = []
    for part in text.split(",") if flag.many else [text]:
        if flag.choices and part not in flag.choices:
            possible = ", ".join(flag.choices)
            words = f"\"{part}\" isn't a valid value for '{flag.shown}'\n\t[possible values: {possible}]"
            raise UsageError(f"error: {words}{_MORE}")
        try:
            values.append(flag.read(part))
        except Exception as refused:
            raise UsageError(f"error: Invalid value \"{part}\" for '{flag.shown}': {refused}{_MORE}") from refused
    return values if flag.many else values[0]


def _command(words: _Words, commands: Sequence[Command]) -> Command:
    path: tuple[str, ...] = ()
    while True:
        known = {command.words[: len(path) + 1]: command for command in commands if command.words[: len(path)] == path}
        if not words.left or words.left[0] in ("-h", "--help", "help"):
            said = _help(path, commands, ())
            raise HelpWanted(said) if words.left else UsageError(said)
        word = words.take()
        if (*path, word) not in known:
            line = " ".join(["hermes", *path, "<SUBCOMMAND>"]) if path else "hermes [OPTIONS] [SUBCOMMAND]"
            raise _unexpected(word, line)
        path = (*path, word)
        whole = [command for command in commands if command.words == path]
        if whole:
            return whole[0]


def _complete(command: Command, given: Mapping[str, Any]) -> None:
    missing = [flag.shown for flag in command.flags if flag.required and flag.key not in given]
    either = [flag for flag in command.flags if flag.name.removeprefix("--") in command.one_of]
    chosen = [flag for flag in either if flag.key in given]
    if len(chosen) > 1:
        one, other = (flag.shown for flag in chosen[:2])
        words = f"The argument '{one}' cannot be used with '{other}'"
        raise UsageError(f"error: {words}\n\nUSAGE:\n    {usage(command, given)}{_MORE}")
    if either and not chosen:
        missing += [flag.shown for flag in either]
    if missing:
        listed = "\n".join(f"    {one}" for one in missing)
        said = f"The following required arguments were not provided:\n{listed}"
        raise UsageError(f"error: {said}\n\nUSAGE:\n    {usage(command, given)}{_MORE}")


def _unexpected(word: str, line: str) -> UsageError:
    said = f"error: Found argument '{word}' which wasn't expected, or isn't valid in this context"
    if word.startswith("-"):
        said += f"\n\n\tIf you tried to supply `{word}` as a value rather than a flag, use `-- {word}`"
    return UsageError(f"{said}\n\nUSAGE:\n    {line}{_MORE}")


def _help(path: tuple[str, ...], commands: Sequence[Command], flags: Sequence[Flag]) -> str:
    """Short help: the real one describes each flag."""
    below = {command.words[len(path)] for command in commands if command.words[: len(path)] == path != command.words}
    line = f"hermes {' '.join(path)} <SUBCOMMAND>" if path else "hermes [OPTIONS] [SUBCOMMAND]"
    for command in commands:
        if command.words == path:
            line = usage(command)
    said = [f"hermes-{'-'.join(path)}" if path else "hermes", "", "USAGE:", f"    {line}", "", "OPTIONS:"]
    said += [f"    {flag.shown}" for flag in flags] + ["    -h, --help"]
    if below:
        said += ["", "SUBCOMMANDS:", *(f"    {word}" for word in sorted(below))]
    return "\n".join(said)
