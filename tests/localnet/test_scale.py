"""The scale network holds what its plan says, by Hermes' own lists and by the chains."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localnet import build, scale
from tests.localnet.fixtures import required, why_not
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import fields, message, wait_for
from tests.localnet.scale_genesis import pending_total, to_beta, to_gamma

_CHANNEL = "/ibc.core.channel.v1.Query/"


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The scale network, for this module alone."""
    if reason := why_not():
        pytest.skip(reason)
    if required():
        build.build()
    network = scale.start(tmp_path_factory.mktemp("scale"))
    yield network
    network.stop()


@pytest.mark.localnet
@pytest.mark.parametrize(
    ("channel", "unreceived", "unacknowledged"),
    [
        (0, range(0), range(0)),
        (150, range(1, 6), range(0)),
        (190, range(21, 101), range(1, 21)),
        (191, range(50_001, 50_101), range(0)),
        (199, range(1, 23_758), range(0)),
    ],
)
def test_hermes_lists_what_the_plan_put_there(
    scaled: Network, channel: int, unreceived: range, unacknowledged: range
) -> None:
    pending = scaled.pending(ALPHA, f"channel-{channel}")

    assert pending.unreceived_packets == list(unreceived)
    assert pending.unreceived_acks == list(unacknowledged)


def test_the_plan_is_the_one_that_was_measured() -> None:
    lanes = to_beta()
    unacknowledged = sum(len(set(lane.pending) & set(lane.received)) for lane in lanes)

    assert (len(lanes), pending_total(lanes), unacknowledged) == (200, 24_857, 20)
    assert (len(to_gamma()), pending_total(to_gamma())) == (2000, 60)


@pytest.mark.localnet
def test_alpha_has_the_channels_to_nowhere_and_beta_has_not(scaled: Network) -> None:
    everything = message((1, message((3, 10_000))))
    counts = [
        len(fields(scaled.chains[chain].ask.read(_CHANNEL + "Channels", everything), 1)) for chain in (ALPHA, BETA)
    ]

    assert counts == [2200, 200]
    assert scaled.commitments(ALPHA, "channel-200") == [1, 2, 3]
    assert scaled.commitments(ALPHA, "channel-201") == []


@pytest.mark.localnet
def test_old_acknowledgements_stand_behind_channel_191_and_not_behind_its_twin(scaled: Network) -> None:
    assert scaled.received(BETA, "channel-191", 50_000)
    assert scaled.acknowledgement(BETA, "channel-191", 50_000) is not None
    assert not scaled.received(BETA, "channel-192", 1)


@pytest.mark.localnet
@pytest.mark.parametrize(
    ("chain", "client"), [(ALPHA, "07-tendermint-0"), (BETA, "07-tendermint-0"), (ALPHA, "07-tendermint-1")]
)
def test_clients_made_by_hand_are_active(scaled: Network, chain: str, client: str) -> None:
    assert scaled.client_status(chain, client) == "Active"


@pytest.mark.localnet
def test_a_new_packet_is_relayed_over_the_clients_made_by_hand(scaled: Network) -> None:
    # Over a channel that no other test counts.
    [sequence] = scaled.transfer(ALPHA, "channel-149")

    def relayed() -> bool | None:
        # Hermes says success and does nothing while the node has not indexed the packet yet.
        scaled.clear(ALPHA, "channel-149", [sequence])
        return scaled.received(BETA, "channel-149", sequence) or None

    assert wait_for(relayed, "Hermes to relay", timeout=60)
    assert wait_for(lambda: not scaled.commitments(ALPHA, "channel-149") or None, "the acknowledgement", timeout=10)
