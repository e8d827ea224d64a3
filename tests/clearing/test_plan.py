"""Which chosen packets a run may be given, and in which bites."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.clearing.plan import BITE, MAY_RETURN, Choice, LeftOut, bites, closes_channel, obstacle, split
from relayclear.ibc.packet import Ordering
from relayclear.ibc.triage import RETURNING, Blocked, BlockReason, PacketClass, Verdict

BEHIND = Blocked(BlockReason.ORDERED_BEHIND, "ordered channel: behind #1")


def choice(sequence: int, blocked: Blocked | None = None, packet_class: PacketClass = PacketClass.STUCK) -> Choice:
    return Choice(sequence, Verdict(packet_class, blocked))


@pytest.mark.parametrize("packet_class", [name for name in PacketClass if name is not PacketClass.ASYNC_ACK])
def test_a_packet_that_nothing_blocks_may_go(packet_class: PacketClass) -> None:
    assert obstacle(choice(2, packet_class=packet_class), [1, 2], [2]) is None


def test_there_is_nothing_to_relay_for_one_that_waits_for_the_application() -> None:
    assert "nothing to relay" in (obstacle(choice(1, packet_class=PacketClass.ASYNC_ACK), [1], [1]) or "")


@pytest.mark.parametrize("reason", sorted(set(BlockReason) - {BlockReason.ORDERED_BEHIND, BlockReason.NO_PACKET_DATA}))
def test_a_blocked_packet_is_left_out_with_the_reason_and_the_fact(reason: BlockReason) -> None:
    left_out = [LeftOut(1, f"{reason}: the fact")]
    assert split([choice(1, Blocked(reason, "the fact")), choice(2)], [1, 2], [1, 2]) == ([choice(2)], left_out)


def test_hermes_may_find_what_our_node_has_lost() -> None:
    assert obstacle(choice(1, Blocked(BlockReason.NO_PACKET_DATA, "gone")), [1], [1]) is None


def test_one_behind_others_goes_only_with_all_of_them() -> None:
    assert split([choice(2, BEHIND), choice(1), choice(3, BEHIND)], [1, 2, 3], [1, 2, 3])[1] == []
    free, left_out = split([choice(1), choice(3, BEHIND)], [1, 2, 3], [1, 2, 3])
    assert (free, left_out) == ([choice(1)], [LeftOut(3, "ordered channel: behind #1")])


def test_one_behind_a_packet_that_is_left_out_does_not_go_alone() -> None:
    stopped = choice(1, Blocked(BlockReason.EXCLUDED, "named"))
    free, left_out = split([stopped, choice(2, BEHIND)], [1, 2], [1, 2])
    assert (free, [left.sequence for left in left_out]) == ([], [1, 2])


def test_a_delivered_packet_that_waits_for_its_acknowledgement_holds_up_no_delivery() -> None:
    assert split([choice(2, BEHIND)], [1, 2], [2]) == ([choice(2, BEHIND)], [])
    acknowledged = choice(2, BEHIND, packet_class=PacketClass.ACK_MISSING)
    assert split([acknowledged], [1, 2], [])[0] == []


def test_only_a_possible_timeout_on_an_ordered_channel_can_close_it() -> None:
    # One whose details nobody has read may have timed out.
    assert RETURNING | {PacketClass.PENDING} == MAY_RETURN
    for packet_class in PacketClass:
        chosen = [choice(1), choice(2, packet_class=packet_class)]
        assert closes_channel(Ordering.ORDERED, chosen) is bool({PacketClass.STUCK, packet_class} & MAY_RETURN)
        assert not closes_channel(Ordering.UNORDERED, chosen)
    assert not closes_channel(Ordering.ORDERED, [])


@given(st.sets(st.integers(1, 10**6), max_size=200), st.integers(1, 60))
def test_bites_hold_every_sequence_once_lowest_first(numbers: set[int], size: int) -> None:
    cut = bites(list(numbers), size)
    assert [sequence for bite in cut for sequence in bite] == sorted(numbers)
    assert all(0 < len(bite) <= size for bite in cut)


def test_a_bite_is_as_large_as_the_daemons_own() -> None:
    assert [len(bite) for bite in bites(range(1, 102))] == [BITE, BITE, 1]
