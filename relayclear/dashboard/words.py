"""Help and glossary as text: from the table of actions and the glossary, so that they can't disagree with the keys."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from relayclear.dashboard.actions import ACTIONS, Action, Context, Danger, shown_key
from relayclear.wording.glossary import GLOSSARY

if TYPE_CHECKING:
    from relayclear.dashboard.panel import Panel

_WIDTH = 74
_KEY = 10

_STATES = (
    "✓ fresh        what you see is of a moment ago",
    "! stale        nobody looked for a while: it says since when",
    "✗ failed       it can't be read: why, what next; the last good rows stay",
    "○ never        nobody has ever looked: relayclear watch does",
    "… loading      the database is being read",
)


def help_page(panel: Panel, context: Context, keys: Mapping[str, str]) -> str:
    """The help of one panel: what it shows, its keys, the keys everywhere, its words."""
    known = [action for action in ACTIONS.values() if action.means_something(context.view)]
    looks = [action for action in known if action.danger is Danger.LOOKS]
    acts = [action for action in known if action.danger is not Danger.LOOKS]
    parts = [
        _filled(panel.tells),
        "Keys that act (capital, and they always ask)",
        *(_key_line(action, keys, action.why_not(context)) for action in acts),
        "" if acts else "  none in this view",
        "Keys that look",
        *(_key_line(action, keys, None) for action in looks),
        "",
        "How good what you see is",
        *(f"  {line}" for line in _STATES),
    ]
    if panel.terms:
        parts += ["", "Words of this panel", *_terms(panel.terms)]
    return "\n".join(parts)


def glossary_page() -> str:
    """All words."""
    return "\n".join(_terms(GLOSSARY))


def _key_line(action: Action, keys: Mapping[str, str], why_not: str | None) -> str:
    key = keys.get(action.name, action.key)
    line = f"  {shown_key(key) if key else '(none)':<{_KEY}}{action.tells}"
    return line if why_not is None else f"{line}\n  {'':<{_KEY}}not now: {why_not}"


def _terms(words: Iterable[str]) -> list[str]:
    return [f"{word}\n{_filled(GLOSSARY[word], '    ')}" for word in words]


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
