"""Every state has its words, and none of them promises what can't be known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from relayclear import wording
from relayclear.clearing.operation import OperationState, PacketAfter
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.triage import BlockReason, PacketClass


def after(fate: Fate, by: Doer = Doer.US, *, committed: bool | None = False, reason: str | None = None) -> PacketAfter:
    return PacketAfter(7, fate, by, committed, True, None, {}, (), reason)


def test_every_state_there_is_has_words() -> None:
    assert set(wording.CLASSES) == set(PacketClass)
    assert set(wording.REASONS) == set(BlockReason)
    assert set(wording.FATES) == set(Fate)
    assert set(wording.DOERS) == set(Doer)
    assert set(wording.OPERATIONS) == set(OperationState)


def test_meaning_does_not_hang_on_colour() -> None:
    for table in (wording.CLASSES, wording.FATES, wording.OPERATIONS):
        words = [word.word for word in table.values()]
        assert len(set(words)) == len(words)
        assert all(word.glyph for word in table.values())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172799, "47h"),
        (172800, "2d"),
        (10**8, "1157d"),
    ],
)
def test_ages_are_short_and_an_unknown_one_is_unknown(seconds: int | None, text: str) -> None:
    assert wording.age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (3661, "1 h 1 m"), (90061, "1 d 1 h"), (86400, "1 d")]
)
def test_long_ages_name_two_units(seconds: int, text: str) -> None:
    assert wording.long_age(seconds) == text


def test_times_are_utc_and_an_unknown_one_says_so() -> None:
    berlin = timezone(timedelta(hours=1))
    assert wording.moment(datetime(2026, 1, 2, 13, 0, 5, tzinfo=berlin)) == "2026-01-02 12:00:05Z"
    assert wording.moment(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00:00Z"
    assert wording.moment(None) == "unknown"


def test_coins_are_exact_whatever_their_size() -> None:
    assert wording.coin(Coin("transfer/channel-0/uatom", 2**256)).startswith(f"{2**256} uatom")
    assert wording.coin(Coin("factory/osmo1x/y", 1)) == "1 factory/osmo1x/y"
    assert wording.coin(None) == ""


def test_a_short_address_keeps_the_ends_that_people_compare() -> None:
    assert wording.short("cosmos1" + "q" * 33 + "abcde") == "cosmos1qqq…abcde"
    assert wording.short("short") == "short"


def test_a_fate_is_one_line_with_its_doer_or_its_reason() -> None:
    assert wording.fate_line(after(Fate.DELIVERED)) == "✓ #7 delivered, by us"
    assert wording.fate_line(after(Fate.DELIVERED, Doer.OTHER, committed=True)) == (
        "✓ #7 delivered, not acknowledged yet, by another relayer"
    )
    assert wording.fate_line(after(Fate.RETURNED_TO_SENDER, Doer.UNKNOWN)).endswith("by whom is not known")
    assert wording.fate_line(after(Fate.STILL_PENDING, reason="out of gas")) == "✗ #7 still pending: out of gas"
    assert wording.fate_line(after(Fate.UNKNOWN)) == "? #7 unknown"
