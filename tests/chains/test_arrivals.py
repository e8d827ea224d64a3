"""Coins that arrive, read out of indexes and blocks of simulated chains: nothing missed, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx

from relayclear.chains.chain import CometChain
from relayclear.chains.endpoints import Endpoints
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError
from relayclear.ibc.arrivals import Arrival, ArrivalKind, Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey
from relayclear.rehearsal import relaying
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.transactions import wrap
from relayclear.usecases.payments_reading import read_flows
from tests.chains.rehearsed import ALPHA, BETA, CHAINS, GAS, MULTI_SEND, Stage, execute, grant, held, multi_send, send
from tests.fakes.chain import FakeChain
from tests.fakes.world import address, time_of

MEMO = "rc1memo"


def payee(chain: str) -> str:
    return address("payee", chain)


def arrivals(stage: Stage, chain: str, first: int = 1) -> list[Arrival]:
    """What came to the payee by the index, which must be what blocks, single transactions and the fake tell."""
    last = stage.height(chain)

    async def read(adapter: CometChain) -> list[Arrival]:
        found = await adapter.arrivals(payee(chain), first, last)
        assert (await adapter.moved_by_blocks(payee(chain), first, last)).arrivals == found
        for tx_hash in {one.tx_hash for one in found}:
            of_tx = [one for one in found if one.tx_hash == tx_hash]
            assert await adapter.arrivals_of_tx(payee(chain), tx_hash) == of_tx
        return found

    found = stage.ask(chain, read)
    assert asyncio.run(FakeChain(stage.world, chain).arrivals(payee(chain), first, last)) == found
    assert len({one.identity for one in found}) == len(found)
    return found


def movements(stage: Stage, chain: str, first: int = 1) -> list[Movement]:
    """Everything that moved the payee's balance, however it is read."""
    last = stage.height(chain)

    async def read(adapter: CometChain) -> list[Movement]:
        found = await adapter.movements(payee(chain), first, last)
        by_blocks = (await adapter.moved_by_blocks(payee(chain), first, last)).movements
        assert sorted(map(str, found)) == sorted(map(str, by_blocks))
        return by_blocks

    found = stage.ask(chain, read)
    fake = asyncio.run(FakeChain(stage.world, chain).movements(payee(chain), first, last))
    assert sorted(map(str, fake)) == sorted(map(str, found))
    return found


@pytest.mark.parametrize("chain", CHAINS)
def test_a_plain_payment_is_read_with_its_payer_and_memo(chain: str) -> None:
    stage = Stage()
    stage.act(chain, "alice", send(chain, "alice", (2**70, "token"), (5, GAS[chain])), memo=MEMO)  # she has no 2**70
    assert arrivals(stage, chain) == []
    stage.act(chain, "alice", send(chain, "alice", (5, GAS[chain]), (7, "token")), memo=MEMO)
    one, other = arrivals(stage, chain)
    assert sorted([one.coin, other.coin], key=lambda coin: coin.amount) == [Coin(GAS[chain], 5), Coin("token", 7)]
    assert one == replace(other, coin=one.coin)
    assert (one.kind, one.sender, one.senders) == (ArrivalKind.SEND, address("alice", chain), 1)
    assert (one.memo, one.outer_memo, one.signed, one.packet) == (MEMO, "", True, None)
    assert (one.chain, one.ordinal, one.height) == (chain, 0, stage.height(chain))
    assert one.at == stage.ask(chain, lambda adapter: adapter.block_time(one.height))


@pytest.mark.parametrize("chain", CHAINS)
def test_an_amount_of_any_size_is_exact(chain: str) -> None:
    stage = Stage()
    stage.world.fund(chain, address("alice", chain), "token", 2**200)
    stage.act(chain, "alice", send(chain, "alice", (2**200, "token")))
    assert [one.coin.amount for one in arrivals(stage, chain)] == [2**200]


