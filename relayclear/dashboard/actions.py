"""The one table of what keys do.  Footer, help, palette, keymap file and docs are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relayclear.errors import UsageError
from relayclear.ibc.nearest import did_you_mean


class Danger(StrEnum):
    """What a key may cost: looking never asks, clearing spends gas and asks, money asks for the amount."""

    LOOKS = "looks"
    ACTS = "acts"
    SPENDS = "spends"
    PAYS = "pays"


@dataclass(frozen=True, slots=True)
class Context:
    """What decides whether an act is possible now.

    `view` is the open view; `wishes` are the acts that the cursor or the marks offer, each with why it
    can't be done now (None: it can); `live` is False while the past is shown.
    """

    view: str
    armed: bool
    live: bool
    wishes: Mapping[str, str | None] = field(default_factory=dict)


Reason = Callable[[Context], str | None]


def _always(_context: Context) -> str | None:
    return None


def _acting(name: str, nothing: str) -> Reason:
    """Why an act isn't possible: not armed, in the past, nothing chosen, or what the chosen row says."""

    def reason(context: Context) -> str | None:
        """The first of the reasons, in the order in which a person would lift them."""
        if not context.armed:
            return "this screen only looks: start it with relayclear dashboard --act"
        if not context.live:
            return "the past can't be changed: = goes back to now"
        return context.wishes.get(name, nothing)

    return reason


@dataclass(frozen=True, slots=True)
class Action:
    """One key.  `name` is the id in a keymap; `views` where it means something, empty for everywhere.

    `why_not` answers why it can't be done now, None where it can; `footer` whether it stands in the
    footer (eight fit).
    """

    name: str
    key: str
    label: str
    tells: str
    danger: Danger = Danger.LOOKS
    views: frozenset[str] = frozenset()
    footer: bool = False
    why_not: Reason = _always

    def means_something(self, view: str) -> bool:
        """Whether the key does anything in that view."""
        return not self.views or view in self.views


VIEWS = {
    "overview": "Overview",
    "packets": "Packets",
    "operations": "Operations",
    "sales": "Payments",
    "refunds": "Refunds",
    "health": "Health",
}
"""The views by name, in the order of their number keys."""

_LISTS = frozenset(VIEWS)
_PACKETS = frozenset({"packets", "overview"})


def _looking() -> Iterable[Action]:
    """What lower-case keys do."""
    for number, (name, label) in enumerate(VIEWS.items(), 1):
        yield Action(f"view_{name}", str(number), label, f"the view {label.lower()}")
    yield Action("down", "j,down", "down", "the next row")
    yield Action("up", "k,up", "up", "the row before")
    yield Action("page_down", "pagedown", "page down", "as many rows on as are in sight")
    yield Action("page_up", "pageup", "page up", "as many rows back as are in sight")
    yield Action("top", "g,home", "top", "the first row")
    yield Action("bottom", "G,end", "end", "the last row")
    yield Action("next_panel", "tab", "panel", "the next panel of this view")
    yield Action("open", "enter", "open", "everything about the row under the cursor", footer=True)
    yield Action("back", "escape", "back", "one step back: close what is open, drop the filter, the marks")
    yield Action("filter", "slash", "filter", "show some rows only, as --filter does", footer=True)
    yield Action("mark", "space", "mark", "mark the row, to act on several", views=_PACKETS, footer=True)
    yield Action("sort", "s", "sort", "order by the next column; again from the first after the last")
    yield Action("turn", "o", "turn order", "the same order, the other way round")
    yield Action("pause", "p", "pause", "hold the screen still; the data goes on")
    yield Action("copy", "y", "copy", "copy the id, hash or command of the row", footer=True)
    yield Action("refresh", "r", "refresh", "read the database now")
    yield Action("past", "left_square_bracket", "earlier", "step to the change before, in the past")
    yield Action("later", "right_square_bracket", "later", "step to the change after")
    yield Action("now", "equals_sign", "now", "back to the present")
    yield Action("charts", "v", "charts", "the same as pictures over time")
    yield Action("explain", "f2", "plain words", "between field terms and plain words with an explanation")
    yield Action("glossary", "f1", "glossary", "what the words mean")
    yield Action("theme", "t", "theme", "the next colours: dark, light, 16 colours")
    yield Action("help", "question_mark", "help", "the keys and words of this panel", footer=True)
    yield Action("palette", "ctrl+p", "palette", "everything that can be done now, by name")
    yield Action("quit", "q", "quit", "leave; what was asked for goes on in watch", footer=True)


