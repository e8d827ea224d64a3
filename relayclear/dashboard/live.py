"""Screens that stay true while they are open: they are read with the panels, in the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.panel import Copyable
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Trouble


class Living:
    """What a screen has to be for that."""

    def look(self, shelf: Shelf) -> Found[Any]:
        """Read what it shows; in the reader's thread, no widget is touched."""
        raise NotImplementedError

    def take(self, answer: Found[Any] | Trouble, now: datetime) -> None:
        """Take an answer; what was good stays where the next can't be read."""
        raise NotImplementedError

    def show_now(self, now: datetime) -> None:
        """Show it as of now: what counts down goes on counting."""
        raise NotImplementedError


class Told(NamedTuple):
    """What a page shows: its text, which may count to a moment (`now`), and what `y` copies (None: the whole text)."""

    text: Callable[[datetime], str]
    copied: Copyable | None = None


class LivePage(Living, Page):
    """A page whose text is made of what is read anew whenever something was written."""

    def __init__(self, title: str, reading: Callable[[Shelf], Told], now: datetime, first: Told) -> None:
        super().__init__(title, first.text(now))
        self._reading = reading
        self._told = first
        self._trouble: Trouble | None = None

    def look(self, shelf: Shelf) -> Found[Told]:
        """Read what it shows; in the reader's thread."""
        return Found(self._reading(shelf), None)

    def take(self, answer: Found[Any] | Trouble, now: datetime) -> None:
        """Take an answer; what was good stays where the next can't be read."""
        self._trouble = answer if isinstance(answer, Trouble) else None
        if not isinstance(answer, Trouble):
            self._told = answer.value
        self.show_now(now)

    def show_now(self, now: datetime) -> None:
        """Show it as of now: what counts down goes on counting."""
        text = self._told.text(now)
        if self._trouble is not None:
            text = f"✗ can't be read now: {self._trouble.message}; this is what was last read\n\n{text}"
        if self.query("#text"):
            self.tell(text)

    def action_copy(self) -> None:
        """What is worth copying of it, else the whole text."""
        if self._told.copied is None:
            super().action_copy()
            return
        self.app.copy_to_clipboard(self._told.copied.text)
        self.notify(f"Copied the {self._told.copied.what}, if your terminal allows it.")


def live_screens(stack: Sequence[object]) -> dict[str, Any]:
    """Those of the open screens that are read with the panels, by a name of their own."""
    return {f"screen {number}": one for number, one in enumerate(stack) if isinstance(one, Living)}
