"""The rehearsal world in words for tests: what users, relayers and governments do, one call each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx
from cosmpy.protos.ibc.core.client.v1 import client_pb2

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, ChannelState, Ordering, PacketKey
from relayclear.ibc.topology import ClientStatus
from relayclear.rehearsal import bank, channels, clients, relaying, transfer
from relayclear.rehearsal import world as rehearsal
from relayclear.rehearsal.chain import TxResult
from relayclear.rehearsal.clock import BILLION, SteppedClock
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import ChainSpec, Generation
from relayclear.rehearsal.transactions import wrap

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
BLOCK_SECONDS = 5
TWO_THOUSAND = Coin("token", 2000)
MOCK_DATA = b"mock packet data"
# The numbers that ibc-go gives to the states of a channel or connection end.
STATES = {
    ChannelState.INIT: 1,
    ChannelState.TRYOPEN: 2,
    ChannelState.OPEN: 3,
    ChannelState.CLOSED: 4,
    ChannelState.FLUSHING: 5,
    ChannelState.FLUSHCOMPLETE: 6,
}


def spec(chain_id: str, gas_denom: str) -> ChainSpec:
    """A chain whose addresses begin with its name; `beta-1` speaks as ibc-go v10, the others as v8."""
    name = chain_id.partition("-")[0]
    generation = Generation.V10 if name == "beta" else Generation.V8
    return ChainSpec(chain_id, gas_denom, generation, name, block_seconds=BLOCK_SECONDS)


@cache
def address(name: str, chain: str) -> str:
    """The account of a name on a chain."""
    return Key.of_name(name).address(chain.partition("-")[0])


def time_of(nanoseconds: int) -> datetime:
    """The time of unix nanoseconds."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


def unix_nanoseconds(at: datetime) -> int:
    """The unix nanoseconds of a time of whole seconds."""
    return int(at.timestamp()) * BILLION


class FakeClock:
    """Our clock: it moves only when told to, and the chains' with it; sleeping moves both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.slept: list[float] = []
        self._back = timedelta()

    def now(self) -> datetime:
        return time_of(self.world.clock.now_ns()) - self._back

    def boot(self) -> tuple[str, float]:
        return "boot-1", self.world.clock.now_ns() / BILLION

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.step(seconds)

    def skew(self, seconds: float) -> None:
        """Somebody sets our wall clock; the chains and the boot clock don't notice."""
        self._back -= timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """Let time pass; a step back moves our clock alone, for the chains' can't go back."""
        if seconds < 0:
            self._back -= timedelta(seconds=seconds)
        else:
            self.world.step(seconds)


