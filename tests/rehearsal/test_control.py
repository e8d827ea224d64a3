"""The control port: what makes a world fail on demand, and what is said to whoever asks for something else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from google.protobuf import json_format

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.rehearsal import bank, clients, relaying
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.faults import RelayerFaults
from relayclear.rehearsal.hermes.faults import read
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.staging import ALPHA, BETA, address, transfer
from relayclear.rehearsal.transactions import decode, hash_of, wrap
from relayclear.rehearsal.world import World, coins
from tests.rehearsal.stages import NOW, Stand, on_stage, payment

CLIENT = "07-tendermint-0"
CHANNEL = ChannelEnd("alpha-1", "transfer", "channel-0")


def held(chain: Chain, name: str, denom: str = "stake") -> int:
    return bank.balance(chain.store, address(chain.spec, name), denom)


def test_a_fault_is_set_and_not_felt() -> None:
    async def scenario(stand: Stand) -> None:
        told = await stand.tell("/nodes/alpha-1/faults", {"max_batch": 3, "balances": {"a/stake": 5}})
        assert (told.json()["max_batch"], told.json()["balances"], told.json()["hang"]) == (3, {"a/stake": 5}, False)
        assert stand.faults.max_batch == 3
        assert (await stand.http.get(f"{stand.served.control}/nodes/alpha-1/faults")).json() == told.json()
        assert (await stand.tell("/nodes/alpha-1/faults", {"delay_seconds": 0})).status_code == 200
        await stand.tell("/nodes/alpha-1/heal")
        assert (stand.faults.max_batch, stand.faults.balances) == (10, {})

    on_stage(scenario)


BAD = [
    ("/nodes/alpha-1/faults", {"refus": True}, 400, "there is no fault 'refus'; did you mean refuse?"),
    ("/nodes/alpha-1/faults", {"refuse": 1}, 400, "refuse is true or false, not 1"),
    ("/nodes/alpha-1/faults", {"behind": True}, 400, "behind is a whole number, not True"),
    ("/nodes/alpha-1/faults", {"delay_seconds": "1"}, 400, "delay_seconds is a number, not '1'"),
    ("/nodes/alpha-1/faults", {"hidden_txs": {}}, 400, "hidden_txs is a list, not {}"),
    ("/nodes/alpha-1/faults", {"index_lag": -1}, 400, "index_lag is never below 0, not -1"),
    ("/nodes/alpha-1/faults", {"delay_seconds": -0.5}, 400, "delay_seconds is never below 0, not -0.5"),
    ("/nodes/alpha-1/faults", {"http_status": 42}, 400, "http_status is 100 to 599, or 0 for none, not 42"),
    ("/nodes/alpha-1/faults", {"http_status": 600}, 400, "http_status is 100 to 599, or 0 for none, not 600"),
    ("/relayer/faults", {"die_after": "recieve"}, 400, "die_after is recv, ack or timeout, or an empty text for never"),
    ("/chains/alpha-1/drop", {"count": -1}, 400, "count is never below 0, not -1"),
    ("/blocks", {"count": -1}, 400, "count is never below 0, not -1"),
    ("/nodes/alpha1/faults", {}, 404, "there is no node 'alpha1'; did you mean alpha-1?"),
    ("/nodes/zz/heal", {}, 404, "there is no node 'zz'; known: alpha-1, beta-1"),
    ("/chains/alpha/drop", {}, 404, "there is no chain 'alpha'; did you mean alpha-1?"),
    ("/chains/alpha-1/replay", {}, 400, "hash is missing"),
    ("/chains/alpha-1/replay", {"hash": "AB"}, 404, "alpha-1 has no transaction AB"),
    ("/chains/alpha-1/client", {"client": CLIENT, "status": "dead"}, 400,
     "a client can be made expired or frozen, not 'dead'"),
    ("/chains/alpha-1/client", {"client": "x", "status": "frozen"}, 404, "alpha-1 has no client x"),
    ("/chains/alpha-1/client", {"status": "frozen"}, 400, "client is missing"),
    ("/chains/alpha-1/channel", {"channel": "channel-0", "state": "ajar"}, 400,
     "a channel can be made open or closed, not 'ajar'"),
    ("/chains/alpha-1/channel", {"channel": "channel-9", "state": "open"}, 404,
     "alpha-1 has no channel transfer/channel-9"),
    ("/chains/alpha-1/skew", {"seconds": "x"}, 400, "seconds can't be 'x'"),
    ("/blocks", {"count": 1, "chain": "gamma-1"}, 404, "there is no chain 'gamma-1'; did you mean alpha-1?"),
    ("/act", {"chain": "alpha-1", "who": "nobody", "messages": []}, 404, "nobody has no account on alpha-1"),
    ("/act", {"chain": "alpha-1", "who": "alice", "messages": ["!"]}, 400, "that is no message: "),
    ("/act", {"chain": "alpha-1", "who": "alice", "messages": [{"@type": "/x.Y"}]}, 400, "that is no message: "),
    ("/act", {"chain": "alpha-1", "who": "alice", "messages": [], "fees": 1}, 400, "there is no term 'fees'"),
    ("/act", {"chain": "alpha-1", "who": "alice", "messages": [], "gas": "x"}, 400, "that is no transaction: "),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "words"), BAD)
def test_a_mistake_changes_something_or_teaches_nothing(
    path: str, body: dict[str, Any], status: int, words: str
) -> None:
    async def scenario(stand: Stand) -> None:
        before = (await stand.http.get(f"{stand.served.control}/state")).json()
        got = await stand.tell(path, body)
        assert (got.status_code, got.json()["error"][: len(words)]) == (status, words)
        assert got.content.endswith(b"}\n")
        assert (await stand.http.get(f"{stand.served.control}/state")).json() == before

    on_stage(scenario)


@pytest.mark.parametrize("body", [b"[]", b"{", b"5"])
def test_a_body_that_is_no_object_ends_in_a_traceback(body: bytes) -> None:
    async def scenario(stand: Stand) -> None:
        got = await stand.http.post(f"{stand.served.control}/rival", content=body)
        assert got.status_code == 400
        assert got.json()["error"].startswith("the body is no JSON")

    on_stage(scenario)


def test_a_good_field_beside_a_bad_one_is_set() -> None:
    async def scenario(stand: Stand) -> None:
        assert (await stand.tell("/nodes/alpha-1/faults", {"hang": True, "html": 5})).status_code == 400
        assert not stand.faults.hang

    on_stage(scenario)


def test_the_state_leaves_out_what_a_test_needs() -> None:
    async def scenario(stand: Stand) -> None:
        assert stand.alpha.broadcast(payment(stand.alpha)).code == 0
        found = (await stand.http.get(f"{stand.served.control}/state")).json()
        assert (found["time_ns"], found["stepped"]) == (NOW, True)
        assert found["chains"]["alpha-1"] == {
            "height": stand.alpha.height,
            "time_ns": stand.alpha.time_ns,
            "skew_seconds": 0,
            "waiting": 1,
            "dropping": 0,
            "nodes": ["alpha-1"],
        }
        assert found["nodes"]["beta-1"]["address"] == stand.served.nodes["beta-1"]
        assert (found["relayer"]["hang"], found["rival"]) == (False, {"armed": False, "key": "rival"})

    on_stage(scenario)


def test_the_relayer_is_told_something_it_can_not_read() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/relayer/faults", {"die_after": "recv", "version": "1.7.4"})
        told = (await stand.http.get(f"{stand.served.control}/relayer/faults")).json()
        assert read(told) == RelayerFaults(die_after="recv", version="1.7.4")
        assert (await stand.tell("/relayer/heal")).json()["die_after"] == ""

    on_stage(scenario)


def test_a_transaction_is_dropped_and_found_all_the_same() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/chains/alpha-1/drop", {"count": 1})
        raw = base64.b64encode(payment(stand.alpha)).decode()
        assert (await stand.ask("broadcast_tx_sync", tx=raw))["code"] == 0
        assert stand.alpha.mempool == []
        assert (await stand.tell("/blocks", {"count": 2})).json()["alpha-1"] == stand.alpha.height
        assert held(stand.alpha, "bob") == 10**12

    on_stage(scenario)


def test_a_transaction_that_landed_stands_in_no_other_block() -> None:
    async def scenario(stand: Stand) -> None:
        raw = payment(stand.alpha)
        stand.alpha.broadcast(raw)
        await stand.tell("/blocks", {"count": 1})
        await stand.tell("/chains/alpha-1/replay", {"hash": hash_of(raw)})
        await stand.tell("/blocks", {"count": 1})
        assert [block.txs for block in stand.alpha.blocks[-2:]] == [(raw,), (raw,)]
        assert [one.code for block in stand.alpha.blocks[-2:] for one in block.results] == [0, 32]

    on_stage(scenario)


def test_a_client_that_should_be_dead_lives() -> None:
    async def scenario(stand: Stand) -> None:
        for chain_id, status, shown in (("alpha-1", "expired", clients.EXPIRED), ("beta-1", "frozen", clients.FROZEN)):
            await stand.tell(f"/chains/{chain_id}/client", {"client": CLIENT, "status": status})
            chain = stand.stage.chain(chain_id)
            assert clients.status(chain.store, CLIENT, chain.time_ns) == shown

    on_stage(scenario)


def test_a_client_of_a_chain_whose_clock_is_ahead_does_not_expire() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/chains/beta-1/skew", {"seconds": 600})
        world = stand.stage.world
        relaying.relay(world, transfer(world, CHANNEL, amount=5), *signers("clearing"))
        await stand.tell("/chains/alpha-1/client", {"client": CLIENT, "status": "expired"})
        assert clients.status(stand.alpha.store, CLIENT, stand.alpha.time_ns) == clients.EXPIRED

    on_stage(scenario)


def test_a_closed_channel_takes_packets() -> None:
    async def scenario(stand: Stand) -> None:
        end = {"port": "transfer", "channel": "channel-0"}
        await stand.tell("/chains/alpha-1/channel", {**end, "state": "closed"})
        with pytest.raises(RuntimeError, match="channel is not OPEN"):
            transfer(stand.stage.world, CHANNEL, amount=5)
        await stand.tell("/chains/alpha-1/channel", {**end, "state": "open"})
        transfer(stand.stage.world, CHANNEL, amount=5)

    on_stage(scenario)


def test_clocks_that_are_apart_stop_a_chain() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/chains/alpha-1/skew", {"seconds": -3600})
        height, before = stand.alpha.height, stand.alpha.time_ns
        await stand.tell("/time", {"seconds": 10})
        assert stand.stage.world.clock.now_ns() == NOW + 10 * 10**9
        assert stand.alpha.height == height + 10
        # Its own time never goes back: it creeps until its clock is there again.
        assert before < stand.alpha.time_ns < before + 10**9
        await stand.tell("/chains/alpha-1/skew", {"seconds": 40})
        await stand.tell("/blocks", {"chain": "alpha-1"})
        assert stand.alpha.time_ns == NOW + 50 * 10**9

    on_stage(scenario)


@pytest.mark.parametrize("as_json", [True, False])
def test_somebody_acts_in_vain(*, as_json: bool) -> None:
    async def scenario(stand: Stand) -> None:
        message = bank_tx.MsgSend(
            from_address=address(ALPHA, "alice"), to_address=address(ALPHA, "payee"), amount=coins((7, "stake"))
        )
        made = wrap("/cosmos.bank.v1beta1.MsgSend", message)
        shown: Any = json_format.MessageToDict(made) if as_json else base64.b64encode(made.SerializeToString()).decode()
        asked = {"chain": "alpha-1", "messages": [shown], "memo": "rc1"}
        done = (await stand.tell("/act", {**asked, "who": "alice"})).json()
        assert (done["code"], done["height"]) == (0, stand.alpha.height)
        assert (await stand.tell("/act", {**asked, "who": address(ALPHA, "alice")})).json()["code"] == 0
        assert held(stand.alpha, "payee") == 10**12 + 14
        assert decode(stand.alpha.blocks[-1].txs[0]).body.memo == "rc1"
        assert (await stand.ask("tx", hash=base64.b64encode(bytes.fromhex(done["hash"])).decode()))["height"]

    on_stage(scenario)


def signers(name: str) -> tuple[str, str]:
    return address(ALPHA, name), address(BETA, name)


def race(world: World, key: PacketKey) -> tuple[list[bytes], list[int]]:
    """Our transaction that receives a packet, and what stood in its block."""
    result = relaying.deliver(world, key, address(BETA, "clearing"))
    assert result.code == 0
    block = world.chains["beta-1"].blocks[-1]
    return [*block.txs], [sum(one.type == "recv_packet" for one in done.events) for done in block.results]


def test_the_rival_loses_the_race() -> None:
    async def scenario(stand: Stand) -> None:
        world = stand.stage.world
        assert race(world, transfer(world, CHANNEL, amount=5))[1] == [1]
        assert (await stand.tell("/rival", {"armed": True})).json() == {"armed": True, "key": "rival"}
        for _ in range(2):
            txs, received = race(world, transfer(world, CHANNEL, amount=5))
            assert [stand.stage.chain("beta-1").sender(raw) for raw in txs] == [
                address(BETA, "rival"),
                address(BETA, "clearing"),
            ]
            # Ours goes through and does nothing, which is how a race is lost on a real chain.
            assert received == [1, 0]
        await stand.tell("/rival", {"armed": False})
        assert race(world, transfer(world, CHANNEL, amount=5))[1] == [1]

    on_stage(scenario)


def test_a_rival_with_another_key_has_no_money() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/rival", {"armed": True, "key": "late"})
        world = stand.stage.world
        txs, received = race(world, transfer(world, CHANNEL, amount=5))
        assert received == [1, 0]
        assert stand.stage.chain("beta-1").sender(txs[0]) == Key.of_name("late").address("beta")

    on_stage(scenario)


def test_the_rival_races_with_payments() -> None:
    async def scenario(stand: Stand) -> None:
        await stand.tell("/rival", {"armed": True})
        assert stand.alpha.broadcast(payment(stand.alpha)).code == 0
        await stand.tell("/blocks", {"chain": "alpha-1"})
        assert len(stand.alpha.blocks[-1].txs) == 1

    on_stage(scenario)
