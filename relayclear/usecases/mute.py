"""Mute what is known to be dead, so that it doesn't wake anybody; a change of class ends it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from relayclear.errors import RefusedError
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.store import history, mutes
from relayclear.store.history import Event
from relayclear.store.mutes import Mute
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details, fetch_details
from relayclear.usecases.once import ANEW, Once
from relayclear.usecases.scan import Scope, scan
from relayclear.usecases.views import path_desk, path_packets


async def mute_packets(
    desk: Desk,
    end: ChannelEnd,
    ranges: SequenceRanges | None,
    reason: str,
    until: datetime | None,
    who: str = "operator",
    once: Once = ANEW,
) -> int:
    """Mute a path, or some of its packets, as they are now; give back how many are pending there.

    `who` asked for it, as the history will say.  Raises RefusedError for sequences of which none is
    pending: there is nothing to keep quiet.
    """
    once.begin(desk.journal.database)
    reading = await scan(desk, Scope(end.chain, end.channel, end.port))
    item = reading.readable(end)
    chosen = [sequence for sequence in item.commitments if ranges is None or sequence in ranges]
    if ranges is not None and not chosen:
        raise RefusedError(
            f"none of {ranges} is pending on {end}",
            code="not_pending",
            hint=f"relayclear packets list --chain {end.chain} --channel {end.channel} --all",
        )
    # The classes of now are kept with the mute, so they are read with their timeouts.
    details = Details()
    await fetch_details(desk, reading, [PacketKey(*end, sequence) for sequence in chosen], details)
    views = path_packets(path_desk(desk, reading, item, []), details)
    classes = {view.sequence: view.verdict.packet_class.value for view in views if view.sequence in set(chosen)}
    kept: Mapping[int, str] | AbstractSet[str] = frozenset(classes.values()) if ranges is None else classes
    muted = None if ranges is None else SequenceRanges.of(chosen)
    mute = Mute(0, end, muted, reason, mutes.classes_of(kept), reading.at, until)
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        mutes.add(tx, mute)
        history.add(tx, Event(reading.at, who, "muted", subject=_subject(end, ranges), detail={"why": reason}))
        once.keep(tx, len(chosen), reading.at)
    return len(chosen)


def unmute_packets(
    desk: Desk,
    end: ChannelEnd,
    ranges: SequenceRanges | None,
    reason: str = "",
    who: str = "operator",
    once: Once = ANEW,
) -> int:
    """End the mutes of a path, or of some packets; give back how many ended."""
    now = desk.clock.now()
    with desk.journal.database.atomic() as tx:
        once.begin(tx)
        ended = mutes.end(tx, end, ranges, now)
        if ended:
            history.add(tx, Event(now, who, "unmuted", subject=_subject(end, ranges), detail={"why": reason}))
        once.keep(tx, ended, now)
    return ended


def _subject(end: ChannelEnd, ranges: SequenceRanges | None) -> str:
    return str(end) if ranges is None else f"{end}/{ranges}"