@pytest.mark.parametrize("chain", CHAINS)
def test_several_messages_of_one_transaction_are_one_arrival_each(chain: str) -> None:
    stage = Stage()
    stage.act(
        chain,
        "alice",
        *(send(chain, "alice", (n, "token"), to=to) for n, to in ((1, "payee"), (2, "bob"))),
        send(chain, "alice", (3, "token")),
        memo=MEMO,
    )
    assert [(one.ordinal, one.coin.amount, one.memo) for one in arrivals(stage, chain)] == [(0, 1, MEMO), (1, 3, MEMO)]


@pytest.mark.parametrize("chain", CHAINS)
def test_a_payment_to_many_has_its_one_payer_whether_the_event_names_him_or_not(chain: str) -> None:
    stage = Stage()
    stage.act(chain, "alice", multi_send(chain, "alice", ("bob", 1), ("payee", 2), ("payee", 3)), memo=MEMO)
    one, other = arrivals(stage, chain)
    assert [(one.ordinal, one.coin.amount), (other.ordinal, other.coin.amount)] == [(0, 2), (1, 3)]
    assert (one.kind, one.sender, one.senders) == (ArrivalKind.MULTI_SEND, address("alice", chain), 1)
    assert (one.memo, one.signed) == (MEMO, True)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_payment_by_another_hand_belongs_to_who_granted_it(chain: str) -> None:
    stage = Stage()
    for url in ("/cosmos.bank.v1beta1.MsgSend", MULTI_SEND):
        stage.act(chain, "alice", grant(chain, "alice", "bob", url))
    inner = [send(chain, "alice", (4, "token")), multi_send(chain, "alice", ("payee", 6)), send(chain, "bob")]
    stage.act(chain, "bob", execute(chain, "bob", inner), memo=MEMO)
    found = arrivals(stage, chain)
    assert {(one.kind, one.memo, one.signed) for one in found} == {(ArrivalKind.EXEC, MEMO, True)}
    assert [one.sender for one in found] == [address(name, chain) for name in ("alice", "alice", "bob")]


@pytest.mark.parametrize("chain", CHAINS)
def test_what_the_payee_sends_itself_is_no_arrival_but_a_movement_both_ways(chain: str) -> None:
    stage = Stage()
    first = stage.height(chain) + 1
    sent = send(chain, "payee"), send(chain, "payee", to="bob"), multi_send(chain, "payee", ("payee", 2))
    stage.act(chain, "payee", *sent, fee=900)
    stage.act(chain, "alice", send(chain, "alice"))
    [one] = arrivals(stage, chain)
    assert (one.sender, one.ordinal) == (address("alice", chain), 0)
    rows = [(row.incoming, row.fee, row.coin.amount) for row in movements(stage, chain, first)]
    assert sorted(rows) == sorted(
        [(False, True, 900), *[(False, False, 5)] * 2, *[(True, False, 5)] * 2, (False, False, 2), (True, False, 2)]
    )


@pytest.mark.parametrize("chain", CHAINS)
def test_a_failed_transaction_brings_nothing_and_still_takes_its_fee(chain: str) -> None:
    stage = Stage()
    first = stage.height(chain) + 1
    assert stage.act(chain, "payee", send(chain, "payee", (2**100, "token")), fee=700).code
    assert stage.act(chain, "alice", send(chain, "alice"), send(chain, "alice", (2**100, "token"))).code
    assert arrivals(stage, chain) == []
    [fee] = movements(stage, chain, first)
    assert (fee.incoming, fee.fee, fee.coin) == (False, True, Coin(GAS[chain], 700))


