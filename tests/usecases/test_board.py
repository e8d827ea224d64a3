"""The board: filters and orders as the command line's, the past as it was, cheap where nothing is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relayclear.errors import NodeError
from relayclear.ibc.coin import Coin
from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelState, PacketKey, SequenceRanges
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import PacketClass
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.board import Board, Column, Order, Picture
from relayclear.usecases.board_rows import PathRow
from relayclear.usecases.listing import DetailsMode, ListRequest, list_packets
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import scan
from relayclear.usecases.stepping import BACK, ON, step
from tests.fakes.rig import Rig, opened_rig
from tests.fakes.world import address
from tests.usecases.test_picture import Onlooker, agree, onlooker, path_row

__all__ = ["onlooker"]

RICH = address("rich", "alpha-1")


def test_before_the_first_scan_nothing_is_shown_and_nothing_said_of_when(onlooker: Onlooker) -> None:
    picture = onlooker.board.read()
    assert (picture.scanned_at, picture.paths, list(picture.rows)) == (None, (), [])
    assert step(onlooker.rig.desk, onlooker.rig.clock.now(), BACK) is None


def test_where_nothing_is_pending_the_paths_are_there_with_zero_of_the_scan(onlooker: Onlooker) -> None:
    picture = onlooker.look()
    assert [(row.pending, row.stuck, row.read_at) for row in picture.paths] == [(0, 0, picture.scanned_at)] * 2
    assert picture.scanned_at == onlooker.rig.clock.now()


def test_nothing_new_is_the_same_object_and_a_commit_about_something_else_too(onlooker: Onlooker) -> None:
    onlooker.rig.stuck()
    picture = onlooker.look()
    assert onlooker.board.read() is picture
    onlooker.rig.journal.remember("alpha-1", "name", "value")
    assert onlooker.board.read() is picture


def test_a_mute_is_seen_at_once_and_its_end_without_any_commit(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(count=2)
    onlooker.look()
    until = rig.clock.now() + timedelta(hours=1)
    rig.journal.mute(rig.source, SequenceRanges.of([1]), "known", until, {1: "stuck"}, rig.clock.now())
    row = path_row(rig, onlooker.board.read())
    assert (row.pending, row.stuck, row.muted) == (2, 1, 1)
    rig.clock.step(3600)
    assert path_row(rig, onlooker.board.read()).stuck == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "class:stuck",
        f"wallet:{RICH}",
        f"!sender:{RICH}",
        "denom:uatom",
        "age:>9m",
        "age:<15m",
        RICH,
        "sequence:2",
        "!denom:token",
        "chain:alpha-1 to:beta-1",
        "channel:channel-7",
        "reason:*",
        "class:ack_missing",
    ],
)
def test_a_filter_chooses_what_the_command_line_chooses(onlooker: Onlooker, text: str) -> None:
    rig = onlooker.rig
    rig.world.send(rig.source, coin=Coin("uatom", 5), sender=RICH)
    rig.clock.step(600)
    rig.stuck()
    rig.world.deliver(rig.world.send(rig.source))
    onlooker.look()
    wanted = Filter.parse(text)
    request = ListRequest(filter=wanted, details=DetailsMode.ALL, attention=False)
    listed = [view.key for view in asyncio.run(list_packets(rig.desk, request)).packets]
    assert [row.key for row in onlooker.board.chosen(wanted)] == listed


def test_every_column_orders_both_ways_and_what_is_not_known_stands_last(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    for amount in (5, 90, 7):
        rig.world.send(rig.source, coin=Coin("uatom", amount))
        rig.clock.step(60)
    onlooker.look()
    rig.alpha.fails["sent_packets"] = NodeError("alpha-1: it hangs")
    rig.stuck()
    onlooker.look()

    def order(column: Column, *, reverse: bool = False) -> list[int]:
        return [row.sequence for row in onlooker.board.chosen(Filter(), Order(column, reverse))]

    assert order(Column.AMOUNT) == [2, 3, 1, 4]
    assert order(Column.AMOUNT, reverse=True) == [1, 3, 2, 4]
    assert order(Column.AGE) == [1, 2, 3, 4]
    assert order(Column.SEQUENCE, reverse=True) == [4, 3, 2, 1]
    for column in Column:
        assert {*order(column)} == {*order(column, reverse=True)} == {1, 2, 3, 4}


def test_the_value_of_a_path_is_told_by_denom_with_how_many_are_not_known(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    for amount in (5, 7):
        rig.world.send(rig.source, coin=Coin("uatom", amount))
    onlooker.look()
    rig.alpha.tx_index = False
    rig.stuck(count=2)
    row = path_row(rig, onlooker.look())
    assert (row.values, row.unvalued) == ({"uatom": 12}, 2)


def test_a_path_tells_the_client_that_ends_first(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck()
    row = path_row(rig, onlooker.look())
    assert row.source_client is not None
    assert row.expiry is not None
    assert row.expiry.status is ClientStatus.ACTIVE
    rig.world.set_client(rig.far, ClientStatus.FROZEN)
    row = path_row(rig, onlooker.look())
    assert row.expiry is not None
    assert (row.expiry.chain, row.expiry.status) == ("beta-1", ClientStatus.FROZEN)
    assert row.obstacle is not None
    assert (row.clearable, row.obstacle.reason) == (0, "client_frozen")


def test_an_idle_path_tells_its_clients_too(onlooker: Onlooker) -> None:
    assert all(row.expiry is not None for row in onlooker.look().paths)


def test_the_worst_path_stands_first_and_one_that_cannot_be_read_before_those_without_trouble(
    onlooker: Onlooker,
) -> None:
    rig = onlooker.rig
    rig.add_chain("gamma-1", "gas")
    rig.world.connect("alpha-1", "gamma-1")
    onlooker.keeper = Keeper(rig.desk)
    onlooker.board = Board(replace(rig.desk, journal=Journal(onlooker.reader)))
    rig.stuck()
    assert onlooker.look().paths[0].path.source == rig.source
    rig.chains["gamma-1"].down = NodeError("gamma-1: it hangs")
    assert [row.error is None for row in onlooker.look().paths] == [True, False, False, True]


# Time travel


def send(rig: Rig) -> None:
    rig.world.send(rig.source)


def send_short(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=100)


def deliver(rig: Rig) -> None:
    for sequence in rig.pending()[:1]:
        rig.world.relay(PacketKey(*rig.source, sequence))


def receive(rig: Rig) -> None:
    """Deliver the newest packet that isn't; its acknowledgement doesn't come back."""
    for sequence in rig.pending()[-1:]:
        with suppress(AssertionError):
            rig.world.deliver(PacketKey(*rig.source, sequence))


def lose_beta(rig: Rig) -> None:
    rig.beta.down = NodeError("beta-1: it hangs")


def find_beta(rig: Rig) -> None:
    rig.beta.down = None


def lose_index(rig: Rig) -> None:
    rig.alpha.tx_index = False


def find_index(rig: Rig) -> None:
    rig.alpha.tx_index = True


def freeze(rig: Rig) -> None:
    rig.world.set_client(rig.far, ClientStatus.FROZEN)


def close(rig: Rig) -> None:
    rig.world.set_state(rig.far, ChannelState.CLOSED)


def mute(rig: Rig) -> None:
    rig.journal.mute(rig.source, None, "known", rig.clock.now() + timedelta(seconds=150), {"stuck"}, rig.clock.now())


def unmute(rig: Rig) -> None:
    rig.journal.unmute(rig.source, None, rig.clock.now())


EVENTS: list[Callable[[Rig], None]] = [
    send,
    send_short,
    deliver,
    receive,
    lose_beta,
    find_beta,
    lose_index,
    find_index,
    freeze,
    mute,
    unmute,
]


def plain(picture: Picture) -> object:
    """What a picture says that is kept for ever: not states, clients, and when a scan found nothing new."""
    hidden = ("path", "source_state", "destination_state", "source_client", "destination_client", "read_at")
    names = [one.name for one in fields(PathRow) if one.name not in hidden]
    paths = {row.path.source: {name: getattr(row, name) for name in names} for row in picture.paths}
    return [(row.key, row[2:]) for row in picture.rows], paths


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(EVENTS), max_size=4), min_size=1, max_size=8))
def test_every_time_looked_at_is_what_a_reader_saw_then(story: list[list[Callable[[Rig], None]]]) -> None:
    with TemporaryDirectory() as folder, opened_rig(Path(folder)) as rig:
        assert rig.journal.database.path
        with closing(open_database(rig.journal.database.path, read_only=True)) as reader:
            watching = Onlooker(rig, Keeper(rig.desk), reader)
            then: dict[datetime, object] = {}
            for events in story:
                # What is done in the very moment of a look counts to it: it is done a little later.
                rig.clock.step(1)
                for event in events:
                    event(rig)
                rig.clock.step(59)
                then[rig.clock.now()] = plain(watching.look())
                # A daemon may end at any time, and the next one goes on.
                watching.keeper = Keeper(rig.desk) if len(events) == 3 else watching.keeper
            for board in (watching.board, Onlooker(rig, watching.keeper, reader).board):
                assert {at: plain(board.read(at)) for at in then} == then
                assert {at: plain(board.read(at)) for at in reversed(then)} == then


# What the live list knows at once: no node that is away, for which the daemon waits.
PLAIN = [send, send_short, deliver, receive, freeze, close]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(PLAIN), max_size=3), min_size=1, max_size=6))
def test_whatever_happens_the_picture_says_what_the_live_list_says(story: list[list[Callable[[Rig], None]]]) -> None:
    with TemporaryDirectory() as folder, opened_rig(Path(folder)) as rig:
        assert rig.journal.database.path
        with closing(open_database(rig.journal.database.path, read_only=True)) as reader:
            watching = Onlooker(rig, Keeper(rig.desk), reader)
            for events in story:
                for event in events:
                    event(rig)
                # States of channels are looked at every five minutes.
                rig.clock.step(60 if close not in events else 300)
                agree(rig, watching.look())


def test_what_a_later_scan_finds_does_not_change_what_was_seen_before(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    (key,) = rig.stuck()
    before = onlooker.look()
    rig.world.relay(key)
    rig.clock.step(60)
    assert list(onlooker.look().rows) == []
    assert list(onlooker.board.read(before.at).rows) == list(before.rows)
    assert list(onlooker.board.read(before.at - timedelta(seconds=1)).rows) == []
    assert onlooker.board.read(before.at - timedelta(seconds=1)).paths == ()


def test_steps_lead_from_one_changed_scan_to_the_next_and_end(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    moments = []
    for change in (True, False, True, False):
        if change:
            rig.stuck(timeout_seconds=0)
            moments.append(rig.clock.now())
        onlooker.look()
        rig.clock.step(60)
    desk, now = rig.desk, rig.clock.now()
    assert step(desk, now, BACK) == moments[1]
    assert step(desk, moments[1], BACK) == moments[0]
    assert step(desk, moments[0], BACK) is None
    assert step(desk, moments[0], ON) == moments[1]
    assert step(desk, moments[1], ON) is None


def test_a_look_at_a_scan_that_is_not_over_is_not_kept_for_good(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck()
    reading = asyncio.run(scan(rig.desk))
    onlooker.keeper.after_scan(reading)
    assert onlooker.board.read(reading.at).rows[0].packet_class is PacketClass.PENDING
    asyncio.run(onlooker.keeper.fill(reading))
    assert onlooker.board.read(reading.at).rows[0].packet_class is PacketClass.STUCK
