"""Child processes that behave, hang, die and have children."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.hermes import process
from relayclear.hermes.process import Child, Ended, run

# Tells that it is there, then waits for a signal; ignores SIGTERM when told so.
PATIENT = """
import signal, sys
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
# Has a child of its own, which would live on.
FAMILY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; print('ready', flush=True); signal.pause()"])
if "alone" not in sys.argv:
    child.wait()
"""
# Has a child that leaves the group and keeps our end of the output open.
STRANGER = """
import os, subprocess, sys
code = "import os, sys; os.read(int(sys.argv[1]), 1)"
argv = [sys.executable, "-S", "-c", code, sys.argv[1]]
subprocess.Popen(argv, start_new_session=True, pass_fds=[int(sys.argv[1])], stdout=1)
"""


class Script:
    """One run of a Python script, with its output and a hook for its first word."""

    def __init__(self, code: str, *arguments: str, at_first_word: Callable[[Script], object] | None = None) -> None:
        self.out, self.err = b"", b""
        self.pid = 0
        self.stop = asyncio.Event()
        self._at_first_word = at_first_word
        self.child = Child(
            (sys.executable, "-S", "-c", code, *arguments),
            60.0,
            self.stop,
            self._hear,
            self._hear_error,
            self._started,
            grace=20.0,
        )

    def _hear(self, chunk: bytes) -> None:
        first, self.out = not self.out, self.out + chunk
        if first and self._at_first_word:
            self._at_first_word(self)

    def _hear_error(self, chunk: bytes) -> None:
        self.err += chunk

    def _started(self, pid: int) -> None:
        self.pid = pid

    def run(self, **changes: object) -> Ended:
        """Run it to its end in a loop of its own."""
        return asyncio.run(run(replace(self.child, **changes)))  # type: ignore[arg-type]

    def is_gone(self) -> bool:
        """Whether nothing of its group lives."""
        return not process._group_lives(self.pid)


def test_a_child_that_ends_by_itself_tells_its_code_and_all_it_said() -> None:
    script = Script("import sys; print('x' * 200_000); print('oops', file=sys.stderr); sys.exit(3)")
    ended = script.run()
    assert (ended.exit_code, ended.signal, ended.gone, ended.cut) == (3, None, True, None)
    assert (len(script.out), script.err) == (200_001, b"oops\n")
    assert ended.seconds > 0


def test_a_hanging_child_is_ended_at_its_time_limit() -> None:
    script = Script(PATIENT)
    ended = script.run(time_limit=0.05)
    assert (ended.exit_code, ended.gone, ended.cut) == (None, True, "time limit")
    assert script.is_gone()


def test_a_child_that_is_deaf_to_being_asked_is_made_to_end() -> None:
    script = Script(PATIENT, "deaf", at_first_word=lambda script: script.stop.set())
    ended = script.run(grace=0.05)
    assert (ended.exit_code, ended.signal, ended.gone, ended.cut) == (None, signal.SIGKILL, True, "stopped")


def test_a_stopped_child_says_what_it_still_has_to_say() -> None:
    script = Script(
        "print('first', flush=True)\nimport signal\nsignal.pause()", at_first_word=lambda one: one.stop.set()
    )
    assert script.run().signal == signal.SIGTERM
    assert script.out.startswith(b"first")


def test_children_of_the_child_are_ended_with_it() -> None:
    script = Script(FAMILY, at_first_word=lambda script: script.stop.set())
    assert script.run().gone
    assert script.is_gone()


def test_children_that_stay_behind_are_ended_too() -> None:
    script = Script(FAMILY, "alone")
    ended = script.run()
    assert (ended.exit_code, ended.cut, ended.gone) == (0, None, True)
    assert script.is_gone()


def test_a_stranger_that_keeps_the_pipe_open_holds_nobody_up() -> None:
    # It left the group, so it isn't ours to end; it ends when the test's pipe to it does.
    reading, writing = os.pipe()
    script = Script(STRANGER, str(reading))
    try:
        ended = script.run(pass_fds=(reading,), grace=0.2)
    finally:
        os.close(writing)
        os.close(reading)
    assert (ended.exit_code, ended.gone) == (0, True)


def test_a_group_that_may_not_be_signalled_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_group: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    assert process._group_lives(12345)


def test_a_dead_process_that_nobody_collects_counts_as_gone() -> None:
    # As grandchildren are in a container whose first process doesn't care for orphans.
    waiting = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    child = subprocess.Popen(waiting, stdin=subprocess.PIPE, start_new_session=True)
    assert child.stdin is not None
    assert process._group_lives(child.pid)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    os.killpg(child.pid, 0)
    assert not process._group_lives(child.pid)
    child.wait()


def test_a_child_killed_by_somebody_else_did_not_end_by_itself() -> None:
    script = Script(PATIENT, at_first_word=lambda script: os.kill(script.pid, signal.SIGKILL))
    ended = script.run()
    assert (ended.exit_code, ended.signal, ended.gone, ended.cut) == (None, signal.SIGKILL, True, None)


def test_a_cancelled_run_ends_the_child_first() -> None:
    async def cancelled() -> Script:
        script = Script(PATIENT, at_first_word=lambda _: task.cancel())
        task = asyncio.create_task(run(script.child))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert script.is_gone()
        return script

    assert asyncio.run(cancelled()).out.startswith(b"ready")


def test_a_second_cancellation_does_not_leave_the_child_behind() -> None:
    async def cancelled_twice() -> None:
        script = Script(PATIENT, "deaf", at_first_word=lambda _: task.cancel())
        task = asyncio.create_task(run(replace(script.child, grace=0.2)))
        asyncio.get_running_loop().call_later(0.1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert script.is_gone()

    asyncio.run(cancelled_twice())


def test_a_child_reads_nothing_and_inherits_only_what_it_is_given(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdin.read() == '', sorted(os.listdir('/proc/self/fd')))"
    with (tmp_path / "given").open("w") as given, (tmp_path / "kept").open("w") as kept:
        script = Script(code)
        script.run(pass_fds=(given.fileno(),))
        shown = script.out.decode()
        assert shown.startswith("True")
        assert f"'{given.fileno()}'" in shown
        assert f"'{kept.fileno()}'" not in shown


def test_a_child_sees_the_environment_it_is_given() -> None:
    script = Script("import os; print(os.environ.get('WORD'))")
    script.run(env={"WORD": "here"})
    assert script.out == b"here\n"


@pytest.mark.parametrize("argv", [("/nowhere/hermes",), ("/tmp",), ("a\0b",)])  # noqa: S108 - a folder can't be run
def test_a_program_that_cannot_be_started_raises_and_leaves_nothing_open(argv: tuple[str, ...]) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises((OSError, ValueError)):
        Script("").run(argv=argv)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_an_error_of_whoever_listens_is_raised_after_the_child_is_gone() -> None:
    def broken(_: bytes) -> None:
        message = "the listener broke"
        raise ValueError(message)

    script = Script("print('word')")
    with pytest.raises(ValueError, match="the listener broke"):
        script.run(on_stdout=broken)
    assert script.is_gone()
