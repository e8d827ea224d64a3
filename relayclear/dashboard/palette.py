"""The palette of the possible: what can be done now, by name, each with its key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from relayclear.dashboard.actions import VIEWS, Action, shown_key
from relayclear.dashboard.host import Host


class _Line(NamedTuple):
    text: str
    action: Action


class Palette(CommandPalette):
    """Textual's palette, which ends with a page key while its list isn't drawn yet, and with a second enter."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close it, unless it is closed."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Possible(Provider):
    """Only what makes sense now: an act that can't be done isn't offered, and its key says why."""

    @property
    def _dashboard(self) -> Host:
        return self.app  # type: ignore[return-value]  # it is the only app that names this provider

    def _lines(self) -> Iterator[_Line]:
        dashboard = self._dashboard
        for action in dashboard.possible():
            key = shown_key(dashboard.start.keys.get(action.name, action.key))
            area = "view" if action.name.removeprefix("view_") in VIEWS else action.danger.value
            yield _Line(f"{area}: {action.label}" + (f"  ({key})" if key else ""), action)

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for line in self._lines():
            yield DiscoveryHit(
                line.text, partial(self._dashboard.action_press, line.action.name), help=line.action.tells
            )

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """Those that what was typed fits."""
        matcher = self.matcher(query)
        for line in self._lines():
            score = max(matcher.match(line.text), matcher.match(line.action.tells))
            if score > 0:
                press = partial(self._dashboard.action_press, line.action.name)
                yield Hit(score, matcher.highlight(line.text), press, help=line.action.tells)
