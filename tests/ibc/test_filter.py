"""The filter grammar of lists."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.duration import parse_duration
from relayclear.ibc.filter import KEYS, Filter, Term


@dataclass(frozen=True)
class Line:
    """A row of a list."""

    filter_fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    age_seconds: int | None = None


LINE = Line(
    {
        "chain": ("alpha-1", "beta-1"),
        "channel": ("channel-0",),
        "class": ("stuck",),
        "wallet": ("cosmos1abc", "osmo1xyz"),
        "denom": ("transfer/channel-0/uatom", "uatom"),
    },
    age_seconds=1800,
)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("   ", True),
        ("chain:alpha-1", True),
        ("chain:beta-1", True),
        ("chain:alpha", False),
        ("chain:alpha*", True),
        ("!chain:alpha-1", False),
        ("!chain:gamma-1", True),
        ("chain:alpha-1 class:stuck", True),
        ("chain:alpha-1 class:timed_out", False),
        ("wallet:*xyz", True),
        ("port:transfer", False),
        ("!port:transfer", True),
        ("uatom", True),
        ("1ab", True),
        ("nothing", False),
        ("!nothing", True),
        ("CHAIN", False),
        ("age:30m", True),
        ("age:>=30m", True),
        ("age:>30m", False),
        ("age:>29m59s", True),
        ("age:<30m", False),
        ("age:<=30m", True),
        ("!age:>30m", True),
        ("!age:30m", False),
        (":stuck", True),
    ],
)
def test_a_term_lets_through_what_it_says(text: str, fits: bool) -> None:  # noqa: FBT001 - a column
    assert Filter.parse(text).matches(LINE) is fits


@pytest.mark.parametrize("term", ["age:>1s", "!age:>1s", "age:<1s", "!age:<1s"])
def test_an_unknown_age_fits_no_age_at_all(term: str) -> None:
    assert not Filter.parse(term).matches(Line(age_seconds=None))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("chian:x", "no filter key 'chian'; did you mean chain"),
        ("qqqq:x", "no filter key 'qqqq'; known: age, chain"),
        ("chain:", "'chain' has no value"),
        ("!", "'!' has no value"),
        ("!chain:", "'chain' has no value"),
        ("age:soon", "'soon' is not a duration like 90s, 30m, 1h30m or 2d"),
        ("age:>", "is not a duration"),
        ("age:>30", "is not a duration"),
        ("age:٣m", "is not a duration"),
    ],
)
def test_a_bad_term_is_refused_with_the_way_out(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Filter.parse(text)


def test_a_flag_is_a_term_like_any_other() -> None:
    assert Filter.parse("class:stuck").and_("chain", "alpha-1") == Filter.parse("class:stuck chain:alpha-1")
    with pytest.raises(ValueError, match="is not a duration"):
        Filter().and_("age", "soon")


@pytest.mark.parametrize(
    ("text", "needs"),
    [("", False), ("chain:a channel:b port:c sequence:4", False), ("uatom", True)]
    + [(f"{key}:1h", True) for key in ("age", "denom", "receiver", "sender", "wallet")]
    + [("class:stuck", True), ("reason:excluded", True), ("to:beta-1", False)],
)
def test_only_what_stands_in_the_packet_makes_details_needed(text: str, needs: bool) -> None:  # noqa: FBT001 - a column
    assert Filter.parse(text).needs_details is needs


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("0s", 0)]
)
def test_durations_add_up(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "5m ", "1.5h", "5M", "m5", "9999999999s", "5y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.text())
def test_any_text_is_a_filter_or_a_value_error(text: str) -> None:
    try:
        parsed = Filter.parse(text)
    except ValueError:
        return
    assert all(term.key in {*KEYS, ""} and term.value for term in parsed.terms)
    parsed.matches(LINE)


@given(st.sampled_from([key for key in KEYS if key != "age"]), st.from_regex(r"[^\s*?\[]+", fullmatch=True))
def test_a_term_and_its_opposite_never_agree(key: str, value: str) -> None:
    straight, turned = Filter((Term(key, value, inverted=False),)), Filter((Term(key, value, inverted=True),))
    line = Line({key: (value,)})
    assert (straight.matches(line), turned.matches(line)) == (True, False)
    assert (straight.matches(Line()), turned.matches(Line())) == (False, True)


@pytest.mark.parametrize(
    ("text", "meant"), [("class:timedout", "timed_out"), ("reason:exluded", "excluded"), ("!class:stuk", "stuck")]
)
def test_a_mistyped_class_or_reason_is_refused_and_never_reads_like_nothing_stuck(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {meant}"):
        Filter.parse(text)
    assert Filter.parse("class:time*").terms
