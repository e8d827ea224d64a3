"""Alerts over real facts: none is lost, none is told as another, and nobody is called for nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.alerting import Alert, Priority
from relayclear.errors import AlertError, StoreError
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.state import TokenState
from relayclear.store import alerts, audits, history, stops, tasks
from relayclear.store.audits import KeptAudit
from relayclear.store.db import RuleBrokenError, open_database
from relayclear.store.history import Event
from relayclear.store.tasks import NewTask
from relayclear.usecases.alerts import CONDITION_SECONDS, KEPT_DAYS, Called, Calling, call_for_test, list_alerts
from relayclear.usecases.mute import mute_packets
from relayclear.usecases.scan import scan
from relayclear.usecases.tokens_view import view_token
from relayclear.wording.alerting import alert_sentence
from tests.fakes.rig import Rig, opened_rig
from tests.test_watch import SharedClock
from tests.usecases.counter import Counter
from tests.usecases.test_clear import clear

HOSTILE = "\x1b[2J\u202eevil https://user:secret@node.example/ " + "m" * 500


@dataclass
class Phone:
    """A channel that notes what it is told, and fails as often as it is said."""

    name: str = "webhook"
    failures: int = 0
    documents: list[Any] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    hangs: bool = False
    clock: Callable[[], float] = lambda: 0.0

    async def call(self, body: bytes, at: datetime) -> str:
        """Note it."""
        assert body.isascii()
        assert at.tzinfo is not None
        if self.hangs:
            await asyncio.Event().wait()
        self.documents.append(json.loads(body))
        self.at.append(self.clock())
        if self.failures > 0:
            self.failures -= 1
            raise AlertError("the webhook at https://hooks.example was not reached: it answered 503")
        return "200 ok"

    @property
    def told(self) -> list[Any]:
        """Every alert that was told, with repeats."""
        return [alert for document in self.documents for alert in document["alerts"]]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all that was told."""
        return [alert["kind"] for alert in self.told]


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with opened_rig(tmp_path) as rig:
        rig.clock = SharedClock(rig.world)
        yield Counter(rig, tmp_path / "shop")


def calling(rig: Rig, *phones: Phone, least: Priority = Priority.NORMAL, heard: list[Called] | None = None) -> Calling:
    for phone in phones:
        phone.clock = lambda: rig.clock.boot()[1]
    said = heard if heard is not None else []
    return Calling(rig.desk, phones, least, alert_sentence, said.append)


def happens(rig: Rig, what: str, count: int = 1, **about: Any) -> None:
    with rig.journal.database.atomic() as tx:
        for number in range(count):
            subject = about.get("subject", f"{what} {number}")
            history.add(tx, Event(rig.clock.now(), "watch", what, **{**about, "subject": subject}))


def once(rig: Rig, phone: Phone, **options: Any) -> Calling:
    made = calling(rig, phone, **options)
    asyncio.run(made.once())
    return made


async def running(calls: Calling, seconds: float) -> None:
    """Let it run for some time of its clock."""
    clock = calls.desk.clock
    assert isinstance(clock, SharedClock)
    stop, until = asyncio.Event(), clock.boot()[1] + seconds
    task = asyncio.create_task(calls.run(stop))
    while clock.boot()[1] < until and not task.done():
        for _ in range(10):
            await asyncio.sleep(0)
        clock.on()
    assert not task.done(), task.exception()
    stop.set()
    while not task.done():
        await asyncio.sleep(0)
        clock.on()
    await task


# From facts to a person


def test_a_sold_and_paid_clear_is_told_from_the_payment_to_the_end(counter: Counter) -> None:
    phone = Phone()
    token = counter.bought(counter.rig.stuck())
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED
    once(counter.rig, phone)
    assert {"payment", "token_state", "work_started", "attempt_judged", "work_ended"} <= {*phone.kinds}
    (payment,) = [one for one in phone.told if one["kind"] == "payment"]
    assert payment["token"] == token.memo
    assert payment["priority"] == "high"
    assert payment["detail"]["amount"] == str(token.price.amount)
    assert payment["text"].startswith(f"a payment of {token.price.amount} stake was seen")
    assert len({one["id"] for one in phone.told}) == len(phone.told)


