"""The lives of things as Mermaid state diagrams: facts are added one by one, and the code says the state after each.

What may happen when is written here; which state follows is asked of the product's own functions, so an arrow of a
picture is a step that the code really makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from relayclear.clearing import breaker
from relayclear.clearing.breaker import Breaker
from relayclear.clearing.operation import OperationState, operation_state
from relayclear.money.earned import Result
from relayclear.money.refund_state import RefundState, Said, refund_state
from relayclear.money.state import TokenState, Work
from tests.clearing import test_operation as operations
from tests.money import test_state as tokens
from tests.money.build import TTL

Facts = TypeVar("Facts", bound=Hashable)


class Event(NamedTuple, Generic[Facts]):
    """What may happen: in which states, and what it adds to the facts; None where these facts don't let it."""

    tells: str
    states: frozenset[str]
    then: Callable[[Facts], Facts | None]


@dataclass(frozen=True)
class Life(Generic[Facts]):
    """Where it begins, what may happen, and the function of the code that says the state."""

    start: Facts
    events: Sequence[Event[Facts]]
    state: Callable[[Facts], str]

    def steps(self) -> dict[tuple[str, str], list[str]]:
        """Every step from a state to another one, with what makes it, found by trying everything from the start."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        seen, queue = {self.start}, [self.start]
        while queue:
            facts = queue.pop(0)
            before = self.state(facts)
            for event in self.events:
                then = event.then(facts) if before in event.states else None
                if then is None:
                    continue
                after = self.state(then)
                if after != before and event.tells not in found[before, after]:
                    found[before, after].append(event.tells)
                if then not in seen:
                    seen.add(then)
                    queue.append(then)
        return {step: why for step, why in found.items() if why}

    def drawn(self) -> str:
        """The life as Mermaid, in its fence."""
        steps = self.steps()
        lines = [f"  {before} --> {after}: {', '.join(why)}" for (before, after), why in steps.items()]
        ends = {after for _, after in steps} - {before for before, _ in steps}
        lines += [f"  {end} --> [*]" for end in sorted(ends)]
        text = "\n".join(["stateDiagram-v2", f"  [*] --> {self.state(self.start)}", *lines])
        return f"```mermaid\n{text}\n```\n"


def _in(*states: str) -> frozenset[str]:
    return frozenset(states)


_O = OperationState
_WORKED_ON = _in(_O.QUEUED, _O.PREFLIGHT)
Case = operations.Case


def _judged(first: operations.Story, second: operations.Story) -> Callable[[Case], Case | None]:
    return lambda case: case._replace(packets=(first, second), ended=True, open_run=None, claimed=None)


def _to_be_tried_again(case: Case) -> Case | None:
    """Only what was sold is tried again by itself: it has a task."""
    if case.claimed is not True:
        return None
    still = operations.STILL
    return case._replace(packets=(still, still), ended=True, open_run=None, claimed=False)


OPERATION = Life(
    Case((operations.UNJUDGED, operations.UNJUDGED), ended=False, open_run=None, cancelled=False),
    (
        Event("a sold one is taken up", _in(_O.QUEUED, _O.WAITING), lambda case: case._replace(claimed=True)),
        Event("not now", _in(_O.PREFLIGHT), lambda case: case._replace(claimed=False)),
        Event("Hermes runs", _WORKED_ON, lambda case: case._replace(open_run=False)),
        Event("Hermes has ended", _in(_O.RUNNING), lambda case: case._replace(open_run=True)),
        Event("another try is due", _in(_O.VERIFYING), _to_be_tried_again),
        Event("all done", _in(_O.VERIFYING), _judged(operations.DONE, operations.DONE)),
        Event("some moved", _in(_O.VERIFYING), _judged(operations.DONE, operations.STILL)),
        Event("none moved", _in(_O.VERIFYING), _judged(operations.STILL, operations.STILL)),
        Event("all gone before", _in(_O.VERIFYING), _judged(operations.GONE, operations.GONE)),
        Event("a side can't be read", _in(_O.VERIFYING), _judged(operations.UNKNOWN, operations.DONE)),
        Event("called off", _in(_O.QUEUED, _O.WAITING), lambda case: case._replace(cancelled=True, claimed=None)),
    ),
    lambda case: operation_state(operations.build(case)).value,
)

_T = TokenState


def _verdicts(first: Result, second: Result) -> Callable[[tokens.Case], tokens.Case]:
    return lambda case: case._replace(work=Work.ENDED, results=(first, second))


TOKEN = Life(
    tokens.Case(Work.NONE, (None, None), revoked=False, paid=0, read=None),
    (
        Event("a part is paid", _in(_T.OPEN), lambda case: case._replace(paid=40)),
        Event("the price is covered", _in(_T.OPEN, _T.PARTLY_PAID), lambda case: case._replace(paid=100)),
        Event("covered late, in the grace", _in(_T.EXPIRED), lambda case: case._replace(paid=100)),
        Event("read past its expiry", _in(_T.OPEN, _T.PARTLY_PAID), lambda case: case._replace(read=TTL + 1)),
        Event("revoked", _in(_T.OPEN, _T.PARTLY_PAID, _T.EXPIRED, _T.PAID), lambda case: case._replace(revoked=True)),
        Event("the work begins", _in(_T.PAID), lambda case: case._replace(work=Work.BEGUN)),
        Event("all earned", _in(_T.CLEARING), _verdicts(Result.EARNED, Result.EARNED)),
        Event("some earned", _in(_T.CLEARING), _verdicts(Result.EARNED, Result.OWED_BACK)),
        Event("none earned", _in(_T.CLEARING), _verdicts(Result.OWED_BACK, Result.OWED_BACK)),
    ),
    lambda case: tokens.state(case).value,
)

_R = RefundState
_UNDECIDED = _in(_R.OWED)
_OURS = _in(_R.OWED, _R.APPROVED)


class Refund(NamedTuple):
    """The last word about a refund, whether a signing of it lives, and whether that was sent."""

    last: Said | None = None
    live: bool = False
    sent: bool = False


def _said(word: Said) -> Callable[[Refund], Refund]:
    return lambda _: Refund(word)


REFUND = Life(
    Refund(),
    (
        Event("you say yes, or the caps do", _UNDECIDED, _said(Said.APPROVED)),
        Event("refunds waive", _OURS, _said(Said.WAIVED)),
        Event("waived after 90 days below cost", _UNDECIDED, _said(Said.WRITTEN_OFF)),
        Event("refunds mark-paid", _in(_R.APPROVED, _R.EXPORTED), _said(Said.PAID_BY_HAND)),
        Event("not owed any more", _in(_R.APPROVED), _said(Said.WITHDRAWN)),
        Event("refunds export", _in(_R.APPROVED), _said(Said.EXPORTED)),
        Event("export --cancel", _in(_R.EXPORTED), _said(Said.EXPORT_CANCELLED)),
        Event("signed and stored", _in(_R.APPROVED), lambda one: one._replace(live=True)),
        Event("sent", _in(_R.SIGNED), lambda one: one._replace(sent=True)),
        Event("timed out, signed anew", _in(_R.BROADCAST), lambda one: one._replace(sent=False)),
        Event("in a block, paid nothing", _in(_R.SIGNED, _R.BROADCAST), _said(Said.FAILED)),
        Event("found with code 0", _in(_R.SIGNED, _R.BROADCAST), _said(Said.CONFIRMED)),
        Event("found, goes over IBC", _in(_R.SIGNED, _R.BROADCAST), _said(Said.IN_TRANSIT)),
        Event("acknowledged", _in(_R.IN_TRANSIT), _said(Said.ARRIVED)),
        Event("came back", _in(_R.IN_TRANSIT), _said(Said.RETURNED)),
    ),
    lambda one: (refund_state([one.last], live=one.live, sent=one.sent) if one.last else _R.OWED).value,
)

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_B = breaker.BreakerState


class Moment(NamedTuple):
    """A breaker, and what the wall clock says."""

    breaker: Breaker
    now: datetime = _NOW


def _open(moment: Moment) -> Moment:
    return moment._replace(breaker=breaker.opened(replace(moment.breaker, opened_at=None), "down", moment.now))


def _held(moment: Moment) -> Moment:
    return moment._replace(breaker=breaker.held_open(moment.breaker, "moved", moment.now, None, "ada"))


def _later(moment: Moment) -> Moment:
    # Back to the start of time afterwards would be another moment: it only ever goes so far.
    return moment._replace(now=_NOW + timedelta(minutes=2))


def _shut(_moment: Moment) -> Moment:
    return Moment(breaker.closed(Breaker("wallet/alpha-1"), _NOW))


BREAKER = Life(
    Moment(Breaker("wallet/alpha-1")),
    (
        Event("5 failures in a row, or half of 5 calls in 30 s", _in(_B.CLOSED), _open),
        Event("breakers open", _in(_B.CLOSED, _B.HALF_OPEN), _held),
        Event("a minute is over", _in(_B.OPEN), _later),
        Event("the one probe failed", _in(_B.HALF_OPEN), _open),
        Event("the one probe went well", _in(_B.HALF_OPEN), _shut),
        Event("breakers reset", _in(_B.OPEN, _B.HALF_OPEN), _shut),
    ),
    lambda moment: moment.breaker.at(moment.now).value,
)


def states_of(life: Life[Facts]) -> Iterable[str]:
    """The states that a life passes through."""
    return {state for step in life.steps() for state in step}
