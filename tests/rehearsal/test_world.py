"""What happens on simulated chains: the things that the test network of real chains can't make, and the money."""

from __future__ import annotations

import pytest
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.ibc.core.client.v1 import client_pb2

from relayclear.ibc.packet import ChannelEnd, Ordering, PacketKey
from relayclear.rehearsal import bank, channels, clients, relaying, staging
from relayclear.rehearsal.chain import Chain, MempoolError, TxResult
from relayclear.rehearsal.clock import SteppedClock
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.search import Index
from relayclear.rehearsal.spec import ChainSpec, KeyKind
from relayclear.rehearsal.staging import ALPHA, BETA, address, transfer
from relayclear.rehearsal.transactions import Terms, encode, hash_of, wrap
from relayclear.rehearsal.transfer import Denom
from relayclear.rehearsal.world import World, coins

NOW = 1_800_000_000 * 10**9
ETH = ChainSpec(
    "inj-1",
    "inj",
    prefix="inj",
    key_kind=KeyKind.ETH_SECP256K1,
    pub_key_type="/injective.crypto.v1beta1.ethsecp256k1.PubKey",
)


@pytest.fixture
def world() -> World:
    return staging.founded(NOW)


@pytest.fixture
def alpha(world: World) -> Chain:
    return world.chains["alpha-1"]


def signers(name: str) -> tuple[str, str]:
    return address(ALPHA, name), address(BETA, name)


def held(chain: Chain, name: str, denom: str) -> int:
    return bank.balance(chain.store, address(chain.spec, name), denom)


def send(chain: Chain, name: str, amount: int = 5, *, to: str = "bob", terms: Terms | None = None) -> bytes:
    """A signed payment of a named account, with its own sequence unless the terms say otherwise."""
    sender, key = address(chain.spec, name), Key.of_name(name, chain.spec.key_kind)
    account = bank.account(chain.store, sender)
    assert account is not None
    message = bank_tx.MsgSend(
        from_address=sender, to_address=address(chain.spec, to), amount=coins((amount, chain.spec.gas_denom))
    )
    chosen = terms or Terms(account.sequence, account.number)
    return encode(chain.spec, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], chosen, key)


def outcome(world: World, chain: Chain, raw: bytes) -> TxResult:
    """What became of a transaction in the next block, or what kept it out."""
    checked = chain.broadcast(raw)
    if checked.code:
        return checked
    world.tick(chain.spec.chain_id)
    found = chain.find(hash_of(raw))
    assert found is not None
    return found[0].results[found[1]]


def test_a_signed_payment_arrives_and_costs_its_fee(world: World, alpha: Chain) -> None:
    before = held(alpha, "alice", "stake")
    assert outcome(world, alpha, send(alpha, "alice")).code == 0
    assert held(alpha, "alice", "stake") == before - 5 - 800
    assert held(alpha, "bob", "stake") == before + 5


def test_somebody_elses_signature_moves_nothing(alpha: Chain) -> None:
    account = bank.account(alpha.store, address(ALPHA, "alice"))
    assert account is not None
    message = bank_tx.MsgSend(
        from_address=account.address, to_address=address(ALPHA, "bob"), amount=coins((5, "stake"))
    )
    terms = Terms(account.sequence, account.number)
    forged = encode(ALPHA, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], terms, Key.of_name("mallory"))
    assert (alpha.broadcast(forged).codespace, alpha.broadcast(forged).code) == ("sdk", 8)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms(1), 32),
        (Terms(0, 7), 4),
        (Terms(0, fee=1), 13),
        (Terms(0, gas=1000), 11),
        (Terms(0, memo="m" * 257), 12),
        (Terms(0, gas=0, fee=500), 11),
    ],
    ids=["sequence ahead", "another account", "fee too low", "out of gas", "memo too long", "no gas"],
)
def test_what_the_ante_handler_refuses_never_waits_in_the_mempool(alpha: Chain, terms: Terms, code: int) -> None:
    account = bank.account(alpha.store, address(ALPHA, "alice"))
    assert account is not None
    number = terms.account_number or account.number
    chosen = Terms(terms.sequence, number, terms.gas, terms.fee, terms.memo)
    assert alpha.broadcast(send(alpha, "alice", terms=chosen)).code == code
    assert alpha.mempool == []


def test_more_than_one_has_is_included_fails_and_uses_fee_and_sequence(world: World, alpha: Chain) -> None:
    before = held(alpha, "alice", "stake")
    result = outcome(world, alpha, send(alpha, "alice", 2 * before))
    assert (result.codespace, result.code) == ("sdk", 5)
    assert held(alpha, "alice", "stake") == before - 800
    account = bank.account(alpha.store, address(ALPHA, "alice"))
    assert account is not None
    assert account.sequence == 1
    assert [one.type for one in result.events][-2:] == ["tx", "tx"]


