"""Text for people in lines; addresses, hashes and memos stay whole, so that they can be copied."""

from __future__ import annotations

import shutil
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


def say_filled(text: str) -> None:
    """Talk to the person on stderr, in lines as wide as the screen."""
    say(filled(text, "", shutil.get_terminal_size().columns, "  "))


def say_trouble(what: str, hint: str | None) -> None:
    """Say on stderr what is wrong, and on a line of its own the command that helps: a command is never wrapped."""
    say_filled(f"! {what}")
    if hint:
        say(f"  try: {hint}")
