"""What the daemon notes, and the health that is judged by it."""

from __future__ import annotations

import asyncio
from collections import Counter as Counter_
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest

from relayclear.bootstrap.connections import LateChains
from relayclear.clearing.breaker import BreakerState, BreakerView
from relayclear.clearing.health import Finding, Level, Sign, Trouble, Work, health
from relayclear.errors import HermesError, NodeError
from relayclear.ibc.coin import Coin
from relayclear.ibc.filter import Filter
from relayclear.ibc.packet import ChannelEnd, ChannelState
from relayclear.money.refund_state import Said
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.store import dues, refunds, vitals
from relayclear.store.db import RuleBrokenError
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.counting import Counted
from relayclear.usecases.health import look, look_or_tell
from relayclear.usecases.health_facts import gather
from relayclear.usecases.listing import DetailsMode, Listing, ListRequest, list_packets
from relayclear.usecases.mute import mute_packets
from relayclear.usecases.picture import Keeper
from relayclear.usecases.scan import Reading, scan
from relayclear.usecases.token_verdicts import restate
from relayclear.usecases.views import needs_attention
from relayclear.usecases.vitals import Vitals
from relayclear.usecases.watching import beat, being_alone
from relayclear.wording.health import sentence, step
from tests.fakes.daemon import scan_and_note
from tests.fakes.relayer import does_nothing_and_says_success
from tests.fakes.rig import STUCK_AFTER, Rig
from tests.usecases.counter import Counter
from tests.usecases.refunding import Giver, RefundRules, careless
from tests.usecases.test_refunds import underpaid


@contextmanager
def watched(rig: Rig) -> Iterator[Vitals]:
    """A daemon that has just looked at everything."""
    with being_alone(rig.desk):
        notes = Vitals(rig.desk)
        look_around(rig, notes)
        yield notes


def look_around(rig: Rig, notes: Vitals) -> None:
    """One scan, one check, one heartbeat."""
    scan_and_note(rig.desk, notes)
    asyncio.run(notes.check_hermes())
    asyncio.run(notes.check_gas())
    beat(rig.desk, rig.clock.now(), {}, notes)


def troubles(rig: Rig) -> dict[Trouble, Finding]:
    return {finding.trouble: finding for finding in look(rig.desk).findings}


def noted(rig: Rig) -> dict[tuple[Kind, str], Vital]:
    return {(one.kind, one.name): one for one in vitals.every(rig.journal.database)}


def test_health_is_silent_of_a_refund_that_failed_for_good_and_waits_for_a_person(rig: Rig, tmp_path: Path) -> None:
    giver = Giver(rig, tmp_path / "shop", refund_rules=replace(careless(), gas_margin=Decimal("1.01")))
    rig.alpha.underestimates = 10_000
    underpaid(giver)
    giver.sweep()
    (failed,) = giver.refunds()
    (finding,) = [one for one in look(giver.desk).findings if one.trouble is Trouble.REFUND_FAILED]
    assert (finding.subject, finding.level) == (failed.id, Level.DEGRADED)
    assert "code 11 (out of gas)" in sentence(finding, rig.clock.now())
    assert step(finding) == f"relayclear refunds show {failed.id}"
    (ability,) = [one for one in look(giver.desk).abilities if one.work is Work.REFUND]
    assert f"refund {failed.id}" in ability.why
    # Whoever says yes to what is owed since has dealt with it.
    rig.alpha.underestimates = 0
    giver.approve_all()
    assert Trouble.REFUND_FAILED not in {one.trouble for one in look(giver.desk).findings}


def approved_of(giver: Giver) -> Refund:
    """What an underpaid token brought, with somebody's yes."""
    underpaid(giver)
    (approved,) = giver.approve_all()
    return approved


def test_what_was_taken_back_and_is_owed_no_more_is_no_failed_refund(rig: Rig, tmp_path: Path) -> None:
    giver = Giver(rig, tmp_path / "shop", refund_rules=RefundRules())
    approved = approved_of(giver)
    with rig.journal.database.atomic() as tx:
        refunds.say(tx, approved.id, SaidOf(Said.WITHDRAWN, "rules", "not owed any more", rig.clock.now()))
        dues.restate(tx, approved.order_id, [], rig.clock.now())
    assert Trouble.REFUND_FAILED not in {one.trouble for one in look(giver.desk).findings}


def test_what_was_taken_back_and_is_owed_otherwise_is_no_failed_refund(rig: Rig, tmp_path: Path) -> None:
    """Its payer claimed it for another address, or less is owed now: nothing failed."""
    giver = Giver(rig, tmp_path / "shop", refund_rules=RefundRules())
    approved = approved_of(giver)
    with rig.journal.database.atomic() as tx:
        refunds.say(tx, approved.id, SaidOf(Said.WITHDRAWN, "ada", "its payer claimed it", rig.clock.now()))
        restate(tx, approved.order_id, rig.clock.now(), frozenset())
    assert len(giver.owed()) == 1
    assert Trouble.REFUND_FAILED not in {one.trouble for one in look(giver.desk).findings}


