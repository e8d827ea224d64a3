"""Chains on one clock, paths between them, and what users and relayers do there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2
from cosmpy.protos.ibc.core.connection.v1 import connection_pb2

from relayclear.ibc.packet import ChannelEnd, Ordering
from relayclear.rehearsal import bank, channels, clients
from relayclear.rehearsal.chain import Chain, TxResult
from relayclear.rehearsal.clock import BILLION, Clock, SteppedClock
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.transactions import Terms, encode

TWO_WEEKS = 14 * 86400
GENESIS_FUNDS = 10**12


@dataclass(frozen=True, slots=True)
class Link:
    """A connection between two chains: its name and its client on each."""

    chains: tuple[str, str]
    connections: tuple[str, str]
    clients: tuple[str, str]


class World:
    """A few chains.  They stand still: `step` and `act` make blocks, or whoever serves the world does."""

    def __init__(self, clock: Clock) -> None:
        """No chain is in it."""
        self.clock = clock
        self.chains: dict[str, Chain] = {}
        self.skew_ns: dict[str, int] = {}
        self._ticked_ns: dict[str, int] = {}

    def add_chain(self, spec: ChainSpec) -> Chain:
        """A chain whose first block is made at once."""
        chain = Chain(spec, self.chains)
        self.chains[spec.chain_id] = chain
        self.skew_ns[spec.chain_id] = 0
        self.tick(spec.chain_id)
        return chain

    def fund(self, chain_id: str, address: str, denom: str, amount: int = GENESIS_FUNDS) -> None:
        """Give an account coins from nowhere."""
        coin = coin_pb2.Coin(denom=denom, amount=str(amount))
        self.chains[chain_id].edit(lambda ctx: bank.receive(ctx, address, [coin]))

    # Time

    def now_ns(self, chain_id: str) -> int:
        """The time by a chain's own clock, which may be apart from the world's."""
        return self.clock.now_ns() + self.skew_ns[chain_id]

    def tick(self, chain_id: str | None = None) -> None:
        """Make one block, on one chain or on each."""
        for name in [chain_id] if chain_id else [*self.chains]:
            self._ticked_ns[name] = self.clock.now_ns()
            self.chains[name].make_block(self.now_ns(name))

    def step(self, seconds: float) -> None:
        """Let stepped time pass, with a block on every chain each time its block time is over."""
        if not isinstance(self.clock, SteppedClock):
            raise TypeError("only stepped time can be stepped")
        until = self.clock.at_ns + round(seconds * BILLION)
        while self.clock.at_ns < until:
            # By the world's clock: a chain whose own clock is put back goes on making blocks.
            due = {name: self._ticked_ns[name] + _block_ns(chain) for name, chain in self.chains.items()}
            self.clock.at_ns = max(self.clock.at_ns, min([until, *due.values()]))
            for name, at in due.items():
                if at <= self.clock.at_ns:
                    self.tick(name)

    # Users and relayers

    def act(self, chain_id: str, address: str, *messages: Any, terms: Terms | None = None) -> TxResult:
        """Have an account carry out messages, unsigned, in a block made at once."""
        raw = self.post(chain_id, address, *messages, terms=terms)
        self.tick(chain_id)
        block = self.chains[chain_id].blocks[-1]
        return block.results[block.txs.index(raw)]

    def post(self, chain_id: str, address: str, *messages: Any, terms: Terms | None = None) -> bytes:
        """Put an unsigned transaction of an account before whatever waits for the next block; its bytes."""
        chain = self.chains[chain_id]
        account = bank.account(chain.store, address)
        if account is None:
            raise LookupError(f"{address} has no account on {chain_id}")
        waiting = sum(1 for raw in chain.mempool if chain.sender(raw) == address)
        gas = 100_000 + 150_000 * len(messages)
        chosen = replace(terms or Terms(0, gas=gas), sequence=account.sequence + waiting)
        raw = encode(chain.spec, messages, chosen, public=account.public)
        chain.trust(raw)
        chain.mempool.append(raw)
        return raw

    def replay(self, chain_id: str, tx_hash: str) -> None:
        """Have the next block's proposer put bytes that stand in a block into it again.  Raises LookupError."""
        chain = self.chains[chain_id]
        found = chain.find(tx_hash.upper())
        if found is None:
            raise LookupError(f"{chain_id} has no transaction {tx_hash}")
        block, place = found
        chain.again.append(block.txs[place])

    # Paths, made as a finished handshake leaves them

    def link(self, one: str, other: str, *, trusting_seconds: tuple[int, int] = (TWO_WEEKS, TWO_WEEKS)) -> Link:
        """Clients and an open connection; the trusting periods are those of `one`'s and of `other`'s client."""
        names = [(self._next(chain, "client"), self._next(chain, "connection")) for chain in (one, other)]
        made = Link(
            (one, other),
            (f"connection-{names[0][1]}", f"connection-{names[1][1]}"),
            (f"07-tendermint-{names[0][0]}", f"07-tendermint-{names[1][0]}"),
        )
        for here, there in ((0, 1), (1, 0)):
            follows = self.chains[made.chains[there]]
            rows = _client_rows(made.clients[here], follows, trusting_seconds[here])
            end = connection_pb2.ConnectionEnd(client_id=made.clients[here], state=channels.OPEN)
            end.versions.add(identifier="1", features=["ORDER_ORDERED", "ORDER_UNORDERED"])
            end.counterparty.client_id, end.counterparty.connection_id = made.clients[there], made.connections[there]
            end.counterparty.prefix.key_prefix = b"ibc"
            rows[f"ibc:connections/{made.connections[here]}"] = end.SerializeToString()
            self._write(made.chains[here], rows)
        return made

    def open_channel(
        self, link: Link, *, port: str = "transfer", ordering: Ordering = Ordering.UNORDERED
    ) -> tuple[ChannelEnd, ChannelEnd]:
        """An open channel over a link; both ends have the same port."""
        version = "ics20-1" if port == "transfer" else "mock-version"
        ends = [ChannelEnd(chain, port, f"channel-{self._next(chain, 'channel')}") for chain in link.chains]
        for here, there in ((0, 1), (1, 0)):
            name, hop = ends[here].channel, link.connections[here]
            kind = channels.ORDERED if ordering is Ordering.ORDERED else channels.UNORDERED
            made = channels.opened(ends[there].channel, hop, port=port, version=version, ordering=kind)
            rows = {channels.channel_key(port, name): made}
            rows |= {channels.next_key(what, port, name): (1).to_bytes(8) for what in ("Send", "Recv", "Ack")}
            self._write(link.chains[here], rows)
        return ends[0], ends[1]

    def connect(self, one: str, other: str) -> tuple[ChannelEnd, ChannelEnd]:
        """An open, unordered transfer channel over a link of its own."""
        return self.open_channel(self.link(one, other))

    def edit_channel(self, end: ChannelEnd, change: Callable[[Any], None]) -> None:
        """Change what a chain keeps of a channel end, by an act of its government."""
        found = channels.channel(self.chains[end.chain].store, end.port, end.channel)
        change(found)
        self._write(end.chain, {channels.channel_key(end.port, end.channel): found.SerializeToString()})

    def other_end(self, end: ChannelEnd) -> ChannelEnd:
        """Where a channel leads."""
        found = channels.channel(self.chains[end.chain].store, end.port, end.channel)
        state = clients.state(self.chains[end.chain].store, self.client_of(end))
        return ChannelEnd(state.chain_id, found.counterparty.port_id, found.counterparty.channel_id)

    def client_of(self, end: ChannelEnd) -> str:
        """The client behind a channel end, on the end's own chain."""
        store = self.chains[end.chain].store
        found = channels.channel(store, end.port, end.channel)
        return str(channels.connection(store, found.connection_hops[0]).client_id)

    def _next(self, chain_id: str, what: str) -> int:
        store, key = self.chains[chain_id].store, _COUNTERS[what]
        number = int.from_bytes(store.get(key) or b"")
        self._write(chain_id, {key: (number + 1).to_bytes(8)})
        return number

    def _write(self, chain_id: str, rows: dict[str, bytes]) -> None:
        def put(ctx: Context) -> None:
            """Write the rows as if a transaction had."""
            for key, value in rows.items():
                ctx.store.set(key, value)

        self.chains[chain_id].edit(put)


_COUNTERS = {
    "client": "ibc:nextClientSequence",
    "connection": "ibc:nextConnectionSequence",
    "channel": "ibc:nextChannelSequence",
}


def _client_rows(client: str, follows: Chain, trusting_seconds: int) -> dict[str, bytes]:
    seen = clients.consensus_key(client, follows.spec.revision, follows.height)
    return {
        clients.state_key(client): clients.new_state(follows.spec, follows.height, trusting_seconds),
        seen: clients.new_consensus(follows.time_ns),
    }


def _block_ns(chain: Chain) -> int:
    return round(chain.spec.block_seconds * BILLION)


def coins(*amounts: tuple[int, str]) -> Sequence[Any]:
    """Protobuf coins from amounts and denoms."""
    return [coin_pb2.Coin(amount=str(amount), denom=denom) for amount, denom in amounts]
