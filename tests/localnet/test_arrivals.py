"""Coins that arrive on chains of both generations: however they are read, they are the same, and the balance agrees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from relayclear.chains.chain import CometChain
from relayclear.errors import HeightError, IndexerError
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from tests.localnet import txs
from tests.localnet.channels import Channel
from tests.localnet.genesis import COIN
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA
from tests.localnet.test_chains import opened

T = TypeVar("T")
CHAINS = (ALPHA, BETA)
PATIENCE = 20.0
MEMO = "rc1abcdefghjkmnpqrstvwxyz0123456789"


async def settled(question: Callable[[], Awaitable[T]]) -> T:
    """The answer, once the node has the block and its index has come to it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(IndexerError, HeightError):
                return await question()
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def told(adapter: CometChain, address: str) -> AsyncIterator[list[int]]:
    """The heights that the node tells of, as they come."""
    heights: list[int] = []

    async def listen() -> None:
        async with contextlib.aclosing(adapter.news(address)) as news:
            async for height in news:
                heights.append(height)  # noqa: PERF401 - a comprehension would keep them until the end

    task = asyncio.create_task(listen())
    try:
        await until(lambda: bool(heights))
        yield heights
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - conditions tell nobody
            await asyncio.sleep(0.02)


async def read_every_way(adapter: CometChain, payee: str, first: int, last: int) -> list[Arrival]:
    """What arrived, which must be the same by the index, by the blocks and by each transaction's hash."""
    found = await settled(lambda: adapter.arrivals(payee, first, last))
    assert (await adapter.moved_by_blocks(payee, first, last)).arrivals == found
    for tx_hash in {one.tx_hash for one in found}:
        of_tx = [one for one in found if one.tx_hash == tx_hash]
        assert await adapter.arrivals_of_tx(payee, tx_hash) == of_tx
    assert len({one.identity for one in found}) == len(found)
    return found


def send(sender: str, to: str, amount: int, denom: str = COIN) -> txs.Message:
    return txs.send_message(sender=sender, to=to, amount=amount, denom=denom)


def multi_send(sender: str, *outputs: tuple[str, int]) -> txs.Message:
    def side(address: str, amount: int) -> dict[str, object]:
        return {"address": address, "coins": [{"denom": COIN, "amount": str(amount)}]}

    total = sum(amount for _, amount in outputs)
    return {
        "@type": "/cosmos.bank.v1beta1.MsgMultiSend",
        "inputs": [side(sender, total)],
        "outputs": [side(to, amount) for to, amount in outputs],
    }


def grant(granter: str, grantee: str) -> txs.Message:
    generic = {"@type": "/cosmos.authz.v1beta1.GenericAuthorization", "msg": "/cosmos.bank.v1beta1.MsgSend"}
    return {
        "@type": "/cosmos.authz.v1beta1.MsgGrant",
        "granter": granter,
        "grantee": grantee,
        "grant": {"authorization": generic, "expiration": None},
    }


def execute(grantee: str, *messages: txs.Message) -> txs.Message:
    return {"@type": "/cosmos.authz.v1beta1.MsgExec", "grantee": grantee, "msgs": list(messages)}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_same_payment_is_counted_twice_because_it_was_read_in_two_ways(network: Network, chain: str) -> None:
    node = network.chains[chain]
    alice, bob, payee = (network.address(chain, name) for name in ("alice", "bob", "payee"))

    async def act(user: str, *messages: txs.Message) -> int:
        """A user's transaction; the height it stands at."""
        sender = network.address(chain, user)
        done = await asyncio.to_thread(txs.submit, node, user, sender, messages, memo=MEMO)
        return int(done["height"])

    async def run() -> None:
        async with opened(network, chain) as [adapter], told(adapter, payee) as heights:
            first = (await adapter.head()).height + 1
            paid = [
                await act("alice", send(alice, payee, 1), send(alice, bob, 2), send(alice, payee, 3, node.gas_denom)),
                await act("alice", multi_send(alice, (bob, 4), (payee, 5), (payee, 6))),
            ]
            await act("alice", grant(alice, bob))
            paid.append(await act("bob", execute(bob, send(alice, payee, 7), send(bob, payee, 8))))
            await act("payee", send(payee, payee, 9), send(payee, bob, 10))
            # The header tells of each height once, the payment once more.
            await until(lambda: all(heights.count(height) >= 2 for height in paid))
            found = await read_every_way(adapter, payee, first, paid[-1])
            for height in paid:
                there = await read_every_way(adapter, payee, height, height)
                assert there == [one for one in found if one.height == height]
                assert {one.at for one in there} == {await adapter.block_time(height)}
        assert [(one.ordinal, one.coin.amount, one.kind, one.sender) for one in found] == [
            (0, 1, ArrivalKind.SEND, alice),
            (1, 3, ArrivalKind.SEND, alice),
            (0, 5, ArrivalKind.MULTI_SEND, alice),
            (1, 6, ArrivalKind.MULTI_SEND, alice),
            (0, 7, ArrivalKind.EXEC, alice),
            (1, 8, ArrivalKind.EXEC, bob),
        ]
        assert {(one.memo, one.outer_memo, one.signed, one.senders) for one in found} == {(MEMO, "", True, 1)}

    asyncio.run(run())