@pytest.mark.parametrize("chain", CHAINS)
def test_movements_add_up_to_the_balance(chain: str) -> None:
    stage = Stage()
    first, before = stage.height(chain) + 1, held(stage, chain, "payee", GAS[chain])
    stage.act(chain, "alice", send(chain, "alice", (50, GAS[chain])))
    stage.act(chain, "payee", send(chain, "payee", (20, GAS[chain]), to="bob"), fee=300)
    stage.act(chain, "payee", send(chain, "payee", (10**30, GAS[chain]), to="bob"), fee=200)
    moved = [row.coin.amount * (1 if row.incoming else -1) for row in movements(stage, chain, first)]
    assert before + sum(moved) == held(stage, chain, "payee", GAS[chain]) == before + 50 - 20 - 300 - 200


@pytest.mark.parametrize("source", CHAINS)
def test_coins_over_ibc_have_the_memo_of_their_packet_never_the_relayers(source: str) -> None:
    stage = Stage()
    end = stage.ends[source]
    there = stage.world.other_end(end)
    keys = [stage.world.send(end, receiver=payee(there.chain), memo=memo) for memo in (MEMO, "")]
    relayed(stage, keys, "mallory", memo="rc1mallory")
    one, other = arrivals(stage, there.chain)
    assert (one.kind, one.memo, one.outer_memo, one.signed) == (ArrivalKind.IBC, MEMO, "rc1mallory", False)
    assert (one.sender, one.packet, one.channel) == (address("sender", source), keys[0], there)
    assert (other.memo, other.packet, other.ordinal) == ("", keys[1], 1)


def relayed(stage: Stage, keys: Sequence[PacketKey], relayer: str, memo: str = "", nested: bool = False) -> None:  # noqa: FBT001, FBT002
    """Deliver packets in one transaction."""
    world, there = stage.world, stage.world.other_end(keys[0].end)
    signer, seen = address(relayer, there.chain), world.chains[keys[0].chain]
    world.tick(keys[0].chain)
    update = relaying.update_client(world.client_of(there), keys[0].chain, seen.height, seen.time_ns, signer)
    messages = []
    for key in keys:
        made = channel_tx.MsgRecvPacket(packet=relaying.packet_of(world, key), signer=signer, proof_commitment=b"\x01")
        made.proof_height.revision_number, made.proof_height.revision_height = seen.spec.revision, seen.height
        messages.append(wrap("/ibc.core.channel.v1.MsgRecvPacket", made))
    if nested:
        messages = [execute(there.chain, relayer, [send(there.chain, relayer), *messages])]
    result = stage.act(there.chain, relayer, update, *messages, memo=memo)
    assert result.code == 0, result.log


def test_a_packet_relayed_inside_an_execution_does_not_give_its_coins_to_the_relayers_memo() -> None:
    stage = Stage()
    key = stage.world.send(stage.ends[ALPHA], receiver=payee(BETA), memo=MEMO)
    relayed(stage, [key], "mallory", memo="rc1mallory", nested=True)
    own, packet = arrivals(stage, BETA)
    assert (own.kind, own.memo, own.sender) == (ArrivalKind.EXEC, "rc1mallory", address("mallory", BETA))
    assert (packet.kind, packet.memo, packet.packet) == (ArrivalKind.IBC, MEMO, key)


def test_a_refused_packet_brings_nothing_and_its_returning_coins_are_no_payment() -> None:
    stage = Stage()
    end = stage.ends[ALPHA]
    refused = stage.world.send(end, sender=payee(ALPHA), receiver="nobody", memo=MEMO)
    late = stage.world.send(end, sender=payee(ALPHA), memo=MEMO, timeout_seconds=60)
    for key in (refused, late):
        stage.world.step(61)
        stage.world.relay(key)
    assert arrivals(stage, BETA) == []
    found = arrivals(stage, ALPHA)
    assert [(one.kind, one.packet, one.channel) for one in found] == [
        (ArrivalKind.RETURNED, key, key.end) for key in (refused, late)
    ]
    assert {(one.memo, one.sender, one.signed) for one in found} == {("", None, False)}


