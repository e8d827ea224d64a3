"""What a mute hides, and what it must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.store.db import Database, RuleBrokenError
from relayclear.store.journal import Journal
from relayclear.store.mutes import Mute

END = ChannelEnd("alpha-1", "transfer", "channel-0")
OTHER = ChannelEnd("alpha-1", "transfer", "channel-1")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ranges(text: str) -> SequenceRanges:
    return SequenceRanges.parse(text)


def only(journal: Journal, at: datetime = NOW) -> Mute:
    (mute,) = journal.mutes(at)
    return mute


def test_a_mute_covers_a_packet_only_while_its_class_is_that_of_then(journal: Journal) -> None:
    journal.mute(END, ranges("1..3"), "old bridge", None, {1: "stuck", 3: "timed_out"}, NOW)
    mute = only(journal)
    assert (mute.end, mute.sequences, mute.reason) == (END, ranges("1..3"), "old bridge")
    covered = {(s, c) for s in range(5) for c in ("stuck", "timed_out", "pending") if mute.covers(s, c, NOW)}
    assert covered == {(1, "stuck"), (3, "timed_out")}


def test_a_muted_channel_covers_packets_that_come_later_in_the_same_class(journal: Journal) -> None:
    journal.mute(END, None, "client expired", None, frozenset({"stuck", "ack_missing"}), NOW)
    mute = only(journal)
    assert mute.covers(2**63 - 1, "stuck", NOW)
    assert mute.covers(1, "ack_missing", NOW)
    assert not mute.covers(1, "timed_out", NOW)


def test_a_channel_muted_without_a_class_hides_nothing(journal: Journal) -> None:
    journal.mute(END, None, "?", None, frozenset(), NOW)
    assert not only(journal).covers(1, "stuck", NOW)


def test_a_mute_with_an_end_ends_by_itself(journal: Journal) -> None:
    journal.mute(END, None, "upgrade", NOW + HOUR, {"stuck"}, NOW)
    mute = only(journal)
    at = [NOW - HOUR, NOW, NOW + HOUR - timedelta(microseconds=1), NOW + HOUR]
    assert [mute.covers(1, "stuck", when) for when in at] == [False, True, True, False]
    assert [len(journal.mutes(when)) for when in at] == [0, 1, 1, 0]


def test_unmuting_a_channel_ends_all_of_its_mutes_and_no_other(journal: Journal) -> None:
    journal.mute(END, None, "a", None, {"stuck"}, NOW)
    journal.mute(END, ranges("5"), "b", None, {5: "stuck"}, NOW)
    kept = journal.mute(OTHER, None, "c", None, {"stuck"}, NOW)
    assert journal.unmute(END, None, NOW + HOUR) == 2
    assert [mute.id for mute in journal.mutes(NOW + HOUR)] == [kept]
    assert journal.unmute(END, None, NOW + HOUR) == 0


def test_unmuting_one_sequence_leaves_its_neighbours_muted(journal: Journal) -> None:
    journal.mute(END, ranges("1..5"), "a", NOW + 9 * HOUR, dict.fromkeys(range(1, 6), "stuck"), NOW)
    assert journal.unmute(END, ranges("3,9"), NOW + HOUR) == 1
    mute = only(journal, NOW + HOUR)
    assert (mute.sequences, mute.reason, mute.until) == (ranges("1..2,4..5"), "a", NOW + 9 * HOUR)
    assert [s for s in range(7) if mute.covers(s, "stuck", NOW + HOUR)] == [1, 2, 4, 5]


def test_unmuting_one_sequence_of_a_muted_channel_leaves_the_rest_muted(journal: Journal) -> None:
    journal.mute(END, None, "a", None, {"stuck"}, NOW)
    assert journal.unmute(END, ranges("3"), NOW + HOUR) == 1
    mute = only(journal, NOW + HOUR)
    assert [s for s in (1, 2, 3, 4, 10**18) if mute.covers(s, "stuck", NOW + HOUR)] == [1, 2, 4, 10**18]


def test_unmuting_what_is_not_muted_says_none(journal: Journal) -> None:
    mute_id = journal.mute(END, ranges("1..5"), "a", None, {1: "stuck"}, NOW)
    assert journal.unmute(END, ranges("9"), NOW) == 0
    assert journal.unmute(OTHER, None, NOW) == 0
    assert only(journal).id == mute_id


def test_the_mutes_of_the_past_can_be_asked_for(journal: Journal) -> None:
    journal.mute(END, ranges("1..5"), "a", None, {1: "stuck"}, NOW)
    journal.unmute(END, ranges("1..4"), NOW + HOUR)
    journal.unmute(END, None, NOW + 2 * HOUR)
    assert [[str(mute.sequences) for mute in journal.mutes(NOW + half * HOUR / 2)] for half in range(-1, 6)] == [
        [],
        ["1..5"],
        ["1..5"],
        ["5"],
        ["5"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mutes SET reason = 'other'",
        "UPDATE mutes SET sequences = NULL, ended_at = 'x'",
        "UPDATE mutes SET until = 'x', ended_at = 'x'",
        "UPDATE mutes SET ended_at = NULL",
        "DELETE FROM mutes",
    ],
)
def test_of_a_mute_only_the_end_can_be_added(statement: str, journal: Journal, database: Database) -> None:
    journal.mute(END, ranges("1"), "a", None, {1: "stuck"}, NOW)
    with pytest.raises(RuleBrokenError, match="a mute"), database.atomic() as tx:
        tx.execute(statement)
    journal.unmute(END, None, NOW)
    with pytest.raises(RuleBrokenError, match="once"), database.atomic() as tx:
        tx.execute("UPDATE mutes SET ended_at = 'later'")
