"""From a capital key to its recorded result: the plan, the question, the request, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from relayclear.clearing.request import OVER, RequestState, Verb, Wish
from relayclear.dashboard.actions import ACTIONS, Danger
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Host
from relayclear.dashboard.panel import Panel
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Trouble
from relayclear.dashboard.top import Top
from relayclear.errors import RelayclearError
from relayclear.ibc.packet import PacketKey
from relayclear.usecases.requests import RequestView, ask, requests
from relayclear.usecases.steps import progress
from relayclear.wording import STEPS
from relayclear.wording.requesting import REQUESTS, request_line

if TYPE_CHECKING:
    from relayclear.usecases.hands import CarriedBy, Hands
    from relayclear.usecases.requests_plan import Plan

SHOWN = 50
_RETRIES, _RETRY_SECONDS = 2, 1.0
_SEVERITY: Mapping[RequestState, Any] = {
    RequestState.DONE: "information",
    RequestState.REFUSED: "warning",
    RequestState.UNKNOWN: "warning",
    RequestState.FAILED: "error",
}


Steps = Mapping[str, Mapping[int, str]]
CLEARED = "cleared"
"""What is said of a packet between its clearing and the scan that no longer finds it."""


class Asked(NamedTuple):
    """The newest requests, and the newest step of each packet of the runs under way, by operation and sequence."""

    views: Sequence[RequestView]
    steps: Steps


class Acts:
    """What was asked for at this screen.  What others asked for is seen too, and told by its row alone."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._hands: Hands | None = None
        self._stop = asyncio.Event()
        self._mine: dict[str, Wish] = {}
        self._seen: Sequence[RequestView] = ()
        self._steps: Steps = {}
        self._scanned_at: datetime | None = None
        self._told: Mapping[Hashable, str] = {}

    # Asking

    def begin(self, name: str, panel: Panel) -> None:
        """Show the plan of what the cursor or the marks offer, and ask."""
        wishes = panel.wish(name)
        if wishes:
            self._app.run_worker(self._confirmed(name, panel, wishes), group="acts")

    async def _confirmed(self, name: str, panel: Panel, wishes: Sequence[Wish]) -> None:
        action = ACTIONS[name]
        amount = str(wishes[0].amount) if action.danger is Danger.PAYS else None
        reasoned = any(wish.why for wish in wishes)
        dialog = Confirm(f"{action.label}: is this right?", action.label, amount=amount, reason=reasoned)
        planning = asyncio.create_task(self._planned(dialog, wishes))
        yes = await self._app.push_screen_wait(dialog)
        planning.cancel()
        if yes:
            # Where nothing was typed, the wish says at least where it came from.
            said = dialog.said
            await self.ask(panel, [replace(wish, why=said) for wish in wishes] if said else wishes)

    async def _planned(self, dialog: Confirm, wishes: Sequence[Wish]) -> None:
        """Read the chains for the plan; what can't be done is said in its place, and can't be said yes to."""
        # What acts takes long to load: a screen that only looks does without.
        from relayclear.usecases.requests_plan import plan  # noqa: PLC0415
        from relayclear.wording.planning import plan_lines  # noqa: PLC0415

        lines: list[str] = []
        possible = True
        for wish in wishes:
            try:
                lines += plan_lines(await self._patiently(dialog, partial(plan, self._app.desk, wish)))
            except RelayclearError as error:
                possible = False
                lines += [f"✗ {error.message}", *([f"  try: {error.hint}"] if error.hint else [])]
        dialog.plan(lines, possible=possible)

    async def _patiently(self, dialog: Confirm, read: Callable[[], Awaitable[Plan]]) -> Plan:
        """Read a plan; what the next look may well answer is asked again before it is said to be impossible."""
        for _ in range(_RETRIES):
            try:
                return await read()
            except RelayclearError as error:
                if not error.retryable:
                    raise
                dialog.plan([f"! {error.message}", "  reading the chains again …"], possible=False)
            await self._app.desk.clock.sleep(_RETRY_SECONDS)
        return await read()

    async def ask(self, panel: Panel, wishes: Sequence[Wish]) -> None:
        """Keep the wishes; their rows say so at once."""
        from relayclear.wording.planning import asked_line  # noqa: PLC0415

        try:
            asked = [ask(self._app.desk, wish, self._app.start.who) for wish in wishes]
            carrier = self._carry()
        except RelayclearError as error:
            self._app.notify(f"{error.message}" + (f"  try: {error.hint}" if error.hint else ""), severity="error")
            return
        self._mine |= {view.id: view.wish for view in asked}
        self._seen = [*reversed(asked), *self._seen]
        self._tell_rows()
        panel.asked()
        self._app.notify(asked_line(wishes, carrier))
        self._app.nudge()

    def _carry(self) -> CarriedBy:
        """Who carries it out: the daemon, else this very process, in the background of the screen."""
        if self._hands is None:
            from relayclear.usecases.hands import Hands  # noqa: PLC0415

            self._hands = Hands(self._app.desk, "dashboard")
            self._app.run_worker(self._hands.run(self._stop), group="hands")
        return self._hands.carrier()

    # What became of it

    def look(self, shelf: Shelf) -> Found[Asked]:
        """The newest requests, whoever made them, and how far Hermes is with each packet."""
        return Found(Asked(requests(shelf.desk, SHOWN, shelf.as_of), progress(shelf.desk)), None)

    def take(self, answer: Found[Asked] | Trouble, top: Found[Top] | Trouble) -> None:
        """Tell what ended of what was asked for here, and let rows that wait say so.

        What was cleared since the newest scan, which the head of the screen knows, is still among the pending packets.
        """
        if isinstance(answer, Trouble) or isinstance(top, Trouble):
            # Without the scan everything that was ever cleared would be called cleared just now.
            return
        self._seen, self._steps = answer.value
        self._scanned_at = top.value.scanned_at
        for view in self._seen:
            if view.id in self._mine and view.state in OVER:
                del self._mine[view.id]
                self._app.notify(request_line(view), severity=_SEVERITY[view.state], timeout=10)
        self._tell_rows()

    def _tell_rows(self) -> None:
        waiting = waiting_for(self._seen, self._steps, self._scanned_at)
        if not waiting and not self._told:
            return  # as nearly always: to ask every panel costs more than all else that a round does
        self._told = waiting
        for panel in self._app.base.query(Panel):
            panel.requested(waiting)

    @property
    def busy(self) -> int:
        """How many requests this very process carries out now: leaving cuts them short."""
        return 0 if self._hands is None else self._hands.busy

    def begin_no_more(self) -> None:
        """Let what is under way end, and begin nothing after it: another process takes up the rest."""
        if self._hands is not None:
            self._hands.begin_no_more()

    def close(self) -> None:
        """Begin nothing more here; what is under way is judged by whoever comes next."""
        self._stop.set()


