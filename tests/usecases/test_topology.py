"""Which paths count: read once, resumed when broken, read again when a chain has new channels."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from relayclear.errors import NodeError, UsageError
from relayclear.ibc.packet import ChannelEnd, ChannelState
from relayclear.usecases.scan import Scope, scan
from relayclear.usecases.topology import MAX_PAGES, Network, load_network
from tests.fakes.chain import requests
from tests.fakes.rig import Rig
from tests.fakes.world import spec


def network_of(rig: Rig) -> Network:
    return asyncio.run(load_network(rig.desk))


def test_a_second_look_reads_no_channels_again(rig: Rig) -> None:
    network_of(rig)
    rig.alpha.asked.clear()
    network = network_of(rig)
    assert [path.source for path in network.paths] == [rig.source, rig.far]
    assert rig.alpha.asked == []


def test_topology_a_day_old_is_read_anew(rig: Rig) -> None:
    network_of(rig)
    rig.alpha.asked.clear()
    rig.clock.step(timedelta(days=1).total_seconds())
    network_of(rig)
    assert requests(rig.alpha)["channel_pages"] == 1


def test_a_channel_opened_since_the_last_look_is_found_at_once(rig: Rig) -> None:
    network_of(rig)
    fresh, _ = rig.world.connect("alpha-1", "beta-1")
    rig.stuck(fresh)
    reading = asyncio.run(scan(rig.desk))
    assert list(reading.paths[fresh].commitments) == [1]
    rig.alpha.asked.clear()
    asyncio.run(scan(rig.desk))
    assert "channel_pages" not in rig.alpha.asked


def test_a_refresh_that_fails_keeps_the_paths_known_before_and_says_so(rig: Rig) -> None:
    network_of(rig)
    rig.stuck()
    rig.world.connect("alpha-1", "beta-1")
    rig.alpha.fails["channel_pages"] = NodeError("the node hung up")
    reading = asyncio.run(scan(rig.desk))
    assert list(reading.paths[rig.source].commitments) == [1]
    assert reading.failures["alpha-1"].message == "the node hung up"
    assert not reading.complete


def test_a_broken_first_read_is_taken_up_where_it_broke(rig: Rig) -> None:
    for _ in range(4):
        rig.world.connect("alpha-1", "beta-1")
    rig.alpha.page_size, rig.alpha.breaks_after_pages = 1, 3
    broken = network_of(rig)
    assert broken.failures["alpha-1"].message == "alpha-1: the connection broke"
    assert broken.paths == []
    rig.alpha.asked.clear()
    rig.alpha.breaks_after_pages = None
    network = network_of(rig)
    assert not network.failures
    assert len(network.paths) == 10
    assert [word for word in rig.alpha.asked if word.startswith("page")] == ["page 3", "page 4"]


def test_the_first_read_of_a_hub_is_bounded_goes_on_at_the_next_call_and_tells_how_far_it_is(rig: Rig) -> None:
    for _ in range(MAX_PAGES):
        rig.world.connect("alpha-1", "beta-1")
    rig.alpha.page_size = 1
    lines: list[str] = []
    bounded = asyncio.run(load_network(rig.desk, lines.append))
    assert bounded.failures["alpha-1"].hint == "run it again: it goes on from there"
    assert bounded.failures["alpha-1"].retryable, "work on its paths would be given up"
    assert lines[-1] == f"alpha-1: {MAX_PAGES} of {MAX_PAGES + 1} channels read"
    network = asyncio.run(load_network(rig.desk, lines.append))
    assert len(network.paths) == 2 * (MAX_PAGES + 1)


def test_a_mistake_of_ours_is_not_taken_for_an_unreachable_node(rig: Rig) -> None:
    def forget() -> None:
        rig.world.chains.pop("alpha-1")

    desk = rig.desk
    forget()
    with pytest.raises(KeyError):
        asyncio.run(load_network(desk))


def test_a_channel_whose_other_end_names_another_is_no_path_and_says_why(rig: Rig) -> None:
    second, far = rig.world.connect("alpha-1", "beta-1")
    rig.world.edit_channel(second, lambda found: setattr(found.counterparty, "channel_id", "channel-0"))
    network = network_of(rig)
    assert [path.source for path in network.paths] == [rig.source, rig.far]
    assert {broken.end for broken in network.broken} == {second, far}
    with pytest.raises(UsageError, match=r"not a path that counts: .* names transfer/channel-0 as its other end"):
        network.path_from(second)


def test_an_unknown_channel_names_the_nearest(rig: Rig) -> None:
    with pytest.raises(UsageError, match=r"no channel 'chanel-0' .* did you mean channel-0\?"):
        asyncio.run(scan(rig.desk, Scope("alpha-1", "chanel-0")))


def test_an_unknown_chain_names_the_nearest(rig: Rig) -> None:
    with pytest.raises(UsageError, match=r"did you mean alpha-1"):
        asyncio.run(scan(rig.desk, Scope("alpha-2")))


def test_a_channel_towards_a_chain_nobody_configured_is_not_scanned(rig: Rig) -> None:
    rig.world.add_chain(spec("gamma-1", "ugamma"))
    stranger, _ = rig.world.connect("alpha-1", "gamma-1")
    network = network_of(rig)
    assert stranger not in {path.source for path in network.paths}
    assert stranger not in {broken.end for broken in network.broken}


def test_a_connection_whose_handshake_never_finished_is_known_as_not_open(rig: Rig) -> None:
    rig.world.set_connection_state("beta-1", "connection-0", ChannelState.TRYOPEN)
    network = network_of(rig)
    assert not network.connections_open(network.path_from(rig.source))


def test_the_state_of_an_unknown_end_is_unknown(rig: Rig) -> None:
    network = network_of(rig)
    assert network.state(ChannelEnd("gamma-1", "transfer", "channel-0")) is ChannelState.UNKNOWN
    assert network.state(ChannelEnd("alpha-1", "transfer", "channel-9")) is ChannelState.UNKNOWN


@pytest.mark.parametrize("down", ["alpha-1", "beta-1"])
def test_a_channel_is_not_called_unknown_while_a_chain_was_never_read(rig: Rig, down: str) -> None:
    rig.chains[down].down = NodeError(f"{down} does not answer")
    with pytest.raises(NodeError, match=f"{down} does not answer"):
        network_of(rig).path_from(rig.source)
