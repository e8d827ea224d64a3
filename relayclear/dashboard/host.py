"""What panels, acts and the palette may ask of the screen that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from textual.app import App
from textual.screen import Screen

from relayclear.dashboard.actions import Action
from relayclear.dashboard.reader import Reader
from relayclear.usecases.desk import Desk


@dataclass(frozen=True, slots=True)
class Start:
    """How the screen begins: armed or not, who acts, the operator's keys, the theme, in field terms or plain words.

    What was last seen longer than `stale_after` ago says nothing of now.
    """

    armed: bool = False
    who: str = "operator"
    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""
    expert: bool = True
    stale_after: timedelta = timedelta(minutes=3)


class Host(App[None]):
    """The screen as its parts see it.

    `desk` may act, in the app's own loop; `reader` only reads, in its thread.  `as_of` is the time looked at, None
    for now.
    """

    desk: Desk
    start: Start
    reader: Reader
    as_of: datetime | None = None
    expert: bool = True

    @property
    def base(self) -> Screen[object]:
        """The screen below all dialogs."""
        return self.screen_stack[0]

    @property
    def shown_at(self) -> datetime:
        """The moment that is shown: how old things are counts to it."""
        return self.as_of or self.desk.clock.now()

    def nudge(self) -> None:
        """Read at once, whether or not something was written."""
        raise NotImplementedError

    def possible(self) -> list[Action]:
        """The actions that can be done now."""
        raise NotImplementedError

    async def open_view(self, name: str) -> None:
        """Show a view."""
        raise NotImplementedError

    async def action_press(self, name: str) -> None:
        """What the key of an action does."""
        raise NotImplementedError
