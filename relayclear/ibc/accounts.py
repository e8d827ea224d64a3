"""The kinds of accounts that chains have."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class AccountKind(StrEnum):
    """How an account's address is made and what its key signs."""

    SECP256K1 = "secp256k1"
    ETH_SECP256K1 = "eth_secp256k1"


class AccountType(NamedTuple):
    """What a chain's accounts are: the prefix of addresses, the kind, and the type of public keys in transactions."""

    prefix: str
    kind: AccountKind
    pub_key_type: str
