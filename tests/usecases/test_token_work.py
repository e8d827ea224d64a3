"""Paid tokens: cleared exactly, judged by both chains, and what wasn't earned is owed back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from relayclear.clearing.operation import OperationState, operation_state
from relayclear.errors import HermesError, NodeError
from relayclear.ibc.fate import Fate
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.ibc.topology import ClientStatus
from relayclear.money.state import TokenState
from relayclear.rehearsal.transfer import HOLD_MEMO
from relayclear.store import sales, tasks
from relayclear.store.tasks import Status
from relayclear.usecases.settle import settle_all
from relayclear.usecases.tokens_acts import revoke_token
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.counter import RULES, Counter


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    return Counter(rig, tmp_path / "shop")


def test_a_paid_packet_is_cleared_and_no_other(counter: Counter) -> None:
    keys = counter.rig.stuck(count=3)
    token = counter.bought([keys[1]])
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED
    assert counter.rig.pending() == [1, 3]
    assert [str(job.sequences) for job in counter.rig.relayer.jobs] == ["2"]
    assert counter.verdicts(token) == {2: ("earned", "cleared_by_us")}
    assert operation_state(counter.operation(token)) is OperationState.CLEARED
    assert counter.task(token).status is Status.DONE
    price = token.price.amount
    assert counter.books() == {"received": price, "held": 0, "earned": price, "owed": 0}


def test_a_packet_that_others_cleared_before_the_payment_is_owed_back(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.quote([key])
    counter.rig.world.relay(key)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    assert counter.rig.relayer.jobs == []
    assert counter.view(token).state is TokenState.NOT_CLEARED
    assert counter.verdicts(token) == {1: ("owed_back", "others_first")}
    assert operation_state(counter.operation(token)) is OperationState.NOTHING_TO_DO
    price = token.price.amount
    assert counter.books() == {"received": price, "held": 0, "earned": 0, "owed": price}
    (due,) = counter.view(token).owed
    assert (due.net.amount, due.fee) == (price, 0)


def test_of_two_packets_the_one_that_others_cleared_goes_back(counter: Counter) -> None:
    first, second = counter.rig.stuck(count=2)
    token = counter.quote([first, second])
    counter.rig.world.relay(first)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    assert counter.view(token).state is TokenState.PARTLY_CLEARED
    assert counter.verdicts(token) == {1: ("owed_back", "others_first"), 2: ("earned", "cleared_by_us")}
    assert [str(job.sequences) for job in counter.rig.relayer.jobs] == ["2"]
    shares = [term.share for term in token.quote.packets]
    assert counter.books() == {"received": sum(shares), "held": 0, "earned": shares[1], "owed": shares[0]}


def test_our_own_daemon_that_delivers_after_the_payment_earns_it(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.quote([key])
    counter.pay(token)
    counter.blocks(2)
    world = counter.rig.world
    world.relay(key, address("daemon", "alpha-1"), address("daemon", "beta-1"))
    counter.blocks()
    counter.read()
    counter.work()
    assert counter.rig.relayer.jobs == []
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}
    assert counter.view(token).state is TokenState.CLEARED


def test_our_own_daemon_that_was_there_before_the_payment_earns_nothing(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.quote([key])
    world = counter.rig.world
    world.relay(key, address("daemon", "alpha-1"), address("daemon", "beta-1"))
    counter.blocks()
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    assert counter.verdicts(token) == {1: ("owed_back", "before_payment")}


def test_a_packet_that_passes_its_timeout_goes_back_to_its_sender_and_is_earned(counter: Counter) -> None:
    key = counter.rig.world.send(counter.rig.source, timeout_seconds=700)
    counter.rig.clock.step(600)
    token = counter.bought([key])
    counter.rig.clock.step(200)
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}
    (result,) = counter.operation(token).attempts[-1].after
    assert result.fate is Fate.RETURNED_TO_SENDER


def test_a_delivery_that_ends_in_an_error_is_earned_once_the_error_is_home(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck(receiver="nobody"))
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}
    assert counter.operation(token).attempts[-1].after[0].fate is Fate.DELIVERED_WITH_ERROR


def test_a_missing_acknowledgement_that_was_sold_is_earned_by_bringing_it_back(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    counter.rig.world.deliver(key)
    token = counter.bought([key], anyway=True)
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}
    assert counter.operation(token).attempts[-1].after[0].fate is Fate.ACKNOWLEDGED


def test_a_hermes_that_does_nothing_is_tried_three_times_and_then_every_five_minutes(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(counter.rig.stuck())
    counter.work()
    begun = counter.rig.clock.now()
    assert operation_state(counter.operation(token)) is OperationState.WAITING
    starts = []
    for _ in range(110):
        counter.blocks()
        before = len(counter.rig.relayer.jobs)
        counter.work()
        if len(counter.rig.relayer.jobs) > before:
            starts.append((counter.rig.clock.now() - begun).total_seconds())
    gaps = [later - earlier for earlier, later in pairwise([0.0, *starts])]
    # A run takes 6 s, reading and looking at every block some more.
    assert all(0 <= gap - wanted <= 20 for gap, wanted in zip(gaps[:4], (5, 10, 20, 300), strict=True)), gaps
    assert "Hermes said success and did nothing" in (counter.task(token).why or "")


def test_at_the_deadline_what_is_still_pending_goes_back_and_a_later_delivery_changes_nothing(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    (key,) = counter.rig.stuck()
    token = counter.bought([key])
    counter.work_until(1300)
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}
    assert counter.view(token).state is TokenState.NOT_CLEARED
    assert counter.task(token).status is Status.DONE
    counter.rig.world.relay(key, address("clearing", "alpha-1"), address("clearing", "beta-1"))
    counter.blocks()
    counter.work()
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}
    assert counter.books()["owed"] == token.price.amount


def test_no_run_begins_after_the_deadline(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.blocks(300)
    counter.read()
    counter.work()
    assert counter.rig.relayer.jobs == []
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}


@pytest.mark.parametrize("chain", ["alpha-1", "beta-1"])
def test_a_node_that_is_down_delays_the_work_and_is_no_try(counter: Counter, chain: str) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.chains[chain].down = NodeError(f"{chain}: nobody answers")
    for _ in range(10):
        counter.blocks(4)
        counter.work()
    assert counter.rig.relayer.jobs == []
    counter.rig.chains[chain].down = None
    counter.blocks(4)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_a_node_that_is_down_at_the_deadline_decides_nothing(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.beta.down = NodeError("beta-1: nobody answers")
    counter.work_until(2000)
    assert counter.verdicts(token) == {}
    assert counter.view(token).state is TokenState.PAID
    counter.rig.beta.down = None
    counter.work_until(400)
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}


def test_a_hermes_that_is_missing_delays_the_work_and_is_no_try(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.relayer.says = HermesError("there is no program 'hermes'")
    for _ in range(10):
        counter.blocks(4)
        counter.work()
    assert "no program" in (counter.task(token).why or "")
    assert counter.view(token).operation is not None
    counter.rig.relayer.says = "1.10.5"
    counter.blocks(4)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_a_hermes_that_vanishes_between_two_runs_is_no_try_either(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.cannot_start, hermes.cannot_start, hermes.does_the_job]
    token = counter.bought(counter.rig.stuck())
    for _ in range(8):
        counter.work()
        counter.blocks(2)
    assert counter.view(token).state is TokenState.CLEARED


def test_a_clearing_key_without_gas_waits_for_coins(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    key = address("clearing", "beta-1")
    counter.rig.world.set_account("beta-1", key, amount=0)
    counter.work()
    assert "can't pay gas" in (counter.task(token).why or "")
    counter.rig.world.set_account("beta-1", key)
    counter.rig.clock.step(60)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_a_run_cut_short_is_unknown_until_it_can_no_longer_land(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.is_killed_before_anything, hermes.does_nothing_and_says_success]
    counter.rules = RULES
    token = counter.bought(counter.rig.stuck())
    counter.work()
    counter.blocks(230)
    counter.rig.relayer.scenarios = [hermes.is_killed_before_anything]
    counter.work()
    counter.blocks(40)
    counter.read()
    counter.work()
    # The deadline has passed, and the last run was cut short a moment before it.
    assert counter.verdicts(token) == {}
    counter.work_until(1000)
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}


def test_a_run_cut_short_that_lands_after_the_deadline_is_earned(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.bought([key])
    counter.blocks(230)
    counter.rig.relayer.scenarios = [hermes.is_killed_before_anything]
    counter.work()
    counter.blocks(20)
    counter.rig.world.relay(key, address("clearing", "alpha-1"), address("clearing", "beta-1"))
    counter.work_until(400)
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}


def test_two_tokens_for_one_packet_earn_it_once(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    first = counter.bought([key])
    second = counter.forged_second([key])
    counter.pay(second, who="bob")
    counter.blocks(2)
    counter.read()
    counter.work()
    counter.blocks(20)
    counter.work()
    assert counter.verdicts(first) == {1: ("earned", "cleared_by_us")}
    assert counter.verdicts(second) == {1: ("owed_back", "earned_elsewhere")}
    assert len(counter.rig.relayer.jobs) == 1


def test_a_late_payment_is_honoured_while_the_packets_are_still_stuck(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck(timeout_seconds=10**6), expires=60)
    counter.blocks(20)
    price = token.price.amount
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    assert counter.books() == {"received": price, "held": 0, "earned": 0, "owed": price}
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}
    assert counter.view(token).state is TokenState.CLEARED
    assert {flaw.value for flaw in counter.view(token).flaws} == {"late"}
    assert counter.books() == {"received": price, "held": 0, "earned": price, "owed": 0}


def test_a_late_payment_for_packets_that_are_gone_is_not_honoured(counter: Counter) -> None:
    (key,) = counter.rig.stuck()
    token = counter.quote([key], expires=60)
    counter.blocks(20)
    counter.rig.world.relay(key)
    counter.pay(token)
    counter.blocks(2)
    counter.read()
    counter.work()
    assert counter.view(token).state is TokenState.EXPIRED
    assert counter.view(token).operation is None
    assert [due.cause.value for due in counter.view(token).owed] == ["late"]


def test_an_excess_is_owed_back_from_the_moment_it_is_read_and_once(counter: Counter) -> None:
    token = counter.quote(counter.rig.stuck())
    price = token.price.amount
    counter.pay(token, 2 * price)
    counter.blocks(2)
    counter.read()
    assert counter.books() == {"received": 2 * price, "held": price, "earned": 0, "owed": price}
    counter.work()
    assert counter.books() == {"received": 2 * price, "held": 0, "earned": price, "owed": price}
    assert {flaw.value for flaw in counter.view(token).flaws} == {"overpaid"}


def test_the_guard_caps_what_hermes_may_burn_on_each_chain(counter: Counter) -> None:
    counter.bought(counter.rig.stuck())
    counter.work()
    (job,) = counter.rig.relayer.jobs
    # One message each, 250,000 gas until there is a median, three times that, at 0.01.
    assert {cap.chain: str(cap.fee) for cap in job.fee_caps} == {"alpha-1": "7500stake", "beta-1": "7500ubeta"}


def test_keys_of_an_operation_under_way_elsewhere_are_waited_for(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.relayer.held["beta-1", "clearing"] = "process 7"
    counter.work()
    assert "process 7" in (counter.task(token).why or "")
    del counter.rig.relayer.held["beta-1", "clearing"]
    counter.blocks()
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_a_client_that_expires_after_the_payment_means_everything_back_at_the_deadline(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.world.set_client(counter.rig.far, ClientStatus.EXPIRED)
    counter.work()
    assert "client_expired" in (counter.task(token).why or "")
    counter.work_until(1300)
    assert counter.rig.relayer.jobs == []
    assert counter.verdicts(token) == {1: ("owed_back", "not_cleared")}
    assert counter.books()["owed"] == token.price.amount


def test_gas_above_the_guard_is_told_as_too_dear_and_tried_again(counter: Counter) -> None:
    async def too_dear(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
        said = "beta-1 gas estimate 900000 from simulated Tx exceeds the maximum configured 750000"
        return replace(hermes.ran(job), complaints=(said,))

    counter.rig.relayer.scenarios = [too_dear, hermes.does_the_job]
    token = counter.bought(counter.rig.stuck())
    counter.work()
    assert (counter.task(token).why or "").startswith("too_dear: beta-1 gas estimate")
    counter.blocks(2)
    counter.work()
    assert counter.view(token).state is TokenState.CLEARED


def test_fees_of_earlier_attempts_count_against_the_same_budget(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_the_first_only, hermes.does_the_job]
    counter.bought(counter.rig.stuck(count=2))
    counter.work()
    counter.blocks(2)
    counter.work()
    first, second = counter.rig.relayer.jobs
    # Two packets may cost 15000 in all; the first one's delivery took 800 of it, or what one may cost is less.
    assert {str(cap.fee) for cap in first.fee_caps if cap.chain == "beta-1"} == {"15000ubeta"}
    (cap,) = (cap.fee.amount for cap in second.fee_caps if cap.chain == "beta-1")
    assert cap <= 15000 - 800


def test_called_off_what_is_still_pending_goes_back_in_full(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_the_first_only, hermes.does_nothing_and_says_success]
    token = counter.bought(counter.rig.stuck(count=2))
    counter.work()
    with counter.rig.journal.database.atomic() as tx:
        sales.ask(tx, token.ref.order_id.hex(), "cancel", "ada", "the payer asked", counter.rig.clock.now())
        tasks.hasten(tx, counter.task(token).key, counter.rig.clock.now())
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us"), 2: ("owed_back", "cancelled")}
    assert counter.view(token).state is TokenState.PARTLY_CLEARED


def test_a_token_revoked_before_its_work_began_is_not_worked_for(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    revoke_token(counter.rig.desk, token.memo, "a mistake", "ada")
    counter.work()
    assert counter.rig.relayer.jobs == []
    assert counter.view(token).state is TokenState.REVOKED
    assert counter.books() == {"received": token.price.amount, "held": 0, "earned": 0, "owed": token.price.amount}


def test_a_rival_that_is_faster_than_our_own_run_earns_us_nothing(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.a_rival_wins]
    token = counter.bought(counter.rig.stuck())
    counter.work()
    assert counter.verdicts(token) == {1: ("owed_back", "others_first")}


def test_a_doer_that_no_index_tells_decides_nothing_yet(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck())
    counter.rig.beta.index_lag = 30
    counter.work()
    assert counter.verdicts(token) == {}
    assert "doer_unknown" in (counter.task(token).why or "")
    counter.rig.beta.index_lag = 0
    counter.rig.clock.step(300)
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "cleared_by_us")}


def test_delivered_with_its_acknowledgement_open_is_earned(counter: Counter) -> None:
    token = counter.bought(counter.rig.stuck(memo=HOLD_MEMO))
    counter.work()
    assert counter.verdicts(token) == {1: ("earned", "final_outcome_open")}


def test_operations_list_settles_nothing_of_a_paid_token(counter: Counter) -> None:
    counter.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    token = counter.bought(counter.rig.stuck())
    counter.work()
    asyncio.run(settle_all(counter.rig.desk))
    assert counter.operation(token).cancelled_at is None
