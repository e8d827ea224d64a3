"""What one process counts, what all share, and what an open breaker keeps from happening."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.clearing.breaker import Admission, BreakerState, endpoint_name, path_name, wallet_name
from relayclear.errors import HermesError, NodeError, RefusedError, UsageError
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.state import TokenState
from relayclear.store import breakers as stored
from relayclear.store import history, tasks
from relayclear.store.db import open_database
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.breakers_acts import list_breakers, open_breaker, reset_breaker
from relayclear.usecases.breakers_recovery import probe_endpoints, recover
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from tests.fakes import relayer as hermes
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter
from tests.usecases.refunding import Giver

NAME = "endpoint/alpha-1/http://alpha-1:26657"
BETA = "endpoint/beta-1/http://beta-1:26657"


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    return Counter(rig, tmp_path / "shop")


def fail(rig: Rig, name: str, times: int = 5) -> None:
    for _ in range(times):
        rig.breakers.heard(name, "it hangs")


@pytest.fixture
def other(rig: Rig) -> Iterator[Breakers]:
    """Another process on the same database; it has its own connection, and counts for itself."""
    path = rig.journal.database.path
    assert path is not None
    with open_database(path) as database:
        yield Breakers(database, rig.clock)


def told(rig: Rig) -> list[tuple[str, str, str | None]]:
    return [(event.who, event.what, event.subject) for event in reversed(history.page(rig.journal.database, 20))]


def test_what_one_process_finds_out_all_others_heed(rig: Rig, other: Breakers) -> None:
    assert other.enter(NAME)
    fail(rig, NAME)
    rig.clock.step(1)
    assert not other.enter(NAME)
    assert "it hangs (5 failures in a row)" in (other.words(NAME) or "")
    assert told(rig) == [("rules", "breaker_opened", NAME)]


def test_of_all_processes_one_probes_and_its_success_lets_all_back(rig: Rig, other: Breakers) -> None:
    fail(rig, NAME)
    rig.clock.step(61)
    assert rig.breakers.enter(NAME)
    assert not rig.breakers.enter(NAME)
    assert not other.enter(NAME)
    rig.breakers.heard(NAME, None)
    rig.clock.step(1)
    assert other.enter(NAME)
    assert other.admits(NAME) is Admission.ALL
    assert told(rig)[-1] == ("rules", "breaker_closed", NAME)


def test_a_probe_that_fails_keeps_it_open_for_another_minute_without_filling_the_history(rig: Rig) -> None:
    fail(rig, NAME)
    for _ in range(3):
        rig.clock.step(61)
        assert rig.breakers.enter(NAME)
        rig.breakers.heard(NAME, "it still hangs")
        assert not rig.breakers.enter(NAME)
    assert rig.breakers.find(NAME).reason == "it still hangs"
    assert len(told(rig)) == 1


def test_a_probe_that_is_cut_off_leaves_its_place_to_another_at_once(rig: Rig, other: Breakers) -> None:
    fail(rig, NAME)
    rig.clock.step(61)
    assert rig.breakers.enter(NAME)
    rig.breakers.let_go(NAME)
    rig.clock.step(1)
    assert other.enter(NAME)


def test_a_killed_prober_keeps_nobody_out_for_long(rig: Rig, other: Breakers) -> None:
    fail(rig, NAME)
    rig.clock.step(61)
    assert other.enter(NAME)
    rig.clock.step(16)
    assert rig.breakers.enter(NAME)


def test_calls_from_before_it_opened_say_nothing_of_it_afterwards(rig: Rig) -> None:
    begun = rig.clock.boot()[1]
    rig.clock.step(1)
    fail(rig, NAME)
    reset_breaker(rig.desk, NAME, "it is back", "ann")
    for _ in range(9):
        rig.breakers.heard(NAME, "it hung", begun)
    assert rig.breakers.enter(NAME)
    rig.clock.step(1)
    fail(rig, NAME)
    assert not rig.breakers.enter(NAME)


def test_outcomes_while_it_is_open_count_for_nothing(rig: Rig) -> None:
    fail(rig, NAME)
    for _ in range(9):
        rig.breakers.heard(NAME, None)
    assert not rig.breakers.enter(NAME)
    rig.clock.step(61)
    # Half-open, only what the prober says counts.
    rig.breakers.heard(NAME, None)
    assert rig.breakers.find(NAME).at(rig.clock.now()) is BreakerState.HALF_OPEN


def test_a_reset_elsewhere_forgets_what_was_counted_here(rig: Rig, other: Breakers) -> None:
    fail(rig, NAME)
    rig.clock.step(1)
    reset_breaker(rig.desk, NAME, "it is back", "ann")
    other.heard(NAME, "it hangs")
    rig.clock.step(1)
    assert other.enter(NAME)


def test_a_database_that_cannot_be_written_keeps_nobody_from_being_spared(rig: Rig, other: Breakers) -> None:
    path = rig.journal.database.path
    assert path is not None
    with open_database(path, busy_seconds=0.01) as blocking, blocking.atomic():
        fail(rig, NAME)
        assert not rig.breakers.enter(NAME)
    assert stored.every(rig.journal.database) == []
    # Others' changes say nothing of it, and it is shared as soon as it changes again.
    for _ in range(5):
        other.heard(BETA, "it hangs")
    rig.clock.step(1)
    assert not rig.breakers.enter(NAME)
    assert not rig.breakers.enter(BETA)
    rig.clock.step(60)
    assert rig.breakers.enter(NAME)
    rig.breakers.heard(NAME, "it still hangs")
    rig.clock.step(1)
    assert not other.enter(NAME)


def test_words_of_a_node_are_kept_without_what_a_terminal_obeys_and_without_credentials(rig: Rig) -> None:
    for _ in range(5):
        rig.breakers.heard(NAME, "\x1b[2J https://user:secret@node/ " + "m" * 900)
    reason = rig.breakers.find(NAME).reason
    assert "secret" not in reason
    assert "\x1b" not in reason
    assert len(reason) < 400


def test_a_suspect_is_named_until_it_answers_again(rig: Rig) -> None:
    assert not rig.breakers.is_failing(NAME)
    rig.breakers.heard(NAME, "it hangs")
    assert rig.breakers.is_failing(NAME)
    rig.breakers.heard(NAME, None)
    assert not rig.breakers.is_failing(NAME)
    fail(rig, NAME)
    assert not rig.breakers.is_failing(NAME)
    rig.clock.step(61)
    assert rig.breakers.is_failing(NAME)


# What an operator does


def test_what_is_open_is_listed_first_and_what_is_well_too(counter: Counter) -> None:
    rig = counter.rig
    fail(rig, wallet_name("alpha-1"))
    listed = [(one.name, one.state) for one in list_breakers(rig.desk)]
    assert listed == [
        ("wallet/alpha-1", BreakerState.OPEN),
        ("endpoint/alpha-1/http://alpha-1:26657", BreakerState.CLOSED),
        ("endpoint/beta-1/http://beta-1:26657", BreakerState.CLOSED),
    ]


def test_one_held_open_by_hand_stays_so_whatever_answers(rig: Rig) -> None:
    found = open_breaker(rig.desk, NAME, "maintenance", "ann")
    assert (found.state, found.until) == (BreakerState.OPEN, None)
    rig.clock.step(100_000)
    assert not rig.breakers.enter(NAME)
    assert (rig.breakers.words(NAME) or "").endswith("until somebody resets it: maintenance")
    assert reset_breaker(rig.desk, NAME, "done", "ann").state is BreakerState.CLOSED
    assert [event[:2] for event in told(rig)] == [("ann", "breaker_opened"), ("ann", "breaker_reset")]


def test_a_persons_word_stands_above_a_probe_under_way(rig: Rig, other: Breakers) -> None:
    fail(rig, NAME)
    rig.clock.step(61)
    assert rig.breakers.enter(NAME)
    open_breaker(replace(rig.desk, breakers=other), NAME, "hands off", "ann")
    rig.breakers.heard(NAME, None)
    assert not rig.breakers.enter(NAME)


def test_a_mistyped_name_is_refused_with_the_nearest(rig: Rig) -> None:
    with pytest.raises(UsageError, match="did you mean endpoint/alpha-1/http://alpha-1:26657"):
        open_breaker(rig.desk, "endpoint/alpha-1/http://alpha-1:26656", "why", "ann")
    with pytest.raises(UsageError, match="no breaker"):
        reset_breaker(rig.desk, "wallet/gamma-1", "why", "ann")
    with pytest.raises(UsageError, match="words"):
        open_breaker(rig.desk, NAME, " ", "ann")


# What it keeps from happening


def test_a_chain_that_was_never_read_is_not_read_for_a_quote_while_it_hangs(counter: Counter) -> None:
    keys = counter.rig.stuck()
    fail(counter.rig, NAME)
    asked = len(counter.rig.alpha.asked)
    with pytest.raises(RefusedError, match="nothing is sold now"):
        counter.quote(keys)
    assert len(counter.rig.alpha.asked) == asked


@pytest.mark.parametrize(
    "name",
    [NAME, BETA, "hermes/alpha-1/channel-0", "wallet/alpha-1"],
)
def test_nothing_is_sold_that_could_not_be_honoured_now(counter: Counter, name: str) -> None:
    keys = counter.rig.stuck()
    counter.quote(keys)
    keys = counter.rig.stuck()
    fail(counter.rig, name)
    asked = len(counter.rig.alpha.asked)
    with pytest.raises(RefusedError, match=f"nothing is sold now: {name} is open until .*Z: it hangs") as refused:
        counter.quote(keys)
    assert refused.value.code == "breaker_open"
    # Nothing is asked that might hang.
    assert len(counter.rig.alpha.asked) == asked
    counter.rig.clock.step(61)
    assert counter.quote(keys)


def test_a_chain_with_one_endpoint_that_may_be_asked_goes_on_selling(counter: Counter) -> None:
    keys = counter.rig.stuck()
    fail(counter.rig, endpoint_name("alpha-1", "http://another:26657"))
    assert counter.quote(keys)


def test_paid_work_waits_for_a_chain_without_a_try_and_is_done_when_it_is_back(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    fail(counter.rig, BETA)
    asked = len(counter.rig.beta.asked)
    counter.work()
    assert len(counter.rig.beta.asked) == asked
    task = counter.task(token)
    assert (task.tries, task.status) == (0, tasks.Status.READY)
    assert f"{BETA} is open until" in (task.why or "")
    assert counter.rig.relayer.jobs == []
    reset_breaker(counter.rig.desk, BETA, "back", "ann")
    counter.work_until(90)
    assert counter.view(token).state is TokenState.CLEARED


def test_paid_work_goes_on_by_itself_once_a_chain_answers_the_probe(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    fail(counter.rig, BETA)
    counter.work()
    counter.rig.clock.step(61)
    assert counter.rig.breakers.enter(BETA)
    counter.rig.breakers.heard(BETA, None)
    counter.work_until(10)
    assert counter.view(token).state is TokenState.CLEARED


def test_a_hermes_that_cannot_be_started_is_left_alone_and_costs_no_try(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.relayer.scenarios = [hermes.cannot_start]
    counter.work_until(140)
    name = path_name(counter.rig.source)
    assert "there is no program 'hermes'" in counter.rig.breakers.find(name).reason
    begun = len(counter.rig.relayer.jobs)
    counter.work_until(40)
    assert len(counter.rig.relayer.jobs) == begun
    assert counter.view(token).state is TokenState.CLEARING
    # Half-open, one run goes as the probe; here it works, and all is well.
    counter.rig.relayer.scenarios = [hermes.does_the_job]
    counter.work_until(90)
    assert counter.view(token).state is TokenState.CLEARED
    assert counter.rig.breakers.find(name).at(counter.rig.clock.now()) is BreakerState.CLOSED


def test_a_run_that_left_packets_pending_is_a_try_and_no_failure_of_hermes(counter: Counter) -> None:
    counter.bought(counter.rig.stuck())
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    counter.work_until(900)
    assert len(counter.rig.relayer.jobs) >= 3
    assert counter.rig.breakers.every() == []


def test_an_operators_own_clear_is_refused_while_hermes_is_left_alone(rig: Rig) -> None:
    rig.stuck()
    fail(rig, path_name(rig.source))

    async def clear() -> None:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.parse("1")))
        await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    with pytest.raises(RefusedError, match="Hermes isn't run now: hermes/alpha-1/channel-0 is open until") as refused:
        asyncio.run(clear())
    assert refused.value.code == "breaker_open"
    assert rig.relayer.jobs == []


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    made = Giver(rig, tmp_path / "shop")
    token = made.quote(made.rig.stuck())
    made.pay(token, 400_000)
    made.expire(token)
    return made


def test_a_refund_waits_for_an_open_wallet_and_goes_once_it_closes(giver: Giver) -> None:
    open_breaker(giver.rig.desk, "wallet/alpha-1", "the key is being moved", "ann")
    done = giver.sweep()
    assert done.blocked is not None
    assert done.blocked.code == "breaker_open"
    assert "the key is being moved" in done.blocked.why
    assert (giver.paid_to("alice"), giver.wallet.signings) == ([], 0)
    reset_breaker(giver.rig.desk, "wallet/alpha-1", "it is there", "ann")
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    giver.check_books()


def test_a_chain_that_takes_no_refund_is_not_stormed_with_them(giver: Giver) -> None:
    giver.rig.alpha.fails["broadcast"] = NodeError("alpha-1: it hangs")
    begun = giver.rig.clock.now()
    for _ in range(12):
        giver.sweep(patience=20)
    # Five that failed, then a probe a minute; without a breaker it would be one every three blocks.
    minutes = (giver.rig.clock.now() - begun).total_seconds() / 60
    assert giver.rig.alpha.asked.count("broadcast") <= 5 + minutes
    assert "no node answered" in giver.rig.breakers.find("wallet/alpha-1").reason
    assert giver.wallet.signings <= 2
    del giver.rig.alpha.fails["broadcast"]
    giver.rig.clock.step(61)
    giver.sweep()
    assert giver.paid_to("alice") == [395_000]
    assert giver.rig.breakers.admits("wallet/alpha-1") is Admission.ALL
    giver.check_books()


# How it heals by itself


def test_a_hermes_that_starts_again_is_let_back_without_waiting_for_work(rig: Rig) -> None:
    name = path_name(rig.source)
    fail(rig, name)
    assert asyncio.run(recover(rig.desk)) == []
    rig.clock.step(61)
    rig.relayer.says = HermesError("there is no program 'hermes'")
    assert asyncio.run(recover(rig.desk)) == []
    assert rig.breakers.find(name).reason == "there is no program 'hermes'"
    rig.clock.step(61)
    rig.relayer.says = "1.10.5"
    assert asyncio.run(recover(rig.desk)) == [name]
    assert rig.breakers.enter(name)
    # What a Hermes said before it went away is no proof that it starts.
    assert rig.relayer.asked_anew == [True, True]


def test_a_wallet_is_let_back_once_its_key_and_its_chain_are_there(counter: Counter) -> None:
    rig = counter.rig
    fail(rig, "wallet/alpha-1")
    rig.alpha.down = NodeError("alpha-1: it hangs")
    for _ in range(2):
        rig.clock.step(61)
        assert asyncio.run(recover(rig.desk)) == []
    rig.alpha.down = None
    rig.clock.step(61)
    assert asyncio.run(recover(rig.desk)) == ["wallet/alpha-1"]
    fail(rig, "wallet/beta-1")
    rig.clock.step(61)
    assert asyncio.run(recover(rig.desk)) == []
    assert rig.breakers.find("wallet/beta-1").reason == "there is no key for beta-1"


def test_endpoints_of_all_chains_are_looked_after(rig: Rig) -> None:
    asyncio.run(probe_endpoints(rig.desk))
    assert [chain.asked for chain in rig.chains.values()] == [["probe"], ["probe"]]
