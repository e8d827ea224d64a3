"""Amounts in the unit that a wallet shows: exact, without a float."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_DECIMALS = 36
_UNIT_AMOUNT = re.compile(r"[0-9]{1,78}(\.[0-9]{1,36})?")


class Unit(NamedTuple):
    """The word that wallets show for a denom; one of it is ``10 ** decimals`` base units."""

    symbol: str
    decimals: int


def in_units(amount: int, unit: Unit) -> str:
    """An amount of base units as wallets show it, like ``1.25``; trailing zeros are left out."""
    whole, rest = divmod(amount, 10**unit.decimals)
    fraction = str(rest).rjust(unit.decimals, "0").rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def from_units(text: str, unit: Unit) -> int | None:
    """The base units that ``1.25`` stands for, None for what is no amount or finer than a base unit."""
    if not _UNIT_AMOUNT.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > unit.decimals:
        return None
    return int(whole + fraction.ljust(unit.decimals, "0"))