def test_what_a_block_itself_moves_is_a_movement_without_a_transaction() -> None:
    stage = Stage()
    first = stage.height(ALPHA) + 1

    def pay(ctx: Context) -> None:
        from relayclear.rehearsal import bank  # noqa: PLC0415
        from relayclear.rehearsal.world import coins  # noqa: PLC0415

        bank.send(ctx, address("alice", ALPHA), payee(ALPHA), coins((11, "token")))

    stage.world.chains[ALPHA].at_end.append(pay)
    stage.world.tick(ALPHA)
    assert arrivals(stage, ALPHA) == []
    assert movements(stage, ALPHA, first) == [
        Movement(ALPHA, "", stage.height(ALPHA), Coin("token", 11), incoming=True, ordinal=0)
    ]


# What an index can do to us


def paid(count: int = 1, chain: str = ALPHA) -> Stage:
    """A stage on which Alice paid so often, each time in a block of its own."""
    stage = Stage()
    for number in range(count):
        stage.act(chain, "alice", send(chain, "alice", (number + 1, "token")), memo=str(number))
    return stage


def by_index(stage: Stage, first: int = 1, last: int = 0) -> list[Arrival]:
    return stage.ask(ALPHA, lambda adapter: adapter.arrivals(payee(ALPHA), first, last or stage.height(ALPHA)))


def test_an_index_that_is_off_tells_of_no_payments() -> None:
    stage = paid()
    stage.faults(ALPHA).tx_index = False
    with pytest.raises(IndexerError):
        by_index(stage)
    with pytest.raises(IndexerError):
        stage.ask(ALPHA, lambda adapter: adapter.movements(payee(ALPHA), 1, 2))
    moved = stage.ask(ALPHA, lambda adapter: adapter.moved_by_blocks(payee(ALPHA), 1, stage.height(ALPHA)))
    assert len(moved.arrivals) == 1


@pytest.mark.parametrize("empty_blocks", [0, 1])
def test_an_index_that_lags_tells_of_no_payments(empty_blocks: int) -> None:
    stage = paid()
    for _ in range(empty_blocks):
        stage.world.tick(ALPHA)
    stage.faults(ALPHA).index_lag = 1 + empty_blocks
    with pytest.raises(IndexerError) as refused:
        by_index(stage)
    assert refused.value.code == "indexer_behind"
    assert by_index(stage, 1, stage.height(ALPHA) - 1 - empty_blocks) == []


def test_a_lagging_endpoint_hides_what_the_next_one_knows() -> None:
    stage = paid()
    stage.faults(ALPHA).index_lag = 1
    stage.add_node(ALPHA)
    assert len(by_index(stage)) == 1


def test_a_node_set_up_from_a_snapshot_tells_of_no_payments_before_it() -> None:
    stage = paid()
    stage.world.step(30)
    stage.faults(ALPHA).pruned_below = stage.height(ALPHA) - 1
    with pytest.raises(HeightError):
        by_index(stage)
    with pytest.raises(HeightError):
        stage.ask(ALPHA, lambda adapter: adapter.moved_by_blocks(payee(ALPHA), 1, stage.height(ALPHA)))
    # One endpoint's blocks say nothing of another's index.
    stage.add_node(ALPHA, tx_index=False)
    with pytest.raises(IndexerError):
        by_index(stage)
    stage.add_node(ALPHA)
    assert len(by_index(stage)) == 1


def test_a_height_that_is_not_there_yet_is_taken_for_an_empty_one() -> None:
    stage = paid()
    with pytest.raises(HeightError):
        by_index(stage, 1, stage.height(ALPHA) + 1)
    with pytest.raises(HeightError):
        stage.ask(ALPHA, lambda adapter: adapter.moved_by_blocks(payee(ALPHA), 1, stage.height(ALPHA) + 1))


