"""One simulated chain: a mempool, blocks, their results, and an index of what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosmpy.protos.cosmos.base.abci.v1beta1 import abci_pb2
from google.protobuf import any_pb2

from relayclear.rehearsal import ante, messages
from relayclear.rehearsal.ante import Mode
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import Event
from relayclear.rehearsal.failures import OutOfGasError, TxFailure
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.store import Branch, Store, View
from relayclear.rehearsal.transactions import Tx, decode, hash_of

MAX_TX_BYTES = 1_048_576
_CACHE = 10_000


@dataclass(frozen=True, slots=True)
class TxResult:
    """What became of a transaction; code 0 is success.  `log` and `codespace` are empty then."""

    code: int = 0
    codespace: str = ""
    log: str = ""
    data: bytes = b""
    gas_wanted: int = 0
    gas_used: int = 0
    events: tuple[Event, ...] = ()


@dataclass(slots=True)
class Block:
    """A block; `time_ns` is the chain's own clock in unix nanoseconds."""

    height: int
    time_ns: int
    txs: Sequence[bytes] = ()
    results: Sequence[TxResult] = ()
    events: Sequence[Event] = ()


class MempoolError(Exception):
    """The mempool doesn't take a transaction: it knows it, or it is too large.  The text is CometBFT's."""


