"""The view of operations: progress as Hermes works, retries that count down, requests taken back, dead letters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.request import RequestState, Verb, Wish
from relayclear.dashboard.dialogs import Confirm
from relayclear.dashboard.host import Start
from relayclear.dashboard.views.operations import DeadPanel, DonePanel, QueuePanel, RequestsPanel
from relayclear.ibc.packet import PacketKey, SequenceRanges
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.store import tasks
from relayclear.store.tasks import Moment, Outcome, Status
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.paid import PAID_TASK
from relayclear.usecases.requests import ask, requests
from tests.dashboard.conftest import screen, watched
from tests.dashboard.driving import opened, tab_to, wait_for_a_retry
from tests.dashboard.loop import run
from tests.dashboard.seen import cells, first_line
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter

ARMED = Start(armed=True, who="ada")
SIZES = ((80, 24), (120, 40))


@pytest.fixture
def counter(rig: Rig, tmp_path: Path) -> Counter:
    made = Counter(rig, tmp_path / "shop")
    rig.stuck(count=4)
    return made


def keys(rig: Rig, *sequences: int) -> Any:
    return [PacketKey(*rig.source, sequence) for sequence in sequences]


def give_up(counter: Counter) -> str:
    """The work of a paid token is given up, as a defect of ours would do; the key of its task."""
    counter.bought(keys(counter.rig, 2))
    database, clock = counter.rig.journal.database, counter.rig.clock
    with database.atomic() as tx:
        at = Moment(clock.now().timestamp(), *clock.boot())
        task = tasks.claim(tx, [PAID_TASK], "a test", at)
        assert task is not None
        tasks.finish(tx, task, Outcome(Status.DEAD, task.data, tries=3, why="a mistake of ours"), clock.now())
    return task.key


async def clear(rig: Rig, *sequences: int) -> Any:
    """An operator's own clear."""
    plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.of(sequences)))
    return await run_clear(rig.desk, plan, Watcher(asyncio.Event(), who="ada"))


@pytest.mark.parametrize("size", SIZES)
def test_a_retry_counts_down_and_says_why_it_waits(counter: Counter, size: tuple[int, int]) -> None:
    wait_for_a_retry(counter)
    rig = counter.rig

    async def scene() -> None:
        async with screen(rig, size=size) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, QueuePanel, "state") == ["◷ waiting"]
            assert cells(pilot, QueuePanel, "tries") == ["1"]
            before = cells(pilot, QueuePanel, "wait")[0]
            assert before.startswith("again in ")
            assert "Hermes said success and did nothing" in before
            rig.clock.step(2)
            await pilot.app.settled()
            assert cells(pilot, QueuePanel, "wait")[0] != before
            rig.clock.step(600)
            await pilot.app.settled()
            assert cells(pilot, QueuePanel, "wait")[0].startswith("due now")
            assert first_line(pilot, QueuePanel) == "✓ 0 under way, 1 waiting"
            assert {"id", "state", "progress", "tries", "wait"} <= set(pilot.app.panel.table.shown_columns)

    run(scene)


