"""What keys do that only look: pause, the past, colours, words, help, copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from relayclear.dashboard import themes
from relayclear.dashboard.actions import Context
from relayclear.dashboard.dialogs import Page
from relayclear.dashboard.host import Host
from relayclear.dashboard.panel import Copyable, Panel
from relayclear.dashboard.words import glossary_page, help_page
from relayclear.errors import RelayclearError
from relayclear.usecases.stepping import step


class Looking(Host):
    """A screen that can be looked at in many ways."""

    paused = False

    @property
    def panel(self) -> Panel:
        """The panel that the keys go to."""
        raise NotImplementedError

    def context(self) -> Context:
        """What decides whether an act is possible now."""
        raise NotImplementedError

    def do_pause(self) -> None:
        """Hold the screen still, or let it go on."""
        self.paused = not self.paused
        self.nudge()

    def do_refresh(self) -> None:
        """Read now, paused or not."""
        if self.paused:
            self.paused = False
        self.nudge()

    async def do_past(self) -> None:
        """Step to the change before."""
        await self._travel(-1)

    async def do_later(self) -> None:
        """Step to the change after; after the last one it is now."""
        if self.as_of is not None:
            await self._travel(1)

    def do_now(self) -> None:
        """Back to the present."""
        self.as_of = None
        self.nudge()

    async def _travel(self, way: Literal[-1, 1]) -> None:
        at = self.shown_at
        try:
            found = await self.reader.ask(lambda shelf: step(shelf.desk, at, way), None)
        except RelayclearError as error:
            self.notify(error.message, severity="error")
            return
        if found is None and way < 0:
            self.notify("That is the first thing that was ever seen.", severity="warning")
            return
        self.as_of = found
        self.nudge()

    def do_explain(self) -> None:
        """Between field terms and plain words."""
        self.expert = not self.expert
        for panel in self.base.query(Panel):
            panel.speak(expert=self.expert)

    def do_theme(self) -> None:
        """The next colours."""
        self.theme = themes.after(self.theme)
        self.notify(f"Colours: {self.theme}")

    def do_charts(self) -> None:
        """What was stuck, paid and cleared, as pictures."""
        # Late: the library that draws takes longer to load than all of the first frame.
        from relayclear.dashboard.charts import Charts  # noqa: PLC0415

        self.push_screen(Charts())

    def do_help(self) -> None:
        """The keys and words of this panel."""
        self.push_screen(Page(f"Help: {self.panel.title}", help_page(self.panel, self.context(), self.start.keys)))

    def do_glossary(self) -> None:
        """What the words mean."""
        self.push_screen(Page("Glossary", glossary_page()))

    def do_copy(self) -> None:
        """Offer what of the row is worth copying."""
        found: Sequence[Copyable] = self.panel.copies()
        if not found:
            self.notify("There is nothing to copy here.", severity="warning")
            return
        self.copy_to_clipboard(found[0].text)
        # The terminal answers nothing: the text is shown too, for a terminal that took none.
        text = "\n\n".join(f"{one.what}\n{one.text}" for one in found)
        self.push_screen(Page(f"Copied: {found[0].what} (if your terminal allows it)", text))
