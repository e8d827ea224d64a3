"""Muting: only what is pending, kept with the classes of now, taken back exactly."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from relayclear.errors import NodeError, RefusedError
from relayclear.ibc.packet import SequenceRanges
from relayclear.usecases.listing import Listing, ListRequest, list_packets
from relayclear.usecases.mute import mute_packets, unmute_packets
from tests.fakes.rig import Rig


def mute(rig: Rig, ranges: SequenceRanges | None, until: datetime | None = None) -> int:
    return asyncio.run(mute_packets(rig.desk, rig.source, ranges, "gov #12", until))


def listing(rig: Rig) -> Listing:
    return asyncio.run(list_packets(rig.desk, ListRequest()))


def test_muted_packets_count_apart_and_the_others_stay(rig: Rig) -> None:
    rig.stuck(count=3)
    assert mute(rig, SequenceRanges.of([1, 3])) == 2
    found = listing(rig)
    assert [view.sequence for view in found.packets] == [2]
    assert found.stuck == 1


def test_a_muted_path_keeps_quiet_about_packets_of_the_same_class_that_come_later(rig: Rig) -> None:
    rig.stuck()
    assert mute(rig, None) == 1
    rig.stuck()
    assert listing(rig).stuck == 0


def test_a_muted_packet_that_starts_to_time_out_wakes_somebody(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=3600)
    rig.clock.step(600)
    mute(rig, None)
    assert listing(rig).stuck == 0
    rig.clock.step(3600)
    assert listing(rig).stuck == 1


def test_a_mute_with_an_end_ends(rig: Rig) -> None:
    rig.stuck()
    mute(rig, None, rig.clock.now() + timedelta(hours=1))
    assert listing(rig).stuck == 0
    rig.clock.step(3600)
    assert listing(rig).stuck == 1


def test_muting_what_is_not_pending_is_refused(rig: Rig) -> None:
    rig.stuck()
    with pytest.raises(RefusedError, match=r"none of 7\.\.9 is pending on alpha-1/channel-0") as caught:
        mute(rig, SequenceRanges([(7, 9)]))
    assert caught.value.code == "not_pending"


def test_a_path_that_cannot_be_read_is_not_muted_blindly(rig: Rig) -> None:
    rig.stuck()
    rig.beta.down = NodeError("frozen")
    with pytest.raises(NodeError):
        mute(rig, None)
    assert rig.journal.mutes(rig.clock.now()) == []


def test_unmuting_brings_the_packets_back(rig: Rig) -> None:
    rig.stuck(count=2)
    mute(rig, SequenceRanges.of([1, 2]))
    assert unmute_packets(rig.desk, rig.source, SequenceRanges.of([2])) == 1
    assert [view.sequence for view in listing(rig).packets] == [2]
    assert unmute_packets(rig.desk, rig.source, None) == 1
    assert unmute_packets(rig.desk, rig.source, None) == 0
    assert listing(rig).stuck == 2
