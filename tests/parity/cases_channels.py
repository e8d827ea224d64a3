"""Questions about channels, connections and clients."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.cosmos.base.query.v1beta1 import pagination_pb2
from cosmpy.protos.ibc.core.channel.v1 import query_pb2 as channel
from cosmpy.protos.ibc.core.client.v1 import query_pb2 as client
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as connection
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2  # noqa: F401  client states decode with it

from tests.localnet import rpc
from tests.localnet.node import ALPHA, BETA
from tests.parity import envelopes
from tests.parity.questions import CHANNEL, CLIENT, CONNECTION, page_of
from tests.parity.registry import case
from tests.parity.scenes import relayed
from tests.parity.side import Side

# Channels, connections, clients


def _rows(reply: dict[str, Any], field: str, *ids: str) -> Any:
    """What kinds of row a list has: which ids they got, and how many of them, is a world's own history."""
    value = reply["body"]["result"]["response"]["value"]
    rows = [{key: item for key, item in row.items() if key not in ids} for row in value.pop(field)]
    kinds: list[Any] = []
    for row in rows:
        if row not in kinds:
            kinds.append(row)
    return {"reply": reply, "kinds": sorted(kinds, key=str)}


@case
def channels_of_a_chain(side: Side) -> Any:
    request = channel.QueryChannelsRequest(pagination=page_of(10_000))
    reply = side.query(ALPHA, f"{CHANNEL}Channels", request, channel.QueryChannelsResponse)
    # Mock channels get closed by other cases.
    value = reply["body"]["result"]["response"]["value"]
    value["channels"] = [row for row in value["channels"] if row["port_id"] == "transfer"]
    return _rows(reply, "channels", "channel_id", "counterparty", "connection_hops")


@case
def channels_of_a_newer_chain(side: Side) -> Any:
    request = channel.QueryChannelsRequest(pagination=page_of(10_000))
    reply = side.query(BETA, f"{CHANNEL}Channels", request, channel.QueryChannelsResponse)
    value = reply["body"]["result"]["response"]["value"]
    value["channels"] = [row for row in value["channels"] if row["port_id"] == "transfer"]
    return _rows(reply, "channels", "channel_id", "counterparty", "connection_hops")


@case
def channels_page_by_page(side: Side) -> Any:
    def page(key: bytes) -> Any:
        request = channel.QueryChannelsRequest(pagination=page_of(2, key))
        return side.query(ALPHA, f"{CHANNEL}Channels", request, channel.QueryChannelsResponse)

    first = page(b"")["body"]["result"]["response"]["value"]
    key = envelopes.from_base64(first["pagination"]["next_key"])
    second = page(key)["body"]["result"]["response"]["value"]
    return {
        "key": key.decode(),
        "rows": [len(one["channels"]) for one in (first, second)],
        "page": sorted(first["pagination"]),
    }


@case
def channels_counted(side: Side) -> Any:
    request = channel.QueryChannelsRequest(pagination=pagination_pb2.PageRequest(limit=1, count_total=True))
    reply = side.query(ALPHA, f"{CHANNEL}Channels", request, channel.QueryChannelsResponse)
    page = reply["body"]["result"]["response"]["value"]["pagination"]
    return {"counted": int(page["total"]) > 1, "more": bool(page["next_key"])}


def _channel(side: Side, chain: str, port: str, name: str) -> Any:
    request = channel.QueryChannelRequest(port_id=port, channel_id=name)
    return side.query(chain, f"{CHANNEL}Channel", request, channel.QueryChannelResponse)


@case
def channel_that_is_open(side: Side) -> Any:
    return _channel(side, ALPHA, "transfer", side.scene(relayed).channel.alpha.channel)


@case
def channel_that_is_open_on_a_newer_chain(side: Side) -> Any:
    return _channel(side, BETA, "transfer", side.scene(relayed).channel.beta.channel)


