"""The ten lines of the status, each of at most 80 columns, and the likely next command."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from relayclear.usecases.status import Standing, Status, Watched
from relayclear.wording import age, clear_command, counted

if TYPE_CHECKING:
    from relayclear.ibc.packet import ChannelEnd

SHOWN = 3
WIDTH = 80
_TRY = "  try: "
_LONGEST = 50


class Begun(NamedTuple):
    """What is set up: a Hermes config, a config of our own, a payee."""

    hermes: bool
    config: bool
    sells: bool


def lines(found: Status, now: datetime, begun: Begun) -> list[str]:
    """The page."""
    if not begun.hermes:
        told = ["No Hermes config found.", "  it is named by --hermes-config PATH"]
    else:
        told = [*_looked(found, now), *_left(found), *_watch(found, now, begun), *_refunds(found)]
    return [*map(_cut, told), *_wrapped(next_command(found, begun))]


def next_command(found: Status, begun: Begun) -> str:
    """What a person would most likely want now; it is never cut, so that it can be pasted.

    | how things stand | command |
    |---|---|
    | no Hermes config, or never looked and no config of our own | ``init`` |
    | never looked | ``packets list`` |
    | something is sold and nobody watches | ``watch`` |
    | the oldest stuck packets of a channel | ``clear``, which shows its plan and asks |
    | refunds that nobody has decided about, or sent | ``refunds list``, ``refunds sweep`` |
    | otherwise | ``packets list`` |
    """
    if not begun.hermes or (found.looked_at is None and not begun.config):
        return "relayclear init"
    if found.looked_at is None:
        return "relayclear packets list"
    if begun.sells and found.watched is Watched.NO:
        return "relayclear watch"
    stuck = next((item for item in found.waiting if item.stuck), None)
    if stuck is not None:
        return _clear(stuck)
    if found.owed:
        return "relayclear refunds list"
    return "relayclear refunds sweep --dry-run" if found.approved else "relayclear packets list"


def _clear(stuck: Standing) -> str:
    """Their clearing, which shows its plan and asks; the list, where naming them all would be longer than a line."""
    if len(str(stuck.stuck)) <= _LONGEST:
        return clear_command(stuck.end, stuck.stuck)
    return f"relayclear packets list --chain {stuck.end.chain} --channel {stuck.end.channel}"


def _wrapped(command: str) -> list[str]:
    """The command on one line, else on two as a shell joins them."""
    lead, option, rest = f"{_TRY}{command}".partition("--packet-sequences")
    if not option or len(lead + option + rest) <= WIDTH:
        return [lead + option + rest]
    return [f"{lead}\\", f"       {option}{rest}"]


def _looked(found: Status, now: datetime) -> Iterator[str]:
    if found.looked_at is None:
        yield "No scan yet."
        return
    count = sum(item.pending for item in found.waiting)
    where = f"{len(found.waiting)} of {counted(found.paths, 'path')}"
    yield f"{counted(count, 'packet')} pending on {where}, looked {_ago(found.looked_at, now)} ago."
    # What is more than that takes a line of its own.
    shown = SHOWN if len(found.waiting) <= SHOWN else SHOWN - 1
    for item in found.waiting[:shown]:
        stuck = sum(1 for _ in item.stuck)
        # Not "stuck", which in every list is one class among others.
        said = f", {stuck} {'needs' if stuck == 1 else 'need'} attention" if stuck else ""
        yield f"  {_name(item.end)}: {item.pending}{said}, the oldest for {_ago(item.oldest, now)} at least"
    if len(found.waiting) > shown:
        yield f"  … and {len(found.waiting) - shown} more"


def _left(found: Status) -> Iterator[str]:
    if found.failed:
        yield f"{counted(len(found.failed), 'path')} could not be read at the last look: relayclear doctor"
    if found.unfinished:
        yield f"{counted(len(found.unfinished), 'clear')} never ended: relayclear operations list"


def _watch(found: Status, now: datetime, begun: Begun) -> Iterator[str]:
    """Whether somebody looks between two commands; a first look is not troubled with it."""
    if found.watched is Watched.SILENT and found.beat_at is not None:
        yield f"watch gave no sign for {_ago(found.beat_at, now)}: relayclear health"
    elif found.watched is Watched.NO and begun.sells:
        yield "watch doesn't run, so nobody sees payments."
    elif found.watched is Watched.NO and found.looked_at is not None:
        yield "watch doesn't run: what is shown is as old as the last look."


def _refunds(found: Status) -> Iterator[str]:
    """Money that is owed, in one line."""
    if found.owed:
        more = f", {found.approved} approved and not sent" if found.approved else ""
        verb = "waits" if found.owed == 1 else "wait"
        yield f"{counted(found.owed, 'refund')} {verb} to be decided{more}: relayclear refunds list"
    elif found.approved:
        verb = "is" if found.approved == 1 else "are"
        yield f"{counted(found.approved, 'refund')} {verb} approved and not sent: relayclear refunds sweep"


def _ago(at: datetime, now: datetime) -> str:
    return age(max(0, int((now - at).total_seconds())))


def _name(end: ChannelEnd) -> str:
    """An end, of a long name its beginning: the numbers behind it matter more."""
    text = str(end)
    return text if len(text) <= WIDTH // 2 else text[: WIDTH // 2 - 1] + "…"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
