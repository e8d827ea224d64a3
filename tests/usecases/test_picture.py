"""What a daemon keeps of its scans: the verdicts of `packets list`, nothing invented, nothing written for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from relayclear.errors import NodeError
from relayclear.ibc.packet import ChannelState
from relayclear.ibc.triage import PacketClass
from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal
from relayclear.usecases.board import Board, Picture
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import scan
from tests.fakes.rig import Rig


@dataclass
class Onlooker:
    """A daemon's keeper, and a reader with a read-only connection of its own."""

    rig: Rig
    keeper: Keeper
    reader: Database

    def __post_init__(self) -> None:
        """A board over the reader."""
        self.board = Board(replace(self.rig.desk, journal=Journal(self.reader)))

    def look(self) -> Picture:
        """One scan as the daemon does it, and what the reader sees then."""

        async def once() -> None:
            reading = await scan(self.rig.desk)
            self.keeper.after_scan(reading)
            await self.keeper.fill(reading)

        asyncio.run(once())
        return self.board.read()

    def writes(self) -> int:
        """How many rows this connection has changed so far."""
        return int(self.rig.journal.database.rows("SELECT total_changes()")[0][0])


@pytest.fixture
def onlooker(rig: Rig) -> Iterator[Onlooker]:
    path = rig.journal.database.path
    assert path
    with closing(open_database(path, read_only=True)) as reader:
        yield Onlooker(rig, Keeper(rig.desk), reader)


def live(rig: Rig) -> Listing:
    request = ListRequest(details=DetailsMode.ALL, attention=False)
    return asyncio.run(list_packets(rig.desk, request))


def agree(rig: Rig, picture: Picture) -> Listing:
    """The picture says what `packets list` says at the same time."""
    listing = live(rig)
    shown = {row.key: (row.packet_class, row.blocked) for row in picture.rows}
    assert shown == {view.key: tuple(view.verdict) for view in listing.packets}
    for view in listing.packets:
        (row,) = [row for row in picture.rows if row.key == view.key]
        assert row.exact is view.age_is_exact
        if view.age_is_exact:
            assert view.packet is not None
            assert row.since == view.packet.sent_at
    counted = {row.path.source: (row.pending, row.stuck) for row in picture.paths}
    assert counted == {view.path.source: (view.pending, view.stuck) for view in listing.paths}
    return listing


def pending(rig: Rig) -> None:
    rig.stuck(timeout_seconds=0)
    rig.alpha.fails["sent_packets"] = NodeError("alpha-1: it hangs")


def in_flight(rig: Rig) -> None:
    rig.world.send(rig.source)


def stuck(rig: Rig) -> None:
    rig.stuck()


def timed_out(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=30)
    rig.clock.step(600)


def timeout_on_close(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_state(rig.far, ChannelState.CLOSED)


def ack_missing(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.deliver(key)


CLASSES: dict[PacketClass, Callable[[Rig], None]] = {
    PacketClass.IN_FLIGHT: in_flight,
    PacketClass.STUCK: stuck,
    PacketClass.TIMED_OUT: timed_out,
    PacketClass.TIMEOUT_ON_CLOSE: timeout_on_close,
    PacketClass.ACK_MISSING: ack_missing,
}


@pytest.mark.parametrize("packet_class", CLASSES, ids=str)
def test_the_picture_classes_packets_as_the_live_list_does(onlooker: Onlooker, packet_class: PacketClass) -> None:
    CLASSES[packet_class](onlooker.rig)
    listing = agree(onlooker.rig, onlooker.look())
    assert [view.verdict.packet_class for view in listing.packets] == [packet_class]
