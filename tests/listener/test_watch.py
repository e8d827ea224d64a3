"""`watch --listen`: the port opens with the daemon and goes with it, and an unsafe one keeps it from starting."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relayclear.errors import ConfigError
from relayclear.usecases.watching import being_alone
from relayclear.watch import Listen, Rhythm, Watch
from tests.fakes.rig import Rig
from tests.test_watch import Lines, SharedClock, until

TOKEN = "correct-horse-" + "battery-staple"


@pytest.fixture
def shared(rig: Rig) -> Iterator[Rig]:
    """The rig with a clock that the test moves on."""
    rig.clock = SharedClock(rig.world)
    with being_alone(rig.desk):
        yield rig


def test_the_running_daemon_answers_and_its_end_closes_the_port(shared: Rig) -> None:
    log = Lines()
    watch = Watch(shared.desk, Rhythm(5.0, 1), log, asyncio.Event(), listen=Listen("127.0.0.1:0", TOKEN))
    answers: list[httpx.Response] = []

    async def ask() -> None:
        """Ask as soon as it listens and has scanned."""
        while "scanned" not in log.events() or not watch.vitals._counted:  # noqa: ASYNC110 - what it waits for is a log
            await asyncio.sleep(0)
        # One heartbeat later what was noted is written.
        for _ in range(50):
            await asyncio.sleep(0)
        (port,) = [fields["port"] for _, event, fields in log.told if event == "listening"]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            headers = {"authorization": f"Bearer {TOKEN}"}
            answers.extend([await client.get(page, headers=headers) for page in ("/health/live", "/metrics")])

    async def both() -> None:
        """Run it and ask it."""
        asking = asyncio.create_task(ask())
        await until(watch, asking.done)
        await asking

    asyncio.run(both())
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "relayclear_health_level" in answers[1].text
    assert TOKEN not in str(log.told)
    assert TOKEN not in repr(watch)
    (port,) = [fields["port"] for _, event, fields in log.told if event == "listening"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_hermes_that_hangs_does_not_hold_up_the_end(shared: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = asyncio.Event(), list[bool]()

    async def hangs(*, again: bool = False) -> str:
        """Never tells its version."""
        del again
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return ""

    monkeypatch.setattr(shared.relayer, "version", hangs)
    watch = Watch(shared.desk, Rhythm(5.0, 1), Lines(), asyncio.Event())

    async def run() -> list[bool]:
        """To its end; what had ended by then."""
        await until(watch, begun.is_set)
        return [*ended]

    assert asyncio.run(run()) == [True]


@pytest.mark.parametrize("listen", [Listen("0.0.0.0:0"), Listen("127.0.0.1:0", "short")])
def test_an_unsafe_port_keeps_the_daemon_from_starting(shared: Rig, listen: Listen) -> None:
    watch = Watch(shared.desk, Rhythm(), Lines(), asyncio.Event(), listen=listen)
    with pytest.raises(ConfigError):
        asyncio.run(watch.run())
    assert shared.journal.database.rows("SELECT * FROM watchers") == []


CONFIG = Path(__file__).parents[1] / "hermes" / "configs" / "v1_10.toml"


def program(tmp_path: Path, *words: str, token: tuple[str, int] | None = None) -> list[str]:
    """The command line of a daemon over a Hermes config whose nodes aren't there."""
    config = tmp_path / "relayclear.toml"
    text = ""
    if token is not None:
        file = tmp_path / "token"
        file.write_text(token[0])
        file.chmod(token[1])
        text = f'[watch]\ntoken_file = "{file}"\n'
    config.write_text(text)
    options = ("--config", str(config), "--hermes-config", str(CONFIG), "--db", str(tmp_path / "r.db"))
    return [sys.executable, "-m", "relayclear", *options, "watch", *words]


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        (("--listen", "0.0.0.0:9464"), None, "asks for no token"),
        (("--listen", "9464"), None, "watch.listen"),
        (("--listen", "127.0.0.1:0"), (TOKEN, 0o644), "others may read"),
        (("--listen", "127.0.0.1:0"), ("hunter2\n", 0o600), "fewer than 16"),
        (("--listen", "127.0.0.1:0"), ("two words of a poem\n", 0o600), "holds no token"),
        (("--listen", "127.0.0.1:0"), ("x" * 2000, 0o600), "holds no token"),
    ],
)
def test_what_is_wrong_with_the_port_or_its_token_is_said_at_once_and_exits_two(
    tmp_path: Path, words: tuple[str, ...], token: tuple[str, int] | None, said: str
) -> None:
    done = subprocess.run(
        program(tmp_path, *words, token=token),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=_home(tmp_path),
    )
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "hunter2" not in done.stderr


def _home(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELAYCLEAR_", "XDG_"))}
    return kept | {"HOME": str(tmp_path)}


def test_a_daemon_whose_nodes_are_all_away_lives_and_says_so_without_a_web_server_where_nobody_listens(
    tmp_path: Path,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = program(tmp_path, "--listen", f"127.0.0.1:{port}", "--log-format", "json")
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=_home(tmp_path)) as daemon:
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if '"listening"' in line:
                break
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert client.get("/health/live").status_code == 200
            assert client.get("/health/ready").status_code == 503
            assert client.get("/health").json()["level"] in {"healthy", "degraded", "critical"}
        daemon.send_signal(signal.SIGTERM)
        daemon.stderr.read()
        assert daemon.wait(30) == 0
    loads = "import sys, relayclear.watch; print({'starlette', 'uvicorn', 'prometheus_client'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "set()"