@case
def channel_nobody_opened(side: Side) -> Any:
    return _channel(side, ALPHA, "transfer", "channel-999")


@case
def channel_nobody_opened_on_a_newer_chain(side: Side) -> Any:
    return _channel(side, BETA, "transfer", "channel-999")


@case
def channel_that_is_no_name(side: Side) -> Any:
    return _channel(side, ALPHA, "transfer", "!")


@case
def channel_on_no_port(side: Side) -> Any:
    return _channel(side, ALPHA, "", "channel-0")


@case
def connections_of_a_chain(side: Side) -> Any:
    request = connection.QueryConnectionsRequest(pagination=page_of(10_000))
    reply = side.query(ALPHA, f"{CONNECTION}Connections", request, connection.QueryConnectionsResponse)
    return _rows(reply, "connections", "id", "client_id", "counterparty")


@case
def connections_of_a_newer_chain(side: Side) -> Any:
    request = connection.QueryConnectionsRequest(pagination=page_of(10_000))
    return side.query(BETA, f"{CONNECTION}Connections", request, connection.QueryConnectionsResponse)


@case
def clients_of_a_chain(side: Side) -> Any:
    return _clients(side, ALPHA)


@case
def clients_of_a_newer_chain(side: Side) -> Any:
    return _clients(side, BETA)


def _clients(side: Side, chain: str) -> Any:
    """Ids and types: a chain has clients that only itself can read."""
    request = client.QueryClientStatesRequest(pagination=page_of(10_000))
    reply = side.query(chain, f"{CLIENT}ClientStates", request)
    value = envelopes.from_base64(reply["body"]["result"]["response"].pop("value"))
    rows = [(rpc.text(row, 1), rpc.text(rpc.fields(row, 2)[0], 1)) for row in rpc.fields(value, 1)]
    return {"reply": reply, "clients": [list(row) for row in rows]}


def _status(side: Side, name: str, chain: str = ALPHA) -> Any:
    request = client.QueryClientStatusRequest(client_id=name)
    return side.query(chain, f"{CLIENT}ClientStatus", request, client.QueryClientStatusResponse)


@case
def status_of_an_active_client(side: Side) -> Any:
    return _status(side, side.scene(relayed).channel.alpha.client)


@case
def status_of_an_expired_client(side: Side) -> Any:
    return _status(side, side.of_kind("expired").alpha.client)


@case
def status_of_a_client_that_is_not_there(side: Side) -> Any:
    return _status(side, "07-tendermint-999")


@case
def status_of_a_client_that_is_not_there_on_a_newer_chain(side: Side) -> Any:
    return _status(side, "07-tendermint-999", BETA)


@case
def status_of_no_client(side: Side) -> Any:
    return _status(side, "!")


@case
def client_state(side: Side) -> Any:
    request = client.QueryClientStateRequest(client_id=side.scene(relayed).channel.alpha.client)
    return side.query(ALPHA, f"{CLIENT}ClientState", request, client.QueryClientStateResponse)


@case
def client_state_of_nothing(side: Side) -> Any:
    return side.query(ALPHA, f"{CLIENT}ClientState", client.QueryClientStateRequest(client_id="07-tendermint-999"))


def _consensus(side: Side, name: str, **where: Any) -> Any:
    request = client.QueryConsensusStateRequest(client_id=name, **where)
    return side.query(ALPHA, f"{CLIENT}ConsensusState", request, client.QueryConsensusStateResponse)


@case
def newest_consensus_state(side: Side) -> Any:
    return _consensus(side, side.scene(relayed).channel.alpha.client, latest_height=True)


@case
def consensus_state_of_a_height_never_seen(side: Side) -> Any:
    name = side.scene(relayed).channel.alpha.client
    return _consensus(side, name, revision_number=1, revision_height=1)


@case
def consensus_state_of_no_client(side: Side) -> Any:
    return _consensus(side, "07-tendermint-999", latest_height=True)
