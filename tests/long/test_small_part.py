"""A small fixed part of what `python -m tests.long` runs for hours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import pytest

from tests.long.drill import drill
from tests.long.mutations import Trial, breaking, mutations
from tests.long.soak import soak
from tests.long.trouble import Pace, freeze_daemon, goes_through, kill_daemon, kill_sweep
from tests.long.worlds import History

# What is killed or frozen in a test has to be free again soon.
HURRIED = Pace(lease=1.0, within=1.5, speed=8.0)


@pytest.mark.parametrize("seed", range(6))
def test_no_history_loses_or_makes_a_coin_or_ends_a_packet_twice(seed: int) -> None:
    history = History(seed)
    history.run()
    assert history.sent


def test_killed_and_frozen_it_loses_a_payment_or_gives_one_back_twice(tmp_path: Path) -> None:
    goes_through([kill_daemon, kill_sweep, freeze_daemon], tmp_path / "world", 3, HURRIED)


def test_a_backup_put_back_elsewhere_sends_a_refund_or_clears_a_packet_again(tmp_path: Path) -> None:
    drill(tmp_path / "world", 5, HURRIED)


@pytest.mark.parametrize("seed", range(2))
def test_a_changed_answer_of_a_node_or_hermes_crashes_it_or_makes_a_wrong_fate(tmp_path: Path, seed: int) -> None:
    mutations(tmp_path, 60, seed)


def test_what_was_changed_before_changes_what_a_case_is() -> None:
    body = json.dumps({"id": 0, "result": {"rows": [1, [2, {"value": "x"}], [3]], "height": "7"}}).encode()
    cases = range(3000)

    def changed(number: int) -> bytes:
        """What becomes of one reply after another: three in a row, as a node gives them."""
        trial = Trial(Random(number))
        return b"".join(trial.reply(200, body)[1] for _ in range(3))

    assert {one: changed(one) for one in cases} == {one: changed(one) for one in reversed(cases)}


def test_what_breaks_where_nobody_waits_for_it_counts_as_well() -> None:
    loop = asyncio.new_event_loop()

    async def nobody_waits() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.wait([task])

    async def fails() -> None:
        raise TypeError("nonsense")

    with breaking(loop) as broken:
        loop.run_until_complete(nobody_waits())
        assert [str(error) for error in broken] == ["nonsense"]
    loop.close()


def test_faults_and_kills_every_few_seconds_leave_a_task_or_a_wrong_book_behind(tmp_path: Path) -> None:
    soak(tmp_path / "world", 60.0, 2, HURRIED)
