"""What a full node says of itself: programs, versions, names and keys.

Names, keys and hashes are derived from the chain's and the node's name, so that a world is the same every time.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.faults import NodeFaults
from relayclear.rehearsal.spec import Generation


@dataclass(frozen=True, slots=True)
class Versions:
    """The programs that a generation of chains is built from."""

    comet: str
    sdk: str
    ibc_path: str
    ibc: str

    def modules(self) -> list[tuple[str, str]]:
        """Go modules and their versions, as a node lists what it was built from."""
        return [
            ("github.com/cometbft/cometbft", f"v{self.comet}"),
            ("github.com/cosmos/cosmos-sdk", self.sdk),
            (self.ibc_path, self.ibc),
        ]


VERSIONS = {
    Generation.V8: Versions("0.38.11", "v0.50.9", "github.com/cosmos/ibc-go/v8", "v8.8.0"),
    Generation.V10: Versions("0.38.26", "v0.53.8", "github.com/cosmos/ibc-go/v10", "v10.7.0"),
}


def shown_chain_id(chain: Chain, faults: NodeFaults) -> str:
    """The chain id that a node claims."""
    return faults.chain_id or chain.spec.chain_id


def node_info(chain: Chain, faults: NodeFaults, name: str) -> dict[str, Any]:
    """`node_info` of `status`."""
    return {
        "protocol_version": {"p2p": "8", "block": "11", "app": "0"},
        "id": sha256(f"node {chain.spec.chain_id} {name}".encode()).hexdigest()[:40],
        "listen_addr": "tcp://127.0.0.1:26656",
        "network": shown_chain_id(chain, faults),
        "version": VERSIONS[chain.spec.generation].comet,
        "channels": "40202122233038606100",
        "moniker": name or chain.spec.chain_id,
        "other": {"tx_index": "on" if faults.tx_index else "off", "rpc_address": "tcp://127.0.0.1:26657"},
    }


def validator_key(chain: Chain) -> bytes:
    """The chain's one validator's public key."""
    return sha256(f"validator {chain.spec.chain_id}".encode()).digest()


def validator_address(chain: Chain) -> str:
    """Its address, upper-case hex."""
    return sha256(validator_key(chain)).hexdigest()[:40].upper()


def validator_info(chain: Chain) -> dict[str, Any]:
    """`validator_info` of `status`."""
    key = {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(validator_key(chain)).decode()}
    return {"address": validator_address(chain), "pub_key": key, "voting_power": "1000"}


def failed_at(generation: Generation, code: int) -> str:
    """Where in the SDK an error was made, which simulations tell; most of them wherever errors are wrapped."""
    versions = VERSIONS[generation]
    lines = _LINES[generation]
    if code in lines:
        return f"cosmos/cosmos-sdk@{versions.sdk}/{lines[code]}"
    return f"{_WRAPPED[generation]}:{155 if code in _FORMATTED else 151}"


# An unknown address is wrapped with a format.
_FORMATTED = {9}
_WRAPPED = {
    Generation.V8: "cosmossdk.io/errors@v1.0.1/errors.go",
    Generation.V10: "cosmossdk.io/errors@v1.0.2/errors.go",
}
# Seen on chains of these versions.
_LINES = {
    Generation.V8: {
        2: "x/auth/tx/decoder.go:23",
        4: "x/bank/keeper/msg_server.go:62",
        5: "x/bank/keeper/send.go:278",
        12: "x/auth/ante/basic.go:65",
        30: "x/auth/ante/basic.go:211",
        32: "x/auth/ante/sigverify.go:290",
    },
    Generation.V10: {
        4: "x/bank/keeper/msg_server.go:62",
        5: "x/bank/keeper/send.go:298",
        12: "x/auth/ante/basic.go:68",
        30: "x/auth/ante/basic.go:213",
        32: "x/auth/ante/sigverify.go:370",
    },
}
