"""Reading payments through nodes that lag, forget, lie or fall back: nothing is invented, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from relayclear.errors import HeightError, NodeError, RelayclearError, UsageError
from relayclear.ibc.arrivals import Arrival, Movement
from relayclear.ibc.coin import Coin
from relayclear.ibc.readings import Balances
from relayclear.money.ledger import Account
from relayclear.money.state import TokenState
from relayclear.store import cursors, history, tasks
from relayclear.store.history import Search
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.payments_acts import accept_gap, gaps
from relayclear.usecases.payments_reading import OVERLAP, WINDOW
from tests.fakes.chain import FakeChain
from tests.fakes.world import FakeClock
from tests.usecases.paying import ALPHA, Till


@dataclass
class Liar(FakeChain):
    """A node that never heard of some transactions, in any answer, and tells other balances where told to."""

    hidden: set[str] = field(default_factory=set)
    false_balances: dict[str, int] = field(default_factory=dict)
    drops_results_below: int = 0

    def _arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
        if first < self.drops_results_below:
            raise HeightError(f"{self.id}: results of block {first} are gone")
        return [one for one in super()._arrivals(address, first, last) if one.tx_hash not in self.hidden]

    def _movements(self, address: str, first: int, last: int) -> list[Movement]:
        return [one for one in super()._movements(address, first, last) if one.tx_hash not in self.hidden]

    async def balances(self, address: str, height: int = 0) -> Balances:  # noqa: D102
        found = await super().balances(address, height)
        return replace(found, by_denom={**found.by_denom, **self.false_balances})


def failed(reading: Reading, code: str) -> RelayclearError:
    """What stopped a reading, which must be this."""
    assert reading.error is not None
    assert reading.error.code == code
    assert reading.payments == ()
    return reading.error


def stays(till: Till, code: str) -> RelayclearError:
    """Reading fails in this way, says so for all to see, and the height stays."""
    before = till.cursor
    error = failed(till.read(), code)
    after = till.cursor
    assert (after.read_through, after.held) == (before.read_through, before.held)
    assert after.error == error.message[:500]
    assert after.failed_at is not None
    return error


# The index


def test_row_42_payments_are_read_out_of_blocks_while_the_index_is_off(till: Till) -> None:
    token = till.sold()
    till.rig.alpha.tx_index = False
    till.pay(token.memo)
    assert len(till.read_all()) == 1
    assert "moved_by_blocks" in till.rig.alpha.asked
    assert till.view(token).state is TokenState.PAID


def test_row_42_the_same_payment_has_the_same_name_by_index_and_by_blocks(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    [first] = till.read_all()
    till.rig.alpha.tx_index = False
    assert till.read_all() == []
    assert [one.id for one in till.stored()] == [first.id]


def test_row_42_an_index_that_lags_is_not_believed(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.rig.alpha.index_lag = 2
    assert len(till.read_all()) == 1


def test_an_index_that_hides_a_payment_is_found_out_by_the_balance(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    till.rig.alpha.unindexed = {tx_hash}
    till.rig.alpha.asked.clear()
    assert [one.arrival.tx_hash for one in till.read_all()] == [tx_hash]
    assert till.rig.alpha.asked.count("moved_by_blocks") == 1


# What can't be explained


def test_a_balance_that_nothing_explains_stops_the_reading_and_invents_nothing(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.rig.world.fund(ALPHA, till.payee, "stake", 7)
    till.blocks(2)
    error = stays(till, "does_not_add_up")
    assert "stake" in error.message
    assert till.stored() == []
    assert till.view(token).state is TokenState.OPEN
    assert till.total(Account.BALANCE) == 0


def test_a_hidden_payment_stops_the_reading_until_a_node_tells_it(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, hidden={tx_hash})
    till.blocks(2)
    stays(till, "does_not_add_up")
    till.rig.chains[ALPHA] = FakeChain(till.rig.world, ALPHA)
    assert [one.arrival.tx_hash for one in till.read_all()] == [tx_hash]
    assert till.cursor.error is None


def test_a_payment_that_a_node_forgets_again_stops_the_reading(till: Till) -> None:
    tx_hash = till.pay(till.sold().memo)
    till.read_all()
    till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, hidden={tx_hash})
    till.blocks()
    stays(till, "endpoints_disagree")
    assert len(till.stored()) == 1


def test_other_figures_for_a_known_payment_stop_the_reading(till: Till) -> None:
    class Changed(FakeChain):
        def _arrivals(self, address: str, first: int, last: int) -> list[Arrival]:
            return [replace(one, coin=Coin("stake", 99)) for one in super()._arrivals(address, first, last)]

    till.pay(till.sold().memo)
    till.read_all()
    till.rig.chains[ALPHA] = Changed(till.rig.world, ALPHA)
    till.blocks()
    stays(till, "endpoints_disagree")


# Two endpoints


def with_witness(till: Till, witness: FakeChain) -> Desk:
    """The desk with a second endpoint."""
    return replace(till.desk, witnesses={ALPHA: witness})


def test_row_44_two_endpoints_that_disagree_are_neither_believed(till: Till) -> None:
    token = till.sold()
    tx_hash = till.pay(token.memo)
    till.blocks(2)
    for first, second in (({tx_hash}, set[str]()), (set[str](), {tx_hash})):
        till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, hidden=first)
        desk = with_witness(till, Liar(till.rig.world, ALPHA, hidden=second))
        failed(till.read(desk), "endpoints_disagree")
    assert till.stored() == []
    desk = with_witness(till, Liar(till.rig.world, ALPHA, false_balances={"stake": 1}))
    failed(till.read(desk), "endpoints_disagree")


def test_row_44_two_endpoints_that_agree_are_believed_and_a_dead_one_says_nothing(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.blocks(2)
    lagging = FakeChain(till.rig.world, ALPHA, behind=3)
    dead = FakeChain(till.rig.world, ALPHA, down=NodeError("refused the connection"))
    assert len(till.read(with_witness(till, FakeChain(till.rig.world, ALPHA))).payments) == 1
    for witness in (lagging, dead):
        till.pay(token.memo)
        till.blocks(2)
        assert len(till.read(with_witness(till, witness)).payments) == 1
    till.check()


# Heights


def test_row_38_a_node_that_stands_lower_than_before_is_not_read(till: Till) -> None:
    till.pay(till.sold().memo)
    till.read_all()
    till.rig.alpha.behind = 2
    stays(till, "height_gone_back")
    till.rig.alpha.behind = 0
    assert till.read_all() == []
    assert till.cursor.error is None


def test_row_38_39_a_wrong_chain_or_a_dead_node_is_said_and_changes_nothing(till: Till) -> None:
    till.rig.alpha.down = NodeError("http://alpha is chain 'gamma-1', not 'alpha-1'")
    till.blocks(2)
    assert "gamma-1" in stays(till, "node_unreachable").message


def test_nothing_new_asks_the_node_for_its_height_alone(till: Till) -> None:
    till.read_all()
    till.rig.alpha.asked.clear()
    assert till.read().error is None
    assert till.rig.alpha.asked == ["head"]


def test_row_40_a_watcher_that_was_down_for_days_reads_everything_in_windows(till: Till) -> None:
    early, late = till.sold(), till.sold(ttl=10 * 86_400)
    till.pay(early.memo)
    till.blocks(2 * WINDOW)
    till.pay(late.memo)
    till.rig.alpha.asked.clear()
    assert len(till.read_all()) == 2
    assert till.rig.alpha.asked.count("arrivals") == 3
    assert {till.view(token).state for token in (early, late)} == {TokenState.PAID}


def test_windows_whose_balance_is_gone_count_together_with_the_next(till: Till) -> None:
    class Forgetful(FakeChain):
        keeps: int = 0

        async def balances(self, address: str, height: int = 0) -> Balances:
            if height < self.keeps:
                raise HeightError(f"the state of {height} is pruned")
            return await super().balances(address, height)

    token = till.sold()
    till.pay(token.memo)
    till.blocks(WINDOW + 100)
    node = Forgetful(till.rig.world, ALPHA)
    node.keeps = till.height - 50
    till.rig.chains[ALPHA] = node
    assert len(till.read_all()) == 1
    node.keeps = 10**9
    till.blocks()
    stays(till, "balance_gone")
    assert gaps(till.desk) == []


def test_row_41_pruned_heights_are_a_gap_until_somebody_accepts_it(till: Till) -> None:
    missed, seen = till.sold(), till.sold(ttl=10 * 86_400)
    through = till.cursor.read_through
    till.pay(missed.memo)
    till.blocks(200)
    till.rig.alpha.pruned_below = gone = till.height - 50
    till.pay(seen.memo)
    till.blocks(2)
    error = stays(till, "payments_gap")
    [gap] = gaps(till.desk)
    assert (gap.first, gap.last, gap.accepted) == (through + 1, gone - 1, None)
    assert f"gaps accept {gap.id}" in (error.hint or "")
    stays(till, "payments_gap")
    assert len(gaps(till.desk)) == 1
    accepted = accept_gap(till.desk, gap.id, "the archive is gone", "ada")
    assert accepted.accepted is not None
    assert (accepted.accepted.who, accepted.accepted.reason) == ("ada", "the archive is gone")
    assert [one.match is not None for one in till.read_all()] == [True]
    assert till.view(seen).state is TokenState.PAID
    assert till.view(missed).state is not TokenState.PAID
    # What came in the gap is somebody's money, and no payment that anybody saw.
    assert till.total(Account.INCOME) == 100
    [event] = [one for one in history.page(till.rig.journal.database, 100) if one.what == "gap_accepted"]
    assert (event.who, event.detail["reason"]) == ("ada", "the archive is gone")


def test_row_41_a_gap_that_a_node_can_serve_after_all_is_read(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.blocks(200)
    till.rig.alpha.pruned_below = till.height - 50
    stays(till, "payments_gap")
    till.rig.alpha.pruned_below = 0
    assert len(till.read_all()) == 1


def test_row_41_results_that_were_dropped_are_a_gap_and_a_late_block_is_none(till: Till) -> None:
    till.blocks(1000)
    till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, tx_index=False, drops_results_below=till.height)
    stays(till, "payments_gap")
    [gap] = gaps(till.desk)
    assert gap.last - gap.first == 499
    accept_gap(till.desk, gap.id, "never kept", "ada")
    till.read()
    assert till.cursor.read_through == gap.last


def test_near_the_newest_block_missing_results_are_only_late(till: Till) -> None:
    till.blocks(3)
    till.rig.chains[ALPHA] = Liar(till.rig.world, ALPHA, tx_index=False, drops_results_below=till.height)
    stays(till, "height_unavailable")
    assert gaps(till.desk) == []


def test_an_overlap_that_was_pruned_is_no_gap(till: Till) -> None:
    till.blocks(OVERLAP)
    till.read_all()
    till.rig.alpha.pruned_below = till.cursor.read_through
    token = till.sold()
    till.pay(token.memo)
    assert len(till.read_all()) == 1


def test_a_gap_needs_a_reason_and_is_accepted_once(till: Till) -> None:
    with pytest.raises(UsageError):
        accept_gap(till.desk, 7, "because", "ada")
    with till.rig.journal.database.atomic() as tx:
        number = cursors.add_gap(tx, ALPHA, till.payee, 5, 9, "pruned", till.rig.clock.now())
    with pytest.raises(UsageError):
        accept_gap(till.desk, number, " ", "ada")
    accept_gap(till.desk, number, "first", "ada")
    assert accept_gap(till.desk, number, "second", "bob").accepted == accept_gap(till.desk, number, "x", "y").accepted
    events = history.page(till.rig.journal.database, 10, 0, Search(subject=f"{ALPHA}/gap {number}"))
    assert [event.detail["reason"] for event in events] == ["first"]


# Processes


class Dying(FakeClock):
    """A clock at whose next look the process ends: in the middle of the commit."""

    def now(self) -> datetime:  # noqa: D102
        raise SystemExit(1)


def _dies(what: str) -> None:
    if what == "balances":
        raise SystemExit(1)


def test_row_5_a_crash_between_reading_and_commit_loses_no_payment_and_counts_none_twice(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.blocks(2)
    till.rig.alpha.heard = _dies
    with pytest.raises(SystemExit):
        till.read()
    till.rig.alpha.heard = None
    with pytest.raises(SystemExit):
        till.read(replace(till.desk, clock=Dying(till.rig.world)))
    assert till.stored() == []
    assert till.task(token) is None
    assert len(till.read().payments) == 1
    assert till.read().payments == ()
    till.check()
    assert till.task(token) is not None


def test_two_readers_at_once_count_a_payment_once(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo)
    till.blocks(2)
    others: list[Reading] = []
    asking: list[int] = []

    class Slow(FakeChain):
        async def balances(self, address: str, height: int = 0) -> Balances:
            found = await super().balances(address, height)
            if not others and not asking:
                asking.append(height)
                # Another process reads on, and further, while this one waits for its answer.
                till.blocks(3)
                quick = replace(till.desk, chains={**till.desk.chains, ALPHA: FakeChain(till.rig.world, ALPHA)})
                others.append(await read_payments(quick, ALPHA))
            return found

    till.rig.chains[ALPHA] = Slow(till.rig.world, ALPHA)
    mine = till.read()
    assert mine.error is None
    assert len(others[0].payments) + len(mine.payments) == 1
    till.check()


def test_a_task_that_was_done_too_early_runs_again_for_a_payment_found_later(till: Till) -> None:
    token = till.sold()
    till.pay(token.memo, 60)
    till.pay(token.memo, 40)
    till.read_all()
    with till.rig.journal.database.atomic() as tx:
        moment = tasks.Moment(till.rig.clock.now().timestamp(), *till.rig.clock.boot())
        task = tasks.claim(tx, ["paid"], "1:x", moment)
        assert task is not None
        tasks.finish(tx, task, tasks.Outcome(tasks.Status.DONE, task.data), till.rig.clock.now())
    till.pay(token.memo, 5)
    till.read_all()
    again = till.task(token)
    assert again is not None
    assert again.status is tasks.Status.READY