def waiting_for(views: Sequence[RequestView], steps: Steps, scanned_at: datetime | None = None) -> dict[Hashable, str]:
    """What requests that aren't over are about, and how far each is: packets by key, everything else by its id.

    Of a packet that Hermes claims to have moved it says so: that is no result yet.  One that was cleared since the
    newest scan, which still shows it as pending, is told as cleared: the operation asked both chains after it.
    """
    waiting: dict[Hashable, str] = {}
    for view in views:
        if _cleared_since(view, scanned_at):
            waiting |= {subject: CLEARED for subject in _subjects(view.wish) if subject not in waiting}
        if view.state in OVER:
            continue
        claimed = steps.get(view.operation_id or "", {})
        for subject in _subjects(view.wish):
            step = claimed.get(subject.sequence) if isinstance(subject, PacketKey) else None
            waiting.setdefault(subject, STEPS.get(step or "", step) or REQUESTS[view.state].word)
    return waiting


def _cleared_since(view: RequestView, scanned_at: datetime | None) -> bool:
    if view.wish.verb is not Verb.CLEAR or view.state is not RequestState.DONE or view.ended_at is None:
        return False
    return scanned_at is None or view.ended_at > scanned_at


def _subjects(wish: Wish) -> list[Hashable]:
    if wish.end is None:
        return [wish.subject]
    if wish.sequences is None or wish.verb not in {Verb.CLEAR, Verb.MUTE, Verb.UNMUTE}:
        return [wish.end]
    return [PacketKey(*wish.end, sequence) for sequence in wish.sequences]
