"""A chain as Hermes sees it: what its node says over `abci_query`, in the place of the real one's gRPC."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cosmpy.protos.cosmos.auth.v1beta1 import auth_pb2
from cosmpy.protos.cosmos.auth.v1beta1 import query_pb2 as auth_query
from cosmpy.protos.cosmos.bank.v1beta1 import query_pb2 as bank_query
from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2 as tx_service
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channel_query
from cosmpy.protos.ibc.core.client.v1 import query_pb2 as client_query
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as connection_query
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2
from google.protobuf import wrappers_pb2

from relayclear.rehearsal.hermes import keyring
from relayclear.rehearsal.hermes.config import ChainConfig
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.keyring import Signer
from relayclear.rehearsal.hermes.node import NodeError, RpcError, Transport, unreachable

_CHANNEL = "/ibc.core.channel.v1.Query/"
_CLIENT = "/ibc.core.client.v1.Query/"
_BILLION = 10**9
_PAGE = 2**32 - 1
_STATUS = re.compile(r"rpc error: code = (?P<status>\w+) desc = (?P<words>.*): [^:]*", re.DOTALL)


@dataclass(slots=True)
class Account:
    """An account's number and the sequence that Hermes believes is next."""

    number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Status:
    """What a node says of itself: its chain, its newest block, whether it indexes transactions."""

    network: str
    height: int
    time_ns: int
    indexing: bool


class QueryFailure(Failure):
    """A query that the node's application refused; `log` is what it said."""

    def __init__(self, *words: str, log: str = "") -> None:
        super().__init__(*words)
        self.log = log


