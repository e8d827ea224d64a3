"""The daemon: it reads, works, keeps going when a part fails, and leaves in good order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import pytest

from relayclear.errors import ConfigError, HeldError, NodeError
from relayclear.ibc.coin import Coin
from relayclear.ibc.triage import PacketClass
from relayclear.money.state import TokenState
from relayclear.store import watchers
from relayclear.usecases.board import Board
from relayclear.usecases.refund_send import holding_wallet
from relayclear.usecases.shop import SellRules
from relayclear.usecases.watching import Mode, being_alone, role_of, seller_alive, take_up_forgotten
from relayclear.watch import Rhythm, Watch
from tests.fakes import relayer as hermes
from tests.fakes.rig import Rig, opened_rig
from tests.fakes.world import FakeClock, World, address
from tests.usecases.counter import Counter


@dataclass
class Lines:
    """A log that is looked at."""

    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        """Something happened."""
        self.told.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        """Something failed and is tried again."""
        self.told.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        """Somebody should look at it."""
        self.told.append(("error", event, fields))

    def events(self, level: str = "info") -> list[str]:
        """The names of what was told at a level."""
        return [event for kind, event, _ in self.told if kind == level]


class SharedClock(FakeClock):
    """The world's clock for a program of many tasks: time passes when the test says, up to who sleeps shortest."""

    def __init__(self, world: World) -> None:
        """Nobody sleeps yet."""
        super().__init__(world)
        self.sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock gets there."""
        woken = asyncio.get_running_loop().create_future()
        heappush(self.sleepers, (self.boot()[1] + seconds, id(woken), woken))
        await woken

    def on(self) -> None:
        """Go on to the next one's waking."""
        if self.sleepers:
            due, _, woken = heappop(self.sleepers)
            self.step(max(0.0, due - self.boot()[1]))
            if not woken.done():
                woken.set_result(None)


@pytest.fixture
def counter(tmp_path: Path) -> Any:
    with opened_rig(tmp_path) as rig:
        rig.clock = SharedClock(rig.world)
        yield Counter(rig, tmp_path / "shop")


def daemon(counter: Counter, log: Lines) -> Watch:
    return Watch(counter.rig.desk, Rhythm(scan_seconds=5.0, workers=2), log, asyncio.Event())


async def until(watch: Watch, done: Callable[[], bool], turns: int = 100_000) -> None:
    """Run the daemon until something holds, then stop it in good order."""
    clock = watch.desk.clock
    assert isinstance(clock, SharedClock)
    running = asyncio.create_task(watch.run())
    for turn in range(turns):
        await asyncio.sleep(0)
        if done() or running.done():
            break
        if turn % 25 == 0:
            clock.on()
    watch.stop.set()
    while not running.done():
        await asyncio.sleep(0)
        clock.on()
    await running
    assert done(), "it never came to that"


