"""A chain as the port shows it, over the rehearsal world, with the ways in which nodes fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.arrivals import Arrival, Moved, Movement
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.evidence import StepClaim, StepEvidence
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, RelayPath
from relayclear.ibc.readings import (
    Account,
    Balances,
    Commitments,
    EndpointUse,
    GasPrice,
    Head,
    Reception,
    ReceptionQuestion,
    RelayQuestion,
    RelayTx,
)
from relayclear.ibc.spending import Broadcast, Landing, SequenceUse
from relayclear.ibc.topology import ChannelInfo, ChannelPage, ClientHealth, ClientInfo, ConnectionInfo
from relayclear.ibc.units import Unit
from relayclear.rehearsal import bank, channels, transfer
from relayclear.rehearsal.chain import Block, Chain
from relayclear.rehearsal.store import View
from tests.fakes import coins, read, spending
from tests.fakes.world import World, time_of


@dataclass
class FakeChain:
    """One chain of the world.  Its fields say in which ways its node fails just now.

    `down` fails everything; `fails` single methods by name; `failing` the commitments of single
    ends and `deaf` the receptions; `behind` blocks the node lags; `lies` are sequences whose
    details come out wrong, `lost` those the index doesn't have; `unindexed` are transactions that
    the index leaves out as if they weren't there; an `index_lag` counts down with each question.

    A broadcast that `fails` never arrived; while it `swallows`, every one arrives and the answer gets
    lost; so many as `drops` says are taken and forgotten; while it `denies`, it takes them and says that
    it didn't.  A transaction needs `underestimates` more gas than its simulation says.
    """

    world: World
    id: str
    down: RelayclearError | None = None
    fails: dict[str, RelayclearError] = field(default_factory=dict)
    failing: dict[ChannelEnd, RelayclearError] = field(default_factory=dict)
    deaf: set[ChannelEnd] = field(default_factory=set)
    behind: int = 0
    tx_index: bool = True
    pruned_below: int = 0
    lies: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    index_lag: int = 0
    page_size: int = 100
    breaks_after_pages: int | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    program_name: str | None = "simd"
    unindexed: set[str] = field(default_factory=set)
    swallows: bool = False
    drops: int = 0
    denies: bool = False
    underestimates: int = 0
    asked: list[str] = field(default_factory=list)
    heard: Callable[[str], None] | None = None

    @property
    def chain_id(self) -> str:
        return self.id

    @property
    def answered(self) -> tuple[str, ...]:
        return (self.endpoint,)

    @property
    def uses(self) -> tuple[EndpointUse, ...]:
        error = None if self.down is None else self.down.message
        count = len(self.asked)
        fit = None if not count else error is None
        return (EndpointUse(self.endpoint, count, 0 if error is None else 1, count / 4, 0.25, fit, error),)

    @property
    def endpoint(self) -> str:
        return f"http://{self.id}:26657"

    @property
    def state(self) -> Chain:
        return self.world.chains[self.id]

    @property
    def height(self) -> int:
        return self.state.height - self.behind

    @property
    def view(self) -> View:
        return self.state.state_at(self.height)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.heard is not None:
            self.heard(what)
        trouble = self.down or self.fails.get(what)
        if trouble is not None:
            raise trouble

    def _pruned(self, height: int) -> HeightError | None:
        return HeightError(f"{self.id}: height {height} is pruned") if height < self.pruned_below else None

    def _time(self, height: int) -> datetime:
        at = self.state.time_at(height)
        if at is None:
            raise HeightError(f"{self.id}: there is no block {height}")
        return time_of(at)

    async def head(self) -> Head:
        self._ask("head")
        return Head(
            self.id,
            self.height,
            self._time(self.height),
            catching_up=False,
            tx_index=self.tx_index,
            comet_version="0.38.12",
            endpoint=self.endpoint,
        )

    async def probe(self) -> None:
        self.asked.append("probe")

    async def next_channel_sequence(self) -> int:
        self._ask("next_channel_sequence")
        return int.from_bytes(self.view.get("ibc:nextChannelSequence") or b"")

    async def channel_pages(self, after: bytes | None) -> AsyncIterator[ChannelPage]:
        self._ask("channel_pages")
        infos = read.channel_infos(self.view, self.id)
        start = int(after or b"0")
        for pages, first in enumerate(range(start, max(len(infos), 1), self.page_size)):
            if pages == self.breaks_after_pages:
                raise NodeError(f"{self.id}: the connection broke")
            self.asked.append(f"page {first}")
            last = first + self.page_size
            yield ChannelPage(tuple(infos[first:last]), str(last).encode() if last < len(infos) else None)

    async def channels(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, ChannelInfo | RelayclearError]:
        self._ask("channels")
        return {end: read.channel_info(self.view, end) or NotFoundError(f"{end} is not there") for end in ends}

    async def connections(self) -> list[ConnectionInfo]:
        self._ask("connections")
        return read.connection_infos(self.view, self.id)

    async def clients(self) -> list[ClientInfo]:
        self._ask("clients")
        return read.client_infos(self.view, self.id)

    async def client_health(self, clients: Sequence[str]) -> dict[str, ClientHealth | RelayclearError]:
        self._ask("client_health")
        now = self.state.time_at(self.height) or 0
        return {client: read.client_health(self.view, client, now) for client in clients}

    async def commitments(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, Commitments | RelayclearError]:
        self._ask("commitments")
        return {end: self.failing.get(end) or self._pending(end) for end in ends}

    def _pending(self, end: ChannelEnd) -> Commitments:
        return Commitments(self.height, read.commitments(self.view, end))

    async def committed(self, end: ChannelEnd, sequences: Sequence[int]) -> Commitments:
        self._ask("committed")
        found = read.commitments(self.view, end)
        return Commitments(self.height, {sequence: found[sequence] for sequence in sequences if sequence in found})

    async def next_send_sequence(self, end: ChannelEnd) -> int:
        self._ask("next_send_sequence")
        return channels.next_sequence(self.view, "Send", end.port, end.channel)

    async def commitments_at(
        self, ends: Sequence[ChannelEnd], height: int
    ) -> dict[ChannelEnd, Commitments | RelayclearError]:
        self._ask("commitments_at")
        view = self.state.state_at(height)
        return {end: self._pruned(height) or Commitments(height, read.commitments(view, end)) for end in ends}

    async def receptions(self, questions: Sequence[ReceptionQuestion]) -> dict[ChannelEnd, Reception | RelayclearError]:
        self._ask("receptions")
        return {question.end: self._reception(question) for question in questions}

    def _reception(self, question: ReceptionQuestion) -> Reception | RelayclearError:
        if question.end in self.deaf:
            return NodeError(f"{question.end}: the node answered HTML")
        view, end, asked = self.view, question.end, question.sequences
        missing = {one for one in asked if not read.was_received(view, end, one, ordered=question.ordered)}
        return Reception(self.height, frozenset(missing), read.acknowledgements(view, end, asked))

    async def sent_packets(self, path: RelayPath, sequences: Sequence[int]) -> dict[int, Packet | RelayclearError]:
        self._ask("sent_packets")
        if not self.tx_index:
            raise IndexerError(f"{self.id}: transaction indexing is disabled")
        return {sequence: self._sent(path, sequence) for sequence in sequences}

    def _sent(self, path: RelayPath, sequence: int) -> Packet | RelayclearError:
        packet = read.sent_packet(self.state, path.source, path.destination.chain, sequence)
        if packet is None or sequence in self.lost:
            return IndexerError(f"{path.source}/{sequence}: no transaction found")
        return replace(packet, data=packet.data.replace(b"2000", b"9999")) if sequence in self.lies else packet

    async def relay_txs(self, questions: Sequence[RelayQuestion]) -> dict[PacketKey, list[RelayTx]]:
        self._ask("relay_txs")
        if not self.tx_index:
            raise IndexerError(f"{self.id}: transaction indexing is disabled")
        if self.index_lag:
            self.index_lag -= 1
            return {}
        found = {
            key: read.relay_txs(self.state, key, question.step, question.destination)
            for question in questions
            for key in question.keys()  # noqa: SIM118 - not a mapping
        }
        return {key: txs for key, txs in found.items() if txs}

    async def evidence(self, claims: Sequence[StepClaim]) -> dict[StepClaim, StepEvidence | RelayclearError]:
        self._ask("evidence")
        return {claim: self._pruned(claim.height) or self._evidence(claim) for claim in claims}

    def _evidence(self, claim: StepClaim) -> StepEvidence | RelayclearError:
        found = self.state.find(claim.hash)
        if found is None:
            return NotFoundError(f"{self.id}: block {claim.height} has no transaction {claim.hash}")
        block, place = found
        told = read.relay_txs(self.state, claim.key, claim.step, claim.destination)
        did = next((tx for tx in told if tx.hash == claim.hash), None)
        sent = read.sent_packet(
            self.world.chains[claim.key.chain], claim.key.end, claim.destination.chain, claim.key.sequence
        )
        relayer, commitment = (did.relayer, sent.commitment()) if did and sent else ("", None)
        return StepEvidence(block.height, block.results[place].code, did is not None, relayer, commitment)

    async def arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        self._ask("arrivals")
        self._want_index(last)
        return [one for one in self._arrivals(address, first, last) if one.tx_hash not in self.unindexed]

    async def moved_by_blocks(self, address: str, first: int, last: int) -> Moved:
        self._ask("moved_by_blocks")
        return Moved(self._arrivals(address, first, last), self._movements(address, first, last))

    async def arrivals_of_tx(self, address: str, tx_hash: str) -> list[Arrival]:
        self._ask("arrivals_of_tx")
        self._want_index(self.height)
        found = self.state.find(tx_hash)
        if found is None or found[0].height > self.height or tx_hash in self.unindexed:
            raise NotFoundError(f"{self.id}: tx ({tx_hash}) not found")
        return coins.arrivals(self.world, self.id, *found, address)

    async def movements(self, address: str, first: int, last: int) -> list[Movement]:
        self._ask("movements")
        self._want_index(last)
        return [one for one in self._movements(address, first, last) if one.tx_hash not in self.unindexed]

    def _want_index(self, last: int) -> None:
        if not self.tx_index:
            raise IndexerError(f"{self.id}: transaction indexing is disabled")
        if self.index_lag:
            self.index_lag -= 1
            raise IndexerError(f"{self.id}: the index has not come to block {last} yet", code="indexer_behind")

    def _blocks(self, first: int, last: int) -> list[Block]:
        trouble = self._pruned(first) or (HeightError(f"{self.id}: no block {last}") if last > self.height else None)
        if trouble is not None and first <= last:
            raise trouble
        return self.state.blocks[first - 1 : last]

    def _arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        return [
            one
            for block in self._blocks(first, last)
            for place in range(len(block.txs))
            for one in coins.arrivals(self.world, self.id, block, place, address)
        ]

    def _movements(self, address: str, first: int, last: int) -> list[Movement]:
        return [
            one
            for block in self._blocks(first, last)
            for place in (*range(len(block.txs)), None)
            for one in coins.movements(self.id, block, place, address)
        ]

    async def news(self, address: str) -> AsyncGenerator[int, None]:
        self._ask("news")
        made: asyncio.Queue[int] = asyncio.Queue()

        def tell(chain: Chain) -> None:
            made.put_nowait(chain.height)
            if address in coins.receivers(chain.blocks[-1]):
                made.put_nowait(chain.height)

        self.state.after_block.append(tell)
        try:
            while True:
                height = await made.get()
                trouble = self.down or self.fails.get("news")
                if trouble is not None:
                    raise trouble
                yield height
        finally:
            self.state.after_block.remove(tell)

    async def balances(self, address: str, height: int = 0) -> Balances:
        self._ask("balances")
        pruned = self._pruned(height) if height else None
        if pruned is not None:
            raise pruned
        chosen = height or self.height
        if chosen > self.height:
            raise HeightError(f"{self.id}: there is no block {chosen}")
        return Balances(chosen, coins.balances(self.state.state_at(chosen), address))

    async def memo_limit(self) -> int:
        self._ask("memo_limit")
        return self.state.spec.max_memo_characters

    async def gas_price_floor(self) -> tuple[GasPrice, ...]:
        self._ask("gas_price_floor")
        spec = self.state.spec
        return (GasPrice(spec.gas_denom, spec.min_gas_price),)

    async def block_time(self, height: int) -> datetime:
        self._ask("block_time")
        pruned = self._pruned(height)
        if pruned is not None:
            raise pruned
        return self._time(height)

    async def account(self, address: str, height: int = 0) -> Account | None:
        self._ask("account")
        pruned = self._pruned(height) if height else None
        if pruned is not None:
            raise pruned
        found = bank.account(self.state.state_at(height) if height else self.view, address)
        return None if found is None else Account(address, found.number, found.sequence)

    async def balance(self, address: str, denom: str) -> Coin:
        self._ask("balance")
        return Coin(denom, bank.balance(self.view, address, denom))

    async def allowance(self, granter: str, grantee: str) -> bool:
        self._ask("allowance")
        return bool(self.view.get(f"feegrant:{granter}/{grantee}"))

    async def last_signed_at(self, address: str, sequence: int) -> datetime | None:
        self._ask("last_signed_at")
        if not self.tx_index:
            raise IndexerError(f"{self.id}: transaction indexing is disabled")
        places = self.state.index.get(("tx.acc_seq", f"{address}/{sequence - 1}"), ())
        return self._time(places[-1][0]) if places else None

    async def simulate(self, raw: bytes) -> int:
        self._ask("simulate")
        return spending.simulate(self.state, raw) - self.underestimates

    async def broadcast(self, raw: bytes) -> Broadcast:
        self._ask("broadcast")
        answer = spending.broadcast(self.state, raw, drop=self.drops > 0)
        self.drops -= self.drops > 0 and answer.code == 0 and not answer.known
        if self.heard is not None:
            self.heard("broadcast arrived")
        if self.denies:
            return Broadcast(11, "sdk", "out of gas", known=False)
        if self.swallows:
            raise NodeError(f"{self.id}: the node broke the line")
        return answer

    async def landings(self, tx_hash: str, first: int, last: int) -> list[Landing]:
        self._ask("landings")
        return spending.landings(self._blocks(first, last), tx_hash.upper())

    async def sequence_use(self, address: str, sequence: int) -> SequenceUse | None:
        self._ask("sequence_use")
        if not self.tx_index:
            raise IndexerError(f"{self.id}: transaction indexing is disabled")
        if self.index_lag:
            self.index_lag -= 1
            return None
        found = spending.use_by_index(self.state, self.height, address, sequence)
        return None if found is None or found.tx_hash in self.unindexed else found

    async def sequence_uses(self, address: str, first: int, last: int) -> list[SequenceUse]:
        self._ask("sequence_uses")
        return spending.uses(self.id, self._blocks(first, last), address)

    async def denom_path(self, denom: str) -> DenomPath | None:
        self._ask("denom_path")
        found = transfer.stored(self.view, denom.removeprefix("ibc/"))
        return None if found is None else DenomPath.parse(found.path)

    async def unit(self, denom: str) -> Unit | None:
        self._ask("unit")
        return self.units.get(denom)

    async def program(self) -> str | None:
        self._ask("program")
        return self.program_name


def requests(chain: FakeChain) -> Mapping[str, int]:
    """How often each question was asked."""
    return {what: chain.asked.count(what) for what in dict.fromkeys(chain.asked)}
