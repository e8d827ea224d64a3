"""A Tendermint light client written by hand, as genesis JSON of ibc-go v8.

A restart from `simd export` keeps the clients but loses the headers they point at, so Hermes can never
update them again. A client made by hand points at height 1 of a chain that has not started yet: everything
its consensus state holds is known before the first block.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

# The header of height 1 carries the app hash of "nothing committed yet".
EMPTY_APP_HASH = hashlib.sha256(b"").digest()
# A kept template must not expire: the chains would relay nothing and every list would say so.
_TRUSTING_PERIOD = f"{3650 * 86400}s"
_UNBONDING_PERIOD = f"{3660 * 86400}s"
_FIRST_HEIGHT = {"revision_number": "1", "revision_height": "1"}


@dataclass(frozen=True)
class Watched:
    """A chain as a light client sees it before its first block.

    `validator_key` is the 32-byte ed25519 key of its only validator, `power` that validator's voting power
    (tokens / 1,000,000), `genesis_time` the time of its first header, UTC, whole seconds.
    """

    chain_id: str
    validator_key: bytes
    power: int
    genesis_time: datetime


def b64(raw: bytes) -> str:
    """Base64 with padding, the form in which protobuf JSON writes bytes."""
    return base64.b64encode(raw).decode("ascii")


def rfc3339(at: datetime) -> str:
    """A UTC time of whole seconds as `2026-11-22T15:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def validators_hash(key: bytes, power: int) -> bytes:
    """The 32-byte CometBFT hash of a validator set with a single ed25519 validator.

    One leaf is its own Merkle root: sha256(0x00 + SimpleValidator{pub_key{ed25519}, voting_power}).
    """
    public_key = b"\x0a\x20" + key
    leaf = b"\x0a" + _varint(len(public_key)) + public_key + b"\x10" + _varint(power)
    return hashlib.sha256(b"\x00" + leaf).digest()


def client_genesis(watched: list[Watched], made_at: datetime) -> Json:
    """`app_state.ibc.client_genesis` with client `07-tendermint-N` for the N-th watched chain.

    `made_at` is the genesis time of the chain that holds the clients: the time at which they were "processed".
    """
    names = [f"07-tendermint-{number}" for number in range(len(watched))]
    pairs = list(zip(names, watched, strict=True))
    return {
        "clients": [{"client_id": name, "client_state": _client_state(chain)} for name, chain in pairs],
        "clients_consensus": [
            {
                "client_id": name,
                "consensus_states": [{"height": _FIRST_HEIGHT, "consensus_state": _consensus_state(chain)}],
            }
            for name, chain in pairs
        ],
        "clients_metadata": [{"client_id": name, "client_metadata": _metadata(made_at)} for name in names],
        "params": {"allowed_clients": ["*"]},
        # InitChain makes 09-localhost whatever stands here.
        "create_localhost": False,
        "next_client_sequence": str(len(watched)),
    }


def _client_state(chain: Watched) -> Json:
    return {
        "@type": "/ibc.lightclients.tendermint.v1.ClientState",
        "chain_id": chain.chain_id,
        "trust_level": {"numerator": "1", "denominator": "3"},
        "trusting_period": _TRUSTING_PERIOD,
        "unbonding_period": _UNBONDING_PERIOD,
        "max_clock_drift": "40s",
        "frozen_height": {"revision_number": "0", "revision_height": "0"},
        "latest_height": _FIRST_HEIGHT,
        # The IAVL tree of the module's store, then the plain Merkle tree that joins all stores.
        "proof_specs": [_proof_spec(33, (4, 12)), _proof_spec(32, (1, 1))],
        "upgrade_path": ["upgrade", "upgradedIBCState"],
        "allow_update_after_expiry": False,
        "allow_update_after_misbehaviour": False,
    }


def _proof_spec(child_size: int, prefix: tuple[int, int]) -> Json:
    """An ICS-23 spec; `prefix` bounds the length of what an inner node puts before its first child, in bytes."""
    leaf = {"hash": "SHA256", "prehash_key": "NO_HASH", "prehash_value": "SHA256", "length": "VAR_PROTO"}
    inner = {
        "child_order": [0, 1],
        "child_size": child_size,
        "min_prefix_length": prefix[0],
        "max_prefix_length": prefix[1],
        "empty_child": None,
        "hash": "SHA256",
    }
    limits = {"max_depth": 0, "min_depth": 0, "prehash_key_before_comparison": False}
    return {"leaf_spec": leaf | {"prefix": b64(b"\x00")}, "inner_spec": inner} | limits


def _consensus_state(chain: Watched) -> Json:
    return {
        "@type": "/ibc.lightclients.tendermint.v1.ConsensusState",
        "timestamp": rfc3339(chain.genesis_time),
        "root": {"hash": b64(EMPTY_APP_HASH)},
        "next_validators_hash": validators_hash(chain.validator_key, chain.power).hex().upper(),
    }


def _metadata(made_at: datetime) -> list[Json]:
    """The three rows that `CreateClient` would have written; without them the first update of the client fails."""
    state_key = b"consensusStates/1-1"
    height = (1).to_bytes(8, "big") + (1).to_bytes(8, "big")
    nanoseconds = int(made_at.timestamp()) * 1_000_000_000
    rows = {
        state_key + b"/processedTime": nanoseconds.to_bytes(8, "big"),
        state_key + b"/processedHeight": b"1-1",
        b"iterateConsensusStates" + height: state_key,
    }
    return [{"key": b64(key), "value": b64(value)} for key, value in rows.items()]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
