"""Packets as a page of text: worst first, one line each, and what was looked at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relayclear.cli.face import Face
from relayclear.cli.output import Exit, console, emit_json
from relayclear.cli.packet_document import listing_document
from relayclear.cli.stopping import Stopping
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc import instant
from relayclear.ibc.text import visible
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.views import PacketView
from relayclear.wording import CLASSES, age, coin, counted, of_chain, short, why

if TYPE_CHECKING:
    from relayclear.usecases.desk import Desk

_COLUMNS = (
    Column("class"),
    Column("age", right=True),
    Column("packet"),
    Column("to", drop=3),
    Column("amount", right=True, drop=1),
    Column("sender", drop=4),
    Column("receiver", drop=5),
    Column("why", drop=2, folds=True),
)


def print_listing(face: Face, listing: Listing, request: ListRequest) -> None:
    """Print one page, the paths that failed, and a last line that says what was looked at."""
    out = console(face.color)
    if listing.packets:
        print_table(out, _COLUMNS, [_row(view) for view in listing.packets])
        out.print()
    for line in _failures(listing):
        out.print(line, style="red")
    for line in _notes(listing, request):
        out.print(line, style="dim" if line.startswith(" ") else "")


def _row(view: PacketView) -> list[Cell]:
    word, transfer = CLASSES[view.verdict.packet_class], view.transfer
    blocked = view.verdict.blocked is not None
    # Read and not ICS-20 is known to have none; not read is unknown.
    unknown = "-" if view.packet else "?"
    return [
        Cell(f"{word.glyph} {word.word}" + (" ✗" if blocked else ""), word.style),
        Cell(_age(view)),
        Cell(visible(str(view.key))),
        Cell(view.path.destination.chain),
        Cell(visible(coin(transfer.coin), 40) if transfer else unknown),
        Cell(visible(short(transfer.sender), 20) if transfer else unknown),
        Cell(visible(short(transfer.receiver), 20) if transfer else unknown),
        Cell(visible(why(view), 120), "yellow" if blocked else "dim"),
    ]


def _age(view: PacketView) -> str:
    """``>5m`` where only our own first look is known."""
    known = age(view.age_seconds)
    return known if view.age_is_exact or view.age_seconds is None else f">{known}"


def _failures(listing: Listing) -> list[str]:
    reading = listing.reading
    lines = [
        f"✗ {chain} could not be read: {of_chain(chain, error.message)}"
        for chain, error in sorted(reading.failures.items())
    ]
    known = {error.message for error in reading.failures.values()}
    failed = [(path.path.source, path.error) for path in listing.paths if path.error is not None]
    lines += [f"✗ {end} could not be read: {error.message}" for end, error in failed if error.message not in known]
    return [*lines, _last_good(listing)] if failed else lines


def _last_good(listing: Listing) -> str:
    """What was known of the paths that can't be read now, with the age of the oldest look."""
    unread = [path for path in listing.paths if path.error is not None]
    found = [path.last_good for path in unread if path.last_good is not None]
    if not found:
        return f"  nothing is known of {counted(len(unread), 'path')}: no good look within two hours"
    since = age(int((listing.reading.at - min(one.at for one in found)).total_seconds()))
    pending = sum(one.pending for one in found)
    some = "" if len(found) == len(unread) else f"; nothing is known of {len(unread) - len(found)} more"
    return f"  {pending} pending on {counted(len(found), 'unread path')} at the last good look, {since} ago{some}"


def _notes(listing: Listing, request: ListRequest) -> list[str]:
    reading = listing.reading
    unread = sum(path.error is not None for path in listing.paths)
    looked = f"{len(listing.paths) - unread} of {counted(len(listing.paths), 'path')}"
    looked = looked if unread else counted(len(listing.paths), "path")
    heights = ", ".join(f"{chain} at {head.height}" for chain, head in sorted(reading.heads.items()))
    muted = sum(path.muted for path in listing.paths)
    lines = []
    if not listing.packets and unread == len(listing.paths) and not reading.complete:
        lines.append("What is stuck is not known.")
    elif not listing.packets and listing.total:
        lines.append(f"No packets on this page: there are {listing.total}, and --offset {listing.offset} is past them.")
        lines.append(f"{_judged(listing, request)}; {looked} looked at{f', {muted} muted' if muted else ''}.")
    elif not listing.packets:
        lines.append(f"{_nothing(request)} on {looked}{'' if reading.complete else '; the rest is not known'}.")
    elif listing.has_next or listing.offset:
        last = listing.offset + len(listing.packets)
        more = f" Next: --offset {last}" if listing.has_next else ""
        lines.append(f"{listing.offset + 1} to {last} of {listing.total}.{more}")
    if listing.packets:
        lines.append(f"{_judged(listing, request)}; {looked} looked at{f', {muted} muted' if muted else ''}.")
        first = listing.packets[0]
        if first.verdict.clearable is not False:
            lines.append(f"  try: relayclear packets show {visible(str(first.key))}")
    # Whoever looks for a packet of a minute ago must not take it for lost, or done.
    if (young := _in_flight(listing, request)) > 0:
        lines.append(f"  {young} more in flight, not stuck yet: --all shows {'it' if young == 1 else 'them'}")
    lines.append(f"  looked at {instant.clock(reading.at)}: {heights or 'no height was read'}")
    return lines


def _in_flight(listing: Listing, request: ListRequest) -> int:
    """How many packets of the paths that were read are too young for the list; none where it was filtered."""
    if not request.attention or request.only_muted or request.filter.terms:
        return 0
    return sum((path.pending or 0) - path.muted for path in listing.paths) - listing.total


def _judged(listing: Listing, request: ListRequest) -> str:
    """How many need attention, and of how many that can't be told: a class that wasn't read is not a good one."""
    more = "shown" if request.details is DetailsMode.NONE else "all"
    hint = "" if request.details is DetailsMode.ALL or request.filter.needs_details else f": --details {more}"
    unread = f"{listing.unclassed} pending, {'class' if listing.unclassed == 1 else 'classes'} not read{hint}"
    if listing.unclassed and not listing.needy:
        return unread
    fitting = " of those that match" if request.filter.terms else ""
    needs = "needs" if listing.needy == 1 else "need"
    return f"{listing.needy}{fitting} {needs} attention" + (f", {unread}" if listing.unclassed else "")


def _nothing(request: ListRequest) -> str:
    what = "Nothing stuck" if request.attention else "No pending packets"
    return ("No muted packets" if request.only_muted else what) + (
        " that matches the filter" if request.filter.terms else ""
    )


def watch_packets(face: Face, request: ListRequest) -> int:
    """Look again every interval until Ctrl-C; in place on a terminal, a document a line for --json."""
    interval = face.settings().scan.interval

    async def work(desk: Desk) -> int:
        """Look, show and wait, until somebody says stop."""
        out = console(face.color)
        # Nothing is under way here that would have to be told of.
        with Stopping() as stopping:
            while not stopping.event.is_set():
                listing = await list_packets(desk, request)
                if face.json:
                    emit_json(listing_document(listing), stream=True)
                else:
                    if out.is_terminal:
                        out.clear()
                    print_listing(face, listing, request)
                try:
                    await asyncio.wait_for(stopping.event.wait(), interval)
                except TimeoutError:
                    continue
        return Exit.INTERRUPTED

    return face.run(work)
