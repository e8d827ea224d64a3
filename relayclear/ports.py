"""What use cases need of the world outside: chains, a relayer, signing keys, a clock.

Methods that read many things at once answer with one value per thing, and that value is an error
where only that thing could not be read.  They raise only when nothing at all could be read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from relayclear.errors import RelayclearError
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
    RelayRules,
    RelayTx,
)
from relayclear.ibc.relayer import ClearJob, DaemonHabit, GasTerms, KeyChoice, RelayEvent, RelayRun
from relayclear.ibc.spending import Broadcast, Draft, Landing, NewKey, SequenceUse, SignedTx, WalletKey
from relayclear.ibc.topology import ChannelInfo, ChannelPage, ClientHealth, ClientInfo, ConnectionInfo
from relayclear.ibc.units import Unit
from relayclear.money.issuer import IssuerKey


class Chain(Protocol):
    """One chain, over whichever of its endpoints answers."""

    @property
    def chain_id(self) -> str:
        """The chain id this is configured for; every answer was checked to come from it."""

    @property
    def answered(self) -> tuple[str, ...]:
        """The endpoints that answered so far, without their credentials."""

    @property
    def uses(self) -> tuple[EndpointUse, ...]:
        """How each endpoint did so far, in the order of the config."""

    async def head(self) -> Head:
        """The newest block.  Raises NodeError, also for a wrong chain or a height gone back."""

    async def probe(self) -> None:
        """Ask endpoints that failed, or that nothing was asked of lately, how they are; their breakers are told.

        To be called every few seconds where somebody watches.  Never raises for what an endpoint does.
        """

    async def next_channel_sequence(self) -> int:
        """How many channels were ever made: unchanged means that no channel is new."""

    def channel_pages(self, after: bytes | None) -> AsyncIterator[ChannelPage]:
        """Walk all channels from a page key on, so that a broken walk can be taken up again."""

    async def channels(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, ChannelInfo | RelayclearError]:
        """Read single channel ends as they are now; NotFoundError for one that doesn't exist."""

    async def connections(self) -> list[ConnectionInfo]:
        """Every connection end."""

    async def clients(self) -> list[ClientInfo]:
        """Every client of a kind that names the chain it follows."""

    async def client_health(self, clients: Sequence[str]) -> dict[str, ClientHealth | RelayclearError]:
        """Status and expiry of clients, as of now."""

    async def commitments(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, Commitments | RelayclearError]:
        """Everything pending on each end; an end without pending packets has an empty mapping."""

    async def committed(self, end: ChannelEnd, sequences: Sequence[int]) -> Commitments:
        """The commitments of single sequences; those that are gone are left out."""

    async def next_send_sequence(self, end: ChannelEnd) -> int:
        """The sequence that the end's next packet will have."""

    async def commitments_at(
        self, ends: Sequence[ChannelEnd], height: int
    ) -> dict[ChannelEnd, Commitments | RelayclearError]:
        """The same at an older height; HeightError per end where the node has pruned it."""

    async def receptions(self, questions: Sequence[ReceptionQuestion]) -> dict[ChannelEnd, Reception | RelayclearError]:
        """What each receiving end knows of the asked sequences."""

    async def sent_packets(self, path: RelayPath, sequences: Sequence[int]) -> dict[int, Packet | RelayclearError]:
        """Packets of one path as their send events told them, not yet checked (`verified` False)."""

    async def relay_txs(self, questions: Sequence[RelayQuestion]) -> dict[PacketKey, list[RelayTx]]:
        """Transactions on this chain that did the asked step; an empty list proves nothing."""

    async def evidence(self, claims: Sequence[StepClaim]) -> dict[StepClaim, StepEvidence | RelayclearError]:
        """What stands where somebody says that a step was done; NotFoundError where it surely isn't there."""

    async def arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        """What came to the address in the blocks `first` to `last`, by an index, in the order of the chain.

        Raises IndexerError where the index is off or hasn't come to `last` (then read by blocks), HeightError where a
        height is gone or not there yet, NodeError.  An index may leave something out: only the balance tells.
        """

    async def moved_by_blocks(self, address: str, first: int, last: int) -> Moved:
        """What `arrivals` and `movements` tell, with the same identities, out of the blocks, each of them read once.

        Raises HeightError where one is gone, NodeError.
        """

    async def arrivals_of_tx(self, address: str, tx_hash: str) -> list[Arrival]:
        """What one transaction brought, nothing for a failed one.  Raises NotFoundError, IndexerError, NodeError."""

    async def movements(self, address: str, first: int, last: int) -> list[Movement]:
        """All that moved to or from the address in these blocks, fees of failed transactions too.

        Raises what `arrivals` raises.
        """

    def news(self, address: str) -> AsyncGenerator[int, None]:
        """The height of every new block, and of every block with a transaction that brings the address coins.

        A hint to read, in whatever order and number it comes.  Never ends by itself: raises NodeError for any trouble,
        after which the caller polls and asks again.  Close it (`contextlib.aclosing`) to hang up.
        """

    async def balances(self, address: str, height: int = 0) -> Balances:
        """All that the address held after a height, 0 for the newest, with that height.  Raises HeightError."""

    async def memo_limit(self) -> int:
        """How many bytes the memo of a transaction may have."""

    async def gas_price_floor(self) -> tuple[GasPrice, ...]:
        """The least that the node takes for gas, in any of these denoms; empty where it takes all or doesn't tell."""

    async def block_time(self, height: int) -> datetime:
        """The time in a block's header.  Raises HeightError when the node hasn't got the block."""

    async def account(self, address: str, height: int = 0) -> Account | None:
        """The account's number and sequence after a height, 0 for the newest; None when the chain has no such account.

        Raises HeightError where no endpoint has the height any more.
        """

    async def balance(self, address: str, denom: str) -> Coin:
        """What the address holds of one denom."""

    async def allowance(self, granter: str, grantee: str) -> bool:
        """Whether a fee allowance stands between the two."""

    async def last_signed_at(self, address: str, sequence: int) -> datetime | None:
        """When the account used the sequence before the given one; None where no index tells."""

    async def simulate(self, raw: bytes) -> int:
        """The gas that a transaction would use now.  Raises RefusedError where the chain says that it can't work."""

    async def broadcast(self, raw: bytes) -> Broadcast:
        """Hand signed bytes to a node.  Raises NodeError where no answer came: they may have arrived all the same."""

    async def landings(self, tx_hash: str, first: int, last: int) -> list[Landing]:
        """Every place from height `first` to `last` where the bytes of a hash stand, by height, out of the blocks.

        Raises HeightError where one of the heights is gone or not there yet, NodeError.
        """

    async def sequence_use(self, address: str, sequence: int) -> SequenceUse | None:
        """The transaction that used the account's sequence, by an index; None where it shows none: no proof of absence.

        Raises IndexerError where the index is off, or shows only where the same bytes were put into a block again
        (`indexer_replayed`: read the blocks), HeightError where its block's header is gone, NodeError.
        """

    async def sequence_uses(self, address: str, first: int, last: int) -> list[SequenceUse]:
        """Every transaction that used a sequence of the account in the blocks `first` to `last`, out of the blocks.

        Raises HeightError where one is gone or not there yet, NodeError.
        """

    async def denom_path(self, denom: str) -> DenomPath | None:
        """The trace behind ``ibc/HASH``, checked against the hash; None when unknown."""

    async def unit(self, denom: str) -> Unit | None:
        """What wallets show a denom in, by the chain's own metadata; None where it has none."""

    async def program(self) -> str | None:
        """The name of the chain's own command line program, as its node tells it; None where it doesn't."""


