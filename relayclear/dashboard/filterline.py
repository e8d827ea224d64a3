"""The line that a filter is typed into: what fits is shown while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.markup import escape
from textual.binding import Binding, BindingType
from textual.widgets import Input

from relayclear.dashboard.panel import Panel

_KEYS = "[bold]enter[/] keep  [bold]esc[/] clear    terms are joined by and, ! turns one round, * stands for anything"


class FilterLine(Input):
    """One line, only there while a filter is typed.  `said` is the line of keys, or why the filter can't be read.

    `narrowed` is called after each change, `left` when the keys have to go back to the panel.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "clear", show=False)]

    def __init__(self, narrowed: Callable[[], None], left: Callable[[], None]) -> None:
        super().__init__(
            id="filterline", placeholder="chain:osmosis-1 age:>30m class:stuck !wallet:…", select_on_focus=False
        )
        self._narrowed, self._left = narrowed, left
        self.can_focus = False
        self._panel: Panel | None = None
        self.said = ""

    @property
    def panel(self) -> Panel | None:
        """The panel whose rows it narrows, None while it is closed."""
        return self._panel

    def begin(self, panel: Panel) -> None:
        """Open it with the filter that the panel has."""
        self._panel, self.said = panel, _KEYS
        self.value = panel.filter_text or ""
        self.cursor_position = len(self.value)
        self.can_focus = True
        self.add_class("-shown")
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow at once; what can't be read yet says why, and the filter before it stays."""
        event.stop()
        if self._panel is None:
            return
        try:
            self._panel.narrow(event.value)
        except ValueError as error:
            self.said = f"[bold]✗[/] {escape(str(error))}"
        else:
            self.said = _KEYS
        self._narrowed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was typed last and could be read."""
        event.stop()
        self._leave()

    def on_blur(self) -> None:
        """Another widget has the keys: what was typed is kept."""
        self._close()

    def action_drop(self) -> None:
        """No filter, and the keys back."""
        if self._panel is not None:
            self._panel.narrow("")
            self._narrowed()
        self._leave()

    def _leave(self) -> None:
        self._close()
        self._left()

    def _close(self) -> None:
        self._panel = None
        # A terminal that comes back to the front gives the keys to whom they were taken from: not to a closed line.
        self.can_focus = False
        self.remove_class("-shown")
