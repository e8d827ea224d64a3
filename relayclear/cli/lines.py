"""Text for people in lines; addresses, hashes and memos stay whole, so that they can be copied."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from relayclear.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST = 40


def filled(text: str, before: str, width: int, later: str | None = None) -> str:
    """The text in lines of `width` cells, the first after `before`, the others under it, or after `later`."""
    return textwrap.fill(
        text,
        max(width, _NARROWEST),
        initial_indent=before,
        subsequent_indent=" " * len(before) if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_filled(out: Console, text: str, before: str = "", style: str = "") -> None:
    """Print a text as `filled` does, as wide as the screen."""
    out.print(filled(text, before, out.width), style=style, soft_wrap=True)


def say_filled(text: str, before: str | None = None) -> None:
    """Talk to the person on stderr, in lines as wide as the screen, under `before` where there is one."""
    columns = shutil.get_terminal_size().columns
    say(filled(text, "", columns, "  ") if before is None else filled(text, before, columns))


class LiveLine:
    """A line on a watched terminal that is written over until it is over; where nobody watches it is never shown."""

    def __init__(self, *, shown: bool) -> None:
        """`shown`: a person watches stderr."""
        self._shown = shown
        self._stands = False

    def show(self, text: str) -> None:
        """Write over what stands there; what is wider than the screen is cut."""
        if self._shown:
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r\x1b[K{text[: width - 1]}")
            sys.stderr.flush()
            self._stands = True

    def clear(self) -> None:
        """Take it away."""
        if self._stands:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._stands = False

    def say(self, text: str) -> None:
        """Say what stays, in lines as wide as the screen, in the place of what doesn't."""
        self.clear()
        say_filled(text)


def say_trouble(what: str, hint: str | None) -> None:
    """Say on stderr what is wrong, and on a line of its own the command that helps: a command is never wrapped."""
    say_filled(f"! {what}")
    if hint:
        say(f"  try: {hint}")
