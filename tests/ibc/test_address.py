"""Addresses are told apart by the account behind them."""

from __future__ import annotations

import bech32
import pytest

from relayclear.ibc.address import Address, read_address, same_account

ACCOUNT = bytes(range(20))


def made(prefix: str, account: bytes = ACCOUNT) -> str:
    text = bech32.bech32_encode(prefix, bech32.convertbits(account, 8, 5))
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("size", [20, 32])
def test_accounts_of_keys_and_of_contracts_are_read(size: int) -> None:
    account = bytes(range(size))
    assert read_address(made("cosmos", account)) == Address("cosmos", account)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cosmos1",
        "cosmos1qqqq",
        made("cosmos", b"x" * 19),
        made("cosmos")[:-1],
        "C" + made("cosmos")[1:],
        "c\u043esmos1qqqq",
        made("cosmos") + "\n",
        "cosmos1" + "q" * 200,
        "cosmosvaloper",
    ],
)
def test_what_no_chain_takes_is_no_address(text: str) -> None:
    assert read_address(text) is None


def test_one_letter_wrong_is_no_address() -> None:
    good = made("cosmos")
    other = "q" if good[-1] != "q" else "p"
    assert read_address(good[:-1] + other) is None


def test_one_account_is_the_same_under_every_prefix_and_case() -> None:
    assert same_account(made("cosmos"), made("osmo"))
    assert same_account(made("cosmos"), made("cosmos").upper())
    assert not same_account(made("cosmos"), made("cosmos", b"x" * 20))
    assert same_account("daemon", "daemon")
    assert not same_account(made("cosmos"), "daemon")
