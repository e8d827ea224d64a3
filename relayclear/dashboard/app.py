"""The screen: views, keys, the round of reading, the past, and what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher
from textual.worker import WorkerFailed

from relayclear.dashboard import themes
from relayclear.dashboard.actions import ACTIONS, Action, Context, footer, keymap, shown_key
from relayclear.dashboard.acts import Acts
from relayclear.dashboard.filterline import FilterLine
from relayclear.dashboard.host import Start
from relayclear.dashboard.lines import Line
from relayclear.dashboard.live import live_screens
from relayclear.dashboard.looking import Looking
from relayclear.dashboard.palette import Palette, Possible
from relayclear.dashboard.panel import Panel
from relayclear.dashboard.reader import Reader
from relayclear.dashboard.states import Found, Trouble
from relayclear.dashboard.top import read_top, tabs, top_line
from relayclear.dashboard.view import View
from relayclear.dashboard.views import view_class
from relayclear.usecases.desk import Desk
from relayclear.wording import moment

NEEDS = (80, 24)
ROUND_SECONDS = 1.0


class Dashboard(Looking):
    """The screen over one desk.  It reads in a thread of its own, and acts through requests."""

    CSS_PATH = Path(__file__).with_name("relayclear.tcss")
    TITLE = "relayclear"
    COMMANDS: ClassVar[set[Any]] = {Possible}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.key, f"press('{name}')", action.label, id=name, show=False, priority=name == "next_panel")
        for name, action in ACTIONS.items()
        if name != "palette"
    ]
    COMMAND_PALETTE_BINDING = ACTIONS["palette"].key

    def __init__(self, desk: Desk, start: Start) -> None:
        super().__init__()
        self.desk, self.start = desk, start
        self.expert = start.expert
        self.paused = self.leaving = False
        self.reader = Reader(desk, start.stale_after)
        self.acts = Acts(self)
        self.top: Found[Any] | Trouble | None = None
        self._seen: object = None
        self._nudge = asyncio.Event()
        self._rounds = 0
        self._held = asyncio.Condition()
        # Textual leaves an action its key where the new one is empty: a key that no terminal has takes it away.
        self.set_keymap({name: key or f"no_key_{name}" for name, key in keymap(start.keys).items()})

    # The frame

    def compose(self) -> ComposeResult:
        """Head, banner, views, explanation, keys."""
        yield Line(id="top")
        yield Line(id="tabs", markup=True)
        yield Line(id="banner")
        with ContentSwitcher(id="views", initial="overview"):
            yield view_class("overview")(id="overview")
        yield Line(id="explain")
        yield FilterLine(self.nudge, self.focus_view)
        yield Line(id="keys", markup=True)
        yield Line(id="small")

    def on_mount(self) -> None:
        """Begin to read; what is slow comes after the first frame."""
        for theme in themes.OURS:
            self.register_theme(theme)
        self.theme, said = themes.chosen(self.start.theme)
        if said:
            self.notify(said, severity="warning")
        self.focus_view()
        self.frame()
        self.follow()

    async def on_unmount(self) -> None:
        """Let the thread go, and what works in the background."""
        self.acts.close()
        await self.reader.close()

    def on_resize(self, event: events.Resize) -> None:
        """Too small a terminal is told what is needed, and nothing is lost."""
        small = event.size.width < NEEDS[0] or event.size.height < NEEDS[1]
        self.screen_stack[0].set_class(small, "-small")
        if small:
            words = f"relayclear needs {NEEDS[0]}x{NEEDS[1]};\nthis is {event.size.width}x{event.size.height}."
            self.screen_stack[0].query_one("#small", Line).say(words)

    async def on_event(self, event: events.Event) -> None:
        """Keys typed while it is being left find no screen any more."""
        if self._screen_stack or not isinstance(event, events.Key):
            await super().on_event(event)

    @property
    def broken(self) -> BaseException | None:
        """The mistake of ours that ended the screen, for whoever started it to report; None for none."""
        # Textual wraps what a worker fails of, without the lines that it failed at.
        return self._exception.error if isinstance(self._exception, WorkerFailed) else self._exception

    def _fatal_error(self) -> None:
        # Textual would print a traceback; the terminal is given back whole, and a report is written instead.
        self._close_messages_no_wait()

    # The views

    @property
    def view(self) -> View:
        """The open view."""
        switcher = self.base.query_one("#views", ContentSwitcher)
        return self.base.query_one(f"#{switcher.current}", View)

    @property
    def panel(self) -> Panel:
        """The panel that the keys go to: the focused one, else the view's first."""
        focused = self.screen_stack[0].focused
        inside = (
            None
            if focused is None
            else next((one for one in focused.ancestors_with_self if isinstance(one, Panel)), None)
        )
        shown = self.view.all_panels
        return inside if inside in shown else shown[0]

    async def open_view(self, name: str) -> None:
        """Show a view, and read what it shows; it is made when it is shown first."""
        switcher = self.base.query_one("#views", ContentSwitcher)
        if not switcher.query(f"#{name}"):
            view = view_class(name)(id=name)
            await switcher.add_content(view, id=name)
            for panel in view.all_panels:
                panel.speak(expert=self.expert)
        switcher.current = name
        self.focus_view()
        self.frame()
        self.nudge()

    def focus_view(self) -> None:
        """The keys go to the view's first panel."""
        for widget in self.view.key_takers()[:1]:
            widget.focus()

    def context(self) -> Context:
        """What decides whether an act is possible now."""
        return Context(self.view.kind, self.start.armed, self.as_of is None, self.panel.wishes())

    def on_panel_changed(self) -> None:
        """Other acts may be possible now."""
        self.frame()

    def on_descendant_focus(self) -> None:
        """Another panel has the keys."""
        self.frame()

    def frame(self) -> None:
        """Draw what stands around the panels: head, banner, explanation, keys."""
        if not self.is_running or not self.base.query("#keys"):
            return
        now = self.desk.clock.now()
        self.base.query_one("#top", Line).say(top_line(self.top, now, armed=self.start.armed))
        self.base.query_one("#tabs", Line).say(tabs(self.view.kind))
        self._banner()
        explain = self.base.query_one("#explain", Line)
        explain.set_class(not self.expert, "-shown")
        if not self.expert:
            explain.say(self.panel.explained())
        self.base.query_one("#keys", Line).say(self._footer())

    def _banner(self) -> None:
        banner = self.base.query_one("#banner", Line)
        words = ""
        if self.as_of is not None:
            words = f"THE PAST: {moment(self.as_of)}    [ earlier   ] later   = now    acting is off"
        elif self.paused:
            words = "PAUSED: the screen holds still, the data goes on    p to go on"
        banner.set_class(bool(words), "-shown")
        banner.say(words)

    def _footer(self) -> str:
        typed = self.base.query_one(FilterLine)
        if typed.panel is not None:
            return typed.said
        context = self.context()
        parts = []
        for action in footer(context.view):
            key = self.start.keys.get(action.name, action.key)
            if key:
                style = "dim" if action.why_not(context) else "bold"
                shown = shown_key(key).replace("[", "\\[")
                parts.append(f"[@click=app.press('{action.name}')][{style}]{shown}[/] {action.label}[/]")
        return "  ".join(parts)

    # Reading

    def nudge(self) -> None:
        """Read at once, whether or not something was written."""
        self._seen = None
        self._nudge.set()

    @work(exclusive=True, group="follow")
    async def follow(self) -> None:
        """Round after round: look whether something was written, and only then read what is in sight."""
        while True:
            try:
                await self._round()
            except Exception:
                # It is being left: screens and widgets go one after the other, and none of them is missed.  Looking
                # before each step whether they are still there would not do: they go while a step waits.
                if self._exit or not self.is_running:
                    return
                raise
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), ROUND_SECONDS)
            self._nudge.clear()

    async def _round(self) -> None:
        version = await self.reader.version()
        if version != self._seen and not self.paused:
            self._seen = version
            await self._read()
        if not self.paused:
            now = self.shown_at
            for panel in self.view.all_panels:
                panel.tell(now)
            for screen in live_screens(self.screen_stack).values():
                screen.show_now(now)
            self.frame()
        if await self.view.complete():
            self.nudge()
        if self.leaving and not self.acts.busy:
            await self.action_quit()
        async with self._held:
            self._rounds += 1
            self._held.notify_all()

    async def _read(self) -> None:
        panels = {str(panel.id): panel for panel in self.view.all_panels} | live_screens(self.screen_stack)
        looks = {"top": read_top, **{name: panel.look for name, panel in panels.items()}, "acts": self.acts.look}
        answers = await self.reader.read(looks, self.as_of)
        now = self.shown_at
        self.top = answers.pop("top")
        self.acts.take(answers.pop("acts"), self.top)
        for name, answer in answers.items():
            if panels[name].is_attached:
                panels[name].take(answer, now)

    async def settled(self, rounds: int = 1) -> None:
        """Wait for so many whole rounds that begin after this call: what was written before it is shown then."""
        async with self._held:
            until = self._rounds + rounds + 1
            while self._rounds < until and self.broken is None:
                self.nudge()
                await self._held.wait()

    # Keys

    async def action_press(self, name: str) -> None:
        """What a key does: the panel's way of it, else the view's, else the screen's own."""
        if name == "next_panel" and self.screen is not self.base:
            # Its key is looked at before a dialog's own keys are: there it goes from field to field.
            self.screen.focus_next()
            return
        action = ACTIONS[name]
        context = self.context()
        if not action.means_something(context.view):
            return
        why = action.why_not(context)
        if why is not None:
            self.notify(f"{action.label}: {why}", severity="warning", timeout=6)
            return
        found = self._doing(name)
        answer = found()
        if asyncio.iscoroutine(answer):
            await answer
        self.frame()

    def _doing(self, name: str) -> Callable[[], Any]:
        for owner in (self.panel, self.view, self):
            found: Callable[[], Any] | None = getattr(owner, f"do_{name}", None)
            if found is not None:
                return found
        if name.startswith("view_"):
            return lambda: self.open_view(name.removeprefix("view_"))
        if ACTIONS[name].danger.value != "looks":
            return lambda: self.acts.begin(name, self.panel)
        return lambda: self.notify(f"{ACTIONS[name].label}: nothing to do in this panel")

    def possible(self) -> list[Action]:
        """The actions that can be done now, for the palette."""
        context = self.context()
        return [one for one in ACTIONS.values() if one.means_something(context.view) and one.why_not(context) is None]

    def action_command_palette(self) -> None:
        """Everything that can be done now, by name."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def do_next_panel(self) -> None:
        """The keys go to the next panel of the view."""
        widgets = self.view.key_takers()
        focused = self.screen_stack[0].focused
        at = widgets.index(focused) if focused in widgets else -1
        if widgets:
            widgets[(at + 1) % len(widgets)].focus()

    def action_help_quit(self) -> None:
        """Ctrl-C leaves as everywhere else; Textual would name a key of its own instead."""
        self.call_later(self.do_quit)

    async def do_quit(self) -> None:
        """Leave; what this very screen carries out is let end first, unless somebody presses the key again."""
        if self.acts.busy and not self.leaving:
            self.leaving = True
            self.acts.begin_no_more()
            words = "this screen carries out what was asked for: it leaves when that is done. q again cuts it short."
            self.notify(words, severity="warning", timeout=30)
            return
        await self.action_quit()

    def do_filter(self) -> None:
        """Type what the panel is to show."""
        if self.panel.filter_text is None:
            self.notify(f"{self.panel.title} always shows all: packets can be filtered (2).", severity="warning")
            return
        self.base.query_one(FilterLine).begin(self.panel)

    def do_back(self) -> None:
        """Nothing is open: the filter goes, then the marks."""
        if self.panel.step_back():
            self.nudge()
