"""One chain over CometBFT RPC: the `Chain` port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from relayclear.chains.commitments import CommitmentReader
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.guard import Guard
from relayclear.chains.hosts import Hosts
from relayclear.chains.index import Index
from relayclear.chains.pace import Timing
from relayclear.chains.receptions import ReceptionReader
from relayclear.chains.topology import TopologyReader
from relayclear.chains.wire import sure
from relayclear.errors import RelayclearError
from relayclear.ibc.coin import Coin, DenomPath
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

if TYPE_CHECKING:
    # Named in signatures alone; what reads them loads them.
    from relayclear.ibc.arrivals import Arrival, Moved, Movement
    from relayclear.ibc.evidence import StepClaim, StepEvidence


def _forget(_verdict: bool) -> None:  # noqa: FBT001 - shape of the callback
    """Where nobody keeps the verdict."""


class CometChain:
    """A chain behind one or more CometBFT RPC endpoints.

    `hosts` is shared by all chains of a process and lives, like this, in one event loop.  `rpc_budget` is in requests
    a second per endpoint.  `subspace_checked` is what an earlier run learned of the one-answer query for all
    commitments (True: it agrees with pages, False: it doesn't or isn't allowed, None: not known); `on_subspace` is told
    a new verdict, for the store to keep.  `seen_height` is a height of this chain that was read before: a node below
    it is not believed.  `guard`: the breakers of the endpoints, None for none.
    """

    def __init__(  # noqa: PLR0913 - called in one place, by names
        self,
        chain_id: str,
        endpoints: Sequence[str],
        *,
        hosts: Hosts,
        rpc_budget: float = 20.0,
        subspace_checked: bool | None = None,
        on_subspace: Callable[[bool], None] = _forget,
        seen_height: int = 0,
        timing: Timing | None = None,
        guard: Guard | None = None,
    ) -> None:
        """Connect to nothing yet."""
        self._endpoints = Endpoints(
            chain_id, endpoints, hosts, timing or Timing(), rpc_budget=rpc_budget, seen_height=seen_height, guard=guard
        )
        self._commitments = CommitmentReader(self._endpoints, subspace=subspace_checked, on_subspace=on_subspace)
        self._receptions = ReceptionReader(self._endpoints)
        self._topology = TopologyReader(self._endpoints)
        self._index = Index(self._endpoints)

    @property
    def chain_id(self) -> str:
        """The chain id this is configured for; every answer was checked to come from it."""
        return self._endpoints.chain

    @property
    def answered(self) -> tuple[str, ...]:
        """The endpoints that proved to be this chain and answered, without their credentials."""
        return self._endpoints.answered

    @property
    def uses(self) -> tuple[EndpointUse, ...]:
        """How each endpoint did so far, in the order of the config."""
        return self._endpoints.uses

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, over all endpoints."""
        return self._endpoints.requests

    @property
    def subspace_checked(self) -> bool | None:
        """The newest verdict on the one-answer query."""
        return self._commitments.subspace

    async def aclose(self) -> None:
        """Drop what is under way; the connections belong to `hosts`."""
        await self._endpoints.aclose()

    async def head(self) -> Head:
        """The newest block.  Raises NodeError, also for a wrong chain, a syncing or stale node, a height gone back."""
        return await self._endpoints.head()

    async def probe(self) -> None:
        """Ask endpoints that failed, or that nothing was asked of lately, how they are; their breakers are told."""
        await self._endpoints.probe()

    async def next_channel_sequence(self) -> int:
        """How many channels were ever made.  Raises NodeError where the node hides its raw store."""
        return await self._topology.next_channel_sequence()

    def channel_pages(self, after: bytes | None) -> AsyncIterator[ChannelPage]:
        """Walk all channels from a page key on.  Raises NodeError where the walk breaks."""
        return self._topology.channel_pages(after)

    async def channels(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, ChannelInfo | RelayclearError]:
        """Single channel ends as they are now; NotFoundError for one that doesn't exist."""
        return await self._topology.channels(ends)

    async def connections(self) -> list[ConnectionInfo]:
        """Every connection end.  Raises NodeError."""
        return await self._topology.connections()

    async def clients(self) -> list[ClientInfo]:
        """Every Tendermint client (other kinds don't name the chain they follow).  Raises NodeError."""
        return await self._topology.clients()

    async def client_health(self, clients: Sequence[str]) -> dict[str, ClientHealth | RelayclearError]:
        """Status and expiry of clients, as of now."""
        return await self._topology.client_health(clients)

    async def commitments(self, ends: Sequence[ChannelEnd]) -> dict[ChannelEnd, Commitments | RelayclearError]:
        """Everything pending on each end.

        A channel that does not exist has nothing pending, says the chain: ask `channels` whether it does.
        """
        return await self._commitments.read(ends)

    async def committed(self, end: ChannelEnd, sequences: Sequence[int]) -> Commitments:
        """The commitments of single sequences; those that are gone are left out.  Raises what was met."""
        return await self._commitments.committed(end, sequences)

    async def next_send_sequence(self, end: ChannelEnd) -> int:
        """The sequence that the end's next packet will have.  Raises NotFoundError for no such channel, NodeError."""
        return await self._commitments.next_send_sequence(end)

    async def commitments_at(
        self, ends: Sequence[ChannelEnd], height: int
    ) -> dict[ChannelEnd, Commitments | RelayclearError]:
        """The same at an older height; HeightError per end where no endpoint has it any more."""
        return await self._commitments.pages(ends, height)

    async def receptions(self, questions: Sequence[ReceptionQuestion]) -> dict[ChannelEnd, Reception | RelayclearError]:
        """What each receiving end knows of the asked sequences; one question per end."""
        return await self._receptions.read(questions)

    # The encodings of transactions and accounts are imported where they are used: a listing needs none of them.

    async def sent_packets(self, path: RelayPath, sequences: Sequence[int]) -> dict[int, Packet | RelayclearError]:
        """Packets as their send events told them; IndexerError or NotFoundError where the index doesn't tell."""
        from relayclear.chains import packets  # noqa: PLC0415

        return await packets.sent_packets(self._index, path, sequences)

    async def relay_txs(self, questions: Sequence[RelayQuestion]) -> dict[PacketKey, list[RelayTx]]:
        """Transactions on this chain that did the asked step, oldest first; an empty list proves nothing."""
        from relayclear.chains import packets  # noqa: PLC0415

        return await packets.relay_txs(self._index, questions)

    async def evidence(self, claims: Sequence[StepClaim]) -> dict[StepClaim, StepEvidence | RelayclearError]:
        """What stands where somebody says that a step was done; NotFoundError where it surely isn't there."""
        from relayclear.chains import evidence  # noqa: PLC0415

        return await evidence.evidence(self._endpoints, claims)

    async def arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        """What came to the address in the blocks `first` to `last`, by the index, in the order of the chain.

        Raises IndexerError where every index is off or hasn't come to `last`, HeightError where a height is gone or not
        there yet, NodeError.
        """
        from relayclear.chains.arrivals import ArrivalReader  # noqa: PLC0415

        return await ArrivalReader(self._endpoints, self._index).arrivals(address, first, last)

    async def moved_by_blocks(self, address: str, first: int, last: int) -> Moved:
        """What `arrivals` and `movements` tell, out of the blocks.  Raises HeightError where one is gone, NodeError."""
        from relayclear.chains.arrivals import ArrivalReader  # noqa: PLC0415

        return await ArrivalReader(self._endpoints, self._index).moved_by_blocks(address, first, last)

    async def arrivals_of_tx(self, address: str, tx_hash: str) -> list[Arrival]:
        """What one transaction brought, nothing for a failed one.  Raises NotFoundError, IndexerError, NodeError."""
        from relayclear.chains.arrivals import ArrivalReader  # noqa: PLC0415

        return await ArrivalReader(self._endpoints, self._index).of_tx(address, tx_hash)

    async def movements(self, address: str, first: int, last: int) -> list[Movement]:
        """All that moved to or from the address in the blocks `first` to `last`; errors as those of `arrivals`."""
        from relayclear.chains.arrivals import ArrivalReader  # noqa: PLC0415

        return await ArrivalReader(self._endpoints, self._index).movements(address, first, last)

    async def news(self, address: str) -> AsyncGenerator[int, None]:
        """Heights worth looking at, as a node tells them, until the line breaks.  Raises NodeError for every end."""
        from relayclear.chains import news  # noqa: PLC0415

        told = news.news(self._endpoints.choices(), self.chain_id, address, news.QUIET_SECONDS)
        async with contextlib.aclosing(told) as heights:
            async for height in heights:
                yield height

    async def balances(self, address: str, height: int = 0) -> Balances:
        """All that the address held after a height, 0 for the newest.  Raises HeightError where it is gone."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.balances(self._endpoints, address, height)

    async def memo_limit(self) -> int:
        """How many bytes the memo of a transaction may have."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.memo_limit(self._endpoints)

    async def gas_price_floor(self) -> tuple[GasPrice, ...]:
        """The least that an endpoint takes for gas, in any of these denoms; empty where it takes all, or is silent."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.gas_price_floor(self._endpoints)

    async def block_time(self, height: int) -> datetime:
        """The time in a block's header.  Raises HeightError when no endpoint has the block."""
        return sure((await self._index.times([height]))[height])

    async def account(self, address: str, height: int = 0) -> Account | None:
        """The account's number and sequence after a height, 0 for the newest; None when there is no such account.

        Raises HeightError where no endpoint has the height any more.
        """
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.account(self._endpoints, address, height)

    async def balance(self, address: str, denom: str) -> Coin:
        """What the address holds of one denom."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.balance(self._endpoints, address, denom)

    async def allowance(self, granter: str, grantee: str) -> bool:
        """Whether a fee allowance stands between the two."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.allowance(self._endpoints, granter, grantee)

    async def last_signed_at(self, address: str, sequence: int) -> datetime | None:
        """When the account used the sequence before the given one; None where no index tells."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.last_signed_at(self._index, address, sequence)

    async def simulate(self, raw: bytes) -> int:
        """The gas that a transaction would use now.  Raises RefusedError where the chain says that it can't work."""
        from relayclear.chains import spending  # noqa: PLC0415

        return await spending.simulate(self._endpoints, raw)

    async def broadcast(self, raw: bytes) -> Broadcast:
        """Hand signed bytes to a node.  Raises NodeError where no answer came: they may have arrived all the same."""
        from relayclear.chains import spending  # noqa: PLC0415

        return await spending.broadcast(self._endpoints, raw)

    async def landings(self, tx_hash: str, first: int, last: int) -> list[Landing]:
        """Every place from height `first` to `last` where the bytes of a hash stand, by height, out of the blocks.

        Raises HeightError where one of the heights is gone or not there yet, NodeError.
        """
        from relayclear.chains import spending  # noqa: PLC0415

        return await spending.landings(self._endpoints, tx_hash, first, last)

    async def sequence_use(self, address: str, sequence: int) -> SequenceUse | None:
        """The transaction that used the account's sequence, by an index; None where it shows none: no proof of absence.

        Raises IndexerError where the index is off, or shows the transaction only where its bytes were put into a block
        again (`indexer_replayed`; `sequence_uses` reads past that), HeightError where its header is gone, NodeError.
        """
        from relayclear.chains import spending  # noqa: PLC0415

        return await spending.sequence_use(self._index, address, sequence)

    async def sequence_uses(self, address: str, first: int, last: int) -> list[SequenceUse]:
        """Every transaction that used a sequence of the account in the blocks `first` to `last`, out of the blocks.

        Raises HeightError where one is gone or not there yet, NodeError.
        """
        from relayclear.chains import spending  # noqa: PLC0415

        return await spending.sequence_uses(self._endpoints, address, first, last)

    async def denom_path(self, denom: str) -> DenomPath | None:
        """The trace behind ``ibc/HASH``, checked against the hash; None when the chain doesn't know it."""
        from relayclear.chains import accounts  # noqa: PLC0415

        return await accounts.denom_path(self._endpoints, denom)

    async def unit(self, denom: str) -> Unit | None:
        """What wallets show a denom in, by the chain's own metadata; None where it has none."""
        from relayclear.chains import paying  # noqa: PLC0415

        return await paying.unit(self._endpoints, denom)

    async def program(self) -> str | None:
        """The name of the chain's own command line program, as its node tells it; None where it doesn't."""
        from relayclear.chains import paying  # noqa: PLC0415

        return await paying.program(self._endpoints)
