"""Real processes on one file: killed in the middle of a step, or racing for the same tasks."""

from __future__ import annotations

import signal
import subprocess
import sys

from relayclear.bootstrap.desk import SystemClock
from relayclear.engine.verdicts import Done, Verdict
from relayclear.store.tasks import Status, Task
from tests.engine.rig import HandClock, Rig, Script, note, step

WORKER = """
import asyncio, sys
from relayclear.bootstrap.desk import SystemClock
from relayclear.engine.engine import Engine
from relayclear.store.db import open_database

async def handler(task):
    engine.commit(task, lambda tx: tx.execute("INSERT INTO remembered VALUES ('', 'intent', '')"))
    print("in the middle", flush=True)
    await asyncio.Event().wait()

database = open_database(sys.argv[1])
engine = Engine(database, SystemClock())
engine.on("work", handler)
asyncio.run(engine.run(asyncio.Event()))
"""


def test_what_a_killed_process_began_another_one_ends_without_waiting_for_its_lease(rig: Rig) -> None:
    rig.add()
    here = SystemClock().boot()[0]
    with subprocess.Popen([sys.executable, "-c", WORKER, rig.path], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        try:
            assert worker.stdout.readline() == "in the middle\n"
            # Frozen is not gone: who holds the claim may go on at any time.
            worker.send_signal(signal.SIGSTOP)
            rig.clock = HandClock(SystemClock().now().timestamp(), here, SystemClock().boot()[1])
            other = rig.engine()
            other.on("work", Script([Done()]))
            assert not step(other)
        finally:
            worker.send_signal(signal.SIGKILL)
    assert (worker.returncode, rig.notes()) == (-signal.SIGKILL, ["intent"])
    assert (rig.task().lease or "").startswith(f"{worker.pid}:")

    async def finish(task: Task) -> Verdict:
        assert task.crashes == 1
        return Done(note("proof"))

    heir = rig.engine()
    heir.on("work", finish)
    assert step(heir)
    assert (rig.status, rig.notes()) == (Status.DONE, ["intent", "proof"])


RACER = """
import asyncio, sys
from relayclear.bootstrap.desk import SystemClock
from relayclear.engine.engine import Engine
from relayclear.engine.verdicts import Done, Go
from relayclear.store.db import open_database

async def handler(task):
    print(task.key, task.data, flush=True)
    return Go({"step": 2}) if not task.data else Done()

async def race():
    while engine.seconds_to_next() != float("inf"):
        await engine.step()

engine = Engine(open_database(sys.argv[1]), SystemClock())
engine.on("work", handler)
asyncio.run(race())
"""


def test_three_processes_that_race_do_each_step_once(rig: Rig) -> None:
    keys = {f"{number:03}" for number in range(60)}
    for key in keys:
        rig.add(key)
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, rig.path], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [line for racer in racers for line in racer.communicate(timeout=60)[0].splitlines()]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(said) == sorted(f"{key} {data}" for key in keys for data in ({}, {"step": 2}))
