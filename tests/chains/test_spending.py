"""Transactions of ours on simulated chains, through the adapter and the fake: none lost, none taken for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import pytest
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx

from relayclear.chains.chain import CometChain
from relayclear.errors import HeightError, IndexerError, NodeError, RefusedError
from relayclear.ibc.arrivals import Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.spending import Broadcast, Landing, SequenceUse, SpentOutput
from relayclear.ports import Chain
from relayclear.rehearsal import bank
from relayclear.rehearsal.transactions import wrap
from tests.chains.rehearsed import ALPHA, BETA, CHAINS, GAS, Stage, execute, grant, held, multi_send, send
from tests.fakes.chain import FakeChain
from tests.fakes.world import address, time_of

T = TypeVar("T")
Ask = Callable[[Stage, str, Callable[[Chain], Awaitable[T]]], T]
MEMO = "rc1r:0123456789 late"
TOO_MUCH = 2**70


def by_adapter(stage: Stage, chain: str, question: Callable[[Chain], Awaitable[T]]) -> T:
    return stage.ask(chain, question)


def by_fake(stage: Stage, chain: str, question: Callable[[Chain], Awaitable[T]]) -> T:
    return asyncio.run(_awaited(question(FakeChain(stage.world, chain))))


async def _awaited(asked: Awaitable[T]) -> T:
    return await asked


def both(stage: Stage, chain: str, question: Callable[[Chain], Awaitable[T]]) -> T:
    """What the adapter answers, which must be what the fake does."""
    found = by_adapter(stage, chain, question)
    assert by_fake(stage, chain, question) == found
    return found


def every_skin(test: Any) -> Any:
    return pytest.mark.parametrize("chain", CHAINS)(pytest.mark.parametrize("ask", [by_adapter, by_fake])(test))


def hash_of(raw: bytes) -> str:
    return sha256(raw).hexdigest().upper()


def landings(stage: Stage, chain: str, raw: bytes, first: int = 1) -> list[Landing]:
    last = stage.height(chain)
    return both(stage, chain, lambda one: one.landings(hash_of(raw), first, last))


def uses(stage: Stage, chain: str, name: str) -> list[SequenceUse]:
    """The account's uses of sequences out of the blocks, each of which the index must tell too."""
    who, last = address(name, chain), stage.height(chain)
    found = both(stage, chain, lambda one: one.sequence_uses(who, 1, last))
    for use in found:
        assert both(stage, chain, partial(_use_of, who, use.sequence)) == use
    return found


async def _use_of(who: str, number: int, chain: Chain) -> SequenceUse | None:
    return await chain.sequence_use(who, number)


def movements(stage: Stage, chain: str, who: str) -> list[Movement]:
    """All that moved the account's coins, in the order of the events."""
    last = stage.height(chain)
    fake = by_fake(stage, chain, lambda one: one.movements(who, 1, last))
    by_index = stage.ask(chain, partial(CometChain.movements, address=who, first=1, last=last))
    assert sorted(map(str, by_index)) == sorted(map(str, fake))
    found = stage.ask(chain, partial(CometChain.moved_by_blocks, address=who, first=1, last=last)).movements
    assert sorted(map(str, found)) == sorted(map(str, fake))
    return found


def sequence(stage: Stage, chain: str, name: str) -> int:
    found = bank.account(stage.world.chains[chain].store, address(name, chain))
    assert found is not None
    return found.sequence


# Broadcasts


@every_skin
def test_bytes_are_taken_once_and_known_ever_after(ask: Ask[Broadcast], chain: str) -> None:
    stage = Stage()
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"), memo=MEMO)
    assert ask(stage, chain, lambda one: one.broadcast(raw)) == Broadcast(0, "", "", known=False)
    assert ask(stage, chain, lambda one: one.broadcast(raw)) == Broadcast(0, "", "", known=True)
    stage.world.tick(chain)
    assert ask(stage, chain, lambda one: one.broadcast(raw)) == Broadcast(0, "", "", known=True)
    [stands] = landings(stage, chain, raw)
    assert (stands.code, stands.used_sequence) == (0, True)


