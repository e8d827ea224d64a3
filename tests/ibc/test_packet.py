"""Packets, their commitments and data, and sets of sequences."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import (
    MAX_SEQUENCE,
    ChannelEnd,
    Height,
    Ordering,
    Packet,
    PacketKey,
    RelayPath,
    SequenceRanges,
    Transfer,
    read_transfer,
)

HERE, THERE = ChannelEnd("alpha-1", "transfer", "channel-0"), ChannelEnd("beta-1", "transfer", "channel-7")
PACKET = Packet(
    PacketKey(*HERE, 2), THERE, b'{"amount":"1"}', Height(1, 1200), 1_795_348_800_000_000_000, None, None, None
)
words = st.integers(0, 2**64 - 1)


# Names


def test_names_are_written_as_people_paste_them() -> None:
    assert str(HERE) == "alpha-1/channel-0"
    assert str(HERE._replace(port="icahost")) == "alpha-1/icahost/channel-0"
    assert str(PACKET.key) == "alpha-1/channel-0/2"
    assert PACKET.key.end == HERE


def test_a_path_turned_twice_is_itself_and_once_swaps_every_end() -> None:
    path = RelayPath(HERE, THERE, Ordering.ORDERED, "v", "connection-1", "connection-2", "client-1", "client-2")
    turned = RelayPath(THERE, HERE, Ordering.ORDERED, "v", "connection-2", "connection-1", "client-2", "client-1")
    assert path.reversed() == turned
    assert turned.reversed() == path


# Heights


@given(st.builds(Height, words, words))
def test_a_height_reads_back(height: Height) -> None:
    assert Height.parse(str(height)) == height


@pytest.mark.parametrize(
    "text",
    ["", "1", "1-", "-1", "1-2-3", "-1-2", "+1-2", " 1-2", "1-2\n", "1_0-2", "٣-1", f"1-{2**64}", "1-" + "0" * 21],
)
def test_a_height_no_chain_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a height like 1-1200"):
        Height.parse(text)


def test_heights_stand_in_order_of_their_revision_first() -> None:
    assert Height(1, 900) < Height(2, 1) < Height(2, 2)
    assert [height.is_zero for height in (Height(0, 0), Height(0, 1), Height(1, 0))] == [True, False, False]


# Commitments


@given(words, words, words, st.binary(max_size=64))
def test_a_commitment_is_the_hash_that_ibc_go_stores(at: int, revision: int, height: int, data: bytes) -> None:
    packet = replace(PACKET, timeout_timestamp=at, timeout_height=Height(revision, height), data=data)
    assert packet.commitment() == sha256(struct.pack(">QQQ", at, revision, height) + sha256(data).digest()).digest()


@pytest.mark.parametrize(
    "packet",
    [
        replace(PACKET, timeout_timestamp=-1),
        replace(PACKET, timeout_timestamp=2**64),
        replace(PACKET, timeout_height=Height(1, 2**64)),
        replace(PACKET, timeout_height=Height(-1, 1)),
    ],
)
def test_a_timeout_that_a_lying_node_made_up_verifies_nothing_and_breaks_nothing(packet: Packet) -> None:
    assert packet.commitment() == b""


# Transfer data

FIELDS = {"denom": "uatom", "amount": "1000", "sender": "cosmos1a", "receiver": "osmo1b", "memo": "hello"}


def read(**changed: Any) -> Transfer | None:
    return read_transfer("transfer", "ics20-1", json.dumps({**FIELDS, **changed}).encode())


def test_plain_data_is_read() -> None:
    assert read() == Transfer("cosmos1a", "osmo1b", Coin("uatom", 1000), "hello")


@pytest.mark.parametrize(
    ("port", "version", "is_transfer"),
    [
        ("transfer", "ics20-1", True),
        ("transfer", "anything", True),
        ("wasm.osmo1x", "ics20-1", True),
        ("wasm.osmo1x", '{"fee_version":"ics29-1","app_version":"ics20-1"}', True),
        ("icahost", "ics27-1", False),
        ("icahost", "not-ics20-1", False),
    ],
)
def test_only_ports_and_versions_of_ics20_are_read_as_transfers(port: str, version: str, is_transfer: bool) -> None:  # noqa: FBT001 - a column
    assert (read_transfer(port, version, json.dumps(FIELDS).encode()) is not None) is is_transfer


@pytest.mark.parametrize("memo", [None, ""])
def test_a_memo_of_nothing_is_empty(memo: str | None) -> None:
    without = {key: value for key, value in FIELDS.items() if key != "memo"}
    missing = read_transfer("transfer", "ics20-1", json.dumps(without).encode())
    assert [found.memo for found in (read(memo=memo), missing) if found] == ["", ""]


@pytest.mark.parametrize(("amount", "meant"), [("0", 0), ("007", 7), (5, 5), (str(2**256 - 1), 2**256 - 1)])
def test_an_amount_is_exact(amount: str | int, meant: int) -> None:
    found = read(amount=amount)
    assert found
    assert found.coin.amount == meant


@pytest.mark.parametrize(
    "amount",
    [
        "-5",
        "+5",
        "",
        " 5",
        "5\n",
        "1_000",
        "1e3",
        "0x10",
        "٣",
        "1.0",
        -5,
        1.0,
        True,
        None,
        [],
        {},
        str(2**256),
        "9" * 4000,
    ],
)
def test_an_amount_that_is_no_unsigned_256_bit_number_is_no_transfer(amount: Any) -> None:
    assert read(amount=amount) is None


@pytest.mark.parametrize("field", ["denom", "sender", "receiver", "memo"])
@pytest.mark.parametrize("value", [7, True, ["x"], {"a": 1}])
def test_a_field_that_is_no_text_is_not_turned_into_one(field: str, value: Any) -> None:
    assert read(**{field: value}) is None


@pytest.mark.parametrize("field", ["denom", "amount", "sender", "receiver"])
def test_a_missing_field_is_no_transfer(field: str) -> None:
    rest = {key: value for key, value in FIELDS.items() if key != field}
    assert read_transfer("transfer", "ics20-1", json.dumps(rest).encode()) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"denom":' * 50_000,
        b'{"amount":' + b"9" * 5000 + b"}",
        b"<html>502</html>",
    ],
)
def test_data_that_is_no_transfer_is_none_and_never_an_error(data: bytes) -> None:
    assert read_transfer("transfer", "ics20-1", data) is None


def test_invalid_utf8_is_replaced_not_refused() -> None:
    data = json.dumps(FIELDS).encode().replace(b"hello", b"he\xff\xfello")
    found = read_transfer("transfer", "ics20-1", data)
    assert found
    assert found.memo == "he��llo"


@pytest.mark.parametrize(
    ("memo", "shown"), [("\ud800x", "�x"), ("x\udc00", "x�"), ("\ud83d\ude00", "😀"), ("\ufeffx", "\ufeffx")]
)
def test_half_a_surrogate_pair_does_not_break_what_encodes_it_later(memo: str, shown: str) -> None:
    found = read(memo=memo)
    assert found
    assert found.memo.encode().decode() == shown


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text() | st.booleans(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_data_whatever_raises(data: bytes) -> None:
    assert read_transfer("transfer", "ics20-1", data) is None


@given(st.fixed_dictionaries({key: st.text() | st.integers() | st.none() for key in FIELDS}))
def test_what_is_read_can_always_be_encoded_and_counted(fields: dict[str, Any]) -> None:
    found = read_transfer("transfer", "ics20-1", json.dumps(fields).encode())
    if found:
        assert 0 <= found.coin.amount < 2**256
        assert all(text.encode() is not None for text in (found.sender, found.receiver, found.memo, found.coin.denom))


# Sequences

sets = st.frozensets(st.integers(1, 60))
wide = st.lists(
    st.tuples(st.integers(1, MAX_SEQUENCE), st.integers(1, MAX_SEQUENCE)).map(sorted).map(tuple), min_size=1
)


@given(sets)
def test_ranges_are_the_set_they_were_made_of(numbers: frozenset[int]) -> None:
    ranges = SequenceRanges.of(numbers)
    assert list(ranges) == sorted(numbers)
    assert (len(ranges), ranges.count, bool(ranges)) == (len(numbers), len(numbers), bool(numbers))
    assert {number for number in range(62) if number in ranges} == numbers


@given(sets, sets)
def test_ranges_join_and_part_as_sets_do(ours: frozenset[int], theirs: frozenset[int]) -> None:
    left, right = SequenceRanges.of(ours), SequenceRanges.of(theirs)
    assert SequenceRanges(left.ranges + right.ranges) == SequenceRanges.of(ours | theirs)
    assert left.minus(right) == SequenceRanges.of(ours - theirs)


@given(wide)
def test_ranges_read_back_as_they_are_written_whatever_their_size(pairs: list[tuple[int, int]]) -> None:
    ranges = SequenceRanges(pairs)
    assert SequenceRanges.parse(str(ranges)) == ranges
    assert repr(ranges) == f"SequenceRanges({str(ranges)!r})"


@given(wide | st.lists(st.integers(1, 30).map(lambda number: (number, number)), min_size=1))
def test_ranges_never_touch_and_stand_in_order(pairs: list[tuple[int, int]]) -> None:
    ranges = SequenceRanges(pairs).ranges
    assert all(first <= last for first, last in ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))


def test_neighbours_are_one_range_however_they_were_named() -> None:
    assert SequenceRanges.of([3, 1, 2]) == SequenceRanges.parse("1..2,3") == SequenceRanges.parse("1..3")
    assert str(SequenceRanges.of([1, 2, 4])) == "1..2,4"


@given(wide, wide)
def test_equal_sets_are_equal_values(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> None:
    left, right = SequenceRanges(ours + theirs), SequenceRanges(theirs + ours)
    assert left == right
    assert hash(left) == hash(right)
    assert left.minus(right) == SequenceRanges()


def test_ranges_are_equal_to_ranges_only() -> None:
    assert SequenceRanges.parse("1") != (1, 1)
    assert "1" not in SequenceRanges.parse("1")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", [1]),
        ("1,10..12", [1, 10, 11, 12]),
        (" 3 , 1 .. 2 ", [1, 2, 3]),
        ("12,11,10", [10, 11, 12]),
        ("007", [7]),
        ("0" * 5000 + "7", [7]),
        ("5..5", [5]),
        (str(MAX_SEQUENCE), [MAX_SEQUENCE]),
    ],
)
def test_what_operators_paste_is_read(text: str, meant: list[int]) -> None:
    assert list(SequenceRanges.parse(text)) == meant


def test_every_sequence_there_can_be_fits_one_range() -> None:
    everything = SequenceRanges.parse(f"1..{MAX_SEQUENCE}")
    assert everything.count == MAX_SEQUENCE
    assert everything
    assert MAX_SEQUENCE in everything
    with pytest.raises(OverflowError):
        len(everything)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a sequence or a range like 10..20"),
        ("1,,2", "is not a sequence"),
        ("a", "is not a sequence"),
        ("-1", "is not a sequence"),
        ("1-5", "is not a sequence"),
        ("1...5", "is not a sequence"),
        ("1..", "is not a sequence"),
        ("٣", "is not a sequence"),
        ("²", "is not a sequence"),
        ("0", "sequences start at 1"),
        ("0..5", "sequences start at 1"),
        ("5..4", "runs backwards"),
        ("1..5,3", "names a sequence twice"),
        ("7,7", "names a sequence twice"),
        (str(MAX_SEQUENCE + 1), "above the largest sequence"),
        (f"1..{MAX_SEQUENCE + 1}", "above the largest sequence"),
        ("9" * 5000, "above the largest sequence"),
    ],
)
def test_a_bad_range_is_refused_with_a_sentence(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        SequenceRanges.parse(text)


@given(st.text(alphabet="0123456789., -"))
def test_any_paste_is_ranges_or_a_value_error(text: str) -> None:
    try:
        ranges = SequenceRanges.parse(text)
    except ValueError:
        return
    assert ranges
    assert ranges.ranges[0][0] >= 1
