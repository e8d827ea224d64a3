"""Light clients (ICS-02, 07-tendermint): what one chain knows of another, and the check of its proofs.

Proofs carry no bytes here: a claim is compared with the other chain's own state at the proof's height.  What
clients decide on (status, trusting period, consensus states) is kept as ibc-go keeps it.
"""

from __future__ import annotations

import functools
from hashlib import sha256
from typing import Any

from cosmpy.protos.cosmos.ics23.v1 import proofs_pb2
from cosmpy.protos.ibc.core.client.v1 import client_pb2
from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2
from google.protobuf import any_pb2

from relayclear.rehearsal.context import Context, Peer
from relayclear.rehearsal.events import event
from relayclear.rehearsal.failures import CLIENT, IBC, TxFailure
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.store import View

STATE_URL = "/ibc.lightclients.tendermint.v1.ClientState"
CONSENSUS_URL = "/ibc.lightclients.tendermint.v1.ConsensusState"
HEADER_URL = "/ibc.lightclients.tendermint.v1.Header"
ACTIVE, EXPIRED, FROZEN, UNKNOWN, UNAUTHORIZED = "Active", "Expired", "Frozen", "Unknown", "Unauthorized"
PARAMS_KEY = "ibc:clientParams"
_KIND = "07-tendermint"


def state_key(client: str) -> str:
    """Where a client's state stands."""
    return f"ibc:clients/{client}/clientState"


def consensus_key(client: str, revision: int, height: int) -> str:
    """Where the consensus state of a height stands."""
    return f"ibc:clients/{client}/consensusStates/{revision}-{height}"


def state(view: View, client: str) -> Any:
    """The tendermint client state, None when there is no such client."""
    raw = view.get(state_key(client))
    return None if raw is None else _state(raw)


def consensus(view: View, client: str, revision: int, height: int) -> Any:
    """The consensus state of a height, None when the client never learnt of it."""
    raw = view.get(consensus_key(client, revision, height))
    return None if raw is None else tendermint_pb2.ConsensusState.FromString(any_pb2.Any.FromString(raw).value)


def status(view: View, client: str, now_ns: int) -> str:
    """`Active`, `Expired` or `Frozen`, and `Unknown` for a client that isn't there; frozen outranks expired.

    `Unauthorized` where the chain's parameters, when it has any, don't allow light clients of this kind.
    """
    found, params = state(view, client), view.get(PARAMS_KEY)
    if found is None:
        return UNKNOWN
    if params is not None and not {"*", _KIND} & {*client_pb2.Params.FromString(params).allowed_clients}:
        return UNAUTHORIZED
    if found.frozen_height.revision_height:
        return FROZEN
    latest = consensus(view, client, found.latest_height.revision_number, found.latest_height.revision_height)
    if latest is None:
        return EXPIRED
    until = latest.timestamp.ToNanoseconds() + found.trusting_period.ToNanoseconds()
    return ACTIVE if until > now_ns else EXPIRED


def new_state(follows: ChainSpec, height: int, trusting_seconds: int) -> bytes:
    """The state, in its envelope, of a client that has just seen a height."""
    made = tendermint_pb2.ClientState(chain_id=follows.chain_id)
    made.trust_level.numerator, made.trust_level.denominator = 2, 3
    made.trusting_period.FromSeconds(trusting_seconds)
    made.unbonding_period.FromSeconds(follows.unbonding_seconds)
    made.max_clock_drift.FromSeconds(40)
    made.frozen_height.SetInParent()
    made.proof_specs.extend(_proof_specs())
    made.upgrade_path.extend(["upgrade", "upgradedIBCState"])
    made.allow_update_after_expiry = made.allow_update_after_misbehaviour = True
    made.latest_height.revision_number, made.latest_height.revision_height = follows.revision, height
    return _wrapped(STATE_URL, made)


def new_consensus(time_ns: int) -> bytes:
    """A consensus state, in its envelope."""
    made = tendermint_pb2.ConsensusState()
    made.timestamp.FromNanoseconds(time_ns)
    made.next_validators_hash = bytes(32)
    made.root.hash = sha256(time_ns.to_bytes(8)).digest()
    return _wrapped(CONSENSUS_URL, made)


def _proof_specs() -> list[Any]:
    """How the stores of Cosmos SDK chains prove things: an IAVL tree in a simple Merkle tree (ICS-23)."""
    leaf = proofs_pb2.LeafOp(hash=proofs_pb2.SHA256, prehash_value=proofs_pb2.SHA256, length=proofs_pb2.VAR_PROTO)
    leaf.prefix = b"\0"
    shapes = ((33, 4, 12), (32, 1, 1))
    inner = [
        proofs_pb2.InnerSpec(
            child_order=[0, 1], child_size=size, min_prefix_length=least, max_prefix_length=most, hash=proofs_pb2.SHA256
        )
        for size, least, most in shapes
    ]
    return [proofs_pb2.ProofSpec(leaf_spec=leaf, inner_spec=one) for one in inner]


