"""What stands on a command line, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_TAKES_VALUE = {"--config", "--hermes-config", "--db", "--color"}
_STANDS_ALONE = {"--json", "--debug"}


def hoisted(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options, which work wherever a person puts them, and all other words."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _STANDS_ALONE or (word.partition("=")[0] in _TAKES_VALUE and "=" in word):
            front.append(word)
        elif word in _TAKES_VALUE:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return front, rest


def typed_so_far(environ: Mapping[str, str]) -> Sequence[str]:
    """The whole words of the line that a shell wants completed, after the program's name; empty where none does.

    Bash tells them in one variable, zsh and fish in another.  All that hangs on it is how much is loaded.
    """
    if "_RELAYCLEAR_COMPLETE" not in environ:
        return ()
    line = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS", "")
    # A word that is still being typed may be the start of many: it doesn't count.
    words = line.split()[1:]
    return words if line[-1:].isspace() else words[:-1]
