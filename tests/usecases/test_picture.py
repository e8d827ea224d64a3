"""What a daemon keeps of its scans: the verdicts of `packets list`, nothing invented, nothing written for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from relayclear.errors import NodeError, StoreError
from relayclear.ibc.packet import ChannelState, Ordering, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.store.db import Database, open_database
from relayclear.store.journal import Journal
from relayclear.usecases.board import Board, Picture
from relayclear.usecases.board_rows import PathRow
from relayclear.usecases.board_series import stuck_over_time
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import scan
from tests.fakes.chain import requests
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS


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
        asyncio.run(self._scan())
        return self.board.read()

    async def _scan(self) -> None:
        reading = await scan(self.rig.desk)
        self.keeper.after_scan(reading)
        await self.keeper.fill(reading)

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
    rig.world.deliver(rig.stuck()[0])


def async_ack(rig: Rig) -> None:
    rig.world.deliver(rig.stuck(memo=HOLD_MEMO)[0])


def pending(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.tx_index = False


CLASSES: dict[PacketClass, Callable[[Rig], None]] = {
    PacketClass.PENDING: pending,
    PacketClass.IN_FLIGHT: in_flight,
    PacketClass.STUCK: stuck,
    PacketClass.TIMED_OUT: timed_out,
    PacketClass.TIMEOUT_ON_CLOSE: timeout_on_close,
    PacketClass.ACK_MISSING: ack_missing,
    PacketClass.ASYNC_ACK: async_ack,
}


def test_every_class_is_compared() -> None:
    assert CLASSES.keys() == {*PacketClass}


@pytest.mark.parametrize("packet_class", PacketClass)
def test_the_picture_classes_packets_as_the_live_list_does(onlooker: Onlooker, packet_class: PacketClass) -> None:
    CLASSES[packet_class](onlooker.rig)
    listing = agree(onlooker.rig, onlooker.look())
    assert [view.verdict.packet_class for view in listing.packets] == [packet_class]


def dead_client(status: ClientStatus) -> Callable[[Rig], None]:
    def dies(rig: Rig) -> None:
        rig.stuck()
        rig.world.set_client(rig.far, status)

    return dies


def closed_source(rig: Rig) -> None:
    ack_missing(rig)
    rig.world.set_state(rig.source, ChannelState.CLOSED)


def half_a_connection(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_connection_state("beta-1", "connection-0", ChannelState.TRYOPEN)


def excluded(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, None, None)


def too_large(rig: Rig) -> None:
    rig.stuck(memo="x" * 50)
    rig.relayer.rules_of["alpha-1"] = RelayRules({}, 40, None)


def behind(rig: Rig) -> None:
    ordered, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.stuck(ordered, count=2)


REASONS: dict[BlockReason, Callable[[Rig], None]] = {
    BlockReason.CLIENT_EXPIRED: dead_client(ClientStatus.EXPIRED),
    BlockReason.CLIENT_FROZEN: dead_client(ClientStatus.FROZEN),
    BlockReason.CLIENT_NOT_ACTIVE: dead_client(ClientStatus.UNAUTHORIZED),
    BlockReason.CONNECTION_NOT_OPEN: half_a_connection,
    BlockReason.CHANNEL_NOT_OPEN: closed_source,
    BlockReason.EXCLUDED: excluded,
    BlockReason.TOO_LARGE: too_large,
    BlockReason.ORDERED_BEHIND: behind,
    BlockReason.NO_PACKET_DATA: pending,
}


def test_every_reason_is_compared() -> None:
    assert REASONS.keys() == {*BlockReason}


@pytest.mark.parametrize("reason", BlockReason)
def test_the_picture_names_the_obstacle_that_the_live_list_names(onlooker: Onlooker, reason: BlockReason) -> None:
    REASONS[reason](onlooker.rig)
    listing = agree(onlooker.rig, onlooker.look())
    assert reason in {view.verdict.blocked.reason for view in listing.packets if view.verdict.blocked}


def test_packets_grow_old_time_out_and_go_without_anything_else_changing(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.world.send(rig.source, timeout_seconds=900)
    rig.world.send(rig.source, timeout_seconds=0)
    for seconds, expected in ((10, "in_flight"), (280, "in_flight"), (20, "stuck"), (600, "timed_out")):
        rig.clock.step(seconds)
        listing = agree(rig, onlooker.look())
        assert min(listing.packets, key=lambda view: view.sequence).verdict.packet_class == expected


def test_a_timeout_by_height_comes_without_anything_else_changing(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(timeout_seconds=0, timeout_height=rig.beta.height + 150)
    for blocks, expected in ((0, "stuck"), (20, "stuck"), (30, "timed_out")):
        rig.clock.step(blocks * BLOCK_SECONDS)
        (view,) = agree(rig, onlooker.look()).packets
        assert view.verdict.packet_class == expected


def test_packets_of_an_ordered_channel_move_up_when_the_first_one_went(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    ordered, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    first, *_ = rig.stuck(ordered, count=3, timeout_seconds=0)
    agree(rig, onlooker.look())
    rig.world.relay(first)
    rig.clock.step(60)
    blocked = {row.sequence: row.blocked and row.blocked.detail for row in onlooker.look().rows}
    assert blocked == {2: None, 3: "ordered channel: behind #2"}
    agree(rig, onlooker.look())


def test_a_greater_age_that_somebody_else_proved_is_taken_over(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(timeout_seconds=0)
    rig.alpha.tx_index = False
    now = onlooker.look().at
    rig.journal.predate(rig.source, {1}, now - timedelta(days=9))
    rig.clock.step(60)
    (row,) = onlooker.look().rows
    assert (row.since, row.exact) == (now - timedelta(days=9), False)


def test_a_scan_that_finds_nothing_new_writes_nothing_of_it(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(count=3)
    onlooker.look()
    for _ in range(3):
        rig.clock.step(60)
        reading = asyncio.run(scan(rig.desk))
        before = onlooker.writes()
        onlooker.keeper.after_scan(reading)
        asyncio.run(onlooker.keeper.fill(reading))
        assert onlooker.writes() == before


def test_a_path_that_cannot_be_read_keeps_its_verdicts_and_says_since_when_and_why(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(count=2)
    good = onlooker.look()
    rig.clock.step(60)
    rig.beta.down = NodeError("beta-1: it hangs")
    since = rig.clock.now()
    for _ in range(2):
        away = onlooker.look()
        rig.clock.step(60)
    row = path_row(rig, away)
    assert (row.error, row.failed_at, row.read_at) == ("beta-1: it hangs", since, good.at)
    assert (row.pending, row.stuck) == (2, 2)
    assert away.rows == good.rows
    rig.beta.down = None
    back = path_row(rig, onlooker.look())
    assert (back.error, back.failed_at, back.read_at) == (None, None, rig.clock.now())


def test_a_path_that_is_away_at_a_start_keeps_the_states_and_clients_that_were_read(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(timeout_seconds=0)
    before = path_row(rig, onlooker.look())
    rig.beta.down = NodeError("beta-1: it hangs")
    onlooker.keeper = Keeper(rig.desk)
    row = path_row(rig, onlooker.look())
    assert before.source_client is not None
    assert (row.source_client, row.source_state) == (before.source_client, before.source_state)


def test_a_path_that_was_never_read_has_no_counts(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    asyncio.run(scan(rig.desk))
    rig.stuck()
    rig.beta.down = NodeError("beta-1: it hangs")
    row = path_row(rig, onlooker.look())
    assert (row.pending, row.stuck, row.clearable, row.read_at) == (None, None, None, None)
    assert row.error == "beta-1: it hangs"


def path_row(rig: Rig, picture: Picture) -> PathRow:
    return next(row for row in picture.paths if row.path.source == rig.source)


def test_a_daemon_started_again_goes_on_from_the_picture_and_writes_nothing(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(count=2)
    rig.alpha.tx_index = False
    before = onlooker.look()
    onlooker.keeper = Keeper(rig.desk)
    written = onlooker.writes()
    reading = asyncio.run(scan(rig.desk))
    scanned = onlooker.writes() - written
    onlooker.keeper.after_scan(reading)
    assert scanned + written == onlooker.writes()
    assert onlooker.board.read().rows == before.rows


def test_what_a_full_disk_kept_from_being_written_is_written_by_the_next_scan(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(count=2)
    live(rig)
    assert rig.journal.database.path
    reading = asyncio.run(scan(rig.desk))
    with closing(open_database(rig.journal.database.path)) as other, other.atomic(), pytest.raises(StoreError):
        onlooker.keeper.after_scan(reading)
    assert len(onlooker.look().rows) == 2


def test_details_are_fetched_worst_first_and_so_many_a_scan(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    old = rig.stuck(count=150)
    asyncio.run(scan(rig.desk))
    rig.stuck(count=100)
    picture = onlooker.look()
    known = onlooker.board.details([row.key for row in picture.rows])
    assert (len(known), {*old} <= known.keys()) == (200, True)
    assert len(onlooker.board.details([row.key for row in onlooker.look().rows])) == 250
    asked = requests(rig.alpha)["sent_packets"]
    onlooker.look()
    assert requests(rig.alpha)["sent_packets"] == asked


def test_a_node_that_is_away_is_asked_again_at_the_next_scan_and_tells_nothing_meanwhile(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck()
    rig.alpha.fails["sent_packets"] = NodeError("alpha-1: it hangs")
    (row,) = onlooker.look().rows
    assert (row.packet_class, row.blocked) == (PacketClass.PENDING, None)
    del rig.alpha.fails["sent_packets"]
    (row,) = onlooker.look().rows
    assert (row.packet_class, row.exact) == (PacketClass.STUCK, True)


def test_details_that_no_node_has_are_asked_for_once_an_hour(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck()
    rig.alpha.tx_index = False
    for _ in range(3):
        onlooker.look()
    assert requests(rig.alpha)["sent_packets"] == 1
    rig.clock.step(3600)
    rig.alpha.tx_index = True
    assert onlooker.look().rows[0].exact


def test_a_channel_that_closed_is_noticed_within_five_minutes(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck()
    onlooker.look()
    rig.world.set_state(rig.far, ChannelState.CLOSED)
    rig.clock.step(300)
    row = path_row(rig, onlooker.look())
    assert row.classes == {PacketClass.TIMEOUT_ON_CLOSE: 1}
    assert row.destination_state is ChannelState.CLOSED


def test_a_node_that_does_not_tell_a_closed_channel_now_does_not_open_it_again(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    timeout_on_close(rig)
    onlooker.look()
    rig.beta.fails["channels"] = NodeError("beta-1: it hangs")
    for _ in range(2):
        rig.clock.step(300)
        row = path_row(rig, onlooker.look())
        assert row.classes == {PacketClass.TIMEOUT_ON_CLOSE: 1}
        assert row.destination_state is ChannelState.CLOSED


def test_packets_of_a_chain_that_left_the_config_wait_for_nobody_any_more(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(timeout_seconds=0)
    begun = onlooker.look().at
    rig.clock.step(60)
    onlooker.keeper = Keeper(replace(rig.desk, chains={"beta-1": rig.beta}))
    reading = asyncio.run(scan(replace(rig.desk, chains={"beta-1": rig.beta})))
    onlooker.keeper.after_scan(reading)
    points = stuck_over_time(rig.desk, begun - timedelta(seconds=60), rig.clock.now(), 2)
    assert [point.stuck for point in points] == [1, 0]


def test_what_left_the_time_that_is_kept_is_forgotten(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    (gone, _) = rig.stuck(count=2, timeout_seconds=0)
    onlooker.look()
    rig.world.relay(gone)
    counts: list[int] = []
    for days in (1, 89, 2):
        rig.clock.step(days * 86400)
        onlooker.look()
        counts += rig.journal.database.rows("SELECT count(*) FROM past_judgements WHERE first_sequence = 1")[0]
    assert counts == [1, 1, 0]
    assert len(onlooker.board.read().rows) == 1
