"""Dialogs: they show what is about to happen, and rest on Cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

T = TypeVar("T")


class Leaving(ModalScreen[T]):
    """A screen above the others that closes once: Textual would close the one below it for a second key."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close it, unless it is closed."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Dialog(Leaving[T]):
    """A box over the screen; esc closes it with nothing done."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "close", show=False)]

    def action_leave(self) -> None:
        """Close it; nothing is done."""
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """Shows a plan and asks.  `amount` has to be typed where money goes out; None asks for y.

    With `reason` a line lets somebody say why; `said` is what was typed there, empty for nothing.

    Answers True for yes alone: esc, n, Cancel and enter on Cancel all do nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "leave", "no", show=False),
        Binding("y", "yes", "yes", show=False),
        Binding("left,right", "app.focus_next", "other button", show=False),
    ]

    def __init__(self, title: str, yes: str, *, amount: str | None = None, reason: bool = False) -> None:
        super().__init__(classes="-danger" if amount else "")
        self._title, self._yes, self._amount, self._reason = title, yes, amount, reason
        self.said = ""
        self._lines: Sequence[str] | None = None

    def compose(self) -> ComposeResult:
        """Title, plan, the field for the amount, the buttons."""
        with Vertical():
            yield Static(self._title, classes="title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static("reading the chains …", id="plan", markup=False)
            if self._amount:
                yield Static(f"Type {self._amount} to send it (tab goes to the line):", markup=False)
                yield Input(placeholder=self._amount, id="amount")
            if self._reason:
                yield Input(placeholder="why? tab goes here; it is kept with it", id="reason")
            with Horizontal(classes="buttons"):
                yield Button("Cancel (n)", id="no")
                yield Button(f"{self._yes} (y)" if not self._amount else self._yes, id="yes", disabled=True)

    def on_mount(self) -> None:
        """Whoever presses enter without reading does nothing."""
        # Closed again before it was built, it has no buttons.
        for button in self.query("#no").results(Button):
            button.focus()
        self._show_plan()

    def plan(self, lines: Sequence[str], *, possible: bool) -> None:
        """Show the plan; only now may somebody say yes, and only to a plan that can be carried out."""
        self._lines, self._possible = lines, possible
        self._show_plan()

    def _show_plan(self) -> None:
        """What is known of the plan: it may be read before the dialog is built, and after it was closed."""
        if self._lines is not None and self.query("#plan") and self.query("#yes"):
            self.query_one("#plan", Static).update("\n".join(self._lines))
            self.query_one("#yes", Button).disabled = not self._possible or self._amount is not None

    @property
    def _can_be_said(self) -> bool:
        return any(not button.disabled for button in self.query("#yes").results(Button))

    _possible = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """The very amount opens the button; a reason opens nothing."""
        if event.input.id == "reason":
            self.said = event.value.strip()
            return
        self.query_one("#yes", Button).disabled = not (self._possible and event.value.strip() == self._amount)

    def on_input_submitted(self) -> None:
        """Enter after the right amount, or after a reason, is a yes; after another amount it is nothing."""
        if self._can_be_said:
            self.dismiss(result=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button says yes or no."""
        self.dismiss(result=event.button.id == "yes")

    def action_yes(self) -> None:
        """The letter counts where no amount has to be typed."""
        if self._amount is None and self._can_be_said:
            self.dismiss(result=True)


class Page(Leaving[None]):
    """A text over the whole screen: help, glossary, everything about one row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("g,home", "edge(False)", "top", show=False),
        Binding("G,end", "edge(True)", "end", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, title: str, text: str, *, keys: str = "esc back   j/k scroll   y copy") -> None:
        super().__init__()
        self._title, self._text, self._keys = title, text, keys

    def compose(self) -> ComposeResult:
        """The text, which scrolls, and the keys."""
        with VerticalScroll() as scroll:
            scroll.border_title = self._title
            yield Static(self._text, id="text", markup=False)
        yield Static(self._keys, classes="pagekeys", markup=False)

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text

    def tell(self, text: str) -> None:
        """Show another text, at the same place."""
        if text != self._text:
            self._text = text
            self.query_one("#text", Static).update(text)

    def action_leave(self) -> None:
        """Back to the screen below."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_edge(self, end: bool) -> None:  # noqa: FBT001 - an action's argument
        """To the first or the last line."""
        scroll = self.query_one(VerticalScroll)
        (scroll.scroll_end if end else scroll.scroll_home)(animate=False)

    def action_copy(self) -> None:
        """The whole text to the terminal's clipboard."""
        self.app.copy_to_clipboard(self._text)
        self.notify("Copied, if your terminal allows it: else mark it with the mouse and shift.")