def update(ctx: Context, msg: Any) -> None:
    """MsgUpdateClient.  Raises TxFailure for a dead client or a header that isn't the other chain's."""
    found, client = state(ctx.store, msg.client_id), msg.client_id
    if found is None:
        raise TxFailure(CLIENT, 4, f"cannot update client with ID {client}")
    now = status(ctx.store, client, ctx.time_ns)
    if now != ACTIVE:
        raise TxFailure(CLIENT, 29, f"cannot update client ({client}) with status {now}")
    header = tendermint_pb2.Header.FromString(msg.client_message.value).signed_header.header
    peer = ctx.peers.get(found.chain_id)
    time_ns = header.time.ToNanoseconds()
    if header.chain_id != found.chain_id or peer is None or peer.time_at(header.height) != time_ns:
        raise TxFailure(CLIENT, 12, "failed to verify header")
    _learn(ctx, client, found, header.height, time_ns)
    height = f"{found.latest_height.revision_number}-{header.height}"
    made = event(
        "update_client",
        client_id=client,
        client_type=_KIND,
        consensus_height=height,
        consensus_heights=height,
    )
    if ctx.spec.old:
        made = made.with_attribute("header", msg.client_message.SerializeToString().hex())
    ctx.emit(made, event("message", module="ibc_client"))


def _learn(ctx: Context, client: str, found: Any, height: int, time_ns: int) -> None:
    revision = found.latest_height.revision_number
    ctx.store.set(consensus_key(client, revision, height), new_consensus(time_ns))
    if height > found.latest_height.revision_height:
        moved = tendermint_pb2.ClientState.FromString(found.SerializeToString())
        moved.latest_height.revision_height = height
        ctx.store.set(state_key(client), _wrapped(STATE_URL, moved))


def freeze(ctx: Context, client: str) -> None:
    """Freeze a client, as proven misbehaviour does."""
    found = tendermint_pb2.ClientState.FromString(state(ctx.store, client).SerializeToString())
    found.frozen_height.revision_height = 1
    ctx.store.set(state_key(client), _wrapped(STATE_URL, found))


def expire(ctx: Context, client: str) -> None:
    """Shorten a client's trusting period to what has passed, so that it is expired now."""
    found = tendermint_pb2.ClientState.FromString(state(ctx.store, client).SerializeToString())
    latest = consensus(ctx.store, client, found.latest_height.revision_number, found.latest_height.revision_height)
    found.trusting_period.FromNanoseconds(ctx.time_ns - latest.timestamp.ToNanoseconds())
    ctx.store.set(state_key(client), _wrapped(STATE_URL, found))


def proven(ctx: Context, client: str, height: Any) -> tuple[Peer, View]:
    """The other chain, and its state that a proof at a height speaks of.  Raises TxFailure.

    A block's header carries the hash of the state after the block before it.
    """
    now = status(ctx.store, client, ctx.time_ns)
    if now != ACTIVE:
        raise TxFailure(CLIENT, 29, f"client ({client}) status is {now}")
    found = state(ctx.store, client)
    _check_known(found.latest_height, height)
    seen = consensus(ctx.store, client, height.revision_number, height.revision_height)
    peer = ctx.peers.get(found.chain_id)
    if seen is None or peer is None:
        words = f"please ensure the proof was constructed against a height that exists on the client ({client})"
        raise TxFailure(CLIENT, 7, words)
    return peer, peer.state_at(height.revision_height - 1)


def _check_known(latest: Any, height: Any) -> None:
    known, proof = ((one.revision_number, one.revision_height) for one in (latest, height))
    if known < proof:
        # Go's `%d` of a height shows its two fields.
        shown = f"{{{known[0]} {known[1]}}} < {{{proof[0]} {proof[1]}}}"
        words = f"client state height < proof height ({shown}), please ensure the client has been updated"
        raise TxFailure(IBC, 9, words)


def claim(view: View, key: str, value: bytes | None) -> None:
    """Compare what a proof claims with what is so.  Raises TxFailure."""
    if view.get(key) != value:
        raise TxFailure("commitment", 2, "failed to verify membership proof at index 0")


def consensus_time(ctx: Context, client: str, height: Any) -> int:
    """The other chain's time at a height, as the client learnt it.  Raises TxFailure."""
    seen = consensus(ctx.store, client, height.revision_number, height.revision_height)
    if seen is None:
        words = f"client ID {client}, height {height.revision_number}-{height.revision_height}"
        raise TxFailure(CLIENT, 7, words)
    return int(seen.timestamp.ToNanoseconds())


def identified(client: str, raw: bytes) -> Any:
    """A client's state with its name, as queries list it."""
    return client_pb2.IdentifiedClientState(client_id=client, client_state=any_pb2.Any.FromString(raw))


@functools.lru_cache(4096)
def _state(raw: bytes) -> Any:
    return tendermint_pb2.ClientState.FromString(any_pb2.Any.FromString(raw).value)


def _wrapped(url: str, message: Any) -> bytes:
    return bytes(any_pb2.Any(type_url=url, value=message.SerializeToString()).SerializeToString())
