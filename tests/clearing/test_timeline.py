"""What happened to an operation stands in the order in which it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from relayclear.clearing.timeline import Happened, timeline
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.relayer import RelayRun
from tests.clearing.proofs import AT, after, attempt, before, operation, tx

RUN = RelayRun("1.10.5", ("hermes",), 0, 3.0, ended=True)
LATER = AT + timedelta(minutes=5)


def test_everything_stands_where_it_happened() -> None:
    block = replace(tx(RelayStep.RECV), at=AT + timedelta(seconds=2))
    first = replace(attempt(1, before(), after(txs=(block, replace(tx(RelayStep.ACK), at=None)))), run=RUN)
    second = replace(attempt(2, before(), after(txs=())), started_at=LATER, after=(), ended_at=None)
    told = timeline(replace(operation(first, second), cancelled_at=LATER + timedelta(seconds=1)))
    assert [(moment.what, moment.attempt) for moment in told] == [
        (Happened.ASKED, None),
        (Happened.PLANNED, 1),
        (Happened.MOVED, 1),
        (Happened.MOVED, 1),
        (Happened.RAN, 1),
        (Happened.JUDGED, 1),
        (Happened.PLANNED, 2),
        (Happened.CANCELLED, None),
    ]
    assert [moment.at for moment in told][:4] == [AT, AT, block.at, None]


def test_a_transaction_that_moved_many_packets_is_told_once() -> None:
    shared = tx(RelayStep.RECV)
    both = attempt(1, before(), after(txs=(shared,)))
    both = replace(both, before=(before(2), before(3)), after=(after(2, txs=(shared,)), after(3, txs=(shared,))))
    (moved,) = (moment for moment in timeline(operation(both)) if moment.what is Happened.MOVED)
    assert str(moved.sequences) == "2..3"


def test_a_block_whose_clock_lags_behind_ours_is_not_told_before_what_caused_it() -> None:
    early = AT - timedelta(seconds=3)
    ours = replace(tx(RelayStep.RECV), at=early, height=10**9)
    told = [moment.what for moment in timeline(operation(replace(attempt(1, before(), after(txs=(ours,))), run=RUN)))]
    assert told == [Happened.ASKED, Happened.PLANNED, Happened.MOVED, Happened.RAN, Happened.JUDGED]


def test_what_others_did_before_anybody_asked_is_told_first() -> None:
    others = replace(tx(RelayStep.RECV), at=AT - timedelta(seconds=3), height=1)
    told = [moment.what for moment in timeline(operation(attempt(1, before(), after(txs=(others,)))))]
    assert told == [Happened.MOVED, Happened.ASKED, Happened.PLANNED, Happened.JUDGED]
