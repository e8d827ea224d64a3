"""One packet's story: pending, done, never sent, and what can't be told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relayclear.errors import IndexerError, NodeError, RefusedError, UsageError
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import PacketClass
from relayclear.usecases.story import Story, packet_story
from tests.fakes.rig import Rig


def story(rig: Rig, key: PacketKey) -> Story:
    return asyncio.run(packet_story(rig.desk, key))


def test_a_pending_packet_tells_its_commitment_its_coin_and_both_clients(rig: Rig) -> None:
    (key,) = rig.stuck()
    told = story(rig, key)
    assert told.view is not None
    assert told.view.verdict.packet_class is PacketClass.STUCK
    assert told.packet is not None
    assert told.packet.verified
    assert told.transfer is not None
    assert str(told.transfer.coin) == "2000token"
    assert told.source_client is not None
    assert told.source_client.status is ClientStatus.ACTIVE
    assert told.after is None


def test_a_pending_packet_without_an_index_says_why_nothing_more_is_known(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.alpha.tx_index = False
    told = story(rig, key)
    assert told.packet is None
    assert isinstance(told.unread, IndexerError)


def test_a_half_dead_path_is_warned_of(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.set_client(rig.source, ClientStatus.EXPIRED)
    told = story(rig, key)
    assert told.view is not None
    assert told.view.warning is not None


@pytest.mark.parametrize(
    ("packet", "fate"),
    [
        ({}, Fate.DELIVERED),
        ({"receiver": "nobody"}, Fate.DELIVERED_WITH_ERROR),
        ({"timeout_seconds": 60}, Fate.RETURNED_TO_SENDER),
    ],
    ids=["relay", "error", "timeout"],
)
def test_a_packet_that_is_done_tells_its_fate_and_by_whom(rig: Rig, packet: dict[str, Any], fate: Fate) -> None:
    (key,) = rig.stuck(**packet)
    rig.world.relay(key)
    told = story(rig, key)
    assert told.view is None
    assert told.after is not None
    assert (told.after.fate, told.after.by) == (fate, Doer.OTHER)
    assert told.packet is not None
    assert not told.packet.verified


def test_who_ended_it_is_unknown_without_an_index_but_the_fate_is_not(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.relay(key)
    rig.alpha.tx_index = rig.beta.tx_index = False
    told = story(rig, key)
    assert told.after is not None
    assert (told.after.fate, told.after.by) == (Fate.DELIVERED, Doer.UNKNOWN)
    assert isinstance(told.unread, IndexerError)


def test_a_packet_done_and_lost_from_the_index_says_so(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.relay(key)
    rig.alpha.lost.add(1)
    told = story(rig, key)
    assert told.packet is None
    assert isinstance(told.unread, IndexerError)


def test_a_sequence_never_sent_is_refused_and_names_the_next(rig: Rig) -> None:
    rig.stuck(count=2)
    with pytest.raises(RefusedError, match="alpha-1/channel-0/9 was never sent; the next sequence is 3") as caught:
        story(rig, PacketKey(*rig.source, 9))
    assert caught.value.code == "never_sent"


def test_an_unknown_channel_is_a_usage_error(rig: Rig) -> None:
    with pytest.raises(UsageError):
        story(rig, PacketKey("alpha-1", "transfer", "channel-9", 1))


@pytest.mark.parametrize("read_before", [True, False])
@pytest.mark.parametrize("down", ["alpha-1", "beta-1"])
def test_a_chain_that_does_not_answer_tells_no_story(rig: Rig, down: str, read_before: bool) -> None:  # noqa: FBT001
    (key,) = rig.stuck()
    if read_before:
        story(rig, key)
    rig.chains[down].down = NodeError("frozen")
    with pytest.raises(NodeError, match="frozen"):
        story(rig, key)


def test_clients_that_cannot_be_read_are_unknown(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.beta.fails["client_health"] = NodeError("timed out")
    told = story(rig, key)
    assert told.destination_client is None
    assert told.source_client is not None
