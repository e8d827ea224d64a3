"""Queries about light clients and connections (`ibc.core.client.v1`, `ibc.core.connection.v1`), as v8.8 and v10.7."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.ibc.core.client.v1 import query_pb2 as client_wire
from cosmpy.protos.ibc.core.connection.v1 import connection_pb2
from cosmpy.protos.ibc.core.connection.v1 import query_pb2 as wire
from google.protobuf import any_pb2, wrappers_pb2

from relayclear.rehearsal import channels, clients
from relayclear.rehearsal.questions import Answerer, Question, check_identifier, decoded, filtered, page, refused
from relayclear.rehearsal.store import Branch, View

_CLIENT = "/ibc.core.client.v1.Query/"
_CONNECTION = "/ibc.core.connection.v1.Query/"
_LOCALHOST, _LOCAL_CONNECTION = "09-localhost", "connection-localhost"
_LOCALHOST_URL = "/ibc.lightclients.localhost.v2.ClientState"


def _checked(question: Question, kind: Any, raw: bytes) -> Any:
    asked = decoded(kind, raw)
    check_identifier(asked.client_id, 9 if question.spec.old else 4)
    return asked


def _view(question: Question) -> View:
    """The state, with what a chain keeps of itself: a connection, and on older chains a client of every block."""
    view = Branch(question.view)
    end = connection_pb2.ConnectionEnd(client_id=_LOCALHOST, state=channels.OPEN)
    end.versions.add(identifier="1", features=["ORDER_ORDERED", "ORDER_UNORDERED"])
    end.counterparty.client_id, end.counterparty.connection_id = _LOCALHOST, _LOCAL_CONNECTION
    end.counterparty.prefix.key_prefix = b"ibc"
    view.set(f"ibc:connections/{_LOCAL_CONNECTION}", end.SerializeToString())
    if question.spec.old:
        # Field 1 of its state is the height; no library has the message.
        inner = wrappers_pb2.BytesValue(value=question.proof_height().SerializeToString()).SerializeToString()
        state = any_pb2.Any(type_url=_LOCALHOST_URL, value=inner)
        view.set(clients.state_key(_LOCALHOST), state.SerializeToString())
    return view


def _client_state(question: Question, raw: bytes) -> Any:
    asked = _checked(question, client_wire.QueryClientStateRequest, raw)
    found = _view(question).get(clients.state_key(asked.client_id))
    if found is None:
        raise refused(22, f"{asked.client_id}: light client not found")
    state, height = any_pb2.Any.FromString(found), question.proof_height()
    return client_wire.QueryClientStateResponse(client_state=state, proof_height=height)


def _client_states(question: Question, raw: bytes) -> Any:
    asked = decoded(client_wire.QueryClientStatesRequest, raw)
    found = filtered(_view(question), "ibc:clients", asked.pagination, _is_state)
    made = client_wire.QueryClientStatesResponse(pagination=found.response)
    states = {key.split("/")[1]: value for key, value in found.rows}
    made.client_states.extend(clients.identified(name, states[name]) for name in sorted(states))
    return made


def _is_state(key: str, _value: bytes) -> bool:
    return key.endswith("/clientState")


def _client_status(question: Question, raw: bytes) -> Any:
    asked = _checked(question, client_wire.QueryClientStatusRequest, raw)
    if asked.client_id == _LOCALHOST:
        return client_wire.QueryClientStatusResponse(status=clients.ACTIVE)
    found = clients.status(question.view, asked.client_id, question.time_ns)
    if found == clients.UNKNOWN and question.spec.old:
        raise refused(22, f"{asked.client_id}: light client not found")
    return client_wire.QueryClientStatusResponse(status=found)


def _consensus_state(question: Question, raw: bytes) -> Any:
    asked = _checked(question, client_wire.QueryConsensusStateRequest, raw)
    revision, height = asked.revision_number, asked.revision_height
    if asked.latest_height:
        state = clients.state(question.view, asked.client_id)
        place = (state.latest_height.revision_number, state.latest_height.revision_height) if state else (0, 0)
    elif height:
        place = (revision, height)
    else:
        raise refused(18, "consensus state height cannot be 0")
    found = question.view.get(clients.consensus_key(asked.client_id, *place))
    if found is None:
        raise refused(22, f"client-id: {asked.client_id}, height: {revision}-{height}: consensus state not found")
    return client_wire.QueryConsensusStateResponse(
        consensus_state=any_pb2.Any.FromString(found), proof_height=question.proof_height()
    )


def _connection(question: Question, raw: bytes) -> Any:
    asked = decoded(wire.QueryConnectionRequest, raw)
    check_identifier(asked.connection_id, 10)
    found = channels.connection(_view(question), asked.connection_id)
    if found is None:
        raise refused(22, f"{asked.connection_id}: connection not found")
    return wire.QueryConnectionResponse(connection=found, proof_height=question.proof_height())


def _connections(question: Question, raw: bytes) -> Any:
    asked = decoded(wire.QueryConnectionsRequest, raw)
    found = page(_view(question), "ibc:connections", asked.pagination)
    made = wire.QueryConnectionsResponse(pagination=found.response, height=question.proof_height())
    for key, value in found.rows:
        # The two messages differ by the name alone, which pushes every field up by one.
        end = connection_pb2.ConnectionEnd.FromString(value)
        row = made.connections.add(id=key[1:], client_id=end.client_id, versions=end.versions, state=end.state)
        row.counterparty.CopyFrom(end.counterparty)
        row.delay_period = end.delay_period
    return made


ROUTES: dict[str, Answerer] = {
    f"{_CLIENT}ClientState": _client_state,
    f"{_CLIENT}ClientStates": _client_states,
    f"{_CLIENT}ClientStatus": _client_status,
    f"{_CLIENT}ConsensusState": _consensus_state,
    f"{_CONNECTION}Connection": _connection,
    f"{_CONNECTION}Connections": _connections,
}
"""Answers by path."""
