"""Colours: dark, light, and the sixteen that every terminal has."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="relayclear-dark",
    primary="#7aa2f7",
    secondary="#9d7cd8",
    accent="#e0af68",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c8d3f5",
    background="#16161e",
    surface="#1a1b26",
    panel="#24283b",
    dark=True,
)
LIGHT = Theme(
    name="relayclear-light",
    primary="#2959aa",
    secondary="#6c4fb0",
    accent="#8f5e15",
    warning="#8a5a00",
    error="#b3223b",
    success="#33691e",
    foreground="#1f2335",
    background="#fafafa",
    surface="#f2f3f7",
    panel="#e4e6ee",
    dark=False,
)
OURS = (DARK, LIGHT)
NAMES = (DARK.name, LIGHT.name, "ansi-dark", "ansi-light")
"""In the order in which the key goes through them; the last two use the terminal's own sixteen colours."""


def chosen(name: str) -> tuple[str, str | None]:
    """The theme of that name, and what to tell where there is none: the default then.

    Also ``dark``, ``light`` and ``terminal`` for short.
    """
    short = {"": DARK.name, "dark": DARK.name, "light": LIGHT.name, "terminal": "ansi-dark"}
    found = short.get(name, name)
    if found in NAMES:
        return found, None
    return DARK.name, f"no theme {name!r}: {', '.join(NAMES)}"


def after(name: str) -> str:
    """The theme that comes next."""
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)] if name in NAMES else NAMES[0]
