"""Details are believed only when their hash fits, and an age counts from the oldest evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest

from relayclear.errors import HeightError, IndexerError, NodeError
from relayclear.ibc.packet import ChannelState, PacketKey
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.usecases.details import Details, fetch_details, height_at
from relayclear.usecases.listing import DetailsMode, ListRequest, list_packets
from relayclear.usecases.scan import Reading, scan
from relayclear.usecases.views import PacketView
from tests.fakes.chain import requests
from tests.fakes.rig import STUCK_AFTER, Rig


def fetched(rig: Rig, keys: Iterable[PacketKey]) -> tuple[Reading, Details]:
    async def work() -> tuple[Reading, Details]:
        reading, details = await scan(rig.desk), Details()
        await fetch_details(rig.desk, reading, keys, details)
        return reading, details

    return asyncio.run(work())


def views(rig: Rig, details: DetailsMode = DetailsMode.ALL) -> list[PacketView]:
    return asyncio.run(list_packets(rig.desk, ListRequest(details=details, attention=False))).packets


def test_details_that_fit_the_commitment_are_verified_and_remembered_for_ever(rig: Rig) -> None:
    (key,) = rig.stuck()
    _, details = fetched(rig, [key])
    assert details.packets[key].verified
    rig.alpha.asked.clear()
    _, again = fetched(rig, [key])
    assert again.packets == details.packets
    assert "sent_packets" not in rig.alpha.asked


def test_details_that_do_not_fit_the_commitment_are_marked_and_never_remembered(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.alpha.lies.add(1)
    _, details = fetched(rig, [key])
    assert not details.packets[key].verified
    rig.alpha.lies.clear()
    _, honest = fetched(rig, [key])
    assert honest.packets[key].verified


def test_a_reused_sequence_with_another_commitment_is_not_told_from_memory(rig: Rig) -> None:
    (key,) = rig.stuck()
    fetched(rig, [key])
    rig.world.skip(rig.source, -1)
    rig.world.send(rig.source, memo="another packet on a chain that began anew")
    _, details = fetched(rig, [key])
    assert b"began anew" in details.packets[key].data


def test_details_asked_for_twice_are_fetched_once(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.alpha.lost.add(1)

    async def work() -> None:
        reading, details = await scan(rig.desk), Details()
        await fetch_details(rig.desk, reading, [key], details)
        await fetch_details(rig.desk, reading, [key], details)

    asyncio.run(work())
    assert requests(rig.alpha)["sent_packets"] == 1


def test_a_packet_that_no_index_has_is_unread_with_the_reason_and_the_rest_goes_on(rig: Rig) -> None:
    lost, kept = rig.stuck(count=2)
    rig.alpha.lost.add(1)
    _, details = fetched(rig, [lost, kept])
    assert isinstance(details.unread[lost], IndexerError)
    assert details.packets[kept].verified
    first, second = sorted(views(rig), key=lambda view: view.sequence)
    assert first.verdict.packet_class is PacketClass.PENDING
    assert first.verdict.blocked is not None
    assert first.verdict.blocked.reason is BlockReason.NO_PACKET_DATA
    assert second.verdict.packet_class is PacketClass.STUCK


def test_an_age_counts_from_the_send_transaction_not_from_the_first_look(rig: Rig) -> None:
    rig.stuck()
    (view,) = views(rig)
    assert view.age_seconds == 600


def test_without_an_index_a_look_at_an_older_height_proves_the_age(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.tx_index = False
    (view,) = views(rig)
    assert view.age_seconds is not None
    assert STUCK_AFTER <= view.age_seconds <= 600
    assert view.unread is not None
    # The next scan knows it from the journal alone.
    reading = asyncio.run(scan(rig.desk))
    assert reading.at - reading.first_seen[rig.source][1] >= timedelta(seconds=STUCK_AFTER)


def test_without_an_index_a_young_packet_is_not_made_old(rig: Rig) -> None:
    rig.stuck()
    young = rig.world.send(rig.source)
    rig.clock.step(20)
    rig.alpha.tx_index = False
    ages = {view.sequence: view.age_seconds for view in views(rig)}
    assert ages[young.sequence] is None
    assert (ages[1] or 0) >= STUCK_AFTER


@pytest.mark.parametrize("pruned", ["blocks", "states", "connection"])
def test_a_node_that_pruned_the_older_height_leaves_the_age_to_the_sightings(rig: Rig, pruned: str) -> None:
    rig.stuck()
    rig.alpha.tx_index = False
    if pruned == "blocks":
        rig.alpha.pruned_below = rig.alpha.height - 2
    elif pruned == "states":
        rig.alpha.fails["commitments_at"] = HeightError("pruned")
    else:
        rig.alpha.fails["block_time"] = NodeError("timed out")
    (view,) = views(rig)
    assert view.age_seconds is None
    rig.clock.step(400)
    (later,) = views(rig)
    assert later.age_seconds == 400


def test_a_look_back_to_now_needs_no_older_block(rig: Rig) -> None:
    async def work() -> tuple[int, int]:
        reading = await scan(rig.desk)
        height, _ = await height_at(rig.desk, reading, "alpha-1", reading.at)
        return height, reading.heads["alpha-1"].height

    found, newest = asyncio.run(work())
    assert found == newest
    assert "block_time" not in rig.alpha.asked


def test_a_chain_younger_than_the_look_back_ends_at_its_first_block(rig: Rig) -> None:
    rig.clock.step(3600)

    async def work() -> int:
        reading = await scan(rig.desk)
        height, _ = await height_at(rig.desk, reading, "alpha-1", reading.at - timedelta(days=30))
        return height

    assert asyncio.run(work()) == 1


def test_a_block_clock_ahead_of_ours_makes_no_negative_age(rig: Rig) -> None:
    rig.stuck()
    rig.clock.step(-700)
    (view,) = views(rig)
    assert view.age_seconds == 0


def test_a_channel_that_closed_since_the_topology_was_read_is_noticed(rig: Rig) -> None:
    rig.stuck()
    asyncio.run(scan(rig.desk))
    rig.world.set_state(rig.far, ChannelState.CLOSED)
    (view,) = views(rig)
    assert view.verdict.packet_class is PacketClass.TIMEOUT_ON_CLOSE


def test_channel_states_that_cannot_be_read_anew_stay_as_remembered(rig: Rig) -> None:
    rig.stuck()
    rig.beta.fails["channels"] = NodeError("timed out")
    (view,) = views(rig)
    assert view.verdict.packet_class is PacketClass.STUCK


def test_without_details_no_transaction_is_looked_up(rig: Rig) -> None:
    rig.stuck()
    (view,) = views(rig, DetailsMode.NONE)
    assert view.verdict.packet_class is PacketClass.PENDING
    assert view.verdict.clearable is None
    assert "sent_packets" not in rig.alpha.asked


def test_without_details_receipts_and_acknowledgements_still_settle_the_class(rig: Rig) -> None:
    for key in (*rig.stuck(), *rig.stuck(memo=HOLD_MEMO)):
        rig.world.deliver(key)
    found = {view.sequence: view.verdict.packet_class for view in views(rig, DetailsMode.NONE)}
    assert found == {1: PacketClass.ACK_MISSING, 2: PacketClass.ASYNC_ACK}


def test_details_that_do_not_fit_decide_neither_class_nor_age_nor_size(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.lies.add(1)
    (view,) = views(rig)
    assert view.packet is not None
    assert view.transfer is not None
    assert view.transfer.coin.amount == 9999
    assert view.verdict.packet_class is PacketClass.PENDING
    assert view.verdict.blocked is None
    # Proved by a look at an older height, not by the liar's word.
    assert view.age_seconds is not None
    assert STUCK_AFTER <= view.age_seconds < 600
