"""A line of text that is drawn only when it changes: an idle screen draws nothing."""

from __future__ import annotations

from textual.widgets import Static


class Line(Static):
    """One line, or a few.  `said` is what stands there."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, markup: bool = False) -> None:  # noqa: A002 - Textual's own word
        super().__init__("", id=id, classes=classes, markup=markup)
        self.said = ""

    def say(self, words: str) -> None:
        """Show these words, if they are others than before."""
        if words != self.said:
            self.said = words
            # To lay the whole screen out anew for an age that counts up would cost most of what idling costs.
            self.update(words, layout=self.styles.is_auto_height)
