"""Classes and obstacles of pending packets; the table is the one in the docstring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import (
    ChannelEnd,
    ChannelState,
    Height,
    Ordering,
    Packet,
    PacketKey,
    SequenceRanges,
    Transfer,
)
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import (
    RETURNING,
    UNDELIVERED,
    Blocked,
    BlockReason,
    PacketClass,
    PacketFacts,
    PathFacts,
    Verdict,
    classify,
    excluded_on,
    has_timed_out,
    over_limits,
    revision_of,
    triage,
)
from tests.ibc.tables import Row, by_first_row, table

Case = tuple[bool, bool, ChannelState, bool | None, bool | None]
WORDS = {"yes": True, "no": False, "not known": None}
CLEAN = PacketFacts(False, False, False, True, excluded=False, too_large=None, behind=None, unread=False)


def facts_of(case: Case) -> PacketFacts:
    received, acknowledged, _, timed_out, aged = case
    return CLEAN._replace(received=received, acknowledged=acknowledged, timed_out=timed_out, aged=aged)


def fits(row: Row, case: Case) -> bool:
    received, acknowledged, state, timed_out, aged = case
    yes_or_no = zip((row[0], row[1], row[3], row[4]), (received, acknowledged, timed_out, aged), strict=True)
    end = {"-": True, "other": True, "closed": state is ChannelState.CLOSED}[row[2]]
    return end and all(cell == "-" or value in {WORDS[word] for word in cell.split(", ")} for cell, value in yes_or_no)


ROWS = table(classify)
EVERY = product((True, False), (True, False), ChannelState, (True, False, None), (True, False, None))
CASES = by_first_row(ROWS, EVERY, fits)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_class_is_that_of_the_first_row_that_fits(row: Row) -> None:
    assert CASES[row], "no case ever reaches this row"
    assert {classify(facts_of(case), case[2]) for case in CASES[row]} == {row[-1]}


def test_the_table_names_every_class() -> None:
    assert {row[-1] for row in ROWS} == set(PacketClass)


# Obstacles

RULES = RelayRules({}, None, None)
OPEN = ChannelState.OPEN
PATH = PathFacts(
    Ordering.UNORDERED,
    OPEN,
    OPEN,
    True,
    "client-1",
    ClientStatus.ACTIVE,
    "client-2",
    ClientStatus.ACTIVE,
    "channel-0",
    RULES,
)
FACTS = {
    PacketClass.PENDING: CLEAN._replace(timed_out=None),
    PacketClass.IN_FLIGHT: CLEAN._replace(aged=False),
    PacketClass.STUCK: CLEAN,
    PacketClass.TIMED_OUT: CLEAN._replace(timed_out=True),
    PacketClass.ACK_MISSING: CLEAN._replace(received=True, acknowledged=True),
    PacketClass.ASYNC_ACK: CLEAN._replace(received=True),
}
CLOSED_THERE = replace(PATH, destination_state=ChannelState.CLOSED)


def blocked(path: PathFacts, packet_class: PacketClass, **changed: object) -> Blocked | None:
    verdict = triage(path, FACTS[packet_class]._replace(**changed))  # type: ignore[arg-type]
    assert verdict.packet_class is packet_class
    return verdict.blocked


@pytest.mark.parametrize("packet_class", FACTS)
def test_nothing_stands_in_the_way_on_a_healthy_path(packet_class: PacketClass) -> None:
    assert blocked(PATH, packet_class) is None


def test_a_packet_to_a_closed_end_can_go_back() -> None:
    assert triage(CLOSED_THERE, CLEAN) == Verdict(PacketClass.TIMEOUT_ON_CLOSE, None)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ClientStatus.EXPIRED, BlockReason.CLIENT_EXPIRED),
        (ClientStatus.FROZEN, BlockReason.CLIENT_FROZEN),
        (ClientStatus.UNAUTHORIZED, BlockReason.CLIENT_NOT_ACTIVE),
        (ClientStatus.UNKNOWN, BlockReason.CLIENT_NOT_ACTIVE),
    ],
)
@pytest.mark.parametrize("packet_class", [name for name in FACTS if name is not PacketClass.ASYNC_ACK])
def test_only_the_client_that_the_missing_message_needs_blocks_it(
    status: ClientStatus, reason: BlockReason, packet_class: PacketClass
) -> None:
    at_source, at_destination = (
        replace(PATH, source_client_status=status),
        replace(PATH, destination_client_status=status),
    )
    source = Blocked(reason, f"client-1 on the source chain is {status}")
    destination = Blocked(reason, f"client-2 on the destination chain is {status}")
    delivers = packet_class in UNDELIVERED
    assert blocked(at_source, packet_class) == (None if delivers else source)
    assert blocked(at_destination, packet_class) == (destination if delivers else None)


def test_a_client_that_nobody_could_read_blocks_nothing() -> None:
    path = replace(PATH, source_client_status=None, destination_client_status=None)
    assert [blocked(path, packet_class) for packet_class in FACTS] == [None] * len(FACTS)


def test_an_unfinished_connection_blocks_everything_but_waiting() -> None:
    found = {name: blocked(replace(PATH, connections_open=False), name) for name in FACTS}
    assert found.pop(PacketClass.ASYNC_ACK) is None
    assert {block.reason for block in found.values() if block} == {BlockReason.CONNECTION_NOT_OPEN}
    assert None not in found.values()


PASSING = {ChannelState.OPEN, ChannelState.FLUSHING, ChannelState.FLUSHCOMPLETE, ChannelState.UNKNOWN}


@pytest.mark.parametrize("state", [state for state in ChannelState if state is not ChannelState.CLOSED])
def test_delivery_needs_the_destinations_end(state: ChannelState) -> None:
    found = blocked(replace(PATH, destination_state=state), PacketClass.STUCK)
    expected = Blocked(BlockReason.CHANNEL_NOT_OPEN, f"the destination's end is {state}")
    assert found == (None if state in PASSING else expected)


@pytest.mark.parametrize("state", ChannelState)
def test_an_acknowledgement_needs_the_sources_end_and_a_timeout_does_not(state: ChannelState) -> None:
    path = replace(PATH, source_state=state)
    expected = Blocked(BlockReason.CHANNEL_NOT_OPEN, f"the source's end is {state}")
    assert blocked(path, PacketClass.ACK_MISSING) == (None if state in PASSING else expected)
    assert blocked(path, PacketClass.TIMED_OUT) is None
    assert blocked(path, PacketClass.STUCK) is None


@pytest.mark.parametrize(
    ("changed", "reason", "free"),
    [
        ({"excluded": True}, BlockReason.EXCLUDED, set()),
        ({"too_large": "memo of 40000 bytes"}, BlockReason.TOO_LARGE, {PacketClass.ACK_MISSING}),
        ({"behind": 4}, BlockReason.ORDERED_BEHIND, set()),
        ({"unread": True}, BlockReason.NO_PACKET_DATA, set()),
    ],
)
def test_what_the_packet_itself_stands_in_the_way_with(
    changed: dict[str, object], reason: BlockReason, free: set[PacketClass]
) -> None:
    for name in FACTS:
        found = blocked(PATH, name, **changed)
        expected = None if name in free or name is PacketClass.ASYNC_ACK else reason
        assert (found.reason if found else None) == expected


def test_of_several_obstacles_the_hardest_to_lift_is_named() -> None:
    path = replace(
        PATH,
        destination_client_status=ClientStatus.EXPIRED,
        connections_open=False,
        destination_state=ChannelState.INIT,
    )
    facts = CLEAN._replace(excluded=True, too_large="big", behind=1, unread=True)
    steps = [
        (path, facts, BlockReason.CLIENT_EXPIRED),
        (replace(path, destination_client_status=None), facts, BlockReason.CONNECTION_NOT_OPEN),
        (replace(path, destination_client_status=None, connections_open=True), facts, BlockReason.CHANNEL_NOT_OPEN),
        (PATH, facts, BlockReason.EXCLUDED),
        (PATH, facts._replace(excluded=False), BlockReason.TOO_LARGE),
        (PATH, facts._replace(excluded=False, too_large=None), BlockReason.ORDERED_BEHIND),
        (PATH, facts._replace(excluded=False, too_large=None, behind=None), BlockReason.NO_PACKET_DATA),
    ]
    for facts_of_path, facts_of_packet, reason in steps:
        found = triage(facts_of_path, facts_of_packet).blocked
        assert found
        assert found.reason is reason


@pytest.mark.parametrize(
    ("packet_class", "block", "clearable"),
    [
        (PacketClass.ASYNC_ACK, None, False),
        (PacketClass.PENDING, None, None),
        (PacketClass.PENDING, Blocked(BlockReason.EXCLUDED, ""), False),
        (PacketClass.STUCK, Blocked(BlockReason.EXCLUDED, ""), False),
        *((name, None, True) for name in PacketClass if name not in {PacketClass.ASYNC_ACK, PacketClass.PENDING}),
    ],
)
def test_a_packet_is_clearable_unless_something_says_no(
    packet_class: PacketClass,
    block: Blocked | None,
    clearable: bool | None,  # noqa: FBT001 - a column
) -> None:
    assert Verdict(packet_class, block).clearable is clearable


def test_no_class_is_both_undelivered_and_on_its_way_back() -> None:
    assert not UNDELIVERED & RETURNING


# Timeouts


@pytest.mark.parametrize(
    ("chain", "revision"),
    [
        ("cosmoshub-4", 4),
        ("a-1-2", 2),
        ("a--1", 0),
        ("a-0", 0),
        ("a-01", 0),
        ("a", 0),
        ("-1", 0),
        ("", 0),
        ("a-٣", 0),
        ("a-" + "9" * 5000, 0),
        ("a-1\n", 0),
    ],
)
def test_a_revision_is_the_number_after_the_last_dash(chain: str, revision: int) -> None:
    assert revision_of(chain) == revision


NEVER = Height(0, 0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 22, 12, 0, 0, 123457, tzinfo=UTC)


def nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def packet(height: Height = NEVER, timestamp: int = 0) -> Packet:
    end = ChannelEnd("alpha-1", "transfer", "channel-0")
    return Packet(PacketKey(*end, 1), end, b"", height, timestamp, None, None, None)


@pytest.mark.parametrize(
    ("timeout", "height", "late"),
    [
        (Height(1, 100), 99, False),
        (Height(1, 100), 100, True),
        (Height(1, 100), 101, True),
        (Height(2, 1), 10**9, False),
        (Height(0, 10**9), 1, True),
        (Height(0, 0), 10**9, False),
    ],
)
def test_the_timeout_height_itself_is_too_late(timeout: Height, height: int, late: bool) -> None:  # noqa: FBT001 - a column
    assert has_timed_out(packet(timeout), "beta-1", height, AT) is late


@pytest.mark.parametrize(("nanosecond", "late"), [(-1000, True), (-1, True), (0, True), (1, False), (1000, False)])
def test_the_timeout_time_itself_is_too_late(nanosecond: int, late: bool) -> None:  # noqa: FBT001 - a column
    assert has_timed_out(packet(timestamp=nanoseconds(AT) + nanosecond), "beta-1", 1, AT) is late


@given(st.datetimes(datetime(2020, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants them bare
def test_the_boundary_is_exact_at_every_microsecond_of_any_year(at: datetime) -> None:
    due = packet(timestamp=nanoseconds(at))
    assert has_timed_out(due, "beta-1", 1, at)
    assert not has_timed_out(due, "beta-1", 1, at - timedelta(microseconds=1))


def test_without_any_timeout_a_packet_never_is_late() -> None:
    assert not has_timed_out(packet(), "beta-1", 10**9, AT)


def test_either_timeout_is_enough() -> None:
    both = packet(Height(1, 100), nanoseconds(AT) + 1000)
    assert has_timed_out(both, "beta-1", 100, AT)
    assert has_timed_out(both, "beta-1", 1, AT + timedelta(microseconds=1))
    assert not has_timed_out(both, "beta-1", 99, AT)


# What Hermes refuses


@pytest.mark.parametrize(
    ("memo", "receiver", "found"),
    [
        ("m" * 10, "r" * 5, None),
        ("m" * 11, "r", "memo of 11 bytes, Hermes relays up to 10"),
        ("é" * 6, "r", "memo of 12 bytes, Hermes relays up to 10"),
        ("m", "r" * 6, "receiver of 6 bytes, Hermes relays up to 5"),
        ("m" * 11, "r" * 6, "memo of 11 bytes, Hermes relays up to 10"),
    ],
)
def test_hermes_counts_bytes_and_takes_the_limit_itself(memo: str, receiver: str, found: str | None) -> None:
    transfer = Transfer("s", receiver, Coin("uatom", 1), memo)
    assert over_limits(RelayRules({}, 10, 5), transfer) == found
    assert over_limits(RULES, transfer) is None
    assert over_limits(RelayRules({}, 10, 5), None) is None


def test_exclusions_belong_to_one_channel() -> None:
    rules = RelayRules({"channel-0": SequenceRanges.parse("1..3")}, None, None)
    assert 2 in excluded_on(rules, "channel-0")
    assert not excluded_on(rules, "channel-1")
