"""Account addresses: bech32 with a chain's prefix, told apart by the bytes behind them."""

from __future__ import annotations

from typing import NamedTuple

import bech32

_LONGEST = 90
# An account of a key, and one of a contract, module or interchain account.
_SIZES = {20, 32}


class Address(NamedTuple):
    """A prefix and the account's 20 or 32 bytes: one account may be written with several prefixes."""

    prefix: str
    account: bytes


def read_address(text: str) -> Address | None:
    """Read an address as chains take it: bech32 in one case, 20 or 32 bytes; None for anything else."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    prefix, words = bech32.bech32_decode(text)
    data = None if words is None else bech32.convertbits(words, 5, 8, False)
    if prefix is None or data is None or len(data) not in _SIZES:
        return None
    return Address(prefix, bytes(data))


def same_account(one: str, other: str) -> bool:
    """Whether two addresses of one chain stand for one account; what is no address is compared as text."""
    first, second = read_address(one), read_address(other)
    return one == other if first is None or second is None else first.account == second.account