class Chain:
    """A chain of the config behind its node.  Every method raises Failure when the node doesn't answer."""

    def __init__(self, config: ChainConfig, call: Transport) -> None:
        """`account` is remembered for the whole run, right or wrong, as Hermes does."""
        self.config = config
        self._call = call
        self.account: Account | None = None
        self._signer: Signer | None = None

    @property
    def id(self) -> str:
        """Its id by the config."""
        return self.config.id

    def signer(self) -> Signer:
        """The key that signs.  Raises Failure when the store has none of that name."""
        if self._signer is None:
            self._signer = keyring.load(self.config, self.config.key_name)
        return self._signer

    # What the node itself answers

    def rpc(self, method: str, **params: Any) -> Any:
        """A method's result."""
        try:
            return self._call(method, params)
        except (RpcError, NodeError) as failed:
            raise unreachable(self.config.rpc_addr, failed) from failed

    def status(self) -> Status:
        """The node's own view."""
        told = self.rpc("status")
        newest = told["sync_info"]
        return Status(
            told["node_info"]["network"],
            int(newest["latest_block_height"]),
            nanoseconds(newest["latest_block_time"]),
            told["node_info"]["other"]["tx_index"] == "on",
        )

    def time_at(self, height: int) -> int:
        """When a block was made."""
        return nanoseconds(self.rpc("header", height=str(height))["header"]["time"])

    def broadcast(self, raw: bytes) -> dict[str, Any]:
        """Hand a transaction in: the node's `code`, `codespace`, `log` and `hash`."""
        return dict(self.rpc("broadcast_tx_sync", tx=base64.b64encode(raw).decode()))

    def transaction(self, tx_hash: str) -> dict[str, Any] | None:
        """A transaction that stands in a block, None while it doesn't."""
        try:
            return dict(self._call("tx", {"hash": base64.b64encode(bytes.fromhex(tx_hash)).decode(), "prove": False}))
        except RpcError:
            return None
        except NodeError as failed:
            raise unreachable(self.config.rpc_addr, failed) from failed

    # What the application answers

    def query(self, path: str, request: Any, answer: Any, name: str, height: int = 0) -> Any:
        """The answer to a gRPC query; `name` is what Hermes calls it.  Raises QueryFailure."""
        data = request.SerializeToString().hex()
        told = self.rpc("abci_query", path=path, data=data, height=str(height), prove=False)
        response = told["response"]
        if response.get("code"):
            raise _refused(name, response)
        return answer.FromString(base64.b64decode(response.get("value") or ""))

    def channel(self, port: str, channel: str) -> Any:
        """A channel end, None when there is none."""
        request = channel_query.QueryChannelRequest(port_id=port, channel_id=channel)
        answer = channel_query.QueryChannelResponse
        try:
            return self.query(_CHANNEL + "Channel", request, answer, "query_channel").channel
        except QueryFailure:
            return None

    def channels(self) -> list[Any]:
        """All channel ends, each with its port and name."""
        return self._pages(
            _CHANNEL + "Channels",
            channel_query.QueryChannelsRequest(),
            channel_query.QueryChannelsResponse,
            lambda page: page.channels,
        )

    def connection(self, name: str) -> Any:
        """A connection end."""
        request = connection_query.QueryConnectionRequest(connection_id=name)
        path = "/ibc.core.connection.v1.Query/Connection"
        return self.query(path, request, connection_query.QueryConnectionResponse, "query_connection").connection

    def client_state(self, client: str) -> Any:
        """A tendermint client's state, None when there is no such client."""
        request = client_query.QueryClientStateRequest(client_id=client)
        answer = client_query.QueryClientStateResponse
        try:
            found = self.query(_CLIENT + "ClientState", request, answer, "query_client_state")
        except QueryFailure:
            return None
        return tendermint_pb2.ClientState.FromString(found.client_state.value)

    def consensus_time(self, client: str, revision: int, height: int) -> int | None:
        """The time of the consensus state that a client has of a height, None when it has none."""
        request = client_query.QueryConsensusStateRequest(
            client_id=client, revision_number=revision, revision_height=height
        )
        answer = client_query.QueryConsensusStateResponse
        try:
            found = self.query(_CLIENT + "ConsensusState", request, answer, "query_consensus_state")
        except QueryFailure:
            return None
        state = tendermint_pb2.ConsensusState.FromString(found.consensus_state.value)
        return int(state.timestamp.ToNanoseconds())

    def commitments(self, port: str, channel: str, height: int = 0) -> tuple[list[int], int]:
        """The sequences that are committed on a channel, and the height that says so."""
        request = channel_query.QueryPacketCommitmentsRequest(port_id=port, channel_id=channel)
        return self._packets("PacketCommitments", request, channel_query.QueryPacketCommitmentsResponse, height)

    def acknowledgements(self, port: str, channel: str, among: Sequence[int]) -> tuple[list[int], int]:
        """Those of the sequences whose acknowledgement was written, and the height that says so."""
        request = channel_query.QueryPacketAcknowledgementsRequest(
            port_id=port, channel_id=channel, packet_commitment_sequences=among
        )
        found, height = self._packets(
            "PacketAcknowledgements", request, channel_query.QueryPacketAcknowledgementsResponse, 0
        )
        return [sequence for sequence in found if sequence in {*among}], height

    def unreceived(self, port: str, channel: str, among: Sequence[int]) -> list[int]:
        """Those of the counterparty's sequences that weren't received here."""
        request = channel_query.QueryUnreceivedPacketsRequest(
            port_id=port, channel_id=channel, packet_commitment_sequences=among
        )
        answer = channel_query.QueryUnreceivedPacketsResponse
        found = self.query(_CHANNEL + "UnreceivedPackets", request, answer, "query_unreceived_packets")
        return sorted(found.sequences)

    def unacknowledged(self, port: str, channel: str, among: Sequence[int]) -> list[int]:
        """Those of our own sequences whose commitment still stands."""
        request = channel_query.QueryUnreceivedAcksRequest(port_id=port, channel_id=channel, packet_ack_sequences=among)
        answer = channel_query.QueryUnreceivedAcksResponse
        found = self.query(_CHANNEL + "UnreceivedAcks", request, answer, "query_unreceived_acknowledgements")
        return sorted(found.sequences)

    def next_to_receive(self, port: str, channel: str, height: int) -> int:
        """The next sequence that an ordered channel receives."""
        request = channel_query.QueryNextSequenceReceiveRequest(port_id=port, channel_id=channel)
        answer = channel_query.QueryNextSequenceReceiveResponse
        name = "query_next_sequence_receive"
        return int(self.query(_CHANNEL + "NextSequenceReceive", request, answer, name, height).next_sequence_receive)

    def look_up_account(self) -> Account:
        """The signer's account.  Raises QueryFailure when it has none."""
        request = auth_query.QueryAccountRequest(address=self.signer().account)
        path = "/cosmos.auth.v1beta1.Query/Account"
        found = self.query(path, request, auth_query.QueryAccountResponse, "query_account").account
        value = found.value
        if found.type_url.endswith(".EthAccount"):
            # It has a base account as its first field.
            value = wrappers_pb2.BytesValue.FromString(value).value
        base = auth_pb2.BaseAccount.FromString(value)
        return Account(base.account_number, base.sequence)

    def balances(self, address: str) -> list[tuple[str, str]]:
        """Amount and denom of everything an account holds."""
        rows = self._pages(
            "/cosmos.bank.v1beta1.Query/AllBalances",
            bank_query.QueryAllBalancesRequest(address=address),
            bank_query.QueryAllBalancesResponse,
            lambda page: page.balances,
        )
        return [(coin.amount, coin.denom) for coin in rows]

    def simulate(self, raw: bytes) -> int:
        """The gas that a transaction would use.  Raises QueryFailure with the chain's words."""
        request = tx_service.SimulateRequest(tx_bytes=raw)
        path = "/cosmos.tx.v1beta1.Service/Simulate"
        return int(self.query(path, request, tx_service.SimulateResponse, "send_tx_simulate").gas_info.gas_used)

    def _packets(self, what: str, request: Any, answer: Any, height: int) -> tuple[list[int], int]:
        found: set[int] = set()
        seen = height
        key = b""
        while True:
            request.pagination.limit, request.pagination.key = _PAGE, key
            page = self.query(_CHANNEL + what, request, answer, what, height)
            rows = page.commitments if hasattr(page, "commitments") else page.acknowledgements
            found.update(row.sequence for row in rows)
            seen, key = int(page.height.revision_height), page.pagination.next_key
            if not key:
                return sorted(found), seen

    def _pages(self, path: str, request: Any, answer: Any, rows: Callable[[Any], Any]) -> list[Any]:
        found: list[Any] = []
        key = b""
        while True:
            request.pagination.limit, request.pagination.key = _PAGE, key
            page = self.query(path, request, answer, path.rpartition("/")[2])
            found += rows(page)
            key = page.pagination.next_key
            if not key:
                return found


def nanoseconds(text: str) -> int:
    """Unix nanoseconds of a time as Go writes it."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * _BILLION + int(rest.ljust(9, "0") or 0)


def _refused(name: str, response: dict[str, Any]) -> QueryFailure:
    # Over gRPC the code and the words come apart, and the SDK's own error isn't put behind them.
    told = _STATUS.fullmatch(str(response.get("log", "")))
    status, log = (told["status"], told["words"]) if told else ("Unknown", str(response.get("log", "")))
    headers = f'headers: {{"content-type": "application/grpc", "x-cosmos-block-height": "{response.get("height")}"}}'
    shown = f"status: {status}, message: {json.dumps(log, ensure_ascii=False)}, details: [], metadata: MetadataMap"
    return QueryFailure(f"gRPC call `{name}` failed with status: {shown} {{ {headers} }}", log=log)
