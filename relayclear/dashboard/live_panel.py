"""Panels of how things are now: rows that are read anew, ages that go on; of the past nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.folding import FoldPanel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found
from relayclear.wording import age


class HealthRow(NamedTuple):
    """One line of the panel: a finding, or a work with whether it can be done."""

    name: str
    cell: Cell
    words: str
    help: str


class LivePanel(FoldPanel):
    """A table of how things are now: of the past nothing of it is kept."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._known: Sequence[Any] = ()
        self.columns = self.placing()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def placing(self) -> Sequence[Column[Any]]:
        """Its columns."""
        raise NotImplementedError

    def rows(self, shelf: Shelf) -> Sequence[Any]:
        """Read the rows, in the reader's thread."""
        raise NotImplementedError

    def look(self, shelf: Shelf) -> Found[Sequence[Any]]:
        """The rows as of now; the same object where they are the same."""
        found = () if shelf.as_of is not None else self.rows(shelf)
        self._known = self._known if found == self._known else found
        return Found(self._known, shelf.desk.clock.now(), stale_after=shelf.stale_after)

    def now(self) -> datetime:
        """The time that ages count to."""
        return self.host.desk.clock.now()

    def old(self, at: datetime | None) -> str:
        """How long ago."""
        return "never" if at is None else age(max(0, int((self.now() - at).total_seconds())))

    def empty(self) -> str:
        """The same words as folded."""
        return self.summary()

    async def page(self, title: str, text: str) -> None:
        """Open a text."""
        await self.app.push_screen(Page(title, text))
