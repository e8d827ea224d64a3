"""Intervals in which packets were seen pending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.errors import HeightError
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.journal import Journal
from relayclear.store.sightings import LastReading

END = ChannelEnd("alpha-1", "transfer", "channel-0")
OTHER = ChannelEnd("beta-1", "transfer", "channel-7")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def look(journal: Journal, at: int, *sequences: int, end: ChannelEnd = END) -> dict[int, int] | HeightError:
    """One scan of one end, at a minute that is also its height: the minute each was first seen."""
    answer = journal.record_scan(minute(at), {end: (100 + at, sequences)}, {})[end]
    if isinstance(answer, HeightError):
        return answer
    return {sequence: int((seen - START).total_seconds() // 60) for sequence, seen in answer.items()}


def test_a_packet_keeps_its_first_sighting_over_many_looks(journal: Journal) -> None:
    assert look(journal, 0, 1, 2, 3) == {1: 0, 2: 0, 3: 0}
    assert look(journal, 1, 1, 2, 3, 4) == {1: 0, 2: 0, 3: 0, 4: 1}
    assert look(journal, 2, 1, 3, 4) == {1: 0, 3: 0, 4: 1}


def test_one_that_comes_back_is_not_as_old_as_it_was(journal: Journal) -> None:
    look(journal, 0, 5)
    look(journal, 1)
    assert look(journal, 2, 5) == {5: 2}


def test_one_that_comes_and_goes_within_one_tick_of_the_clock_breaks_nothing(journal: Journal) -> None:
    for sequences in ([5], [], [5], [], [5]):
        answer = journal.record_scan(START, {END: (100, sequences)}, {})
    assert answer[END] == {5: START}


def test_a_look_that_finds_nothing_new_adds_no_row(journal: Journal, database: Database) -> None:
    for at in range(5):
        look(journal, at, *range(1, 1001), 2000)
    assert database.row("SELECT count(*) FROM sightings") == (2,)
    assert database.row("SELECT count(*) FROM past_sightings") == (0,)


def test_a_path_that_could_not_be_read_keeps_its_packets(journal: Journal) -> None:
    look(journal, 0, 1, 2)
    assert journal.record_scan(minute(1), {}, {END: "node is down"}) == {}
    assert journal.last_readings()[END] == LastReading(minute(0), 100, minute(1), "node is down")
    assert look(journal, 2, 1, 2) == {1: 0, 2: 0}
    assert journal.last_readings()[END] == LastReading(minute(2), 102, None, None)


def test_a_path_never_read_well_has_no_reading_to_show(journal: Journal) -> None:
    journal.record_scan(minute(0), {}, {END: "refused"})
    assert journal.last_readings() == {END: LastReading(None, None, minute(0), "refused")}
    assert journal.pending_at([END], minute(1)) == {END: {}}


def test_a_node_that_fell_back_closes_no_sighting(journal: Journal) -> None:
    look(journal, 5, 1, 2)
    answer = journal.record_scan(minute(6), {END: (99, []), OTHER: (99, [4])}, {})
    error = answer[END]
    assert isinstance(error, HeightError)
    assert "height 99" in error.message
    assert answer[OTHER] == {4: minute(6)}
    assert journal.last_readings()[END] == LastReading(minute(5), 105, minute(6), error.message)
    assert look(journal, 7, 1, 2) == {1: 5, 2: 5}


def test_the_same_height_again_is_good(journal: Journal) -> None:
    journal.record_scan(minute(0), {END: (100, [1])}, {})
    assert journal.record_scan(minute(1), {END: (100, [1])}, {}) == {END: {1: minute(0)}}


def test_a_chain_begun_anew_is_read_from_its_low_heights(journal: Journal) -> None:
    look(journal, 5, 1, 2)
    journal.record_scan(minute(5), {OTHER: (900, [8])}, {})
    journal.remember("alpha-1", "subspace_checked", "yes")
    journal.restart_chain("alpha-1", minute(6))
    assert journal.record_scan(minute(7), {END: (3, [1])}, {}) == {END: {1: minute(7)}}
    assert journal.recall("alpha-1", "subspace_checked") is None
    assert journal.pending_at([END, OTHER], minute(5)) == {END: {1: minute(5), 2: minute(5)}, OTHER: {8: minute(5)}}
    assert journal.last_readings()[OTHER].height == 900


def test_what_was_pending_then_can_be_asked_later(journal: Journal) -> None:
    look(journal, 0, 1, 2, 3)
    look(journal, 10, 1, 3)
    look(journal, 20, 3, 4)
    for at, pending in {-1: set(), 0: {1, 2, 3}, 9: {1, 2, 3}, 10: {1, 3}, 19: {1, 3}, 20: {3, 4}, 99: {3, 4}}.items():
        assert journal.pending_at([END], minute(at))[END].keys() == pending
    assert journal.pending_at([OTHER], minute(99)) == {}


def test_the_past_knows_when_a_packet_was_last_seen(journal: Journal, database: Database) -> None:
    look(journal, 0, 1)
    look(journal, 10, 1)
    look(journal, 99)
    assert database.rows("SELECT first_sequence, last_seen, gone_at FROM past_sightings") == [
        (1, "2026-11-22T12:10:00.000000Z", "2026-11-22T13:39:00.000000Z")
    ]


def test_first_seen_leaves_out_what_is_not_pending(journal: Journal) -> None:
    look(journal, 0, 1, 2)
    look(journal, 1, 2, 9)
    keys = [PacketKey(*END, 1), PacketKey(*END, 2), PacketKey(*END, 9), PacketKey(*OTHER, 2)]
    assert journal.first_seen(keys) == {keys[1]: minute(0), keys[2]: minute(1)}


def test_proof_of_a_greater_age_moves_only_the_packets_it_is_about(journal: Journal) -> None:
    look(journal, 5, 1, 2, 3, 4, 9)
    journal.predate(END, {2, 3, 9, 77}, minute(2))
    assert look(journal, 6, 1, 2, 3, 4, 9) == {1: 5, 2: 2, 3: 2, 4: 5, 9: 2}
    assert journal.pending_at([END], minute(3)) == {END: {2: minute(2), 3: minute(2), 9: minute(2)}}


def test_a_packet_is_never_made_younger(journal: Journal) -> None:
    look(journal, 5, 1)
    journal.predate(END, {1}, minute(8))
    assert look(journal, 9, 1) == {1: 5}


def test_the_largest_sequence_we_keep(journal: Journal) -> None:
    assert look(journal, 0, 2**63 - 1) == {2**63 - 1: 0}


def test_sequence_zero_is_refused_by_the_database(journal: Journal) -> None:
    with pytest.raises(RuleBrokenError):
        look(journal, 0, 0)
    assert journal.last_readings() == {}


def test_the_past_is_never_rewritten(journal: Journal, database: Database) -> None:
    look(journal, 0, 1)
    look(journal, 1)
    with pytest.raises(RuleBrokenError, match="never changed"), database.atomic() as tx:
        tx.execute("UPDATE past_sightings SET gone_at = first_seen")


def test_a_time_without_a_zone_is_a_mistake(journal: Journal) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        journal.record_scan(datetime(2026, 1, 1), {}, {END: "x"})  # noqa: DTZ001 - the mistake


@settings(deadline=None, max_examples=60)
@given(st.lists(st.frozensets(st.integers(1, 12)), min_size=1, max_size=12))
def test_any_coming_and_going_is_remembered_like_a_row_per_packet_would(looks: list[frozenset[int]]) -> None:
    model: dict[int, int] = {}
    with open_database(":memory:") as database:
        journal = Journal(database)
        for at, pending in enumerate(looks):
            model = {sequence: model.get(sequence, at) for sequence in pending}
            assert look(journal, at, *pending) == model
        for at, pending in enumerate(looks):
            assert journal.pending_at([END], minute(at))[END].keys() == pending