def _handling() -> Iterable[Action]:
    """What capital keys do with packets."""
    yield Action(
        "clear",
        "C",
        "clear",
        "clear the marked packets, else the one under the cursor",
        Danger.SPENDS,
        _PACKETS,
        footer=True,
        why_not=_acting("clear", "no packet is chosen: mark some in Packets (2)"),
    )
    yield Action(
        "quote",
        "N",
        "new quote",
        "sell the clearing of the marked packets: price, memo, what to pay",
        Danger.ACTS,
        _PACKETS | {"sales"},
        footer=True,
        why_not=_acting("quote", "no packet is chosen: mark some in Packets (2)"),
    )
    yield Action(
        "mute",
        "M",
        "mute",
        "stop showing the packet until it changes, or show it again",
        Danger.ACTS,
        _PACKETS,
        why_not=_acting("mute", "no packet is chosen"),
    )


def _deciding() -> Iterable[Action]:
    """What capital keys decide about work, money and breakers."""
    yield Action(
        "refund",
        "R",
        "refund",
        "approve the refund, to be sent by watch",
        Danger.PAYS,
        frozenset({"refunds"}),
        footer=True,
        why_not=_acting("refund", "no refund is under the cursor"),
    )
    yield Action(
        "cancel",
        "X",
        "cancel",
        "call the operation off, or take a request back",
        Danger.ACTS,
        frozenset({"operations", "overview"}),
        footer=True,
        why_not=_acting("cancel", "no operation is under the cursor"),
    )
    yield Action(
        "retry",
        "A",
        "again",
        "try a dead letter again",
        Danger.ACTS,
        frozenset({"operations"}),
        why_not=_acting("retry", "no dead letter is under the cursor"),
    )
    yield Action(
        "reset",
        "B",
        "reset breaker",
        "close the breaker now, without waiting for its probe",
        Danger.ACTS,
        frozenset({"health", "overview"}),
        footer=True,
        why_not=_acting("reset", "no breaker is under the cursor"),
    )


ACTIONS: Mapping[str, Action] = {action.name: action for action in (*_looking(), *_handling(), *_deciding())}
"""All actions by name."""

FOOTER_KEYS, FOOTER_CELLS = 8, 78
_ALWAYS = frozenset({"help", "quit"})


def footer(view: str) -> list[Action]:
    """What the footer of a view shows: at most eight keys, as many as 80 cells hold, those that act first.

    The way out and the help, where all the others stand, are never left out.
    """
    known = [action for action in ACTIONS.values() if action.footer and action.means_something(view)]
    shown = sorted(known, key=lambda action: action.danger is Danger.LOOKS)
    while len(shown) > FOOTER_KEYS or _cells(shown) > FOOTER_CELLS:
        shown.remove(next(action for action in reversed(shown) if action.name not in _ALWAYS))
    return shown


def _cells(actions: list[Action]) -> int:
    return sum(len(shown_key(action.key)) + 1 + len(action.label) + 2 for action in actions) - 2


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """The operator's own keys by action, checked; an empty key takes an action's keys away.

    Raises UsageError for an action that doesn't exist, and for a key that two actions of one view would share.
    """
    for name in chosen:
        if name not in ACTIONS:
            meant = did_you_mean(name, ACTIONS)
            raise UsageError(f"no action {name!r} can be given a key{meant}", hint="relayclear help dashboard")
    keys = {name: chosen.get(name, action.key) for name, action in ACTIONS.items()}
    for first, second, key in clashes(keys):
        raise UsageError(f"the key {key} would be both {first} and {second}", hint="relayclear help dashboard")
    return dict(chosen)


def clashes(keys: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Pairs of actions that share a key in some view, with that key."""
    found = []
    actions = list(ACTIONS.values())
    for number, first in enumerate(actions):
        for second in actions[number + 1 :]:
            together = any(first.means_something(view) and second.means_something(view) for view in VIEWS)
            shared = set(_split(keys[first.name])) & set(_split(keys[second.name]))
            found += [(first.name, second.name, key) for key in sorted(shared) if together]
    return found


def _split(keys: str) -> list[str]:
    return [key for key in keys.split(",") if key]


_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
    "escape": "esc",
    "down": "↓",
    "up": "↑",
}


def shown_key(keys: str) -> str:
    """A key as a person reads it: the first one where there are several."""
    first = keys.partition(",")[0]
    return _SHOWN.get(first, first.upper() if first.startswith("f") and first[1:].isdigit() else first)