@pytest.mark.parametrize("chain", CHAINS)
def test_coins_over_ibc_are_credited_to_whoever_relays_them(network: Network, channel: Channel, chain: str) -> None:
    here, there = channel.end(chain), channel.other(chain)
    payee = network.address(chain, "payee")

    async def run() -> None:
        async with opened(network, chain) as [adapter]:
            first = (await adapter.head()).height + 1
            memos = (MEMO, "second")
            sequences = [
                network.transfer(there.chain, there.channel, receiver=payee, amount=number, memo=memo)[0]
                for number, memo in enumerate(memos, 11)
            ]
            network.recv_only(there.chain, there.channel, sequences)
            last = (await adapter.head()).height
            found = await read_every_way(adapter, payee, first, last)
        assert [one.coin.amount for one in found] == [11, 12]
        assert [one.memo for one in found] == [*memos]
        end = ChannelEnd(there.chain, there.port, there.channel)
        assert [one.packet for one in found] == [PacketKey(*end, sequence) for sequence in sequences]
        assert {(one.kind, one.sender, one.signed) for one in found} == {
            (ArrivalKind.IBC, network.address(there.chain, "alice"), False)
        }
        assert {one.channel for one in found} == {ChannelEnd(here.chain, here.port, here.channel)}
        assert all(one.coin.denom.startswith("ibc/") for one in found)

    asyncio.run(run())


@pytest.mark.parametrize("chain", CHAINS)
def test_a_fee_or_a_returning_coin_is_missing_from_the_balance(network: Network, channel: Channel, chain: str) -> None:
    node = network.chains[chain]
    here = channel.end(chain)
    payee, bob = network.address(chain, "payee"), network.address(chain, "bob")

    async def run() -> None:
        async with opened(network, chain) as [adapter]:
            first = (await adapter.head()).height + 1
            before = await adapter.balances(payee, first - 1)
            assert before.height == first - 1
            network.send(chain, user="alice", to="payee", amount=50)
            with pytest.raises(txs.TxError):
                txs.submit(node, "payee", payee, [send(payee, bob, 10**20)])
            [refused] = network.transfer(chain, here.channel, user="payee", receiver="nobody", amount=70)
            network.clear(chain, here.channel, [refused])
            last = (await adapter.head()).height
            by_index = await settled(lambda: adapter.movements(payee, first, last))
            moved = (await adapter.moved_by_blocks(payee, first, last)).movements
            assert sorted(map(str, moved)) == sorted(map(str, by_index))
            after = await adapter.balances(payee, last)
            arrived = await read_every_way(adapter, payee, first, last)
        held = dict(before.by_denom)
        for row in moved:
            held[row.coin.denom] = held.get(row.coin.denom, 0) + row.coin.amount * (1 if row.incoming else -1)
        assert held == dict(after.by_denom)
        assert {row.coin.denom for row in moved if row.fee} == {node.gas_denom}
        assert len({row.tx_hash for row in moved if row.fee}) == 2
        key = PacketKey(chain, here.port, here.channel, refused)
        assert [(one.kind, one.coin, one.packet) for one in arrived] == [
            (ArrivalKind.SEND, Coin(COIN, 50), None),
            (ArrivalKind.RETURNED, Coin(COIN, 70), key),
        ]

    asyncio.run(run())


@pytest.mark.parametrize("chain", CHAINS)
def test_a_height_that_is_not_there_is_taken_for_an_empty_one(network: Network, chain: str) -> None:
    payee = network.address(chain, "payee")

    async def run() -> None:
        async with opened(network, chain) as [adapter]:
            ahead = (await adapter.head()).height + 1000
            for question in (adapter.arrivals, adapter.moved_by_blocks, adapter.movements):
                with pytest.raises(HeightError):
                    await question(payee, 1, ahead)
            with pytest.raises(HeightError):
                await adapter.balances(payee, ahead)
            assert await adapter.memo_limit() == 256
            assert [price.denom for price in await adapter.gas_price_floor()] == [network.chains[chain].gas_denom]

    asyncio.run(run())
