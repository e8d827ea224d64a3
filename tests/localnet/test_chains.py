"""The chain adapter against chains of both generations: what it reads is what Hermes and the chains' own state say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.chains.pace import Timing
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering, Packet, PacketKey, RelayPath, read_transfer
from relayclear.ibc.readings import Commitments, Reception, ReceptionQuestion, RelayQuestion, RelayStep
from relayclear.ibc.topology import ChainTopology, ClientHealth, ClientStatus, join_paths
from tests.localnet import stick
from tests.localnet.channels import Channel, End
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA

T = TypeVar("T")
CHAINS = (ALPHA, BETA)


@asynccontextmanager
async def opened(network: Network, *chains: str) -> AsyncIterator[list[CometChain]]:
    """The adapters of some chains of a network."""
    hosts = Hosts()
    made = [CometChain(chain, [network.chains[chain].rpc], hosts=hosts) for chain in chains]
    try:
        yield made
    finally:
        for chain in made:
            await chain.aclose()
        await hosts.aclose()


def ask(network: Network, chain: str, question: Callable[[CometChain], Awaitable[T]]) -> T:
    """Ask one chain one thing."""

    async def run() -> T:
        async with opened(network, chain) as [adapter]:
            return await question(adapter)

    return asyncio.run(run())


def end_of(end: End) -> ChannelEnd:
    return ChannelEnd(end.chain, end.port, end.channel)


def path_of(channel: Channel, chain: str = ALPHA) -> RelayPath:
    here, there = (channel.alpha, channel.beta) if chain == ALPHA else (channel.beta, channel.alpha)
    return RelayPath(
        end_of(here),
        end_of(there),
        Ordering.UNORDERED,
        "ics20-1",
        here.connection,
        there.connection,
        here.client,
        there.client,
    )


def pending(network: Network, end: ChannelEnd) -> dict[int, bytes]:
    got = ask(network, end.chain, lambda chain: chain.commitments([end]))[end]
    assert isinstance(got, Commitments)
    return dict(got.by_sequence)


def reception(network: Network, end: ChannelEnd, sequences: Sequence[int], *, ordered: bool = False) -> Reception:
    question = ReceptionQuestion(end, tuple(sequences), ordered)
    got = ask(network, end.chain, lambda chain: chain.receptions([question]))[end]
    assert isinstance(got, Reception)
    return got


@pytest.mark.parametrize("chain", CHAINS)
def test_what_is_pending_is_what_the_chain_and_hermes_say(network: Network, channel: Channel, chain: str) -> None:
    path = path_of(channel, chain)
    first, second, third = network.transfer(chain, path.source.channel, count=3)
    network.recv_only(chain, path.source.channel, [second])
    found = pending(network, path.source)
    assert sorted(found) == sorted(network.commitments(chain, path.source.channel)) == [first, second, third]
    there = reception(network, path.destination, sorted(found))
    hermes = network.pending(chain, path.source.channel)
    assert sorted(there.unreceived) == hermes.unreceived_packets == [first, third]
    assert sorted(there.acknowledgements) == hermes.unreceived_acks == [second]
    written = network.acknowledgement(path.destination.chain, path.destination.channel, second)
    assert there.acknowledgements[second] == written


@pytest.mark.parametrize("chain", CHAINS)
def test_a_packets_details_match_its_commitment(network: Network, channel: Channel, chain: str) -> None:
    path = path_of(channel, chain)
    hostile = "\x1b[31m\u202egnp.exe" + "m" * 3000
    sequences = network.transfer(chain, path.source.channel, count=2, amount=4321, memo=hostile)
    found = pending(network, path.source)
    packets = ask(network, chain, lambda adapter: adapter.sent_packets(path, [*sequences, 9999]))
    for sequence in sequences:
        packet = packets[sequence]
        assert isinstance(packet, Packet)
        assert packet.commitment() == found[sequence]
        assert (packet.key, packet.destination) == (PacketKey(*path.source, sequence), path.destination)
        sent = packet.sent_height or 0
        assert packet.sent_at == ask(network, chain, lambda adapter, sent=sent: adapter.block_time(sent))  # type: ignore[misc]
        assert packet.send_tx is not None
        assert re.fullmatch("[0-9A-F]{64}", packet.send_tx)
        moved = read_transfer("transfer", "ics20-1", packet.data)
        assert moved is not None
        assert (moved.coin, moved.memo, moved.sender) == (
            Coin("token", 4321),
            hostile,
            network.address(chain, "alice"),
        )
    assert isinstance(packets[9999], NotFoundError)


@pytest.mark.parametrize("chain", CHAINS)
def test_relays_are_told_with_who_what_and_how_much(network: Network, channel: Channel, chain: str) -> None:
    path = path_of(channel, chain)
    other = path.destination.chain
    [sequence] = network.transfer(chain, path.source.channel)
    network.clear(chain, path.source.channel, [sequence], key="rival")
    key = PacketKey(*path.source, sequence)
    recv = RelayQuestion(path.source, RelayStep.RECV, (sequence,), path.destination)
    [received] = ask(network, other, lambda adapter: adapter.relay_txs([recv]))[key]
    ack = RelayQuestion(path.source, RelayStep.ACK, (sequence,))
    [acked] = ask(network, chain, lambda adapter: adapter.relay_txs([ack]))[key]
    assert received.relayer == network.address(other, "rival")
    assert acked.relayer == network.address(chain, "rival")
    assert received.ack == b'{"result":"AQ=="}'
    for tx, place in ((received, other), (acked, chain)):
        assert tx.chain == place
        assert tx.at == ask(network, place, lambda adapter, tx=tx: adapter.block_time(tx.height))  # type: ignore[misc]
        [fee] = tx.fee
        assert fee.denom == network.chains[place].gas_denom
        assert fee.amount > 0 < tx.gas_used
    lookalike = RelayQuestion(path.source, RelayStep.RECV, (sequence,), path.destination._replace(channel="channel-99"))
    assert ask(network, other, lambda adapter: adapter.relay_txs([lookalike])) == {key: []}


def test_a_timeout_is_told_with_its_transaction(network: Network, channel: Channel) -> None:
    path = path_of(channel)
    [sequence] = stick.make(network, "timed_out", channel).sequences
    network.clear(ALPHA, path.source.channel, [sequence])
    question = RelayQuestion(path.source, RelayStep.TIMEOUT, (sequence,))
    [tx] = ask(network, ALPHA, lambda adapter: adapter.relay_txs([question]))[PacketKey(*path.source, sequence)]
    assert tx.relayer == network.address(ALPHA, "daemon")
    assert pending(network, path.source) == {}


def test_an_error_acknowledgement_and_one_that_never_came_are_read(network: Network, channel: Channel) -> None:
    path = path_of(channel)
    [held] = stick.make(network, "async_ack", channel).sequences
    [refused] = network.transfer(ALPHA, path.source.channel, receiver="nobody")
    network.recv_only(ALPHA, path.source.channel, [refused])
    there = reception(network, path.destination, [held, refused])
    assert there.unreceived == frozenset()
    assert sorted(there.acknowledgements) == [refused]


def test_an_ordered_channel_is_read_by_its_next_sequence(network: Network) -> None:
    channel = network.fresh_channel("ordered")
    here, there = end_of(channel.beta), end_of(channel.alpha)
    sequences = network.mock_send(channel, count=3)
    assert sorted(pending(network, here)) == sequences
    assert reception(network, there, sequences, ordered=True).unreceived == frozenset(sequences)
    network.clear(BETA, here.channel, port=here.port)
    assert reception(network, there, sequences, ordered=True).unreceived == frozenset()
    assert pending(network, here) == {}


def test_both_sides_topology_joins_to_the_paths_that_are_there(network: Network) -> None:
    async def topology(chain: CometChain) -> ChainTopology:
        pages = [page async for page in chain.channel_pages(None)]
        channels = [info for page in pages for info in page.channels]
        assert len(channels) == await chain.next_channel_sequence()
        connections, clients = await asyncio.gather(chain.connections(), chain.clients())
        return ChainTopology(
            chain.chain_id,
            {info.end: info for info in channels},
            {info.connection: info for info in connections},
            {info.client: info for info in clients},
        )

    async def run() -> list[ChainTopology]:
        async with opened(network, *CHAINS) as chains:
            return list(await asyncio.gather(*map(topology, chains)))

    paths, broken = join_paths({found.chain: found for found in asyncio.run(run())})
    wanted = {end_of(end) for channel in network.channels for end in (channel.alpha, channel.beta)}
    assert wanted <= {path.source for path in paths}
    assert broken == []


@pytest.mark.parametrize("chain", CHAINS)
def test_single_commitments_and_the_next_sequence_are_read(network: Network, channel: Channel, chain: str) -> None:
    end = path_of(channel, chain).source
    first, second = network.transfer(chain, end.channel, count=2)
    network.clear(chain, end.channel, [first])
    got = ask(network, chain, lambda adapter: adapter.committed(end, [first, second, 99]))
    assert got.by_sequence == pending(network, end)
    assert got.height > 1
    assert ask(network, chain, lambda adapter: adapter.next_send_sequence(end)) == second + 1
    with pytest.raises(NotFoundError):
        ask(network, chain, lambda adapter: adapter.next_send_sequence(end._replace(channel="channel-999")))


@pytest.mark.parametrize("chain", CHAINS)
def test_an_older_height_shows_what_was_pending_then(network: Network, channel: Channel, chain: str) -> None:
    end = path_of(channel, chain).source
    [sequence] = network.transfer(chain, end.channel)
    packet = ask(network, chain, lambda adapter: adapter.sent_packets(path_of(channel, chain), [sequence]))[sequence]
    assert isinstance(packet, Packet)
    assert packet.sent_height is not None
    sent = packet.sent_height

    def at(height: int) -> Commitments | RelayclearError:
        return ask(network, chain, lambda adapter: adapter.commitments_at([end], height))[end]

    before, after = at(sent - 1), at(sent)
    assert isinstance(before, Commitments)
    assert isinstance(after, Commitments)
    assert (list(before.by_sequence), list(after.by_sequence)) == ([], [sequence])
    # Before the channel was opened; ibc-go v8 and v10 say it differently.
    assert at(2) == Commitments(2, {})
    assert isinstance(at(10**9), HeightError)
    with pytest.raises(HeightError):
        ask(network, chain, lambda adapter: adapter.block_time(10**9))


@pytest.mark.parametrize("chain", CHAINS)
def test_accounts_balances_and_last_signatures_are_read(network: Network, channel: Channel, chain: str) -> None:
    network.transfer(chain, channel.on(chain))
    alice = network.address(chain, "alice")
    account = ask(network, chain, lambda adapter: adapter.account(alice))
    assert account is not None
    assert account.address == alice
    assert account.sequence > 0
    signed = ask(network, chain, lambda adapter: adapter.last_signed_at(alice, account.sequence))
    head = ask(network, chain, lambda adapter: adapter.head())
    assert signed is not None
    assert 0 <= (head.at - signed).total_seconds() < 600
    held = ask(network, chain, lambda adapter: adapter.balance(alice, "token"))
    assert held == Coin("token", network.balance(chain, alice))
    stranger = "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a"
    assert ask(network, chain, lambda adapter: adapter.account(stranger)) is None
    assert not ask(network, chain, lambda adapter: adapter.allowance(alice, network.address(chain, "bob")))


@pytest.mark.parametrize("chain", CHAINS)
def test_a_vouchers_trace_is_read_from_either_generation(network: Network, channel: Channel, chain: str) -> None:
    path = path_of(channel, chain)
    network.transfer(chain, path.source.channel)
    network.clear(chain, path.source.channel)
    there = path.destination
    trace = DenomPath(((there.port, there.channel),), "token")
    assert ask(network, there.chain, lambda adapter: adapter.denom_path(trace.voucher)) == trace
    assert ask(network, there.chain, lambda adapter: adapter.denom_path("ibc/" + "0" * 64)) is None


def test_health_of_living_dead_and_unknown_clients_is_read(expired_network: Network) -> None:
    channel = expired_network.of_kind("half_expired")
    dead, alive = channel.alpha.client, channel.beta.client
    got = ask(expired_network, ALPHA, lambda adapter: adapter.client_health([dead, "07-tendermint-999"]))
    health = got[dead]
    assert isinstance(health, ClientHealth)
    assert health.status is ClientStatus.EXPIRED
    head = ask(expired_network, ALPHA, lambda adapter: adapter.head())
    assert health.expires_at is not None
    assert health.expires_at < head.at
    assert isinstance(got["07-tendermint-999"], NotFoundError)
    got = ask(expired_network, BETA, lambda adapter: adapter.client_health([alive]))
    health = got[alive]
    assert isinstance(health, ClientHealth)
    assert health.status is ClientStatus.ACTIVE
    assert health.expires_at is not None
    assert health.expires_at > head.at


def test_a_closed_channel_is_read_as_closed(network: Network) -> None:
    channel = network.fresh_channel("mock")
    stick.make(network, "timeout_on_close", channel)
    end = end_of(channel.alpha)
    got = ask(network, ALPHA, lambda adapter: adapter.channels([end, end._replace(channel="channel-999")]))
    info = got[end]
    assert not isinstance(info, RelayclearError)
    assert info.state is ChannelState.CLOSED
    assert isinstance(got[end._replace(channel="channel-999")], NotFoundError)


def test_a_chain_that_is_another_one_is_refused_by_name(network: Network) -> None:
    async def run() -> None:
        hosts = Hosts()
        wrong = CometChain(ALPHA, [network.chains[BETA].rpc], hosts=hosts)
        with pytest.raises(NodeError, match="is chain 'beta-1', not 'alpha-1'"):
            await wrong.head()
        right = CometChain(ALPHA, [network.chains[BETA].rpc, network.chains[ALPHA].rpc], hosts=hosts)
        assert (await right.head()).chain == ALPHA
        await hosts.aclose()

    asyncio.run(run())


def test_a_frozen_node_and_a_stopped_one_are_errors_and_a_thawed_one_answers_again(own_network: Network) -> None:
    node = own_network.chains[ALPHA]
    timing = Timing(deadline=2.0)

    async def run() -> None:
        hosts = Hosts()
        chain = CometChain(ALPHA, [node.rpc], hosts=hosts, timing=timing)
        assert (await chain.head()).chain == ALPHA
        node.freeze()
        with pytest.raises(NodeError, match="did not answer within 2 s"):
            await chain.head()
        node.thaw()
        fresh = CometChain(ALPHA, [node.rpc], hosts=hosts, timing=timing)
        assert (await fresh.head()).chain == ALPHA
        await asyncio.to_thread(node.stop)
        stopped = CometChain(ALPHA, [node.rpc], hosts=hosts, timing=timing)
        with pytest.raises(NodeError, match="refuses the connection"):
            await stopped.head()
        await hosts.aclose()

    asyncio.run(run())


def test_a_node_without_its_index_says_so_and_still_lists(own_network: Network) -> None:
    node, channel = own_network.chains[ALPHA], own_network.fresh_channel()
    path = path_of(channel)
    [sequence] = own_network.transfer(ALPHA, path.source.channel)
    node.stop()
    config = node.home / "config" / "config.toml"
    config.write_text(re.sub(r'(?m)^indexer = "kv"$', 'indexer = "null"', config.read_text()))
    node.start()
    node.wait_ready()
    assert list(pending(own_network, path.source)) == [sequence]
    got = ask(own_network, ALPHA, lambda adapter: adapter.sent_packets(path, [sequence]))
    assert isinstance(got[sequence], IndexerError)
    assert not ask(own_network, ALPHA, lambda adapter: adapter.head()).tx_index
