"""The view of operations: what is under way or waits, what ended, what people asked for, what was given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from relayclear.clearing.request import OVER, RequestState, Verb, Wish
from relayclear.dashboard.columns import Cell, Column
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.live import Told
from relayclear.dashboard.panel import Copyable
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.stacking import StackedView
from relayclear.dashboard.states import Found
from relayclear.dashboard.views.listing import Listed, ListPanel, listed
from relayclear.errors import RelayclearError
from relayclear.ibc.text import clean, visible
from relayclear.usecases.operations import stored_story
from relayclear.usecases.requests import RequestView, about, requests, withdraw
from relayclear.usecases.steps import progress
from relayclear.usecases.works import Asked, DeadLetter, Ended, Queued, Works, dead_letters
from relayclear.wording import OPERATIONS, Word, counted, short
from relayclear.wording.requesting import REQUESTS, VERBS, request_page
from relayclear.wording.working import (
    PRIORITIES,
    asked_words,
    cost_line,
    letter_line,
    letter_page,
    progress_line,
    story_text,
    wait_line,
)

LIMIT = 200
_TONES = {"red": "bad", "yellow": "warn", "green": "good", "cyan": ""}


def word_cell(word: Word) -> Cell:
    """A state, glyph and word."""
    return Cell(f"{word.glyph} {word.word}", _TONES.get(word.style, ""))


def asked_cell(asked: Asked) -> Cell:
    """Who asked, short: of a memo its end tells it apart."""
    return Cell(short(asked_words(asked) if asked.token is None else asked.token))


class OperationsPanel(ListPanel):
    """What queue and ended operations have in common: a row opens into its whole story."""

    async def do_open(self) -> None:
        """The operation's whole story, live."""
        row: Queued | Ended | None = self.table.current
        if row is None:
            return
        if row.operation is None:
            self.notify("Its work hasn't begun: nothing is to be told yet.", severity="warning")
            return
        await self.open_live(f"Operation {row.id}", partial(_told, row.operation.id, row.asked))

    def copies(self) -> Sequence[Copyable]:
        """Its id, and the command that shows it."""
        row: Queued | Ended | None = self.table.current
        if row is None:
            return ()
        if row.operation is None:
            return (Copyable("token", asked_words(row.asked)),)
        return (Copyable("operation", row.id), Copyable("command", f"relayclear operations show {row.id}"))


def _told(operation_id: str, asked: Asked, shelf: Shelf) -> Told:
    story = stored_story(shelf.desk, operation_id, shelf.as_of)
    steps = {} if shelf.as_of is not None else progress(shelf.desk).get(operation_id, {})
    return Told(partial(story_text, story, asked, steps), Copyable("operation id", operation_id))


class QueuePanel(OperationsPanel):
    """Operations under way and waiting."""

    title = "Queue"
    tells = (
        "The work that isn't over, the oldest first: how far Hermes is with each packet, how often it was tried, "
        "when it is tried again and why it waits. Enter opens the whole story. X calls an operation off, "
        "A tries one that was given up again."
    )
    terms = ("operation", "packet", "fate", "dead letter")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._works = Works()
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[Queued]]:
        return (
            Column("id", "operation", 13, lambda row: Cell(visible(row.id, 13))),
            Column("state", "state", 12, self._state_cell, plain="how it stands"),
            Column("progress", "progress", 16, lambda row: Cell(progress_line(row)), plain="how far"),
            Column("tries", "tries", 5, lambda row: Cell(str(len(row.attempts))), right=True, drop=2),
            Column("wait", "waits", 20, self._wait_cell, plain="waits for", grows=True),
            Column("channel", "channel", 20, lambda row: Cell(f"{row.end.chain} {row.end.channel}"), drop=4),
            Column("asked", "for", 16, lambda row: asked_cell(row.asked), drop=3, plain="asked by"),
            Column("priority", "first", 6, self._priority_cell, drop=5, expert=True),
        )

    def look(self, shelf: Shelf) -> Found[Listed]:
        """What isn't over."""
        return listed(shelf, self._works.queue(shelf.desk, LIMIT, shelf.as_of), "operation")

    def told(self, rows: Sequence[Any]) -> str:
        """How many run and how many wait."""
        if not rows:
            return "nothing is under way, and nothing waits"
        waiting = sum(row.until is not None or row.given_up for row in rows)
        if self.past:
            return f"{counted(len(rows), 'operation')} not over then; why each waited isn't kept"
        return f"{len(rows) - waiting} under way, {waiting} waiting"

    def _state_cell(self, row: Queued) -> Cell:
        asked = self.asked_for(row.id)
        return Cell(f"⧗ {asked}", "warn") if asked else word_cell(OPERATIONS[row.state])

    def _wait_cell(self, row: Queued) -> Cell:
        return Cell(wait_line(row, self.now), "bad" if row.given_up else "warn" if row.why else "")

    def _priority_cell(self, row: Queued) -> Cell:
        return Cell(PRIORITIES[row.priority], "dim")

    def wishes(self) -> Mapping[str, str | None]:
        """Calling it off; trying again what was given up or waits."""
        row: Queued | None = self.table.current
        if row is None:
            return {}
        asked = self.asked_for(row.id)
        busy = f"it is {asked} already" if asked else None
        cancel = None if row.operation else f"it hasn't begun: relayclear tokens revoke {row.asked.token}"
        retry = None if row.task_key else "nobody tries it again by itself: clear its packets anew"
        return {"cancel": busy or cancel, "retry": busy or retry}

    def wish(self, name: str) -> Sequence[Wish]:
        """The wish for the row under the cursor."""
        row: Queued | None = self.table.current
        if row is None:
            return ()
        if name == "cancel":
            return (Wish(Verb.CANCEL, subject=row.id, why="at the dashboard"),)
        return (Wish(Verb.RETRY, subject=row.id if row.operation else row.task_key or "", why="at the dashboard"),)