def test_bytes_that_were_taken_once_are_never_taken_again(world: World, alpha: Chain) -> None:
    raw = send(alpha, "alice")
    alpha.broadcast(raw)
    with pytest.raises(MempoolError, match="tx already exists in cache"):
        alpha.broadcast(raw)
    world.tick()
    with pytest.raises(MempoolError, match="tx already exists in cache"):
        alpha.broadcast(raw)


def test_a_dropped_transaction_was_accepted_and_never_lands(world: World, alpha: Chain) -> None:
    alpha.dropping = 1
    raw = send(alpha, "alice")
    assert alpha.broadcast(raw).code == 0
    world.tick()
    assert alpha.find(hash_of(raw)) is None


def test_what_was_dropped_or_failed_in_its_block_may_come_again(world: World, alpha: Chain) -> None:
    alpha.dropping = 1
    raw = send(alpha, "alice")
    assert [alpha.broadcast(raw).code for _ in range(2)] == [0, 0]
    failing = send(alpha, "bob", 10**15)
    assert outcome(world, alpha, failing).code == 5
    assert alpha.broadcast(failing).code == 32


def test_what_can_no_longer_land_leaves_the_mempool_and_may_come_again(alpha: Chain) -> None:
    raw = send(alpha, "alice")
    alpha.broadcast(raw)
    alpha.edit(lambda ctx: bank.advance(ctx, address(ALPHA, "alice")))
    assert alpha.mempool == []
    assert alpha.broadcast(raw).code == 32


def test_landed_bytes_in_a_later_block_take_nothing_and_hide_the_first_place(world: World, alpha: Chain) -> None:
    raw = send(alpha, "alice")
    assert outcome(world, alpha, raw).code == 0
    first, before = alpha.height, held(alpha, "alice", "stake")
    world.tick()
    world.replay("alpha-1", hash_of(raw).lower())
    world.tick()
    again = alpha.blocks[-1].results[0]
    assert (again.code, again.events) == (32, ())
    assert held(alpha, "alice", "stake") == before
    assert alpha.places[hash_of(raw)] == (alpha.height, 0)
    index = Index(alpha)
    for query in (f"tx.height={first}", f"tx.acc_seq='{address(ALPHA, 'alice')}/0'", f"tx.hash='{hash_of(raw)}'"):
        assert index.transactions(query) == [(alpha.height, 0)]
    with pytest.raises(LookupError):
        world.replay("alpha-1", "AB" * 32)


def test_two_transactions_of_one_account_wait_for_one_block(world: World, alpha: Chain) -> None:
    account = bank.account(alpha.store, address(ALPHA, "alice"))
    assert account is not None
    raws = [send(alpha, "alice", 1 + n, terms=Terms(n, account.number)) for n in range(2)]
    assert [alpha.broadcast(raw).code for raw in raws] == [0, 0]
    world.tick()
    assert [result.code for result in alpha.blocks[-1].results] == [0, 0]


def test_an_ethermint_account_signs_its_own_way() -> None:
    world = World(SteppedClock(NOW))
    chain = world.add_chain(ETH)
    for name in ("alice", "bob"):
        world.fund("inj-1", address(ETH, name), "inj")
    assert outcome(world, chain, send(chain, "alice")).code == 0
    assert bank.balance(chain.store, address(ETH, "bob"), "inj") == 10**12 + 5


def test_coins_come_home_the_way_they_went(world: World, alpha: Chain) -> None:
    end, far = world.connect("alpha-1", "beta-1")
    beta, voucher = world.chains["beta-1"], Denom(((far.port, far.channel),), "token").on_chain
    before = held(alpha, "alice", "token")
    assert relaying.relay(world, transfer(world, end, amount=100), *signers("rival")) == ["recv", "ack"]
    assert (held(beta, "bob", voucher), held(alpha, "alice", "token")) == (100, before - 100)
    back = transfer(world, far, amount=40, sender="bob", receiver=address(ALPHA, "alice"), denom=voucher)
    assert relaying.relay(world, back, *reversed(signers("rival"))) == ["recv", "ack"]
    assert (held(beta, "bob", voucher), held(alpha, "alice", "token")) == (60, before - 60)


def test_an_error_acknowledgement_gives_the_coins_back(world: World, alpha: Chain) -> None:
    end, _ = world.connect("alpha-1", "beta-1")
    before = held(alpha, "alice", "token")
    key = transfer(world, end, amount=100, receiver="nobody")
    assert held(alpha, "alice", "token") == before - 100
    assert relaying.relay(world, key, *signers("rival")) == ["recv", "ack"]
    assert held(alpha, "alice", "token") == before


def test_a_timeout_gives_the_coins_back_and_can_not_be_delivered_any_more(world: World, alpha: Chain) -> None:
    end, _ = world.connect("alpha-1", "beta-1")
    before = held(alpha, "alice", "token")
    key = transfer(world, end, amount=100, timeout_seconds=10)
    assert relaying.time_out(world, key, signers("rival")[0]).log.endswith("timeout not reached")
    world.step(11)
    assert "timeout elapsed" in relaying.deliver(world, key, signers("rival")[1]).log
    assert relaying.relay(world, key, *signers("rival")) == ["timeout"]
    assert held(alpha, "alice", "token") == before


