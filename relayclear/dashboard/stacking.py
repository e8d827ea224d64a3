"""Views of several tables: where the terminal is low, the one with the keys gets the room."""

from __future__ import annotations

from textual import events

from relayclear.dashboard.panel import Panel
from relayclear.dashboard.view import View

LOW = 28
"""Below so many lines there is no room for more than two tables."""

_CLOSED = 3
"""Border and first line: headings without a row under them would say nothing."""


class StackedView(View):
    """Tables below each other.  Where it is low those of `optional` show while they have something to tell.

    With more than two of them the one that has the keys is open, the others show their first lines: tab goes round.
    """

    @property
    def optional(self) -> list[Panel]:
        """The panels that may be left out where it is low."""
        return self.all_panels[2:]

    def on_resize(self, event: events.Resize) -> None:
        """Another height."""
        del event
        self.share_room()

    def on_panel_changed(self) -> None:
        """A panel may have something to tell now, or nothing any more."""
        self.share_room()

    def on_descendant_focus(self) -> None:
        """Another panel has the keys."""
        self.share_room()

    def share_room(self) -> None:
        """Give each panel its room."""
        if not self.is_attached or not self.size.height:
            return
        low = self.app.size.height < LOW
        optional = self.optional
        for panel in self.all_panels:
            panel.display = not low or panel not in optional or panel.speaks
        self._keep_focus()
        shown = [panel for panel in self.all_panels if panel.display]
        focused = next((panel for panel in shown if panel.has_focus_within), shown[0])
        # An empty table needs no room: its first line says all.
        opened = focused if focused.speaks else next((panel for panel in shown if panel.speaks), focused)
        crowded = low and len(shown) > 2  # noqa: PLR2004 - two fit
        for panel in shown:
            panel.styles.height = _CLOSED if crowded and panel is not opened else "1fr"

    def _keep_focus(self) -> None:
        """Keys never go to a panel that isn't there any more."""
        hidden = next((panel for panel in self.all_panels if not panel.display and panel.has_focus_within), None)
        if hidden is not None:
            for widget in self.key_takers()[:1]:
                widget.focus()