def test_what_hermes_says_is_seen_packet_by_packet_while_it_runs(counter: Counter) -> None:
    rig = counter.rig

    async def scene() -> None:
        going, on = asyncio.Event(), asyncio.Event()

        async def half_way(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
            """The first packet is done when everybody looks."""
            events = relayer.relay(job, hermes.keys_of(job)[:1], progress)
            going.set()
            await on.wait()
            return hermes.ran(job, [*events, *relayer.relay(job, hermes.keys_of(job)[1:], progress)])

        rig.relayer.scenarios = [half_way]
        clearing = asyncio.create_task(clear(rig, 1, 2))
        await asyncio.wait({clearing, asyncio.ensure_future(going.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert not clearing.done(), clearing.exception()
        try:
            async with screen(rig) as pilot:
                await opened(pilot, "3")
                assert cells(pilot, QueuePanel, "state") == ["… running"]
                # Steps are written at most every 0.3 s: the latest may still be on its way.
                assert cells(pilot, QueuePanel, "progress")[0] in {"1/2 1 delivered", "1/2 1 acknowledged"}
                assert cells(pilot, QueuePanel, "asked") == ["ada"]
                await pilot.press("enter")
                await pilot.pause()
                said = pilot.app.screen.text
                assert "#1 delivered" in said or "#1 acknowledged" in said
                assert "#2 nothing said yet" in said
                on.set()
                await clearing
                await pilot.app.settled()
                said = pilot.app.screen.text
                assert "✓ cleared: every packet is done" in said
                assert "$ hermes --json clear packets" in said
                assert "✓ #2 delivered, by us" in said
                assert "nothing said yet" not in said
                await pilot.press("escape")
                await pilot.app.settled()
                assert not pilot.app.view.query_one(QueuePanel).table.rows
                assert cells(pilot, DonePanel, "state") == ["✓ cleared"]
        finally:
            on.set()
            await clearing

    run(scene)


def test_what_ended_says_when_for_whom_and_what_its_gas_cost(counter: Counter) -> None:
    token = counter.bought(keys(counter.rig, 1, 2))
    counter.work()
    rig = counter.rig

    async def scene() -> None:
        await watched(rig)
        await clear(rig, 3)
        rig.clock.step(200)
        async with screen(rig, size=(120, 40)) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, DonePanel, "packets") == ["#3", "#1..2"]
            assert cells(pilot, DonePanel, "asked")[0] == "ada"
            assert cells(pilot, DonePanel, "asked")[1].startswith(token.memo[:8])
            assert cells(pilot, DonePanel, "at") == ["3m", "3m"]
            first, second = cells(pilot, DonePanel, "cost")
            assert "stake" in second
            assert "ubeta" in second
            assert first != ""
            await pilot.press("tab", "j", "enter")
            await pilot.pause()
            assert "cost on alpha-1: " in pilot.app.screen.text
            assert f"asked  by token {token.memo}" in pilot.app.screen.text

    run(scene)


def test_an_operation_is_not_called_off_by_a_no_and_can_be_by_a_yes(counter: Counter) -> None:
    wait_for_a_retry(counter)
    rig = counter.rig

    async def scene() -> None:
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            await pilot.press("X")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Confirm)
            await pilot.press("n")
            assert not requests(rig.desk, 9)
            await pilot.press("X")
            await pilot.app.settled()
            # Who carries it out is tested with the requests: here it can be said yes to, and about the right one.
            assert not pilot.app.screen.query_one("#yes").disabled
            (wish,) = pilot.app.panel.wish("cancel")
            assert (wish.verb, wish.subject) == (Verb.CANCEL, pilot.app.panel.table.rows[0].id)
            assert wish.subject.startswith("op-")

    run(scene)


def test_a_person_takes_a_waiting_request_back_and_never_one_that_ended(counter: Counter) -> None:
    rig = counter.rig
    ask(rig.desk, Wish(Verb.RESET, subject="wallet/alpha-1", why="it is well"), "bob")

    async def scene() -> None:
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, RequestsPanel, "state") == ["⧗ requested"]
            await tab_to(pilot, RequestsPanel)
            await pilot.press("X")
            await pilot.pause()
            await pilot.press("escape")
            assert requests(rig.desk, 9)[0].state is RequestState.REQUESTED
            await pilot.press("X")
            await pilot.app.settled()
            await pilot.press("y")
            await pilot.app.settled()
            (view,) = requests(rig.desk, 9)
            assert view.state is RequestState.REFUSED
            assert cells(pilot, RequestsPanel, "state") == ["✗ refused"]
            assert cells(pilot, RequestsPanel, "said") == ["withdrawn by ada"]
            await pilot.press("X")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)
            await pilot.press("enter")
            await pilot.pause()
            assert "said     withdrawn by ada" in pilot.app.screen.text

    run(scene)


def test_a_request_that_somebody_began_meanwhile_is_not_taken_back(counter: Counter) -> None:
    rig = counter.rig
    asked = ask(rig.desk, Wish(Verb.RESET, subject="wallet/alpha-1", why="it is well"), "bob")

    async def scene() -> None:
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            await tab_to(pilot, RequestsPanel)
            await pilot.press("X")
            await pilot.pause()
            await watched(rig)
            await pilot.press("y")
            await pilot.app.settled()
            (view,) = requests(rig.desk, 9)
            assert view.id == asked.id
            assert view.said != "withdrawn by ada"
            assert any("has ended" in one.message for one in pilot.app._notifications)

    run(scene)