def test_a_stretch_without_an_index_costs_each_block_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = paid()
    stage.faults(ALPHA).tx_index = False
    last, asked = stage.height(ALPHA), list[Any]()

    def note(call: Any, value: Any) -> Any:
        """Count what is asked, and change nothing."""
        asked.append(call)
        return value

    Odd(monkeypatch, note)
    flows = stage.ask(ALPHA, lambda adapter: read_flows(adapter, payee(ALPHA), 1, last))
    assert (flows.by_blocks, len(flows.arrivals), len(flows.movements)) == (True, 1, 1)
    assert sum(call.method == "block_results" for call in asked) == last


def test_a_dead_node_has_no_payments() -> None:
    stage = Stage()
    stage.nodes[ALPHA] = []
    for question in (lambda a: a.arrivals(payee(ALPHA), 1, 1), lambda a: a.moved_by_blocks(payee(ALPHA), 1, 1)):
        with pytest.raises(NodeError):
            stage.ask(ALPHA, question)


def test_no_heights_cost_a_request() -> None:
    stage = paid()
    assert by_index(stage, 5, 4) == []
    assert stage.requests == []


def test_an_idle_window_costs_more_than_one_request() -> None:
    stage = paid()
    assert by_index(stage, 1, 1) == []
    assert len(stage.requests) == 1
    stage.ask(ALPHA, lambda adapter: adapter.movements(payee(ALPHA), 1, 1))
    assert len(stage.requests) == 2


def test_an_unknown_or_malformed_hash_is_an_empty_answer() -> None:
    stage = paid()
    for name in ("AB" * 32, "no hash", "abc"):
        with pytest.raises(NotFoundError):
            stage.ask(ALPHA, lambda adapter, name=name: adapter.arrivals_of_tx(payee(ALPHA), name))  # type: ignore[misc]


def test_windows_are_cut_where_a_node_could_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relayclear.chains.arrivals.WINDOW", 3)
    stage = paid(5)
    assert [one.memo for one in arrivals(stage, ALPHA)] == list("01234")
    assert len(movements(stage, ALPHA)) == 5


def many(stage: Stage, count: int, chain: str = ALPHA, a_block: int = 40) -> None:
    """So many payments in few blocks."""
    for number in range(count):
        stage.world.post(chain, address("alice", chain), send(chain, "alice", (number + 1, "token")))
        if number % a_block == a_block - 1:
            stage.world.tick(chain)
    stage.world.tick(chain)


def test_pages_of_an_index_are_all_read_once_and_in_order() -> None:
    stage = Stage()
    many(stage, 251)
    assert [one.coin.amount for one in by_index(stage)] == list(range(1, 252))


