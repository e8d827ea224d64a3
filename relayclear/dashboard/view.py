"""A view: some panels that are seen together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from relayclear.dashboard.panel import Panel


class View(Vertical):
    """Panels below each other.  `kind` is its name in the table of actions."""

    kind: ClassVar[str]
    panels: ClassVar[Sequence[type[Panel]]]

    def compose(self) -> ComposeResult:
        """The panels."""
        for panel in self.panels:
            yield panel(id=f"{self.kind}-{panel.__name__.lower()}")

    @property
    def all_panels(self) -> list[Panel]:
        """Its panels, in their order."""
        return list(self.query(Panel))

    async def complete(self) -> bool:
        """Add what the first frame does without, after it; whether there was anything, which has to be read then."""
        return False

    def key_takers(self) -> list[Widget]:
        """What of each panel takes the keys, in order."""
        found = []
        for panel in self.all_panels:
            inner = next((widget for widget in panel.query("*") if widget.can_focus and widget.display), None)
            if inner is not None and panel.display:
                found.append(inner)
        return found