def test_a_dead_letter_says_why_and_can_be_tried_again(counter: Counter) -> None:
    key = give_up(counter)
    rig = counter.rig

    async def scene() -> None:
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, DeadPanel, "why") == ["a mistake of ours"]
            assert first_line(pilot, DeadPanel) == "✓ 1 task given up: A tries again"
            await tab_to(pilot, DeadPanel)
            await pilot.press("enter")
            await pilot.pause()
            assert "a mistake of ours" in pilot.app.screen.text
            await pilot.press("escape", "A")
            await pilot.pause()
            await pilot.app.settled()
            assert isinstance(pilot.app.screen, Confirm)
            assert not pilot.app.screen.query_one("#yes").disabled
            (wish,) = pilot.app.panel.wish("retry")
            assert (wish.verb, wish.subject) == (Verb.RETRY, key)

    run(scene)


def test_work_that_was_given_up_before_it_began_is_in_the_queue_too(counter: Counter) -> None:
    give_up(counter)

    async def scene() -> None:
        async with screen(counter.rig, ARMED) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, QueuePanel, "wait") == ["given up: a mistake of ours"]
            await pilot.press("X")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, Confirm)
            assert "relayclear tokens revoke" in next(iter(pilot.app._notifications)).message

    run(scene)


def test_a_low_terminal_shows_two_panels_and_more_only_where_they_tell_something(counter: Counter) -> None:
    rig = counter.rig

    async def scene() -> None:
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            shown = [type(one) for one in pilot.app.view.all_panels if one.display]
            assert shown == [QueuePanel, DonePanel]
            ask(rig.desk, Wish(Verb.RESET, subject="wallet/alpha-1", why="it is well"), "bob")
            await pilot.app.settled()
            await pilot.pause()
            shown = [type(one) for one in pilot.app.view.all_panels if one.display]
            assert shown == [QueuePanel, DonePanel, RequestsPanel]
            seen = [type(pilot.app.panel)]
            for _ in range(2):
                await pilot.press("tab")
                await pilot.pause()
                seen.append(type(pilot.app.panel))
            assert seen == [QueuePanel, DonePanel, RequestsPanel]
            assert pilot.app.panel.size.height > pilot.app.view.query_one(QueuePanel).size.height
            await pilot.resize_terminal(120, 40)
            await pilot.pause()
            assert all(one.display for one in pilot.app.view.all_panels)

    run(scene)


def test_nothing_under_way_is_said_in_words(rig: Rig) -> None:
    async def scene() -> None:
        async with screen(rig, size=(120, 40)) as pilot:
            await opened(pilot, "3")
            assert first_line(pilot, QueuePanel) == "✓ nothing is under way, and nothing waits"
            assert first_line(pilot, DonePanel) == "✓ no operation has ended yet"
            assert first_line(pilot, RequestsPanel) == "✓ nobody has asked for anything"
            assert first_line(pilot, DeadPanel) == "✓ no task was given up"
            rig.clock.step(3600)
            await pilot.app.settled()
            assert first_line(pilot, QueuePanel) == "✓ nothing is under way, and nothing waits"

    run(scene)


def test_the_past_shows_an_operation_as_it_was_then(counter: Counter) -> None:
    rig = counter.rig
    asked_at = rig.clock.now()

    async def scene() -> None:
        operation = await clear(rig, 1)
        rig.clock.step(60)
        async with screen(rig, ARMED) as pilot:
            await opened(pilot, "3")
            assert cells(pilot, DonePanel, "id") == [operation.id]
            pilot.app.as_of = asked_at
            await pilot.app.settled()
            assert cells(pilot, QueuePanel, "id") == [operation.id]
            assert cells(pilot, DonePanel, "id") == []
            assert "then" in first_line(pilot, QueuePanel)
            await pilot.press("enter")
            await pilot.pause()
            assert "delivered" not in pilot.app.screen.text

    run(scene)