def test_answers_too_large_for_a_reply_hide_payments(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    many(stage, 120)
    monkeypatch.setattr("relayclear.chains.hosts.REPLY_CAP", 60_000)
    assert len(by_index(stage)) == 120
    monkeypatch.setattr("relayclear.chains.hosts.REPLY_CAP", 1_500)
    with pytest.raises(NodeError, match="larger than can be taken in"):
        by_index(stage)


class Odd:
    """A node's answers changed on their way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
        call = Endpoints._ask_one

        async def asked(endpoints: Any, endpoint: Any, calls: Any) -> Any:
            got = await call(endpoints, endpoint, calls)
            return [change(one, value) for one, value in zip(calls, got, strict=True)]

        monkeypatch.setattr(Endpoints, "_ask_one", asked)


@pytest.mark.parametrize(
    ("method", "broken"),
    [
        ("tx_search", {"txs": [], "total_count": "1"}),
        ("tx_search", {"txs": None}),
        ("tx_search", "rubbish"),
        ("tx_search", {"txs": [{"hash": "AB", "height": "3", "tx_result": {}, "tx": "rubbish!"}], "total_count": "1"}),
        ("tx_search", {"txs": [{"hash": "AB", "height": "3", "tx_result": {}, "tx": "AAAA"}], "total_count": "1"}),
        ("tx_search", {"txs": [{"hash": "AB"}], "total_count": "1"}),
        ("blockchain", {"block_metas": [{}]}),
        ("block_results", {"height": "3"}),
        ("block_results", []),
        ("block", {"block": {}}),
        ("block", {"block": {"header": {"height": "1"}, "data": {"txs": []}}}),
        ("block_search", {"blocks": [{}], "total_count": "1"}),
    ],
)
def test_a_node_that_talks_nonsense_is_believed(method: str, broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = paid()
    Odd(monkeypatch, lambda call, value: broken if call.method == method else value)
    last = stage.height(ALPHA)

    async def read(adapter: CometChain) -> None:
        with suppress(IndexerError):
            await adapter.arrivals(payee(ALPHA), 1, last)
        await adapter.moved_by_blocks(payee(ALPHA), 1, last)
        await adapter.movements(payee(ALPHA), 1, last)

    with pytest.raises(NodeError):
        stage.ask(ALPHA, read)


def test_headers_of_other_blocks_stand_for_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = paid()
    Odd(monkeypatch, lambda call, value: {"block_metas": None} if call.method == "blockchain" else value)
    with pytest.raises(HeightError):
        by_index(stage)


def test_times_of_many_blocks_are_short_of_those_that_one_endpoint_pruned() -> None:
    stage = Stage()
    stage.world.step(300)
    stage.faults(ALPHA).pruned_below = 15
    asked = [*range(1, 50), 60]

    async def times(adapter: CometChain) -> dict[int, Any]:
        return await adapter._index.times(asked)

    found = stage.ask(ALPHA, times)
    assert [height for height in asked if isinstance(found[height], HeightError)] == [*range(1, 15)]
    stage.add_node(ALPHA)
    found = stage.ask(ALPHA, times)
    assert found == {height: time_of(stage.world.chains[ALPHA].time_at(height) or 0) for height in asked}


def test_a_node_that_dies_before_it_named_a_packets_chain_leaves_the_name_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    relayed(stage, [stage.world.send(stage.ends[ALPHA], receiver=payee(BETA), memo=MEMO)], "mallory")
    Odd(monkeypatch, lambda call, value: NodeError("gone") if b"ChannelClientState" in call.params else value)
    with pytest.raises(NodeError):
        stage.ask(BETA, lambda adapter: adapter.arrivals(payee(BETA), 1, stage.height(BETA)))


def test_a_search_that_changes_between_its_pages_loses_a_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    many(stage, 201)

    def grown(call: Any, value: Any) -> Any:
        later = call.method == "tx_search" and b'"page":"3"' in call.params
        return {**value, "total_count": "202"} if later else value

    Odd(monkeypatch, grown)
    with pytest.raises(NodeError, match="changed while it was read"):
        by_index(stage)


def test_a_transaction_with_anothers_hash_is_credited(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = paid()
    [one] = by_index(stage)
    Odd(monkeypatch, lambda call, value: {**value, "hash": "AB" * 32} if call.method == "tx" else value)
    with pytest.raises(NodeError, match="another one than its hash"):
        stage.ask(ALPHA, lambda adapter: adapter.arrivals_of_tx(payee(ALPHA), one.tx_hash))


def test_the_chain_of_a_packet_whose_client_can_not_be_read_stops_the_reading() -> None:
    stage = Stage()
    relayed(stage, [stage.world.send(stage.ends[ALPHA], receiver=payee(BETA), memo=MEMO)], "mallory")
    stage.world.write(BETA, f"ibc:clients/{stage.world.client_of(stage.ends[BETA])}/clientState", None)
    last = stage.height(BETA)
    [one] = stage.ask(BETA, lambda adapter: adapter.arrivals(payee(BETA), 1, last))
    assert one.packet is not None
    assert (one.packet.chain, one.packet.sequence, one.memo) == ("", 1, MEMO)


def test_of_a_thousand_payments_some_are_left_out() -> None:
    stage = Stage()
    many(stage, 1000, a_block=5)
    assert len(by_index(stage)) == 1000
