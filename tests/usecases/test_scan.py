"""Scanning: what can't be read is failed, never empty; what was seen is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from relayclear.errors import HeightError, NodeError, RelayclearError, UsageError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import Commitments
from relayclear.ibc.topology import ClientStatus
from relayclear.usecases.scan import Reading, Scope, client_health, scan
from tests.fakes.chain import FakeChain, requests
from tests.fakes.rig import Rig
from tests.fakes.world import BLOCK_SECONDS


def read(rig: Rig, scope: Scope | None = None) -> Reading:
    return asyncio.run(scan(rig.desk, scope))


def test_a_pending_packet_is_seen_with_its_first_sighting(rig: Rig) -> None:
    rig.stuck()
    reading = read(rig)
    item = reading.paths[rig.source]
    assert list(item.commitments) == [1]
    assert not item.received(1)
    assert reading.first_seen[rig.source] == {1: reading.at}
    rig.clock.step(60)
    assert read(rig).first_seen[rig.source] == {1: reading.at}
    assert reading.complete


def test_a_delivered_packet_is_known_as_received_and_acknowledged(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.deliver(key)
    item = read(rig).paths[rig.source]
    assert item.received(1)
    assert item.acknowledged(1)


def test_nothing_is_asked_of_the_far_end_where_nothing_is_pending(rig: Rig) -> None:
    reading = read(rig)
    item = reading.paths[rig.source]
    assert "receptions" not in rig.beta.asked
    assert "client_health" not in rig.beta.asked
    assert not item.received(1)
    assert not item.acknowledged(1)


def test_a_warm_scan_is_two_round_trips_a_chain(rig: Rig) -> None:
    rig.stuck()
    read(rig)
    rig.alpha.asked.clear()
    rig.beta.asked.clear()
    read(rig)
    once = {"head": 1, "next_channel_sequence": 1, "commitments": 1, "client_health": 1}
    assert requests(rig.alpha) == once
    assert requests(rig.beta) == {**once, "receptions": 1}


@pytest.mark.parametrize("down", ["alpha-1", "beta-1"])
def test_a_chain_that_does_not_answer_fails_both_directions(rig: Rig, down: str) -> None:
    rig.stuck()
    read(rig)
    rig.chains[down].down = NodeError("connection refused")
    reading = read(rig)
    assert not reading.complete
    assert set(reading.failures) == {down}
    for end in (rig.source, rig.far):
        error = reading.paths[end].error
        assert error is not None
        assert error.message == "connection refused"


def test_one_channel_that_fails_does_not_hide_the_others(rig: Rig) -> None:
    other, _ = rig.world.connect("alpha-1", "beta-1")
    rig.stuck()
    rig.stuck(other)
    rig.alpha.failing[other] = NodeError("half a JSON")
    reading = read(rig)
    assert list(reading.paths[rig.source].commitments) == [1]
    assert reading.paths[other].error is rig.alpha.failing[other]
    assert not reading.complete
    assert not reading.failures


def test_a_far_end_that_answers_nonsense_fails_its_path_only(rig: Rig) -> None:
    other, far = rig.world.connect("alpha-1", "beta-1")
    rig.stuck()
    rig.stuck(other)
    rig.beta.deaf.add(far)
    reading = read(rig)
    assert reading.paths[rig.source].error is None
    assert reading.paths[other].error is not None


def test_a_far_chain_that_hangs_up_between_the_two_round_trips_fails_the_path(rig: Rig) -> None:
    rig.stuck()
    rig.beta.fails["receptions"] = NodeError("timed out")
    error = read(rig).paths[rig.source].error
    assert error is not None
    assert error.message == "timed out"


def test_a_node_that_fell_back_behind_an_earlier_reading_is_not_believed(rig: Rig) -> None:
    rig.stuck()
    read(rig)
    rig.alpha.behind = 50
    reading = read(rig)
    assert isinstance(reading.paths[rig.source].error, HeightError)
    assert rig.source not in reading.first_seen
    assert not reading.complete


def test_a_failed_look_does_not_end_the_sightings(rig: Rig) -> None:
    rig.stuck()
    first = read(rig).at
    rig.alpha.down = NodeError("502")
    rig.clock.step(60)
    read(rig)
    rig.alpha.down = None
    assert read(rig).first_seen[rig.source] == {1: first}


def test_a_client_whose_health_cannot_be_read_is_unknown_not_active(rig: Rig) -> None:
    rig.stuck()
    rig.beta.fails["client_health"] = NodeError("timed out")
    reading = read(rig)
    assert ("beta-1", "07-tendermint-0") not in reading.clients
    assert reading.clients["alpha-1", "07-tendermint-0"].status is ClientStatus.ACTIVE


def test_a_scope_looks_at_nothing_else(rig: Rig) -> None:
    other, _ = rig.world.connect("alpha-1", "beta-1")
    assert list(read(rig, Scope("alpha-1", "channel-1")).paths) == [other]
    assert set(read(rig, Scope("beta-1")).paths) == {rig.far, ChannelEnd("beta-1", "transfer", "channel-1")}
    assert read(rig, Scope(port="icahost")).paths == {}


def test_a_channel_of_another_port_needs_its_port(rig: Rig) -> None:
    ica, _ = rig.world.connect("alpha-1", "beta-1", port="icahost")
    with pytest.raises(UsageError):
        read(rig, Scope("alpha-1", "channel-1"))
    assert list(read(rig, Scope("alpha-1", "channel-1", "icahost")).paths) == [ica]


def test_no_clients_asked_about_are_no_requests(rig: Rig) -> None:
    assert asyncio.run(client_health(rig.desk, {})) == {}


def test_another_process_that_looked_a_block_later_meanwhile_makes_no_node_fall_back(rig: Rig) -> None:
    rig.stuck()
    looked: list[int] = []

    class Overtaken(FakeChain):
        """While its commitments are read, a block is made and a daemon's whole scan goes by, once."""

        async def commitments(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, Commitments | RelayclearError]:
            """Read them first."""
            found = await super().commitments(ends)
            if not looked:
                looked.append(1)
                rig.world.step(BLOCK_SECONDS)
                await scan(replace(rig.desk, chains={**rig.chains, "alpha-1": FakeChain(rig.world, "alpha-1")}))
            return found

    rig.chains["alpha-1"] = Overtaken(rig.world, "alpha-1")
    reading = read(rig)
    assert looked
    assert reading.complete
    assert set(reading.readable(rig.source).commitments) == {1}
