"""Amounts as wallets show them, never a digit off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.units import Unit, from_units, in_units

ATOM, EVM, WHOLE = Unit("ATOM", 6), Unit("INJ", 18), Unit("PIECE", 0)


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (1_250_000, ATOM, "1.25"),
        (1, ATOM, "0.000001"),
        (0, ATOM, "0"),
        (10**6, ATOM, "1"),
        (10**24, ATOM, "1" + "0" * 18),
        (1, EVM, "0." + "0" * 17 + "1"),
        (2**64 + 1, EVM, "18.446744073709551617"),
        (7, WHOLE, "7"),
    ],
)
def test_an_amount_is_shown_to_its_last_base_unit(amount: int, unit: Unit, text: str) -> None:
    assert in_units(amount, unit) == text
    assert from_units(text, unit) == amount


@given(st.integers(0, 2**256), st.integers(0, 36))
def test_what_a_wallet_is_told_is_what_is_counted(amount: int, decimals: int) -> None:
    unit = Unit("X", decimals)
    assert from_units(in_units(amount, unit), unit) == amount


@pytest.mark.parametrize("text", ["", "1,5", "-1", "1.", ".5", "1e3", "1.0000001", "0x1", "¹"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert from_units(text, ATOM) is None


def test_zeros_behind_the_last_base_unit_do_no_harm() -> None:
    assert from_units("1.2500000000", ATOM) == 1_250_000
