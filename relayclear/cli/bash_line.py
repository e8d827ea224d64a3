"""Bash's own idea of words: it takes a line apart at every colon and equals sign, and completes the last piece alone.

Completion is told the words as a person typed them, and what it answers loses the part that stands there already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO

# Those of COMP_WORDBREAKS that stand inside of what we complete; each comes as a word of its own.
_BREAKS = frozenset(":=")


@contextmanager
def as_typed(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Let a tab in bash be answered for the word as it was typed; anything else isn't touched."""
    if environ.get("_RELAYCLEAR_COMPLETE") != "complete_bash" or not environ.get("COMP_CWORD", "").isdigit():
        yield
        return
    # Our script writes a word a line; without a line feed they were written by hand, with spaces.
    text = environ.get("COMP_WORDS", "")
    between = "\n" if "\n" in text else " "
    words, at, there = joined(text.split(between), int(environ["COMP_CWORD"]))
    environ.update({"COMP_WORDS": between.join(words), "COMP_CWORD": str(at)})
    said = StringIO()
    try:
        with redirect_stdout(said):
            yield
    finally:
        sys.stdout.write("".join(line.removeprefix(there) for line in said.getvalue().splitlines(keepends=True)))


def joined(pieces: Sequence[str], cursor: int) -> tuple[list[str], int, str]:
    """The words, which of them is completed, and how much of it bash keeps: up to its last colon.

    A colon between spaces is joined too: bash doesn't tell, and nothing of ours has one.
    """
    words: list[str] = []
    at, glued = cursor, False
    for number, piece in enumerate(pieces):
        # An empty one is a word that somebody begins behind a space.
        glues = number > 1 and bool(piece) and (_breaks(piece) or _breaks(pieces[number - 1]))
        if glues:
            words[-1] += piece
        else:
            words.append(piece)
        if number == cursor:
            at, glued = len(words) - 1, glues
            break
    if not glued:
        return [*words, *pieces[cursor + 1 :]], at, ""
    # A value behind an option's equals sign is completed without the option.
    value = words[at].partition("=")[2] if words[at].startswith("--") and "=" in words[at] else words[at]
    return [*words, *pieces[cursor + 1 :]], at, value[: value.rfind(":") + 1]


def _breaks(piece: str) -> bool:
    return bool(piece) and set(piece) <= _BREAKS