class Relayer(Protocol):
    """The relayer program: one configured Hermes."""

    async def version(self, *, again: bool = False) -> str:
        """Its version, like ``1.10.5``; `again` starts it though it was asked before.

        Raises HermesError when it can't be started or used.
        """

    def rules(self, chain: str) -> RelayRules:
        """What it refuses to relay from the chain."""

    def gas(self, chain: str) -> GasTerms:
        """What a transaction may cost on the chain by the relayer's own config."""

    def daemon_habit(self, end: ChannelEnd) -> DaemonHabit:
        """What its daemon, by its own config, does with packets sent by an end."""

    def key(self, chain: str, name: str | None = None) -> KeyChoice:
        """The named key, or the one its own config signs with.  Raises RefusedError by name."""

    def holding(self, keys: Sequence[KeyChoice]) -> AbstractAsyncContextManager[None]:
        """Hold the locks of the (chain, key) pairs.  Raises HeldError naming the holder."""

    def stop(self) -> None:
        """End the run that is under way, if any; its `clear` then answers without an exit code."""

    async def clear(self, job: ClearJob, progress: Callable[[RelayEvent], None]) -> RelayRun:
        """Run it once, under its time limit, inside `holding`; the answer is evidence only."""


class KeyRing(Protocol):
    """The keys that quotes are made with.  Every method raises ConfigError where they can't be used safely."""

    def listed(self) -> list[IssuerKey]:
        """All keys by id."""

    def current(self) -> IssuerKey | None:
        """The key that makes quotes now, None where there is none."""

    def find(self, kid: int) -> IssuerKey | None:
        """The key of an id, None where there is none."""

    def create(self, at: datetime, above: int = 0) -> IssuerKey:
        """Make the current key, with an id above `above` and all there are.

        Raises RefusedError where there is one, or no id is left.
        """

    def rotate(self, at: datetime, above: int = 0) -> IssuerKey:
        """Make a new current key; those before it only know their own quotes.  Raises RefusedError without one."""

    def revoke(self, kid: int, at: datetime) -> IssuerKey:
        """Mark a key as revoked; a second time changes nothing.  Raises UsageError for an unknown id."""


