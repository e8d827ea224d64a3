"""What people ask for at a face: carried out once, refused in words, expired, withdrawn, and told ever after."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.breaker import BreakerState, endpoint_name, path_name, wallet_name
from relayclear.clearing.operation import Operation, OperationState, operation_state
from relayclear.errors import NodeError, RefusedError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.relayer import ClearJob, KeyChoice, RelayRun
from relayclear.money.policy import Mode
from relayclear.money.refund_state import RefundState
from relayclear.money.state import TokenState
from relayclear.store import history, operations, tasks
from relayclear.store.tasks import Status
from relayclear.usecases.breakers_acts import list_breakers, open_breaker
from relayclear.usecases.once import Once
from relayclear.usecases.refund_acts import approve, waive
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.requests import RequestState, RequestView, Verb, Wish, ask, request_key, requests, withdraw
from relayclear.usecases.requests_plan import Lasting, plan
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig
from tests.usecases.counter import ALPHA, Counter
from tests.usecases.refunding import Giver
from tests.usecases.requesting import Office, worked

NAME = endpoint_name("alpha-1", "http://alpha-1:26657")


@pytest.fixture
def office(rig: Rig) -> Office:
    return Office(rig)


def told(office: Office, what: str) -> list[history.Event]:
    """What the history has of a word, newest first."""
    return [event for event in history.page(office.database, 1000) if event.what == what]


def wish(verb: Verb, subject: str = "", **terms: Any) -> Wish:
    return Wish(verb, subject, why="because", **terms)


# Clears


def test_exactly_the_packets_that_were_asked_for_are_cleared_and_the_history_names_who_asked(office: Office) -> None:
    office.rig.stuck(count=4)
    request = office.clear("2,3")
    assert (request.state, request.carrier) == (RequestState.REQUESTED, None)
    office.work()
    view = office.view(request)
    assert (view.state, view.code, view.carrier, view.who) == (RequestState.DONE, "cleared", "watch 1", "ada")
    assert (office.runs, office.rig.pending()) == (["2..3"], [1, 4])
    assert operation_state(office.operation(request)) is OperationState.CLEARED
    assert {event.who for event in told(office, "operation_added")} == {"ada"}
    (asked,), (ended,) = told(office, "request_asked"), told(office, "request_ended")
    assert (asked.who, asked.subject, asked.detail["about"]) == ("ada", request.id, f"{office.rig.source}/2..3")
    assert (ended.who, ended.operation_id, ended.detail["state"]) == ("watch 1", view.operation_id, "done")


def test_a_hermes_that_did_nothing_makes_a_request_that_failed_and_says_why(office: Office) -> None:
    office.rig.stuck()
    office.rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    request = office.clear("1")
    office.work()
    view = office.view(request)
    assert (view.state, view.code) == (RequestState.FAILED, "failed")
    assert view.said == "#1: Hermes said success and did nothing"
    assert view.hint == f"relayclear operations show {view.operation_id}"


def test_a_run_that_was_killed_leaves_the_request_unknown_not_failed(office: Office) -> None:
    office.rig.stuck()
    office.rig.relayer.scenarios = [hermes.is_killed_before_anything]
    request = office.clear("1")
    office.work()
    assert (office.view(request).state, office.view(request).code) == (RequestState.UNKNOWN, "unknown")


def test_a_packet_that_hermes_moved_unasked_is_told_and_is_no_success(office: Office) -> None:
    office.rig.stuck(count=2)
    office.rig.relayer.scenarios = [hermes.touches_the_next_one_too]
    request = office.clear("1")
    office.work()
    assert office.view(request).state is RequestState.FAILED
    assert "which was not asked for" in (office.view(request).said or "")


def test_what_may_not_be_cleared_is_refused_with_the_same_words_as_the_command(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("7")
    office.work()
    view = office.view(request)
    assert (view.state, view.code, view.operation_id) == (RequestState.REFUSED, "never_sent", None)
    assert "never sent #7" in (view.said or "")
    assert (view.hint or "").startswith("relayclear packets list")
    assert office.rig.journal.operations(10) == []


def test_a_mistake_of_ours_before_anything_began_ends_the_request_instead_of_calling_people(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    office.rig.alpha.fails["commitments"] = ZeroDivisionError("oops")  # type: ignore[assignment]
    office.work()
    view = office.view(request)
    assert (view.state, view.said) == (RequestState.FAILED, "ZeroDivisionError: oops")
    assert not [one for one in tasks.counts(office.database) if one.status is Status.DEAD]


def test_packets_of_a_paid_token_are_left_to_its_own_work(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    token = counter.bought(rig.stuck())
    office = Office(rig)
    request = office.clear("1")
    office.work()
    assert (office.view(request).state, office.view(request).code) == (RequestState.REFUSED, "in_paid_token")
    assert office.view(request).hint == f"relayclear clear --token {token.memo}"
    assert office.runs == []


def test_an_open_token_whose_packets_are_cleared_by_hand_is_taken_back_first(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    token = counter.quote(rig.stuck())
    office = Office(rig)
    found = asyncio.run(plan(office.desk, Wish(Verb.CLEAR, end=rig.source, sequences=SequenceRanges.of([1]))))
    assert (found.taken_back, Lasting.TOKENS_TAKEN_BACK in found.lasting) == ((token.memo,), True)
    assert counter.view(token).state is TokenState.OPEN
    request = office.clear("1")
    office.work()
    assert office.view(request).state is RequestState.DONE
    assert counter.view(token).state is TokenState.REVOKED


# Waiting, expiring, withdrawing


def test_a_key_that_another_run_holds_is_waited_for_and_the_view_says_so(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")

    async def beside_another() -> None:
        async with office.rig.relayer.holding([KeyChoice("alpha-1", "clearing", None)]):
            await worked(office.carrier())

    asyncio.run(beside_another())
    view = office.view(request)
    assert (view.state, view.operation_id) == (RequestState.REQUESTED, None)
    assert "is held by" in (view.said or "")
    office.go_on(1)
    assert office.view(request).state is RequestState.DONE


def test_an_open_breaker_is_waited_for_and_a_run_begins_when_it_closes(office: Office) -> None:
    office.rig.stuck()
    name = path_name(office.rig.source)
    for _ in range(5):
        office.rig.breakers.heard(name, "it hangs")
    request = office.clear("1")
    office.work()
    view = office.view(request)
    assert (view.state, view.operation_id, office.runs) == (RequestState.REQUESTED, None, [])
    assert "it hangs" in (view.said or "")
    office.ask(wish(Verb.RESET, name))
    office.go_on(1)
    assert office.view(request).state is RequestState.DONE


def test_a_chain_that_cannot_be_read_delays_a_request_until_it_expires(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    office.rig.beta.down = NodeError("beta-1: nobody answers")
    office.work()
    assert office.view(request).said == "beta-1: nobody answers"
    office.rig.clock.step(601)
    office.rig.beta.down = None
    # Already before anybody has looked at it: nobody will do it any more.
    assert (office.view(request).state, office.view(request).code) == (RequestState.REFUSED, "expired")
    office.work()
    view = office.view(request)
    assert (view.state, view.code, view.carrier) == (RequestState.REFUSED, "expired", "watch 1")
    assert view.said == "nobody carried it out within 10 minutes: beta-1: nobody answers"
    assert office.runs == []


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_request_of_hours_ago_is_not_carried_out_whichever_way_the_clock_was_set(office: Office, hours: int) -> None:
    office.rig.stuck()
    request = office.clear("1")
    office.rig.clock.skew(3600 * hours)
    office.work()
    assert office.view(request).code == "expired"
    assert office.runs == []


def test_one_that_was_withdrawn_is_never_carried_out(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    view = withdraw(office.desk, request.id, "bob")
    assert (view.state, view.code, view.said) == (RequestState.REFUSED, "withdrawn", "withdrawn by bob")
    office.work()
    assert office.runs == []
    assert [event.who for event in told(office, "request_withdrawn")] == ["bob"]
    with pytest.raises(RefusedError, match="has ended: refused"):
        withdraw(office.desk, request.id, "bob")


def test_one_that_is_withdrawn_while_it_is_planned_begins_nothing(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")

    def meanwhile(_: str) -> None:
        office.rig.beta.heard = None
        withdraw(office.desk, request.id, "bob")

    office.rig.beta.heard = meanwhile
    office.work()
    assert office.view(request).code == "withdrawn"
    assert (office.runs, office.rig.journal.operations(10)) == ([], [])


def test_one_that_has_begun_is_not_withdrawn(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    refused: list[str] = []

    async def tries(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        with pytest.raises(RefusedError, match="has begun") as caught:
            withdraw(office.desk, request.id, "bob")
        refused.append(caught.value.hint or "")
        return await hermes.does_the_job(relayer, job, progress)

    office.rig.relayer.scenarios = [tries]
    office.work()
    assert refused == [f"relayclear operations cancel {office.view(request).operation_id}"]
    assert office.view(request).state is RequestState.DONE


def test_a_wish_that_lacks_something_is_not_kept(office: Office) -> None:
    for bad in (Wish(Verb.CLEAR, end=office.rig.source), Wish(Verb.CANCEL), Wish(Verb.REFUND, "ab"), Wish(Verb.RESET)):
        with pytest.raises(UsageError, match="needs"):
            office.ask(bad)
    assert requests(office.desk, 10) == []


def test_the_same_key_makes_one_request_and_other_words_are_refused(office: Office) -> None:
    office.rig.stuck(count=2)
    once = Once("key-1", ("clear", "1"))
    first, second = (
        ask(office.desk, Wish(Verb.CLEAR, end=office.rig.source, sequences=SequenceRanges.of([1])), "ada", once)
        for _ in range(2)
    )
    assert first.id == second.id
    office.work()
    assert office.runs == ["1"]
    with pytest.raises(RefusedError, match="another request"):
        ask(office.desk, wish(Verb.CANCEL, "op-1"), "ada", Once("key-1", ("cancel", "op-1")))


def test_as_of_shows_each_request_as_it_was_then(office: Office) -> None:
    office.rig.stuck()
    before = office.rig.clock.now()
    office.rig.clock.step(1)
    request = office.clear("1")
    asked = office.rig.clock.now()
    office.rig.clock.step(1)
    office.work()
    assert requests(office.desk, 10, before) == []
    (then,) = requests(office.desk, 10, asked)
    assert (then.id, then.state, then.operation_id) == (request.id, RequestState.REQUESTED, None)
    begun = office.view(request).begun_at
    assert begun is not None
    (then,) = requests(office.desk, 10, begun)
    assert then.state is RequestState.RUNNING
    assert requests(office.desk, 10)[0].state is RequestState.DONE


# Acts


def test_a_run_under_way_is_called_off_by_a_request_while_it_runs(office: Office) -> None:
    office.rig.stuck(count=60)
    request = office.clear("1..60")
    cancelled: list[str] = []

    async def meanwhile(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        found = office.rig.journal.unfinished()[0].id
        cancelled.append(office.ask(wish(Verb.CANCEL, found), "bob").id)
        other = office.carrier(name="watch 2")
        while await other.acts.step():
            pass
        return await hermes.does_the_job(relayer, job, progress)

    office.rig.relayer.scenarios = [meanwhile, hermes.does_the_job]
    office.work()
    assert office.runs == ["1..50"]
    (cancel,) = (one for one in requests(office.desk, 10) if one.verb is Verb.CANCEL)
    assert (cancel.state, cancel.code, cancel.operation_id) == (
        RequestState.DONE,
        "called_off",
        office.operation(request).id,
    )
    assert (office.view(request).state, office.view(request).code) == (RequestState.FAILED, "partial")
    assert [event.who for event in told(office, "operation_cancelled")] == ["bob"]


def test_an_operation_that_has_ended_is_not_called_off(office: Office) -> None:
    office.rig.journal.add_operation(
        Operation("op-1", office.rig.clock.now(), office.rig.source, office.rig.far, SequenceRanges.of([1]))
    )
    office.rig.journal.cancel("op-1", office.rig.clock.now())
    known, unknown = (office.ask(wish(Verb.CANCEL, name)) for name in ("op-1", "op-9"))
    office.work()
    assert [office.view(one).state for one in (known, unknown)] == [RequestState.REFUSED] * 2
    assert [office.view(one).code for one in (known, unknown)] == ["ended", "usage"]
    # Whoever follows the history finds only operations that are there.
    named = {event.operation_id for event in history.page(office.database, 100)}
    assert named == {"op-1", None}
    assert [one.id for one in operations.load(office.database, sorted(history.touched(office.database, 0)[1]))] == [
        "op-1"
    ]


def test_a_breaker_is_reset_once_and_an_unknown_one_refused(office: Office) -> None:
    open_breaker(office.desk, NAME, "I know better", "ada")
    known, unknown = office.ask(wish(Verb.RESET, NAME), "bob"), office.ask(wish(Verb.RESET, "endpoint/mars"))
    office.work()
    assert office.view(known).state is RequestState.DONE
    assert office.view(unknown).state is RequestState.REFUSED
    assert next(one for one in list_breakers(office.desk) if one.name == NAME).state is BreakerState.CLOSED
    assert [event.who for event in told(office, "breaker_reset")] == ["bob"]


def test_packets_are_muted_and_unmuted_and_what_is_not_pending_is_refused(office: Office) -> None:
    office.rig.stuck(count=2)
    until = office.rig.clock.now() + timedelta(hours=1)
    some = office.ask(wish(Verb.MUTE, end=office.rig.source, sequences=SequenceRanges.of([2]), until=until))
    none = office.ask(wish(Verb.MUTE, end=office.rig.source, sequences=SequenceRanges.of([9])))
    office.work()
    (mute,) = office.rig.journal.mutes(office.rig.clock.now())
    assert (mute.sequences, mute.until, mute.reason) == (SequenceRanges.of([2]), until, "because")
    assert [office.view(one).code for one in (some, none)] == ["muted", "not_pending"]
    ended = office.ask(wish(Verb.UNMUTE, end=office.rig.source))
    office.work()
    assert office.view(ended).code == "unmuted"
    assert office.rig.journal.mutes(office.rig.clock.now()) == []


def test_work_that_was_given_up_is_tried_again_by_its_task_and_by_its_operation(rig: Rig, tmp_path: Path) -> None:
    counter, office = Counter(rig, tmp_path / "shop"), Office(rig)
    token = counter.bought(rig.stuck())
    rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    counter.work()
    operation = counter.operation(token).id
    key = counter.task(token).key
    for subject in (operation, key):
        with office.database.atomic() as tx:
            tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0, why = 'a bug' WHERE key = ?", (key,))
        request = office.ask(wish(Verb.RETRY, subject))
        found = asyncio.run(plan(office.desk, wish(Verb.RETRY, subject)))
        assert (found.operation is not None) is (subject == operation)
        office.work()
        assert (office.view(request).state, office.view(request).code) == (RequestState.DONE, "retried")
        assert counter.task(token).status is Status.READY
    assert {event.who for event in told(office, "retry_asked")} == {"ada"}
    over = office.ask(wish(Verb.RETRY, "paid/nothing"))
    office.work()
    assert office.view(over).state is RequestState.REFUSED


# Refunds


@pytest.fixture
def giver(rig: Rig, tmp_path: Path) -> Giver:
    found = Giver(rig, tmp_path / "shop", refund_rules=RefundRules(mode=Mode.APPROVE))
    token = found.quote(rig.stuck())
    found.pay(token, 400_000)
    found.expire(token)
    return found


def refund(giver: Giver, amount: int = 395_000) -> Wish:
    (owed,) = giver.owed()
    return Wish(Verb.REFUND, owed.id, amount=Coin("stake", amount))


def test_a_refund_is_approved_in_the_name_of_who_asked_and_sent_once(giver: Giver) -> None:
    office = Office(giver.rig)
    found = asyncio.run(plan(giver.desk, refund(giver)))
    assert (found.amount, found.lasting) == (Coin("stake", 395_000), (Lasting.COINS_SENT,))
    request = ask(giver.desk, refund(giver), "ada")
    for _ in range(6):
        asyncio.run(worked(office.carrier(giver.desk)))
        giver.blocks(1)
    view = office.view(request)
    assert (view.state, view.code) == (RequestState.DONE, "confirmed")
    assert giver.paid_to("alice") == [395_000]
    assert [event.who for event in told(office, "refund_approved")] == ["ada"]
    giver.check_books()


def test_a_refund_of_another_amount_than_was_typed_is_refused(giver: Giver) -> None:
    office = Office(giver.rig)
    request = ask(giver.desk, refund(giver, 400_000), "ada")
    asyncio.run(worked(office.carrier(giver.desk)))
    assert (office.view(request).state, office.view(request).code) == (RequestState.REFUSED, "changed")
    assert (giver.refunds(), giver.paid_to("alice")) == ([], [])


def test_a_refund_whose_wallet_has_no_key_stays_approved_and_says_what_is_missing(giver: Giver) -> None:
    office = Office(giver.rig)
    request = ask(giver.desk, refund(giver), "ada")
    giver.wallet.remove(ALPHA)
    asyncio.run(worked(office.carrier(giver.desk)))
    view = office.view(request)
    assert (view.state, view.code) == (RequestState.FAILED, "no_wallet_key")
    assert (view.said or "").startswith("approved, and not sent yet: there is no key")
    assert [one.state for one in giver.refunds()] == [RefundState.APPROVED]


def test_a_refund_that_nobody_owes_is_refused(giver: Giver) -> None:
    office = Office(giver.rig)
    request = ask(giver.desk, Wish(Verb.REFUND, "ffff", amount=Coin("stake", 1)), "ada")
    asyncio.run(worked(office.carrier(giver.desk)))
    assert (office.view(request).state, office.view(request).code) == (RequestState.REFUSED, "no_refund")


def until_over(giver: Giver, office: Office, request: RequestView, most: int = 12) -> RequestView:
    """A program works for a while."""
    for _ in range(most):
        asyncio.run(worked(office.carrier(giver.desk)))
        giver.blocks(2)
    return office.view(request)


def test_those_that_were_approved_before_go_first_and_nothing_goes_twice(giver: Giver) -> None:
    office = Office(giver.rig)
    giver.pay(giver.quote(giver.rig.stuck()), 300_000, who="bob")
    giver.expire(giver.quote(giver.rig.stuck()))
    first, second = giver.owed()
    approve(giver.desk, first.id, "eve")
    giver.settle()
    request = ask(giver.desk, Wish(Verb.REFUND, second.id, amount=second.due.net), "ada")
    assert until_over(giver, office, request).code == "confirmed"
    assert [(to, coin) for to, coin, _ in giver.sent()] == [(one.due.to, one.due.net) for one in (first, second)]
    assert {first.due.net.amount, second.due.net.amount} == {395_000, 295_000}


def test_an_open_breaker_of_the_wallet_is_waited_for_and_the_refund_goes_when_it_closes(giver: Giver) -> None:
    office, name = Office(giver.rig), wallet_name(ALPHA)
    open_breaker(giver.desk, name, "a node was wrong", "ada")
    request = ask(giver.desk, refund(giver), "ada")
    view = until_over(giver, office, request, 3)
    assert view.state is RequestState.RUNNING
    assert "a node was wrong" in (view.said or "")
    # Approved: it is seen through however long that takes, and nobody can take it back here.
    giver.rig.clock.step(3600)
    with pytest.raises(RefusedError, match="has begun"):
        withdraw(giver.desk, request.id, "ada")
    office.ask(Wish(Verb.RESET, name, why="it is well"))
    giver.read()
    assert until_over(giver, office, request).code == "confirmed"
    assert giver.paid_to("alice") == [395_000]


def test_a_refund_that_the_wallet_cannot_pay_stays_approved_and_says_so(giver: Giver) -> None:
    office = Office(giver.rig)
    giver.refund_rules = RefundRules(mode=Mode.APPROVE, reserve={"stake": 10**12})
    request = ask(giver.desk, refund(giver), "ada")
    view = until_over(giver, office, request, 2)
    assert (view.state, view.code) == (RequestState.FAILED, "skipped")
    assert (view.said or "").startswith("approved, and not sent yet: ")
    assert giver.paid_to("alice") == []


def test_a_refund_that_is_on_its_way_already_is_only_followed(giver: Giver) -> None:
    office, wanted = Office(giver.rig), refund(giver)
    approve(giver.desk, wanted.subject, "eve")
    giver.sweep(patience=0)
    assert giver.refunds()[0].state is RefundState.BROADCAST
    request = ask(giver.desk, wanted, "ada")
    assert until_over(giver, office, request).code == "confirmed"
    assert giver.paid_to("alice") == [395_000]
    assert [event.who for event in told(office, "refund_approved")] == ["eve"]


def test_a_refund_that_was_waived_while_it_waited_ends_the_request_as_failed(giver: Giver) -> None:
    office, wanted = Office(giver.rig), refund(giver)
    open_breaker(giver.desk, wallet_name(ALPHA), "a node was wrong", "ada")
    request = ask(giver.desk, wanted, "ada")
    until_over(giver, office, request, 1)
    waive(giver.desk, wanted.subject, "the payer said so", "eve")
    view = until_over(giver, office, request, 4)
    assert (view.state, view.code) == (RequestState.FAILED, "waived")
    assert giver.paid_to("alice") == []


# Plans


def test_the_plan_of_a_clear_says_packets_keys_costs_and_what_is_left(office: Office) -> None:
    office.rig.stuck(count=3)
    found = asyncio.run(plan(office.desk, Wish(Verb.CLEAR, end=office.rig.source, sequences=SequenceRanges.of([1, 3]))))
    assert found.clear is not None
    assert (found.packets, found.clear.run, found.lasting) == (2, (1, 3), (Lasting.GAS,))
    costs = {one.chain: one for one in found.costs}
    assert sorted(costs) == ["alpha-1", "beta-1"]
    for one in costs.values():
        assert (one.key.name, one.payer) == ("clearing", one.key.address)
        assert one.balance is not None
        assert one.after == Coin(one.usual.denom, one.balance.amount - one.usual.amount)
        assert 0 < one.usual.amount < one.balance.amount
    assert costs["alpha-1"].worst == Coin("stake", 4001)
    assert office.rig.journal.operations(10) == []


def test_the_plan_of_an_act_refuses_what_cannot_be(office: Office) -> None:
    office.rig.stuck()
    assert asyncio.run(plan(office.desk, wish(Verb.MUTE, end=office.rig.source))).packets == 1
    for bad in (
        wish(Verb.UNMUTE, end=office.rig.source),
        wish(Verb.RESET, "endpoint/mars"),
        wish(Verb.CANCEL, "op-9"),
        wish(Verb.RETRY, "op-9"),
        wish(Verb.MUTE, end=office.rig.source, sequences=SequenceRanges.of([9])),
    ):
        with pytest.raises((RefusedError, UsageError)):
            asyncio.run(plan(office.desk, bad))


def test_the_plan_of_calling_off_says_what_it_costs_a_payer(rig: Rig, tmp_path: Path) -> None:
    counter = Counter(rig, tmp_path / "shop")
    token = counter.bought(rig.stuck(count=2))
    rig.relayer.scenarios = [hermes.does_nothing_and_says_success]
    counter.work()
    operation = counter.operation(token)
    found = asyncio.run(plan(rig.desk, wish(Verb.CANCEL, operation.id)))
    assert (found.packets, found.lasting) == (2, (Lasting.CALLED_OFF, Lasting.OWED_BACK))
    rig.journal.add_operation(Operation("op-1", rig.clock.now(), rig.source, rig.far, SequenceRanges.of([1])))
    assert asyncio.run(plan(rig.desk, wish(Verb.CANCEL, "op-1"))).lasting == (Lasting.CALLED_OFF,)
    with pytest.raises(RefusedError, match="no token's"):
        asyncio.run(plan(rig.desk, wish(Verb.RETRY, "op-1")))
    rig.journal.cancel("op-1", rig.clock.now())
    with pytest.raises(RefusedError, match="has ended"):
        asyncio.run(plan(rig.desk, wish(Verb.CANCEL, "op-1")))


def test_a_task_that_is_over_cannot_be_planned_to_be_tried_again(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    assert asyncio.run(plan(office.desk, wish(Verb.RETRY, request_key(request.id)))).task is not None
    office.work()
    with pytest.raises(RefusedError, match="is over"):
        asyncio.run(plan(office.desk, wish(Verb.RETRY, request_key(request.id))))


def test_the_plan_of_a_breaker_and_of_an_end_of_mutes_shows_what_is_there(office: Office) -> None:
    office.rig.stuck()
    open_breaker(office.desk, NAME, "I know better", "ada")
    office.rig.journal.mute(office.rig.source, None, "known", None, {"stuck"}, office.rig.clock.now())
    breaker = asyncio.run(plan(office.desk, wish(Verb.RESET, NAME))).breaker
    assert breaker is not None
    assert (breaker.state, breaker.reason) == (BreakerState.OPEN, "I know better")
    assert asyncio.run(plan(office.desk, wish(Verb.UNMUTE, end=office.rig.source))).lasting == ()


def test_a_key_whose_address_hides_costs_what_it_costs_and_nobody_makes_up_its_balance(office: Office) -> None:
    office.rig.stuck()
    office.rig.relayer.addresses["alpha-1", "clearing"] = None
    found = asyncio.run(plan(office.desk, Wish(Verb.CLEAR, end=office.rig.source, sequences=SequenceRanges.of([1]))))
    costs = {one.chain: one for one in found.costs}
    assert (costs["alpha-1"].payer, costs["alpha-1"].balance, costs["alpha-1"].after) == (None, None, None)
    assert costs["beta-1"].balance is not None


def test_an_unknown_request_is_not_withdrawn(office: Office) -> None:
    with pytest.raises(UsageError, match="no request 'rq-9'"):
        withdraw(office.desk, "rq-9", "ada")


def test_done_requests_leave_no_task_that_anybody_is_called_for(office: Office) -> None:
    office.rig.stuck()
    request = office.clear("1")
    office.work()
    task = tasks.find(office.database, request_key(request.id))
    assert task is not None
    assert task.status is Status.DONE