def test_a_refund_that_is_owed_calls_once_however_often_it_is_looked_at(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    counter.pay(token, token.price.amount + 50_000)
    counter.blocks(2)
    counter.read()
    counter.work()
    phone = Phone()
    calls = calling(counter.rig, phone)
    for _ in range(3):
        asyncio.run(calls.once())
        counter.rig.clock.step(CONDITION_SECONDS + 1)
    assert phone.kinds.count("refund_owed") == 1


def test_nobody_is_called_for_what_happened_before_there_were_alerts(counter: Counter) -> None:
    with counter.rig.journal.database.atomic() as tx:
        count = tx.rows("SELECT max(id) FROM history")[0][0]
        alerts.move_mark(tx, count)
        alerts.move_mark(tx, 0)
    phone = Phone()
    once(counter.rig, phone)
    assert phone.told == []
    happens(counter.rig, "payment", subject="alpha-1/AA/0/stake")
    once(counter.rig, phone)
    assert phone.kinds == ["payment"]
    database = counter.rig.journal.database
    assert alerts.mark(database) == database.rows("SELECT max(id) FROM history")[0][0]


def test_what_is_less_urgent_than_asked_for_is_neither_told_nor_listed(rig: Rig) -> None:
    phone = Phone()
    for what in ("token_created", "operation_added", "payment"):
        happens(rig, what)
    once(rig, phone, least=Priority.HIGH)
    assert phone.kinds == ["payment"]
    assert [one.alert.kind for one in list_alerts(rig.journal.database, 9)] == ["payment"]


def test_without_a_channel_alerts_are_listed_and_wait_nowhere(rig: Rig) -> None:
    happens(rig, "payment")
    asyncio.run(calling(rig).once())
    (listed,) = list_alerts(rig.journal.database, 9)
    assert (listed.alert.kind, listed.deliveries, listed.waiting) == ("payment", (), {})


def test_what_chains_and_payers_write_is_made_harmless_before_it_leaves(rig: Rig) -> None:
    happens(
        rig,
        "wallet_moved_by_another_hand",
        subject=HOSTILE,
        detail={"memo": HOSTILE, HOSTILE: [HOSTILE, {"a": HOSTILE}]},
    )
    phone = Phone()
    once(rig, phone)
    (alert,) = phone.told
    text = json.dumps(alert, ensure_ascii=False)
    assert "secret" not in text
    assert text.isprintable()
    assert len(alert["detail"]["memo"]) <= 300


# Mutes


def muted(rig: Rig, sequences: Any = None) -> None:
    asyncio.run(mute_packets(rig.desk, rig.source, sequences, "known dead", None, "ada"))


def test_a_path_that_is_stuck_calls_once_and_a_muted_one_never(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    rig.clock.step(600)
    asyncio.run(scan(rig.desk))
    phone = Phone()
    once(rig, phone)
    (alert,) = phone.told
    assert (alert["kind"], alert["subject"], alert["detail"]["packets"]) == ("packets_stuck", str(rig.source), 3)
    assert (alert["priority"], alert["text"][:20]) == ("normal", "3 packets are stuck ")


def test_a_muted_path_raises_no_alert(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    muted(rig)
    rig.clock.step(600)
    asyncio.run(scan(rig.desk))
    clear(rig, "2")
    phone = Phone()
    once(rig, phone)
    assert phone.told == []


def test_of_a_path_only_what_is_not_muted_counts_and_is_told(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    muted(rig, SequenceRanges.parse("1..2"))
    rig.clock.step(600)
    asyncio.run(scan(rig.desk))
    clear(rig, "1")
    phone = Phone()
    once(rig, phone)
    (alert,) = phone.told
    assert alert["detail"] == {**alert["detail"], "packets": 1, "oldest": 3}
    clear(rig, "3")
    once(rig, phone)
    assert "attempt_judged" in phone.kinds


def test_about_a_payment_on_a_muted_path_a_person_is_called_all_the_same(counter: Counter) -> None:
    keys = counter.rig.stuck()
    muted(counter.rig)
    counter.bought(keys)
    counter.work()
    phone = Phone()
    once(counter.rig, phone)
    assert {"payment", "work_ended"} <= {*phone.kinds}
    assert "attempt_judged" not in phone.kinds


# Conditions


def test_books_stops_and_work_that_was_given_up_call_until_they_are_mended(counter: Counter) -> None:
    rig, phone = counter.rig, Phone()
    with rig.journal.database.atomic() as tx:
        audits.keep(tx, KeptAudit("alpha-1", rig.clock.now(), 7, agrees=False, last_stop=0))
        stops.stop(tx, "alpha-1", f"sequence 7 was used by {HOSTILE}", rig.clock.now())
        tasks.add(tx, NewTask("paid", "paid/00", {}), rig.clock.now())
        tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0, why = 'it broke'")
        tx.execute("UPDATE cursors SET failed_at = ?, error = ?", ("2026-01-01T00:00:00.000000Z", HOSTILE))
    calls = once(rig, phone)
    kinds = {"books_do_not_balance", "refunds_stopped", "work_given_up", "payments_not_read"}
    assert {one["kind"] for one in phone.told if one["priority"] == "high"} >= kinds
    with rig.journal.database.atomic() as tx:
        audits.keep(tx, KeptAudit("alpha-1", rig.clock.now(), 8, agrees=True, last_stop=9))
        stops.go_on(tx, "alpha-1", "ada", "looked", rig.clock.now())
        tx.execute("UPDATE tasks SET status = 'ready', ended_at = NULL")
        tx.execute("UPDATE cursors SET failed_at = NULL, error = NULL")
    phone.documents.clear()
    for _ in range(20):
        rig.clock.step(CONDITION_SECONDS)
        asyncio.run(calls.once())
    assert {one["kind"] for one in phone.told} == kinds
    assert all(one["detail"]["over"] for one in phone.told)
    assert len(phone.told) == len(kinds)


def test_books_that_the_store_alone_shows_to_be_off_call_and_not_only_what_an_audit_found(counter: Counter) -> None:
    rig, phone = counter.rig, Phone()
    counter.bought(rig.stuck())
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = '1' WHERE account = 'received'")
    once(rig, phone)
    (told,) = [one for one in phone.told if one["kind"] == "books_do_not_balance"]
    assert (told["subject"], told["priority"]) == ("alpha-1", "high")
    assert told["text"] == "the books of alpha-1/stake don't balance: relayclear audit --chain alpha-1"


def test_who_is_called_for_work_that_was_given_up_is_told_which_token_and_how_it_goes_on(counter: Counter) -> None:
    rig, phone = counter.rig, Phone()
    token = counter.bought(rig.stuck())
    beta = rig.chains.pop("beta-1")
    counter.work()
    rig.chains["beta-1"] = beta
    once(rig, phone)
    (told,) = [one for one in phone.told if one["kind"] == "work_given_up"]
    assert (told["token"], told["priority"]) == (token.memo, "high")
    name = told["text"].rpartition("relayclear operations retry ")[2]
    assert counter.view(token) == view_token(rig.desk, name)
    assert "no channel 'channel-0'" in told["text"]


def test_a_condition_stands_across_a_restart(counter: Counter) -> None:
    phone = Phone()
    with counter.rig.journal.database.atomic() as tx:
        stops.stop(tx, "alpha-1", "a restore", counter.rig.clock.now())
    once(counter.rig, phone)
    counter.rig.clock.step(3600)
    once(counter.rig, phone)
    assert phone.kinds.count("refunds_stopped") == 1


# Crashes and repeats


def test_a_crash_between_the_call_and_its_row_tells_it_again_under_the_same_id(rig: Rig) -> None:
    class Crashing(Phone):
        async def call(self, body: bytes, at: datetime) -> str:
            await super().call(body, at)
            raise KeyboardInterrupt

    happens(rig, "payment", 3)
    first, second = Crashing(), Phone()
    with pytest.raises(KeyboardInterrupt):
        once(rig, first)
    once(rig, second)
    assert [one["id"] for one in first.told] == [one["id"] for one in second.told]
    assert first.documents[0]["batch"] == second.documents[0]["batch"]
    once(rig, third := Phone())
    assert third.told == []


def test_a_crash_between_the_fact_and_the_alert_loses_none(rig: Rig) -> None:
    happens(rig, "payment", 3)
    phone = Phone()
    calls = calling(rig, phone)
    calls.gather()
    happens(rig, "payment", 2, subject="late")
    # Nothing was told before the process ended: the next one tells both what waited and what came since.
    once(rig, phone)
    assert len(phone.told) == 5
    assert len({one["id"] for one in phone.told}) == 5


def test_what_cannot_be_written_now_is_gathered_again(rig: Rig) -> None:
    happens(rig, "payment", 2)
    phone, path = Phone(), rig.journal.database.path
    assert path
    calls = calling(rig, phone)
    with open_database(path) as other, other.atomic(), pytest.raises(StoreError):
        calls.gather()
    asyncio.run(calls.once())
    assert phone.kinds.count("payment") == 2


def test_a_failed_call_is_made_again_after_10_s_a_minute_and_10_minutes_and_then_given_up(counter: Counter) -> None:
    phone = Phone(failures=99)
    heard: list[Called] = []
    happens(counter.rig, "payment")
    calls = calling(counter.rig, phone, heard=heard)
    asyncio.run(running(calls, 1200))
    about = [
        at for at, document in zip(phone.at, phone.documents, strict=True) if document["alerts"][0]["kind"] == "payment"
    ]
    assert [round(later - sooner) for sooner, later in pairwise(about)] == [10, 60, 600]
    (listed,) = [one for one in list_alerts(counter.rig.journal.database, 9) if one.alert.kind == "payment"]
    assert [one.outcome.value for one in listed.deliveries] == ["failed", "failed", "failed", "given_up"]
    assert [one.attempt for one in listed.deliveries] == [1, 2, 3, 4]
    assert listed.waiting == {}
    assert sum(one.given_up for one in heard) == 1


def test_a_channel_that_fails_does_not_keep_the_other_from_hearing(rig: Rig) -> None:
    good, bad = Phone("command"), Phone("webhook", failures=99)
    happens(rig, "payment")
    asyncio.run(calling(rig, bad, good).once())
    assert good.kinds == ["payment"]
    (listed,) = list_alerts(rig.journal.database, 9)
    assert {one.channel: one.outcome.value for one in listed.deliveries} == {"command": "sent", "webhook": "failed"}
    assert [*listed.waiting] == ["webhook"]


def test_a_wall_clock_that_was_put_back_holds_no_alert_up_for_years(rig: Rig) -> None:
    happens(rig, "payment")
    once(rig, Phone(failures=1))
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE alert_outbox SET next_at = next_at + 1e9")
    phone = Phone()
    once(rig, phone)
    assert phone.kinds == ["payment"]


# Batches in time


def test_what_is_urgent_goes_at_once_and_the_rest_in_the_quiet_rhythm(counter: Counter) -> None:
    phone = Phone()
    calls = calling(counter.rig, phone)

    async def work() -> None:
        await running(calls, 120)
        phone.documents.clear()
        phone.at.clear()
        happens(counter.rig, "packet_judged")
        happens(counter.rig, "payment")
        begun = counter.rig.clock.boot()[1]
        await running(calls, 20)
        waits = {kind: at - begun for kind, at in zip(phone.kinds, phone.at, strict=True)}
        assert waits["payment"] <= 1.0

    asyncio.run(work())
    assert sorted(phone.kinds) == ["packet_judged", "payment"]
    assert all(len({alert["priority"] == "high" for alert in document["alerts"]}) == 1 for document in phone.documents)


def test_when_it_is_quiet_ten_go_every_five_seconds(counter: Counter) -> None:
    phone = Phone()
    calls = calling(counter.rig, phone)

    async def work() -> None:
        stop, clock = asyncio.Event(), counter.rig.clock
        assert isinstance(clock, SharedClock)
        with counter.rig.journal.database.atomic() as tx:
            alerts.move_mark(tx, tx.rows("SELECT max(id) FROM history")[0][0])
        task = asyncio.create_task(calls.run(stop))
        await on_for(clock, 90)
        for _ in range(3):
            happens(counter.rig, "packet_judged")
        await on_for(clock, 30)
        stop.set()
        while not task.done():
            await asyncio.sleep(0)
            clock.on()

    asyncio.run(work())
    assert max(len(document["alerts"]) for document in phone.documents) <= 10
    assert [round(later - sooner) for sooner, later in pairwise(phone.at) if later - sooner < 4.9] == []


async def on_for(clock: SharedClock, seconds: float) -> None:
    until = clock.boot()[1] + seconds
    while clock.boot()[1] < until:
        for _ in range(10):
            await asyncio.sleep(0)
        clock.on()
        assert clock.sleepers, "nobody goes on"


def test_a_flood_goes_in_batches_of_two_hundred(counter: Counter) -> None:
    phone = Phone()
    happens(counter.rig, "packet_judged", 2000)
    asyncio.run(running(calling(counter.rig, phone), 20))
    sizes = [len(document["alerts"]) for document in phone.documents]
    assert sum(sizes) == 2000 + len([kind for kind in phone.kinds if kind != "packet_judged"])
    assert max(sizes) == 200
    assert sizes[0] <= 50
    busy = [later - sooner for sooner, later in pairwise(phone.at[3:])]
    assert min(busy) == pytest.approx(0.1, abs=0.02)


def test_a_call_that_hangs_does_not_keep_the_daemon_from_stopping_and_is_made_again(counter: Counter) -> None:
    phone = Phone(hangs=True)
    happens(counter.rig, "payment")

    async def work() -> None:
        async with asyncio.timeout(30):
            await running(calling(counter.rig, phone), 3)

    asyncio.run(work())
    once(counter.rig, after := Phone())
    assert "payment" in after.kinds


def test_a_mistake_of_ours_is_told_by_its_own_name(counter: Counter) -> None:
    class Broken(Phone):
        async def call(self, body: bytes, at: datetime) -> str:
            """A mistake."""
            raise ZeroDivisionError(len(body), at)

    happens(counter.rig, "payment")
    calls = calling(counter.rig, Broken())

    async def work() -> None:
        clock = counter.rig.clock
        assert isinstance(clock, SharedClock)
        task = asyncio.create_task(calls.run(asyncio.Event()))
        while not task.done():
            await asyncio.sleep(0)
            clock.on()
        await task

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work())


# What stays


def test_old_alerts_are_forgotten_and_what_still_waits_is_not(counter: Counter) -> None:
    rig = counter.rig
    happens(rig, "payment", subject="told")
    once(rig, Phone())
    happens(rig, "payment", subject="waits")
    once(rig, Phone(failures=99))
    with rig.journal.database.atomic() as tx:
        assert alerts.forget(tx, rig.clock.now() + timedelta(days=KEPT_DAYS), 100) >= 1
    assert [one.alert.subject for one in list_alerts(rig.journal.database, 99)] == ["waits"]


def test_a_daemon_forgets_by_itself(counter: Counter) -> None:
    long_ago = counter.rig.clock.now() - timedelta(days=KEPT_DAYS + 1)
    with counter.rig.journal.database.atomic() as tx:
        alerts.add(tx, Alert("al-old", long_ago, Priority.HIGH, "payment", subject="told"), (), long_ago)
    asyncio.run(running(calling(counter.rig, Phone()), 10))
    assert "told" not in [one.alert.subject for one in list_alerts(counter.rig.journal.database, 99)]


def test_an_alert_is_never_changed_and_no_id_is_there_twice(rig: Rig) -> None:
    happens(rig, "payment")
    once(rig, Phone())
    with rig.journal.database.snapshot() as reads:
        (kept,) = alerts.page(reads, 9)
    with rig.journal.database.atomic() as tx:
        assert not alerts.add(tx, kept.alert, ["webhook"], rig.clock.now())
    for sql in ("UPDATE alerts SET kind = 'x'", "UPDATE alert_deliveries SET answer = 'x'"):
        with pytest.raises(RuleBrokenError, match="never changed"), rig.journal.database.atomic() as tx:
            tx.execute(sql)


def test_a_test_call_tells_each_channel_and_keeps_nothing(rig: Rig) -> None:
    good, bad = Phone("command"), Phone("webhook", failures=1)
    found = asyncio.run(call_for_test([good, bad], alert_sentence, rig.clock.now()))
    assert [(one.channel, one.error is None) for one in found] == [("command", True), ("webhook", False)]
    assert good.told[0]["text"] == "this is a test: alerts arrive"
    assert list_alerts(rig.journal.database, 9) == []
