"""Lists: worst first, nothing unread counted as fine, filters that fetch what they need, exact pages."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from relayclear.errors import NodeError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelState, Ordering, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.scan import Scope
from relayclear.usecases.views import PacketView, timeout_at
from tests.fakes.chain import requests
from tests.fakes.rig import Rig
from tests.fakes.world import address

RICH = address("rich", "alpha-1")


def listing(rig: Rig, text: str = "", **wanted: Any) -> Listing:
    request = ListRequest(filter=Filter.parse(text), **wanted)
    return asyncio.run(list_packets(rig.desk, request))


def sequences(found: Listing) -> list[int]:
    return [view.sequence for view in found.packets]


def only(found: Listing) -> PacketView:
    (view,) = found.packets
    return view


def reason(found: Listing) -> BlockReason | None:
    blocked = only(found).verdict.blocked
    return blocked.reason if blocked else None


def test_a_path_that_cannot_be_read_is_never_zero_stuck(rig: Rig) -> None:
    rig.stuck()
    rig.beta.down = NodeError("frozen")
    found = listing(rig)
    assert found.packets == []
    assert not found.reading.complete
    listing(rig)
    rig.beta.down = None
    listing(rig)
    rig.beta.down = NodeError("frozen")
    known = listing(rig)
    assert [(path.pending, path.stuck, path.oldest_sequence) for path in known.paths] == [(None, None, None)] * 2
    assert all(path.error is not None for path in known.paths)


def test_what_is_in_flight_is_hidden_unless_asked_for(rig: Rig) -> None:
    rig.world.send(rig.source)
    rig.clock.step(10)
    assert sequences(listing(rig)) == []
    assert listing(rig).stuck == 0
    everything = listing(rig, attention=False)
    assert only(everything).verdict.packet_class is PacketClass.IN_FLIGHT


def test_the_worst_stands_first_then_the_oldest(rig: Rig) -> None:
    acked = rig.world.send(rig.source)
    rig.world.deliver(acked)
    rig.clock.step(50)
    older, _ = rig.stuck(count=2)
    late = rig.world.send(rig.source, timeout_seconds=30)
    rig.clock.step(400)
    found = listing(rig)
    assert sequences(found) == [late.sequence, older.sequence, 3, acked.sequence]
    assert found.packets[0].verdict.packet_class is PacketClass.TIMED_OUT


@pytest.mark.parametrize(
    "text",
    [
        "class:stuck",
        f"wallet:{RICH}",
        f"sender:{RICH}",
        "denom:uatom",
        "age:>9m",
        RICH,
        "!denom:token",
    ],
)
def test_a_filter_that_needs_details_fetches_them_for_every_row(rig: Rig, text: str) -> None:
    rig.world.send(rig.source, coin=Coin("uatom", 5), sender=RICH)
    rig.clock.step(600)
    rig.world.deliver(rig.world.send(rig.source))
    found = listing(rig, text, details=DetailsMode.NONE, limit=1)
    assert sequences(found) == [1]
    assert found.total == 1
    assert only(found).packet is not None


def test_a_filter_on_names_alone_fetches_nothing(rig: Rig) -> None:
    rig.stuck(count=3)
    found = listing(rig, "channel:channel-0 sequence:2", details=DetailsMode.NONE)
    assert sequences(found) == [2]
    assert "sent_packets" not in rig.alpha.asked


def test_details_are_fetched_for_what_is_shown_only(rig: Rig) -> None:
    rig.stuck(count=40)
    found = listing(rig, limit=5)
    assert sequences(found) == [1, 2, 3, 4, 5]
    assert found.total == 40
    assert requests(rig.alpha)["sent_packets"] == 1
    assert sum(view.packet is not None for view in found.packets) == 5


def test_pages_neither_lose_nor_repeat_rows(rig: Rig) -> None:
    rig.stuck(count=23)
    seen: list[int] = []
    for offset in range(0, 30, 10):
        found = listing(rig, limit=10, offset=offset)
        assert found.total == 23
        assert found.has_next is (offset < 20)
        seen += sequences(found)
    assert seen == list(range(1, 24))


def test_a_page_that_turned_out_to_be_in_flight_is_filled_from_the_rest(rig: Rig) -> None:
    rig.stuck(count=3)
    for _ in range(12):
        rig.world.send(rig.source)
    found = listing(rig, limit=2, details=DetailsMode.SHOWN)
    assert sequences(found) == [1, 2]
    everything = listing(rig)
    assert sequences(everything) == [1, 2, 3]
    assert everything.total == 3


def test_an_offset_behind_the_last_row_is_an_empty_page_that_knows_the_total(rig: Rig) -> None:
    rig.stuck(count=3)
    for mode in DetailsMode:
        found = listing(rig, details=mode, limit=10, offset=5)
        assert found.packets == []
        assert found.total == 3
        assert not found.has_next


def test_a_muted_path_counts_apart_and_stays_out_of_the_list(rig: Rig) -> None:
    rig.stuck(count=2)
    now = rig.clock.now()
    rig.journal.mute(rig.source, SequenceRanges.of([1]), "known", None, {1: "stuck"}, now)
    found = listing(rig)
    assert sequences(found) == [2]
    assert found.stuck == 1
    assert [path.muted for path in found.paths] == [1, 0]
    assert sequences(listing(rig, only_muted=True)) == [1]


def test_a_mute_ends_when_the_class_changes(rig: Rig) -> None:
    key = rig.world.send(rig.source, timeout_seconds=3600)
    rig.clock.step(600)
    rig.journal.mute(rig.source, SequenceRanges.of([1]), "known", None, {1: "stuck"}, rig.clock.now())
    assert sequences(listing(rig)) == []
    rig.clock.step(3600)
    found = listing(rig)
    assert sequences(found) == [key.sequence]
    assert only(found).verdict.packet_class is PacketClass.TIMED_OUT


def test_stuck_counts_what_is_old_even_where_its_details_were_not_read(rig: Rig) -> None:
    rig.stuck(count=3)
    listing(rig, details=DetailsMode.NONE)
    rig.clock.step(400)
    found = listing(rig, details=DetailsMode.NONE)
    assert found.stuck == 3
    assert found.paths[0].oldest_sequence == 1


def test_what_was_just_seen_and_not_read_is_not_called_stuck(rig: Rig) -> None:
    rig.stuck(count=3)
    assert listing(rig, details=DetailsMode.NONE).stuck == 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ClientStatus.EXPIRED, BlockReason.CLIENT_EXPIRED),
        (ClientStatus.FROZEN, BlockReason.CLIENT_FROZEN),
        (ClientStatus.UNAUTHORIZED, BlockReason.CLIENT_NOT_ACTIVE),
    ],
)
def test_a_packet_over_a_dead_client_says_so(rig: Rig, status: ClientStatus, expected: BlockReason) -> None:
    rig.stuck()
    rig.world.set_client(rig.far, status)
    assert reason(listing(rig)) is expected
    assert only(listing(rig)).verdict.clearable is False


def test_delivery_over_a_half_dead_path_comes_with_a_warning(rig: Rig) -> None:
    rig.stuck()
    rig.world.set_client(rig.source, ClientStatus.EXPIRED)
    view = only(listing(rig))
    assert view.verdict.blocked is None
    assert view.warning is not None
    assert "07-tendermint-0 on the source chain is expired" in view.warning


def test_excluded_and_too_large_packets_are_blocked_by_the_operators_own_config(rig: Rig) -> None:
    rig.world.send(rig.source)
    rig.world.send(rig.source, memo="x" * 50)
    rig.clock.step(600)
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, 40, None)
    blocked = {view.sequence: view.verdict.blocked for view in listing(rig).packets}
    assert {s: b.reason for s, b in blocked.items() if b} == {1: BlockReason.EXCLUDED, 2: BlockReason.TOO_LARGE}


def test_packets_of_an_ordered_channel_wait_behind_the_first(rig: Rig) -> None:
    ordered, _ = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED, port="icahost")
    rig.stuck(ordered, count=2)
    found = listing(rig, scope=Scope(port="icahost"))
    details = {view.sequence: view.verdict.blocked for view in found.packets}
    assert details[1] is None
    assert details[2] is not None
    assert details[2].detail == "ordered channel: behind #1"
    assert all(view.transfer is None for view in found.packets)


def test_a_closed_source_end_lets_no_acknowledgement_back(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.deliver(key)
    rig.world.set_state(rig.source, ChannelState.CLOSED)
    assert reason(listing(rig)) is BlockReason.CHANNEL_NOT_OPEN


def test_without_a_hermes_that_knows_both_ends_nothing_is_excluded(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.rules_of["alpha-1"] = RelayRules({"channel-0": SequenceRanges.of([1])}, None, None)
    found = asyncio.run(list_packets(rig.alone("alpha-1"), ListRequest()))
    assert reason(found) is None


def test_a_timeout_beyond_the_calendar_is_as_good_as_none(rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=0)
    rig.clock.step(600)
    packet = only(listing(rig)).packet
    assert packet is not None
    assert timeout_at(packet) is None
    assert timeout_at(replace(packet, timeout_timestamp=10**30)) is None
    assert timeout_at(None) is None


def test_a_timeout_is_told_to_the_second(rig: Rig) -> None:
    sent = rig.clock.now()
    rig.world.send(rig.source, timeout_seconds=3600)
    rig.clock.step(600)
    assert timeout_at(only(listing(rig)).packet) == sent + timedelta(hours=1)


def test_each_path_tells_its_oldest(rig: Rig) -> None:
    rig.stuck(count=2)
    first = listing(rig).reading.at
    rig.clock.step(30)
    path = listing(rig).paths[0]
    assert (path.pending, path.stuck, path.oldest_sequence, path.oldest_seen) == (2, 2, 1, first)
    assert isinstance(first, datetime)


@pytest.mark.parametrize(
    "request_",
    [ListRequest(Scope(channel="channel-77")), ListRequest(filter=Filter.parse("chain:alpha"))],
    ids=["channel", "chain"],
)
def test_looking_at_nothing_by_a_slip_of_the_finger_is_refused(rig: Rig, request_: ListRequest) -> None:
    rig.stuck()
    with pytest.raises(UsageError, match="did you mean"):
        asyncio.run(list_packets(rig.desk, request_))


def test_an_age_that_only_our_first_look_proves_is_unknown_then_a_least_one_never_zero(rig: Rig) -> None:
    rig.stuck()
    rig.clock.step(3000)
    first = listing(rig, details=DetailsMode.NONE)
    assert (only(first).age_seconds, only(first).age_is_exact) == (None, False)
    assert (first.needy, first.unclassed) == (0, 1)
    rig.clock.step(60)
    again = listing(rig, details=DetailsMode.NONE)
    assert (only(again).age_seconds, only(again).age_is_exact) == (60, False)
    read = listing(rig)
    assert only(read).age_is_exact
    assert (read.needy, read.unclassed) == (1, 0)
