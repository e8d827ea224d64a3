"""Parting amounts: nothing is lost, nothing appears, nobody gets more than their part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relayclear.money.shares import even_shares, spread

amounts = st.integers(0, 2**256 - 1)
weights = st.dictionaries(st.text(max_size=3), amounts, max_size=6)


@given(amounts, st.integers(1, 50))
def test_equal_shares_add_up_to_the_total_and_the_rest_is_on_the_last(total: int, parts: int) -> None:
    shares = even_shares(total, parts)
    assert sum(shares) == total
    assert len(shares) == parts
    assert set(shares[:-1]) <= {total // parts}
    assert total // parts <= shares[-1] < total // parts + parts


@given(weights, st.data())
def test_what_is_spread_adds_up_and_no_part_is_above_its_weight(weights: dict[str, int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weights.values())))
    parts = spread(total, weights)
    assert sum(parts.values()) == total
    assert list(parts) == list(weights)
    assert all(0 <= part <= weights[name] for name, part in parts.items())


def test_the_unit_left_over_goes_to_the_largest_remainder() -> None:
    assert spread(50, {"alice": 60, "bob": 40}) == {"alice": 30, "bob": 20}
    assert spread(10, {"alice": 5, "bob": 13}) == {"alice": 3, "bob": 7}


def test_a_tie_goes_to_the_first_by_order() -> None:
    assert spread(1, {"alice": 1, "bob": 1}) == {"alice": 1, "bob": 0}
    assert spread(1, {"bob": 1, "alice": 1}) == {"bob": 1, "alice": 0}


def test_nobody_who_gave_nothing_gets_anything() -> None:
    assert spread(0, {}) == {}
    assert spread(0, {"alice": 0}) == {"alice": 0}
    assert spread(3, {"alice": 0, "bob": 7}) == {"alice": 0, "bob": 3}
