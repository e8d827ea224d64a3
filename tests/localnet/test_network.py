"""The real network is what tests take it for: each class of packet, by Hermes' list and by the chains' own state."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.localnet import stick
from tests.localnet.fixtures import discard
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA
from tests.localnet.relayer import Pending, result
from tests.localnet.rpc import Rpc, RpcError, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localnet.channels import Channel

SUCCESS = hashlib.sha256(b'{"result":"AQ=="}').digest()
CLOSED = 4


def test_chains_are_of_two_generations_with_coins_of_their_own(network: Network) -> None:
    assert network.balance(ALPHA, "bob", "stake") > 0
    assert network.balance(ALPHA, "bob", "ubeta") == 0
    assert network.balance(BETA, "bob", "ubeta") > 0
    assert network.address(ALPHA, "daemon") != network.address(BETA, "daemon")
    assert network.balance(ALPHA, "pauper", "stake") == 0


def test_never_relayed_and_clearing_one_of_three(network: Network, channel: Channel) -> None:
    made = stick.make(network, "never_relayed", channel)
    assert made.sequences == [1, 2, 3]
    here = channel.on(ALPHA)
    assert network.pending(ALPHA, here) == Pending([1, 2, 3], [])
    assert network.commitments(ALPHA, here) == [1, 2, 3]
    network.clear(ALPHA, here, [2], key="clearing")
    assert network.pending(ALPHA, here) == Pending([1, 3], [])
    assert network.commitments(ALPHA, here) == [1, 3]
    assert network.acknowledgement(BETA, channel.on(BETA), 2) == SUCCESS


def test_timed_out_goes_back_to_the_sender(network: Network, channel: Channel) -> None:
    before = network.balance(ALPHA, "alice")
    sequences = stick.timed_out(network, channel, seconds=3)
    here = channel.on(ALPHA)
    assert network.pending(ALPHA, here) == Pending(sequences, [])
    assert network.balance(ALPHA, "alice") == before - 1000
    network.clear(ALPHA, here, sequences)
    assert network.commitments(ALPHA, here) == []
    assert not network.received(BETA, channel.on(BETA), sequences[0])
    assert network.balance(ALPHA, "alice") == before


def test_ack_missing(network: Network, channel: Channel) -> None:
    made = stick.make(network, "ack_missing", channel)
    here, there = channel.on(ALPHA), channel.on(BETA)
    assert network.pending(ALPHA, here) == Pending([], made.sequences)
    assert network.received(BETA, there, made.sequences[0])
    assert network.acknowledgement(BETA, there, made.sequences[0]) == SUCCESS
    network.clear(ALPHA, here, made.sequences)
    assert network.commitments(ALPHA, here) == []


def test_error_ack_refunds_the_sender_when_cleared(network: Network, channel: Channel) -> None:
    before = network.balance(ALPHA, "alice")
    made = stick.make(network, "error_ack", channel)
    assert network.pending(ALPHA, channel.on(ALPHA)) == Pending(made.sequences, [])
    network.clear(ALPHA, channel.on(ALPHA), made.sequences)
    ack = network.acknowledgement(BETA, channel.on(BETA), made.sequences[0])
    assert ack is not None
    assert ack != SUCCESS
    assert network.commitments(ALPHA, channel.on(ALPHA)) == []
    assert network.balance(ALPHA, "alice") == before


def test_excluded_is_listed_and_not_cleared(network: Network, channel: Channel) -> None:
    made = stick.make(network, "excluded", channel)
    here = channel.on(ALPHA)
    done = network.clear(ALPHA, here, made.sequences)
    assert result(done) == []
    assert network.pending(ALPHA, here) == Pending(made.sequences, [])
    network.configure(excluded={})
    network.clear(ALPHA, here, made.sequences)
    assert network.commitments(ALPHA, here) == []


def test_oversized_memo_is_not_relayed_and_hermes_says_success(network: Network, channel: Channel) -> None:
    made = stick.make(network, "oversized", channel)
    here = channel.on(ALPHA)
    result(network.clear(ALPHA, here, made.sequences))
    assert network.pending(ALPHA, here) == Pending(made.sequences, [])
    network.configure(max_memo="32KiB")
    network.clear(ALPHA, here, made.sequences)
    assert network.commitments(ALPHA, here) == []


def test_cleared_by_rival(network: Network, channel: Channel) -> None:
    made = stick.make(network, "cleared_by_rival", channel)
    assert network.pending(ALPHA, channel.on(ALPHA)) == Pending([], [])
    assert network.acknowledgement(BETA, channel.on(BETA), made.sequences[0]) == SUCCESS


def test_async_ack_is_received_without_an_acknowledgement(network: Network, channel: Channel) -> None:
    before = len(network.commitments(ALPHA, channel.on(ALPHA)))
    made = stick.make(network, "async_ack", channel)
    here, there = channel.on(ALPHA), channel.on(BETA)
    # Hermes doesn't list such a packet at all.
    assert network.pending(ALPHA, here) == Pending([], [])
    assert len(network.commitments(ALPHA, here)) == before + 1
    assert network.received(BETA, there, made.sequences[0])
    assert network.acknowledgement(BETA, there, made.sequences[0]) is None


def test_ordered_packets_wait_behind_the_first(network: Network) -> None:
    channel = network.fresh_channel("ordered")
    made = stick.make(network, "ordered", channel)
    here = channel.on(BETA)
    assert (made.chain, made.port) == (BETA, "mock")
    assert network.pending(BETA, here, "mock") == Pending([1, 2, 3], [])
    network.clear(BETA, here, [2], port="mock")
    assert network.commitments(BETA, here, "mock") == [1, 2, 3]
    network.clear(BETA, here, port="mock")
    assert network.commitments(BETA, here, "mock") == []


def test_timeout_on_close(network: Network) -> None:
    channel = network.fresh_channel("mock")
    made = stick.make(network, "timeout_on_close", channel)
    assert network.channel_state(ALPHA, channel.on(ALPHA), "mock") == CLOSED
    assert network.pending(BETA, channel.on(BETA), "mock").unreceived_packets == made.sequences
    assert network.commitments(BETA, channel.on(BETA), "mock") == made.sequences


def test_both_clients_expired(expired_network: Network) -> None:
    network = expired_network
    channel = network.of_kind("expired")
    made = stick.make(network, "expired")
    assert network.client_status(ALPHA, channel.alpha.client) == "Expired"
    assert network.client_status(BETA, channel.beta.client) == "Expired"
    assert made.sequences == [1, 2, 3]
    assert network.pending(ALPHA, channel.on(ALPHA)) == Pending([1, 2, 3], [])
    network.clear(ALPHA, channel.on(ALPHA), [1])
    assert network.commitments(ALPHA, channel.on(ALPHA)) == [1, 2, 3]


@pytest.mark.usefixtures("_programs")
def test_half_expired_delivers_and_never_acknowledges(tmp_path: Path) -> None:
    # A network of its own: what is delivered here stays so, and other tests count on three pending packets.
    network = Network.start(tmp_path / "network", template="expired")
    try:
        channel = network.of_kind("half_expired")
        assert network.client_status(ALPHA, channel.alpha.client) == "Expired"
        assert network.client_status(BETA, channel.beta.client) == "Active"
        network.clear(ALPHA, channel.on(ALPHA), [1])
        assert network.received(BETA, channel.on(BETA), 1)
        assert network.acknowledgement(BETA, channel.on(BETA), 1) == SUCCESS
        assert network.commitments(ALPHA, channel.on(ALPHA)) == [1, 2, 3]
        assert network.pending(ALPHA, channel.on(ALPHA)) == Pending([2, 3], [1])
    finally:
        discard(network)


def test_vouchers_come_back(network: Network, channel: Channel) -> None:
    before = network.balance(ALPHA, "carol")
    sequences = network.transfer(ALPHA, channel.on(ALPHA), amount=70)
    network.clear(ALPHA, channel.on(ALPHA), sequences)
    path = f"transfer/{channel.on(BETA)}/token"
    voucher = f"ibc/{hashlib.sha256(path.encode()).hexdigest().upper()}"
    assert network.balance(BETA, "bob", voucher) == 70
    carol = network.address(ALPHA, "carol")
    back = network.transfer(BETA, channel.on(BETA), user="bob", receiver=carol, amount=70, denom=voucher)
    network.clear(BETA, channel.on(BETA), back)
    assert network.balance(ALPHA, "carol") == before + 70


def test_daemon_relays_by_itself(network: Network, channel: Channel) -> None:
    sequences = network.transfer(ALPHA, channel.on(ALPHA))
    with network.daemon():
        deadline = time.monotonic() + 60
        while network.commitments(ALPHA, channel.on(ALPHA)) and time.monotonic() < deadline:
            time.sleep(0.5)
    assert network.commitments(ALPHA, channel.on(ALPHA)) == []
    assert network.acknowledgement(BETA, channel.on(BETA), sequences[0]) == SUCCESS


def test_frozen_node_answers_nothing_until_it_is_thawed(own_network: Network) -> None:
    node = own_network.chains[BETA]
    node.freeze()
    with pytest.raises(RpcError):
        Rpc(node.rpc, timeout=1).height()
    node.thaw()
    assert node.height() > 0


@pytest.mark.usefixtures("_programs")
def test_second_nodes_follow_the_chain(tmp_path: Path) -> None:
    network = Network.start(tmp_path / "network", second_nodes=True)
    try:
        for node in network.chains.values():
            assert node.second is not None
            assert node.second.rpc.startswith("http://127.0.0.2:")
            first, second = node.block_id(5), node.second.block_id(5)
            assert first == second
            goal, behind = node.height(), node.second
            # A busy machine may hold the second one up; following means that it gets there.
            assert wait_for(lambda: behind.height() >= goal or None, "the second node to follow", timeout=30)  # noqa: B023
        network.chains[ALPHA].freeze()
    finally:
        discard(network)
    assert not any(node.is_running() for node in network.nodes())


@pytest.mark.usefixtures("_programs")
def test_killed_owner_leaves_nothing_running(tmp_path: Path) -> None:
    directory = tmp_path / "network"
    owner = "import os, sys, pathlib; from tests.localnet.network import Network; "
    owner += "Network.start(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", owner, str(directory)], check=False, timeout=300)
    network = Network.attach(directory)
    pids = [node.pid for node in network.nodes()]
    assert all(pids)
    deadline = time.monotonic() + 15
    while any(node.is_running() for node in network.nodes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(node.is_running() for node in network.nodes())


def test_attached_network_is_the_one_that_was_started(network: Network) -> None:
    again = Network.attach(network.directory)
    assert again.channels == network.channels
    assert again.chains[BETA].height() > 0
    assert again.balance(BETA, "bob") == network.balance(BETA, "bob")


def test_fees_are_deducted_on_both_chains(network: Network) -> None:
    for chain, denom in ((ALPHA, "stake"), (BETA, "ubeta")):
        before = network.balance(chain, "pool-7", denom)
        network.send(chain, user="pool-7", to="payee", amount=1)
        assert network.balance(chain, "pool-7", denom) < before
