"""What kind of chain one is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Generation(StrEnum):
    """Which ibc-go (and Cosmos SDK) a chain speaks like; events and some queries differ."""

    V8 = "v8"
    """ibc-go v8.8, SDK 0.50, CometBFT 0.38.11"""
    V10 = "v10"
    """ibc-go v10.7, SDK 0.53, CometBFT 0.38.26"""


class KeyKind(StrEnum):
    """How accounts sign and what their addresses are made from."""

    SECP256K1 = "secp256k1"
    ETH_SECP256K1 = "eth_secp256k1"


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """A chain's fixed properties; `min_gas_price` is in the gas denom, `block_seconds` on its own clock."""

    chain_id: str
    gas_denom: str
    generation: Generation = Generation.V8
    prefix: str = "cosmos"
    key_kind: KeyKind = KeyKind.SECP256K1
    pub_key_type: str = "/cosmos.crypto.secp256k1.PubKey"
    min_gas_price: Decimal = Decimal("0.001")
    block_seconds: float = 0.5
    max_memo_characters: int = 256
    unbonding_seconds: int = 21 * 86400

    @property
    def revision(self) -> int:
        """The number after the last dash of the chain id, 0 without one."""
        _, _, tail = self.chain_id.rpartition("-")
        return int(tail) if tail.isdigit() else 0

    @property
    def old(self) -> bool:
        """Whether events still carry what ibc-go v9 removed."""
        return self.generation is Generation.V8
