"""Sentences about work under way: how far an operation is, why it waits, what it cost, its whole story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from relayclear.clearing.operation import operation_state
from relayclear.clearing.timeline import dated
from relayclear.ibc.coin import Coin
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.text import clean, visible
from relayclear.store.history import Event
from relayclear.store.tasks import Priority
from relayclear.usecases.operations import OperationStory
from relayclear.usecases.relay_costs import Amounts, packet_shares, totals
from relayclear.usecases.works import Asked, DeadLetter, Queued
from relayclear.wording import OPERATIONS, age, coin, counted, moment
from relayclear.wording.board import attempt_lines, moment_line

STEPS = {
    RelayStep.RECV.value: "delivered",
    RelayStep.ACK.value: "acknowledged",
    RelayStep.TIMEOUT.value: "timed out",
}
PRIORITIES = {
    None: "by hand",
    Priority.URGENT: "urgent",
    Priority.SOON: "soon",
    Priority.NORMAL: "normal",
    Priority.IDLE: "idle",
}
NOT_SAID = "nothing said yet"


def asked_words(asked: Asked) -> str:
    """Who asked for it: a person, or whoever paid a token."""
    if asked.token is not None:
        return f"token {asked.token}"
    return visible(asked.who, 40) or "unknown"


def step_word(step: str) -> str:
    """What Hermes claims to have done to a packet."""
    return STEPS.get(step, visible(step, 30))


def progress_line(row: Queued) -> str:
    """How far it is: what Hermes claims while it runs, else what the chains said of its packets."""
    total = row.sequences.count
    if row.steps:
        counts = Counter(step_word(step) for step in row.steps.values())
        said = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        return f"{len(row.steps)}/{total} {said}"
    return f"{row.done}/{total} done"


def wait_line(row: Queued, now: datetime) -> str:
    """What it waits for, counted down, and why."""
    return _wait_words(row.until, row.why, now, given_up=row.given_up)


def _wait_words(until: datetime | None, why: str | None, now: datetime, *, given_up: bool) -> str:
    because = clean(why or "", 200)
    if given_up:
        return f"given up: {because}" if because else "given up"
    if until is None:
        return because
    left = int((until - now).total_seconds())
    when = f"again in {age(left)}" if left > 0 else "due now"
    return f"{when}: {because}" if because else when


def letter_line(row: DeadLetter) -> str:
    """What a task that was given up is about."""
    return f"token {row.token}" if row.token is not None else visible(row.key, 60)


def letter_page(row: DeadLetter) -> str:
    """Everything about a task that was given up."""
    lines = [
        f"task   {visible(row.key, 200)}",
        f"for    {letter_line(row)}",
        f"given up {moment(row.since)}, after {counted(row.tries, 'try') if row.tries == 1 else f'{row.tries} tries'}",
        f"why    {clean(row.why, 1000) or 'nothing was said'}",
        "",
        "It waits for a person: once what is wrong is mended, A tries it again, with fresh counters, and so does",
        f"relayclear operations retry {visible(row.key, 200)}",
    ]
    return "\n".join(lines)


def cost_line(costs: Amounts) -> str:
    """What transactions cost, by chain and denom; nothing is said where nothing is read yet."""
    return " + ".join(f"{visible(coin(Coin(denom, amount)), 40)}" for (_, denom), amount in sorted(costs.items()))


def story_text(story: OperationStory, asked: Asked, steps: Mapping[int, str], now: datetime) -> str:
    """An operation from the asking to its end; `steps` are what Hermes says while it runs."""
    return "\n".join(_story_lines(story, asked, steps, now))


def _story_lines(story: OperationStory, asked: Asked, steps: Mapping[int, str], now: datetime) -> Iterator[str]:
    operation, task = story.operation, story.operation.task
    word = OPERATIONS[operation_state(operation)]
    yield f"clears #{operation.sequences} of {operation.source}, toward {operation.destination.chain}"
    yield f"asked  by {asked_words(asked)}"
    yield f"is     {word.glyph} {word.word}: {word.meaning}"
    if task is not None and not task.claimed:
        yield f"waits  {_wait_words(task.until, task.why, now, given_up=task.given_up)}"
    yield from _steps_lines(story, steps)
    yield ""
    yield "what happened, in UTC:"
    yield from (f"  {moment(at)}  {text}" for at, text in _told(story))
    yield ""
    yield from attempt_lines(operation)
    yield from _cost_lines(story)
    yield ""
    yield f"relayclear operations show {operation.id}"


def _steps_lines(story: OperationStory, steps: Mapping[int, str]) -> Iterator[str]:
    open_one = next((one for one in story.operation.attempts if one.ended_at is None), None)
    if open_one is None:
        return
    yield f"attempt {open_one.number} is under way; what Hermes says so far, which only the chains can prove:"
    for packet in open_one.before:
        step = steps.get(packet.sequence)
        yield f"  #{packet.sequence} {step_word(step) if step else NOT_SAID}"


def _told(story: OperationStory) -> list[tuple[datetime, str]]:
    lines = [(at, moment_line(item)) for at, item in dated(story.moments, story.operation.requested_at)]
    lines += [(event.at, event_line(event)) for event in story.events]
    return sorted(lines, key=lambda line: line[0])


def event_line(event: Event) -> str:
    """One thing that the history tells, who did it, and its details."""
    detail = ", ".join(f"{name} {value}" for name, value in event.detail.items() if value not in {None, ""})
    return clean(f"{event.what.replace('_', ' ')} ({event.who}{': ' if detail else ''}{detail})", 300)


def _cost_lines(story: OperationStory) -> Iterator[str]:
    if not story.costs:
        return
    yield ""
    for (chain, denom), amount in sorted(totals(story.costs).items()):
        yield f"cost on {chain}: {visible(coin(Coin(denom, amount)), 200)}"
    failed = sum(one.code != 0 for one in story.costs)
    if failed:
        yield f"  of {counted(len(story.costs), 'transaction')} {failed} failed, and were paid for"
    for sequence, amounts in packet_shares(story.operation, story.costs).items():
        yield f"  #{sequence}: {cost_line(amounts)}"