@every_skin
@pytest.mark.parametrize(
    ("terms", "code", "log"),
    [
        ({"timeout_height": 1}, 30, "timeout height: 1: tx timeout height"),
        ({"sequence": 7}, 32, "account sequence mismatch, expected 0, got 7: incorrect account sequence"),
        ({"fee": 1}, 13, "insufficient fee"),
        ({"account_number": 99}, 4, "signature verification failed"),
        ({"granter": "mallory"}, 38, "fee-grant not found"),
    ],
)
def test_what_the_chain_refuses_is_told_with_its_code_and_takes_nothing(
    ask: Ask[Broadcast], chain: str, terms: dict[str, Any], code: int, log: str
) -> None:
    stage = Stage()
    stage.world.tick(chain)
    stage.world.tick(chain)
    if "granter" in terms:
        terms = {"granter": address(terms["granter"], chain)}
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"), **terms)
    answer = ask(stage, chain, lambda one: one.broadcast(raw))
    assert (answer.code, answer.codespace, answer.known) == (code, "sdk", False)
    assert log in answer.log
    stage.world.tick(chain)
    assert landings(stage, chain, raw) == []
    assert sequence(stage, chain, "payee") == 0


@every_skin
def test_more_than_is_there_is_taken_and_fails_and_costs_fee_and_sequence(ask: Ask[Broadcast], chain: str) -> None:
    stage = Stage()
    before = held(stage, chain, "payee", GAS[chain])
    raw = stage.sign(chain, "payee", send(chain, "payee", (TOO_MUCH, GAS[chain]), to="bob"), memo=MEMO, fee=900)
    assert ask(stage, chain, lambda one: one.broadcast(raw)).code == 0
    stage.world.tick(chain)
    [stands] = landings(stage, chain, raw)
    assert (stands.code, stands.used_sequence, stands.fee) == (5, True, (Coin(GAS[chain], 900),))
    assert "insufficient funds" in stands.log
    assert held(stage, chain, "payee", GAS[chain]) == before - 900
    [use] = uses(stage, chain, "payee")
    assert (use.code, use.memo, use.fee, use.outputs, use.sequence) == (5, MEMO, stands.fee, (), 0)
    # What failed left the node's cache; only the used sequence keeps it from landing again.
    assert ask(stage, chain, lambda one: one.broadcast(raw)).code == 32