def test_health_connects_no_chain(rig: Rig) -> None:
    def connect() -> NoReturn:
        """The addresses stand in the config."""
        raise AssertionError

    desk = replace(rig.desk, chains=LateChains(rig.desk.chains, connect))
    assert look(desk).findings == look(rig.desk).findings


def test_a_watched_network_in_order_is_healthy(rig: Rig) -> None:
    with watched(rig):
        found = look(rig.desk)
    assert (found.level, found.findings) == (Level.HEALTHY, ())
    assert {ability.works for ability in found.abilities} == {True}


def test_without_a_watch_nothing_is_called_well(rig: Rig) -> None:
    found = look(rig.desk)
    assert [finding.trouble for finding in found.findings] == [Trouble.NO_WATCH]
    assert {ability.works for ability in found.abilities if ability.work is not Work.REMEMBER} == {None}


def test_an_endpoint_that_was_never_asked_is_unknown_and_stands_in_all_the_same(rig: Rig) -> None:
    shut = BreakerView("endpoint/alpha-1/http://alpha-1:26657", BreakerState.OPEN, "refused")
    with watched(rig):
        facts = gather(rig.desk)
    (alpha, beta) = facts.chains
    spare = replace(alpha, endpoints=(*alpha.endpoints, Sign("alpha-1/http://spare:26657")))
    found = health(replace(facts, chains=(spare, beta), breakers=(shut,)))
    assert [one.trouble for one in found.findings] == [Trouble.BREAKER_OPEN]
    assert {one.works for one in found.abilities} == {True}


def test_a_chain_away_is_told_with_its_last_good_look_and_the_other_goes_on(rig: Rig) -> None:
    with watched(rig) as notes:
        good = rig.clock.now()
        rig.beta.down = NodeError("beta-1: http://user:secret@beta refuses the connection")
        rig.clock.step(60)
        look_around(rig, notes)
        found = look(rig.desk)
    assert found.level is Level.DEGRADED
    away = next(finding for finding in found.findings if finding.trouble is Trouble.CHAIN_AWAY)
    assert (away.subject, away.since) == ("beta-1", good)
    assert "secret" not in str(found)
    assert {one.chain: one.works for one in found.abilities if one.work is Work.LOOK} == {
        "alpha-1": True,
        "beta-1": False,
    }


def test_after_two_hours_the_last_good_look_says_nothing(rig: Rig) -> None:
    with watched(rig) as notes:
        rig.clock.step(7201)
        beat(rig.desk, rig.clock.now(), {}, notes)
        assert {one.works for one in look(rig.desk).abilities if one.work is Work.LOOK} == {None}


def test_a_hermes_that_vanished_after_it_was_asked_is_noticed(rig: Rig) -> None:
    with watched(rig) as notes:
        rig.relayer.says = HermesError("hermes can't be started")
        look_around(rig, notes)
        assert troubles(rig)[Trouble.HERMES_AWAY].level is Level.CRITICAL
        rig.relayer.says = "1.10.5"
        look_around(rig, notes)
        assert look(rig.desk).level is Level.HEALTHY


