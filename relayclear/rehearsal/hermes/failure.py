"""What goes wrong, in the words of Hermes: an error and its causes."""

from __future__ import annotations

import os
import string

# With backtraces on, every error of Hermes ends with the line of its error library that made it.
_LOCATION = "\n\nLocation:\n    flex-error-0.4.4/src/tracer_impl/eyre.rs:10:9"
PORT, CHANNEL, CLIENT = (2, 128), (8, 64), (9, 64)
"""How long an identifier may be (ibc-relayer-types, ics24_host/validate.rs)."""
_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._+-#[]<>")


class Failure(Exception):  # noqa: N818  Hermes' own word: it `failed to …`
    """An error with its causes, the outermost first; its text is the report that Hermes prints."""

    def __init__(self, *words: str, located: bool = True) -> None:
        """`located` False is a plain message, without the place in the source that raised it."""
        self.words = words
        self.located = located
        super().__init__(*words)

    def wrapped(self, *outer: str) -> Failure:
        """The same as the cause of something else; what kind of failure it is, is kept."""
        return type(self)(*outer, *self.words)

    def __str__(self) -> str:
        """As Hermes prints it: on one line, unless backtraces are wanted (`bin/hermes/main.rs`)."""
        if os.environ.get("RUST_BACKTRACE", "0") in ("", "0"):
            return ": ".join(self.words)
        first, *causes = self.words
        if len(causes) == 1:
            first += f"\n\nCaused by:\n    {causes[0]}"
        elif causes:
            first += "\n\nCaused by:\n" + "\n".join(f"   {place}: {cause}" for place, cause in enumerate(causes))
        return first + _LOCATION if self.located else first


class SendFailure(Failure):
    """The chain refused a transaction; Hermes makes its messages anew and tries again."""


def identifier(text: str, allowed: tuple[int, int]) -> str:
    """An ICS-24 identifier.  Raises Failure."""
    low, high = allowed
    if not low <= len(text) <= high:
        raise Failure(f"identifier {text} has invalid length {len(text)} must be between {low}-{high} characters")
    if not _CHARACTERS.issuperset(text):
        raise Failure(f"identifier {text} contains invalid characters")
    return text
