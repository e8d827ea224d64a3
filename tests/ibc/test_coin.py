"""Coins and denom traces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.coin import Coin, DenomPath

denoms = st.from_regex(r"[a-zA-Z][a-zA-Z0-9/:._-]{1,127}", fullmatch=True)
coins = st.builds(Coin, denoms, st.integers(0, 2**256 - 1))
hops = st.tuples(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.integers(0, 99_999).map("channel-{}".format))
# A base as chains have them: never one that looks like a hop of its own.
bases = st.sampled_from(["uatom", "factory/osmo1abc/x", "gamm/pool/1", "erc20/0xAB", "cw20:juno1x", "a/b/c/d"])
paths = st.builds(DenomPath, st.lists(hops, max_size=4).map(tuple), bases)


@given(coins)
def test_a_coin_reads_back_as_it_was_written(coin: Coin) -> None:
    assert Coin.parse(str(coin)) == coin


@given(st.lists(coins, max_size=4))
def test_the_fees_of_an_event_read_back(many: list[Coin]) -> None:
    assert Coin.parse_many(",".join(map(str, many))) == tuple(many)


@given(st.text())
def test_any_text_is_a_coin_or_a_value_error(text: str) -> None:
    try:
        coin = Coin.parse(text)
    except ValueError:
        return
    assert coin.amount >= 0
    assert text.endswith(coin.denom)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uatom",
        "1000",
        "-1uatom",
        "+1uatom",
        "1 uatom",
        "1.5uatom",
        "1_000uatom",
        "1uatom\n",
        "1u",
        "٣٣uatom",
        "9" * 5000 + "uatom",
        "1" + "u" * 129,
        "1ué",
    ],
)
def test_what_only_looks_like_a_coin_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a coin like 1000uatom") as caught:
        Coin.parse(text)
    assert len(str(caught.value)) < 120


def test_no_coins_at_all_are_no_coins() -> None:
    assert Coin.parse_many("") == ()


@given(paths)
def test_a_trace_reads_back_as_packets_carry_it(path: DenomPath) -> None:
    assert DenomPath.parse(str(path)) == path


@pytest.mark.parametrize(
    ("full", "hops", "base"),
    [
        ("uatom", (), "uatom"),
        ("transfer/channel-0/uatom", (("transfer", "channel-0"),), "uatom"),
        ("transfer/channel-0/factory/osmo1x/coin", (("transfer", "channel-0"),), "factory/osmo1x/coin"),
        ("transfer/07-tendermint-4/uatom", (("transfer", "07-tendermint-4"),), "uatom"),
        ("transfer/channel-0", (), "transfer/channel-0"),
        ("", (), ""),
    ],
)
def test_only_ports_with_channels_are_hops(full: str, hops: tuple[tuple[str, str], ...], base: str) -> None:
    assert DenomPath.parse(full) == DenomPath(hops, base)


def test_the_voucher_of_atom_on_osmosis_is_the_known_one() -> None:
    known = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"
    assert DenomPath.parse("transfer/channel-0/uatom").voucher == known
    assert DenomPath.parse("uatom").voucher == "uatom"


@given(paths, hops, hops)
def test_a_coin_that_goes_out_and_comes_home_is_itself(
    path: DenomPath, near: tuple[str, str], far: tuple[str, str]
) -> None:
    # Coins that came over this very channel go home when they are sent out on it.
    if path.hops[:1] != (near,):
        away = path.received_over(near, far)
        assert away.hops == (far, *path.hops)
        assert away.received_over(far, near) == path


def test_a_coin_going_home_loses_the_senders_hop_and_not_the_receivers() -> None:
    there = DenomPath.parse("transfer/channel-5/uatom")
    assert str(there.received_over(("transfer", "channel-5"), ("transfer", "channel-9"))) == "uatom"
    away = there.received_over(("transfer", "channel-6"), ("transfer", "channel-5"))
    assert str(away) == "transfer/channel-5/transfer/channel-5/uatom"
