"""The pages, their fenced blocks, and the parts of them that are made from the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    name: ROOT / name
    for name in (
        "README.md",
        "docs/selling.md",
        "docs/running.md",
        "docs/concepts.md",
        "docs/reference.md",
        "docs/contributing.md",
    )
}
Maker = Callable[[], str]

# A reader of the page sees neither line: both are comments of Markdown.
_MADE = re.compile(r"(<!-- made: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def text_of(page: str) -> str:
    """The text of a page."""
    return PAGES[page].read_text(encoding="utf-8")


def everything() -> str:
    """All pages, one after the other: what has to be told somewhere is looked for here."""
    return "\n\n".join(map(text_of, PAGES))


def blocks(text: str, kind: str = r"\w*") -> Iterator[str]:
    """The fenced blocks of a text, of one kind or of all; an empty kind is that of blocks without a word."""
    # Every fence is looked at, so that the end of one block is never taken for the begin of another.
    for found, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if re.fullmatch(kind, found):
            yield block


def made_parts(text: str) -> dict[str, str]:
    """The parts of a text that are made from the code, by their makers' names."""
    return {name: part for _, name, part, _ in _MADE.findall(text)}


def made_anew(text: str, makers: Mapping[str, Maker]) -> str:
    """The text with each such part made anew."""
    return _MADE.sub(lambda found: f"{found[1]}{makers[found[2]]()}{found[4]}", text)
