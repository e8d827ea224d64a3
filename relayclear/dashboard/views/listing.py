"""What the lists of operations and sales have in common: a summary, a page of rows, and times that count on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from relayclear.dashboard.live import LivePage, Told
from relayclear.dashboard.panel import TablePanel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Trouble
from relayclear.errors import RelayclearError
from relayclear.wording import age

# What stands in the database is true until something is written, however long nobody writes.
FOR_EVER = timedelta(days=36500)


class Listed(NamedTuple):
    """A page of rows; `more`: there are older ones; `past`: they are shown as they were."""

    rows: Sequence[Any]
    more: bool
    past: bool


def listed(shelf: Shelf, rows: Sequence[Any], what: str, *, more: bool = False) -> Found[Listed]:
    """Rows that the database tells by itself: no node had to be asked for them."""
    now = shelf.as_of or shelf.desk.clock.now()
    return Found(Listed(rows, more, shelf.as_of is not None), now, what, stale_after=FOR_EVER)


class ListPanel(TablePanel):
    """A table of rows with an `id` or a `key`; its first line sums them up."""

    now = datetime.fromtimestamp(0, UTC)
    past = False
    _waiting: Mapping[Hashable, str] = {}

    def key(self, row: Any) -> Any:
        """Its key, else its id."""
        return row.key if hasattr(row, "key") else row.id

    def told(self, rows: Sequence[Any]) -> str:
        """The rows in a line; what was looked at where there are none."""
        raise NotImplementedError

    def show(self, value: Listed) -> None:
        """Show them."""
        self.past = value.past
        self.border_subtitle = f"the newest {len(value.rows)}" if value.more else ""
        super().show(value.rows)

    def empty(self) -> str:
        """The summary: whether there are rows or not."""
        return "" if self.found is None else self.told(self.table.rows)

    def take(self, answer: Found[Any] | Trouble, now: datetime) -> None:
        """Times are told as of now."""
        self.now = self.host.as_of or now
        super().take(answer, now)

    def tell(self, now: datetime) -> None:
        """Draw rows again only where something counted on."""
        self.now = self.host.as_of or now
        super().tell(now)
        self.table.tick()

    def ago(self, at: datetime) -> str:
        """How long before now."""
        return age(max(0, int((self.now - at).total_seconds())))

    # What was asked for

    def requested(self, waiting: Mapping[Hashable, str]) -> None:
        """Rows for which something was asked say so at once."""
        if waiting != self._waiting:
            self._waiting = waiting
            self.table.refresh()

    def asked_for(self, subject: Hashable) -> str | None:
        """How far the request about a row is, None where there is none."""
        return self._waiting.get(subject)

    async def open_live(self, title: str, reading: Callable[[Shelf], Told]) -> None:
        """Open a page that stays true while it is open."""
        host = self.host
        try:
            first = await host.reader.ask(reading, host.as_of)
        except RelayclearError as error:
            self.notify(error.message, severity="error")
            return
        await host.push_screen(LivePage(title, reading, host.shown_at, first))