def test_an_answer_lost_after_it_arrived_is_asked_for_with_the_same_bytes() -> None:
    stage = Stage()
    stage.faults(ALPHA).lose_answers = 1
    raw = stage.sign(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    assert stage.ask(ALPHA, lambda one: one.broadcast(raw)).known
    stage.world.tick(ALPHA)
    assert [one.code for one in landings(stage, ALPHA, raw)] == [0]


def test_bytes_a_mempool_forgot_may_come_again() -> None:
    stage = Stage()
    stage.world.chains[ALPHA].dropping = 1
    raw = stage.sign(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    assert stage.ask(ALPHA, lambda one: one.broadcast(raw)).code == 0
    stage.world.tick(ALPHA)
    assert landings(stage, ALPHA, raw) == []
    assert stage.ask(ALPHA, lambda one: one.broadcast(raw)) == Broadcast(0, "", "", known=False)
    stage.world.tick(ALPHA)
    assert len(landings(stage, ALPHA, raw)) == 1


# Simulations


@every_skin
def test_a_simulation_tells_gas_and_leaves_no_trace(ask: Ask[int], chain: str) -> None:
    stage = Stage()
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"))
    assert 50_000 < ask(stage, chain, lambda one: one.simulate(raw)) < 350_000
    stage.world.tick(chain)
    assert (landings(stage, chain, raw), sequence(stage, chain, "payee")) == ([], 0)


@every_skin
def test_what_cannot_work_is_refused_in_the_chains_own_words(ask: Ask[int], chain: str) -> None:
    stage = Stage()
    raw = stage.sign(chain, "payee", send(chain, "payee", (TOO_MUCH, "token"), to="bob"))
    with pytest.raises(RefusedError) as refused:
        ask(stage, chain, lambda one: one.simulate(raw))
    assert refused.value.code == "wont_work"
    words = f"spendable balance 1000000000000token is smaller than {TOO_MUCH}token: insufficient funds"
    assert refused.value.message.endswith(words)
    with pytest.raises(RefusedError, match="tx parse error"):
        ask(stage, chain, lambda one: one.simulate(b"rubbish"))


# Where bytes stand


@pytest.mark.parametrize("chain", CHAINS)
def test_a_landing_tells_its_block_and_what_was_taken(chain: str) -> None:
    stage = Stage()
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"), fee=777)
    stage.ask(chain, lambda one: one.broadcast(raw))
    stage.world.tick(chain)
    at = time_of(stage.world.chains[chain].time_ns)
    told = Landing(stage.height(chain), at, 0, "", (Coin(GAS[chain], 777),), used_sequence=True)
    assert landings(stage, chain, raw) == [told]
    assert stage.ask(chain, lambda one: one.landings(hash_of(raw).lower(), told.height, told.height)) == [told]
    assert stage.ask(chain, lambda one: one.landings(hash_of(raw), told.height, told.height - 1)) == []
    assert stage.ask(chain, lambda one: one.landings("AB" * 32, 1, told.height)) == []


@pytest.mark.parametrize("chain", CHAINS)
def test_a_refund_put_into_a_block_again_is_still_paid(chain: str) -> None:
    stage = Stage()
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"), memo=MEMO)
    stage.ask(chain, lambda one: one.broadcast(raw))
    stage.world.tick(chain)
    [paid] = uses(stage, chain, "payee")
    before = held(stage, chain, "payee", GAS[chain])
    # More blocks between than are read at once.
    for _ in range(60):
        stage.world.tick(chain)
    stage.world.replay(chain, hash_of(raw))
    stage.world.tick(chain)
    first, again = landings(stage, chain, raw)
    assert (first.height, first.code, first.used_sequence) == (paid.height, 0, True)
    assert (again.height, again.code, again.used_sequence, again.fee) == (stage.height(chain), 32, False, ())
    assert "incorrect account sequence" in again.log
    assert held(stage, chain, "payee", GAS[chain]) == before
    # The index knows only the second place, where the bytes used nothing: that must not read as unused.
    who = address("payee", chain)
    for ask in (by_adapter, by_fake):
        with pytest.raises(IndexerError) as blind:
            ask(stage, chain, lambda one: one.sequence_use(who, 0))
        assert blind.value.code == "indexer_replayed"
    assert both(stage, chain, lambda one: one.sequence_uses(who, 1, stage.height(chain))) == [paid]


def test_bytes_twice_in_one_block_are_two_landings() -> None:
    stage = Stage()
    raw = stage.sign(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    stage.ask(ALPHA, lambda one: one.broadcast(raw))
    stage.world.chains[ALPHA].again.append(raw)
    stage.world.tick(ALPHA)
    assert [(one.height, one.code) for one in landings(stage, ALPHA, raw)] == [
        (stage.height(ALPHA), 0),
        (stage.height(ALPHA), 32),
    ]


@pytest.mark.parametrize("ask", [by_adapter, by_fake])
def test_no_landing_is_told_where_a_height_is_not_there(ask: Ask[Any]) -> None:
    stage = Stage()
    last = stage.height(ALPHA) + 1
    for question in (
        lambda one: one.landings("AB" * 32, 1, last),
        lambda one: one.sequence_uses(address("payee", ALPHA), 1, last),
    ):
        with pytest.raises(HeightError):
            ask(stage, ALPHA, question)


def test_no_landing_is_told_where_a_height_is_pruned_and_another_node_has_it() -> None:
    stage = Stage()
    stage.act(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    raw = stage.world.chains[ALPHA].blocks[-1].txs[0]
    for _ in range(3):
        stage.world.tick(ALPHA)
    stage.faults(ALPHA).pruned_below = stage.height(ALPHA)
    with pytest.raises(HeightError):
        stage.ask(ALPHA, lambda one: one.landings(hash_of(raw), 1, stage.height(ALPHA)))
    stage.add_node(ALPHA)
    assert len(stage.ask(ALPHA, lambda one: one.landings(hash_of(raw), 1, stage.height(ALPHA)))) == 1


# Who used a sequence


@pytest.mark.parametrize("chain", CHAINS)
def test_outputs_are_counted_as_movements_and_leave_the_fee_out(chain: str) -> None:
    stage = Stage()
    stage.act(
        chain,
        "payee",
        send(chain, "payee", (3, "token"), (2, GAS[chain]), to="bob"),
        send(chain, "payee", (4, "token"), to="payee"),
        multi_send(chain, "payee", ("bob", 1), ("alice", 2)),
        memo=MEMO,
        fee=900,
    )
    [use] = uses(stage, chain, "payee")
    bob, payee = address("bob", chain), address("payee", chain)
    both_coins = sorted([Coin("token", 3), Coin(GAS[chain], 2)], key=lambda coin: coin.denom)
    assert use.outputs == (
        *(SpentOutput(1, bob, coin) for coin in both_coins),
        SpentOutput(2, payee, Coin("token", 4)),
        # Coins to many at once are nobody's alone.
        SpentOutput(3, None, Coin(GAS[chain], 3)),
    )
    assert (use.memo, use.fee, use.packets) == (MEMO, (Coin(GAS[chain], 900),), ())
    moved = movements(stage, chain, payee)
    out = [one for one in moved if not one.incoming]
    assert tuple(SpentOutput(one.ordinal, one.to, one.coin) for one in out if not one.fee) == use.outputs
    assert [(one.ordinal, one.to, one.coin.amount, one.memo) for one in out if one.fee] == [(0, None, 900, MEMO)]
    assert all(one.memo == MEMO for one in moved if one.tx_hash)
    assert all(one.to is None for one in moved if one.incoming)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_fee_somebody_else_paid_is_told_and_shifts_no_output(chain: str) -> None:
    stage = Stage()
    stage.world.write(chain, bank.allowance_key(address("mallory", chain), address("payee", chain)), value=True)
    raw = stage.sign(chain, "payee", send(chain, "payee", to="bob"), granter=address("mallory", chain), fee=900)
    assert stage.ask(chain, lambda one: one.broadcast(raw)).code == 0
    stage.world.tick(chain)
    [use] = uses(stage, chain, "payee")
    assert use.fee == (Coin(GAS[chain], 900),)
    assert use.outputs == (SpentOutput(0, address("bob", chain), Coin(GAS[chain], 5)),)
    assert both(stage, chain, lambda one: one.sequence_uses(address("mallory", chain), 1, stage.height(chain))) == []


def test_a_failed_transaction_whose_fee_another_paid_is_found_in_the_blocks() -> None:
    # Nothing of the payee's moved, so no event but the count of its signature names it.
    stage = Stage()
    stage.world.write(ALPHA, bank.allowance_key(address("mallory", ALPHA), address("payee", ALPHA)), value=True)
    too_much = send(ALPHA, "payee", (TOO_MUCH, "token"), to="bob")
    stage.ask(ALPHA, lambda one: one.broadcast(stage.sign(ALPHA, "payee", too_much, granter=address("mallory", ALPHA))))
    stage.world.tick(ALPHA)
    [use] = uses(stage, ALPHA, "payee")
    assert (use.code, use.sequence) == (5, 0)


@pytest.mark.parametrize("chain", CHAINS)
def test_coins_sent_over_a_channel_are_told_with_their_packet(chain: str) -> None:
    stage = Stage()
    end = stage.ends[chain]
    message = transfer_tx.MsgTransfer(
        source_port=end.port,
        source_channel=end.channel,
        sender=address("payee", chain),
        receiver=address("alice", BETA if chain == ALPHA else ALPHA),
        timeout_timestamp=stage.world.clock.now_ns() + 10**12,
        memo=MEMO,
    )
    message.token.denom, message.token.amount = "token", "6"
    assert stage.act(chain, "payee", wrap("/ibc.applications.transfer.v1.MsgTransfer", message), memo=MEMO).code == 0
    [use] = uses(stage, chain, "payee")
    assert use.packets == (PacketKey(*end, 1),)
    [out] = use.outputs
    assert (out.ordinal, out.coin) == (1, Coin("token", 6))
    assert out.to not in (None, address("payee", chain))


@pytest.mark.parametrize("chain", CHAINS)
def test_what_another_hand_moved_used_the_sequence_of_that_hand(chain: str) -> None:
    stage = Stage()
    stage.act(chain, "payee", grant(chain, "payee", "bob"))
    stage.act(chain, "bob", execute(chain, "bob", [send(chain, "payee", (4, "token"), to="alice")]), memo="bob's")
    assert [use.sequence for use in uses(stage, chain, "payee")] == [0]
    [use] = uses(stage, chain, "bob")
    assert use.outputs == ()
    moved = movements(stage, chain, address("payee", chain))
    assert [(one.to, one.memo) for one in moved if one.coin == Coin("token", 4)] == [(address("alice", chain), "bob's")]


def test_uses_come_in_the_order_of_the_chain_and_only_of_the_asked_blocks() -> None:
    stage = Stage()
    raws = [stage.sign(ALPHA, "payee", send(ALPHA, "payee", to="bob"), sequence=number) for number in (0, 1)]
    for raw in raws:
        stage.ask(ALPHA, partial(CometChain.broadcast, raw=raw))
    stage.world.tick(ALPHA)
    middle = stage.height(ALPHA)
    stage.act(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    stage.act(ALPHA, "bob", send(ALPHA, "bob"))
    assert [(use.sequence, use.tx_hash) for use in uses(stage, ALPHA, "payee")[:2]] == [
        (0, hash_of(raws[0])),
        (1, hash_of(raws[1])),
    ]
    who, last = address("payee", ALPHA), stage.height(ALPHA)
    assert [one.sequence for one in both(stage, ALPHA, lambda one: one.sequence_uses(who, middle + 1, last))] == [2]


def test_an_index_that_shows_nothing_is_no_proof_and_one_that_is_off_says_so() -> None:
    stage = Stage()
    who = address("payee", ALPHA)
    assert both(stage, ALPHA, lambda one: one.sequence_use(who, 0)) is None
    stage.act(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    stage.faults(ALPHA).index_lag = 5
    assert stage.ask(ALPHA, lambda one: one.sequence_use(who, 0)) is None
    stage.faults(ALPHA).tx_index = False
    with pytest.raises(IndexerError):
        stage.ask(ALPHA, lambda one: one.sequence_use(who, 0))
    assert len(stage.ask(ALPHA, lambda one: one.sequence_uses(who, 1, stage.height(ALPHA)))) == 1
    stage.add_node(ALPHA)
    assert stage.ask(ALPHA, lambda one: one.sequence_use(who, 0)) is not None


# The fake's misfortunes


def test_the_fake_loses_broadcasts_before_and_answers_after_they_arrived() -> None:
    stage = Stage()
    chain = FakeChain(stage.world, ALPHA)
    raw = stage.sign(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    chain.fails["broadcast"] = NodeError("gone")
    with pytest.raises(NodeError):
        asyncio.run(chain.broadcast(raw))
    assert stage.world.chains[ALPHA].mempool == []
    del chain.fails["broadcast"]
    chain.drops = 1
    assert asyncio.run(chain.broadcast(raw)) == Broadcast(0, "", "", known=False)
    assert (stage.world.chains[ALPHA].mempool, chain.drops) == ([], 0)
    chain.swallows = True
    with pytest.raises(NodeError):
        asyncio.run(chain.broadcast(raw))
    assert stage.world.chains[ALPHA].mempool == [raw]
    chain.swallows, chain.drops = False, 1
    assert asyncio.run(chain.broadcast(raw)).known
    assert (chain.drops, stage.world.chains[ALPHA].dropping) == (1, 0)


def test_the_fakes_index_forgets_lags_and_is_off() -> None:
    stage = Stage()
    chain, who = FakeChain(stage.world, ALPHA), address("payee", ALPHA)
    stage.act(ALPHA, "payee", send(ALPHA, "payee", to="bob"))
    found = asyncio.run(chain.sequence_use(who, 0))
    assert found is not None
    chain.index_lag = 1
    assert asyncio.run(chain.sequence_use(who, 0)) is None
    chain.unindexed.add(found.tx_hash)
    assert asyncio.run(chain.sequence_use(who, 0)) is None
    chain.tx_index = False
    with pytest.raises(IndexerError):
        asyncio.run(chain.sequence_use(who, 0))
