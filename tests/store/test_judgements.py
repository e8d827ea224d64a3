"""Judgements of packets as intervals: like a row per packet and scan would be, and nothing written for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass, Verdict
from relayclear.store import judgements, outages
from relayclear.store.db import Database, RuleBrokenError, open_database
from relayclear.store.judgements import Judged, Run
from relayclear.store.outages import Outage

END = ChannelEnd("alpha-1", "transfer", "channel-0")
OTHER = ChannelEnd("beta-1", "transfer", "channel-7")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)

STUCK = Judged(Verdict(PacketClass.STUCK, None), known=True, attention=True, first_seen=START)
FLYING = Judged(Verdict(PacketClass.IN_FLIGHT, None), known=True, attention=False, first_seen=START)
UNREAD = Judged(Verdict(PacketClass.PENDING, Blocked(BlockReason.NO_PACKET_DATA, "nobody has it")), False, True, START)
YOUNGER = STUCK._replace(first_seen=START + timedelta(minutes=1))


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def judge(database: Database, at: int, judged: dict[int, Judged], end: ChannelEnd = END) -> bool:
    with database.atomic() as tx:
        return judgements.record(tx, minute(at), {end: judged})


def at(database: Database, number: int) -> dict[int, Judged]:
    """The judgement of each packet at a minute."""
    return expand(judgements.runs_at(database, [END], minute(number))[END])


def expand(runs: list[Run]) -> dict[int, Judged]:
    return {sequence: run.judged for run in runs for sequence in range(run.first, run.last + 1)}


def test_neighbours_of_one_judgement_share_a_row(database: Database) -> None:
    judge(database, 0, {**dict.fromkeys(range(1, 1001), STUCK), 2000: STUCK})
    assert judgements.runs_of(database, [END])[END] == [Run(1, 1000, STUCK, START), Run(2000, 2000, STUCK, START)]


def test_the_same_again_is_nothing_new_and_leaves_the_file_as_it_was(database: Database) -> None:
    assert judge(database, 0, {1: STUCK, 2: FLYING})
    before = database.rows("SELECT total_changes()")
    assert not judge(database, 1, {1: STUCK, 2: FLYING})
    assert database.rows("SELECT total_changes()") == before
    assert judgements.changes(database) == {END: 1}
    assert judgements.moment_after(database, START) is None


def test_one_in_the_middle_that_changes_splits_its_neighbours_and_they_keep_their_time(database: Database) -> None:
    judge(database, 0, {1: STUCK, 2: STUCK, 3: STUCK})
    judge(database, 5, {1: STUCK, 2: UNREAD, 3: STUCK})
    assert judgements.runs_of(database, [END])[END] == [
        Run(1, 1, STUCK, START),
        Run(2, 2, UNREAD, minute(5)),
        Run(3, 3, STUCK, START),
    ]
    assert at(database, 4) == {1: STUCK, 2: STUCK, 3: STUCK}


def test_what_one_scan_says_twice_is_what_it_said_last(database: Database) -> None:
    judge(database, 0, {1: FLYING})
    judge(database, 1, {1: UNREAD, 2: UNREAD})
    judge(database, 1, {1: STUCK, 2: STUCK})
    assert at(database, 1) == {1: STUCK, 2: STUCK}
    assert [span.judged for span in judgements.of_packet(database, PacketKey(*END, 1))] == [FLYING, STUCK]
    assert judgements.changes(database)[END] == 3


def test_a_packet_tells_its_judgements_in_order_with_their_ends(database: Database) -> None:
    judge(database, 0, {1: FLYING, 2: FLYING})
    judge(database, 5, {1: STUCK, 2: FLYING})
    judge(database, 9, {2: FLYING})
    first, second = judgements.of_packet(database, PacketKey(*END, 1))
    assert (first.since, first.ended_at) == (minute(0), minute(5))
    assert (second.since, second.ended_at) == (minute(5), minute(9))
    (still,) = judgements.of_packet(database, PacketKey(*END, 2))
    assert still.ended_at is None
    assert judgements.of_packet(database, PacketKey(*OTHER, 1)) == []


def test_a_chain_begun_anew_ends_what_was_judged_of_it_alone(database: Database) -> None:
    judge(database, 0, {1: STUCK})
    judge(database, 0, {8: STUCK}, OTHER)
    with database.atomic() as tx:
        judgements.close_all(tx, "alpha-1", minute(3))
    assert at(database, 2) == {1: STUCK}
    assert at(database, 3) == {}
    assert expand(judgements.runs_of(database, [OTHER])[OTHER]) == {8: STUCK}


def test_the_past_is_never_rewritten(database: Database) -> None:
    judge(database, 0, {1: STUCK})
    judge(database, 1, {})
    with pytest.raises(RuleBrokenError, match="never changed"), database.atomic() as tx:
        tx.execute("UPDATE past_judgements SET ended_at = since")


def test_only_what_ended_before_is_forgotten(database: Database) -> None:
    for number, judged in enumerate(({1: STUCK}, {1: FLYING}, {1: UNREAD})):
        judge(database, number, judged)
    with database.atomic() as tx:
        judgements.forget(tx, minute(2))
    assert [span.judged for span in judgements.of_packet(database, PacketKey(*END, 1))] == [FLYING, UNREAD]
    assert judgements.moment_before(database, minute(9)) == minute(2)
    assert judgements.moment_before(database, minute(2)) is None


def test_an_outage_keeps_its_beginning_and_takes_the_newest_words(database: Database) -> None:
    with database.atomic() as tx:
        outages.begin(tx, minute(1), {END: (minute(0), "it hangs")})
        outages.begin(tx, minute(2), {END: (minute(1), "it refuses")})
    held = Outage(minute(1), minute(0), "it refuses")
    assert outages.open_ones(database) == {END: held}
    with database.atomic() as tx:
        outages.end_all(tx, minute(4), [END, OTHER])
    assert outages.open_ones(database) == {}
    shown = [outages.at_time(database, [END], minute(number)).get(END) for number in range(6)]
    assert shown == [None, held, held, held, None, None]
    with database.atomic() as tx:
        outages.forget(tx, minute(5))
    assert outages.at_time(database, [END], minute(2)) == {}


JUDGEMENTS = st.sampled_from([STUCK, FLYING, UNREAD, YOUNGER])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(st.integers(1, 9), JUDGEMENTS), min_size=1, max_size=10))
def test_any_change_is_remembered_like_a_row_per_packet_and_scan_would(scans: list[dict[int, Judged]]) -> None:
    with open_database(":memory:") as database:
        for number, judged in enumerate(scans):
            assert judge(database, number, judged) is (judged != (scans[number - 1] if number else {}))
            assert expand(judgements.runs_of(database, [END])[END]) == judged
        for number, judged in enumerate(scans):
            assert at(database, number) == judged
        changed = [number for number, judged in enumerate(scans) if judged != (scans[number - 1] if number else {})]
        stepped, moment = [], judgements.moment_before(database, minute(99))
        while moment is not None:
            stepped.append(moment)
            moment = judgements.moment_before(database, moment)
        assert stepped == [minute(number) for number in reversed(changed)]
