"""One packet's story, gas and charts out of the database alone, now and as they were known then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.clearing.timeline import Happened
from relayclear.errors import NodeError
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.store import vitals
from relayclear.store.journal import Journal
from relayclear.usecases.board_gas import gas_lines
from relayclear.usecases.board_series import (
    PaidDay,
    TriedDay,
    busiest_channels,
    payments_by_day,
    stuck_over_time,
    success_by_day,
)
from relayclear.usecases.board_story import packet_story
from relayclear.usecases.picture import Keeper
from relayclear.usecases.relay_costs import read_costs
from relayclear.usecases.stats import Denom
from relayclear.usecases.vitals import Vitals
from relayclear.wording import fix, why
from relayclear.wording.board import story_text
from tests.fakes.relayer import does_nothing_and_says_success
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.test_clear import clear
from tests.usecases.test_picture import Onlooker, onlooker
from tests.usecases.test_relay_costs import costs

__all__ = ["onlooker"]


@pytest.fixture
def counter(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Counter:
    return Counter(rig, tmp_path_factory.mktemp("shop"))


def test_a_packet_is_told_from_its_sending_to_its_fate_without_a_node(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    key = rig.world.send(rig.source, timeout_seconds=0)
    rig.clock.step(60)
    seen = onlooker.look().at
    rig.clock.step(600)
    grown = onlooker.look().at
    operation = clear(rig, "1")
    rig.clock.step(60)
    gone = onlooker.look().at
    rig.alpha.down = rig.beta.down = NodeError("nobody may be asked")
    story = packet_story(replace(rig.desk, journal=Journal(onlooker.reader)), key)
    assert story.packet is not None
    assert story.transfer is not None
    assert (story.packet.verified, story.packet.send_tx is None, story.transfer.coin.amount) == (True, False, 2000)
    assert (story.first_seen, story.gone_at, story.row) == (seen, gone, None)
    assert [(one.at, one.verdict.packet_class) for one in story.changes] == [
        (seen, PacketClass.IN_FLIGHT),
        (grown, PacketClass.STUCK),
    ]
    (work,) = story.works
    assert work.operation.id == operation.id
    assert {Happened.ASKED, Happened.PLANNED, Happened.RAN, Happened.MOVED, Happened.JUDGED} == {
        moment.what for moment in work.moments
    }
    run = work.operation.attempts[0].run
    assert run is not None
    assert run.argv
    assert story.fate is not None
    assert (story.fate.fate, len(story.fate.txs)) == (Fate.DELIVERED, 2)


def test_a_pending_packet_tells_the_command_that_would_clear_it_and_one_that_none_can_none(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    (key,) = rig.stuck()
    row = onlooker.look().rows[0]
    story = packet_story(rig.desk, key)
    assert story.row == row
    assert fix(row) == "relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 1"
    rig.alpha.tx_index = False
    (lost,) = rig.stuck()
    onlooker.look()
    story = packet_story(rig.desk, lost)
    assert story.row is not None
    assert (fix(story.row), story.packet) == (None, None)
    assert story.row.blocked is not None
    assert story.row.blocked.reason is BlockReason.NO_PACKET_DATA
    assert why(story.row)
    assert "try: give the chain an endpoint" in story_text(story)


def test_a_packet_whose_application_is_silent_is_not_offered_a_clear(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    (held,) = rig.stuck(memo=HOLD_MEMO)
    rig.world.deliver(held)
    rig.clock.step(600)
    onlooker.look()
    text = story_text(packet_story(rig.desk, held))
    assert "can't be cleared now: delivered; the receiving application hasn't given its word yet" in text
    assert f"look again: relayclear packets show {held}" in text
    assert "relayclear clear" not in text


def test_a_story_of_the_past_knows_nothing_of_what_came_later(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    (key,) = rig.stuck()
    then = onlooker.look()
    rig.clock.step(60)
    clear(rig, "1")
    onlooker.look()
    story = packet_story(rig.desk, key, then.at)
    assert (story.row, story.works, story.fate, story.gone_at) == (then.rows[0], (), None, None)
    before = packet_story(rig.desk, key, then.at - timedelta(seconds=1))
    assert (before.row, before.first_seen, before.changes) == (None, None, ())


def test_a_packet_that_nobody_has_heard_of_has_an_empty_story(onlooker: Onlooker) -> None:
    onlooker.look()
    story = packet_story(onlooker.rig.desk, PacketKey("alpha-1", "transfer", "channel-9", 7))
    assert (story.path, story.packet, story.first_seen, story.changes, story.works, story.sales) == (
        (None, None, None, (), (), ())
    )


def test_a_packet_that_went_and_came_back_tells_both(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    rig.stuck(timeout_seconds=0)
    first = onlooker.look().at
    rig.journal.restart_chain("alpha-1", rig.clock.now() + timedelta(seconds=1))
    rig.clock.step(60)
    onlooker.keeper = Keeper(rig.desk)
    second = onlooker.look().at
    story = packet_story(rig.desk, PacketKey(*rig.source, 1))
    assert [one.at for one in story.changes] == [first, second]


def test_a_story_names_the_tokens_that_sold_the_packet_and_what_its_share_came_to(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.quote([key])
    (sale,) = packet_story(counter.rig.desk, key).sales
    assert (sale.token.token.memo, sale.verdict) == (token.memo, None)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    (sale,) = packet_story(counter.rig.desk, key).sales
    assert sale.verdict is not None
    assert sale.verdict.verdict.result.value == "earned"


# Gas


def look_at_gas(rig: Rig) -> None:
    notes = Vitals(rig.desk)
    asyncio.run(notes.check_gas())
    with rig.journal.database.atomic() as tx:
        notes.write(tx)


def test_gas_that_nobody_looked_at_is_unknown_and_never_nothing(rig: Rig) -> None:
    lines = gas_lines(rig.desk)
    assert [(line.chain, line.role) for line in lines] == [
        (chain, role) for chain in ("alpha-1", "beta-1") for role in ("daemon", "clearing")
    ]
    assert all(line[2:] == (None,) * 6 for line in map(values, lines))


def values(line: object) -> tuple[object, ...]:
    return tuple(getattr(line, name) for name in line.__slots__)  # type: ignore[attr-defined]


def test_the_days_that_gas_lasts_follow_what_clearing_took_in_the_last_week(rig: Rig) -> None:
    rig.stuck()
    operation = clear(rig, "1")
    asyncio.run(read_costs(rig.desk))
    look_at_gas(rig)
    spent = sum(coin.amount for cost in costs(rig, operation) if cost.run.chain == "alpha-1" for coin in cost.fee)
    daemon, clearing, *_ = gas_lines(rig.desk)
    assert spent > 0
    assert clearing.held is not None
    assert clearing.days == pytest.approx(clearing.held.amount / (spent / 7))
    assert (clearing.looked_at, clearing.error, daemon.days) == (rig.clock.now(), None, None)
    assert clearing.age(rig.clock.now() + timedelta(minutes=3)) == timedelta(minutes=3)
    rig.clock.step(8 * 86400)
    assert gas_lines(rig.desk)[1].days is None


def test_gas_that_can_no_longer_be_read_keeps_the_last_good_look_with_the_reason(rig: Rig) -> None:
    look_at_gas(rig)
    good = gas_lines(rig.desk)[1]
    rig.clock.step(600)
    rig.alpha.down = NodeError("alpha-1: it hangs")
    look_at_gas(rig)
    line = gas_lines(rig.desk)[1]
    assert (line.held, line.looked_at, line.error) == (good.held, good.looked_at, "alpha-1: it hangs")
    assert gas_lines(rig.desk, rig.clock.now() - timedelta(seconds=1))[1].held is None
    assert vitals.of_kind(rig.journal.database, vitals.Kind.GAS)


# Series


def test_stuck_packets_over_time_are_unknown_before_the_first_scan_and_muted_ones_apart(onlooker: Onlooker) -> None:
    rig = onlooker.rig
    begun = rig.clock.now()
    rig.clock.step(600)
    keys = rig.stuck(count=3, timeout_seconds=0)
    onlooker.look()
    rig.clock.step(600)
    rig.journal.mute(rig.source, SequenceRanges.of([1]), "known", None, {1: "stuck"}, rig.clock.now())
    rig.clock.step(600)
    rig.world.relay(keys[1])
    onlooker.look()
    rig.clock.step(600)
    points = stuck_over_time(rig.desk, begun, rig.clock.now(), 5)
    assert [point.stuck for point in points] == [None, 3, 2, 1, 1]
    assert points[-1].at == rig.clock.now()


def test_success_is_counted_by_the_day_of_asking_as_it_was_known_then(rig: Rig) -> None:
    begun = rig.clock.now()
    rig.stuck(count=2)
    clear(rig, "1")
    first = rig.clock.now()
    rig.clock.step(86400)
    operation = clear(rig, "2", does_nothing_and_says_success)
    assert operation_state(operation) is OperationState.FAILED
    now = rig.clock.now()
    assert success_by_day(rig.desk, begun, now) == {first.date(): TriedDay(1, 1), now.date(): TriedDay(1, 0)}
    assert success_by_day(rig.desk, begun, first) == {first.date(): TriedDay(1, 1)}
    assert success_by_day(rig.desk, first + timedelta(seconds=1), now) == {now.date(): TriedDay(1, 0)}
    ((end, channel),) = busiest_channels(rig.desk, None)
    assert (end, channel.packets) == (rig.source, 2)


def test_payments_are_added_up_by_day_and_denoms_never_mix(counter: Counter) -> None:
    begun = counter.rig.clock.now()
    (key,) = counter.rig.stuck()
    token = counter.quote([key])
    counter.pay(token, 5)
    counter.pay(token, 7)
    counter.pay(token, 2, denom="token")
    counter.blocks(2)
    counter.read()
    now = counter.rig.clock.now()
    amounts = {Denom("alpha-1", "stake"): 12, Denom("alpha-1", "token"): 2}
    ((day, paid),) = payments_by_day(counter.rig.desk, begun, now).items()
    assert (day, paid) == (now.date(), PaidDay(3, paid.amounts))
    assert paid.amounts == amounts
    assert payments_by_day(counter.rig.desk, now, now) == {}