def test_hermes_is_started_anew_for_every_check(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[bool]()

    async def version(*, again: bool = False) -> str:
        """Notes how it was asked."""
        asked.append(again)
        return "1.10.5"

    monkeypatch.setattr(rig.relayer, "version", version)
    with watched(rig) as notes:
        look_around(rig, notes)
    assert asked == [True, True]


def test_a_key_with_little_gas_is_named(rig: Rig) -> None:
    rig.relayer.granters["alpha-1"] = "cosmos1nobody"
    with watched(rig):
        found = troubles(rig)[Trouble.GAS_LOW]
    assert (found.subject, found.detail) == ("alpha-1/clearing", "0 relays")


def test_a_key_that_hermes_has_not_is_named_and_one_that_hides_is_not(rig: Rig) -> None:
    del rig.relayer.addresses["alpha-1", "clearing"]
    rig.relayer.addresses["beta-1", "daemon"] = None
    with watched(rig):
        assert troubles(rig)[Trouble.GAS_UNREAD].subject == "alpha-1/clearing"
    assert (Kind.GAS, "beta-1/daemon") not in noted(rig)


def test_books_that_were_tampered_with_are_critical(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    counter.bought(rig.stuck())
    with watched(rig):
        assert look(rig.desk).level is Level.HEALTHY
        with rig.journal.database.atomic() as tx:
            tx.execute("UPDATE totals SET amount = '1' WHERE account = 'received'")
        found = troubles(rig)[Trouble.BOOKS_OFF]
    assert (found.level, found.subject) == (Level.CRITICAL, "alpha-1/stake")


def test_an_audit_that_found_something_is_not_forgotten(rig: Rig, tmp_path: Path) -> None:
    Counter(rig, tmp_path / "shop")
    with watched(rig):
        with rig.journal.database.atomic() as tx:
            tx.execute("INSERT INTO audits VALUES ('alpha-1', '2026-01-01T00:00:00.000000Z', 5, 0, 0, '{}')")
        assert troubles(rig)[Trouble.BOOKS_OFF].subject == "alpha-1"


def test_a_paid_token_past_its_deadline_and_a_dead_task_are_told(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    rig.relayer.scenarios = [does_nothing_and_says_success]
    token = counter.bought(rig.stuck())
    counter.work()
    rig.clock.step(7300)
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0")
    with watched(rig):
        found = troubles(rig)
    assert found[Trouble.OVERDUE].subject == token.memo
    assert found[Trouble.DEAD_LETTERS].subject == token.memo
    assert Trouble.PAYMENTS_BEHIND in found


def test_payments_that_cannot_be_read_are_told(rig: Rig, tmp_path: Path) -> None:
    Counter(rig, tmp_path / "shop")
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE cursors SET error = 'the index is off', failed_at = '2026-01-01T00:00:00.000000Z'")
    with watched(rig):
        assert troubles(rig)[Trouble.PAYMENTS_UNREAD].detail == "the index is off"


def test_a_database_that_cannot_be_read_is_an_answer_not_an_error(rig: Rig) -> None:
    database = rig.journal.database
    assert database.path is not None
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    database.path.write_bytes(b"no page of ours" * 4096)
    database.rows("PRAGMA shrink_memory")
    found = look_or_tell(rig.desk)
    assert (found.level, found.findings[0].trouble) == (Level.CRITICAL, Trouble.DATABASE)


def test_what_left_the_config_is_forgotten_by_the_next_daemon(rig: Rig) -> None:
    gone = Vital(Kind.ENDPOINT, "gamma-1/http://old", rig.clock.now(), None, "refused")
    with rig.journal.database.atomic() as tx:
        vitals.keep(tx, [gone, Vital(Kind.GAS, "alpha-1/daemon", rig.clock.now(), None, "refused")])
    with watched(rig):
        assert (Kind.ENDPOINT, gone.name) not in noted(rig)
        assert (Kind.GAS, "alpha-1/daemon") in noted(rig)


def test_scans_are_counted_on_by_the_next_daemon(rig: Rig) -> None:
    with watched(rig):
        rig.beta.down = NodeError("beta-1: refused")
    with watched(rig):
        assert noted(rig)[Kind.SCAN, ""].detail == {"total": 2, "failed": 1, "seconds": 0.5}


def fail_after(rig: Rig, notes: Vitals) -> None:
    """Write the notes in a commit that never comes."""
    with rig.journal.database.atomic() as tx:
        notes.write(tx)
        tx.execute("INSERT INTO watchers VALUES ('x', NULL, '', '', '')")


def test_notes_of_a_commit_that_failed_are_written_with_the_next(rig: Rig) -> None:
    notes = Vitals(rig.desk)
    scan_and_note(rig.desk, notes)
    with pytest.raises(RuleBrokenError):
        fail_after(rig, notes)
    assert (Kind.CHAIN, "alpha-1") not in noted(rig)
    beat(rig.desk, rig.clock.now(), {}, notes)
    assert (Kind.CHAIN, "alpha-1") in noted(rig)


def test_a_failed_look_keeps_what_the_last_good_one_found(rig: Rig) -> None:
    with watched(rig) as notes:
        before = noted(rig)[Kind.CHAIN, "beta-1"]
        rig.beta.down = NodeError("beta-1: refused")
        rig.clock.step(60)
        look_around(rig, notes)
        after = noted(rig)[Kind.CHAIN, "beta-1"]
    assert (after.good_at, after.detail) == (before.good_at, before.detail)
    assert after.error == "beta-1: refused"


def counted(rig: Rig, reading: Reading) -> Counted:
    keeper = Keeper(rig.desk)
    keeper.after_scan(reading)
    return keeper.counted(reading)[rig.source]


def busy(rig: Rig) -> None:
    """One of each class, some seen for long enough, one seen for a moment, one never before."""
    world, end = rig.world, rig.source
    for _ in range(3):
        world.send(end)
    world.deliver(world.send(end))
    world.deliver(world.send(end, memo=HOLD_MEMO))
    world.send(end, coin=Coin("stake", 5), timeout_seconds=60)
    asyncio.run(scan(rig.desk))
    rig.clock.step(STUCK_AFTER)
    world.send(end)
    asyncio.run(scan(rig.desk))
    rig.clock.step(30)
    world.send(end)


@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_the_count_is_what_a_list_without_details_says(rig: Rig, *, muted: bool, closed: bool) -> None:
    busy(rig)
    if closed:
        rig.world.set_state(rig.far, ChannelState.CLOSED)
    if muted:
        rig.journal.mute(rig.source, None, "known", None, {"ack_missing", "pending"}, rig.clock.now())
    listing = asyncio.run(list_packets(rig.desk, ListRequest(details=DetailsMode.NONE)))
    (path,) = [view for view in listing.paths if view.path.source == rig.source]
    found = counted(rig, listing.reading)
    assert (found.pending, sum(found.stuck.values()), found.oldest) == (path.pending, path.stuck, path.oldest_seen)
    assert path.stuck


def listed(listing: Listing, end: ChannelEnd) -> dict[str, int]:
    """What a list says of the packets that need somebody, by class."""
    of = [view for view in listing.packets if view.path.source == end and needs_attention(view, STUCK_AFTER)]
    return dict(Counter_(view.verdict.packet_class.value for view in of if view.muted is None))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("muted", ["", "stuck", "timed_out", "pending"])
def test_what_a_list_has_read_of_a_packet_the_metrics_know_by_the_same_class(
    rig: Rig, muted: str, *, closed: bool
) -> None:
    busy(rig)
    if closed:
        rig.world.set_state(rig.far, ChannelState.CLOSED)
    if muted:
        rig.journal.mute(rig.source, None, "known", None, {muted}, rig.clock.now())
    listing = asyncio.run(list_packets(rig.desk, ListRequest(details=DetailsMode.ALL)))
    said = {one.value: count for one, count in counted(rig, listing.reading).stuck.items()}
    assert said == listed(listing, rig.source)
    assert "pending" not in said
    assert muted or closed or {"stuck", "timed_out"} <= said.keys()


def test_a_packet_whose_details_nobody_read_is_counted_as_that_beside_those_that_are_known(rig: Rig) -> None:
    busy(rig)
    asyncio.run(list_packets(rig.desk, ListRequest(filter=Filter.parse("sequence:2"), details=DetailsMode.ALL)))
    said = {one.value: count for one, count in counted(rig, asyncio.run(scan(rig.desk))).stuck.items()}
    # One and three are as old as two, of which it is known; that the sixth has timed out nobody has read.
    assert said == {"ack_missing": 1, "async_ack": 1, "stuck": 1, "pending": 3}


def test_the_daemon_notes_what_a_list_has_read(rig: Rig) -> None:
    busy(rig)
    asyncio.run(list_packets(rig.desk, ListRequest(details=DetailsMode.ALL)))
    with watched(rig):
        detail = noted(rig)[Kind.PACKETS, "/".join(rig.source)].detail
    assert {"stuck", "timed_out"} <= detail["stuck"].keys()


def test_a_packet_muted_as_what_it_is_stays_quiet_though_its_timeout_was_not_read(rig: Rig) -> None:
    busy(rig)
    before = counted(rig, asyncio.run(scan(rig.desk)))
    asyncio.run(mute_packets(rig.desk, rig.source, None, "known", None))
    assert sum(before.stuck.values())
    assert counted(rig, asyncio.run(scan(rig.desk))).stuck == {}


def test_a_count_follows_what_was_delivered_what_came_and_a_mute_that_ends(rig: Rig) -> None:
    keeper, found = Keeper(rig.desk), list[tuple[int, int]]()

    def look() -> None:
        reading = asyncio.run(scan(rig.desk))
        keeper.after_scan(reading)
        counted = keeper.counted(reading)[rig.source]
        found.append((counted.pending, sum(counted.stuck.values())))

    one, _ = rig.world.send(rig.source), rig.world.send(rig.source)
    look()
    rig.clock.step(STUCK_AFTER)
    look()
    rig.world.send(rig.source)
    look()
    rig.world.relay(one)
    look()
    rig.journal.mute(rig.source, None, "known", rig.clock.now() + timedelta(seconds=60), {"pending"}, rig.clock.now())
    look()
    rig.clock.step(60)
    look()
    assert found == [(2, 0), (2, 2), (3, 2), (2, 1), (2, 0), (2, 1)]


def test_nothing_pending_is_counted_as_nothing(rig: Rig) -> None:
    assert counted(rig, asyncio.run(scan(rig.desk))) == Counted(0, {}, None)


def test_a_whole_channel_that_is_old_is_counted_at_once(rig: Rig) -> None:
    for _ in range(5):
        rig.world.send(rig.source)
    asyncio.run(scan(rig.desk))
    rig.clock.step(STUCK_AFTER)
    found = counted(rig, asyncio.run(scan(rig.desk)))
    assert {one.value: count for one, count in found.stuck.items()} == {"pending": 5}