class Wallet(Protocol):
    """The keys that refunds are signed with, at most one a chain.

    Every method raises ConfigError where the key file can't be used safely; those that need the
    passphrase raise it for a missing or wrong one, too.
    """

    def listed(self) -> list[WalletKey]:
        """The public parts of all keys, by chain; needs no passphrase."""

    def find(self, chain: str) -> WalletKey | None:
        """The public part of a chain's key, None where there is none."""

    def unsigned(self, draft: Draft) -> bytes:
        """The transaction with an empty signature: to simulate it, or for somebody else to sign; needs no key."""

    def sign(self, draft: Draft) -> SignedTx:
        """Sign, the same bytes for the same draft for ever; needs the passphrase.

        Raises UsageError where the chain has no key, or another address.
        """

    def derived(self, chain: str, phrase: str, path: str | None = None) -> NewKey:
        """The key of a mnemonic at a path, the usual one of the chain's accounts where none is named; kept nowhere.

        Raises UsageError for a chain that isn't configured, and for a phrase or path that can't be.
        """

    def add(self, key: NewKey, at: datetime) -> WalletKey:
        """Keep a key; needs the passphrase, and chooses it with the first.  Raises RefusedError where there is one."""

    def remove(self, chain: str) -> WalletKey:
        """Forget a chain's key for good; what it was.  Raises UsageError where there is none."""


class Caller(Protocol):
    """One way to call a person."""

    @property
    def name(self) -> str:
        """The channel's name, as the log of deliveries has it."""

    async def call(self, body: bytes, at: datetime) -> str:
        """Hand over a document of alerts, said to be sent at that time; what came back, in a few words.

        Raises AlertError where it wasn't taken for certain; it may have arrived all the same.
        """


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def boot(self) -> tuple[str, float]:
        """Which start of the machine this is, and seconds since it by a clock that nobody can set.

        The name is empty where the system has none.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Log(Protocol):
    """Where events go; structlog's loggers are ones."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something happened."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something failed and is tried again."""

    def error(self, event: str, **fields: Any) -> Any:
        """Somebody should look at it."""
