"""The alert command: no shell, its input, its limit, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relayclear.alerts.command import Command
from relayclear.errors import AlertError

AT = datetime(2026, 11, 1, tzinfo=UTC)
BODY = b'{"alerts":[{"text":"$(touch /tmp/x); `id`"}]}'
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def call(argv: list[str], seconds: float = 20.0, environ: dict[str, str] | None = None) -> str:
    return asyncio.run(Command(argv, seconds, environ or ENVIRON).call(BODY, AT))


def test_the_batch_arrives_on_standard_input_as_it_is(tmp_path: Path) -> None:
    to = tmp_path / "got"
    assert call(python(f"import sys; open({str(to)!r}, 'wb').write(sys.stdin.buffer.read())")) == "0"
    assert to.read_bytes() == BODY
    assert json.loads(to.read_bytes())


def test_no_word_is_read_by_a_shell(tmp_path: Path) -> None:
    to = tmp_path / "argv"
    script = f"import sys, json; json.dump(sys.argv[1:], open({str(to)!r}, 'w'))"
    words = ["$HOME", "a; touch b", "`id`", "* ?", ""]
    call([*python(script), *words])
    assert json.loads(to.read_text()) == words


def test_it_learns_nothing_that_is_ours_alone(tmp_path: Path) -> None:
    to = tmp_path / "environ"
    secret = {
        "RELAYCLEAR_PASSPHRASE_FILE": "/p",
        "CREDENTIALS_DIRECTORY": "/run/c",
        "NOTIFY_SOCKET": "/n",
        "WATCHDOG_USEC": "1",
    }
    call(python(f"import os, json; json.dump(dict(os.environ), open({str(to)!r}, 'w'))"), environ={**ENVIRON, **secret})
    got = json.loads(to.read_text())
    assert got["HOME"] == "/nowhere"
    assert not secret.keys() & got.keys()


def test_one_that_fails_says_how_and_its_last_words() -> None:
    with pytest.raises(AlertError, match=r"it ended with 3 x+ the mail server is away$"):
        call(python("import sys; sys.stderr.write('x' * 9000 + '\\nthe mail server\\n is away\\n'); sys.exit(3)"))


def test_one_that_is_not_there_is_a_failure_and_no_crash() -> None:
    with pytest.raises(AlertError, match="can't be started: No such file"):
        call(["/nowhere/at/all"])
    with pytest.raises(AlertError, match="can't be started"):
        call(["a\0b"])


def test_one_that_reads_nothing_is_judged_by_how_it_ends() -> None:
    big = b"x" * 2_000_000
    assert asyncio.run(Command(python("pass"), 20.0, ENVIRON).call(big, AT)) == "0"


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(600)"
    )
    with pytest.raises(AlertError, match="wasn't done within"):
        call(python(script), 2.0)
    assert not [pid for pid in pids.read_text().split() if alive(int(pid))]


def alive(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
    return True


def test_a_stop_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    async def stopped() -> None:
        running = asyncio.create_task(Command(python(script), 60.0, ENVIRON).call(BODY, AT))
        async with asyncio.timeout(20):
            while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(stopped())
    assert not alive(int(pid.read_text()))