class DonePanel(OperationsPanel):
    """Operations that are over, the last to end first."""

    title = "Done"
    tells = (
        "What ended, the newest first: how, when, who asked for it, and what its transactions cost, failed ones too. "
        "Enter opens the whole story with the exact command and its output."
    )
    terms = ("operation", "fate", "gas", "clear")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self._works = Works()
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[Ended]]:
        return (
            Column("id", "operation", 13, lambda row: Cell(visible(row.id, 13))),
            Column("state", "state", 15, lambda row: word_cell(OPERATIONS[row.state]), plain="how it ended"),
            Column("at", "ended", 6, lambda row: Cell(self.ago(row.at)), right=True, plain="ago"),
            Column("packets", "packets", 8, _packets_cell, drop=1),
            Column("cost", "gas cost", 18, _cost_cell, right=True, grows=True, plain="what it cost"),
            Column("asked", "for", 16, lambda row: asked_cell(row.asked), drop=2, plain="asked by"),
            Column("channel", "channel", 20, _channel_cell, drop=3),
        )

    def look(self, shelf: Shelf) -> Found[Listed]:
        """The newest that are over."""
        rows = self._works.ended(shelf.desk, LIMIT, shelf.as_of)
        return listed(shelf, rows, "operation", more=len(rows) == LIMIT)

    def told(self, rows: Sequence[Any]) -> str:
        """How many, and how the last one ended."""
        if not rows:
            return "no operation has ended yet"
        return (
            f"{counted(len(rows), 'operation')}, the last {OPERATIONS[rows[0].state].word} {self.ago(rows[0].at)} ago"
        )


def _packets_cell(row: Ended) -> Cell:
    return Cell(visible(f"#{row.operation.sequences}", 40))


def _cost_cell(row: Ended) -> Cell:
    said = cost_line(row.costs)
    return Cell(said or ("not read yet" if row.operation.attempts else "-"), "" if said else "dim")


def _channel_cell(row: Ended) -> Cell:
    return Cell(f"{row.operation.source.chain} {row.operation.source.channel}")


class RequestsPanel(ListPanel):
    """What people asked for."""

    title = "Requests"
    tells = (
        "What people asked for at a screen or a command, the newest first, and what became of it. "
        "X takes one back that nobody has begun."
    )
    terms = ("operation", "refund", "breaker")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[RequestView]]:
        return (
            Column("verb", "request", 10, lambda row: Cell(VERBS[row.verb])),
            Column("about", "of", 24, lambda row: Cell(visible(about(row.wish), 80)), plain="about"),
            Column("state", "state", 12, lambda row: word_cell(REQUESTS[row.state])),
            Column("said", "said", 18, _said_cell, grows=True, plain="what was said"),
            Column("asked", "asked", 5, lambda row: Cell(self.ago(row.asked_at)), right=True, plain="ago", drop=1),
            Column("who", "by", 12, lambda row: Cell(visible(row.who, 24)), drop=2),
            Column("carrier", "carried out by", 14, lambda row: Cell(visible(row.carrier or "-", 24), "dim"), drop=3),
        )

    def key(self, row: RequestView) -> str:
        """A request is named by its id."""
        return row.id

    def look(self, shelf: Shelf) -> Found[Listed]:
        """The newest."""
        rows = requests(shelf.desk, LIMIT, shelf.as_of)
        return listed(shelf, rows, "request", more=len(rows) == LIMIT)

    def told(self, rows: Sequence[Any]) -> str:
        """How many wait."""
        if not rows:
            return "nobody has asked for anything"
        return f"{counted(len(rows), 'request')}, {sum(row.state not in OVER for row in rows)} not over"

    def wishes(self) -> Mapping[str, str | None]:
        """Taking it back, as long as nobody has begun."""
        row: RequestView | None = self.table.current
        if row is None:
            return {}
        waits = row.state is RequestState.REQUESTED
        return {"cancel": None if waits else f"it is {REQUESTS[row.state].word}: only one that waits is taken back"}

    async def do_cancel(self) -> None:
        """Take it back, once that is said yes to; a request about a request would have to wait its turn."""
        row: RequestView | None = self.table.current
        if row is None:
            return
        dialog = Confirm("Take this request back?", "take back")
        await self.host.push_screen(dialog, partial(self._withdraw, row.id))
        dialog.plan([f"{VERBS[row.verb]} {visible(about(row.wish), 200)}", "nobody has begun it"], possible=True)

    def _withdraw(self, request_id: str, yes: bool | None) -> None:  # noqa: FBT001 - a dialog's answer
        if not yes:
            return
        try:
            withdraw(self.host.desk, request_id, self.host.start.who)
        except RelayclearError as error:
            self.notify(error.message + (f"  try: {error.hint}" if error.hint else ""), severity="error")
        else:
            self.notify("taken back: nothing was started")
        self.host.nudge()

    async def do_open(self) -> None:
        """Everything about it."""
        row: RequestView | None = self.table.current
        if row is not None:
            await self.open_live(f"Request {row.id}", partial(_request_told, row))

    def copies(self) -> Sequence[Copyable]:
        """What was said, and the operation behind it."""
        row: RequestView | None = self.table.current
        if row is None:
            return ()
        found = [Copyable("request", row.id)]
        return [*found, Copyable("operation", row.operation_id)] if row.operation_id else found