class World(rehearsal.World):
    """Chains that have just begun.  Whoever signs anything gets the gas for it from nowhere."""

    def __init__(self) -> None:
        self._stepped = SteppedClock(unix_nanoseconds(START) - BLOCK_SECONDS * BILLION)
        super().__init__(self._stepped)

    def step(self, seconds: float) -> None:
        """Let time pass, but leave a block due at the very end to what happens then: no two share a moment."""
        end = self._stepped.at_ns + round(seconds * BILLION)
        super().step(seconds - 1 / BILLION)
        self._stepped.at_ns = end

    # Accounts

    def set_account(self, chain: str, owner: str, *, amount: int = 10**9, sequence: int = 7) -> None:
        """An account that holds exactly so much of the gas denom and has signed so often."""
        denom = self.chains[chain].spec.gas_denom

        def change(ctx: Context) -> None:
            bank.spend(ctx, owner, rehearsal.coins((bank.balance(ctx.store, owner, denom), denom)))
            bank.receive(ctx, owner, rehearsal.coins((amount, denom)))
            found = bank.account(ctx.store, owner)
            assert found is not None
            bank.put_account(ctx, replace(found, sequence=sequence))

        self.chains[chain].edit(change)

    def sign(self, chain: str, owner: str) -> None:
        """Have an account sign something now."""
        message = bank_tx.MsgSend(from_address=owner, to_address=owner)
        message.amount.extend(rehearsal.coins((1, self.chains[chain].spec.gas_denom)))
        _carried_out(self.act(chain, self._signer(chain, "", owner), wrap("/cosmos.bank.v1beta1.MsgSend", message)))

    def know_denom(self, chain: str, path: str) -> str:
        """Make a chain know a coin that came to it over channels; what it calls the coin."""
        denom = transfer.Denom.parse(path)
        self.write(chain, f"transfer:denom/{denom.hash}", denom)
        return denom.on_chain

    def _signer(self, chain: str, name: str, owner: str | None) -> str:
        found = owner or address(name, chain)
        if bank.account(self.chains[chain].store, found) is None:
            self.fund(chain, found, self.chains[chain].spec.gas_denom)
        return found

    # Paths

    def connect(
        self, one: str, other: str, *, ordering: Ordering = Ordering.UNORDERED, port: str = "transfer"
    ) -> tuple[ChannelEnd, ChannelEnd]:
        """A channel over a connection and clients of its own, all open and well."""
        ends = self.open_channel(self.link(one, other), port=port, ordering=ordering)
        for end in ends if port != transfer.PORT else ():
            self.edit_channel(end, lambda found: setattr(found, "version", "ics27-1"))
        return ends

    def set_state(self, end: ChannelEnd, state: ChannelState) -> None:
        self.edit_channel(end, lambda found: setattr(found, "state", STATES[state]))

    def set_connection_state(self, chain: str, name: str, state: ChannelState) -> None:
        found = channels.connection(self.chains[chain].store, name)
        found.state = STATES[state]
        self.write(chain, f"ibc:connections/{name}", found.SerializeToString())

    def set_client(self, end: ChannelEnd, status: ClientStatus) -> None:
        """Spoil the client that stands behind an end, on the end's own chain."""
        chain, client = self.chains[end.chain], self.client_of(end)
        if status is ClientStatus.FROZEN:
            chain.edit(lambda ctx: clients.freeze(ctx, client))
        elif status is ClientStatus.UNAUTHORIZED:
            nothing = client_pb2.Params(allowed_clients=["06-solomachine"]).SerializeToString()
            self.write(end.chain, clients.PARAMS_KEY, nothing)
        else:
            assert status is ClientStatus.EXPIRED, "this world has no such client"
            latest = clients.state(chain.store, client).latest_height
            key = clients.consensus_key(client, latest.revision_number, latest.revision_height)
            long_ago = unix_nanoseconds(START) - (rehearsal.TWO_WEEKS + 86400) * BILLION
            self.write(end.chain, key, clients.new_consensus(long_ago))

    def write(self, chain: str, key: str, value: object) -> None:
        """Put a value straight into a chain's store; None takes it out."""
        self.chains[chain].edit(lambda ctx: ctx.store.set(key, value))

    # Packets

    def next_sequence(self, end: ChannelEnd) -> int:
        return channels.next_sequence(self.chains[end.chain].store, "Send", end.port, end.channel)

    def skip(self, end: ChannelEnd, count: int) -> None:
        """So many packets were sent and done long ago; below zero, as many sequences will be used again."""
        following = self.next_sequence(end) + count
        self.write(end.chain, channels.next_key("Send", end.port, end.channel), following.to_bytes(8))

    def send(
        self,
        end: ChannelEnd,
        *,
        coin: Coin = TWO_THOUSAND,
        sender: str | None = None,
        receiver: str | None = None,
        memo: str = "",
        timeout_seconds: int = 86400,
        timeout_height: int = 10**9,
        data: bytes | None = None,
    ) -> PacketKey:
        """Send a packet now; its timeout counts from now, 0 for one by a height, which by itself never comes.

        On the port of transfers a user's transaction sends a coin; elsewhere the chain itself sends `data`.  The far
        chain answers as chains do: an error where `receiver` is no address there, later for `transfer.HOLD_MEMO`.
        """
        key = PacketKey(*end, self.next_sequence(end))
        until = self._stepped.at_ns + timeout_seconds * BILLION if timeout_seconds else 0
        height = client_pb2.Height() if until else client_pb2.Height(revision_number=1, revision_height=timeout_height)
        if end.port != transfer.PORT:
            self._send_by_itself(end, data or MOCK_DATA, height, until)
            return key
        user = self._signer(end.chain, "sender", sender)
        message = transfer_tx.MsgTransfer(
            source_port=end.port,
            source_channel=end.channel,
            sender=user,
            receiver=address("receiver", self.other_end(end).chain) if receiver is None else receiver,
            memo=memo,
            timeout_height=height,
            timeout_timestamp=until,
        )
        denom = self.know_denom(end.chain, coin.denom) if "/" in coin.denom else coin.denom
        message.token.denom, message.token.amount = denom, str(coin.amount)
        self.fund(end.chain, user, denom, coin.amount)
        _carried_out(self.act(end.chain, user, wrap("/ibc.applications.transfer.v1.MsgTransfer", message)))
        return key

    def _send_by_itself(self, end: ChannelEnd, data: bytes, height: Any, until: int) -> None:
        def send(ctx: Context) -> None:
            channels.send(ctx, end.port, end.channel, data, height, until)

        self.chains[end.chain].at_end.append(send)
        self.tick(end.chain)

    def deliver(self, key: PacketKey, relayer: str | None = None) -> None:
        signer = self._signer(self.other_end(key.end).chain, "rival", relayer)
        _carried_out(relaying.deliver(self, key, signer))

    def relay(self, key: PacketKey, near: str | None = None, far: str | None = None) -> list[str]:
        """Whatever the packet waits for, signed by `near` on its own chain and `far` on the other; the steps made."""
        there = self.other_end(key.end).chain
        return relaying.relay(self, key, self._signer(key.chain, "rival", near), self._signer(there, "rival", far))


def _carried_out(result: TxResult) -> None:
    assert result.code == 0, result.log