def test_a_delivery_that_nobody_sent_is_not_believed(world: World) -> None:
    end, _ = world.connect("alpha-1", "beta-1")
    key = transfer(world, end, amount=100)
    alpha = world.chains["alpha-1"]
    alpha.edit(lambda ctx: ctx.store.set(channels.packet_key("commitments", *key[1:]), bytes(32)))
    assert "failed packet commitment verification" in relaying.deliver(world, key, signers("rival")[1]).log


def test_an_expired_client_takes_no_packet_and_no_update(world: World) -> None:
    end, _ = world.open_channel(world.link("alpha-1", "beta-1", trusting_seconds=(60, 60)))
    key = transfer(world, end, amount=100)
    world.step(61)
    assert "client state is not active" in relaying.deliver(world, key, signers("rival")[1]).log
    with pytest.raises(RuntimeError, match="with status Expired"):
        transfer(world, end, amount=100)


def test_a_frozen_client_outranks_an_expired_one(world: World) -> None:
    end, _ = world.open_channel(world.link("alpha-1", "beta-1", trusting_seconds=(60, 60)))
    world.step(61)
    alpha, client = world.chains["alpha-1"], world.client_of(end)
    assert clients.status(alpha.store, client, alpha.time_ns) == "Expired"
    alpha.edit(lambda ctx: clients.freeze(ctx, client))
    assert clients.status(alpha.store, client, alpha.time_ns) == "Frozen"


def ordered(world: World) -> tuple[ChannelEnd, list[PacketKey]]:
    """An ordered channel, and three packets that time out in a minute."""
    end, _ = world.open_channel(world.link("alpha-1", "beta-1"), port="mock", ordering=Ordering.ORDERED)

    def sending(ctx: Context) -> None:
        for _ in range(3):
            channels.send(ctx, "mock", end.channel, b"mock packet data", client_pb2.Height(), ctx.time_ns + 60 * 10**9)

    world.chains["alpha-1"].at_end.append(sending)
    world.tick("alpha-1")
    return end, [PacketKey(*end, number) for number in (1, 2, 3)]


def test_an_ordered_channel_takes_nothing_out_of_order(world: World) -> None:
    _, keys = ordered(world)
    assert "packet sequence is out of order" in relaying.deliver(world, keys[1], signers("rival")[1]).log
    assert [relaying.relay(world, key, *signers("rival")) for key in keys] == [["recv", "ack"]] * 3


def test_a_timeout_on_an_ordered_channel_closes_it_and_the_rest_times_out_on_close(world: World) -> None:
    end, keys = ordered(world)
    world.step(61)
    assert relaying.relay(world, keys[0], *signers("rival")) == ["timeout"]
    found = channels.channel(world.chains["alpha-1"].store, end.port, end.channel)
    assert found.state == channels.CLOSED


def test_a_packet_to_a_closed_channel_comes_back_at_once(world: World, alpha: Chain) -> None:
    end, far = world.connect("alpha-1", "beta-1")
    before = held(alpha, "alice", "token")
    key = transfer(world, end, amount=100)
    world.edit_channel(far, lambda found: setattr(found, "state", channels.CLOSED))
    assert relaying.relay(world, key, *signers("rival")) == ["timeout"]
    assert held(alpha, "alice", "token") == before


def test_clocks_apart_stay_apart(world: World) -> None:
    world.skew_ns["beta-1"] = 30 * 10**9
    world.step(5)
    apart = world.chains["beta-1"].time_ns - world.chains["alpha-1"].time_ns
    assert abs(apart - 30 * 10**9) <= 10**9


def test_the_hub_has_what_a_hub_has_in_well_under_three_seconds_of_work() -> None:
    staged = staging.scale(NOW)
    store = staged.world.chains["alpha-1"].store
    assert sum(1 for _ in store.scan("ibc:commitments/")) == 24_857
    assert int.from_bytes(store.get("ibc:nextChannelSequence")) == 2200


@pytest.mark.parametrize("amount", ["5.5", "five", "1e3", "9" * 79])
def test_an_amount_that_is_no_number_is_refused_and_stops_no_chain(world: World, alpha: Chain, amount: str) -> None:
    sender = address(ALPHA, "alice")
    message = bank_tx.MsgSend(from_address=sender, to_address=address(ALPHA, "bob"))
    message.amount.add(denom="stake", amount=amount)
    raw = encode(ALPHA, [wrap("/cosmos.bank.v1beta1.MsgSend", message)], Terms(0), Key.of_name("alice"))
    assert alpha.broadcast(raw).code == 2
    world.tick()
    assert alpha.blocks[-1].txs == ()
