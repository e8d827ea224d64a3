"""Prices: exact, rounded up once, broken down, frozen."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.triage import PacketClass
from relayclear.money.fees import (
    FeeSchedule,
    GasBasis,
    GasCharge,
    GasEstimate,
    GasSource,
    PriceList,
    Promise,
    Rate,
    gas_per_message,
    promise,
    quote,
)
from tests.ibc.tables import Row, table

CONFIGURED = GasBasis(GasSource.CONFIGURED, 0)
STAKE = FeeSchedule("stake", 1_000_000, 100_000, 5_000, 10_000)
ATOM = FeeSchedule("uatom", 500, 50, 7, 0)
PRICES = PriceList("alpha-1", (STAKE, ATOM), Decimal("1.5"), {("beta-1", "ubeta"): Rate(3, 2, "stake")})


def promises(count: int) -> list[Promise]:
    keys = [PacketKey("alpha-1", "transfer", "channel-0", sequence) for sequence in range(1, count + 1)]
    return [promise(key, PacketClass.STUCK) for key in keys]


def gas(chain: str, denom: str, units: int, price: str, basis: GasBasis = CONFIGURED) -> GasEstimate:
    return GasEstimate(chain, denom, units, Decimal(price), basis)


def charged(estimate: GasEstimate, prices: PriceList = PRICES, denom: str = "stake") -> GasCharge:
    return quote(prices, denom, promises(1), [estimate]).gas[0]


def test_a_price_is_the_sum_that_its_breakdown_shows() -> None:
    found = quote(PRICES, "stake", promises(3), [gas("alpha-1", "stake", 100_000, "0.025")])
    assert (found.service_fee, found.packet_fee, found.gas_fee) == (1_000_000, 300_000, 3_750)
    assert found.price == found.full_price == Coin("stake", 1_303_750)
    assert [term.share for term in found.packets] == [434_583, 434_583, 434_584]


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(1, 40), st.integers(0, 10**15))
def test_shares_sum_to_the_price(service: int, each: int, count: int, units: int) -> None:
    prices = PriceList("alpha-1", (FeeSchedule("stake", service, each, 0, 0),), Decimal("1.37"))
    found = quote(prices, "stake", promises(count), [gas("alpha-1", "stake", units, "0.0123")])
    assert sum(term.share for term in found.packets) == found.price.amount


def test_the_order_in_which_packets_are_named_changes_nothing() -> None:
    assert quote(PRICES, "stake", promises(4)[::-1], []) == quote(PRICES, "stake", promises(4), [])


def test_gas_is_rounded_up_once_and_never_through_a_float() -> None:
    assert charged(gas("alpha-1", "stake", 1, "0.000000000000000001")).charged == 1
    # 10,000,000 x 0.002 is 20001 for Hermes, which computes with binary fractions.
    assert (
        charged(gas("alpha-1", "stake", 10_000_000, "0.002"), replace(PRICES, gas_margin=Decimal(1))).charged == 20_000
    )
    huge = gas("alpha-1", "stake", 10**30 + 1, "0.123456789012345678")
    assert charged(huge).charged == ceil((10**30 + 1) * Fraction(123456789012345678, 10**18) * Fraction(3, 2))


def test_gas_of_another_denom_is_charged_at_the_operators_own_rate_rounded_up() -> None:
    found = charged(gas("beta-1", "ubeta", 101, "1"))
    assert (found.charged, found.rate) == (228, Rate(3, 2, "stake"))  # 101 x 1.5 x 3/2 = 227.25


@pytest.mark.parametrize(
    ("estimate", "denom"),
    [
        (gas("beta-1", "uother", 100, "1"), "stake"),
        (gas("beta-1", "ubeta", 100, "1"), "uatom"),
        (gas("gamma-1", "ubeta", 100, "1"), "stake"),
    ],
    ids=["no rate", "a rate into another denom", "the rate of another chain"],
)
def test_gas_without_a_rate_is_not_charged(estimate: GasEstimate, denom: str) -> None:
    assert charged(estimate, denom=denom) == GasCharge(estimate, None, None)


def test_a_coin_of_the_same_name_on_another_chain_is_not_the_same_coin() -> None:
    assert charged(gas("beta-1", "stake", 100, "1")).charged is None


def test_the_breakdown_says_what_the_gas_figure_rests_on() -> None:
    units, median = gas_per_message([90, 70, 80, 200], 250_000)
    assert (units, median) == (90, GasBasis(GasSource.MEDIAN, 4))
    assert gas_per_message([], 250_000) == (250_000, CONFIGURED)
    found = quote(PRICES, "stake", promises(1), [gas("alpha-1", "stake", units, "1", median)])
    assert found.gas_basis == median


def test_the_weakest_basis_is_the_one_that_is_named() -> None:
    strong, weak = GasBasis(GasSource.MEDIAN, 12), GasBasis(GasSource.MEDIAN, 3)
    bases = [strong, weak]
    found = quote(PRICES, "stake", promises(1), [gas("alpha-1", "stake", 1, "1", basis) for basis in bases])
    assert found.gas_basis == weak
    assert quote(PRICES, "stake", promises(1), []).gas_basis == CONFIGURED


def test_a_waived_clearing_costs_nothing_and_says_what_it_would_have_cost() -> None:
    found = quote(PRICES, "stake", promises(2), [gas("alpha-1", "stake", 100, "1")], waived="grant")
    assert found.price == Coin("stake", 0)
    assert found.full_price == Coin("stake", 1_200_150)
    assert [term.share for term in found.packets] == [0, 0]
    assert found.waived == "grant"


def test_the_refund_fee_of_every_accepted_denom_is_frozen_for_other_coins_are_sent_back_too() -> None:
    found = quote(PRICES, "stake", promises(1), [])
    assert (found.refund_fee("stake"), found.refund_fee("uatom"), found.refund_fee("ibc/AB")) == (5_000, 7, None)
    assert found.dust == 10_000


def test_a_price_changed_after_the_quote_is_not_the_quotes() -> None:
    found = quote(PRICES, "stake", promises(1), [])
    dearer = replace(PRICES, schedules=(replace(STAKE, service_fee=9),))
    assert found.price == Coin("stake", 1_100_000)
    assert quote(dearer, "stake", promises(1), []).price == Coin("stake", 100_009)


@pytest.mark.parametrize("named", [[], [*promises(1), *promises(2)]], ids=["none", "one of them twice"])
def test_packets_that_can_not_be_sold_together_have_no_price(named: list[Promise]) -> None:
    with pytest.raises(ValueError, match="each once"):
        quote(PRICES, "stake", named, [])


def test_a_denom_without_a_price_entry_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="not accepted"):
        quote(PRICES, "ubeta", promises(1), [])


@pytest.mark.parametrize("place", range(4))
def test_a_fee_below_zero_would_pay_the_payer(place: int) -> None:
    fees = [1, 1, 1, 1]
    fees[place] = -1
    with pytest.raises(ValueError, match="negative"):
        FeeSchedule("stake", *fees)


@pytest.mark.parametrize("margin", ["NaN", "Infinity", "-0.1"])
def test_a_margin_or_price_that_is_no_number_is_refused(margin: str) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        replace(PRICES, gas_margin=Decimal(margin))
    with pytest.raises(ValueError, match="zero or more"):
        gas("alpha-1", "stake", 1, margin)


def test_gas_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        gas("alpha-1", "stake", -1, "1")


@pytest.mark.parametrize("rate", [Rate(0, 1, "stake"), Rate(1, 0, "stake"), Rate(-1, 2, "stake")])
def test_a_rate_without_two_numbers_above_zero_is_refused(rate: Rate) -> None:
    with pytest.raises(ValueError, match="rate"):
        replace(PRICES, rates={("beta-1", "ubeta"): rate})


def test_two_price_entries_for_one_denom_are_refused() -> None:
    with pytest.raises(ValueError, match="two price entries"):
        replace(PRICES, schedules=(STAKE, STAKE))


def test_shares_that_do_not_add_up_make_no_quote() -> None:
    found = quote(PRICES, "stake", promises(2), [])
    with pytest.raises(ValueError, match="add up"):
        replace(found, packets=found.packets[:1])


@pytest.mark.parametrize("row", table(promise), ids=" ".join)
def test_what_is_promised_follows_the_class(row: Row) -> None:
    key = promises(1)[0].key
    otherwise = None if row[2] == "-" else Fate(row[2])
    for name in row[0].split(", "):
        assert promise(key, PacketClass(name)) == Promise(key, Fate(row[1]), otherwise)


def test_a_packet_that_waits_for_the_far_application_is_not_sold() -> None:
    named = {name for row in table(promise) for name in row[0].split(", ")}
    assert set(PacketClass) - named == {PacketClass.ASYNC_ACK}
    with pytest.raises(ValueError, match="nothing to sell"):
        promise(promises(1)[0].key, PacketClass.ASYNC_ACK)