def _said_cell(row: RequestView) -> Cell:
    said = clean(row.said or "", 200) + (f"; try: {clean(row.hint, 200)}" if row.hint else "")
    return Cell(said, "" if row.state is RequestState.DONE else "warn")


def _request_told(row: RequestView, shelf: Shelf) -> Told:
    found = requests(shelf.desk, LIMIT, shelf.as_of)
    text = request_page(next((one for one in found if one.id == row.id), row))
    return Told(lambda _: text, Copyable("request id", row.id))


class DeadPanel(ListPanel):
    """Tasks that were given up."""

    title = "Dead letters"
    tells = (
        "Work that was tried and given up: it waits for a person. It says why and since when. "
        "A tries it again, with fresh counters."
    )
    terms = ("dead letter",)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        self.columns = self._columns()  # type: ignore[misc]  # cells look at what this very panel knows
        super().__init__(id=id)

    def _columns(self) -> Sequence[Column[DeadLetter]]:
        return (
            Column("about", "task", 26, self._about_cell, plain="what was given up"),
            Column("since", "since", 5, lambda row: Cell(self.ago(row.since)), right=True, plain="ago"),
            Column("tries", "tries", 5, lambda row: Cell(str(row.tries)), right=True, drop=1),
            Column("why", "why", 30, lambda row: Cell(clean(row.why, 200), "bad"), grows=True),
        )

    def look(self, shelf: Shelf) -> Found[Listed]:
        """Those of now: of the past nobody knows which there were."""
        rows = [] if shelf.as_of is not None else dead_letters(shelf.desk, LIMIT)
        return listed(shelf, rows, "dead letter", more=len(rows) == LIMIT)

    def told(self, rows: Sequence[Any]) -> str:
        """How many."""
        if self.past:
            return "of the past nobody knows which tasks were given up: = goes back to now"
        return f"{counted(len(rows), 'task')} given up: A tries again" if rows else "no task was given up"

    def _about_cell(self, row: DeadLetter) -> Cell:
        asked = self.asked_for(row.key)
        return Cell(f"⧗ {asked}", "warn") if asked else Cell(letter_line(row))

    def wishes(self) -> Mapping[str, str | None]:
        """Another try."""
        row: DeadLetter | None = self.table.current
        if row is None:
            return {}
        asked = self.asked_for(row.key)
        return {"retry": f"it is {asked} already" if asked else None}

    def wish(self, name: str) -> Sequence[Wish]:
        """Another try of the row under the cursor."""
        row: DeadLetter | None = self.table.current
        return () if row is None or name != "retry" else (Wish(Verb.RETRY, subject=row.key, why="at the dashboard"),)

    async def do_open(self) -> None:
        """Everything about it."""
        row: DeadLetter | None = self.table.current
        if row is not None:
            text = letter_page(row)
            await self.open_live("Dead letter", lambda _: Told(lambda _: text))

    def copies(self) -> Sequence[Copyable]:
        """What names it, and why it was given up."""
        row: DeadLetter | None = self.table.current
        return () if row is None else (Copyable("task", row.key), Copyable("why", clean(row.why)))


class OperationsView(StackedView):
    """Queue, ended ones, requests, dead letters."""

    kind: ClassVar[str] = "operations"
    panels = (QueuePanel, DonePanel, RequestsPanel, DeadPanel)