@dataclass
class Chain:
    """A chain of the world.  Heights begin at 1.

    `index` tells where (height, place) an attribute of a transaction's events stands, by `type.key` and value;
    `block_index` the heights for events of blocks themselves.
    `dropping` transactions are taken and then forgotten, as an overfull mempool does; `again` are bytes that the
    next block's proposer puts into it unasked, whether they stand in one or not; `moved` tells for a place of bytes
    that came again where they did.
    `before_block` is called when a block is about to be made with transactions in it, `after_block` when any was made,
    `after_messages` with a transaction whose messages are done, in the same state.
    """

    spec: ChainSpec
    peers: Mapping[str, Chain] = field(repr=False)
    store: Store = field(default_factory=Store, repr=False)
    blocks: list[Block] = field(default_factory=list, repr=False)
    mempool: list[bytes] = field(default_factory=list)
    dropping: int = 0
    again: list[bytes] = field(default_factory=list, repr=False)
    before_block: list[Callable[[Chain], None]] = field(default_factory=list, repr=False)
    after_block: list[Callable[[Chain], None]] = field(default_factory=list, repr=False)
    after_messages: list[Callable[[Context, Tx], None]] = field(default_factory=list, repr=False)
    at_end: list[Callable[[Context], None]] = field(default_factory=list, repr=False)
    index: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict, repr=False)
    block_index: dict[tuple[str, str], list[int]] = field(default_factory=dict, repr=False)
    places: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    moved: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Nothing waits yet."""
        self._cache: dict[bytes, None] = {}
        self._trusted: set[str] = set()
        self._checked = Branch(self.store)

    @property
    def height(self) -> int:
        """The newest block's height, 0 before the first."""
        return len(self.blocks)

    @property
    def time_ns(self) -> int:
        """The newest block's time."""
        return self.blocks[-1].time_ns

    def block(self, height: int) -> Block | None:
        """The block of a height."""
        return self.blocks[height - 1] if 1 <= height <= self.height else None

    def time_at(self, height: int) -> int | None:
        """A block's time, None when there is no such block."""
        found = self.block(height)
        return found.time_ns if found else None

    def state_at(self, height: int) -> View:
        """The state after a height."""
        return self.store if height == self.height else self.store.at(height)

    def find(self, tx_hash: str) -> tuple[Block, int] | None:
        """The last block that a transaction stands in, and its place there."""
        place = self.places.get(tx_hash)
        return (self.blocks[place[0] - 1], place[1]) if place else None

    def sender(self, raw: bytes) -> str:
        """Who signs a transaction that waits."""
        return messages.signer(decode(raw).body.messages[0])

    def trust(self, raw: bytes) -> None:
        """Let a transaction pass without a signature: the world itself wrote it."""
        self._trusted.add(hash_of(raw))

    def broadcast(self, raw: bytes) -> TxResult:
        """Take a transaction into the mempool if it passes the check.  Raises MempoolError."""
        if len(raw) > MAX_TX_BYTES:
            raise MempoolError(f"Tx too large. Max size is {MAX_TX_BYTES}, but got {len(raw)}")
        if raw in self._cache:
            raise MempoolError("tx already exists in cache")
        result = self._check(raw, Mode.CHECK)
        if result.code == 0:
            if self.dropping:
                self.dropping -= 1
                self._reset_checked()
            else:
                self._remember(raw)
                self.mempool.append(raw)
        return result

    def simulate(self, raw: bytes) -> TxResult:
        """Run a transaction and keep nothing of it; the signature isn't looked at.  Raises TxFailure.

        As in the SDK it runs behind whatever waits in the mempool.
        """
        tx = decode(raw)
        ctx = self._context(Branch(self._checked), self.height, self.time_ns)
        ante.check(ctx, tx, Mode.SIMULATE)
        data = self._run_messages(ctx, tx)
        return TxResult(data=data, gas_used=gas_needed(tx), gas_wanted=tx.auth.fee.gas_limit, events=tuple(ctx.events))

    def make_block(self, time_ns: int) -> Block:
        """Make the next block out of what waits.  Its time is moved on where it would go back."""
        time_ns = max(time_ns, self.time_ns + 1_000_000) if self.blocks else time_ns
        if self.mempool:
            for hook in [*self.before_block]:
                hook(self)
        block = Block(self.height + 1, time_ns)
        if self.mempool or self.again or self.at_end:
            self._fill(block)
        self.blocks.append(block)
        if block.txs:
            self.mempool = [raw for raw in self.mempool if raw not in set(block.txs)]
            self._keep_in_cache(block)
        self._reset_checked()
        for told in [*self.after_block]:
            told(self)
        return block

    def edit(self, change: Callable[[Context], None]) -> None:
        """Change the state outside any transaction, as a genesis or a governance vote does."""
        state = Branch(self.store)
        change(self._context(state, max(self.height, 1), self.time_ns if self.blocks else 0))
        self.store.apply(state.writes, self.height)
        self._reset_checked()

    def _fill(self, block: Block) -> None:
        state = Branch(self.store)
        block.txs = (*self.mempool, *self.again)
        self.again.clear()
        block.results = tuple(self._deliver(state, raw, block) for raw in block.txs)
        ending = self._context(state, block.height, block.time_ns)
        for action in self.at_end:
            action(ending)
        self.at_end.clear()
        block.events = tuple(one.with_attribute("mode", "EndBlock") for one in ending.events)
        self.store.apply(state.writes, block.height)
        for place, (raw, result) in enumerate(zip(block.txs, block.results, strict=True)):
            before = self.places.get(hash_of(raw))
            if before is not None:
                self.moved[before] = (block.height, place)
            self.places[hash_of(raw)] = (block.height, place)
            for found in _indexed(result.events):
                self.index.setdefault(found, []).append((block.height, place))
        for found in _indexed(block.events):
            self.block_index.setdefault(found, []).append(block.height)

    def _deliver(self, state: Branch, raw: bytes, block: Block) -> TxResult:
        before = self._context(Branch(state), block.height, block.time_ns)
        gas = 0
        try:
            tx = decode(raw)
            gas = tx.auth.fee.gas_limit
            ante.check(before, tx, Mode.DELIVER, trusted=tx.hash in self._trusted)
        except TxFailure as failed:
            return TxResult(failed.code, failed.codespace, failed.log, gas_wanted=gas, gas_used=gas // 2)
        state.merge(before.store)
        running = self._context(Branch(state), block.height, block.time_ns)
        try:
            if gas < gas_needed(tx):
                raise OutOfGasError(gas, gas_needed(tx))
            data = self._run_messages(running, tx)
            for action in self.after_messages:
                action(running, tx)
        except TxFailure as failed:
            used = min(gas_needed(tx), gas + 1)
            return TxResult(failed.code, failed.codespace, failed.log, b"", gas, used, tuple(before.events))
        state.merge(running.store)
        return TxResult(0, "", "", data, gas, gas_needed(tx), (*before.events, *running.events))

    def _run_messages(self, ctx: Context, tx: Tx) -> bytes:
        answers = [messages.execute(ctx, place, message) for place, message in enumerate(tx.body.messages)]
        data = abci_pb2.TxMsgData()
        for answer in answers:
            if answer is not None:
                url = f"/{answer.DESCRIPTOR.full_name}"
                data.msg_responses.append(any_pb2.Any(type_url=url, value=answer.SerializeToString()))
        return bytes(data.SerializeToString())

    def _check(self, raw: bytes, mode: Mode) -> TxResult:
        # The SDK's check state stands at the height of the last block, so a timeout height equal to it passes.
        ctx = self._context(Branch(self._checked), self.height, self.time_ns)
        gas = 0
        try:
            tx = decode(raw)
            gas = tx.auth.fee.gas_limit
            ante.check(ctx, tx, mode, trusted=tx.hash in self._trusted)
        except TxFailure as failed:
            return TxResult(failed.code, failed.codespace, failed.log, gas_wanted=gas)
        self._checked.merge(ctx.store)
        return TxResult(gas_wanted=gas, gas_used=ante.gas_before(tx))

    def _reset_checked(self) -> None:
        self._checked = Branch(self.store)
        waiting, self.mempool = self.mempool, []
        for raw in waiting:
            if self._check(raw, Mode.RECHECK).code == 0:
                self.mempool.append(raw)
            else:
                self._cache.pop(raw, None)

    def _remember(self, raw: bytes) -> None:
        self._cache[raw] = None
        if len(self._cache) > _CACHE:
            del self._cache[next(iter(self._cache))]

    def _keep_in_cache(self, block: Block) -> None:
        """As CometBFT's mempool after a block: what went well is known for good, what failed may come again."""
        for raw, result in zip(block.txs, block.results, strict=True):
            if result.code:
                self._cache.pop(raw, None)
            else:
                self._remember(raw)

    def _context(self, store: Branch, height: int, time_ns: int) -> Context:
        return Context(self.spec, store, height, time_ns, self.peers)


def _indexed(events: Sequence[Event]) -> dict[tuple[str, str], None]:
    return dict.fromkeys((f"{one.type}.{key}", value) for one in events for key, value in one.attributes)


def gas_needed(tx: Tx) -> int:
    """The gas a transaction uses when all goes well; a rough table stands for the real meter."""
    return ante.gas_before(tx) + sum(_gas(message) for message in tx.body.messages)


def _gas(message: Any) -> int:
    return messages.KINDS[message.type_url].gas if message.type_url in messages.KINDS else 0
