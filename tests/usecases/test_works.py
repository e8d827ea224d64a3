"""Work as it is watched: what is remembered of it is never older than what is stored."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relayclear.clearing.operation import Attempt, Operation, OperationState, PacketAfter, PacketBefore
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.money.state import TokenState
from relayclear.store import sales
from relayclear.usecases import recording
from relayclear.usecases.operations import operation_story, stored_story
from relayclear.usecases.payments_view import Newest, PaymentQuestion, view_payments
from relayclear.usecases.quote import make_quote, preview_quote
from relayclear.usecases.quote_values import NoteCode, QuoteRequest
from relayclear.usecases.sales_view import Tokens
from relayclear.usecases.tokens_acts import revoke_token
from relayclear.usecases.works import Works
from tests.fakes import relayer as hermes
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.paying import Till


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    made = Counter(rig, tmp_path / "shop")
    rig.stuck(count=3)
    return made


def keys(rig: Rig, *sequences: int) -> list[PacketKey]:
    return [PacketKey(*rig.source, sequence) for sequence in sequences]


def test_an_operation_that_ended_and_is_tried_again_is_under_way_again(counter: Counter) -> None:
    rig, works = counter.rig, Works()
    rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(keys(rig, 1))
    counter.work()
    desk = rig.desk
    (row,) = works.queue(desk, 9)
    assert (row.state, len(row.attempts), row.asked.token) == (OperationState.WAITING, 1, token.memo)
    assert works.ended(desk, 9) == []
    rig.relayer.scenarios = [hermes.does_the_job]
    counter.work_until(60)
    assert works.queue(desk, 9) == []
    (done,) = works.ended(desk, 9)
    assert (done.state, len(done.operation.attempts)) == (OperationState.CLEARED, 2)
    assert done.operation == rig.journal.operation(done.id)


def test_what_is_remembered_of_an_ended_operation_is_forgotten_when_something_happens_to_it(counter: Counter) -> None:
    rig, works, desk = counter.rig, Works(), counter.rig.desk
    operation = Operation("op-1", rig.clock.now(), rig.source, rig.far, SequenceRanges.of([1]))
    recording.add_operation(desk, operation, "ada")
    recording.start_attempt(desk, operation, Attempt(1, rig.clock.now(), (PacketBefore(1, None, b"x", {}),)), "ada")
    left = PacketAfter(1, Fate.STILL_PENDING, Doer.UNKNOWN, True, False, None, {})
    recording.finish_attempt(desk, "op-1", 1, [left], ())
    assert [row.state for row in works.ended(desk, 9)] == [OperationState.FAILED]
    recording.start_attempt(desk, operation, Attempt(2, rig.clock.now(), (PacketBefore(1, None, b"x", {}),)), "ada")
    assert works.ended(desk, 9) == []
    assert [row.state for row in works.queue(desk, 9)] == [OperationState.RUNNING]
    recording.finish_attempt(desk, "op-1", 2, [replace(left, fate=Fate.DELIVERED, committed=False)], ())
    assert [row.state for row in works.ended(desk, 9)] == [OperationState.CLEARED]


def test_a_paid_token_waits_in_the_queue_before_it_has_an_operation(counter: Counter) -> None:
    token = counter.bought(keys(counter.rig, 1, 2))
    assert not sales.open_work(counter.rig.journal.database)
    (row,) = Works().queue(counter.rig.desk, 9)
    assert row.operation is None
    assert (row.asked.token, str(row.sequences), row.state) == (token.memo, "1..2", OperationState.QUEUED)


def test_the_story_out_of_the_database_is_the_one_that_the_command_tells(counter: Counter) -> None:
    counter.bought(keys(counter.rig, 1))
    counter.work()
    desk = counter.rig.desk
    (done,) = Works().ended(desk, 9)
    assert stored_story(desk, done.id) == asyncio.run(operation_story(desk, done.id))
    before = stored_story(desk, done.id, done.operation.requested_at)
    assert all(attempt.ended_at is None for attempt in before.operation.attempts)
    assert before.costs == ()
    assert all(event.at <= done.operation.requested_at for event in before.events)


def test_a_token_that_is_over_is_worked_out_again_when_coins_come_for_it(till: Till) -> None:
    token, reader = till.sold(), Tokens()
    revoke_token(till.desk, token.memo, "a mistake", "ada")
    desk = till.desk
    (first,) = reader.read(desk, 9).tokens
    assert (first.state, first.owed) == (TokenState.REVOKED, ())
    assert reader.read(desk, 9).tokens[0] is first
    till.pay(token.memo, 40)
    till.read_all()
    (after,) = reader.read(desk, 9).tokens
    assert [due.gross for due in after.owed] == [40]


def test_an_open_token_is_among_the_newest_however_many_came_after_it(till: Till) -> None:
    old = till.sold()
    for _ in range(4):
        revoke_token(till.desk, till.sold().memo, "no", "ada")
        till.rig.clock.step(1)
    found = Tokens().read(till.desk, 2)
    assert found.more
    assert old in [view.token for view in found.tokens]
    assert len(found.tokens) == 3


def test_the_newest_payments_are_those_that_the_command_lists(till: Till) -> None:
    reader, desk, token = Newest(), till.desk, till.sold()
    till.pay(token.memo, 100)
    till.read_all()
    question = PaymentQuestion(suggest=False)
    assert reader.read(desk, 9) == view_payments(desk, question, 9)
    till.pay("hello", 3)
    till.pay(token.memo, 1)
    till.read_all()
    assert reader.read(desk, 9) == view_payments(desk, question, 9)
    till.blocks(3)
    till.read()
    page = reader.read(desk, 9)
    assert page == view_payments(desk, question, 9)
    assert len(page.payments) == 3


def request(rig: Rig, *sequences: int, denom: str | None = None) -> QuoteRequest:
    end = rig.source
    chosen = SequenceRanges.of(sequences)
    return QuoteRequest(end.chain, end.channel, end.port, chosen, "ada", pay_denom=denom)


def test_a_preview_is_the_price_that_is_signed_and_keeps_nothing(counter: Counter) -> None:
    rig = counter.rig
    shown = asyncio.run(preview_quote(rig.desk, request(rig, 1, 2)))
    assert not Tokens().read(rig.desk, 9).tokens
    issued = asyncio.run(make_quote(rig.desk, request(rig, 1, 2)))
    assert shown.quote == issued.token.quote
    assert shown.payee == issued.token.payee
    assert timedelta(seconds=shown.ttl) == issued.token.expires_at - issued.token.issued_at
    assert shown.accepted == ("stake", "token")


def test_a_preview_says_that_the_open_token_would_be_given_again(counter: Counter) -> None:
    rig = counter.rig
    asyncio.run(make_quote(rig.desk, request(rig, 1)))
    shown = asyncio.run(preview_quote(rig.desk, request(rig, 1)))
    assert NoteCode.REPEATED in [note.code for note in shown.notes]