def test_once_reads_everything_works_and_ends(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    counter.pay(token)
    counter.blocks(2)
    log = Lines()
    left = asyncio.run(daemon(counter, log).once())
    assert counter.view(token).state is TokenState.CLEARED
    assert (left.open_sales, left.waiting, left.dead) == (0, 0, 0)
    assert {"watching", "scanned", "payment", "work_started", "packet_judged", "work_ended", "stopped"} <= {
        *log.events()
    }


def test_a_running_daemon_sees_the_payment_clears_and_says_what_it_did(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    counter.pay(token)
    log = Lines()
    asyncio.run(until(daemon(counter, log), lambda: counter.view(token).state is TokenState.CLEARED))
    assert [line for line in log.told if line[0] == "error"] == []
    # Whoever looks for what a payer tells him finds the memo, not a number of the database's.
    named = {fields["token"] for _, _, fields in log.told if "token" in fields}
    assert named == {token.memo}
    assert watchers.find(counter.rig.journal.database) is None


def test_packet_details_come_in_between_scans_and_stand_in_the_picture(counter: Counter) -> None:
    rig = counter.rig
    rig.stuck(count=3)
    rig.alpha.fails["sent_packets"] = NodeError("alpha-1: the index is broken")
    log, board = Lines(), Board(rig.desk)
    watch = daemon(counter, log)
    asyncio.run(until(watch, lambda: log.events().count("scanned") == 2))
    assert [row.packet_class for row in board.read().rows] == [PacketClass.PENDING] * 3
    del rig.alpha.fails["sent_packets"]
    log = Lines()
    asyncio.run(until(daemon(counter, log), lambda: "packet details read" in log.events()))
    assert [row.packet_class for row in Board(rig.desk).read().rows] == [PacketClass.STUCK] * 3
    assert log.events("error") == []


def test_a_payment_made_while_nobody_watched_is_found_at_the_next_start(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    counter.pay(token)
    counter.blocks(200)
    asyncio.run(daemon(counter, Lines()).once())
    assert counter.view(token).state is TokenState.CLEARED


def test_without_a_payee_it_looks_and_spends_nothing(tmp_path: Path) -> None:
    with opened_rig(tmp_path) as rig:
        rig.stuck()
        log = Lines()
        watch = Watch(rig.desk, Rhythm(), log, asyncio.Event())
        assert watch.role.mode is Mode.MONITOR
        asyncio.run(watch.once())
        assert rig.relayer.jobs == []
        (start,) = [fields for _, event, fields in log.told if event == "watching"]
        assert (start["mode"], start["why"]) == ("monitor", "no chain has a payee")


def test_without_a_clearing_key_it_only_looks(counter: Counter) -> None:
    counter.bought(counter.rig.stuck())
    counter.rig.clearing_keys.clear()
    watch = daemon(counter, Lines())
    assert watch.role.mode is Mode.MONITOR
    asyncio.run(watch.once())
    assert counter.rig.relayer.jobs == []


def test_a_seller_whose_accounts_are_one_is_refused(counter: Counter) -> None:
    counter.rig.relayer.addresses["alpha-1", "clearing"] = address("payee", "alpha-1")
    with pytest.raises(ConfigError, match="same account"):
        role_of(counter.rig.desk)


def test_a_second_daemon_on_the_database_is_told_of_the_first(counter: Counter) -> None:
    with (
        being_alone(counter.rig.desk),
        pytest.raises(HeldError, match=str(os.getpid())),
        being_alone(counter.rig.desk),
    ):
        pass
    with being_alone(counter.rig.desk):
        pass


def test_a_watcher_that_was_killed_is_told_of_by_the_next_one_and_one_that_left_is_not(counter: Counter) -> None:
    database = counter.rig.journal.database
    gone = watchers.Watcher(1, counter.rig.clock.now(), counter.rig.clock.now(), {})
    with database.atomic() as tx:
        watchers.beat(tx, gone)
    log = Lines()
    asyncio.run(daemon(counter, log).once())
    (told,) = [fields for _, event, fields in log.told if event == "watch_restarted"]
    assert (told["pid"], told["last_beat"][-1]) == (1, "Z")
    counter.blocks(5)
    log = Lines()
    asyncio.run(daemon(counter, log).once())
    assert "watch_restarted" not in log.events()


def test_a_further_task_is_kept_going_and_ends_with_the_stop(counter: Counter) -> None:
    log, begun = Lines(), []

    async def further(stop: asyncio.Event) -> None:
        begun.append(1)
        if len(begun) == 1:
            raise ZeroDivisionError
        await stop.wait()

    watch = Watch(counter.rig.desk, Rhythm(), log, asyncio.Event(), further={"further": further})
    asyncio.run(until(watch, lambda: len(begun) == 2))
    assert "ZeroDivisionError" in watch.troubles["further"]


def test_whether_a_seller_lives_is_told_by_its_lock_and_its_heartbeat(counter: Counter) -> None:
    assert not seller_alive(counter.rig.desk)
    watch = daemon(counter, Lines())
    watch._begin()
    assert not seller_alive(counter.rig.desk)
    with being_alone(counter.rig.desk):
        assert seller_alive(counter.rig.desk)


def test_a_chain_that_cannot_be_read_is_told_once_and_the_rest_goes_on(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    counter.rig.alpha.fails["arrivals"] = NodeError("alpha-1: the index is broken")
    counter.rig.alpha.fails["balances"] = NodeError("alpha-1: the index is broken")
    counter.pay(token)
    log = Lines()
    watch = daemon(counter, log)
    asyncio.run(until(watch, lambda: log.events().count("scanned") > 3))
    assert log.events("error").count("payments not read") == 1
    assert counter.view(token).state is TokenState.OPEN


def test_a_task_that_fails_is_begun_again_and_shown(counter: Counter) -> None:
    log = Lines()
    watch = daemon(counter, log)
    fails = iter([True, True])

    async def scans() -> None:
        if next(fails, False):
            raise ZeroDivisionError("a mistake of ours")
        await watch.stop.wait()

    watch._scans = scans  # type: ignore[method-assign]
    asyncio.run(until(watch, lambda: len(log.events("error")) == 2))
    assert {fields["task"] for kind, _, fields in log.told if kind == "error"} == {"scan"}


def test_stopped_in_the_middle_of_a_run_it_ends_hermes_and_the_next_start_looks_first(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.hangs_until_stopped, hermes.does_the_job]
    token = counter.bought(counter.rig.stuck())
    asyncio.run(until(daemon(counter, Lines()), counter.rig.relayer.hanging.is_set))
    (attempt,) = counter.operation(token).attempts
    assert attempt.run is not None
    assert (attempt.run.exit_code, attempt.ended_at) == (None, None)
    assert counter.rig.relayer.held == {}
    counter.blocks(10)
    asyncio.run(daemon(counter, Lines()).once())
    counter.blocks(10)
    asyncio.run(daemon(counter, Lines()).once())
    assert counter.view(token).state is TokenState.CLEARED
    first, *_ = counter.operation(token).attempts
    assert first.after[0].fate.value == "unknown"


def test_a_token_that_costs_nothing_is_worked_for_without_a_payment(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop", SellRules(waiver_budget=(Coin("stake", 10**9),)))
    token = counter.quote(rig.stuck(), waive="our own mistake")
    take_up_forgotten(rig.desk)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_a_paid_token_whose_task_was_lost_is_taken_up_again(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    with counter.rig.journal.database.atomic() as tx:
        tx.execute("DELETE FROM tasks")
    assert take_up_forgotten(counter.rig.desk) == [token.ref.order_id.hex()]
    assert take_up_forgotten(counter.rig.desk) == []
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_work_that_was_given_up_is_judged_at_its_deadline_all_the_same(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(counter.rig.stuck())
    counter.work()
    with counter.rig.journal.database.atomic() as tx:
        tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0")
    counter.blocks(100)
    counter.read()
    assert take_up_forgotten(counter.rig.desk) == []
    counter.blocks(200)
    counter.read()
    assert take_up_forgotten(counter.rig.desk) == [token.ref.order_id.hex()]
    counter.work()
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}


@pytest.fixture
def rig(tmp_path: Path) -> Any:
    with opened_rig(tmp_path) as opened:
        yield opened


def test_a_process_that_hangs_with_the_wallet_keeps_refunds_from_going_and_nobody_says_so(counter: Counter) -> None:
    log = Lines()
    watch = daemon(counter, log)
    with holding_wallet(counter.rig.desk, "alpha-1"):
        assert [asyncio.run(watch._refund_once("alpha-1", 0.0)) for _ in range(2)] == [True, True]
        assert f"process {os.getpid()}" in watch.troubles["refunds alpha-1"]
    assert not asyncio.run(watch._refund_once("alpha-1", 0.0))
    assert (log.events("error"), log.events()[-1]) == (["refunds not sent"], "refunds are sent again")
    assert watch.troubles == {}
