"""What a node answers to `abci_query`: the routes of `baseapp.Query`, and the raw store of IBC.

After Cosmos SDK 0.50.9 (older chains) and 0.53.8, with the texts of both.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cosmpy.protos.cosmos.base.abci.v1beta1 import abci_pb2
from cosmpy.protos.cosmos.base.node.v1beta1 import query_pb2 as node_wire
from cosmpy.protos.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint_wire
from cosmpy.protos.cosmos.store.internal.kv.v1beta1 import kv_pb2
from cosmpy.protos.cosmos.tx.v1beta1 import service_pb2

from relayclear.rehearsal import node_facts, queries_accounts, queries_channels, queries_clients
from relayclear.rehearsal.ante import gas_before
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.failures import TxFailure
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.questions import Answerer, QueryFailure, Question, decoded, refused
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.transactions import decode

_STORE = "store"
_STORES = ("ibc", "bank", "acc", "transfer")
_UNLIMITED = 2**64 - 1
_BROADCAST = "/cosmos.tx.v1beta1.Service/BroadcastTx"


@dataclass(frozen=True, slots=True)
class Query:
    """One `abci_query`; height 0 is the newest."""

    path: str
    data: bytes
    height: int


def answer(chain: Chain, faults: NodeFaults, name: str, query: Query, newest: int) -> dict[str, Any]:
    """The `response` of an ABCI query as JSON-RPC shows it; `newest` is the height the node itself is at."""
    try:
        return _answer(chain, faults, name, query, newest)
    except QueryFailure as failed:
        said = {"code": failed.code, "log": failed.log, "height": str(failed.height), "codespace": failed.codespace}
        return _response(**said)


def _answer(chain: Chain, faults: NodeFaults, name: str, query: Query, newest: int) -> dict[str, Any]:
    height = query.height or newest
    if query.path == _BROADCAST:
        raise QueryFailure.registered(18, "can't route a broadcast tx message")
    answerer = routes(chain.spec).get(query.path)
    if answerer is None:
        return _unrouted(chain, faults, query, height, newest)
    _check_height(chain.spec, faults, height, newest)
    question = Question(chain, faults, name, chain.state_at(height), height, chain.blocks[height - 1].time_ns)
    try:
        value = answerer(question, query.data).SerializeToString()
    except QueryFailure as failed:
        failed.height = height
        raise
    return _response(value=_base64(value), height=str(height))


def _check_height(spec: ChainSpec, faults: NodeFaults, height: int, newest: int) -> None:
    if height < 0:
        raise QueryFailure.registered(18, "cannot query with height < 0; please provide a valid height")
    if height > newest:
        raise QueryFailure.registered(26, "cannot query with height in the future; please provide a valid height")
    if height < faults.pruned_below:
        why = "version does not exist. Version has either been pruned, or is for a future block height"
        which = f"failed to load state at height {height}; version mismatch on immutable IAVL tree"
        said = f"{which}; {why} (latest height: {newest})"
        raise QueryFailure.registered(18 if spec.old else 38, said)


def _unrouted(chain: Chain, faults: NodeFaults, query: Query, height: int, newest: int) -> dict[str, Any]:
    path = query.path.removeprefix("/").split("/")
    if not query.path:
        raise QueryFailure.registered(6, "no query path provided")
    if path[0] == _STORE:
        return _raw_store(chain, faults, path[1:], query.data, height, newest)
    if path[:2] == ["app", "version"]:
        return _response(value="", height=str(height), codespace="sdk")
    if path[0] == "app" and len(path) > 1:
        raise QueryFailure.registered(6, f"unknown query: [{' '.join(path)}]")
    if path[0] == "app":
        wanted = "either 'simulate' or 'version', neither was present"
        raise QueryFailure.registered(6, f"expected second parameter to be {wanted}")
    if path[0] == "p2p":
        raise QueryFailure.registered(6, "path should be p2p filter <addr|id> <parameter>")
    raise QueryFailure.registered(6, "unknown query path")


def _raw_store(
    chain: Chain, faults: NodeFaults, path: list[str], data: bytes, height: int, newest: int
) -> dict[str, Any]:
    """`store/NAME/key` and `store/NAME/subspace`; the second looks at the newest state whatever the height."""
    name, slash, rest = "/".join(path).partition("/")
    below = slash + rest
    if name not in _STORES:
        raise QueryFailure(_STORE, 4, f"no such store: {name}: unknown request")
    if not data:
        raise QueryFailure(_STORE, 3, "query cannot be zero length: tx parse error")
    said = {"key": _base64(data), "height": str(height)}
    if below == "/subspace":
        return _response(value=_base64(_pairs(chain, name, data, newest)), **said)
    if below != "/key":
        raise QueryFailure(_STORE, 4, f"unexpected query path: {below}: unknown request")
    if not max(1, faults.pruned_below) <= height <= newest:
        return _response(log="version does not exist", **said)
    value = chain.state_at(height).get(f"{name}:{_text(data)}")
    return _response(value=_base64(value) if isinstance(value, bytes) else None, **said)


def _pairs(chain: Chain, name: str, prefix: bytes, newest: int) -> bytes:
    made, cut = kv_pb2.Pairs(), len(name) + 1
    add = made.pairs.add
    for key, value in chain.state_at(newest).scan(f"{name}:{_text(prefix)}"):
        if isinstance(value, bytes):
            add(key=key[cut:].encode(errors="surrogateescape"), value=value)
    return bytes(made.SerializeToString())


def _text(key: bytes) -> str:
    return key.decode(errors="surrogateescape")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _response(**said: Any) -> dict[str, Any]:
    empty = {"code": 0, "log": "", "info": "", "index": "0", "key": None, "value": None, "proofOps": None}
    return {**empty, "height": "0", "codespace": "", **said}


def _simulate(question: Question, raw: bytes) -> Any:
    asked = decoded(service_pb2.SimulateRequest, raw)
    if not asked.tx_bytes:
        raise refused(18, "empty txBytes is not allowed")
    try:
        result = question.chain.simulate(asked.tx_bytes)
    except TxFailure as failed:
        said = f"{failed.log} [{node_facts.failed_at(question.spec.generation, failed.code)}]"
        raise refused(6, f"{said} with gas used: '{_gas_spent(asked.tx_bytes)}'", "Unknown") from failed
    made = service_pb2.SimulateResponse()
    # Blocks of these chains have no limit of gas, and that is what a simulation wants.
    made.gas_info.gas_wanted, made.gas_info.gas_used = _UNLIMITED, result.gas_used
    made.result.data = result.data
    data = abci_pb2.TxMsgData.FromString(result.data)
    made.result.msg_responses.extend(data.msg_responses)
    for one in result.events:
        row = made.result.events.add(type=one.type)
        for key, value in one.attributes:
            row.attributes.add(key=key, value=value)
    return made


def _gas_spent(raw: bytes) -> int:
    try:
        return gas_before(decode(raw))
    except TxFailure:
        return 0


def _config(question: Question, _raw: bytes) -> Any:
    spec = question.spec
    price = f"{spec.min_gas_price:.18f}{spec.gas_denom}"
    return node_wire.ConfigResponse(minimum_gas_price=price)


def _node_info(question: Question, _raw: bytes) -> Any:
    made = tendermint_wire.GetNodeInfoResponse()
    facts = node_facts.node_info(question.chain, question.faults, question.name)
    info = made.default_node_info
    info.protocol_version.p2p, info.protocol_version.block = 8, 11
    info.default_node_id, info.listen_addr = facts["id"], facts["listen_addr"]
    info.network, info.version, info.moniker = facts["network"], facts["version"], facts["moniker"]
    info.channels = bytes.fromhex(facts["channels"])
    info.other.tx_index, info.other.rpc_address = facts["other"]["tx_index"], facts["other"]["rpc_address"]
    versions = node_facts.VERSIONS[question.spec.generation]
    about = made.application_version
    about.app_name, about.go_version = "<appd>", "go version go1.26.8 linux/amd64"
    about.cosmos_sdk_version = versions.sdk
    for path, version in versions.modules():
        about.build_deps.add(path=path, version=version)
    return made


_NODE: dict[str, Answerer] = {
    "/cosmos.tx.v1beta1.Service/Simulate": _simulate,
    "/cosmos.base.node.v1beta1.Service/Config": _config,
    "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo": _node_info,
}
_EVERYWHERE = {**queries_channels.ROUTES, **queries_clients.ROUTES, **queries_accounts.ROUTES, **_NODE}
_OLDER = {**_EVERYWHERE, **queries_accounts.OLDER}
_NEWER = {**_EVERYWHERE, **queries_accounts.NEWER}


def routes(spec: ChainSpec) -> Mapping[str, Answerer]:
    """The paths that a chain of this kind answers."""
    return _OLDER if spec.old else _NEWER
